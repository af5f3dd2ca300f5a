"""The address of a cluster → a connection to its scheduler, or a cluster of this machine that ends with the run."""

from __future__ import annotations

import logging
import pickle
from asyncio import gather
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from runner.bulk.cluster import local_worker
from runner.bulk.cluster.briefing import Briefing
from runner.bulk.cluster.seat import send_here
from runner.bulk.executor import Force
from runner.bulk.machine import cores, room_for_processes
from runner.bulk.worker_messages import PROTOCOL
from runner.errors import InvalidInput, MachineError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client, LocalCluster

    from runner.bulk.cluster.address import ClusterAddress
    from runner.bulk.plan import RunPlan
    from runner.bulk.setup import Setup

_CONNECT_S = 10
_FEW = {"distributed.admin.log-length": 100, "distributed.admin.low-level-log-length": 100}
"""Dask's settings for what stays in memory of past messages and events: by default a thousand and ten thousand, some kilobytes each."""
_CLOSE_S = 5
_KILL_S = 0.1


class Cluster:
    """A connection to a cluster. `dashboard` is the URL of its page, if it has one."""

    def __init__(self, client: Client, address: ClusterAddress) -> None:
        self._client = client
        self._address = address
        services = client.scheduler_info(n_workers=0).get("services", {})
        has_page = "dashboard" in services and (not address.is_local or find_spec("bokeh") is not None)
        self.dashboard: str | None = client.dashboard_link if has_page else None

    @contextmanager
    def force(self, plan: RunPlan, setup: Setup) -> Iterator[Force]:
        """Let the workers send the parts of a session. Raises MachineError if a worker can't."""
        from runner.bulk.cluster.executor import ClusterExecutor  # noqa: PLC0415 - it loads Dask

        briefing = Briefing.of(plan, setup, shares=self._address.is_local or plan.options.shares_secrets)
        seat = f"{setup.seed.hex}-{setup.session}"
        executor = ClusterExecutor(self._client, seat, pickle.dumps(briefing, PROTOCOL), plan.options.cluster_requests)
        is_over = False
        try:
            yield Force(executor, send_here, executor.hurry, lambda: executor.capacity)
            is_over = True
        finally:
            executor.shutdown(wait=is_over, cancel_futures=not is_over)


@contextmanager
def connected(address: ClusterAddress, threads: int) -> Iterator[Cluster]:
    """Connect to a cluster. A local one has processes with this number of `threads` in all, and ends with the block.

    Raises MachineError if the scheduler can't be reached, InvalidInput if Dask is not installed.
    """
    try:
        import dask.config  # noqa: PLC0415 - it is an extra
        import distributed  # noqa: PLC0415
    except ModuleNotFoundError:
        raise _missing("distributed") from None
    if address.is_local and find_spec("cryptography") is None:  # Dask makes the certificates with it
        raise _missing("cryptography")
    _silence()
    with ExitStack() as opened:
        opened.enter_context(dask.config.set(_FEW))
        if address.is_local:
            processes = address.processes or room_for_processes(cores())
            where = opened.enter_context(_local(processes, max(1, -(-threads // processes))))
        else:
            where = address.url
        try:
            client = distributed.Client(where, timeout=_CONNECT_S, set_as_default=False, direct_to_workers=False)
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            message = f"the scheduler at {address.name} can't be reached: {str(error) or type(error).__name__}"
            raise MachineError(Problem("cluster-lost", message, hint="is it running, and at this address?")) from None
        opened.callback(client.close, timeout=_CLOSE_S)
        yield Cluster(client, address)


def _missing(library: str) -> InvalidInput:
    hint = "pip install 'suprsend-runner[dask]'"
    return InvalidInput(Problem("usage", f"for --cluster, {library} must be installed", hint=hint))


def _silence() -> None:
    """Keep the libraries from printing what a problem says, some of it with tracebacks."""
    for name in [*logging.root.manager.loggerDict]:
        if name.partition(".")[0] in ("asyncio", "distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def _local(processes: int, threads: int) -> Iterator[LocalCluster]:
    """Start a cluster of this machine. Other users of it can reach its ports, so it has certificates of its own."""
    from distributed import LocalCluster  # noqa: PLC0415 - it is an extra
    from distributed.security import Security  # noqa: PLC0415

    with LocalCluster(
        n_workers=processes,
        threads_per_worker=threads,
        host="127.0.0.1",
        security=Security.temporary(),
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        preload=[local_worker.__name__],
    ) as cluster:
        is_over = False
        try:
            yield cluster
            is_over = True
        finally:
            if not is_over:  # a request under way may take its time
                cluster.sync(_end_at_once, cluster)


async def _end_at_once(cluster: LocalCluster) -> None:
    closed = (nanny.close(timeout=_KILL_S) for nanny in cluster.workers.values())
    await gather(*closed, return_exceptions=True)  # a process that was killed may take longer to be gone
