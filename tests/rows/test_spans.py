"""Rows that are read by their places are those of the whole file, however it is cut, and in any order."""

from __future__ import annotations

import pickle
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from runner.errors import InvalidInput, RunnerError
from runner.rows.dataset import find_dataset
from runner.rows.row_files import RowFiles
from runner.rows.span_cutter import SpanCutter
from runner.rows.span_reader import SpanReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.rows.row import BadRow, Row
    from runner.rows.spans import SpannedRows

T = TypeVar("T")

pytestmark = pytest.mark.usefixtures("in_tmp")


def as_sent(value: T) -> T:
    """Return a value as another process has it."""
    copied: T = pickle.loads(pickle.dumps(value))  # noqa: S301
    return copied


def files_of(*given: str) -> RowFiles:
    return RowFiles(find_dataset(given))


def whole(files: RowFiles) -> tuple[list[Row | BadRow], str]:
    """Return all rows that can be read, and the error that ends them."""
    rows: list[Row | BadRow] = []
    try:
        rows.extend(files)
    except RunnerError as error:
        return rows, str(error)
    return rows, ""


def cutter(files: RowFiles, offset: int = 0, limit: int | None = None) -> SpanCutter:
    return SpanCutter(
        [member for member, _ in files.members], [memory for _, memory in files.members], offset=offset, limit=limit
    )


def cut(cutter: SpanCutter, sizes: random.Random) -> tuple[list[SpannedRows], str]:
    parts = []
    with cutter:
        try:
            while (part := cutter.take(sizes.randint(1, 7))).spans:
                parts.append(as_sent(part))
        except RunnerError as error:
            return parts, str(error)
    return parts, ""


def reader(files: RowFiles) -> SpanReader:
    form = as_sent(files.form)
    return SpanReader([file for file, _ in files.members], form, lambda _, text: text, lambda _, text: text)


def read_by_places(files: RowFiles, seed: int) -> tuple[list[Row | BadRow], str]:
    sizes = random.Random(seed)  # noqa: S311
    parts, error = cut(cutter(files), sizes)
    order = list(range(len(parts)))
    sizes.shuffle(order)
    reading = reader(files)
    found = {at: list(reading.rows(parts[at])) for at in order}
    reading.close()
    for at, part in enumerate(parts):
        assert [row.number for row in found[at]] == [*part.numbers()]
        assert len(found[at]) == len(part)
    return [row for at in range(len(parts)) for row in found[at]], error


CELLS = st.text(alphabet='ab"\n\r,é😀\t ', max_size=4)
LINES = st.lists(st.lists(CELLS, min_size=1, max_size=3), max_size=12)


@example([["a", "b"], ['"é\n', 'x"y'], ['"a"b', "c"]], "\n", 1)  # a broken quote ends the rows
@example([["BZh", "b"], ["PK\x03\x04", "b"]], "\r\n", 2)  # what begins as a binary file does, in the middle
@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(0, 9))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tables(lines: list[list[str]], end: str, seed: int) -> None:
    text = end.join(["one,two", *map(",".join, lines)])
    Path("rows.csv").write_bytes(("\ufeff" * (seed % 2) + text).encode())
    assert read_by_places(files_of("rows.csv"), seed) == whole(files_of("rows.csv"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_text_that_is_read_in_several_blocks(name: str, end: str) -> None:
    """Blocks of 256 KiB end in the middle of characters, cells and rows."""
    numbers = range(9_000)
    if name.endswith(".csv"):
        lines = [
            "one,two",
            *(f'{number}é,"{"x" * (number % 90)}{end if number % 7 == 0 else ""}😀"' for number in numbers),
        ]
    else:
        lines = [f'{{"one": "{number}é", "two": "{"x" * (number % 90)}😀"}}' for number in numbers]
    Path(name).write_bytes(end.join(lines).encode())
    assert Path(name).stat().st_size > 2 * 256 * 1024
    rows, error = read_by_places(files_of(name), 3)
    assert (rows, error) == whole(files_of(name))
    assert len(rows) == len(numbers)


@pytest.mark.parametrize("seed", range(3))
def test_lines_of_json(seed: int) -> None:
    lines = ['{"a": "é"}', "", '{"a": 1, "b": [null]}', "{broken", "[1]", "  ", '{"a": {"x": "😀"}}'] * 7
    Path("rows.jsonl").write_text("\n".join(lines))
    rows, error = read_by_places(files_of("rows.jsonl"), seed)
    assert (rows, error) == whole(files_of("rows.jsonl"))
    assert len(rows) == 35


def write_parquet(path: str, first: int, rows: int, group: int) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "user": [f"u{number}" for number in range(first, first + rows)],
            "amount": pa.array(range(first, first + rows), pa.int64()),
            "tags": [[str(number)] * (number % 3) for number in range(first, first + rows)],
        }
    )
    pq.write_table(table, path, row_group_size=group)


