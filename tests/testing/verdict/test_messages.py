"""Cases whose messages come of the platform: recorded from a server, and replayed without waiting."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner.errors import ExitCode
from runner.secrets import Mask
from tests.servers.capturing import capturing_server
from tests.servers.message_server import MessageServer, PlannedMessage
from tests.testing.verdict.conftest import OK, live, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tests.testing.conftest import Project

MAIL = "- name: a\n  expect: {messages: [{channel: email, within: 2s}]}"
AT_ONCE = ((0.0, "triggered"),)
CASSETTE = "cassettes/order/a.yaml"


@pytest.fixture
def platform() -> Iterator[MessageServer]:
    """Run a platform on which each event brings a mail at once."""
    with capturing_server(MessageServer(comes_of=lambda event: [mail(event)])) as running:
        assert isinstance(running, MessageServer)
        yield running


def mail(event: dict[str, Any], **changes: Any) -> PlannedMessage:
    return PlannedMessage(AT_ONCE, key=event["$idempotency_key"], **changes)


@pytest.fixture
def recorded(project: Project, platform: MessageServer) -> Project:
    """Record a case whose message comes at the third look, after two that fail."""
    platform.faults = iter(["503", "429 without a time"])
    verdict = run(live(project, platform), MAIL, record="rewrite")["a"]
    assert verdict.problems == ()
    assert verdict.messages == ("email of order-confirmation to u1: triggered",)
    return project


def test_a_recording_replays_without_waiting(recorded: Project) -> None:
    began = time.monotonic()
    verdict = run(recorded, MAIL)["a"]
    assert (verdict.problems, verdict.messages) == ((), ("email of order-confirmation to u1: triggered",))
    assert time.monotonic() - began < 1
    assert recorded.files("cassettes")[CASSETTE].count("method: GET") == 3


def test_each_recording_has_keys_of_its_own(project: Project, platform: MessageServer) -> None:
    for _ in range(2):
        run(live(project, platform), MAIL, record="rewrite")
    first, second = (request.json["$idempotency_key"] for request in platform.received if request.method == "POST")
    assert first.startswith("order-u1-")
    assert first != second


def test_silence_replays_without_waiting(project: Project, platform: MessageServer) -> None:
    platform.comes_of = lambda _: []
    silent = "- name: a\n  expect: {messages: [{absent: {channel: sms}, within: 2s}]}"
    assert run(live(project, platform), silent, record="rewrite")["a"].problems == ()
    began = time.monotonic()
    assert run(project, silent)["a"].problems == ()
    assert time.monotonic() - began < 1


def test_another_expectation_fails_on_a_recording(recorded: Project) -> None:
    verdict = run(recorded, MAIL.replace("channel: email", "channel: sms"))["a"]
    assert [problem.code for problem in verdict.problems] == ["message-missing"]
    assert verdict.code is ExitCode.REFUSED


def with_looks(project: Project, change: Callable[[list[str]], list[str]]) -> None:
    """Rewrite the requests for lists in a cassette."""
    path = project.path / CASSETTE
    whole, version, _ = path.read_text().partition("version: 1")
    head, event, *looks = whole.split("- request:")
    path.write_text("- request:".join([head, event, *change(looks)]) + version + "\n")


def test_a_look_that_is_not_played_fails(recorded: Project) -> None:
    with_looks(recorded, lambda looks: [*looks, looks[-1]])
    verdict = run(recorded, MAIL)["a"]
    assert [problem.code for problem in verdict.problems] == ["cassette-unplayed"]
    assert verdict.code is ExitCode.CASSETTE


def test_a_look_that_was_not_recorded_fails(recorded: Project) -> None:
    with_looks(recorded, lambda _: [])
    verdict = run(recorded, MAIL)["a"]
    assert [problem.code for problem in verdict.problems] == ["cassette-changed"]
    assert verdict.code is ExitCode.CASSETTE


def test_looks_that_do_not_lead_to_the_message_fail(recorded: Project) -> None:
    with_looks(recorded, lambda looks: looks[:1])
    verdict = run(recorded, MAIL)["a"]
    assert [problem.code for problem in verdict.problems] == ["no-message"]


def test_a_changed_look_fails(recorded: Project) -> None:
    path = recorded.path / CASSETTE
    path.write_text(path.read_text().replace("limit=1000", "limit=999"))
    codes = {problem.code for problem in run(recorded, MAIL)["a"].problems}
    assert "cassette-changed" in codes
    assert codes <= {"cassette-changed", "cassette-unplayed"}


def test_secrets_in_messages_are_masked(project: Project, platform: MessageServer) -> None:
    secret = "s3cr3t-value-of-the-case"
    platform.comes_of = lambda event: [
        mail(event, recipient=secret, raw={"failure_reason": f"for {secret}", "content": {"body": secret}})
    ]
    masked = replace(live(project, platform), mask=Mask([secret]))
    verdict = run(masked, MAIL, record="rewrite")["a"]
    assert verdict.problems == ()
    text = project.files("cassettes")[CASSETTE]
    assert secret not in text
    assert "***" in text
    assert run(project, MAIL)["a"].problems == ()


# Silence that proves nothing


@pytest.mark.parametrize("expected", ["messages: []", "messages: [{absent: {channel: sms}}]"])
def test_an_event_that_is_refused_brings_no_proof(project: Project, platform: MessageServer, expected: str) -> None:
    platform.answers.append((400, {"status": "error", "error": {"message": "no such event", "type": "bad_request"}}))
    verdict = run(live(project, platform), f"- name: a\n  expect: {{{expected}}}", record="rewrite")["a"]
    [problem] = verdict.problems
    assert problem.code == "refused"
    assert problem.message == "the event was not accepted, so no messages can come: no such event"
    assert platform.looks == []
    assert project.files("cassettes") == {}


def test_a_refusal_that_is_expected_brings_no_messages(project: Project, platform: MessageServer) -> None:
    platform.answers.append((400, {"status": "error", "error": {"message": "no such event", "type": "bad_request"}}))
    tests = "- name: a\n  expect: {response: {status_code: 400}, messages: [{absent: {channel: sms}, within: 1s}]}"
    assert run(live(project, platform), tests, record="rewrite")["a"].problems == ()


def test_a_step_with_the_key_of_an_earlier_one_has_no_messages(project: Project, platform: MessageServer) -> None:
    met: set[str] = set()

    def comes_of(event: dict[str, Any]) -> list[PlannedMessage]:
        is_known = event["$idempotency_key"] in met
        met.add(event["$idempotency_key"])
        return [] if is_known else [mail(event)]

    platform.comes_of = comes_of
    step = "{expect: {messages: [{channel: email, within: 1s}]}}"
    again = f"- name: a\n  steps: [{step}, {step}]"
    verdict = run(live(project, platform), again, record="rewrite")["a"]
    assert [(problem.code, problem.context) for problem in verdict.problems] == [
        ("message-missing", "in case 'a', step 2")
    ]
    none = f"- name: a\n  steps: [{step}, {{expect: {{messages: []}}}}]"
    assert run(live(project, platform), none, record="rewrite") == {"a": replace(OK, messages=(
        "email of order-confirmation to u1: triggered",
    ))}  # fmt: skip
    assert run(project, none)["a"].problems == ()


def test_other_peoples_messages_are_none_of_the_case(project: Project, platform: MessageServer) -> None:
    platform.is_filtering = False
    platform.comes_of = lambda event: [
        PlannedMessage(AT_ONCE, key=key) for key in (None, "order-u1", event["$idempotency_key"] + "0")
    ]
    verdict = run(live(project, platform), MAIL, record="rewrite")["a"]
    assert [problem.code for problem in verdict.problems] == ["message-missing"]
    assert project.files("cassettes") == {}
