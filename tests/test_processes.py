"""A command of tests/processes.py runs as one that is started: the same output, exit code, signals and surroundings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from subprocess import PIPE, STDOUT
from typing import TYPE_CHECKING

import pytest

from tests.processes import Preloaded, run_preloaded

if TYPE_CHECKING:
    from pathlib import Path

SPEC = "version: 1\nvars: {user: {type: string}}\nevent: order_placed\ndistinct_id: '{{ user }}'\n"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}


@pytest.mark.parametrize(
    "args",
    [
        ("list", "a.yaml"),
        ("validate", "b.yaml"),
        ("render", "a.yaml", "--rows", "-", "--var", "note=1"),
        ("no-such-command",),
        ("--help",),
    ],
    ids=" ".join,
)
def test_it_prints_what_a_started_command_prints(args: tuple[str, ...], in_tmp: Path) -> None:
    (in_tmp / "a.yaml").write_text(SPEC)
    (in_tmp / "b.yaml").write_text("version: 2\n")
    (in_tmp / "rows.csv").write_text("user\nZoë\n")
    ended = []
    for command in ([sys.executable, "-m", "runner", *args], ["runner", *args]):
        start = subprocess.Popen if command[0] == sys.executable else Preloaded
        with (
            (in_tmp / "rows.csv").open() as rows,
            start(command, env=CLEAN, stdin=rows, stdout=PIPE, stderr=PIPE) as it,
        ):
            out, err = it.communicate(timeout=60)
        ended.append((it.returncode, out, err))
    assert ended[0] == ended[1]


def test_its_folder_environment_and_input_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SPEC)
    environ = CLEAN | {"RUNNER_VAR_user": "of the environment"}
    rendered = run_preloaded(["runner", "render", "a.yaml"], cwd=tmp_path, env=environ, capture_output=True, check=True)
    assert b'"distinct_id":"of the environment"' in rendered.stdout


def test_a_signal_ends_it_and_a_wait_has_a_bound(tmp_path: Path) -> None:
    command = ["runner", "sandbox", "--port", "0"]
    environ = CLEAN | {"HOME": str(tmp_path), "XDG_STATE_HOME": ""}
    for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        with Preloaded(command, env=environ, stderr=PIPE, text=True, start_new_session=True) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("sandbox: listening on ")
            assert process.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.01)
            assert os.getpgid(process.pid) == process.pid
            process.send_signal(number)
        assert process.returncode == code


def test_a_shell_runs_it_as_the_program_that_is_installed(in_tmp: Path, shell_path: str) -> None:
    (in_tmp / "a.yaml").write_text(SPEC)
    environ = CLEAN | {"PATH": shell_path, "RUNNER_VAR_user": "of the environment"}
    command = "echo user,Zoë | sed 's/,/\\n/' | runner render a.yaml --rows - -o jsonl; runner render b.yaml; echo $?"
    ended = subprocess.run(["sh", "-c", command], env=environ, stdout=PIPE, stderr=STDOUT, text=True, check=True)
    event, *_, code = ended.stdout.splitlines()
    assert ('"distinct_id":"Zoë"' in event, "b.yaml" in ended.stdout, code) == (True, True, "4")


def test_a_signal_to_the_program_of_a_shell_ends_both(tmp_path: Path, shell_path: str) -> None:
    environ = CLEAN | {"HOME": str(tmp_path), "XDG_STATE_HOME": ""}
    program = [f"{shell_path.partition(os.pathsep)[0]}/runner", "sandbox", "--port", "0", "--memory"]
    with subprocess.Popen(program, env=environ, stderr=PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("sandbox: listening on ")
        process.terminate()
        process.stderr.read()  # until both have closed it
    assert process.returncode == 0


def test_its_use_of_the_processor_and_of_memory_is_known(in_tmp: Path) -> None:
    (in_tmp / "a.yaml").write_text(
        f"{SPEC}properties: {{a: \"{{{{ range(99000) | map('string') | join | length }}}}\"}}\n"
    )
    with Preloaded(["runner", "render", "a.yaml", "--var", "user=u1"], stdout=PIPE, stderr=PIPE) as process:
        process.communicate(timeout=60)
    assert 0 < process.usage.seconds < 10
    assert 20 < process.usage.peak_mb < 500
