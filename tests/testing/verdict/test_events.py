"""A case passes if its events and errors are as its spec expects, and each difference is reported at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import ExitCode
from runner.report.problems import as_text
from tests.testing.verdict.conftest import OK, SPEC, line_of, run, said, write

if TYPE_CHECKING:
    from tests.testing.conftest import Project


@pytest.mark.parametrize(
    "expect",
    [
        "event: {}",
        "event: {event: ordered}",
        "event: {properties: {amount: 10}}",
        "event: {properties: {amount: 10.0}}",
        "event: {properties: {amount: {$approx: 10}, at: {$re: ^2026}}}",
        "event: {properties: {discount: {$absent: true}}}",
        "max_bytes: 10000",
        "{event: {event: ordered}, max_bytes: 1000}",
    ],
)
def test_an_event_that_is_as_expected_passes(expect: str, project: Project) -> None:
    assert run(project, f"- name: a\n  expect:\n    {expect}") == {"a": OK}


def test_a_case_that_expects_nothing_only_has_to_render(project: Project) -> None:
    assert run(project, "- name: a\n- name: b\n  vars: {amount: 0.5}") == {"a": OK, "b": OK}


def test_every_mismatch_of_an_event_is_told_on_its_line(project: Project) -> None:
    tests = """
- name: a
  vars: {amount: 12}
  expect:
    event:
      event: shipped
      properties:
        amount: "12"
        discount: 1
"""
    verdict = run(project, tests)["a"]
    assert verdict.code is ExitCode.REFUSED
    assert (
        "\n".join(map(as_text, verdict.problems))
        == """\
error[case-mismatch]: event: expected "shipped" (text), got "ordered" (text)
  --> specs/order.yaml:16:16
   |
16 |         event: shipped
   |                ^^^^^^^
   = in case 'a'
error[case-mismatch]: properties.amount: expected "12" (text), got 12 (a number)
  --> specs/order.yaml:18:19
   |
18 |           amount: "12"
   |                   ^^^^ without quotes it stands for a number
   = in case 'a'
error[case-mismatch]: properties.discount: expected 1 (a number), but there is no such key
  --> specs/order.yaml:19:21
   |
19 |           discount: 1
   |                     ^
   = in case 'a'"""
    )


def test_exactly_takes_no_key_that_is_not_named(project: Project) -> None:
    whole = "event: ordered, distinct_id: u1, $idempotency_key: order-u1"
    tests = f"""
- name: whole
  expect: {{exact: true, event: {{{whole}, properties: {{amount: 10, at: {{$any: true}}}}}}}}
- name: with what the client adds
  expect: {{exact: true, event: {{{whole}, env: sandbox-workspace-key, properties: {{amount: 10, at: {{$any: true}}}}}}}}
- name: part
  expect: {{exact: true, event: {{event: ordered, properties: {{amount: 10}}}}}}
"""
    assert said(run(project, tests)) == [
        '6 case-mismatch: properties.at: expected no such key, got "2026-01-01T00:00:00+00:00" (text)',
        '6 case-mismatch: distinct_id: expected no such key, got "u1" (text)',
        '6 case-mismatch: $idempotency_key: expected no such key, got "order-u1" (text)',
    ]


def test_an_event_may_be_as_large_as_expected(project: Project) -> None:
    verdict = run(project, "- name: a\n  expect: {max_bytes: 100}")["a"]
    [problem] = verdict.problems
    size = int(problem.message.rpartition(" ")[2])
    assert (verdict.code, line_of(problem)) == (
        ExitCode.REFUSED,
        f"2 case-mismatch: expected at most 100 bytes, the event has {size}",
    )
    assert run(project, f"- name: a\n  expect: {{max_bytes: {size - 1}}}") != {"a": OK}
    assert run(project, f"- name: a\n  expect: {{max_bytes: {size}}}") == {"a": OK}


def test_a_case_happens_at_its_instant(project: Project) -> None:
    tests = """
- name: none
  expect: {event: {$time: 1767225600000, properties: {at: "2026-01-01T00:00:00+00:00"}}}
- name: one
  now: "2026-01-02T03:04:05Z"
  expect: {event: {$time: 1767323045000, properties: {at: "2026-01-02T03:04:05+00:00"}}}
- name: elsewhere
  now: "2026-01-02T08:34:05+05:30"
  expect: {event: {$time: 1767323045000, properties: {at: "2026-01-02T03:04:05+00:00"}}}
"""
    assert said(run(project, tests)) == []


def test_ids_depend_on_the_spec_and_the_case_alone(project: Project) -> None:
    spec = """\
version: 1
event: ordered
distinct_id: u1
properties: {one: "{{ uuid4() }}", other: "{{ uuid4() }}"}
tests:
"""
    tests = """
- name: a
  expect: {golden: golden/a.json}
- name: b
  expect: {golden: golden/b.json}
"""
    write(project, tests, spec)
    project.verdicts(update=True)
    golden = project.files("specs/golden")
    assert project.verdicts() == {"a": OK, "b": OK}
    assert golden["specs/golden/a.json"] != golden["specs/golden/b.json"]
    ids = golden["specs/golden/a.json"].split('"')
    assert len({text for text in ids if text.count("-") == 4}) == 3  # two of the template, one key


# Errors


@pytest.mark.parametrize(
    "error",
    [
        "{}",
        "{code: var-schema}",
        "{at: vars.amount}",
        "{message: minimum of 0}",
        "{code: var-schema, at: vars.amount, message: minimum of 0}",
    ],
)
def test_an_error_that_is_as_expected_passes(error: str, project: Project) -> None:
    assert run(project, f"- name: a\n  vars: {{amount: 0}}\n  expect: {{error: {error}}}") == {"a": OK}


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        ("{code: var-type}", "error[var-type]"),
        ("{at: vars.user}", "an error at vars.user"),
        ("{message: nothing}", "an error: nothing"),
        ("{code: var-schema, at: vars.amounts, message: greater}", "error[var-schema] at vars.amounts: greater"),
    ],
)
def test_another_error_than_expected_is_told(error: str, wanted: str, project: Project) -> None:
    verdicts = run(project, f"- name: a\n  vars: {{amount: 0}}\n  expect: {{error: {error}}}")
    got = "error[var-schema] at vars.amount: variable 'amount': 0 is less than or equal to the minimum of 0"
    assert said(verdicts) == [f"3 case-mismatch: expected {wanted}, got {got}"]
    assert verdicts["a"].code is ExitCode.REFUSED


def test_an_event_where_an_error_is_expected_is_told(project: Project) -> None:
    verdicts = run(project, "- name: a\n  expect:\n    error: {code: var-schema}")
    assert said(verdicts) == ["3 case-passed: expected error[var-schema], but the event is valid"]
    assert verdicts["a"].code is ExitCode.REFUSED


def test_an_error_that_nobody_expects_is_told_as_it_is(project: Project) -> None:
    spec = SPEC.replace('"{{ amount }}"', '"{{ 1 / (amount - 10) }}"')
    write(project, "- name: a\n  expect: {event: {event: ordered}, response: {success: true}}", spec)
    verdict = project.verdicts()["a"]
    assert verdict.code is ExitCode.REFUSED
    assert (
        "\n".join(map(as_text, verdict.problems))
        == """\
error[template-failed]: division by zero
 --> specs/order.yaml:9:15
  |
9 |   amount: "{{ 1 / (amount - 10) }}"
  |               ^^^^^^^^^^^^^^^^^
  = in case 'a'"""
    )
