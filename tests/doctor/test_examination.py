"""All checks together: a healthy project has no fault, and each fault alone is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.doctor.finding import Finding, failure
from runner.errors import ExitCode
from tests.servers.listeners import closed_url

if TYPE_CHECKING:
    from pathlib import Path

    from tests.doctor.conftest import Checkup
    from tests.servers.event_api import Platform


def states(findings: list[Finding]) -> dict[str, str]:
    return {each.name: each.state for each in findings}


def test_a_project_in_order_has_no_fault(checkup: Checkup, platform: Platform) -> None:
    findings = checkup()
    assert states(findings) == {
        "configuration": "ok",
        "profile": "ok",
        "credentials": "ok",
        "connection": "ok",
        "access": "ok",
        "clock": "ok",
        "user": "ok",
        "specs": "ok",
        "assets": "skipped",
        "events": "skipped",
        "schemas": "skipped",
        "properties": "skipped",
        "cassettes": "ok",
        "cassette ages": "ok",
        "sandbox": "skipped",
        "completion": "ok",
        "packages": "ok",
    }
    assert {each.name: each.text for each in findings if each.name in ("connection", "user", "cassettes")} == {
        "connection": f"{platform.url()} answered HTTP 200",
        "user": "u1 is known, with email",
        "cassettes": "1 cassette, no problems",
    }
    assert sorted(request.path for request in platform.received) == ["/v1/message/?limit=1", "/v1/user/u1/"]


def test_offline_sends_nothing(checkup: Checkup, platform: Platform) -> None:
    found = states(checkup(is_offline=True))
    assert {found[name] for name in ("connection", "access", "clock", "user")} == {"skipped"}
    assert platform.connections == []


def test_an_invalid_configuration_is_the_only_fault(checkup: Checkup, in_tmp: Path, platform: Platform) -> None:
    settings = in_tmp / "runner.yaml"
    settings.write_text(settings.read_text().replace("profiles:", "profile:"))
    assert checkup.faults() == [
        failure("configuration", "runner.yaml:2: unknown key 'profile'", "did you mean 'profiles'?")
    ]
    assert platform.connections == []


def test_an_unknown_profile_is_the_only_fault(checkup: Checkup, platform: Platform) -> None:
    assert checkup.faults(profile="stagin") == [
        failure("profile", "no profile 'stagin' in runner.yaml", "did you mean 'staging'?")
    ]
    assert platform.connections == []


def test_a_profile_that_may_not_have_the_credentials_sent_to_it_is_the_only_fault(checkup: Checkup) -> None:
    checkup.environ["SUPRSEND_BASE_URL"] = "http://hub.example.com/"
    text = "refusing to send credentials over plain http to hub.example.com"
    advice = "use https://; it comes from SUPRSEND_BASE_URL"
    assert checkup.faults() == [failure("profile", text, advice, ExitCode.CREDENTIALS)]


def test_missing_credentials_are_a_warning_without_a_profile_and_a_failure_with_one(
    checkup: Checkup, platform: Platform
) -> None:
    checkup.environ.pop("SUPRSEND_WORKSPACE_KEY")
    checkup.environ.pop("SUPRSEND_WORKSPACE_SECRET")
    text = "none are set: events can be rendered and tested, but not sent"
    default = "set SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET, or SUPRSEND_API_KEY and SUPRSEND_WORKSPACE_UID"
    assert checkup.faults() == [Finding("credentials", "warning", text, default)]
    staging = "set SUPRSEND_STAGING_WORKSPACE_KEY and SUPRSEND_STAGING_WORKSPACE_SECRET"
    assert checkup.faults(profile="staging") == [failure("credentials", text, staging, ExitCode.CREDENTIALS)]
    assert {request.headers.get("Authorization") for request in platform.received} == {None}


def test_a_half_of_the_credentials_is_the_only_fault(checkup: Checkup, platform: Platform) -> None:
    checkup.environ.pop("SUPRSEND_WORKSPACE_SECRET")
    text = "SUPRSEND_WORKSPACE_KEY is set, SUPRSEND_WORKSPACE_SECRET is not"
    advice = "set SUPRSEND_WORKSPACE_SECRET too"
    assert checkup.faults() == [failure("credentials", text, advice, ExitCode.CREDENTIALS)]
    assert platform.connections == []


def test_a_dead_port_is_the_only_fault(checkup: Checkup) -> None:
    checkup.environ["SUPRSEND_BASE_URL"] = url = closed_url()
    advice = "check SUPRSEND_BASE_URL, or base_url of the profile; if this network needs a proxy, set https_proxy"
    assert checkup.faults() == [
        failure("connection", f"{url}: can't connect: Connection refused", advice, ExitCode.NO_ANSWER)
    ]
