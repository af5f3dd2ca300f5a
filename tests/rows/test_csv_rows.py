"""csv and tsv: the cells that the standard library gives, with the line of each row, and every fault at its place."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from runner.rows.row_file import BadRow, Row

if TYPE_CHECKING:
    from tests.rows.conftest import Rows

CELLS = st.text(st.characters(codec="utf-8") | st.sampled_from('",\t;\r\n \0\ufeff\x1c\x85\u2028'), max_size=8)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), min_size=1, max_size=6).filter(str.strip)
HEADERS = st.lists(NAMES, min_size=2, max_size=4, unique=True)


def written(cells: list[str], delimiter: str, end: str) -> str:
    """Write a row with the standard library, which does not quote every line end unless it is told to quote all."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    if end != "\r\n":
        writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(cells)
    return out.getvalue()


def lines_in(text: str) -> int:
    return len(re.findall("\r\n|\r|\n", text))


@seed(20260102)
@settings(max_examples=250, deadline=None, database=None)
@given(
    header=HEADERS,
    body=st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=5),
    name=st.sampled_from(["rows.csv", "rows.tsv", "rows.csv.gz", "rows.TSV.GZ"]),
    end=st.sampled_from(["\r\n", "\n", "\r"]),
    bom=st.sampled_from(["", "\ufeff"]),
    has_last_end=st.booleans(),
)
def test_what_the_standard_library_writes_is_read_back_with_its_lines(
    rows: Rows, header: list[str], body: list[list[str]], name: str, end: str, bom: str, has_last_end: bool
) -> None:
    delimiter = "\t" if "tsv" in name.lower() else ","
    content = written(header, delimiter, end)
    wanted = []
    for number, cells in enumerate(body, 1):
        row = cells[: len(header)]
        wanted.append(Row(number, lines_in(content) + 1, row))
        content += written(row, delimiter, end)
    raw = (bom + (content if has_last_end else content.removesuffix(end))).encode()
    with rows.open(raw, name) as file:
        assert (file.columns, file.header) == (tuple(header), tuple(header))
        assert list(file) == wanted


def _cells(row: Row | BadRow) -> list[object] | int:
    """Give a row's cells, or how many there are of a wrong number of them."""
    if isinstance(row, BadRow):
        return int(row.problem.message.split()[0])
    assert isinstance(row.values, dict)
    return list(row.values.values())


@seed(20260102)
@settings(max_examples=500, deadline=None, database=None)
@given(content=st.text('ab",\r\n', max_size=24), at_most=st.integers(1, 5))
def test_what_the_standard_library_reads_is_read_up_to_the_first_fault(rows: Rows, content: str, at_most: int) -> None:
    content = "x,y\n" + content
    reader = filter(None, csv.reader(io.StringIO(content, newline=""), strict=True))
    assert next(reader) == ["x", "y"]
    wanted: list[list[str] | int] = []
    fault = None
    try:
        wanted.extend(cells if len(cells) == 2 else len(cells) for cells in reader)
    except csv.Error as error:
        fault = error
    read, refusal = rows.stream_until_fault(content.encode(), at_most)
    given = [_cells(row) for row in read]
    assert given == wanted
    assert (refusal is None) == (fault is None)


def test_an_empty_line_is_no_row_but_a_line(rows: Rows) -> None:
    assert rows.told(b"\n\r\na,b\n\n1,2\n\n\n3,4\n\n") == [
        '1 on line 5: {"a": "1", "b": "2"}',
        '2 on line 8: {"a": "3", "b": "4"}',
    ]


def test_only_a_header_is_a_file_of_no_rows(rows: Rows) -> None:
    with rows.open(b"a,b", "rows.csv") as file:
        assert (file.columns, list(file)) == (("a", "b"), [])


def test_names_and_cells_keep_their_spaces(rows: Rows) -> None:
    assert rows.told(b" a ,b\n 1,\t\n") == ['1 on line 2: {" a ": " 1", "b": "\\t"}']


def test_one_column_is_enough(rows: Rows) -> None:
    assert rows.told(b'user\nu1\n""\n') == ['1 on line 2: {"user": "u1"}', '2 on line 3: {"user": ""}']


def test_a_quote_inside_a_cell_that_has_none_around_it_is_text(rows: Rows) -> None:
    assert rows.told(b'a,b\n5" pipe, "x"\n') == ['1 on line 2: {"a": "5\\" pipe", "b": " \\"x\\""}']


