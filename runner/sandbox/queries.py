"""The query of a request for records → the selected records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import nearest
from runner.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_LISTED = 1000
_COLUMNS = (
    "session", "event", "distinct_id", "tenant_id", "outcome", "status_code", "idempotency_key", "insert_id", "message_id",
)  # fmt: skip
_PARTS = {"event_has": "event", "distinct_id_has": "distinct_id", "tenant_id_has": "tenant_id"}
_NUMBERS = {"after": "id > ?", "before": "id < ?", "since_ms": "received_ms >= ?"}
SELECTING = (*_COLUMNS, *_PARTS, *_NUMBERS, "text", "warned")
"""Parameters that select records: equal columns, parts of columns, ids after or before one, the earliest time, a text inside
the record, its reason or the path of a request without an event, and `warned=1` for those with a warning."""
_WHOLE_NUMBER = re.compile("[0-9]{1,15}")
_SHOWN_CHARS = 100


class Selection(NamedTuple):
    """A condition of SQL over the records, and its values."""

    condition: str
    values: tuple[object, ...]


def parameters(given: Sequence[tuple[str, str]], known: Sequence[str]) -> dict[str, str]:
    """Return the parameters of a query. Unknown ones are refused, so that a typo does not select other records."""
    found: dict[str, str] = {}
    for name, value in given:
        if name not in known:
            meant = nearest(name, known)
            hint = f"did you mean {meant}?" if meant else f"known are {', '.join(known)}"
            raise bad_request(f"unknown parameter '{name[:_SHOWN_CHARS]}': {hint}")
        if name in found:
            raise bad_request(f"the parameter {name} may be given only once")
        found[name] = value
    return found


def selection(query: Mapping[str, str]) -> Selection:
    """Return the condition that records fulfill which a query selects."""
    conditions: list[str] = []
    values: list[object] = []
    for name, value in query.items():
        if name in _COLUMNS:
            conditions.append(f"{name} = ?")
            values.append(value)
        elif name in _PARTS:
            conditions.append(f"instr(lower({_PARTS[name]}), lower(?))")
            values.append(value)
        elif name in _NUMBERS:
            conditions.append(_NUMBERS[name])
            values.append(whole_number(name, value))
        elif name == "warned":
            conditions.append("warning IS NOT NULL")
        elif name == "text":
            conditions.append(
                "(instr(lower(CAST(raw AS TEXT)), lower(?)) OR instr(lower(reason), lower(?))"
                " OR (event IS NULL AND instr(lower(endpoint), lower(?))))"
            )
            values += [value] * 3
    return Selection(" AND ".join(conditions) or "1", tuple(values))


def whole_number(name: str, value: str, at_most: int | None = None) -> int:
    """Return the number in a parameter. Raises Refusal if it is not a whole number."""
    if not _WHOLE_NUMBER.fullmatch(value):
        raise bad_request(f"{name} must be a whole number, for example {name}=10")
    return int(value) if at_most is None else min(int(value), at_most)
