"""Credentials, and the headers that they sign a request with.

Source: the platform's documentation, "HTTP API: authentication", and its SDKs' signature code.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, TypeAlias

from runner.errors import CredentialsError, Problem

if TYPE_CHECKING:
    from runner.secrets import Secret

CONTENT_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class WorkspaceKey:
    """Workspace key and secret: each request is signed (HMAC-SHA256)."""

    key: str
    secret: Secret

    @property
    def env(self) -> str:
        """The `env` of events."""
        return self.key


@dataclass(frozen=True, slots=True)
class ApiKey:
    """API key of a workspace: sent as a bearer token."""

    workspace_uid: str
    key: Secret

    @property
    def env(self) -> str:
        """The `env` of events."""
        return self.workspace_uid


Credentials: TypeAlias = WorkspaceKey | ApiKey


def secret_of(credentials: Credentials) -> str:
    """Return the secret part of credentials."""
    return (credentials.secret if isinstance(credentials, WorkspaceKey) else credentials.key).reveal()


def sign(secret: Secret, method: str, path: str, content_type: str, date: str, body: bytes) -> str:
    """Return the signature of a request with this body, which is empty for a GET. `path` includes the query."""
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest() if body or method != "GET" else ""
    text = f"{method}\n{digest}\n{content_type}\n{date}\n{path}"
    return b64encode(hmac.digest(secret.reveal().encode(), text.encode(), "sha256")).decode()


def signed_headers(
    credentials: Credentials, path: str, body: bytes, now_s: float, method: str = "POST"
) -> dict[str, str]:
    """Return the headers of a request to `path`, signed at `now_s` (seconds since 1970)."""
    headers = {"Content-Type": CONTENT_TYPE, "Accept": "application/json"}
    match credentials:
        case WorkspaceKey(key, secret):
            headers["Date"] = formatdate(now_s, usegmt=True)
            headers["Authorization"] = f"{key}:{sign(secret, method, path, CONTENT_TYPE, headers['Date'], body)}"
        case ApiKey(_, api_key):
            headers["Authorization"] = f"Bearer {api_key.reveal()}"
    return headers


def secrets_of(authorization: str) -> tuple[str, str]:
    """Return the secret texts of an Authorization header: all of it, and the signature or key in it."""
    return authorization, re.split("[ :]", authorization)[-1]


def check_credential(name: str, value: object) -> None:
    """Raise CredentialsError for a credential that is missing or that a header can't carry, without showing its value."""
    if not isinstance(value, str) or not value:
        raise CredentialsError(Problem("credentials-missing", f"{name} is missing"))
    if any(not "!" <= char <= "~" for char in value):
        message = f"{name} contains an invalid character"
        raise CredentialsError(Problem("credentials-invalid", message, hint="copy it again, without line breaks"))
