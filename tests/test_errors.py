"""Problems and exceptions: what they say of themselves."""

from __future__ import annotations

import time
from random import Random

import pytest

from runner.errors import (
    CredentialsError,
    ExitCode,
    InvalidEvent,
    InvalidInput,
    MachineError,
    NotFound,
    Position,
    Problem,
    RunnerError,
    UsageError,
    did_you_mean,
    dotted,
    nearest,
)
from runner.errors import Step as PathStep

PLACE = Position("specs/a.yaml", 3, 7, 9, "user: x")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (InvalidInput, 2),
        (CredentialsError, 3),
        (NotFound, 4),
        (UsageError, 64),
        (MachineError, 74),
    ],
)
def test_each_exception_ends_the_command_with_its_own_code(kind: type[RunnerError], code: int) -> None:
    error = kind(Problem("usage", "m"))
    assert (error.exit_code, error.problems) == (code, (Problem("usage", "m"),))


def test_the_exit_codes_are_the_readme_s() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0, "REFUSED": 1, "INVALID": 2, "CREDENTIALS": 3, "NOT_FOUND": 4, "RATE_LIMITED": 5, "CASSETTE": 6,
        "NO_ANSWER": 7, "NO_MESSAGE": 8, "USAGE": 64, "BUG": 70, "MACHINE": 74, "HUNG_UP": 129, "INTERRUPTED": 130,
        "TERMINATED": 143,
    }  # fmt: skip


def test_an_exception_reads_as_one_line_a_problem() -> None:
    error = InvalidInput(Problem("usage", "first", PLACE, hint="do it"), Problem("bug", "second"))
    assert str(error) == "specs/a.yaml:3:7: first (do it)\nsecond"


def test_an_invalid_event_is_a_value_error_that_says_which_rule() -> None:
    error = InvalidEvent(Problem("tenant-id", "no tenant", at="tenant_id", hint="use letters"))
    assert isinstance(error, ValueError)
    assert error.exit_code is ExitCode.INVALID
    assert (error.code, error.message, error.at, error.hint) == ("tenant-id", "no tenant", "tenant_id", "use letters")
    assert str(error) == "no tenant (use letters)"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "a.b"),
        (("attachments", 1, "url"), "attachments[1].url"),
        (("a", 0, 2), "a[0][2]"),
        ((0, "a"), "[0].a"),
    ],
)
def test_a_path_is_written_the_way_people_write_it(path: tuple[PathStep, ...], text: str) -> None:
    assert dotted(path) == text


def test_the_nearest_name_is_suggested() -> None:
    assert did_you_mean("oder_id", ["user", "order_id"]) == "did you mean 'order_id'?"


def test_few_names_are_listed_when_none_is_near() -> None:
    assert did_you_mean("zzz", ["user", "order_id"]) == "known here: user, order_id"


def test_many_names_are_not_listed() -> None:
    assert did_you_mean("zzz", [f"name_{number}" for number in range(17)]) is None


def test_without_names_there_is_nothing_to_suggest() -> None:
    assert did_you_mean("zzz", []) is None
    assert did_you_mean("zzz", [], "see the README") == "see the README"


def test_few_names_are_listed_and_many_are_not() -> None:
    assert did_you_mean("zzz", ["user", "order_id"], "see the README") == "known here: user, order_id"
    assert did_you_mean("zzz", [f"name{index}" for index in range(40)], "see the README") == "see the README"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("oder_id", "order_id"),
        ("orderr_id", "order_id"),
        ("order-id", "order_id"),
        ("odrer_id", "order_id"),
        ("ORDER_ID", "order_id"),
        ("OrderId", "order_id"),
        ("odrre_id", "order_id"),
    ],
    ids=["left out", "too many", "replaced", "swapped", "upper case", "camel case", "two slips"],
)
def test_a_slip_of_the_hand_is_seen_through(word: str, meant: str) -> None:
    assert nearest(word, ["user", meant, "amount"]) == meant


