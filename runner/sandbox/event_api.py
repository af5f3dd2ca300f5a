"""The platform's event API: single, bulk and legacy. Each request is stored with its records before it is answered."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response

from runner.sandbox.arrival import Received, Record
from runner.sandbox.callers import authenticate, claimed_session
from runner.sandbox.checks import checked
from runner.sandbox.failed_answers import failed_answer, refusal_for
from runner.sandbox.http import json_of, refused
from runner.sandbox.refusals import Refusal, bad_request
from runner.suprsend.chunks import MAX_RECORDS
from runner.suprsend.encoding import compact_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.callers import Caller
    from runner.sandbox.failures import Failure
    from runner.sandbox.faults import Faults, Plan
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

        def answer(taken: Sequence[tuple[Arrival, Record]]) -> Response:
            return JSONResponse({"status": "success", "message_id": taken[0][0].message_id}, HTTPStatus.ACCEPTED)

        return await self._take(request, _one, answer)

    async def bulk(self, request: Request) -> Response:
        """Take many events: each is accepted or refused alone."""

        def answer(taken: Sequence[tuple[Arrival, Record]]) -> Response:
            records = [_of_record(*each) for each in taken]
            body = compact_json({"status": "success", "records": records})
            return Response(body, HTTPStatus.MULTI_STATUS, media_type="application/json")

        return await self._take(request, _many, answer, each_alone=True)

    async def legacy(self, request: Request) -> Response:
        """Take one event or many. The answer has no place for single records: if one is refused, all are."""

        def items(body: object) -> list[object]:
            return _many(body) if isinstance(body, list) else [body]

        return await self._take(request, items, lambda _: PlainTextResponse("OK", HTTPStatus.ACCEPTED))

    async def _take(
        self,
        request: Request,
        items: Callable[[object], list[object]],
        answer: Callable[[Sequence[tuple[Arrival, Record]]], Response],
        *,
        each_alone: bool = False,
    ) -> Response:
        """Store a request with its records, and answer it: soundly, or by the failure that is planned for it."""
        caller: Caller | None = None
        failure: Failure | None = None
        whole: Refusal | None = None
        body = b""
        try:
            body = await self._bodies.read(request)
            caller = authenticate(self._credentials, request, body)
            await self._faults.delay(caller.session)
            plan = self._faults.plan(caller.session)
            failure = plan.of_request()
            if failure is not None and not failure.takes:
                raise refusal_for(failure)
            records = [checked(item, caller, self._rules) for item in items(json_of(body))]
            records, of_event = _with_failures(records, plan, each_alone=each_alone)
            failure = of_event or failure
            if of_event is not None and not of_event.takes:
                raise refusal_for(of_event)
        except Refusal as refusal:
            records, whole = [Record({}, refusal=refusal)], refusal
        else:
            bad = [each for each in records if each.refusal is not None]
            if bad and not each_alone:
                records, whole = [_refused_too(each) for each in records], bad[0].refusal
        status_code = HTTPStatus.MULTI_STATUS if each_alone else HTTPStatus.ACCEPTED
        received = received_of(request, caller, body)
        arrivals = self._store.add(received, records, status_code if whole is None else whole.status_code)
        response = answer(list(zip(arrivals, records, strict=True))) if whole is None else refused(whole)
        return response if failure is None else failed_answer(failure, request, response)


def _with_failures(records: list[Record], plan: Plan, *, each_alone: bool) -> tuple[list[Record], Failure | None]:
    """Return the records, some refused by the failures planned for their events; and a failure of the whole request."""
    whole: Failure | None = None
    planned: list[Record] = []
    for record in records:
        failure = plan.of_event(record.event) if record.refusal is None else None
        if failure is not None and each_alone and failure.refuses_records:
            planned.append(replace(record, refusal=refusal_for(failure)))
        else:
            whole = whole or failure
            planned.append(record)
    return planned, whole


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


def _refused_too(record: Record) -> Record:
    """Return a record of a request that is refused for another one."""
    message = "error: another event of the request is refused, and so are all"
    return record if record.refusal is not None else replace(record, refusal=bad_request(message))


def _of_record(arrival: Arrival, record: Record) -> dict[str, object]:
    if record.refusal is not None:
        return record.refusal.body() | {"status_code": int(record.refusal.status_code)}
    return {"status": "success", "message_id": arrival.message_id, "status_code": int(HTTPStatus.ACCEPTED)}


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
