"""The one rule for exit codes, as the manual states it."""

from __future__ import annotations

import pytest

from runner.errors import ExitCode, Interrupted, NotFound, Problem, UsageError
from runner.exits import failure_of, of_event, of_pytest, of_stop, summed
from runner.problems import ENTRIES

OK, REFUSED, INVALID, CREDENTIALS = ExitCode.OK, ExitCode.REFUSED, ExitCode.INVALID, ExitCode.CREDENTIALS
RATE_LIMITED, CASSETTE, NO_ANSWER = ExitCode.RATE_LIMITED, ExitCode.CASSETTE, ExitCode.NO_ANSWER
BUG, MACHINE = ExitCode.BUG, ExitCode.MACHINE


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (KeyboardInterrupt(), "interrupted", ExitCode.INTERRUPTED),
        (Interrupted("not confirmed"), "interrupted", ExitCode.INTERRUPTED),
        (UsageError(Problem("usage", "an argument is empty")), "usage", ExitCode.USAGE),
        (NotFound(Problem("file-not-found", "no such file: a.yaml")), "file-not-found", ExitCode.NOT_FOUND),
        (OSError(28, "No space left on device"), "machine-refused", MACHINE),
        (MemoryError(), "machine-refused", MACHINE),
        (ImportError("failed to map segment from shared object"), "machine-refused", MACHINE),
    ],
)
def test_an_exception_ends_a_command_with_its_problem_and_code(
    error: BaseException, code: str, exit_code: ExitCode
) -> None:
    failure = failure_of(error)
    assert ([problem.code for problem in failure.problems], failure.exit_code) == ([code], exit_code)
    assert failure.detail is None


def test_any_other_exception_is_a_bug_with_its_place_and_traceback() -> None:
    try:
        raise LookupError("x")  # noqa: TRY301
    except LookupError as error:
        failure = failure_of(error)
    [problem] = failure.problems
    assert (problem.code, problem.message, failure.exit_code) == ("bug", "LookupError: x", BUG)
    assert (problem.context or "").startswith("in test_exits.py:")
    assert (failure.detail or "").endswith("LookupError: x\n")


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ([], OK), ([OK], OK), ([OK, REFUSED], REFUSED), ([INVALID, INVALID], INVALID), ([INVALID, REFUSED], REFUSED),
        ([RATE_LIMITED], RATE_LIMITED), ([RATE_LIMITED, NO_ANSWER], REFUSED), ([NO_ANSWER, OK], NO_ANSWER),
        ([CASSETTE], CASSETTE), ([CASSETTE, REFUSED], REFUSED), ([CREDENTIALS, REFUSED, NO_ANSWER], CREDENTIALS),
        ([MACHINE, CREDENTIALS], MACHINE), ([BUG, MACHINE, CREDENTIALS, INVALID], BUG),
    ],
)  # fmt: skip
def test_several_failures_come_to_one_code(kinds: list[ExitCode], code: ExitCode) -> None:
    assert summed(kinds) is code
    assert summed(reversed(kinds)) is code


@pytest.mark.parametrize(
    ("kinds", "code"),
    [([INVALID, REFUSED, CASSETTE], INVALID), ([CASSETTE, REFUSED], REFUSED), ([INVALID, CREDENTIALS], CREDENTIALS)],
)
def test_a_spec_that_can_not_be_read_comes_before_failed_cases(kinds: list[ExitCode], code: ExitCode) -> None:
    assert summed(kinds, before=INVALID) is code


@pytest.mark.parametrize("code", ["credentials-refused", "rate-limited", "no-answer", "no-connection", "not-sent"])
def test_an_event_fails_with_the_code_that_its_problem_is_explained_with(code: str) -> None:
    [entry] = [entry for known, entry in ENTRIES.items() if known == code]
    assert of_event(code, was_sent=True) is of_event(code, was_sent=False) is entry.exit_code


def test_another_failure_is_the_platforms_if_the_event_went_out() -> None:
    assert (of_event("refused", was_sent=True), of_event("var-schema", was_sent=False)) == (REFUSED, INVALID)


def test_a_row_that_an_interrupt_left_without_an_answer_is_one_failed_row() -> None:
    assert of_event("interrupted", was_sent=True) is of_event("interrupted", was_sent=False) is REFUSED


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("credentials", CREDENTIALS), ("no-answer", NO_ANSWER), ("unavailable", NO_ANSWER), ("rate-limited", RATE_LIMITED),
        ("failures", None), ("interrupted", None), ("machine", None),
    ],
)  # fmt: skip
def test_a_reason_that_concerns_all_rows_decides_the_code_of_a_run(reason: str, code: ExitCode | None) -> None:
    assert of_stop(reason) is code


def test_each_status_of_pytest_has_a_code() -> None:
    assert {status.name: of_pytest(status) for status in map(pytest.ExitCode, range(6))} == {
        "OK": OK, "TESTS_FAILED": REFUSED, "INTERRUPTED": INVALID, "INTERNAL_ERROR": BUG, "USAGE_ERROR": ExitCode.USAGE,
        "NO_TESTS_COLLECTED": ExitCode.NOT_FOUND,
    }  # fmt: skip
