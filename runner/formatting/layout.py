"""A tree of YAML → its text in the canonical layout.

What fits on a line in brackets stays there; what is longer, or has comments, becomes a block. Blocks are indented by two
spaces, and at most one blank line stands between their entries. A comment on the line of a value stays there; where a
line can't hold it, it moves above.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from runner.source.yaml_scalars import is_ambiguous, is_text
from runner.source.yaml_tree import Alias, Collection, Entry, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.source.yaml_tree import Tree, Value


class Layout(NamedTuple):
    """What differs between kinds of files."""

    quote: Literal["'", '"']
    """The quotes of text that both kinds can hold as it is."""
    indents_lists: bool
    """Whether a list stands deeper than its key."""
    width: int
    """Maximum length of a line with brackets, and of lines that are wrapped."""


SPEC = Layout(quote='"', indents_lists=True, width=120)
CASSETTE = Layout(quote="'", indents_lists=False, width=1 << 30)
"""As cassettes are recorded."""


def written(tree: Tree, layout: Layout) -> str:
    """Return the text of a tree."""
    writer = _Writer(layout)
    value = tree.value
    writer.lines([*tree.above, *tree.beside], 0)
    if isinstance(value, Collection) and value.entries:
        writer.lines(filter(None, [_properties(value).rstrip()]), 0)
        writer.block(value, 0)
    elif value is not None and value != Scalar(""):
        writer.lines([*(value.below if isinstance(value, Collection) else ()), writer.on_one_line(value)], 0)
    writer.lines(tree.below, 0)
    return writer.text()


class _Writer:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lines: list[str] = []
        self._on_one_line: dict[int, str] = {}
        """Maps and lists as they stand on one line, by their identity: each is asked for by all that it is in."""
        self._takes_blank = False
        """Whether a blank line may follow: not at the beginning, of a file or of a block."""
        self._owes_blank = False
        """Whether a blank line comes before the next line, if there is one."""

    def text(self) -> str:
        """Return the text, which ends in one line break, or in those that its last value has."""
        return "".join(f"{line}\n" for line in self._lines)

    def lines(self, lines: Iterable[str], column: int) -> None:
        """Write comments, and a blank line for each empty one."""
        for line in lines:
            if line:
                self._put(" " * column + line)
            else:
                self._owes_blank = self._takes_blank

    def block(self, value: Collection, column: int, begun: str = "") -> None:
        """Write entries, each on lines of its own. `begun` is what the line of the first one has before it."""
        for index, entry in enumerate(value.entries):
            if begun and not index:
                self._entry(entry, column, begun)
                continue
            self.lines(self._above(entry, column), column)
            self._entry(entry, column, " " * column)
        self.lines(value.below, column)

    def _above(self, entry: Entry, column: int) -> list[str]:
        """Return the lines above an entry: its own, and those comments for which its line has no place."""
        value, head = entry.value, self._head(entry, column)
        empty = value.below if isinstance(value, Collection) and not value.entries else []
        block = self._as_block(value, len(head))
        if block is None or not _joins(entry):
            return [*entry.above, *empty, *entry.beside[:-1]]
        return [*entry.above, *entry.beside, *filter(None, self._above(block.entries[0], column + _INDENT))]

    def _entry(self, entry: Entry, column: int, begun: str) -> None:
        """Write an entry whose comments are above it already, but for one that stands on its line."""
        comment = f"  {entry.beside[-1]}" if entry.beside else ""
        value, head = entry.value, begun + self._head(entry, 0)
        if (block := self._as_block(value, len(head))) is not None:
            if _joins(entry):
                self.block(block, column + _INDENT, head)
                return
            self._put(f"{head}{_properties(block)}".rstrip() + comment)
            self._takes_blank = False
            is_deeper = block.is_map or entry.key is None or self._layout.indents_lists
            self.block(block, column + _INDENT if is_deeper else column)
        elif (scalar := self._as_block_scalar(value, len(head))) is not None:
            header, lines = scalar
            self._put(f"{head}{header}{comment}")
            self._lines += [" " * (column + _INDENT) + line if line else "" for line in lines]
            self._takes_blank = bool(lines[-1].strip())
        else:
            self._put(f"{head}{self.on_one_line(value)}{comment}")

    def _head(self, entry: Entry, column: int) -> str:
        return " " * column + ("- " if entry.key is None else f"{_key(entry.key, self._layout)}: ")

    def _as_block(self, value: Value, column: int) -> Collection | None:
        """Return a map or a list that takes lines of its own; None for what stands on one line."""
        if not isinstance(value, Collection) or not value.entries:
            return None
        is_long = value.is_flow and column + len(self.on_one_line(value)) > self._layout.width
        return value if is_long or not value.is_flow or _has_comments(value) else None

    def _as_block_scalar(self, value: Value, column: int) -> tuple[str, list[str]] | None:
        """Return the header and the lines of a text that is a block; None for what stands on one line."""
        if not isinstance(value, Scalar) or not value.value.strip():
            return None
        if value.style in ("|", ">"):
            return _kept_block(value)
        if value.spans_lines and not value.escapes and column + len(self.on_one_line(value)) > self._layout.width:
            lines = _wrapped(value.value, self._layout.width - _WRAP_MARGIN)
            return (f"{_properties(value)}>-", lines) if len(lines) > 1 else None
        return None

    def on_one_line(self, value: Value) -> str:
        """Return a value as it stands on one line."""
        match value:
            case Alias(name):
                return f"*{name}"
            case Scalar():
                return (_properties(value) + _scalar(value, self._layout)).rstrip()
            case Collection():
                if id(value) not in self._on_one_line:
                    heads = ("" if each.key is None else self._head(each, 0) for each in value.entries)
                    values = (self.on_one_line(each.value) for each in value.entries)
                    parts = ", ".join(map("".join, zip(heads, values, strict=True)))
                    left, right = "{}" if value.is_map else "[]"
                    self._on_one_line[id(value)] = f"{_properties(value)}{left}{parts}{right}"
                return self._on_one_line[id(value)]

    def _put(self, line: str) -> None:
        if self._owes_blank:
            self._lines.append("")
        self._lines.append(line)
        self._takes_blank, self._owes_blank = True, False


_INDENT = 2
_WRAP_MARGIN = 20


def _joins(entry: Entry) -> bool:
    """Return whether the first entry of an item stands on the line of its dash."""
    return entry.key is None and isinstance(entry.value, Collection) and not _properties(entry.value)


def _has_comments(value: Value) -> bool:
    if not isinstance(value, Collection):
        return False
    return bool(value.below) or any(
        entry.beside or any(entry.above) or _has_comments(entry.value) for entry in value.entries
    )


def _properties(value: Scalar | Collection) -> str:
    """Return the anchor and the tag of a value, with a space after each."""
    anchor = f"&{value.anchor} " if value.anchor is not None else ""
    return anchor + (f"{value.tag} " if value.tag is not None else "")


def _key(key: Scalar, layout: Layout) -> str:
    is_plain = (key.style is None and not key.spans_lines) or _WORD.fullmatch(key.value)
    text = key.value if is_plain and is_text(key.value) and not is_ambiguous(key.value) else _quoted(key, layout)
    return _properties(key) + text


_WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.-]*")


def _scalar(scalar: Scalar, layout: Layout) -> str:
    if scalar.style is not None:
        return _quoted(scalar, layout)
    if scalar.tag is None and scalar.value in ("", "~"):
        return "null"
    is_clear = scalar.tag is not None or not is_text(scalar.value) or not is_ambiguous(scalar.value)
    return scalar.value if is_clear and "\n" not in scalar.value else _quoted(scalar, layout)


def _quoted(scalar: Scalar, layout: Layout) -> str:
    text = scalar.value
    if scalar.escapes or _NEEDS_ESCAPE.search(text):
        return _escaped(text, scalar.escapes)
    if layout.quote == '"' and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


_NEEDS_ESCAPE = re.compile(
    "[^\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
)
_SPECIAL = re.compile(r'["\\]|[^\x20-\x7e]')


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    """Return a text in double quotes, with these escapes, and others for what can't stand there as it is."""

    def escape(found: re.Match[str]) -> str:
        char = found[0]
        if char in escapes:
            return escapes[char]
        if char in '"\\' or char < " ":
            return json.dumps(char)[1:-1]
        return f"\\u{ord(char):04x}" if _NEEDS_ESCAPE.match(char) else char

    return f'"{_SPECIAL.sub(escape, text)}"'


def _kept_block(scalar: Scalar) -> tuple[str, list[str]]:
    """Return the header and the lines of a text that is written as a block."""
    text = scalar.value.rstrip("\n")
    ends = len(scalar.value) - len(text)
    lines = list(scalar.lines) if scalar.style == ">" else text.split("\n")
    first = next((line for line in lines if line), "")
    indicator = str(_INDENT) if first[:1] in (" ", "\t") else ""
    chomping = "-" if ends == 0 else "" if ends == 1 else "+"
    lines += [""] * (ends - 1)
    return f"{_properties(scalar)}{scalar.style}{indicator}{chomping}", lines


def _wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines that a folded block joins to it again; one line if that can't be."""
    if _NEEDS_ESCAPE.search(text) or text != text.strip():
        return [text]
    lines = [""]
    for word in re.split(r"(?<! ) (?! )", text):  # at single spaces
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return lines
