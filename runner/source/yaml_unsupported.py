"""Valid YAML 1.2 that libyaml refuses → a problem that says so, instead of a syntax error.

Each construct has a rewriting that libyaml accepts if, and only if, YAML 1.2 accepts the original. The text is rewritten
wherever libyaml stops. If libyaml then reads it to its end, the original is valid; if not, libyaml's error is right.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import yaml

from runner.errors import Problem
from runner.source.align import skip_properties
from runner.source.text import Text
from runner.source.yaml_events import YamlEvents

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.codes import Code


_MAX_CHARACTERS = 1024 * 1024
"""Maximum number of characters that are read again for one error, over all rewritings."""
_LEAST_CHARACTERS = 16 * 1024
"""A shorter text counts as this many characters."""
_CODE: Code = "yaml-unsupported"
_VALID = "is valid YAML, but not supported here"


class _Construct(NamedTuple):
    """A construct: its place, its message and hint, and the text that replaces `[start, end)`."""

    at: int
    message: str
    hint: str
    start: int
    end: int
    written: str
    code: Code = _CODE
    no_key: int | None = None
    """Offset at which no key may begin after the rewriting."""
    sign: int | None = None
    """Offset at which an anchor or an alias must begin after the rewriting."""
    in_block: int | None = None
    """Offset that must lie in a block scalar after the rewriting."""


class _Swap(NamedTuple):
    """A construct that libyaml's error and the text at its place identify, and that is replaced right there."""

    complaint: str
    found: str
    written: str
    what: str
    hint: str


_EMPTY_KEY = ('"":', "an empty key", "write \"\" before the ':'")
_SWAPS = tuple(_Swap(*row) for row in (
    ("parsing a flow node", r":(?=[\s,\]}])", *_EMPTY_KEY),
    ("expected key", r":(?!\S)", *_EMPTY_KEY),
    ("unexpected ':'", r":(?=[,\]}])", ": ", "a ':' right before ',', ']' or '}'", "put a space after it"),
    ("unexpected ':'", r":(?=\?)", "x", "a text that holds ':?' inside [ ] or { }", "put it in quotes"),
    ("scanning a tag", r"(?=[,\]}])", " ", "a tag right before ',', ']' or '}'",
     "only !!str is allowed; quote a text that begins with !"),
))  # fmt: skip
_BEGINS = re.compile(r"[?:](?=[^\s,\[\]{}])")
"""A `?` or `:` that begins a text inside brackets, and is not the sign of a key or a value."""
_BEGINS_FREELY = re.compile(rf"(?<![^\s,\[{{]){_BEGINS.pattern}")
_ENDS_KEY = re.compile("[\"'\\]}]\\Z")
_NAMED = re.compile(r"(?<![^\s,\[{])[&*][\w-]+\Z", re.ASCII)
_SEPARATION = re.compile(r"[ \t]*+")
_INDICATOR = re.compile(r"[-?:](?!\S)")
_NEVER_FIRST = re.compile(r"%|(?:---|\.\.\.)(?!\S)")
"""Text that has another meaning at the start of a line."""
_NAME = re.compile(r"[&*][^\s,\[\]{}]++")
_OTHER_VERSION = re.compile(r"%YAML[ \t]+1\.\d+(?!\S)")
_RESERVED = re.compile(r"%(?!(?:YAML|TAG)(?!\S))\S.*")
_DOCUMENT_END = re.compile(r"\.\.\.[ \t]*(?:(?<=[ \t])#.*)?$", re.MULTILINE)
_BLANK_LINE = re.compile(r"[ \t]*(?:#.*)?\Z")
_MARKER = re.compile(r"^(?:---|\.\.\.)(?!\S)", re.MULTILINE)
_TOP_BLOCK = re.compile(r"[|>][-+]?+[ \t]*(?:(?<=[ \t])#.*)?\n[ \n]*^(?=[^ \n])", re.MULTILINE)
"""The header of a block scalar, up to its first text at column 1."""


def unsupported(text: Text, fault: Callable[[Text], yaml.MarkedYAMLError | Problem | None]) -> Problem | None:
    """Return the problem of valid YAML that libyaml refuses; None if the text is not valid YAML.

    `fault` returns the error or problem that stops reading a text.
    """
    content = text.content.replace("\r", "\n")
    first: _Construct | None = None
    rewriting = _Rewriting()
    left = _MAX_CHARACTERS
    while (left := left - max(len(content), _LEAST_CHARACTERS)) >= 0:
        stop = fault(Text("", content))
        events = YamlEvents(content)
        if isinstance(stop, Problem):
            if stop.code != "yaml-document":
                return None  # nothing after it is read
            stop = events.error
        if stop is None:
            later = pairwise([*events.documents[1:], len(content)])  # our own reading ends at the first document
            if first is None or not rewriting.holds(events):
                return None
            if any(fault(Text("", content[start:end])) for start, end in later):
                return None
            return Problem(first.code, first.message, text.position(first.at), hint=first.hint)
        found = rewriting.find(content, stop, events)
        if found is None:
            return None
        first = first or found
        content = rewriting.apply(content, found)
    return None


