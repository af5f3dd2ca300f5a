"""The proof that a listening sandbox is this user's own, and the key behind it.

Both sides know a key that only this user can read. The client sends a random nonce, and the server answers with an HMAC of
it under the key: the key itself never goes over the wire, and a recorded answer is of no use later. A program of another
user could pass the nonce on to a real sandbox; so the HMAC also names the port and the network that the server listens
in, where there is no other listener on it.

The owner of the socket, according to the kernel, would need no key. But only Linux reports it, it is wrong for forwarded
ports, and it is not that of the current connection.
"""

from __future__ import annotations

import hmac
import os
import pwd
import re
import secrets
import socket
import stat
from base64 import urlsafe_b64encode
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FOLDER, _FILE = "suprsend-runner", "sandbox.key"
_KEY = re.compile(rb"[0-9a-f]{64}\n")
_NONCE = re.compile("[0-9a-f]{64}")
_OTHERS_READ = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class KeyRefused(Exception):  # noqa: N818 - a state of the world
    """There is no key that only this user can read. The text is the reason, for messages."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof of a sandbox on a port of this machine."""

    key: Secret
    port: int

    def of(self, nonce: str) -> str | None:
        """Return the proof for a nonce; None for an invalid nonce."""
        if not _NONCE.fullmatch(nonce):
            return None
        return hmac.digest(self.key.reveal().encode(), f"{_network()} {self.port} {nonce}".encode(), "sha256").hex()

    def holds(self, nonce: str, answer: object) -> bool:
        """Return whether an answer proves that its sender knows the key."""
        expected = self.of(nonce)
        return expected is not None and isinstance(answer, str) and same(answer, expected)


def new_nonce() -> str:
    """Return an unpredictable nonce."""
    return secrets.token_hex(32)


def new_key() -> Secret:
    """Return a new key for a sandbox inside this process."""
    return Secret(secrets.token_hex(32))


def read_key(environ: Mapping[str, str]) -> Secret:
    """Read this user's key. Raises KeyRefused if there is none, or if others could have read or written it."""
    path = _path(environ)
    try:
        with _opened(path.parent) as folder:
            return _read(folder, path)
    except OSError as error:
        raise KeyRefused(f"can't read {path}: {error.strerror}") from None


def ensure_key(environ: Mapping[str, str]) -> Secret:
    """Read this user's key, or make one. Raises KeyRefused as `read_key` does, and if it can't be stored."""
    path = _path(environ)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(path.parent) as folder:
            with suppress(FileNotFoundError):
                return _read(folder, path)
            _write(folder, f"{new_key().reveal()}\n".encode())
            return _read(folder, path)
    except OSError as error:
        raise KeyRefused(f"can't keep a key in {path}: {error.strerror}") from None


def page_token(key: Secret, port: int) -> Secret:
    """Return the token of the page on a port: always the same, so that an open page goes on working after a restart."""
    digest = hmac.digest(key.reveal().encode(), f"page {port}".encode(), "sha256")
    return Secret(urlsafe_b64encode(digest[:18]).decode())


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Open a folder that only this user can change."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _check(os.fstat(descriptor), folder, _OTHERS_WRITE, "others can write to it")
        yield descriptor
    finally:
        os.close(descriptor)


def _read(folder: int, path: Path) -> Secret:
    # Without O_NONBLOCK, the open of a pipe would wait for a writer.
    with open(_FILE, "rb", opener=lambda name, _: _open(name, os.O_RDONLY | os.O_NONBLOCK, folder)) as file:
        status = os.fstat(file.fileno())
        _check(status, path, _OTHERS_READ, "others can read it")
        text = file.read(100) if stat.S_ISREG(status.st_mode) else b""
    if not _KEY.fullmatch(text):
        raise KeyRefused(f"{path} is not a key: remove it")
    return Secret(text.decode().strip())


def _write(folder: int, text: bytes) -> None:
    """Write the key atomically, by way of another name."""
    name = f".{secrets.token_hex(8)}"
    try:
        with open(name, "xb", opener=lambda name, flags: _open(name, flags, folder)) as file:
            file.write(text)
        with suppress(FileExistsError):  # another sandbox was faster
            os.link(name, _FILE, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


def _open(name: str, flags: int, folder: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW, 0o600, dir_fd=folder)


def _check(status: os.stat_result, path: Path, forbidden: int, otherwise: str) -> None:
    if status.st_uid != os.geteuid():
        raise KeyRefused(f"{path} belongs to another user")
    if status.st_mode & forbidden:
        raise KeyRefused(f"{path}: {otherwise}")


def _path(environ: Mapping[str, str]) -> Path:
    """Return the path of the key, in the user's state folder, which is the same in all sessions.

    XDG_RUNTIME_DIR is not: cron jobs, and shells of `sudo` or `docker exec`, have none.
    """
    state = environ.get("XDG_STATE_HOME", "")
    if not state.startswith("/"):  # relative paths are to be ignored (XDG Base Directory Specification)
        home = environ.get("HOME", "")
        try:
            home = home if home.startswith("/") else pwd.getpwuid(os.geteuid()).pw_dir
        except KeyError:
            raise KeyRefused("this user has no home directory") from None
        state = f"{home}/.local/state"
    return Path(state) / _FOLDER / _FILE


def _network() -> str:
    """Return an id of this process's network, since several machines may share a home directory."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/net').readlink()}"
    except OSError:
        return socket.gethostname()


def same(given: str, expected: str) -> bool:
    """Return whether two texts are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
