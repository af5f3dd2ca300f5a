"""The table of YAML scalars in the spec format: what is null, a boolean, a number, and what is text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import Position, Problem
from tests.source.conftest import read

if TYPE_CHECKING:
    from runner.source import Json


def value_of(scalar: str) -> Json:
    document = read(f"a: {scalar}\n")
    assert document.root is not None
    node = document.root.get("a")
    assert node is not None
    return node.plain()


def ambiguity(scalar: str) -> Problem:
    return Problem(
        "ambiguous-scalar",
        f"{scalar} is text here, but not to every YAML reader",
        Position("f.yaml", 1, 4, 4 + len(scalar), f"a: {scalar}"),
        hint=f'write "{scalar}"',
        severity="warning",
    )


@pytest.mark.parametrize("scalar", ["null", "~", "", "# only a comment"])
def test_null_is_the_word_the_tilde_or_nothing(scalar: str) -> None:
    document = read(f"a: {scalar}\n")
    assert document.root is not None
    assert document.root.plain() == {"a": None}
    assert document.problems == ()


@pytest.mark.parametrize(("scalar", "value"), [("true", True), ("false", False)])
def test_booleans_are_two_lower_case_words(scalar: str, value: bool) -> None:
    assert value_of(scalar) is value
    assert read(f"a: {scalar}").problems == ()


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("7", 7),
        ("-12", -12),
        ("9007199254740993", 9007199254740993),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("0.5", 0.5),
        ("-1.25", -1.25),
        ("1.0e+3", 1000.0),
        ("1.0E+2", 100.0),
        ("2.5e-1", 0.25),
        ("0.0e+0", 0.0),
    ],
)
def test_numbers_follow_the_grammar_of_json(scalar: str, value: float) -> None:
    found = value_of(scalar)
    assert (type(found), found) == (type(value), value)
    assert read(f"a: {scalar}").problems == ()


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("1e3", 1000.0),
        ("1E2", 100.0),
        ("1e5", 1e5),
        ("-1E+02", -100.0),
        ("25e-1", 2.5),
        ("0e0", 0.0),
        ("1.5e3", 1500.0),
    ],
)
def test_a_number_that_other_readers_take_for_text_is_one_with_a_warning(scalar: str, value: float) -> None:
    assert value_of(scalar) == value
    assert read(f"a: {scalar}").problems == (
        Problem(
            "ambiguous-scalar",
            f"{scalar} is a number here, but text to other YAML readers",
            Position("f.yaml", 1, 4, 4 + len(scalar), f"a: {scalar}"),
            hint=f'if it is text, write "{scalar}"',
            severity="warning",
        ),
    )


def test_warnings_of_many_dates_or_numbers_are_one() -> None:
    dates = "".join(f"- 2024-01-{day:02}\n" for day in range(1, 29))
    problems = read(f"- no\n{dates}- 1e3\n- 2e3\n- yes\n").problems
    assert [problem.message for problem in problems] == [
        "no is text here, but not to every YAML reader",
        "2024-01-01 is text here, but not to every YAML reader; so are 27 more dates in this file",
        "1e3 is a number here, but text to other YAML readers; so is 1 more number in this file",
        "yes is text here, but not to every YAML reader",
    ]
    assert problems[1].position is not None
    assert problems[1].position.line == 2


AMBIGUOUS = [
    "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "y", "Y", "n", "N",
    "True", "TRUE", "False", "FALSE", "Null", "NULL",
    "0123", "00", "-0123", "0x1F", "-0x1", "0o17", "0b11", "1_000", "1__0", "+1", "+1.5", "+0", ".5", "-.5", "1.", "1.e3",
    "01.5", "12:30", "1:30:00", "-1:30", "190:20:30.15",
    "2024-01-02", "2024-1-2", "2024-01-02T03:04:05Z", "2024-01-02 03:04:05",
]  # fmt: skip


@pytest.mark.parametrize("scalar", AMBIGUOUS)
def test_what_yaml_1_1_reads_otherwise_is_text_with_a_warning_at_its_place(scalar: str) -> None:
    document = read(f"a: {scalar}\n")
    assert document.root is not None
    assert document.root.plain() == {"a": scalar}
    assert document.problems == (ambiguity(scalar),)


@pytest.mark.parametrize("scalar", AMBIGUOUS)
@pytest.mark.parametrize("quoted", ["'{}'", '"{}"', "!!str {}", "|-\n  {}", ">-\n  {}"])
def test_quoting_removes_the_warning(scalar: str, quoted: str) -> None:
    document = read(f"a: {quoted.format(scalar)}\n")
    assert document.root is not None
    assert document.root.plain() == {"a": scalar}
    assert document.problems == ()


@pytest.mark.parametrize(
    "scalar", ["hello", "yesterday", "none", "None", "nil", "-", "1.2.3", "1-2", "12 apples", "v1", "0o18", "1e", "e3"]
)
def test_every_other_plain_scalar_is_text_without_a_warning(scalar: str) -> None:
    document = read(f"a: x{scalar[1:]}\n" if scalar == "-" else f"a: {scalar}\n")
    assert document.root is not None
    assert document.root.plain() == {"a": "x" if scalar == "-" else scalar}
    assert document.problems == ()


@pytest.mark.parametrize("scalar", [".nan", ".NaN", ".NAN", ".inf", "-.inf", "+.inf", ".Inf", "-.INF"])
def test_numbers_that_json_lacks_are_errors(scalar: str) -> None:
    assert read(f"a: {scalar}\n").problems == (
        Problem(
            "not-finite",
            f"{scalar} is not a JSON number",
            Position("f.yaml", 1, 4, 4 + len(scalar), f"a: {scalar}"),
            hint=f'if it is text, write "{scalar}"',
        ),
    )


def test_a_quoted_nan_is_text() -> None:
    assert read("a: '.nan'").problems == ()
    assert value_of("'.nan'") == ".nan"


def test_an_integer_of_more_digits_than_python_converts_is_an_error() -> None:
    line = "a: " + "1" * 5000
    assert read(line).problems == (
        Problem(
            "number-too-large", "a number of 5000 digits", Position("f.yaml", 1, 4, 5004, line), hint="write it as text"
        ),
    )


def test_a_number_beyond_a_double_is_an_error() -> None:
    assert read("a: [1, -1e999]").problems == (
        Problem(
            "number-too-large",
            "-1e999 is too large for a double",
            Position("f.yaml", 1, 8, 14, "a: [1, -1e999]"),
            hint="write it as text",
        ),
    )


def test_a_key_is_always_text_and_never_warned_about() -> None:
    document = read("no: 1\n1: 2\n~: 3\ntrue: 4\n12:30: 5\n")
    assert document.root is not None
    assert document.root.plain() == {"no": 1, "1": 2, "~": 3, "true": 4, "12:30": 5}
    assert document.problems == ()


def test_the_warning_points_into_flow_and_nested_lists() -> None:
    document = read("a:\n  - [x, off]\n  - é: on\n")
    assert [problem.position for problem in document.problems] == [
        Position("f.yaml", 2, 9, 12, "  - [x, off]"),
        Position("f.yaml", 3, 8, 10, "  - é: on"),
    ]
