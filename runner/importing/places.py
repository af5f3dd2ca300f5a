"""Values of several events at one place → what stands there in the spec: a constant, a map, a list, or a slot for a variable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from runner.importing.addresses import has_address
from runner.importing.derivation import has_template, is_special_key, looks_like_template
from runner.importing.inference import exact
from runner.importing.sample import ABSENT, Hole, Pieces, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.errors import Step
    from runner.importing.sample import Absent, Value
    from runner.source import Json

_MAX_KEYS = 200
"""A map with more different keys is one with data for keys."""


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every event."""

    value: Json


@dataclass(slots=True)
class Slot:
    """A value that varies, or is not known. `column` has the value of each event, or ABSENT.

    `names` propose the name of a variable. `is_last`: it may be made of all other values, as a key is.
    """

    path: tuple[Step, ...]
    names: tuple[str, ...]
    column: tuple[Value | Absent, ...]
    is_last: bool = False
    is_optional: bool = False
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """A map with a place for each key."""

    places: dict[str, Place]


@dataclass(frozen=True, slots=True)
class Items:
    """A list with a place for each item."""

    places: list[Place]


Place: TypeAlias = "Constant | Slot | Entries | Items"


@dataclass(slots=True)
class Placer:
    """Decides what stands at each place. `is_single`: one event was seen, which does not show what varies.

    `asked` has questions by paths.
    """

    is_single: bool
    is_code: bool
    is_table: bool = False
    asked: list[tuple[tuple[Step, ...], str]] = field(default_factory=list)

    def place(self, path: tuple[Step, ...], column: Sequence[Value | Absent], *, is_optional: bool = False) -> Place:
        """Return what stands at a path, for the values that events have there."""
        present = [value for value in column if value is not ABSENT]
        first = present[0]
        is_everywhere = len(present) == len(column) and not is_optional
        if is_everywhere and all(isinstance(value, dict) for value in present) and self._is_structure(present):
            return self._entries(path, [value for value in present if isinstance(value, dict)])
        if is_everywhere and len(column) == 1 and isinstance(first, list) and _has_holes(first):
            return Items([self.place((*path, index), [item]) for index, item in enumerate(first)])
        if is_everywhere and not any(map(_has_holes, present)) and len({exact(value) for value in present}) == 1:
            if first is None and not self.is_table:
                self.asked.append((path, f"{path[-1]} was always null here. Which values does it have otherwise?"))
                return Constant(None)
            is_fixed = self.is_code or not (self.is_single or self.is_table)
            is_special = has_template(first, looks_like_template)
            if not is_fixed and is_special:
                self.asked.append(
                    (path, f"{path[-1]} has the signs of a template, and is sent as it is. Is it always this text?")
                )
            if (is_fixed or is_special) and not has_address(first):
                return Constant(as_json(first))
        return Slot(path, names_of(path), tuple(map(whole, column)), is_optional=is_optional or not is_everywhere)

    def whole_map(self, path: tuple[Step, ...], names: tuple[str, ...], maps: Sequence[dict[str, Value]]) -> Place:
        """Return what stands for maps whose keys a spec can't write one by one."""
        is_same = not any(map(_has_holes, maps)) and len({exact(value) for value in maps}) == 1
        if is_same and not has_address(maps[0]):
            self.asked.append((path, "Which of these vary? All of them stand here as they were seen."))
            return Constant(as_json(maps[0]))
        return Slot(path, names, tuple(map(whole, maps)))

    def _is_structure(self, present: Sequence[Value]) -> bool:
        """Return whether maps become a map with a place for each key, instead of one variable."""
        maps = [value for value in present if isinstance(value, dict)]
        if self.is_table or any(is_special_key(key) for each in maps for key in each):  # a column is one variable
            return False
        if self.is_single and not self.is_code:
            return any(map(_has_holes, maps))
        keys = {key for each in maps for key in each}
        shared = keys.intersection(*maps)
        is_same = not any(map(_has_holes, maps)) and len({exact(value) for value in maps}) == 1
        return not is_same and len(keys) <= _MAX_KEYS and 2 * len(shared) >= len(keys) > 0

    def _entries(self, path: tuple[Step, ...], maps: Sequence[dict[str, Value]]) -> Entries:
        keys = dict.fromkeys(key for each in maps for key in each)
        return Entries({key: self.place((*path, key), [each.get(key, ABSENT) for each in maps]) for key in keys})


def names_of(path: tuple[Step, ...]) -> tuple[str, ...]:
    """Return names for the variable at a path: the key, in a map with that of the map, and if it is taken with more of them.

    >>> names_of(("properties", "order", "customer", "id"))
    ('customer_id', 'order_customer_id')
    """
    steps = [f"item_{step}" if isinstance(step, int) else step for step in path[1:]] or [str(path[0])]
    return tuple("_".join(steps[start:]) for start in range(max(len(steps) - 2, 0), -1, -1))


def whole(value: Value | Absent) -> Value | Absent:
    """Return a value without holes inside of it: a map or a list with one is a hole itself."""
    if not isinstance(value, dict | list) or not _has_holes(value):
        return value
    holes = list(_holes(value))
    shown = ABSENT if any(hole.value is ABSENT for hole in holes) else filled(value)
    kind = "object" if isinstance(value, dict) else "array"
    return Hole("", {"type": kind}, shown, is_secret=any(hole.is_secret for hole in holes))


def filled(value: Value) -> Json:
    """Return a value with what was seen in its holes; null where nothing was."""
    match value:
        case Hole():
            return None if value.value is ABSENT else value.value
        case Pieces():
            return "".join(part if isinstance(part, str) else str(filled(part)) for part in value.parts)
        case dict():
            return {key: filled(item) for key, item in value.items()}
        case list():
            return [filled(item) for item in value]
        case _:
            return value


def _has_holes(value: Value) -> bool:
    return next(_holes(value), None) is not None


def _holes(value: Value | Absent) -> Iterator[Hole]:
    match value:
        case Hole():
            yield value
        case Pieces():
            yield from (part for part in value.parts if isinstance(part, Hole))
        case dict():
            for item in value.values():
                yield from _holes(item)
        case list():
            for item in value:
                yield from _holes(item)
        case _:
            pass


def is_known(value: Value | Absent) -> bool:
    """Return whether all of a value was seen."""
    return all(hole.value is not ABSENT for hole in _holes(value))


def is_hidden(value: Value | Absent) -> bool:
    """Return whether a part of a value is a secret."""
    return any(hole.is_secret for hole in _holes(value))
