"""Links and pipes in somebody else's tree: no command reads, writes or removes through one that leads out of the project."""

from __future__ import annotations

import os
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.processes import run_preloaded

if TYPE_CHECKING:
    from tests.conftest import CommandLine, Ended

SPEC = """
    version: 1
    vars: {user: {type: string, default: u1}}
    event: order_placed
    distinct_id: "{{ user }}"
    idempotency_key: order
    tests:
      - name: taken
        expect: {golden: golden/order.json, response: {status_code: 202}}
"""
ANSWERED = dedent(SPEC).lstrip().replace("golden: golden/order.json, ", "")
CASSETTE = Path("cassettes/order/taken.yaml")
MINE = "what somebody has outside of the project\n"
OUTSIDE = (
    "error[path-outside]: {} is a link out of the project\n  = cassettes must lie in the project's folder 'project'\n"
)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project the working directory; beside it is what is somebody's own."""
    project, folder = tmp_path / "project", tmp_path / "outside"
    for path in (project / ".git", project / "specs", folder):
        path.mkdir(parents=True)
    (folder / "mine").write_text(MINE)
    (project / "specs" / "order.yaml").write_text(dedent(SPEC).lstrip())
    (project / "rows.csv").write_text("user\nu1\nu2\n")
    monkeypatch.chdir(project)
    return folder


def untouched(outside: Path) -> bool:
    return [path.name for path in outside.iterdir()] == ["mine"] and (outside / "mine").read_text() == MINE


def link(name: str, target: Path) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(target, path.parent))


def record(cli: CommandLine) -> Ended:
    return cli("test", "specs", "--record", "rewrite", "--sandbox", "--update")


def test_a_link_under_any_name_does_not_lead_a_golden_file_astray(cli: CommandLine, outside: Path) -> None:
    link(f"specs/golden/.order.json.{os.getpid()}", outside / "mine")
    link("specs/golden/order.json", outside / "mine")
    assert cli("test", "specs", "--update").code != 0  # a golden file outside is refused when the spec is read
    Path("specs/golden/order.json").unlink()
    assert record(cli).code == 0
    assert untouched(outside)
    assert Path("specs/golden/order.json").is_file()


@pytest.mark.parametrize("name", ["cassettes", "cassettes/order"])
def test_nothing_is_recorded_through_a_link_out_of_the_project(cli: CommandLine, outside: Path, name: str) -> None:
    link(name, outside)
    ended = record(cli)
    assert f"error[path-outside]: the link {name} leads out of the project: nothing is written" in ended.out
    assert (ended.code, untouched(outside), Path("specs/golden").exists()) == (1, True, False)


def test_a_cassette_takes_the_place_of_a_link_of_its_name(cli: CommandLine, outside: Path) -> None:
    link(str(CASSETTE), outside / "mine")
    assert record(cli).code == 0
    assert (untouched(outside), CASSETTE.is_symlink()) == (True, False)


def test_a_link_that_stays_in_the_project_is_followed(cli: CommandLine, outside: Path) -> None:
    Path("recorded/of-orders").mkdir(parents=True)
    link("cassettes", Path("recorded"))
    link("recorded/order", Path("recorded/of-orders"))
    assert record(cli).code == 0
    assert [path.name for path in Path("recorded/of-orders").iterdir()] == ["taken.yaml"]
    assert (cli("test", "specs").code, untouched(outside)) == (0, True)


def test_a_link_in_a_circle_is_told(cli: CommandLine, outside: Path) -> None:
    Path("cassettes").symlink_to("cassettes")
    ended = record(cli)
    assert (ended.code, "error[output-refused]: can't write cassettes/order/taken.yaml: " in ended.out) == (74, True)
    assert untouched(outside)


def test_specs_that_nobody_named_are_not_looked_for_outside(cli: CommandLine, outside: Path) -> None:
    Path("specs/order.yaml").rename(outside / "order.yaml")
    Path("specs").rmdir()
    link("specs", outside)
    ended = cli("test", "--record", "rewrite", "--sandbox")
    told = (
        "error[path-outside]: specs is a link out of the project\n"
        "  = specs must lie in the project's folder 'project'; runner test PATH runs others\n"
    )
    assert (ended.code, ended.err) == (2, told)
    assert sorted(path.name for path in outside.iterdir()) == ["mine", "order.yaml"]


