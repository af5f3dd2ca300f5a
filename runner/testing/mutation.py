"""A suite of cases → the changes of its events and answers that no case notices. Nothing is written.

A change is made to the events of all cases of a spec, as a change of the spec would, and the cases run against it as they
always do: with their expectations, golden files, workflows and cassettes. A change that no line can notice does not count,
such as that of a secret's value, which may not be written down.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import dotted
from runner.secrets import Mask
from runner.testing.alteration import ANSWER, Altered, Mutation, is_accepted, kinds_of, leaves
from runner.testing.suggestion import StepSeen, suggest
from runner.testing.verdict import run_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.source import Json
    from runner.testing.alteration import Kind, Way, Wire
    from runner.testing.case_events import StepEvents
    from runner.testing.case_ref import CaseRef
    from runner.testing.suggestion import Suggestion
    from runner.testing.verdict import Tapes


@dataclass(frozen=True, slots=True)
class Survivor:
    """Changes at one path that no case notices, and what to expect to notice them."""

    way: Way
    suggestion: Suggestion

    @property
    def at(self) -> str:
        """The path."""
        return dotted(self.way)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of change."""
        return self.suggestion.kinds


@dataclass(frozen=True, slots=True)
class MutationScore:
    """The changes of a spec that its cases noticed, of all, and those that they did not. `failed` are cases that fail unchanged.

    `cases` is the number of cases that count: those that pass, and are not skipped or expected to fail.
    """

    spec: str
    cases: int
    noticed: int
    total: int
    survivors: tuple[Survivor, ...]
    failed: tuple[CaseRef, ...]


def mutate(spec: str, refs: Sequence[CaseRef], tapes: Tapes) -> MutationScore:
    """Change all that the cases of one spec make, one thing at a time. Cases that are skipped or expected to fail do not count."""
    run = [ref for ref in refs if ref.case.skip is None and ref.case.xfail is None]
    seen = {ref.case.name: _Seen(ref) for ref in run}
    failed = tuple(ref for ref in run if not run_case(ref, tapes, alter=seen[ref.case.name]).passed)
    for ref in failed:
        del seen[ref.case.name]
    steps = [step for each in seen.values() for step in each.steps]
    mask = Mask([secret for each in seen.values() for secret in each.secrets])
    values: dict[Way, list[Json]] = {}
    owners: dict[Way, dict[str, CaseRef]] = {}
    for step in steps:
        for way, value in _values(step):
            values.setdefault(way, []).append(value)
            owners.setdefault(way, {})[step.ref.case.name] = step.ref
    noticed, survivors = 0, []
    for way, cases in owners.items():
        kinds = kinds_of(way, values[way], has_auto_key=next(iter(cases.values())).spec.auto_key)
        left = [kind for kind in kinds if not _is_noticed(Mutation(way, kind), [*cases.values()], tapes)]
        noticed += len(kinds) - len(left)
        if left and (suggestion := suggest(way, left, steps, mask)):
            survivors.append(Survivor(way, suggestion))
    total = noticed + sum(len(each.kinds) for each in survivors)
    return MutationScore(spec, len(seen), noticed, total, tuple(survivors), failed)


def _is_noticed(mutation: Mutation, cases: Sequence[CaseRef], tapes: Tapes) -> bool:
    return any(not run_case(ref, tapes, alter=Altered(mutation)).passed for ref in cases)


def _values(step: StepSeen) -> list[tuple[Way, Json]]:
    found = [leaf for wire in step.wires for leaf in leaves(wire)]
    return [*found, (ANSWER, is_accepted(step.answer))] if step.answer is not None else found


class _Seen:
    """Changes nothing, and keeps what a case makes of its own spec."""

    def __init__(self, ref: CaseRef) -> None:
        self.steps: list[StepSeen] = []
        self.secrets: list[str] = []
        self._ref = ref
        self._answered = 0

    def events(self, made: StepEvents) -> StepEvents:
        """Keep the events of a step."""
        wires: list[Wire] = [json.loads(event.body) for event in made.ready] if made.step.spec is None else []
        self.secrets += [secret for event in made.events for secret in event.secrets]
        self.steps.append(StepSeen(self._ref, len(self.steps) + 1, wires, None))
        return made

    def answer(self, answer: Json, made: StepEvents) -> Json:
        """Keep the answer to a step that expects one."""
        if made.expected("response") is not None and isinstance(answer, dict):
            self.steps[self._answered] = self.steps[self._answered]._replace(answer=answer)
        self._answered += 1
        return answer
