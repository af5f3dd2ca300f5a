"""Find and verify a running sandbox, without loading the libraries of the server."""

from __future__ import annotations

import json
import re
import socket
import time
from dataclasses import dataclass
from typing import Literal, NamedTuple

from runner.sandbox.proof import Proof, new_nonce
from runner.suprsend.admission import NotAdmitted

HOST = "127.0.0.1"
NAME = "suprsend-runner sandbox"
_LOOK_S = 0.5
_MAX_ANSWER_BYTES = 4096
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,4})\r\n", re.IGNORECASE)

Listener = Literal["own", "foreign", "none"]


class Found(NamedTuple):
    """What listens on a port. `version` and `database` are those of a sandbox; `is_open`: it has no proof for anyone."""

    listener: Listener
    version: str | None = None
    database: str | None = None
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Admit:
    """Admits a connection to a sandbox after it has proved to be this user's; sends only a nonce before.

    Each connection is checked, because another program may take the port after the sandbox ends.
    """

    proof: Proof

    def __call__(self, connection: socket.socket, until_s: float) -> None:
        """Request the proof from the other end, until `until_s` of `time.monotonic`.

        Raises NotAdmitted without a valid proof, and OSError when the connection breaks or the time is over.
        """
        nonce = new_nonce()
        about = _about(connection, self.proof.port, nonce, until_s)
        if not self.proof.holds(nonce, about.get("proof")):
            raise NotAdmitted(f"port {self.proof.port} is not served by your sandbox")


def look(port: int, proof: Proof | None) -> Listener:
    """Return, within half a second, whether a sandbox listens on a port, and whether it proves to be this user's."""
    until_s = time.monotonic() + _LOOK_S
    try:
        with socket.create_connection((HOST, port), timeout=_LOOK_S) as connection:
            if proof is None:
                return "foreign"
            Admit(proof)(connection, until_s)
    except ConnectionRefusedError:
        return "none"
    except (OSError, NotAdmitted):
        return "foreign"
    return "own"


def found_at(port: int, proof: Proof | None) -> Found:
    """Return, within half a second, what listens on a port, as it says itself."""
    until_s = time.monotonic() + _LOOK_S
    nonce = new_nonce()
    try:
        with socket.create_connection((HOST, port), timeout=_LOOK_S) as connection:
            about = _about(connection, port, nonce, until_s)
    except ConnectionRefusedError:
        return Found("none")
    except OSError:
        return Found("foreign")
    version, database, proved = about.get("version"), about.get("database"), about.get("proof")
    if about.get("name") != NAME or not isinstance(version, str):
        return Found("foreign")
    is_own = proof is not None and proof.holds(nonce, proved)
    database = database if isinstance(database, str) else None
    return Found("own" if is_own else "foreign", version, database, is_open=proved is None)


def _about(connection: socket.socket, port: int, nonce: str, until_s: float) -> dict[str, object]:
    """Return what the other end says of itself; nothing if it is not a sandbox. Raises OSError."""
    connection.settimeout(_left_s(until_s))
    connection.sendall(f"GET /_sandbox?nonce={nonce} HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n".encode())
    try:
        about = json.loads(_body(connection, until_s))
    except (ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def _body(connection: socket.socket, until_s: float) -> bytes:
    """Read one answer. Raises ValueError if it can't be that of a sandbox, which is short and has a length."""
    answer = b""
    while len(answer) < _MAX_ANSWER_BYTES:
        connection.settimeout(_left_s(until_s))
        part = connection.recv(_MAX_ANSWER_BYTES)
        if not part:
            break
        answer += part
        head, end, body = answer.partition(b"\r\n\r\n")
        if end:
            length = _LENGTH.search(head + b"\r\n")
            if length is None:
                break
            if len(body) >= int(length[1]):
                return body
    raise ValueError("not an answer of a sandbox")


def _left_s(until_s: float) -> float:
    left = until_s - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is over")
    return left
