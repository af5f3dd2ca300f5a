"""Two hundred waits, in each of which other messages come and other lists fail: each verdict is held against the plan.

No verdict may be green without the messages that it stands for, and none red while they are there or may still come.
Time is virtual, and stands still while a list is read: what was there at a look is known exactly.
"""

from __future__ import annotations

import random
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import pytest

from runner.config import SANDBOX_KEY
from runner.secrets import Mask
from runner.source.document import read_text
from runner.suprsend.connection import Connection
from runner.suprsend.message_wait import wait_for_messages
from runner.testing.message_fit import expectations
from runner.testing.polls import wait_for_step
from tests.servers.capturing import capturing_server
from tests.servers.message_server import FAULTS, START, MessageServer, PlannedMessage, VirtualTime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from runner.suprsend.messages import Status

RUNS = range(200)
WITHIN_S = 60.0
CHANNELS = ("email", "sms", "inbox")
ORDER = ("to_be_triggered", "triggered", "sent_by_vendor", "delivered", "seen")
FAILURES = ("delivery_failure", "failure_by_vendor", "trigger_failed", "trigger_blocked")
SKIPPED = "not_to_be_triggered"
KEYS = ("key-1", "key-2", "key-3")
OTHER_KEYS = (None, "key", "key-11", "KEY-1", " key-1", "yesterday's")


@pytest.fixture(scope="module")
def server() -> Iterator[MessageServer]:
    with capturing_server(MessageServer()) as running:
        assert isinstance(running, MessageServer)
        yield running


def statuses(draw: random.Random) -> tuple[tuple[float, str], ...]:
    """Draw the life of a message, which may begin too late, or end anywhere."""
    path = [*ORDER[draw.choice([0, 1]) : draw.randint(1, len(ORDER))]] or ["triggered"]
    if draw.random() < 0.15:
        path = [*path[: draw.randint(0, 2)], draw.choice((*FAILURES, SKIPPED))]
    at_s = draw.choice([0.0, 0.0, draw.uniform(0, WITHIN_S), draw.uniform(WITHIN_S - 5, WITHIN_S * 1.5)])
    life = []
    for status in path:
        life.append((at_s, status))
        at_s += draw.choice([0.01, draw.uniform(0, 10), draw.uniform(0, WITHIN_S)])
    return tuple(life)


def oddities(draw: random.Random) -> dict[str, object]:
    """Draw fields that a list has or lacks."""
    odd: dict[str, object] = {"later_field": {"a": [1]}} if draw.random() < 0.5 else {}
    for name in ("created_at", "failure_reason", "template", "tenant_id", "category", "triggered_at", "delivered_at"):
        if draw.random() < 0.2:
            odd[name] = draw.choice([None, ...])
    return odd


def prepare(server: MessageServer, draw: random.Random, time: VirtualTime) -> None:
    """Draw a plan: our messages and those of others, and how lists fail."""
    keys = KEYS[: draw.randint(1, 3)]
    own = [
        PlannedMessage(statuses(draw), draw.choice(CHANNELS), draw.choice(keys), raw=oddities(draw))
        for _ in range(draw.randint(0, 6))
    ]
    others = [
        PlannedMessage(statuses(draw), draw.choice(CHANNELS), draw.choice(OTHER_KEYS), raw=oddities(draw))
        for _ in range(draw.randint(0, 6))
    ]
    messages = own + others
    draw.shuffle(messages)
    share = draw.choice([0.0, 0.1, 0.3, 0.6])
    server.clock = time.clock
    server.messages = messages
    server.is_filtering = draw.random() < 0.5
    server.page_size = draw.randint(1, 4)
    server.faults = (draw.choice(FAULTS) if draw.random() < share else None for _ in count())
    server.received.clear()


def connected(server: MessageServer) -> Connection:
    return Connection(SANDBOX_KEY, server.base_url)


def rank(status: str) -> int:
    return ORDER.index(status) if status in ORDER else -1


# `send --wait`


def state(server: MessageServer, key: str, until: str, at_s: float) -> str:
    """Return what the plan says of an event at a time."""
    there = [status for message in server.messages if message.key == key and (status := message.status_at(at_s))]
    if any(status in FAILURES for status in there):
        return "failed"
    under_way = [status for status in there if status not in (SKIPPED, "to_be_triggered")]
    return "reached" if under_way and all(rank(status) >= rank(until) for status in under_way) else "pending"


