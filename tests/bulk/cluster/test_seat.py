"""A worker's side of a run: what it does once, what it leaves to others, and how a part ends early."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from runner.bulk.cluster import seat
from runner.bulk.cluster.seat import Call, answer_of, hurry_seat, leave_seat, send_here, take_seat
from runner.bulk.part import Part
from runner.bulk.parts import SpanParts
from runner.bulk.worker_messages import PROTOCOL, unpacked
from runner.errors import MachineError
from runner.rows.row import Row
from tests.bulk.cluster.conftest import ENVIRON, briefing_of, planned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.bulk.outcomes import PartOutcome
    from tests.servers.capturing import CapturingServer

BUSY = {"status": "error", "error": {"message": "slow down", "type": "rate_limited"}}
REFUSED = {"status": "error", "error": {"message": "no such key", "type": "authentication_error"}}


@pytest.fixture(autouse=True)
def own_seats(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give this process the environment of a worker, and let it forget its runs in the end."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    yield
    for name in list(seat._seats):
        leave_seat(name)


@pytest.fixture
def briefing(tmp_path: Path, server: CapturingServer) -> bytes:
    with planned(tmp_path, base_url=server.base_url) as plan:
        told = briefing_of(plan)
    setup = replace(told.setup, retries=5, timeout_s=300)
    return pickle.dumps(replace(told, setup=setup, form=None), PROTOCOL)


def part_of(rows: int) -> Part:
    return Part(1, rows, "", [Row(n, n + 1, [str(n)]) for n in range(1, rows + 1)])


def sent(name: str, incarnation: str, attempt: int, rows: int) -> PartOutcome | None:
    """Call as the scheduler does; None if nothing was done."""
    answer, error = unpacked(answer_of(Call(name, incarnation, attempt, send_here, (part_of(rows),))))
    assert error is None
    return answer[0] if answer is not None else None


def taken(name: str, briefing: bytes) -> str:
    incarnation, why = take_seat(name, briefing)
    assert (bool(incarnation), why) == (True, "")
    return incarnation


def test_a_part_is_sent_in_requests_of_a_hundred_rows(briefing: bytes, server: CapturingServer) -> None:
    outcome = sent("run", taken("run", briefing), 1, 250)
    assert outcome is not None
    assert (outcome.accepted, outcome.size, outcome.failures) == (250, 250, ())
    assert [len(request.json) for request in server.received] == [100, 100, 50]


def test_an_attempt_is_taken_once(briefing: bytes, server: CapturingServer) -> None:
    incarnation = taken("run", briefing)
    assert sent("run", incarnation, 7, 1) is not None
    assert sent("run", incarnation, 7, 1) is None
    assert sent("run", incarnation, 8, 1) is not None
    assert len(server.received) == 2


def test_an_attempt_is_taken_once_also_by_threads_at_the_same_time(briefing: bytes, server: CapturingServer) -> None:
    incarnation = taken("run", briefing)
    threads = [Thread(target=partial(sent, "run", incarnation, 1, 1)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.received) == 1


def test_another_incarnation_and_another_run_send_nothing(briefing: bytes, server: CapturingServer) -> None:
    first = taken("run", briefing)
    second = taken("run", briefing)
    assert first != second
    assert sent("run", first, 1, 1) is None
    assert sent("another run", second, 1, 1) is None
    assert server.received == []
    assert sent("run", second, 1, 1) is not None


def test_of_five_runs_the_first_one_is_forgotten(briefing: bytes) -> None:
    incarnations = {name: taken(name, briefing) for name in "abcde"}
    assert [name for name, each in incarnations.items() if sent(name, each, 1, 1) is None] == ["a"]


def test_a_run_that_was_left_is_forgotten(briefing: bytes) -> None:
    incarnation = taken("run", briefing)
    leave_seat("run")
    assert sent("run", incarnation, 1, 1) is None
    leave_seat("run")
    hurry_seat("run")


@pytest.mark.parametrize("end", [hurry_seat, leave_seat])
def test_a_hurry_ends_with_the_request_under_way_and_the_rest_is_not_sent(
    end: Callable[[str], None], briefing: bytes, server: CapturingServer
) -> None:
    incarnation = taken("run", briefing)
    server.answers.append((429, BUSY, {"Retry-After": "60", "Content-Type": "application/json"}))
    outcomes: list[Any] = []
    thread = Thread(target=lambda: outcomes.append(sent("run", incarnation, 1, 350)))
    thread.start()
    while not server.received:
        thread.join(0.01)
    end("run")
    thread.join(10)
    [outcome] = outcomes
    assert len(server.received) == 1
    assert (outcome.accepted, outcome.size) == (0, 350)
    assert {(each.state, each.attempts) for each in outcome.failures[:100]} == {("not_sent", 1)}
    assert {(each.state, each.attempts) for each in outcome.failures[100:]} == {("not_sent", 0)}
    assert [each.row for each in outcome.failures] == list(range(1, 351))


def test_refused_credentials_end_a_part(briefing: bytes, server: CapturingServer) -> None:
    incarnation = taken("run", briefing)
    accepted = {"status": "success", "status_code": 202}
    server.answers.extend([(207, {"records": [accepted] * 100}), (401, REFUSED)])
    outcome = sent("run", incarnation, 1, 350)
    assert outcome is not None
    assert len(server.received) == 2
    assert (outcome.accepted, outcome.met_refused_credentials) == (100, True)
    assert [each.row for each in outcome.failures] == list(range(101, 351))
    assert {each.state for each in outcome.failures} == {"not_sent"}


def test_a_worker_without_secrets_says_so_and_takes_no_seat(briefing: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPRSEND_WORKSPACE_SECRET")
    why = "SUPRSEND_WORKSPACE_KEY is set, SUPRSEND_WORKSPACE_SECRET is not"
    assert take_seat("run", briefing) == ("", why)
    assert list(seat._seats) == []


def test_a_worker_that_lacks_a_file_of_rows_says_so(tmp_path: Path, server: CapturingServer) -> None:
    with planned(tmp_path, base_url=server.base_url) as plan:
        told, cutter = briefing_of(plan), plan.cutter()
        assert cutter is not None
        with cutter:
            part = next(iter(SpanParts(cutter, 1_000, None, begun_to=0, offset=0, on_finished=lambda _: None)))
    assert isinstance(part, Part)
    incarnation = taken("run", pickle.dumps(told, PROTOCOL))
    (tmp_path / "rows.csv").rename(tmp_path / "elsewhere.csv")
    _, error = unpacked(answer_of(Call("run", incarnation, 1, send_here, (part,))))
    assert isinstance(error, MachineError)
    [problem] = error.problems
    name = f"{os.uname().nodename}:{os.getpid()}"
    message = f"the worker {name} can't read the rows: no such file: {tmp_path}/rows.csv"
    hint = "files of rows must have the same paths on all machines, or be in a store that all can read"
    assert (problem.code, problem.message, problem.hint) == ("cluster-worker", message, hint)
    (tmp_path / "elsewhere.csv").rename(tmp_path / "rows.csv")
    assert unpacked(answer_of(Call("run", incarnation, 2, send_here, (part,))))[0][0].accepted == 2
