"""`runner send --rows --cluster` against the same rows sent by this machine's own threads, and the memory of many rows.

usage: python tests/bench/cluster.py [--memory]. A scheduler and its workers, each with one thread, run before the clock
starts; the time is that of the session, by the rate that it prints. Where answers take 20 ms, the server is on a core of its own.
With `--memory`, 10,000,000 rows from 1,000 Parquet files are sent instead, and 1,000,000 from 100 files of the same size.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import copytree, ignore_patterns
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryDirectory, mkdtemp
from time import sleep
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
from distributed import Client
from pyarrow import parquet as pq

import runner
from tests.bench.bulk import Peak
from tests.bench.timing import MIB, REPOSITORY, Row, Turns, conclude, script
from tests.servers.counting import CountingServer, counting_server

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCY_MS = 20
NEAR_ROWS, FAR_ROWS = 200_000, 60_000
TURNS = 3
FILE_ROWS = 10_000
MANY_ROWS, FEW_ROWS = 10_000_000, 1_000_000
MAX_GROWTH_MIB = 10
_WORKSPACE = {
    "SUPRSEND_WORKSPACE_KEY": "workspace_key_0123456789abcdef",
    "SUPRSEND_WORKSPACE_SECRET": "workspace_secret",
}


class Sent(NamedTuple):
    """One run: the time of its session, and the most that its driver and its workers had in memory."""

    took_s: float
    peak_bytes: int


def rows_folder(folder: Path, rows: int, files: int) -> Path:
    """Write files of rows that are all different and all valid."""
    path = folder / f"rows-{rows}-{files}"
    path.mkdir()
    per_file = rows // files
    for at in range(files):
        numbers = range(at * per_file, (at + 1) * per_file)
        table = pa.table(
            {
                "user": [f"user-{number}" for number in numbers],
                "order_id": [str(1000 + number) for number in numbers],
                "amount": [number % 2000 + 0.5 for number in numbers],
            }
        )
        pq.write_table(table, path / f"part-{at:04}.parquet")
    return path


def environ_for(server: CountingServer) -> dict[str, str]:
    """Return the environment of a driver and of its workers."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SUPRSEND_")}
    return clean | _WORKSPACE | {"SUPRSEND_BASE_URL": server.base_url}


@contextmanager
def cluster(server: CountingServer, folder: Path, workers: int) -> Iterator[str]:
    """Start a scheduler and workers of one thread each; yield the address."""
    found = Path(mkdtemp(dir=folder)) / "scheduler.json"
    dask = [sys.executable, "-W", "ignore", "-m"]
    begun = [
        [*dask, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(found)],
        *([*dask, "distributed.cli.dask_worker", "--scheduler-file", str(found), "--nthreads", "1", "--no-nanny", "--no-dashboard"] for _ in range(workers)),
    ]  # fmt: skip
    with ExitStack() as stack:
        for command in begun:
            process = stack.enter_context(
                Popen(command, env=environ_for(server), cwd=folder, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
            )
            stack.callback(process.kill)
            while not found.exists():
                sleep(0.05)
        with Client(scheduler_file=str(found), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=30)
            address = client.scheduler.address
        yield address


def send(server: CountingServer, rows: Path, expected: int, *options: str) -> Sent:
    """Run the installed command to its end; all rows must be accepted, and arrive."""
    args = [script("runner"), "send", "specs/purchase.yaml", "--rows", rows.name, *options]
    before = server.count()["events"]
    process = Popen(args, cwd=rows.parent, env=environ_for(server), stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    with process, Peak(process.pid) as peak:
        printed, told = process.communicate()
    if process.returncode:
        sys.exit(f"{' '.join(args)} ended with {process.returncode}:\n{told.decode()[-2000:]}")
    told_of = re.search(r"([\d,]+) accepted, .* ([\d,]+)/s", printed.decode())
    assert told_of is not None
    accepted, rate = (int(number.replace(",", "")) for number in told_of.groups())
    assert (accepted, server.count()["events"] - before) == (expected, expected)
    return Sent(expected / rate, peak.bytes)


def against_our_own(server: CountingServer, folder: Path, what: str, rows: int) -> Row:
    """Send on one worker with one thread, and with one thread of this machine, in turns."""
    files = rows_folder(folder, rows, 20)
    with cluster(server, folder, 1) as address:
        taken = [
            (
                send(server, files, rows, "--cluster", address).took_s / rows,
                send(server, files, rows, "--processes", "1", "--concurrency", "1").took_s / rows,
            )
            for _ in range(TURNS)
        ]
    ours, theirs = zip(*taken, strict=True)
    ratio = Turns(ours, theirs).speedup
    cluster_us, other_us = (f"{sorted(each)[TURNS // 2] * 1e6:.2f} µs" for each in (ours, theirs))
    return Row(what, cluster_us, other_us, f"{ratio:.2f}x the throughput", "≥ 0.7x", ratio >= 0.7)


def two_against_one(server: CountingServer, folder: Path, rows: int) -> Row:
    """Send on two workers, and on one, in turns."""
    files = next(folder.glob(f"rows-{rows}-*"))
    with cluster(server, folder, 1) as one, cluster(server, folder, 2) as two:
        taken = [
            (
                send(server, files, rows, "--cluster", two).took_s / rows,
                send(server, files, rows, "--cluster", one).took_s / rows,
            )
            for _ in range(TURNS)
        ]
    ours, theirs = zip(*taken, strict=True)
    ratio = Turns(ours, theirs).speedup
    cluster_us, other_us = (f"{sorted(each)[TURNS // 2] * 1e6:.2f} µs" for each in (ours, theirs))
    what = f"two workers against one, answers take {LATENCY_MS} ms"
    return Row(what, cluster_us, other_us, f"{ratio:.2f}x the throughput", "≥ 1.7x", ratio >= 1.7)


def memory(server: CountingServer, folder: Path) -> Row:
    """Send few rows and many, on processes of a cluster of this machine."""
    few, many = (
        send(server, rows_folder(folder, rows, rows // FILE_ROWS), rows, "--cluster", "local:2", "--concurrency", "4")
        for rows in (FEW_ROWS, MANY_ROWS)
    )
    growth = (many.peak_bytes - few.peak_bytes) / MIB
    what = (
        f"peak memory of the largest process, {MANY_ROWS:,} rows against {FEW_ROWS:,}, {MANY_ROWS // FILE_ROWS:,} files"
    )
    many_mib, few_mib = (f"{sent.peak_bytes / MIB:.1f} MiB" for sent in (many, few))
    return Row(what, many_mib, few_mib, f"{growth:+.1f} MiB", f"≤ {MAX_GROWTH_MIB} MiB more", growth <= MAX_GROWTH_MIB)


def main() -> int:
    """Measure, and write the table."""
    with TemporaryDirectory() as name, counting_server() as near, counting_server(LATENCY_MS) as far:
        folder = Path(name)
        copytree(REPOSITORY / "specs", folder / "specs", ignore=ignore_patterns("runner.yaml"))
        if sys.argv[1:] == ["--memory"]:
            table = [memory(near, folder)]
        else:
            table = [
                against_our_own(near, folder, "one worker with one thread", NEAR_ROWS),
                against_our_own(far, folder, f"the same, answers take {LATENCY_MS} ms", FAR_ROWS),
                two_against_one(far, folder, FAR_ROWS),
            ]
    return conclude(
        Row("per event", f"runner {runner.__version__}, cluster", "its own threads", "ratio", "target"), table
    )


if __name__ == "__main__":
    sys.exit(main())
