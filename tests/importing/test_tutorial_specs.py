"""The tutorial about import, step by step: an application with the platform's SDK, a sandbox of its own process, tested specs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pages import PAGES
from tests.pytest_projects import CLEAN
from tests.servers.sandbox_process import running_sandbox

PAGE = PAGES["tutorial-specs"]


@pytest.mark.slow
def test_a_newcomer_has_tested_specs_by_following_the_page(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    [program] = PAGE.blocks("python")
    assert program.file is not None
    (tmp_path / program.file).write_text(program.text)
    sandbox, shop = (block.text for block in PAGE.blocks("text"))
    assert sandbox == "runner sandbox\n"
    environ = CLEAN | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(command: str) -> str:
        ended = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )  # fmt: skip
        return ended.stdout

    started_s = time.monotonic()
    with running_sandbox(tmp_path) as running:
        environ["RUNNER_SANDBOX_URL"] = running.address
        assert run(shop.replace("http://127.0.0.1:7788/", running.base_url)) == ""
        for block in PAGE.blocks("console"):
            for part in block.text.removeprefix("$ ").split("\n$ "):
                command, _, expected = part.partition("\n")
                printed = run(command)
                assert steady(printed).rstrip() == steady(expected).rstrip(), f"line {block.line}"
    assert time.monotonic() - started_s < 300


def steady(text: str) -> str:
    return re.sub(r"in \d+\.\d+s", "in SECONDS", text)
