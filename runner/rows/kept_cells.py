"""Rows of a file → the same rows with the cells that an event needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.rows.row import BadRow, Row

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence


def cells_at(rows: Iterator[Row | BadRow], places: Sequence[int]) -> Iterator[Row | BadRow]:
    """Yield the rows of a table with the cells in these places."""
    for row in rows:
        if isinstance(row, Row):
            cells: Any = row.values
            yield type(row)(row.number, row.line, [cells[place] for place in places])
        else:
            yield row


def with_keys(
    rows: Iterator[Row | BadRow], wanted: Iterable[str], known: Container[str] | None
) -> Iterator[Row | BadRow]:
    """Yield JSON rows with the wanted keys, and with null for others that are not `known`."""
    names = frozenset(wanted)
    are_all = names.issuperset
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        entries: Any = row.values
        if are_all(entries):
            yield row
            continue
        kept = {
            key: value if key in names else None
            for key, value in entries.items()
            if key in names or (known is not None and key not in known)
        }
        yield type(row)(row.number, row.line, kept)
