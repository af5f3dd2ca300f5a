"""What tests of every room share: the command line in this process, and real servers on loopback."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import pytest
from hypothesis import settings

from runner.cli.main import run
from runner.commands.world import World
from runner.sandbox.server import Sandbox
from tests.browser import axe, browser, opened  # noqa: F401 - fixtures
from tests.processes import preloaded_programs
from tests.projects import project, templates  # noqa: F401 - fixtures
from tests.servers.capturing import CapturingServer, capturing_server
from tests.servers.message_server import VirtualTime
from tests.servers.object_store import ObjectStore, object_store

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


REPOSITORY = Path(__file__).resolve().parent.parent


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


SEED = UUID("00000000-0000-4000-8000-000000000001")


# The same examples each time, on machines of any speed.
settings.register_profile("suite", deadline=None, database=None, derandomize=True)
settings.load_profile("suite")


def pytest_configure() -> None:
    """Have signals heard by what tests start, also where the tests run in the background: a shell and nohup ignore some."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from the thousands of tests that are collected: they live until the end.

    What the tests make is looked through less often than in a command: one in fifteen seconds was the collector's.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs `runner` in this process, at a fixed instant, in an environment of its own.

    Each command has ids of its own, the same each time the tests are run: `SEED` the first, others those after it. Pauses
    take no time, and set the clock of waits forward.
    """

    def __init__(self) -> None:
        self.environ: dict[str, str] = {}
        self.time = VirtualTime()
        self._seeds = chain([SEED], (uuid5(SEED, str(number)) for number in count(2)))

    def __call__(self, *args: str | Path, stdin: str = "") -> Ended:
        out, err = io.StringIO(), io.StringIO()
        streams = io.StringIO(stdin), out, err
        world = World(
            self.environ,
            *streams,
            lambda: NOW,
            lambda: next(self._seeds),
            sleep=self.time.sleep,
            random=lambda: 0.5,
            monotonic=self.time.clock,
        )
        code = run([str(arg) for arg in args], world)
        return Ended(code, out.getvalue(), err.getvalue())


_folders = count()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name archives by their parameter: they have the time in them, and all processes must collect the same names."""
    return argname if isinstance(val, bytes) and val.startswith(b"\x1f\x8b") else None


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty folder. To name one after its test, pytest looks through those of all tests before."""
    folder = tmp_path_factory.getbasetemp() / str(next(_folders))
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def _on_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide from the commands that tests start what CI sets: some behave differently there."""
    for name in [name for name in os.environ if name == "CI" or name.startswith("GITHUB_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def fixed() -> tuple[datetime, UUID]:
    """Give the instant and the seed of every run in tests."""
    return NOW, SEED


@pytest.fixture(scope="session")
def shell_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the PATH of a shell in which `runner` and `pytest` are forked."""
    return f"{preloaded_programs(tmp_path_factory.mktemp('bin'))}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def cli() -> CommandLine:
    return CommandLine()


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def in_repository(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the repository the working directory."""
    monkeypatch.chdir(REPOSITORY)
    return REPOSITORY


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def running_store() -> Iterator[ObjectStore]:
    """Run one store for all tests: the library keeps its connections to it as long as the process lives."""
    with object_store() as running:
        yield running


@pytest.fixture
def store(running_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """Give an empty store, to which the environment leads."""
    for name, value in running_store.environ.items():
        monkeypatch.setenv(name, value)
    yield running_store
    running_store.clear()


@pytest.fixture
def server() -> Iterator[CapturingServer]:
    with capturing_server() as running:
        yield running
