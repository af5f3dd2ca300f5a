"""Several cases, and several events of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.testing.verdict.conftest import OK, SPEC, line_of, live, run, said

if TYPE_CHECKING:
    from tests.servers.capturing import CapturingServer
    from tests.testing.conftest import Project


def test_a_case_is_run_for_each_choice(project: Project) -> None:
    project.write("specs/amounts.csv", "id,amount\nfew,1\nmany,99\n")
    tests = """
- name: list
  parametrize: [{amount: 5}, {id: large, amount: 11}]
  expect: {event: {properties: {amount: 5}}}
- name: table
  parametrize: amounts.csv
  expect: {event: {properties: {amount: 1}}}
"""
    verdicts = run(project, tests)
    assert {name: [line_of(problem) for problem in verdict.problems] for name, verdict in verdicts.items()} == {
        "list[5]": [],
        "list[large]": ["3 case-mismatch: properties.amount: expected 5 (a number), got 11 (a number)"],
        "table[few]": [],
        "table[many]": ["6 case-mismatch: properties.amount: expected 1 (a number), got 99 (a number)"],
    }


@pytest.mark.parametrize("rows", ["[{user: a, amount: 1}, {user: b, amount: 2}, {user: c}]", "rows.csv", "rows.jsonl"])
def test_rows_are_sent_as_one_bulk(rows: str, project: Project, server: CapturingServer) -> None:
    project.write("specs/rows.csv", "user,amount\na,1\nb,2\nc,\n")
    project.write("specs/rows.jsonl", '{"user": "a", "amount": 1}\n{"user": "b", "amount": 2}\n{"user": "c"}\n')
    server.answers.append((207, {"records": [accepted(1), refused(400, "too small"), accepted(3)]}))
    tests = f"""
- name: a
  rows: {rows}
  expect:
    event: {{properties: {{at: {{$any: true}}}}}}
    response:
      status: partial
      total: 3
      success: 2
      failure: 1
      failed_records: [{{code: 400, error: too small, record: {{distinct_id: b, properties: {{amount: 2}}}}}}]
"""
    assert run(live(project, server), tests, record="rewrite") == {"a": OK}
    [request] = server.received
    assert request.path == "/v2/bulk/event/"
    assert [event["distinct_id"] for event in request.json] == ["a", "b", "c"]
    assert run(project, tests) == {"a": OK}


def test_each_row_is_held_against_the_expected_event(project: Project) -> None:
    tests = "- name: a\n  rows: [{amount: 1}, {amount: 2}]\n  expect: {event: {properties: {amount: 1}}}"
    [problem] = run(project, tests)["a"].problems
    assert (line_of(problem), problem.context) == (
        "3 case-mismatch: properties.amount: expected 1 (a number), got 2 (a number)",
        "in case 'a', row 2",
    )


def test_a_wrong_answer_to_a_bulk_is_told(project: Project, server: CapturingServer) -> None:
    server.answers.append((207, {"records": [accepted(1), refused(409, "again")]}))
    tests = """
- name: a
  rows: [{user: a}, {user: b}]
  expect:
    response:
      status: success
      failed_records: []
"""
    assert said(run(live(project, server), tests, record="rewrite")) == [
        '5 case-mismatch: status: expected "success" (text), got "partial" (text)',
        "6 case-mismatch: failed_records: expected a list of 0 items, got one of 1 item",
    ]
    assert project.files("cassettes") == {}


def test_steps_send_one_spec_after_the_other(project: Project, server: CapturingServer) -> None:
    project.write("specs/refund.yaml", SPEC.replace("ordered", "refunded").replace("tests:\n", ""))
    tests = """
- name: a
  vars: {user: u7}
  steps:
    - expect: {event: {event: ordered, distinct_id: u7}, response: {success: true, message_id: m0}}
    - spec: refund.yaml
      vars: {amount: 3}
      expect: {event: {event: refunded, distinct_id: u7, properties: {amount: 3}}, response: {status_code: 202}}
    - rows: [{amount: 4}, {amount: 5}]
      expect: {response: {total: 2, failure: 0}}
"""
    assert run(live(project, server), tests, record="rewrite") == {"a": OK}
    assert [request.path for request in server.received] == ["/v2/event/", "/v2/event/", "/v2/bulk/event/"]
    assert run(project, tests) == {"a": OK}
    [problem] = run(project, tests.replace("refunded, d", "ordered, d"))["a"].problems
    assert (line_of(problem), problem.context) == (
        '7 case-mismatch: event: expected "ordered" (text), got "refunded" (text)',
        "in case 'a', step 2",
    )


def test_a_step_of_a_spec_that_does_not_load_is_told(project: Project) -> None:
    project.write("specs/other.yaml", "version: 1\nevent: ordered\n")
    [problem] = run(project, "- name: a\n  steps: [{spec: other.yaml}]")["a"].problems
    assert (problem.code, problem.context) == ("missing-key", "in case 'a'")


def accepted(number: int) -> dict[str, object]:
    return {"status": "success", "status_code": 202, "message_id": f"m{number}"}


def refused(status_code: int, message: str) -> dict[str, object]:
    return {"status": "error", "status_code": status_code, "error": {"message": message, "type": "x"}}
