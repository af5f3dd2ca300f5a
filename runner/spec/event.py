"""A `Spec` and variables → an `Event`, held against the platform's rules and the spec's own schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from runner.errors import InvalidInput, Problem, dotted
from runner.spec.budget import Budget, derived_id
from runner.spec.plan import RenderingError
from runner.spec.reader import placed
from runner.suprsend.event import Event, Stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from runner.source import Json
    from runner.spec.reader import Spec


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One sending of one event: row `row` of the run with this `seed`, at the instant `now`.

    Ids come from the run and the row alone, so that a retry, a resumed run and a replayed case give the same bytes.
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
        """The key of a spec that says `idempotency_key: auto`."""
        return derived_id(self.seed, f"key\n{self.row}")

    def budget(self) -> Budget:
        """Start a rendering."""
        return Budget(self.now, self.seed, self.row)


def render(spec: Spec, values: Mapping[str, object], occurrence: Occurrence) -> Event:
    """Render an event. Raises InvalidInput with every problem of it, each at its place in the spec."""
    try:
        fields = spec.plan.evaluate(values, occurrence.budget())
    except RenderingError as error:
        raise InvalidInput(*error.problems) from None
    event = _event(spec, cast("dict[str, Json]", fields), occurrence)
    found = [placed(breach, spec.root) for breach in event.breaches()]
    found += _blank_fields(spec, event)
    if not found:
        found += _schema_problems(spec, event)
    if found:
        raise InvalidInput(*found)
    return event


def _event(spec: Spec, fields: dict[str, Json], occurrence: Occurrence) -> Event:
    # What a lone expression gives may be a number; the wire's own fields are text.
    event = Event(
        distinct_id=cast("str", _as_text(fields["distinct_id"])),
        event_name=cast("str", fields["event"]),
        properties=cast("dict[str, object]", fields["properties"]),
        idempotency_key=occurrence.key
        if spec.auto_key
        else cast("str | None", _as_text(fields.get("idempotency_key"))),
        tenant_id=cast("str | None", _as_text(fields.get("tenant_id"))),
        brand_id=cast("str | None", _as_text(fields.get("brand_id"))),
    )
    for entry in cast("list[dict[str, Json]]", fields["attachments"]):
        url, filename, ignore = entry["url"], entry.get("filename"), entry.get("ignore_if_error", False)
        event.add_attachment(cast("str", url), cast("str | None", filename), cast("bool", ignore))
    return event


def _as_text(value: Json) -> Json:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _blank_fields(spec: Spec, event: Event) -> Iterator[Problem]:
    """Refuse what the wire would silently leave out: a spec that names a key or a tenant means to have one."""
    if spec.has_key and event.idempotency_key is None:
        yield _blank(spec, "idempotency-key", "idempotency_key", "the idempotency key is null")
    for field, value in (("tenant_id", event.tenant_id), ("brand_id", event.brand_id)):
        if spec.root.get(field) is not None and not value:
            yield _blank(spec, "tenant-id", field, f"{field} is blank")


def _blank(spec: Spec, code: str, field: str, message: str) -> Problem:
    position = spec.root.nearest((field,)).position()
    return Problem(code, message, position, at=field, hint=f"give the variable a value, or leave {field} out")


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
        context = f"the rule stands in {rule.path}:{rule.line}" if rule.path != position.path else None
        hint = fault.hint
        if fault.keyword == "type" and hint and "{{" in position.text[position.column - 1 : position.end_column - 1]:
            # What to write in YAML is no help for what a template gives.
            hint = "make text of it: {{ … | string }}" if hint.startswith("quote it") else None
        yield Problem("schema-violation", fault.message, position, at=at, hint=hint, context=context)
