"""The names by which a sandbox may be addressed: a protection against DNS rebinding.

A web page can make its own host name resolve to this machine, and would then read and send as a page of the sandbox. It can't do so
with an address, or with a name that is not its own.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from runner.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_PORT = re.compile(r":[0-9]*\Z")


def is_loopback(host: str) -> bool:
    """Return whether an address or a name is that of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def allowed_names(host: str) -> frozenset[str]:
    """Return the names of a sandbox that listens at `host`. Beyond loopback, every address is allowed too: see `KnownHosts`."""
    if is_loopback(host):
        return LOOPBACK | {host}
    return LOOPBACK | {host, socket.gethostname().lower(), socket.getfqdn().lower()}


class KnownHosts:
    """Refuses requests whose `Host` is not a name of this sandbox. `any_address` allows all addresses as well."""

    def __init__(self, app: ASGIApp, names: Collection[str], *, any_address: bool) -> None:
        self._app = app
        self._names = names
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        name = _PORT.sub("", host).strip("[]").lower()
        app = self._app
        if name not in self._names and not (self._any_address and _is_address(name)):
            refusal = bad_request("the Host of the request is not a name of this sandbox")
            app = JSONResponse(refusal.body(), refusal.status_code)
        await app(scope, receive, send)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
