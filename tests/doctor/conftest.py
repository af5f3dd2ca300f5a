"""A project in which every check is ok, on a machine that has everything, and a platform that knows one user."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.doctor.examination import Examined, examine
from runner.secrets import Secret
from runner.suprsend.auth import CONTENT_TYPE, sign
from tests.conftest import NOW
from tests.servers.event_api import Arrived, Platform, Reply, http
from tests.servers.listeners import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from runner.doctor.finding import Finding
    from tests.conftest import CommandLine

SECRET = "the-workspace-secret"
PROFILE = {"distinct_id": "u1", "$email": [{"value": "u1@example.com", "status": "active", "perma_status": "active"}]}


def answer(request: Arrived, at: datetime = NOW) -> Reply:
    """Answer as the platform does: it verifies the signature or the key, has no messages, and knows the user u1."""
    date = f"Date: {format_datetime(at, usegmt=True)}"
    signature = sign(Secret(SECRET), "GET", request.path, CONTENT_TYPE, request.headers.get("Date", ""), b"")
    if request.headers.get("Authorization") not in (f"key:{signature}", "Bearer the-api-key"):
        return Reply(http(401, {"code": 401, "message": "invalid signature"}, date))
    if request.path == "/v1/message/?limit=1":
        return Reply(http(200, {"meta": {"count": 0, "limit": 1}, "results": []}, date))
    if request.path == "/v1/user/u1/":
        return Reply(http(200, PROFILE, date))
    return Reply(http(404, {"code": 404, "message": "user not found"}, date))


@dataclass
class Checkup:
    """Makes the checks of a project; a test changes what they are given."""

    examined: Examined
    environ: dict[str, str]
    home: Path
    port: int = field(default_factory=free_port)

    def __call__(self, **changes: object) -> list[Finding]:
        """Return all findings."""
        return list(examine(replace(self.examined, **changes), self.port).findings)  # type: ignore[arg-type]

    def faults(self, **changes: object) -> list[Finding]:
        """Return the findings of failures and warnings."""
        return [each for each in self(**changes) if each.state in ("failed", "warning")]


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform(answer) as running:
        yield running


@pytest.fixture
def checkup(cli: CommandLine, in_tmp: Path, platform: Platform) -> Checkup:
    """Write a first project with its cassette, and a home in which completion is installed."""
    (in_tmp / ".git").mkdir()
    assert cli("init", "-q").code == 0
    home = in_tmp / "home"
    (home / ".bash_completions").mkdir(parents=True)
    (home / ".bash_completions" / "runner.sh").write_text("complete -F _runner runner\n")
    (home / ".bashrc").write_text("source '/home/u/.bash_completions/runner.sh'\n")
    environ = {
        "SUPRSEND_BASE_URL": platform.url(), "SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": SECRET,
        "HOME": str(home), "SHELL": "/bin/bash",
    }  # fmt: skip
    examined = Examined(Path("specs"), None, None, "u1", environ, lambda: NOW)
    return Checkup(examined, environ, home)


@pytest.fixture
def clocked() -> Callable[[], float]:
    """Return a function that returns the seconds since the test began."""
    began = time.monotonic()
    return lambda: time.monotonic() - began
