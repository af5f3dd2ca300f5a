"""Where the time of `runner send SPEC --rows FILE` goes: CPU time an event of each stage, one after the other.

usage: python tests/bench/stages.py. One process and one thread go through the stages of the same rows, each by the
very function that a run calls; what several processes and threads cost beside that, bulk.py measures. The server is a
process of its own, and waiting for it is no CPU time. A row is plain if the specialized spec makes its event; what it
would cost by way of the rooms that make any event is told beside it.
"""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from runner.bulk.keys import KeyCount, digest_of
from runner.bulk.ledger import Ledger
from runner.bulk.outcomes import PartOutcome
from runner.bulk.parts import Parts
from runner.bulk.record import RunRecord
from runner.bulk.setup import Setup
from runner.bulk.task import send_part
from runner.bulk.tools import tools_of
from runner.config import Target
from runner.eventspec import load
from runner.rows.row_file import open_rows
from runner.run import Prepared
from runner.secrets import Secret
from runner.suprsend.auth import WorkspaceKey
from runner.suprsend.delivery import bulk_deliveries
from runner.suprsend.encoding import Encoded, encode_plain
from runner.suprsend.rules import MAX_EVENT_KB
from tests.bench.bulk import rows_file
from tests.bench.timing import REPOSITORY
from tests.servers.counting import counting_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from runner.bulk.part import Part

    T = TypeVar("T")

ROWS = 4_000
PART_ROWS = 100
TURNS = 40
"""Many short ones: while a machine does other things besides, the best of them still tells."""
_SPEC = REPOSITORY / "specs" / "purchase.yaml"
_HEADER = ("user", "order_id", "amount")


def measured(call: Callable[[], T]) -> tuple[float, T]:
    """Give the least CPU time of many calls, in µs an event, and what the last one gave."""
    best = float("inf")
    for _ in range(TURNS):
        began = process_time()
        given = call()
        best = min(best, process_time() - began)
    return best / ROWS * 1e6, given


def read(path: Path) -> list[Part]:
    """Read a file as parts."""
    with open_rows(path, BytesIO(), path.name) as rows:
        return list(Parts(iter(rows), PART_ROWS, None, digests=None, take=rows.take))


def main() -> int:
    """Measure, and write the table."""
    spec = load(_SPEC, REPOSITORY).spec
    assert spec is not None
    with TemporaryDirectory() as name, counting_server() as server:
        target = Target(server.base_url, WorkspaceKey("workspace_key_0123456789abcdef", Secret("secret")), {})
        now = datetime.now(UTC)
        setup = Setup(
            _SPEC, REPOSITORY, None, spec.digest, {}, (), {column: column for column in _HEADER}, _HEADER, allows_extra=False,
            seed=UUID(int=1), now=now, target=target, timeout_s=30, retries=0, wants_results=False,
        )  # fmt: skip
        tools = tools_of(setup)
        file = rows_file(Path(name), ROWS)
        read_us, parts = measured(lambda: read(file))

        def hand_over() -> list[tuple[Part, PartOutcome]]:
            packed = [pickle.dumps((setup, part), pickle.HIGHEST_PROTOCOL) for part in parts]
            answers = [PartOutcome(part.first_row, part.size, part.size, ()) for part in parts]
            told = [pickle.dumps(answer, pickle.HIGHEST_PROTOCOL) for answer in answers]
            taken = [pickle.loads(part)[1] for part in packed]  # noqa: S301 - made just above
            return list(zip(taken, map(pickle.loads, told), strict=True))

        def make() -> list[list[Encoded]]:
            return [list(map(_encoded, tools.make_all(part.carried))) for part in parts]

        def make_any() -> None:
            for part in parts:
                for row in part.carried:
                    tools.prepare(row)

        def send() -> None:
            for chunk in chunks:
                for delivery in bulk_deliveries(chunk):
                    tools.connection.deliver(delivery)

        def compare_keys() -> None:
            keys = KeyCount()
            for chunk in chunks:
                keys.add(b"".join([digest_of(event.key or "") for event in chunk]))
            assert keys.close() == 0

        def record() -> None:
            # As a run does it: what is done and what comes next in one transaction.
            with Ledger(Path(name)) as ledger:
                seed = UUID(int=number())
                book = ledger.begin(RunRecord(str(seed), seed, now, "s", ("r",), {}, {}))
                done: list[PartOutcome] = []
                for part in parts:
                    book.write(done, [part])
                    done = [PartOutcome(part.first_row, part.size, part.size, ())]
                book.write(done, [])
                book.close("finished", ROWS)

        hand_over_us, _ = measured(hand_over)
        make_us, chunks = measured(make)
        assert all(type(event) is Encoded for chunk in chunks for event in chunk)
        documents = [orjson.loads(event.body) for chunk in chunks for event in chunk]
        encode_us, _ = measured(
            lambda: [encode_plain(document, MAX_EVENT_KB * 1024, None, "") for document in documents]
        )
        number = iter(range(1, 100)).__next__
        send_us, _ = measured(send)
        stages = {
            "read the rows": read_us,
            "hand them to a process and back": hand_over_us,
            "render and check": make_us - encode_us,
            "encode": encode_us,
            "send, and read the answers": send_us,
            "compare the keys": measured(compare_keys)[0],
            "record in the ledger": measured(record)[0],
        }
        any_us, _ = measured(make_any)
        whole_us, with_results_us = (
            measured(partial(send_parts, replace(setup, wants_results=wants), parts))[0] for wants in (False, True)
        )
    whole = sum(stages.values())
    for what, took_us in stages.items():
        sys.stdout.write(f"{what:34}{took_us:6.2f} µs{took_us / whole:6.0%}\n")
    sys.stdout.write(f"{'an event':34}{whole:6.2f} µs\n\n")
    in_one = read_us + make_us + send_us
    sys.stdout.write(f"{'read, render, encode and send in one process':50}{in_one:6.2f} µs\n")
    sys.stdout.write(f"{'a line of --results':50}{with_results_us - whole_us:6.2f} µs\n")
    sys.stdout.write(f"{'render, check and encode a row that is not plain':50}{any_us:6.2f} µs\n")
    return 0


def send_parts(setup: Setup, parts: list[Part]) -> None:
    """Do what a worker does with each part."""
    for part in parts:
        send_part(setup, part)


def _encoded(event: object) -> Encoded:
    assert isinstance(event, Encoded | Prepared)
    return event if isinstance(event, Encoded) else event.encoded


if __name__ == "__main__":
    sys.exit(main())
