"""An answer of the platform → a result for each event. Pure.

Source: the platform's documentation, "HTTP API: events", and its SDKs' parsing code. An event counts as accepted only if the
answer says so; anything else that arrives (a proxy's page, an incomplete answer, a missing record) is unknown or failed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import orjson

from runner.suprsend.statuses import is_inconclusive, is_interim, is_success, is_transient

Stage = Literal["name", "proxy", "connection", "tls"]
"""Stages of a connection: looking up the host's name, the proxy, connecting, and securing the connection."""
State = Literal["accepted", "failed", "unknown", "not_sent"]
MAX_MESSAGE_ID = 300
_MAX_TEXT = 1_000_000
"""Limit for texts, above the size of a request. Reports cut them further, after masking: a part of a secret is not recognized."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that arrived completely."""

    status_code: int
    body: bytes
    retry_after: str | None = None
    content_type: str | None = None
    date: str | None = field(default=None, compare=False)
    """The server's clock, as its header has it; the same answer at another time is equal."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No complete answer arrived. Unless bytes were `sent`, no event can have been accepted.

    `is_final` means that a retry can't help, as with an untrusted certificate. `stage` is what failed before anything was
    sent, where that is known.
    """

    message: str
    sent: bool
    is_final: bool = False
    stage: Stage | None = None


class Result(NamedTuple):
    """The result of sending one event.

    `unknown` means sent, without a conclusive answer. `status_code` is the platform's, in bulk that of the record, and 0
    without an answer. A `transient` failure may pass.
    """

    state: State
    status_code: int
    message: str
    message_id: str | None = None
    raw: object = None
    transient: bool = False
    attempts: int = 1

    def after(self, earlier: Result) -> Result:
        """Return the result after an earlier attempt: an unknown result can only become accepted."""
        if earlier.state == "not_sent":
            return self
        attempts = earlier.attempts + 1
        if earlier.state != "unknown" or self.state == "accepted":
            return self._replace(attempts=attempts)
        is_repeated = earlier.message.endswith(self.message)
        message = earlier.message if is_repeated else f"{earlier.message}; then: {self.message}"
        return self._replace(state="unknown", message=message, attempts=attempts)


def single_result(answer: Answer | NoAnswer) -> Result:
    """Read the answer to one event."""
    if isinstance(answer, NoAnswer):
        return _lost(answer)
    raw = _json(answer.body)
    if not is_success(answer.status_code):
        return _refusal(answer, raw)
    if isinstance(raw, dict):
        message_id = _message_id(raw)
        status = raw.get("status", "success" if message_id else None)
        if status == "success" and not raw.get("error"):
            return Result("accepted", answer.status_code, "OK", message_id, raw)
        if _refuses(raw):
            return Result("failed", answer.status_code, _error_text(answer, raw), raw=raw)
    if answer.body.strip() == b"OK":
        return Result("accepted", answer.status_code, "OK", raw="OK")
    return Result("unknown", answer.status_code, f"not the platform's answer: {_error_text(answer, raw)}", raw=raw)


def bulk_results(answer: Answer | NoAnswer, count: int) -> list[Result]:
    """Read the answer to `count` events sent together: one result for each, in the order sent."""
    if isinstance(answer, NoAnswer):
        return [_lost(answer)] * count
    raw = _json(answer.body)
    if not is_success(answer.status_code):
        return [_refusal(answer, raw)] * count
    records = raw.get("records") if isinstance(raw, dict) else None
    if _refuses(raw) and records is None:
        return [Result("failed", answer.status_code, _error_text(answer, raw))] * count
    if not isinstance(records, list) or _refuses(raw):
        message = f"not the platform's answer: {_error_text(answer, raw)}"
        return [Result("unknown", answer.status_code, message)] * count
    if len(records) != count:
        message = f"{count} events were sent, but the answer has {len(records)} records"
        return [Result("unknown", answer.status_code, message)] * count
    return [_record_result(record, answer.status_code) for record in records]


def _record_result(record: object, status_code: int) -> Result:
    if not isinstance(record, dict):
        return Result("unknown", status_code, "the answer's record is not an object")
    code = record.get("status_code", status_code)
    if type(code) is not int:
        return Result("unknown", status_code, "the answer's record has a status_code that is not a number")
    status = record.get("status")
    if status == "success" and 200 <= code < 300 and not record.get("error"):  # noqa: PLR2004 - `is_success`, without a call for each record
        message_id = record.get("message_id")
        has_id = isinstance(message_id, str) and len(message_id) <= MAX_MESSAGE_ID
        return tuple.__new__(Result, ("accepted", code, "OK", message_id if has_id else None, None, False, 1))
    match status:
        case "error" | "fail":
            message = _shorten(_error_member(record) or "refused with no reason")
            return Result("failed", code, message, transient=is_transient(code))
        case None | str() | int() | float():
            return Result("unknown", code, _shorten(f"the answer's record has the unknown status {status!r}"))
        case _:
            return Result("unknown", code, "the answer's record has a status that is not text")


def _refuses(raw: object) -> bool:
    """Return whether this is a refusal in the platform's form, current or older."""
    return isinstance(raw, dict) and (
        raw.get("status") in ("error", "fail")
        or ("status" not in raw and "error" in raw and _error_member(raw) is not None)
    )


def _message_id(raw: dict[str, object]) -> str | None:
    message_id = raw.get("message_id")
    return message_id if isinstance(message_id, str) and len(message_id) <= MAX_MESSAGE_ID else None


def _lost(answer: NoAnswer) -> Result:
    return Result("unknown" if answer.sent else "failed", 0, answer.message, transient=not answer.is_final)


def _refusal(answer: Answer, raw: object) -> Result:
    """Read an answer that is not a success. After a gateway's 5xx, the events may have reached the platform."""
    code = answer.status_code
    says_so = _refuses(raw) and (code not in _GATEWAYS or (isinstance(raw, dict) and "status" in raw))
    is_open = is_interim(code) or (is_inconclusive(code) and not says_so)
    message = _error_text(answer, raw)
    return Result("unknown" if is_open else "failed", code, message, raw=raw, transient=is_transient(code))


_GATEWAYS = (502, 504)
"""Statuses of gateways, whose errors look like older ones of the platform."""


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _error_text(answer: Answer, raw: object) -> str:
    if isinstance(raw, dict) and (text := _error_member(raw)):
        return _shorten(text)
    body = answer.body.decode("utf-8", "replace").strip()
    if "<html" in body[:1000].lower():
        title = re.search(r"<title>(.*?)</title>", body[:4000], re.IGNORECASE | re.DOTALL)
        return _shorten(f"an HTML page{f': {title[1].strip()}' if title else ''}")
    if answer.status_code in _REDIRECTIONS:
        return f"HTTP {answer.status_code}, a redirect: it is not followed, since the event would be lost on the way"
    return _shorten(body) or f"HTTP {answer.status_code} with no text"


_REDIRECTIONS = (300, 301, 302, 303, 307, 308)


def _error_member(raw: dict[str, object]) -> str | None:
    error = raw.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    text = error if isinstance(error, str) else raw.get("message")
    return text if isinstance(text, str) else None


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + " …"
