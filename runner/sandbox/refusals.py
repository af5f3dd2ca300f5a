"""What a sandbox refuses a request with, in the platform's form."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.sandbox.rules import Failure


@dataclass(frozen=True, slots=True)
class Refusal(Exception):  # noqa: N818 - it becomes an answer, not an error
    """A request that is refused, and what the answer says. `kind` is the platform's word for it."""

    status_code: int
    message: str
    kind: str
    retry_after_s: int | None = None

    def body(self) -> dict[str, object]:
        """Return the answer's body."""
        return {"status": "error", "error": {"message": self.message, "type": self.kind}}


def refusal_of(failure: Failure) -> Refusal:
    """Put a failure that was asked for in the platform's form."""
    code = failure.status_code
    try:
        phrase = HTTPStatus(code).phrase
    except ValueError:  # a status of somebody's own, as those of proxies are
        phrase = f"HTTP {code}"
    message, kind = _REFUSALS.get(code, (phrase, phrase.lower().replace(" ", "_").replace("-", "_")))
    return Refusal(code, message, kind, failure.retry_after_s)


_REFUSALS = {
    400: ("BAD REQUEST", "bad_request"),
    401: ("workspace key inactive", "authentication_error"),
    413: ("Request body is larger than 800KB", "too_large"),
}
"""Where the platform, or this sandbox elsewhere, has words of its own."""


def bad_request(message: str) -> Refusal:
    """Return the refusal of a request that is not as it must be: 400."""
    return Refusal(HTTPStatus.BAD_REQUEST, message, "bad_request")
