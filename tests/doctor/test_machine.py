"""Checks of this machine: who listens on the sandbox's port, the shell's completion, versions of packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from runner import __version__
from runner.doctor.finding import Finding
from runner.doctor.machine import completion, packages, sandbox
from runner.sandbox.server import Sandbox
from tests.servers.foreign import Foreign
from tests.servers.listeners import free_port, silent_listener

if TYPE_CHECKING:
    from pathlib import Path

    from tests.doctor.conftest import Checkup

ANOTHER_PORT = "choose another port: runner sandbox --port N"
INSTALL = "runner --install-completion"


def test_a_foreign_program_on_the_sandboxs_port_is_the_only_fault(checkup: Checkup) -> None:
    with silent_listener() as listening:
        checkup.port = listening.getsockname()[1]
        text = f"another program listens on port {checkup.port}: commands with --sandbox start a sandbox of their own"
        advice = f"end that program, or {ANOTHER_PORT}"
        assert checkup.faults() == [Finding("sandbox", "warning", text, advice)]


def test_what_claims_to_be_a_sandbox_is_not_yours(tmp_path: Path) -> None:
    with closing(Foreign(0)) as listener:
        found = sandbox(listener.port, {"HOME": str(tmp_path)})
    text = f"a sandbox of another user listens on port {listener.port}, or one with --host"
    assert found == Finding("sandbox", "warning", text, ANOTHER_PORT)


def test_the_sandbox_of_another_user_is_not_yours(checkup: Checkup) -> None:
    with Sandbox() as theirs:
        checkup.port = theirs.port
        [fault] = checkup.faults()
    assert (fault.name, fault.advice) == ("sandbox", ANOTHER_PORT)


def test_your_sandbox_is_shown_with_what_it_stores(tmp_path: Path) -> None:
    environ = os.environ | {"HOME": str(tmp_path)}
    port = free_port()
    command = [sys.executable, "-m", "runner", "sandbox", "--port", str(port)]
    with subprocess.Popen([*command, "--memory", "-q"], env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            subprocess.run([*command, "--ready", "-q"], env=environ, check=True, timeout=60)
            found = sandbox(port, environ)
        finally:
            process.terminate()
    assert found == Finding("sandbox", "ok", f"yours runs on http://127.0.0.1:{port}/, stores in memory")


def test_without_a_sandbox_the_advice_is_to_start_one() -> None:
    port = free_port()
    assert sandbox(port, {}) == Finding(
        "sandbox", "skipped", f"none runs on port {port}", "`runner sandbox` starts one"
    )


def test_a_missing_completion_is_the_only_fault(checkup: Checkup) -> None:
    (checkup.home / ".bash_completions" / "runner.sh").unlink()
    assert checkup.faults() == [Finding("completion", "warning", "not installed for bash", INSTALL)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_installs_completion_is_recognized(shell: str, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "SHELL": f"/usr/bin/{shell}"}
    assert completion(environ) == Finding("completion", "warning", f"not installed for {shell}", INSTALL)
    by_name = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "runner", "--install-completion", shell]
    subprocess.run(command, env=os.environ | environ | by_name, check=True, capture_output=True, timeout=60)
    assert completion(environ) == Finding("completion", "ok", f"installed for {shell}")


def test_a_script_that_no_startup_file_loads_is_not_installed(checkup: Checkup) -> None:
    (checkup.home / ".bashrc").write_text("# source '/home/u/.bash_completions/runner.sh'\n")
    assert [each.name for each in checkup.faults()] == ["completion"]


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"CI": "true", "SHELL": "/bin/bash", "HOME": "/"}, "not needed in CI"),
        ({"SHELL": "/bin/tcsh", "HOME": "/"}, "not known for the shell tcsh"),
        ({}, "SHELL does not name a shell"),
    ],
)
def test_without_a_known_shell_completion_is_not_checked(environ: dict[str, str], reason: str) -> None:
    assert completion(environ) == Finding("completion", "skipped", reason)


def test_this_installation_is_supported() -> None:
    found = packages()
    assert (found.name, found.state) == ("packages", "ok")
    assert found.text.startswith(f"runner {__version__}, Python {sys.version.split()[0]}, ")


def checked_beside(folder: Path, **versions: str) -> dict[str, str]:
    """Return the finding of packages where a folder that comes first has other versions of some."""
    for name, version in versions.items():
        about = folder / f"{name}-{version}.dist-info" / "METADATA"
        about.parent.mkdir()
        about.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    code = "import json; from runner.doctor.machine import packages as p; f = p(); print(json.dumps([f.state, f.text, f.advice]))"
    environ = os.environ | {"PYTHONPATH": str(folder)}
    printed = subprocess.check_output([sys.executable, "-c", code], env=environ, text=True, timeout=60)
    return dict(zip(("state", "text", "advice"), json.loads(printed), strict=True))


def test_a_version_out_of_range_fails_with_the_command_that_repairs_it(tmp_path: Path) -> None:
    found = checked_beside(tmp_path, h11="0.9.0", starlette="0.40")
    assert found["state"] == "failed"
    assert found["text"].endswith("; h11 0.9.0, needed is <1,>=0.16; starlette 0.40, needed is <2,>=1.0")
    assert found["advice"] == "pip install 'h11<1,>=0.16' 'starlette<2,>=1.0'"


def test_a_package_of_an_extra_matters_only_where_it_is_installed(tmp_path: Path) -> None:
    found = checked_beside(tmp_path, pyarrow="1.0", hypothesis="1.0")
    assert found["text"].endswith("; pyarrow 1.0, needed is >=21")
