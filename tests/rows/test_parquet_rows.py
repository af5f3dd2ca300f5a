"""Parquet: values as JSON has them, bad rows for what JSON does not have, and nothing of it without the extra."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
from base64 import b64decode, b64encode
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyarrow.parquet import encryption

from runner.errors import InvalidInput, Problem
from runner.rows.parquet_rows import Parquet
from runner.rows.row_file import BadRow, Row, open_named, open_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.source import Json

pytestmark = pytest.mark.usefixtures("in_tmp")


def read(table: pa.Table, **options: object) -> list[Row | BadRow]:
    pq.write_table(table, "rows.parquet", **options)
    with open_rows(Path("rows.parquet"), io.BytesIO(), "rows.parquet") as file:
        assert (file.columns, file.header) == (tuple(table.column_names), None)
        return list(file)


def refusal() -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as caught, open_rows(Path("rows.parquet"), io.BytesIO(), "rows.parquet") as file:
        list(file)
    return caught.value.problems


MOMENT = datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)
NANOSECONDS = 1_700_000_000_123_456_789


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (pa.array([1, None, -(2**63)]), [1, None, -(2**63)]),
        (pa.array([2**64 - 1], pa.uint64()), [2**64 - 1]),
        (pa.array([True, None]), [True, None]),
        (pa.array([None, None]), [None, None]),
        (pa.array(["ü\0\n", "", None]), ["ü\0\n", "", None]),
        (pa.array(["ü"], pa.large_string()), ["ü"]),
        (pa.array(["ü", "ü", "x"]).dictionary_encode(), ["ü", "ü", "x"]),
        (pa.array([0.5, None, 1e308]), [0.5, None, 1e308]),
        (pa.array([0.5], pa.float32()), [0.5]),
        (pa.array([Decimal("-1.50"), None]), ["-1.50", None]),
        (pa.array([Decimal(10**30)]), ["1" + "0" * 30]),
        (pa.array([date(2026, 1, 2), None]), ["2026-01-02", None]),
        (pa.array([time(3, 4, 5)]), ["03:04:05"]),
        (pa.array([datetime(2026, 1, 2, 3, 4, 5), None]), ["2026-01-02T03:04:05", None]),  # noqa: DTZ001 - has none
        (pa.array([MOMENT], pa.timestamp("ms", "UTC")), ["2026-01-02T03:04:05.600000+00:00"]),
        (pa.array([MOMENT], pa.timestamp("us", "+05:30")), ["2026-01-02T08:34:05.600000+05:30"]),
        (
            pa.array([NANOSECONDS, None, NANOSECONDS // 1000 * 1000, -1], pa.timestamp("ns")),
            ["2023-11-14T22:13:20.123456789", None, "2023-11-14T22:13:20.123456", "1969-12-31T23:59:59.999999999"],
        ),
        (pa.array([0, 1, None], pa.timestamp("ns")), ["1970-01-01T00:00:00", "1970-01-01T00:00:00.000000001", None]),
        (
            pa.array([0, 0, 1], pa.timestamp("ns")).dictionary_encode(),
            ["1970-01-01T00:00:00"] * 2 + ["1970-01-01T00:00:00.000000001"],
        ),
        (pa.array([0, 1, None], pa.time64("ns")), ["00:00:00", "00:00:00.000000001", None]),
        (
            pa.array([[0, None], None, [NANOSECONDS]], pa.list_(pa.timestamp("ns"))),
            [["1970-01-01T00:00:00", None], None, ["2023-11-14T22:13:20.123456789"]],
        ),
        (pa.array([[1]], pa.list_(pa.time64("ns"), 1)), [["00:00:00.000000001"]]),
        (
            pa.array(
                [{"at": 1, "days": [date(2026, 1, 2)]}, {"at": None, "days": None}, None],
                pa.struct([("at", pa.timestamp("ns", "UTC")), ("days", pa.list_(pa.date32()))]),
            ),
            [{"at": "1970-01-01T00:00:00.000000001+00:00", "days": ["2026-01-02"]}, {"at": None, "days": None}, None],
        ),
        (
            pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.timestamp("ns"))),
            [{"a": "1970-01-01T00:00:00.000000001"}, {}],
        ),
        (pa.array([NANOSECONDS], pa.timestamp("ns", "+01:00")), ["2023-11-14T23:13:20.123456789+01:00"]),
        (pa.array([UUID(int=7).bytes], pa.uuid()), ["00000000-0000-0000-0000-000000000007"]),
        (pa.array([[1, None], [], None]), [[1, None], [], None]),
        (pa.array([{"day": date(2026, 1, 2), "prices": [Decimal("1.5")]}]), [{"day": "2026-01-02", "prices": ["1.5"]}]),
        (pa.array([[("a", 1), ("b", None)], []], pa.map_(pa.string(), pa.int8())), [{"a": 1, "b": None}, {}]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_values_are_what_json_has_for_them(column: pa.Array, wanted: list[Json]) -> None:
    assert read(pa.table({"a": column})) == [Row(number, 0, {"a": value}) for number, value in enumerate(wanted, 1)]


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (pa.array([None, b"x"]), "bytes are not a JSON value"),
        (pa.array([None, float("nan")]), "nan is not a JSON number"),
        (pa.array([None, [float("-inf")]]), "-inf is not a JSON number"),
        (pa.array([None, timedelta(1)]), "a duration is not a JSON value: write it as text or as a number"),
        (pa.array([None, [(1, 2)]], pa.map_(pa.int8(), pa.int8())), "a map whose keys are not text"),
        (
            pa.array([None, [("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int8())),
            "a map that has a key twice, or a value that Python can't hold",
        ),
        (
            pa.array([None, [("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.timestamp("ns"))),
            "a map that has a key twice, or a value that Python can't hold",
        ),
        (pa.array([None, 2**62], pa.timestamp("us")), "a date is from the year 1 to 9999"),
        (pa.array([None, b"\xff"]).view(pa.string()), "text that is not UTF-8"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_a_value_that_json_does_not_have_makes_a_bad_row(column: pa.Array, why: str) -> None:
    problem = Problem("row-json", f"column 'a': {why}", context="in row 2")
    assert read(pa.table({"a": column, "b": ["1", "2"]})) == [Row(1, 0, {"a": None, "b": "1"}), BadRow(2, 0, problem)]


def test_an_offset_with_seconds_is_written_in_utc() -> None:
    """RFC 3339 has no seconds in offsets; Berlin was 53 minutes and 28 seconds ahead before 1893."""
    old = pa.array(
        [datetime(1890, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)], pa.timestamp("us", "Europe/Berlin")
    )
    assert [row.values for row in read(pa.table({"a": old})) if isinstance(row, Row)] == [
        {"a": "1890-01-01T00:00:00+00:00"},
        {"a": "2026-07-01T02:00:00+02:00"},
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_time_of_another_day_makes_a_bad_row(unit: str) -> None:
    day = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}[unit]
    kind = pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
    rows = read(pa.table({"a": pa.array([day - 1, day, -1, None], kind)}))
    reason = "column 'a': a time of day is from 00:00:00 to 23:59:59"
    assert [row.problem.message if isinstance(row, BadRow) else "" for row in rows] == ["", reason, reason, ""]
    rows = read(pa.table({"a": pa.array([[day - 1], [None, day], None], pa.list_(kind))}))
    assert [isinstance(row, BadRow) for row in rows] == [False, True, False]


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}], ids=["stored once", "stored each"])
def test_a_column_of_json_has_its_values(options: dict[str, object]) -> None:
    texts = ['{"a": [1.5, null]}', "7", "null", None, '{"a": [1.5, null]}', "{", '{"a": 1, "a": 2}']
    rows = read(pa.table({"a": pa.array(texts, pa.json_())}), **options)
    reason = "column 'a': a JSON column with text that is not JSON"
    assert [row.problem.message if isinstance(row, BadRow) else row.values["a"] for row in rows] == [  # type: ignore[call-overload]
        {"a": [1.5, None]}, 7, None, None, {"a": [1.5, None]}, reason, reason,
    ]  # fmt: skip


def test_a_decimal_is_converted_where_a_number_is_equal_to_it() -> None:
    texts = ["12.50", "100", "0.1234567890123456789", None]
    pq.write_table(
        pa.table({"a": pa.array([text and Decimal(text) for text in texts], pa.decimal128(22, 19))}), "rows.parquet"
    )
    with open_rows(Path("rows.parquet"), io.BytesIO(), "rows.parquet") as file:
        file.convert_texts(lambda _, text: float(text))
        assert [row.values["a"] for row in file if isinstance(row, Row)] == [12.5, 100.0, "0.1234567890123456789", None]  # type: ignore[call-overload]
    with open_rows(Path("rows.parquet"), io.BytesIO(), "rows.parquet") as file:
        file.convert_texts(lambda _, text: int(text))
        assert file.first(1) == Row(1, 0, {"a": "12.5000000000000000000"})


def test_moments_of_old_writers_are_right_in_any_year() -> None:
    micros = [-62135596800000000, 0, 253402300799999999, None]
    texts = ["0001-01-01T00:00:00", "1970-01-01T00:00:00", "9999-12-31T23:59:59.999999", None]
    table = pa.table({"a": pa.array(micros, pa.timestamp("us")), "b": [1, 2, 3, 4]})
    rows = read(table, use_deprecated_int96_timestamps=True, row_group_size=3)
    assert [row.values for row in rows if isinstance(row, Row)] == [
        {"a": text, "b": number} for number, text in enumerate(texts, 1)
    ]
    fine = pa.table({"a": pa.array([1, 1001, NANOSECONDS], pa.timestamp("ns"))})
    rows = read(fine, use_deprecated_int96_timestamps=True)
    assert [row.values for row in rows if isinstance(row, Row)] == [
        {"a": "1970-01-01T00:00:00.000000001"}, {"a": "1970-01-01T00:00:00.000001001"},
        {"a": "2023-11-14T22:13:20.123456789"},
    ]  # fmt: skip


def test_moments_of_old_writers_that_may_be_others_make_a_bad_row() -> None:
    reason = "column 'a': an INT96 timestamp from 2262 to 2554 may be one before 1970: write it as TIMESTAMP"
    late = pa.table({"a": pa.array([0, 10413792000000000, 18500000000000000], pa.timestamp("us"))})
    assert read(late, use_deprecated_int96_timestamps=True) == [
        Row(1, 0, {"a": "1970-01-01T00:00:00"}),
        BadRow(2, 0, Problem("row-json", reason, context="in row 2")),
        Row(3, 0, {"a": "2556-03-29T08:53:20"}),
    ]
    [early] = read(pa.table({"a": pa.array([-1], pa.timestamp("ns"))}), use_deprecated_int96_timestamps=True)
    # It depends on the version of pyarrow that wrote it.
    assert early in (
        Row(1, 0, {"a": "1969-12-31T23:59:59.999999999"}),
        BadRow(1, 0, Problem("row-json", reason, context="in row 1")),
    )


def test_moments_of_old_writers_inside_others_make_a_bad_row() -> None:
    table = pa.table({"a": pa.array([None, [0]], pa.list_(pa.timestamp("us"))), "b": [1, 2]})
    problem = Problem("row-json", "column 'a': INT96 is not supported in lists and structs", context="in row 2")
    assert read(table, use_deprecated_int96_timestamps=True) == [Row(1, 0, {"a": None, "b": 1}), BadRow(2, 0, problem)]


def test_a_page_that_does_not_fit_its_checksum_is_damage() -> None:
    table = pa.table({"a": ["recipient-0001"] * 1_000})
    pq.write_table(table, "rows.parquet", write_page_checksum=True, compression="none", use_dictionary=False)
    path = Path("rows.parquet")
    raw = path.read_bytes()
    at = raw.index(b"recipient-0001", len(raw) // 2)
    path.write_bytes(raw[:at] + b"recipient-0002" + raw[at + 14 :])
    assert refusal() == (Problem("rows-syntax", "rows.parquet: the file is damaged before the first row"),)


def footer(columns: bytes, rows: int, groups: bytes = b"\x0c") -> bytes:
    """Write a file of nothing but metadata, in Thrift's compact protocol: its schema, and how many rows it says it has."""
    schema = b"\x19" + columns
    meta = b"\x15\x04" + schema + b"\x16" + varint(2 * rows) + b"\x19" + groups + b"\x00"
    return b"PAR1" + meta + len(meta).to_bytes(4, "little") + b"PAR1"


def varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])


ROOT = b"\x48\x06schema\x15\x02\x00"
"""A schema of one column."""
NUMBER = b"\x15\x04\x25\x02\x18\x01a\x00"
EMPTY_STRUCT = b"\x35\x02\x18\x01a\x15\x00\x00"


def test_rows_that_a_file_promises_and_does_not_have_are_damage() -> None:
    Path("rows.parquet").write_bytes(footer(b"\x2c" + ROOT + NUMBER, 8))
    message = "its footer promises 8 rows, but it ends before the first row"
    assert refusal() == (Problem("rows-syntax", f"rows.parquet: {message}"),)


@pytest.mark.parametrize("rows", [8, 10**12])
def test_a_struct_of_nothing_is_refused(rows: int) -> None:
    """Nothing is stored of it but how many there are."""
    group = b"\x1c\x19\x0c\x16\x00\x16" + varint(2 * rows) + b"\x00"
    Path("rows.parquet").write_bytes(footer(b"\x2c" + ROOT + EMPTY_STRUCT, rows, group))
    assert refusal() == (Problem("rows-header", "column 'a' has a struct without fields"),)


def test_rows_of_all_groups_and_batches_are_counted_on() -> None:
    numbers = list(range(10_000))
    table = pa.table({"a": numbers, "text": ["x" * 1000] * len(numbers)})
    read_rows = read(table, row_group_size=3_333)
    assert read_rows == [Row(number + 1, 0, {"a": number, "text": "x" * 1000}) for number in numbers]


