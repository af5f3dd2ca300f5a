"""Any sequence of what happens to runs: what the ledger says agrees with what a server took, and no row counts twice.

A model-based test: hypothesis begins runs, lets the server refuse, turn away, take without a word and be down, kills the
sender, resumes, changes the file, and sends failed rows again.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from runner.cli.main import run
from runner.commands.world import World
from tests.processes import Preloaded
from tests.servers.dask_cluster import dask_cluster
from tests.servers.scripted import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.servers.dask_cluster import DaskCluster


ROWS = 230
"""Three parts of a file."""


CLUSTER_ROWS = 2_030
"""Three parts for a cluster."""


WORKSPACE = {"SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret"}


SPEC = """\
version: 1
vars: {{n: {{type: integer}}}}
event: order_placed
distinct_id: "user-{{{{ n }}}}"
idempotency_key: {key}
properties: {{n: "{{{{ n }}}}", ref: "{{{{ uuid4() }}}}"}}
"""


KEYS = ("auto", '"order-{{ n }}"', "null")


STATES = ("failed", "unknown", "not_sent")


ANSWERS = st.fixed_dictionaries(
    {
        answer: st.sampled_from([0, 3, 4, 5, 7])
        for answer in ("refuse", "turn away", "take without a word", "lose without a word")
    }
)
"""The answer that every so-manieth row gets; the last one counts, 0 is for none."""


AFTER = st.integers(0, 2)
"""So many requests are answered before a kill."""


DEEDS = st.sampled_from(
    ["resume"] * 5 + ["resume with --yes", "resume and be killed"]
    + ["send failed rows"] * 4 + ["answer otherwise"] * 4 + ["change the file"]
)  # fmt: skip


STATUSES = st.sampled_from([None, None, None, None, 401, 429, 502, 503])


SELDOM = st.sampled_from([False, False, False, True])


class Ended(NamedTuple):
    code: int
    out: str
    err: str


class Runs(RuleBasedStateMachine):
    """One run that is begun, and all that come of it."""

    key = "auto"
    rows = ROWS
    by: tuple[str, ...] = ("--processes", "1")
    """Options that say who sends."""

    def __init__(self) -> None:
        super().__init__()
        self.server = ScriptedServer()
        self.folder = TemporaryDirectory()
        self.home = Path(self.folder.name)
        self.seeds = 0
        self.said_yes = False
        self.sent_again: set[str] = set()
        self.runs: list[str] = []

    def teardown(self) -> None:
        self.server.close()
        self.folder.cleanup()

    # What is done

    def runner(self, *args: str, stdin: str = "") -> Ended:
        """Run a command line in this process."""
        self.seeds += 1
        seed = uuid5(UUID(int=1), str(self.seeds))
        out, err = io.StringIO(), io.StringIO()
        world = World(
            self.environ,
            io.StringIO(stdin),
            out,
            err,
            lambda: datetime.now(UTC),
            lambda: seed,
            lambda _: None,
            lambda: 0.5,
        )
        with chdir(self.home):
            code = run([*args, "-o", "json"] if args[1] != "failed" else [*args], world)
        assert code not in (70, 74), err.getvalue()
        return Ended(code, out.getvalue(), err.getvalue())

    @property
    def environ(self) -> dict[str, str]:
        return WORKSPACE | {"SUPRSEND_BASE_URL": self.server.base_url}

    @property
    def begin_args(self) -> tuple[str, ...]:
        return ("send", "spec.yaml", "--rows", "rows.csv", "--concurrency", "2", *self.by, "--retries", "0")

    def listed(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.runner("runs", "list").out)["runs"]
        return listed

    @initialize(is_killed=SELDOM, after=AFTER, answers=ANSWERS, status=STATUSES)
    def begin(self, is_killed: bool, after: int, answers: dict[str, int], status: int | None) -> None:
        self.answer(answers, status)
        (self.home / "spec.yaml").write_text(SPEC.format(key=self.key))
        self.write_rows()
        if is_killed:
            self.kill(after, self.begin_args)
        else:
            self.runner(*self.begin_args)
        self.runs = [each["run"] for each in self.listed()]

    def write_rows(self, end: str = "") -> None:
        (self.home / "rows.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(1, self.rows + 1)) + end)

    @rule(deed=DEEDS, index=st.integers(0, 3), after=AFTER, answers=ANSWERS, status=STATUSES)
    def go_on(self, deed: str, index: int, after: int, answers: dict[str, int], status: int | None) -> None:
        """Do something with one of the runs. It is one rule: of several, hypothesis leaves out some for all of an example."""
        run_id = self.runs[index % len(self.runs)]
        match deed:
            case "answer otherwise":
                self.answer(answers, status)
            case "send failed rows":
                self.send_failed_rows(run_id)
            case "change the file":
                self.try_with_another_file(run_id)
            case _:
                self.resume(run_id, deed, after)

    def answer(self, answers: dict[str, int], status: int | None) -> None:
        """Take the rows that have no other answer; or answer all with a status."""
        self.server.status = status
        self.server.answers = {
            number: answer for answer, each in answers.items() if each for number in range(each, self.rows + 1, each)
        }

    def resume(self, run_id: str, deed: str, after: int) -> None:
        parent = json.loads(self.runner("runs", "show", run_id).out)["parent"]
        args, stdin = ["send", "--resume", run_id], ""
        if parent is not None:  # its rows must be piped in again
            args += ["--rows", "-"]
            stdin = self.runner("runs", "failed", parent).out
        if deed == "resume and be killed":
            self.kill(after, args, stdin)
        else:
            says_yes = deed == "resume with --yes"
            self.said_yes = self.said_yes or says_yes
            assert self.runner(*args, *["--yes"] * says_yes, stdin=stdin).code != 2

    def send_failed_rows(self, run_id: str) -> None:
        failed = self.runner("runs", "failed", run_id)
        assert failed.code == 0
        is_new = run_id not in self.sent_again or self.key != "null"  # who sends these twice has them twice
        if failed.out.count("\n") > 1 and is_new:
            self.runner("send", "spec.yaml", "--rows", "-", "--concurrency", "2", "--retries", "0", stdin=failed.out)
            self.runs = [each["run"] for each in reversed(self.listed())]
            self.sent_again.add(run_id)

    def try_with_another_file(self, run_id: str) -> None:
        self.write_rows("9999\n")
        assert self.runner("send", "--resume", self.runs[0]).code == 2
        assert self.runner("runs", "failed", run_id).code == 2
        self.write_rows()

    def kill(self, after: int, args: Sequence[str], stdin: str = "") -> None:
        """Send in a process of its own, and kill it when it waits for an answer, if it comes to that."""
        self.server.is_hanging.clear()
        self.server._goes_on.clear()
        self.server.hangs_after = after
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
        process = Preloaded[bytes](
            ["runner", *args], cwd=self.home, env=clean | self.environ, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with process:
            assert process.stdin is not None
            process.stdin.write(stdin.encode())
            process.stdin.close()
            while process.poll() is None and not self.server.is_hanging.wait(0.02):
                pass
            process.send_signal(signal.SIGKILL)
        self.server.let_go()

    # What holds at any time

    @invariant()
    def counts_add_up(self) -> None:
        for each in self.listed():
            if each["total"] is not None:
                told = [each[name] for name in ("accepted", "failed", "unknown", "not_sent")]
                assert sum(told) == each["total"], each
                assert min(told) >= 0, each

    @invariant()
    def rows_count_at_most_once(self) -> None:
        for number, forms in self.server.came.items():
            assert len(forms) == 1, (number, forms)
        if self.key == "null" and not self.said_yes:
            assert set(self.server.took.values()) <= {1}, self.server.took
        assert 9999 not in self.server.came

    @invariant()
    def what_is_accepted_arrived_and_what_is_failed_or_not_sent_did_not(self) -> None:
        shown = json.loads(self.runner("runs", "show", self.runs[0]).out)
        rows = {state: {row["row"] for row in shown["failures"] if row["state"] == state} for state in STATES}
        assert shown["accepted"] <= len(self.server.took.keys() - rows["failed"] - rows["unknown"] - rows["not_sent"])
        if len(self.runs) == 1:
            assert self.server.took.keys().isdisjoint(rows["failed"] | rows["not_sent"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("executor", "key"),
    [*(("threads", key) for key in KEYS), ("processes", "auto"), ("cluster", "auto"), ("cluster", "null")],
)
def test_no_sequence_of_what_happens_to_runs_loses_a_row_or_counts_one_twice(
    executor: str, key: str, request: pytest.FixtureRequest
) -> None:
    """Each session of a run starts its processes anew, so that there are fewer examples of them."""
    examples, steps = {"threads": (6, 14), "processes": (2, 8), "cluster": (2, 9)}[executor]
    made: dict[str, object] = {"key": key}
    if executor == "processes":
        made["by"] = ("--processes", "2")
    elif executor == "cluster":
        made |= {"by": ("--cluster", request.getfixturevalue("cluster").url), "rows": CLUSTER_ROWS}
    as_set = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(type("Runs", (Runs,), made), settings=as_set)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Run a scheduler and two workers for all examples."""
    with dask_cluster(tmp_path_factory.mktemp("cluster"), WORKSPACE) as running:
        for _ in range(2):
            running.worker()
        yield running