TWO = "the header has 2 columns"
QUOTED = "a cell with commas in it must be quoted"
EMPTY = "an empty cell needs a separator too, and a cell with a line break must be quoted"
LATE = "the row goes on to line 4: a quote may close too late"
TWICE = 'a quote inside a cell is written twice: ""'
AFTER = f"[row-quotes] text after the quote that closes a cell ({TWICE})"
OPEN = f"[rows-syntax] the quote that opens here is never closed ({TWICE})"
UNSURE = f"[rows-syntax] text after the quote that closes a cell, so the start of the next row is unknown ({TWICE})"
CLOSED_BELOW = f"[rows-syntax] the quote that opens here closes on line 4, and text follows it there ({TWICE})"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (b"1,2,3\n", f"2:1 [row-columns] 3 cells, but {TWO} ({QUOTED})"),
        (b"1\n", f"2:1 [row-columns] 1 cell, but {TWO} ({EMPTY})"),
        (b'1,"2\n3,4\n5",6\n', f"2:1 [row-columns] 3 cells, but {TWO} ({LATE})"),
        (b'"x" y,2\n', f"2:4 {AFTER}"),
        (b'1,"""x"" "y\n', f"2:11 {AFTER}"),
    ],
)
def test_a_row_that_is_wrong_is_told_and_the_next_ones_are_read(rows: Rows, row: bytes, told: str) -> None:
    lines = row.count(b"\n")
    assert rows.told(b"a,b\n" + row + b"3,4") == [
        f"1 on line 2: {told}",
        f'2 on line {lines + 2}: {{"a": "3", "b": "4"}}',
    ]


def test_in_tsv_a_tab_is_what_makes_a_cell_too_many(rows: Rows) -> None:
    problem = "2 cells, but the header has 1 column (a cell with tabs in it must be quoted)"
    assert rows.told(b"a\n1\t2", "rows.tsv") == [f"1 on line 2: 2:1 [row-columns] {problem}"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'3,"x\n4,y\n', f"3:3 {OPEN}"),
        (b'"x\ny","\n', f"4:4 {OPEN}"),
        (b'3,"', f"3:3 {OPEN}"),
        (b'3,"x\n4,"y",z\n5,6\n', f"3:3 {CLOSED_BELOW}"),
        (b'"x\ny","z"z\n5,6\n', f"4:7 {UNSURE}"),
        (b'"u2" aka Bob,"first line\nu9,not a row"\nu3,x\n', f"3:5 {UNSURE}"),
        (b'"u2" aka "Bob,first line\nu9,x\n', f"3:5 {UNSURE}"),
        (b'"u2" a","first line\nu9,not a row"\n', f"3:5 {UNSURE}"),
        (b'"u2" a,"b" c","first line\nu9,not a row"\n', f"3:5 {UNSURE}"),
    ],
)
def test_where_no_row_is_sure_to_begin_reading_ends_with_the_place_of_the_quote(
    rows: Rows, content: bytes, told: str
) -> None:
    assert rows.told(b"a,b\n1,2\n" + content) == ['1 on line 2: {"a": "1", "b": "2"}', f"InvalidInput: {told}"]


CLOSED_ON_13 = CLOSED_BELOW.replace("line 4", "line 13")


@pytest.mark.parametrize("at_most", range(1, 60))
def test_a_fault_has_its_place_wherever_the_text_is_cut_between_reads(rows: Rows, at_most: int) -> None:
    content = b'a,b\n1,"2\n\n2"\n3,"x\ny"\n5,"z"z\n6,"7\n8\n9",\n10,"x\n11\n12,"13"\n'
    assert rows.told_of_stream(content, at_most) == [
        '1 on line 2: {"a": "1", "b": "2\\n\\n2"}',
        '2 on line 5: {"a": "3", "b": "x\\ny"}',
        f"3 on line 7: 7:6 {AFTER}",
        f"4 on line 8: 8:1 [row-columns] 3 cells, but {TWO} (the row goes on to line 10: a quote may close too late)",
        f"InvalidInput: 11:4 {CLOSED_ON_13}",
    ]


