"""Refusals of requests, in the platform's form."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Refusal(Exception):  # noqa: N818 - it becomes an answer, not an error
    """The refusal of a request, with the text of the answer. `kind` is the platform's term."""

    status_code: int
    message: str
    kind: str
    retry_after_s: int | None = None

    def body(self) -> dict[str, object]:
        """Return the answer's body."""
        return {"status": "error", "error": {"message": self.message, "type": self.kind}}


def phrase_of(code: int) -> str:
    """Return the reason phrase of a status; `HTTP 599` for one that is not standard, such as those of proxies."""
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return f"HTTP {code}"


def refusal_of(code: int, retry_after_s: int | None = None) -> Refusal:
    """Return the refusal with a status, in the platform's form."""
    phrase = phrase_of(code)
    message, kind = _REFUSALS.get(code, (phrase, phrase.lower().replace(" ", "_").replace("-", "_")))
    return Refusal(code, message, kind, retry_after_s)


_REFUSALS = {
    400: ("BAD REQUEST", "bad_request"),
    401: ("workspace key inactive", "authentication_error"),
    413: ("Request body is larger than 800KB", "too_large"),
}
"""Texts of the platform, or of this sandbox, for some statuses."""


def too_large() -> Refusal:
    """Return the refusal of a body above the platform's limit: 413. A new one each time: a raised one keeps its traceback."""
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return Refusal(status, *_REFUSALS[status])


def bad_request(message: str) -> Refusal:
    """Return the refusal of an invalid request: 400."""
    return Refusal(HTTPStatus.BAD_REQUEST, message, "bad_request")


def not_found(message: str) -> Refusal:
    """Return the refusal of a request for something that does not exist: 404."""
    return Refusal(HTTPStatus.NOT_FOUND, message, "not_found")
