"""A `Spec` and variables → an `Event`, checked against the platform's rules and the spec's schema."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from runner.errors import InvalidInput, Problem, dotted
from runner.eventspec.constants import placed
from runner.eventspec.places import path_in_spec
from runner.source.node import describe
from runner.suprsend.event import Attachment, Event, Stamp
from runner.template.budget import Budget
from runner.template.ids import derived_id
from runner.template.names import shown_name
from runner.template.plan import RenderingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from runner.codes import Code
    from runner.errors import Position, Step
    from runner.eventspec.spec import Spec
    from runner.source import Json, Node
    from runner.source.fault import Fault
    from runner.suprsend.rules import Breach


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
        fields: Any = spec.plan.evaluate(values, occurrence.budget())
    except RenderingError as error:
        raise InvalidInput(*error.problems) from None
    event = _event(spec, fields, occurrence)
    if entries := fields["attachments"]:
        event.attachments = attachments(spec, entries)
    if problems := _problems(spec, event, fields):
        raise InvalidInput(*problems)
    return event


def _problems(spec: Spec, event: Event, fields: Mapping[str, object]) -> list[Problem]:
    schema, needed = spec.schema, spec.optional_fields
    if spec.may_omit_tenant:
        needed = tuple(field for field in needed if field in fields or field not in _TENANTS)
    is_sound = event.is_sound() and _has_all(event, needed)
    if is_sound and (schema is None or schema.accepts(event.properties)):  # type: ignore[arg-type]
        return []
    found = [placed(breach, spec.root) for breach in _breaches(event, fields["attachments"])]
    found += _blank_fields(spec, event, needed)
    return found or list(_schema_problems(spec, event))


def _breaches(event: Event, entries: object) -> Iterator[Breach]:
    """Find the rules that an event breaks, with the places of attachments in the spec: `omit` leaves out some."""
    sent_indexes = (
        [index for index, entry in enumerate(entries) if entry != {} and _has_url(entry)]
        if isinstance(entries, list)
        else []
    )
    for breach in event.breaches():
        match breach.path:
            case ("attachments", int(index), *rest):
                yield breach._replace(path=("attachments", sent_indexes[index], *rest))
            case _:
                yield breach


def _has_url(entry: object) -> bool:
    return not isinstance(entry, dict) or "url" in entry


def attachments(spec: Spec, entries: object) -> tuple[Attachment, ...]:
    """Return the attachments of a rendered list of URLs or maps. A map without a URL is left out.

    Raises InvalidInput if they are anything else.
    """
    if not isinstance(entries, list):
        raise InvalidInput(_misshapen(spec, ("attachments",), f"attachments must be a list, not {describe(entries)}"))
    made = []
    for index, entry in enumerate(entries):
        path = ("attachments", index)
        match entry:
            case str():
                made.append(Attachment(entry))
            case dict() if entry.keys() <= _KEYS_OF_ATTACHMENTS:
                if "url" in entry:
                    made.append(Attachment(entry["url"], entry.get("filename"), entry.get("ignore_if_error", False)))
            case dict():
                key = next(key for key in entry if key not in _KEYS_OF_ATTACHMENTS)
                raise InvalidInput(_misshapen(spec, path, f"an attachment has no key '{shown_name(key)}'"))
            case _:
                raise InvalidInput(
                    _misshapen(spec, path, f"an attachment must be a URL or a map, not {describe(entry)}")
                )
    return tuple(made)


_KEYS_OF_ATTACHMENTS = frozenset({"url", "filename", "ignore_if_error"})
_TENANTS = ("tenant_id", "brand_id")


def _misshapen(spec: Spec, path: tuple[Step, ...], message: str) -> Problem:
    hint = "its keys are url, filename and ignore_if_error"
    return Problem("wrong-type", message, spec.root.nearest(path).position(), at=dotted(path), hint=hint)


def _event(spec: Spec, fields: Any, occurrence: Occurrence) -> Event:
    """Return an event of the rendered values, which are not checked yet."""
    # A single expression may result in a number, but the fields of the wire are text.
    get = fields.get
    return Event(
        _as_text(fields["distinct_id"]),
        fields["event"],
        fields["properties"],
        occurrence.key if spec.auto_key else _as_text(get("idempotency_key")),
        _as_text(get("tenant_id")),
        _as_text(get("brand_id")),
    )


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


def _has_all(event: Event, fields: Sequence[str]) -> bool:
    for field in fields:  # noqa: SIM110 - all() takes twice as long
        if not getattr(event, field):
            return False
    return True


def _blank_fields(spec: Spec, event: Event, needed: Sequence[str]) -> Iterator[Problem]:
    """Report an empty key or tenant, which the wire would omit silently though the spec sets it."""
    for field in needed:
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
        path = _path(fault, properties) if properties is not None else ()
        position = _position(fault, path, spec.root)
        at = dotted(("properties", *fault.path, *([fault.key] if fault.key is not None else [])))
        rule = spec.schema_root.nearest(fault.rule).position() if spec.schema_root else position
        context = f"at {at}" if "$do" in path else None
        context = f"the rule is in {rule.path}:{rule.line}" if rule.path != position.path else context
        hint = fault.hint_at(position)
        if fault.keyword == "type" and hint and "{{" in position.text[position.column - 1 : position.end_column - 1]:
            # A hint for YAML does not help with a rendered value.
            hint = "convert it to text: {{ … | string }}" if fault.is_bare_number else None
        yield Problem(fault.code or "schema-violation", fault.message, position, at=at, hint=hint, context=context)


def _path(fault: Fault, properties: Node) -> tuple[Step, ...]:
    """Return the path in the spec, below its properties, of what breaks the schema."""
    return path_in_spec(properties, (*fault.path, fault.key) if fault.key is not None else fault.path)


def _position(fault: Fault, path: tuple[Step, ...], root: Node) -> Position:
    properties = root.get("properties")
    if properties is None:
        return root.key_position("schema")
    if not path:
        return properties.position() if fault.path else root.key_position("properties")
    if fault.key is not None and path[-1] == fault.key:
        path = path[:-1]
    return replace(fault, path=path).position(properties)
