"""Sets of variables for one case → a stable name for each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.source import Json, Node
    from runner.variables import Variable

ID = "id"
"""The key or column with the name of a set; also a variable, if the spec declares one with this name."""
_LONG = 60


class Choice(NamedTuple):
    """One set of variables. `id` is unique in its case."""

    id: str
    values: dict[str, Node]
    node: Node


def choices(sets: Node, variables: Mapping[str, Variable | None]) -> Iterator[Choice]:
    """Return the sets of a `parametrize:` list."""
    for number, node in enumerate(sets.items, 1):
        values = {key: item for key, item in node.entries.items() if key != ID or ID in variables}
        plain = {key: item.plain() for key, item in node.entries.items()}
        yield Choice(choice_id(plain, number, variables), values, node)


def choice_id(values: Mapping[str, Json], number: int, variables: Mapping[str, Variable | None]) -> str:
    """Return the name of a set: its `id`, else its values if they are short and plain, else its number.

    It contains no values of secret variables.
    """
    shown = {key: value for key, value in values.items() if not ((found := variables.get(key)) and found.is_secret)}
    parts = [shown[ID]] if ID in shown else list(shown.values())
    if any(isinstance(value, list | dict) for value in parts):
        return f"#{number}"
    text = "-".join(value if isinstance(value, str) else json.dumps(value) for value in parts)
    return text if text.strip("-") and text.isprintable() and len(text) <= _LONG else f"#{number}"


def named(case: str, choice: str) -> str:
    """Return the name of a parametrized case.

    >>> named("a purchase", "42")
    'a purchase[42]'
    """
    return f"{case}[{choice}]"
