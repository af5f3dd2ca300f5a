"""A sound answer → the answer of a named failure."""

from __future__ import annotations

import asyncio
import json
import zlib
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from runner.sandbox.connections import answers_for, connection_of
from runner.sandbox.refusals import Refusal, phrase_of, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from runner.sandbox.failures import Failure

_SILENT_S = 300.0
_DRIP_S = 0.5
_HUGE_BYTES = 17 * 1024 * 1024
_PART = b" " * 65_536
_PAGE = "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"


def refusal_for(failure: Failure) -> Refusal:
    """Return the refusal that is recorded for a failure that does not take the events."""
    code = failure.status_code
    if failure.refuses_records:
        return refusal_of(code, failure.retry_after_s)
    return Refusal(code, f"rehearsed failure: {failure.name}", "rehearsed", failure.retry_after_s)


def failed_answer(failure: Failure, request: Request, sound: Response) -> Response:
    """Return the answer of a failure in place of a sound one, which is a refusal if the events were not taken."""
    code, kind = failure.status_code, failure.kind
    if kind == "redirect":
        return Response(status_code=code, headers={"Location": f"{request.url.path}?moved"})
    if code:
        return _with_status(failure, sound)
    return _ANSWERS[kind](request, sound)


def _with_status(failure: Failure, sound: Response) -> Response:
    code = failure.status_code
    headers = {} if failure.retry_after_s is None else {"Retry-After": str(failure.retry_after_s)}
    if failure.form == "html":
        title = f"{code} {phrase_of(code)}"
        return HTMLResponse(_PAGE.format(title=title), code, headers)
    if failure.form == "empty":
        return Response(status_code=code, headers=headers)
    if failure.takes:
        refusal = refusal_of(code, failure.retry_after_s)
        return Response(json.dumps(refusal.body()), code, headers, media_type="application/json")
    return sound


class _Raw(Response):
    """Bytes on the connection in place of an HTTP answer, then its end: `close`, `reset` or `wait` for the client to end it."""

    def __init__(
        self, request: Request, parts: Iterable[bytes] = (), then: str = "close", pause_s: float = 0.0
    ) -> None:
        super().__init__()
        answers_for(request, _SILENT_S)
        self._parts, self._then, self._pause_s = parts, then, pause_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del send
        connection = connection_of(scope)
        for part in self._parts:
            if not connection.write(part):
                return
            await asyncio.sleep(self._pause_s)
        if self._then == "wait":
            while (await receive())["type"] != "http.disconnect":
                pass
        else:
            connection.end(reset=self._then == "reset")


def _head(sound: Response, length: int, *lines: str) -> bytes:
    start = [f"HTTP/1.1 {sound.status_code} {phrase_of(sound.status_code)}", "Content-Type: application/json"]
    return "\r\n".join([*start, f"Content-Length: {length}", *lines, "", ""]).encode()


def _body(sound: Response) -> bytes:
    return bytes(sound.body)


def _json(sound: Response, change: Callable[[list[dict[str, object]]], object]) -> Response:
    """Return an answer with other records; one without records, such as that of the legacy endpoint, as it is."""
    if sound.status_code != HTTPStatus.MULTI_STATUS:
        return sound
    answer = json.loads(_body(sound))
    answer["records"] = change(answer["records"])
    return Response(json.dumps(answer), sound.status_code, media_type="application/json")


def _other(sound: Response, body: bytes, media_type: str = "application/json", **headers: str) -> Response:
    return Response(
        body, sound.status_code, {name.replace("_", "-"): text for name, text in headers.items()}, media_type
    )


def _huge(request: Request, sound: Response) -> Response:
    def parts() -> Iterable[bytes]:
        yield _head(sound, len(_body(sound)) + _HUGE_BYTES) + _body(sound)
        for _ in range(_HUGE_BYTES // len(_PART)):
            yield _PART

    return _Raw(request, parts())


def _interim(request: Request, sound: Response) -> Response:
    body = _body(sound)
    return _Raw(request, [b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + _head(sound, len(body), "Connection: close") + body])


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(data) + packer.flush()


@cache
def _bomb() -> bytes:
    """Return 300 MB of white space in gzip. A flushed block may be repeated, so the whole is never in memory."""
    packer = zlib.compressobj(9, wbits=31)
    start = packer.compress(b" ") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * 1024 * 1024) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * 300


_ANSWERS: dict[str, Callable[[Request, Response], Response]] = {
    "reset": lambda request, _: _Raw(request, then="reset"),
    "closed": lambda request, _: _Raw(request),
    "silent": lambda request, _: _Raw(request, then="wait"),
    "short": lambda request, sound: _Raw(request, [_head(sound, len(_body(sound)) + 10) + _body(sound)[:-5]]),
    "slow": lambda request, sound: _Raw(
        request, [_head(sound, len(_body(sound))), *(b"%c" % byte for byte in _body(sound))], pause_s=_DRIP_S
    ),
    "empty": lambda _, sound: _other(sound, b""),
    "text": lambda _, sound: _other(sound, b"OK", "text/plain"),
    "portal": lambda _, sound: _other(sound, _PAGE.format(title="Sign in to the network").encode(), "text/html"),
    "odd-json": lambda _, sound: _other(sound, b"[]"),
    "half-json": lambda _, sound: _other(sound, _body(sound)[: len(_body(sound)) // 2]),
    "not-http": lambda request, _: _Raw(request, [b"SSH-2.0-OpenSSH_9.6\r\n"]),
    "fewer-records": lambda _, sound: _json(sound, lambda records: records[:-1]),
    "more-records": lambda _, sound: _json(sound, lambda records: [*records, *records[-1:]]),
    "odd-records": lambda _, sound: _json(sound, lambda records: [each | {"status": "queued"} for each in records]),
    "interim": _interim,
    "closed-late": lambda request, sound: _Raw(request, [_head(sound, len(_body(sound))) + _body(sound)]),
    "gzip-half": lambda _, sound: _other(sound, _gzip(_body(sound))[: len(_body(sound)) // 2], Content_Encoding="gzip"),
    "gzip-bomb": lambda _, sound: _other(sound, _bomb(), Content_Encoding="gzip"),
    "huge": _huge,
}
