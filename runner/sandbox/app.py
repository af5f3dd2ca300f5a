"""The sandbox as an ASGI application: the platform's API, and the sandbox's own endpoints."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from runner.sandbox import page
from runner.sandbox.control import Control
from runner.sandbox.event_api import EventApi
from runner.sandbox.fault_api import FaultApi
from runner.sandbox.faults import Faults, Plan
from runner.sandbox.find import HOST
from runner.sandbox.hosts import KnownHosts, allowed_names, is_loopback
from runner.sandbox.http import BodyReader, answering
from runner.sandbox.message_api import MessageApi
from runner.sandbox.page_api import PageApi
from runner.sandbox.refusals import Refusal, bad_request
from runner.sandbox.rules import SandboxRules
from runner.sandbox.unserved import Unserved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from runner.sandbox.project_specs import ProjectSpecs
    from runner.sandbox.proof import Proof
    from runner.sandbox.store import Store
    from runner.secrets import Secret
    from runner.suprsend.auth import Credentials


def make_app(
    store: Store,
    credentials: Sequence[Credentials],
    token: Secret,
    rules: SandboxRules = SandboxRules(),  # noqa: B008 - a frozen value
    proof: Proof | None = None,
    host: str = HOST,
    specs: ProjectSpecs | None = None,
) -> Starlette:
    """Return the application for a store; only these credentials are valid.

    `token` is required to read what arrived. `app.state.end` ends the requests that wait for events. `proof` proves the identity
    of the sandbox to clients. `host` is the address at which it listens. `specs` are those that its page offers to send.
    """
    bodies = BodyReader()
    control = Control(store, token, proof, bodies, PageApi(store, credentials, rules, bodies, specs))
    faults = Faults(Plan(rules.failures, rules.latency, rules.seed))
    events = EventApi(store, credentials, rules, faults, bodies)
    unserved = Unserved(store, bodies)
    app = Starlette(
        routes=[
            Route("/v2/event/", answering(events.single), methods=["POST"]),
            Route("/v2/bulk/event/", answering(events.bulk), methods=["POST"]),
            Route("/event/", answering(events.legacy), methods=["POST"]),
            *MessageApi(store, credentials, bodies).routes(),
            *control.routes(),
            *FaultApi(faults, bodies).routes(control.route),
            *page.routes(),
        ],
        # Protects against DNS rebinding: a page must not read events by way of its own host name.
        middleware=[
            Middleware(_NoPreface),
            Middleware(KnownHosts, names=allowed_names(host), any_address=not is_loopback(host)),
            Middleware(_OwnOrigin),
        ],
        exception_handlers={HTTPStatus.NOT_FOUND: unserved, HTTPStatus.METHOD_NOT_ALLOWED: unserved},
    )
    app.router.redirect_slashes = False
    app.state.end = control.feed.end
    return app


_OTHER_SITES = b"cross-site", b"same-site"


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
    """Refuses browser requests from pages of other origins, except to open the page of the sandbox.

    For an image or a frame, a browser sends no Origin but `Sec-Fetch-Site`. Other programs send neither.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        app = self._app
        is_other = origin is not None and origin != b"http://" + headers.get(b"host", b"")
        is_embedded = headers.get(b"sec-fetch-site") in _OTHER_SITES and scope["path"] != "/"
        if is_other or is_embedded:
            refusal = Refusal(HTTPStatus.FORBIDDEN, "requests from pages of other origins are refused", "forbidden")
            app = JSONResponse(refusal.body(), refusal.status_code)
        await app(scope, receive, send)
