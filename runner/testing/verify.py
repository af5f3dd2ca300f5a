"""A recorded request, sent again → how today's answer differs from the recorded one.

The status and the shape are compared: keys and JSON types. Of the values only those that report success or failure are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid5

from runner.errors import ExitCode, Problem, dotted
from runner.exits import of_event
from runner.secrets import Mask
from runner.source import describe, parse_json
from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.connection import Connection
from runner.suprsend.delivery import body_delivery
from runner.suprsend.endpoints import BULK_PATH, SINGLE_PATH
from runner.suprsend.statuses import is_rate_limit, is_transient, refuses_credentials
from runner.suprsend.transport import Transport
from runner.testing.request_diff import summary
from runner.testing.walk import Missing, pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner.codes import Code
    from runner.source import Json
    from runner.suprsend.auth import Credentials
    from runner.suprsend.sockets import Exchange
    from runner.testing.cassette import Cassette


class Verification(NamedTuple):
    """The result of sending a cassette's requests again.

    `skipped` counts the requests that were not sent: those without events, and those whose recorded status is transient
    (429, 5xx) and can't be provoked. `stopped` is the exit code if nothing more could be sent.
    """

    compared: int
    skipped: int
    problems: tuple[Problem, ...]
    stopped: ExitCode | None


def verify(cassette: Cassette, again: Again, platform: Platform, hint: str | None = None) -> Verification:
    """Send a cassette's requests again as new events, and compare the answers. The file does not change.

    `hint` says how to record the new answers; it is added to each `cassette-drift`.
    """
    compared = skipped = 0
    problems: list[Problem] = []
    for interaction in cassette.interactions:
        request = interaction.request
        endpoint, body = endpoint_of(request.path), again.body(request.body)
        if request.method != "POST" or endpoint is None or body is None or is_transient(interaction.answer.status_code):
            skipped += 1
            continue
        place, context = cassette.place(interaction.line), f"in the answer to {summary(request, Mask())}"
        answer = _usable(platform.ask(endpoint, body), interaction.answer.status_code)
        if isinstance(answer, _Stop):
            problems.append(Problem(answer.code, answer.message, place, context=context))
            return Verification(compared, skipped, tuple(problems), answer.exit_code)
        compared += 1
        for drift in drifts(interaction.answer, answer)[:_MAX_DRIFTS]:
            message = f"{drift.at}: {drift.message}"
            problems.append(Problem("cassette-drift", message, place, drift.at, hint, context))
    return Verification(compared, skipped, tuple(problems), None)


_MAX_DRIFTS = 10
"""Limit for the differences that are reported of one answer."""


class _Stop(NamedTuple):
    """Why nothing more can be sent or compared."""

    code: Code
    message: str

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command that can't go on for this reason."""
        return of_event(self.code, was_sent=True)


def _usable(answer: Answer | NoAnswer, recorded: int) -> Answer | _Stop:
    """Return an answer that can be compared with one of the recorded status, or why there is none."""
    if isinstance(answer, NoAnswer):
        return _Stop("no-answer" if answer.sent else "no-connection", answer.message)
    status = answer.status_code
    if refuses_credentials(status) and status != recorded:
        return _Stop("credentials-refused", f"the platform refuses the credentials: {status}")
    if is_rate_limit(status):
        return _Stop("rate-limited", "the platform asks to slow down: 429")
    if is_transient(status):
        return _Stop("no-answer", f"it answers with status {status} only")
    return answer


class Drift(NamedTuple):
    """One difference. `at` is its path in the answer, or `status`."""

    at: str
    message: str


def drifts(recorded: Answer, now: Answer) -> list[Drift]:
    """Return the differences between an answer and the recorded one."""
    found = []
    if recorded.status_code != now.status_code:
        found.append(Drift("status", f"recorded {recorded.status_code}, now {now.status_code}"))
    before, after = _parsed(recorded.body), _parsed(now.body)
    if isinstance(before, _NoJson) or isinstance(after, _NoJson):
        then, today = _kind(before), _kind(after)
        return [*found, Drift("the body", f"recorded {then}, now {today}")] if then != today else found
    return [*found, *_shapes(before, after)]


