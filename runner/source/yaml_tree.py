"""YAML text → its values as they are written, each with the comments and blank lines around it.

A comment on the line of a value belongs to that value, a comment on a line of its own to what follows, or to the block that
it is indented as; those at the top belong to the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import yaml

from runner.source.align import block_lines, skip_properties
from runner.source.yaml_comments import Comment, SpannedEvent, comments_between, spanned_events, with_plain_breaks
from runner.source.yaml_escapes import escapes
from runner.source.yaml_strict import has_uncounted_line

if TYPE_CHECKING:
    from runner.source.text import Text

Style = Literal["'", '"', "|", ">"]
_STR_TAGS = ("!", "tag:yaml.org,2002:str")


@dataclass(slots=True)
class Scalar:
    """A scalar: its value as text, and how it is quoted; None if it is not.

    `lines` are the lines of a folded block without their indentation, whose breaks the value does not have. `escapes` are
    the characters, other than printable ASCII, that are written as escapes only, each with its escape.
    """

    value: str
    style: Style | None = None
    anchor: str | None = None
    tag: str | None = None
    spans_lines: bool = False
    lines: tuple[str, ...] = ()
    escapes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Alias:
    """An alias of a value with an anchor."""

    name: str


@dataclass(slots=True)
class Entry:
    """An item of a list, or an entry of a map.

    `above` are the lines before it, comments or "" for a blank one, and `beside` the comments on its lines.
    """

    key: Scalar | None
    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    value: Value = field(default_factory=lambda: Scalar(""))


@dataclass(slots=True)
class Collection:
    """A map or a list, in brackets or as a block. `below` are the lines after its last entry."""

    is_map: bool
    is_flow: bool
    anchor: str | None = None
    tag: str | None = None
    entries: list[Entry] = field(default_factory=list)
    below: list[str] = field(default_factory=list)


Value = Scalar | Alias | Collection


@dataclass(slots=True)
class Tree:
    """A document. `above` are the lines before its value, `below` those after it. An empty one has no value.

    `comments` are all of them, in their order.
    """

    value: Value | None
    above: list[str]
    beside: list[str]
    below: list[str]
    comments: tuple[str, ...]


def read_tree(text: Text) -> Tree:
    """Return the tree of a text that the reader of YAML takes."""
    text = with_plain_breaks(text)
    events = spanned_events(text)
    return _Builder(text, comments_between(text, events)).tree(events)


class _Frame(NamedTuple):
    """An open map or list, the column of its entries (None in brackets), and its own entry."""

    value: Collection
    column: int | None
    owner: Entry | None


class _Builder:
    """Takes events one by one, and adds entries to the innermost open map or list."""

    def __init__(self, text: Text, found: list[Comment]) -> None:
        self._content = text.content
        self._text = text
        self._comments = found
        self._next = 0
        """The index of the next comment."""
        self._open: list[_Frame] = []
        self._entry: Entry | None = None
        """The entry whose value is awaited."""
        self._last: Entry | None = None
        """The last complete entry, whose line may have a comment yet."""
        self._ahead: list[str] = []
        """Lines before the first entry of the block that begins next."""
        self._passed = 0
        self._tree = Tree(None, [], [], [], tuple(each.text for each in found))

    def tree(self, events: list[SpannedEvent]) -> Tree:
        for event, start, end in events:
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event, start, end)
                case yaml.AliasEvent():
                    self._begin(start, is_block=False)
                    self._hang(Alias(event.anchor or ""))
                    self._passed = end
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._start(event, start, end)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._end(start, end)
                case _:
                    pass
        self._tree.below = self._rest()
        return self._tree

    def _scalar(self, event: yaml.ScalarEvent, start: int, end: int) -> None:
        content = self._content
        value, value_start = event.value, max(start, min(skip_properties(content, start), end))
        is_block = event.style in ("|", ">")
        if is_block and has_uncounted_line(self._text, start, end, value):
            value += "\n"
        scalar = Scalar(value, _style(event), event.anchor, _tag(event), "\n" in content[value_start:end])
        if event.style == ">":
            scalar.lines = block_lines(content, value_start, end, value)
        if event.style == '"':
            scalar.escapes = escapes(content[value_start:end])
        self._begin(start, is_block=False)
        line_end = content.find("\n", value_start, end) if is_block else value_start
        inside = self._until(value_start if line_end < 0 else line_end)
        entry = self._entry
        for each in inside:
            self._take_inner(each, is_block=False)
        if entry is not None and self._awaits_key():
            entry.key = scalar
        else:
            self._hang(scalar)
        self._passed = end

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, start: int, end: int) -> None:
        is_flow = bool(event.flow_style)
        self._begin(start, is_block=not is_flow)
        value = Collection(isinstance(event, yaml.MappingStartEvent), is_flow, event.anchor, _tag(event))
        owner = self._entry
        if owner is not None:
            owner.value = value
        else:
            self._tree.value = value
        at = end - self._content.startswith("-", end - 1)  # libyaml marks the first entry, or the text after its dash
        self._open.append(_Frame(value, None if is_flow else self._column(at), owner))
        self._entry = self._last = None
        self._passed = end if is_flow else at

    def _end(self, start: int, end: int) -> None:
        """Close a map or a list. That of a block ends where the next token starts: comments before it may be its own."""
        frame = self._open.pop()
        next_column = self._column(start) if start < len(self._content) else -1
        if frame.column is None:
            for each in self._until(start):
                self._lay(each, frame, frame.value.below)
            self._passed = end
        else:
            below = self._below_list(start) if frame.column == next_column else 0
            while (comment := self._peek(start)) is not None:
                is_deep = comment.column >= frame.column and comment.column > next_column
                if comment.is_alone and not is_deep and comment.start >= below:
                    break
                self._next += 1
                self._lay(comment, frame, frame.value.below)
        self._entry, self._last = None, frame.owner

    def _below_list(self, end: int) -> int:
        """Return the offset up to which comments are below a list at the column of its key, and not above the key at `end`.

        They follow the list without a blank line, and a blank line follows them.
        """
        is_first = True
        for index in range(self._next, len(self._comments)):
            each = self._comments[index]
            if each.start >= end:
                break
            if each.is_alone and self._is_after_blank(each.start):
                return 0 if is_first else each.start
            is_first = is_first and not each.is_alone
        return end if self._is_after_blank(end) else 0

    def _lay(self, comment: Comment, frame: _Frame, lines: list[str]) -> None:
        """Put a comment beside what its line has, or among lines."""
        if not comment.is_alone:
            beside = self._last.beside if self._last else frame.owner.beside if frame.owner else self._tree.beside
            beside.append(comment.text)
            return
        lines += [""] if self._is_after_blank(comment.start) else []
        lines.append(comment.text)

    def _begin(self, start: int, *, is_block: bool) -> None:
        """Take the comments before a key, an item or a value. `is_block` is for a value whose entries follow on lines."""
        frame = self._open[-1] if self._open else None
        if frame is not None and self._entry is None:
            self._begin_entry(frame, start)
            if frame.value.is_map:
                return
        if frame is None:
            self._begin_document(start)
            return
        for each in self._until(start):
            self._take_inner(each, is_block=is_block)

    def _take_inner(self, comment: Comment, *, is_block: bool) -> None:
        if self._entry is None:
            self._tree.beside.append(comment.text)
        elif comment.is_alone and is_block:
            self._ahead += [""] if self._is_after_blank(comment.start) else []
            self._ahead.append(comment.text)
        elif comment.is_alone:
            self._entry.above += [*self._entry.beside, comment.text]
            self._entry.beside = []
        else:
            self._entry.beside.append(comment.text)

    def _begin_entry(self, frame: _Frame, start: int) -> None:
        entry = Entry(None)
        entry.above, self._ahead = self._ahead, []
        mark = self._mark(start) if frame.column is not None else start
        for each in self._until(mark):
            self._lay(each, frame, entry.above)
        if self._is_after_blank(mark):
            entry.above.append("")
        frame.value.entries.append(entry)
        self._entry, self._last = entry, None

    def _begin_document(self, start: int) -> None:
        lines: list[str] = []
        for each in self._until(start):
            lines += [""] if lines and self._is_after_blank(each.start) else []
            lines.append(each.text)
        if lines and self._is_after_blank(start):
            lines.append("")
        self._tree.above = lines

    def _hang(self, value: Scalar | Alias) -> None:
        if self._entry is None:
            self._tree.value = value
            return
        self._entry.value = value
        self._last, self._entry = self._entry, None

    def _awaits_key(self) -> bool:
        return bool(self._open) and self._open[-1].value.is_map and self._entry is not None and self._entry.key is None

    def _mark(self, start: int) -> int:
        """Return the offset of the `-` or `?` that begins the entry of a block, before its first token at `start`."""
        at = self._passed
        if self._next:
            last = self._comments[self._next - 1]
            at = max(at, last.start + len(last.text))
        index = self._next
        while index < len(self._comments) and (each := self._comments[index]).start < start:
            index += 1
            if found := _MARK.search(self._content, at, each.start):
                return found.start()
            at = each.start + len(each.text)
        found = _MARK.search(self._content, at, start)
        return found.start() if found else start

    def _until(self, end: int) -> list[Comment]:
        first = self._next
        while self._peek(end) is not None:
            self._next += 1
        return self._comments[first : self._next]

    def _peek(self, end: int) -> Comment | None:
        each = self._comments[self._next] if self._next < len(self._comments) else None
        return each if each is not None and each.start < end else None

    def _rest(self) -> list[str]:
        lines: list[str] = []
        for each in self._until(len(self._content) + 1):
            if not each.is_alone and self._last is not None and not lines:
                self._last.beside.append(each.text)
            elif not each.is_alone and not lines and self._tree.value is not None:
                self._tree.beside.append(each.text)
            else:
                lines += [""] if self._is_after_blank(each.start) else []
                lines.append(each.text)
        return lines

    def _column(self, offset: int) -> int:
        return offset - self._line(offset)

    def _line(self, offset: int) -> int:
        return self._content.rfind("\n", 0, offset) + 1

    def _is_after_blank(self, offset: int) -> bool:
        """Return whether the line before that of `offset` is blank, and nothing precedes the offset on its own line."""
        line = self._line(offset)
        if line == 0 or self._content[line:offset].strip(" \t"):
            return False
        before = self._content[self._line(line - 1) : line - 1]
        return not before.strip(" \t\ufeff") and self._line(line - 1) > 0


_MARK = re.compile(r"(?<!\S)[-?](?=\s|\Z)")


def _style(event: yaml.ScalarEvent) -> Style | None:
    if event.style in ("'", '"', "|", ">"):
        return event.style  # type: ignore[return-value]
    return '"' if event.tag in _STR_TAGS else None


def _tag(event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> str | None:
    """Return the tag as it is written; None for the one of text, which quotes say as well."""
    if event.tag is None or event.tag in _STR_TAGS:
        return None
    return str(event.tag).replace("tag:yaml.org,2002:", "!!")
