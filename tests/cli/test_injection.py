"""Whatever data says, no terminal obeys it and no workflow on GitHub takes it for a command: whole processes, all that they print."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.processes import Preloaded, run_preloaded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.capturing import CapturingServer

COMMAND = "\n \u3000::add-mask::pwned\r\n##[add-mask]pwned\n::add-mask::pwned\r::add-mask::pwned"
INVISIBLE = "\xad\u034f\u115f\u180e\u200b\u200c\u200d\u2063\u206a\u3164\ufe0f\ufeff\ufff9\U0001d173\U000e0041\U000e0101"
CONTROLS = f"\x1b[2J\x1b[35;7m\x9b2J\x07\x08\x7f\u202e\u061c\u2066\u2028\u0085{INVISIBLE}"
HOSTILE = f"{CONTROLS}{COMMAND}"
NAME = HOSTILE.replace("/", "")
RAW = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u202e\u2066\u2028{INVISIBLE}]|\x1b\[(?:2J|35)")


def quoted(text: str) -> str:
    """Quote a text for YAML, which has no pairs of surrogates."""
    return "".join(f"\\U{ord(char):08x}" if char > "\uffff" else json.dumps(char)[1:-1] for char in text).join('""')


QUOTED = quoted(HOSTILE)
SPEC = """version: 1
vars: {user: {type: string}, note: {type: string, default: ""}}
event: order_placed
distinct_id: "{{ user }}"
idempotency_key: "{{ user }}-1"
properties: {note: "{{ note }}"}
"""
CASES = f"""tests:
  - {{name: {QUOTED}, vars: {{user: u1}}, expect: {{event: {{event: {QUOTED}}}}}}}
  - {{name: {quoted("skip" + HOSTILE)}, skip: {QUOTED}, vars: {{user: u1}}, expect: {{event: {{event: order_placed}}}}}}
  - {{name: {quoted("xfail" + HOSTILE)}, xfail: {QUOTED}, vars: {{user: u1}}, expect: {{event: {{event: order}}}}}}
  - {{name: {quoted("xpass" + HOSTILE)}, xfail: {QUOTED}, vars: {{user: u1}}, expect: {{event: {{event: order_placed}}}}}}
