r"""Characters that libyaml misreads → stand-ins that it reads as text, and back.

By YAML 1.1 it ends a line, and a comment, at U+0085, U+2028 and U+2029, which are text since YAML 1.2. It also refuses
`\ud83d\ude00`, the way in which JSON writes a character beyond U+FFFF.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_BREAKS = "\x85\u2028\u2029"
_ANY_BREAK = re.compile(f"[{_BREAKS}]")
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*+)\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_PAIR_WIDTH = 12


class Source:
    """A text with stand-ins for libyaml, and its events with the original characters and offsets."""

    def __init__(self, content: str) -> None:
        self.content = content
        self._breaks: dict[int, str] = {}
        self._pair = ""
        self._pairs: list[str] = []
        """The source of each surrogate pair; `_places` has the offset of its stand-in."""
        self._places: list[int] = []
        has_breaks = not content.isascii() and _ANY_BREAK.search(content) is not None
        has_pairs = "\\u" in content and _PAIR.search(content) is not None
        if has_breaks or has_pairs:
            used = set(content)
            free = (chr(code) for code in range(0x10FFFF, 0xFFFF, -1) if chr(code) not in used)
            self._pair, *others = islice(free, 1 + len(_BREAKS))
            self._breaks = {ord(other): char for other, char in zip(others, _BREAKS, strict=True)}
            self.content = content.translate({ord(char): other for other, char in zip(others, _BREAKS, strict=True)})
            self.content = _PAIR.sub(self._taken, self.content)

    def _taken(self, found: re.Match[str]) -> str:
        before = found[1]
        self._places.append(found.start() + len(before) - len(self._pairs) * (_PAIR_WIDTH - 1))
        self._pairs.append(found[0][len(before) :])
        return before + self._pair

    def events(self) -> Iterator[yaml.Event]:
        """Yield the events of the text. Raises yaml.YAMLError."""
        events: Iterator[yaml.Event] = yaml.parse(self.content, Loader=yaml.CLoader)
        return self._restored(events) if self._breaks else events

    def _restored(self, events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
        try:
            for event in events:
                if isinstance(event, yaml.ScalarEvent):
                    event.value = self._value(event)
                if self._pairs:
                    event.start_mark, event.end_mark = self._moved(event.start_mark), self._moved(event.end_mark)
                yield event
        except yaml.MarkedYAMLError as error:
            error.context_mark, error.problem_mark = self._moved(error.context_mark), self._moved(error.problem_mark)
            raise

    def at(self, index: int) -> int:
        """Return the offset in the original text of a character that libyaml reads at `index`."""
        return index + bisect_left(self._places, index) * (_PAIR_WIDTH - 1)

    def _value(self, event: yaml.ScalarEvent) -> str:
        value = event.value.translate(self._breaks)
        count = value.count(self._pair)
        if not count or event.end_mark is None:
            return value
        last = bisect_left(self._places, event.end_mark.index)
        pairs = iter(self._pairs[last - count : last])  # pairs before it stand in a comment
        is_escape = event.style == '"'
        return re.sub(self._pair, lambda _: json.loads(f'"{next(pairs)}"') if is_escape else next(pairs), value)

    def _moved(self, mark: Any) -> yaml.Mark | None:  # PyYAML has two classes of marks
        if mark is None:
            return None
        first = self.content.rfind("\n", 0, mark.index) + 1
        index = self.at(mark.index)
        return yaml.Mark("", index, mark.line, index - self.at(first), None, 0)
