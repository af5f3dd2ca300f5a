"""The size and the depth of a JSON value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.source.pattern_work import CHARS_A_UNIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.source.node import Json


def measured(value: Json) -> tuple[int, int]:
    """Return the size and the depth of a value. The size counts all values in it; long text counts as several."""
    if isinstance(value, str):
        return 1 + len(value) // CHARS_A_UNIT, 1
    if isinstance(value, dict):
        size, depth = 1 + sum(1 + len(key) // CHARS_A_UNIT for key in value), 0
        items: Iterable[Json] = value.values()
    elif isinstance(value, list):
        size, depth = 1 + len(value), 0
        items = value
    else:
        return 1, 1
    for item in items:
        inner, levels = measured(item)
        size += inner
        depth = max(depth, levels)
    return size, depth + 1


def longest_path(value: Json) -> int:
    """Return the number of characters in the keys of the longest path in a value."""
    if isinstance(value, dict):
        return max((len(key) + longest_path(item) for key, item in value.items()), default=0)
    return max(map(longest_path, value), default=0) if isinstance(value, list) else 0


def operand_size(value: Json) -> int:
    """Return the number of values in the operand of a keyword."""
    return 1 + measured(value)[0]
