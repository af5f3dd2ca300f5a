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
    raw = path.read_bytes()
    has_crlf = b"\r\n" in raw
    if root is None or (has_crlf and raw.count(b"\n") != raw.count(b"\r\n")):
        return None
    unused = {_place(problem.position) for problem in problems if problem.code == "unused-label"}
    content, changes = document.text.content, 0
    wanted = _normal(content, spec)
    for edit in sorted(_removals(root, unused), reverse=True):  # from the end: offsets before an edit stay
        changed = _edited(content, [edit])
        if _normal(changed, spec) == wanted:  # else an alias refers to what is removed
            content, changes = changed, changes + 1
    quotes = sorted(set(_quotes(read_text(content, spec.path).root)))
    content, changes = _edited(content, quotes), changes + len(quotes)
    if not changes or _normal(content, spec) != wanted:
        return None
    encoded = (content.replace("\n", "\r\n") if has_crlf else content).encode()
    return Fixed((_BOM if raw.startswith(_BOM) else b"") + encoded, document.text, changes)


def _edited(content: str, edits: Sequence[_Edit]) -> str:
    """Return a text with edits that are in order."""
    ends = [0, *(edit.end for edit in edits)]
    pieces = [piece for end, edit in zip(ends, edits, strict=False) for piece in (content[end : edit.start], edit.text)]
    return "".join([*pieces, content[ends[-1] :]])


_Place = tuple[str, int, int]


def _place(position: Position | None) -> _Place | None:
    """Return what names a position, without the text of its line, which is not shown of each file."""
    return (position.path, position.line, position.column) if position is not None else None


def _is_in(places: Collection[_Place | None], node: Node) -> bool:
    return _place(node.position()) in places


def _quotes(node: Node | None) -> Iterator[_Edit]:
    """Yield edits that put text into quotes which other YAML readers take for something else."""
    if node is None:
        return
    for item in (*node.entries.values(), *node.items):
        yield from _quotes(item)
    written = node.text.content[node.start : node.end]
    if node.style is None and isinstance(node.value, str) and written == node.value and is_ambiguous(written):
        is_simple = '"' not in written and "\\" not in written
        text = f'"{written}"' if is_simple else "'" + written.replace("'", "''") + "'"
        yield _Edit(node.start, node.end, text)


def _removals(root: Node, unused: Collection[_Place | None]) -> Iterator[_Edit]:
    """Yield edits that remove labels from the lists of the spec and of its cases."""
    tests = root.get("tests")
    for owner in (root, *(tests.items if tests is not None else ())):
        labels = owner.get("labels")
        if labels is not None and any(_is_in(unused, item) for item in labels.items):
            yield from _without(owner, labels, unused)


def _without(owner: Node, labels: Node, unused: Collection[_Place | None]) -> Iterator[_Edit]:
    """Yield edits that remove labels; the whole entry, if none is left. Lines with a comment stay."""
    content = labels.text.content
    kept = [item for item in labels.items if not _is_in(unused, item)]
    if not kept:
        start, end = _extent(owner, labels)
        if "#" not in content[start:end]:
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


def _extent(owner: Node, labels: Node) -> tuple[int, int]:
    """Return the range of a map's entry `labels`: its lines, else up to the next key, else from the comma before it."""
    content = owner.text.content
    key, _ = owner.keys["labels"]
    last = labels.end if content[labels.start] == "[" else labels.items[-1].end
    start, end = content.rfind("\n", 0, key) + 1, _line_end(content, last)
    following = [first for first, _ in owner.keys.values() if first > key]
    if re.fullmatch(r" *labels:[^#{}]*", content[start:end]) or not (following or content[owner.start] == "{"):
        return start, end
    return (key, min(following)) if following else (content.rfind(",", 0, key), labels.end)


def _line_end(content: str, offset: int) -> int:
    end = content.find("\n", offset)
    return len(content) if end < 0 else end + 1


def _normal(content: str, spec: Spec) -> str:
    """Return the values of a spec as text, without labels that select nothing more than those of the spec."""
    document = read_text(content, spec.path)
    value = document.root.plain() if document.root is not None else None
    if isinstance(value, dict):
        tests = value.get("tests")
        for owner in (value, *(tests if isinstance(tests, list) else ())):
            if isinstance(owner, dict) and isinstance(labels := owner.get("labels"), list):
                known = () if owner is value else spec.labels
                owner["labels"] = [label for label in dict.fromkeys(map(str, labels)) if label not in known]
                if not owner["labels"]:
                    del owner["labels"]
    return json.dumps([value, any(problem.severity == "error" for problem in document.problems)])
