"""The messages of a sandbox by the project's own workflows: events → the interpreter → planned messages.

A workflow that collects events or waits for one depends on earlier ones. For it, the call for an event interprets the events
that matter anew, without the new one and with it, and plans the difference. What was found without the new one is remembered
from the call before.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from runner.sandbox.messages import Message, Plan, Workflow
from runner.sandbox.pasts import MOST_EVENTS, Past, Pasts, since
from runner.sandbox.workflows import directed, directive_of, message_id
from runner.workflows.event import event_of
from runner.workflows.interpreter import interpret
from runner.workflows.reach import Reach
from runner.workflows.story import story
from runner.workflows.world import User

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.messages import History
    from runner.workflows.assets import Assets
    from runner.workflows.expressions import Engine
    from runner.workflows.reach import Part
    from runner.workflows.timeline import Event, Timeline
    from runner.workflows.timeline import Message as Interpreted
    from runner.workflows.world import World


class WorkflowPlanner:
    """Plans messages by the workflows of an assets folder, for one store. It serves one thread at a time.

    `ruled` are the events of which rules make the messages: workflows do not see them.
    """

    def __init__(self, assets: Assets, world: World, engine: Engine, ruled: Collection[str]) -> None:
        self._assets = assets
        self._world = world
        self._engine = engine
        self._reach = Reach(assets, ruled)
        self._pasts = Pasts()

    def __call__(self, arrival: Arrival, history: History) -> Plan:
        """Return the messages of an event, and those that it changes or withdraws."""
        event = event_of(json.loads(arrival.raw), arrival.received_ms)
        messages: list[Message] = []
        withdrawn: list[str] = []
        for part in self._reach.touched_by(event.name):
            past = self._pasts.of(part, event, arrival.session, history) if part.is_stateful else Past()
            before = past.messages
            if before is None:
                before = self._messages(part, past)
            past.add(event, arrival.id)
            past.messages = self._messages(part, past)
            messages += [message for key, message in past.messages.items() if before.get(key) != message]
            withdrawn += [key for key in before if key not in past.messages]
        return Plan(tuple(messages), tuple(withdrawn))

    def forget(self) -> None:
        """Forget the earlier events: some of them are not stored any more."""
        self._pasts = Pasts()

    def trace(self, arrival: Arrival, history: History) -> list[dict[str, object]]:
        """Return the decisions of the runs that an event triggers, as lines; later events are not known."""
        event = event_of(json.loads(arrival.raw), arrival.received_ms)
        touched = self._reach.touched_by(event.name)
        names = frozenset[str]().union(*(part.events for part in touched if part.is_stateful))
        earlier = history.of_session(since(event), names, MOST_EVENTS)
        events = [event_of(json.loads(raw), at_ms) for _, at_ms, _, raw in earlier]
        events.append(event)
        assets = replace(
            self._assets, workflows={slug: each for part in touched for slug, each in part.workflows.items()}
        )
        timeline = interpret(assets, events, self._with_directed_users(events), self._engine)
        return [line._asdict() for line in story(timeline, events, (len(events) - 1,))]

    def _messages(self, part: Part, past: Past) -> dict[str, Message]:
        assets = replace(self._assets, workflows=part.workflows)
        timeline = interpret(assets, past.events, self._with_directed_users(past.events), self._engine)
        found: dict[str, Message] = {}
        executions = _executions(timeline, past.ids)
        for message in timeline.messages:
            execution = executions[message.run]
            for planned in _planned(message, execution, past.ids[message.event]):
                found[planned.message_id] = planned
        return found

    def _with_directed_users(self, events: Sequence[Event]) -> World:
        """Return the world with the users of directives: `bounce+u1` has the channels of `u1`."""
        users = self._world.users
        if users is None:
            return self._world
        aliases = {}
        for user in {event.distinct_id for event in events}:
            base = user.partition("+")[2]
            if directive_of(user) != directive_of("") and base in users:
                aliases[user] = User(user, users[base].channels, users[base].properties)
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
