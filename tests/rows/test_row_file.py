"""Files of rows: which format they have, what is refused and how, and how little memory they need."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from runner.errors import InvalidInput, MachineError, NotFound, Problem, RunnerError
from runner.rows.row import LARGE_ROW_CHARS, LargeRow
from runner.rows.row_file import BadRow, Row, open_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.source import Json
    from tests.rows.conftest import Rows

ONE_ROW = [Row(1, 2, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("rows.csv", b"a,b\n1,2\n", ONE_ROW),
        ("rows.2026-01.CSV", b"a,b\n1,2\n", ONE_ROW),
        ("rows.tsv", b"a\tb\n1\t2\n", ONE_ROW),
        ("rows.csv.gz", b"a,b\n1,2\n", ONE_ROW),
        ("rows.jsonl", b'\n{"a": "1", "b": "2"}', ONE_ROW),
        ("rows.ndjson", b'\n{"a": "1", "b": "2"}', ONE_ROW),
        ("rows.json", b'[\n{"a": "1", "b": "2"}]', ONE_ROW),
        ("rows.json.GZ", b'[\n{"a": "1", "b": "2"}]', ONE_ROW),
    ],
)
def test_the_ending_of_a_name_tells_the_format(rows: Rows, name: str, content: bytes, wanted: list[Row]) -> None:
    assert rows.read(content, name) == wanted


@pytest.mark.parametrize("at_most", [1, 1000])
@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"a,b\n1,2", ("a", "b")),
        (b"\xef\xbb\xbfa,b\n1,2", ("a", "b")),
        (b'\xef\xbb\xbf\n{"a": "1", "b": "2"}', None),
        (b' [\n{"a": "1", "b": "2"}]', None),
    ],
)
def test_a_stream_tells_its_format_by_its_first_character(
    rows: Rows, content: bytes, columns: tuple[str, ...] | None, at_most: int
) -> None:
    with open_rows(None, io.BytesIO(content), "-") as file:
        assert (file.columns, file.header) == (columns, columns)
        assert list(file) == ([Row(1, 2, ["1", "2"])] if columns else ONE_ROW)
    assert rows.stream(content, at_most) == ONE_ROW


def test_a_row_of_a_stream_is_given_before_the_next_one_comes() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb", buffering=0) as pipe:
        pipe.write(b"a,b\n1,2\n")
        with open_rows(None, stdin, "-") as file:
            assert next(iter(file)) == Row(1, 2, ["1", "2"])


def test_rows_and_bad_rows_travel_between_processes(rows: Rows) -> None:
    read = rows.read(b"a,b\n1,2\n3\n")
    assert [type(row) for row in read] == [Row, BadRow]
    assert pickle.loads(pickle.dumps(read)) == read  # noqa: S301 - our own


CSV_UTF8 = "in Excel as 'CSV UTF-8'"
NOT_UTF8 = f"(save the file as UTF-8; {CSV_UTF8})"
WIDE = f"1:1 [not-utf8] the file is {{0}}, not UTF-8 (save it as UTF-8, {CSV_UTF8}; or: iconv -f {{0}} -t UTF-8)"
UNPACKED = "a file whose name ends in .gz is decompressed; piped input is not"
KNOWN = "expected .csv, .tsv, .jsonl, .ndjson, .json, each also followed by .gz, or .parquet"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            b"PK\x03\x04..",
            f"[rows-format] {{}} is an Excel workbook or another zip archive (save it as CSV: {CSV_UTF8})",
        ),
        (b"\xd0\xcf\x11\xe0..", f"[rows-format] {{}} is an old Excel workbook (save it as CSV: {CSV_UTF8})"),
        (
            b"PAR1..",
            "[rows-format] {} is a Parquet file (its name must end in .parquet; it can't come through a pipe)",
        ),
        (
            b"\x1f\x8b\x08\0",
            f"[rows-format] {{}} is a gzip archive ({UNPACKED})",
        ),
        (b"BZh9", "[rows-format] {} is a bzip2 archive (decompress it first)"),
        ("a,b".encode("utf-16"), WIDE.format("UTF-16")),
        ("a,b".encode("utf-16-be"), WIDE.format("UTF-16BE")),
        ("a,b".encode("utf-32"), WIDE.format("UTF-32")),
    ],
)
@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv.gz", "rows.jsonl", "rows.json"])
def test_what_is_no_text_is_told_for_what_it_is(rows: Rows, name: str, content: bytes, told: str) -> None:
    assert rows.told(content, name) == [f"InvalidInput: {told.format(name)}"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("rows.csv", b"a,\xe9\n", [f"InvalidInput: 1:3 [not-utf8] byte 0xe9 is not UTF-8 {NOT_UTF8}"]),
        ("rows.csv", "a\r\nü\r\nü".encode() + b"\xe9,\n", [
            '1 on line 2: {"a": "ü"}', f"InvalidInput: 3:2 [not-utf8] byte 0xe9 is not UTF-8 {NOT_UTF8}"]),
        ("rows.csv", b"a\n1\n\xf0\x9f", [
            '1 on line 2: {"a": "1"}', f"InvalidInput: 3:1 [not-utf8] byte 0xf0 is not UTF-8 {NOT_UTF8}"]),
        ("rows.jsonl", b'{"a": 1}\n{"a": "\xe9"}', [
            '1 on line 1: {"a": 1}', f"InvalidInput: 2:8 [not-utf8] byte 0xe9 is not UTF-8 {NOT_UTF8}"]),
        ("rows.json", b'[{"a": 1},\n{"a": "\xe9"}]', [
            '1 on line 1: {"a": 1}', f"InvalidInput: 2:8 [not-utf8] byte 0xe9 is not UTF-8 {NOT_UTF8}"]),
    ],
)  # fmt: skip
def test_a_byte_that_is_not_utf8_is_told_after_the_rows_before_it(
    rows: Rows, name: str, content: bytes, told: list[str]
) -> None:
    assert rows.told(content, name) == told


def test_a_byte_that_is_not_utf8_has_its_place_however_far_it_is(rows: Rows) -> None:
    content = b"a,b\r\n" + b"1,2\r\n" * 100_000 + b"1,\xc3\xbc\xe9"
    assert rows.told(content)[100_000:] == [f"InvalidInput: 100002:4 [not-utf8] byte 0xe9 is not UTF-8 {NOT_UTF8}"]


@pytest.mark.parametrize("at_most", [1, 2, 3])
def test_what_is_cut_between_reads_is_read_whole(rows: Rows, at_most: int) -> None:
    assert rows.stream('a,b\r\nü,\r\n\U0001f600,"\r\n"\r\n3,4\r5,6'.encode(), at_most) == [
        Row(1, 2, {"a": "ü", "b": ""}),
        Row(2, 3, {"a": "\U0001f600", "b": "\r\n"}),
        Row(3, 5, {"a": "3", "b": "4"}),
        Row(4, 6, {"a": "5", "b": "6"}),
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rows.txt", f"unsupported file type: rows.txt ({KNOWN})"),
        ("rows", f"unsupported file type: rows ({KNOWN})"),
        ("rows.gz", f"unsupported file type: rows.gz ({KNOWN})"),
        ("rows.parquet.gz", f"unsupported file type: rows.parquet.gz ({KNOWN})"),
        ("rows.xlsx", f"unsupported file type: rows.xlsx (save it as CSV; {CSV_UTF8})"),
    ],
)
def test_an_unknown_ending_is_refused_with_the_known_ones(rows: Rows, name: str, told: str) -> None:
    assert rows.told(b"a,b\n1,2\n", name) == [f"InvalidInput: [rows-format] {told}"]


def problem_of(path: str) -> tuple[type[RunnerError], Problem]:
    """Open a file that can't be."""
    with pytest.raises(RunnerError) as caught:
        open_rows(Path(path), io.BytesIO(), path)
    return type(caught.value), caught.value.problems[0]