"""
REFUSED = {"status": "error", "error": {"message": HOSTILE, "type": HOSTILE}}
RECORDS = {"status": "success", "records": [{"status": "error", "status_code": 400, "error": REFUSED["error"]}]}


class Way(NamedTuple):
    """How to have something hostile printed: a command, and what the server answers before it accepts."""

    command: list[str]
    answers: list[tuple[int, object]] = []  # noqa: RUF012 - nobody changes it


RUNNER = ["runner"]
SEND = [*RUNNER, "send", "specs/a.yaml", "--var", "user=u1"]
WAYS = {
    "refusal": Way(SEND, [(400, REFUSED)]),
    "refusal, as JSON": Way([*SEND, "-o", "json"], [(400, REFUSED)]),
    "refusal, as annotation": Way([*SEND, "-o", "github"], [(400, REFUSED)]),
    "refusal that is no JSON": Way(SEND, [(400, HOSTILE.encode())]),
    "retry": Way([*SEND, "--retries", "1"], [(503, REFUSED), (503, REFUSED)]),
    "message id": Way(SEND, [(202, {"status": "success", "message_id": HOSTILE})]),
    "rows refused": Way([*RUNNER, "send", "specs/a.yaml", "--rows", "rows.csv"], [(207, RECORDS)]),
    "rows refused, as JSON": Way([*RUNNER, "send", "specs/a.yaml", "--rows", "rows.csv", "-o", "json"], [(207, RECORDS)]),
    "rows with an unknown column": Way([*RUNNER, "send", "specs/a.yaml", "--rows", "names.csv"]),
    "dry run": Way([*SEND, "--dry-run", "--var", f"note={HOSTILE}"]),
    "render": Way([*RUNNER, "render", "specs/a.yaml", "--var", "user=u1", "--var", f"note={HOSTILE}"]),
    "render, indented": Way([*RUNNER, "render", "specs/a.yaml", "--var", "user=u1", "--var", f"note={HOSTILE}", "-o", "pretty"]),
    "render as curl": Way([*RUNNER, "render", "specs/a.yaml", "--var", "user=u1", "--var", f"note={HOSTILE}", "--as", "curl"]),
    "render rows": Way([*RUNNER, "render", "specs/a.yaml", "--rows", "rows.csv"]),
    "variable's name": Way([*RUNNER, "render", "specs/a.yaml", "--var", f"{HOSTILE}=x"]),
    "profile's name": Way([*SEND, "--profile", HOSTILE]),
    "label": Way([*SEND, "--label", HOSTILE]),
    "case's name": Way([*RUNNER, "render", "specs/a.yaml", "--case", HOSTILE]),
    "command": Way([*RUNNER, HOSTILE]),
    "list": Way([*RUNNER, "list"]),
    "list of one": Way([*RUNNER, "list", f"specs/{NAME}.yaml"]),
    "explain": Way([*RUNNER, "explain", HOSTILE]),
    "help": Way([*RUNNER, "help", HOSTILE]),
    "option": Way([*RUNNER, "send", f"--{HOSTILE}"]),
    "run": Way([*RUNNER, "runs", "show", HOSTILE]),
    "file's name": Way([*RUNNER, "validate", "specs"]),
    "file's name, as annotation": Way([*RUNNER, "validate", "specs", "-o", "github"]),
    "file that is not there": Way([*RUNNER, "validate", HOSTILE]),
    "cassettes": Way([*RUNNER, "cassette", "list"]),
    "cassettes checked": Way([*RUNNER, "cassette", "check"]),
    "cases": Way([*RUNNER, "test", "specs/a.yaml"]),
    "cases, each told": Way([*RUNNER, "test", "-v", "specs/a.yaml"]),
    "cases, as JSON": Way([*RUNNER, "test", "specs/a.yaml", "-o", "json"]),
    "cases of a file with a name": Way([*RUNNER, "test", "-v", "specs"]),
    "folder's name": Way([*RUNNER, "test", f"folders/{NAME}/specs"]),
    "folder's name, told": Way([*RUNNER, "test", "-v", f"folders/{NAME}"]),
    "folder's name, listed": Way([*RUNNER, "test", "folders", "--", "--collect-only"]),
    "case of a folder with a name": Way([*RUNNER, "test", f"folders/{NAME}/specs/a.yaml::one"]),
    "flag for pytest": Way([*RUNNER, "test", "specs/a.yaml", "--", f"--{HOSTILE}"]),
    "argument for pytest": Way([*RUNNER, "test", "specs/a.yaml", "--color", "always", "--", "-W", HOSTILE]),
    "plugin for pytest": Way([*RUNNER, "test", "specs/a.yaml", "--", "-p", HOSTILE]),
    "expression for pytest": Way([*RUNNER, "test", "specs/a.yaml", "--", "-m", f"({HOSTILE}"]),
    "report's name": Way([*RUNNER, "test", "specs/a.yaml", "--color", "always", "--junit-xml", f"out/{NAME}"]),
    "cases of a file with a name, at length": Way([*RUNNER, "test", "cases", "--", "-vv"]),
    "a case that is not there": Way([*RUNNER, "test", "-k", HOSTILE, "specs/a.yaml"]),
    "pytest": Way(["pytest", "-ra", "-v", "-p", "no:cacheprovider", "-o", "runner_specs=specs", "specs"]),
}  # fmt: skip


SHOWS_NONE_OF_IT = {
    "rows refused", "case of a folder with a name", "variable's name", "profile's name", "label", "case's name", "run", "file that is not there",
    "cassettes checked", "option", "explain",
}  # fmt: skip
"""An argument that may hold a secret is not repeated, and what a table has no room for is left out."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name in ("specs", "cases", "cassettes", ".git"):
        (folder / name).mkdir(parents=True)
    for path in (folder / "specs" / "a.yaml", folder / "cases" / f"{NAME}.yaml"):
        path.write_text(SPEC + CASES)
    (folder / "specs" / f"{NAME}.yaml").write_text(f"{SPEC}{QUOTED}: 1\nlabels: [{QUOTED}]\n{CASES}")
    inner = folder / "folders" / NAME
    for name in ("specs", ".git"):
        (inner / name).mkdir(parents=True)
    (inner / "specs" / "a.yaml").write_text(
        f"{SPEC}tests: [{{name: one, vars: {{user: u1}}, expect: {{event: {{event: order_placed}}}}}}]\n"
    )
    (folder / "cassettes" / f"{NAME}.yaml").write_text(f"version: 1\ninteractions: {QUOTED}\n")
    with (folder / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["user", "note"], ["u1", HOSTILE]])
    with (folder / "names.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["user", HOSTILE], ["u1", "x"]])
    return folder


def environment(server: CapturingServer, *, github: bool) -> dict[str, str]:
    own = ("SUPRSEND_", "RUNNER_", "GITHUB_", "PYTEST_", "CI")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    clean |= {"SUPRSEND_WORKSPACE_KEY": "wk", "SUPRSEND_WORKSPACE_SECRET": "a-secret-of-tests", "TERM": "xterm"}
    return clean | {"SUPRSEND_BASE_URL": server.base_url} | ({"GITHUB_ACTIONS": "true"} if github else {})


def in_a_pipe(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    ended = run_preloaded(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60
    )
    return ended.stdout.decode()


def on_a_terminal(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    ours, theirs = pty.openpty()
    process = Preloaded(command, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)

    def pieces() -> Iterator[bytes]:
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                return
            yield piece

    printed = b"".join(pieces())
    process.wait(timeout=60)
    os.close(ours)
    return printed.decode().replace("\r\n", "\n")


def commands_of(printed: str) -> list[str]:
    """List what GitHub's runner takes for a command: see ActionCommand.cs there."""
    taken = []
    for line in re.split(r"\r\n|\r|\n", printed):
        text = line.lstrip()
        if text.startswith("::") or "##[" in text:
            taken.append(text)
    return taken


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
def test_no_data_reaches_a_log_as_a_control_or_a_command(name: str, project: Path, server: CapturingServer) -> None:
    way = WAYS[name]
    server.answers.extend(way.answers)
    printed = in_a_pipe(way.command, project, environment(server, github=True))
    assert "pwned" in printed or name in SHOWS_NONE_OF_IT
    assert RAW.search(printed) is None
    own = re.compile(r"::(?:error|warning|notice) [^:]*::")
    assert [command for command in commands_of(printed) if not own.match(command)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
def test_no_data_reaches_a_terminal_as_a_control(name: str, project: Path, server: CapturingServer) -> None:
    server.answers.extend(WAYS[name].answers)
    printed = on_a_terminal(WAYS[name].command, project, environment(server, github=False))
    assert printed
    assert RAW.search(printed) is None


def test_failed_rows_are_exact_in_a_pipe_and_shown_on_a_terminal(project: Path, server: CapturingServer) -> None:
    server.answers.append((207, RECORDS))
    environ = environment(server, github=False)
    in_a_pipe([*RUNNER, "send", "specs/a.yaml", "--rows", "rows.csv"], project, environ)
    failed = [*RUNNER, "runs", "failed"]
    exact = run_preloaded(failed, cwd=project, env=environ, capture_output=True, check=True).stdout.decode()
    assert list(csv.reader(exact.splitlines(keepends=True)))[1][-1] == HOSTILE
    assert RAW.search(on_a_terminal(failed, project, environ)) is None
    assert RAW.search(on_a_terminal([*RUNNER, "runs", "show"], project, environ)) is None


def test_rows_that_a_workflow_would_obey_go_to_a_file_or_as_json(project: Path, server: CapturingServer) -> None:
    server.answers.append((207, RECORDS))
    in_a_pipe([*RUNNER, "send", "specs/a.yaml", "--rows", "rows.csv"], project, environment(server, github=False))
    environ, failed = environment(server, github=True), [*RUNNER, "runs", "failed"]
    refused = run_preloaded(failed, cwd=project, env=environ, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "pwned" not in refused.stdout
    assert refused.stderr.startswith("error[workflow-command]: ")
    with (project / "again.csv").open("w+b") as file:
        assert run_preloaded(failed, cwd=project, env=environ, stdout=file, check=True).returncode == 0
    with (project / "again.csv").open(newline="", encoding="utf-8") as written:
        assert list(csv.reader(written))[1][-1] == HOSTILE
    as_json = run_preloaded([*failed, "-o", "jsonl"], cwd=project, env=environ, capture_output=True, check=True)
    assert commands_of(as_json.stdout.decode()) == []
    assert json.loads(as_json.stdout)["note"] == HOSTILE


@pytest.mark.parametrize("cell", ["a\r::add-mask::pwned", "a\n\ufeff ::add-mask::pwned"])
def test_a_workflow_takes_no_command_from_any_line_of_a_row(project: Path, server: CapturingServer, cell: str) -> None:
    with (project / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["user", "note"], ["u1", cell]])
    server.answers.append((207, RECORDS))
    environ = environment(server, github=True)
    in_a_pipe([*RUNNER, "send", "specs/a.yaml", "--rows", "rows.csv"], project, environ)
    failed = run_preloaded([*RUNNER, "runs", "failed"], cwd=project, env=environ, capture_output=True, check=False)
    assert failed.returncode == 2
    assert b"pwned" not in failed.stdout


def test_rows_that_hold_no_command_are_exact_in_a_workflow_too(project: Path, server: CapturingServer) -> None:
    (project / "rows.csv").write_text("user,note\nu1,a::b # [x]\n")
    server.answers.append((207, RECORDS))
    environ = environment(server, github=True)
    in_a_pipe([*RUNNER, "send", "specs/a.yaml", "--rows", "rows.csv"], project, environ)
    failed = run_preloaded([*RUNNER, "runs", "failed"], cwd=project, env=environ, capture_output=True, check=True)
    exact = re.compile(rb"\$row,user,note\n[0-9a-f-]+:1,u1,a::b # \[x\]\n")
    assert (exact.fullmatch(failed.stdout) is not None, failed.stderr) == (True, b""), failed.stdout


@pytest.mark.parametrize("name", ["a::b[c]\x1b", "a[b]::c\x1b]", "::[\x1b", "a[\x9b", "a::b[c]"])
def test_cases_run_whatever_the_name_of_their_file(project: Path, server: CapturingServer, name: str) -> None:
    for path in (project / "specs").iterdir():
        path.unlink()
    case = "tests: [{name: one, vars: {user: u1}, expect: {event: {event: order_placed}}}]\n"
    (project / "specs" / f"{name}.yaml").write_text(SPEC + case)
    environ = environment(server, github=False)
    ended = run_preloaded([*RUNNER, "test", "specs"], cwd=project, env=environ, capture_output=True, check=False)
    assert (ended.returncode, b"1 passed" in ended.stdout) == (0, True), ended.stdout
    assert RAW.search(ended.stdout.decode()) is None


def test_pytest_paints_what_it_says_and_data_paints_nothing(project: Path, server: CapturingServer) -> None:
    (project / "specs" / f"{NAME}.yaml").unlink()
    case = f"tests: [{{name: one, skip: {quoted(HOSTILE)}, vars: {{user: u1}}, expect: {{event: {{event: order_placed}}}}}}]\n"
    (project / "specs" / "a.yaml").write_text(SPEC + case)
    command = [*RUNNER, "test", "--color", "always", "specs", "--junit-xml", "\x1b[31mx.xml"]
    ended = run_preloaded(
        command, cwd=project, env=environment(server, github=False), capture_output=True, text=True, check=True
    )
    assert "\x1b[33mSKIPPED\x1b[0m [1] specs/a.yaml" in ended.stdout
    assert "\\x1b[31mx.xml" in ended.stdout
    assert "\x1b[31m" not in ended.stdout


def test_two_cases_that_look_alike_are_two_results(project: Path, server: CapturingServer) -> None:
    (project / "specs" / f"{NAME}.yaml").unlink()
    cases = ["a\x1b", "a\\x1b"]
    tests = "".join(
        f"  - {{name: {json.dumps(name)}, vars: {{user: u1}}, expect: {{event: {{distinct_id: u{number}}}}}}}\n"
        for number, name in enumerate(cases)
    )
    (project / "specs" / "a.yaml").write_text(f"{SPEC}tests:\n{tests}")
    ended = run_preloaded(
        [*RUNNER, "test", "specs", "-o", "json"], cwd=project, env=environment(server, github=False), capture_output=True,
        check=False,
    )  # fmt: skip
    told = json.loads(ended.stdout)
    assert [(each["case"], each["state"]) for each in told["cases"]] == [(cases[0], "failed"), (cases[1], "passed")]
    assert ended.returncode == 1


def test_rendered_json_is_the_same_value_in_a_workflow(project: Path, server: CapturingServer) -> None:
    render = WAYS["render"].command
    for github in (False, True):
        ended = run_preloaded(
            render, cwd=project, env=environment(server, github=github), capture_output=True, check=True
        )
        assert json.loads(ended.stdout)["properties"]["note"] == HOSTILE
