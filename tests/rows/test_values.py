"""What an empty cell, a null and a missing column come to is one table, for all formats; and so is a whole number."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from runner.bulk.columns import assign
from runner.cases.case import Step
from runner.rows.row_file import Row, open_rows
from runner.testing.expand import rows_of
from runner.variables import RowResolver, Variable, resolve
from tests.pages import PAGES

if TYPE_CHECKING:
    from runner.source import Json

pytestmark = pytest.mark.usefixtures("in_tmp")

FORMATS = ("csv", "tsv", "jsonl", "json", "parquet")
TEXTS = ("csv", "tsv")

DECLARATIONS: dict[str, list[tuple[dict[str, Json], Json]]] = {
    "text": [({"type": "string"}, "d"), ({"type": ["string", "boolean"]}, "d")],
    "text that must not be empty": [
        ({"type": "string", "enum": ["a", "d"]}, "d"),
        ({"type": "string", "minLength": 1}, "d"),
        ({"type": "string", "pattern": "^[a-z]$"}, "d"),
    ],
    "number, boolean, array, object": [
        ({"type": "number"}, 7),
        ({"type": "integer"}, 7),
        ({"type": "boolean"}, True),
        ({"type": "array"}, [7]),
        ({"type": "object"}, {"d": 7}),
        ({"enum": [6, 7]}, 7),
    ],
    "one of these, or `null`": [({"type": ["number", "null"]}, 7), ({"type": ["object", "null"]}, {"d": 7})],
    "anything": [({}, 7)],
}
"""Declarations by what the manual calls them, each with a default for it."""


def table() -> dict[str, list[str]]:
    """Read the manual's table: by declaration, what an empty cell, a null and a missing column come to."""
    [lines] = re.findall(r"\| declared \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGES["bulk"].text)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines.splitlines()]
    return {name: cells for name, *cells in rows}


def write(form: str, cell: Json, *, is_missing: bool) -> Path:
    """Write a file of one row, with a cell of the variable `v` or no column for it."""
    path = Path(f"rows.{form}")
    row: dict[str, Any] = {"user": "u1"} if is_missing else {"user": "u1", "v": cell}
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist([row]), path)
    elif form in TEXTS:
        separator = "," if form == "csv" else "\t"
        path.write_text("".join(f"{separator.join(map(str, line))}\n" for line in (row, row.values())), "utf-8")
    else:
        path.write_text(json.dumps(row if form == "jsonl" else [row]), "utf-8")
    return path


def resolved(declaration: dict[str, Json], path: Path) -> object:
    """Return what the variable `v` gets from the only row of a file, or the codes of what is wrong."""
    variables = [Variable("user", {"type": "string"}), Variable("v", declaration)]
    with open_rows(path, io.BytesIO(), path.name) as file:
        columns = assign(file.columns, ["user", "v"], {}, ignore_extra=False)
        fixed = {"v": declaration["default"]} if "default" in declaration else {}
        [row] = file
        assert isinstance(row, Row)
        values = RowResolver(variables, fixed, columns, file.header).resolve(row.values)
    return [problem.code for problem in values.problems] or values.values["v"]


def expected(cell: str, default: Json, *, has_default: bool) -> object:
    no_value = default if has_default else ["var-missing"]
    match cell:
        case "no value":
            return no_value
        case "no value, without a default `null`":
            return default if has_default else None
        case '`""`':
            return ""
        case "`null`":
            return None
    raise AssertionError(cell)


def test_the_manual_says_it_of_each_kind_of_declaration() -> None:
    assert list(table()) == list(DECLARATIONS)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("has_default", [True, False], ids=["default", "none"])
@pytest.mark.parametrize("what", DECLARATIONS)
def test_what_is_not_given_comes_to_what_the_table_says(what: str, has_default: bool, form: str) -> None:
    empty, null, missing = table()[what]
    for declaration, default in DECLARATIONS[what]:
        declared = {**declaration, "default": default} if has_default else declaration
        given = resolved(declared, write(form, "" if form in TEXTS else None, is_missing=False))
        assert given == expected(empty if form in TEXTS else null, default, has_default=has_default)
        assert resolved(declared, write(form, None, is_missing=True)) == expected(
            missing, default, has_default=has_default
        )


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "parquet"])
@pytest.mark.parametrize("has_default", [True, False], ids=["default", "none"])
@pytest.mark.parametrize("what", DECLARATIONS)
def test_rows_of_a_case_come_to_what_the_table_says_too(what: str, has_default: bool, form: str) -> None:
    empty, null, _ = table()[what]
    for declaration, default in DECLARATIONS[what]:
        declared = {**declaration, "default": default} if has_default else declaration
        variables = [Variable("user", {"type": "string"}), Variable("v", declared)]
        path = write(form, "" if form in TEXTS else None, is_missing=False)
        [given] = rows_of(Step(None, {}, {}, path, None), variables)
        values = resolve(variables, [given], {}, {})
        found = [problem.code for problem in values.problems] or values.values["v"]
        assert found == expected(empty if form in TEXTS else null, default, has_default=has_default)


@pytest.mark.parametrize("form", FORMATS)
def test_a_whole_number_is_an_integer_however_it_is_written(form: str) -> None:
    for number, wanted in ((1.0, 1), (-3.0, -3), (2.0**53, 2**53), (7, 7)):
        value = resolved({"type": "integer"}, write(form, number, is_missing=False))
        assert (value, type(value)) == (wanted, int)
    for number in (1.5, 1e-3):
        code = "var-type" if form in TEXTS else "var-schema"
        assert resolved({"type": "integer"}, write(form, number, is_missing=False)) == [code]
    value = resolved({"type": "number"}, write(form, 1.0, is_missing=False))
    assert (value, type(value)) == (1.0, float)


def test_a_number_larger_than_a_double_has_exactly_stays_as_it_is() -> None:
    for form in FORMATS:
        value = resolved({"type": "integer"}, write(form, 1e300, is_missing=False))
        assert (value, type(value)) == (1e300, float)