def test_a_file_that_is_missing_is_told_with_the_one_that_was_meant(in_tmp: Path) -> None:
    (in_tmp / "orders.csv").write_text("a\n")
    missing = "no such file: {}"
    hint = "did you mean orders.csv?"
    assert problem_of("ordres.csv") == (NotFound, Problem("file-not-found", missing.format("ordres.csv"), hint=hint))
    assert problem_of("orders.cvs") == (NotFound, Problem("file-not-found", missing.format("orders.cvs"), hint=hint))
    assert problem_of("payments.csv") == (NotFound, Problem("file-not-found", missing.format("payments.csv")))


def test_what_is_no_readable_file_is_told_for_what_it_is(in_tmp: Path) -> None:
    (in_tmp / "file.csv").write_text("a\n")
    (in_tmp / "folder.csv").mkdir()
    os.mkfifo("pipe.csv")
    assert problem_of("folder.csv") == (NotFound, Problem("file-not-found", "a folder, not a file: folder.csv"))
    assert problem_of("file.csv/rows.csv") == (
        MachineError,
        Problem("file-unreadable", "can't read file.csv/rows.csv: Not a directory"),
    )
    hint = "to read from a pipe: … | runner send … --rows -"
    assert problem_of("pipe.csv") == (
        InvalidInput,
        Problem("rows-format", "pipe.csv is not a regular file", hint=hint),
    )