class _Rewriting:
    """Finds constructs one by one, and records the conditions on the text with all of them rewritten."""

    def __init__(self) -> None:
        self._no_keys: list[int] = []
        self._in_blocks: list[int] = []
        self._signs: list[int] = []
        self._names: set[str] = set()
        """Names of anchors that were rewritten."""

    def apply(self, content: str, found: _Construct) -> str:
        grown = len(found.written) - (found.end - found.start)
        for places in (self._no_keys, self._in_blocks, self._signs):
            places[:] = [place + grown if place >= found.end else place for place in places]
        if found.no_key is not None:
            self._no_keys.append(found.no_key)
        if found.in_block is not None:
            self._in_blocks.append(found.in_block)
        if found.sign is not None:
            self._signs.append(found.sign)
        return content[: found.start] + found.written + content[found.end :]

    def holds(self, events: YamlEvents) -> bool:
        return (
            not events.is_broken
            and events.keys.isdisjoint(self._no_keys)
            and events.signs.issuperset(self._signs)
            and all(any(start < place < end for start, end in events.blocks) for place in self._in_blocks)
        )

    def find(self, content: str, error: yaml.MarkedYAMLError, events: YamlEvents) -> _Construct | None:
        at = error.problem_mark.index if error.problem_mark else 0
        opened = error.context_mark.index if error.context_mark else at
        complaint = " ".join(filter(None, (error.problem, error.context)))
        return (
            _top_block(content, events)
            or self._find_cut(content, at, opened)
            or _swapped(content, at, complaint)
            or self._find_other(content, at, opened, complaint, events)
        )

    def _find_cut(self, content: str, at: int, opened: int) -> _Construct | None:
        """Return a sign or a name that libyaml cuts off, so that its error is about the rest."""
        for place in (at, opened):
            line = content.rfind("\n", 0, place) + 1
            if (match := _NAMED.search(content, line, place)) and (found := self._name(content, match.start())):
                return found
            first = len(content[line:place].rstrip("?:")) + line
            if (
                first < place
                and _BEGINS_FREELY.match(content, first)
                and not _ENDS_KEY.search(content[:first].rstrip())
            ):
                return _sign(content, first)
        return None

    def _find_other(self, content: str, at: int, opened: int, complaint: str, events: YamlEvents) -> _Construct | None:
        if "scanning an a" in complaint:
            return self._name(content, opened)
        if "any token" in complaint or "parsing a flow node" in complaint:
            return _sign(content, at) if _BEGINS.match(content, at) else _tab(content, at)
        if "tab character" in complaint:
            return (_tab_in_block if "block scalar" in complaint else _tab_below_text)(content, at)
        if "expected ',' or '}'" in complaint:
            return _key_above(content, at, events)
        if "scanning a directive" in complaint or "incompatible YAML" in complaint:
            return _directive(content, opened, is_version="incompatible YAML" in complaint)
        if "expected node content" in complaint:
            return _end_alone(content, at)
        return _second_document(content, at) if "<document start>" in complaint else None

    def _name(self, content: str, at: int) -> _Construct | None:
        match = _NAME.match(content, at)
        if match is None:
            return None
        sign, name = match[0][0], match[0][1:]
        written = re.sub(r"[^\w-]", "x", name, flags=re.ASCII)
        if written == name or (sign == "*" and name not in self._names):
            return None
        if sign == "&":
            self._names.add(name)
        message = f"a name after {sign} with characters other than letters, digits, - and _ {_VALID}"
        hint = f"write another name; quote a text that begins with {sign}"
        return _Construct(at, message, hint, at + 1, match.end(), written, sign=at)


def _swapped(content: str, at: int, complaint: str) -> _Construct | None:
    for swap in _SWAPS:
        if swap.complaint in complaint and (match := re.compile(swap.found).match(content, at)):
            return _Construct(at, f"{swap.what} {_VALID}", swap.hint, at, match.end(), swap.written)
    return None


def _sign(content: str, at: int) -> _Construct:
    message = f"a text that begins with '{content[at]}' inside [ ] or {{ }} means something else to other YAML readers"
    return _Construct(at, message, "put it in quotes", at, at + 1, "x")


def _tab(content: str, at: int) -> _Construct | None:
    """Return the rewriting of a tab between tokens, with less white space. A tab may separate tokens, but not indent them."""
    before = len(content[:at].rstrip(" \t"))
    end = _behind_tab(content, at)
    if end is None or _INDICATOR.match(content, end):
        return None
    if before == 0 or content[before - 1] == "\n":
        start, written = content.index("\t", before), ""
        if start == before and _NEVER_FIRST.match(content, end):
            return None
    else:
        start, written = before, " "
    return _Construct(at, *_tab_words(content, end), start, end, written, no_key=start + len(written))


