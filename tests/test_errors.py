"""Problems and exceptions: what they say of themselves."""

from __future__ import annotations

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
    error = kind(Problem("c", "m"))
    assert (error.exit_code, error.problems) == (code, (Problem("c", "m"),))


def test_the_exit_codes_are_the_readme_s() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0, "REFUSED": 1, "INVALID": 2, "CREDENTIALS": 3, "NOT_FOUND": 4, "RATE_LIMITED": 5, "CASSETTE": 6,
        "NO_ANSWER": 7, "USAGE": 64, "BUG": 70, "MACHINE": 74, "INTERRUPTED": 130,
    }  # fmt: skip


def test_an_exception_reads_as_one_line_a_problem() -> None:
    error = InvalidInput(Problem("a", "first", PLACE, hint="do it"), Problem("b", "second"))
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
