"""Problems, exceptions and exit codes, which all other packages use to report failures.

A *problem* is a value: one fault, its position, and what to do about it. An exception carries problems to the place that
decides what they mean. The tree of exceptions, with the exit codes of a command that ends with one:

    RunnerError
    ├── InvalidInput      2   a spec, template, variable, row or limit
    ├── InvalidEvent      2   one event breaks a rule of the platform (also a ValueError)
    ├── CredentialsError  3   credentials are missing, or must not be used here
    ├── NotFound          4   a file, run, case, label or profile does not exist
    ├── UsageError       64   the command line is used wrongly
    ├── MachineError     74   a failure of this machine: unreadable file, disk full, port taken
    └── Interrupted     130   Ctrl-C or another signal ended the command, or a question was answered with no
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.codes import Code

Severity = Literal["error", "warning", "advice"]
"""Advice never fails a command."""
_SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The gravest first."""
Step: TypeAlias = str | int
"""One step of a path into a value: a key or an index."""


SIGNALLED = 128
"""A process that a signal ends has this plus the signal's number as its exit code."""
SAME_SIGNAL_S = 0.1
"""A signal that follows another within this time is the same one: some senders signal a process and its group."""


class ExitCode(IntEnum):
    """The exit code of a command; the manual's page exit-codes has the same table."""

    OK = 0
    REFUSED = 1
    INVALID = 2
    CREDENTIALS = 3
    NOT_FOUND = 4
    RATE_LIMITED = 5
    CASSETTE = 6
    NO_ANSWER = 7
    NO_MESSAGE = 8
    USAGE = 64
    BUG = 70
    MACHINE = 74
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Position:
    """A stretch of one line of a file. Lines and columns count from 1, columns in characters."""

    path: str
    line: int
    column: int
    end_column: int
    text: str
    """The whole line, without its line break, so that a report does not have to read the file again."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault.

    `code` is a stable kebab-case name from the registry in `runner.problems`. `at` is the path of the value inside the
    document (`properties.order.id`), `hint` what to do about it, and `context` where it happened (`in case 'x'`). `notes` are
    lines that explain it, such as the decisions of a workflow; their indent counts. `difference` has the expected and the
    actual value of a comparison, which the message names too.
    """

    code: Code
    message: str
    position: Position | None = None
    at: str | None = None
    hint: str | None = None
    context: str | None = None
    severity: Severity = "error"
    notes: tuple[str, ...] = ()
    difference: tuple[str, str] | None = field(default=None, compare=False)


class RunnerError(Exception):
    """An expected failure, with problems to show and an exit code."""

    exit_code: ClassVar[ExitCode]

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = first_of(problems)

    def __str__(self) -> str:
        return "\n".join(_one_line(problem) for problem in self.problems)


class InvalidInput(RunnerError):  # noqa: N818 - the tree names states of the world, as `NotFound` does
    """A spec, template, variable, row or limit is invalid."""

    exit_code = ExitCode.INVALID


class InvalidEvent(RunnerError, ValueError):  # noqa: N818
    """An event breaks a rule of the platform; `code`, `at`, `message` and `hint` say which."""

    exit_code = ExitCode.INVALID

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem
        self.code = problem.code
        self.message = problem.message
        self.at = problem.at
        self.hint = problem.hint


class CredentialsError(RunnerError):
    """Credentials are missing or incomplete, or must not be sent to this address."""

    exit_code = ExitCode.CREDENTIALS


class NotFound(RunnerError):  # noqa: N818
    """A file, run, case, label or profile does not exist."""

    exit_code = ExitCode.NOT_FOUND


class UsageError(RunnerError):
    """The command line is used wrongly."""

    exit_code = ExitCode.USAGE


class MachineError(RunnerError):
    """A failure of this machine: a file can't be read or written, the disk is full, a port is taken."""

    exit_code = ExitCode.MACHINE


class Interrupted(RunnerError):  # noqa: N818
    """A signal ended the command, or its question was answered with no."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, message: str = "interrupted") -> None:
        super().__init__(Problem("interrupted", message))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return distinct problems sorted by position; those without a position come first."""

    def place(problem: Problem) -> tuple[str, int, int]:
        where = problem.position
        return (where.path, where.line, where.column) if where else ("", 0, 0)

    return sorted(dict.fromkeys(problems), key=place)


MAX_PROBLEMS = 100
"""Maximum number of problems in a report: a hostile file has thousands."""


