"""The check of a new connection before anything of a request goes over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket


class NotAdmitted(OSError):  # noqa: N818 - a state of the world
    """The other end of a connection is not the one that was meant. Nothing of a request was given to it."""


class Admission(Protocol):
    """Admits connections to the one server that is meant."""

    def __call__(self, connection: socket.socket, until_s: float, /) -> None:
        """Return if the other end is the server that is meant, else raise NotAdmitted.

        `until_s` is an instant of `time.monotonic`; raises OSError when it has come, or when the connection breaks.
        """