def send(cli: CommandLine) -> Ended:
    return cli("send", "specs/order.yaml", "--rows", "rows.csv", "--sandbox")


def test_a_ledger_is_not_kept_behind_a_link_out_of_the_project(cli: CommandLine, outside: Path) -> None:
    link(".runner", outside)
    ended = send(cli)
    told = (
        "error[path-outside]: the link .runner leads out of the project: nothing is written there\n"
        "  = replace the link with a folder inside 'project'\n"
    )
    assert (ended.code, ended.err.endswith(told), untouched(outside)) == (2, True, True)
    (outside / "ledger.sqlite3").write_bytes(b"")
    assert cli("runs", "list").code == 2
    assert (outside / "ledger.sqlite3").read_bytes() == b""


@pytest.mark.parametrize("name", [".gitignore", "ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"])
@pytest.mark.parametrize("target", ["mine", "empty", "missing"])
def test_no_file_of_a_ledger_is_a_link(cli: CommandLine, outside: Path, name: str, target: str) -> None:
    if target == "empty":
        (outside / "mine").write_text("")
    before = (outside / "mine").read_text()
    link(f".runner/{name}", outside / ("missing" if target == "missing" else "mine"))
    ended = send(cli)
    refused = (ended.code, "error[ledger-refused]: can't use .runner/ledger.sqlite3: " in ended.err) == (74, True)
    assert refused or (ended.code == 0 and not Path(f".runner/{name}").is_symlink())
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("mine", before)]


def test_no_lock_of_a_run_is_a_link(cli: CommandLine, outside: Path) -> None:
    run = send(cli).out.split()[-1]
    link(f".runner/{run}.lock", outside / "made")
    ended = cli("send", "--resume", run)
    assert (ended.code, f"error[ledger-refused]: can't use .runner/{run}.lock: " in ended.err) == (74, True)
    assert untouched(outside)


