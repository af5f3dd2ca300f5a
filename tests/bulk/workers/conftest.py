"""What tests of workers share: tasks that call, and no thread, process or descriptor that stays behind."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.bulk.workers import Workers
from tests.servers.switchboard import BOUND_S, Switchboard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent


class Bounded(Workers):
    """Workers whose `with` block does not wait for what never ends when the test has failed."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.shutdown(wait=kind is None, cancel_futures=kind is not None)


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Hold every test to leaving no thread, process or descriptor."""
    threads, children, descriptors = set(threading.enumerate()), children_of(os.getpid()), count_descriptors()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(BOUND_S)
    # What a test before has left to end may be gone by now.
    assert set(threading.enumerate()) <= threads
    assert children_of(os.getpid()) <= children
    assert count_descriptors() <= descriptors


@pytest.fixture
def board() -> Iterator[Switchboard]:
    board = Switchboard()
    yield board
    board.close()


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`worker_tasks`, under a name by which workers find it too."""
    monkeypatch.syspath_prepend(HERE)
    return import_module("worker_tasks")


@pytest.fixture
def slow_start(board: Switchboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Switchboard:
    """Have each interpreter that starts call before it does anything, and die if it is told so."""
    code = (
        "import os, socket\n"
        f"with socket.create_connection(('127.0.0.1', {board.port})) as caller:\n"
        "    caller.sendall(b'%d\\n' % os.getpid())\n"
        "    if caller.recv(3) == b'die': os._exit(7)\n"
    )
    (tmp_path / "sitecustomize.py").write_text(code, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return board


OTHERS: set[int] = set()
"""Processes that tests of other rooms keep for the whole session."""


@pytest.fixture(autouse=True)
def _others() -> None:
    OTHERS.clear()
    OTHERS.update(children_of(os.getpid()))


def children_of(pid: int) -> set[int]:
    """Name the processes, also unburied ones, that a process has started during a test."""
    children = set()
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it is gone
            if (path / "stat").read_text().rpartition(")")[2].split()[1] == str(pid):
                children.add(int(path.name))
    return children - OTHERS


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + BOUND_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


def told(error: BaseException | None) -> tuple[type[BaseException], str]:
    assert error is not None
    return type(error), str(error)
