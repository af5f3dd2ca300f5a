"""JSON text of a source → plain values, with its faults at their lines, and bounded in depth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.importing.faults import MAX_DEPTH, place, unusable
from runner.source import UnclearError, parse_json, read_text

if TYPE_CHECKING:
    from runner.errors import Position
    from runner.source import Json


def json_of(text: str, name: str, line: int = 1) -> Json:
    """Return the value of a JSON text that begins on a line of the source `name`. Raises InvalidInput."""
    try:
        value = parse_json(text)
    except json.JSONDecodeError as error:
        position = place(name, line + error.lineno - 1, error.colno)
        raise unusable(f"not valid JSON: {error.msg.lower()}", position=position, code="json-syntax") from None
    except ValueError as error:
        kind = "unclear" if isinstance(error, UnclearError) else "not valid"
        raise unusable(f"{kind} JSON: {error}", position=_first_fault(text, name, line), code="json-syntax") from None
    if not is_shallow(value):
        raise unusable(f"nested more than {MAX_DEPTH} levels deep", position=place(name, line), code="json-syntax")
    return value


def is_lines(text: str) -> bool:
    """Return whether a text has a JSON map on each of several lines, judged by its first line."""
    first, _, rest = text.lstrip().partition("\n")
    if not (first.startswith("{") and rest.strip()):
        return False
    try:
        parse_json(first)
    except ValueError:
        return False
    return True


def _first_fault(text: str, name: str, line: int) -> Position:
    """Return the place of the first problem that a reader with positions finds."""
    positions = (problem.position for problem in read_text(text, name, as_json=True).problems)
    found = next((each for each in positions if each is not None), None)
    return place(name, line) if found is None else place(name, line + found.line - 1, found.column)


def is_shallow(value: Json, most: int = MAX_DEPTH) -> bool:
    """Return whether maps and lists are nested to this depth at most."""
    level: list[Json] = [value]
    for _ in range(most + 1):
        level = [
            item
            for each in level
            for item in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
            if isinstance(item, dict | list)
        ]
        if not level:
            return True
    return False
