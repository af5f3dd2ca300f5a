"""A case passes if its events and its answers are as its spec expects, and each other one is told: where, what, instead of what."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from runner.config import SANDBOX_KEY, Target
from runner.errors import ExitCode
from runner.report.problems import as_text
from runner.secrets import Mask
from runner.suprsend.answer import Answer
from runner.testing.cassette_path import cassette_path
from runner.testing.collect import collect
from runner.testing.verdict import Tape, Verdict, run_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.errors import Problem
    from runner.suprsend.answer import NoAnswer
    from runner.suprsend.sockets import Exchange
    from runner.testing.answers import Record
    from runner.testing.verdict import CaseRef
    from tests.conftest import CapturingServer
    from tests.testing.conftest import Project

SPEC = """\
version: 1
vars:
  user: {type: string, default: u1}
  amount: {type: number, exclusiveMinimum: 0, default: 10}
event: ordered
distinct_id: "{{ user }}"
idempotency_key: "order-{{ user }}"
properties:
  amount: "{{ amount }}"
  at: "{{ now() | isoformat }}"
tests:
"""
FIRST_LINE = SPEC.count("\n") + 1
OK = Verdict((), ExitCode.OK)


def write(project: Project, tests: str, spec: str = SPEC) -> None:
    project.write("specs/order.yaml", spec + indent(tests.strip("\n"), "  "))


def run(project: Project, tests: str, *, record: Record = "none", update: bool = False) -> dict[str, Verdict]:
    """Run the cases of one spec."""
    write(project, tests)
    return project.verdicts(record=record, update=update)


def said(verdicts: Mapping[str, Verdict]) -> list[str]:
    """Write all that is wrong: the line counts from that of `tests:`, and each is said of its case alone."""
    return [line_of(problem) for verdict in verdicts.values() for problem in verdict.problems]


def line_of(problem: Problem) -> str:
    line = problem.position.line - FIRST_LINE + 1 if problem.position else 0
    hint = f" = {problem.hint}" if problem.hint else ""
    return f"{line} {problem.code}: {problem.message}{hint}"


# Events


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


# Golden files


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


# Several cases, and several events of one


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


def live(project: Project, server: CapturingServer) -> Project:
    """Let cases be recorded from a server."""
    return replace(project, live=Target(server.base_url, SANDBOX_KEY, {}))


# Answers

ACCEPTED = "- name: a\n  expect: {response: {success: true, status_code: 202}}"


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
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        target = Target(f"http://127.0.0.1:{nobody.getsockname()[1]}/", SANDBOX_KEY, {})
        verdict = run(replace(project, live=target), ACCEPTED.replace("true", "false"), record="rewrite")["a"]
    assert verdict.code is ExitCode.CASSETTE
    assert {line_of(problem) for problem in verdict.problems} == {
        "0 cassette-unrecorded: POST /v2/event/ ('ordered' for 'u1') had no answer to record: Connection refused"
    }
    assert project.files("cassettes") == {}


# No way out


class Connecting:
    """Answers once it has connected to a server, as code would that has a network of its own."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address

    def post(self, path: str, headers: Mapping[str, str], body: bytes, exchange: Exchange) -> Answer | NoAnswer:  # noqa: ARG002
        socket.create_connection(self._address).close()
        return Answer(202, b'{"status": "success"}')

    def close(self) -> None:
        pass


class Tapes:
    """Gives each case a tape of `Connecting`."""

    env = SANDBOX_KEY.env

    def __init__(self, address: tuple[str, int], allowed: Sequence[tuple[str, int]]) -> None:
        self._address = address
        self._allowed = allowed

    @contextmanager
    def tape(self, ref: CaseRef, secrets: Sequence[str] = ()) -> Iterator[Tape]:  # noqa: ARG002
        post = Connecting(self._address)
        yield Tape(post, SANDBOX_KEY, "http://127.0.0.1:7788/", lambda _: None, self._allowed, list, lambda: None)


