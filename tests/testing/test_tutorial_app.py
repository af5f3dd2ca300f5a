"""The tutorial about an application, step by step: its files are saved and its commands run, with real servers."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner import SandboxSession
from tests.pages import PAGES
from tests.pytest_projects import CLEAN
from tests.servers.listeners import free_port
from tests.servers.sandbox_process import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = PAGES["tutorial-app"]
ENVIRON = CLEAN | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def steady(text: str) -> str:
    return re.sub(r"in \d+\.\d+s", "in SECONDS", text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Save the files of the page."""
    for block in PAGE.blocks():
        if block.file is not None:
            path = tmp_path / block.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text)
    (tmp_path / ".git").mkdir()
    return tmp_path


def run(command: str, folder: Path) -> str:
    ended = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=ENVIRON, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )  # fmt: skip
    return ended.stdout


@contextmanager
def started(command: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a group of processes of its own, until the block ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        ["sh", "-c", command], cwd=folder, env=ENVIRON, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the page uses curl")
def test_the_application_sends_to_a_sandbox_in_another_terminal(project: Path) -> None:
    sandbox, shop, curl = (block.text for block in PAGE.blocks("text"))
    assert sandbox == "runner sandbox\n"
    port = free_port()
    with running_sandbox(project) as running:
        shop = shop.replace("http://127.0.0.1:7788/", running.base_url)
        (project / "shop.py").write_text((project / "shop.py").read_text().replace("8000", str(port)))
        with started(shop, project):
            curl = curl.replace("curl -i", "curl -is --retry 30 --retry-connrefused --retry-delay 1")
            assert run(curl.replace("8000", str(port)), project).startswith("HTTP/1.0 201 Created")
        [event] = SandboxSession(running.address, "").wait_for("order_placed", "u1")
        assert event.properties == {"order_id": "1001", "amount": 80}


@pytest.mark.slow
def test_the_tests_print_what_the_page_says(project: Path) -> None:
    passing, failing = PAGE.blocks("console")
    for block in (passing, failing):
        command, _, expected = block.text.removeprefix("$ ").partition("\n")
        # Only our plugin: what else is installed may add to what pytest prints.
        printed = run(f"PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m {command} -p pytest_suprsend_runner", project)
        assert steady(printed) == steady(expected), f"line {block.line}"
        shop = project / "shop.py"
        shop.write_text(shop.read_text().replace('"amount": order["amount"]', '"amount": str(order["amount"])'))
