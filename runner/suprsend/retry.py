"""When something is tried again, and how long to wait before. Pure.

Source: RFC 9110, "Retry-After"; the platform's documentation, "Idempotent requests": after a transient error, send again
with the same idempotency key.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from runner.errors import InvalidInput, Problem

DEFAULT_TIMEOUT_S = 30.0
MAX_TIMEOUT_S = 86_400
DEFAULT_RETRIES = 3
MAX_RETRIES = 100
MAX_RETRY_AFTER_S = 60.0
"""Who is asked to wait longer waits this long and asks again."""
_FIRST_PAUSE_S = 0.5
_MAX_PAUSE_S = 30.0


class Patience(NamedTuple):
    """How long an event is tried, and how often once more."""

    timeout_s: float
    retries: int


def pause_s(retry: int, asked_s: float | None, draw: float) -> float:
    """How many seconds to wait before the `retry`-th retry, counted from 1.

    As long as the answer asked for, at most a minute. Else an exponential bound with full jitter: `draw`, from 0 to 1,
    spreads those who failed together.
    """
    if asked_s is not None:
        return min(max(asked_s, 0.0), MAX_RETRY_AFTER_S)
    return draw * min(_MAX_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (retry - 1))


def check_timeout(timeout_s: object) -> None:
    """Refuse what is no number of seconds above 0 and up to a day. Raises InvalidInput."""
    if not isinstance(timeout_s, int | float) or not 0 < timeout_s <= MAX_TIMEOUT_S:
        raise InvalidInput(
            Problem("timeout", f"a timeout of {timeout_s} seconds is no timeout", hint="give seconds > 0")
        )


def check_retries(retries: object) -> None:
    """Refuse what is no number of retries. Raises InvalidInput."""
    if not isinstance(retries, int) or not 0 <= retries <= MAX_RETRIES:
        raise InvalidInput(Problem("retries", f"retries is {retries}, not between 0 and {MAX_RETRIES}"))


def asked_s(retry_after: str | None, now_s: float) -> float | None:
    """Read Retry-After: seconds, or the date until which to wait. None if it says neither."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if re.fullmatch("[0-9]{1,9}", text):
        return float(text)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - the command line reads this room's limits alone

    try:
        return parsedate_to_datetime(text).timestamp() - now_s
    except (ValueError, OverflowError):
        return None