def journal_that_names(victim: Path) -> bytes:
    """Write the journal of a transaction over several SQLite files, after which SQLite removes the file it names."""
    magic = bytes.fromhex("d9d505f920a163d7")
    name = str(victim).encode()
    pages = Path(".runner/ledger.sqlite3").stat().st_size // 1024
    head = (magic + struct.pack(">5I", 0, 0, pages, 512, 1024)).ljust(512, b"\0")
    return head + struct.pack(">I", (1 << 30) // 1024 + 1) + name + struct.pack(">2I", len(name), sum(name)) + magic


def test_a_journal_beside_a_ledger_removes_no_file_of_this_machine(cli: CommandLine, outside: Path) -> None:
    assert send(cli).code == 0
    Path(".runner/ledger.sqlite3-journal").write_bytes(journal_that_names(outside / "mine"))
    assert cli("runs", "list").code == 0
    assert untouched(outside)
    assert not Path(".runner/ledger.sqlite3-journal").exists()
    with sqlite3.connect(".runner/ledger.sqlite3") as ledger:
        assert ledger.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_a_resume_removes_no_lock_and_writes_no_results_where_a_ledger_of_others_says(
    cli: CommandLine, outside: Path
) -> None:
    assert send(cli).code == 0
    (outside / "poetry.lock").touch()
    for change in ("id = '../../outside/poetry'", f"arguments = json_set(arguments, '$.results', '{outside}/mine')"):
        before = Path(".runner/ledger.sqlite3").read_bytes()
        with closing(sqlite3.connect(".runner/ledger.sqlite3")) as ledger, ledger:
            ledger.execute(f"UPDATE runs SET {change}")
        assert cli("send", "--resume", "last").code in (64, 74)
        assert ((outside / "poetry.lock").exists(), (outside / "mine").read_text()) == (True, MINE)
        Path(".runner/ledger.sqlite3").write_bytes(before)


def test_runs_behind_a_linked_folder_are_not_listed(cli: CommandLine, outside: Path) -> None:
    (outside / ".runner").mkdir()
    (outside / ".runner" / "ledger.sqlite3").write_bytes(b"")
    link("elsewhere", outside)
    assert cli("runs", "list").code == 0
    assert [path.name for path in (outside / ".runner").iterdir()] == ["ledger.sqlite3"]


@pytest.mark.parametrize("name", ["specs", ".github", ".github/workflows", "cassettes", "cassettes/order-placed"])
def test_a_first_project_is_not_written_through_links(cli: CommandLine, outside: Path, name: str) -> None:
    Path("specs/order.yaml").unlink()
    Path("specs").rmdir()
    link(name, outside)
    ended = cli("init")
    assert (ended.code, untouched(outside)) == (1 if name.startswith("cassettes") else 2, True)
    assert f"error[path-outside]: the link {name} leads out of the project" in ended.err


def test_no_file_of_a_first_project_is_written_through_a_link(cli: CommandLine, outside: Path) -> None:
    for name in ("runner.yaml", "pytest.ini", ".github/workflows/notifications.yml"):
        link(name, outside / "made")
    assert cli("init").code == 0
    assert untouched(outside)


def test_mending_cassettes_removes_links_and_what_is_in_the_project(cli: CommandLine, outside: Path) -> None:
    record(cli)
    for path in ("cassettes/order/gone.yaml", "cassettes/order/deep/er/gone.yaml"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(CASSETTE.read_bytes())
    (outside / "kept.yaml").write_bytes(CASSETTE.read_bytes())
    link("cassettes/order/link.yaml", outside / "kept.yaml")
    link("cassettes/linked", outside)
    ended = cli("cassette", "check", "--fix")
    assert (ended.code, ended.out.count("error["), OUTSIDE.format("cassettes/order/link.yaml") in ended.out) == (
        6,
        1,
        True,
    )
    assert (outside / "kept.yaml").exists()
    assert sorted(str(path) for path in Path("cassettes").rglob("*")) == [
        "cassettes/linked", "cassettes/order", "cassettes/order/link.yaml", "cassettes/order/taken.yaml",
    ]  # fmt: skip


def test_an_orphan_is_removed_from_within_its_own_folder(
    cli: CommandLine, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(cli)
    Path("cassettes/order/gone.yaml").write_bytes(CASSETTE.read_bytes())
    monkeypatch.chdir("cassettes/order")
    assert cli("cassette", "check", "gone.yaml", "--fix").code == 0
    assert ([path.name for path in Path().iterdir()], untouched(outside)) == (["taken.yaml"], True)


def runner(*args: str) -> tuple[int, str]:
    """Run a command that might never end as a process of its own."""
    ended = run_preloaded(["runner", *args], capture_output=True, text=True, timeout=30)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "named",
    [
        "schema: pipe.json",
        "extends: _pipe.yaml",
        "tests: [{name: a, vars_file: _pipe.yaml, expect: {max_bytes: 900}}]",
        "tests: [{name: a, expect: {golden: pipe.json}}]",
    ],
)
@pytest.mark.usefixtures("outside")
def test_a_pipe_is_not_read_as_a_file_that_a_spec_names(named: str) -> None:
    name = "pipe.json" if "json" in named else "_pipe.yaml"
    os.mkfifo(f"specs/{name}")
    Path("specs/order.yaml").write_text(f"version: 1\nevent: order_placed\ndistinct_id: u1\n{named}\n")
    code, printed = runner("test", "specs")
    told = f"error[file-unreadable]: can't read specs/{name}: it is a pipe or a device, not a file\n"
    assert (code in (2, 74), told in printed) == (True, True), printed


@pytest.mark.usefixtures("outside")
def test_variables_may_come_through_a_pipe(cli: CommandLine) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"user: piped\n")
    os.close(writing)
    assert '"distinct_id":"piped"' in cli("render", "specs/order.yaml", "--vars-file", f"/dev/fd/{reading}").out
    os.close(reading)


@pytest.mark.parametrize("target", ["pipe", "nowhere", "/dev/zero"])
def test_a_first_project_is_not_made_from_pipes_and_devices(outside: Path, target: str) -> None:
    os.mkfifo("specs/pipe")
    for name in ("specs/order-placed.yaml", "pytest.ini", "tox.ini"):
        Path(name).symlink_to(target)
    code, printed = runner("init")
    assert (code, "kept     specs/order-placed.yaml" in printed, untouched(outside)) == (0, True, True), printed


@pytest.mark.parametrize("name", ["cassettes", "cassettes/order", "cassettes/order/taken.yaml"])
def test_no_cassette_is_read_through_a_link_out_of_the_project(cli: CommandLine, outside: Path, name: str) -> None:
    record(cli)
    Path(name).rename(outside / "moved")
    link(name, outside / "moved")
    for ended in (cli("test", "specs"), cli("test", "specs", "--record", "new_episodes", "--sandbox")):
        assert OUTSIDE.format(CASSETTE) in ended.out
        assert (ended.code, OUTSIDE.format(name) in ended.err) == (6, name == "cassettes")
    listed = cli("cassette", "list")
    if name == "cassettes":
        assert (listed.code, listed.out, listed.err) == (6, "", OUTSIDE.format(name))
        assert (cli("cassette", "check").code, cli("cassette", "verify", "--sandbox").code) == (6, 6)
    elif name == "cassettes/order":  # a linked folder is not looked into
        assert (listed.code, listed.out) == (0, "")
    else:
        assert (listed.code, "unreadable" in listed.out) == (0, True)
        for command in (("check",), ("check", name), ("verify", "--sandbox")):
            ended = cli("cassette", *command)
            assert (ended.code, OUTSIDE.format(name) in ended.out + ended.err) == (6, True), command


@pytest.mark.usefixtures("outside")
def test_a_cassette_that_is_a_circle_of_links_is_told(cli: CommandLine) -> None:
    link(str(CASSETTE), CASSETTE)
    Path("specs/order.yaml").write_text(ANSWERED)
    ended = cli("test", "specs")
    assert (ended.code, "error[cassette-unreadable]: the cassette can't be read: Too many" in ended.out) == (6, True)
    assert cli("cassette", "list").code == 0
    assert cli("cassette", "check").code == 6


@pytest.mark.usefixtures("outside")
def test_a_cassette_that_is_a_pipe_is_told() -> None:
    CASSETTE.parent.mkdir(parents=True)
    os.mkfifo(CASSETTE)
    Path("specs/order.yaml").write_text(ANSWERED)
    told = "error[cassette-unreadable]: the cassette can't be read: it is a pipe or a device, not a file\n"
    assert runner("cassette", "list")[0] == 0
    for command in (("test", "specs", "--record", "once", "--sandbox"), ("cassette", "check")):
        code, printed = runner(*command)
        assert (code, told in printed) == (6, True), printed


def test_a_configuration_is_not_read_through_a_link_out_of_the_project(cli: CommandLine, outside: Path) -> None:
    (outside / "other.yaml").write_text("env_allowed: [USER]\nprofiles: {x: {vars: {user: somebody}}}\npasswords: {}\n")
    link("runner.yaml", outside / "other.yaml")
    told = (
        "error[path-outside]: runner.yaml is a link out of the project\n"
        "  = runner.yaml must lie in the project's folder 'project'\n"
    )
    for command in (("test", "specs"), ("render", "specs/order.yaml", "--profile", "x"), ("runs", "list")):
        ended = cli(*command)
        assert (ended.code, ended.out, ended.err) == (2, "", told)
    Path("specs/who.yaml").write_text(ANSWERED.replace("default: u1", "env: USER"))
    ended = cli("validate", "specs")
    assert (ended.code, told in ended.out, "error[env-not-allowed]" in ended.out) == (2, True, True)
    Path("runner.yaml").unlink()
    Path("other").mkdir()
    Path("other/runner.yaml").write_text("profiles: {x: {vars: {user: u2}}}\n")
    link("runner.yaml", Path("other/runner.yaml"))
    assert '"distinct_id":"u2"' in cli("render", "specs/order.yaml", "--profile", "x").out
