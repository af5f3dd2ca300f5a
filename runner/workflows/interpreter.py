"""Events + workflows + test data → a timeline, by a discrete simulation on a virtual clock.

The result depends on the arguments alone. Source: the platform's documentation, "Workflows".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.workflows.definition import Branch, SendSmart, WaitUntil
from runner.workflows.outcomes import LimitError
from runner.workflows.timeline import Timeline
from runner.workflows.trigger import Starter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.workflows.assets import Assets
    from runner.workflows.definition import WorkflowNode
    from runner.workflows.expressions import Engine
    from runner.workflows.timeline import Event
    from runner.workflows.world import World


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

    for index, event in enumerate(events):
        simulation.agenda.expect(index, event)
    try:
        simulation.agenda.run(receive, until_ms)
    except LimitError as error:
        simulation.refuse(str(error))
    return Timeline(tuple(run.result() for run in simulation.runs), tuple(simulation.messages), tuple(unheard))


def _awaited_names(assets: Assets) -> set[str]:
    """Return the names of events for which a node of a live workflow waits."""
    workflows = (assets.workflows or {}).values()
    return {name for workflow in workflows if workflow.is_live for name in _awaited(workflow.nodes)}


def _awaited(nodes: Sequence[WorkflowNode]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, WaitUntil):
            yield from (awaited.event for awaited in node.awaited if awaited.event is not None)
            yield from _awaited((*node.met.nodes, *node.timed_out.nodes))
        elif isinstance(node, Branch):
            for choice in node.choices:
                yield from _awaited(choice.nodes)
        elif isinstance(node, SendSmart) and node.is_event:
            yield node.success
