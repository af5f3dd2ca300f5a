"""Messages between a worker and its parent: numbered frames of pickled calls and answers."""

from __future__ import annotations

import pickle
import signal
from struct import Struct
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator


PROTOCOL = pickle.HIGHEST_PROTOCOL
FRAME = Struct("=QQ")
"""The header of each task and each answer: its number and its size in bytes."""
ASIDE = 0
"""The number of messages beside the tasks, which count from 1: a worker's report that it has started, and its parent's calls."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that a terminal or a service manager sends to the whole process group: the parent alone reacts to them."""


def frames(incoming: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the number and content of each frame, until the stream ends."""
    while len(head := incoming.read(FRAME.size)) == FRAME.size:
        number, size = FRAME.unpack(head)
        if len(body := incoming.read(size)) < size:
            return
        yield number, body


def packed(result: object, error: BaseException | None = None, trace: str = "") -> bytes:
    """Pickle an answer, and check here that it can be unpickled: the parent could not report a failure to the worker."""
    answer = pickle.dumps((result, error, trace), PROTOCOL)
    unpacked(answer)
    return answer


def unpacked(answer: bytes) -> tuple[Any, BaseException | None]:
    """Unpickle an answer: the result of a task and the exception that it raised."""
    result, error, trace = pickle.loads(answer)  # noqa: S301 - it comes from this package
    if error is not None:
        error.add_note(f"in a worker process:\n{trace}")
    return result, error
