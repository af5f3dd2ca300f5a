"""The rules of a JSON Schema that a value breaks, and the problems that report them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.errors import Problem, dotted
from runner.source.json_reader import NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.codes import Code
    from runner.errors import Position, Step
    from runner.source.node import Node


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that a value breaks.

    `path` is the path of the value, `key` the key in it that is wrong, if there is one, and `rule` the path of the rule in
    the schema. `code` is set if the fault is not a broken rule, and is then the code of the problem.
    """

    keyword: str
    path: tuple[Step, ...]
    message: str
    hint: str | None = None
    key: str | None = None
    rule: tuple[Step, ...] = field(default=(), compare=False)
    code: Code | None = None
    is_bare_number: bool = field(default=False, compare=False)
    """Whether the schema wants text and the value is a number, so that quotes would correct it."""

    def at(self) -> str:
        """Return the path of the fault as text: `tests[0].vars.user`."""
        return dotted((*self.path, self.key) if self.key is not None else self.path)

    def hint_at(self, place: Position | None) -> str | None:
        """Return the hint for the value at `place`: it quotes a number as the file spells it, such as `1.10` or `1E2`."""
        if not self.is_bare_number or self.hint is None:
            return self.hint
        written = place.text[place.column - 1 : place.end_column - 1] if place is not None else ""
        return f'quote it: "{written}"' if NUMBER.fullmatch(written) else "put it in quotes"

    def position(self, root: Node) -> Position:
        """Return the position of the fault in the file that `root` was read from."""
        node = root.nearest(self.path)
        if self.key is not None and self.key in node.keys:
            return node.key_position(self.key)
        if self.keyword == "required" and self.path:
            above = root.get(*self.path[:-1])
            if above is not None and isinstance(self.path[-1], str):
                return above.key_position(self.path[-1])
        return node.position()


TOO_LARGE: Code = "schema-too-large"
_CODES: dict[str, Code] = {"additionalProperties": "unknown-key", "required": "missing-key", "type": "wrong-type"}


def problems(faults: Iterable[Fault], root: Node) -> Iterator[Problem]:
    """Yield the problem of each fault in a document, with its position."""
    for fault in faults:
        code, place = fault.code or _CODES.get(fault.keyword, "bad-value"), fault.position(root)
        yield Problem(code, fault.message, place, at=fault.at() or None, hint=fault.hint_at(place))
