"""Problems as text, JSON and annotations."""

from __future__ import annotations

import pytest

from runner.errors import Position, Problem
from runner.report.problems import as_annotation, as_text
from runner.report.style import Style, printable, width


def test_a_problem_without_a_place_has_its_hint_below() -> None:
    problem = Problem("credentials-missing", "no credentials", hint="set A;\nor set B")
    assert as_text(problem) == "error[credentials-missing]: no credentials\n  = set A;\n    or set B"


def test_the_context_comes_last() -> None:
    place = Position("specs/purchase.yaml", 23, 24, 31, '    order: "Order #{{ oder_id }}"')
    problem = Problem(
        "template-undefined",
        "variable 'oder_id' is not defined",
        place,
        hint="did you mean 'order_id'?",
        context="in case 'a premium purchase'",
    )
    assert as_text(problem) == (
        "error[template-undefined]: variable 'oder_id' is not defined\n"
        "  --> specs/purchase.yaml:23:24\n"
        "   |\n"
        '23 |     order: "Order #{{ oder_id }}"\n'
        "   |                        ^^^^^^^ did you mean 'order_id'?\n"
        "   = in case 'a premium purchase'"
    )


@pytest.mark.parametrize(
    ("line", "column", "caret_at"),
    [("a: äx", 5, 4), ("a: 漢x", 5, 5), ("a: e\N{COMBINING ACUTE ACCENT}x", 6, 4), ("a:\tx", 4, 3)],
    ids=["umlaut", "wide", "combining", "tab"],
)
def test_the_caret_stands_under_the_column_as_a_terminal_shows_it(line: str, column: int, caret_at: int) -> None:
    text = as_text(Problem("x", "x", Position("a", 1, column, column + 1, line)))
    assert text.split("\n")[-1] == "  | " + " " * caret_at + "^"


def test_a_long_line_is_cut_to_what_is_around_the_caret() -> None:
    line = "a" * 500 + "HERE" + "b" * 500
    shown = as_text(Problem("x", "x", Position("a", 1, 501, 505, line))).split("\n")
    assert len(shown[3]) == 104
    assert shown[3][shown[4].index("^") :].startswith("HERE")
    assert shown[4].strip(" |") == "^^^^"


def test_colours_surround_the_words_and_never_the_text() -> None:
    problem = Problem("x", "it\x1b[2J", severity="warning")
    assert as_text(problem, Style(on=True)) == "\x1b[1;33mwarning[x]\x1b[0m\x1b[1m: it\\x1b[2J\x1b[0m"


def test_an_annotation_escapes_what_would_end_it() -> None:
    problem = Problem("x", "50%\nof a: b, c", Position("a,b:c.yaml", 3, 2, 5, "  abc"), hint="no")
    assert (
        as_annotation(problem)
        == "::error file=a%2Cb%3Ac.yaml,line=3,col=2,endColumn=4,title=x::50%25%0Aof a: b, c%0Ano"
    )


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\r", "\n", "\x9b", "\u202e", "\u2028", "\ud800", "\ufeff"])
def test_what_moves_a_cursor_is_shown_and_not_obeyed(char: str) -> None:
    assert printable(f"a{char}b") == f"a{char.encode('unicode_escape').decode()}b"


def test_width_counts_columns() -> None:
    assert [width(text) for text in ("", "abc", "漢字", "e\N{COMBINING ACUTE ACCENT}")] == [0, 3, 4, 1]
