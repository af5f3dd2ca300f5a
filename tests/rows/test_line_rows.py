"""Rows that are taken as lines of text are the ones that the file yields, however the two take turns."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from runner.bulk.parts import Parts
from runner.errors import RunnerError
from runner.rows.csv_rows import Table
from runner.rows.line_rows import LineRows
from runner.rows.row import LARGE_ROW_CHARS, Row
from runner.rows.row_file import open_rows
from runner.rows.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

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
        assert [part._replace(rows=[*part.rows]) for part in with_lines] == with_rows
        assert [pickle.loads(pickle.dumps(part)) for part in with_rows] == with_rows  # noqa: S301 - made just here
        are_lines = [isinstance(part.rows, LineRows) for part in with_lines]
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
