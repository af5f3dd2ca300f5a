"""Events + workflows + test data → a timeline, by a discrete simulation on a virtual clock.

The result depends on the arguments alone. Source: the platform's documentation, "Workflows".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.workflows.agenda import Pause
from runner.workflows.outcomes import LimitError, RejectedError
from runner.workflows.reach import awaited_events
from runner.workflows.timeline import Timeline
from runner.workflows.trigger import Starter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.workflows.agenda import Steps
    from runner.workflows.assets import Assets
    from runner.workflows.expressions import Engine
    from runner.workflows.timeline import Event
    from runner.workflows.world import World


_KEY_LIFETIME_MS = 86_400_000


def interpret(
    assets: Assets, events: Sequence[Event], world: World, engine: Engine, *, until_ms: int | None = None
) -> Timeline:
    """Return everything that comes of events, up to `until_ms` or to the end of the last run.

    Runs that `until_ms` cuts off end with what they wait for. Beyond the limits of `simulation` the last run is refused.
    """
    starter = Starter(assets, world, engine)
    simulation = starter.simulation
    unheard: list[int] = []

    def receive(index: int, event: Event, is_awaited: bool) -> None:
        listening = assets.listening_to(event.name)
        if not listening and not is_awaited and event.name not in _awaited_names(assets):
            unheard.append(index)
        for workflow in listening:
            starter.on_event(workflow, index, event)

    duplicates = _duplicates(events)
    for index, event in enumerate(events):
        if index in duplicates:
            simulation.agenda.spawn(_discard(starter, index, event))
        else:
            simulation.agenda.expect(index, event)
    try:
        simulation.agenda.run(receive, until_ms)
    except LimitError as error:
        simulation.refuse(str(error))
    return Timeline(
        tuple(run.result() for run in simulation.runs), tuple(simulation.messages), tuple(unheard), simulation.limit
    )


def _duplicates(events: Sequence[Event]) -> set[int]:
    """Return the indexes of events whose idempotency key came in the 24 hours before (documentation: "Idempotent requests")."""
    first_ms: dict[str, int] = {}
    found = set()
    for index, event in sorted(enumerate(events), key=lambda pair: pair[1].at_ms):
        key = event.idempotency_key
        if key is None:
            continue
        if key in first_ms and event.at_ms - first_ms[key] < _KEY_LIFETIME_MS:
            found.add(index)
        else:
            first_ms[key] = event.at_ms
    return found


def _discard(starter: Starter, index: int, event: Event) -> Steps:
    """Record a duplicate at its time. No node waits for it."""
    yield Pause(event.at_ms)
    for workflow in starter.simulation.assets.listening_to(event.name):
        reason = f"an event with the idempotency key '{event.idempotency_key}' came in the last 24 hours"
        starter.reject(workflow, index, event, RejectedError(reason))


def _awaited_names(assets: Assets) -> set[str]:
    """Return the names of events for which a node of a live workflow waits."""
    workflows = (assets.workflows or {}).values()
    return {name for workflow in workflows if workflow.is_live for name in awaited_events(workflow.nodes)}
