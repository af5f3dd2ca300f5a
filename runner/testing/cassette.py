"""Cassettes: recorded requests and their answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from runner.errors import ExitCode, Position, Problem, RunnerError

if TYPE_CHECKING:
    from datetime import date, timedelta

    from runner.suprsend.answer import Answer
    from runner.testing.request_diff import Request


SANDBOX = "the sandbox"
SANDBOX_URL = "http://127.0.0.1:7788/"
"""The sandbox's URL in recordings, whatever port it listened on."""


class CassetteError(RunnerError):
    """A cassette is missing, unreadable or invalid."""

    exit_code: ClassVar[ExitCode] = ExitCode.CASSETTE


class OutsideProject(CassetteError):  # noqa: N818 - it names a state of the world, as `NotFound` does
    """A cassette is a link out of the project."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request and its answer. `line` is its line in the file, 1 if it is not in a file yet."""

    request: Request
    answer: Answer
    line: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Cassette:
    """The interactions of one recording, in order.

    `source` is `SANDBOX` or a base URL; it and the date are None if another program made the recording. `path` is the
    file's name in messages.
    """

    source: str | None
    recorded_at: date | None
    interactions: tuple[Interaction, ...]
    path: str = field(default="", compare=False)
    run: str | None = None
    """What stands behind the idempotency keys of its events, so that each recording has its own; None if nothing does."""

    @property
    def base_url(self) -> str:
        """The base URL that the requests were sent to."""
        if self.source is not None:
            return SANDBOX_URL if self.source == SANDBOX else self.source
        parts = urlsplit(self.interactions[0].request.uri)
        return f"{parts.scheme}://{parts.netloc}/"

    def age_days(self, today: date) -> int | None:
        """Return the age; None if it is unknown."""
        return None if self.recorded_at is None else (today - self.recorded_at).days

    def place(self, line: int = 1) -> Position:
        """Return the position of a line, without its text, which may contain a secret."""
        return Position(self.path, line, 1, 2, "")


def expired(cassette: Cassette, max_age: timedelta, today: date, again: str | None = None) -> Problem | None:
    """Return the problem of a cassette that is older than `max_age`, or whose age is unknown."""
    age = cassette.age_days(today)
    if age is not None and -1 <= age <= max_age.days:
        return None
    if age is None:
        message = "the age of the cassette is unknown: it does not say when it was recorded"
    elif age < 0:  # one day is allowed: it may come from a time zone further east
        message = (
            f"the age of the cassette is unknown: it says that it was recorded on {cassette.recorded_at}, after today"
        )
    else:
        message = f"the cassette is too old: it was recorded {age} days ago, max_age is {max_age.days} days"
    hint = f"record it again: {again}" if again else None
    return Problem("cassette-expired", message, cassette.place(), hint=hint)
