"""The platform's official SDKs and other oracles, each version in a folder of its own in pytest's cache, from the registries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Homes = Callable[[str], Path]

INSTALL_S = 180
REQUIRED = "RUNNER_TESTS_REQUIRE_SDKS"
"""Set by .ci/run, where an SDK that can't be installed is a failure: else all these tests could be skipped unnoticed."""


def sdk_homes(config: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Homes:
    """Return a function from the requirement of an SDK, of npm if it has an @, to the folder that it is in."""
    kept = config.pluginmanager.has_plugin("cacheprovider")
    cache = config.cache.mkdir("official-sdks") if kept else tmp_path_factory.mktemp("official-sdks")

    def home(requirement: str) -> Path:
        install = _npm if "@" in requirement else _pip
        name = requirement.replace("/", "-").replace(" ", "-")
        return _installed(cache / name, lambda folder: install(folder, requirement.split()))

    return home


def _installed(home: Path, command_for: Callable[[Path], list[str]]) -> Path:
    if home.exists():
        return home
    with TemporaryDirectory(dir=home.parent) as name:
        fresh = home.parent / name / home.name
        fresh.mkdir()
        command = command_for(fresh)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        except subprocess.TimeoutExpired:
            _not_installed(f"{home.name} was not installed within {INSTALL_S} s")
        if done.returncode:
            _not_installed(f"{home.name} can't be installed: {done.stderr.strip()[-300:]}")
        try:
            fresh.rename(home)
        except OSError:
            if not home.exists():  # else another worker was faster
                raise
    return home


def _pip(folder: Path, requirements: list[str]) -> list[str]:
    """Return the command that installs packages alone: what they depend on is installed with the tests."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    return [*pip, "--target", str(folder), *requirements]


def _npm(folder: Path, requirements: list[str]) -> list[str]:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            _not_installed(f"{program} is not installed")
    flags = ("--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--silent")
    return ["npm", "install", "--prefix", str(folder), *flags, *requirements]


def _not_installed(reason: str) -> NoReturn:
    if os.environ.get(REQUIRED):
        pytest.fail(reason)
    pytest.skip(reason)
