"""The steps of a case → their events, rendered with the fixed time and ids of the case."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput, Problem
from runner.eventspec import Occurrence, load
from runner.run import Inputs, Job, Prepared, Rejected, prepare
from runner.suprsend.rules import MAX_EVENT_KB
from runner.testing.expand import rows_of
from runner.testing.placeholders import placeholder
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from uuid import UUID

    from runner.cases import Step
    from runner.eventspec import Spec
    from runner.source import Node
    from runner.testing.case_ref import CaseRef


class StepEvents(NamedTuple):
    """The rendered events of one step: one event, or one for each of its `rows:`."""

    step: Step
    place: str | None
    events: tuple[Prepared | Rejected, ...]

    @property
    def ready(self) -> list[Prepared]:
        """The events that can go out."""
        return [event for event in self.events if isinstance(event, Prepared)]

    def expected(self, *path: str) -> Node | None:
        """Return the node at a path of what the step expects."""
        return self.step.expect.get(*path) if self.step.expect is not None else None


def events_of_case(ref: CaseRef, seed: UUID, env: str) -> Iterator[StepEvents]:
    """Render the events of each step. Raises the errors of `load` for another spec of a step, and of `rows_of`."""
    case, row = ref.case, 0
    for number, step in enumerate(case.steps, 1):
        spec = ref.spec if step.spec is None else _spec(ref.path.parent / step.spec, ref)
        events = []
        for given in rows_of(step, spec.variables):
            inputs = Inputs((given, _placeholders(spec, given)), {}, {})
            occurrence = Occurrence(seed, row, case.instant + step.since)
            events.append(prepare(Job(spec, inputs), occurrence, env, MAX_EVENT_KB))
            row += 1
        if not events:
            raise InvalidInput(Problem("empty-file", f"{step.rows} contains no rows", case.node.position()))
        yield StepEvents(step, f"step {number}" if len(case.steps) > 1 else None, tuple(events))


def _spec(path: Path, ref: CaseRef) -> Spec:
    loaded = load(path, ref.project, ref.config)
    if loaded.spec is None:
        raise InvalidInput(*(problem for problem in loaded.problems if problem.severity == "error"))
    return loaded.spec


def _placeholders(spec: Spec, given: Mapping[str, Given]) -> Mapping[str, Given]:
    """Return a placeholder for each secret variable without a value."""
    return {
        variable.name: Given(placeholder(variable), "a placeholder")
        for variable in spec.variables
        if variable.is_secret and not variable.has_default and variable.name not in given
    }
