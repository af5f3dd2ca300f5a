"""A value from outside a spec."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.errors import Position
    from runner.source import Json, Node


@dataclass(frozen=True, slots=True)
class Given:
    """A value from outside the spec. If `is_text`, it is text that must still be converted to the declared type.

    If `is_hidden`, it is never printed even if the variable is not a secret: it comes from the environment.
    """

    value: Json
    origin: str
    is_text: bool = False
    position: Position | None = None
    is_hidden: bool = False
    sources: tuple[str, ...] = ()
    """Its keys, texts and numbers as the file spells them: a report that shows the line would show them this way."""

    @classmethod
    def written(cls, node: Node, origin: str) -> Given:
        """Return a value that was read from a file."""
        return cls(node.plain(), origin, position=node.position(), sources=tuple(node.sources()))

    @classmethod
    def unshown(cls, node: Node, origin: str) -> Given:
        """Return a value from a file that may hold secrets: reports show its position, but not its line."""
        given = cls.written(node, origin)
        return replace(given, position=replace(node.position(), text=""))