def test_a_stream_that_can_not_be_read_is_told(in_tmp: Path) -> None:
    to_write = os.open(in_tmp / "rows.csv", os.O_WRONLY | os.O_CREAT)
    with os.fdopen(to_write, "rb") as stdin, pytest.raises(MachineError) as caught:
        open_rows(None, stdin, "-")
    assert caught.value.problems == (Problem("file-unreadable", "can't read -: Bad file descriptor"),)


def test_a_stream_that_can_not_be_read_any_more_is_told_after_its_rows() -> None:
    terminal, program = os.openpty()
    os.write(program, b"a,b\n1,2\n")
    os.close(program)
    with os.fdopen(terminal, "rb") as stdin, open_rows(None, stdin, "-") as file:
        given = iter(file)
        assert next(given) == Row(1, 2, ["1", "2"])
        with pytest.raises(MachineError) as caught:
            next(given)
    assert caught.value.problems == (Problem("file-unreadable", "can't read - after row 1: Input/output error"),)


@pytest.mark.usefixtures("in_tmp")
def test_an_archive_that_is_cut_is_told_after_the_rows_that_are_whole() -> None:
    lines = [f"{number},{number**7}\n" for number in range(40)]
    packed = gzip.compress(("a,b\n" + "".join(lines)).encode())
    for size in range(2, len(packed)):
        Path("rows.csv.gz").write_bytes(packed[:size])
        given: list[Row | BadRow] = []
        with pytest.raises(InvalidInput) as caught, open_rows(Path("rows.csv.gz"), io.BytesIO(), "rows.csv.gz") as file:
            given.extend(file)
        after = f"after row {len(given)}" if given else "before the first row"
        assert caught.value.problems == (Problem("rows-syntax", f"rows.csv.gz: the archive is incomplete {after}"),)
        assert given == [Row(at + 1, at + 2, [str(at), str(at**7)]) for at in range(len(given))]
    assert len(given) == 40


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda packed: packed + b"more", "the archive is damaged after row 2"),
        (lambda packed: packed[:-8] + b"\0" * 8, "the archive is damaged after row 2"),
        (lambda packed: packed[:10] + b"\xff" * 20, "the archive is damaged before the first row"),
    ],
)
def test_an_archive_that_is_damaged_is_told(damage: Callable[[bytes], bytes], told: str) -> None:
    Path("rows.csv.gz").write_bytes(damage(gzip.compress(b"a,b\n1,2\n3,4\n")))
    with pytest.raises(InvalidInput) as caught, open_rows(Path("rows.csv.gz"), io.BytesIO(), "rows.csv.gz") as file:
        list(file)
    assert caught.value.problems == (Problem("rows-syntax", f"rows.csv.gz: {told}"),)


