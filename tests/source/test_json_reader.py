"""JSON files: the values that the standard library gives, with places, and every fault told once."""

from __future__ import annotations

import json
import time
from math import isfinite

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from runner.errors import Position, Problem
from runner.source import Document, read_text


def read(content: str) -> Document:
    return read_text(content, "f.json", as_json=True)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@seed(20260102)
@settings(max_examples=300, deadline=None, database=None)
@given(value=JSON_VALUES, ascii_only=st.booleans(), indent=st.sampled_from([None, 0, 2]))
def test_a_value_is_what_the_standard_library_reads(value: object, ascii_only: bool, indent: int | None) -> None:
    content = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    document = read(content)
    assert document.problems == ()
    assert document.root is not None
    assert json.dumps(document.root.plain()) == json.dumps(json.loads(content))


@seed(20260102)
@settings(max_examples=300, deadline=None, database=None)
@given(content=st.text('[]{}",:0123456789.eE+-truefalsn \\u\n', max_size=12))
def test_what_the_standard_library_refuses_is_refused(content: str) -> None:
    try:
        wanted = json.loads(content, parse_constant=float)
    except json.JSONDecodeError:
        assert [problem.code for problem in read(content).problems] == ["json-syntax"]
        return
    if isinstance(wanted, float) and not isfinite(wanted):
        return
    document = read(content)
    assert document.root is not None
    assert document.root.plain() == wanted


@pytest.mark.parametrize(
    ("content", "message", "line", "column"),
    [
        ("", "a JSON value is missing here", 1, 1),
        ("[1, 2,]", "a JSON value can't begin with ]", 1, 7),
        ('{"a": 1,}', "a key in double quotes is missing here", 1, 9),
        ("{a: 1}", "a key in double quotes is missing here", 1, 2),
        ("{'a': 1}", "a key in double quotes is missing here", 1, 2),
        ('{\n  "a" 1\n}', "':' is missing here", 2, 7),
        ('{\n  "a": 1\n  "b": 2\n}', "',' is missing here", 3, 3),
        ("[1 2]", "',' is missing here", 1, 4),
        ('{"a": 1} x', "there is more text after the value", 1, 10),
        ("01", "there is more text after the value", 1, 2),
        ("NaN", "a JSON value can't begin with N", 1, 1),
        ("[-Infinity]", "a JSON value can't begin with -", 1, 2),
        ("[+1]", "a JSON value can't begin with +", 1, 2),
        ("[.5]", "a JSON value can't begin with .", 1, 2),
        ('{"a": ', "a JSON value is missing here", 1, 7),
        ("[\r\n1,\r\nx]", "a JSON value can't begin with x", 3, 1),
        ("[1e999]", "a number too large for a double", 1, 2),
    ],
)
def test_a_fault_is_told_at_its_place(content: str, message: str, line: int, column: int) -> None:
    document = read(content)
    assert document.root is None
    text = content.replace("\r\n", "\n").split("\n")[line - 1]
    assert [(problem.code, problem.message) for problem in document.problems] == [("json-syntax", message)]
    place = document.problems[0].position
    assert place is not None
    assert (place.line, place.column, place.text) == (line, column, text)


@pytest.mark.parametrize(
    ("content", "column"), [('["abc', 2), ('["a\tb"]', 4), ('["\\x"]', 3), ('["\\u12"]', 4), ('["\\ud8', 4)]
)
def test_a_fault_inside_a_string_is_told_in_a_whole_sentence(content: str, column: int) -> None:
    (problem,) = read(content).problems
    assert problem.code == "json-syntax"
    assert not problem.message.endswith(" at")
    assert problem.position is not None
    assert problem.position.column == column


def test_an_integer_of_more_digits_than_python_converts_is_an_error() -> None:
    line = "[" + "1" * 5000 + "]"
    document = read(line)
    assert document.root is None
    assert [(problem.code, problem.message) for problem in document.problems] == [
        ("json-syntax", "a number of 5000 digits")
    ]


def test_a_duplicate_key_is_told_with_both_places() -> None:
    document = read('{"a": 1,\n "b": {"c": 1, "c": 2}}')
    assert document.problems == (
        Problem(
            "duplicate-key",
            "key 'c' occurs twice in this object",
            Position("f.json", 2, 16, 19, ' "b": {"c": 1, "c": 2}}'),
            hint="first on line 2",
        ),
    )


def test_64_levels_are_read() -> None:
    document = read("[" * 64 + "1" + "]" * 64)
    assert document.problems == ()
    assert document.root is not None


@pytest.mark.parametrize("line", ["[" * 65 + "]" * 65, "[" * 65 + "1" + "]" * 65])
def test_65_levels_are_refused_where_the_65th_begins(line: str) -> None:
    document = read(line)
    assert document.root is None
    assert document.problems == (
        Problem("json-syntax", "nested more than 64 levels deep", Position("f.json", 1, 65, 66, line)),
    )


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_hundred_thousand_open_brackets_are_refused_at_once(opening: str) -> None:
    start = time.process_time()
    assert [problem.message for problem in read(opening * 100_000).problems] == ["nested more than 64 levels deep"]
    assert time.process_time() - start < 2


def test_half_of_a_surrogate_pair_is_read_without_a_crash() -> None:
    document = read('{"a": "\\ud800"}')
    assert document.problems == ()
    assert document.root is not None
    assert document.root.plain() == {"a": "\ud800"}


def test_values_and_keys_have_places() -> None:
    content = '{\n  "a": [1, "two"],\n  "b": {"c": null}\n}'
    root = read(content).root
    assert root is not None
    assert root.key_position("b") == Position("f.json", 3, 3, 6, '  "b": {"c": null}')
    nodes = [root.get("a"), root.get("a", 1), root.get("b", "c")]
    assert [node.position() for node in nodes if node] == [
        Position("f.json", 2, 8, 9, '  "a": [1, "two"],'),
        Position("f.json", 2, 12, 17, '  "a": [1, "two"],'),
        Position("f.json", 3, 14, 18, '  "b": {"c": null}'),
    ]
