"""Tasks for workers: they import this file by its name, from a path that the test adds."""

from __future__ import annotations

import os
import re
import socket
import time
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

_callers: list[socket.socket] = []


def call(port: int) -> socket.socket:
    """Connect to a test and tell it which process this is. The connection ends with the process."""
    caller = socket.create_connection(("127.0.0.1", port))
    _callers.append(caller)
    caller.sendall(b"%d\n" % os.getpid())
    return caller


def wait_to_go(port: int) -> int:
    """Call, wait until the test hangs up, and return this process."""
    with call(port) as caller:
        caller.recv(1)
    return os.getpid()


_was_told = Event()


def be_told() -> None:
    _was_told.set()


def wait_until_told(port: int) -> int:
    call(port)
    _was_told.wait()
    return os.getpid()


def rest(port: int) -> NoReturn:
    call(port)
    while True:
        time.sleep(3600)


def compute(port: int) -> NoReturn:
    call(port)
    while True:
        pass


def hold_interpreter(port: int) -> None:
    """Call, and let no other thread of this process run for ages."""
    call(port)
    re.match(r"(a+)+$", "a" * 64 + "b")


def say(text: str) -> None:
    print(text, flush=True)


class LostInTransit(Exception):  # noqa: N818
    """Can be pickled; unpickling it fails: it takes two arguments and has one to give."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


class Local(Exception):  # noqa: N818
    """Can't be pickled."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = Lock()


class Unspeakable(Exception):  # noqa: N818
    """Can be told in no way."""

    def __reduce__(self) -> str:
        raise ZeroDivisionError

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]
        raise ZeroDivisionError

    @property
    def __traceback__(self) -> Any:
        raise ZeroDivisionError

    @__traceback__.setter
    def __traceback__(self, _: object) -> None:
        pass


class Unreadable:
    """Can be pickled; unpickling it fails."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return int, ("no number",)


class ReadableAtHome:
    """Can be pickled; unpickling it fails in any other process."""

    def __reduce__(self) -> tuple[Callable[[int], object], tuple[int]]:
        return read_at_home, (os.getpid(),)


def read_at_home(pid: int) -> object:
    if os.getpid() != pid:
        raise LookupError(pid)
    return object()


def fail(kind: type[BaseException], *args: str) -> NoReturn:
    raise kind(*args)


def make(kind: type[object]) -> object:
    return kind()
