"""What a case makes → one change of it: of a value of its events, or of the answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from runner.run import Prepared
from runner.suprsend.encoding import Encoded, compact_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.source import Json
    from runner.testing.case_events import StepEvents

    Way: TypeAlias = tuple[str | int, ...]
    Wire: TypeAlias = dict[str, Json]

Kind = Literal["missing", "another value", "another type", "refused", "accepted"]
_NAMED = ("event", "distinct_id", "tenant_id", "brand_id", "$idempotency_key")
_ALWAYS_THERE = ("event", "distinct_id")
_MAX_ITEMS = 3
"""Items of a list that are changed."""
ANSWER: Way = ("response",)
NOTHING = object()
_RECORD: dict[str, Json] = {"record": {}, "error": "BAD REQUEST", "code": 400, "unknown": False}


class Mutation(NamedTuple):
    """One change: of the value at a path of an event, or of the answer."""

    way: Way
    kind: Kind


class Altered:
    """Makes one change to all events of a case, or to its answers."""

    def __init__(self, mutation: Mutation) -> None:
        self._mutation = mutation

    def events(self, made: StepEvents) -> StepEvents:
        """Return the events of a step with the change, unless they are those of another spec."""
        if made.step.spec is not None or self._mutation.way == ANSWER:
            return made
        return made._replace(
            events=tuple(self._event(each) if isinstance(each, Prepared) else each for each in made.events)
        )

    def answer(self, answer: Json, made: StepEvents) -> Json:
        """Return the answer to a step with the change."""
        del made
        if self._mutation.way != ANSWER or not isinstance(answer, dict):
            return answer
        return changed_answer(answer, self._mutation.kind)

    def _event(self, event: Prepared) -> Prepared:
        wire: Wire = json.loads(event.body)
        if not change(wire, self._mutation):
            return event
        return event._replace(encoded=Encoded(compact_json(wire), event.encoded.has_key))


def leaves(wire: Wire) -> Iterator[tuple[Way, Json]]:
    """Yield the values of an event that its spec determines."""
    for name in _NAMED:
        if name in wire:
            yield (name,), wire[name]
    for way, value in _below(wire.get("properties", {}), ("properties",)):
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


def kinds_of(way: Way, values: Iterable[Json], *, has_auto_key: bool) -> list[Kind]:
    """Return the kinds of change at a path, which has these values in the events of the cases."""
    found = [*values]
    if way == ANSWER:
        kinds: list[Kind] = ["refused"] if True in found else []
        return [*kinds, "accepted"] if False in found else kinds
    if way == ("$idempotency_key",) and has_auto_key:
        return []
    kinds = [] if way[0] in _ALWAYS_THERE else ["missing"]
    kinds.append("another value")
    if way[0] == "properties" and any(value is not None for value in found):
        kinds.append("another type")
    return kinds


def change(wire: Wire, mutation: Mutation) -> bool:
    """Change an event in place; return False if it has no such value."""
    *above, last = mutation.way
    value = value_at(wire, mutation.way)
    if value is NOTHING or (isinstance(value, dict | list) and value):
        return False
    holder: Any = value_at(wire, (*above,))
    match mutation.kind:
        case "missing":
            del holder[last]
        case "another value":
            holder[last] = _other_value(value)
        case _:
            holder[last] = json.dumps(value) if not isinstance(value, str) else [value]
    return True


def value_at(value: Any, way: Way) -> Any:
    """Return the value at a path, or NOTHING."""
    for step in way:
        if not isinstance(value, dict | list):
            return NOTHING
        here: Any = value
        try:
            value = here[step]
        except (KeyError, IndexError, TypeError):  # a key in a list, or a number in a map
            return NOTHING
    return value


def _other_value(value: Json) -> Json:
    match value:
        case bool():
            return not value
        case int() | float():
            return -value or 1  # far away, so that no tolerance of a case accepts it
        case str():
            return f"{value}~"
        case _:
            return "~"


def is_accepted(answer: Json) -> bool | None:
    """Return whether an answer accepts all events; None if it is not an answer."""
    return answer.get("status") == "success" if isinstance(answer, dict) and "status" in answer else None


def changed_answer(answer: Wire, kind: Kind) -> Wire:
    """Return the answer to the same events if the platform refuses all of them, or accepts all."""
    if is_accepted(answer) is not (kind == "refused"):
        return answer
    if "total" not in answer:
        if kind == "refused":
            return {**answer, "success": False, "status": "fail", "status_code": 400, "message": "BAD REQUEST"}
        return {**answer, "success": True, "status": "success", "status_code": 202, "message": "OK", "unknown": False}
    total = int(str(answer["total"]))
    if kind == "refused":
        return {**answer, "status": "fail", "success": 0, "failure": total, "failed_records": [_RECORD] * total}
    return {**answer, "status": "success", "success": total, "failure": 0, "unknown": 0, "failed_records": []}
