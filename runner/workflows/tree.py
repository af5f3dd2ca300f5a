"""A run's way through the nodes of its workflow, as a task of the agenda."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from runner.durations import shown_ms
from runner.workflows import calls, collecting
from runner.workflows.agenda import Pause
from runner.workflows.choices import choose, wait_until
from runner.workflows.definition import (
    Batch,
    Branch,
    Delay,
    Digest,
    Fetch,
    Invoke,
    Record,
    Send,
    SendMulti,
    SendSmart,
    TimeWindow,
    Transform,
    WaitUntil,
)
from runner.workflows.outcomes import EndError, StoppedError
from runner.workflows.routing import route
from runner.workflows.sends import send_all
from runner.workflows.waits import end_of
from runner.workflows.windows import opening
from runner.workflows.zones import zone_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from runner.workflows.agenda import Steps
    from runner.workflows.definition import Choice, WorkflowNode
    from runner.workflows.run import Run
    from runner.workflows.timeline import Event

    Way = Generator[Pause, Event | None, bool]
    """A part of the way. It returns whether the run goes on after it."""


def execute(run: Run) -> Steps:
    """Run a workflow from its first node to its end."""
    try:
        if (yield from _walk(run, run.workflow.nodes, follows=False)):
            run.end("the run ended after its last node")
    except EndError as error:
        run.fail(error)


def _walk(run: Run, nodes: Sequence[WorkflowNode], *, follows: bool) -> Way:
    """Visit nodes in order. `follows` says whether others come after them."""
    for index, node in enumerate(nodes):
        run.enter(node.common)
        if not (yield from _visit(run, node, follows=follows or index + 1 < len(nodes))):
            return False
    return True


def _visit(run: Run, node: WorkflowNode, *, follows: bool) -> Way:
    match node:
        case Send() | SendMulti():
            send_all(node, run)
        case SendSmart():
            later = route(node, run, follows=follows)
            if later is not None:
                run.fork(later)
        case Delay():
            yield from _delay(node, run)
        case TimeWindow():
            yield from _time_window(node, run)
        case Branch():
            return (yield from _take(run, choose(node, run), follows=follows))
        case WaitUntil():
            choice = yield from wait_until(node, run)
            return (yield from _take(run, choice, follows=follows))
        case Batch():
            return (yield from collecting.batch(node, run))
        case Digest():
            return (yield from collecting.digest(node, run))
        case Transform():
            calls.transform(node, run)
        case Fetch():
            calls.fetch(node, run)
        case Record():
            calls.record(node, run)
        case Invoke():
            run.simulation.invoke(run, node)
        case _:
            assert_never(node)
    return True


def _take(run: Run, choice: Choice, *, follows: bool) -> Way:
    """Go through the nodes of a branch, and on with those after it, unless it ends the run."""
    goes_on = yield from _walk(run, choice.nodes, follows=follows and not choice.is_terminal)
    if goes_on and choice.is_terminal:
        run.end(f"the branch '{choice.name}' ends the run")
        return False
    return goes_on


def _delay(node: Delay, run: Run) -> Generator[Pause, Event | None, None]:
    until_ms = end_of(node.wait, run)
    run.note("waited", f"waits {shown_ms(until_ms - run.now_ms)}", node.common, until_ms=until_ms)
    yield Pause(until_ms)


def _time_window(node: TimeWindow, run: Run) -> Generator[Pause, Event | None, None]:
    zone = zone_of(run, node.zone)
    until_ms = opening(run.now_ms, node.windows, zone)
    if until_ms is None:
        raise StoppedError("no time window ever opens")
    if until_ms == run.now_ms:
        run.note("passed", f"inside of a time window ({zone.key})", node.common)
        return
    text = f"waits {shown_ms(until_ms - run.now_ms)} for the next time window ({zone.key})"
    run.note("waited", text, node.common, until_ms=until_ms)
    yield Pause(until_ms)
