"""Problems as text, JSON and annotations."""

from __future__ import annotations

import pytest

from runner.errors import Position, Problem
from runner.report.github_annotation import as_annotation
from runner.report.problems import as_json, as_text
from runner.report.style import Style, printable, width, written
from runner.secrets import Mask


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
    ("caret", "length", "beside"),
    [(5, 60, True), (60, 35, True), (60, 36, False), (5, 120, False), (95, 10, False)],
)
def test_a_hint_that_a_line_of_100_columns_does_not_hold_stands_below(caret: int, length: int, beside: bool) -> None:
    hint = "h" * length
    place = Position("a.yaml", 7, caret, caret + 1, "x" * 99)
    assert as_text(Problem("bug", "it", place, hint=hint, context="in case 'a'")) == (
        f"error[bug]: it\n --> a.yaml:7:{caret}\n  |\n7 | {'x' * 99}\n  | {' ' * (caret - 1)}^"
        + (f" {hint}\n" if beside else f"\n  = {hint}\n")
        + "  = in case 'a'"
    )


def test_a_caret_of_a_whole_line_sends_its_hint_below() -> None:
    place = Position("a.yaml", 12, 1, 81, "x" * 80)
    assert as_text(Problem("bug", "it", place, hint="put the whole value in quotes")) == (
        f"error[bug]: it\n  --> a.yaml:12:1\n   |\n12 | {'x' * 80}\n   | {'^' * 80}\n   = put the whole value in quotes"
    )


def test_the_longest_line_of_a_hint_decides_where_all_of_it_stands() -> None:
    place = Position("a.yaml", 7, 3, 4, "  x")
    short = Problem("bug", "it", place, hint="set A\nor set B")
    assert as_text(short).endswith("\n7 |   x\n  |   ^ set A\n  |     or set B")
    long = Problem("bug", "it", place, hint="set A\nor set " + "B" * 100)
    assert as_text(long).endswith(f"\n7 |   x\n  |   ^\n  = set A\n    or set {'B' * 100}")


def test_a_hint_beside_the_caret_of_a_long_line_is_measured_where_it_is_shown() -> None:
    line = "a" * 500 + "HERE" + "b" * 500
    near = Problem("bug", "x", Position("a", 1, 501, 505, line), hint="short")
    assert as_text(near).split("\n")[-1] == "  | " + " " * 50 + "^^^^ short"
    far = Problem("bug", "x", Position("a", 1, 1000, 1004, line), hint="short")
    assert as_text(far).split("\n")[-1] == "  = short"


@pytest.mark.parametrize("line", ["", "   ", "\t\t"])
def test_a_blank_line_is_not_shown(line: str) -> None:
    place = Position("a.yaml", 3, 1, 2, line)
    assert as_text(Problem("empty-file", "the file is empty", place, hint="see the README")) == (
        "error[empty-file]: the file is empty\n --> a.yaml:3:1\n  = see the README"
    )
    assert as_text(Problem("empty-file", "the file is empty", place)) == (
        "error[empty-file]: the file is empty\n --> a.yaml:3:1"
    )


def test_json_has_every_field() -> None:
    place = Position("a.yaml", 3, 2, 5, "  abc")
    problem = Problem("bug", "it", place, "vars.a", "do it", "in case 'a'", "warning")
    assert as_json(problem) == {
        "code": "bug", "severity": "warning", "message": "it", "path": "a.yaml", "line": 3, "column": 2, "end_column": 5,
        "at": "vars.a", "hint": "do it", "context": "in case 'a'",
    }  # fmt: skip


def test_an_annotation_ends_with_hint_and_context() -> None:
    problem = Problem("bug", "it", hint="do it", context="in case 'a'")
    assert as_annotation(problem) == "::error title=bug::it%0Ado it%0Ain case 'a'"


@pytest.mark.parametrize(
    ("line", "column", "caret_at"),
    [("a: äx", 5, 4), ("a: 漢x", 5, 5), ("a: e\N{COMBINING ACUTE ACCENT}x", 6, 4), ("a:\tx", 4, 3)],
    ids=["umlaut", "wide", "combining", "tab"],
)
def test_the_caret_stands_under_the_column_as_a_terminal_shows_it(line: str, column: int, caret_at: int) -> None:
    text = as_text(Problem("bug", "x", Position("a", 1, column, column + 1, line)))
    assert text.split("\n")[-1] == "  | " + " " * caret_at + "^"


def test_a_long_line_is_cut_to_what_is_around_the_caret() -> None:
    line = "a" * 500 + "HERE" + "b" * 500
    shown = as_text(Problem("bug", "x", Position("a", 1, 501, 505, line))).split("\n")
    assert len(shown[3]) == 104
    assert shown[3][shown[4].index("^") :].startswith("HERE")
    assert shown[4].strip(" |") == "^^^^"


def test_colours_surround_the_words_and_never_the_text() -> None:
    problem = Problem("bug", "it\x1b[2J", severity="warning")
    assert written(as_text(problem, Style(on=True))) == "\x1b[1;33mwarning[bug]\x1b[0m\x1b[1m: it\\x1b[2J\x1b[0m"


