"""Credentials, and the request that they sign.

Source: the platform's documentation, "HTTP API: authentication", and its SDKs' signature code.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from dataclasses import dataclass
from email.utils import formatdate
from posixpath import normpath
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, urlsplit

from runner.errors import CredentialsError, InvalidInput, Problem
from runner.suprsend.event import USER_AGENT

if TYPE_CHECKING:
    from runner.secrets import Secret

DEFAULT_BASE_URL = "https://hub.suprsend.com/"
CONTENT_TYPE = "application/json; charset=utf-8"
SINGLE_PATH = "v2/event/"
BULK_PATH = "v2/bulk/event/"
MAX_TIMEOUT_S = 86_400


@dataclass(frozen=True, slots=True)
class WorkspaceKey:
    """Workspace key and secret: each request is signed (HMAC-SHA256)."""

    key: str
    secret: Secret

    @property
    def env(self) -> str:
        """What an event's `env` says."""
        return self.key


@dataclass(frozen=True, slots=True)
class ApiKey:
    """API key of a workspace: sent as a bearer token."""

    workspace_uid: str
    key: Secret

    @property
    def env(self) -> str:
        """What an event's `env` says."""
        return self.workspace_uid


Credentials: TypeAlias = WorkspaceKey | ApiKey


@dataclass(frozen=True, slots=True)
class Request:
    """A POST as it goes out. Its `repr` hides the authorization."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __repr__(self) -> str:
        return f"Request({self.url!r}, {len(self.body)} bytes)"


def sign(secret: Secret, method: str, path: str, content_type: str, date: str, body: bytes) -> str:
    """Sign one request over the bytes of its body. `path` carries the query, if there is one."""
    text = f"{method}\n{hashlib.md5(body, usedforsecurity=False).hexdigest()}\n{content_type}\n{date}\n{path}"
    return b64encode(hmac.digest(secret.reveal().encode(), text.encode(), "sha256")).decode()


def signed_request(credentials: Credentials, base_url: str, path: str, body: bytes, now_s: float) -> Request:
    """Build the request that sends `body`, signed for the time `now_s` (seconds since 1970)."""
    url = base_url + path
    headers = [("Content-Type", CONTENT_TYPE), ("User-Agent", USER_AGENT), ("Accept", "application/json")]
    match credentials:
        case WorkspaceKey(key, secret):
            date = formatdate(now_s, usegmt=True)
            signature = sign(secret, "POST", urlsplit(url).path, CONTENT_TYPE, date, body)
            headers += [("Date", date), ("Authorization", f"{key}:{signature}")]
        case ApiKey(_, api_key):
            headers.append(("Authorization", f"Bearer {api_key.reveal()}"))
    return Request(url, tuple(headers), body)


def check_credential(name: str, value: str) -> None:
    """Refuse a credential that is missing, or that no header can carry. Raises CredentialsError; shows no value."""
    if not value:
        raise CredentialsError(Problem("credentials-missing", f"{name} is missing"))
    if any(not "!" <= char <= "~" for char in value):
        message = f"{name} has a character that no credential has"
        raise CredentialsError(Problem("credentials-invalid", message, hint="copy it again, without line breaks"))


def clean_base_url(base_url: str | None) -> str:
    """Strip a base URL, write its path the way it goes over the wire, and end it with a slash.

    Raises InvalidInput for what is no base URL, CredentialsError for plain http to another machine: whoever listens
    on the way could read the events, and replay the API key.
    """
    url = (base_url or "").strip() or DEFAULT_BASE_URL
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _bad_base_url("its host or its port can't be read") from None
    if parts.username is not None or parts.password is not None:
        raise _bad_base_url("it has a user or a password in it")
    if any(not "!" <= char <= "~" for char in url):
        raise _bad_base_url("it has characters that a URL can't have")
    if parts.scheme not in ("http", "https"):
        raise _bad_base_url("it begins with neither https:// nor http://")
    if not host or not _HOST.fullmatch(host):
        raise _bad_base_url("it names no host")
    if set("?#\\") & set(url):
        raise _bad_base_url("it has a query, a fragment or a backslash")
    if parts.scheme == "http" and not is_loopback(host):
        message = f"refusing to send credentials over plain http to {host}"
        raise CredentialsError(Problem("insecure-url", message, hint="use https://"))
    return f"{parts.scheme}://{parts.netloc}{_wire_path(parts.path)}"


def _bad_base_url(reason: str) -> InvalidInput:
    """Say what is wrong and show nothing: a token may stand in it."""
    hint = "a base URL looks like https://hub.suprsend.com/"
    return InvalidInput(Problem("base-url", f"the base URL is none: {reason}", hint=hint))


_HOST = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|[0-9A-Fa-f:.]+")


def _wire_path(path: str) -> str:
    """Write a path as HTTP libraries send it, so that what is signed is what arrives."""
    escaped = re.sub("%([0-9A-Fa-f]{2})", _unescape_unreserved, path)
    quoted = quote(escaped, safe="/%!$&'()*+,;=:@~")
    whole = normpath(f"/{quoted.lstrip('/')}")
    return whole if whole.endswith("/") else f"{whole}/"


def _unescape_unreserved(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char.isascii() and (char.isalnum() or char in "-._~") else match[0].upper()


def is_loopback(host: str) -> bool:
    """Tell whether a host name means this machine."""
    from ipaddress import ip_address  # noqa: PLC0415 - only plain http needs it

    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
