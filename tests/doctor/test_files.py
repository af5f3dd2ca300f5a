"""Checks of specs and cassettes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from runner.doctor.finding import Finding, failure
from tests.conftest import NOW

if TYPE_CHECKING:
    import pytest

    from tests.doctor.conftest import Checkup

CASSETTE = "cassettes/order-placed/the-platform-takes-an-order.yaml"


def named(findings: list[Finding], name: str) -> Finding:
    [found] = [each for each in findings if each.name == name]
    return found


def test_an_invalid_spec_is_the_only_fault_and_no_value_of_it_is_shown(checkup: Checkup, in_tmp: Path) -> None:
    (in_tmp / "specs" / "b.yaml").write_text("version: 1\nevent: hunter2\ndistinct_id: u1\ncolour: red\n")
    text = "1 error in 2 specs: specs/b.yaml:4: unknown-key"
    assert checkup.faults() == [failure("specs", text, "`runner validate` shows all problems")]


def test_a_warning_of_a_spec_is_a_warning(checkup: Checkup, in_tmp: Path) -> None:
    spec = "version: 1\nvars: {unused: {type: string, default: a}}\nevent: paid\ndistinct_id: u1\n"
    (in_tmp / "specs" / "b.yaml").write_text(spec)
    text = "1 warning in 2 specs: specs/b.yaml:2: unused-variable"
    assert checkup.faults() == [Finding("specs", "warning", text, "`runner validate` shows all problems")]


def test_without_specs_and_cassettes_there_is_nothing_to_check(checkup: Checkup, in_tmp: Path) -> None:
    (in_tmp / "specs" / "order-placed.yaml").unlink()
    (in_tmp / CASSETTE).unlink()
    findings = checkup()
    advice = "`runner init` writes a first spec"
    assert named(findings, "specs") == Finding("specs", "skipped", "no specs in specs", advice)
    assert named(findings, "cassettes").state == named(findings, "cassette ages").state == "skipped"


def test_an_old_cassette_is_the_only_fault(checkup: Checkup, in_tmp: Path) -> None:
    with (in_tmp / "runner.yaml").open("a") as settings:
        settings.write("cassettes: {max_age: 30d}\n")
    assert checkup.faults() == []
    text = f"{CASSETTE}:1: the cassette is too old: it was recorded 31 days ago, max_age is 30 days"
    advice = "record it again: runner test specs/order-placed.yaml -k 'the platform takes an order' --record rewrite --sandbox"
    later = checkup.faults(clock=lambda: NOW + timedelta(days=31), is_offline=True)
    assert later == [failure("cassette ages", text, advice)]


def test_without_a_limit_the_oldest_age_is_shown(checkup: Checkup) -> None:
    found = checkup(clock=lambda: NOW + timedelta(days=400), is_offline=True, user=None)
    assert named(found, "cassette ages") == Finding("cassette ages", "ok", "the oldest was recorded 400 days ago")


def test_a_cassette_that_no_case_plays_is_the_only_fault(checkup: Checkup, in_tmp: Path) -> None:
    orphan = CASSETTE.replace("the-platform", "nobody")
    (in_tmp / orphan).write_bytes((in_tmp / CASSETTE).read_bytes())
    text = f"2 cassettes; {orphan}:1: no case plays this cassette"
    assert checkup.faults() == [failure("cassettes", text, "`runner cassette check` shows all problems")]


def test_a_secret_in_a_cassette_is_the_only_fault_and_is_not_shown(checkup: Checkup, in_tmp: Path) -> None:
    recorded = (in_tmp / CASSETTE).read_text()
    (in_tmp / CASSETTE).write_text(recorded.replace("order_placed", "the-workspace-secret", 1))
    [fault] = checkup.faults()
    assert (fault.name, fault.state) == ("cassettes", "failed")
    assert "the-workspace-secret" not in fault.text


def test_in_a_folder_of_the_project_its_specs_are_checked(
    checkup: Checkup, in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (in_tmp / "specs" / "b.yaml").write_text("version: 1\n")
    (in_tmp / "app").mkdir()
    monkeypatch.chdir(in_tmp / "app")
    [fault] = checkup.faults(start=Path())
    assert (fault.name, fault.text) == ("specs", "2 errors in 2 specs: ../specs/b.yaml:1: missing-key")