@pytest.mark.parametrize("seed", range(5))
def test_folders_of_parquet(seed: int) -> None:
    for number, country in enumerate(("de", "fr", "it")):
        write_parquet(f"data/country={country}/part.parquet", number * 100, 37, 10)
    files = files_of("data")
    files.keep(["user", "country", "tags"], None)
    expected = whole(files)
    assert len(expected[0]) == 111
    files = files_of("data")
    files.keep(["user", "country", "tags"], None)
    assert read_by_places(files, seed) == expected


def test_files_with_columns_in_another_order() -> None:
    Path("a.csv").write_text("user,city\nu1,Köln\nu2,Bonn\n")
    Path("b.csv").write_text("city,user\nParis,u3\n")
    assert read_by_places(files_of("a.csv", "b.csv"), 1) == whole(files_of("a.csv", "b.csv"))


@pytest.mark.parametrize(("offset", "limit"), [(0, None), (3, 4), (12, 30), (29, None), (50, 10)])
def test_offset_and_limit(offset: int, limit: int | None) -> None:
    write_parquet("a.parquet", 0, 13, 4)
    write_parquet("b.parquet", 13, 17, 100)
    parts, error = cut(cutter(files_of("a.parquet", "b.parquet"), offset, limit), random.Random(1))  # noqa: S311
    numbers = [number for part in parts for number in part.numbers()]
    assert (numbers, error) == ([*range(1, 31)][offset : None if limit is None else offset + limit], "")


def test_only_some_rows_of_a_part() -> None:
    write_parquet("a.parquet", 0, 20, 6)
    files = files_of("a.parquet")
    with cutter(files) as cutting:
        part = replace(cutting.take(20), only=frozenset({3, 7, 19}))
    assert (len(part), [*part.numbers()]) == (3, [3, 7, 19])
    assert [row.number for row in reader(files).rows(part)] == [3, 7, 19]


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_another_file_under_the_same_name_is_refused(name: str) -> None:
    def write(users: Sequence[str]) -> None:
        if name.endswith(".csv"):
            Path(name).write_text("\n".join(["user", *users]))
        else:
            pq.write_table(pa.table({"user": users}), name, compression="none")

    write(["u1", "u2"])
    files = files_of(name)
    with cutter(files) as cutting:
        part = cutting.take(2)
    write(["u1", "u3"])
    with pytest.raises(InvalidInput, match="is not the file that the run reads elsewhere"):
        list(reader(files).rows(part))


def test_large_rows_end_a_part() -> None:
    Path("rows.csv").write_text("user\n" + "".join(f"{'x' * 20_000}\n" for _ in range(10)))
    with cutter(files_of("rows.csv")) as cutting:
        sizes = [len(cutting.take(100, 50_000)) for _ in range(4)]
    assert sizes == [3, 3, 3, 1]


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["a.csv"], True), (["a.parquet", "b.parquet"], True), (["a.csv.gz"], False), (["a.json"], False), (["-"], False)],
)
def test_what_can_be_cut(names: list[str], expected: bool) -> None:
    assert find_dataset(names).has_places is expected


def test_rows_of_a_query_have_no_places() -> None:
    write_parquet("a.parquet", 0, 1, 1)
    assert not find_dataset(["a.parquet"], "select 1").has_places


def test_a_cutter_reads_no_row_of_parquet() -> None:
    """A file whose pages are damaged is cut as if it was whole: the reader of the part says so."""
    write_parquet("a.parquet", 0, 5000, 5000)
    files = files_of("a.parquet")
    content = bytearray(Path("a.parquet").read_bytes())
    content[100:400] = bytes(300)
    Path("a.parquet").write_bytes(content)
    files = files_of("a.parquet")
    with cutter(files) as cutting:
        part = cutting.take(10)
    with pytest.raises(RunnerError) as caught:
        list(reader(files).rows(part))
    assert _code(caught.value) in {"rows-syntax", "rows-too-large", "rows-format"}


def _code(error: RunnerError) -> Any:
    return error.problems[0].code
