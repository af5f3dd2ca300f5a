"""What stands where requests go out: a `Replay` answers them from a cassette, a `Recorder` listens while they are sent."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.errors import Problem
from runner.secrets import Mask
from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.auth import secrets_of
from runner.testing.cassette import SANDBOX, SANDBOX_URL, Cassette, CassetteError, Interaction
from runner.testing.masked import masked_interaction, masked_request
from runner.testing.matching import Request, Rules, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from runner.codes import Code
    from runner.suprsend.sockets import Exchange
    from runner.suprsend.transport import Post
    from runner.testing.matching import Difference

_OPEN = Mask()


class Replay:
    """Answers requests as recorded, each recorded one once, and in the order in which they were recorded.

    A request that is not recorded gets no answer, once and for all, and is remembered for `problems`. `volatile` are
    dotted paths below an event that are not compared; `again` is the command that records again. `mask` hides what is
    not recorded of a request, `unprinted` what no message may show, which differs from machine to machine.
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
        self._rules = Rules(volatile)
        self._hint = f"if that is right, record again: {again}" if again else None
        self._mask = mask
        self._unprinted = unprinted or mask
        self._unplayed: dict[tuple[str, ...], deque[int]] = defaultdict(deque)
        for index, interaction in enumerate(cassette.interactions):
            self._unplayed[self._rules.fingerprint(interaction.request)].append(index)
        self._played: set[int] = set()
        self._first = 0
        self._early: list[int] = []
        self._unknown: list[Request] = []
        self._changing = Lock()

    def post(self, path: str, headers: Mapping[str, str], body: bytes, exchange: Exchange) -> Answer | NoAnswer:  # noqa: ARG002 - nothing here takes time
        """Answer as recorded."""
        request = request_of(path, headers, body)
        if (answer := self.answer(request)) is not None:
            return answer
        with self._changing:
            self._unknown.append(masked_request(request, self._mask))
        return NoAnswer(f"the request is not in the cassette {self.cassette.path}", sent=False, is_final=True)

    def answer(self, request: Request) -> Answer | None:
        """Play the next answer to a request; None if there is none, or none any more."""
        key = self._rules.fingerprint(masked_request(request, self._mask))  # as it was recorded
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

    def close(self) -> None:
        """Nothing is kept open."""

    def problems(self) -> list[Problem]:
        """Tell, once all is sent, what was not as recorded: `cassette-changed`, `cassette-unplayed`.

        Each request that is not recorded is held against the most similar of the recorded ones that nobody sent.
        """
        with self._changing:
            indexes = sorted(index for group in self._unplayed.values() for index in group)
            unknown = list(self._unknown)
        unplayed = [self.cassette.interactions[index] for index in indexes]
        found: list[Problem] = []
        for request in unknown[:_TOLD]:
            found += self._changed(request, unplayed)
        found += self._rest("cassette-changed", len(unknown), "requests are not as recorded")
        unplayed = unplayed[max(0, len(unknown) - _TOLD) :]  # those belong to changes that are only counted
        for interaction in unplayed[:_TOLD]:
            message = f"{summary(interaction.request, self._unprinted)} was recorded, and is not sent"
            found.append(self._problem("cassette-unplayed", message, interaction.line))
        found += self._rest("cassette-unplayed", len(unplayed), "recorded requests are not sent")
        return found or list(self._out_of_order())

    def _out_of_order(self) -> Iterator[Problem]:
        """Tell what was sent before something that had been recorded before it; if anything is missing, that says more."""
        for index in self._early[:1]:
            interaction = self.cassette.interactions[index]
            message = f"{summary(interaction.request, self._unprinted)} is sent earlier than it was recorded"
            yield self._problem("cassette-changed", message, interaction.line)

    def _changed(self, request: Request, unplayed: list[Interaction]) -> Iterator[Problem]:
        """Tell how a request differs from the nearest of the unplayed ones, which is taken out."""
        nearest: tuple[list[Difference], Interaction] | None = None
        for interaction in unplayed[:_COMPARED]:
            differences = self._rules.differences(interaction.request, request, self._unprinted)
            if nearest is None or _weight(differences) < _weight(nearest[0]):
                nearest = differences, interaction
        if nearest is None:
            message = f"{summary(request, self._unprinted)} is sent, and is not recorded"
            yield self._problem("cassette-changed", message, 1)
            return
        differences, interaction = nearest
        unplayed.remove(interaction)
        for at, message in differences[:_TOLD]:
            yield self._problem("cassette-changed", f"{at}: {message}", interaction.line, at)
        if len(differences) > _TOLD:
            message = f"and {len(differences) - _TOLD} more differences"
            yield self._problem("cassette-changed", message, interaction.line)

    def _rest(self, code: Code, count: int, what: str) -> Iterator[Problem]:
        if count > _TOLD:
            yield self._problem(code, f"{count - _TOLD} more {what}", 1)

    def _problem(self, code: Code, message: str, line: int, at: str | None = None) -> Problem:
        return Problem(code, message, self.cassette.place(line), at=at, hint=self._hint)


