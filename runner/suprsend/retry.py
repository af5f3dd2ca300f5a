"""How often to retry, and how long to wait before. `statuses` says after which statuses. Pure.

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
"""The longest pause, even if the server requests more."""
_FIRST_PAUSE_S = 0.5
_MAX_PAUSE_S = 30.0


class Patience(NamedTuple):
    """Limits for the time and the retries of an event."""

    timeout_s: float
    retries: int


def pause_s(retry: int, requested_s: float | None, draw: float) -> float:
    """Return the seconds to wait before the `retry`-th retry, counted from 1.

    This is the time that the answer requested, at most a minute; otherwise exponential backoff with full jitter, for which
    `draw` is a random number from 0 to 1.
    """
    if requested_s is not None:
        return min(max(requested_s, 0.0), MAX_RETRY_AFTER_S)
    return draw * min(_MAX_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (retry - 1))


def check_timeout(timeout_s: object) -> None:
    """Raise InvalidInput unless this is a number of seconds above 0 and up to a day."""
    if not isinstance(timeout_s, int | float) or not 0 < timeout_s <= MAX_TIMEOUT_S:
        raise InvalidInput(
            Problem("timeout", f"the timeout must be greater than 0 and at most a day, not {timeout_s} seconds")
        )


def check_retries(retries: object) -> None:
    """Raise InvalidInput for an invalid number of retries."""
    if not isinstance(retries, int) or not 0 <= retries <= MAX_RETRIES:
        raise InvalidInput(Problem("retries", f"retries is {retries}, not between 0 and {MAX_RETRIES}"))


def requested_pause_s(retry_after: str | None, now_s: float) -> float | None:
    """Return the seconds of a Retry-After header, which has seconds or a date; None if it has neither."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if re.fullmatch("[0-9]{1,9}", text):
        return float(text)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - the command line needs only the limits of this package

    try:
        return parsedate_to_datetime(text).timestamp() - now_s
    except (ValueError, OverflowError):
        return None
