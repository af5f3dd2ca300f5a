"""Listeners without a server: a port that refuses, one that never answers, one that has no room."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def url_of(listening: socket.socket) -> str:
    """Return the base URL of a listener on loopback."""
    return f"http://127.0.0.1:{listening.getsockname()[1]}/"


def free_port() -> int:
    """Return a port that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def closed_url() -> str:
    """Return the base URL of a port that refuses connections."""
    return f"http://127.0.0.1:{free_port()}/"


@contextmanager
def silent_listener() -> Iterator[socket.socket]:
    """Listen, let clients connect, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@contextmanager
def full_listener(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Listen, accept no connection, and have no room for another: clients wait. Yields the port."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind((host, port))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(100):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.05)
            try:
                waiting.connect(address)
            except TimeoutError:
                break
        else:
            pytest.skip("this machine's listeners always have room")
        yield address[1]
