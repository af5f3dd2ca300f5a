"""The rows of a query: over files as the table `rows`, over a database, and nothing else."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from base64 import b64decode
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from runner.errors import InvalidInput, MachineError, NotFound, Position, Problem, RunnerError
from runner.rows.dataset import find_dataset
from runner.rows.open_dataset import open_dataset
from runner.rows.row import BadRow, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.source import Json

pytestmark = pytest.mark.usefixtures("in_tmp")


def read(query: str, *paths: str, wanted: Sequence[str] | None = None) -> list[Row | BadRow]:
    with open_dataset(find_dataset(paths, query), io.BytesIO()) as rows:
        if wanted is not None:
            rows.keep(wanted, None)
        return list(rows)


def values(query: str, *paths: str) -> list[Any]:
    return [row.values if isinstance(row, Row) else row for row in read(query, *paths)]


def problem(query: str, *paths: str, error: type[RunnerError] = InvalidInput) -> Problem:
    with pytest.raises(error) as caught:
        read(query, *paths)
    [found] = caught.value.problems
    return found


def csv(name: str = "rows.csv", content: str = "user,amount\nu1,5\nu2,12.5\nu3,\n") -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return name


def parquet(name: str, **columns: object) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), name)
    return name


def database(*statements: str, name: str = "warehouse.duckdb") -> str:
    with duckdb.connect(name) as connection:
        for statement in statements:
            connection.execute(statement)
    return name


def test_cells_of_a_table_of_texts_are_texts_and_empty_ones_are_null() -> None:
    rows = read("SELECT user, amount FROM rows WHERE user > 'u1' ORDER BY user DESC", csv())
    assert rows == [Row(1, 0, {"user": "u3", "amount": None}), Row(2, 0, {"user": "u2", "amount": "12.5"})]


def test_rows_of_json_have_the_types_of_all_values_of_their_keys() -> None:
    lines: list[dict[str, Json]] = [
        {"n": 1, "f": 1, "b": True, "t": "x", "mixed": 1, "list": [1, "a"], "huge": 2**70, "exact": 2**60},
        {"n": -(2**63), "f": 0.5, "b": None, "mixed": "a", "list": {"k": None}, "huge": 1, "exact": 0.5, "late": "z"},
    ]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    kinds = ", ".join(f"typeof(any_value({name})) AS {name}" for name in lines[1] | lines[0])
    [types] = values(f"SELECT {kinds} FROM rows ORDER BY ALL", "rows.jsonl")
    assert types == {
        "n": "BIGINT", "f": "DOUBLE", "b": "BOOLEAN", "mixed": "JSON", "list": "JSON", "huge": "JSON", "exact": "JSON",
        "late": "VARCHAR", "t": "VARCHAR",
    }  # fmt: skip
    assert values("FROM rows ORDER BY n DESC", "rows.jsonl") == [
        {"n": 1, "f": 1.0, "b": True, "t": "x", "mixed": 1, "list": [1, "a"], "huge": 2**70, "exact": 2**60, "late": None},
        {"n": -(2**63), "f": 0.5, "b": None, "t": None, "mixed": "a", "list": {"k": None}, "huge": 1, "exact": 0.5, "late": "z"},
    ]  # fmt: skip


def test_an_array_and_a_packed_file_are_queried_too() -> None:
    Path("rows.json").write_text('[{"a": 1}, {"a": 2}]')
    assert values("SELECT sum(a) AS a FROM rows ORDER BY 1", "rows.json") == [{"a": 3}]


def test_parquet_files_are_queried_where_they_lie() -> None:
    name = parquet("rows.parquet", user=["a", "b", "c"], amount=[Decimal("1.50"), Decimal("20.00"), None])
    assert values("SELECT user, amount FROM rows WHERE amount > 10 ORDER BY user", name) == [
        {"user": "b", "amount": "20.00"}
    ]


def test_files_with_signs_of_patterns_in_their_names_are_themselves() -> None:
    name = parquet("it's [1]*.parquet", a=[7])
    parquet("it's 1.parquet", a=[8])
    assert values("FROM rows ORDER BY a", name) == [{"a": 7}]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_folders_give_columns_of_text(suffix: str) -> None:
    for year, country, user in (
        ("2025", "de", "a"),
        ("2026", "a%20b", "b"),
        ("2026", "__HIVE_DEFAULT_PARTITION__", "c"),
    ):
        name = f"base/k=v/exports/year={year}/country={country}/x.{suffix}"
        if suffix == "parquet":
            parquet(name, user=[user])
        else:
            csv(name, f"user\n{user}\n" if suffix == "csv" else json.dumps({"user": user}))
    assert values("FROM rows ORDER BY user", "base/k=v/exports") == [
        {"user": "a", "year": "2025", "country": "de"},
        {"user": "b", "year": "2026", "country": "a b"},
        {"user": "c", "year": "2026", "country": None},
    ]


def test_a_folder_that_duckdb_would_take_for_a_column_is_refused() -> None:
    parquet("user=x/exports/year=2026/a.parquet", user=["u1"])
    assert problem("FROM rows ORDER BY 1", "user=x/exports") == Problem(
        "rows-partition",
        "the folder user=x of user=x/exports/year=2026/a.parquet has the name of the column 'user'",
        hint="rename the folder",
    )


def test_folders_that_give_no_columns_are_no_columns() -> None:
    name = parquet("user=x/a.parquet", a=[1])
    assert values("FROM rows ORDER BY a", name) == [{"a": 1}]


def test_a_database_is_read_and_not_changed() -> None:
    name = database("CREATE TABLE orders AS SELECT 'u' || i AS user, i::DECIMAL(10, 2) AS amount FROM range(3) t(i)")
    before = Path(name).read_bytes()
    query = "WITH large AS (SELECT * FROM orders WHERE amount >= 1) SELECT user, amount FROM large ORDER BY user DESC"
    assert values(query, name) == [{"user": "u2", "amount": "2.00"}, {"user": "u1", "amount": "1.00"}]
    assert Path(name).read_bytes() == before
    assert [path.name for path in Path().iterdir()] == [name]


def test_columns_that_do_not_count_are_not_converted() -> None:
    [row] = read("SELECT 1 AS a, 'x' AS b ORDER BY 1", csv(), wanted=["b"])
    assert row == Row(1, 0, {"b": "x"})


def test_many_rows_come_in_the_order_of_the_query() -> None:
    name = database("CREATE TABLE t AS SELECT i FROM range(100000) r(i)")
    query = "SELECT i FROM t ORDER BY hash(i), i"
    rows = read(query, name)
    with duckdb.connect(name, read_only=True) as connection:
        wanted = connection.sql(query).fetchall()
    assert rows == [Row(number, 0, {"i": i}) for number, (i,) in enumerate(wanted, 1)]


def test_integers_of_any_size_keep_all_digits() -> None:
    largest = f"{2**128 - 1}::UHUGEINT AS a, '{-(2**127)}'::HUGEINT AS b, sum(amount::INT) AS c"
    [row] = values(f"SELECT {largest} FROM rows WHERE amount = '5' ORDER BY ALL", csv())
    assert row == {"a": 2**128 - 1, "b": -(2**127), "c": 5}


# What a query may be


@pytest.mark.parametrize(
    "query",
    ["", "-- nothing", "SELECT 1; SELECT 2 ORDER BY 1", "CREATE TABLE t (a INT)", "COPY rows TO 'out.csv'", "ATTACH 'x.duckdb'",
     "SET threads = 4", "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list", "EXPLAIN SELECT 1 ORDER BY 1", "CALL range(3)",
     "INSERT INTO rows VALUES (1) RETURNING *", "PIVOT rows ON user USING count(*) ORDER BY 1", "EXPORT DATABASE 'x'"],
)  # fmt: skip
def test_a_query_is_one_select_statement(query: str) -> None:
    hint = "such as: SELECT user, amount FROM rows ORDER BY user"
    assert problem(query, csv()) == Problem("rows-query", "a query must be one SELECT statement", hint=hint)


@pytest.mark.parametrize(
    "query",
    ["SELECT user FROM rows", "SELECT user FROM rows LIMIT 3", "SELECT * FROM (SELECT user FROM rows ORDER BY user)",
     "WITH t AS (SELECT user FROM rows ORDER BY 1) SELECT * FROM t", "DESCRIBE rows", "SHOW TABLES", "FROM rows"],
)  # fmt: skip
def test_a_query_has_an_order(query: str) -> None:
    message = "the query needs an ORDER BY at its end: without it, a resume may get the rows in another order"
    hint = "order by columns that no two rows share, such as: ORDER BY id"
    assert problem(query, csv()) == Problem("rows-query", message, hint=hint)


@pytest.mark.parametrize(
    "query",
    ["(SELECT user FROM rows) ORDER BY user LIMIT 1", "SELECT user FROM rows UNION ALL SELECT 'x' ORDER BY 1 LIMIT 1",
     "WITH RECURSIVE t(user) AS (SELECT 'u1' UNION ALL SELECT user || '1' FROM t WHERE length(user) < 3) FROM t ORDER BY user LIMIT 1",
     "SELECT user FROM rows, range(2) r(i) ORDER BY ALL LIMIT 1;", "TABLE rows ORDER BY user LIMIT 1 -- the first"],
)  # fmt: skip
def test_any_select_statement_with_an_order_will_do(query: str) -> None:
    [row] = values(query, csv())
    assert row["user"] == "u1"


def test_errors_have_the_message_and_the_place_of_duckdb() -> None:
    line = "WHERE nope > 1 AND user <> '" + "y" * 100 + "'"
    query = f"SELECT user\nFROM rows\n{line}\nORDER BY user"
    message = 'Binder Error: Referenced column "nope" not found in FROM clause!'
    assert problem(query, csv()) == Problem(
        "rows-query", message, Position("--query", 3, 7, 11, line), hint='Candidate bindings: "user"'
    )
    long = "SELECT '" + "y" * 200 + "', nope, '" + "z" * 200 + "' FROM rows ORDER BY 1"
    place = problem(long, csv()).position
    assert place == Position("--query", 1, 212, 216, long)
    assert problem("SELECT user FROM rows ORDER", csv()).position == Position(
        "--query", 1, 23, 28, "SELECT user FROM rows ORDER"
    )


def test_an_error_of_a_value_does_not_show_the_value() -> None:
    query = "SELECT user, amount::INT AS n FROM rows ORDER BY user"
    place = Position("--query", 1, 20, 25, query)
    assert problem(query, csv(content="user,amount\nu1,5\nu2,secret\n")) == Problem(
        "rows-query",
        "Conversion Error: Could not convert string … to INT32 when casting from source column amount",
        place,
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("(amount::INT * 100)::TINYINT", "Conversion Error: Type INT32 with value … can't be cast because the value is out of range for the destination type INT8"),
        ("amount::INT * 2000000000", "Out of Range Error: Overflow in multiplication of INT32 (… * …)!"),
    ],
)  # fmt: skip
def test_an_error_of_a_number_does_not_show_the_number(expression: str, message: str) -> None:
    assert (
        problem(f"SELECT {expression} AS n FROM rows ORDER BY user", csv(content="user,amount\nu1,5\n")).message
        == message
    )


@pytest.mark.parametrize(
    ("expression", "kind", "cast"),
    [
        ("INTERVAL 1 DAY", "INTERVAL", "CAST(… AS VARCHAR)"),
        ("'10:00+02'::TIMETZ", "TIME WITH TIME ZONE", "CAST(… AS VARCHAR)"),
        ("'x'::BLOB", "BLOB", "to_base64(…)"),
        ("'101'::BIT", "BIT", "CAST(… AS VARCHAR)"),
        ("1::BIGNUM", "BIGNUM", "CAST(… AS VARCHAR)"),
        ("1::VARIANT", "VARIANT", "CAST(… AS JSON)"),
        ("union_value(k := 1)", "UNION(k INTEGER)", "CAST(… AS VARCHAR)"),
        ("MAP {1: 'x'}", "MAP(INTEGER, VARCHAR)", "CAST(… AS VARCHAR)"),
        ("[INTERVAL 1 DAY]", "INTERVAL[]", "CAST(… AS VARCHAR)"),
        ("[1::HUGEINT]", "HUGEINT[]", "CAST(… AS VARCHAR)"),
        ("{'a': '{}'::JSON}", "STRUCT(a JSON)", "CAST(… AS VARCHAR)"),
    ],
)
def test_a_column_of_a_type_that_json_does_not_have_is_refused_by_its_name(
    expression: str, kind: str, cast: str
) -> None:
    message = f"the column 'x' of the query has the type {kind}, which JSON does not have"
    assert problem(f"SELECT {expression} AS x ORDER BY 1", csv()) == Problem(
        "rows-query", message, hint=f"cast it in the query, such as: {cast}"
    )


def test_two_columns_of_one_name_are_refused() -> None:
    message = "two columns have the name 'user'"
    assert problem("SELECT user, user FROM rows ORDER BY 1", csv()) == Problem("rows-header", message)


def test_columns_that_sql_does_not_tell_apart_are_refused() -> None:
    message = "the columns 'User' and 'user' differ only in case, which SQL does not tell apart"
    wanted = Problem("rows-header", message)
    assert problem("FROM rows ORDER BY 1", csv(content="User,user\na,b\n")) == wanted
    assert problem("FROM rows ORDER BY 1", parquet("a.parquet", User=[1], user=[2])) == wanted


def test_a_row_that_can_not_be_read_is_not_left_out_in_silence() -> None:
    found = problem("FROM rows ORDER BY 1", csv(content="user,amount\nu1,5\nu2\n"))
    assert (found.code, found.message, found.position and found.position.line) == (
        "row-columns", "1 cell, but the header has 2 columns", 3,
    )  # fmt: skip
    assert found.hint is not None
    assert found.hint.endswith("\na query needs every row: mend this one, or remove it")


def test_text_that_is_not_unicode_is_refused() -> None:
    half = "has half of a surrogate pair: it is not valid Unicode"
    Path("rows.jsonl").write_text('{"a": "x"}\n{"a": "\\ud800"}')
    assert problem("FROM rows ORDER BY a", "rows.jsonl") == Problem(
        "unicode", f"the column 'a' {half}, in row 1 or after it"
    )
    Path("rows.jsonl").write_text('{"a\\ud800": 1}')
    assert problem("FROM rows ORDER BY ALL", "rows.jsonl") == Problem(
        "unicode", f"the name of the column 'a\\ud800' {half}"
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet", "duckdb"])
def test_a_file_whose_name_is_not_utf8_is_refused(suffix: str) -> None:
    name = os.fsdecode(b"\xff." + suffix.encode())
    Path(name).write_text("a\n")
    message = f"{name} can't be queried: its name is not UTF-8"
    assert problem("FROM rows ORDER BY a", name) == Problem("rows-format", message, hint="rename it")


def test_text_of_json_may_have_any_character() -> None:
    row = {"a": "\0\u2028'\"\U0001f600", 'it\'s "b"': "\n"}
    Path("rows.jsonl").write_text(json.dumps(row))
    assert values("FROM rows ORDER BY ALL", "rows.jsonl") == [row]


@pytest.mark.parametrize(
    ("column", "fault"),
    [
        (pa.array([Decimal(10) ** 50 + 1], pa.decimal256(60, 0)), "has decimals that are too long for DuckDB, which would round them"),
        (pa.array([[Decimal(10) ** 50 + 1]], pa.list_(pa.decimal256(60, 0))), "has decimals that are too long for DuckDB, which would round them"),
        (pa.array([7], pa.duration("us")), "has durations, which DuckDB would read as numbers"),
    ],
    ids=["decimal", "list", "duration"],
)  # fmt: skip
def test_a_column_that_duckdb_would_change_is_an_error_where_it_is_named(column: pa.Array, fault: str) -> None:
    name = parquet("a.parquet", a=[1], bad=column)
    assert values("SELECT a FROM rows ORDER BY a", name) == [{"a": 1}]
    assert problem("SELECT a FROM rows WHERE bad IS NOT NULL ORDER BY a", name).message == (
        f"Invalid Input Error: the column bad {fault}"
    )


def test_timestamps_of_old_writers_are_an_error_where_they_are_named() -> None:
    pq.write_table(
        pa.table({"a": [1], "stamp": pa.array([1], pa.timestamp("ns"))}),
        "a.parquet",
        use_deprecated_int96_timestamps=True,
    )
    assert values("SELECT a FROM rows ORDER BY a", "a.parquet") == [{"a": 1}]
    message = "Invalid Input Error: the column stamp has INT96 timestamps, which DuckDB would round"
    assert problem("SELECT stamp FROM rows ORDER BY a", "a.parquet").message == message


def test_a_column_of_old_timestamps_is_found_in_any_file_and_under_any_name() -> None:
    old = pa.table({"a": [1], "x.y": pa.array([1], pa.timestamp("ns"))})
    pq.write_table(old, "new.parquet")
    pq.write_table(old, "old.parquet", use_deprecated_int96_timestamps=True)
    message = "Invalid Input Error: the column x.y has INT96 timestamps, which DuckDB would round"
    for paths in (["old.parquet"], ["new.parquet", "old.parquet"], ["old.parquet", "new.parquet"]):
        assert problem('SELECT "x.y" FROM rows ORDER BY a', *paths).message == message
    assert values('SELECT "x.y" FROM rows ORDER BY a', "new.parquet") == [{"x.y": "1970-01-01T00:00:00.000000001"}]


UTC_TIMES = b64decode(
    "UEFSMRUAFRwVHCwVAhUAFQYVBhwAAAACAAAAAgFGU1WSAgAAABUAFRwVHCwVAhUAFQYVBhwAAAACAAAAAgEVzVsHAAAAABUAFSgVKCwVAhUAFQ"
    "YVBhwAAAACAAAAAgACAAAAAgNAU1WSAgAAABUEGWw1ABgGc2NoZW1hFQYAFQQlAhgBdCUQTHwRHCwAAAAAABUEJQIYAW5sfBEcPAAAAAAANQIY"
    "AWwVAhUGTDwAAAA1BBgEbGlzdBUCABUEJQIYB2VsZW1lbnQlEEx8ERwsAAAAAAAWAhkcGTwmABwVBBklBgAZGAF0FQAWAhZCFkImCEkcFQAVAB"
    "UCADwpBhkmAAIAAAAmABwVBBklBgAZGAFuFQAWAhZCFkImSkkcFQAVABUCADwpBhkmAAIAAAAmABwVBBklBgAZOAFsBGxpc3QHZWxlbWVudBUA"
    "FgIWThZOJowBSRwVABUAFQIAPCkmAgAZRgAAAAIAAAAW0gEWAiYIFtIBACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyMS4wLjAZPBwAAB"
    "wAABwAAAA2AQAAUEFSMQ=="
)
"""Times, such in nanoseconds, and lists of times, as pyarrow 21 writes them."""


def test_times_that_are_marked_as_utc_are_times() -> None:
    """Some writers, such as pyarrow 21, mark all times so. DuckDB does not."""
    Path("utc.parquet").write_bytes(UTC_TIMES)
    schema = pq.ParquetFile("utc.parquet").schema
    assert [json.loads(schema.column(at).logical_type.to_json())["isAdjustedToUTC"] for at in range(3)] == [True] * 3
    duckdb.sql(
        "COPY (SELECT TIME '03:04:05.000006' AS t, '00:00:00.123456789'::TIME_NS AS n, [TIME '03:04:05'] AS l) TO 'local.parquet'"
    )
    assert values("SELECT t FROM rows WHERE t > TIME '03:00' ORDER BY t", "utc.parquet") == [{"t": "03:04:05.000006"}]
    assert values("SELECT t FROM rows ORDER BY t", "local.parquet", "utc.parquet") == [{"t": "03:04:05.000006"}] * 2
    assert problem("SELECT n FROM rows ORDER BY t", "utc.parquet").message == (
        "Invalid Input Error: the column n has times with nanoseconds that are marked as UTC, which DuckDB would cut"
    )
    assert problem("SELECT l FROM rows ORDER BY t", "local.parquet", "utc.parquet").message == (
        "Invalid Input Error: the column l has times inside of a list or struct that are marked as UTC, which DuckDB would take for times with a zone"
    )


def test_files_of_other_columns_or_types_are_refused() -> None:
    parquet("a.parquet", a=[1], b=["x"])
    parquet("b.parquet", a=[1])
    parquet("c.parquet", a=[1.5], b=["x"])
    parquet("d.parquet", b=pa.array(["z"]).dictionary_encode(), a=pa.array([3], pa.int8()))
    query = "FROM rows ORDER BY a"
    assert (
        problem(query, "a.parquet", "b.parquet").message
        == "b.parquet has no column 'b', which other files of the run have"
    )
    assert (
        problem(query, "b.parquet", "a.parquet").message
        == "b.parquet has no column 'b', which other files of the run have"
    )
    assert (
        problem(query, "a.parquet", "c.parquet").message
        == "the column 'a' is integer in a.parquet, and double in c.parquet"
    )
    assert values(query, "a.parquet", "d.parquet") == [{"a": 1, "b": "x"}, {"a": 3, "b": "z"}]
    csv("a.csv", "a,b\n1,2\n")
    csv("b.csv", "b,a\n4,3\n")
    csv("c.csv", "a\n1\n")
    assert values(query, "a.csv", "b.csv") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert problem(query, "a.csv", "c.csv").message == "c.csv has no column 'b', which other files of the run have"


# Files and databases


def test_a_query_and_a_database_need_each_other_and_no_pipe() -> None:
    name = database("CREATE TABLE t (a INT)")

    def refusal(query: str | None, *paths: str) -> tuple[str, str | None]:
        with pytest.raises(RunnerError) as caught:
            find_dataset(paths, query)
        [found] = caught.value.problems
        return found.message, found.hint

    assert refusal(None, name) == (
        "rows of the database warehouse.duckdb need a query", "add --query 'SELECT … FROM … ORDER BY …'",
    )  # fmt: skip
    assert refusal("SELECT 1 ORDER BY 1", name, csv()) == (
        "--rows warehouse.duckdb is a database, and can't be used with other files", None,
    )  # fmt: skip
    assert refusal("SELECT 1 ORDER BY 1", "-") == (
        "--query can't be used with --rows -: it reads files",
        "save the rows in a file",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "can't open x.duckdb: IO Error: The file \"x.duckdb\" exists, but it is not a valid DuckDB database file!"),
        (b"user,amount\n" * 1000, "can't open x.duckdb: IO Error: The file \"x.duckdb\" exists, but it is not a valid DuckDB database file!"),
    ],
    ids=["empty", "text"],
)  # fmt: skip
def test_what_is_no_database_is_refused(content: bytes, message: str) -> None:
    Path("x.duckdb").write_bytes(content)
    assert problem("SELECT 1 ORDER BY 1", "x.duckdb") == Problem("rows-format", message)


def test_a_database_that_is_missing_or_incomplete_is_refused() -> None:
    assert problem("SELECT 1 ORDER BY 1", "x.duckdb", error=NotFound).message == "no such file: x.duckdb"
    name = database("CREATE TABLE t (a INT)")
    Path(f"{name}.wal").write_bytes(b"x")
    assert problem("SELECT 1 ORDER BY 1", name) == Problem(
        "rows-format",
        "warehouse.duckdb is not complete without warehouse.duckdb.wal",
        hint="close the program that writes to it, or run CHECKPOINT in DuckDB",
    )


def test_a_database_that_another_process_writes_to_is_refused() -> None:
    name = database("CREATE TABLE t (a INT)")
    with subprocess.Popen(
        [sys.executable, "-c", f"import duckdb; c = duckdb.connect({name!r}); print('open', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"open\n"
        assert problem("FROM t ORDER BY a", name, error=MachineError) == Problem(
            "file-unreadable",
            f"{name} is open in another process that writes to it",
            hint="close it there, or query a copy",
        )
        other.communicate(b"\n")


def test_a_file_that_changes_is_named() -> None:
    first, second = (parquet(f"{name}.parquet", a=list(range(1000))) for name in "ab")
    with open_dataset(find_dataset([first, second], "FROM rows ORDER BY a"), io.BytesIO()) as rows:
        iterator = iter(rows)
        next(iterator)
        parquet(second, a=[1])
        with pytest.raises(InvalidInput) as caught:
            list(iterator)
    [found] = caught.value.problems
    assert found.code == "rows-changed"
    assert found.message.startswith("b.parquet changed while it was read: it was cut from")


def test_the_fingerprint_is_that_of_each_file() -> None:
    paths = [csv("a.csv"), csv("b.csv")]
    with (
        open_dataset(find_dataset(paths), io.BytesIO()) as plain,
        open_dataset(find_dataset(paths, "FROM rows ORDER BY ALL"), io.BytesIO()) as queried,
    ):
        assert queried.fingerprint() == plain.fingerprint()
    name = database("CREATE TABLE t (a INT)")
    with open_dataset(find_dataset([name], "FROM t ORDER BY a"), io.BytesIO()) as rows:
        assert len(rows.fingerprint()) == 64
        list(rows)


def test_without_the_extra_it_says_how_to_get_it() -> None:
    ended = subprocess.run([sys.executable, "-c", _WITHOUT, csv()], capture_output=True, text=True, check=True)
    assert ended.stdout == "for --query, duckdb must be installed (pip install 'suprsend-runner[sql]')\n"


_WITHOUT = """
import io, sys
from runner.rows.dataset import find_dataset
from runner.rows.open_dataset import open_dataset
from runner.errors import InvalidInput

with open_dataset(find_dataset(sys.argv[1:]), io.BytesIO()) as rows:
    list(rows)
assert not {"duckdb", "pyarrow"} & set(sys.modules)
sys.modules["duckdb"] = None  # as if it were not there
try:
    open_dataset(find_dataset(sys.argv[1:], "FROM rows ORDER BY user"), io.BytesIO())
except InvalidInput as error:
    print(error)
"""
