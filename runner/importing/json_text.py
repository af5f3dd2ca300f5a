"""JSON text of a source → plain values, with its faults at their lines, and bounded in depth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.importing.faults import MAX_DEPTH, place, unusable
from runner.source import UnclearError, parse_json

if TYPE_CHECKING:
    from runner.source import Json


def json_of(text: str, name: str, line: int = 1) -> Json:
    """Return the value of a JSON text that begins on a line of the source `name`. Raises InvalidInput."""
    try:
        value = parse_json(text)
    except json.JSONDecodeError as error:
        position = place(name, line + error.lineno - 1, error.colno)
        raise unusable(f"not valid JSON: {error.msg.lower()}", position=position, code="json-syntax") from None
    except UnclearError as error:
        raise unusable(f"unclear JSON: {error}", position=place(name, line), code="json-syntax") from None
    except ValueError as error:
        raise unusable(f"not valid JSON: {error}", position=place(name, line), code="json-syntax") from None
    if not is_shallow(value):
        raise unusable(f"nested more than {MAX_DEPTH} levels deep", position=place(name, line), code="json-syntax")
    return value


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
