"""Problems, exceptions and exit codes: what every other room reports with.

A *problem* is a value: one fault, where it is, what to do about it. An exception carries problems to the
place that decides what they mean. The tree, with the exit code each one ends the command with:

    RunnerError
    ├── InvalidInput      2   a spec, template, variable, row or limit
    ├── InvalidEvent      2   one event breaks a rule of the platform (also a ValueError)
    ├── CredentialsError  3   credentials are missing, or must not be used here
    ├── NotFound          4   a file, run, case or profile does not exist
    ├── UsageError       64   the command line is used wrongly
    ├── MachineError     74   this machine refused: unreadable file, disk full, port taken
    └── Interrupted     130   Ctrl-C or another signal ended the command, or a question was answered with no
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.codes import Code

Severity = Literal["error", "warning"]
Step: TypeAlias = str | int
"""One step of the way into a value: a key or an index."""


SIGNALLED = 128
"""What ends by a signal has this and the signal's number as its exit code."""
SAME_SIGNAL_S = 0.1
"""Signals that come so soon after the first one are that one: some send it to a process, and to the group that it is in."""


class ExitCode(IntEnum):
    """How a command ended; the manual's page exit-codes has the same table."""

    OK = 0
    REFUSED = 1
    INVALID = 2
    CREDENTIALS = 3
    NOT_FOUND = 4
    RATE_LIMITED = 5
    CASSETTE = 6
    NO_ANSWER = 7
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
    """The whole line, without its end, so that a report needs no second look at the file."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault, told once.

    `code` is a stable kebab-case name of the registry in `runner.problems`. `at` is the way to the value inside the document
    (`properties.order.id`), `hint` what to do about it, `context` where it happened (`in case 'x'`).
    """

    code: Code
    message: str
    position: Position | None = None
    at: str | None = None
    hint: str | None = None
    context: str | None = None
    severity: Severity = "error"


class RunnerError(Exception):
    """An expected failure: it has problems to show and an exit code of its own."""

    exit_code: ClassVar[ExitCode]

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = first_of(problems)

    def __str__(self) -> str:
        return "\n".join(_one_line(problem) for problem in self.problems)


class InvalidInput(RunnerError):  # noqa: N818 - the tree names states of the world, as `NotFound` does
    """A spec, template, variable, row or limit is not as it must be."""

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
    """Credentials are missing, incomplete, or must not go where they would go."""

    exit_code = ExitCode.CREDENTIALS


class NotFound(RunnerError):  # noqa: N818
    """A file, run, case or profile does not exist."""

    exit_code = ExitCode.NOT_FOUND


class UsageError(RunnerError):
    """The command line is used wrongly."""

    exit_code = ExitCode.USAGE


class MachineError(RunnerError):
    """This machine refused: a file can't be read or written, the disk is full, a port is taken."""

    exit_code = ExitCode.MACHINE


class Interrupted(RunnerError):  # noqa: N818
    """A signal ended the command, or its question was answered with no."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, message: str = "interrupted") -> None:
        super().__init__(Problem("interrupted", message))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by their places, those of the whole first; each is told once."""

    def place(problem: Problem) -> tuple[str, int, int]:
        where = problem.position
        return (where.path, where.line, where.column) if where else ("", 0, 0)

    return sorted(dict.fromkeys(problems), key=place)


MAX_PROBLEMS = 100
"""More are not told at once: nobody reads on, and a hostile file has no end of them."""


def first_of(found: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the first problems of a file, errors before warnings, and how many more there are."""
    if len(found) <= MAX_PROBLEMS:
        return tuple(found)
    errors = [problem for problem in found if problem.severity == "error"]
    told = (errors or found)[:MAX_PROBLEMS]
    more = Problem(
        "too-many-problems",
        f"{len(found) - len(told):,} more problems in this file",
        told[-1].position,
        severity="error" if errors else "warning",
    )
    return (*told, more)


def shown_argument(text: str) -> str:
    """Write an argument that names nothing: what looks like a value behind a name, or like JSON, may be a secret.

    >>> shown_argument("token=s3cr3t")
    'token=…'
    """
    name, equals, _ = text.partition("=")
    if any(char in '{["\n' for char in name):
        return "…"
    return f"{name}=…" if equals else text


def dotted(path: Sequence[Step]) -> str:
    """Write a path the way people write it.

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
"""Of one file; a hostile one has thousands of names, and none of what follows is told anyway."""


def did_you_mean(word: str, known: Iterable[str], otherwise: str | None = None) -> str | None:
    """Suggest the nearest of `known`, else list them when they are few, else say `otherwise`.

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
    """Find the name that was probably meant: few slips away, or cut short.

    >>> nearest("$regex", ["$any", "$re"])
    '$re'
    """
    best = None
    allowed = min(max(len(word), _SHORT) // _SHORT, len(word) - 1)
    letters = set(word.lower())
    for name in islice(known, _MANY):
        if _is_cut(word, name) and word != name:
            slips = 1
        elif abs(len(word) - len(name)) > allowed or len(letters.difference(name.lower())) > allowed:
            continue  # no need to count them
        else:
            slips = _slips(word.lower(), name.lower(), allowed if best is None else best[0] - 1)
        if slips <= allowed and (best is None or slips < best[0]):
            best = slips, name
    return best[1] if best else None


_FEW = 16
_SHORT = 3
"""A third of a word may be wrong, and one letter of a word this short."""
_MANY = 1000
"""Among more names than these nobody looks for one that is alike."""
_LONG = 40
"""Longer words are no names that somebody mistyped."""


def _is_cut(word: str, name: str) -> bool:
    short, long = sorted((word, name), key=len)
    return len(short) >= _SHORT and long.startswith(short)


def _slips(word: str, name: str, most: int) -> int:
    """Count letters to insert, leave out, replace, or swap with their neighbor (optimal string alignment), up to `most`.

    Of more slips the count is only known to be more: what lies further from the diagonal than `most` is not looked at.
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
                slips = last[column - 1]
            else:
                slips = min(last[column], here[column - 1], last[column - 1]) + 1
                if row > 1 < column and letter == name[column - 2] and word[row - 2] == other:
                    slips = min(slips, before[column - 2] + 1)
            here[column] = slips
        if min(here) > most and min(last) > most:  # a swap looks back two rows
            return more
        before, last = last, here
    return min(last[-1], more)


def _short_way(at: str) -> str:
    return at if len(at) <= _LONG_WAY else f"{at[:48]}…{at[-36:]}"


_LONG_WAY = 90


def _one_line(problem: Problem) -> str:
    place = f"{problem.position.path}:{problem.position.line}:{problem.position.column}: " if problem.position else ""
    if not place and problem.at and re.search(r"[.\[]", problem.at):  # inside something: its message can't say where
        place = f"{_short_way(problem.at)}: "
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{place}{problem.message}{hint}"
