"""`runner doctor`: one page with a mark for each check, JSON, exit codes, and no secret in any of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.doctor.conftest import SECRET, answer, checkup, platform  # noqa: F401 - fixtures
from tests.servers.event_api import Arrived, Platform, Reply, http
from tests.servers.listeners import closed_url

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine
    from tests.doctor.conftest import Checkup

NAMES = [
    "configuration", "profile", "credentials", "connection", "access", "clock", "user", "specs", "assets", "events", "schemas", "properties", "cassettes",
    "cassette ages", "sandbox", "completion", "packages",
]  # fmt: skip


@pytest.fixture
def healthy(cli: CommandLine, checkup: Checkup) -> CommandLine:  # noqa: F811 - a fixture
    """Let the command line be in a project in which every check is ok."""
    cli.environ = checkup.environ | {"LANG": "C.UTF-8"}
    return cli


def test_a_healthy_project_passes_with_a_line_for_each_check(healthy: CommandLine) -> None:
    ended = healthy("doctor", "--user", "u1")
    lines = [line for line in ended.out.splitlines() if not line.lstrip().startswith("=")]
    marks = {line[2:15].strip(): line[0] for line in lines}
    assert {marks.pop(name) for name in ("assets", "events", "schemas", "properties")} == {"-"}
    marks.pop("sandbox")  # depends on what runs on this machine
    assert ended.code == 0
    assert set(marks) == {*NAMES} - {"assets", "events", "schemas", "properties", "sandbox"}
    assert set(marks.values()) == {"✓"}


def test_without_utf_8_the_page_is_plain_ascii(healthy: CommandLine) -> None:
    healthy.environ |= {"LANG": "en_US.ISO-8859-1"}
    ended = healthy("doctor", "--user", "żaneta")
    assert ended.out.isascii()
    assert "FAILED  user           the platform does not know \\u017caneta" in ended.out
    assert "ok      access" in ended.out


@pytest.mark.parametrize(
    ("locale", "is_ascii"),
    [({"LANG": "C"}, True), ({}, True), ({"LANG": "C.UTF-8"}, False), ({"LANG": "C", "LC_ALL": "C.UTF-8"}, False)],
)
@pytest.mark.usefixtures("in_tmp")
def test_the_locale_of_the_process_decides(locale: dict[str, str], is_ascii: bool) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "LANG" and not name.startswith("LC_")}
    command = [sys.executable, "-m", "runner", "doctor", "--offline"]
    ended = subprocess.run(command, env=environ | locale, capture_output=True, check=True)
    assert ended.stdout.isascii() is is_ascii


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_json_has_every_check(healthy: CommandLine, format_: str) -> None:
    ended = healthy("doctor", "--user", "u1", "-o", format_)
    lines = map(json.loads, ended.out.splitlines())
    findings = ended.json["findings"] if format_ == "json" else list(lines)
    assert [each["name"] for each in findings] == NAMES
    assert {frozenset(each) for each in findings} == {frozenset({"name", "state", "text", "advice"})}
    assert ended.err == ""


def test_each_kind_of_failure_has_its_exit_code(healthy: CommandLine, in_tmp: Path) -> None:
    assert healthy("doctor", "--user", "u2").code == 1
    good = dict(healthy.environ)
    healthy.environ["SUPRSEND_WORKSPACE_SECRET"] = "wrong"
    assert healthy("doctor", "--user", "u2").code == 3
    healthy.environ = good | {"SUPRSEND_BASE_URL": closed_url()}
    assert healthy("doctor").code == 7
    (in_tmp / "specs" / "b.yaml").write_text("version: 1\n")
    assert healthy("doctor").code == 7
    assert healthy("doctor", "--offline").code == 1
    (in_tmp / "runner.yaml").write_text("profiles: [1]\n")
    ended = healthy("doctor")
    assert ended.code == 1
    assert "✗ configuration  runner.yaml:1: " in ended.out


def test_a_secret_that_the_server_repeats_is_not_shown(healthy: CommandLine) -> None:
    def repeat(request: Arrived) -> Reply:
        return Reply(http(401, {"message": f"\x1b[2J{SECRET} {request.headers['Authorization']}"}))

    with Platform(repeat) as echo:
        healthy.environ |= {"SUPRSEND_BASE_URL": echo.url(), "GITHUB_STEP_SUMMARY": "summary.md"}
        shown = "".join(
            f"{ended.out}{ended.err}" for ended in (healthy("doctor"), healthy("doctor", "-o", "json", "-v"))
        )
    for request in echo.received:
        assert request.headers["Authorization"].partition(":")[2] not in shown
    assert SECRET not in shown
    assert "\x1b" not in shown
    assert "HTTP 401" in shown


def test_the_job_summary_has_a_table(healthy: CommandLine, in_tmp: Path) -> None:
    healthy.environ["GITHUB_STEP_SUMMARY"] = str(in_tmp / "summary.md")
    assert healthy("doctor", "--user", "u2", "-q").code == 1
    summary = (in_tmp / "summary.md").read_text("utf-8")
    assert summary.startswith("### runner doctor: 17 checks: 1 failed")
    assert "| failed | user | the platform does not know u2 | create the user first: " in summary


@pytest.mark.usefixtures("in_tmp")
def test_a_user_can_not_be_checked_offline(cli: CommandLine) -> None:
    ended = cli("doctor", "--offline", "--user", "u1")
    assert (ended.code, ended.err.splitlines()[0]) == (
        64,
        "error[usage]: --user asks the platform, --offline sends no request",
    )