def test_no_rows_are_no_rows() -> None:
    assert read(pa.table({"a": pa.array([], pa.string())})) == []


@pytest.mark.parametrize(
    ("names", "problems"),
    [
        (["a", "b", "a"], ["two columns have the name 'a'"]),
        (["a", "", " "], ["column 2 has no name", "column 3 has no name"]),
        ([], ["the file has no columns"]),
    ],
)
def test_columns_that_have_no_name_of_their_own_are_refused(names: list[str], problems: list[str]) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1])] * len(names), names), "rows.parquet")
    assert refusal() == tuple(Problem("rows-header", problem) for problem in problems)


@pytest.mark.parametrize("damage", [lambda _: b"", lambda _: b"a,b\n1,2\n" * 9, lambda whole: whole[:-20]])
def test_what_is_no_parquet_file_is_refused(damage: Callable[[bytes], bytes]) -> None:
    pq.write_table(pa.table({"a": [1]}), "rows.parquet")
    path = Path("rows.parquet")
    path.write_bytes(damage(path.read_bytes()))
    message = "rows.parquet is not a readable Parquet file"
    assert refusal() == (Problem("rows-format", message, hint="is it incomplete?"),)


def test_a_file_that_is_damaged_is_told_after_the_rows_before() -> None:
    table = pa.table({"a": list(range(20_000))})
    pq.write_table(table, "rows.parquet", row_group_size=10_000, use_dictionary=False, compression="gzip")
    path = Path("rows.parquet")
    raw = path.read_bytes()
    start = pq.ParquetFile("rows.parquet").metadata.row_group(1).column(0).data_page_offset
    path.write_bytes(raw[:start] + b"\xff" * 2000 + raw[start + 2000 :])
    assert refusal() == (Problem("rows-syntax", "rows.parquet: the file is damaged after row 10000"),)


