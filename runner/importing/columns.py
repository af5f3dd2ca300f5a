"""The values that one place of an event had in several events, and the variables that they become."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.importing.inference import exact, inferred
from runner.importing.sample import ABSENT, Hole, as_json
from runner.template.template import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.importing.sample import Absent, Value
    from runner.source import Json

_NOT_IN_NAMES = re.compile("[^A-Za-z0-9]+")
_HUMP = re.compile("(?<=[a-z0-9])(?=[A-Z])")
_JINJA = {"and", "or", "not", "in", "is", "if", "else", "for", "recursive", "set", "with", "true", "false", "none"}
_MAX_NAME = 60
_LEAST_SHARED = 3
"""Shorter texts may be equal by chance."""
MANY = 5
"""What holds in this number of events is taken for granted: no comment asks about it."""


@dataclass(slots=True)
class VariableDraft:
    """A variable: its declaration, its value in each event, and what is asked about it."""

    name: str
    declaration: dict[str, Json]
    values: tuple[Json | Absent, ...]
    is_secret: bool = False
    is_optional: bool = False
    questions: list[str] = field(default_factory=list)
    expressions: frozenset[str] = frozenset()

    def as_json(self, *, default: Json | Absent = ABSENT) -> dict[str, Json]:
        """Return the declaration as it is written. An optional variable is null where the event has no such value."""
        declared = dict(self.declaration)
        if self.is_optional:
            kinds = declared.get("type")
            if "enum" in declared and isinstance(listed := declared["enum"], list):
                declared["enum"] = [*listed, None]
            if isinstance(kinds, str) and kinds != "null":
                declared["type"] = [kinds, "null"]
            elif isinstance(kinds, list) and "null" not in kinds:
                declared["type"] = [*kinds, "null"]
            return declared | {"default": None}
        return declared if default is ABSENT else declared | {"default": default}


class Variables:
    """The variables of one spec, by their names."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.drafts: dict[str, VariableDraft] = {}

    def add(self, names: Sequence[str], column: Sequence[Value | Absent]) -> VariableDraft:
        """Return the variable for a column of values: a new one, or one that had these very values in all events.

        `names` propose its name: the first that is free.
        """
        holes = [value for value in column if isinstance(value, Hole)]
        plain = tuple(ABSENT if value is ABSENT else _plain(value) for value in column)
        is_secret = any(hole.is_secret for hole in holes)
        expressions = frozenset(hole.expression for hole in holes)
        if (shared := self._shared(plain, names, expressions, is_secret=is_secret)) is not None:
            return shared
        seen = [value for value in plain if value is not ABSENT]
        declaration, question = inferred(names[0], seen)
        if any(hole.is_declared for hole in holes) or (not seen and holes):
            declaration, question = _declared(holes), None
        draft = VariableDraft(self._free(names), declaration, plain, is_secret, expressions=expressions)
        draft.questions += dict.fromkeys(hole.question for hole in holes if hole.question)
        if question:
            draft.questions.append(question)
        self.drafts[draft.name] = draft
        return draft

    def _shared(
        self, plain: tuple[Json | Absent, ...], names: Sequence[str], expressions: frozenset[str], *, is_secret: bool
    ) -> VariableDraft | None:
        if any(value is ABSENT for value in plain):
            return self._same_name(plain, names, expressions)
        texts = {value for value in plain if isinstance(value, str) and len(value) >= _LEAST_SHARED}
        if len(plain) > 1 and (len(texts) < 2 or not all(isinstance(value, str) for value in plain)):  # noqa: PLR2004
            return None
        for draft in self.drafts.values():
            if draft.values == plain and draft.is_secret is is_secret and (len(plain) > 1 or names[0] in _USER_NAMES):
                if 1 < len(plain) < MANY:
                    draft.questions.append(
                        f"{names[0]} had the same value in each of {len(plain)} events: is it always the same?"
                    )
                return draft
        return None

    def _same_name(
        self, plain: tuple[Json | Absent, ...], names: Sequence[str], expressions: frozenset[str]
    ) -> VariableDraft | None:
        """Return the variable of the same name, if neither has a value: one expression of code means one value."""
        if any(value is not ABSENT for value in plain):
            return None
        known = (self.drafts.get(name) for name in dict.fromkeys(map(variable_name, names)))
        return next(
            (
                draft
                for draft in known
                if draft and draft.expressions == expressions and all(value is ABSENT for value in draft.values)
            ),
            None,
        )

    def _free(self, names: Sequence[str]) -> str:
        for name in map(variable_name, names):
            if name not in self.drafts:
                return name
        last = variable_name(names[-1])
        return next(
            name for number in range(2, len(self.drafts) + 3) if (name := f"{last}_{number}") not in self.drafts
        )

    def texts_of(self, index: int) -> Iterator[tuple[str, str]]:
        """Yield the variables whose value in an event may be a part of another text, with that text."""
        for name, draft in self.drafts.items():
            value = draft.values[index]
            if draft.is_secret or draft.is_optional or isinstance(value, bool):
                continue
            if isinstance(value, str | int) and (text := str(value)).strip() == text and text:
                yield name, text


_USER_NAMES = ("user", "user_id", "userId", "distinct_id", "distinctId", "customer_id", "customerId")


def _plain(value: Value) -> Json | Absent:
    if isinstance(value, Hole):
        return value.value
    return as_json(value)


def _declared(holes: Sequence[Hole]) -> dict[str, Json]:
    declarations = {exact(dict(hole.declaration)): dict(hole.declaration) for hole in holes}
    return next(iter(declarations.values())) if len(declarations) == 1 else {}


def variable_name(text: str) -> str:
    """Return the nearest valid name of a variable.

    >>> variable_name("data.orderId"), variable_name("2nd-try"), variable_name("not")
    ('data_order_id', 'v_2nd_try', 'not_value')
    """
    name = _NOT_IN_NAMES.sub("_", _HUMP.sub("_", text[:200])).strip("_").lower()[:_MAX_NAME].strip("_")
    if not name:
        return "value"
    if not name[0].isalpha():
        name = f"v_{name}"
    return f"{name}_value" if name in RESERVED or name in _JINJA else name
