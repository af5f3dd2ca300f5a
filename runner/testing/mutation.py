"""A suite of cases → the changes of its events and answers that no case notices. Nothing is written.

A change is made to the events of all cases of a spec, as a change of the spec would, and the cases run against it as they
always do: with their expectations, golden files, workflows and cassettes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

from runner.errors import dotted
from runner.run import Prepared
from runner.secrets import Mask
from runner.suprsend.encoding import Encoded, compact_json
from runner.testing.verdict import run_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.source import Json
    from runner.testing.case_events import StepEvents
    from runner.testing.case_ref import CaseRef
    from runner.testing.verdict import Tapes

    Way: TypeAlias = tuple[str | int, ...]

Kind = Literal["missing", "another value", "another type", "refused"]
_NAMED = ("event", "distinct_id", "tenant_id", "brand_id", "$idempotency_key")
_ALWAYS_THERE = ("event", "distinct_id")
_MAX_ITEMS = 3
"""Items of a list that are changed."""
_REFUSED: dict[str, Json] = {"success": False, "status": "fail", "status_code": 400, "message": "BAD REQUEST"}
ANSWER: Way = ("response",)


class Mutation(NamedTuple):
    """One change: of the value at a path of an event, or of the answer."""

    way: Way
    kind: Kind


@dataclass(frozen=True, slots=True)
class Survivor:
    """Changes at one path that no case notices. `ref` is a case that could, by expecting `value`, which is masked."""

    way: Way
    kinds: tuple[Kind, ...]
    ref: CaseRef
    value: Json

    @property
    def at(self) -> str:
        """The path."""
        return dotted(self.way)


@dataclass(frozen=True, slots=True)
class MutationScore:
    """The changes of a spec that its cases noticed, of all, and those that they did not. `failed` are cases that fail unchanged."""

    spec: str
    noticed: int
    total: int
    survivors: tuple[Survivor, ...]
    failed: tuple[CaseRef, ...]


def mutate(refs: Sequence[CaseRef], tapes: Tapes) -> MutationScore:
    """Change all that the cases of one spec make, one thing at a time. Cases that are skipped or expected to fail do not count."""
    run = [ref for ref in refs if ref.case.skip is None and ref.case.xfail is None]
    seen = {ref.case.name: _Seen() for ref in run}
    failed = tuple(ref for ref in run if not run_case(ref, tapes, alter=seen[ref.case.name]).passed)
    wrong = {ref.case.name for ref in failed}
    sound = [ref for ref in run if ref.case.name not in wrong]
    owners: dict[Way, list[CaseRef]] = {}
    for ref in sound:
        for way in seen[ref.case.name].values:
            owners.setdefault(way, []).append(ref)
    survivors, total = [], 0
    for way, cases in owners.items():
        first = seen[cases[0].case.name]
        kinds = [*_kinds(way, first.values[way], has_auto_key=cases[0].spec.auto_key)]
        left = [kind for kind in kinds if not _is_noticed(Mutation(way, kind), cases, tapes)]
        total += len(kinds)
        if left:
            survivors.append(Survivor(way, tuple(left), cases[0], first.expected(way)))
    noticed = total - sum(len(each.kinds) for each in survivors)
    return MutationScore(refs[0].spec.path if refs else "", noticed, total, tuple(survivors), failed)


def _is_noticed(mutation: Mutation, cases: Sequence[CaseRef], tapes: Tapes) -> bool:
    return any(not run_case(ref, tapes, alter=_Changed(mutation)).passed for ref in cases)


class _Seen:
    """Changes nothing, and keeps what a case makes: the values of its events by their paths, and that it got an answer."""

    def __init__(self) -> None:
        self.values: dict[Way, Json] = {}
        self._wires: list[dict[str, Json]] = []
        self._secrets: list[str] = []

    def events(self, made: StepEvents) -> StepEvents:
        for event in made.ready if made.step.spec is None else ():
            wire: dict[str, Json] = json.loads(event.body)
            self._wires.append(wire)
            self._secrets += event.secrets
            for way, value in _leaves(wire):
                self.values.setdefault(way, value)
        return made

    def answer(self, answer: Json, made: StepEvents) -> Json:
        if made.expected("response") is not None and isinstance(answer, dict) and "success" in answer:
            self.values[ANSWER] = answer["success"]
        return answer

    def expected(self, way: Way) -> Json:
        """Return what a case may expect at a path: of a value in a list the whole list, since a list must have all items."""
        if way == ANSWER:
            return {"success": self.values[ANSWER]}
        wire = next(wire for wire in self._wires if way in dict(_leaves(wire)))
        for length in range(1, len(way) + 1):
            value = _at(wire, way[:length])
            if isinstance(value, list) or length == len(way):
                break
        return cast("Json", Mask(self._secrets).json(value))


class _Changed:
    """Makes one change to all events of a case, or to its answers."""

    def __init__(self, mutation: Mutation) -> None:
        self._mutation = mutation

    def events(self, made: StepEvents) -> StepEvents:
        if made.step.spec is not None or self._mutation.way == ANSWER:
            return made
        return made._replace(
            events=tuple(self._event(each) if isinstance(each, Prepared) else each for each in made.events)
        )

    def answer(self, answer: Json, made: StepEvents) -> Json:
        del made
        return {**answer, **_REFUSED} if self._mutation.way == ANSWER and isinstance(answer, dict) else answer

    def _event(self, event: Prepared) -> Prepared:
        wire: Any = json.loads(event.body)
        if self._mutation.way not in dict(_leaves(wire)):
            return event
        *above, last = self._mutation.way
        holder = _at(wire, tuple(above))
        match self._mutation.kind:
            case "missing":
                del holder[last]
            case "another value":
                holder[last] = _other_value(holder[last])
            case _:
                holder[last] = _other_type(holder[last])
        return event._replace(encoded=Encoded(compact_json(wire), event.encoded.has_key))


def _leaves(wire: dict[str, Json]) -> Iterator[tuple[Way, Json]]:
    """Yield the values of an event that its spec determines."""
    for name in _NAMED:
        if name in wire:
            yield (name,), wire[name]
    for way, value in _below(wire.get("properties"), ("properties",)):
        if "$ss_sdk_version" not in way:
            yield way, value


def _below(value: Json, way: Way) -> Iterator[tuple[Way, Json]]:
    if isinstance(value, dict) and (value or way == ("properties",)):
        for key, item in value.items():
            yield from _below(item, (*way, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value[:_MAX_ITEMS]):
            yield from _below(item, (*way, index))
    else:
        yield way, value


def _kinds(way: Way, value: Json, *, has_auto_key: bool) -> Iterator[Kind]:
    if way == ANSWER:
        yield "refused"
        return
    if way == ("$idempotency_key",) and has_auto_key:
        return
    if way[0] not in _ALWAYS_THERE:
        yield "missing"
    yield "another value"
    if way[0] == "properties" and value is not None:
        yield "another type"


def _other_value(value: Json) -> Json:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}~"
        case _:
            return "~"


def _other_type(value: Json) -> Json:
    """Return a value as a template would make it that lost its type."""
    return json.dumps(value) if not isinstance(value, str) else [value]


def _at(value: Any, way: Way) -> Any:
    for step in way:
        value = value[step]
    return value