class Again(NamedTuple):
    """Turns recorded events into new ones, with new ids, the current time and the target's workspace.

    Equal ids and keys stay equal: a retry is still the same event. The recorded keys are never sent, because the platform
    would skip other events with them for a day, perhaps real ones.
    """

    seed: UUID
    time_ms: int
    env: str

    def body(self, recorded: bytes) -> bytes | None:
        """Return the body with new events; None for one that contains other things than events."""
        try:
            body = parse_json(recorded)
        except ValueError:
            return None
        events = [event for event in (body if isinstance(body, list) else [body]) if isinstance(event, dict)]
        if not events or len(events) != (len(body) if isinstance(body, list) else 1):
            return None
        renewed = [self._event(event) for event in events]
        whole = renewed if isinstance(body, list) else renewed[0]
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

    def _event(self, event: dict[str, Json]) -> dict[str, Json]:
        stamps: dict[str, Json] = {"$time": self.time_ms, "env": self.env}
        stamps |= {key: str(uuid5(self.seed, f"{key} {event[key]}")) for key in _IDS if event.get(key) is not None}
        return {key: stamps.get(key, value) for key, value in event.items()}


_IDS = ("$insert_id", "$idempotency_key")


def endpoint_of(path: str) -> str | None:
    """Return the endpoint at the end of a recorded path, whatever the root of the server was."""
    return next((endpoint for endpoint in (BULK_PATH, SINGLE_PATH) if path.endswith(f"/{endpoint}")), None)


class Platform:
    """A live server; requests are retried as those of events are.

    `clock` returns seconds since 1970, `sleep` takes seconds, `random` returns a number from 0 to 1.
    """

    def __init__(
        self,
        credentials: Credentials,
        base_url: str,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self._last = _LastAnswer(Transport(base_url))
        self._connection = Connection(
            credentials, base_url, clock=clock, sleep=sleep, random=random, transport=self._last
        )

    def ask(self, endpoint: str, body: bytes) -> Answer | NoAnswer:
        """Post a body, and return the last answer. It is retried only if no event in it could count twice."""
        self._connection.deliver(body_delivery(endpoint, body, has_keys=_have_keys(body)))
        return self._last.answer

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()


class _LastAnswer:
    """A transport that remembers the last answer."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.answer: Answer | NoAnswer = NoAnswer("nothing was sent", sent=False)

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, exchange: Exchange
    ) -> Answer | NoAnswer:
        """Send a request as `Transport` does."""
        self.answer = self._transport.request(method, path, headers, body, exchange)
        return self.answer

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def _have_keys(body: bytes) -> bool:
    events = parse_json(body)
    return all(
        isinstance(event, dict) and _KEY in event for event in (events if isinstance(events, list) else [events])
    )


_KEY = "$idempotency_key"


class _NoJson(NamedTuple):
    is_empty: bool


def _parsed(body: bytes) -> Json | _NoJson:
    try:
        return parse_json(body)
    except (ValueError, RecursionError):
        return _NoJson(not body.strip())


def _kind(body: Json | _NoJson) -> str:
    if isinstance(body, _NoJson):
        return "nothing" if body.is_empty else "something that is not JSON"
    return describe(body)


def _shapes(recorded: Json, now: Json) -> Iterator[Drift]:
    for way, before, after in pairs(recorded, now):
        at = dotted(way) or "the body"
        if isinstance(before, list) and isinstance(after, list):
            if len(before) != len(after):
                yield Drift(at, f"recorded {_items(before)}, now {_items(after)}")
        elif isinstance(before, Missing) or isinstance(after, Missing):
            if isinstance(way[-1], str):  # of lists the lengths are compared
                yield Drift(at, f"{_recorded(before)}, now {_now(after)}")
        elif way[-1:] and way[-1] in _OUTCOME_KEYS and _differ(before, after):
            yield Drift(at, f"recorded {before}, now {after}")
        elif describe(before) != describe(after):
            yield Drift(at, f"recorded {describe(before)}, now {describe(after)}")


def _recorded(value: Json | Missing) -> str:
    return "not recorded" if isinstance(value, Missing) else f"recorded {describe(value)}"


def _now(value: Json | Missing) -> str:
    return "missing" if isinstance(value, Missing) else describe(value)


_OUTCOME_KEYS = frozenset({"status", "status_code"})
"""Keys by which an answer, or one of its records, reports success or failure."""


def _differ(recorded: Json, now: Json) -> bool:
    """Return whether two scalars of the same type differ. Other differences are those of shape."""
    return isinstance(recorded, str | int) and describe(recorded) == describe(now) and recorded != now


def _items(values: list[Json]) -> str:
    return f"{len(values)} item{'' if len(values) == 1 else 's'}"