def test_without_the_extra_it_says_how_to_get_it() -> None:
    Path("rows.parquet").write_bytes(b"")
    ended = subprocess.run([sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=True)
    hint = "pip install 'suprsend-runner[parquet]'"
    assert ended.stdout == f"to read rows.parquet, pyarrow must be installed ({hint})\n"


_WITHOUT = """
import io, sys
from pathlib import Path
from runner.rows.row_file import open_rows
from runner.errors import InvalidInput

assert "pyarrow" not in sys.modules
sys.modules["pyarrow"] = None  # as if it were not there
try:
    open_rows(Path("rows.parquet"), io.BytesIO(), "rows.parquet")
except InvalidInput as error:
    print(error)
"""


def stored_once(texts: list[str], indices: list[int]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(texts))


LONG = "x" * 900_000
TOO_LARGE = "a row of more than 200,000 values, or a cell of more than 819,200 bytes"


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}], ids=["stored once", "stored each"])
def test_a_text_longer_than_any_event_makes_a_bad_row(options: dict[str, object]) -> None:
    problem = Problem("row-too-large", "column 'a': a text of more than 819,200 bytes", context="in row 2")
    table = pa.table({"a": stored_once(["u", LONG], [0, 1, 0])})
    assert read(table, store_schema=False, **options) == [
        Row(1, 0, {"a": "u"}),
        BadRow(2, 0, problem),
        Row(3, 0, {"a": "u"}),
    ]


