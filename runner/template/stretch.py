"""An expression of a template → the stretch of text that it covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from runner.template.language import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


def stretch(text: str, node: nodes.Node) -> tuple[int, int]:
    """Return where an expression begins and ends in the text of its template."""
    found = _tokens(text)
    # The number of a comparison is that of the token behind it.
    parts = (each for each in (node, *node.find_all(nodes.Node)) if not isinstance(each, nodes.Compare))
    offsets = [each.lineno - 1 for each in parts if each.lineno]
    if not found or not offsets:
        return 0, len(text)
    first, last = _at(found, min(offsets)), _at(found, max(offsets))
    last = _with_name(found, last)
    depth = lowest = 0
    for _, _, token in found[first : last + 1]:
        depth += (token in _OPENING) - (token in _CLOSING)
        lowest = min(lowest, depth)
    while lowest < 0 < first:  # it begins with a bracket, for which the tree has no node
        first -= 1
        lowest += found[first][2] in _OPENING
        depth += found[first][2] in _OPENING
    while depth > 0 and last + 1 < len(found):
        last += 1
        depth += (found[last][2] in _OPENING) - (found[last][2] in _CLOSING)
    return found[first][0], found[last][0] + len(found[last][2])


def name_stretch(text: str, node: nodes.Node, name: str) -> tuple[int, int]:
    """Return where a name stands that belongs to a node: an attribute, a key or a method."""
    start = text.find(name, max(node.lineno - 1, 0))
    return (start, start + len(name)) if start >= 0 else stretch(text, node)


def _tokens(text: str) -> list[tuple[int, str, str]]:
    """Split a template into tokens, without white space; the texts of `$for` and `$if` have no braces."""
    before = 0 if "{{" in text or "{%" in text else 3
    whole = f"{{{{ {text} }}}}" if before else text
    return [(at - before, kind, token) for at, kind, token in tokens(whole) if kind != "whitespace"]


def _at(found: Sequence[tuple[int, str, str]], offset: int) -> int:
    return max((number for number, (at, _, _) in enumerate(found) if at <= offset), default=0)


def _with_name(found: Sequence[tuple[int, str, str]], last: int) -> int:
    """Take in the name behind a dot, and behind `is`."""
    names = {".": 1, "is": 1, "|": 1}
    if found[last][2] in names and last + 1 < len(found):
        last += 1
        if found[last][2] == "not" and last + 1 < len(found):
            last += 1
    return last
