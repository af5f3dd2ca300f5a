"""A file of rows → one event for each row: a column is a property, and one of them the user."""

from __future__ import annotations

import io
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING

from runner.importing.columns import variable_name
from runner.importing.faults import unusable
from runner.importing.payloads import event_named
from runner.importing.sample import ABSENT, Found, Sample, plain
from runner.rows.row import BadRow
from runner.rows.row_file import open_rows
from runner.source import NUMBER, is_integer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.importing.sample import Absent, Value
    from runner.source import Json

_ROWS = 1000
"""Rows that types are inferred from."""
_MAX_DIGITS = 300
_USERS = ("distinct_id", "user", "user_id", "userid", "customer_id", "customer", "member_id", "account_id", "email")
_FIELDS = {"tenant_id": "tenant_id", "tenant": "tenant_id", "idempotency_key": "idempotency_key"}


def table_events(path: Path, name: str, stem: str) -> Found:
    """Return the events of the first rows of a file. Raises the errors of `open_rows`, and InvalidInput without a row."""
    notes: list[str] = []
    rows: list[dict[str, Json]] = []
    numbers: list[int] = []
    with open_rows(path, io.BytesIO(), name) as file:
        for row in islice(file, _ROWS):
            if isinstance(row, BadRow):
                notes.append(f"{name}: skipped row {row.number}: {row.problem.message}")
                continue
            values = row.values
            rows.append(values if isinstance(values, dict) else dict(zip(file.header or (), values, strict=False)))
            numbers.append(row.number)
        is_text = file.header is not None
    if not rows:
        raise unusable(f"{name} has no rows to infer types from", notes[0] if notes else "add a typical row")
    columns = dict.fromkeys(key for row in rows for key in row)
    table: dict[str, list[Value | Absent]] = {}
    for column in columns:
        cells = [row.get(column, ABSENT) for row in rows]
        table[column] = _typed([str(cell) for cell in cells]) if is_text else [_cell(cell) for cell in cells]
    user = next((column for each in _USERS for column in columns if variable_name(column) == each), next(iter(columns)))
    questions = [
        ("event", f"What is the name of the event? {name} does not say."),
        ("distinct_id", f"Is the column {user} the id of the user who is notified?"),
    ]
    questions += (
        (
            "properties",
            f"The variable {variable_name(column)} is the column {column}: send with --map {variable_name(column)}={column}. Or rename one of them?",
        )
        for column in columns
        if column not in (user, variable_name(column))
    )
    if user != "user":
        questions.append(
            ("vars", f"The variable user is the column {user}: send with --map user={user}. Or rename one of them?")
        )
    questions += (
        (
            "properties",
            f"The column {column} was left out, since it is empty in each row. Which values has it otherwise?",
        )
        for column, cells in table.items()
        if all(cell is ABSENT for cell in cells)
    )
    samples: list[Sample] = []
    for index, number in enumerate(numbers):
        if table[user][index] in (ABSENT, None):
            notes.append(f"{name}: skipped row {number}: it has no user in the column {user}")
            continue
        cells_of_row = {column: cells[index] for column, cells in table.items()}
        samples.append(_sample(f"{name}, row {number}", event_named(stem), user, cells_of_row, questions))
    return Found(tuple(samples), tuple(notes[:_SHOWN]))


_SHOWN = 10


def _sample(
    origin: str, event: str, user: str, row: dict[str, Value | Absent], questions: list[tuple[str, str]]
) -> Sample:
    values = {key: value for key, value in row.items() if value is not ABSENT and key != user}
    fields = {field: values.pop(column) for column, field in _FIELDS.items() if isinstance(values.get(column), str)}
    return Sample(
        origin,
        event,
        str(row[user]),
        values,
        fields.get("idempotency_key", ABSENT),
        fields.get("tenant_id"),
        questions=tuple(questions),
        constants="none",
    )


def _typed(texts: Sequence[str]) -> list[Value | Absent]:
    """Return the cells of a column of texts in the one type that fits all of them; an empty cell is no value."""
    filled = [text for text in texts if text]
    if filled and all(text in ("true", "false") for text in filled):
        return [text == "true" if text else ABSENT for text in texts]
    if filled and all(map(_is_number, filled)):
        return [_number(text) if text else ABSENT for text in texts]
    return [text or ABSENT for text in texts]


def _is_number(text: str) -> bool:
    return len(text) <= _MAX_DIGITS and NUMBER.fullmatch(text) is not None and isfinite(float(text))


def _number(text: str) -> Value:
    match = NUMBER.fullmatch(text)
    return int(text) if match is not None and is_integer(match) else float(text)


def _cell(value: Json | Absent) -> Value | Absent:
    return value if value is ABSENT else plain(value)
