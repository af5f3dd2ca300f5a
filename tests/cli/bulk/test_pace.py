"""`runner send --rows`: pace, and when a run stops."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.bulk.conftest import REFUSAL, many, send, typed

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer, Received

DOWN = "the platform does not answer properly"


def test_a_rate_is_held(cli: CommandLine, server: CapturingServer) -> None:
    began_s = time.monotonic()
    assert send(cli, "--rows", many(60), "--rate", "100/s", "--concurrency", "16").code == 0
    assert 0.4 <= time.monotonic() - began_s < 10
    assert [len(request.json) for request in server.received] == [20, 20, 20]


@pytest.mark.parametrize("half", ['{"row": 101, "state": "acc', "", "x" * 100_000])
def test_half_a_line_of_results_goes_away_when_its_row_comes_again(
    half: str, cli: CommandLine, server: CapturingServer
) -> None:
    server.answers.extend([(207, {"records": [{"status": "success", "status_code": 202}] * 100}), (401, REFUSAL)])
    assert send(cli, "--rows", many(150), "--concurrency", "1", "--results", "r.jsonl").code == 3
    results = Path("r.jsonl")
    whole = results.read_text("utf-8").splitlines(keepends=True)[:100]
    results.write_text("".join(whole) + half, "utf-8")
    assert cli("send", "--resume", "last").code == 0
    assert [json.loads(line)["row"] for line in results.read_text("utf-8").splitlines()] == list(range(1, 151))


def test_of_several_results_of_a_row_those_of_the_last_session_count(cli: CommandLine, server: CapturingServer) -> None:
    """A session may write results that the ledger does not hear of, and rows come to something else another time."""
    slow_down = {"status": "error", "status_code": 429, "error": {"message": "no", "type": "x"}}
    records = [{"status": "success", "status_code": 202}, {"status": "queued"}, slow_down]
    server.answers.extend([(207, {"records": records}), (207, {"records": [records[0], records[1]]})])
    assert send(cli, "--rows", many(3), "--results", "r.jsonl", "--retries", "0").code == 1
    for _ in range(2):
        cli("send", "--resume", "last")
    lines = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert [(line["row"], line["session"], line["state"]) for line in lines] == [
        (1, 1, "accepted"), (2, 1, "unknown"), (3, 1, "not_sent"),
        (2, 2, "accepted"), (3, 2, "unknown"),
        (3, 3, "accepted"),
    ]  # fmt: skip
    last = {line["row"]: line["state"] for line in lines}
    assert last == dict.fromkeys((1, 2, 3), "accepted")


def test_a_full_disk_in_between_leaves_a_line_of_each_session_for_a_row_that_it_came_to(
    cli: CommandLine, server: CapturingServer
) -> None:
    """The results were written and the ledger could not be: the next session writes those of its rows once more."""
    at_work = server.answer_to

    def answer_to(request: Received) -> tuple[int, bytes, dict[str, str]]:
        if len(server.received) == 2:
            Path(".runner/ledger.sqlite3").rename("away")
        return at_work(request)

    server.answer_to = answer_to  # type: ignore[method-assign]
    assert send(cli, "--rows", many(253), "--results", "r.jsonl").code == 74
    Path("away").rename(".runner/ledger.sqlite3")
    assert cli("send", "--resume", "last").code == 0
    lines = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert [(line["row"], line["session"]) for line in lines] == [
        *((row, 1) for row in range(1, 201)),
        *((row, 2) for row in range(101, 254)),
    ]


def test_fail_fast_stops_after_the_first_failure(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.append((404, REFUSAL))
    ended = send(cli, "--rows", many(350), "--fail-fast", "--results", "results.jsonl")
    assert (ended.code, ended.out[9:], ended.err) == (
        1,
        [
            "failed  row 10 (line 11)  refused 404  no such workspace",
            "… 90 more: runner runs show RUN",
            "350 rows: 0 accepted, 100 failed, 0 unknown, 250 not sent · … s, …/s · run RUN",
        ],
        [
            "  runner runs failed RUN | runner send purchase.yaml --rows -",
            "      sends the failed rows again, as a new run",
            "  runner send --resume RUN",
            "      sends what is unknown or was not sent, under the same ids",
        ],
    )
    assert len(server.received) == 1


def test_max_failures_stops_when_there_were_so_many(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.extend([(404, REFUSAL)] * 9)
    ended = send(cli, "--rows", many(500), "--max-failures", "150", "-o", "json")
    told = json.loads(ended.raw)
    assert ended.code == 1
    assert [told[name] for name in ("accepted", "failed", "unknown", "not_sent", "total")] == [0, 200, 0, 300, 500]
    assert typed(cli, "runs", "list").out == [
        "RUN  2026-01-02 03:04:05 UTC  stopped      0 accepted, 200 failed, 0 unknown, 300 not sent of 500  purchase.yaml x many.csv"
    ]


def test_max_failures_that_are_not_reached_stop_nothing(cli: CommandLine) -> None:
    assert send(cli, "--rows", "five.csv", "--max-failures", "3").out[-1] == (
        "5 rows: 3 accepted, 2 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"
    )


def test_no_answer_is_unknown_and_goes_again_only_by_resume(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.append((502, b"<html></html>"))
    ended = send(cli, "--rows", many(2), "--retries", "0")
    assert (ended.code, ended.out[-1], ended.err) == (
        7,
        f"2 rows: 0 accepted, 0 failed, 2 unknown, 0 not sent · … s, …/s · run RUN · stopped: {DOWN}",
        ["  runner send --resume RUN", "      sends what is unknown or was not sent, under the same ids"],
    )
    assert typed(cli, "runs", "failed")[:3] == (0, ["$row,user,order"], [])
    assert typed(cli, "send", "--resume", "last")[:3] == (
        0,
        ["2 rows: 2 accepted, 0 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"],
        [],
    )
    assert server.received[0].body == server.received[1].body


def test_no_credentials_are_told_before_a_run_begins(cli: CommandLine) -> None:
    del cli.environ["SUPRSEND_WORKSPACE_SECRET"], cli.environ["SUPRSEND_WORKSPACE_KEY"]
    ended = send(cli, "--rows", "five.csv")
    assert (ended.code, ended.out) == (3, [])
    assert not Path(".runner").exists()


def test_a_resume_ends_with_the_code_of_all_that_failed(cli: CommandLine, server: CapturingServer) -> None:
    server.answers.append((502, b"<html></html>"))
    assert send(cli, "--rows", "five.csv", "--retries", "0").code == 7
    assert typed(cli, "send", "--resume", "last")[:2] == (
        2,
        ["5 rows: 3 accepted, 2 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"],
    )
