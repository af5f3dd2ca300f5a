"""`send --rows --cluster` against schedulers and workers that are processes of their own."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import run
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tests.bulk.cluster.conftest import ENVIRON
from tests.bulk.crash.conftest import (
    COMMAND,
    SPEC,
    begin,
    check_each_once,
    environ_for,
    sending,
    summary_of,
    write_rows,
)
from tests.bulk.workers.conftest import until
from tests.servers.dask_cluster import dask_cluster
from tests.servers.recording import recording_server
from tests.servers.switchboard import BOUND_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer
    from tests.servers.dask_cluster import DaskCluster

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_tmp")]

WORKSPACE = {"SUPRSEND_WORKSPACE_KEY": "k", "SUPRSEND_WORKSPACE_SECRET": "secret-of-the-workspace"}
NO_PACKAGE = """\
from importlib import metadata
_from_name = metadata.Distribution.from_name
def from_name(name):
    if name == "suprsend-runner":
        raise metadata.PackageNotFoundError(name)
    return _from_name(name)
metadata.Distribution.from_name = from_name
"""


def problem_of(ended: Any) -> dict[str, Any]:
    [problem] = ended.json["problems"]
    return {name: problem[name] for name in ("code", "message", "hint")}


@pytest.mark.parametrize(
    ("which", "why"),
    [
        ("without credentials", "no credentials for {url}"),
        ("other credentials", "its environment has other credentials or secrets than that of the run"),
        ("without our package", "the package suprsend-runner is not installed there"),
        ("another version", "it has version 9.9.9 of suprsend-runner, and this machine 0.1.0"),
    ],
)
def test_a_worker_that_can_not_send_is_named_and_nothing_is_sent(
    which: str, why: str, cli: CommandLine, server: CapturingServer, cluster: DaskCluster, client: Any, tmp_path: Path
) -> None:
    (tmp_path / "suprsend_runner-9.9.9.dist-info").mkdir()
    (tmp_path / "suprsend_runner-9.9.9.dist-info" / "METADATA").write_text("Name: suprsend-runner\nVersion: 9.9.9\n")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "sitecustomize.py").write_text(NO_PACKAGE)
    environ = {
        "without credentials": dict.fromkeys(WORKSPACE, ""),
        "other credentials": {"SUPRSEND_WORKSPACE_SECRET": "another"},
        "without our package": {"PYTHONPATH": str(tmp_path / "none")},
        "another version": {"PYTHONPATH": str(tmp_path)},
    }[which]
    worker = cluster.worker(environ=environ)
    client.wait_for_workers(1, timeout=BOUND_S)
    [address] = client.nthreads()
    write_rows(10)
    cli.environ = WORKSPACE | {"SUPRSEND_BASE_URL": server.base_url}
    ended = cli(*["send", "spec.yaml", "--rows", "rows.csv", "-o", "json", "--cluster"], cluster.url)
    worker.kill()
    until(lambda: not client.nthreads())
    message = f"the worker {address} can't send parts of the run: {why.format(url=server.base_url)}"
    hint = "nothing was sent by it; see: runner explain cluster-worker"
    assert (ended.code, problem_of(ended)) == (74, {"code": "cluster-worker", "message": message, "hint": hint})
    assert server.received == []


@pytest.mark.parametrize("flags", [(), ("--share-secrets",), ("--sandbox",)])
def test_what_must_not_be_is_refused_before_anything_is_connected(flags: tuple[str, ...], cli: CommandLine) -> None:
    write_rows(10)
    cli.environ = WORKSPACE
    ended = cli("send", "spec.yaml", "--rows", "rows.csv", "--cluster", "tcp://192.0.2.1:8786", *flags, "-o", "json")
    assert (ended.code, problem_of(ended)["code"]) == (64, "usage" if flags == ("--sandbox",) else "cluster-open")
    assert not Path(".runner/runs.db").exists()


def test_a_run_whose_scheduler_is_killed_ends_and_another_cluster_goes_on(tmp_path: Path) -> None:
    keys = write_rows(6_000)
    with recording_server("--before", "20", "--after", "20") as server:
        with dask_cluster(tmp_path / "first", ENVIRON) as first:
            first.worker(threads=2)
            with sending(environ_for(server.base_url), *begin(first.url, 4)) as sender:
                sender.runs_until(lambda: server.requests() >= 5)
                first.scheduler.kill()
                code, told, err = sender.ends()
        [problem] = told["problems"]
        assert (code, problem["code"]) == (74, "cluster-lost")
        assert problem["message"].startswith("the scheduler of the cluster does not answer")
        assert "go on with: runner send --resume" in err
        with dask_cluster(tmp_path / "second", ENVIRON) as second:
            second.worker(threads=2)
            args = ("--resume", "last", "--cluster", second.url)
            with sending(environ_for(server.base_url), *args) as sender:
                code, told, err = sender.ends()
    assert (code, told) == (0, summary_of(told["run"], accepted=6_000)), err
    check_each_once(server.taken(), keys)


@pytest.fixture(scope="module")
def tls_environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make an authority and one certificate for all members; give the variables that name them to Dask."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "member.pem")
    members = {
        f"DASK_DISTRIBUTED__COMM__TLS__{who}__CERT": str(folder / "member.pem")
        for who in ("SCHEDULER", "WORKER", "CLIENT")
    }
    return {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(folder / "ca.pem"), **members}


@pytest.fixture(scope="module")
def tls_cluster(tmp_path_factory: pytest.TempPathFactory, tls_environ: dict[str, str]) -> Iterator[DaskCluster]:
    """Run a cluster with certificates, of which the workers have no secrets."""
    with dask_cluster(tmp_path_factory.mktemp("tls-cluster"), tls_environ, protocol="tls") as running:
        running.worker(threads=2)
        yield running


def test_over_tls_a_worker_without_secrets_sends_only_if_they_are_shared(
    server: CapturingServer, tls_cluster: DaskCluster, tls_environ: dict[str, str]
) -> None:
    assert tls_cluster.url.startswith("tls://")
    Path("spec.yaml").write_text(
        SPEC.replace("shop: {type: string, default: main}", "shop: {type: string, secret: true}"), "utf-8"
    )
    Path("rows.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(1, 1_501)), "utf-8")
    environ = environ_for(server.base_url) | tls_environ | {"RUNNER_VAR_shop": "canary-of-the-shop"}
    # Dask reads the variables when it is imported, so this is a process of its own.
    command = [*COMMAND, "send", "spec.yaml", "--rows", "rows.csv", "--cluster", tls_cluster.url, "-o", "json"]
    ended = run(command, env=environ, capture_output=True, text=True, timeout=BOUND_S, check=False)
    [problem] = json.loads(ended.stdout)["problems"]
    assert (ended.returncode, problem["code"]) == (74, "cluster-worker")
    assert f"no credentials for {server.base_url}" in problem["message"]
    assert server.received == []
    ended = run(
        [*command, "--share-secrets"], env=environ, capture_output=True, text=True, timeout=BOUND_S, check=False
    )
    told = json.loads(ended.stdout)
    assert (ended.returncode, told) == (0, summary_of(told["run"], accepted=1_500)), ended.stderr
    events = [event for request in server.received for event in json.loads(request.body)]
    assert {event["properties"]["shop"] for event in events} == {"canary-of-the-shop"}
    assert "canary-of-the-shop" not in tls_cluster.logs()


def test_a_client_without_certificates_is_refused(cli: CommandLine, tls_cluster: DaskCluster) -> None:
    write_rows(10)
    cli.environ = WORKSPACE
    ended = cli("send", "spec.yaml", "--rows", "rows.csv", "--cluster", tls_cluster.url, "-o", "json")
    problem = problem_of(ended)
    assert (ended.code, problem["code"]) == (74, "cluster-lost")
    assert problem["message"].startswith(f"the scheduler at {tls_cluster.url} can't be reached: ")
