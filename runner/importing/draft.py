"""Events of one name → the draft of their spec."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.importing.addresses import has_address
from runner.importing.columns import MANY, VariableDraft, Variables, variable_name
from runner.importing.derivation import as_template, derived, is_special_key, looks_like_template
from runner.importing.places import Constant, Entries, Items, Placer, Slot, filled, whole
from runner.importing.sample import ABSENT, Hole, Pieces, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.errors import Step
    from runner.importing.places import Place
    from runner.importing.sample import Absent, Value
    from runner.source import Json

_OPTIONAL_FIELDS = ("tenant_id", "brand_id")
_UUID = "uuid"
_IDS = ("event_id", "eventId", "messageId", "message_id", "id", "uuid")
"""Names of ids of the event itself, in payloads of other programs."""


@dataclass(slots=True)
class Draft:
    """A spec as it will be written, without its cases, and the events that it was made of."""

    samples: tuple[Sample, ...]
    document: dict[str, Json]
    variables: dict[str, VariableDraft]
    asked: list[tuple[tuple[Step, ...], str]]

    def values(self, index: int) -> dict[str, Json] | None:
        """Return the variables of an event; None if the source does not show all of them."""
        values: dict[str, Json] = {}
        for name, draft in self.variables.items():
            value = draft.values[index]
            if value is ABSENT and not draft.is_optional:
                return None
            values[name] = None if value is ABSENT else value
        return values


def drafted(samples: Sequence[Sample]) -> Draft:
    """Return the draft for events of one name."""
    return _Drafter(samples).draft()


class _Drafter:
    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples
        self.is_single = len(samples) == 1
        self.is_code = all(sample.constants == "written" for sample in samples)
        is_table = any(sample.constants == "none" for sample in samples)
        self.placer = Placer(self.is_single, self.is_code, is_table=is_table)
        self.variables = Variables(len(samples))
        self.asked = self.placer.asked
        self.user: VariableDraft | None = None

    def draft(self) -> Draft:
        first = self.samples[0]
        places: dict[str, Place] = {"distinct_id": self._user()}
        for name in _OPTIONAL_FIELDS:
            column = [getattr(sample, name) for sample in self.samples]
            if any(value is not None for value in column):
                places[name] = self._optional_field(name, column)
        key = self._key()
        if key is not None:
            places["idempotency_key"] = key
        places["properties"] = self._properties()
        if any(sample.attachments for sample in self.samples):
            places["attachments"] = self._attachments()
        slots = [slot for place in places.values() for slot in _slots(place)]
        self._resolve(slots)
        document: dict[str, Json] = {"version": 1}
        if first.description:
            document["description"] = first.description
        order = {name: index for index, name in enumerate(dict.fromkeys(self._in_order(slots)))}
        variables = dict(sorted(self.variables.drafts.items(), key=lambda item: order.get(item[0], len(order))))
        if variables:
            document["vars"] = {name: self._declared(draft) for name, draft in variables.items()}
        document["event"] = _text_of(first.event)
        document |= {name: self._written(place, is_text=name != "properties") for name, place in places.items()}
        if self._keyless():
            document["idempotency_key"] = None
        if first.schema is not None:
            document["schema"] = dict(first.schema)
        if (
            self.is_single
            and not self.is_code
            and any("default" in self._declared(draft) for draft in variables.values())
        ):
            self.asked.append(
                (
                    ("vars",),
                    "One event was seen. Which of these never vary? Write their values into properties, without a variable.",
                )
            )
        for draft in variables.values():
            self.asked += ((("vars", draft.name), question) for question in draft.questions)
        self.asked += (((key,), question) for sample in self.samples for key, question in sample.questions)
        return Draft(tuple(self.samples), document, variables, self.asked)

    def _user(self) -> Place:
        column = tuple(sample.distinct_id for sample in self.samples)
        return Slot(("distinct_id",), ("user",), column)

    def _optional_field(self, name: str, column: Sequence[Value]) -> Place:
        names = {"tenant_id": ("tenant",), "brand_id": ("brand",)}[name]
        present = [value for value in column if value is not None]
        texts = [value for value in column if isinstance(value, str)]
        if len(texts) == len(column) and len(set(texts)) == 1:
            return Constant(texts[0])
        return Slot(
            (name,),
            names,
            tuple(ABSENT if value is None else value for value in column),
            is_optional=len(present) < len(column),
        )

    def _keyless(self) -> bool:
        return all(sample.idempotency_key is None for sample in self.samples)

    def _key(self) -> Place | None:
        column = [sample.idempotency_key for sample in self.samples]
        path = ("idempotency_key",)
        if all(key is ABSENT for key in column):
            self.asked.append(
                (
                    path,
                    f"Which id says that two events are the same one? A key made of it counts a repeated event once, such as {self._likely_key()}",
                )
            )
            return Constant("auto")
        if self._keyless():
            self.asked.append(
                (path, "No key was sent, so an event that is sent twice counts twice. Which id could be its key?")
            )
            return None
        texts = {key for key in column if isinstance(key, str)}
        if not self.is_single and len(texts) == 1 and all(isinstance(key, str) for key in column):
            self.asked.append(
                (path, "Every event had this key, so all but the first of a day are ignored. Which id should it name?")
            )
            only = next(iter(texts))
            return Slot(path, ("key",), tuple(column)) if only == "auto" or has_address(only) else Constant(only)
        return Slot(path, ("idempotency_key", "key"), tuple(column), is_last=True)

    def _likely_key(self) -> str:
        """Return a template of a key: of an id that each event has, or an example."""
        first, *others = [sample.properties for sample in self.samples]
        known = (key for key in _IDS if isinstance(first.get(key), str | int) and all(key in each for each in others))
        key = next(known, None)
        return "paid-{{ order_id }}" if key is None else f"{{{{ {variable_name(key)} }}}}"

    def _properties(self) -> Place:
        maps = [dict(sample.properties) for sample in self.samples]
        keys = dict.fromkeys(key for each in maps for key in each)
        if any(map(is_special_key, keys)):
            return self.placer.whole_map(("properties",), ("properties", "payload"), maps)
        optional = frozenset[str]().union(*(sample.optional for sample in self.samples))
        named_by = {sample.named_by for sample in self.samples}
        is_named = len({sample.event for sample in self.samples}) == 1
        return Entries(
            {
                key: Constant(self.samples[0].event)
                if is_named and named_by == {key}
                else self.placer.place(
                    ("properties", key), [each.get(key, ABSENT) for each in maps], is_optional=key in optional
                )
                for key in keys
            }
        )

    def _attachments(self) -> Place:
        path: tuple[Step, ...] = ("attachments",)
        lists = [sample.attachments for sample in self.samples]
        shapes = {tuple(tuple(each) for each in attached) for attached in lists}
        if len(shapes) > 1:
            column = tuple(whole(_listed(attached)) for attached in lists)
            return Slot(path, ("attachments",), column)
        items: list[Place] = []
        for index, first in enumerate(lists[0]):
            entries: dict[str, Place] = {}
            for key in first:
                place = self.placer.place(
                    (*path, index, f"attachment_{key}"), [attached[index][key] for attached in lists]
                )
                entries[key] = replace(place, is_last=True) if isinstance(place, Slot) else place
            items.append(entries["url"] if entries.keys() == {"url"} else Entries(entries))
        return Items(items)

    def _resolve(self, slots: Sequence[Slot]) -> None:
        """Find the expression of each slot: short texts first, since longer ones may be made of them."""

        def order(slot: Slot) -> tuple[int, int]:
            is_user = slot.path == ("distinct_id",)
            longest = max(
                (len(str(filled(value))) for value in slot.column if isinstance(value, str | Pieces)), default=0
            )
            return (0 if is_user else 2 if slot.is_last else 1), longest

        for slot in sorted(slots, key=order):
            slot.expression = self._expression(slot)

    def _expression(self, slot: Slot) -> str:
        column = slot.column
        if not slot.is_optional and any(isinstance(value, Pieces) for value in column):
            return self._of_pieces(slot)
        if (
            not slot.is_optional
            and all(isinstance(value, str) for value in column)
            and (slot.is_last or not self.is_single)
        ):
            texts = [str(value) for value in column]
            if (pieces := derived(texts, self.variables)) is not None and (
                not self.is_single or any(isinstance(each, str) for each in pieces)
            ):
                self._ask_about(slot, pieces)
                return as_template(pieces)
        draft = self.variables.add(
            slot.names if not _hinted(column) else (*_hinted(column), *slot.names),
            tuple(_unpieced(value) for value in column),
        )
        if slot.path == ("distinct_id",):
            self.user = draft
        elif slot.path == ("idempotency_key",):
            self._ask_about_key(draft)
        if not slot.is_optional:
            return f"{{{{ {draft.name} }}}}"
        draft.is_optional = True
        if any(value is None for value in column):
            seen = tuple(value is not ABSENT for value in column)
            flag = self.variables.add((f"has_{draft.name}",), seen)
            return f"{{{{ {draft.name} if {flag.name} else omit }}}}"
        return f"{{{{ {draft.name} if {draft.name} is not none else omit }}}}"

    def _ask_about(self, slot: Slot, pieces: Sequence[str | tuple[str]]) -> None:
        names = " and ".join(dict.fromkeys(piece[0] for piece in pieces if isinstance(piece, tuple)))
        if len(self.samples) < MANY:
            seen = "one event" if self.is_single else f"{len(self.samples)} events"
            self.asked.append((_visible(slot.path), f"In {seen}, {names} stood in this text: is it always made so?"))

    def _ask_about_key(self, draft: VariableDraft) -> None:
        path = ("idempotency_key",)
        if draft.declaration.get("format") == _UUID:
            self.asked.append((path, "The key was a UUID. If it is new for each event, write auto here. Is it?"))
        else:
            self.asked.append((path, "What is the key made of? Write it here, such as paid-{{ order_id }}"))

    def _of_pieces(self, slot: Slot) -> str:
        """Return the template of texts with holes: where all have the same number of pieces, each piece is a slot of its own."""
        rows = [value.parts if isinstance(value, Pieces) else (value,) for value in slot.column]
        shapes = {tuple(isinstance(part, Hole) for part in row) for row in rows}
        if len(shapes) > 1:
            return f"{{{{ {self.variables.add(slot.names, tuple(map(_unpieced, slot.column))).name} }}}}"
        pieces: list[str | tuple[str]] = []
        for index, part in enumerate(rows[0]):
            column = tuple(row[index] for row in rows)
            if isinstance(part, Hole):
                pieces.append((self.variables.add((part.name, *slot.names), column).name,))
            elif len(set(column)) == 1:
                pieces.append(str(part))
            elif made := derived([str(text) for text in column], self.variables):
                pieces += made
            else:
                pieces.append((self.variables.add((f"{slot.names[0]}_part", *slot.names), column).name,))
        return as_template(pieces)

    def _declared(self, draft: VariableDraft) -> dict[str, Json]:
        """Return a declaration. The only value of a single event is its default: whether it varies is not known."""
        value = draft.values[0]
        has_default = (
            self.is_single
            and not self.is_code
            and not draft.is_secret
            and draft is not self.user
            and value is not ABSENT
        )
        return draft.as_json(default=value if has_default else ABSENT)

    def _written(self, place: Place, *, is_text: bool) -> Json:
        """Return a place as the spec writes it. Other fields than properties are texts, which know no $literal."""
        match place:
            case Slot():
                return place.expression
            case Constant(value=str(text)) if is_text:
                return _text_of(text)
            case Constant():
                return literal(place.value)
            case Entries():
                return {key: self._written(item, is_text=is_text) for key, item in place.places.items()}
            case Items():
                return [self._written(item, is_text=is_text) for item in place.places]

    def _in_order(self, slots: Sequence[Slot]) -> Iterator[str]:
        for slot in slots:
            yield from (name for name in self.variables.drafts if f" {name} " in slot.expression)


def _hinted(column: Sequence[Value | Absent]) -> tuple[str, ...]:
    names = dict.fromkeys(value.name for value in column if isinstance(value, Hole) and value.name not in ("", "value"))
    return tuple(names) if len(names) == 1 else ()


def _unpieced(value: Value | Absent) -> Value | Absent:
    if not isinstance(value, Pieces):
        return value
    holes = [part for part in value.parts if isinstance(part, Hole)]
    shown: Json | Absent = ABSENT
    if all(hole.value is not ABSENT for hole in holes):
        shown = "".join(part if isinstance(part, str) else str(part.value) for part in value.parts)
    return Hole("", {"type": "string"}, shown, is_secret=any(hole.is_secret for hole in holes))


def _listed(attached: Sequence[Mapping[str, Value]]) -> Value:
    return [dict(each) for each in attached]


def _visible(path: tuple[Step, ...]) -> tuple[Step, ...]:
    return path[:2]


def _slots(place: Place) -> Iterator[Slot]:
    match place:
        case Slot():
            yield place
        case Entries():
            for item in place.places.values():
                yield from _slots(item)
        case Items():
            for item in place.places:
                yield from _slots(item)
        case Constant():
            pass


def literal(value: Json) -> Json:
    """Return a constant as a spec writes it: what would be a template or a directive stands under $literal."""
    match value:
        case str():
            return {"$literal": value} if looks_like_template(value) else value
        case dict():
            return {"$literal": value} if any(map(is_special_key, value)) else _literals(value)
        case list():
            return [literal(item) for item in value]
        case _:
            return value


def _literals(value: Mapping[str, Json]) -> Json:
    return {key: literal(item) for key, item in value.items()}


def _text_of(text: str) -> str:
    return as_template([text])