NO_NAME = "[rows-header] column {} has no name"
LAST_HAS_NO_NAME = f"{NO_NAME} (does the header end with an extra separator?)"
SAME_NAME = "[rows-header] two columns have the name '{}'"
NOTHING = "[empty-file] the file is empty (its first row must name the columns)"
SEPARATED = "[rows-format] the cells seem to be separated by {}, not by {} ({})"
SEMICOLONS = SEPARATED.format("semicolons", "commas", "save the file with commas")
JSON_HINT = "its name must end in .jsonl (an object a line) or .json (one array of objects)"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", [f"1:1 {NOTHING}"]),
        (b"\xef\xbb\xbf", [f"1:1 {NOTHING}"]),
        (b"\n \n", [f"1:1 {NOTHING}"]),
        (b"a,,b\n", [f"1:3 {NO_NAME.format(2)}"]),
        (b"a,b,\n", [f"1:5 {LAST_HAS_NO_NAME.format(3)}"]),
        (b'a,"b\n",a,a \n', [f"2:3 {SAME_NAME.format('a')}"]),
        (b"a," + b"n" * 80 + b"," + b"n" * 80, [f"1:84 {SAME_NAME.format('n' * 60)}"]),
        (b"a,a,,b\n", [f"1:3 {SAME_NAME.format('a')}", f"1:5 {NO_NAME.format(3)}"]),
        (b"a;b\n1;2\n", [f"1:1 {SEMICOLONS}"]),
        (b'\n"a";"b"\n', [f"2:1 {SEMICOLONS}"]),
        (b"sep=;\na;b\n", [f"1:1 {SEMICOLONS}"]),
        (b"a\tb\n", [f"1:1 {SEPARATED.format('tabs', 'commas', 'its name must end in .tsv')}"]),
        (b'{"a": 1}\n', [f"1:1 [rows-format] the file seems to be JSON ({JSON_HINT})"]),
        (b'"a"b,c\n', [f"1:4 {AFTER}"]),
        (b'"a,b\n1,2\n', [f"1:1 {OPEN}"]),
    ],
)
def test_a_header_that_names_no_columns_is_refused(rows: Rows, content: bytes, told: list[str]) -> None:
    assert rows.told(content) == [f"InvalidInput: {line}" for line in told]


def test_commas_in_a_tsv_file_are_told(rows: Rows) -> None:
    hint = "its name must end in .csv"
    assert rows.told(b"a,b\n", "rows.tsv") == [f"InvalidInput: 1:1 {SEPARATED.format('commas', 'tabs', hint)}"]


def test_cells_may_be_as_long_as_a_row(rows: Rows) -> None:
    short, long = "ü\n" * 32_000, 'x"\r\n' * 1_500_000
    content = written(["a", "b"], ",", "\r\n") + written([short, long], ",", "\r\n") + written(["1", "2"], ",", "\r\n")
    assert rows.read(content.encode()) == [
        Row(1, 2, {"a": short, "b": long}),
        Row(2, 1_532_003, {"a": "1", "b": "2"}),
    ]


def test_a_quote_that_stays_open_for_more_than_a_row_is_told_where_it_opens(rows: Rows) -> None:
    content = b'a,b\n1,2\n3,"4\n' + b"12345,67890\n" * 1_500_000
    message = "a row of more than 16,777,216 characters: is the quote that opens here closed?"
    assert rows.told(content) == [
        '1 on line 2: {"a": "1", "b": "2"}',
        f"InvalidInput: 3:3 [rows-syntax] {message} ({TWICE})",
    ]


def test_a_line_longer_than_a_row_is_refused(rows: Rows) -> None:
    content = b"a,b\n1,2\n3," + b"4" * 17_000_000
    assert rows.told(content) == [
        '1 on line 2: {"a": "1", "b": "2"}',
        "InvalidInput: 3:1 [rows-syntax] a line of more than 16,777,216 characters",
    ]


def test_thousands_of_columns_are_read(rows: Rows) -> None:
    names = [f"c{number}" for number in range(5000)]
    content = f"{','.join(names)}\n{','.join(names)}\n"
    assert rows.read(content.encode()) == [Row(1, 2, dict(zip(names, names, strict=True)))]


def test_somebody_elses_limit_of_cells_is_not_lowered(rows: Rows) -> None:
    before = csv.field_size_limit(2**40)
    try:
        rows.read(b"a,b\n")
        assert csv.field_size_limit() == 2**40
    finally:
        csv.field_size_limit(before)


def test_a_header_may_have_ten_thousand_columns(rows: Rows) -> None:
    names = [f"c{number}" for number in range(10_001)]
    assert rows.told(",".join(names).encode()) == [
        "InvalidInput: 1:1 [rows-header] the header has 10,001 columns, more than 10,000"
    ]
    assert rows.told(",".join(names[1:]).encode()) == []


def test_the_first_of_many_wrong_names_are_told(rows: Rows) -> None:
    told = rows.told(b"a," * 9_000)
    assert (len(told), told[0], told[-1]) == (
        21,
        "InvalidInput: 1:3 [rows-header] two columns have the name 'a'",
        "InvalidInput: [rows-header] 8,980 more columns are wrong",
    )


@pytest.mark.parametrize(("before", "line"), [(b"", 1_000_002), (b"a\n1\n", 1_000_003)], ids=["header", "rows"])
def test_a_million_empty_lines_are_no_file_of_rows(rows: Rows, before: bytes, line: int) -> None:
    told = rows.told(before + b"\n" * 1_100_000 + b"a\n")
    assert told[-1] == f"InvalidInput: {line}:1 [rows-syntax] more than 1,000,000 empty lines"