@pytest.mark.usefixtures("in_tmp")
def test_an_archive_of_several_members_is_one_file() -> None:
    Path("rows.csv.gz").write_bytes(gzip.compress(b"a,b\n1,") + gzip.compress(b"2\n"))
    with open_rows(Path("rows.csv.gz"), io.BytesIO(), "rows.csv.gz") as file:
        assert list(file) == [Row(1, 2, ["1", "2"])]


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n"])
def test_what_only_its_name_calls_an_archive_is_refused(content: bytes) -> None:
    Path("rows.csv.gz").write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        open_rows(Path("rows.csv.gz"), io.BytesIO(), "rows.csv.gz")
    hint = "a file that is not compressed must not end in .gz"
    assert caught.value.problems == (Problem("rows-format", "rows.csv.gz is not a gzip archive", hint=hint),)


def test_a_fingerprint_is_the_sha256_of_the_bytes(in_tmp: Path) -> None:
    content = b"a\n" + os.urandom(3_000_000)
    (in_tmp / "rows.csv").write_bytes(content)
    with open_rows(in_tmp / "rows.csv", io.BytesIO(), "rows.csv") as rows:
        assert rows.fingerprint() == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("kept", [["a", "b"], ["a"]])
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.json", "rows.parquet"])
def test_a_row_that_holds_much_is_told_from_others(in_tmp: Path, name: str, kept: list[str]) -> None:
    values: list[dict[str, Json]] = [
        {"a": "x" * (LARGE_ROW_CHARS // 2), "b": "y"},
        {"a": "x" * (LARGE_ROW_CHARS + 1), "b": "y"},
        {"a": "x", "b": "y"},
    ]
    if name == "rows.csv":
        (in_tmp / name).write_text("a,b\n" + "".join(f"{row['a']},{row['b']}\n" for row in values))
    elif name == "rows.parquet":
        # A row is no larger than the largest one that is unpacked with it.
        with pq.ParquetWriter(in_tmp / name, pa.Table.from_pylist(values).schema) as writer:
            for row in values:
                writer.write_table(pa.Table.from_pylist([row]))
    else:
        lines = list(map(json.dumps, values))
        (in_tmp / name).write_text("\n".join(lines) if name == "rows.jsonl" else f"[{','.join(lines)}]")
    with open_rows(in_tmp / name, io.BytesIO(), name) as rows:
        rows.keep(kept, None)
        assert [type(row) for row in rows] == [Row, LargeRow, Row]


ROW = b'u1,"a\nb",' + b"x" * 240
ITEM = b'{"user": "u1", "text": "' + b"x" * 240 + b'"}'
LARGE = 30_000_000
FORMATS = {
    "rows.csv": (b"user,a,text\n", ROW + b"\n", b""),
    "rows.csv.gz": (b"user,a,text\n", ROW + b"\n", b""),
    "rows.jsonl": (b"", ITEM + b"\n", b""),
    "rows.json": (b"[", ITEM + b", ", ITEM + b"]"),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("name", FORMATS)
def test_memory_does_not_grow_with_the_file(in_tmp: Path, name: str) -> None:
    head, row, tail = FORMATS[name]
    peaks = []
    for count in (5_000, LARGE // len(row)):
        with gzip.open(name, "wb", 1) if name.endswith(".gz") else Path(name).open("wb") as file:
            file.write(head)
            file.writelines(repeat(row * 1000, count // 1000))
            file.write(tail)
        wanted = count // 1000 * 1000 + bool(tail)
        ended = subprocess.run(
            [sys.executable, "-c", _COUNT, name, str(wanted)], capture_output=True, text=True, check=True, cwd=in_tmp
        )
        peaks.append(int(ended.stdout))
    assert peaks[1] - peaks[0] < 5_000, f"{peaks} KB"


_COUNT = """
import io, re, sys
from pathlib import Path
from runner.rows.row_file import open_rows

with open_rows(Path(sys.argv[1]), io.BytesIO(), sys.argv[1]) as file:
    assert sum(1 for row in file) == int(sys.argv[2])
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
