"""The messages of a sandbox by the project's own workflows: events → the interpreter → planned messages.

A workflow that collects events or waits for one depends on earlier ones. For it, the call for an event interprets the events
that matter anew, without the new one and with it, and plans the difference.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from runner.sandbox.messages import Message, Plan, Workflow
from runner.sandbox.workflows import directed, directive_of, message_id
from runner.workflows.event import event_of
from runner.workflows.interpreter import interpret
from runner.workflows.reach import Reach
from runner.workflows.story import story
from runner.workflows.world import User

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.messages import History
    from runner.workflows.assets import Assets
    from runner.workflows.expressions import Engine
    from runner.workflows.timeline import Event, Timeline
    from runner.workflows.timeline import Message as Interpreted
    from runner.workflows.world import World

_LOOK_BACK_MS = 90 * 86_400_000
_MOST_EVENTS = 2_000
"""How far back, and how many events, are interpreted again for a workflow that collects or awaits events."""


class WorkflowPlanner:
    """Plans messages by the workflows of an assets folder. It serves one thread at a time."""

    def __init__(self, assets: Assets, world: World, engine: Engine) -> None:
        self._assets = assets
        self._world = world
        self._engine = engine
        self._reach = Reach(assets)

    def __call__(self, arrival: Arrival, history: History) -> Plan:
        """Return the messages of an event, and those that it changes or withdraws."""
        assets, events, ids = self._with_earlier(arrival, history)
        if not assets.workflows:
            return Plan()
        before = self._messages(assets, events[:-1], ids)
        after = self._messages(assets, events, ids)
        changed = {key: message for key, message in after.items() if before.get(key) != message}
        return Plan(tuple(changed.values()), tuple(key for key in before if key not in after))

    def trace(self, arrival: Arrival, history: History) -> list[dict[str, object]]:
        """Return the decisions of the runs that an event triggers, as lines; later events are not known."""
        assets, events, _ = self._with_earlier(arrival, history)
        timeline = interpret(assets, events, self._with_directed_users(events), self._engine)
        return [line._asdict() for line in story(timeline, events, (len(events) - 1,))]

    def _with_earlier(self, arrival: Arrival, history: History) -> tuple[Assets, list[Event], list[int]]:
        """Return the workflows that an event touches, and the events that matter for them, the event itself last, with their ids."""
        touched = self._reach.touched_by((arrival.event or "").strip())
        since_ms = arrival.received_ms - _LOOK_BACK_MS
        earlier = history.of_session(since_ms, touched.events, _MOST_EVENTS) if touched.is_stateful else []
        events = [event_of(json.loads(raw), at_ms) for _, at_ms, _, raw in earlier]
        events.append(event_of(json.loads(arrival.raw), arrival.received_ms))
        return replace(self._assets, workflows=touched.workflows), events, [*(each[0] for each in earlier), arrival.id]

    def _messages(self, assets: Assets, events: Sequence[Event], ids: Sequence[int]) -> dict[str, Message]:
        timeline = interpret(assets, events, self._with_directed_users(events), self._engine)
        found: dict[str, Message] = {}
        executions = _executions(timeline, ids)
        for message in timeline.messages:
            execution = executions[message.run]
            for planned in _planned(message, execution, ids[message.event]):
                found[planned.message_id] = planned
        return found

    def _with_directed_users(self, events: Sequence[Event]) -> World:
        """Return the world with the users of directives: `bounce+u1` has the channels of `u1`."""
        users = self._world.users
        if users is None:
            return self._world
        aliases = {}
        for event in events:
            base = event.distinct_id.partition("+")[2]
            if directive_of(event.distinct_id) != directive_of("") and base in users:
                aliases[event.distinct_id] = User(event.distinct_id, users[base].channels, users[base].properties)
        return replace(self._world, users={**users, **aliases}) if aliases else self._world


def _planned(message: Interpreted, execution: str, arrival_id: int) -> tuple[Message, ...]:
    """Return the message of a sandbox, with what the directive of its recipient says of it; none for `never+`."""
    plain = Message(
        message_id(
            message.created_ms, arrival_id, f"{execution}\n{message.node}\n{message.channel}\n{message.identity}"
        ),
        message.created_ms,
        message.times,
        Workflow(message.workflow, message.workflow_name, "wf_v_1", message.node),
        message.channel,
        message.category,
        message.recipient,
        f"exec_{execution}",
        message.tenant_id,
        message.idempotency_key,
        message.failure_reason,
        {message.channel: message.identity},
        message.template,
    )
    return directed(plain)


def _executions(timeline: Timeline, ids: Sequence[int]) -> list[str]:
    """Return the id of each run, which does not depend on how many earlier events are interpreted."""
    seen: Counter[tuple[object, ...]] = Counter()
    found = []
    for run in timeline.runs:
        about = (ids[run.event], run.workflow, run.recipient or "")
        found.append(_digest(*about, seen[about]))
        seen[about] += 1
    return found


def _digest(*parts: object) -> str:
    return blake2b("\n".join(map(str, parts)).encode(), digest_size=12).hexdigest()
