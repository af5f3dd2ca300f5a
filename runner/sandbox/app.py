"""The platform's event API as an ASGI application.

It checks what the platform checks (the signature over the raw bytes, limits, names), and its rules. Error texts are those of
the documentation, if it has them.

Any program and any browser page on this machine can connect, and the credentials are public. So received events are shown
only with a token that the sandbox prints when it starts.
"""

from __future__ import annotations

import hmac
import json
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from runner import __version__
from runner.sandbox.find import NAME
from runner.sandbox.queries import CHOOSING, WHOLE_NUMBER, query_of, shown_events
from runner.sandbox.refusals import Refusal, bad_request, refusal_of, too_large
from runner.sandbox.rules import SandboxRules
from runner.sandbox.store import MAX_EVENTS
from runner.source import parse_json
from runner.suprsend.auth import ApiKey, Credentials, WorkspaceKey, sign
from runner.suprsend.chunks import MAX_RECORDS
from runner.suprsend.rules import (
    MAX_BODY_BYTES,
    MIN_INSERT_ID,
    MIN_TIME_MS,
    distinct_id_breaches,
    key_breaches,
    name_breaches,
    properties_breaches,
    size_breach,
    tenant_breaches,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from runner.sandbox.proof import Proof
    from runner.sandbox.store import Store
    from runner.secrets import Secret
    from runner.source import Json
    from runner.suprsend.rules import Breach


MAX_SHOWN = 1000


MAX_LIMIT_DIGITS = 10


MAX_PENDING_BYTES = 64 * 1024 * 1024
"""Limit for the size of all incomplete bodies together, whose senders are not authenticated yet."""


def make_app(
    store: Store,
    credentials: Sequence[Credentials],
    token: Secret,
    rules: SandboxRules = SandboxRules(),  # noqa: B008 - a frozen value
    proof: Proof | None = None,
) -> Starlette:
    """Return the application for a store; only these credentials are valid.

    `token` is required to read received events. `proof` proves the identity of the sandbox to clients.
    """
    api = _Api(store, credentials, token, rules, proof)
    app = Starlette(
        routes=[
            Route("/v2/event/", _answering(api.single), methods=["POST"]),
            Route("/v2/bulk/event/", _answering(api.bulk), methods=["POST"]),
            Route("/event/", _answering(api.legacy), methods=["POST"]),
            Route("/events", _answering(api.events), methods=["GET"]),
            Route("/sandbox", api.about, methods=["GET"]),
        ],
        # Protects against DNS rebinding: a page must not read events by way of its own host name.
        middleware=[
            Middleware(_NoPreface),
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(_OwnOrigin),
        ],
    )
    app.router.redirect_slashes = False
    return app


class _NoPreface:
    """Refuses the preface of HTTP/2 (RFC 9113, section 3.4) and closes the connection, since no request can follow it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["method"] == "PRI":
            refusal = bad_request("this server speaks HTTP/1.1")
            app = JSONResponse(refusal.body(), refusal.status_code, {"Connection": "close"})
        await app(scope, receive, send)


class _OwnOrigin:
    """Refuses browser requests from pages of other origins. Other programs send no Origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        app = self._app
        if origin is not None and origin != b"http://" + headers.get(b"host", b""):
            refusal = Refusal(HTTPStatus.FORBIDDEN, "requests from pages of other origins are refused", "forbidden")
            app = JSONResponse(refusal.body(), refusal.status_code)
        await app(scope, receive, send)


def _answering(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            wait_s = refusal.retry_after_s
            headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
            return JSONResponse(refusal.body(), refusal.status_code, headers)
        except ClientDisconnect:
            return Response()  # the client is gone

    return answer


class _Api:
    def __init__(
        self,
        store: Store,
        credentials: Sequence[Credentials],
        token: Secret,
        rules: SandboxRules,
        proof: Proof | None,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._token = token
        self._rules = rules
        self._failures = deque(rules.failures)
        self._proof = proof
        self._pending_bytes = 0

    async def single(self, request: Request) -> Response:
        workspace, body = await self._body(request)
        if not isinstance(body, dict):
            raise bad_request("Request body must only contain a single JSON object")
        return JSONResponse(self._take(workspace, "/v2/event/", body), HTTPStatus.ACCEPTED)

    async def bulk(self, request: Request) -> Response:
        workspace, body = await self._body(request)
        if not isinstance(body, list):
            raise bad_request("Request body must be an array of events")
        if len(body) > MAX_RECORDS:
            raise bad_request(f"Request body must not have more than {MAX_RECORDS} events")
        records = [self._record(workspace, "/v2/bulk/event/", item) for item in body]
        return JSONResponse({"status": "success", "records": records}, HTTPStatus.MULTI_STATUS)

    async def legacy(self, request: Request) -> Response:
        workspace, body = await self._body(request)
        checked: list[tuple[dict[str, object], bytes]] = []
        for event in body if isinstance(body, list) else [body]:
            if not isinstance(event, dict):
                raise bad_request("BAD REQUEST")
            checked.append((event, self._checked(workspace, event)))
        for event, raw in checked:
            self._store.add(workspace, "/event/", event, raw)
        return PlainTextResponse("OK", HTTPStatus.ACCEPTED)

    async def events(self, request: Request) -> Response:
        """Return accepted events, the newest last; `?limit=`, `?event=` and `?distinct_id=` select."""
        given = request.query_params.get("token") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if not _same(given, self._token.reveal()):
            message = "the token is missing or wrong: open the address that `runner sandbox` prints"
            raise Refusal(HTTPStatus.UNAUTHORIZED, message, "authentication_error")
        query = query_of(request.query_params.multi_items())
        wanted = {name: value for name, value in query.items() if name in CHOOSING}
        limit = query.get("limit", str(MAX_SHOWN))
        if not WHOLE_NUMBER.fullmatch(limit):
            raise bad_request("limit must be a whole number of events, for example limit=10")
        count = int(limit) if len(limit) < MAX_LIMIT_DIGITS else MAX_EVENTS
        return StreamingResponse(shown_events(self._store, wanted, count), media_type="application/json")

    async def about(self, request: Request) -> Response:
        """Identify the sandbox, and with `?nonce=` prove that it is this user's."""
        counts = self._store.counts()
        nonce = request.query_params.get("nonce", "")
        proof = self._proof.of(nonce) if self._proof is not None else None
        return JSONResponse(
            {
                "name": NAME,
                "version": __version__,
                "events": counts.total,
                "dropped_events": counts.dropped_events,
                "dropped_keys": counts.dropped_keys,
            }
            | ({"proof": proof} if proof is not None else {})
        )

    async def _body(self, request: Request) -> tuple[str, object]:
        raw = await self._read(request)
        workspace = self._authenticate(request, raw)
        if self._failures:
            raise refusal_of(self._failures.popleft())
        if not raw.strip():
            raise bad_request("Request body must not be empty")
        try:
            body = parse_json(raw)
            json.dumps(body, ensure_ascii=False).encode()  # half of a surrogate pair is not text
        except (ValueError, RecursionError):
            raise bad_request("BAD REQUEST") from None
        return workspace, body

    async def _read(self, request: Request) -> bytes:
        length = request.headers.get("content-length", "0")
        if len(length) > MAX_LIMIT_DIGITS or int(length) > MAX_BODY_BYTES:
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

    def _authenticate(self, request: Request, raw: bytes) -> str:
        given = request.headers.get("authorization", "")
        for credentials in self._credentials:
            if _same(given, _expected(credentials, request, raw)):
                return credentials.env
        raise Refusal(HTTPStatus.UNAUTHORIZED, "invalid workspace key, secret or signature", "authentication_error")

    def _record(self, workspace: str, endpoint: str, item: object) -> dict[str, object]:
        try:
            if not isinstance(item, dict):
                raise bad_request("BAD REQUEST")
            return self._take(workspace, endpoint, item) | {"status_code": HTTPStatus.ACCEPTED}
        except Refusal as refusal:
            return refusal.body() | {"status_code": refusal.status_code}

    def _take(self, workspace: str, endpoint: str, event: dict[str, object]) -> dict[str, object]:
        stored = self._store.add(workspace, endpoint, event, self._checked(workspace, event))
        return {"status": "success", "message_id": stored.message_id}

    def _checked(self, workspace: str, event: dict[str, object]) -> bytes:
        """Return a valid event as compact JSON, or raise Refusal."""
        if "distinct_id" not in event:
            either = "" if "event" in event else "either event or "
            raise bad_request(f"error: must pass value for {either}distinct_id{'/anonymous_id' if either else ''}")
        if not isinstance(event.get("properties", {}), dict):
            raise bad_request('Request body contains an invalid value for the "properties" field')
        for breach in _breaches(event):
            raise bad_request(f"error: {breach.message}")
        if not isinstance(event["distinct_id"], str):
            raise bad_request("error: distinct_id must be a string")
        insert_id, time_ms = event.get("$insert_id"), event.get("$time")
        if not isinstance(insert_id, str) or len(insert_id) < MIN_INSERT_ID:
            raise bad_request("error: $insert_id must be a string of 36 characters or more")
        if not isinstance(time_ms, int) or isinstance(time_ms, bool) or time_ms < MIN_TIME_MS:
            raise bad_request("error: $time must be milliseconds since 1970, in 2022 or later")
        if event.get("env") != workspace:
            raise bad_request("error: env is not the workspace of these credentials")
        raw = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        if too_large := size_breach(len(raw), self._rules.max_event_kb):
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"error: {too_large.message}", "too_large")
        self._check_rules(event)
        return raw

    def _check_rules(self, event: dict[str, object]) -> None:
        for tenant in (event.get("tenant_id"), event.get("brand_id")):
            if tenant and self._rules.tenants is not None and tenant not in self._rules.tenants:
                raise Refusal(HTTPStatus.NOT_FOUND, f"tenant/brand doesn't exist with id: {tenant}", "not_found")
        name = str(event["event"]).strip()
        schema = self._rules.schemas.get(name)
        faults = schema.faults(_own_properties(event)) if schema else []
        if faults:
            # Always the same one of several, because the validator's order is not fixed.
            fault = min(faults, key=lambda fault: (fault.at(), fault.message))
            at = ".".join(("properties", *filter(None, [fault.at()])))
            raise bad_request(f"error: {at} does not fit the schema of '{name}': {fault.message}")


def _breaches(event: dict[str, object]) -> Iterator[Breach]:
    yield from name_breaches(event.get("event"))
    yield from distinct_id_breaches(event["distinct_id"])
    yield from properties_breaches(_own_properties(event))
    yield from key_breaches(event.get("$idempotency_key"))
    yield from tenant_breaches("tenant_id", event.get("tenant_id"))
    yield from tenant_breaches("brand_id", event.get("brand_id"))


def _own_properties(event: dict[str, object]) -> dict[str, Json]:
    """Return an event's properties without those that the platform's clients add."""
    properties = event.get("properties")
    return {
        key: value
        for key, value in (properties if isinstance(properties, dict) else {}).items()
        if key not in ("$attachments", "$ss_sdk_version")
    }


def _expected(credentials: Credentials, request: Request, raw: bytes) -> str:
    match credentials:
        case ApiKey(_, key):
            return f"Bearer {key.reveal()}"
        case WorkspaceKey(key, secret):
            path = request.scope["raw_path"].decode("latin-1")
            query = request.scope["query_string"].decode("latin-1")
            headers = request.headers
            signature = sign(
                secret,
                request.method,
                f"{path}?{query}" if query else path,
                headers.get("content-type", ""),
                headers.get("date", ""),
                raw,
            )
            return f"{key}:{signature}"


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
