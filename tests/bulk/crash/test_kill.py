"""Runs that are killed, and their workers, lose nothing and send nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from runner.bulk.ledger import Ledger
from runner.bulk.options import CLUSTER_PART_ROWS
from tests.bulk.crash.conftest import (
    CLUSTER,
    UNKEYED_SPEC,
    Sender,
    begin,
    check_each_once,
    counts,
    environ_for,
    sending,
    sent_again,
    state_of_run,
    summary_of,
    write_rows,
)
from tests.servers.recording import RecordingServer, recording_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.conftest import CommandLine

PART_ROWS = 100
pytestmark = pytest.mark.usefixtures("in_tmp")


def settled_keys(run: str, rows: int, part_rows: int) -> set[str]:
    """Name the keys of all rows that need not be sent any more, as the ledger says."""
    settled: set[str] = set()
    with Ledger(Path(".runner")) as ledger, ledger.resume(run) as book:
        for first_row in range(1, rows, part_rows):
            part = book.part(first_row)
            if part and part.is_done:
                settled |= {f"order-{n}" for n in range(first_row, first_row + part.rows) if n not in part.open_rows}
    return settled


def invalid_rows(rows: int) -> range:
    """Return the numbers of the rows that make no event."""
    return range(1_000, rows + 1, 1_000)


class Kill(NamedTuple):
    """Kill the parent or all, so many seconds after so many requests more were written down."""

    whom: str
    after_requests: int
    then_s: float


class Plan(NamedTuple):
    """A run of a number of rows, and when it is killed: enough rows that it does not end before."""

    executor: int | str
    concurrency: int
    rows: int
    kills: list[Kill]

    @property
    def part_rows(self) -> int:
        return CLUSTER_PART_ROWS if self.executor == CLUSTER else PART_ROWS

    @property
    def parts(self) -> int:
        """The number of parts in flight: on a worker of a cluster, one waits for each that is sent."""
        return 2 * self.concurrency if self.executor == CLUSTER else self.concurrency


def kill_plans() -> Iterator[Plan]:
    """Choose 20 instants: one run with 12 of them, three while a resume starts, and five with one or two."""
    instants = random.Random(20)  # noqa: S311 - the same instants each time
    often = [_kill(instants, whom, most) for most in (8, 8, 8, 0) for whom in ("parent", "all", "parent")]
    yield Plan(2, 8, 14_000, often)
    yield Plan(1, 4, 6_000, [_kill(instants, "parent", 40)])
    yield Plan(2, 5, 6_000, [_kill(instants, "parent", 20), _kill(instants, "all", 20)])
    yield Plan(2, 8, 6_000, [_kill(instants, "all", 40)])
    yield Plan(1, 8, 6_000, [_kill(instants, "all", 20), _kill(instants, "parent", 20)])
    yield Plan(2, 16, 6_000, [_kill(instants, "parent", 20), _kill(instants, "parent", 20)])


def cluster_plan() -> Plan:
    instants = random.Random(20)  # noqa: S311 - the same instants each time
    return Plan(CLUSTER, 4, 15_000, [_kill(instants, "parent", 40), _kill(instants, "all", 40)])


def _kill(instants: random.Random, whom: str, most: int) -> Kill:
    return Kill(whom, instants.randint(min(most, 1), most), instants.uniform(0, 0.05 if most else 0.6))


@pytest.mark.slow
@pytest.mark.parametrize("plan", [*kill_plans(), cluster_plan()])
def test_a_run_that_is_killed_and_resumed_sends_each_row_under_one_key_one_insert_id_and_one_body(
    plan: Plan, cli: CommandLine
) -> None:
    executor, concurrency, rows, kills = plan
    invalid = invalid_rows(rows)
    keys = write_rows(rows, invalid=invalid)
    settled_before: list[tuple[int, set[str]]] = []
    args = begin(executor, concurrency)
    with recording_server("--before", "40", "--after", "40") as server:
        for kill in kills:
            killed(kill, server, executor, args)
            at = len(server.taken())
            run = state_of_run(cli)
            assert run["state"] == "interrupted"
            assert run["unknown"] <= plan.parts * plan.part_rows
            settled = settled_keys(run["run"], rows, plan.part_rows)
            assert len(settled - {f"order-{n}" for n in invalid}) == run["accepted"]
            arrived = {event.key for event in server.taken()}
            assert run["accepted"] <= len(arrived) <= run["accepted"] + run["unknown"]
            settled_before.append((at, settled))
            args = ("--resume", "last")
        with sending(environ_for(server.base_url), *args) as sender:
            code, told, _ = sender.ends()
    del told["failures"]
    assert (code, told) == (2, counts(run["run"], accepted=len(keys), failed=len(invalid)))
    assert state_of_run(cli)["state"] == "finished"
    taken = server.taken()
    check_each_once(taken, keys)
    assert len(sent_again(taken)) <= len(kills) * plan.parts * plan.part_rows // PART_ROWS
    for at, settled in settled_before:
        assert {event.key for event in taken[at:]} & settled == set()


def killed(kill: Kill, server: RecordingServer, executor: int | str, args: Sequence[str]) -> None:
    """Send, and be killed in the middle of it."""
    with sending(environ_for(server.base_url), *args) as sender:
        if kill.after_requests:  # what a dead sender had under way may still be written down, so look for workers
            goal = server.requests() + kill.after_requests
            sender.runs_until(partial(_is_at, server, goal))
            sender.runs_until(partial(_has_workers, sender, executor))
        assert sender.runs_for(kill.then_s)
        sender.kill(kill.whom)


@pytest.mark.slow
@pytest.mark.parametrize("plan", list(kill_plans())[1:3])
def test_rows_without_a_key_that_may_have_arrived_when_a_run_was_killed_stay_unknown_and_never_go_twice(
    plan: Plan, cli: CommandLine
) -> None:
    executor, concurrency, rows, kills = plan
    invalid = invalid_rows(rows)
    write_rows(rows, invalid=invalid, spec=UNKEYED_SPEC)
    args = begin(executor, concurrency)
    with recording_server("--before", "40", "--after", "40") as server:
        for kill in kills:
            killed(kill, server, executor, args)
            args = ("--resume", "last")
        with sending(environ_for(server.base_url), *args) as sender:
            code, told, err = sender.ends()
        assert (code, told["total"], told["not_sent"]) == (1, rows, 0)
        assert 0 < told["unknown"] <= len(kills) * concurrency * PART_ROWS
        assert told["accepted"] + told["failed"] + told["unknown"] == rows
        arrived = [event.insert_id for event in server.taken()]
        assert len(arrived) == len(set(arrived)), "an event without a key went twice"
        assert told["accepted"] <= len(arrived) <= told["accepted"] + told["unknown"]
        run = told["run"]
        assert f"  runner send --resume {run} --yes\n      sends the {told['unknown']:,} unknown too" in err
        assert f"runner send --resume {run}\n" not in err
        shown = cli("runs", "show", "-o", "json").json["failures"]
        failed, unknown = ({row["row"] for row in shown if row["state"] == state} for state in ("failed", "unknown"))
        assert (len(failed), len(unknown)) == (told["failed"], told["unknown"])
        assert failed <= set(invalid) <= failed | unknown
        with sending(environ_for(server.base_url), *args, "--yes") as sender:
            code, told, _ = sender.ends()
    del told["failures"]
    assert (code, told) == (2, counts(run, accepted=rows - len(invalid), failed=len(invalid)))
    assert len({event.insert_id for event in server.taken()}) == rows - len(invalid)


@pytest.mark.slow
@pytest.mark.parametrize("plan", list(kill_plans())[1:3])
def test_rows_that_are_turned_away_once_and_killed_in_between_go_again_under_one_key_until_all_are_taken(
    plan: Plan, cli: CommandLine
) -> None:
    executor, concurrency, rows, kills = plan
    invalid = invalid_rows(rows)
    keys = write_rows(rows, invalid=invalid)
    args = (*begin(executor, concurrency), "--retries", "0")
    with recording_server("--before", "40", "--after", "40", "--turn-away") as server:
        for kill in kills:
            killed(kill, server, executor, args)
            args = ("--resume", "last")
        for _ in range(2):  # the first time, some come that were never there before
            with sending(environ_for(server.base_url), "--resume", "last") as sender:
                code, told, _ = sender.ends()
            assert sum(told[name] for name in ("accepted", "failed", "unknown", "not_sent")) == told["total"] == rows
    assert (code, told["accepted"], told["failed"]) == (2, len(keys), len(invalid))
    check_each_once(server.taken(), keys)
    assert state_of_run(cli)["state"] == "finished"


def _is_at(server: RecordingServer, goal: int) -> bool:
    return server.requests() >= goal


def _has_workers(sender: Sender, executor: int | str) -> bool:
    if isinstance(executor, str):  # Python starts another process to clean up after them
        return len(sender.workers()) >= 2
    return len(sender.workers()) == (0 if executor == 1 else executor)


def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost_or_sent_beyond_what_it_had() -> None:
    keys = write_rows(3_000)
    with (
        recording_server("--before", "20", "--after", "20") as server,
        sending(environ_for(server.base_url), *begin(2, 8)) as sender,
    ):
        for goal in (6, 18):
            sender.runs_until(partial(_is_at, server, goal))
            os.kill(min(sender.workers()), signal.SIGKILL)
        code, told, err = sender.ends()
    assert (code, told, err) == (0, summary_of(told["run"], accepted=3_000), "")
    check_each_once(server.taken(), keys)
    assert len(sent_again(server.taken())) <= 2 * 4, "a worker has 4 of the 8 requests under way"


def test_a_part_without_keys_whose_worker_is_killed_is_unknown_and_not_sent_again(cli: CommandLine) -> None:
    write_rows(3_000, spec=UNKEYED_SPEC)
    args = (*begin(2, 8), "--results", "results.jsonl")
    with (
        recording_server("--before", "20", "--after", "20") as server,
        sending(environ_for(server.base_url), *args) as sender,
    ):
        sender.runs_until(partial(_is_at, server, 6))
        os.kill(min(sender.workers()), signal.SIGKILL)
        code, told, _ = sender.ends()
    assert (code, told["failed"], told["not_sent"], told["total"]) == (1, 0, 0, 3_000)
    assert 0 < told["unknown"] <= 4 * PART_ROWS, "a worker has 4 of the 8 requests under way"
    arrived = [event.insert_id for event in server.taken()]
    assert len(arrived) == len(set(arrived)) >= told["accepted"]
    assert told["failures"][0]["message"] == (
        "the process that sent it died; rows without an idempotency key are not sent again automatically"
    )
    lines = [json.loads(line) for line in Path("results.jsonl").read_text("utf-8").splitlines()]
    assert sorted(line["row"] for line in lines) == list(range(1, 3_001))
    assert {line["code"] for line in lines if line["state"] == "unknown"} == {"worker-died"}
    assert len(cli("runs", "show", "-o", "json").json["failures"]) == told["unknown"]
