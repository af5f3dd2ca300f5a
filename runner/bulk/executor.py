"""The options of a run → an executor with processes and threads for its parts."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from runner.bulk.early import workers_of
from runner.bulk.share import Share
from runner.bulk.task import send_part
from runner.bulk.tools import end_pauses, pauses
from runner.bulk.workers import Workers
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future

    from runner.bulk.options import BulkOptions
    from runner.bulk.outcomes import PartOutcome
    from runner.bulk.part import Part
    from runner.bulk.setup import Setup

_Result = TypeVar("_Result")


class Force(NamedTuple):
    """What sends the parts of a session. `hurry` ends retries, and `capacity` is how many parts may be in flight now."""

    executor: Executor
    task: Callable[[Part], PartOutcome]
    hurry: Callable[[], None]
    capacity: Callable[[], int]


@contextmanager
def force_of(options: BulkOptions, setup: Setup) -> Iterator[Force]:
    """Start the threads or processes of this machine that send the parts of a session."""
    with executor_of(options) as executor:
        yield Force(executor, partial(send_part, setup), partial(_hurry, executor), lambda: options.concurrency)


@contextmanager
def executor_of(options: BulkOptions) -> Iterator[Executor]:
    """Start the executor. After an interrupt its shutdown does not wait for running parts."""
    pauses.begin()
    share = Share.of(options)
    executor = Threads(share.threads) if share.processes == 1 else workers_of(share)
    is_over = False
    try:
        yield executor
        is_over = True
    finally:
        executor.shutdown(wait=is_over, cancel_futures=not is_over)


def _hurry(executor: Executor) -> None:
    """Stop retrying the requests in flight."""
    if isinstance(executor, Workers):
        executor.call_in_each(end_pauses)
    else:
        end_pauses()


def in_order(
    parts: Iterable[Part], executor: Executor, task: Callable[[Part], _Result], concurrency: int
) -> Iterator[_Result]:
    """Yield the result of each part, in their order; at most `concurrency` parts and one more are under way."""
    under_way: deque[Future[_Result]] = deque()
    for part in parts:
        under_way.append(executor.submit(task, part))
        if len(under_way) > concurrency:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()
