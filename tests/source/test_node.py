"""Places of values, of keys, and of single characters of a text, however the text is quoted."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from runner.errors import Position
from runner.source import Node, read_text


def root_of(content: str, *, as_json: bool = False) -> Node:
    document = read_text(content, "f", as_json=as_json)
    assert document.root is not None
    return document.root


def node_of(content: str, *path: str | int, as_json: bool = False) -> Node:
    node = root_of(content, as_json=as_json).get(*path)
    assert node is not None
    return node


def marked(node: Node, word: str) -> tuple[int, int, str]:
    """Give line, column and the text that `span` points at, for the one place of `word` in a node's text."""
    text = str(node.value)
    assert text.count(word) == 1
    start = text.index(word)
    place = node.span(start, start + len(word))
    return place.line, place.column, place.text[place.column - 1 : place.end_column - 1]


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("a: one WORD two\n", 1, 8),
        ("a: 'one WORD two'\n", 1, 9),
        ("a: 'it''s WORD, isn''t it'\n", 1, 11),
        ("a: '''''WORD'\n", 1, 9),
        ('a: "one WORD two"\n', 1, 9),
        ('a: "\\n\\t\\u00e9\\xe9\\U0001F600\\"\\\\WORD"\n', 1, 33),
        ("a: |\n  one\n    two WORD\n", 3, 9),
        ("a: |+2\n   one\n\n\n  WORD\n", 5, 3),
        ("a: |-\n\n  one\n\n  WORD\n", 5, 3),
        ("a: >\n  one\n  two WORD\n  three\n", 3, 7),
        ("a: >-\n  one\n\n\n  two\n    more\n\n  WORD\n", 8, 3),
        ("a: one\n  two\n  WORD three\n", 3, 3),
        ("a: one\n\n\n  two WORD\n", 4, 7),
        ("a: 'one\n\n  two WORD'\n", 3, 7),
        ('a: "one \\\n  two\\\n  \\  WORD"\n', 3, 6),
        ('a: "one\n\n  two WORD"\n', 3, 7),
        ("a: 😀é WORD\n", 1, 7),
        ("a: &x !!str one WORD\n", 1, 17),
        ("a: &x 'one WORD'\n", 1, 12),
        ("a: | # a comment\n  one WORD\n", 2, 7),
        ("a:\r\n  |\r\n    one\r\n    WORD\r\n", 4, 5),
    ],
)
def test_a_span_of_a_text_points_at_it_in_the_file(content: str, line: int, column: int) -> None:
    assert marked(node_of(content, "a"), "WORD") == (line, column, "WORD")


def test_a_span_across_an_escape_covers_the_escape() -> None:
    node = node_of('a: "x\\u00e9y"\n', "a")
    assert node.span(0, 3) == Position("f", 1, 5, 13, 'a: "x\\u00e9y"')


def test_a_span_of_several_lines_is_cut_at_the_end_of_its_first() -> None:
    node = node_of("a: |\n  one two\n  three\n", "a")
    assert node.span(4, 12) == Position("f", 2, 7, 10, "  one two")


def test_a_span_beyond_the_text_points_at_the_whole_value() -> None:
    node = node_of("a: one\n", "a")
    assert node.span(17, 18) == Position("f", 1, 4, 7, "a: one")


MARKS = st.text("aX '\"\\:#-é😀{}[],%&*!\n", max_size=60)


@seed(20260102)
@settings(max_examples=300, deadline=None, database=None)
@given(
    value=MARKS,
    style=st.sampled_from([None, "'", '"', "|", ">"]),
    width=st.sampled_from([10, 20, 80]),
    unicode=st.booleans(),
    depth=st.integers(0, 3),
)
@example(value='é\\a{-"#{]} -"X\\X [', style='"', width=20, unicode=False, depth=1)
def test_every_marker_is_found_whatever_the_style(
    value: str, style: str | None, width: int, unicode: bool, depth: int
) -> None:
    document: object = {"a": value, "b": "X"}
    for _ in range(depth):
        document = {"k": [document]}
    content = yaml.safe_dump(document, default_style=style, width=width, allow_unicode=unicode)
    node = node_of(content, *("k", 0) * depth, "a")
    assert node.value == value
    for index, char in enumerate(value):
        if char == "X":
            place = node.span(index, index + 1)
            assert place.text[place.column - 1 : place.end_column - 1] == "X", (content, index, place)


@seed(20260102)
@settings(max_examples=200, deadline=None, database=None)
@given(value=st.text('aX"\\/\n\u00e9\u2028😀', max_size=30), ascii_only=st.booleans())
@example(value="😀X", ascii_only=True)
def test_every_marker_is_found_in_a_json_string(value: str, ascii_only: bool) -> None:
    node = node_of(json.dumps({"a": value}, ensure_ascii=ascii_only), "a", as_json=True)
    assert node.value == value
    for index, char in enumerate(value):
        if char == "X":
            place = node.span(index, index + 1)
            assert place.text[place.column - 1 : place.end_column - 1] == "X", (value, index, place)


def test_a_scalar_stands_where_it_is_written_and_a_container_at_its_first_character() -> None:
    content = "a:\n  b: [1, two]\n  c: {d: 'x'}\ne: |\n  text\nf:\n"
    root = root_of(content)
    assert [node.position() for path in ("a", "ab", "ac", "e", "f") if (node := root.get(*path))] == [
        Position("f", 2, 3, 4, "  b: [1, two]"),
        Position("f", 2, 6, 7, "  b: [1, two]"),
        Position("f", 3, 6, 7, "  c: {d: 'x'}"),
        Position("f", 4, 4, 5, "e: |"),
        Position("f", 6, 3, 4, "f:"),
    ]
    assert node_of(content, "a", "b", 1).position() == Position("f", 2, 10, 13, "  b: [1, two]")
    assert node_of(content, "a", "c", "d").position() == Position("f", 3, 10, 13, "  c: {d: 'x'}")


def test_a_key_has_a_place_of_its_own() -> None:
    node = node_of("a:\n  'b c': 1\n", "a")
    assert node.key_position("b c") == Position("f", 2, 3, 8, "  'b c': 1")


def test_the_place_of_a_missing_key_is_that_of_its_map() -> None:
    node = node_of("a:\n  b: 1\n", "a")
    assert node.key_position("c") == Position("f", 2, 3, 4, "  b: 1")


def test_the_nearest_node_is_where_the_path_ends() -> None:
    root = root_of("a: [{b: 1}]\n")
    assert root.nearest(("a", 0, "b", "c")).value == 1
    assert root.nearest(("a", 7)).plain() == [{"b": 1}]
    assert root.nearest(("x", "y")) is root
    assert root.get("a", 0, "c") is None
    assert root.get("a", 1) is None


def test_a_map_over_another_keeps_each_entry_s_own_place() -> None:
    base = read_text("a: 1\nb: 2\n", "base").root
    child = read_text("b: 3\nc: 4\n", "child").root
    assert base is not None
    assert child is not None
    merged = child.over(base)
    assert merged.plain() == {"a": 1, "b": 3, "c": 4}
    assert merged.key_position("a") == Position("base", 1, 1, 2, "a: 1")
    assert merged.key_position("b") == Position("child", 1, 1, 2, "b: 3")
    assert merged.key_position("c") == Position("child", 2, 1, 2, "c: 4")
    assert merged.without("b", "x").plain() == {"a": 1, "c": 4}
    assert base.plain() == {"a": 1, "b": 2}
