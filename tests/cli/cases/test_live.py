"""`runner test --live`: cases at a target, which wait for their messages."""

from __future__ import annotations

import json
import signal
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.cases.conftest import write
from tests.cli.conftest import SANDBOX
from tests.processes import Preloaded
from tests.pytest_projects import CLEAN
from tests.servers.capturing import capturing_server
from tests.servers.message_server import MessageServer, PlannedMessage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import CommandLine

SPEC = """\
version: 1
vars: {user: {type: string, default: u1}}
event: ordered
distinct_id: "{{ user }}"
idempotency_key: "order-{{ user }}"
tests:
"""
MAIL = "  - {name: a mail, expect: {messages: [{channel: email, within: 1s}]}}\n"
LEFT_OUT = """\
  - {name: only rendered, expect: {event: {event: ordered}}}
  - {name: days, steps: [{expect: {messages: []}}, {after: 2d, expect: {messages: []}}]}
  - {name: later, expect: {messages: [{channel: sms, after: 2d}]}}
"""
REASONS = {
    "only rendered": "it expects no messages",
    "days": "it lets time pass between its steps",
    "later": "its messages come later than a live run waits",
}


def brought(event: dict[str, Any]) -> list[PlannedMessage]:
    return [PlannedMessage(((0.0, "triggered"),), key=event["$idempotency_key"])]


@pytest.fixture
def platform(cli: CommandLine) -> Iterator[MessageServer]:
    """Run a platform on which each event brings a mail at once, and aim the command line at it."""
    with capturing_server(MessageServer(comes_of=brought)) as running:
        assert isinstance(running, MessageServer)
        cli.environ |= SANDBOX | {"SUPRSEND_BASE_URL": running.base_url}
        yield running


def states(document: Any) -> dict[str, str]:
    return {case["case"]: case["state"] for case in document["cases"]}


def test_cases_without_messages_that_can_be_waited_for_are_left_out(cli: CommandLine, platform: MessageServer) -> None:
    write(SPEC + MAIL + LEFT_OUT)
    ended = cli("test", "--live", "-o", "json")
    assert ended.code == 0
    assert states(ended.json) == {"a mail": "passed"} | dict.fromkeys(REASONS, "skipped")
    reasons = {case["case"]: case["reason"] for case in ended.json["cases"] if case["state"] == "skipped"}
    assert reasons == REASONS
    assert sum(request.method == "POST" for request in platform.received) == 1


def test_the_messages_of_a_case_are_reported(cli: CommandLine, platform: MessageServer, in_tmp: Path) -> None:
    write(SPEC + MAIL)
    ended = cli("test", "--live", "-o", "json", "--junit-xml", "report.xml")
    [case] = ended.json["cases"]
    assert case["messages"] == ["email of order-confirmation to u1: triggered"]
    assert 'name="message" value="email of order-confirmation to u1: triggered"' in (in_tmp / "report.xml").read_text()
    assert not (in_tmp / "cassettes").exists()
    assert platform.received[0].json["$idempotency_key"].startswith("order-u1-")


def test_each_live_run_sends_events_of_its_own(cli: CommandLine, platform: MessageServer) -> None:
    write(SPEC + MAIL)
    for _ in range(2):
        assert cli("test", "--live").code == 0
    first, second = (request.json for request in platform.received if request.method == "POST")
    for name in ("$idempotency_key", "$insert_id", "$time"):
        assert first[name] != second[name], name


@pytest.mark.parametrize("fault", ["429 without a time", "500", "503", "page", "cut", "gone"])
def test_failing_lists_fail_no_case_before_its_time(cli: CommandLine, platform: MessageServer, fault: str) -> None:
    write(SPEC + MAIL)
    platform.faults = iter([fault, fault])
    assert cli("test", "--live").code == 0
    assert platform.fails == [fault, fault]


@pytest.mark.parametrize("key", ["order-u1", None, "another"])
def test_messages_of_others_fail_a_case(cli: CommandLine, platform: MessageServer, key: str | None) -> None:
    write(SPEC + MAIL)
    platform.is_filtering = False
    platform.comes_of = lambda _: [PlannedMessage(((0.0, "delivered"),), key=key)]
    ended = cli("test", "--live", "-o", "json")
    assert (ended.code, states(ended.json)) == (1, {"a mail": "failed"})
    [problem] = ended.json["cases"][0]["problems"]
    assert problem["code"] == "message-missing"
    assert problem["message"] == 'expected channel "email", but no such message came'


def test_refused_credentials_are_named(cli: CommandLine, platform: MessageServer) -> None:
    write(SPEC + MAIL)
    platform.faults = iter(["401"])
    ended = cli("test", "--live", "-o", "json")
    [problem] = ended.json["cases"][0]["problems"]
    assert (problem["code"], problem["message"]) == (
        "credentials-refused", "the messages can't be read: HTTP 401: no such key",
    )  # fmt: skip


def test_a_live_run_needs_credentials(cli: CommandLine) -> None:
    write(SPEC + MAIL)
    ended = cli("test", "--live")
    assert ended.code == 3
    assert "error[credentials-missing]" in ended.err


def test_a_live_run_records_nothing(cli: CommandLine) -> None:
    write(SPEC + MAIL)
    ended = cli("test", "--live", "--record", "once", "--sandbox")
    assert (ended.code, ended.err.splitlines()[0]) == (64, "error[usage]: --live and --record can't be combined")


def test_a_sandbox_brings_the_messages_of_its_rules(cli: CommandLine) -> None:
    write("sandbox: {workflows: {ordered: {channels: [email], status_every: 0s}}}\n", "specs/runner.yaml")
    two = MAIL + "  - {name: none, vars: {user: never+u1}, expect: {messages: [{channel: email, within: 1s}]}}\n"
    bounced = "  - {name: bounced, vars: {user: bounce+u1}, expect: {messages: [{channel: email, status: delivery_failure}]}}\n"
    write(SPEC + two + bounced)
    ended = cli("test", "--live", "--sandbox", "-o", "json")
    assert states(ended.json) == {"a mail": "passed", "none": "failed", "bounced": "passed"}
    assert ended.code == 1


def test_an_interrupted_wait_ends_with_130_and_shows_what_is_known(platform: MessageServer, in_tmp: Path) -> None:
    write(SPEC + MAIL + "  - {name: a push, expect: {messages: [{channel: iospush, within: 600s}]}}\n")
    environ = CLEAN | SANDBOX | {"SUPRSEND_BASE_URL": platform.base_url}
    command = ["runner", "test", "--live", "-o", "json"]
    with Preloaded(
        command, cwd=in_tmp, env=environ, stdout=-1, stderr=-1, text=True, start_new_session=True
    ) as process:
        while len(platform.looks) < 3:
            with pytest.raises(TimeoutExpired):
                process.wait(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "error[interrupted]" in err
    assert states(json.loads(out)) == {"a mail": "passed"}