def first_of(found: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the first problems of a file, errors before warnings, and a problem with the number of all others."""
    if len(found) <= MAX_PROBLEMS:
        return tuple(found)
    errors = [problem for problem in found if problem.severity == "error"]
    first = (errors or found)[:MAX_PROBLEMS]
    more = Problem(
        "too-many-problems",
        f"{len(found) - len(first):,} more problems in this file",
        first[-1].position,
        severity=next(each for each in _SEVERITIES if any(problem.severity == each for problem in first)),
    )
    return (*first, more)


def shown_argument(text: str) -> str:
    """Return an unknown argument as a message shows it, without a value after a name or JSON, which may be a secret.

    >>> shown_argument("token=s3cr3t")
    'token=…'
    """
    name, equals, _ = text.partition("=")
    if any(char in '{["\n' for char in name):
        return "…"
    return f"{name}=…" if equals else text


def dotted(path: Sequence[Step]) -> str:
    """Return a path as text.

    >>> dotted(("attachments", 1, "url"))
    'attachments[1].url'
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


MAX_HINTS = 100
"""Maximum number of suggestions for one file: a hostile one has thousands of names."""


def did_you_mean(word: str, known: Iterable[str], otherwise: str | None = None) -> str | None:
    """Return a hint with the nearest of `known`; without a near one, with all of them if they are few, else `otherwise`.

    >>> did_you_mean("oder_id", ["order_id", "user"])
    "did you mean 'order_id'?"
    """
    names = list(known)
    if (near := nearest(word, names)) is not None:
        return f"did you mean '{near}'?"
    if 0 < len(names) <= _FEW:
        return f"known here: {', '.join(names)}"
    return otherwise


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name with the fewest typos, or a longer form of the word; None if all names differ too much.

    >>> nearest("$regex", ["$any", "$re"])
    '$re'
    """
    best = None
    allowed = min(max(len(word), _SHORT) // _SHORT, len(word) - 1)
    letters = set(word.lower())
    for name in islice(known, _MANY):
        if _is_cut(word, name) and word != name:
            typos = 1
        elif abs(len(word) - len(name)) > allowed or len(letters.difference(name.lower())) > allowed:
            continue  # too many typos, without counting them
        else:
            typos = _distance(word.lower(), name.lower(), allowed if best is None else best[0] - 1)
        if typos <= allowed and (best is None or typos < best[0]):
            best = typos, name
    return best[1] if best else None


_FEW = 16
_SHORT = 3
"""A third of a word's letters may be wrong, and one letter of a word of this length or less."""
_MANY = 1000
"""Maximum number of names to compare with."""
_LONG = 40
"""Longer words are not compared."""


def _is_cut(word: str, name: str) -> bool:
    short, long = sorted((word, name), key=len)
    return len(short) >= _SHORT and long.startswith(short)


def _distance(word: str, name: str, most: int) -> int:
    """Return the edit distance of two words (optimal string alignment), or a number above `most` if it is greater.

    Cells further than `most` from the diagonal are not computed.
    """
    more = most + 1
    if max(len(word), len(name)) > _LONG:
        return more
    width = len(name)
    before = [more] * (width + 1)
    last = [min(column, more) for column in range(width + 1)]
    for row, letter in enumerate(word, 1):
        here = [more] * (width + 1)
        here[0] = min(row, more)
        for column in range(max(1, row - most), min(width, row + most) + 1):
            other = name[column - 1]
            if letter == other:
                typos = last[column - 1]
            else:
                typos = min(last[column], here[column - 1], last[column - 1]) + 1
                if row > 1 < column and letter == name[column - 2] and word[row - 2] == other:
                    typos = min(typos, before[column - 2] + 1)
            here[column] = typos
        if min(here) > most and min(last) > most:  # a swap looks back two rows
            return more
        before, last = last, here
    return min(last[-1], more)


def _short_way(at: str) -> str:
    return at if len(at) <= _LONG_WAY else f"{at[:48]}…{at[-36:]}"


_LONG_WAY = 90


def _one_line(problem: Problem) -> str:
    place = f"{problem.position.path}:{problem.position.line}:{problem.position.column}: " if problem.position else ""
    if (
        not place and problem.at and re.search(r"[.\[]", problem.at)
    ):  # inside a value: the message does not name the place
        place = f"{_short_way(problem.at)}: "
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{place}{problem.message}{hint}"
