"""No secret goes through the scheduler: a canary is looked for in all that a run leaves there, and here."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import distributed
import pytest

from tests.bulk.cluster.conftest import ENVIRON
from tests.servers.dask_cluster import dask_cluster
from tests.servers.switchboard import BOUND_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer
    from tests.servers.dask_cluster import DaskCluster

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_tmp")]

CANARY = "canary-5f0c91d2"
WORKSPACE_SECRET = f"workspace-{CANARY}"
TOKEN = f"token-{CANARY}"
SECRETS = ENVIRON | {"SUPRSEND_WORKSPACE_SECRET": WORKSPACE_SECRET, "RUNNER_VAR_token": TOKEN}
SPEC = """\
version: 1
vars:
  n: {type: integer}
  token: {type: string, secret: true}
event: order_placed
distinct_id: "user-{{ n }}"
idempotency_key: "order-{{ n }}"
properties: {n: "{{ n }}", token: "{{ token }}"}
"""


@pytest.fixture(scope="module")
def secretive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Run a cluster that logs all it can, and whose worker has the secrets in its environment; the scheduler has none."""
    debug = {"DASK_LOGGING__DISTRIBUTED": "debug"}
    with dask_cluster(tmp_path_factory.mktemp("secretive"), debug) as running:
        running.worker(threads=2, environ=SECRETS)
        yield running


@pytest.fixture
def watched(secretive: DaskCluster) -> Iterator[Any]:
    """Connect to the scheduler, and let it keep each message that comes and goes, and each task."""
    with distributed.Client(secretive.url, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=BOUND_S)
        client.run_on_scheduler(_listen)
        yield client


def _listen(dask_scheduler: Any = None) -> None:
    """Keep the bytes of each frame that the scheduler reads or writes, and the tasks that it is given."""
    from distributed.comm import tcp  # noqa: PLC0415 - on the scheduler

    kept: list[bytes] = []
    dask_scheduler.kept_of_test = kept
    read, write = tcp.TCP.read, tcp.TCP.write

    async def reading(self: Any, *args: Any, **options: Any) -> Any:
        message = await read(self, *args, **options)
        kept.append(repr(message).encode())
        return message

    async def writing(self: Any, message: Any, *args: Any, **options: Any) -> Any:
        kept.append(repr(message).encode())
        return await write(self, message, *args, **options)

    tcp.TCP.read, tcp.TCP.write = reading, writing


def _dump(dask_scheduler: Any = None) -> bytes:
    """Return all that a scheduler knows, as text, and the messages that were kept."""
    state = [
        [(key, repr(task), repr(task.run_spec)) for key, task in dask_scheduler.tasks.items()],
        repr(dict(dask_scheduler._broker._topics)) if hasattr(dask_scheduler, "_broker") else "",
        repr(dask_scheduler.get_logs()),
        repr(list(dask_scheduler.transition_log)),
        repr(dask_scheduler.identity()),
    ]
    return pickle.dumps(state) + b"".join(dask_scheduler.kept_of_test)


def sent(cli: CommandLine, server: CapturingServer, cluster: DaskCluster, rows: int = 2_500) -> str:
    """Send rows on a cluster, refused ones too; return all that is left here, and printed."""
    Path("spec.yaml").write_text(SPEC, "utf-8")
    Path("rows.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(1, rows + 1)), "utf-8")
    cli.environ = SECRETS | {"SUPRSEND_BASE_URL": server.base_url}
    refusal = {"status": "error", "status_code": 400, "error": {"message": f"bad token {TOKEN}", "type": "x"}}
    server.answers.append((207, {"records": [refusal] * 100}))
    args = ("--cluster", cluster.url, "--results", "results.jsonl", "-v")
    ended = cli("send", "spec.yaml", "--rows", "rows.csv", *args)
    assert (ended.code, ended.err.count("Traceback")) == (1, 0), ended.err
    left = [path.read_bytes() for path in Path().rglob("*") if path.is_file()]
    assert b"bad token" in b"".join(left)
    return ended.out + ended.err + b"".join(left).decode("utf-8", "replace")


def test_no_secret_is_in_a_task_a_message_a_log_or_a_result(
    cli: CommandLine, server: CapturingServer, secretive: DaskCluster, watched: Any
) -> None:
    here = sent(cli, server, secretive)
    events = [event for request in server.received for event in request.json]
    assert len(events) == 2_500
    assert {event["properties"]["token"] for event in events} == {TOKEN}, "the workers do have the secret"
    there = watched.run_on_scheduler(_dump)
    assert b"answer_of" in there or b"_Deferred" in there or b"seat" in there, "the messages of the run are kept"
    logs = secretive.logs()
    assert "take_seat" in logs
    assert [what for what in (there, logs.encode(), here.encode()) if CANARY.encode() in what] == []


def test_a_secret_in_a_part_would_be_found(
    cli: CommandLine, server: CapturingServer, secretive: DaskCluster, watched: Any
) -> None:
    """The same, with the canary in a value that is no secret: it is seen in the messages."""
    Path("spec.yaml").write_text(SPEC.replace("{type: string, secret: true}", "{type: string}"), "utf-8")
    Path("rows.csv").write_text("n\n1\n2\n", "utf-8")
    cli.environ = SECRETS | {"SUPRSEND_BASE_URL": server.base_url}
    ended = cli("send", "spec.yaml", "--rows", "rows.csv", "--cluster", secretive.url, "-o", "json")
    assert (ended.code, json.loads(ended.out)["accepted"]) == (0, 2), ended.err
    assert TOKEN.encode() in watched.run_on_scheduler(_dump)
