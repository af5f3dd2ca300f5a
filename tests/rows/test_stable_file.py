"""A file that changes while it is read: nothing is given but what was there at first. All files are real."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from runner.errors import InvalidInput
from runner.rows.row_file import open_rows
from runner.rows.stable_file import BLOCK_BYTES, FileChangedError, StableFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.rows.row import BadRow, Row

SIZES = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 7]


@pytest.fixture
def path(in_tmp: Path) -> Path:
    return in_tmp / "file"


def some(size: int) -> bytes:
    return bytes(range(256)) * (size // 256) + b"x" * (size % 256)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_that_stays_is_given_whole(path: Path, size: int) -> None:
    path.write_bytes(some(size))
    with path.open("rb") as file:
        held = StableFile(file.fileno())
        assert held.fingerprint() == hashlib.sha256(some(size)).hexdigest()
        assert held.read() == some(size)
        assert held.read1(1) == b""


def test_any_stretch_of_it_can_be_read(path: Path) -> None:
    content = some(3 * BLOCK_BYTES)
    path.write_bytes(content)
    with path.open("rb") as file:
        held = StableFile(file.fileno())
        for start, size in ((0, 4), (BLOCK_BYTES - 2, 4), (10, 2 * BLOCK_BYTES), (3 * BLOCK_BYTES - 1, 9)):
            assert held.seek(start) == start
            assert held.read(size) == content[start : start + size]
        assert held.seek(-1, os.SEEK_END) == held.tell() == len(content) - 1


def test_what_stands_before_it_is_left_out(path: Path) -> None:
    """A shell may have read a part of what it hands on as the standard input."""
    path.write_bytes(some(BLOCK_BYTES + 9))
    with path.open("rb", buffering=0) as file:
        file.seek(5)
        assert StableFile(file.fileno()).read() == some(BLOCK_BYTES + 9)[5:]


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"other")


def overwrite_and_set_the_time_back(path: Path) -> None:
    before = path.stat()
    size = before.st_size
    with path.open("r+b") as file:
        file.seek(size - size // 8)
        file.write(b"7" * (size // 16))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut_and_write_again(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content)


CHANGES: dict[Callable[[Path], None], str] = {
    cut: "it was cut from 1,048,576 to 524,288 bytes",
    grow: "it grew from 1,048,576 to 1,048,580 bytes",
    overwrite: "it was written to",
    overwrite_and_set_the_time_back: "it was written to",
    cut_and_write_again: "it was written to",
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_byte_is_given_after_a_change(path: Path, change: Callable[[Path], None]) -> None:
    path.write_bytes(some(4 * BLOCK_BYTES))
    os.utime(path, (1_700_000_000, 1_700_000_000))  # the clock of files is coarse
    with path.open("rb") as file:
        held = StableFile(file.fileno())
        held.fingerprint()
        held.read(BLOCK_BYTES)
        change(path)
        with pytest.raises(FileChangedError, match=f"^{CHANGES[change]}$"):
            held.read()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_before_the_fingerprint_is_none_of_what_was_read_before(
    path: Path, change: Callable[[Path], None]
) -> None:
    path.write_bytes(some(BLOCK_BYTES))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with path.open("rb") as file:
        held = StableFile(file.fileno())
        held.read(4)
        change(path)
        with pytest.raises(FileChangedError):
            held.fingerprint()


@pytest.mark.parametrize("change", [Path.unlink, lambda path: Path("other").rename(path)])
def test_a_file_that_is_replaced_or_removed_is_read_on(path: Path, change: Callable[[Path], None]) -> None:
    path.write_bytes(some(4 * BLOCK_BYTES))
    Path("other").write_bytes(b"other")
    with path.open("rb") as file:
        held = StableFile(file.fileno())
        held.fingerprint()
        given = held.read(BLOCK_BYTES)
        change(path)
        assert given + held.read() == some(4 * BLOCK_BYTES)
        held.check()


# Rows

COUNT = 6_000
TEXTS = [hashlib.sha512(b"%d" % n).hexdigest() for n in range(COUNT)]
"""Packed too, they fill more than a block."""


def write_table() -> bytes:
    return b"n,text\n" + "".join(f"{n},{text}\n" for n, text in enumerate(TEXTS)).encode()[:-1]


def write_lines() -> bytes:
    return "\n".join(f'{{"n": {n}, "text": "{text}"}}' for n, text in enumerate(TEXTS)).encode()


def write_array() -> bytes:
    return json.dumps([{"n": n, "text": text} for n, text in enumerate(TEXTS)]).encode()


def write_parquet() -> bytes:
    file = io.BytesIO()
    table = pa.table({"n": list(range(COUNT)), "text": TEXTS})
    pq.write_table(table, file, row_group_size=1_000, compression="none", use_dictionary=False)
    return file.getvalue()


def pack(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


FORMATS = {
    "rows.csv": write_table,
    "rows.tsv": lambda: write_table().replace(b",", b"\t"),
    "rows.jsonl": write_lines,
    "rows.json": write_array,
    "rows.csv.gz": lambda: pack(write_table()),
    "rows.jsonl.gz": lambda: pack(write_lines()),
    "rows.parquet": write_parquet,
}


def values(rows: Iterator[Row | BadRow]) -> Iterator[object]:
    for row in rows:
        yield row[2]


@pytest.fixture(scope="session", params=FORMATS)
def written(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    return request.param, FORMATS[request.param]()


@pytest.mark.parametrize("change", CHANGES)
def test_rows_end_where_their_file_changes_and_none_is_half(
    in_tmp: Path, written: tuple[str, bytes], change: Callable[[Path], None]
) -> None:
    name, content = written
    path = in_tmp / name
    path.write_bytes(content)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with open_rows(path, io.BytesIO(), name) as rows:
        expected = list(values(iter(rows)))
    with open_rows(path, io.BytesIO(), name) as rows:
        rows.fingerprint()
        every = iter(rows)
        given: list[object] = [next(every)[2] for _ in range(10)]
        change(path)
        with pytest.raises(InvalidInput) as caught:
            given.extend(values(every))
    [problem] = caught.value.problems
    assert problem.code == "rows-changed"
    assert problem.message.startswith(f"{name} changed while it was read: it ")
    assert problem.hint == (
        f"only the rows up to {len(given):,} were read, as they were at first; restore it to resume the run, or start a new run with a file that does not change"
    )
    assert len(given) < COUNT
    assert given == expected[: len(given)]


def test_a_last_line_without_an_end_is_not_given_when_more_is_appended(in_tmp: Path) -> None:
    path = in_tmp / "rows.csv"
    path.write_bytes(b"user\nu1\ncusto")
    with open_rows(path, io.BytesIO(), "rows.csv") as rows:
        every = iter(rows)
        assert next(every)[2] == ["u1"]
        with path.open("ab") as file:
            file.write(b"mer-2\n")
        with pytest.raises(InvalidInput, match="it grew from 13 to 19 bytes"):
            next(every)


def test_a_file_that_comes_as_the_standard_input_is_held_too(in_tmp: Path) -> None:
    (in_tmp / "rows.csv").write_bytes(b"user\nu1\ncusto")
    with (in_tmp / "rows.csv").open("rb") as stdin, open_rows(None, stdin, "the standard input") as rows:
        every = iter(rows)
        assert next(every)[2] == ["u1"]
        os.truncate(in_tmp / "rows.csv", 3)
        with pytest.raises(InvalidInput, match="the standard input changed while it was read: it was cut"):
            next(every)


# Columns


def test_cells_of_columns_that_are_not_kept_are_dropped(in_tmp: Path) -> None:
    (in_tmp / "rows.csv").write_text("a,b,c\n1,2,3\n4,5\n6,7,8\n")
    with open_rows(in_tmp / "rows.csv", io.BytesIO(), "rows.csv") as rows:
        rows.keep(["c", "a"], None)
        assert (rows.columns, rows.header) == (("a", "b", "c"), ("a", "c"))
        assert [row[2] for row in rows if not hasattr(row, "problem")] == [["1", "3"], ["6", "8"]]


def test_keys_that_are_not_kept_are_dropped_and_unknown_ones_lose_their_values(in_tmp: Path) -> None:
    (in_tmp / "rows.jsonl").write_text('{"a": 1, "b": 2, "c": [3]}\n{"a": 4}\n[]\n')
    for known, expected in ((None, [{"a": 1}, {"a": 4}]), (["a", "b"], [{"a": 1, "c": None}, {"a": 4}])):
        with open_rows(in_tmp / "rows.jsonl", io.BytesIO(), "rows.jsonl") as rows:
            rows.keep(["a"], known)
            assert [row[2] for row in rows if not hasattr(row, "problem")] == expected


@pytest.mark.parametrize("kept", [["a"], ["c"], ["c.d", "a"], [], ["a", "b", "c.d", "c"]])
def test_no_other_columns_of_parquet_are_read(in_tmp: Path, kept: list[str]) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", "y"], "c.d": ["p", "q"], "c": [{"d": 1}, {"d": None}]})
    pq.write_table(table, in_tmp / "rows.parquet")
    with open_rows(in_tmp / "rows.parquet", io.BytesIO(), "rows.parquet") as rows:
        rows.keep(kept, None)
        whole = [{"a": 1, "b": "x", "c.d": "p", "c": {"d": 1}}, {"a": 2, "b": "y", "c.d": "q", "c": {"d": None}}]
        assert [row[2] for row in rows] == [{name: row[name] for name in row if name in kept} for row in whole]


def test_columns_of_parquet_that_share_a_path_are_told_apart(in_tmp: Path) -> None:
    rows = [{"c.d": "p", "c": {"d": "x"}}, {"c.d": "q", "c": {"d": None}}]
    pq.write_table(pa.Table.from_pylist(rows), in_tmp / "rows.parquet")
    with open_rows(in_tmp / "rows.parquet", io.BytesIO(), "rows.parquet") as file:
        assert [row[2] for row in file] == rows
