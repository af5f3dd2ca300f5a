"""Golden files hold the whole event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.report.problems import as_text
from runner.testing.collect import collect
from tests.testing.verdict.conftest import OK, SPEC, run, said, write

if TYPE_CHECKING:
    from tests.testing.conftest import Project


def test_a_golden_file_holds_the_whole_event(project: Project) -> None:
    tests = "- name: a\n  expect: {golden: golden/a.json}"
    assert said(run(project, tests)) == [
        "2 file-not-found: no such file: specs/golden/a.json = runner test --update writes it"
    ]
    assert run(project, tests, update=True) == {"a": OK}
    assert project.files("specs/golden") == {
        "specs/golden/a.json": """\
{
  "event": "ordered",
  "distinct_id": "u1",
  "properties": {
    "amount": 10,
    "at": "2026-01-01T00:00:00+00:00"
  },
  "$idempotency_key": "order-u1"
}
"""
    }
    assert run(project, tests) == {"a": OK}
    [problem] = run(project, f"- name: a\n  vars: {{amount: 11}}{tests[9:]}")["a"].problems
    assert (
        as_text(problem)
        == """\
error[case-mismatch]: properties.amount: expected 10 (a number), got 11 (a number)
 --> specs/golden/a.json:5:15
  |
5 |     "amount": 10,
  |               ^^
  = in case 'a'"""
    )


def test_a_golden_file_of_several_events_is_a_list(project: Project) -> None:
    tests = "- name: a\n  rows: [{user: u1}, {user: u2}]\n  expect: {golden: a.json}"
    assert run(project, tests, update=True) == {"a": OK}
    assert project.files("specs")["specs/a.json"].count('"event": "ordered"') == 2
    assert run(project, tests) == {"a": OK}
    verdict = run(project, tests.replace("user: u2", "user: u3"))["a"]
    assert [(problem.position and problem.position.line, problem.message) for problem in verdict.problems] == [
        (13, '[1].distinct_id: expected "u2" (text), got "u3" (text)'),
        (18, '[1].$idempotency_key: expected "order-u2" (text), got "order-u3" (text)'),
    ]


def test_an_update_leaves_a_golden_file_alone_if_an_event_can_not_be_made(project: Project) -> None:
    tests = "- name: a\n  expect: {golden: a.json}"
    run(project, tests, update=True)
    before = project.files("specs")["specs/a.json"]
    spec = SPEC.replace('"{{ amount }}"', '"{{ 1 / (amount - 10) }}"')
    write(project, tests, spec)
    assert not project.verdicts(update=True)["a"].passed
    assert project.files("specs")["specs/a.json"] == before


def test_a_case_that_fails_otherwise_writes_no_golden_file(project: Project) -> None:
    tests = "- {name: a, expect: {golden: a.json, event: {event: shipped}}}"
    assert [problem.code for problem in run(project, tests, update=True)["a"].problems] == ["case-mismatch"]
    assert not (project.path / "specs/a.json").exists()
    assert run(project, tests.replace("shipped", "ordered"), update=True) == {"a": OK}
    assert (project.path / "specs/a.json").exists()


def test_a_golden_file_of_several_cases_is_refused(project: Project) -> None:
    for expect in ("expect: {golden: order.json}", "steps: [{expect: {golden: order.json}}]"):
        write(project, f"- {{name: a, parametrize: [{{user: u1}}, {{user: u2}}], {expect}}}")
        problems = collect(Path("specs/order.yaml"), project.path).problems
        assert "conflicting-keys" in [problem.code for problem in problems]
