"""The cluster of a run: checked, connected, and shown."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.bulk.cluster.connect import Cluster
    from runner.bulk.plan import RunPlan
    from runner.commands.session import Session


@contextmanager
def cluster_of(session: Session, plan: RunPlan, folder: Path, *, is_sandboxed: bool) -> Iterator[Cluster | None]:
    """Yield the cluster that sends a run, connected; None if this machine sends it. `folder` is the ledger's.

    Raises UsageError if a secret would reach it in a way that others can read, MachineError if it can't be reached.
    """
    options = plan.options
    if options.cluster is None:
        yield None
        return
    # A run on this machine loads none of these.
    from runner.bulk.cluster.address import cluster_address  # noqa: PLC0415
    from runner.bulk.cluster.briefing import check_secrets  # noqa: PLC0415
    from runner.bulk.cluster.connect import connected  # noqa: PLC0415
    from runner.bulk.network_share import refuse_network_share  # noqa: PLC0415

    address = cluster_address(options.cluster)
    check_secrets(plan, address, session.world.environ, shares=options.shares_secrets, is_sandboxed=is_sandboxed)
    refuse_network_share(folder)
    with connected(address, options.concurrency) as cluster:
        if cluster.dashboard is not None:
            session.output.message(f"dashboard: {cluster.dashboard}")
        yield cluster
