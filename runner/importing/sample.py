"""Events as a source shows them: their values, and holes where the source shows none."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias, Union, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Json


class Absent(Enum):
    """The one value that stands for no value, since null is one."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


Constants: TypeAlias = Literal["equal", "written", "none"]


@dataclass(frozen=True, slots=True)
class Hole:
    """A value that a source names: an expression of code, a column, a variable of a collection, or a secret.

    `name` proposes the name of a variable, `declaration` has what is known of its values. `value` is what was seen there.
    `is_declared`: the source itself declares the values, so that nothing is inferred from one. `expression` is what stands
    there in code: two holes of one name are the same value only if their expressions are the same.
    """

    name: str
    declaration: Mapping[str, Json] = field(default_factory=dict)
    value: Json | Absent = ABSENT
    question: str | None = None
    is_secret: bool = False
    is_declared: bool = False
    expression: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text with holes in it."""

    parts: tuple[str | Hole, ...]


Value: TypeAlias = Union[bool, int, float, str, Hole, Pieces, "list[Value]", "dict[str, Value]", None]


def plain(value: Json) -> Value:
    """Return a JSON value as one that may have holes."""
    return cast("Value", value)


def as_json(value: Value) -> Json:
    """Return a value that has no holes as JSON."""
    return cast("Json", value)


@dataclass(frozen=True, slots=True)
class Sample:
    """One event of a source.

    `origin` is its place in words, `event` its name. Of the optional fields, ABSENT means that the source does not say,
    None that the event has none. `optional` are properties that may be left out; `questions` are what the source leaves
    open, by the keys of a spec. `named_by` is the property that the event is named by, if one is. `constants` says which values never vary: those that are equal in all
    events, those that code writes out, or none, as each column of a table may vary.
    """

    origin: str
    event: str
    distinct_id: Value
    properties: Mapping[str, Value]
    idempotency_key: Value | Absent = ABSENT
    tenant_id: Value = None
    brand_id: Value = None
    attachments: tuple[Mapping[str, Value], ...] = ()
    description: str | None = None
    schema: Mapping[str, Json] | None = None
    optional: frozenset[str] = frozenset()
    questions: tuple[tuple[str, str], ...] = ()
    named_by: str | None = None
    constants: Constants = "equal"


@dataclass(frozen=True, slots=True)
class Found:
    """The events of a source, and what in it is no event, in words."""

    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()
