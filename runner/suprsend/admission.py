"""The check of a new connection before a request is sent over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket


class NotAdmitted(OSError):  # noqa: N818 - a state of the world
    """The other end of a connection is not the expected server. No part of the request was sent to it."""


class Admission(Protocol):
    """Admits connections to the expected server only."""

    def __call__(self, connection: socket.socket, until_s: float, /) -> None:
        """Raise NotAdmitted unless the other end is the expected server.

        Raises OSError when the connection breaks, or at `until_s` of `time.monotonic`.
        """
