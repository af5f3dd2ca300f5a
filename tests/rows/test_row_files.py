"""Several files are read as one: each row once, in order, with its file; files that do not go together are refused."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from runner.errors import InvalidInput, RunnerError
from runner.rows.dataset import find_dataset
from runner.rows.open_dataset import open_dataset
from runner.rows.places import FileStart, Places
from runner.rows.row import Row
from runner.rows.row_files import RowFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.rows.row import BadRow
    from runner.rows.row_file import RowFile

pytestmark = pytest.mark.usefixtures("in_tmp")


def write(name: str, rows: list[dict[str, Any]]) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        path.write_text("\n".join(lines) + "\n")


def opened(*given: str) -> RowFiles:
    rows = open_dataset(find_dataset(given), io.BytesIO())
    assert isinstance(rows, RowFiles)
    return rows


def read(rows: RowFile | RowFiles) -> list[tuple[int, int, Any]]:
    return [(row.number, row.line, named(row, rows)) for row in rows]


def named(row: Row | BadRow, rows: RowFile | RowFiles) -> Any:
    if not isinstance(row, Row):
        return row.problem.code
    return dict(zip(rows.header, row.values, strict=True)) if rows.header is not None else row.values


def refusal(doing: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(RunnerError) as caught:
        doing()
    [problem] = caught.value.problems
    return problem.code, problem.message


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_rows_are_numbered_through_and_lines_are_those_of_their_files(suffix: str) -> None:
    for name, users in {"a": ["u1", "u2"], "b": ["u3"], "c": ["u4", "u5"]}.items():
        write(f"all/{name}{suffix}", [{"user": user} for user in users])
    with opened("all") as rows:
        first = {".csv": 2, ".jsonl": 1, ".parquet": 0}[suffix]
        step = suffix != ".parquet"
        assert read(rows) == [
            (1, first, {"user": "u1"}),
            (2, first + step, {"user": "u2"}),
            (3, first, {"user": "u3"}),
            (4, first, {"user": "u4"}),
            (5, first + step, {"user": "u5"}),
        ]
        assert rows.starts == [FileStart(1, f"all/a{suffix}"), FileStart(3, f"all/b{suffix}"), FileStart(4, f"all/c{suffix}")]  # fmt: skip
        places = Places(rows.starts)
        assert [places.of(row) for row in (1, 2, 3, 5)] == [
            (f"all/a{suffix}", 1), (f"all/a{suffix}", 2), (f"all/b{suffix}", 1), (f"all/c{suffix}", 2),
        ]  # fmt: skip
        assert places.within(2, 2) == (FileStart(1, f"all/a{suffix}"), FileStart(3, f"all/b{suffix}"))


def test_files_without_rows_take_no_numbers() -> None:
    for name, rows in {"a": "", "b": "u1\n", "c": "", "d": "u2\n"}.items():
        Path(f"{name}.csv").write_text(f"user\n{rows}")
    with opened("*.csv") as files:
        assert [number for number, *_ in read(files)] == [1, 2]
        assert [Places(files.starts).of(row) for row in (1, 2)] == [("b.csv", 1), ("d.csv", 1)]


def test_columns_may_stand_in_another_order_and_files_may_have_more() -> None:
    Path("a.csv").write_text("user,amount\nu1,1\n")
    Path("b.csv").write_text("note,amount,user\nno,2,u2\n")
    with opened("a.csv", "b.csv") as rows:
        assert rows.columns == ("user", "amount", "note")
        rows.keep(["amount", "user"], None)
        assert rows.header == ("user", "amount")
        assert read(rows) == [(1, 2, {"user": "u1", "amount": "1"}), (2, 2, {"user": "u2", "amount": "2"})]


def test_a_file_without_a_wanted_column_is_refused_before_the_first_row() -> None:
    Path("a.csv").write_text("user,amount\nu1,1\n")
    Path("b.csv").write_text("user\nu2\n")
    with opened("a.csv", "b.csv") as rows:
        expected = ("rows-differ", "b.csv has no column 'amount', which other files of the run have")
        assert refusal(lambda: rows.keep(["amount", "user"], None)) == expected
        rows.keep(["user"], None)
        assert [row for *_, row in read(rows)] == [{"user": "u1"}, {"user": "u2"}]


@pytest.mark.parametrize("names", [("a.csv", "b.jsonl"), ("a.csv", "b.parquet"), ("a.parquet", "b.jsonl")])
def test_formats_with_other_types_are_refused(names: tuple[str, str]) -> None:
    for name in names:
        write(name, [{"user": "u1"}])
    code, message = refusal(lambda: opened(*names))
    assert (code, message.partition(":")[0]) == ("rows-differ", f"{names[0]} and {names[1]} are of different formats")


def test_packed_files_and_tables_with_other_delimiters_go_together() -> None:
    Path("a.csv").write_text("user,amount\nu1,1\n")
    Path("b.tsv").write_text("user\tamount\nu2\t2\n")
    with opened("a.csv", "b.tsv") as rows:
        assert [row for *_, row in read(rows)] == [{"user": "u1", "amount": "1"}, {"user": "u2", "amount": "2"}]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_folders_give_their_columns_to_each_row(suffix: str) -> None:
    write(f"all/year=2025/c=de/a{suffix}", [{"user": "u1"}])
    write(f"all/year=2026/c=__HIVE_DEFAULT_PARTITION__/a{suffix}", [{"user": "u2"}, {"user": "u3"}])
    with opened("all") as rows:
        assert rows.partitions == ("year", "c")
        assert rows.columns == (None if suffix == ".jsonl" else ("user", "year", "c"))
        rows.convert_partitions(lambda column, text: int(text) if column == "year" else text)
        year, missing = (str, "") if suffix == ".csv" else (int, None)
        assert [row for *_, row in read(rows)] == [
            {"user": "u1", "year": year(2025), "c": "de"},
            {"user": "u2", "year": year(2026), "c": missing},
            {"user": "u3", "year": year(2026), "c": missing},
        ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_folder_s_column_that_nobody_wants_is_dropped(suffix: str) -> None:
    write(f"all/year=x/a{suffix}", [{"user": "u1"}])
    with opened("all") as rows:
        rows.keep(["user"], None)
        rows.convert_partitions(lambda _, text: int(text))
        assert [row for *_, row in read(rows)] == [{"user": "u1"}]


def test_a_folder_s_text_of_another_type_is_refused_before_the_first_row() -> None:
    write("all/year=2025/a.jsonl", [{"user": "u1"}])
    write("all/year=now/a.jsonl", [{"user": "u1"}])

    def convert(_: str, text: str) -> int:
        if not text.isdigit():
            raise ValueError("a whole number")
        return int(text)

    with opened("all") as rows:
        message = "the column 'year' in the folders of all/year=now/a.jsonl is not a whole number"
        assert refusal(lambda: rows.convert_partitions(convert)) == ("rows-partition", message)


def test_a_column_of_a_file_and_of_its_folders_is_refused() -> None:
    write("all/user=u1/a.csv", [{"user": "u1"}])
    message = "the column 'user' is in all/user=u1/a.csv and in the names of its folders"
    assert refusal(lambda: opened("all")) == ("rows-partition", message)


def test_a_row_that_can_not_be_read_is_one_of_its_file() -> None:
    Path("a.csv").write_text("user,amount\nu1,1\n")
    Path("b.csv").write_text("user,amount\nu2\nu3,3\n")
    with opened("a.csv", "b.csv") as rows:
        assert read(rows) == [
            (1, 2, {"user": "u1", "amount": "1"}), (2, 2, "row-columns"), (3, 3, {"user": "u3", "amount": "3"}),
        ]  # fmt: skip


def test_the_first_row_is_looked_at_and_comes_again() -> None:
    Path("a.csv").write_text("user\n")
    Path("b.csv").write_text("user\nu1\nu2\n")
    with opened("a.csv", "b.csv") as rows:
        assert rows.first(10) == Row(1, 2, ["u1"])
        assert [number for number, *_ in read(rows)] == [1, 2]


def changed(name: str) -> None:
    Path(name).write_text("user\nu9\n")


def replaced(name: str) -> None:
    Path("new").write_text("user\nu2\n")
    Path("new").rename(name)


def grown(name: str) -> None:
    with Path(name).open("a") as file:
        file.write("u3\n")


def of_the_same_time(name: str) -> None:
    times = Path(name).stat()
    Path(name).write_text("user\nu9\n")
    os.utime(name, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (changed, "it was written to"),
        (replaced, "it was replaced"),
        (grown, "it grew from 8 to 11 bytes"),
        (of_the_same_time, "it was written to"),
    ],
)
def test_a_file_that_changes_before_its_turn_gives_no_row(change: Callable[[str], None], how: str) -> None:
    for name in ("a", "b"):
        Path(f"{name}.csv").write_text("user\nu2\n")
    with opened("a.csv", "b.csv") as rows:
        digests = rows.fingerprint().split()
        assert len(digests) == 2
        assert digests[0] == digests[1]
        each: Iterator[Row | BadRow] = iter(rows)
        assert next(each).number == 1
        change("b.csv")
        code, message = refusal(lambda: list(each))
        assert (code, message) == ("rows-changed", f"b.csv changed while it was read: {how}")


def test_a_file_that_goes_before_its_turn_is_missed() -> None:
    for name in ("a", "b"):
        Path(f"{name}.csv").write_text("user\nu2\n")
    with opened("a.csv", "b.csv") as rows:
        each = iter(rows)
        next(each)
        Path("b.csv").unlink()
        assert refusal(lambda: list(each)) == ("file-not-found", "no such file: b.csv")


def test_one_file_is_open_at_a_time() -> None:
    for number in range(40):
        write(f"all/{number:02}.csv", [{"user": f"u{number}"}])
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    with opened("all") as rows:
        rows.fingerprint()
        for _ in rows:
            assert len(list(descriptors.iterdir())) <= before + 1
    assert len(list(descriptors.iterdir())) == before


def test_a_single_file_is_read_as_ever() -> None:
    write("all/a.csv", [{"user": "u1"}])
    with open_dataset(find_dataset(["all"]), io.BytesIO()) as rows:
        assert not isinstance(rows, RowFiles)
        assert (read(rows), [*rows.starts]) == ([(1, 2, {"user": "u1"})], [])


def test_a_file_that_is_not_there_is_missed_at_the_beginning() -> None:
    write("a.csv", [{"user": "u1"}])
    assert refusal(lambda: opened("a.csv", "b.csv"))[0] == "file-not-found"
    with pytest.raises(InvalidInput):
        opened("a.csv", __file__)
