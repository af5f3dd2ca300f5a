"""YAML text → nodes.

A loop builds the tree from libyaml's events: libyaml's own composer recurses, and crashes on a deeply nested file.
`yaml_scalars` reads the plain scalars.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

import yaml

from runner.errors import Problem
from runner.source.align import skip_properties
from runner.source.json_reader import MAX_DEPTH
from runner.source.node import Node
from runner.source.yaml_chars import Source
from runner.source.yaml_scalars import PlainScalars
from runner.source.yaml_strict import Comments, block_fault, has_uncounted_line, underindented

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.codes import Code
    from runner.source.text import Text

MAX_NODES = 100_000
"""Maximum number of nodes of a document, with every alias expanded."""
MAX_CHARACTERS = 2 * 1024 * 1024
"""Maximum number of characters of a document, with every alias expanded: twice what a file may have."""

_AFTER_NAME = (" ", "\t", "\n", "\r", ",", "]", "}")
_LOST_COLON = re.compile(r"(?:\s|(?<=\s)#.*)*+:(?=[^\s,\[\]{}])")
_STR_TAG = "tag:yaml.org,2002:str"


class _StopError(Exception):
    """The document can't be read any further; the problem is already recorded."""


def parse(text: Text, tags: Collection[str] = ()) -> tuple[Node | None, list[Problem]]:
    """Return the node of the first document, and the problems. The node is None if the text is empty or not valid YAML.

    Values with one of these `tags`, such as `!!binary`, are read as text; other tags but `!!str` are problems.
    """
    reader = _Reader(text, tags)
    comments = Comments(text)
    source = Source(text.content)
    try:
        _take_all(source, reader, comments)
        reader.scalars.count_groups()
    except _StopError:
        return reader.root if reader.has_second else None, reader.problems
    except yaml.reader.ReaderError as error:
        # The position is the number of bytes before the invalid character.
        start = source.at(len(source.content.encode()[: error.position].decode(errors="ignore")))
        place = text.position(start)
        message = f"control character 0x{ord(text.content[start : start + 1] or chr(0)):02x} is not allowed in YAML"
        reader.problems.append(Problem("yaml-syntax", message, place, hint="write it as an escape in double quotes"))
        return None, reader.problems
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.index if error.problem_mark else 0
        if (problems := _problems_before(text, at)) is not None:
            return None, problems
        problem = comments.before(at) or reader.left_open(error) or _refusal(text, error)
        reader.problems.append(problem)
        return reader.root if problem.code == "yaml-document" else None, reader.problems
    return reader.root, reader.problems


def _refusal(text: Text, error: yaml.MarkedYAMLError) -> Problem:
    # Few files need these modules.
    from runner.source.yaml_unsupported import unsupported  # noqa: PLC0415
    from runner.source.yaml_words import syntax_problem  # noqa: PLC0415

    return unsupported(text, _fault) or syntax_problem(text, error)


def _fault(text: Text) -> yaml.MarkedYAMLError | Problem | None:
    """Return the error or problem that stops reading before the end of the text, if there is one."""
    reader, comments = _Reader(text), Comments(text)
    try:
        _take_all(Source(text.content), reader, comments)
    except _StopError:
        return reader.problems[-1]
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.index if error.problem_mark else 0
        return comments.before(at) or reader.left_open(error) or error
    return None


def _take_all(source: Source, reader: _Reader, comments: Comments) -> None:
    for event in source.events():
        if comments.ahead is not None:
            reader.refuse(comments.take(event))
        reader.take(event)


def _problems_before(text: Text, end: int) -> list[Problem] | None:
    """Return the problems up to the first value nested too deep, or unquoted template, that stands before `end`; else None.

    libyaml stopped at `end`. It looks ahead before it yields an event, and its releases differ in the maximum depth. So
    only the text cut at `end` yields all events before it.
    """
    reader = _Reader(text)
    try:
        _take_all(Source(text.content[:end]), reader, Comments(text))
    except _StopError:
        return reader.problems if reader.problems[-1].code in ("yaml-depth", "template-unquoted") else None
    except yaml.YAMLError:
        pass
    return None


