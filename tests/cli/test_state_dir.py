"""Where runs are kept, and what is said where this machine has no room for them."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from shlex import split
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import CREDENTIALS

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

SPEC = """\
version: 1
vars: {user: {type: string}}
event: order_placed
distinct_id: "{{ user }}"
"""
REFUSAL = {"status": "error", "status_code": 400, "error": {"message": "no", "type": "x"}}
TAKEN = {"status": "success", "status_code": 202}
ANOTHER_FOLDER = "  = keep runs in another folder: --state-dir DIR, or RUNNER_STATE_DIR=DIR in the environment\n"


@pytest.fixture
def cli(cli: CommandLine, in_tmp: Path, server: CapturingServer) -> CommandLine:
    (in_tmp / "order.yaml").write_text(SPEC)
    (in_tmp / "rows.csv").write_text("user\nu1\nu2\nu3\n")
    cli.environ = CREDENTIALS | {"SUPRSEND_BASE_URL": server.base_url}
    return cli


@pytest.mark.parametrize("by", ["flag", "environment"])
def test_runs_are_kept_in_the_folder_that_a_flag_or_the_environment_names(
    by: str, cli: CommandLine, server: CapturingServer, tmp_path: Path
) -> None:
    state = tmp_path / "my state"
    flag = ("--state-dir", str(state)) if by == "flag" else ()
    if by == "environment":
        cli.environ["RUNNER_STATE_DIR"] = str(state)
    queued = {"status": "queued", "status_code": 202}
    server.answers.append((207, {"records": [TAKEN, REFUSAL, queued]}))
    begun = cli("send", "order.yaml", "--rows", "rows.csv", *flag)
    assert (begun.code, Path(".runner").exists(), (state / "ledger.sqlite3").exists()) == (1, False, True)
    [failed, resume] = [line for line in begun.err.splitlines() if line.startswith("  runner")]
    assert len(cli("runs", "list", *flag).out.splitlines()) == 1
    assert len(cli("runs", "show", *flag).out.splitlines()) == 3
    printed, sent = (split(command) for command in failed.split(" | "))
    rows = cli(*printed[1:])
    assert rows.out.splitlines()[0] == "$row,user"
    assert cli(*split(resume)[1:]).code == 1
    assert cli(*sent[1:], stdin=rows.out).code == 0
    assert len(cli("runs", "list", *flag).out.splitlines()) == 2


def test_a_folder_that_was_there_stays_as_it_is_but_for_the_files_of_runs_which_are_closed_to_others(
    cli: CommandLine, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o755)
    (tmp_path / "link").symlink_to(state)
    assert cli("send", "order.yaml", "--rows", "rows.csv", "--state-dir", str(tmp_path / "link")).code == 0
    assert state.stat().st_mode & 0o777 == 0o755
    assert {path.name: path.stat().st_mode & 0o777 for path in state.iterdir()} == {"ledger.sqlite3": 0o600}
    (state / "ledger.sqlite3").chmod(0o644)
    ended = cli("runs", "list", "--state-dir", str(state))
    assert (ended.code, "other users can read the ledger" in ended.err) == (74, True)
    assert [path.name for path in state.iterdir()] == ["ledger.sqlite3"]


def test_a_folder_that_was_not_there_is_made_with_those_above_it_closed_to_others_and_to_git(
    cli: CommandLine, tmp_path: Path
) -> None:
    state = tmp_path / "some/where/else"
    assert cli("send", "order.yaml", "--rows", "rows.csv", "--state-dir", str(state)).code == 0
    assert (state.stat().st_mode & 0o777, (state / ".gitignore").read_text()) == (0o700, "*\n")


def test_the_flag_takes_precedence_over_the_environment(cli: CommandLine, tmp_path: Path) -> None:
    cli.environ["RUNNER_STATE_DIR"] = str(tmp_path / "one")
    assert cli("send", "order.yaml", "--rows", "rows.csv", "--state-dir", str(tmp_path / "two")).code == 0
    assert [(tmp_path / name).exists() for name in ("one", "two")] == [False, True]


def test_a_folder_for_runs_is_about_rows(cli: CommandLine, tmp_path: Path) -> None:
    ended = cli("send", "order.yaml", "--var", "user=u1", "--state-dir", str(tmp_path))
    assert (ended.code, ended.err.splitlines()[0]) == (64, "error[usage]: --state-dir needs the rows of a file")


def run(cli: CommandLine, *args: str, before: str = "pass") -> tuple[int, str, str]:
    """Run a command line in a process of its own, after some Python."""
    code = f"import os, resource, sys\n{before}\nfrom runner.__main__ import main\nsys.argv[0] = 'runner'\nmain()"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
    ended = subprocess.run(
        [sys.executable, "-c", code, *args], env=clean | cli.environ, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    return ended.returncode, ended.stdout, ended.stderr


MORTAL = """if os.geteuid() == 0:  # permissions bind root too once it has no capabilities
    import ctypes
    nothing = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), nothing):
        raise SystemExit("root stays root")