def test_an_annotation_escapes_what_would_end_it() -> None:
    problem = Problem("bug", "50%\nof a: b, c", Position("a,b:c.yaml", 3, 2, 5, "  abc"), hint="no")
    assert (
        as_annotation(problem)
        == "::error file=a%2Cb%3Ac.yaml,line=3,col=2,endColumn=4,title=bug::50%25%0Aof a: b, c%0Ano"
    )


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\r", "\n", "\x9b", "\u202e", "\u2028", "\ud800", "\ufeff"])
def test_what_moves_a_cursor_is_shown_and_not_obeyed(char: str) -> None:
    assert printable(f"a{char}b") == f"a{char.encode('unicode_escape').decode()}b"


def test_width_counts_columns() -> None:
    assert [width(text) for text in ("", "abc", "漢字", "e\N{COMBINING ACUTE ACCENT}")] == [0, 3, 4, 1]


@pytest.mark.parametrize(
    ("column", "end_column", "caret"),
    [
        (1, 4, "^^^"),
        (6, 7, "     ^"),
        (6, 14, "     ^^^^^"),
        (7, 13, "      ^^^"),
        (8, 10, "      ^^^"),
        (4, 9, "   ^^^^^^"),
        (10, 17, "      ^^^^^^^"),
        (14, 17, "          ^^^"),
        (22, 23, "                  ^"),
        (24, 25, "                   ^^^"),
    ],
)
def test_the_caret_is_as_wide_as_the_stars_and_stands_under_them(column: int, end_column: int, caret: str) -> None:
    place = Position("a.yaml", 7, column, end_column, 'key: "s3cr3t" and x: [s3cr3t]')
    assert as_text(Problem("bug", "it", place), mask=Mask(["s3cr3t"])) == (
        f'error[bug]: it\n --> a.yaml:7:{column}\n  |\n7 | key: "***" and x: [***]\n  | {caret}'
    )


@pytest.mark.parametrize("secret", ["s3cr3t", "s3cr3t-" * 30])
def test_the_caret_does_not_tell_how_long_a_secret_is(secret: str) -> None:
    place = Position("a.yaml", 7, 6, 6 + len(secret), f"key: {secret}")
    assert as_text(Problem("bug", "it", place, hint="so"), mask=Mask([secret])) == (
        "error[bug]: it\n --> a.yaml:7:6\n  |\n7 | key: ***\n  |      ^^^ so"
    )


@pytest.mark.parametrize("before", range(40, 60))
def test_a_long_line_is_cut_after_it_is_masked(before: int) -> None:
    line = "a" * 200 + "s3cr3t" + "b" * before + "HERE" + "c" * 200
    column = 200 + 6 + before + 1
    masked = "a" * 200 + "***" + "b" * before + "HERE" + "c" * 200
    shown = masked[column - 4 - 50 :][:100]
    assert as_text(Problem("bug", "it", Position("a.yaml", 7, column, column + 4, line)), mask=Mask(["s3cr3t"])) == (
        f"error[bug]: it\n --> a.yaml:7:{column}\n  |\n7 | {shown}\n  | {' ' * 50}^^^^"
    )


def test_a_text_is_masked_before_it_is_split_and_made_safe() -> None:
    secret = "s3\ncr\x1b3t\\"
    problem = Problem(
        "bug", f"it: {secret}", Position(f"{secret}.yaml", 7, 1, 2, ""), hint=f"{secret}\nor", context=secret
    )
    mask = Mask([secret])
    assert as_text(problem, mask=mask) == "error[bug]: it: ***\n --> ***.yaml:7:1\n  = ***\n    or\n  = ***"
    assert (
        as_annotation(problem, mask)
        == "::error file=***.yaml,line=7,col=1,endColumn=1,title=bug::it: ***%0A***%0Aor%0A***"
    )


def test_the_place_and_the_code_are_ours_and_not_masked() -> None:
    problem = Problem("usage", "7777", Position("a.yaml", 7777, 1, 2, "b: 7777"), severity="warning")
    mask = Mask(["7777", "usage", "warning", "error"])
    assert as_text(problem, mask=mask) == (
        "warning[usage]: ***\n    --> a.yaml:7777:1\n     |\n7777 | b: ***\n     | ^"
    )
    assert as_annotation(problem, mask) == "::warning file=a.yaml,line=7777,col=1,endColumn=1,title=usage::***"


def test_a_short_secret_leaves_what_a_problem_says_alone_and_is_starred_in_the_line_it_shows() -> None:
    problem = Problem("bug", "expected at most 7 items", Position("a.yaml", 7, 1, 2, "b: 7"), hint="7 or less")
    assert as_text(problem, mask=Mask(["7"])) == (
        "error[bug]: expected at most 7 items\n --> a.yaml:7:1\n  |\n7 | b: ***\n  | ^ 7 or less"
    )


def test_a_very_long_message_is_cut() -> None:
    assert as_text(Problem("bug", "m" * 401, hint="h" * 500)) == f"error[bug]: {'m' * 400} …\n  = {'h' * 400} …"