def test_a_case_reaches_nobody_but_whom_it_may(project: Project) -> None:
    write(project, ACCEPTED)
    [ref] = project.refs()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        address = listening.getsockname()
        message = f"a connection to 127.0.0.1:{address[1]} was stopped: a case may only use its cassette"
        for allowed in ((), [("127.0.0.1", 1)], [("127.0.0.2", address[1])]):
            verdict = run_case(ref, Tapes(address, allowed))
            assert verdict.code is ExitCode.CASSETTE
            assert [(problem.code, problem.message) for problem in verdict.problems] == [("network-blocked", message)]
            with pytest.raises(BlockingIOError):
                listening.accept()
        assert run_case(ref, Tapes(address, [address])) == OK
        listening.accept()[0].close()
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_connection(other.getsockname()):
        pass  # nothing is stopped any more


# What must not go unnoticed


def test_a_file_without_rows_is_no_case_that_passes(project: Project) -> None:
    project.write("specs/none.csv", "amount\n")
    verdict = run(project, "- {name: a, rows: none.csv, expect: {event: {event: nothing like it}}}")["a"]
    assert (verdict.code, [problem.code for problem in verdict.problems]) == (ExitCode.REFUSED, ["empty-file"])


def test_a_case_that_fails_otherwise_writes_no_golden_file(project: Project) -> None:
    tests = "- {name: a, expect: {golden: a.json, event: {event: shipped}}}"
    assert [problem.code for problem in run(project, tests, update=True)["a"].problems] == ["case-mismatch"]
    assert not (project.path / "specs/a.json").exists()
    assert run(project, tests.replace("shipped", "ordered"), update=True) == {"a": OK}
    assert (project.path / "specs/a.json").exists()


def test_what_is_secret_on_one_machine_changes_no_verdict(project: Project) -> None:
    tests = "- {name: a, expect: {response: {success: true}}}"
    assert run(project, tests, record="rewrite") == {"a": OK}
    assert replace(project, mask=Mask(["ordered"])).verdicts() == {"a": OK}
    changed = replace(project, mask=Mask(["shipped"]))
    changed.write("specs/order.yaml", (project.path / "specs/order.yaml").read_text().replace("ordered", "shipped"))
    [problem] = changed.verdicts()["a"].problems
    assert (problem.code, problem.message) == (
        "cassette-changed",
        'event: recorded "ordered" (text), sent "***" (text)',
    )


def test_two_specs_that_would_share_their_cassettes_are_refused(project: Project) -> None:
    write(project, "- {name: a, expect: {response: {success: true}}}")
    text = (project.path / "specs/order.yaml").read_text()
    for other in ("specs/order.yml", "order.yaml"):
        project.write(other, text)
        assert [problem.message for problem in collect(Path("specs/order.yaml"), project.path).problems] == [
            f"the cases of this spec and of {other} would share their cassettes"
        ]
        (project.path / other).unlink()


def test_two_cases_whose_cassettes_would_be_one_are_refused(project: Project) -> None:
    asks = "expect: {response: {success: true}}"
    taken = cassette_path(Path("/p"), Path("/p/specs/order.yaml"), "A % B").stem
    for one, other in (("A % B", taken), ("A  B", "a b"), ("a-b", "a b!")):
        write(project, f"- {{name: '{one}', {asks}}}\n- {{name: '{other}', {asks}}}")
        [problem] = collect(Path("specs/order.yaml"), project.path).problems
        assert problem.message == f"the cases '{one}' and '{other}' would share a cassette"


def test_a_second_case_makes_no_recording_of_the_first_an_orphan(project: Project) -> None:
    asks = "expect: {response: {success: true}}"
    first = "the first sixty characters of these two names are the same: one"
    write(project, f"- {{name: '{first}', {asks}}}")
    project.verdicts(record="once")
    [before] = project.files("cassettes")
    write(project, f"- {{name: '{first}', {asks}}}\n- {{name: '{first[:-3]}two', {asks}}}")
    assert [problem.code for problem in project.problems()] == ["cassette-missing"]
    assert before in project.files("cassettes")


def test_a_golden_file_of_several_cases_is_refused(project: Project) -> None:
    for expect in ("expect: {golden: order.json}", "steps: [{expect: {golden: order.json}}]"):
        write(project, f"- {{name: a, parametrize: [{{user: u1}}, {{user: u2}}], {expect}}}")
        problems = collect(Path("specs/order.yaml"), project.path).problems
        assert "conflicting-keys" in [problem.code for problem in problems]