@pytest.mark.parametrize(
    "column",
    [
        pa.StructArray.from_arrays([stored_once([LONG], [0])], ["b"]),
        pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), stored_once([LONG], [0])),
        pa.MapArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array(["k"]), stored_once([LONG], [0])),
        pa.ListArray.from_arrays(pa.array([0, 200_000], pa.int32()), pa.nulls(200_000, pa.int8())),
    ],
    ids=lambda column: str(column.type),
)
def test_a_nested_value_larger_than_any_event_makes_a_bad_row(column: pa.Array) -> None:
    assert read(pa.table({"a": column}), store_schema=False) == [
        BadRow(1, 0, Problem("row-too-large", TOO_LARGE, context="in row 1"))
    ]


def test_long_texts_that_are_stored_once_are_read_as_they_are() -> None:
    texts = [f"{number}{'x' * 5_000}" for number in range(3)]
    wanted = [texts[number % 3] for number in range(2_000)]
    table = pa.table({"a": stored_once(texts, [number % 3 for number in range(2_000)])})
    assert [row.values["a"] for row in read(table, store_schema=False) if isinstance(row, Row)] == wanted  # type: ignore[call-overload]


def _page() -> pa.Array:
    return pa.array(["x" * 100_000_000])


def _dictionary() -> pa.Array:
    return pa.array(["x" * 1_000_000 + f"{n:03}" for n in range(100)])


def _list() -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, 10_000_001], pa.int32()), pa.nulls(10_000_001, pa.int8()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "options", "why"),
    [
        (_page, {"use_dictionary": False}, "decompress to 100,0"),
        (_dictionary, {"dictionary_pagesize_limit": 2**30}, "decompress to 100,0"),
        (_list, {}, "10,000,000 values in lists"),
    ],
    ids=["page", "dictionary", "list"],
)
def test_what_is_packed_too_tightly_is_not_unpacked(
    column: Callable[[], pa.Array], options: dict[str, object], why: str
) -> None:
    table = pa.table({"a": column()})
    pq.write_table(table, "rows.parquet", compression="zstd", store_schema=False, **options)
    [problem] = refusal()
    assert (problem.code, why in problem.message) == ("rows-too-large", True)


@pytest.mark.slow
def test_more_columns_than_ten_thousand_are_not_read() -> None:
    pq.write_table(pa.table({f"c{number}": [1] for number in range(20_000)}), "rows.parquet", store_schema=False)
    [problem] = refusal()
    assert problem.message == "rows.parquet can't be read: it has more than 10,000 columns"


class _Keys(encryption.KmsClient):  # type: ignore[misc] # pyarrow has no types
    """Wraps keys in nothing."""

    def __init__(self, _: object) -> None:
        super().__init__()

    def wrap_key(self, key: bytes, _: str) -> bytes:
        return b64encode(key)

    def unwrap_key(self, wrapped: bytes, _: str) -> bytes:
        return b64decode(wrapped)


@pytest.mark.parametrize("plaintext_footer", [True, False])
@pytest.mark.parametrize("rows", [1, 5000])
def test_an_encrypted_file_is_told_as_one(plaintext_footer: bool, rows: int) -> None:
    settings = encryption.EncryptionConfiguration("f", column_keys={"c": ["b"]}, plaintext_footer=plaintext_footer)
    made = encryption.CryptoFactory(_Keys).file_encryption_properties(encryption.KmsConnectionConfig(), settings)
    table = pa.table({"user": ["u1"] * rows, "b": ["y"] * rows})
    with pq.ParquetWriter("rows.parquet", table.schema, encryption_properties=made) as writer:
        for _ in range(3):
            writer.write_table(table)
    hint = "write it without encryption: keys are not supported"
    assert refusal() == (Problem("rows-format", "rows.parquet is encrypted", hint=hint),)


@pytest.mark.usefixtures("in_tmp")
def test_a_file_is_let_go_of_when_it_is_closed_without_waiting_for_garbage_to_be_collected() -> None:
    """Of a thousand files, the memory of each would stay until the next collection, which a run makes rarely."""
    pq.write_table(pa.table({"user": ["u1", "u2"]}), "rows.parquet")
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            with open_named("rows.parquet") as file:
                assert len(list(file)) == 2
        del file
        assert [each for each in gc.get_objects() if isinstance(each, Parquet)] == []
    finally:
        gc.enable()
