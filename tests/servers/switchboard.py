"""A switchboard: tasks in other processes call a test, and wait for its answers."""

from __future__ import annotations

import socket
from contextlib import ExitStack

BOUND_S = 60


class Call:
    """A task that has called, and waits until it is let go."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.pid = int(line.recv(32))

    def let_go(self) -> None:
        self._line.close()

    def tell(self, word: bytes) -> None:
        self._line.sendall(word)
        self.let_go()

    def has_died_within(self, seconds: float) -> bool:
        """Tell whether the process of the task ends: the kernel closes its connection."""
        self._line.settimeout(seconds)
        try:
            return self._line.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


class Switchboard:
    """Where tasks call."""

    def __init__(self, bound_s: float = BOUND_S) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(bound_s)
        self.port: int = self._listening.getsockname()[1]
        self._open = ExitStack()
        self._open.enter_context(self._listening)

    def calls(self, number: int) -> list[Call]:
        return [self.call() for _ in range(number)]

    def call(self) -> Call:
        line, _ = self._listening.accept()
        line.settimeout(BOUND_S)
        return Call(self._open.enter_context(line))

    def close(self) -> None:
        self._open.close()