"""


def test_a_folder_that_can_not_be_written_is_told_with_the_way_to_another_one(cli: CommandLine) -> None:
    Path().chmod(0o555)
    try:
        code, out, err = run(cli, "send", "order.yaml", "--rows", "rows.csv", before=MORTAL)
    finally:
        Path().chmod(0o755)
    message = "error[ledger-refused]: can't use .runner/ledger.sqlite3: Permission denied\n"
    assert (code, out, err) == (74, "", message + ANOTHER_FOLDER)


def run_within(kib: int, cli: CommandLine, *args: str) -> tuple[int, str, str]:
    """Send rows in a process that may take so many addresses, as after `ulimit -v`."""
    limit = f"resource.setrlimit(resource.RLIMIT_AS, ({kib << 10}, {resource.RLIM_INFINITY}))"
    return run(cli, "send", "order.yaml", *args, before=limit)


def write_parquet() -> None:
    parquet, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    parquet.write_table(pa.table({"user": ["u1", "u2", "u3"]}), "rows.parquet")


@pytest.mark.slow
@pytest.mark.parametrize("mib", [60, 200, 500])
@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_process_that_may_take_little_memory_is_told_so_before_anything_is_sent(
    mib: int, processes: str, name: str, cli: CommandLine, server: CapturingServer
) -> None:
    write_parquet()
    code, out, err = run_within(mib * 1024, cli, "--rows", name, "--processes", processes)
    assert (code, out, err.startswith("error[machine-refused]: "), server.received) == (74, "", True, []), err
    assert not Path(".runner").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "args",
    [
        ("rows.csv", "--concurrency", "1"),
        ("rows.csv", "--concurrency", "64"),
        ("rows.csv", "--processes", "2"),
        ("rows.csv", "--sandbox"),
        ("rows.parquet",),
        ("rows.parquet", "--processes", "2"),
        ("rows.csv", "--query", "SELECT user FROM rows ORDER BY user"),
    ],
    ids=" ".join,
)
def test_a_run_has_room_in_as_much_memory_as_it_says_that_it_needs(args: tuple[str, ...], cli: CommandLine) -> None:
    write_parquet()
    Path("rows.csv").write_text("user\n" + "".join(f"u{n}\n" for n in range(2_000)))
    _, _, err = run_within(330 * 1024, cli, "--rows", *args)
    needed = re.search("ulimit -v ([0-9]+)", err)
    assert needed, err
    for kib, code in ((int(needed[1]) - 1, 74), (int(needed[1]), 0)):
        assert run_within(kib, cli, "--rows", *args)[0] == code


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.json", "-"])
@pytest.mark.parametrize("content", ["", "\n", "\n \n\t\n\n", "\ufeff\n"])
def test_a_file_of_blank_lines_is_empty(name: str, content: str, cli: CommandLine) -> None:
    if name != "-":
        Path(name).write_text(content, "utf-8")
    ended = cli("send", "order.yaml", "--rows", name, stdin=content)
    assert (ended.code, ended.out, ended.err.splitlines()[0]) == (2, "", "error[empty-file]: the file is empty")
    assert not Path(".runner").exists()


@pytest.mark.parametrize("is_piped", [False, True])
def test_a_file_that_is_not_utf_8_offers_no_resume_but_the_rest_once_it_is_mended(
    is_piped: bool, cli: CommandLine, server: CapturingServer
) -> None:
    users = [f"u{number}" for number in range(1, 181)]
    bad = "\n".join(["user", *users, "caf\xe9", "last", ""])
    name = "-" if is_piped else "rows.csv"
    Path("rows.csv").write_bytes(bad.encode("latin-1"))
    args = ["send", "order.yaml", "--rows", name, "--concurrency", "1"]
    if is_piped:
        code, _, err = run_piped(cli, Path("rows.csv").read_bytes(), *args)
    else:
        ended = cli(*args)
        code, err = ended.code, ended.err
    source = "… | " if is_piped else ""
    assert code == 2
    assert err.splitlines()[-2:] == [
        f"  {source}runner send order.yaml --rows {name} --offset 180",
        "      once the file is corrected, sends the rest, as a new run",
    ]
    assert "--resume" not in err
    Path("rows.csv").write_text(bad, "utf-8")
    assert cli("send", "order.yaml", "--rows", "rows.csv", "--offset", "180").code == 0
    sent = [event["distinct_id"] for request in server.received for event in request.json]
    assert sent == [*users, "caf\xe9", "last"]


def run_piped(cli: CommandLine, rows: bytes, *args: str) -> tuple[int, str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
    ended = subprocess.run(
        [sys.executable, "-m", "runner", *args], env=clean | cli.environ, input=rows, capture_output=True, check=False,
        timeout=60,
    )  # fmt: skip
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def test_a_broken_file_offers_the_resume_for_rows_before_the_fault_that_are_open(
    cli: CommandLine, server: CapturingServer
) -> None:
    users = [f"u{number}" for number in range(1, 151)]
    Path("rows.csv").write_bytes("\n".join(["user", *users, "caf\xe9", ""]).encode("latin-1"))
    server.answers.append((207, {"records": [TAKEN] * 99 + [{"status": "queued"}]}))
    ended = cli("send", "order.yaml", "--rows", "rows.csv", "--concurrency", "1", "--retries", "0")
    run_id = ended.out.splitlines()[-1].rpartition(" ")[2]
    assert ended.err.splitlines()[-4:] == [
        f"  runner send --resume {run_id}",
        "      before the file is corrected, sends what is unknown or was not sent, under the same ids",
        "  runner send order.yaml --rows rows.csv --offset 150",
        "      once the file is corrected, sends the rest, as a new run",
    ]
    assert "150 accepted, 0 failed, 0 unknown" in cli("send", "--resume", "last").out