_TOLD = 10
"""Of more requests, or differences of one, only the number is told."""
_COMPARED = 20


def _weight(differences: Sequence[Difference]) -> int:
    """Weigh how far two requests lie apart. Another address is another request, however alike the bodies are."""
    return sum(_FAR if difference.at in ("method", "path") else 1 for difference in differences)


_FAR = 1000


class Recorder:
    """Sends requests on to a real transport, and keeps them with their answers.

    `source` is the base URL that they go to, or `SANDBOX`; `before` plays what is recorded already, and only the rest is
    sent. The transport belongs to this: it is closed with it. Of an Authorization that a server repeats, nothing is kept.

    Raises CassetteError if `before` was recorded from elsewhere.
    """

    def __init__(self, transport: Post, source: str, recorded_at: date, before: Replay | None = None) -> None:
        if before is not None and before.cassette.source != source:
            message = (
                f"{before.cassette.path} was recorded from {before.cassette.source or 'elsewhere'}, not from {source}"
            )
            raise CassetteError(Problem("cassette-unrecorded", message, hint="rewrite it as a whole"))
        self._transport = transport
        self._source = source
        self._recorded_at = recorded_at
        self._before = before
        parts = urlsplit(SANDBOX_URL if source == SANDBOX else source)
        self._server = f"{parts.scheme}://{parts.netloc}"
        self._interactions: list[Interaction] = []
        self._problems: list[Problem] = []
        self._changing = Lock()

    def post(self, path: str, headers: Mapping[str, str], body: bytes, exchange: Exchange) -> Answer | NoAnswer:
        """Send a request on, and keep what comes."""
        request = request_of(path, headers, body)
        if self._before is not None and (known := self._before.answer(request)) is not None:
            return known
        answer = self._transport.post(path, headers, body, exchange)
        if isinstance(answer, NoAnswer):
            message = f"{summary(request, _OPEN)} had no answer to record: {answer.message}"
            problem = Problem("cassette-unrecorded", message)
            with self._changing:
                if problem not in self._problems:  # each retry has one
                    self._problems.append(problem)
            return answer
        kept = Interaction(
            request._replace(uri=self._server + path),
            answer,
        )
        kept = masked_interaction(kept, Mask(secrets_of(headers.get("Authorization", ""))))
        with self._changing:
            self._interactions.append(kept)
        return answer

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def problems(self) -> list[Problem]:
        """Tell why there is nothing to save: `cassette-unrecorded`. And what `before` has that nobody sent."""
        with self._changing:
            return [*self._problems, *(self._before.problems() if self._before is not None else ())]

    def cassette(self) -> Cassette:
        """Give what was recorded, after what had been before. Raises CassetteError if a request had no answer."""
        with self._changing:
            if self._problems:
                raise CassetteError(*self._problems)
            if self._before is None:
                return Cassette(self._source, self._recorded_at, tuple(self._interactions))
            before = self._before.cassette  # its age stays: the oldest answer counts
            return replace(before, interactions=(*before.interactions, *self._interactions))


def request_of(path: str, headers: Mapping[str, str], body: bytes) -> Request:
    """Give a request that is to be posted. Of its headers only the Content-Type counts."""
    content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    return Request("POST", path, content_type, body)
