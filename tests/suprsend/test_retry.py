from __future__ import annotations

import pytest

from runner.suprsend.retry import pause_s, requested_pause_s
from runner.suprsend.statuses import is_transient

NOW_S = 1767225600.0  # Thu, 01 Jan 2026 00:00:00 GMT


@pytest.mark.parametrize("status_code", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_transient(status_code: int) -> None:
    assert is_transient(status_code)


@pytest.mark.parametrize("status_code", [0, 100, 103, 200, 202, 207, 301, 302, 400, 401, 403, 404, 409, 413, 422, 600])
def test_what_stays_is_not_transient(status_code: int) -> None:
    assert not is_transient(status_code)


def test_pauses_double_up_to_half_a_minute_with_full_jitter() -> None:
    assert [pause_s(retry, None, 1.0) for retry in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert [pause_s(retry, None, 0.25) for retry in range(1, 4)] == [0.125, 0.25, 0.5]
    assert pause_s(100, None, 0.0) == 0


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("60", 60),
        ("61", 60),
        ("999999999", 60),
        ("Thu, 01 Jan 2026 00:00:12 GMT", 12),
        ("Thursday, 01-Jan-26 00:00:12 GMT", 12),
        ("Thu, 01 Jan 2026 00:59:00 GMT", 60),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_retry_after_is_waited_for_but_no_longer_than_a_minute(retry_after: str, seconds: float) -> None:
    assert pause_s(1, requested_pause_s(retry_after, NOW_S), 0.5) == seconds


@pytest.mark.parametrize(
    "retry_after",
    ["", "soon", "-1", "1.5", "1e3", "²", "9999999999", "Thu, 32 Jan 2026 00:00:00 GMT", "0001-01-01", "\x00"],
)
def test_a_retry_after_that_says_nothing_asks_for_nothing(retry_after: str) -> None:
    assert requested_pause_s(retry_after, NOW_S) is None
