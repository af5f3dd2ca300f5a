"""The one path that everything which sends shares."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from runner.errors import ExitCode, Problem
from runner.eventspec import Occurrence, Spec, load
from runner.eventspec.own_key import own_key
from runner.run import (
    Inputs,
    Job,
    Outcome,
    Prepared,
    Rejected,
    Run,
    Sent,
    exit_code,
    prepare,
    send,
    unsent,
    with_own_keys,
)
from runner.secrets import Secret
from runner.suprsend.auth import WorkspaceKey
from runner.suprsend.connection import Connection
from runner.suprsend.rules import MAX_EVENT_KB, MAX_KEY
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.codes import Code
    from tests.servers.capturing import CapturingServer

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SEED = UUID("7f3a0000-0000-4000-8000-000000000000")


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    path = tmp_path / "paid.yaml"
    path.write_text(
        "version: 1\n"
        "vars: {user: {type: string}, pin: {type: string, secret: true, default: '98765'}}\n"
        "event: paid\n"
        'distinct_id: "{{ user }}"\n'
        'properties: {ref: "{{ uuid4() }}", pin: "{{ pin }}"}\n'
    )
    loaded = load(path, tmp_path).spec
    assert loaded is not None
    return loaded


def inputs(**flags: str) -> Inputs:
    layer: Mapping[str, Given] = {name: Given(value, f"--var {name}", is_text=True) for name, value in flags.items()}
    return Inputs((layer,), {}, {})


def prepared(spec: Spec, row: int = 0, user: str = "u1") -> Prepared:
    event = prepare(Job(spec, inputs(user=user)), Occurrence(SEED, row, NOW), "wk")
    assert isinstance(event, Prepared)
    return event


def test_a_run_is_named_by_its_start_and_its_seed() -> None:
    assert Run(SEED, NOW).id == "20260102-030405-7f3a"


def test_the_same_run_and_row_give_the_same_bytes(spec: Spec) -> None:
    assert prepared(spec).body == prepared(spec).body
    assert prepared(spec, row=1).body != prepared(spec).body


def test_another_row_has_other_ids_and_another_key(spec: Spec) -> None:
    first, second = prepared(spec), prepared(spec, row=1)
    assert first.stamp.insert_id != second.stamp.insert_id
    assert first.event.idempotency_key != second.event.idempotency_key


def test_secrets_come_with_what_was_prepared_and_with_what_was_rejected(spec: Spec) -> None:
    assert prepared(spec).secrets == ("98765", "98765")
    rejected = prepare(Job(spec, inputs()), Occurrence(SEED, 0, NOW), "wk")
    assert isinstance(rejected, Rejected)
    assert [problem.code for problem in rejected.problems] == ["var-missing"]
    assert "98765" in rejected.secrets


def connection(server: CapturingServer) -> Connection:
    return Connection(WorkspaceKey("wk", Secret("secret")), server.base_url)


def states(sent: Sent) -> list[str]:
    return [outcome.state for outcome in sent.outcomes]


def test_one_event_goes_alone_and_several_go_together(spec: Spec, server: CapturingServer) -> None:
    assert states(send([prepared(spec)], connection(server))) == ["accepted"]
    several = [prepared(spec, row) for row in range(3)]
    assert states(send(several, connection(server))) == ["accepted"] * 3
    assert [request.path for request in server.received] == ["/v2/event/", "/v2/bulk/event/"]
    assert server.received[1].body == b"[" + b",".join(event.body for event in several) + b"]"


def test_what_is_not_sent_has_outcomes_too(spec: Spec) -> None:
    rejected = prepare(Job(spec, inputs()), Occurrence(SEED, 1, NOW), "wk")
    assert [outcome.state for outcome in unsent([prepared(spec), rejected])] == ["not_sent", "failed"]


def test_after_an_interrupt_what_was_under_way_is_unknown_and_the_rest_is_not_sent(
    spec: Spec, server: CapturingServer
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    accepted = {"status": "success", "status_code": 202, "message_id": "m"}
    busy = {"status": "error", "status_code": 503, "error": {"message": "busy"}}
    server.answers.append((207, {"status": "success", "records": [accepted] * 99 + [busy]}))
    events = [prepared(spec, row) for row in range(150)]
    wire = Connection(WorkspaceKey("wk", Secret("secret")), server.base_url, sleep=interrupt)
    sent = send(events, wire)
    assert sent.was_interrupted
    assert states(sent) == ["accepted"] * 99 + ["failed"] + ["not_sent"] * 50


def test_refused_credentials_keep_the_rest_from_being_sent(spec: Spec, server: CapturingServer) -> None:
    server.answers.append((401, {"error": "no"}))
    sent = send([prepared(spec, row) for row in range(150)], connection(server))
    assert (states(sent), len(server.received)) == (["failed"] * 100 + ["not_sent"] * 50, 1)


def outcome(code: int, *, state: str = "failed", sent: bool = True) -> Outcome:
    return Outcome(
        "a.yaml",
        state,  # type: ignore[arg-type] # the literal that the test names
        status_code=code,
        insert_id="id" if sent else None,
        error=None if state == "accepted" else Problem(CODES.get(code, "refused"), "x"),
    )


CODES: dict[int, Code] = {
    0: "no-answer", 401: "credentials-refused", 403: "credentials-refused", 429: "rate-limited",
}  # fmt: skip
"""The code of a failure, by its status."""


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([outcome(202, state="accepted")], ExitCode.OK),
        ([outcome(202, state="accepted"), outcome(400)], ExitCode.REFUSED),
        ([outcome(401), outcome(400)], ExitCode.CREDENTIALS),
        ([outcome(403), outcome(0)], ExitCode.CREDENTIALS),
        ([outcome(429), outcome(429)], ExitCode.RATE_LIMITED),
        ([outcome(429), outcome(400)], ExitCode.REFUSED),
        ([outcome(0), outcome(0, state="unknown")], ExitCode.NO_ANSWER),
        ([outcome(0), outcome(429)], ExitCode.REFUSED),
        ([outcome(200, state="unknown")], ExitCode.REFUSED),
        ([outcome(-1, sent=False)], ExitCode.INVALID),
        ([outcome(-1, sent=False), outcome(0, state="not_sent")], ExitCode.INVALID),
    ],
)
def test_the_exit_code_sums_up_the_outcomes(outcomes: list[Outcome], code: ExitCode) -> None:
    assert exit_code(outcomes) is code


# Keys that no other run has


def test_a_key_of_a_run_is_that_of_the_spec_with_the_name_of_the_run() -> None:
    assert own_key(" order-1 ", "20260102-030405-7f3a", 3) == "order-1-20260102-030405-7f3a"
    assert own_key(None, "20260102-030405-7f3a", 3) == own_key("  ", "20260102-030405-7f3a", 3)
    assert own_key(None, "20260102-030405-7f3a", 3) == "20260102-030405-7f3a-3"


def test_long_keys_stay_within_the_limit_and_apart() -> None:
    run = "20260102-030405-7f3a"
    longest = "k" * (MAX_KEY - len(run) - 1)
    assert own_key(longest, run, 0) == f"{longest}-{run}"
    first, second = own_key("k" * 254 + "1", run, 0), own_key("k" * 254 + "2", run, 0)
    assert (len(first), len(second)) == (MAX_KEY, MAX_KEY)
    assert first != second
    assert first.endswith(run)


def test_events_that_are_waited_for_have_keys_of_their_run(tmp_path: Path) -> None:
    def made(key: str) -> Prepared:
        path = tmp_path / "spec.yaml"
        path.write_text(f"version: 1\nevent: paid\ndistinct_id: u1\n{key}\n")
        spec = load(path, tmp_path).spec
        assert spec is not None
        return prepared_plain(spec)

    run = Run(SEED, NOW)
    events = [made("idempotency_key: order-1"), made("idempotency_key: auto"), made("idempotency_key: order-1")]
    keyed, changed = with_own_keys(events, run, "wk", MAX_EVENT_KB)
    own = f"order-1-{run.id}"
    assert [event.event.idempotency_key for event in keyed] == [own, events[1].event.idempotency_key, own]
    assert changed == [own]
    assert json.loads(keyed[0].body)["$idempotency_key"] == own
    assert keyed[1].body == events[1].body


def prepared_plain(spec: Spec) -> Prepared:
    event = prepare(Job(spec, inputs()), Occurrence(SEED, 0, NOW), "wk")
    assert isinstance(event, Prepared)
    return event
