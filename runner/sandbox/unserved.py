"""Requests that no endpoint serves: refused with the endpoints that there are, and stored, so that they are seen."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request

from runner.sandbox.arrival import Record
from runner.sandbox.event_api import received_of
from runner.sandbox.http import answering, refused
from runner.sandbox.refusals import Refusal, not_found

if TYPE_CHECKING:
    from starlette.responses import Response

    from runner.sandbox.http import BodyReader
    from runner.sandbox.store import Store

ENDPOINTS = "POST /v2/event/, /v2/bulk/event/ and /event/, and GET /v1/message/"
"""The endpoints of the platform that a sandbox has."""
_WITHOUT_SLASH = ("/v2/event", "/v2/bulk/event", "/event")
_NOT_SERVED = {
    "/v1/user": "users",
    "/v1/bulk/user": "users",
    "/v1/object": "objects",
    "/v1/bulk/object": "objects",
    "/v1/tenant": "tenants",
    "/v1/brand": "tenants",
    "/v1/subscriber_list": "lists",
    "/v1/broadcast": "broadcasts",
    "/v1/workflow": "workflow triggers",
    "/trigger": "workflow triggers",
}
"""Other APIs of the platform, by the beginning of their paths."""
_OWN = "/_sandbox"
_SENT_BY_BROWSER = "sec-fetch-mode"


class Unserved:
    """Answers requests that no endpoint serves, or not with their method."""

    def __init__(self, store: Store, bodies: BodyReader) -> None:
        self._store = store
        self._bodies = bodies

    async def __call__(self, request: Request, error: Exception) -> Response:
        """Answer a request that Starlette has refused with 404 or 405."""
        headers = getattr(error, "headers", None) or {}
        refusal = _refusal(request, getattr(error, "status_code", HTTPStatus.NOT_FOUND), headers.get("Allow"))

        async def store(request: Request) -> Response:
            await self._store_refused(request, refusal)
            return refused(refusal)

        # A browser looks for icons, and its user mistypes addresses: that is not what an application sends.
        is_ours = request.url.path.startswith(_OWN) or _SENT_BY_BROWSER in request.headers
        response = refused(refusal) if is_ours else await answering(store)(request)
        response.headers.update(headers)
        return response

    async def _store_refused(self, request: Request, refusal: Refusal) -> None:
        try:
            body = await self._bodies.read(request)
        except (Refusal, ClientDisconnect):
            body = b""
        received = received_of(request, None, body)
        self._store.add(received, [Record({}, refusal=refusal)], refusal.status_code)


def _refusal(request: Request, status_code: int, allowed: str | None) -> Refusal:
    path = request.url.path
    if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return Refusal(status_code, f"the method must be {allowed}", "method_not_allowed")
    if path in _WITHOUT_SLASH:
        return not_found(f"the path is {path}/: the slash at its end is part of what is signed")
    for beginning, name in _NOT_SERVED.items():
        if path == beginning or path.startswith(f"{beginning}/"):
            message = f"the sandbox does not serve {name}; it serves {ENDPOINTS}"
            return Refusal(HTTPStatus.NOT_IMPLEMENTED, message, "not_implemented")
    if path.startswith(_OWN):
        return not_found("the sandbox has no such endpoint: see `runner help sandbox`")
    return not_found(f"the sandbox serves {ENDPOINTS}")
