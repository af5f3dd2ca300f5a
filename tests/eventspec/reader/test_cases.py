"""`tests`: the cases of a spec and their problems."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tests.eventspec.reader.conftest import HEAD

if TYPE_CHECKING:
    from tests.projects import Project


def test_two_cases_of_one_name_are_told_with_both_places(project: Project) -> None:
    assert project.problems(HEAD + "tests:\n- name: a\n- name: b\n- name: a\n") == [
        "spec.yaml:7:9-10 error[duplicate-case] there are two cases 'a' (the first is on line 5)"
    ]


def test_a_case_that_gives_an_unknown_variable_is_told(project: Project) -> None:
    content = HEAD + "vars: {user: {}}\nproperties: {a: '{{ user }}'}\ntests:\n- {name: a, vars: {usr: 1}}\n"
    assert project.problems(content) == [
        "spec.yaml:7:20-23 error[unknown-variable] the spec declares no variable 'usr' (did you mean 'user'?)"
    ]


@pytest.mark.parametrize("now", ["'2026-13-01T00:00:00Z'", "'2026-01-02'", "'2026-01-02T03:04:05'", "tomorrow"])
def test_an_instant_that_is_none_is_told(project: Project, now: str) -> None:
    told = project.problems(f"{HEAD}tests: [{{name: a, now: {now}}}]\n")
    assert told
    assert all(line.startswith("spec.yaml:4:24-") for line in told)
    assert project.load(f"{HEAD}tests: [{{name: a, now: {now}}}]\n").spec is None


@pytest.mark.parametrize("now", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456Z", "2026-06-30T23:59:59+05:30"])
def test_an_instant_by_its_format_is_read(project: Project, now: str) -> None:
    (case,) = project.spec(f"{HEAD}tests: [{{name: a, now: '{now}'}}]\n").cases
    assert case.now == datetime.fromisoformat(now)


def test_a_leap_second_is_an_instant_or_a_problem_and_no_crash(project: Project) -> None:
    loaded = project.load(HEAD + "tests: [{name: a, now: '2016-12-31T23:59:60Z'}]\n")
    assert (loaded.spec is None) is bool(loaded.problems)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("{vars: {}}", "9-10 error[missing-key] missing key 'name' @tests[0].name"),
        ("{name: a, expct: {}}", "19-24 error[unknown-key] unknown key 'expct' (did you mean 'expect'?) @tests[0].expct"),
        ("{name: a, expect: {evnt: {}}}",
         "28-32 error[unknown-key] unknown key 'evnt' (did you mean 'event'?) @tests[0].expect.evnt"),
        ("{name: 5}", "16-17 error[wrong-type] 'name' must be text, not a number (quote it: \"5\") @tests[0].name"),
        ("5", "9-10 error[wrong-type] the value must be a map, not a number @tests[0]"),
    ],
)  # fmt: skip
def test_a_case_s_form_is_checked(project: Project, case: str, told: str) -> None:
    assert project.problems(f"{HEAD}tests: [{case}]\n") == [f"spec.yaml:4:{told}"]


DECLARED = (
    HEAD
    + "vars:\n  n: {type: integer, minimum: 0}\n  order: {type: object, properties: {id: {type: integer}}}\n"
    + "properties: {a: '{{ n }} {{ order.id }}'}\ntests:\n"
)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{n: -1}", ["25-27 error[var-schema] variable 'n': -1 is less than the minimum of 0 @vars.n"]),
        ("{n: x}", ["25-26 error[var-schema] variable 'n': the value must be a whole number, not text @vars.n"]),
        ("{n: '5'}", ["25-28 error[var-schema] variable 'n': the value must be a whole number, not text @vars.n"]),
        ("{n: null}", ["25-29 error[var-schema] variable 'n': the value must be a whole number, not null @vars.n"]),
        ("{order: {id: x}}",
         ["29-30 error[var-schema] variable 'order' at id: 'id' must be a whole number, not text @vars.order"]),
        ("{n: -1, order: [], no: 1}",
         ["25-27 error[var-schema] variable 'n': -1 is less than the minimum of 0 @vars.n",
          "36-37 error[var-schema] variable 'order': the value must be a map, not a list @vars.order",
          "40-42 error[unknown-variable] the spec declares no variable 'no' (did you mean 'n'?)"]),
        ("{n: 0, order: {id: 5, more: x}}", []),
        ("{}", []),
    ],
)  # fmt: skip
def test_what_a_case_gives_is_held_against_the_declarations(project: Project, given: str, told: list[str]) -> None:
    content = f"{DECLARED}- {{name: one, vars: {given}}}\n"
    assert project.problems(content) == [f"spec.yaml:9:{line}" for line in told]
    assert {problem.context for problem in project.load(content).problems} <= {"in case 'one'"}


@pytest.mark.parametrize("error", ["{}", "{code: var-schema}", "{code: var-schema, at: vars.n}"])
def test_a_case_that_expects_an_error_may_break_a_declaration(project: Project, error: str) -> None:
    assert project.problems(f"{DECLARED}- {{name: one, vars: {{n: -1}}, expect: {{error: {error}}}}}\n") == []


def test_a_case_that_expects_an_error_still_gives_no_unknown_variable(project: Project) -> None:
    assert project.problems(f"{DECLARED}- {{name: one, vars: {{ordr: 1}}, expect: {{error: {{}}}}}}\n") == [
        "spec.yaml:9:22-26 error[unknown-variable] the spec declares no variable 'ordr' (did you mean 'order'?)"
    ]


def test_of_a_secret_that_a_case_gives_only_that_it_breaks_its_declaration_is_told(project: Project) -> None:
    content = (
        HEAD + "vars: {pin: {type: string, secret: true, pattern: '^[0-9]+$', maxLength: 6}}\n"
        "properties: {a: '{{ pin }}'}\ntests: [{name: one, vars: {pin: hunter2}}]\n"
    )
    assert project.problems(content) == [
        "spec.yaml:6:33-40 error[var-schema] variable 'pin' breaks its declaration @vars.pin"
    ]
    assert project.load(content).secrets == ("hunter2",)


def test_without_vars_a_case_gives_texts(project: Project) -> None:
    content = (
        HEAD + "properties: {a: '{{ user }}'}\ntests: [{name: one, vars: {user: 5}}, {name: two, vars: {user: u1}}]\n"
    )
    assert project.problems(content) == [
        (
            "spec.yaml:5:34-35 error[var-schema] variable 'user': the value must be text, not a number "
            '(quote it: "5") @vars.user'
        )
    ]


@pytest.mark.parametrize(
    ("declaration", "told"),
    [
        ("{minimum: x}", "21-22 error[wrong-type] 'minimum' must be a number, not text @vars.a.minimum"),
        ("{items: {minimum: x}}", "29-30 error[bad-schema] 'minimum' must be a number, not text @vars.a"),
        ("{pattern: '('}", "21-24 error[bad-schema] 'pattern' is '(', which is not a regular expression @vars.a"),
        ("{$ref: '#/nowhere'}", "18-29 error[bad-schema] '#/nowhere' does not exist in the schema @vars.a"),
        ("{typ: string}", "12-15 error[unknown-key] unknown key 'typ' (did you mean 'type'?) @vars.a.typ"),
    ],
)
def test_a_case_of_a_variable_whose_declaration_is_none_is_no_second_fault(
    project: Project, declaration: str, told: str
) -> None:
    content = (
        f"{HEAD}vars: {{a: {declaration}}}\nproperties: {{b: '{{{{ a }}}}'}}\ntests: [{{name: one, vars: {{a: 5}}}}]\n"
    )
    assert project.problems(content) == [f"spec.yaml:4:{told}"]


@pytest.mark.parametrize(
    "case",
    [
        "vars: {n: -1}",
        "vars: {no: 1}",
        "vars: 5",
        "now: tomorrow",
        "now: 5",
        "expect: {event: {properties: {a: {$rex: x}}}}",
        "expect: {event: {properties: {a: {$re: '('}}}}",
        "expect: {event: {properties: {a: {$re: x, b: 1}}}}",
        "expect: {event: {properties: {a: {$schema: {type: strin}}}}}",
        "expect: {event: {properties: {a: {$len: x}}}}",
        "expect: {event: {$time: {$approx: {value: 1}}}}",
        "expect: {evnt: {}}",
        "expect: 5",
        "zzz: 1",
    ],
)
def test_a_problem_of_a_case_says_which_case(project: Project, case: str) -> None:
    content = f"{DECLARED}- {{name: one}}\n- {{name: two, {case}}}\n- {{name: three}}\n"
    (problem,) = project.load(content).problems
    assert problem.context == "in case 'two'"


@pytest.mark.parametrize("case", ["{vars: {no: 1}, name: 5}", "{vars: {no: 1}}", "{nam: two, vars: {no: 1}}", "5"])
def test_a_problem_of_a_case_without_a_name_has_no_context(project: Project, case: str) -> None:
    found = project.load(f"{DECLARED}- {{name: one}}\n- {case}\n").problems
    assert found
    assert {problem.context for problem in found} == {None}


def test_a_problem_outside_of_the_cases_has_no_context(project: Project) -> None:
    found = project.load(
        DECLARED.replace("tests:", "tets: 5\nlabels: 5\ntests:") + "- {name: one, vars: {n: 1}}\n"
    ).problems
    assert [(problem.code, problem.context) for problem in found] == [("unknown-key", None), ("wrong-type", None)]


@pytest.mark.parametrize("now", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-01:00"])
def test_an_instant_beyond_the_calendar_is_told(project: Project, now: str) -> None:
    [told] = project.problems(f"{HEAD}tests: [{{name: x, now: '{now}'}}]\n")
    assert f"error[bad-value] '{now}' is not an instant (for example 2026-01-02T03:04:05Z)" in told
