"""Whether a run on a cluster loses nothing: 500,000 rows from 200 Parquet files, and 20 kills on the way.

usage: python tests/bench/cluster_kills.py [ROWS [FILES [KILLS]]]. A scheduler and three workers send to a server that writes
down each event. In turns a worker, the scheduler with its workers, and the driver are ended with SIGKILL, at instants from a
fixed seed; after a kill of the scheduler or the driver the run is resumed. A new worker takes the place of a killed one.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import TYPE_CHECKING

from distributed import Client

from runner.errors import ExitCode
from tests.bench.cluster import rows_folder
from tests.bench.timing import Row, conclude, script
from tests.servers.recording import RecordingServer, recording_server

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 3
PART_ROWS = 1_000
PARTS_OF_A_WORKER = 2
"""Parts under way: the executor gives each thread of a worker one to send, and one that waits."""
_SPEC = """\
version: 1
vars: {user: {}, order_id: {}, amount: {type: number}}
event: order_placed
distinct_id: "{{ user }}"
idempotency_key: "order-{{ order_id }}"
properties: {amount: "{{ amount }}", at: "{{ now() | isoformat }}", ref: "{{ uuid4() }}"}
"""
_BOUND_S = 120
_DASK = [sys.executable, "-W", "ignore", "-m"]


class Processes:
    """The scheduler and the workers."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ
        self._file = Path("scheduler.json")
        self._workers: list[Popen[bytes]] = []
        self.begin()

    def begin(self) -> None:
        """Start all of them."""
        self._file.unlink(missing_ok=True)
        self._scheduler = self._start(
            "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
        )
        while not self._file.exists():
            sleep(0.05)
        self._workers = [self._worker() for _ in range(WORKERS)]
        with Client(scheduler_file=str(self._file), set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=60)
            self.address = client.scheduler.address

    def kill_worker(self, at: int) -> None:
        """Kill a worker, and start another one."""
        _kill(self._workers.pop(at))
        self._workers.append(self._worker())

    def kill_all(self) -> None:
        """Kill the scheduler, and then its workers."""
        for process in (self._scheduler, *self._workers):
            _kill(process)

    def _worker(self) -> Popen[bytes]:
        return self._start("distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def _start(self, module: str, *args: str) -> Popen[bytes]:
        command = [*_DASK, module, "--scheduler-file", str(self._file), *args]
        return Popen(command, env=self._environ, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)


@contextmanager
def processes(environ: dict[str, str]) -> Iterator[Processes]:
    """Run a cluster until the end of the block."""
    running = Processes(environ)
    try:
        yield running
    finally:
        running.kill_all()


def _kill(process: Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _until(server: RecordingServer, goal: int, driver: Popen[bytes]) -> bool:
    """Wait until the server took so many requests; False if the driver ended before."""
    ends_s = monotonic() + _BOUND_S
    while server.requests() < goal:
        if driver.poll() is not None:
            return False
        if monotonic() > ends_s:
            sys.exit(f"the server took {server.requests()} requests in {_BOUND_S} s, and {goal} were expected")
        sleep(0.005)
    return True


def send(server: RecordingServer, environ: dict[str, str], rows: int, files: int, kills: int) -> list[str]:
    """Send all rows, with kills on the way; return who was killed."""
    instants = random.Random(19)  # noqa: S311 - the same instants each time
    goals = sorted(instants.sample(range(10, rows // 100 - 20), kills))
    victims = list(islice(cycle(["worker", "driver", "worker", "scheduler", "worker", "driver"]), kills))
    with processes(environ) as cluster:
        driver = _driver(environ, "spec.yaml", "--rows", f"rows-{rows}-{files}", "--cluster", cluster.address)
        for goal, victim in zip(goals, victims, strict=True):
            if not _until(server, goal, driver):
                sys.exit(f"the driver ended early with {driver.returncode}:\n{driver.communicate()[1].decode()}")
            if victim == "worker":
                cluster.kill_worker(instants.randrange(WORKERS))
                continue
            if victim == "scheduler":
                cluster.kill_all()
                try:
                    told = driver.communicate(timeout=_BOUND_S)[1].decode()
                except TimeoutExpired:
                    sys.exit("the driver did not notice that the scheduler was killed")
                if driver.returncode != ExitCode.MACHINE or "cluster-lost" not in told:
                    sys.exit(f"without a scheduler the driver ended with {driver.returncode}:\n{told}")
                cluster.begin()
            else:
                os.kill(driver.pid, signal.SIGKILL)
                driver.communicate()
            driver = _driver(environ, "--resume", "last", "--cluster", cluster.address)
        told = driver.communicate(timeout=_BOUND_S)[1].decode()
        if driver.returncode:
            sys.exit(f"the last session ended with {driver.returncode}:\n{told}")
    return victims


def _driver(environ: dict[str, str], *args: str) -> Popen[bytes]:
    return Popen([script("runner"), "send", *args], env=environ, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)


def main() -> int:
    """Send, and compare what arrived with what had to."""
    rows, files, kills = (*map(int, sys.argv[1:]), *(500_000, 200, 20)[len(sys.argv) - 1 :])
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
    with TemporaryDirectory() as name:
        os.chdir(name)
        rows_folder(Path(), rows, files)
        Path("spec.yaml").write_text(_SPEC, "utf-8")
        with recording_server() as server:
            environ = clean | {
                "SUPRSEND_WORKSPACE_KEY": "k",
                "SUPRSEND_WORKSPACE_SECRET": "secret-of-the-workspace",
                "SUPRSEND_BASE_URL": server.base_url,
            }
            began_s = monotonic()
            victims = send(server, environ, rows, files, kills)
            took_s = monotonic() - began_s
        forms: dict[str, set[tuple[str, str]]] = {}
        count = 0
        for event in server.taken():
            count += 1
            forms.setdefault(event.key, set()).add((event.insert_id, event.digest))
        os.chdir("/")
    expected = {f"order-{1000 + number}" for number in range(rows)}
    missing, other = len(expected - forms.keys()), len(forms.keys() - expected)
    several = sum(len(each) > 1 for each in forms.values())
    most = sum(PARTS_OF_A_WORKER * (1 if victim == "worker" else WORKERS) * PART_ROWS for victim in victims)
    table = [
        Row("rows", f"{rows:,}", f"{took_s:.0f} s", f"{', '.join(f'{victims.count(who)} {who}' for who in sorted(set(victims)))} killed"),
        Row("rows that did not arrive", f"{missing:,}", "", "", "0", missing == 0),
        Row("events that no row makes", f"{other:,}", "", "", "0", other == 0),
        Row("rows with two ids or two bodies", f"{several:,}", "", "", "0", several == 0),
        Row("events that arrived again", f"{count - len(forms):,}", "", "", f"≤ {most:,}", count - len(forms) <= most),
    ]  # fmt: skip
    return conclude(Row("", "measured", "", "", "target"), table)


if __name__ == "__main__":
    sys.exit(main())
