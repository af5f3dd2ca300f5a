"""The sandbox's own endpoints, under `/_sandbox/`: for its page, for tests, and for other commands.

Any program and any browser page on this machine can connect, and the credentials are public. So everything that arrived is shown
only with the token that the sandbox prints when it starts.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from runner import __version__
from runner.sandbox.callers import is_session
from runner.sandbox.connections import answers_for
from runner.sandbox.feed import Feed
from runner.sandbox.find import NAME
from runner.sandbox.http import answering, json_of
from runner.sandbox.message_store import find
from runner.sandbox.messages import History
from runner.sandbox.nearby import nearby
from runner.sandbox.proof import same
from runner.sandbox.queries import MAX_LISTED, SELECTING, parameters, selection, whole_number
from runner.sandbox.refusals import Refusal, bad_request, not_found
from runner.sandbox.request_api import RequestApi

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.http import BodyReader
    from runner.sandbox.page_api import PageApi
    from runner.sandbox.proof import Proof
    from runner.sandbox.store import Store
    from runner.secrets import Secret

MAX_WAIT_S = 300.0
_MAX_PATH = 500
_ID = re.compile("[0-9]{1,18}")
"""As many digits as fit a number of SQLite."""
_PART_BYTES = 64 * 1024
_MAX_ADVANCE_MS = 366 * 24 * 3600 * 1000


class Control:
    """The endpoints under `/_sandbox/`."""

    def __init__(self, store: Store, token: Secret, proof: Proof | None, bodies: BodyReader, page: PageApi) -> None:
        self._store = store
        self._token = token
        self._proof = proof
        self._bodies = bodies
        self._page = page
        self.feed = Feed(store)

    def routes(self) -> list[Route]:
        """Return the routes of all endpoints."""
        return [
            Route("/_sandbox", self.about, methods=["GET"]),
            self.route("events", self.events, "GET"),
            self.route("events", self.clear, "DELETE"),
            self.route("events/{id}", self.event, "GET"),
            self.route("events/{id}/messages", self.messages, "GET"),
            self.route("requests", RequestApi(self._store).refused, "GET"),
            self.route("wait", self.wait, "GET"),
            self.route("stream", self.stream, "GET"),
            self.route("clock", self.clock, "POST"),
            *(self.route(*each) for each in self._page.endpoints()),
        ]

    def route(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str) -> Route:
        """Return the route of an endpoint that needs the token, and takes only JSON."""

        async def checked(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not same(given, self._token.reveal()):
                message = "the token is missing or wrong: open the address that `runner sandbox` prints"
                raise Refusal(HTTPStatus.UNAUTHORIZED, message, "authentication_error")
            if method == "POST" and request.headers.get("content-type", "").partition(";")[0] != "application/json":
                raise bad_request("the body must be application/json")
            return await endpoint(request)

        return Route(f"/_sandbox/{path}", answering(checked), methods=[method])

    async def about(self, request: Request) -> Response:
        """Identify the sandbox, and with `?nonce=` prove that it is this user's."""
        counts = self._store.counts()
        proof = self._proof.of(request.query_params.get("nonce", "")) if self._proof is not None else None
        about: dict[str, object] = {
            "name": NAME,
            "version": __version__,
            "events": counts.total,
            "dropped_events": counts.dropped_events,
            "dropped_keys": counts.dropped_keys,
        }
        if proof is not None:
            database = self._store.database.path
            about |= {"proof": proof, "database": str(database.absolute())[-_MAX_PATH:] if database else "memory"}
        return JSONResponse(about)

    async def events(self, request: Request) -> Response:
        """Return records, the newest first; `?limit=` and the parameters of a selection select.

        `more` says that there are older ones, which `?before=` the id of the last one returns.
        """
        query = parameters(request.query_params.multi_items(), (*SELECTING, "limit"))
        limit = whole_number("limit", query.pop("limit", "100"), MAX_LISTED)
        wanted = selection(query)
        # In a thread: looking for a text in 100,000 records takes longer than a request may wait.
        found, has_more = await asyncio.to_thread(self._store.search, wanted.condition, wanted.values, limit)

        def parts() -> Iterator[bytes]:
            part = bytearray(b'{"events":[')
            for index, arrival in enumerate(found):
                part += b"," if index else b""
                part += arrival.as_json()
                if len(part) > _PART_BYTES:
                    yield bytes(part)
                    part.clear()
            yield bytes(part) + b'],"more":%s}' % (b"true" if has_more else b"false")

        return StreamingResponse(parts(), media_type="application/json")

    async def event(self, request: Request) -> Response:
        """Return one record with its request, and the ids of its other attempts and duplicates."""
        details = await asyncio.to_thread(self._store.details, _record_id(request))
        if details is None:
            raise _gone()
        return JSONResponse(details)

    async def messages(self, request: Request) -> Response:
        """Return the messages that came, and will come, of an event, with all changes of their statuses.

        `decisions` are the lines of its workflow runs, if workflow files make its messages.
        """
        records = self._store.select("id = ?", (_record_id(request),))
        if not records:
            raise _gone()
        now_ms = self._store.now_ms(records[0].session)
        found = find(self._store, "arrival_id = :id ORDER BY created_ms, message_id", {"id": records[0].id})
        messages = [
            each.as_json(now_ms) | {"exists": each.created_ms <= now_ms, "timeline": each.timeline()} for each in found
        ]
        decisions: list[dict[str, object]] = []
        if records[0].outcome == "accepted" and self._store.tracer is not None:
            history = History(self._store.rows, records[0])
            decisions = await asyncio.to_thread(self._store.tracer, records[0], history)
        return JSONResponse({"now_ms": now_ms, "messages": messages, "decisions": decisions})

    async def clear(self, request: Request) -> Response:
        """Delete all records, or with `?session=` those of one session."""
        query = parameters(request.query_params.multi_items(), ("session",))
        return JSONResponse({"deleted": self._store.clear(query.get("session"))})

    async def wait(self, request: Request) -> Response:
        """Return the selected events as soon as there are `?count=` (1), at most after `?timeout=` seconds (30).

        Without `outcome`, only accepted events count. After the timeout the status is 408, with the events that there are, and
        the nearest ones that arrived `instead`.
        """
        query = parameters(request.query_params.multi_items(), (*SELECTING, "count", "timeout"))
        count = whole_number("count", query.pop("count", "1"))
        if not 1 <= count <= MAX_LISTED:
            raise bad_request(f"count must be a number from 1 to {MAX_LISTED}")
        timeout_s = _seconds("timeout", query.pop("timeout", "30"))
        answers_for(request, timeout_s)
        query = {"outcome": "accepted"} | query
        found = await self.feed.wait(selection(query), count, timeout_s)
        parts = [b'{"count":%d,"events":[%s]' % (len(found), _joined(found))]
        is_late = len(found) < count
        if is_late:
            parts.append(b',"instead":[%s]' % _joined(nearby(self._store, query)))
        status_code = HTTPStatus.REQUEST_TIMEOUT if is_late else HTTPStatus.OK
        return StreamingResponse(iter([*parts, b"}"]), status_code, media_type="application/json")

    async def stream(self, request: Request) -> Response:
        """Return new records as server-sent events, after the one with the id `?after=`, else after the newest."""
        query = parameters(request.query_params.multi_items(), SELECTING)
        after = whole_number("after", query.pop("after", str(self._store.last_id)))
        answers_for(request, None)
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(
            self.feed.stream(selection(query), after), media_type="text/event-stream", headers=headers
        )

    async def clock(self, request: Request) -> Response:
        """Set the clock of a session forward: `{"advance_s": 90, "session": "t1"}`."""
        body = json_of(await self._bodies.read(request))
        fields = body if isinstance(body, dict) else {}
        session, advance_s = fields.get("session", ""), fields.get("advance_s", -1)
        is_number = isinstance(advance_s, int | float) and not isinstance(advance_s, bool)
        is_valid = is_number and 0 <= advance_s * 1000 <= _MAX_ADVANCE_MS
        is_named = isinstance(session, str) and (not session or is_session(session))
        if not (is_named and is_valid and not set(fields) - {"session", "advance_s"}):
            raise bad_request('the body must be {"advance_s": seconds, "session": "name"}, at most a year')
        return JSONResponse({"now_ms": self._store.advance(session, int(advance_s * 1000))})


def _joined(arrivals: Sequence[Arrival]) -> bytes:
    return b",".join(each.as_json() for each in arrivals)


def _record_id(request: Request) -> int:
    """Return the id in the path of a request. Raises Refusal for a text that can't be the id of a record."""
    text = request.path_params["id"]
    if not _ID.fullmatch(text):
        raise _gone()
    return int(text)


def _gone() -> Refusal:
    return not_found("this record does not exist, or was dropped")


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= MAX_WAIT_S:
        raise bad_request(f"{name} must be a number of seconds up to {MAX_WAIT_S:g}")
    return seconds
