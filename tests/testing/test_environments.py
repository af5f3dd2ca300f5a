"""The repository's cases are green wherever they are run: a verdict depends on specs and cassettes, and on nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.testing.conftest import Project

REPOSITORY = Path(__file__).resolve().parents[2]
PLAIN = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "PYTHONPATH": str(REPOSITORY)}
NOBODY = "http://127.0.0.1:9"
"""The port of a service that throws everything away, and that nobody runs."""

ENVIRONMENTS: dict[str, dict[str, str]] = {
    "far east, ASCII, a seed": {
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
        "PYTHONHASHSEED": "1",
    },
    "half an hour off, POSIX, another seed": {
        "TZ": "America/St_Johns",
        "LC_ALL": "POSIX",
        "PYTHONHASHSEED": "4294967295",
    },
    "UTC, UTF-8, debugging, credentials, variables, CI": {
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "PYTHONDEVMODE": "1",
        "SUPRSEND_WORKSPACE_KEY": "key",
        "SUPRSEND_WORKSPACE_SECRET": "secret-of-a-workspace",
        "SUPRSEND_BASE_URL": NOBODY,
        "RUNNER_VAR_user": "somebody",
        "RUNNER_VAR_amount": "99",
        "RUNNER_VAR_order_id": "no digits",
        "RESET_PEPPER": "pepper-of-production",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
    },
    "a zone and a locale that may not exist, half of the credentials, proxies": {
        "TZ": "Nowhere/Nothing",
        "LC_ALL": "tr_TR.UTF-8",
        "LANG": "de_DE.ISO-8859-1",
        "SUPRSEND_API_KEY": "key-of-an-api",
        "HTTP_PROXY": NOBODY,
        "http_proxy": NOBODY,
        "HTTPS_PROXY": NOBODY,
        "ALL_PROXY": NOBODY,
        "NO_PROXY": "",
    },
}


def runner(
    *args: str | Path, environ: Mapping[str, str], folder: Path = REPOSITORY, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run `runner` as a program of its own."""
    # What pytest keeps between runs is turned off: runs of this test would meet in it.
    command = [python, "-m", "runner", *map(str, args), "--", "-p", "no:cacheprovider"]
    return subprocess.run(
        command, cwd=folder, env={**PLAIN, **environ}, capture_output=True, encoding="utf-8", check=False, timeout=60
    )


def cases(ended: subprocess.CompletedProcess[str]) -> list[tuple[str, str, str]]:
    """Give each case by the name of its spec and its own, with what became of it."""
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return [(Path(case["spec"]).name, case["case"], case["state"]) for case in report["cases"]]


@pytest.fixture(scope="module")
def expected() -> list[tuple[str, str, str]]:
    """Run the cases in a plain environment."""
    found = cases(runner("test", "specs", "-o", "json", environ={}))
    assert {state for _, _, state in found} == {"passed"}
    return found


@pytest.mark.parametrize("environ", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_all_is_green_in_any_environment(environ: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    assert cases(runner("test", "specs", "-o", "json", environ=environ)) == expected


def test_all_is_green_from_any_folder(tmp_path: Path, expected: list[tuple[str, str, str]]) -> None:
    assert cases(runner("test", REPOSITORY / "specs", "-o", "json", environ={}, folder=tmp_path)) == expected
    assert cases(runner("test", ".", "-o", "json", environ={}, folder=REPOSITORY / "specs")) == expected


def test_what_is_recorded_depends_on_no_environment(copy: Project) -> None:
    before = {name: text.partition("\n")[2] for name, text in copy.files("cassettes").items()}
    odd = {name: value for environ in ENVIRONMENTS.values() for name, value in environ.items()}
    odd |= {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1", "CI": "", "GITHUB_ACTIONS": ""}
    ended = runner("test", "specs", "--record", "rewrite", "--sandbox", "-o", "json", environ=odd, folder=copy.path)
    assert {state for _, _, state in cases(ended)} == {"passed"}
    assert {name: text.partition("\n")[2] for name, text in copy.files("cassettes").items()} == before
