"""Parts on a worker of a cluster. The functions of this module run there; a task names the seat of its run.

The scheduler may begin a task again, on the same worker or on another one, without asking: after a lost connection, or when
a worker leaves. A part must not go out twice unless the driver knows. So a task also names one incarnation of the seat, which
no other process has, and the number of the attempt, which the seat takes once.
"""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from secrets import token_hex
from threading import Lock, local
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.options import PART_ROWS
from runner.bulk.outcomes import PartOutcome
from runner.bulk.parts import PART_CHARS
from runner.bulk.task import send_with
from runner.bulk.worker_messages import packed
from runner.errors import MachineError, NotFound, Problem, RunnerError
from runner.rows.row import LargeRow, size_of
from runner.rows.spans import SpannedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runner.bulk.cluster.briefing import Briefing
    from runner.bulk.part import Part
    from runner.rows.row import BadRow, Row

_MAX_SEATS = 4
"""Runs that a worker knows at once. A driver that was killed can't dismiss its own."""
_SAME_PATHS = "files of rows must have the same paths on all machines, or be in a store that all can read"


class Call(NamedTuple):
    """A task for a worker: the id and the incarnation of a seat, the number of the attempt, and what is called there."""

    seat: str
    incarnation: str
    attempt: int
    function: Callable[..., object]
    args: tuple[object, ...]


class _Seat:
    """What a worker needs for the parts of one run."""

    def __init__(self, briefing: Briefing) -> None:
        self.incarnation = token_hex(8)
        self.tools = briefing.tools()
        self._reader = briefing.reader(self.tools.spec)
        self._attempts: set[int] = set()
        self._claiming = Lock()

    def claim(self, call: Call) -> bool:
        """Return whether a call is for this seat, and was never begun."""
        with self._claiming:
            if call.incarnation != self.incarnation or call.attempt in self._attempts:
                return False
            self._attempts.add(call.attempt)
            return True

    def send(self, part: Part) -> PartOutcome:
        """Send a part, request by request. After an interrupt, or if the credentials are refused, the rest is not sent."""
        name = f"{os.uname().nodename}:{os.getpid()}"
        outcome = PartOutcome(part.first_row, part.size, 0, (), worker=name)
        is_over = False
        try:
            for rows in _portions(self._rows(part)):
                outcome = outcome.followed_by(send_with(self.tools, part, rows, is_over=is_over))
                is_over = outcome.met_refused_credentials or self.tools.pauses.are_over
        except NotFound as error:
            message = f"the worker {name} can't read the rows: {error.problems[0].message}"
            raise MachineError(Problem("cluster-worker", message, hint=_SAME_PATHS)) from None
        return outcome

    def close(self) -> None:
        """Close the files of rows."""
        if self._reader is not None:
            self._reader.close()

    def _rows(self, part: Part) -> Iterable[Row | BadRow]:
        if isinstance(part.rows, SpannedRows):
            assert self._reader is not None  # noqa: S101
            return self._reader.rows(part.rows)
        return part.carried


_here = local()
"""The seat of the call that a thread makes."""
_seats: OrderedDict[str, _Seat] = OrderedDict()
_seating = Lock()


def take_seat(seat: str, briefing: bytes) -> tuple[str, str]:
    """Prepare this process for a run; return the incarnation of the seat, or why it can't."""
    try:
        prepared = _Seat(pickle.loads(briefing))  # noqa: S301 - the driver could have any code run here
    except RunnerError as error:
        return "", error.problems[0].message
    with _seating:
        replaced = _seats.pop(seat, None)
        _seats[seat] = prepared
        oldest = _seats.popitem(last=False)[1] if len(_seats) > _MAX_SEATS else None
    for other in (replaced, oldest):
        if other is not None:
            other.close()
    return prepared.incarnation, ""


def leave_seat(seat: str) -> None:
    """Forget a run, and its secrets. A part under way ends with its request."""
    with _seating:
        left = _seats.pop(seat, None)
    if left is not None:
        left.tools.pauses.end()
        left.close()


def hurry_seat(seat: str) -> None:
    """Let the parts of a run end soon: failed requests are not retried, and no further ones begun."""
    if (found := _seats.get(seat)) is not None:
        found.tools.pauses.end()


def answer_of(call: Call) -> bytes:
    """Make a call, and return the answer as `worker_messages.unpacked` reads it.

    The answer is None if the call is not for this process, or was begun before: then nothing is done.
    """
    seat = _seats.get(call.seat)
    if seat is None or not seat.claim(call):
        return packed(None)
    _here.seat = seat
    try:
        return packed((call.function(*call.args),))
    except RunnerError as error:
        return packed(None, error)


def send_here(part: Part) -> PartOutcome:
    """Send a part in the process of a worker, with the seat of the call."""
    seat: _Seat = _here.seat
    return seat.send(part)


def _portions(rows: Iterable[Row | BadRow]) -> Iterator[list[Row | BadRow]]:
    """Yield rows for a request each: as many as the platform accepts, or fewer large ones."""
    portion: list[Row | BadRow] = []
    chars = 0
    for row in rows:
        portion.append(row)
        chars += size_of(row) if type(row) is LargeRow else 0
        if len(portion) == PART_ROWS or chars >= PART_CHARS:
            yield portion
            portion, chars = [], 0
    if portion:
        yield portion
