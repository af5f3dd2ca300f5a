"""Secrets of a run on a cluster: what is refused before anything is connected, and what a worker finds in its environment."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner.bulk.cluster.address import cluster_address
from runner.bulk.cluster.briefing import check_secrets
from runner.config import SANDBOX_KEY
from runner.errors import MachineError, UsageError
from runner.variables import Given
from tests.bulk.cluster.conftest import ENVIRON, SECRET, briefing_of, planned

if TYPE_CHECKING:
    from pathlib import Path

    from runner.bulk.plan import RunPlan

LOOPBACK, OPEN, CLOSED = "tcp://127.0.0.1:8786", "tcp://scheduler.example.com:8786", "tls://scheduler.example.com:8786"
TOKEN = "the-token-of-the-shop"
ENV_TOKEN = ENVIRON | {"RUNNER_VAR_token": TOKEN}
SPEC = """\
version: 1
vars:
  n: {type: integer}
  token: {type: string, secret: true}
event: order_placed
distinct_id: "user-{{ n }}"
properties: {token: "{{ token }}"}
"""
TLS_HINT = "use a scheduler at tls://HOST:PORT"
SHARE = "or, to a cluster with TLS, give them to its workers with --share-secrets"


def refusal(plan: RunPlan, to: str, *, environ: Any = ENV_TOKEN, shares: bool = False, sandboxed: bool = False) -> Any:
    """Return code, message and hint of what refuses a run; None if it may begin."""
    try:
        check_secrets(plan, cluster_address(to), environ, shares=shares, is_sandboxed=sandboxed)
    except UsageError as error:
        [problem] = error.problems
        return problem.code, problem.message, problem.hint
    return None


def test_credentials_need_tls_or_loopback(tmp_path: Path) -> None:
    with planned(tmp_path) as plan:
        message = f"{OPEN} has no TLS: anyone who reaches it can read the environment of its workers"
        assert refusal(plan, OPEN) == ("cluster-open", message, TLS_HINT)
        assert [refusal(plan, to) for to in (LOOPBACK, CLOSED, "local:2")] == [None] * 3


def test_the_public_credentials_of_a_sandbox_need_none(tmp_path: Path) -> None:
    sandbox = {"SUPRSEND_WORKSPACE_KEY": SANDBOX_KEY.key, "SUPRSEND_WORKSPACE_SECRET": SANDBOX_KEY.secret.reveal()}
    with planned(tmp_path, environ=sandbox) as plan:
        assert refusal(plan, OPEN) is None


def test_a_sandbox_of_this_machine_is_for_a_local_cluster(tmp_path: Path) -> None:
    with planned(tmp_path) as plan:
        message = "workers of other machines can't reach a sandbox of this one"
        assert refusal(plan, LOOPBACK, sandboxed=True) == ("usage", message, "use --cluster local")
        assert refusal(plan, "local", sandboxed=True) is None


def test_secrets_are_shared_over_tls_alone(tmp_path: Path) -> None:
    with planned(tmp_path) as plan:
        message = f"--share-secrets needs TLS, and {LOOPBACK} has none"
        assert refusal(plan, LOOPBACK, shares=True) == ("cluster-open", message, TLS_HINT)
        assert [refusal(plan, to, shares=True) for to in (CLOSED, "local")] == [None] * 2


def test_a_secret_variable_must_come_from_the_environment(tmp_path: Path) -> None:
    given = {"token": Given(TOKEN, "--var", is_text=True)}
    with planned(tmp_path, SPEC, given=given) as plan:
        message = "workers can't find the secret variable 'token': its value is not from the environment"
        told = ("usage", message, f"set RUNNER_VAR_token here and on the workers, {SHARE}")
        assert refusal(plan, LOOPBACK, environ=ENVIRON) == told
        assert refusal(plan, CLOSED, environ=ENVIRON | {"RUNNER_VAR_token": "another"}) == told
        assert refusal(plan, CLOSED, environ=ENVIRON, shares=True) is None
        assert refusal(plan, "local", environ=ENVIRON) is None
        assert refusal(plan, LOOPBACK, environ=ENV_TOKEN) is None, "it is the same value"


def test_a_secret_default_stands_in_the_text_of_the_spec(tmp_path: Path) -> None:
    with planned(tmp_path, SPEC.replace("secret: true", f"secret: true, default: {TOKEN}")) as plan:
        message = f"the text of {tmp_path}/spec.yaml has the value of a secret, and would travel to the workers"
        told = ("usage", message, f"give the variable env: in place of a default, {SHARE}")
        assert refusal(plan, LOOPBACK, environ=ENVIRON) == told
        assert refusal(plan, CLOSED, environ=ENVIRON, shares=True) is None


def test_rows_with_secrets_do_not_travel(tmp_path: Path) -> None:
    rows = f"n,token\n1,{TOKEN}\n"
    with planned(tmp_path, SPEC, rows=rows) as plan:
        assert refusal(plan, LOOPBACK) is None, "workers read them"
    with planned(tmp_path, SPEC, rows=rows, file="-") as plan:
        message = "a column has values of a secret variable, and these rows would travel to the workers"
        hint = f"save them as .csv, .tsv, .jsonl or .parquet, which workers read themselves, {SHARE}"
        assert refusal(plan, LOOPBACK) == ("usage", message, hint)


def test_a_worker_takes_the_secrets_from_its_own_environment(tmp_path: Path) -> None:
    with planned(tmp_path, SPEC, environ=ENV_TOKEN) as plan:
        briefing = briefing_of(plan)
    told = pickle.dumps(briefing)
    assert [secret for secret in (SECRET, TOKEN) if secret.encode() in told] == []
    assert briefing.by_name == ("token",)
    setup = briefing.tools(ENV_TOKEN | {"OTHER": "x"}).setup
    assert (setup.fixed, setup.target.authorized().env) == ({"token": TOKEN}, "k")
    assert set(setup.secrets) == {SECRET, TOKEN}


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({}, "no credentials for http://127.0.0.1:9/"),
        (ENVIRON, "variable 'token' has no value"),
        (ENV_TOKEN | {"RUNNER_VAR_token": "another"}, "its environment has other credentials or secrets than that of the run"),
        (ENV_TOKEN | {"SUPRSEND_WORKSPACE_SECRET": "another"}, "its environment has other credentials or secrets than that of the run"),
        (ENV_TOKEN | {"SUPRSEND_WORKSPACE_KEY": "k2"}, "its environment has other credentials or secrets than that of the run"),
        (
            {"RUNNER_VAR_token": TOKEN, "SUPRSEND_WORKSPACE_KEY": "k"},
            "SUPRSEND_WORKSPACE_KEY is set, SUPRSEND_WORKSPACE_SECRET is not",
        ),
    ],
)  # fmt: skip
def test_a_worker_that_lacks_them_or_has_others_sends_nothing(tmp_path: Path, environ: Any, why: str) -> None:
    with planned(tmp_path, SPEC, environ=ENV_TOKEN) as plan:
        briefing = pickle.loads(pickle.dumps(briefing_of(plan)))  # noqa: S301
    with pytest.raises(MachineError) as refused:
        briefing.tools(environ)
    [problem] = refused.value.problems
    assert (problem.code, problem.message) == ("cluster-worker", why)


def test_shared_secrets_need_no_environment(tmp_path: Path) -> None:
    with planned(tmp_path, SPEC, environ=ENV_TOKEN) as plan:
        setup = briefing_of(plan, shares=True).tools({}).setup
    assert setup.fixed == {"token": TOKEN}
    assert setup.target.authorized().env == "k"


def test_another_version_and_a_spec_that_changed_on_the_way_are_refused(tmp_path: Path) -> None:
    with planned(tmp_path) as plan:
        briefing = briefing_of(plan)
    for other, why in (
        (replace(briefing, version="9.9"), "it has version 0.1.0 of the runner, and the run version 9.9"),
        (replace(briefing, spec=briefing.spec + " "), "the spec did not arrive as it was sent"),
    ):
        with pytest.raises(MachineError) as refused:
            other.tools(ENVIRON)
        assert [problem.message for problem in refused.value.problems] == [why]


def test_files_are_named_by_paths_that_hold_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with planned(tmp_path) as plan:
        relative = replace(plan, options=replace(plan.options, dataset=plan.options.dataset._replace(
            files=tuple(file._replace(path="rows.csv") for file in plan.options.dataset.files)
        )))  # fmt: skip
        assert [file.path for file in briefing_of(relative).files] == [str(tmp_path / "rows.csv")]
