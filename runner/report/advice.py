"""Failures that the events did not cause → what to do about them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.suprsend.auth import WorkspaceKey

if TYPE_CHECKING:
    from runner.config import Target


def advice(target: Target, code: str, message: str, *, sandbox: bool) -> str | None:
    """Return what to do about the failure of an event, by its code and message; None if the message says enough."""
    where = target.base_url
    else_sandbox = "" if sandbox else ", or add --sandbox to send to a server on this machine"
    match code:
        case "no-connection" if message == os.strerror(errno.ECONNREFUSED):
            is_here = urlsplit(where).hostname in _LOOPBACK
            do = (
                "start the server there" if is_here else f"check the base URL ({_BASE_URL}, or base_url of the profile)"
            )
            return f"nothing listens on {where}: {do}{else_sandbox}"
        case "no-connection" if not message.startswith("the proxy"):
            return f"no connection to {where}: check the network, and the base URL ({_BASE_URL}, or base_url of the profile)"
        case "credentials-refused" if target.credentials is not None:
            kind = (
                ("workspace_key_env", "workspace_secret_env")
                if isinstance(target.credentials, WorkspaceKey)
                else ("api_key_env", "workspace_uid_env")
            )
            names = " and ".join(target.names[key] for key in kind)
            return f"{where} does not take these credentials: check {names}{else_sandbox}"
        case _:
            return None


_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BASE_URL = "SUPRSEND_BASE_URL"
