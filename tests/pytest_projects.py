"""Projects of users in folders of their own, in which pytest runs in a process of its own with no plugin but ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

from tests.processes import run_preloaded

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parents[1]
PLUGIN = ("-p", "pytest_suprsend_runner")
MODULES = f"{REPOSITORY}:{REPOSITORY}/runner/pytest_plugin/entry"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_", "PYTEST_"))}
CLEAN |= {"PYTHONPATH": MODULES, "COLUMNS": "80"}
CLEAN.pop("CI", None)


class Project:
    """A folder in which somebody calls pytest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / ".git").mkdir()

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip())

    def pytest(self, *args: str, plugin: tuple[str, ...] = PLUGIN, **environ: str) -> tuple[int, str]:
        """Return pytest's exit status, and all that it prints but for the time that it took."""
        return self.pytest_in(environ, *args, plugin=plugin)

    def pytest_from_the_start(self, *args: str, **environ: str) -> tuple[int, str]:
        """Run pytest in an interpreter that has loaded nothing before."""
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *PLUGIN, *args],
            cwd=self.path,
            env=CLEAN | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stdout

    def pytest_in(self, environ: Mapping[str, str], *args: str, plugin: tuple[str, ...] = PLUGIN) -> tuple[int, str]:
        """Run pytest with these environment variables."""
        ended = run_preloaded(
            ["pytest", *plugin, *args],
            cwd=self.path,
            env=CLEAN | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return ended.returncode, re.sub(r"=* ?((?:\d|no )[\w ,]*) in [\d.]+s ?=*", r"\1", ended.stdout)

    def collected(self, *args: str) -> list[str]:
        """List what pytest would run."""
        _, printed = self.pytest("--collect-only", "-q", "--no-header", *args)
        return [line for line in printed.splitlines() if "::" in line]
