"""A value read from a file, with its position."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from runner.source.align import offsets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.errors import Position, Step
    from runner.source.text import Text

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Node:
    """A scalar, a map or a list of a document.

    `value` is the plain scalar, a `dict` of nodes or a `list` of nodes. `start` and `end` are offsets into `text`;
    `keys` has the offsets of a map's keys, each in the text of its entry. `style` is how a scalar is quoted: `'`, `"`,
    `|`, `>` or None.
    """

    __slots__ = ("_offsets", "end", "keys", "size", "start", "style", "text", "value")

    def __init__(
        self,
        value: bool | int | float | str | dict[str, Node] | list[Node] | None,  # noqa: PYI041 - exact for readers
        text: Text,
        start: int,
        end: int,
        style: str | None = None,
    ) -> None:
        self.value = value
        self.text = text
        self.start = start
        self.end = end
        self.style = style
        self.keys: dict[str, tuple[int, int]] = {}
        self._offsets: list[int] | None = None
        self.size = 1
        """Number of nodes from here down, with each alias counted where it is used."""

    def plain(self) -> Json:
        """Return the value as plain Python values, all the way down."""
        value = self.value
        if isinstance(value, dict):
            return {key: item.plain() for key, item in value.items()}
        if isinstance(value, list):
            return [item.plain() for item in value]
        return value

    def sources(self) -> Iterator[str]:
        """Yield every key, text and number from here down as the file spells it."""
        for item in (*self.entries.values(), *self.items):
            yield from item.sources()
        spans = [*self.keys.values()]
        if not isinstance(self.value, dict | list | bool | None):
            spans.append((self.start, self.end))
        for start, end in spans:
            yield self.text.content[start:end].strip("'\"|>-+ \n")

    @property
    def is_block(self) -> bool:
        """Return whether a text is a block, `|` or `>`, whose last line may end in a line break as well."""
        return self.style in ("|", ">")

    @property
    def entries(self) -> dict[str, Node]:
        """A map's entries; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """A list's items; empty for anything else."""
        return self.value if isinstance(self.value, list) else []

    def get(self, *path: Step) -> Node | None:
        """Return the node at a path; None if there is none."""
        node: Node | None = self
        for step in path:
            if isinstance(step, int):
                node = node.items[step] if node and step < len(node.items) else None
            else:
                node = node.entries.get(step) if node else None
        return node

    def nearest(self, path: Sequence[Step]) -> Node:
        """Return the deepest node that exists on a path."""
        node = self
        for step in path:
            below = node.get(step)
            if below is None:
                return node
            node = below
        return node

    def position(self) -> Position:
        """Return the position of the value. That of a map, a list or an empty value is its first character."""
        if isinstance(self.value, dict | list) or self.is_block:
            return self.text.position(self.start)
        return self.text.position(self.start, self.end)

    def key_position(self, key: str) -> Position:
        """Return the position of a map's key; of the map itself if it has no such key."""
        span = self.keys.get(key)
        return self.entries[key].text.position(*span) if span else self.position()

    def span(self, start: int, end: int) -> Position:
        """Return the position of `[start, end)` of this scalar's value, whatever its quoting, folding and escapes."""
        if self._offsets is None:
            self._offsets = offsets(self.text.content, self.start, self.end, self.style, str(self.value))
        found = self._offsets
        if start >= len(found):
            return self.position()
        last = found[min(end, len(found)) - 1] if end > start else found[start]
        return self.text.position(found[start], last + 1)

    def over(self, base: Node) -> Node:
        """Return a map at this position that also has the entries of `base` whose keys it lacks."""
        node = Node({**base.entries, **self.entries}, self.text, self.start, self.end)
        node.keys = {**base.keys, **self.keys}
        return node

    def without(self, *names: str) -> Node:
        """Return a map at this position without some entries."""
        entries = {key: item for key, item in self.entries.items() if key not in names}
        node = Node(entries, self.text, self.start, self.end)
        node.keys = {key: self.keys[key] for key in entries}
        return node

    def within(self, text: Text) -> Node:
        """Return the value, all the way down, as one of another text with the same characters."""
        value = self.value
        if isinstance(value, dict):
            value = {key: item.within(text) for key, item in value.items()}
        elif isinstance(value, list):
            value = [item.within(text) for item in value]
        node = Node(value, text, self.start, self.end, self.style)
        node.keys = self.keys
        return node

    def replaced(self, key: str, value: Node, span: tuple[int, int]) -> Node:
        """Return a map at this place with another entry for a key, which stands at `span` in the text of `value`."""
        node = Node({**self.entries, key: value}, self.text, self.start, self.end)
        node.keys = {**self.keys, key: span}
        return node


def type_name(value: Json) -> str:
    """Return the type of a plain value, as JSON Schema names it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def describe(value: object) -> str:
    """Return the name of a plain value's type, in the words of a YAML author."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a map"
        case _:
            return type(value).__name__
