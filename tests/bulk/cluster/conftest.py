"""What tests of clusters share: a cluster of processes, the driver's connection to it, and a run for its workers."""

from __future__ import annotations

import io
import pickle
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import distributed
import pytest

from runner.bulk.cluster.briefing import Briefing
from runner.bulk.cluster.executor import ClusterExecutor
from runner.bulk.flags import BulkFlags
from runner.bulk.plan import Source, plan_run
from runner.bulk.worker_messages import PROTOCOL
from runner.config import Target, credentials_in
from runner.eventspec import load
from runner.run import Inputs, Run
from runner.suprsend.retry import Patience
from tests.servers.dask_cluster import dask_cluster
from tests.servers.switchboard import Switchboard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from runner.bulk.plan import RunPlan
    from runner.variables import Given
    from tests.servers.dask_cluster import DaskCluster

NAMES = {
    "workspace_key_env": "SUPRSEND_WORKSPACE_KEY",
    "workspace_secret_env": "SUPRSEND_WORKSPACE_SECRET",
    "api_key_env": "SUPRSEND_API_KEY",
    "workspace_uid_env": "SUPRSEND_WORKSPACE_UID",
}
SECRET = "secret-of-the-workspace"
ENVIRON = {"SUPRSEND_WORKSPACE_KEY": "k", "SUPRSEND_WORKSPACE_SECRET": SECRET}
SPEC = """\
version: 1
vars: {n: {type: integer}}
event: order_placed
distinct_id: "user-{{ n }}"
idempotency_key: "order-{{ n }}"
"""
RUN = Run(UUID(int=7), datetime(2026, 1, 2, tzinfo=UTC))


@contextmanager
def planned(
    folder: Path,
    spec: str = SPEC,
    *,
    rows: str = "n\n1\n2\n",
    file: str = "rows.csv",
    environ: Mapping[str, str] = ENVIRON,
    given: Mapping[str, Given] | None = None,
    base_url: str = "http://127.0.0.1:9/",
) -> Iterator[RunPlan]:
    """Write a spec and its rows, and plan a run of them on a cluster. Of `-`, the rows come from the standard input."""
    path = folder / "spec.yaml"
    path.write_text(spec, "utf-8")
    if file != "-":
        (folder / file).write_text(rows, "utf-8")
        file = str(folder / file)
    loaded = load(path, folder).spec
    assert loaded is not None
    options = BulkFlags((file,), cluster="tcp://127.0.0.1:1").begin(())
    target = Target(base_url, credentials_in(environ, NAMES), NAMES)
    inputs = Inputs([given or {}], environ, {})
    source = Source(loaded, path, folder, None)
    with plan_run(source, inputs, options, target, Patience(5, 0), folder, io.StringIO(rows)) as plan:
        yield plan


def briefing_of(plan: RunPlan, *, shares: bool = False) -> Briefing:
    return Briefing.of(plan, plan.setup(RUN, plan.target, plan.secrets), shares=shares)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Run a scheduler for all tests of a module; its workers have credentials."""
    with dask_cluster(tmp_path_factory.mktemp("cluster"), ENVIRON) as running:
        yield running


@pytest.fixture(scope="module")
def client(cluster: DaskCluster) -> Iterator[Any]:
    with distributed.Client(cluster.url, set_as_default=False, direct_to_workers=False) as connected:
        yield connected


@pytest.fixture
def briefing(tmp_path: Path) -> bytes:
    with planned(tmp_path) as plan:
        return pickle.dumps(briefing_of(plan), PROTOCOL)


@contextmanager
def executing(client: Any, briefing: bytes, seat: str = "seat", **options: Any) -> Iterator[ClusterExecutor]:
    """Run an executor; when a test fails, it does not wait for what never ends."""
    executor = ClusterExecutor(client, seat, briefing, None, **options)
    is_over = False
    try:
        yield executor
        is_over = True
    finally:
        executor.shutdown(wait=is_over, cancel_futures=not is_over)


@pytest.fixture
def board() -> Iterator[Switchboard]:
    board = Switchboard(bound_s=20)
    yield board
    board.close()
