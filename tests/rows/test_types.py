"""Each cell of the manual's table of types, with a value of that type from a source of each kind."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from runner.bulk.columns import assign, typed_text
from runner.errors import InvalidInput
from runner.rows.dataset import find_dataset
from runner.rows.open_dataset import open_dataset
from runner.rows.row import BadRow
from runner.rows.row_files import RowFiles
from runner.variables import RowResolver, Variable
from tests.pages import PAGES

if TYPE_CHECKING:
    from runner.source import Json

pytestmark = pytest.mark.usefixtures("in_tmp")

SOURCES = {
    "`.csv`, `.tsv`, folders": ("csv", "tsv", "folder of csv", "folder of jsonl", "folder of parquet"),
    "`.json`, `.jsonl`": ("json", "jsonl"),
    "`.parquet`": ("parquet",),
    "`--query`": ("database", "query of parquet"),
}
REFUSED, NONE = "refused", "-"


class Sample(NamedTuple):
    """A value as sources write it: text of a cell, JSON, an array of pyarrow, an expression of SQL; None where there is none."""

    text: str | None
    json: str | None
    arrow: pa.Array | None
    sql: str | None


ZONED = datetime(2026, 7, 1, 10, tzinfo=UTC)
SECONDS = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - it has no zone
NANOSECONDS = 1_700_000_000_123_456_789
FINE = "0.1234567890123456789"

VALUES = {
    "text `7`": Sample("7", '"7"', pa.array(["7"]), "'7'"),
    "`-9223372036854775808`": Sample(str(-(2**63)), str(-(2**63)), pa.array([-(2**63)]), "-9223372036854775808"),
    "`18446744073709551615`": Sample(str(2**64 - 1), str(2**64 - 1), pa.array([2**64 - 1], pa.uint64()), "18446744073709551615::UBIGINT"),
    "2¹²⁷ - 1": Sample(str(2**127 - 1), str(2**127 - 1), None, f"{2**127 - 1}::HUGEINT"),
    "floating-point number `0.1`": Sample("0.1", "0.1", pa.array([0.1]), "0.1::DOUBLE"),
    "floating-point number `3.0`": Sample("3.0", "3.0", pa.array([3.0]), "3::DOUBLE"),
    "`NaN`": Sample("NaN", "NaN", pa.array([float("nan")]), "'nan'::DOUBLE"),
    "`Infinity`": Sample("Infinity", "Infinity", pa.array([float("inf")]), "'inf'::DOUBLE"),
    "decimal `12.50`": Sample("12.50", "12.50", pa.array([Decimal("12.50")]), "12.50::DECIMAL(10, 2)"),
    f"decimal `{FINE}`": Sample(FINE, FINE, pa.array([Decimal(FINE)]), f"{FINE}::DECIMAL(20, 19)"),
    "decimal of 50 digits": Sample("1" * 50, "1" * 50, pa.array([Decimal("1" * 50)], pa.decimal256(50, 0)), None),
    "boolean": Sample("true", "true", pa.array([True]), "true"),
    "date": Sample("2026-01-02", '"2026-01-02"', pa.array([date(2026, 1, 2)]), "DATE '2026-01-02'"),
    "date of the year 10000": Sample("10000-01-01", '"10000-01-01"', pa.array([2932897], pa.date32()), "DATE '10000-01-01'"),
    "time": Sample("03:04:05.000006", '"03:04:05.000006"', pa.array([time(3, 4, 5, 6)]), "TIME '03:04:05.000006'"),
    "time `24:00:00`": Sample("24:00:00", '"24:00:00"', pa.array([86_400_000_000], pa.time64("us")), "TIME '24:00:00'"),
    "time with a zone": Sample("10:00:00+02:00", '"10:00:00+02:00"', None, "'10:00:00+02'::TIMETZ"),
    "timestamp": Sample("2026-01-02T03:04:05", '"2026-01-02T03:04:05"', pa.array([SECONDS]), "TIMESTAMP '2026-01-02 03:04:05'"),
    "timestamp with nanoseconds": Sample(
        "2023-11-14T22:13:20.123456789", '"2023-11-14T22:13:20.123456789"', pa.array([NANOSECONDS], pa.timestamp("ns")),
        "'2023-11-14 22:13:20.123456789'::TIMESTAMP_NS",
    ),
    "timestamp in UTC": Sample(
        "2026-07-01T10:00:00Z", '"2026-07-01T10:00:00Z"', pa.array([ZONED], pa.timestamp("us", "UTC")), "TIMESTAMPTZ '2026-07-01 10:00:00+00'",
    ),
    "timestamp in Berlin": Sample(
        "2026-07-01T12:00:00+02:00", '"2026-07-01T12:00:00+02:00"', pa.array([ZONED], pa.timestamp("us", "Europe/Berlin")),
        "TIMESTAMPTZ '2026-07-01 12:00:00 Europe/Berlin'",
    ),
    "timestamp `infinity`": Sample("infinity", '"infinity"', pa.array([2**63 - 1], pa.timestamp("us")), "'infinity'::TIMESTAMP"),
    "duration": Sample("PT90S", '"PT90S"', pa.array([timedelta(seconds=90)]), "INTERVAL 90 SECONDS"),
    "dictionary, enum": Sample("red", '"red"', pa.array(["red"]).dictionary_encode(), "'red'::ENUM('red', 'blue')"),
    "UUID": Sample(str(UUID(int=7)), f'"{UUID(int=7)}"', pa.array([UUID(int=7).bytes], pa.uuid()), f"'{UUID(int=7)}'::UUID"),
    "list": Sample("[1, null]", "[1, null]", pa.array([[1, None]]), "[1, NULL]"),
    "list of decimals": Sample('["12.50"]', '["12.50"]', pa.array([[Decimal("12.50")]]), "[12.50::DECIMAL(10, 2)]"),
    "list of dates": Sample('["2026-01-02"]', '["2026-01-02"]', pa.array([[date(2026, 1, 2)]]), "[DATE '2026-01-02']"),
    "struct": Sample('{"a": {"b": 1}}', '{"a": {"b": 1}}', pa.array([{"a": {"b": 1}}]), "{'a': {'b': 1}}"),
    "map of texts": Sample('{"a": 1}', '{"a": 1}', pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())), "MAP {'a': 1}"),
    "map of other keys": Sample(None, None, pa.array([[(1, 1)]], pa.map_(pa.int8(), pa.int8())), "MAP {1: 1}"),
    "map with a key twice": Sample(
        '{"a": 1, "a": 2}', '{"a": 1, "a": 2}', pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int8())),
        "map_from_entries([('a', 1), ('a', i)])",
    ),
    "JSON": Sample('{"a": [1.5]}', '{"a": [1.5]}', pa.array(['{"a": [1.5]}'], pa.json_()), """'{"a": [1.5]}'::JSON"""),
    "list of JSON": Sample("[{}]", "[{}]", pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array(["{}"], pa.json_())), "['{}'::JSON]"),
    "VARIANT": Sample(
        None, None, pa.array([{"metadata": b"\1\0\0", "value": b"\14\1"}], pa.struct({"metadata": pa.binary(), "value": pa.binary()})),
        "7::VARIANT",
    ),
    "bytes": Sample(None, None, pa.array([b"x"]), "'x'::BLOB"),
    "bits": Sample(None, None, None, "'101'::BIT"),
    "union": Sample(None, None, None, "union_value(k := 1)"),
    "`null`, an empty cell": Sample("", "null", pa.array([None], pa.int8()), "NULL::INT"),
}  # fmt: skip


def table() -> dict[tuple[str, str], dict[str, str]]:
    """Read the manual's table: by value and declared type, what each kind of source comes to."""
    [lines] = re.findall(r"\| value \| declared \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGES["row-types"].text)
    [head] = re.findall(r"(\| value \| declared \|.*)\n", PAGES["row-types"].text)
    columns = cells_of(head)[2:]
    return {
        (value, declared): dict(zip(columns, cells, strict=True))
        for value, declared, *cells in map(cells_of, lines.splitlines())
    }


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def write(source: str, sample: Sample) -> tuple[str, str | None] | None:
    """Write a file with the value in the column `v`; return what `--rows` names, and the query. None if it has no such value."""
    match source:
        case "csv" | "tsv" if sample.text is not None:
            cell = '"' + sample.text.replace('"', '""') + '"'
            separator = "," if source == "csv" else "\t"
            Path(f"rows.{source}").write_text(f"user{separator}v\nu1{separator}{cell}\n")
        case "json" | "jsonl" if sample.json is not None:
            row = f'{{"user": "u1", "v": {sample.json}}}'
            Path(f"rows.{source}").write_text(row if source == "jsonl" else f"[{row}]")
        case "parquet" | "query of parquet" if sample.arrow is not None:
            pq.write_table(pa.table({"user": ["u1"], "v": sample.arrow}), "rows.parquet")
            return "rows.parquet", "SELECT user, v FROM rows ORDER BY user" if source == "query of parquet" else None
        case "database" if sample.sql is not None:
            with duckdb.connect("rows.duckdb") as connection:
                connection.execute("CREATE TABLE t AS SELECT 'u1' AS user, 2 AS i")
            return "rows.duckdb", f"SELECT user, {sample.sql} AS v FROM t ORDER BY user"
        case "folder of csv" | "folder of jsonl" | "folder of parquet" if sample.text is not None:
            suffix = source.rpartition(" ")[2]
            folder = Path("rows", "v=" + (quote(sample.text, safe="") or "__HIVE_DEFAULT_PARTITION__"))
            folder.mkdir(parents=True)
            if suffix == "parquet":
                pq.write_table(pa.table({"user": ["u1"]}), folder / "a.parquet")
            else:
                (folder / f"a.{suffix}").write_text("user\nu1\n" if suffix == "csv" else '{"user": "u1"}')
            return "rows", None
        case _:
            return None
    return f"rows.{source}", None


def resolved(declared: str, path: str, query: str | None) -> tuple[str, str]:
    """Return what the variable `v` of the only row comes to as JSON, or that it is refused and why."""
    types: list[Json] = [name.strip("` ") for name in declared.split(" or ")]
    variables = {
        "user": Variable("user", {"type": "string"}),
        "v": Variable("v", {"type": types if len(types) > 1 else types[0]}),
    }
    try:
        with open_dataset(find_dataset([path], query), io.BytesIO()) as file:
            columns = assign(file.columns, list(variables), {}, ignore_extra=False)
            file.keep(columns, columns)
            by_column = {column: variables[name] for column, name in columns.items()}
            if isinstance(file, RowFiles):
                file.convert_partitions(partial(typed_text, by_column))
            file.convert_texts(partial(typed_text, by_column, keeps_untyped=True))
            [row] = file
            if isinstance(row, BadRow):
                return REFUSED, row.problem.message
            values = RowResolver([*variables.values()], {}, columns, file.header).resolve(row.values)
    except InvalidInput as error:
        return REFUSED, str(error)
    if values.problems:
        return REFUSED, values.problems[0].message
    value: Any = values.values["v"]
    return f"`{json.dumps(value)}`", ""


def test_the_table_has_each_value_and_each_kind_of_source() -> None:
    assert list(dict.fromkeys(value for value, _ in table())) == list(VALUES)
    assert {tuple(cells) for cells in table().values()} == {tuple(SOURCES)}


@pytest.mark.parametrize("source", [source for sources in SOURCES.values() for source in sources])
@pytest.mark.parametrize(("value", "declared"), table())
def test_a_value_comes_to_what_the_table_says(value: str, declared: str, source: str) -> None:
    [wanted] = [table()[value, declared][name] for name, sources in SOURCES.items() if source in sources]
    written = write(source, VALUES[value])
    if written is None:
        others = [
            write(other, VALUES[value]) for name, sources in SOURCES.items() if source in sources for other in sources
        ]
        assert wanted == NONE or any(others)
        return
    found, why = resolved(declared, *written)
    assert found == wanted, why
    if found == REFUSED and source not in ("json", "jsonl") and value != "map with a key twice":
        assert re.search(r"(variable|column) '?v\b|the column 'v'", why), why
