"""A `Spec` and variables → an `Event`, checked against the platform's rules and the spec's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from runner.errors import InvalidInput, Problem, dotted
from runner.eventspec.constants import placed
from runner.suprsend.event import Attachment, Event, Stamp
from runner.template.budget import Budget, derived_id
from runner.template.plan import RenderingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from runner.codes import Code
    from runner.eventspec.spec import Spec
    from runner.source import Json


class Occurrence(NamedTuple):
    """One occurrence of an event: row `row` of the run with this `seed`, at the time `now`.

    Ids depend on the run and the row alone, so that a retry, a resumed run and a replayed case have the same bytes.
    """

    seed: UUID
    row: int
    now: datetime

    @property
    def stamp(self) -> Stamp:
        """The event's id and time."""
        return Stamp(derived_id(self.seed, f"insert\n{self.row}"), int(self.now.timestamp() * 1000))

    @property
    def key(self) -> str:
        """The key for `idempotency_key: auto`."""
        return derived_id(self.seed, f"key\n{self.row}")

    def budget(self) -> Budget:
        """Return a new budget for rendering."""
        return Budget(self.now, self.seed, self.row)


def render(spec: Spec, values: Mapping[str, object], occurrence: Occurrence) -> Event:
    """Render an event. Raises InvalidInput with all its problems, each with its position in the spec."""
    try:
        fields = spec.plan.evaluate(values, occurrence.budget())
    except RenderingError as error:
        raise InvalidInput(*error.problems) from None
    event = _event(spec, fields, occurrence)
    if problems := _problems(spec, event):
        raise InvalidInput(*problems)
    return event


def _problems(spec: Spec, event: Event) -> list[Problem]:
    schema = spec.schema
    is_sound = event.is_sound() and _has_all(event, spec.optional_fields)
    if is_sound and (schema is None or schema.accepts(event.properties)):  # type: ignore[arg-type]
        return []
    found = [placed(breach, spec.root) for breach in event.breaches()]
    found += _blank_fields(spec, event)
    return found or list(_schema_problems(spec, event))


def _event(spec: Spec, fields: Any, occurrence: Occurrence) -> Event:
    """Return an event of the rendered values, which are not checked yet."""
    # A single expression may result in a number, but the fields of the wire are text.
    get = fields.get
    event = Event(
        _as_text(fields["distinct_id"]),
        fields["event"],
        fields["properties"],
        occurrence.key if spec.auto_key else _as_text(get("idempotency_key")),
        _as_text(get("tenant_id")),
        _as_text(get("brand_id")),
    )
    if entries := fields["attachments"]:
        event.attachments = tuple(
            Attachment(entry["url"], entry.get("filename"), entry.get("ignore_if_error", False)) for entry in entries
        )
    return event


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


def _has_all(event: Event, fields: Sequence[str]) -> bool:
    for field in fields:  # noqa: SIM110 - all() takes twice as long
        if not getattr(event, field):
            return False
    return True


def _blank_fields(spec: Spec, event: Event) -> Iterator[Problem]:
    """Report an empty key or tenant, which the wire would omit silently though the spec sets it."""
    for field in spec.optional_fields:
        if field == "idempotency_key":
            if event.idempotency_key is None:
                yield _blank(spec, "idempotency-key", field, "the idempotency key is null")
        elif not getattr(event, field):
            yield _blank(spec, "tenant-id", field, f"{field} is blank")


def _blank(spec: Spec, code: Code, field: str, message: str) -> Problem:
    position = spec.root.nearest((field,)).position()
    return Problem(code, message, position, at=field, hint=f"set the variable, or omit {field}")


def _schema_problems(spec: Spec, event: Event) -> Iterator[Problem]:
    if spec.schema is None:
        return
    properties = spec.root.get("properties")
    for fault in spec.schema.faults(cast("Json", event.properties)):
        if properties is None:
            position = spec.root.key_position("schema")
        else:
            is_inside = fault.path or fault.key in properties.keys
            position = fault.position(properties) if is_inside else spec.root.key_position("properties")
        at = dotted(("properties", *fault.path, *([fault.key] if fault.key is not None else [])))
        rule = spec.schema_root.nearest(fault.rule).position() if spec.schema_root else position
        context = f"the rule is in {rule.path}:{rule.line}" if rule.path != position.path else None
        hint = fault.hint_at(position)
        if fault.keyword == "type" and hint and "{{" in position.text[position.column - 1 : position.end_column - 1]:
            # A hint for YAML does not help with a rendered value.
            hint = "convert it to text: {{ … | string }}" if fault.is_bare_number else None
        yield Problem(fault.code or "schema-violation", fault.message, position, at=at, hint=hint, context=context)
