"""The platform's event API: single, bulk and legacy. Each request is stored with its records before it is answered."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse

from runner.sandbox.arrival import Received, Record
from runner.sandbox.callers import authenticate, claimed_session
from runner.sandbox.checks import checked
from runner.sandbox.http import json_of, refused
from runner.sandbox.refusals import Refusal, bad_request
from runner.suprsend.chunks import MAX_RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.callers import Caller
    from runner.sandbox.faults import Faults
    from runner.sandbox.http import BodyReader
    from runner.sandbox.rules import SandboxRules
    from runner.sandbox.store import Store
    from runner.suprsend.auth import Credentials

_HIDDEN = "authorization", "cookie", "proxy-authorization"
"""Headers that are stored without their values: a client may send real credentials by mistake."""


class EventApi:
    """The endpoints that take events."""

    def __init__(
        self, store: Store, credentials: Sequence[Credentials], rules: SandboxRules, faults: Faults, bodies: BodyReader
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._rules = rules
        self._faults = faults
        self._bodies = bodies

    async def single(self, request: Request) -> Response:
        """Take one event."""
        taken = await self._take(request, _one)
        if isinstance(taken, Refusal):
            return refused(taken)
        return JSONResponse({"status": "success", "message_id": taken[0][0].message_id}, HTTPStatus.ACCEPTED)

    async def bulk(self, request: Request) -> Response:
        """Take many events: each is accepted or refused alone."""
        taken = await self._take(request, _many, each_alone=True)
        if isinstance(taken, Refusal):
            return refused(taken)
        records = [_of_record(*each) for each in taken]
        return JSONResponse({"status": "success", "records": records}, HTTPStatus.MULTI_STATUS)

    async def legacy(self, request: Request) -> Response:
        """Take one event or many. The answer has no place for single records: if one is refused, all are."""
        taken = await self._take(request, lambda body: _many(body) if isinstance(body, list) else [body])
        return refused(taken) if isinstance(taken, Refusal) else PlainTextResponse("OK", HTTPStatus.ACCEPTED)

    async def _take(
        self, request: Request, items: Callable[[object], list[object]], *, each_alone: bool = False
    ) -> list[tuple[Arrival, Record]] | Refusal:
        """Store a request, and return its records, or the refusal of the whole request, which is stored too."""
        caller: Caller | None = None
        whole: Refusal | None = None
        body = b""
        try:
            body = await self._bodies.read(request)
            caller = authenticate(self._credentials, request, body)
            await self._faults.before(request, caller)
            records = [checked(item, caller, self._rules) for item in items(json_of(body))]
        except Refusal as refusal:
            records, whole = [Record({}, refusal=refusal)], refusal
        else:
            bad = [each for each in records if each.refusal is not None]
            if bad and not each_alone:
                records, whole = bad, bad[0].refusal
        status_code = HTTPStatus.MULTI_STATUS if each_alone else HTTPStatus.ACCEPTED
        received = received_of(request, caller, body)
        arrivals = self._store.add(received, records, status_code if whole is None else whole.status_code)
        return list(zip(arrivals, records, strict=True)) if whole is None else whole


def _one(body: object) -> list[object]:
    if not isinstance(body, dict):
        raise bad_request("Request body must only contain a single JSON object")
    return [body]


def _many(body: object) -> list[object]:
    if not isinstance(body, list):
        raise bad_request("Request body must be an array of events")
    if len(body) > MAX_RECORDS:
        raise bad_request(f"Request body must not have more than {MAX_RECORDS} events")
    return body


def _of_record(arrival: Arrival, record: Record) -> dict[str, object]:
    if record.refusal is not None:
        return record.refusal.body() | {"status_code": record.refusal.status_code}
    return {"status": "success", "message_id": arrival.message_id, "status_code": HTTPStatus.ACCEPTED}


def received_of(request: Request, caller: Caller | None, body: bytes) -> Received:
    """Return a request as it is stored."""
    query = request.scope["query_string"].decode("latin-1")
    headers = tuple((name, "(hidden)" if name in _HIDDEN else value) for name, value in request.headers.items())
    return Received(
        caller.session if caller else claimed_session(request),
        caller.workspace if caller else "",
        request.method,
        request.scope["path"] + (f"?{query}" if query else ""),
        headers,
        body,
    )
