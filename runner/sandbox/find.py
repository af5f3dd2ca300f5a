"""Finding a sandbox that already runs, and being sure of it. Kept apart from the server, whose libraries it does not need."""

from __future__ import annotations

import json
import re
import socket
import time
from dataclasses import dataclass
from typing import Literal

from runner.sandbox.proof import Proof, new_nonce
from runner.suprsend.admission import NotAdmitted

HOST = "127.0.0.1"
NAME = "suprsend-runner sandbox"
_LOOK_S = 0.5
_MAX_ANSWER_BYTES = 4096
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,4})\r\n", re.IGNORECASE)

Listener = Literal["own", "foreign", "none"]


@dataclass(frozen=True, slots=True)
class Admit:
    """Admits a connection to a sandbox once the other end has proved to be this user's; sends it a nonce and no more.

    Each connection is checked by itself: when the sandbox ends, any program may take its port.
    """

    proof: Proof

    def __call__(self, connection: socket.socket, until_s: float) -> None:
        """Ask the other end for the proof, until that instant of `time.monotonic`.

        Raises NotAdmitted without a proof, OSError when the connection breaks or the time is over.
        """
        nonce = new_nonce()
        request = f"GET /sandbox?nonce={nonce} HTTP/1.1\r\nHost: {HOST}:{self.proof.port}\r\n\r\n"
        connection.settimeout(_left_s(until_s))
        connection.sendall(request.encode())
        try:
            about = json.loads(_body(connection, until_s))
        except (ValueError, RecursionError):
            about = None
        if not isinstance(about, dict) or not self.proof.holds(nonce, about.get("proof")):
            raise NotAdmitted(f"port {self.proof.port} is not served by your sandbox")


def look(port: int, proof: Proof | None) -> Listener:
    """Return, within half a second, whose sandbox listens on a port of this machine: without a proof, it is not ours."""
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


def _body(connection: socket.socket, until_s: float) -> bytes:
    """Read one answer. Raises ValueError for what is not an answer of a sandbox: one with a length, and a short one."""
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
