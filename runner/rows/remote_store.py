"""An object store, read through fsspec: the files below a folder, the state of a file, its bytes.

Nothing here waits without a limit: requests have timeouts, and the library repeats each a limited number of times. Errors
of the store and of the network become problems with the URL, in our words: a library's own text may name more than that.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.errors import InvalidInput, MachineError, NotFound, Problem
from runner.rows.stable_file import FileChangedError
from runner.rows.urls import LIBRARIES, check_url, scheme_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import RunnerError

_CONNECT_S = 10
_ANSWER_S = 20
_ATTEMPTS = 3
_OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {
        "config_kwargs": {
            "connect_timeout": _CONNECT_S,
            "read_timeout": _ANSWER_S,
            "retries": {"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        }
    },
    "gs": {"requests_timeout": _ANSWER_S},
}
_LOGGERS = ("aiobotocore", "aiohttp", "asyncio", "botocore", "fsspec", "google")


class RemoteState(NamedTuple):
    """What is compared of a file in a store: its size, and the store's own name of its version."""

    size: int
    version: str

    def fingerprint(self) -> str:
        """Return a digest of the state, in hexadecimal."""
        return sha256(f"{self.size} {self.version}".encode()).hexdigest()


class Store:
    """The store of a scheme. Raises NotFound, and MachineError for other failures of the store or the network."""

    def __init__(self, scheme: str) -> None:
        """Raise InvalidInput if a library is not installed."""
        self._scheme = scheme
        self._library = library = LIBRARIES[scheme]
        try:
            import fsspec  # noqa: PLC0415 - an extra

            import_module(library.name)
        except ModuleNotFoundError:
            message = f"to read {scheme}:// URLs, fsspec and {library.name} must be installed"
            raise InvalidInput(Problem("rows-format", message, hint=library.install)) from None
        self._errors: tuple[type[Exception], ...] = (OSError, ValueError, *map(_class, library.errors))
        self._expired: tuple[type[Exception], ...] = (_class(library.expired),) if library.expired else ()
        for name in (*_LOGGERS, library.name):  # the problem says what they would print, some of them with tracebacks
            logging.getLogger(name).addHandler(logging.NullHandler())
        self._files = fsspec.filesystem(scheme, use_listings_cache=False, **_OPTIONS[scheme])
        self._files.retries = _ATTEMPTS - 1  # s3fs repeats all attempts for answers that break off
        self._sizes: dict[str, int] = {}

    @property
    def compares(self) -> bool:
        """Whether a request for bytes fails if the file is not the version that was opened."""
        return self._library.compares

    def state(self, url: str) -> RemoteState:
        """Return the state of a file now."""
        with self._translated(url):
            return self._state_of(self._files.info(url), url)

    def size_bytes(self, url: str) -> int:
        """Return the size of a file; it is not asked for again once the file was opened."""
        if url not in self._sizes:
            self._sizes[url] = self.state(url).size
        return self._sizes[url]

    def open(self, url: str) -> tuple[RemoteState, Any]:
        """Return a file's state, and the file for `read`."""
        with self._translated(url):
            file = self._files.open(url, "rb", cache_type="none")
            state = self._state_of(file.details, url)
        self._sizes[url] = state.size
        return state, file

    def read(self, url: str, file: Any, start: int, size: int) -> bytes:
        """Return bytes of an open file; fewer if it ends. Raises FileChangedError for another version."""
        try:
            with self._translated(url):
                file.seek(start)
                content: bytes = file.read(size)
        except NotFound:
            raise FileChangedError(REMOVED) from None
        return content

    def type_of(self, url: str) -> str | None:
        """Return "file" if a file has exactly this name, else "directory" if it is a folder of others, else None."""
        with self._translated(url):
            try:
                return str(self._files.info(url)["type"])
            except FileNotFoundError:
                return None

    def below(self, folder: str) -> list[str]:
        """Return the URLs of all files below a folder, at any depth; none if there is no such folder."""
        with self._translated(folder):
            return [self._url(name) for name in self._files.find(folder)]

    def inside(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the URLs of the files and of the folders directly in a folder."""
        files: list[str] = []
        folders: list[str] = []
        with self._translated(folder):
            try:
                entries = self._files.ls(folder, detail=True)
            except FileNotFoundError:
                entries = []
        for entry in entries:
            (folders if entry["type"] == "directory" else files).append(self._url(entry["name"]))
        return files, folders

    def _url(self, name: str) -> str:
        return f"{self._scheme}://{name}"

    def _state_of(self, entry: dict[str, Any], url: str) -> RemoteState:
        if entry["type"] == "directory":
            raise NotFound(
                Problem("file-not-found", f"a folder, not a file: {url}", hint=f"all files below it: {url}/")
            )
        version = str(entry.get(self._library.version) or "")
        if not version or version.startswith("W/"):
            message = f"the store does not say which version of {url} it has, so a change could not be noticed"
            raise InvalidInput(Problem("rows-format", message, hint="copy it to this machine"))
        return RemoteState(int(entry["size"]), version)

    @contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        try:
            yield
        except self._expired:
            raise FileChangedError(REPLACED) from None
        except self._errors as error:
            raise self._failure(error, url) from None

    def _failure(self, error: Exception, url: str) -> RunnerError:
        names = {each.__name__ for each in type(error).__mro__}
        status = getattr(error, "code", None) or getattr(error, "status", None)  # those of gcsfs and aiohttp
        if isinstance(error, FileNotFoundError) or status == _NOT_FOUND:
            return NotFound(Problem("file-not-found", f"no such file: {url}"))
        hint: str | None = None
        if isinstance(error, PermissionError) or status in _REFUSED or str(error).startswith(_FORBIDDEN):
            reason, hint = "the store refuses access", self._library.credentials
        elif names & _NO_CREDENTIALS:
            reason, hint = "there are no credentials for the store", self._library.credentials
        elif names & _SILENT:
            reason = f"the store did not answer within {_ANSWER_S} seconds, several times"
        elif names & _NO_CONNECTION:
            reason = "no connection to the store"
        elif getattr(error, "errno", None) == _BUSY or status in _OVERLOADED:
            reason = "the store is overloaded, or limits the rate of requests"
        elif names & _INVALID:
            reason = "the name of the bucket, or the configuration of the store, is invalid"
        else:
            reason = f"the store failed ({type(error).__name__})"
        return MachineError(Problem("file-unreadable", f"can't read {url}: {reason}", hint=hint))


_NOT_FOUND = 404
_REFUSED = (401, 403)
_FORBIDDEN = "Forbidden:"
"""What gcsfs says of a status 403."""
_OVERLOADED = (429, 503)
_BUSY = 16
"""EBUSY, by which s3fs says that a store answered with 503 or SlowDown."""
_NO_CREDENTIALS = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "ProfileNotFound",
    "GoogleAuthError",
}
_SILENT = {"TimeoutError", "ReadTimeoutError", "ConnectTimeoutError", "ServerTimeoutError"}
_NO_CONNECTION = {"ConnectionError", "HTTPClientError", "ClientConnectionError"}
_INVALID = {"ValueError", "ParamValidationError"}
REPLACED = "it was replaced"
REMOVED = "it was removed"


def store_of(url: str) -> Store:
    """Return the store of a URL. Raises UsageError for a URL that can't be read, InvalidInput without its library."""
    check_url(url)
    return _store(scheme_of(url))


@cache
def _store(scheme: str) -> Store:
    return Store(scheme)


def _class(name: str) -> type[Exception]:
    module, _, name = name.rpartition(".")
    found: type[Exception] = getattr(import_module(module), name)
    return found
