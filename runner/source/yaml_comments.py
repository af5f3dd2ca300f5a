"""YAML text → its comments, which libyaml drops: every `#` after white space between its events begins one."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from runner.source.align import skip_properties
from runner.source.text import Text
from runner.source.yaml_chars import Source


class Comment(NamedTuple):
    """A comment with its `#`. `is_alone` says whether its line has nothing else."""

    start: int
    text: str
    is_alone: bool
    column: int


SpannedEvent = tuple[yaml.Event, int, int]
"""An event, its start and its end."""


def comments_of(text: Text) -> list[Comment]:
    """Return the comments of a text that the reader of YAML takes, in their order."""
    text = with_plain_breaks(text)
    return comments_between(text, spanned_events(text))


def with_plain_breaks(text: Text) -> Text:
    """Return a text in which each line ends in LF: to YAML, a lone CR is a line break, too."""
    return Text(text.path, text.content.replace("\r", "\n"))


def spanned_events(text: Text) -> list[SpannedEvent]:
    """Return the events of a text."""
    return [(event, *_span(event)) for event in Source(text.content).events()]


def comments_between(text: Text, events: list[SpannedEvent]) -> list[Comment]:
    """Return every comment of a text with these events."""
    content = text.content
    found: list[Comment] = []
    at = 0

    def gap(end: int) -> None:
        for match in _COMMENT.finditer(content, at, end):
            first = content.rfind("\n", 0, match.start()) + 1
            is_alone = not content[first : match.start()].strip("\ufeff \t")
            found.append(Comment(match.start(), match[0].rstrip(), is_alone, match.start() - first))

    for event, start, end in events:
        if isinstance(event, yaml.ScalarEvent):
            value_start = max(start, min(skip_properties(content, start), end))
            gap(value_start)
            at = value_start
            if event.style in ("|", ">"):
                line_end = content.find("\n", value_start, end)
                gap(end if line_end < 0 else line_end)
            at = max(at, end)
    gap(len(content))
    return found


_COMMENT = re.compile(r"(?<!\S)#[^\n]*")


def _span(event: yaml.Event) -> tuple[int, int]:
    if event.start_mark is None or event.end_mark is None:
        raise AssertionError("libyaml marks every event")
    return event.start_mark.index, event.end_mark.index
