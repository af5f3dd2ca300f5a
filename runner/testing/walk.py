"""Two JSON values → each path in either of them, with both values there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Step
    from runner.source import Json

    Side: TypeAlias = "Json | Missing"
    Pair: TypeAlias = tuple[tuple[Step, ...], Side, Side]


class Missing:
    """Stands for the missing value at a path that only one of the two has."""


MISSING: Final = Missing()
MAX_DEPTH = 100
"""Deeper values are not entered, but compared as a whole."""


def pairs(before: Side, after: Side, way: tuple[Step, ...] = ()) -> Iterator[Pair]:
    """Yield the paths of two values with both values there, outer ones first, keys in the order of `before`.

    Two maps, or two lists, are entered; the caller compares all other pairs.
    """
    yield way, before, after
    if len(way) >= MAX_DEPTH:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in (*before, *(key for key in after if key not in before)):
            yield from pairs(before.get(key, MISSING), after.get(key, MISSING), (*way, key))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            one = before[index] if index < len(before) else MISSING
            other = after[index] if index < len(after) else MISSING
            yield from pairs(one, other, (*way, index))


def is_entered(before: Side, after: Side, way: tuple[Step, ...]) -> bool:
    """Return whether `pairs` enters two values."""
    both = (isinstance(before, dict) and isinstance(after, dict)) or (
        isinstance(before, list) and isinstance(after, list)
    )
    return both and len(way) < MAX_DEPTH
