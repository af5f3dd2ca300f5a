"""A JSON Schema that can't be used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.source.fault import TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.codes import Code
    from runner.errors import Step
    from runner.source.node import Json, Node


class SchemaError(Exception):
    """The value is not a JSON Schema, or it can't be used. `path` is the path of the part that is wrong."""

    def __init__(
        self, message: str, path: tuple[Step, ...], hint: str | None = None, *, code: Code = "bad-schema"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.hint = hint
        self.code = code

    @property
    def is_too_large(self) -> bool:
        """Whether the schema may be valid, but is too large to be used."""
        return self.code == TOO_LARGE

    def problem(self, source: Node, at: str | None = None) -> Problem:
        """Return the problem of a schema that was read from `source`.

        If the file may be something other than a schema, the message quotes no value: it may be a secret.
        """
        place = source.nearest(self.path).position()
        if self.is_too_large:
            return Problem(self.code, self.message, place, at=at, hint=self.hint)
        is_quoted = source.text.shows_lines or not isinstance(source.value, dict)
        message = "this is not a JSON Schema" + (f": {self.message}" if is_quoted else "")
        return Problem(self.code, message, place, at=at, hint=self.hint if is_quoted else None)


def broken_reference(schema: Json, message: str) -> SchemaError:
    """Return the error of a reference to nothing, or to something outside the schema.

    `message` is the validator's, which quotes the target of the reference.
    """
    found = re.search(r"'([^']+)'", message)
    target = found[1] if found else ""
    references = sorted(_references(schema), key=lambda found: found[1].removeprefix("#") != target)
    path, reference = next(((path, text) for path, text in references if _may_mean(text, target)), ((), target))
    if "does not exist" in message:
        return SchemaError(f"'{reference}' does not exist in the schema", path)
    hint = "move what it refers to under $defs: external references are never followed"
    return SchemaError(f"'{reference}' is outside the schema", path, hint)


def _may_mean(reference: str, target: str) -> bool:
    """Return whether a reference may be the one whose target the validator resolved to `target`."""
    return reference in (target, f"#{target}") or target.endswith(reference) or reference.endswith(target)


def _references(schema: Json, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], str]]:
    entries: Iterable[tuple[Step, Json]] = ()
    if isinstance(schema, dict):
        entries = schema.items()
    elif isinstance(schema, list):
        entries = enumerate(schema)
    for step, item in entries:
        if step in ("$ref", "$dynamicRef", "$schema") and isinstance(item, str):
            yield (*path, step), item
        else:
            yield from _references(item, (*path, step))
