"""What is not indented, not closed or blank in the wrong place is refused at its fault; the like is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import Position
from tests.source.refusals import first_error, plain, refusal, syntax

if TYPE_CHECKING:
    from runner.source import Json


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("a: 'x'#c", 1, 7),
        ("a: {}#c", 1, 6),
        ("a: {b: c,\n  #fine\n  d: [e]#c\n  }", 3, 9),
        ("a: {#c\n  }", 1, 5),
        ('a: {"b":#c\n  d}', 1, 9),
        ("- |-#c\n  x", 1, 5),
        ("- !!str &x # c#d\n  >2#c\n  x", 2, 5),
        ('é: "😀 # \\" #"#c', 1, 14),
        ("a: 1 # b#c\nd: 'e' # f'#g\nh: 'i#'#j", 3, 8),
        ("[#c\n@", 1, 2),
        ("a: ['x', # b#c\n  'y', #d\n  'z',#e\n  @", 3, 7),
        ('a: "x"#c\nb: @', 1, 7),
    ],
)
def test_a_comment_needs_white_space_before_it(content: str, line: int, column: int) -> None:
    place = Position("f.yaml", line, column, column + 1, content.split("\n")[line - 1])
    assert refusal(content) == syntax(
        "a comment's # needs a space before it", place, "write ' #'; quote a text that holds a #"
    )


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("#a#b\n  #c #d\na: 1 # e#f ## g\n", {"a": 1}),
        ("a: 'x' # it's \"y\"#z, [b]#c\n", {"a": "x"}),
        (
            "a: '#fff'\nb: \"x\\\"#y\"\nc: x#y\nd: [x#y, '#'] # z#\n",
            {"a": "#fff", "b": 'x"#y', "c": "x#y", "d": ["x#y", "#"]},
        ),
        ("a: https://example.com/x,#y\n", {"a": "https://example.com/x,#y"}),
        ("a: |\n  x,#y\n# b,#c\n", {"a": "x,#y\n"}),
        ("a: | # b'#c\n  x\n", {"a": "x\n"}),
        ("a: &x # b'#c\n  !!str # d'#e\n  'y'\n", {"a": "y"}),
        ("%YAML 1.2 # a#b\n# c'#d\n--- # e'#f\nx\n... # g'#h\n", "x"),
        ("? 'a' # b'#c\n: 'd' # e'#f\n", {"a": "d"}),
        ("'a'\t# b\n", "a"),
        ("\ufeff# a\nb: 'c#' # d\n", {"b": "c#"}),
        ("['a',\r#b\r'c']", ["a", "c"]),
    ],
)
def test_a_hash_elsewhere_is_no_fault(content: str, value: Json) -> None:
    assert plain(content) == value


@pytest.mark.parametrize(
    ("content", "line", "column", "opener", "spaces"),
    [
        ("a:\n  b: [x,\n  z]", 3, 3, "[ of line 2", 3),
        ("a:\n  b: {x: 1,\n\n y: 2}", 4, 2, "{ of line 2", 3),
        ("a:\n- [x,\nz]", 3, 1, "[ of line 2", 1),
        ("a: &x\n- [x,\nz]", 3, 1, "[ of line 2", 1),
        ("a: &x !!str # c\n  'y\nz'", 3, 1, "quote of line 2", 1),
        ("- a: 'x\n  y'", 2, 3, "quote of line 1", 3),
        ("- - 'x\n  y'", 2, 3, "quote of line 1", 3),
        ("a: [{b: 'x\n]'}]", 2, 1, "quote of line 1", 1),
        ("a: 'x\n# y'", 2, 1, "quote of line 1", 1),
        ("a: [[x,\n  v],\nz]", 3, 1, "[ of line 1", 1),
        ("a:\n  b: [\n]", 3, 1, "[ of line 2", 3),
        ("a: [\n  {b: x,\nv: z}]", 3, 1, "[ of line 1", 1),
        ("? 'a\nb'\n: c", 2, 1, "quote of line 1", 1),
    ],
)
def test_what_goes_on_over_lines_is_indented(content: str, line: int, column: int, opener: str, spaces: int) -> None:
    place = Position("f.yaml", line, column, column + 1, content.split("\n")[line - 1])
    assert refusal(content) == syntax(
        f"indented too little: the {opener} is still open",
        place,
        f"close it above, or begin this line with {spaces} or more spaces",
    )


@pytest.mark.parametrize("content", ["a: [x, y\nb: z\n", "a: {x: y\nb: z\n", "a: [{x: y}\nb: z]]\n", 'a: "x\nb: "z"\n'])
def test_what_is_not_closed_is_told_at_the_first_line_that_leaves_it(content: str) -> None:
    assert first_error(content).startswith("2:1 yaml-syntax: indented too little: the ")


def test_a_quote_that_is_never_closed_is_told_where_it_opens_in_brackets_too() -> None:
    assert first_error("a: [x,\n  'z,\nb: c]\n") == "2:3 yaml-syntax: the quote that opens here is never closed"


@pytest.mark.parametrize("content", ["a: [\n\tx]", "a:\n  b: 'x\n  \ty'", "- [\n\t]", "- {\n\t\n \tx: 1,\n\ty: 2}"])
def test_a_tab_is_no_indentation_inside_brackets_and_quotes(content: str) -> None:
    problem = refusal(content)
    assert (problem.message, problem.hint) == ("a tab can't indent YAML", "use spaces")
    assert problem.position is not None
    assert problem.position.text[problem.position.column - 1] == "\t"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("a: {\n  b: [\n    1\n  ],\n}\n", {"a": {"b": [1]}}),
        ("a:\n  b: [\n    {x: 1\n  }\n  ]\n", {"a": {"b": [{"x": 1}]}}),
        ("- {\n  a: 1\n}\n- [\n]\n", [{"a": 1}, []]),
        ("a:\n- [\n  1\n]\n", {"a": [[1]]}),
        ("a: [\r\n  1\r\n]\r\n", {"a": [1]}),
    ],
)
def test_a_closing_bracket_may_stand_at_the_column_of_its_parent(content: str, value: Json) -> None:
    assert plain(content) == value


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("a:\n  b: [1,\n\n\t\n# c\n \t# d\n   2]\n", {"a": {"b": [1, 2]}}),
        ("a: 'x\n\n\t\n y'\n", {"a": "x\n\ny"}),
        ("a: 'x\n \ty'\nb: [\n \t1]\n", {"a": "x y", "b": [1]}),
        ("[1,\n2,\n\t{a:\n'x\ny'}\n]", [1, 2, {"a": "x y"}]),
        ("--- 'x\n\ty'\n", "x y"),
        ("a: &x # c\n# d\n  'y\n z'\n", {"a": "y z"}),
        ("- - 'x\n   y'\n", [["x y"]]),
        ("a:\n- 'x\n y'\n", {"a": ["x y"]}),
        ("a: [x,\n é y\n z]\n", {"a": ["x", "é y z"]}),
        ("a: {b: 1}\nc: 'x'\n", {"a": {"b": 1}, "c": "x"}),
        ("a:\r  b: ['x\r   y']\r", {"a": {"b": ["x y"]}}),
    ],
)
def test_what_is_indented_enough_or_needs_no_indentation_is_read(content: str, value: Json) -> None:
    assert plain(content) == value


@pytest.mark.parametrize(
    ("content", "column"), [("a: [-]", 5), ("{a: -}", 5), ("{-}", 2), ("[x, -, y]", 5), ("[&a !!str -]", 11)]
)
def test_a_dash_alone_is_no_value_in_brackets(content: str, column: int) -> None:
    assert refusal(content) == syntax(
        "a '-' alone is not a value inside [ ] or { }",
        Position("f.yaml", 1, column, column + 1, content),
        "put it in quotes",
    )


@pytest.mark.parametrize(
    ("content", "value"),
    [("[-x, --, '-', -1]", ["-x", "--", "-", -1]), ("{-: -x}", {"-": "-x"}), ("a: -]", {"a": "-]"})],
)
def test_a_dash_in_a_text_is_read(content: str, value: Json) -> None:
    assert plain(content) == value


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("a: |\n\n   \n  x\n", 3, 3),
        ("a:\n  b: &y >-\n     \n    # x\n", 3, 5),
        ("--- |\n  \n# x\n", 2, 1),
        ("a:\n- |\n  \n # x\n", 3, 2),
    ],
)
def test_a_blank_line_is_no_longer_than_the_indentation_of_a_blocks_text(content: str, line: int, column: int) -> None:
    text = content.split("\n")[line - 1]
    assert refusal(content) == syntax(
        "a blank line with more spaces than the text below it",
        Position("f.yaml", line, column, len(text) + 1, text),
        "remove its spaces",
    )


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("a: |\n  \n\n  x\n      \n", {"a": "\n\nx\n    \n"}),
        ("a: |\n    \nb: 1\n", {"a": "", "b": 1}),
        ("a:\n  b: |\n      \n # x\n  c: 1\n", {"a": {"b": "", "c": 1}}),
        ("a: |2\n    \n  x\n", {"a": "  \nx\n"}),
        ("a: |1\n \n # x\n", {"a": "\n# x\n"}),
        ("a: |2\n  \n # x\n", {"a": ""}),
        ("a: |\n   x\n # y\n", {"a": "x\n"}),
        ("a: |+\n   ", {"a": "\n"}),
        ("a:\n- |\n    \n- x\n", {"a": ["", "x"]}),
        ("--- |\n   \n...\n", ""),
    ],
)
def test_other_blank_lines_of_a_block_are_read(content: str, value: Json) -> None:
    assert plain(content) == value
