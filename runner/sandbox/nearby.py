"""A selection that nothing fulfills → the records that came nearest to it, since one of them may be the event with a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import nearest
from runner.sandbox.queries import selection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.store import Store

_MAX_SHOWN = 5
_MAX_LOOKED_AT = 100
_HOLDS = 4
_IS_SIMILAR = 3


def nearby(store: Store, query: Mapping[str, str]) -> list[Arrival]:
    """Return what arrived instead of the selected records, the nearest first: those with most of the wanted values.

    Only the session and the ids of the query have to fit. Of equally near records, the newest comes first.
    """
    fixed = selection({name: query[name] for name in ("session", "after", "before") if name in query})
    recent = store.select(f"{fixed.condition} ORDER BY id DESC LIMIT ?", (*fixed.values, _MAX_LOOKED_AT))
    wanted = {name: value for name, value in query.items() if name in _COMPARED}

    def nearness(arrival: Arrival) -> int:
        return sum(_nearness(value, getattr(arrival, name)) for name, value in wanted.items())

    others = [arrival for arrival in recent if nearness(arrival) < _HOLDS * len(wanted)]
    return sorted(others, key=nearness, reverse=True)[:_MAX_SHOWN]


_COMPARED = "event", "distinct_id", "tenant_id", "outcome", "idempotency_key", "insert_id", "message_id"


def _nearness(wanted: str, found: str | None) -> int:
    if found == wanted:
        return _HOLDS
    return _IS_SIMILAR if found and nearest(wanted, [found]) else 0
