"""`/_sandbox/faults`: read and change the failures of a running sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from runner.sandbox.callers import is_session
from runner.sandbox.failures import NO_LATENCY, UnknownFailureError, declared, latency, shares
from runner.sandbox.faults import Plan
from runner.sandbox.http import json_of
from runner.sandbox.queries import parameters
from runner.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from runner.sandbox.failures import Failure
    from runner.sandbox.faults import Faults
    from runner.sandbox.http import BodyReader

MAX_SEED = 2**63 - 1
_FIELDS = "session", "fail", "latency", "seed"
_MAX_FAILURES = 1000


class FaultApi:
    """The endpoints that read and change which requests fail."""

    def __init__(self, faults: Faults, bodies: BodyReader) -> None:
        self._faults = faults
        self._bodies = bodies

    def routes(self, route: Callable[[str, Callable[[Request], Awaitable[Response]], str], Route]) -> list[Route]:
        """Return the routes of all endpoints."""
        return [
            route("faults", self.show, "GET"),
            route("faults", self.change, "POST"),
            route("faults", self.clear, "DELETE"),
        ]

    async def show(self, request: Request) -> Response:
        """Return the failures and the latency of a session, `?session=`."""
        return JSONResponse(self._faults.plan(_session(request)).as_json())

    async def clear(self, request: Request) -> Response:
        """Answer soundly again. A session without failures of its own has those of all."""
        self._faults.change(_session(request), None)
        return await self.show(request)

    async def change(self, request: Request) -> Response:
        """Replace the failures: `{"fail": "429:0.1,reset:0.05", "latency": "50ms", "seed": 7, "session": "t1"}`.

        `fail` is a text of shares, or a list of failures: names, or objects as in `fail` of `runner.yaml`.
        """
        body = json_of(await self._bodies.read(request))
        if not isinstance(body, dict) or set(body) - set(_FIELDS):
            raise bad_request(f"the body must be an object with {', '.join(_FIELDS)}")
        session, seed, text = body.get("session", ""), body.get("seed"), body.get("latency")
        if not isinstance(session, str) or (session and not is_session(session)):
            raise bad_request("session must be the name of a session")
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MAX_SEED):
            raise bad_request(f"seed must be a whole number from 0 to {MAX_SEED}")
        try:
            found = NO_LATENCY if text is None else latency(str(text))
            plan = Plan(_failures(body.get("fail", "")), found, seed)
        except UnknownFailureError as error:
            raise bad_request(str(error)) from None
        self._faults.change(session, plan)
        return JSONResponse(plan.as_json())


def _session(request: Request) -> str:
    return parameters(request.query_params.multi_items(), ("session",)).get("session", "")


def _failures(value: object) -> tuple[Failure, ...]:
    if isinstance(value, str):
        return shares(value)
    if not isinstance(value, list) or len(value) > _MAX_FAILURES:
        raise UnknownFailureError(f"fail must be a text such as 429:0.1, or a list of at most {_MAX_FAILURES} failures")
    return tuple(map(declared, value))
