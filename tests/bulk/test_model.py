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
import sys
from collections import Counter, defaultdict
from contextlib import chdir
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from runner.cli.main import run
from runner.cli.world import World

ROWS = 230
"""Three parts of a file."""
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SPEC = """\
version: 1
vars: {{n: {{type: integer}}}}
event: order_placed
distinct_id: "user-{{{{ n }}}}"
idempotency_key: {key}
properties: {{n: "{{{{ n }}}}", ref: "{{{{ uuid4() }}}}"}}
"""
KEYS = {"auto": "auto", "own": '"order-{{ n }}"', "none": "null"}
ANSWERS = ("take", "refuse", "turn away", "take without a word", "lose without a word")


class Server:
    """Answers as it is told, event by event, and writes down what it took. `hangs_after` so many requests it says no more."""

    def __init__(self) -> None:
        self.took: dict[int, list[tuple[str, str]]] = defaultdict(list)
        """Of each row: key and insert id of each copy that was taken."""
        self.answers: dict[int, str] = {}
        self.status: int | None = None
        self.hangs_after: int | None = None
        self.is_hanging = Event()
        self._goes_on = Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = server.answer(body)
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:  # the sender is dead
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        class Httpd(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a sender that was killed

        self._httpd = Httpd(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._httpd.server_address[1]}/"
        Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, body: Any) -> tuple[int, bytes]:
        events = body if isinstance(body, list) else [body]
        if self.status == 502:
            return 502, b"<html></html>"
        if self.status is not None:
            return self.status, b'{"status": "error", "error": {"message": "down", "type": "x"}}'
        records = [self._record(event) for event in events]
        if self.hangs_after is not None:
            self.hangs_after -= 1
            if self.hangs_after < 0:  # taken, and no answer
                self.is_hanging.set()
                self._goes_on.wait(20)
        document = {"status": "success", "records": records} if isinstance(body, list) else records[0]
        return 207 if isinstance(body, list) else 202, json.dumps(document).encode()

    def _record(self, event: Any) -> dict[str, object]:
        number = event["properties"]["n"]
        match self.answers.get(number, "take"):
            case "refuse":
                return {"status": "error", "status_code": 400, "error": {"message": "no", "type": "x"}}
            case "turn away":
                return {"status": "error", "status_code": 429, "error": {"message": "slow down", "type": "x"}}
            case "lose without a word":
                return {"status": "queued"}
            case answer:
                self.took[number].append((event.get("$idempotency_key", ""), event["$insert_id"]))
                return {"status": "queued"} if answer == "take without a word" else {"status": "success"}

    def let_go(self) -> None:
        """Answer again."""
        self.hangs_after = None
        self._goes_on.set()

    def close(self) -> None:
        self.let_go()
        self._httpd.shutdown()
        self._httpd.server_close()


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@settings(max_examples=12, stateful_step_count=10, deadline=None, database=None, derandomize=True,
          suppress_health_check=list(HealthCheck))  # fmt: skip
