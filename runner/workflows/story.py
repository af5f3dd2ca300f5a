"""A timeline → lines of text: what each run decided, when, and by which conditions, with their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.durations import shown_duration

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from runner.source import Node
    from runner.workflows.timeline import Check, Decision, Event, Timeline, WorkflowRun

_MAX_RUNS = 20


class Line(NamedTuple):
    """One line of a story. `depth` is its level, `at_s` the seconds since the event, None for a line that has the time of the one above.

    `place` is `path:line` of a workflow file; `state` says how it went: yes, no, or neither.
    """

    depth: int
    text: str
    at_s: float | None = None
    place: str | None = None
    state: bool | None = None


def story(timeline: Timeline, events: Sequence[Event], chosen: Collection[int] | None = None) -> Iterator[Line]:
    """Yield the lines for some events, by their indexes; for all if that is None."""
    for index, event in enumerate(events):
        if chosen is not None and index not in chosen:
            continue
        if index in timeline.unheard:
            yield Line(0, f"no workflow listens to '{event.name}'", state=False)
        runs = [run for run in timeline.runs if run.event == index]
        for run in runs[:_MAX_RUNS]:
            yield from _run(run, event)
        if len(runs) > _MAX_RUNS:
            yield Line(0, f"and {len(runs) - _MAX_RUNS} more runs")


def _run(run: WorkflowRun, event: Event) -> Iterator[Line]:
    to = f" for {run.recipient}" if run.recipient is not None else ""
    yield Line(0, f"{run.workflow}{to}")
    for decision in run.decisions:
        yield from _decision(decision, event)


def _decision(decision: Decision, event: Event) -> Iterator[Line]:
    node = f"{decision.node}: " if decision.node else ""
    inexact = f" (inexact: {decision.inexact})" if decision.inexact else ""
    yield Line(
        1,
        f"{node}{decision.text}{inexact}",
        (decision.at_ms - event.at_ms) / 1000,
        place_of(decision.source),
        _STATES.get(decision.kind),
    )
    for check in decision.checks:
        yield _check(check)


def _check(check: Check) -> Line:
    inexact = f" (inexact: {check.inexact})" if check.inexact else ""
    return Line(2, f"{check.text}{inexact}", None, place_of(check.source), check.holds)


_STATES = {"not_triggered": False, "skipped": False, "stopped": False, "refused": False, "sent": True}


def place_of(node: Node | None) -> str | None:
    """Return the place of a node of a file: `path:line`."""
    if node is None:
        return None
    position = node.position()
    return f"{position.path}:{position.line}"


def as_text(lines: Sequence[Line]) -> list[str]:
    """Return lines as plain text, with a mark and an indent."""
    return [_text(line) for line in lines]


def _text(line: Line) -> str:
    mark = {True: "+ ", False: "- ", None: ""}[line.state]
    at = f"{shown_duration(line.at_s)} " if line.at_s else ""
    place = f"  ({line.place})" if line.place and line.state is False else ""
    return f"{'  ' * line.depth}{mark}{at}{line.text}{place}"
