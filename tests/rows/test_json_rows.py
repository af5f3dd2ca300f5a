"""JSON: the values that the standard library gives, an object a line or one array, and every fault at its place."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from runner.rows.row_file import BadRow, Row

if TYPE_CHECKING:
    from runner.source import Json
    from tests.rows.conftest import Rows

KEYS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8") | st.sampled_from('"\\{}[],\x00\x1f\u2028\x85\udfff'), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=5)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
SPACE = st.text(" \t\r\n", max_size=3)


def lines_in(text: str) -> int:
    return len(re.findall("\r\n|\r|\n", text))


@seed(20260102)
@settings(max_examples=80, deadline=None, database=None)
@given(objects=OBJECTS, end=ENDS, blank=SPACE, bom=st.booleans(), at_most=st.integers(1, 9))
def test_lines_are_read_as_the_standard_library_wrote_them(
    rows: Rows, objects: list[dict[str, object]], end: str, blank: str, bom: bool, at_most: int
) -> None:
    content, wanted = "\ufeff" * bom, []
    for number, item in enumerate(objects, 1):
        content += blank if blank.endswith(("\r", "\n")) else ""
        wanted.append((number, lines_in(content) + 1, json.dumps(item)))
        content += json.dumps(item) + end
    if not objects:
        assert rows.told(content.encode(), "rows.jsonl.gz") == ["InvalidInput: 1:1 [empty-file] the file is empty"]
        return
    read = rows.read(content.encode(), "rows.jsonl.gz")
    assert [(row.number, row.line, json.dumps(row.values)) for row in read if isinstance(row, Row)] == wanted
    assert rows.stream(content.encode(), at_most) == read


@seed(20260102)
@settings(max_examples=80, deadline=None, database=None)
@given(objects=OBJECTS, indent=st.sampled_from([None, 1]), space=SPACE, bom=st.booleans(), at_most=st.integers(1, 40))
def test_an_array_is_read_as_the_standard_library_wrote_it(
    rows: Rows, objects: list[dict[str, object]], indent: int | None, space: str, bom: bool, at_most: int
) -> None:
    content, wanted = "\ufeff" * bom + space + "[" + space, []
    for number, item in enumerate(objects, 1):
        content += space
        wanted.append((number, lines_in(content) + 1, json.dumps(item)))
        content += json.dumps(item, indent=indent) + space + "," * (number < len(objects))
    content += "]" + space
    read = rows.stream(content.encode(), at_most)
    assert [(row.number, row.line, json.dumps(row.values)) for row in read if isinstance(row, Row)] == wanted
    assert rows.read(content.encode(), "rows.json.gz") == read


@seed(20260102)
@settings(max_examples=500, deadline=None, database=None)
@given(content=st.text('[]{}",:0123456789.eE+-truefalsn \\u\n', max_size=12), at_most=st.integers(1, 5))
def test_an_array_ends_reading_where_the_standard_library_refuses_it(rows: Rows, content: str, at_most: int) -> None:
    content = f'[{{"a": 1}}{content}'
    try:
        wanted = len(json.loads(content))
    except ValueError:
        wanted = 0
    read, fault = rows.stream_until_fault(content.encode(), at_most)
    assert (len(read), fault) == (wanted, None) or (wanted, fault) == (0, "rows-syntax")


@seed(20260102)
@settings(max_examples=200, deadline=None, database=None)
@given(content=st.text('{}",:[]0123456789.eE+-truefalsnNIityd \\u', min_size=1, max_size=12).filter(str.strip))
def test_a_line_is_a_bad_row_when_the_standard_library_gives_no_object(rows: Rows, content: str) -> None:
    try:
        is_object = isinstance(json.loads(content), dict)
    except ValueError:
        is_object = False
    _, row = rows.read(b'{"a": 1}\n' + content.encode(), "rows.jsonl")
    assert isinstance(row, Row) or not is_object or row.problem.code == "row-json"
    assert isinstance(row, BadRow) or is_object


@pytest.mark.parametrize(
    "content", ["[", "[1]", '\n \t[{"a": 1}]', '{"a": 1},', ' {"a": [1, "],"]} ,', '[\n{"a": 1}\n]']
)
def test_lines_that_are_an_array_are_refused_as_a_whole(rows: Rows, content: str) -> None:
    line = 2 if content.startswith("\n") else 1
    hint = "its name must end in .json, or each line must be one object, with no bracket or comma around it"
    assert rows.told(f'{content}\n{{"a": 2}}\n'.encode(), "rows.jsonl") == [
        f"InvalidInput: {line}:1 [rows-format] the file seems to be a JSON array ({hint})"
    ]


OBJECT = "a row must be an object, not {} (one object a line; a file that is one array of objects must end in .json)"
NO_NUMBER = "{} is not a JSON number (write null, or omit the key)"
DEEP = "nested more than 64 levels deep"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[1]", f"1 [row-json] {OBJECT.format('a list')}"),
        ('"x"', f"1 [row-json] {OBJECT.format('a text')}"),
        ("true", f"1 [row-json] {OBJECT.format('a boolean')}"),
        ("1", f"1 [row-json] {OBJECT.format('a number')}"),
        ("null", f"1 [row-json] {OBJECT.format('null')}"),
        ('{"a": NaN}', f"7 [row-json] {NO_NUMBER.format('NaN')}"),
        ('{"a": [-Infinity]}', f"8 [row-json] {NO_NUMBER.format('-Infinity')}"),
        ('{"a": 1e999}', "7 [row-json] a number too large for a double"),
        ('{"a": ' + "1" * 5000 + "}", "7 [row-json] a number of 5000 digits"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "24 [row-json] key 'c' occurs twice in this object"),
        ('{"a" 1}', "6 [row-json] column 6: ':' is missing here"),
        ('{"a": 1,}', "9 [row-json] column 9: a key in double quotes is missing here"),
        ('{"a": 1} {"a": 2}', "10 [row-json] column 10: there is more text after the value"),
        ('{"a": "x', "7 [row-json] column 7: the string that opens here is never closed"),
        ("{'a': 1}", "2 [row-json] column 2: a key in double quotes is missing here"),
        ('{"a": ' + "[" * 64 + "]" * 64 + "}", f"70 [row-json] {DEEP}"),
        ('{"a": ' + "[" * 100_000, f"1 [row-json] {DEEP}"),
        ("\xa0", "1 [row-json] column 1: a JSON value can't begin with \xa0"),
        ('{"a": "' + "x" * 100_000 + '", "b": x}', "100016 [row-json] column 100016: this is not JSON"),
        ('{"a": "' + "x" * 100_000 + '", "a": 1}', "1 [row-json] a key occurs twice in an object"),
        ('{"a": "' + "x" * 100_000 + '", "b": NaN}', "1 [row-json] NaN is not a JSON number"),
        ('{"' + "k" * 300 + '": 1, "' + "k" * 300 + '": 2}', f"309 [row-json] key '{'k' * 195}"),
    ],
)
def test_a_line_that_is_no_object_is_told_and_the_next_ones_are_read(rows: Rows, line: str, told: str) -> None:
    assert rows.told(f'{{"a": 1}}\n\n{line}\n{{"a": 2}}'.encode(), "rows.jsonl") == [
        '1 on line 1: {"a": 1}',
        f"2 on line 3: 3:{told}",
        '3 on line 4: {"a": 2}',
    ]


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ("5", "2:2 [row-json] a row must be an object, not a number"),
        ("[ ]", "2:2 [row-json] a row must be an object, not a list"),
        ('{"b":\r\n NaN}', f"3:2 [row-json] {NO_NUMBER.format('NaN')}"),
        ('{"b": 1e999}', "2:8 [row-json] a number too large for a double"),
        ('{"b":\r' + "1" * 5000 + "}", "3:1 [row-json] a number of 5000 digits"),
        ('{"b": 1,\n"b": 1}', "3:1 [row-json] key 'b' occurs twice in this object"),
        ('{"a": ' + "[" * 64 + "]" * 64 + "}", f"2:71 [row-json] {DEEP}"),
    ],
)
def test_an_item_that_is_no_object_is_told_and_the_next_ones_are_read(rows: Rows, item: str, told: str) -> None:
    assert rows.told(f'[{{"a": 1}},\n {item} , {{"a": 2}}]'.encode(), "rows.json") == [
        '1 on line 1: {"a": 1}',
        f"2 on line 2: {told}",
        f'3 on line {lines_in(item) + 2}: {{"a": 2}}',
    ]


def test_a_number_that_is_cut_between_reads_is_one_number(rows: Rows) -> None:
    read = rows.stream(b'[{"a": 1234}, 1234, {"a": -1.5e3}]', at_most=1)
    assert [(row.number, isinstance(row, Row) and row.values) for row in read] == [
        (1, {"a": 1234}),
        (2, False),
        (3, {"a": -1500.0}),
    ]


@pytest.mark.parametrize("at_most", range(1, 60))
def test_a_fault_has_its_place_wherever_the_text_is_cut_between_reads(rows: Rows, at_most: int) -> None:
    content = ' [{"ü": "\\ud83d\\ude00"},\r\n 5,{"b":\rNaN},\n\n  {"c": 1, "c": 2}, {"d": "x"}\r\n  {"e": 1}]'
    assert rows.told_of_stream(content.encode(), at_most) == [
        '1 on line 1: {"ü": "\U0001f600"}',
        "2 on line 2: 2:2 [row-json] a row must be an object, not a number",
        f"3 on line 2: 3:1 [row-json] {NO_NUMBER.format('NaN')}",
        "4 on line 5: 5:12 [row-json] key 'c' occurs twice in this object",
        '5 on line 5: {"d": "x"}',
        "InvalidInput: 6:3 [rows-syntax] ',' is missing here",
    ]


NO_ARRAY = "[rows-syntax] the file must be one array of objects"
CUT = "[rows-syntax] the file ends inside the array"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (",]", "2:11 [rows-syntax] an object is missing after the last comma (remove the comma)"),
        (",,", "2:11 [rows-syntax] a JSON value can't begin with ,"),
        ('{"a": 2}]', "2:10 [rows-syntax] ',' is missing here"),
        ("]\n\n[", "4:1 [rows-syntax] there is more text after the array"),
        ("", f"2:10 {CUT}"),
        (", ", f"2:12 {CUT} (the incomplete row begins on line 2)"),
        (',\n{"a":\n\n', f"5:1 {CUT} (the incomplete row begins on line 3)"),
        (',\n{"a": "x\\"]', "3:7 [rows-syntax] the string that opens here is never closed"),
        (', {"a": tru', "2:18 [rows-syntax] a JSON value can't begin with t"),
        (', {"a": x' + '"y"' * 100_000, "2:18 [rows-syntax] a JSON value can't begin with x"),
        (', {"a": "' + "x" * 100_000 + '"\n"b"', "3:1 [rows-syntax] this is not JSON"),
        (',\n{"a": ' + "[" * 100_000, f"3:1 [rows-syntax] {DEEP}"),
    ],
)
def test_where_the_syntax_of_an_array_ends_reading_ends(rows: Rows, content: str, told: str) -> None:
    assert rows.told(f'\n[{{"a": 1}}{content}'.encode(), "rows.json") == [
        '1 on line 2: {"a": 1}',
        f"InvalidInput: {told}",
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "1:1 [empty-file] the file is empty"),
        (b" \n", "1:1 [empty-file] the file is empty"),
        (b'\n{"a": 1}\n', f"2:1 {NO_ARRAY} (if it has one object a line, its name must end in .jsonl)"),
        (b"a,b\n", f"1:1 {NO_ARRAY}"),
    ],
)
def test_a_file_that_is_no_array_is_refused(rows: Rows, content: bytes, told: str) -> None:
    assert rows.told(content, "rows.json") == [f"InvalidInput: {told}"]


@pytest.mark.parametrize(
    ("name", "content"), [("rows.jsonl", b""), ("rows.ndjson", b"\n \n"), ("rows.jsonl.gz", b"\t")]
)
def test_a_file_of_blank_lines_is_empty(rows: Rows, name: str, content: bytes) -> None:
    assert rows.told(content, name) == ["InvalidInput: 1:1 [empty-file] the file is empty"]


def test_an_empty_array_has_no_rows(rows: Rows) -> None:
    with rows.open(b"[\n]", "rows.json") as file:
        assert (file.columns, file.header, list(file)) == (None, None, [])


def test_half_of_a_surrogate_pair_is_read_without_a_crash(rows: Rows) -> None:
    assert rows.read(b'{"a": "\\ud800"}', "rows.jsonl") == [Row(1, 1, {"a": "\ud800"})]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json"])
def test_values_may_be_as_long_as_a_row(rows: Rows, name: str) -> None:
    values: dict[str, Json] = {"short": "ü" * 64_000, "long": 'x"\n' * 2_000_000, "list": list(range(10_000))}
    content = json.dumps([values, {"a": 1}], ensure_ascii=False).replace(', {"a"', ',\n{"a"')
    if name == "rows.jsonl":
        content = content[1:-1].replace(',\n{"a"', '\n{"a"')
    assert rows.read(content.encode(), name) == [Row(1, 1, values), Row(2, 2, {"a": 1})]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rows.jsonl", "2:1 [rows-syntax] a line of more than 16,777,216 characters"),
        (
            "rows.json",
            "2:1 [rows-syntax] a row of more than 16,777,216 characters: is a quote or bracket not closed?",
        ),
    ],
)
def test_a_row_longer_than_that_is_refused(rows: Rows, name: str, told: str) -> None:
    content = b'{"a": "x"}' + b"," * (name == "rows.json") + b'\n{"a": "' + b"x" * 33_000_000 + b'"}'
    content = b"[" + content + b"]" if name == "rows.json" else content
    assert rows.told(content, name) == ['1 on line 1: {"a": "x"}', f"InvalidInput: {told}"]


def test_a_row_has_no_more_values_than_any_event(rows: Rows) -> None:
    many = b'{"a": [' + b"[]," * 150_000 + b"1]}"
    assert rows.told(many + b'\n{"a": 1}', "rows.jsonl") == [
        "1 on line 1: 1:1 [row-too-large] a row of more than 200,000 values",
        '2 on line 2: {"a": 1}',
    ]
    assert rows.told(b'[{"a": [' + b"[]," * 3_000_000 + b"1]}]", "rows.json")[-1:] == [
        "InvalidInput: 1:2 [rows-too-large] a row of more than 200,000 values"
    ]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("rows.jsonl", b"\n" * 1_100_000, "InvalidInput: 1000001:1 [rows-syntax] more than 1,000,000 empty lines"),
        ("rows.json", b" " * 33_000_000, "[rows-syntax] more than 16,777,216 characters of white space"),
    ],
)
def test_nothing_but_white_space_ends_somewhere(rows: Rows, name: str, content: bytes, told: str) -> None:
    assert rows.told(content, name)[-1].endswith(told)
