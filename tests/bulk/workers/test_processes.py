"""Workers in their own right: no inherited main module or input, and no life after their parent."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.bulk.workers.conftest import HERE
from tests.conftest import REPOSITORY
from tests.servers.switchboard import BOUND_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.switchboard import Switchboard

PROGRAM = """
import sys
sys.path[:0] = {paths}
print("main", flush=True)
import worker_tasks
from runner.bulk.workers import Workers
workers = Workers(2, 2)
for task in {tasks}:
    future = workers.submit(getattr(worker_tasks, task), {port})
"""


def program(port: int, *tasks: str, then: str) -> str:
    return PROGRAM.format(paths=[str(REPOSITORY), str(HERE)], tasks=tasks, port=port) + then + "\n"


@pytest.mark.parametrize("kind", ["script", "module", "package", "command"])
def test_a_worker_does_not_run_the_main_module_of_its_parent(kind: str, board: Switchboard, tmp_path: Path) -> None:
    text = program(board.port, "wait_to_go", "wait_to_go", then="workers.shutdown()")
    (tmp_path / "package").mkdir()
    for name in ("script.py", "package/__main__.py"):
        (tmp_path / name).write_text(text, "utf-8")
    args = {"script": ["script.py"], "module": ["-m", "script"], "package": ["-m", "package"], "command": ["-c", text]}
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(
        [sys.executable, *args[kind]], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        for call in board.calls(2):
            call.let_go()
        assert parent.communicate(timeout=BOUND_S) == (b"main\n", b"")
    assert parent.returncode == 0


def test_a_worker_does_not_take_the_input_of_its_parent() -> None:
    then = "import os; print(workers.submit(os.readlink, '/proc/self/fd/0').result(), sys.stdin.read())"
    ended = subprocess.run(
        [sys.executable, "-c", program(0, then=f"{then}; workers.shutdown()")],
        input=b"rows",
        capture_output=True,
        timeout=BOUND_S,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == (b"main\n/dev/null rows\n", b"")


@pytest.mark.parametrize("task", ["rest", "compute", "hold_interpreter"])
def test_no_worker_outlives_a_killed_parent(task: str, board: Switchboard) -> None:
    text = program(board.port, task, task, then="future.result()")
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        calls = board.calls(2)
        parent.kill()
        assert [call.has_died_within(1) for call in calls] == [True, True]
        assert parent.communicate(timeout=BOUND_S) == (b"main\n", b"")


def test_no_worker_outlives_a_parent_that_is_killed_while_it_starts(slow_start: Switchboard) -> None:
    text = program(slow_start.port, "rest", then="future.result()")
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        slow_start.call().let_go()  # the parent's own interpreter
        worker = slow_start.call()
        parent.kill()
        worker.let_go()
        assert parent.communicate(timeout=BOUND_S) == (b"main\n", b"")  # the worker has the other end of stderr


def test_a_parent_that_ends_without_a_shutdown_ends_its_workers(board: Switchboard) -> None:
    text = program(board.port, "compute", "rest", then="sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        calls = board.calls(2)
        assert parent.communicate(timeout=BOUND_S) == (b"main\n", b"")
        assert [call.has_died_within(1) for call in calls] == [True, True]
    assert parent.returncode == 0
