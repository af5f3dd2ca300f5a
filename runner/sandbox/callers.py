"""The sender of a request: its credentials, and the session that they choose.

A session is a part of the sandbox with records, keys and a clock of its own, so that tests that run at the same time never see
each other's events. A client chooses one by the header `X-Sandbox-Session`, or by its name behind the workspace key or the API
key: `sandbox-workspace-key.NAME` with the same secret, or `sandbox-api-key.NAME`, which needs no change of a client's code.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from runner.config import OLD_SANDBOX_UID, SANDBOX_API_KEY
from runner.sandbox.proof import same
from runner.sandbox.refusals import Refusal, bad_request
from runner.suprsend.auth import ApiKey, WorkspaceKey, sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from runner.secrets import Secret
    from runner.suprsend.auth import Credentials

SESSION_HEADER = "x-sandbox-session"
_SESSION = re.compile("[A-Za-z0-9_-]{1,64}")


class Caller(NamedTuple):
    """An authenticated sender: its session, its workspace, and the values of `env` that its events may have."""

    session: str
    workspace: str
    envs: tuple[str, ...]


def authenticate(credentials: Sequence[Credentials], request: Request, body: bytes) -> Caller:
    """Return the sender of a request. Raises Refusal if its credentials are not among those given."""
    authorization = request.headers.get("authorization", "")
    chosen = session_of(request)
    for each in credentials:
        suffix = _suffix(each, authorization, request, body)
        if suffix is not None:
            return _caller(each, suffix, chosen)
    raise Refusal(HTTPStatus.UNAUTHORIZED, "invalid workspace key, secret or signature", "authentication_error")


def session_of(request: Request) -> str:
    """Return the session that a request chooses by its header; "" without one. Raises Refusal if it is not a name."""
    name = request.headers.get(SESSION_HEADER, "")
    if name and not is_session(name):
        raise bad_request("error: a session is named by letters, digits, - and _, at most 64 of them")
    return name


def is_session(name: str) -> bool:
    """Return whether a text may be the name of a session."""
    return _SESSION.fullmatch(name) is not None


def claimed_session(request: Request) -> str:
    """Return the session that a refused request means to choose, as far as it can be read, to show it there."""
    name = request.headers.get(SESSION_HEADER, "")
    if not name:
        key = request.headers.get("authorization", "").removeprefix("Bearer ").partition(":")[0]
        name = key.partition(".")[2]
    return name if is_session(name) else ""


def _caller(credentials: Credentials, suffix: str, chosen: str) -> Caller:
    env = credentials.env
    envs = [env, env + suffix]
    if credentials == SANDBOX_API_KEY:
        envs.append(OLD_SANDBOX_UID)
    return Caller(chosen or suffix[1:], env + suffix, tuple(dict.fromkeys(envs)))


def _suffix(credentials: Credentials, authorization: str, request: Request, body: bytes) -> str | None:
    """Return what follows the key in a valid header: "" or a period and a session. None if the header is not valid."""
    match credentials:
        case ApiKey(_, key):
            given, suffix = _split(authorization, f"Bearer {key.reveal()}")
            return suffix if given is not None else None
        case WorkspaceKey(key, secret):
            name, _, signature = authorization.rpartition(":")
            given, suffix = _split(name, key)
            return suffix if given is not None and same(signature, _signature(secret, request, body)) else None


def _split(given: str, expected: str) -> tuple[str | None, str]:
    head, suffix = given[: len(expected)], given[len(expected) :]
    if not same(head, expected) or (suffix and not (suffix[0] == "." and _SESSION.fullmatch(suffix, 1))):
        return None, ""
    return head, suffix


def _signature(secret: Secret, request: Request, body: bytes) -> str:
    path = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    headers = request.headers
    content_type, date = headers.get("content-type", ""), headers.get("date", "")
    return sign(secret, request.method, f"{path}?{query}" if query else path, content_type, date, body)
