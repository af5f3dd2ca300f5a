"""`runner send SPEC --rows FILE` against the official SDK: events a second, memory, and whether a million rows arrive.

usage: python tests/bench/bulk.py. The whole command is timed, from its start to its end: rows read, rendered, checked,
sent and recorded. The SDK sends ready-made events, timed from the first `append` to the end of `trigger`, in a process
of its own; 20,000 a turn, since it slows down with more. Ours and theirs take turns.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, Self

import orjson
import suprsend

import runner
from tests.bench.client import measure_bulk
from tests.bench.timing import MIB, REPOSITORY, Row, Turns, conclude, faster, script
from tests.servers.counting import CountingServer, counting_server

if TYPE_CHECKING:
    from collections.abc import Iterator


ROWS = 200_000
FEW_ROWS, MANY_ROWS = 100_000, 1_000_000
SDK_EVENTS = 20_000
SDK_DISTANT_EVENTS = 5_000
TURNS = 3
LATENCY_MS = 50
MAX_GROWTH_MIB, MAX_PEAK_MIB = 10, 120
_LOOK_S = 0.05


class Sent(NamedTuple):
    """One run of the command: how long it took, what its largest process had in memory, and what became of the rows."""

    took_s: float
    peak_bytes: int
    accepted: int
    arrived: int


def rows_file(folder: Path, count: int) -> Path:
    """Write a file of rows that are all different and all valid."""
    path = folder / f"{count}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("user,order_id,amount\n")
        file.writelines(
            f"user-{number},{1000 + number},{number % 2000}.{number % 90 + 10}\n" for number in range(count)
        )
    return path


def send(server: CountingServer, rows: Path, *options: str) -> Sent:
    """Run the installed command to its end; it must accept something, else its time says nothing."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SUPRSEND_")} | {
        "SUPRSEND_WORKSPACE_KEY": "workspace_key_0123456789abcdef",
        "SUPRSEND_WORKSPACE_SECRET": "workspace_secret",
        "SUPRSEND_BASE_URL": server.base_url,
    }
    args = [script("runner"), "send", "specs/purchase.yaml", "--rows", rows.name, "-o", "json", *options]
    before = server.count()["events"]
    with TemporaryFile() as told:  # a pipe that nobody reads yet would hold the command up
        began = perf_counter()
        with Popen(args, cwd=rows.parent, env=environ, stdin=DEVNULL, stdout=PIPE, stderr=told) as process:
            assert process.stdout is not None
            with Peak(process.pid) as peak:
                printed = process.stdout.read()
                process.wait()
        took_s = perf_counter() - began
        if process.returncode:
            told.seek(0)
            sys.exit(f"{' '.join(args)} ended with {process.returncode}:\n{told.read().decode()[-2000:]}")
    accepted = orjson.loads(printed)["accepted"]
    return Sent(took_s, peak.bytes, accepted, server.count()["events"] - before)


class Peak:
    """Watches a process and all below it: `bytes` is the most that any one of them had resident."""

    def __init__(self, process: int) -> None:
        self.bytes = 0
        self._process = process
        self._is_over = Event()
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(_LOOK_S):
            self.bytes = max(self.bytes, *map(_peak_bytes, _with_descendants(self._process)))


def _with_descendants(process: int) -> Iterator[int]:
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _read(children).split():
            yield from _with_descendants(int(child))


def _peak_bytes(process: int) -> int:
    """Ask the kernel, which keeps a high-water mark: one look before the end is enough."""
    for line in _read(Path(f"/proc/{process}/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it ended meanwhile
        return ""


def speed(
    what: str, server: CountingServer, rows: Path, sdk_events: int, at_least: float, aim: float, *options: str
) -> Row:
    """Time one event of each, in turns."""
    ours, theirs = [], []
    for _ in range(TURNS):
        sent = send(server, rows, *options)
        assert (sent.accepted, sent.arrived) == (ROWS, ROWS)
        ours.append(sent.took_s / ROWS)
        bulk = measure_bulk("theirs", sdk_events, server.base_url)
        assert bulk.accepted == sdk_events
        theirs.append(bulk.whole_s / sdk_events)
    return faster(what, Turns(tuple(ours), tuple(theirs)), at_least=at_least, aim=aim)


def whole(server: CountingServer, few: Path, many: Path) -> Iterator[Row]:
    """Send few rows and many: the memory of both, and whether all of the many arrive."""
    small, large = send(server, few), send(server, many)
    growth = (large.peak_bytes - small.peak_bytes) / MIB
    is_met = growth <= MAX_GROWTH_MIB and large.peak_bytes <= MAX_PEAK_MIB * MIB
    target = f"≤ {MAX_GROWTH_MIB} MiB more, ≤ {MAX_PEAK_MIB} MiB"
    large_mib, small_mib = (f"{sent.peak_bytes / MIB:.1f} MiB" for sent in (large, small))
    what = f"peak memory of the largest process, {MANY_ROWS:,} rows against {FEW_ROWS:,}"
    yield Row(what, large_mib, small_mib, f"{growth:+.1f} MiB", target, is_met)
    told = f"{large.accepted:,} accepted in {large.took_s:.0f} s"
    is_met = large.accepted == large.arrived == MANY_ROWS
    yield Row(f"{MANY_ROWS:,} rows", told, "", f"{large.arrived:,} arrived", "complete", is_met)


def main() -> int:
    """Measure, and write the table."""
    with TemporaryDirectory() as name, counting_server() as near, counting_server(LATENCY_MS) as far:
        folder = Path(name)
        # Without runner.yaml: the credentials and the server are this script's.
        copytree(REPOSITORY / "specs", folder / "specs", ignore=ignore_patterns("runner.yaml"))
        few, rows, many = (rows_file(folder, count) for count in (FEW_ROWS, ROWS, MANY_ROWS))
        table = [
            speed(f"{ROWS:,} rows", near, rows, SDK_EVENTS, 9, 12),
            speed(
                f"{ROWS:,} rows, answers take {LATENCY_MS} ms, 32 in flight",
                far, rows, SDK_DISTANT_EVENTS, 30, 35, "--concurrency", "32",
            ),
            *whole(near, few, many),
        ]  # fmt: skip
    ours, theirs = f"runner {runner.__version__}", f"suprsend-py-sdk {suprsend.__version__}"
    return conclude(Row("per event", ours, theirs, "ratio", "target"), table)


if __name__ == "__main__":
    sys.exit(main())
