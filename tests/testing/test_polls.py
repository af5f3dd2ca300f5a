"""Waiting for the messages of a step: what is in time, what decides, and what a replay plays. Time is virtual."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

import pytest

from runner.config import SANDBOX_KEY
from runner.secrets import Mask
from runner.source.document import read_text
from runner.suprsend.connection import Connection
from runner.testing.message_fit import expectations
from runner.testing.polls import StepResult, wait_for_step
from tests.servers.capturing import capturing_server
from tests.servers.message_server import MessageServer, PlannedMessage, VirtualTime

if TYPE_CHECKING:
    from collections.abc import Iterator


class Waiter:
    """Waits for the messages of events at a server."""

    def __init__(self, server: MessageServer) -> None:
        self.server = server
        self.time = VirtualTime()
        server.clock = self.time.clock

    def comes(self, at_s: float, *statuses: str, channel: str = "email", key: str = "key-1") -> None:
        life = tuple((at_s + number, status) for number, status in enumerate(statuses or ("triggered",)))
        self.server.messages.append(PlannedMessage(life, channel, key))

    def wait(self, text: str, *keys: str) -> StepResult:
        root = read_text(text, "case.yaml").root
        assert root is not None
        expected = expectations(root)
        assert expected is not None
        connection = Connection(SANDBOX_KEY, self.server.base_url)
        try:
            return wait_for_step(
                connection, keys or ("key-1",), expected, None, Mask(), clock=self.time.clock, sleep=self.time.sleep
            )
        finally:
            connection.close()

    def codes(self, text: str, *keys: str) -> list[str]:
        return [problem.code for problem in self.wait(text, *keys).problems]


@pytest.fixture
def waiter() -> Iterator[Waiter]:
    with capturing_server(MessageServer()) as running:
        assert isinstance(running, MessageServer)
        yield Waiter(running)


def test_a_message_ends_the_wait(waiter: Waiter) -> None:
    waiter.comes(4)
    result = waiter.wait("messages: [{channel: email}]")
    assert result == StepResult((), ("email of order-confirmation to u1: triggered",))
    assert waiter.time.now_s < 8


def test_each_message_has_its_own_time(waiter: Waiter) -> None:
    waiter.comes(9.9)
    waiter.comes(40, channel="sms")
    both = "messages: [{channel: email, within: 10s}, {channel: sms, within: 60s}]"
    assert waiter.codes(both) == []
    waiter.server.messages.clear()
    waiter.time.now_s = 0
    waiter.comes(10.1)
    waiter.comes(40, channel="sms")
    [problem] = waiter.wait(both).problems
    assert problem.code == "message-missing"
    assert 'expected channel "email" within 10s, but it came at another time' in problem.message


def test_a_status_has_to_be_reached_in_time(waiter: Waiter) -> None:
    waiter.comes(9.5, "triggered", "delivered")
    text = "messages: [{channel: email, status: STATUS, within: 10s}, {channel: sms, within: 20s}]"
    waiter.comes(15, channel="sms")
    assert waiter.codes(text.replace("STATUS", "triggered")) == []
    waiter.time.now_s = 0
    assert waiter.codes(text.replace("STATUS", "delivered")) == ["message-missing"]


def test_a_list_that_failed_makes_no_message_late(waiter: Waiter) -> None:
    waiter.comes(5)
    waiter.server.faults = iter(["503"] * 7)
    waiter.comes(45, channel="sms")
    assert waiter.codes("messages: [{channel: email, within: 10s}, {channel: sms, within: 60s}]") == []


def test_a_failure_decides_nothing_before_the_time_is_over(waiter: Waiter) -> None:
    waiter.comes(1, "trigger_failed")
    waiter.comes(20, "triggered")
    assert waiter.codes("messages: [{channel: email}]") == []
    waiter.server.messages.pop()
    waiter.time.now_s = 0
    assert waiter.codes("messages: [{channel: email}]") == ["message-failed"]
    assert waiter.time.now_s == 60


def test_silence_is_known_at_the_end(waiter: Waiter) -> None:
    assert waiter.codes("messages: []") == []
    assert waiter.time.now_s == 60


def test_a_message_that_must_not_come_ends_the_wait(waiter: Waiter) -> None:
    waiter.comes(3, channel="sms")
    assert waiter.codes("messages: [{channel: email}, {absent: {channel: sms}}]") == [
        "message-missing",
        "message-unexpected",
    ]
    assert waiter.time.now_s < 8


def test_silence_that_can_not_be_read_proves_nothing(waiter: Waiter) -> None:
    waiter.server.faults = repeat("503")
    [problem] = waiter.wait("messages: []").problems
    assert (problem.code, problem.message) == ("no-message", "the messages can't be read: HTTP 503: try again")
    assert waiter.time.now_s >= 60


def test_messages_for_later_are_not_waited_for_and_may_come(waiter: Waiter) -> None:
    assert waiter.codes("messages: [{channel: sms, after: 2d}]") == []
    waiter.comes(0)
    waiter.comes(30, channel="sms")
    assert waiter.codes("messages: [{channel: email}, {channel: sms, after: 30s}]\nexactly: true") == []
    waiter.comes(30, channel="inbox")
    waiter.time.now_s = 0
    assert waiter.codes("messages: [{channel: email}, {channel: sms, after: 30s}]\nexactly: true") == [
        "message-unexpected"
    ]


def test_the_messages_of_all_events_of_a_step_count(waiter: Waiter) -> None:
    waiter.comes(1)
    waiter.comes(5, key="key-2")
    assert waiter.codes("messages: [{channel: email, count: 2}]", "key-1", "key-2") == []


def test_a_step_whose_events_have_no_key_of_their_own_has_no_messages(waiter: Waiter) -> None:
    connection = Connection(SANDBOX_KEY, waiter.server.base_url)
    root = read_text("messages: [{channel: email}]", "case.yaml").root
    assert root is not None
    expected = expectations(root)
    assert expected is not None
    result = wait_for_step(connection, [], expected, lambda _: False, Mask())
    assert [problem.code for problem in result.problems] == ["message-missing"]
    assert waiter.server.received == []


def test_a_server_that_asks_for_patience_is_not_asked_for_the_other_events(waiter: Waiter) -> None:
    waiter.comes(0)
    waiter.comes(0, key="key-2")
    waiter.server.faults = iter(["429"])
    assert waiter.codes("messages: [{channel: email}, {channel: email}]", "key-1", "key-2") == []
    assert waiter.server.looks == [0, 5, 5]


def test_refused_credentials_end_the_wait(waiter: Waiter) -> None:
    waiter.server.faults = iter(["401"])
    assert waiter.codes("messages: [{channel: email}]") == ["credentials-refused"]
    assert waiter.time.now_s == 0
