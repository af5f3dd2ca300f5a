"""Answers as expected, from a cassette or recorded anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from runner.config import SANDBOX_KEY, Target
from runner.errors import ExitCode
from runner.report.problems import as_text
from tests.servers.listeners import closed_url
from tests.testing.verdict.conftest import ACCEPTED, OK, SPEC, line_of, live, run, said, write

if TYPE_CHECKING:
    from runner.testing.answers import Record
    from tests.servers.capturing import CapturingServer
    from tests.testing.conftest import Project


def test_a_case_without_an_answer_needs_no_cassette(project: Project) -> None:
    assert run(project, "- name: a\n  expect: {event: {event: ordered}}", record="rewrite") == {"a": OK}
    assert project.files("cassettes") == {}


def test_a_case_with_an_answer_needs_one(project: Project) -> None:
    verdicts = run(project, ACCEPTED)
    again = "runner test specs/order.yaml -k a --record rewrite --sandbox"
    assert said(verdicts) == [
        f"0 cassette-missing: there is no cassette cassettes/order/a.yaml = record it: {again}",
    ]
    assert verdicts["a"].code is ExitCode.CASSETTE


def test_an_answer_that_is_not_as_expected_is_told(project: Project) -> None:
    run(project, ACCEPTED, record="rewrite")
    tests = ACCEPTED.replace("true, status_code: 202", "false, status_code: 400, message: {$contains: nobody}")
    verdicts = run(project, tests)
    assert said(verdicts) == [
        "2 case-mismatch: success: expected false (a boolean), got true (a boolean)",
        "2 case-mismatch: status_code: expected 400 (a number), got 202 (a number)",
        '2 case-mismatch: message: expected something that contains "nobody" (text), got "OK" (text)',
    ]
    assert verdicts["a"].code is ExitCode.REFUSED


def test_a_changed_event_is_told_with_what_was_recorded(project: Project) -> None:
    run(project, ACCEPTED, record="rewrite")
    verdict = run(project, ACCEPTED.replace("  expect", "  vars: {amount: 11}\n  expect"))["a"]
    assert verdict.code is ExitCode.CASSETTE
    [told] = [as_text(problem) for problem in verdict.problems if problem.code.startswith("cassette-")]
    assert (
        told
        == """\
