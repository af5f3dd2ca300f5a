"""A base URL → the addresses that events go to.

Source: the platform's documentation, "HTTP API", and its SDKs: a base URL is stripped and ends with a slash.
"""

from __future__ import annotations

import re
from posixpath import normpath
from urllib.parse import quote, urlsplit

from runner.errors import CredentialsError, InvalidInput, Problem

DEFAULT_BASE_URL = "https://hub.suprsend.com/"
SINGLE_PATH = "v2/event/"
BULK_PATH = "v2/bulk/event/"


def clean_base_url(base_url: str | None) -> str:
    """Strip a base URL, write its path the way it goes over the wire, and end it with a slash.

    Raises InvalidInput for an invalid base URL, and CredentialsError for plain http to another machine: anyone on the
    network path could read the events, and replay the API key.
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
        raise _bad_base_url("it must start with https:// or http://")
    if not host or not _HOST.fullmatch(host):
        raise _bad_base_url("it has no host")
    if set("?#\\") & set(url):
        raise _bad_base_url("it has a query, a fragment or a backslash")
    if parts.scheme == "http" and not is_loopback(host):
        message = f"refusing to send credentials over plain http to {host}"
        raise CredentialsError(Problem("insecure-url", message, hint="use https://"))
    return f"{parts.scheme}://{parts.netloc}{_wire_path(parts.path)}"


def _bad_base_url(reason: str) -> InvalidInput:
    """Return the error for a base URL without showing it, since it may contain a token."""
    hint = "a base URL looks like https://hub.suprsend.com/"
    return InvalidInput(Problem("base-url", f"invalid base URL: {reason}", hint=hint))


_HOST = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|[0-9A-Fa-f:.]+")


def _wire_path(path: str) -> str:
    """Return a path as HTTP libraries send it, so that the signed path is the one that arrives."""
    escaped = re.sub("%([0-9A-Fa-f]{2})?", _unescape_unreserved, path)
    quoted = quote(escaped, safe="/%!$&'()*+,;=:@~")
    whole = normpath(f"/{quoted.lstrip('/')}")
    return whole if whole.endswith("/") else f"{whole}/"


def _unescape_unreserved(match: re.Match[str]) -> str:
    if match[1] is None:  # a single percent sign: libraries escape it, and then also those of other escapes
        return "%25"
    char = chr(int(match[1], 16))
    return char if char.isascii() and (char.isalnum() or char in "-._~") else match[0].upper()


def is_loopback(host: str) -> bool:
    """Return whether a host name means this machine."""
    from ipaddress import ip_address  # noqa: PLC0415 - only plain http needs it

    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
