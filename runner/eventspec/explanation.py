"""One rendered event → for each of its fields the template, the values that it read and where each of them came from."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import dotted
from runner.source import describe
from runner.template.omit import OMIT
from runner.template.shape import ForEach, Merge, templates_of
from runner.template.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.errors import Step
    from runner.eventspec.event import Occurrence
    from runner.eventspec.spec import Spec
    from runner.template.shape import Shape

LEFT_OUT = "left out"
"""The type of a field that `omit` left out."""


class Read(NamedTuple):
    """A value that a template read. `origin` is where it came from: a flag, a case, `let`, the default and so on."""

    name: str
    value: object
    origin: str


class Explained(NamedTuple):
    """A field of an event. `template` is its text in the spec, None for a constant, and `line` the line that it is on."""

    at: str
    value: object
    type: str
    template: str | None
    line: int | None
    reads: tuple[Read, ...]


def explain(
    spec: Spec, values: Mapping[str, object], origins: Mapping[str, str], occurrence: Occurrence
) -> list[Explained]:
    """Explain the lets and the fields of an event, in the order of the spec. Raise RenderingError as `render` does.

    `origins` says for each variable where its value came from.
    """
    fields, made = spec.plan.trace(values, occurrence.budget())
    lets = {name: _plain(made[name]) for name in spec.lets}
    explainer = _Explainer({**values, **lets}, {**origins, **dict.fromkeys(lets, "let")})
    return [
        *explainer.entries(dict(spec.lets), lets, ("let",)),
        *explainer.entries(spec.shape, fields, ()),
    ]


class _Explainer:
    def __init__(self, values: Mapping[str, object], origins: Mapping[str, str]) -> None:
        self._values = values
        self._origins = origins

    def entries(self, shapes: Mapping[str, Shape], values: object, path: tuple[Step, ...]) -> Iterator[Explained]:
        """Explain the entries of a map."""
        for key, shape in shapes.items():
            value = values.get(key, OMIT) if isinstance(values, dict) else OMIT
            yield from self._shape(shape, value, (*path, key))

    def _shape(self, shape: Shape, value: object, path: tuple[Step, ...]) -> Iterator[Explained]:
        match shape:
            case Template() if shape.constant is None:
                yield self._field(path, value, shape.text, [shape])
            case Template():
                yield self._field(path, value, None, [shape])
            case ForEach(loop=loop, condition=condition):
                text = f"$for: {loop.text}" + (f", $if: {condition.text}" if condition is not None else "")
                yield self._field(path, value, text, [*templates_of(shape)])
            case Merge(parts=parts):
                text = parts[0].text if len(parts) == 1 and isinstance(parts[0], Template) else "$merge"
                yield self._field(path, value, text, [*templates_of(shape)])
            case dict() if value is not OMIT:
                yield from self.entries(shape, value, path)
            case list() if isinstance(value, list) and len(value) == len(shape):
                for index, (item, found) in enumerate(zip(shape, value, strict=True)):
                    yield from self._shape(item, found, (*path, index))
            case list() if shape:
                yield self._field(path, value, "a list with omitted items", [*templates_of(shape)])
            case list() | dict():
                pass
            case _:
                yield self._field(path, value, None, [])

    def _field(
        self, path: tuple[Step, ...], value: object, text: str | None, templates: Sequence[Template]
    ) -> Explained:
        names = dict.fromkeys(use.name for template in templates for use in template.uses)
        reads = tuple(
            Read(name, _plain(self._values[name]), self._origins.get(name, ""))
            for name in names
            if name in self._values
        )
        line = templates[0].place(0, 1).line if templates else None
        plain = _plain(value)
        return Explained(dotted(path), plain, LEFT_OUT if value is OMIT else describe(plain), text, line, reads)


def _plain(value: object) -> object:
    """Return a value as JSON has it: a date as text, and what is left out as null."""
    match value:
        case date():
            return value.isoformat()
        case timedelta():
            return str(value)
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
        case _:
            return None
