"""URLs of object stores on the command line. The libraries that read them are not loaded here."""

from __future__ import annotations

import re
from typing import NamedTuple

from runner.errors import Problem, UsageError


class Library(NamedTuple):
    """The library of a scheme, with its exceptions that are not an OSError.

    With `compares`, a request for bytes names the version of the file, and `expired` is the exception for another one.
    `version` is the key of that version in what the library says about a file.
    """

    name: str
    install: str
    version: str
    errors: tuple[str, ...]
    compares: bool
    expired: str | None
    credentials: str


LIBRARIES = {
    "s3": Library(
        "s3fs",
        "pip install 'suprsend-runner[remote]'",
        "ETag",
        ("botocore.exceptions.BotoCoreError", "botocore.exceptions.ClientError", "aiohttp.ClientError"),
        compares=True,
        expired="s3fs.utils.FileExpired",
        credentials="credentials come from the environment, as for the AWS command line: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    "gs": Library(
        "gcsfs",
        "pip install 'suprsend-runner[remote]' gcsfs",
        "generation",
        ("gcsfs.retry.HttpError", "google.auth.exceptions.GoogleAuthError", "aiohttp.ClientError"),
        compares=False,
        expired=None,
        credentials="credentials come from the environment, as for gcloud: GOOGLE_APPLICATION_CREDENTIALS",
    ),
}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.:-]*)://([^/]*)")
_QUERY = re.compile(r"\?[\w.-]+=")
"""In `?`, a pattern has a wildcard; a name and an equals sign behind it are a query string."""
_WILDCARDS = "*?["
_EXPECTED = " or ".join(f"{scheme}://" for scheme in LIBRARIES)
_HINTS = {
    **dict.fromkeys(("file", "local"), "give the path without a scheme"),
    **dict.fromkeys(("http", "https"), "download it first, or pipe it: curl -fsS URL | runner send … --rows -"),
}


def is_url(text: str) -> bool:
    """Return whether a path is the URL of a file, in a supported scheme or not.

    >>> is_url("s3://bucket/orders.csv"), is_url("exports/orders.csv")
    (True, False)
    """
    return _URL.match(text) is not None


def scheme_of(url: str) -> str:
    """Return the scheme of a URL."""
    return url.partition("://")[0]


def masked(url: str) -> str:
    """Return a URL as messages show it: without credentials and without a query string.

    >>> masked("s3://key:secret@bucket/orders.csv"), masked("https://example.com/orders.csv?signature=x")
    ('s3://…', 'https://example.com/orders.csv?…')
    """
    if (found := _URL.match(url)) is None:
        return url
    if _has_credentials(found[2]):
        return f"{found[1]}://…"
    is_pattern = found[1] in LIBRARIES and not _QUERY.search(url)
    name, sign, _ = url.partition("?")
    return f"{name}?…" if sign and not is_pattern else url


def check_url(url: str) -> None:
    """Raise UsageError for an unsupported scheme, and for a URL with credentials, a query string or no bucket."""
    scheme, _, rest = url.partition("://")
    bucket = rest.partition("/")[0]
    if scheme not in LIBRARIES:
        hint = _HINTS.get(scheme.lower(), f"expected {_EXPECTED}")
        raise UsageError(Problem("usage", f"--rows {masked(url)}: {scheme}:// is not supported", hint=hint))
    if _has_credentials(bucket):
        message = f"--rows {masked(url)}: a URL must not contain credentials"
        raise UsageError(Problem("usage", message, hint=LIBRARIES[scheme].credentials))
    if _QUERY.search(rest):
        message = f"--rows {masked(url)}: a URL of a file has no query string, which may hold a secret"
        raise UsageError(Problem("usage", message, hint=f"name the bucket and the file: {scheme}://BUCKET/FILE"))
    if not bucket or any(char in bucket for char in _WILDCARDS):
        raise UsageError(
            Problem("usage", f"--rows {url}: a URL must name a bucket", hint=f"{scheme}://BUCKET/FOLDER/*.csv")
        )


def _has_credentials(authority: str) -> bool:
    """Return whether there is user info before a host or a bucket. A `/` in a secret ends the authority too early."""
    return "@" in authority or (":" in authority and not authority.startswith("arn:"))
