"""Failures → exit codes: the one policy of all commands, which the manual states on its page exit-codes.

The numbers are in `errors.ExitCode`; those of signals are made in `__main__`.

`failure_of` is for an exception, whose class has the code. `of_event` is for one event or row, `of_stop` for what stopped a
run of rows, `of_case` for one case, `of_pytest` for a session of cases; `summed` makes one code of many. The registry of
problems (`runner.problems`) has a usual exit code for each problem, which is for readers; only `of_case` decides by it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner import __version__
from runner.errors import ExitCode, Interrupted, Problem, RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Failure(NamedTuple):
    """What ended a command: its problems, its exit code, and a traceback for `-v` if it is a bug."""

    problems: Sequence[Problem]
    exit_code: ExitCode
    detail: str | None = None


def failure_of(error: BaseException) -> Failure:
    """Return how an exception ends a command.

    A signal is a KeyboardInterrupt here, however far the command came. An OSError that no package expected is the
    machine's refusal, and so is a lack of memory. Everything else is a bug.
    """
    if isinstance(error, RunnerError):
        return Failure(error.problems, error.exit_code)
    if isinstance(error, KeyboardInterrupt):
        return failure_of(Interrupted())
    if isinstance(error, OSError):
        return _machine(str(error.strerror or error))
    if isinstance(error, MemoryError) or _NO_MEMORY in str(error):
        return _machine("no memory is left", hint="see `ulimit -v`")
    return _bug(error)


def _machine(reason: str, hint: str | None = None) -> Failure:
    return Failure([Problem("machine-refused", f"this machine refused: {reason}", hint=hint)], ExitCode.MACHINE)


def _bug(error: BaseException) -> Failure:
    import traceback  # noqa: PLC0415 - only a bug needs it

    frame = traceback.extract_tb(error.__traceback__)[-1]
    hint = f"this is a bug of runner {__version__}; please report it with the command line (-v shows where it happened)"
    places = [f"in {Path(frame.filename).name}:{frame.lineno}", *getattr(error, "__notes__", [])]
    problem = Problem("bug", f"{type(error).__name__}: {error}", hint=hint, context=", ".join(places))
    return Failure([problem], ExitCode.BUG, "".join(traceback.format_exception(error)))


_NO_MEMORY = "failed to map segment"
"""What the system's loader says about a library that there is no memory for."""

# Events and rows. These copy the registry, which is slow to load, except `interrupted`, which is there the
# problem of a command that a signal ended. Here it is a row that an earlier session left without an answer: one failed row.
_OF_EVENTS: Mapping[str, ExitCode] = {
    "credentials-refused": ExitCode.CREDENTIALS,
    "rate-limited": ExitCode.RATE_LIMITED,
    "no-answer": ExitCode.NO_ANSWER,
    "no-connection": ExitCode.NO_ANSWER,
    "not-sent": ExitCode.OK,
    "interrupted": ExitCode.REFUSED,
}
_OF_STOPS: Mapping[str, ExitCode] = {
    "credentials": ExitCode.CREDENTIALS,
    "no-answer": ExitCode.NO_ANSWER,
    "unavailable": ExitCode.NO_ANSWER,
    "rate-limited": ExitCode.RATE_LIMITED,
    "time": ExitCode.REFUSED,
}
_OF_PYTEST: Mapping[int, ExitCode] = {
    0: ExitCode.OK,
    2: ExitCode.INVALID,
    3: ExitCode.BUG,
    4: ExitCode.USAGE,
    5: ExitCode.NOT_FOUND,
}
BY_SIGNAL = (ExitCode.HUNG_UP, ExitCode.INTERRUPTED, ExitCode.TERMINATED)
"""A command that ends with one of these prints `error[interrupted]`, whatever else it shows."""
_FIRST = (ExitCode.BUG, ExitCode.MACHINE, ExitCode.CREDENTIALS)
"""The command ends with the first of these that occurred, whatever else failed: it concerns everything."""


def of_event(code: str, *, was_sent: bool) -> ExitCode:
    """Return the exit code of one event's failure, by the code of its problem.

    An event that `was_sent` was refused; an event that never went out is invalid, unless something else stopped it. An
    event with `not-sent` did not fail: the reason that stopped the run decides.
    """
    if code in _OF_EVENTS:
        return _OF_EVENTS[code]
    return ExitCode.REFUSED if was_sent else ExitCode.INVALID


def of_case(problems: Iterable[Problem], error: RunnerError | None) -> ExitCode:
    """Return the exit code of a case that failed with problems, which `error` raised if there is one."""
    from runner.problems import ENTRIES  # noqa: PLC0415 - only cases need it

    if any(ENTRIES[problem.code].exit_code == ExitCode.CASSETTE for problem in problems):
        return ExitCode.CASSETTE
    if error is not None and error.exit_code in (ExitCode.CASSETTE, ExitCode.MACHINE):
        return error.exit_code
    return ExitCode.REFUSED


def of_stop(reason: str) -> ExitCode | None:
    """Return the exit code of a run of rows that stopped early, by its `bulk.reason.Reason`; None if its rows decide."""
    return _OF_STOPS.get(reason)


def of_pytest(status: int) -> ExitCode:
    """Return the exit code that pytest's own exit status means, where no case decides."""
    return _OF_PYTEST.get(status, ExitCode.REFUSED)


def summed(kinds: Iterable[ExitCode], before: ExitCode | None = None) -> ExitCode:
    """Return the one exit code for failures of several kinds. OK among them is ignored.

    A bug, a machine's refusal and refused credentials come first, then `before`, if it is among the kinds. A single kind is
    the command's exit code; several kinds are REFUSED.
    """
    failed = set(kinds) - {ExitCode.OK}
    for first in (*_FIRST, before):
        if first in failed:
            return first
    return next(iter(failed), ExitCode.OK) if len(failed) <= 1 else ExitCode.REFUSED
