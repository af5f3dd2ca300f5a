"""The events of a YAML text up to the place where libyaml stops."""

from __future__ import annotations

from typing import NamedTuple

import yaml

from runner.source.yaml_chars import Source


class Seen(NamedTuple):
    """An event with its start and end. For the end of a list or a map, `start` is where the list or the map starts."""

    event: yaml.Event
    start: int
    end: int


class YamlEvents:
    """Facts about the events of a text, up to the place where libyaml stops, that rewriting the text needs."""

    def __init__(self, content: str) -> None:
        self.error: yaml.MarkedYAMLError | None = None
        self.is_broken = False
        """Whether the text is not valid YAML although libyaml and our reader accept it, as with some tags and second documents."""
        self.keys: set[int] = set()
        """Where keys of block maps begin."""
        self.documents: list[int] = []
        """Where documents begin."""
        self.signs: set[int] = set()
        """Where anchors and aliases begin."""
        self.blocks: list[tuple[int, int]] = []
        """The block scalars."""
        self.last: list[Seen] = []
        """The last two events."""
        self.open: list[Seen] = []
        self._is_key: list[bool] = []
        self._content = content
        try:
            for event in Source(content).events():
                self._take(event)
        except yaml.MarkedYAMLError as error:
            self.error = error

    def _take(self, event: yaml.Event) -> None:
        if event.start_mark is None or event.end_mark is None:
            raise AssertionError("libyaml marks every event")
        seen = Seen(event, event.start_mark.index, event.end_mark.index)
        if isinstance(event, yaml.NodeEvent):
            self._take_node(event, seen.start, seen.end)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents.append(seen.start)
            before = self.last[-1].event
            if isinstance(before, yaml.DocumentEndEvent) and not before.explicit:
                self.is_broken |= bool(event.version or event.tags)
        if isinstance(event, yaml.CollectionStartEvent):
            self.open.append(seen)
            self._is_key.append(True)
        elif isinstance(event, yaml.CollectionEndEvent):
            seen = seen._replace(start=self.open.pop().start)
            self._is_key.pop()
        self.last = [*self.last[-1:], seen]

    def _take_node(self, event: yaml.NodeEvent, start: int, end: int) -> None:
        if event.anchor is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            self.signs.add(self._content.find(sign + event.anchor, start))
        if isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">"):
            self.blocks.append((start, end))
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            self.is_broken |= "!" in event.tag[1:]
        around = self.open[-1].event if self.open else None
        if isinstance(around, yaml.MappingStartEvent):
            if self._is_key[-1] and not around.flow_style:
                self.keys.add(start)
            self._is_key[-1] = not self._is_key[-1]
