"""Values in messages about cases: short, with their type, cut around their difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from unicodedata import normalize

from runner.source import describe

if TYPE_CHECKING:
    from runner.source import Json, Node


_SHOWN = 100
"""Characters of a value in a message; of longer ones, the part around the difference is shown."""


def key_path(at: str, key: str) -> str:
    """Return the path to a key of the value at a path."""
    return f"{at}.{key}" if at else key


def joined_path(at: str, way: str) -> str:
    """Return a path joined to another one."""
    return at + way if way.startswith("[") or not at or not way else f"{at}.{way}"


def with_path(at: str, message: str) -> str:
    """Return a message with the path to its value."""
    return f"{at}: {message}" if at else message


def items_text(items: int) -> str:
    """Return a number of items as text."""
    return f"{items} item{'' if items == 1 else 's'}"


def hint_of_type(expected: Node, actual: Json) -> str | None:
    """Return a hint if only the types differ."""
    wanted = expected.value
    if isinstance(wanted, str) and not isinstance(actual, str | list | dict) and wanted == json_text(actual):
        return f"without quotes it stands for {describe(actual)}"
    if isinstance(actual, str) and not isinstance(wanted, str | list | dict) and actual == json_text(wanted):
        return "in quotes it stands for text; a template keeps a type if one {{ … }} stands alone in it"
    return None


def json_text(value: Json, *, escaped: bool = False) -> str:
    """Return a value as JSON; `escaped` means ASCII only."""
    return json.dumps(value, ensure_ascii=escaped)


def shown_value(value: Json, *, with_type: bool = True) -> str:
    """Return a value for a message with its type, cut if it is long."""
    text = json_text(value)
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{text} ({describe(value)})" if with_type and value is not None else text


def both_shown(expected: Json, actual: Json) -> tuple[str, str]:
    """Return two values for a message: long texts are cut around the difference, and lookalikes are escaped."""
    if not isinstance(expected, str) or not isinstance(actual, str):
        return shown_value(expected), shown_value(actual)
    alike = normalize("NFKC", expected).strip() == normalize("NFKC", actual).strip()
    texts = [json_text(text, escaped=alike) for text in (expected, actual)]
    if max(map(len, texts)) > _SHOWN:
        differ = _first_difference(*texts)
        start = differ - _SHOWN // 3 if differ > _SHOWN // 2 else 0
        end = start + _SHOWN
        texts = [f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}" for text in texts]
    return f"{texts[0]} (text)", f"{texts[1]} (text)"


def _first_difference(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
