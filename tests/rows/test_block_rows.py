"""Rows that are taken as lines of text, or as columns, are the ones that the file yields, however the two take turns."""

from __future__ import annotations

import io
import math
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from runner.bulk.parts import Parts
from runner.errors import RunnerError
from runner.rows.column_rows import ColumnRows
from runner.rows.csv_rows import Table
from runner.rows.dataset import find_dataset
from runner.rows.line_rows import LineRows
from runner.rows.open_dataset import open_dataset
from runner.rows.row import LARGE_ROW_CHARS, Row
from runner.rows.row_file import open_rows
from runner.rows.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.bulk.part import Part


CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "1", "x y", '"', '""', '"a,b"', '"a\nb"', 'a"b', "é", "\u2028", "\x0b", "\0", "\r", "x" * 20_000]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
LINES = st.one_of(st.lists(CELLS, min_size=2, max_size=2), st.lists(CELLS, max_size=3)).map(",".join)
TEXTS = st.builds(
    lambda lines, ends, last: "".join(map("".join, zip(lines, ends, strict=False))) + last,
    st.lists(LINES, max_size=40),
    st.one_of(
        st.lists(st.just("\n"), min_size=40, max_size=40),
        st.lists(st.just("\r\n"), min_size=40, max_size=40),
        st.lists(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]), min_size=40, max_size=40),
    ),
    LINES,
)


def table_of(text: str, piece: int) -> Table:
    stream = io.BytesIO(f"a,b\n{text}".encode())
    return Table(Text(lambda _: stream.read(piece), "rows.csv"), ",")


def yielded(table: Table) -> list[object]:
    found: list[object] = []
    try:
        found.extend(table.rows())
    except RunnerError as error:
        found.append(str(error))
    return found


@given(TEXTS, st.integers(5, 400), st.lists(st.tuples(st.booleans(), st.integers(1, 5)), min_size=1))
def test_lines_and_rows_that_take_turns_are_the_rows_of_the_file(
    text: str, piece: int, turns: list[tuple[bool, int]]
) -> None:
    table = table_of(text, piece)
    rows = table.rows()
    found: list[object] = []
    try:
        is_over = False
        while not is_over:
            for takes_lines, count in turns:
                lines = table.take(count) if takes_lines else None
                if lines is not None:
                    assert 0 < len(lines) <= count
                    *_, last = lines
                    assert (table.number, table.next_line) == (last.number, last.line + 1)
                    found += pickle.loads(pickle.dumps(lines))  # noqa: S301 - made just here
                else:
                    row = next(rows, None)
                    is_over = is_over or row is None
                    found += [row] if row is not None else []
    except RunnerError as error:
        found.append(str(error))
    assert [tuple(row) if isinstance(row, tuple) else row for row in found] == [
        tuple(row) if isinstance(row, tuple) else row for row in yielded(table_of(text, piece))
    ]


def parts_of(path: Path, columns: Sequence[str], *, as_lines: bool) -> list[Part]:
    with open_rows(path, io.BytesIO(), "rows.csv") as file:
        file.arrange(columns)
        take = file.take if as_lines else lambda _: None
        parts = Parts(iter(file), 100, None, digests=None, take=take)
        found = list(parts)
        assert parts.is_over
        return found


def test_parts_are_the_same_with_lines_and_with_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"user-{number},{number},x{number % 7}\n" for number in range(60_000)]
    lines[20_000] = 'user,"quoted\ncell",y\n'
    lines[35_000] = "too,few\n"
    lines[40_000] = f"large,{'x' * LARGE_ROW_CHARS},y\n"
    path.write_text("user,order,other\n" + "".join(lines), "utf-8")
    for columns in (["user", "order", "other"], ["other", "user"]):
        with_lines, with_rows = (parts_of(path, columns, as_lines=each) for each in (True, False))
        assert [part._replace(rows=[*part.carried]) for part in with_lines] == with_rows
        assert [pickle.loads(pickle.dumps(part)) for part in with_rows] == with_rows  # noqa: S301 - made just here
        are_lines = [isinstance(part.carried, LineRows) for part in with_lines]
        assert are_lines.count(True) > are_lines.count(False) > 0


def test_the_rows_that_were_looked_at_come_first(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n3,4\n5,6\n", "utf-8")
    with open_rows(path, io.BytesIO(), "rows.csv") as file:
        assert file.first(1) == Row(1, 2, ["1", "2"])
        assert file.take(10) is None
        rows = iter(file)
        assert next(rows) == Row(1, 2, ["1", "2"])
        taken = file.take(10)
        assert taken is not None
        assert [*taken] == [Row(2, 3, ["3", "4"]), Row(3, 4, ["5", "6"])]
        assert [*rows] == []


def parts_of_files(given: list[str], *, in_blocks: bool) -> list[Part]:
    with open_dataset(find_dataset(given), io.BytesIO()) as rows:
        take = rows.take if in_blocks else lambda _: None
        parts = Parts(iter(rows), 100, None, digests=None, take=take)
        found = [part.placed(rows.starts) for part in parts]
        assert parts.is_over
        return found


def test_parts_of_parquet_are_the_same_in_columns_and_in_rows(tmp_path: Path) -> None:
    size = 20_000
    values: list[float] = [*map(float, range(size))]
    values[5_000] = math.nan
    texts = [f"u{number}" for number in range(size)]
    texts[15_000] = "x" * 3_000_000
    table = pa.table({"user": texts, "amount": values})
    path = str(tmp_path / "rows.parquet")
    pq.write_table(table, path, row_group_size=7_000)
    in_columns, in_rows = (parts_of_files([path], in_blocks=each) for each in (True, False))
    assert [part._replace(rows=[*part.carried]) for part in in_columns] == in_rows
    again = [pickle.loads(pickle.dumps(part)) for part in in_columns]  # noqa: S301 - made just here
    assert [part._replace(rows=[*part.carried]) for part in again] == in_rows
    are_columns = [isinstance(part.carried, ColumnRows) for part in in_columns]
    assert are_columns.count(True) > are_columns.count(False) > 0
    [columns, *_] = in_columns
    assert isinstance(columns.carried, ColumnRows)
    assert [*columns.carried.numbered()] == [(row.number, row.line) for row in columns.carried]
    assert columns.carried.row(7) == in_rows[0].carried[6] == columns.carried[6]


def test_parts_over_several_files_are_the_same_in_blocks_and_in_rows(tmp_path: Path) -> None:
    paths = []
    for file in range(3):
        paths.append(str(tmp_path / f"{file}.csv"))
        lines = "".join(f"u{file}-{number},{number}\n" for number in range(250))
        Path(paths[-1]).write_text(f"user,order\n{lines}", "utf-8")
    in_blocks, in_rows = (parts_of_files(paths, in_blocks=each) for each in (True, False))
    assert [part._replace(rows=[*part.carried]) for part in in_blocks] == in_rows
    assert [part.size for part in in_rows] == [100] * 7 + [50]
    # A file is opened for the first of its rows.
    are_lines = [isinstance(part.carried, LineRows) for part in in_blocks]
    assert are_lines == [False, True, False, True, True, False, True, True]
    firsts = [[start.first_row for start in part.files] for part in in_blocks]
    assert firsts == [[1], [1], [1, 251], [251], [251], [501], [501], [501]]
    assert [row for part in in_blocks for row in part.carried if row.line == 2] == [
        Row(1 + 250 * file, 2, [f"u{file}-0", "0"]) for file in range(3)
    ]
