"""A wait for the messages of many events: in which order they are looked for, and when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.config import SANDBOX_KEY
from runner.suprsend.connection import Connection
from runner.suprsend.message_wait import wait_for_messages
from tests.servers.capturing import capturing_server
from tests.servers.message_server import START, MessageServer, VirtualTime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.suprsend.message_wait import WaitedEvent

TIME_OF_A_LIST_S = 10.0


class SlowServer(MessageServer):
    """Takes ten seconds for each list."""

    time = VirtualTime()

    def found(self, key: str | None) -> list[dict[str, object]]:
        self.time.sleep(TIME_OF_A_LIST_S)
        return super().found(key)


@pytest.fixture
def server() -> Iterator[SlowServer]:
    with capturing_server(SlowServer()) as running:
        assert isinstance(running, SlowServer)
        running.time = VirtualTime()
        yield running


def wait(server: SlowServer, events: int) -> list[WaitedEvent]:
    connection = Connection(SANDBOX_KEY, server.base_url)
    try:
        return wait_for_messages(
            connection,
            [f"key-{number}" for number in range(events)],
            "triggered",
            60.0,
            clock=server.time.clock,
            now_s=lambda: START.timestamp() + server.time.clock(),
            sleep=server.time.sleep,
            random=lambda: 0.5,
        )
    finally:
        connection.close()


def test_lists_that_do_not_come_do_not_make_the_wait_much_longer(server: SlowServer) -> None:
    server.faults = iter(lambda: "gone", None)
    found = wait(server, 50)
    assert {event.state for event in found} == {"pending"}
    assert all(event.failure is not None for event in found)
    assert server.time.now_s <= 120
