"""Texts that were made of other values → templates: `order-1001`, `order-1002` → `order-{{ order_id }}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.importing.columns import Variables
    from runner.importing.sample import Value

_MAX_TRIED = 40
_LEAST = 2
_LOOKALIKE = re.compile(r"\$\{?[A-Za-z_]\w*\}?|<%|%[A-Za-z_]\w*%|\{\s*[A-Za-z_]\w*\s*\}")
_UNQUOTED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r"}


def is_template_like(text: str) -> bool:
    """Return whether a template would not render to its own text: it has Jinja's signs, or a line end that Jinja changes."""
    return re.search(r"\{\{|\{%|\{#|\r", text) is not None


def looks_like_template(text: str) -> bool:
    """Return whether a reader could take a text for a template, of Jinja or of another tool."""
    return is_template_like(text) or _LOOKALIKE.search(text) is not None


def is_special_key(key: str) -> bool:
    """Return whether a spec can't have a key in a map of its own: it would be a directive, or taken for a template."""
    return key.startswith("$") or looks_like_template(key)


def has_template(value: Value, is_one: Callable[[str], bool] = is_template_like) -> bool:
    """Return whether a text in a value would be a template of Jinja, or is `is_one`."""
    match value:
        case str():
            return is_one(value)
        case dict():
            return any(has_template(item, is_one) for item in value.values())
        case list():
            return any(has_template(item, is_one) for item in value)
        case _:
            return False


def as_template(parts: Iterable[str | tuple[str]]) -> str:
    """Return the template of a text in pieces: a text stands for itself, a name in a tuple for a variable."""
    template = ""
    pieces = list(parts)
    for index, part in enumerate(pieces):
        if isinstance(part, tuple):
            template += f"{{{{ {part[0]} }}}}"
        # A brace at the end would begin an expression together with what follows.
        elif is_template_like(part) or (part.endswith("{") and index + 1 < len(pieces)):
            template += _quoted(part)
        else:
            template += _LOOKALIKE.sub(lambda match: _quoted(match[0]), part)
    return template


def _quoted(text: str) -> str:
    """Return the template of a text that stands for itself."""
    escaped = "".join(_UNQUOTED.get(char, char) for char in text)
    return f"{{{{ '{escaped}' }}}}"


def derived(texts: Sequence[str], variables: Variables) -> list[str | tuple[str]] | None:
    """Return the pieces that make these texts of other variables, in every event; None if there are none.

    Of several ways, the one is taken that leaves the fewest characters as they stand.
    """
    known = sorted(variables.texts_of(0), key=lambda item: -len(item[1]))[:_MAX_TRIED]
    values = [dict(variables.texts_of(index)) for index in range(len(texts))]
    known = [(name, text) for name, text in known if all(name in each for each in values)]
    if pieces := _pieces(texts[0], known):
        if _makes(pieces, texts, values):
            return pieces
        for name, text in known:
            if (pieces := _pieces(texts[0], [(name, text)])) and _makes(pieces, texts, values):
                return pieces
    return None


def _makes(pieces: Sequence[str | tuple[str]], texts: Sequence[str], values: Sequence[dict[str, str]]) -> bool:
    return all(
        "".join(part if isinstance(part, str) else each[part[0]] for part in pieces) == text
        for text, each in zip(texts, values, strict=True)
    )


def _pieces(text: str, known: Sequence[tuple[str, str]]) -> list[str | tuple[str]] | None:
    """Split a text at the values that it has as words of their own; None if it has none."""
    pieces: list[str | tuple[str]] = [text]
    for name, value in known:
        if len(value) < _LEAST:
            continue
        word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])")
        split: list[str | tuple[str]] = []
        for piece in pieces:
            if isinstance(piece, tuple):
                split.append(piece)
                continue
            for number, part in enumerate(word.split(piece)):
                if number:
                    split.append((name,))
                if part:
                    split.append(part)
        pieces = split
    return pieces if any(isinstance(piece, tuple) for piece in pieces) else None
