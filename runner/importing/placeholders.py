"""Variables of another program in the JSON of a body → holes: in a text, or in place of a value.

A source that knows such variables, a shell or Postman, puts marks around their names. JSON is read with the marks in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.importing.sample import Hole, Pieces, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from runner.importing.sample import Value
    from runner.source import Json

    HoleOf: TypeAlias = Callable[[str, Mapping[str, Json]], Hole]

_BEGIN, _END, _BARE = "\ue0f1", "\ue0f2", "\ue0f3"
_MARKED = re.compile(f"{_BEGIN}([^{_END}]*){_END}")
_OUTSIDE = re.compile(rf'("(?:[^"\\]|\\.)*")|{_BEGIN}([^{_END}]*){_END}')
_TEXT: Mapping[str, Json] = {"type": "string"}


def mark(name: str) -> str:
    """Return what stands for a variable in a text."""
    return f"{_BEGIN}{name}{_END}"


def only_mark(text: str) -> str | None:
    """Return the name of the variable that a text consists of; None for any other text."""
    found = _MARKED.fullmatch(text.strip())
    return found[1] if found is not None else None


def readable(text: str) -> str:
    """Return JSON in which a variable in place of a value is a text, so that it can be read."""
    if _BEGIN not in text:
        return text
    return _OUTSIDE.sub(lambda match: match[1] or f'"{_BARE}{match[2]}"', text)


def with_holes(value: Json, hole_of: HoleOf) -> Value:
    """Return a JSON value with a hole for each variable. `hole_of` takes its name, and what is known of its values."""
    match value:
        case str() if value.startswith(_BARE):
            return hole_of(value.removeprefix(_BARE), {})
        case str() if _BEGIN in value:
            return _in_text(value, hole_of)
        case dict():
            return {_MARKED.sub(r"{{\1}}", key): with_holes(item, hole_of) for key, item in value.items()}
        case list():
            return [with_holes(item, hole_of) for item in value]
        case _:
            return plain(value)


def _in_text(text: str, hole_of: HoleOf) -> Value:
    parts: list[str | Hole] = []
    at = 0
    for match in _MARKED.finditer(text):
        if match.start() > at:
            parts.append(text[at : match.start()])
        parts.append(hole_of(match[1], _TEXT))
        at = match.end()
    if at < len(text):
        parts.append(text[at:])
    return parts[0] if len(parts) == 1 else Pieces(tuple(parts))
