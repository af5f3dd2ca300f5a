"""Messages that depend on earlier events, which a sandbox remembers: they are those of reading all events anew."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.config import load_profile
from runner.sandbox.arrival import Received, Record
from runner.sandbox.message_store import Messages
from runner.sandbox.pasts import MOST_EVENTS
from runner.sandbox.rules import messages_of, rules_of
from runner.sandbox.store import Store
from runner.workflows.event import event_of
from runner.workflows.interpreter import interpret
from tests.workflows.definitions import email, node, workflow_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.messages import History, Plan
    from runner.sandbox.rules import SandboxRules
    from runner.workflows.timeline import Message

SHOP = Path(__file__).parents[1] / "workflows" / "shop"
MONDAY_S = 1_772_442_000.0
HOUR_MS = 3_600_000
SESSIONS = ("", "t1")
EVENTS = (
    "cart_updated",
    "cart_updated",
    "order_placed",
    "product_viewed",
    "payment_failed",
    "cart_shared",
    "cart_seen",
)
USERS = ("u1", "u1", "u2", "bounce+u1", "nobody")
FAN_OUT = [node("invokeworkflow", "tell", workflow="hourly", recipient_selection="recipient")]
HOURLY = [
    node("batch", "collect", mode="accumulate_all", window_type="fixed", fixed_window="1h"),
    email(template="order-confirmation"),
]


@pytest.fixture
def rules(tmp_path: Path) -> SandboxRules:
    """Return the rules of the shop, with a workflow that collects events of its own and of a workflow that starts it."""
    shutil.copytree(SHOP, tmp_path, dirs_exist_ok=True)
    files = (
        workflow_file(*FAN_OUT, slug="fan-out", trigger_events=["cart_shared"]),
        workflow_file(*HOURLY, slug="hourly", trigger_events=["cart_seen"]),
        workflow_file(
            *HOURLY,
            slug="watchers",
            trigger_events=["cart_seen"],
            override_recipients_type="user",
            override_recipients_user_expr=".watchers[]",
        ),
    )
    for file in files:
        path = tmp_path / "suprsend" / "workflows" / file["slug"] / "workflow.json"
        path.parent.mkdir()
        path.write_text(json.dumps(file))
    found = rules_of(load_profile(start=tmp_path))
    assert found.project is not None
    assert [each for each in found.project.problems if each.severity == "error"] == []
    return found


class Sandboxes:
    """Two stores to which the same happens. One of them remembers no events."""

    def __init__(self, rules: SandboxRules) -> None:
        self.now_s = MONDAY_S
        self.is_failing = False
        self.anew = self._messages(rules)
        self.stores = [Store(lambda: self.now_s, messages=messages) for messages in (self._messages(rules), self.anew)]
        self.sent = 0

    def _messages(self, rules: SandboxRules) -> Messages:
        """Return the messages of the rules, but that planning can fail at the last event of a request."""
        found = messages_of(rules)
        assert found is not None

        def plan(arrival: Arrival, history: History) -> Plan:
            plan = found._planner(arrival, history)
            if self.is_failing and arrival.event == EVENTS[-1]:
                raise ZeroDivisionError
            return plan

        return Messages(plan, forget=found.forget)

    def send(self, session: str, *events: tuple[str, str, dict[str, Any]]) -> None:
        records = []
        for name, user, properties in events:
            self.sent += 1
            wire = {"$insert_id": f"i{self.sent}", "event": name, "distinct_id": user, "properties": properties}
            records.append(Record(wire, json.dumps(wire).encode()))
        request = Received(session, "w", "POST", "/v2/bulk/event/", (), b"[]")
        self.each(lambda store: store.add(request, records, 207))

    def each(self, change: Callable[[Store], object]) -> None:
        for store in self.stores:
            self.anew.forget()
            try:
                change(store)
            except ZeroDivisionError:
                assert self.is_failing

    def advance(self, session: str, by_ms: int) -> None:
        self.each(lambda store: store.advance(session, by_ms))

    def clear(self, session: str | None) -> None:
        self.each(lambda store: store.clear(session))

    def messages(self) -> list[list[tuple[Any, ...]]]:
        return [store.rows("SELECT * FROM messages ORDER BY message_id", ()) for store in self.stores]


def properties(drawn: random.Random) -> dict[str, Any]:
    return {
        "order_id": "1",
        "amount": drawn.choice((10, 1500)),
        "status": "paid",
        "country": "DE",
        "cart_id": drawn.choice(("c1", "c2")),
        "tags": [],
        "product": "cup",
        "watchers": drawn.choice((["u1"], ["u1", "u2"])),
    }


@pytest.mark.parametrize("seed", range(12))
def test_remembered_events_give_the_messages_of_events_that_are_read_anew(rules: SandboxRules, seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - not for cryptography
    both = Sandboxes(rules)
    for _ in range(80):
        session = drawn.choice(SESSIONS)
        match drawn.choice(("send", "send", "send", "send", "fail", "later", "advance", "clear")):
            case "send":
                count = drawn.randrange(1, 4)
                both.send(
                    session, *((drawn.choice(EVENTS), drawn.choice(USERS), properties(drawn)) for _ in range(count))
                )
            case "fail":
                both.is_failing = True
                both.send(session, *((name, "u1", properties(drawn)) for name in EVENTS))
                both.is_failing = False
            case "later":
                both.now_s += drawn.choice((60, 1800, 7200))
            case "advance":
                both.advance(session, drawn.choice((1, 30, 100 * 24)) * HOUR_MS)
            case "clear" if drawn.random() < 0.3:
                both.clear(drawn.choice((session, None)))
        remembered, anew = both.messages()
        assert remembered == anew


@pytest.mark.parametrize("seed", range(12))
def test_messages_are_those_of_all_events_interpreted_at_once(rules: SandboxRules, seed: int) -> None:
    drawn = random.Random(100 + seed)  # noqa: S311 - not for cryptography
    both = Sandboxes(rules)
    for _ in range(60):
        name = drawn.choice(EVENTS)
        both.send("", (name, drawn.choice(("u1", "u2", "nobody")), properties(drawn)))
        both.now_s += drawn.choice((1, 600, 3600, 86_400))
    store, project = both.stores[0], rules.project
    assert project is not None
    events = [event_of(json.loads(each.raw), each.received_ms) for each in store.events()]
    timeline = interpret(project.assets, events, project.world(), project.engine)
    found = store.rows("SELECT created_ms, workflow, channel, recipient, triggered, delivered FROM messages", ())
    assert sorted(found, key=str) == sorted(map(fields_of, timeline.messages), key=str)


def fields_of(message: Message) -> tuple[object, ...]:
    times = message.times.get("triggered"), message.times.get("delivered")
    return message.created_ms, message.workflow, message.channel, message.recipient, *times


def test_beyond_the_limit_the_oldest_events_are_forgotten_and_planned_messages_stay(rules: SandboxRules) -> None:
    both = Sandboxes(rules)
    view = ("product_viewed", "u2", {"product": "cup"})
    both.send("", view, view)
    [planned], _ = both.messages()
    for _ in range(MOST_EVENTS // 50 + 1):
        both.send("", *[view] * 50)
    [remembered], _ = both.messages()
    assert remembered == planned
