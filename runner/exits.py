"""What failures come to: the one rule for the exit codes of all commands.

The manual states it on its page exit-codes. A failure that ends a command by itself is an exception, which has an exit
code of its own (`errors`); how a signal ends one is said there too. Here is what many failures, one an event or a case,
come to together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OF_EVENTS: Mapping[str, ExitCode] = {
    "credentials-refused": ExitCode.CREDENTIALS,
    "rate-limited": ExitCode.RATE_LIMITED,
    "no-answer": ExitCode.NO_ANSWER,
    "no-connection": ExitCode.NO_ANSWER,
    "not-sent": ExitCode.OK,
    "interrupted": ExitCode.REFUSED,
}
_FIRST = (ExitCode.BUG, ExitCode.MACHINE, ExitCode.CREDENTIALS)
"""One of these is what a command ends with, whatever else failed: it concerns everything."""


def of_event(code: str, *, was_sent: bool) -> ExitCode:
    """Return what the failure of one event means, by the code of its problem.

    An event that `was_sent` was refused; one that never went out is invalid itself, if nothing else stopped it. `not-sent`
    is no failure of the event: what stopped the run decides.
    """
    if code in _OF_EVENTS:
        return _OF_EVENTS[code]
    return ExitCode.REFUSED if was_sent else ExitCode.INVALID


def summed(kinds: Iterable[ExitCode], before: ExitCode | None = None) -> ExitCode:
    """Return the one exit code for failures of several kinds; OK is none.

    A bug, a machine that refuses and refused credentials come first, then `before`, if it is among them. A kind that
    explains every failure is the command's; of several that do not, it is REFUSED.
    """
    found = set(kinds) - {ExitCode.OK}
    for first in (*_FIRST, before):
        if first in found:
            return first
    return next(iter(found), ExitCode.OK) if len(found) <= 1 else ExitCode.REFUSED