class Runs(RuleBasedStateMachine):
    """One run that is begun, and all that come of it."""

    def __init__(self) -> None:
        super().__init__()
        self.server = Server()
        self.folder = TemporaryDirectory()
        self.home = Path(self.folder.name)
        self.seeds = 0
        self.keys = ""
        self.said_yes = False
        self.is_changed = False
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
            self.environ, io.StringIO(stdin), out, err, lambda: NOW, lambda: seed, lambda _: None, lambda: 0.5
        )
        with chdir(self.home):
            code = run([*args, "-o", "json"] if args[1] != "failed" else [*args], world)
        assert code not in (70, 74), err.getvalue()
        return Ended(code, out.getvalue(), err.getvalue())

    @property
    def environ(self) -> dict[str, str]:
        return {
            "SUPRSEND_WORKSPACE_KEY": "key",
            "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret",
            "SUPRSEND_BASE_URL": self.server.base_url,
        }

    @property
    def begin_args(self) -> tuple[str, ...]:
        return ("send", "spec.yaml", "--rows", "rows.csv", "--concurrency", "2", "--processes", "1", "--retries", "0")

    def listed(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.runner("runs", "list").out)["runs"]
        return listed

    @precondition(lambda self: not self.runs)
    @rule(keys=st.sampled_from(sorted(KEYS)), is_killed=st.booleans(), after=st.integers(0, 2))
    def begin(self, keys: str, is_killed: bool, after: int) -> None:
        self.keys = keys
        (self.home / "spec.yaml").write_text(SPEC.format(key=KEYS[keys]))
        self.write_rows()
        if is_killed:
            self.kill(after, self.begin_args)
        else:
            self.runner(*self.begin_args)
        self.runs = [each["run"] for each in self.listed()]

    def write_rows(self, end: str = "") -> None:
        (self.home / "rows.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(1, ROWS + 1)) + end)

    @rule(row=st.integers(1, ROWS), step=st.integers(3, 60), answer=st.sampled_from(ANSWERS))
    def answer_some_rows(self, row: int, step: int, answer: str) -> None:
        for number in range(row, ROWS + 1, step):
            self.server.answers[number] = answer

    @rule()
    def take_all_rows(self) -> None:
        self.server.answers.clear()
        self.server.status = None

    @rule(status=st.sampled_from([503, 502, 401, 429]))
    def be_down(self, status: int) -> None:
        self.server.status = status

    @precondition(lambda self: self.runs)
    @rule(index=st.integers(0, 9), yes=st.booleans())
    def resume(self, index: int, yes: bool) -> None:
        run_id, args, stdin = self.resumed(index)
        self.said_yes = self.said_yes or yes
        ended = self.runner("send", "--resume", run_id, *args, *["--yes"] * yes, stdin=stdin)
        assert (ended.code == 2) or not self.is_changed

    @precondition(lambda self: self.runs and not self.is_changed)
    @rule(index=st.integers(0, 9), after=st.integers(0, 2))
    def resume_and_kill(self, index: int, after: int) -> None:
        run_id, args, stdin = self.resumed(index)
        self.kill(after, ("send", "--resume", run_id, *args), stdin)

    def resumed(self, index: int) -> tuple[str, list[str], str]:
        """Choose a run, with the rows that must be piped in again."""
        run_id = self.runs[index % len(self.runs)]
        parent = json.loads(self.runner("runs", "show", run_id).out)["parent"]
        if parent is None:
            return run_id, [], ""
        return run_id, ["--rows", "-"], self.runner("runs", "failed", parent).out

    @precondition(lambda self: self.runs)
    @rule(index=st.integers(0, 9))
    def send_failed_rows_again(self, index: int) -> None:
        failed = self.runner("runs", "failed", self.runs[index % len(self.runs)])
        assert (failed.code == 2) == self.is_changed
        if failed.code == 0 and failed.out.count("\n") > 1:
            self.runner("send", "spec.yaml", "--rows", "-", "--concurrency", "2", "--retries", "0", stdin=failed.out)
            self.runs = [each["run"] for each in reversed(self.listed())]

    @precondition(lambda self: self.runs)
    @rule()
    def change_the_file(self) -> None:
        self.write_rows("9999\n")
        self.is_changed = True

    @precondition(lambda self: self.is_changed)
    @rule()
    def put_the_file_back(self) -> None:
        self.write_rows()
        self.is_changed = False

    def kill(self, after: int, args: tuple[str, ...], stdin: str = "") -> None:
        """Send in a process of its own, and kill it when it waits for an answer, if it comes to that."""
        self.server.is_hanging.clear()
        self.server._goes_on.clear()
        self.server.hangs_after = after
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
        process = subprocess.Popen(
            [sys.executable, "-m", "runner", *args], cwd=self.home, env=clean | self.environ, stdin=subprocess.PIPE,
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
        for each in self.listed() if self.runs else ():
            if each["total"] is not None:
                told = [each[name] for name in ("accepted", "failed", "unknown", "not_sent")]
                assert sum(told) == each["total"], each
                assert min(told) >= 0, each

    @invariant()
    def rows_count_at_most_once(self) -> None:
        for number, copies in self.server.took.items():
            assert len({insert_id for _, insert_id in copies}) == 1, number
            effects = len({key for key, _ in copies}) if self.keys != "none" else len(copies)
            assert effects == 1 or (self.keys == "none" and self.said_yes), (number, copies)
        assert 9999 not in self.server.took

    @invariant()
    def what_is_accepted_arrived_and_what_is_failed_or_not_sent_did_not(self) -> None:
        if not self.runs:
            return
        states: dict[int, Counter[str]] = defaultdict(Counter)
        accepted = 0
        for run_id in self.runs:
            shown = json.loads(self.runner("runs", "show", run_id).out)
            accepted += shown["accepted"]
            for row in shown["failures"]:
                states[row.get("origin") or row["row"]][row["state"]] += 1
        assert accepted <= sum(len(copies) for copies in self.server.took.values())
        if len(self.runs) == 1:
            for number, state in states.items():
                if state["failed"] or state["not_sent"]:
                    assert number not in self.server.took, (number, state)


TestRuns = pytest.mark.slow(Runs.TestCase)
