"""Requests and answers of the sandbox: bounded bodies, refusals in the platform's form."""

from __future__ import annotations

import sqlite3
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from runner.sandbox.refusals import Refusal, bad_request, too_large
from runner.source import parse_json
from runner.suprsend.encoding import compact_json
from runner.suprsend.rules import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

MAX_PENDING_BYTES = 64 * 1024 * 1024
"""Limit for the size of all incomplete bodies together, whose senders are not authenticated yet."""
_MAX_LENGTH_DIGITS = 10


class BodyReader:
    """Reads the bodies of requests, within limits."""

    def __init__(self) -> None:
        self._pending_bytes = 0

    async def read(self, request: Request) -> bytes:
        """Return the body of a request. Raises Refusal if it is too large, or too many are in flight."""
        length = request.headers.get("content-length", "0")
        if len(length) > _MAX_LENGTH_DIGITS or int(length) > MAX_BODY_BYTES:
            raise too_large()  # a client that waits for `100 Continue` need not send it
        raw = bytearray()
        try:
            async for part in request.stream():
                raw += part
                self._pending_bytes += len(part)
                if len(raw) > MAX_BODY_BYTES:
                    raise too_large()
                if self._pending_bytes > MAX_PENDING_BYTES:
                    raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests in flight", "busy")
        finally:
            self._pending_bytes -= len(raw)
        return bytes(raw)


def json_of(body: bytes) -> object:
    """Return the value of a JSON body. Raises Refusal if it is not JSON in UTF-8."""
    if not body.strip():
        raise bad_request("Request body must not be empty")
    try:
        value: object = parse_json(body.decode())
        if b"\\u" in body:
            compact_json(value)  # half of a surrogate pair is not text
    except (ValueError, RecursionError):
        raise bad_request("BAD REQUEST") from None
    return value


def refused(refusal: Refusal) -> Response:
    """Return the answer of a refusal."""
    wait_s = refusal.retry_after_s
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return JSONResponse(refusal.body(), refusal.status_code, headers)


def answering(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that answers a Refusal which it raises."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            return refused(refusal)
        except ClientDisconnect:
            return Response()  # the client is gone
        except sqlite3.Error as error:  # the disk is full, or the file is damaged
            return refused(
                Refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"the sandbox can't store or read it: {error}", "database")
            )

    return answer
