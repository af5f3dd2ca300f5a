"""Transports of a case: a `Replay` answers requests from a cassette, a `Recorder` sends them on and records."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.errors import Problem
from runner.secrets import Mask
from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.auth import CONTENT_TYPE, secrets_of
from runner.testing.cassette import SANDBOX, SANDBOX_URL, Cassette, CassetteError, Interaction
from runner.testing.masked import masked_interaction, masked_request
from runner.testing.request_diff import Request, RequestComparison, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from runner.codes import Code
    from runner.suprsend.sockets import Exchange
    from runner.suprsend.transport import Http
    from runner.testing.request_diff import Difference

_OPEN = Mask()


class Replay:
    """Answers requests from a cassette, each recorded request once.

    A request that was not recorded gets a final `NoAnswer` and is reported by `problems`. `volatile` are dotted paths below
    an event that are not compared; `again` is the command that records again. `mask` hides the secrets that are masked in
    recordings, `unprinted` those that messages must not show, which differ from machine to machine.
    """

    def __init__(
        self,
        cassette: Cassette,
        volatile: Sequence[str] = (),
        again: str | None = None,
        mask: Mask = _OPEN,
        unprinted: Mask | None = None,
    ) -> None:
        self.cassette = cassette
        self._comparison = RequestComparison(volatile)
        self._hint = f"if that is right, record again: {again}" if again else None
        self._mask = mask
        self._unprinted = unprinted or mask
        self._unplayed: dict[tuple[str, ...], deque[int]] = defaultdict(deque)
        for index, interaction in enumerate(cassette.interactions):
            self._unplayed[self._comparison.fingerprint(interaction.request)].append(index)
        self._played: set[int] = set()
        self._first = 0
        self._early: list[int] = []
        self._unknown: list[Request] = []
        self._changing = Lock()

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        exchange: Exchange,  # noqa: ARG002 - nothing here takes time
    ) -> Answer | NoAnswer:
        """Return the recorded answer, or a final NoAnswer."""
        request = request_of(method, path, headers, body)
        if (answer := self.answer(request)) is not None:
            return answer
        with self._changing:
            self._unknown.append(masked_request(request, self._mask))
        return NoAnswer(f"the request is not in the cassette {self.cassette.path}", sent=False, is_final=True)

    def answer(self, request: Request) -> Answer | None:
        """Play the next recorded answer to a request; return None if there is none left."""
        key = self._comparison.fingerprint(masked_request(request, self._mask))  # as it was recorded
        with self._changing:
            waiting = self._unplayed.get(key)
            if not waiting:
                return None
            index = waiting.popleft()
            if index != self._first:
                self._early.append(index)
            self._played.add(index)
            while self._first in self._played:
                self._first += 1
            return self.cassette.interactions[index].answer

    def has_next(self, path: str) -> bool:
        """Return whether there is a recorded answer left to a GET of a path."""
        key = self._comparison.fingerprint(masked_request(Request("GET", path, CONTENT_TYPE, b""), self._mask))
        with self._changing:
            return bool(self._unplayed.get(key))

    def close(self) -> None:
        """Do nothing: a replay has no connections."""

    def problems(self) -> list[Problem]:
        """Report, after the last request, what differs from the recording: `cassette-changed`, `cassette-unplayed`.

        Each request that was not recorded is compared with the most similar recorded one that was not sent.
        """
        with self._changing:
            indexes = sorted(index for group in self._unplayed.values() for index in group)
            unknown = list(self._unknown)
        unplayed = [self.cassette.interactions[index] for index in indexes]
        found: list[Problem] = []
        for request in unknown[:_MAX_SHOWN]:
            found += self._changed(request, unplayed)
        found += self._rest("cassette-changed", len(unknown), "requests are not as recorded")
        unplayed = unplayed[max(0, len(unknown) - _MAX_SHOWN) :]  # the others belong to changes that are only counted
        for interaction in unplayed[:_MAX_SHOWN]:
            message = f"{summary(interaction.request, self._unprinted)} was recorded, but is not sent"
            found.append(self._problem("cassette-unplayed", message, interaction.line))
        found += self._rest("cassette-unplayed", len(unplayed), "recorded requests are not sent")
        return found or list(self._out_of_order())

    def _out_of_order(self) -> Iterator[Problem]:
        """Report the first request that is sent earlier than it was recorded."""
        for index in self._early[:1]:
            interaction = self.cassette.interactions[index]
            message = f"{summary(interaction.request, self._unprinted)} is sent earlier than it was recorded"
            yield self._problem("cassette-changed", message, interaction.line)

    def _changed(self, request: Request, unplayed: list[Interaction]) -> Iterator[Problem]:
        """Report how a request differs from the most similar unplayed one, and remove that one from the list."""
        nearest: tuple[list[Difference], Interaction] | None = None
        for interaction in unplayed[:_COMPARED]:
            differences = self._comparison.differences(interaction.request, request, self._unprinted)
            if nearest is None or _weight(differences) < _weight(nearest[0]):
                nearest = differences, interaction
        if nearest is None:
            message = f"{summary(request, self._unprinted)} is sent, but was not recorded"
            yield self._problem("cassette-changed", message, 1)
            return
        differences, interaction = nearest
        unplayed.remove(interaction)
        for at, message, values in differences[:_MAX_SHOWN]:
            problem = self._problem("cassette-changed", f"{at}: {message}", interaction.line, at)
            yield replace(problem, difference=values)
        if len(differences) > _MAX_SHOWN:
            message = f"and {len(differences) - _MAX_SHOWN} more differences"
            yield self._problem("cassette-changed", message, interaction.line)

    def _rest(self, code: Code, count: int, what: str) -> Iterator[Problem]:
        if count > _MAX_SHOWN:
            yield self._problem(code, f"{count - _MAX_SHOWN} more {what}", 1)

    def _problem(self, code: Code, message: str, line: int, at: str | None = None) -> Problem:
        return Problem(code, message, self.cassette.place(line), at=at, hint=self._hint)


_MAX_SHOWN = 10
"""Limit for the requests, and for the differences of one, that are shown; of more only the number is."""
_COMPARED = 20


def _weight(differences: Sequence[Difference]) -> int:
    """Return how different two requests are. Another method or path outweighs any difference of bodies."""
    return sum(_FAR if difference.at in ("method", "path") else 1 for difference in differences)


_FAR = 1000


class Recorder:
    """Sends requests with a real transport, and records them with their answers.

    `source` is the base URL that they go to, or `SANDBOX`; `before` answers requests that are recorded already, and only
    the others are sent. Closing the recorder closes the transport. Credentials that a server repeats are masked. `run` is that
    of the cassette.

    Raises CassetteError if `before` was recorded from elsewhere.
    """

    def __init__(
        self, transport: Http, source: str, recorded_at: date, before: Replay | None = None, run: str | None = None
    ) -> None:
        if before is not None and before.cassette.source != source:
            message = (
                f"{before.cassette.path} was recorded from {before.cassette.source or 'elsewhere'}, not from {source}"
            )
            raise CassetteError(Problem("cassette-unrecorded", message, hint="rewrite it completely: --record rewrite"))
        self._transport = transport
        self._source = source
        self._recorded_at = recorded_at
        self._before = before
        self._run = run
        parts = urlsplit(SANDBOX_URL if source == SANDBOX else source)
        self._server = f"{parts.scheme}://{parts.netloc}"
        self._interactions: list[Interaction] = []
        self._problems: list[Problem] = []
        self._changing = Lock()

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, exchange: Exchange
    ) -> Answer | NoAnswer:
        """Send a request, and record its answer."""
        request = request_of(method, path, headers, body)
        if self._before is not None and (known := self._before.answer(request)) is not None:
            return known
        answer = self._transport.request(method, path, headers, body, exchange)
        if isinstance(answer, NoAnswer):
            message = f"{summary(request, _OPEN)} had no answer to record: {answer.message}"
            problem = Problem("cassette-unrecorded", message)
            with self._changing:
                if problem not in self._problems:  # each retry fails with the same one
                    self._problems.append(problem)
            return answer
        interaction = Interaction(request._replace(uri=self._server + path), answer)
        interaction = masked_interaction(interaction, Mask(secrets_of(headers.get("Authorization", ""))))
        with self._changing:
            self._interactions.append(interaction)
        return answer

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def problems(self) -> list[Problem]:
        """Report requests without an answer to record (`cassette-unrecorded`), and the problems of `before`."""
        with self._changing:
            return [*self._problems, *(self._before.problems() if self._before is not None else ())]

    def cassette(self) -> Cassette:
        """Return the recording, appended to that of `before`. Raises CassetteError if a request had no answer."""
        with self._changing:
            if self._problems:
                raise CassetteError(*self._problems)
            if self._before is None:
                return Cassette(self._source, self._recorded_at, tuple(self._interactions), run=self._run)
            before = self._before.cassette  # its age stays: the oldest answer counts
            return replace(before, interactions=(*before.interactions, *self._interactions), run=self._run)


def request_of(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Request:
    """Return a request to be sent. Of its headers only the Content-Type is recorded."""
    content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    return Request(method, path, content_type, body)