class _Reader:
    """Takes events one by one, and adds nodes to the innermost open map or list."""

    def __init__(self, text: Text, tags: Collection[str] = ()) -> None:
        self.text = text
        self._tags = tags
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[tuple[Node, str | None, int | None, int]] = []
        """Open maps and lists: node, anchor, column of the entries (None for [ ] and { }), characters before it."""
        self._keys: list[_Key | None] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        """Values that aliases may refer to, with their numbers of characters."""
        self.scalars = PlainScalars(text, self.problems)
        self._written = 0
        """Characters of all keys and texts so far, aliases expanded."""
        self.has_second = False
        """Whether a second document follows. The first one is complete then, and can be used."""

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._start(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                if self.root is not None:
                    self.has_second = True
                    self._stop(
                        "yaml-document", "a second document begins here", event, hint="one file holds one document"
                    )

    def refuse(self, problem: Problem | None) -> None:
        """Record a problem and stop, if there is one."""
        if problem is not None:
            self.problems.append(problem)
            raise _StopError

    def left_open(self, error: yaml.MarkedYAMLError) -> Problem | None:
        """Return the problem of a line that shows that a bracket above it was not closed, which libyaml notices only later."""
        at = error.problem_mark.index if error.problem_mark else None
        opened = next((node.start for node, _, column, _ in self._open if column is None), None)
        if at is None or opened is None or "quoted scalar" in (error.context or ""):
            return None
        return underindented(self.text, opened, at + 1, self._column())

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        start, end = _span(event)
        if event.style:
            is_block = event.style in ("|", ">")
            if is_block or self.text.content.find("\n", start, end) >= 0:
                check = block_fault if is_block else underindented
                self.refuse(check(self.text, start, end, self._column()))
                if is_block and has_uncounted_line(self.text, start, end, event.value):
                    event.value += "\n"
        elif event.value == "-" and self.text.content.startswith((",", "[", "]", "{", "}"), end):
            self._stop(
                "yaml-syntax", "a '-' alone is not a value inside [ ] or { }", event, end - 1, hint="put it in quotes"
            )
        if event.tag is not None:
            self._check_tag(event, event.tag)
        if event.anchor is not None:
            self._check_anchor(event, event.anchor)
        self._written += len(event.value)
        if self._takes_key():
            if self._open[-1][2] is None:
                self._check_flow_key(event, start, end)
            self._keys[-1] = _Key(event.value, start, end, plain=not event.style)
            if event.anchor is not None:
                self._anchors[event.anchor] = self._scalar_node(event, start, end), len(event.value)
            return
        self._hang(self._scalar_node(event, start, end), event.anchor, len(event.value))

    def _scalar_node(self, event: yaml.ScalarEvent, start: int, end: int) -> Node:
        if event.anchor is not None or event.tag is not None:
            start = skip_properties(self.text.content, start)
        plain = not event.style and event.tag is None
        value = self.scalars.value(event.value, start, end) if plain else event.value
        return Node(value, self.text, start, end, event.style or None)

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        if event.tag is not None:
            self._check_tag(event, event.tag)
        if event.anchor is not None:
            self._check_anchor(event, event.anchor)
        is_map = isinstance(event, yaml.MappingStartEvent)
        start, end = _span(event)
        if self._takes_key():
            if self.text.content.startswith("{{", start - 1):
                start -= 1
            if self.text.content.startswith("{{", start):
                self._stop("template-unquoted", "YAML reads an unquoted {{ … }} as a map", event, start, start + 2,
                           hint='put the whole value in quotes: "{{ … }}"')  # fmt: skip
            self._stop("yaml-key", "a key must be text, not a map or a list", event)
        if len(self._open) >= MAX_DEPTH:
            self._stop("yaml-depth", f"nested more than {MAX_DEPTH} levels deep", event)
        node = Node({} if is_map else [], self.text, start, end)
        column = None
        if not event.flow_style and event.end_mark is not None:
            # libyaml marks the first entry, or the text after the dash of a list at the column of its key.
            column = event.end_mark.column - (self.text.content[end - 1 : end] == "-")
        self._open.append((node, event.anchor, column, self._written))
        self._keys.append(None)

    def _end(self, event: yaml.MappingEndEvent | yaml.SequenceEndEvent) -> None:
        node, anchor, column, before = self._open.pop()
        self._keys.pop()
        node.end = _span(event)[1]
        outermost = column is None and (not self._open or self._open[-1][2] is not None)
        if outermost and self.text.content.find("\n", node.start, node.end) >= 0:
            self.refuse(underindented(self.text, node.start, node.end, self._column()))
        self._hang(node, anchor, self._written - before)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor is not None:
            self._check_anchor(event, event.anchor)
        if self._takes_key():
            self._stop("yaml-key", "a key must be written out, not an alias", event)
        anchor_name = event.anchor or ""
        found = self._anchors.get(anchor_name)
        if found is None:
            inside = any(anchor == anchor_name for _, anchor, _, _ in self._open)
            why = "refers to a value that contains it" if inside else "has no anchor above it"
            self._stop("yaml-alias", f"alias *{anchor_name} {why}", event)
        node, length = found
        self._written += length
        if self._written > MAX_CHARACTERS:
            self._stop("yaml-size", f"more than {MAX_CHARACTERS:,} characters, aliases written out", event)
        self._hang(node, None, length)

    def _hang(self, node: Node, anchor: str | None, length: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = node, length
        if not self._open:
            self.root = node
            return
        parent = self._open[-1][0]
        parent.size += node.size
        if parent.size > MAX_NODES:
            place = self.text.position(parent.start)
            self.problems.append(Problem("yaml-size", f"more than {MAX_NODES:,} values, aliases written out", place))
            raise _StopError
        if isinstance(parent.value, list):
            parent.value.append(node)
        else:
            self._add_entry(parent, node)

    def _add_entry(self, parent: Node, node: Node) -> None:
        key = self._keys[-1]
        self._keys[-1] = None
        if key is None or not isinstance(parent.value, dict):
            raise AssertionError("libyaml gave a value before its key")
        span = (key.start, key.end)
        if key.name == "<<" and key.plain:
            self._note(
                "yaml-merge-key", "merge keys (<<) are not supported", *span, hint="use extends: for what specs share"
            )
        elif key.name in parent.value:
            first = self.text.position(parent.keys[key.name][0]).line
            self._note(
                "duplicate-key", f"key '{key.name}' occurs twice in this map", *span, hint=f"first on line {first}"
            )
        else:
            parent.value[key.name] = node
            parent.keys[key.name] = span

    def _column(self) -> int:
        """Return the column of the innermost block's entries; -1 outside of all blocks."""
        return next((column for _, _, column, _ in reversed(self._open) if column is not None), -1)

    def _takes_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1][0].value, dict) and self._keys[-1] is None

    def _check_tag(self, event: yaml.NodeEvent, tag: str) -> None:
        if tag not in (_STR_TAG, "!"):
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            start, _ = _span(event)
            if shown not in self._tags or not self.text.content.startswith(shown, start):
                self._note("yaml-tag", f"tag {shown} is not allowed", start, start + 1, hint="only !!str is")

    def _check_anchor(self, event: yaml.NodeEvent, name: str) -> None:
        """Stop at an anchor or alias whose name libyaml cuts short: `&an:chor`."""
        sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
        start = self.text.content.find(sign + name, _span(event)[0])
        end = start + 1 + len(name)
        if not self.text.content.startswith(_AFTER_NAME, end) and end < len(self.text.content):
            self._misread("scanning an anchor or alias", "the name goes on", start)

    def _check_flow_key(self, event: yaml.ScalarEvent, start: int, end: int) -> None:
        """Stop at `[?a]` and `{? :a}`, of which libyaml drops a character."""
        content = self.text.content
        if content.startswith("?", start - 1):
            self._misread("scanning for the next token", "found character that cannot start any token", start - 1)
        if not event.value and not event.style and (colon := _LOST_COLON.match(content, end)):
            self._misread("parsing a flow node", "did not find expected node content", colon.end() - 1)

    def _misread(self, context: str, problem: str, at: int) -> NoReturn:
        """Raise the error that libyaml should have raised for text that it misreads."""
        mark = yaml.Mark("", at, 0, 0, None, 0)
        raise yaml.MarkedYAMLError(f"while {context}", mark, problem, mark)

    def _note(self, code: Code, message: str, start: int, end: int, *, hint: str | None = None) -> None:
        self.problems.append(Problem(code, message, self.text.position(start, end), hint=hint))

    def _stop(
        self,
        code: Code,
        message: str,
        event: yaml.Event,
        start: int | None = None,
        end: int | None = None,
        hint: str | None = None,
    ) -> NoReturn:
        first, last = _span(event)
        self._note(code, message, first if start is None else start, last if end is None else end, hint=hint)
        raise _StopError


def _span(event: yaml.Event) -> tuple[int, int]:
    if event.start_mark is None or event.end_mark is None:
        raise AssertionError("libyaml marks every event")
    return event.start_mark.index, event.end_mark.index


class _Key:
    __slots__ = ("end", "name", "plain", "start")

    def __init__(self, name: str, start: int, end: int, *, plain: bool) -> None:
        self.name = name
        self.start = start
        self.end = end
        self.plain = plain
