"""A Dask cluster of processes that were started as commands: a scheduler, and workers that come and go."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import STDOUT, Popen
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REPOSITORY = Path(__file__).resolve().parents[2]
_BOUND_S = 60
_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_", "DASK_"))}


class Member(NamedTuple):
    """The scheduler or a worker: a process with a session of its own, and the file that it prints to."""

    process: Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End it at once, with the processes that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(_BOUND_S)


class DaskCluster:
    """A cluster in a folder. `environ` is that of all its processes; those of a worker may have more.

    The processes find our tests: tasks may be functions of them.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], protocol: str = "tcp") -> None:
        self.folder = folder
        self.members: list[Member] = []
        self._environ = {**_CLEAN, **environ}
        self._file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", f"{protocol}://127.0.0.1", "--port", "0", "--no-dashboard",
            "--scheduler-file", str(self._file),
        )  # fmt: skip
        self.url: str = self._address_in(self._file, self.scheduler)

    def worker(
        self, *options: str, threads: int = 1, nanny: bool = False, environ: Mapping[str, str] | None = None
    ) -> Member:
        """Start a worker, and return while it may still be on its way."""
        return self._start(
            "worker", self.url, "--nthreads", str(threads), "--nanny" if nanny else "--no-nanny", "--no-dashboard",
            "--host", "127.0.0.1", "--local-directory", str(self.folder), *options,
            environ=environ,
        )  # fmt: skip

    def logs(self) -> str:
        """Return all that the processes printed."""
        return "".join(member.log.read_text("utf-8") for member in self.members)

    def close(self) -> None:
        """End all processes."""
        for member in reversed(self.members):
            member.kill()

    def _start(self, what: str, *options: str, environ: Mapping[str, str] | None = None) -> Member:
        log = self.folder / f"{len(self.members)}-{what}.log"
        with log.open("wb") as out:
            process = Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{what}", *options],
                cwd=_REPOSITORY, env=self._environ | dict(environ or {}), stdout=out, stderr=STDOUT, start_new_session=True,
            )  # fmt: skip
        member = Member(process, log)
        self.members.append(member)
        return member

    def _address_in(self, file: Path, member: Member) -> str:
        deadline_s = time.monotonic() + _BOUND_S
        while time.monotonic() < deadline_s:
            assert member.process.poll() is None, member.log.read_text("utf-8")
            with suppress(OSError, ValueError):  # it is not written yet, or only in part
                return str(json.loads(file.read_text("utf-8"))["address"])
            time.sleep(0.01)
        raise AssertionError(f"the scheduler does not start: {member.log.read_text('utf-8')}")


@contextmanager
def dask_cluster(
    folder: Path, environ: Mapping[str, str] | None = None, *, protocol: str = "tcp"
) -> Iterator[DaskCluster]:
    """Run a scheduler until the block ends, and the workers that are started in it."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = DaskCluster(folder, environ or {}, protocol)
    try:
        yield cluster
    finally:
        cluster.close()