error[cassette-changed]: properties.amount: recorded 10 (a number), sent 11 (a number)
 --> cassettes/order/a.yaml:3:1
  = if that is right, record again: runner test specs/order.yaml -k a --record rewrite --sandbox
  = in case 'a'"""
    )


def test_an_event_that_is_not_as_expected_is_not_sent(project: Project, server: CapturingServer) -> None:
    tests = "- name: a\n  expect: {event: {event: shipped}, response: {success: true}}"
    assert not run(live(project, server), tests, record="rewrite")["a"].passed
    assert (server.received, project.files("cassettes")) == ([], {})


def test_what_a_spec_calls_volatile_is_not_compared(project: Project) -> None:
    run(project, ACCEPTED, record="rewrite")
    tests = ACCEPTED.replace("  expect", "  vars: {amount: 11}\n  expect")
    write(project, tests, SPEC.replace("tests:", "volatile: [properties.amount]\ntests:"))
    assert project.verdicts() == {"a": OK}
    write(project, tests, SPEC.replace("tests:", "volatile: [properties.at]\ntests:"))
    assert project.verdicts()["a"].code is ExitCode.CASSETTE


# Recording


def test_by_default_nothing_is_recorded(project: Project) -> None:
    run(project, ACCEPTED)
    assert project.files("cassettes") == {}


def test_once_records_what_is_not_there(project: Project) -> None:
    assert run(project, ACCEPTED, record="once") == {"a": OK}
    before = project.files("cassettes")
    assert list(before) == ["cassettes/order/a.yaml"]
    changed = ACCEPTED.replace("  expect", "  vars: {amount: 11}\n  expect")
    assert run(project, changed, record="once")["a"].code is ExitCode.CASSETTE
    assert project.files("cassettes") == before


def test_new_episodes_records_what_is_not_in_it(project: Project, server: CapturingServer) -> None:
    live_project = live(project, server)
    first = "- name: a\n  steps:\n    - expect: {response: {message_id: m0}}"
    second = "\n    - vars: {amount: 11}\n      expect: {response: {message_id: m0}}"
    run(live_project, first, record="once")
    before = project.files("cassettes")["cassettes/order/a.yaml"]
    assert run(live_project, first + second, record="new_episodes") == {"a": OK}
    assert [request.json["properties"]["amount"] for request in server.received] == [10, 11]
    after = project.files("cassettes")["cassettes/order/a.yaml"]
    assert after.removesuffix("version: 1\n").startswith(before.removesuffix("version: 1\n"))
    assert run(project, first + second) == {"a": OK}


def test_rewrite_records_anew(project: Project) -> None:
    run(project, ACCEPTED, record="rewrite")
    before = project.files("cassettes")
    changed = ACCEPTED.replace("  expect", "  vars: {amount: 11}\n  expect")
    assert run(project, changed, record="rewrite") == {"a": OK}
    assert project.files("cassettes") != before
    assert run(project, changed) == {"a": OK}


@pytest.mark.parametrize("record", ["once", "new_episodes", "rewrite"])
def test_a_case_that_fails_writes_nothing(record: Record, project: Project) -> None:
    tests = ACCEPTED.replace("202", "200")
    assert said(run(project, tests, record=record)) == [
        "2 case-mismatch: status_code: expected 200 (a number), got 202 (a number)"
    ]
    assert project.files("cassettes") == {}
    run(project, ACCEPTED, record="rewrite")
    before = project.files("cassettes")
    assert not run(project, tests.replace("  expect", "  vars: {amount: 11}\n  expect"), record=record)["a"].passed
    assert project.files("cassettes") == before


def test_recording_twice_gives_the_same_bytes_but_for_the_date(copy: Project) -> None:
    before = {name: text.partition("\n") for name, text in copy.files("cassettes").items()}
    assert all(verdict.passed for verdict in copy.verdicts(record="rewrite", today=date(2027, 1, 1)).values())
    after = {name: text.partition("\n") for name, text in copy.files("cassettes").items()}
    assert {name: text[2] for name, text in after.items()} == {name: text[2] for name, text in before.items()}
    headers = {text[0] for name, text in after.items() if name.endswith(".yaml")}
    assert headers == {"# recorded 2027-01-01 from the sandbox by suprsend-runner 0.1.0"}


def test_a_case_says_how_its_sandbox_answers(project: Project) -> None:
    tests = """
- name: refused
  sandbox: {tenants: []}
  expect: {response: {success: true}}
- name: limited
  sandbox: {fail: [429, 500]}
  expect: {response: {success: true}}
- name: schema
  sandbox: {schemas: {ordered: {properties: {amount: {maximum: 5}}}}}
  expect: {response: {status_code: 400}}
"""
    assert said(run(project, tests, record="rewrite")) == []
    recorded = project.files("cassettes")["cassettes/order/limited.yaml"]
    assert [line.strip() for line in recorded.splitlines() if "code:" in line] == [
        "code: 429",
        "code: 500",
        "code: 202",
    ]
    assert said(project.verdicts()) == []


def test_a_server_without_an_answer_is_told(project: Project) -> None:
    target = Target(closed_url(), SANDBOX_KEY, {})
    verdict = run(replace(project, live=target), ACCEPTED.replace("true", "false"), record="rewrite")["a"]
    assert verdict.code is ExitCode.CASSETTE
    assert {line_of(problem) for problem in verdict.problems} == {
        "0 cassette-unrecorded: POST /v2/event/ ('ordered' for 'u1') had no answer to record: Connection refused"
    }
    assert project.files("cassettes") == {}
