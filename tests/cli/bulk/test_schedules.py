"""The script of the manual's page `schedules`: the first call begins a run, each further one continues it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import CREDENTIALS
from tests.pages import PAGES
from tests.servers.capturing import CapturingServer, capturing_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = "2026-11-28"


@pytest.fixture
def server() -> Iterator[CapturingServer]:
    with capturing_server() as server:
        yield server


@pytest.fixture
def call(
    tmp_path: Path, in_repository: Path, server: CapturingServer, shell_path: str
) -> Callable[[], tuple[int, str]]:
    """Return what calls the script as cron does, and returns its exit code and what it prints."""
    shutil.copytree(in_repository / "specs", tmp_path / "specs")
    (tmp_path / "exports" / DAY).mkdir(parents=True)
    for name in ("a", "b"):
        rows = "".join(f"{name}{number},10{number:02},5\n" for number in range(80))
        (tmp_path / "exports" / DAY / f"{name}.csv").write_text(f"user,order_id,amount\n{rows}")
    [script] = [block.text for block in PAGES["schedules"].blocks("sh") if block.text.startswith("#!")]
    path = tmp_path / "send-day.sh"
    path.write_text(script)
    path.chmod(0o755)
    environ = CREDENTIALS | {"PATH": shell_path, "SUPRSEND_BASE_URL": server.base_url}

    def called() -> tuple[int, str]:
        ended = subprocess.run(
            [str(path), DAY], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        return ended.returncode, ended.stdout + ended.stderr

    return called


def test_a_job_that_met_a_platform_that_is_down_goes_on_where_it_stopped(
    call: Callable[[], tuple[int, str]], server: CapturingServer
) -> None:
    server.answers.extend([(503, b"down")] * 20)
    code, printed = call()
    assert (code, "160 rows: 0 accepted, 0 failed, 160 unknown, 0 not sent" in printed) == (7, True)
    server.answers.clear()
    code, printed = call()
    assert (code, "160 rows: 160 accepted" in printed) == (0, True)
    requests = len(server.received)
    code, printed = call()
    assert (code, "160 rows: 160 accepted" in printed) == (0, True)
    assert len(server.received) == requests