def _tab_below_text(content: str, at: int) -> _Construct | None:
    """Return the rewriting of a tab to a comment. A line may begin with a tab only after the end of a text, as may a comment."""
    end = _behind_tab(content, at)
    if end is None or content[end : end + 1] not in ("", "\n", "#"):
        return None
    return _Construct(at, *_tab_words(content, end), at, at + 1, "#")


def _behind_tab(content: str, at: int) -> int | None:
    gap = _SEPARATION.match(content, at)
    return gap.end() if gap and gap[0].startswith("\t") else None


def _tab_words(content: str, end: int) -> tuple[str, str]:
    match content[end : end + 1]:
        case "" | "\n":
            return f"a tab at the end of a line {_VALID}", "remove it"
        case "#":
            return f"a tab before this comment {_VALID}", "use spaces"
        case _:
            return f"a tab before this value {_VALID}", "use spaces"


def _tab_in_block(content: str, at: int) -> _Construct | None:
    line = content.rfind("\n", 0, at) + 1
    if line == at or content[line:at].strip(" "):
        return None
    hint = "after the | or >, write the number of spaces by which it is indented more than its key"
    return _Construct(at, "the text of this block begins with a tab", hint, at, at + 1, "x", in_block=at)


def _key_above(content: str, at: int, events: YamlEvents) -> _Construct | None:
    """Return the rewriting of a key in braces that marks it with `? `, which allows any key."""
    if not content.startswith(":", at):
        return None
    (node, key, _), (empty, _, end) = events.last
    if not isinstance(empty, yaml.ScalarEvent) or empty.value or empty.style or end != at:
        return None
    if content.startswith("//", key):
        return None  # the author means a comment
    if isinstance(node, yaml.ScalarEvent) and not node.style and _BEGINS.match(content, at):
        return None  # only a quote takes a ':' with no space after it
    message = f"a key in {{ }} that is not on one line with its ':' {_VALID}"
    return _Construct(at, message, "write the key and its ':' on one line", key, key, "? ")


def _top_block(content: str, events: YamlEvents) -> _Construct | None:
    """Return the rewriting that indents a block scalar that is the whole document, where YAML needs no indentation."""
    block = next((seen for seen in events.last if isinstance(seen.event, yaml.ScalarEvent)), None)
    header = block and _TOP_BLOCK.match(content, skip_properties(content, block.start))
    if not header or events.open:
        return None
    first = header.end()
    marker = _MARKER.search(content, first)
    end = marker.start() if marker else len(content)
    if first == end:
        return None
    start = content.index("\n", header.start()) + 1
    written = re.sub(r"^(?=.)", " ", content[start:end], flags=re.MULTILINE)
    message, hint = f"a block's text that is not indented {_VALID}", "begin each of its lines with a space"
    return _Construct(first, message, hint, start, end, written, in_block=first + 1)


def _directive(content: str, at: int, *, is_version: bool) -> _Construct | None:
    """Return the rewriting of a directive to one that libyaml accepts any number of times."""
    where = _before_document(content, at, directives=True)
    if where is None:
        return None
    if match := _OTHER_VERSION.match(content, at) if is_version else None:
        message, hint = "another version of YAML than 1.1 and 1.2", "write %YAML 1.2, or remove this line"
        written = "%YAML 1.1"
    elif match := _RESERVED.match(content, at):
        message, hint = "a directive other than %YAML and %TAG", "remove it; quote a text that begins with %"
        written = f"%TAG !{at}! x"
    else:
        return None
    if where == "...":
        return _second(at, at, match.end(), written)
    return _Construct(at, f"{message} {_VALID}", hint, at, match.end(), written)


def _end_alone(content: str, at: int) -> _Construct | None:
    if not _DOCUMENT_END.match(content, at) or _before_document(content, at) is None:
        return None
    return _Construct(at, f"a '...' that ends no document {_VALID}", "remove it", at, at + 3, "#..")


def _second_document(content: str, at: int) -> _Construct | None:
    line = content.rfind("\n", 0, at) + 1
    return _second(at, line, line, "---\n") if _before_document(content, line) == "..." else None


def _second(at: int, start: int, end: int, written: str) -> _Construct:
    what, hint = "a second document begins here", "one file holds one document"
    return _Construct(at, what, hint, start, end, written, code="yaml-document")


def _before_document(content: str, at: int, *, directives: bool = False) -> str | None:
    """Return what precedes a line, apart from comments: '...', '' for nothing, or None for a document."""
    while at:
        line = content.rfind("\n", 0, at - 1) + 1
        if _DOCUMENT_END.match(content, line):
            return "..."
        if not (directives and content.startswith("%", line)) and not _BLANK_LINE.match(content[line : at - 1]):
            return None
        at = line
    return ""
