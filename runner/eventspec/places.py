"""A path in a rendered event → the path in the spec of what it was made of, through `$for`, `$merge` and `$literal`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.errors import Step
    from runner.source import Node


def path_in_spec(root: Node, path: Sequence[Step]) -> tuple[Step, ...]:
    """Return the path below `root` that leads to the source of the value at `path`, as far as the spec has it."""
    found: list[Step] = []
    node = root
    for number, step in enumerate(path):
        # Attachments keep their index, also if some before them were left out.
        way = [step] if number == 1 and path[0] == "attachments" and node.get(step) is not None else _way(node, step)
        if way is None:
            break
        found += way
        node = node.nearest(way)
    return tuple(found)


def _way(node: Node, step: Step) -> list[Step] | None:
    """Return the way to an entry or an item through the directive that a node may be."""
    entries = node.entries
    if "$literal" in entries:
        return ["$literal", step] if node.get("$literal", step) is not None else None
    if "$for" in entries and isinstance(step, int):
        return ["$do"]
    if (merged := entries.get("$merge")) is not None:
        for index in range(len(merged.items) - 1, -1, -1):
            if (way := _way(merged.items[index], step)) is not None:
                return ["$merge", index, *way]
        return None
    if any("omit" in str(item.value) for item in node.items if isinstance(item.value, str)):
        return None  # items may have been left out before it
    return [step] if node.get(step) is not None else None