def test_no_wait_for_sent_events_ends_with_a_wrong_state(server: MessageServer) -> None:
    ended: Counter[str] = Counter()
    for seed in RUNS:
        draw, time = random.Random(seed), VirtualTime()  # noqa: S311 - a plan, not a secret
        prepare(server, draw, time)
        until: Status = draw.choice(["triggered", "delivered"])
        connection = connected(server)
        found = wait_for_messages(
            connection,
            KEYS[: draw.randint(1, 3)],
            until,
            WITHIN_S,
            clock=time.clock,
            now_s=lambda time=time: START.timestamp() + time.clock(),  # type: ignore[misc]
            sleep=time.sleep,
            random=draw.random,
        )
        connection.close()
        for event in found:
            if event.state != "pending":
                assert event.state == state(server, event.key, until, event.waited_s), seed
                ended[event.state] += 1
                continue
            assert time.now_s >= WITHIN_S, seed
            if event.failure is None:
                assert state(server, event.key, until, time.now_s) == "pending", seed
            ended["pending" if event.failure is None else "not read"] += 1
    assert set(ended) == {"reached", "failed", "pending", "not read"}
    assert min(ended.values()) >= 10, ended
    assert ended["not read"] < sum(ended.values()) / 5, ended


# `test --live`


class Wanted(NamedTuple):
    """What a case expects, as YAML and once more for the model: status and number by channel, and channels without messages."""

    text: str
    items: dict[str, tuple[str, int]]
    absent: tuple[str, ...] = ()
    is_exact: bool = False
    is_counted: bool = False

    @property
    def needs_silence(self) -> bool:
        return self.is_exact or self.is_counted or bool(self.absent)

    def judge(self, server: MessageServer, at_s: float) -> Literal["fits", "may fit", "never fits"]:
        """Return what the plan says at a time."""
        there = [
            (message.channel, status)
            for message in server.messages
            if message.key == KEYS[0] and (status := message.status_at(at_s))
        ]
        number = Counter(channel for channel, _ in there)
        if any(number[channel] for channel in self.absent):
            return "never fits"
        if self.is_exact and any(count > self.items.get(channel, ("", 0))[1] for channel, count in number.items()):
            return "never fits"
        fitting = {
            channel: sum(
                each == channel and (status == wanted or (wanted in ORDER and rank(status) >= rank(wanted)))
                for each, status in there
            )
            for channel, (wanted, _) in self.items.items()
        }
        if self.is_counted and any(fitting[channel] > times for channel, (_, times) in self.items.items()):
            return "never fits"
        return "fits" if all(fitting[channel] >= times for channel, (_, times) in self.items.items()) else "may fit"


CASES = (
    Wanted("messages: [{channel: email}]", {"email": ("triggered", 1)}),
    Wanted("messages: [{channel: email, status: delivered}]", {"email": ("delivered", 1)}),
    Wanted(
        "messages: [{channel: email, workflow: order-confirmation, recipient: u1}, {channel: sms}]",
        {"email": ("triggered", 1), "sms": ("triggered", 1)},
    ),
    Wanted("messages: [{channel: email, count: 2}]", {"email": ("triggered", 2)}, is_counted=True),
    Wanted("messages: [{channel: sms, status: trigger_failed}]", {"sms": ("trigger_failed", 1)}),
    Wanted("messages: [{channel: email}, {absent: {channel: sms}}]", {"email": ("triggered", 1)}, ("sms",)),
    Wanted("messages: []", {}, CHANNELS, is_exact=True),
    Wanted("messages: [{channel: email}]\nexactly: true", {"email": ("triggered", 1)}, is_exact=True),
)


def test_no_live_case_ends_with_a_wrong_verdict(server: MessageServer) -> None:
    ended: Counter[str] = Counter()
    for seed in RUNS:
        draw, time = random.Random(1000 + seed), VirtualTime()  # noqa: S311
        prepare(server, draw, time)
        wanted = CASES[seed % len(CASES)]
        root = read_text(wanted.text, "case.yaml").root
        assert root is not None
        expected = expectations(root)
        assert expected is not None
        connection = connected(server)
        random.seed(seed)  # what spreads the looks
        result = wait_for_step(connection, [KEYS[0]], expected, None, Mask(), clock=time.clock, sleep=time.sleep)
        connection.close()
        truth = wanted.judge(server, time.now_s)
        codes = {problem.code for problem in result.problems}
        if not codes:
            assert truth == "fits", seed
            assert time.now_s >= WITHIN_S or not wanted.needs_silence, seed
        elif codes == {"no-message"}:
            assert time.now_s >= WITHIN_S, seed
        else:
            assert truth != "fits", seed
            assert time.now_s >= WITHIN_S or truth == "never fits", seed
        ended["green" if not codes else "not read" if codes == {"no-message"} else "red"] += 1
    assert set(ended) == {"green", "red", "not read"}
    assert min(ended.values()) >= 10, ended
    assert ended["not read"] < len(RUNS) / 5, ended
