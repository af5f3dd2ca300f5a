"""Named failures that a sandbox can give, and the texts that declare them: `429:0.1,reset:0.05`, `50ms`.

A failure either takes the events and spoils the answer, or does not take them. A name of the second kind with `-after` takes them
all the same: the client can't know, which is what idempotency keys are for. `failed_answers` makes the answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

from runner.durations import duration_s
from runner.errors import nearest

REFUSING = {
    "reset": "the connection is reset, without an answer",
    "closed": "the connection is closed, without an answer",
    "silent": "no answer comes until the client gives up",
    "redirect": "302 to another address",
}
"""Failures that do not take the events, by name. So do `NNN`, `htmlNNN` and `emptyNNN` for a status from 400 to 599."""
SPOILING = {
    "short": "the answer ends before its announced length",
    "slow": "the answer comes a byte every half second",
    "empty": "the status of an acceptance, without a body",
    "text": "the status of an acceptance, with the text OK",
    "portal": "the status of an acceptance, with the page of a captive portal",
    "odd-json": "the status of an acceptance, with an empty list",
    "half-json": "the status of an acceptance, with half of the JSON",
    "not-http": "bytes that are not HTTP",
    "fewer-records": "the last record of a bulk answer is missing",
    "more-records": "a bulk answer has one record too many",
    "odd-records": "the records of a bulk answer have an unknown status",
    "interim": "a hundred interim answers, then the answer",
    "closed-late": "the answer, and then the connection is closed without notice",
    "gzip-half": "half of a gzip stream",
    "gzip-bomb": "a small gzip stream of 300 MB",
    "huge": "the answer, followed by 17 MB of white space",
}
"""Failures that take the events, and spoil the answer."""
_STATUS = re.compile(r"(html|empty)?([45][0-9]{2})(?:/([0-9]{1,5}))?")
_AFTER = "-after"
MAX_LATENCY_S = 300.0
MAX_TIMES = 1_000_000


class UnknownFailureError(ValueError):
    """A text does not declare failures or a duration. The message says why."""


class Range(NamedTuple):
    """A range of seconds."""

    least_s: float
    most_s: float


NO_LATENCY = Range(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure in place of a sound answer.

    Without `share`, `event` and `distinct_id`, it is given to the next `times` requests, by default to one. A `share` gives it to
    that share of requests at random. An `event` and a `distinct_id`, if both are given, must both fit; `times` is then the
    maximum. `retry_after_s` is the pause that the answer asks for.
    """

    name: str
    retry_after_s: int | None = None
    share: float | None = None
    event: str | None = None
    distinct_id: str | None = None
    times: int | None = None

    @property
    def kind(self) -> str:
        """The name without `-after`."""
        return self.name.removesuffix(_AFTER)

    @property
    def takes(self) -> bool:
        """Whether the events are taken."""
        return self.name.endswith(_AFTER) or self.kind in SPOILING

    @property
    def status_code(self) -> int:
        """The status of the answer, or 0 if the name has none."""
        found = _STATUS.fullmatch(self.kind)
        return int(found[2]) if found else HTTPStatus.FOUND if self.kind == "redirect" else 0

    @property
    def form(self) -> str:
        """The form of an answer with a status: `html`, `empty`, or "" for the platform's."""
        found = _STATUS.fullmatch(self.kind)
        return (found[1] or "") if found else ""

    @property
    def refuses_records(self) -> bool:
        """Whether the platform could give it for one record of a bulk request, beside others that are accepted."""
        return bool(self.status_code) and not self.takes and not self.form and self.kind != "redirect"

    def concerns(self, event: object, distinct_id: object) -> bool:
        """Return whether the failure is for such events."""
        return (self.event in (None, event)) and (self.distinct_id in (None, distinct_id))


def failure(name: str, **changes: object) -> Failure:
    """Return the failure with a name, such as `reset`, `503/3` with a Retry-After of 3 seconds, or `html502-after`.

    Raises UnknownFailureError for an unknown name.
    """
    kind = name.removesuffix(_AFTER)
    found = _STATUS.fullmatch(kind)
    known = found or kind in REFUSING or (kind in SPOILING and kind == name)
    if not known:
        names = [*REFUSING, *SPOILING, "429", "500", "html502"]
        meant = nearest(kind, names)
        hint = f"did you mean {meant}?" if meant else f"known are {', '.join(names)} and other statuses"
        raise UnknownFailureError(f"unknown failure '{name[:100]}': {hint}")
    wait_s = int(found[3]) if found and found[3] else None
    if wait_s is None and found and int(found[2]) == HTTPStatus.TOO_MANY_REQUESTS:
        wait_s = 0
    plain = name.replace(f"/{found[3]}", "") if found and found[3] else name
    values: dict[str, object] = {"retry_after_s": wait_s} | changes
    return Failure(plain, **values)  # type: ignore[arg-type] # the callers' names are fields


def declared(value: object) -> Failure:
    """Return a failure declared as JSON: a status, a name, or an object with one of them and the fields of a Failure.

    Raises UnknownFailureError if it does not declare one.
    """
    fields = dict(value) if isinstance(value, dict) else {"fault": value}
    name = fields.pop("fault", None) if "fault" in fields else fields.pop("status", None)
    if isinstance(name, bool) or not isinstance(name, int | str):
        raise UnknownFailureError("a failure is a status, a name, or an object with fault or status")
    if "retry_after" in fields:
        fields["retry_after_s"] = fields.pop("retry_after")
    for key, item in fields.items():
        if not _is_valid(key, item):
            raise UnknownFailureError(f"a failure can't have {str(key)[:100]} = {str(item)[:100]}")
    return failure(str(name), **fields)


def _is_valid(key: object, value: object) -> bool:
    match key:
        case "share":
            return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
        case "times" | "retry_after_s":
            least = 1 if key == "times" else 0
            return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_TIMES
        case "event" | "distinct_id":
            return isinstance(value, str) and bool(value)
        case _:
            return False


def shares(text: str) -> tuple[Failure, ...]:
    """Parse failures with their shares of all requests: `429:0.1,reset:0.05`. Raises UnknownFailureError."""
    found = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, colon, share = item.rpartition(":")
        try:
            value = float(share) if colon else 1.0
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise UnknownFailureError(f"'{item[:100]}' needs a share from 0 to 1, as in 429:0.1")
        found.append(failure(name if colon else item, share=value))
    if sum(each.share or 0 for each in found) > 1 + 1e-9:
        raise UnknownFailureError("the shares of all failures add up to more than 1")
    return tuple(found)


def latency(text: str) -> Range:
    """Parse a duration, or a range of them: `20ms-200ms`. Raises UnknownFailureError."""
    least, _, most = text.partition("-")
    try:
        found = Range(duration_s(least), duration_s(most or least))
    except ValueError as error:
        raise UnknownFailureError(str(error)) from None
    if not found.least_s <= found.most_s <= MAX_LATENCY_S:
        raise UnknownFailureError(f"the latency must be at most {MAX_LATENCY_S:g} s, the smaller one first")
    return found
