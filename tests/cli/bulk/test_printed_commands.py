"""The commands that a run prints work as they stand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import pytest

from tests.cli.bulk.conftest import RUN, SECRET_SPEC, SPEC, Told, many, send, sent, steady, typed, write

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


def test_the_commands_that_a_sandboxed_run_names_stay_in_the_sandbox(cli: CommandLine, server: CapturingServer) -> None:
    write("rows.csv", "id,order\nu1,x\nu2,2\n")
    command = send(cli, "--rows", "rows.csv", "--sandbox", "--map", "user=id").err[1]
    assert command == "  runner runs failed RUN | runner send purchase.yaml --rows - --map user=id --sandbox"
    assert server.received == []


CONFIRMED = "profiles: {live: {confirm: true, vars: {amount: 7}}}"
MAP = " --map 'user=user name'"


@pytest.mark.parametrize(
    ("here", "spec", "files", "args", "where", "flags"),
    [
        pytest.param(".", "purchase.yaml", {}, "", "", MAP, id="no configuration"),
        pytest.param(".", "a/b c/purchase.yaml", {"a/b c/runner.yaml": "profiles: {}"}, "",
                     " --config 'a/b c/runner.yaml'", MAP, id="configuration beside a spec far below"),
        pytest.param("here", "../specs/purchase.yaml",
                     {"specs/runner.yaml": CONFIRMED, "here/runner.yaml": "profiles: {}"}, " --profile live --yes",
                     " --config ../specs/runner.yaml", f"{MAP} --profile live --yes", id="a profile that asks"),
        pytest.param(".", "purchase.yaml", {"a/b/mine.yaml": "profiles: {}"},
                     " --config a/b/mine.yaml --var-json amount=1.5 --ignore-extra", " --config a/b/mine.yaml",
                     f" --var-json amount=1.5{MAP} --config a/b/mine.yaml --ignore-extra", id="configuration elsewhere"),
        pytest.param("project/sub", "../../specs/purchase.yaml",
                     {"project/.git/HEAD": "", "project/runner.yaml": "profiles: {}"}, "", "", MAP,
                     id="configuration of the working directory alone"),
    ],
)  # fmt: skip
def test_the_commands_that_a_run_names_work_where_they_are_printed(
    here: str, spec: str, files: dict[str, str], args: str, where: str, flags: str, cli: CommandLine,
    server: CapturingServer, shell_path: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    environ = cli.environ | {"PATH": shell_path}
    for name, content in {**files, f"{here}/{spec}": SPEC, f"{here}/x": ""}.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        write(name, content)
    monkeypatch.chdir(here)
    write("my rows.csv", "user name,order\n" + "".join(f"u{number},{number}\n" for number in range(1, 16)))
    records: list[object] = [{"status": "success", "status_code": 202}, {"status": "queued"}]
    records += [{"status": "error", "status_code": 404, "error": {"message": "no"}}] * 13
    server.answers.append((207, {"status": "success", "records": records}))
    began = pasted(f"runner send {quote(spec)} --rows 'my rows.csv'{MAP} --retries 0{args}", environ)
    [run] = RUN.findall(began.raw.splitlines()[-1])
    show = began.raw.splitlines()[10].partition(" more: ")[2]
    failed, resume = (line.strip().replace("RUN", run) for line in began.err if line.startswith("  runner "))
    assert (show, resume, failed) == (
        f"runner runs show {run}{where}",
        f"runner send --resume {run}{where}",
        f"runner runs failed {run}{where} | runner send {quote(spec)} --rows -{flags}",
    )

    server.received.clear()
    told = [pasted(command, environ) for command in (show, f"{resume}{' --yes' * ('live' in args)}", failed)]
    assert [told[0].code, len(told[0].out)] == [0, 15]
    assert [each[:2] for each in told[1:]] == [
        (1, ["15 rows: 2 accepted, 13 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"]),
        (0, ["13 rows: 13 accepted, 0 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"]),
    ]
    assert [user for user, *_ in sent(server)] == ["u2", *(f"u{number}" for number in range(3, 16))]


def pasted(command: str, environ: dict[str, str]) -> Told:
    """Run a command in a shell, as somebody who pastes it there."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
    ended = subprocess.run(
        ["sh", "-c", command], env={**clean, **environ}, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Told(ended.returncode, steady(ended.stdout), steady(ended.stderr), ended.stdout)


def test_a_resume_that_needs_a_secret_is_named_with_it(cli: CommandLine, server: CapturingServer) -> None:
    write("secret.yaml", SECRET_SPEC)
    server.answers.append((502, b"<html></html>"))
    ended = send(
        cli, "--rows", write("rows.csv", "user\nu1\n"), "--var", "token=t", "--retries", "0", spec="secret.yaml"
    )
    assert ended.err[0] == "  runner send --resume RUN --var token=…"


def test_a_folder_with_one_spec_names_it(cli: CommandLine, server: CapturingServer) -> None:
    Path("specs").mkdir()
    write("specs/purchase.yaml", SPEC)
    server.answers.append((502, b"<html></html>"))
    assert send(cli, "--rows", many(2), "--retries", "0", spec="specs").code == 7
    assert typed(cli, "send", "--resume", "last").code == 0