@pytest.mark.parametrize(
    ("word", "name", "found"),
    [
        ("abc", "abx", True),
        ("abc", "axx", False),
        ("abcde", "abcxx", False),
        ("abcdef", "abcdxx", True),
        ("abcdefghi", "abcdefxxx", True),
        ("abcdefghi", "abcdexxxx", False),
    ],
)
def test_a_third_of_a_word_may_be_wrong(word: str, name: str, found: bool) -> None:
    assert nearest(word, [name]) == (name if found else None)


def test_two_letters_that_changed_places_are_one_slip() -> None:
    assert nearest("di", ["id"]) == "id"
    assert nearest("xy", ["id"]) is None


@pytest.mark.parametrize(
    ("word", "name", "found"),
    [
        ("desc", "description", True),
        ("description", "desc", True),
        ("$regex", "$re", True),
        ("des", "description", True),
        ("de", "description", False),
        ("script", "description", False),
    ],
)
def test_a_name_cut_short_or_drawn_out_is_near_from_three_letters_on(word: str, name: str, found: bool) -> None:
    assert nearest(word, [name]) == (name if found else None)


def test_a_word_of_one_letter_is_near_to_nothing_but_itself() -> None:
    assert nearest("a", ["b", "ab", "abc"]) is None
    assert nearest("A", ["b", "a"]) == "a"


def test_no_word_is_near_to_nothing_at_all() -> None:
    assert nearest("", ["a", ""]) is None
    assert nearest("a", []) is None


def test_of_several_names_the_nearest_is_found_and_of_equals_the_first() -> None:
    assert nearest("amout", ["about", "amount"]) == "about"
    assert nearest("order_ids", ["orders_id", "order_id"]) == "order_id"
    assert nearest("order", ["order_id", "order"]) == "order"


def test_a_text_too_long_for_a_name_is_compared_with_none() -> None:
    assert nearest("x" * 40, ["y" + "x" * 39]) == "y" + "x" * 39
    assert nearest("x" * 41, ["y" + "x" * 40]) is None


@pytest.mark.parametrize("length", [40, 41, 100_000])
def test_long_words_are_compared_quickly(length: int) -> None:
    began = time.process_time()
    nearest("x" * length, [f"{'y' * (length - 3)}{number:03}" for number in range(100)])
    assert time.process_time() - began < 1


def slips(word: str, name: str) -> int:
    """Count slips as their definition says: optimal string alignment, over the whole table."""
    table = [[row + column for column in range(len(name) + 1)] for row in range(len(word) + 1)]
    for row in range(1, len(word) + 1):
        for column in range(1, len(name) + 1):
            steps = [table[row - 1][column] + 1, table[row][column - 1] + 1]
            steps.append(table[row - 1][column - 1] + (word[row - 1] != name[column - 1]))
            if row > 1 < column and word[row - 1] == name[column - 2] and word[row - 2] == name[column - 1]:
                steps.append(table[row - 2][column - 2] + 1)
            table[row][column] = min(steps)
    return table[-1][-1]


def test_the_nearest_of_random_names_is_that_of_the_definition() -> None:
    dice = Random(7)  # noqa: S311 - words, not secrets
    for _ in range(1000):
        letters = dice.choice(["ab", "abc", "abcdef_1"])
        word, *names = ("".join(dice.choices(letters, k=dice.randint(4, 12))) for _ in range(6))
        allowed = len(word) // 3
        cut = [name for name in names if name != word and (name.startswith(word) or word.startswith(name))]
        counted = {name: 1 if name in cut else slips(word, name) for name in names}
        least = min(counted.values())
        expected = next(name for name in names if counted[name] == least) if least <= allowed else None
        assert nearest(word, names) == expected, (word, names)


def test_very_long_words_are_near_to_nothing() -> None:
    assert nearest("x" * 150, ["user", "x" * 149 + "y"]) is None
