"""`runner send --resume`: which options it takes, and what makes it another run."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from runner.bulk.flags import BulkFlags
from runner.bulk.options import BulkOptions
from runner.rows.dataset import DataFile, Dataset
from tests.cli.bulk.conftest import REFUSAL, SPEC, many, send, sent, typed, write
from tests.servers.listeners import silent_listener, url_of

if TYPE_CHECKING:
    import socket

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


@pytest.fixture
def stopped(cli: CommandLine, server: CapturingServer) -> CommandLine:
    """Begin a run of 350 rows that stops when the first 100 have failed."""
    server.answers.append((404, REFUSAL))
    args = ("--retries", "0", "--max-failures", "50", "--results", "first.jsonl")
    assert send(cli, "--rows", many(350), *args).code == 1
    assert typed(cli, "runs", "list").out == [
        "RUN  2026-01-02 03:04:05 UTC  stopped      0 accepted, 100 failed, 0 unknown, 250 not sent of 350  purchase.yaml x many.csv"
    ]
    server.received.clear()
    return cli


ROWS = Dataset(("rows.csv",), (DataFile("rows.csv"),))


def test_what_is_given_to_a_resume_counts_and_the_rest_is_as_the_run_began() -> None:
    begun = BulkOptions(ROWS, {"user": "id"}, True, 9, 2, 16, 2, 5.0, 7, Path("r.jsonl"), 1)
    assert BulkFlags().resumed(begun, ()) == begun
    flags = BulkFlags(
        concurrency=4, processes=1, rate="10/s", max_failures=5, results=Path("other.jsonl")
    )  # fmt: skip
    assert flags.resumed(begun, ()) == BulkOptions(
        ROWS, {"user": "id"}, True, 9, 2, 4, 1, 10.0, 5, Path("other.jsonl"), 1
    )
    assert BulkFlags(fail_fast=True).resumed(begun, ()).max_failures == 1


@pytest.mark.parametrize(
    ("flags", "requests"),
    [((), 1), (("--fail-fast",), 1), (("--max-failures", "150"), 2), (("--max-failures", "999"), 3)],
)
def test_a_resume_stops_after_as_many_failures_as_it_is_told(
    flags: tuple[str, ...], requests: int, stopped: CommandLine, server: CapturingServer
) -> None:
    server.answers.extend([(404, REFUSAL)] * 3)
    typed(stopped, "send", "--resume", "last", *flags)
    assert len(server.received) == requests


def test_a_resume_tries_again_as_often_as_it_is_told(stopped: CommandLine, server: CapturingServer) -> None:
    server.answers.extend([(503, b"")] * 2)
    ended = typed(stopped, "send", "--resume", "last", "--retries", "2")
    assert ended.out == ["350 rows: 250 accepted, 100 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"]
    assert len(server.received) == 5


def test_a_resume_waits_as_long_as_it_is_told(stopped: CommandLine) -> None:
    with silent_listener() as silent:
        stopped.environ["SUPRSEND_BASE_URL"] = url_of(silent)
        began_s = time.monotonic()
        assert typed(stopped, "send", "--resume", "last", "--timeout", "0.2", "--max-failures", "999").code == 7
        assert time.monotonic() - began_s < 10


def test_a_resume_has_as_many_requests_under_way_as_it_is_told(stopped: CommandLine) -> None:
    connections: list[socket.socket] = []

    def take_three() -> None:
        with suppress(TimeoutError):
            connections.extend(listening.accept()[0] for _ in range(3))
        listening.close()
        for connection in connections:
            connection.close()

    with silent_listener() as listening:
        listening.settimeout(10)
        stopped.environ["SUPRSEND_BASE_URL"] = url_of(listening)
        thread = Thread(target=take_three)
        thread.start()
        typed(stopped, "send", "--resume", "last", "--concurrency", "3")
        thread.join()
    assert len(connections) == 3


def test_a_resume_holds_the_rate_that_it_is_told(stopped: CommandLine, server: CapturingServer) -> None:
    began_s = time.monotonic()
    ended = typed(stopped, "send", "--resume", "last", "--rate", "500/s")
    assert 0.3 <= time.monotonic() - began_s < 10
    assert ended.out == ["350 rows: 250 accepted, 100 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"]
    assert len(server.received) == 3


def test_a_resume_adds_to_the_results_that_it_is_told(stopped: CommandLine) -> None:
    write("second.jsonl", "{}\n")
    assert typed(stopped, "send", "--resume", "last", "--limit", "1", "--results", "second.jsonl").code == 64
    assert typed(stopped, "send", "--resume", "last", "--results", "many.csv").code == 64
    assert typed(stopped, "send", "--resume", "last", "--results", "second.jsonl").code == 1
    first, second = (
        [json.loads(line).get("row") for line in Path(name).read_text().splitlines()]
        for name in ("first.jsonl", "second.jsonl")
    )
    assert (first, sorted(second[1:])) == ([*range(1, 101)], [*range(101, 351)])
    assert second[0] is None


SAME_ROWS = "its rows are those that the run began with"
SAME_COLUMNS = "its columns are those that the run began with"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--map", "user=id"), f"--resume can't be used with --map: {SAME_COLUMNS}"),
        (("--ignore-extra",), f"--resume can't be used with --ignore-extra: {SAME_COLUMNS}"),
        (("--limit", "1"), f"--resume can't be used with --limit: {SAME_ROWS}"),
        (("--offset", "0"), f"--resume can't be used with --offset: {SAME_ROWS}"),
        (("--sandbox",), "--resume can't be used with --sandbox: it sends to where the run began to send"),
        (("--label", "smoke"), "--resume can't be used with --label: its spec is the one that the run began with"),
        (("--dry-run",), "--resume can't be used with --dry-run: it sends what the run has left to send"),
        (("other.yaml",), "a resume can't use another spec: run RUN began with purchase.yaml"),
        (("--rows", "five.csv"), "a resume can't use another file of rows: run RUN began with many.csv"),
        (("--rows", "-"), "a resume can't use another file of rows: run RUN began with many.csv"),
        (("--profile", "staging"), "a resume can't use another profile: run RUN began with none"),
    ],
)
def test_what_would_make_another_run_of_it_is_no_resume(
    args: tuple[str, ...], message: str, stopped: CommandLine, server: CapturingServer
) -> None:
    assert typed(stopped, "send", "--resume", "last", *args)[:3] == (
        64,
        [],
        [f"error[usage]: {message}", "  = omit it, or start a new run"],
    )
    assert server.received == []


def test_the_same_spec_and_rows_may_be_named_again(stopped: CommandLine) -> None:
    args = ("send", "./purchase.yaml", "--rows", str(Path("many.csv").absolute()), "--resume", "last")
    assert typed(stopped, *args).out == [
        "350 rows: 250 accepted, 100 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"
    ]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--concurrency", "0"), "--concurrency must be 1 to 1000, got 0"),
        (("--processes", "65"), "--processes must be 1 to 64, got 65"),
        (("--retries", "101"), "--retries must be 0 to 100, got 101"),
        (("--timeout", "0"), "--timeout must be more than 0 and at most 86,400 seconds, got 0"),
    ],
)
def test_a_wrong_value_is_wrong_use_of_a_resume_too(
    flags: tuple[str, ...], told: str, stopped: CommandLine, server: CapturingServer
) -> None:
    assert typed(stopped, "send", "--resume", "last", *flags)[:3] == (64, [], [f"error[usage]: {told}"])
    assert server.received == []


@pytest.mark.parametrize(
    ("marker", "folder", "flags", "back"),
    [(".git", "specs/deep", (), "../.."), ("no-repository", "elsewhere", ("--config", "../runner.yaml"), "..")],
)
def test_a_run_goes_on_from_any_folder_from_which_its_ledger_is_found(
    marker: str, folder: str, flags: tuple[str, ...], back: str, cli: CommandLine, server: CapturingServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in (marker, "specs", "data", folder):
        Path(name).mkdir()
    write("runner.yaml", "profiles: {shop: {vars: {amount: 7}}}")
    write("_base.yaml", SPEC)
    write("specs/purchase.yaml", "version: 1\nextends: ../_base.yaml\n")
    write("data/rows.csv", "user\nu1\nu2\n")
    write("data/vars.yaml", "order: '42'\n")
    records: list[object] = [{"status": "queued"}, {"status": "error", "status_code": 404, "error": {"message": "no"}}]
    server.answers.append((207, {"status": "success", "records": records}))
    args = (
        "--rows",
        "data/rows.csv",
        "--vars-file",
        "data/vars.yaml",
        "--results",
        "data/r.jsonl",
        "--profile",
        "shop",
    )
    assert send(cli, *args, "--retries", "0", spec="specs/purchase.yaml").code == 1

    monkeypatch.chdir(folder)
    shown = "0 accepted, 1 failed, 1 unknown, 0 not sent of 2"
    files = f"{back}/specs/purchase.yaml x {back}/data/rows.csv".replace("../../specs/", "../")
    assert typed(cli, "runs", "list", *flags).out == [f"RUN  2026-01-02 03:04:05 UTC  finished     {shown}  {files}"]
    assert typed(cli, "runs", "show", *flags).out[0] == f"RUN  2026-01-02 03:04:05 UTC  finished     {shown}  {files}"
    assert typed(cli, "runs", "failed", *flags).out == ["$row,user", "RUN:2,u2"]
    assert typed(cli, "send", "--resume", "last", *flags).out == [
        "2 rows: 1 accepted, 1 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"
    ]
    assert server.received[1].json == [server.received[0].json[0]]
    assert sent(server)[-1] == ("u1", "42", 7)
    assert len(Path(back, "data/r.jsonl").read_text().splitlines()) == 3
