"""A spec's file and its problems → the file with those that have one safe answer corrected, and all else as it was."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from runner.source import read, read_text
from runner.source.yaml_scalars import is_ambiguous

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from runner.errors import Position, Problem
    from runner.eventspec import Spec
    from runner.source import Node, Text

_BOM = b"\xef\xbb\xbf"


class Fixed(NamedTuple):
    """The new content of a file, the text that it was made of, and how many changes it has."""

    content: bytes
    before: Text
    changes: int


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def fixed(path: Path, spec: Spec, problems: Collection[Problem]) -> Fixed | None:
    """Return the file of a valid spec with ambiguous text in quotes, and without the unused labels among `problems`.

    Return None if there is nothing to change. Raises NotFound and MachineError.
    """
    document = read(path, spec.path)
    root = document.root
    if root is None:
        return None
    unused = {_place(problem.position) for problem in problems if problem.code == "unused-label"}
    lists = [each for each in _lists_of_labels(root) if any(_is_in(unused, item) for item in each[1].items)]
    edits = [*_quotes(root), *(edit for owner, labels in lists for edit in _without(owner, labels, unused))]
    edits = sorted(set(edits))
    content = document.text.content
    for edit in reversed(edits):
        content = content[: edit.start] + edit.text + content[edit.end :]
    again = read_text(content, document.text.path).root
    raw = path.read_bytes()
    has_crlf = b"\r\n" in raw
    is_mixed = has_crlf and raw.count(b"\n") != raw.count(b"\r\n")
    if not edits or is_mixed or _normal(root, spec.labels) != _normal(again, spec.labels):
        return None
    encoded = (content.replace("\n", "\r\n") if has_crlf else content).encode()
    return Fixed((_BOM if raw.startswith(_BOM) else b"") + encoded, document.text, len(edits))


_Place = tuple[str, int, int]


def _place(position: Position | None) -> _Place | None:
    """Return what names a position, without the text of its line, which is not shown of each file."""
    return (position.path, position.line, position.column) if position is not None else None


def _is_in(places: Collection[_Place | None], node: Node) -> bool:
    return _place(node.position()) in places


def _quotes(node: Node) -> Iterator[_Edit]:
    """Yield edits that put text into quotes which other YAML readers take for something else."""
    for item in (*node.entries.values(), *node.items):
        yield from _quotes(item)
    written = node.text.content[node.start : node.end]
    if node.style is None and isinstance(node.value, str) and written == node.value and is_ambiguous(written):
        is_simple = '"' not in written and "\\" not in written
        text = f'"{written}"' if is_simple else "'" + written.replace("'", "''") + "'"
        yield _Edit(node.start, node.end, text)


def _lists_of_labels(root: Node) -> Iterator[tuple[Node, Node]]:
    """Yield the lists of labels, of the spec and of its cases, each behind the map that has it."""
    tests = root.get("tests")
    for owner in (root, *(tests.items if tests is not None else ())):
        if (labels := owner.get("labels")) is not None and labels.items:
            yield owner, labels


def _without(owner: Node, labels: Node, unused: Collection[_Place | None]) -> Iterator[_Edit]:
    """Yield edits that remove labels; the whole entry, if none is left and its lines have nothing else."""
    content = labels.text.content
    kept = [item for item in labels.items if not _is_in(unused, item)]
    if not kept:
        start, end = content.rfind("\n", 0, owner.keys["labels"][0]) + 1, _line_end(content, labels.items[-1].end)
        lines = content[start:end]
        if re.fullmatch(r" *labels:[^#{}]*\n?", lines):  # no comment, and no other key
            yield _Edit(start, end, "")
        return
    if content[labels.start] == "[":
        if "#" not in content[labels.start : labels.end]:
            sources = [content[item.start : item.end] for item in kept]
            yield _Edit(labels.start, labels.end, f"[{', '.join(sources)}]")
        return
    for item in labels.items:
        if not _is_in(unused, item):
            continue
        start, end = content.rfind("\n", 0, item.start) + 1, _line_end(content, item.end)
        if re.fullmatch(r" *- [^#]*\n?", content[start:end]):
            yield _Edit(start, end, "")


def _line_end(content: str, offset: int) -> int:
    end = content.find("\n", offset)
    return len(content) if end < 0 else end + 1


def _normal(root: Node | None, given: Sequence[str]) -> str:
    """Return the values of a spec as text, without labels that select nothing more than `given`, those of the spec."""
    value = root.plain() if root is not None else None
    if isinstance(value, dict):
        tests = value.get("tests")
        for owner in (value, *(tests if isinstance(tests, list) else ())):
            if isinstance(owner, dict) and isinstance(labels := owner.get("labels"), list):
                known = () if owner is value else given
                owner["labels"] = [label for label in dict.fromkeys(map(str, labels)) if label not in known]
                if not owner["labels"]:
                    del owner["labels"]
    return json.dumps(value)
