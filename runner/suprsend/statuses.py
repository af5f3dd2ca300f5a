"""The meaning of an HTTP status of the platform, for an answer or for one record in it. Pure.

Source: the platform's documentation, "HTTP API: events" and "Idempotent requests"; RFC 9110, "Status Codes".
"""

from __future__ import annotations

_CREDENTIALS_REFUSED = (401, 403)
_TOO_LARGE = 413
_SLOW_DOWN = 429
_TRANSIENT = frozenset({408, 425, _SLOW_DOWN})
_INTERIM, _SUCCESS, _SERVER_ERROR = 1, 2, 5
"""Classes of statuses: their hundreds."""


def is_interim(status: int) -> bool:
    """Return whether an answer is still to come: 1xx."""
    return status // 100 == _INTERIM


def is_success(status: int) -> bool:
    """Return whether the status is a success, 2xx; the body may still refuse."""
    return status // 100 == _SUCCESS


def is_server_error(status: int) -> bool:
    """Return whether the platform, or a gateway before it, failed: 5xx."""
    return status // 100 == _SERVER_ERROR


def is_inconclusive(status: int) -> bool:
    """Return whether events may have arrived unless the body refuses them: 5xx, and statuses above 599, which HTTP lacks."""
    return status // 100 >= _SERVER_ERROR


def refuses_credentials(status: int) -> bool:
    """Return whether the credentials are refused, for all requests: 401 and 403."""
    return status in _CREDENTIALS_REFUSED


def is_rate_limit(status: int) -> bool:
    """Return whether the platform asks to slow down: 429."""
    return status == _SLOW_DOWN


def is_too_large(status: int) -> bool:
    """Return whether the body was too large: 413. No event in it was accepted."""
    return status == _TOO_LARGE


def is_transient(status: int) -> bool:
    """Return whether the same request may succeed later: 408, 425, 429 and 5xx."""
    return status in _TRANSIENT or is_server_error(status)
