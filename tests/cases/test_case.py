"""Cases as they are read: their variables, steps, rows and names; and what is wrong with them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

import runner.config
from runner.cases import case_seed
from runner.project.format import document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.variables import Given
    from tests.projects import Project

HEAD = (
    "version: 1\nlabels: [checkout]\nvars:\n  user: {type: string}\n  amount: {type: number, minimum: 0, default: 10}\n"
    "  pin: {type: string, secret: true, default: s3cr3t}\nevent: order_placed\ndistinct_id: '{{ user }}'\n"
    "properties: {amount: '{{ amount }}', pin: '{{ pin }}'}\n"
)
TESTS = HEAD + "tests:\n"
"""The first case stands in line 11."""


def plain(given: Mapping[str, Given]) -> dict[str, Any]:
    return {name: each.value for name, each in given.items()}


def told_of(project: Project, *cases: str) -> list[str]:
    content = TESTS + "".join(f"- {case}\n" for case in cases)
    return [line.removeprefix("spec.yaml:") for line in project.problems(content)]


def test_a_case_has_all_that_its_file_says(project: Project) -> None:
    project.write("vars/one.yaml", "user: u9\namount: 1\n")
    [case] = project.spec(
        HEAD + "volatile: [properties.pin, $time]\ntests:\n"
        "- {name: one, vars_file: vars/one.yaml, vars: {amount: 2}, now: 2026-01-02T04:04:05+01:00, labels: [slow, checkout],\n"
        "   xfail: it is rounded, sandbox: {tenants: [acme]}, expect: {event: {}, golden: golden/one.json}}\n"
    ).cases
    assert (case.name, plain(case.vars)) == ("one", {"user": "u9", "amount": 2})
    assert case.now == case.instant == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (case.labels, case.skip, case.xfail) == (("checkout", "slow"), None, "it is rounded")
    assert case.volatile == ("properties.pin", "$time")
    assert case.sandbox is not None
    assert case.sandbox.plain() == {"tenants": ["acme"]}
    [step] = case.steps
    assert (step.spec, step.rows, plain(step.vars)) == (None, None, plain(case.vars))
    assert step.expect is not None
    assert step.expect.plain() == {"event": {}, "golden": "golden/one.json"}
    assert case.node.position().line == 12


def test_a_case_without_an_instant_stands_at_the_first_of_january(project: Project) -> None:
    [case] = project.spec(TESTS + "- {name: one, skip: not now}\n").cases
    assert (case.now, case.instant, case.skip) == (None, datetime(2026, 1, 1, tzinfo=UTC), "not now")
    assert (case.steps[0].expect, case.labels, case.volatile) == (None, ("checkout",), ())


def test_steps_have_the_variables_of_the_case_below_their_own(project: Project) -> None:
    project.write("other.yaml", HEAD)
    project.write("rows.csv", "user\nu1\n")
    [case] = project.spec(
        TESTS + "- name: one\n  vars: {user: u1, amount: 1}\n  steps:\n  - {vars: {amount: 2}, expect: {event: {}}}\n"
        "  - {spec: other.yaml, vars: {unheard_of: 3}}\n  - {rows: [{user: a}, {user: b, amount: 4}]}\n  - {rows: rows.csv}\n"
    ).cases
    assert [(step.spec, plain(step.vars)) for step in case.steps] == [
        (None, {"user": "u1", "amount": 2}),
        ("other.yaml", {"user": "u1", "amount": 1, "unheard_of": 3}),
        (None, {"user": "u1", "amount": 1}),
        (None, {"user": "u1", "amount": 1}),
    ]
    rows = case.steps[2].rows
    assert isinstance(rows, tuple)
    assert [plain(row) for row in rows] == [{"user": "a"}, {"user": "b", "amount": 4}]
    assert case.steps[3].rows == project.root / "rows.csv"
    assert [step.expect is not None for step in case.steps] == [True, False, False, False]


@pytest.mark.parametrize(
    ("sets", "names"),
    [
        ("[{amount: 1}, {amount: 2}]", ["[1]", "[2]"]),
        ("[{amount: 1, user: u1}, {user: u1, amount: 2.5}]", ["[1-u1]", "[u1-2.5]"]),
        ("[{id: free, amount: 0}, {amount: 1}]", ["[free]", "[1]"]),
        ("[{id: 7}, {id: 7.5}]", ["[7]", "[7.5]"]),
        ("[{user: ''}, {user: \"a\\nb\"}, {user: 'a b/c::ü'}]", ["[#1]", "[#2]", "[a b/c::ü]"]),
        (f"[{{user: {'x' * 60}}}, {{user: {'x' * 61}}}]", [f"[{'x' * 60}]", "[#2]"]),
        ("[{amount: 1, pin: hunter2}, {pin: hunter3}]", ["[1]", "[#2]"]),
    ],
)
def test_each_set_of_a_parametrized_case_is_a_case_by_a_name_of_its_own(
    project: Project, sets: str, names: list[str]
) -> None:
    cases = project.spec(f"{TESTS}- {{name: one, parametrize: {sets}}}\n").cases
    assert [case.name for case in cases] == [f"one{name}" for name in names]


def test_a_set_stands_over_the_case_and_below_its_steps(project: Project) -> None:
    first, second = project.spec(
        TESTS + "- {name: one, vars: {user: u1, amount: 1}, parametrize: [{id: a, amount: 2}, {id: b, user: u2}],\n"
        "   steps: [{}, {vars: {amount: 3}}]}\n"
    ).cases
    assert [plain(step.vars) for step in first.steps] == [{"user": "u1", "amount": 2}, {"user": "u1", "amount": 3}]
    assert [plain(step.vars) for step in second.steps] == [{"user": "u2", "amount": 1}, {"user": "u2", "amount": 3}]
    assert plain(second.vars) == {"user": "u2", "amount": 1}


def test_a_variable_by_the_name_of_id_gets_its_value_too(project: Project) -> None:
    head = "version: 1\nvars: {id: {type: integer}}\nevent: order_placed\ndistinct_id: '{{ id }}'\ntests:\n"
    [case] = project.spec(f"{head}- {{name: one, parametrize: [{{id: 5}}]}}\n").cases
    assert (case.name, plain(case.vars)) == ("one[5]", {"id": 5})


def test_a_file_of_sets_is_kept_for_whoever_can_read_it(project: Project) -> None:
    project.write("sets.csv", "amount\n1\n")
    [case] = project.spec(TESTS + "- {name: one, parametrize: sets.csv}\n").cases
    assert (case.name, case.parametrize) == ("one", project.root / "sets.csv")


def test_the_seed_of_a_case_follows_from_its_place_and_its_name_alone() -> None:
    assert case_seed("specs/a.yaml", "one") == UUID("67676ed3-3a67-5c94-a068-b0a883220960")
    assert case_seed(PurePath("specs/a.yaml"), "one") == case_seed("specs/a.yaml", "one")
    assert (
        len({case_seed("specs/a.yaml", "one"), case_seed("specs/b.yaml", "one"), case_seed("specs/a.yaml", "two")}) == 3
    )


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("{name: a, skip: x, xfail: z}",
         "22-27 error[conflicting-keys] 'skip' and 'xfail' exclude each other (a case that is skipped can't fail)"),
        ("{name: a, skip: true}", "19-23 error[wrong-type] 'skip' must be text, not a boolean (say why) @skip"),
        ("{name: a, xfail: ''}", "20-22 error[bad-value] 'xfail' is empty @tests[0].xfail"),
        ("{name: a, labels: [a b]}",
         ("22-25 error[bad-value] the value is 'a b', which does not match ^[A-Za-z0-9][A-Za-z0-9_.-]*$ @tests[0].labels[0]")),
        ("{name: a, steps: [{}], rows: [{}], expect: {}}",
         "26-30 error[conflicting-keys] 'steps' and 'rows' or 'expect' exclude each other (put it into a step)"),
        ("{name: a, steps: []}", "20-21 error[bad-value] 'steps' is empty @tests[0].steps"),
        ("{name: a, steps: [{now: x}]}",
         "22-25 error[unknown-key] unknown key 'now' (known here: spec, vars, rows, after, expect) @tests[0].steps[0].now"),
        ("{name: a, steps: [{vars: {amount: -1}}]}",
         "37-39 error[var-schema] variable 'amount': -1 is less than the minimum of 0 @vars.amount"),
        ("{name: a, steps: [{vars: {amuont: 1}}]}",
         "29-35 error[unknown-variable] the spec declares no variable 'amuont' (did you mean 'amount'?)"),
        ("{name: a, steps: [{spec: spec.yaml, vars: {amuont: 1}}]}",
         "46-52 error[unknown-variable] the spec declares no variable 'amuont' (did you mean 'amount'?)"),
        ("{name: a, steps: [{rows: [{user: 5}]}]}",
         "36-37 error[var-schema] variable 'user': the value must be text, not a number (quote it: \"5\") @vars.user"),
        ("{name: a, steps: [{expect: {response: {total: 1}}}]}",
         ("42-47 error[unknown-key] the response to one event has no 'total' "
          "(known here: success, status, status_code, message, message_id, raw_response, unknown)")),
        ("{name: a, rows: [{usr: x}]}",
         "21-24 error[unknown-variable] the spec declares no variable 'usr' (did you mean 'user'?)"),
        ("{name: a, rows: []}", "19-20 error[bad-value] 'rows' is empty @tests[0].rows"),
        ("{name: a, rows: 5}", "19-20 error[wrong-type] 'rows' must be text or a list, not a number (quote it: \"5\") @tests[0].rows"),
        ("{name: a, rows: [{}], expect: {response: {status_code: 202}}}",
         "45-56 error[unknown-key] the response to several events has no 'status_code' (did you mean 'status'?)"),
        ("{name: a, parametrize: []}", "26-27 error[bad-value] 'parametrize' is empty @tests[0].parametrize"),
        ("{name: a, parametrize: [{}]}", "27-28 error[bad-value] the value is empty @tests[0].parametrize[0]"),
        ("{name: a, parametrize: [{id: [x]}]}",
         "32-33 error[wrong-type] 'id' names the case, and must be text, not a list"),
        ("{name: a, parametrize: [{amount: x}]}",
         "36-37 error[var-schema] variable 'amount': the value must be a number, not text @vars.amount"),
        ("{name: a, parametrize: [{amuont: 1}]}",
         "28-34 error[unknown-variable] the spec declares no variable 'amuont' (did you mean 'amount'?)"),
        ("{name: a, parametrize: [{amount: 1}, {amount: 1}]}",
         ("40-41 error[duplicate-case] there are two cases 'a[1]' "
          "(the first is on line 11; add an `id:` to distinguish them)")),
        ("{name: a, expect: {exact: true}}",
         "22-27 error[missing-key] 'exact' applies to 'event', which is missing (add event: {…})"),
        ("{name: a, expect: {golden: a.json, error: {}, event: {}, exact: true}}",
         ("49-54 error[conflicting-keys] 'error' and 'event' or 'exact' or 'golden' exclude each other "
          "(where an error is expected, there is no event)")),
        ("{name: a, expect: {max_bytes: 0}}",
         "33-34 error[bad-value] 0 is less than the minimum of 1 @tests[0].expect.max_bytes"),
        ("{name: a, expect: {evnt: {}}}",
         "22-26 error[unknown-key] unknown key 'evnt' (did you mean 'event'?) @tests[0].expect.evnt"),
        ("{name: a, sandbox: {tenant: [a]}}",
         "23-29 error[unknown-key] unknown key 'tenant' (did you mean 'tenants'?) @tests[0].sandbox.tenant"),
        ("{name: a, sandbox: {fail: [200]}}",
         "30-33 error[bad-value] 200 is less than the minimum of 400 @tests[0].sandbox.fail[0]"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_case_is_told_at_its_place(project: Project, case: str, told: str) -> None:
    assert told_of(project, case) == [f"11:{told}"]
    contexts = {problem.context for problem in project.load(f"{TESTS}- {case}\n").problems}
    assert contexts == ({None} if "duplicate-case" in told else {"in case 'a'"})


FILES = {
    "vars_file: {}": ("vars file", ".yaml, .yml, .json", "no.yaml"),
    "parametrize: {}": ("file of rows", ".csv, .tsv", "no.csv"),
    "rows: {}": ("file of rows", ".csv, .tsv, .jsonl, .ndjson, .json", "no.jsonl"),
    "steps: [{{rows: {}}}]": ("file of rows", ".csv, .tsv, .jsonl, .ndjson, .json", "no.csv"),
    "steps: [{{spec: {}}}]": ("spec", ".yaml, .yml", "no.yaml"),
    "sandbox: {{schemas: {{e: {}}}}}": ("JSON Schema", ".yaml, .yml, .json", "no.json"),
    "expect: {{golden: {}}}": ("golden file", ".json", "no.json"),
}


@pytest.mark.parametrize("key", FILES)
def test_a_file_of_a_case_lies_inside_the_project_and_is_of_its_kind(project: Project, key: str) -> None:
    kind, suffixes, missing = FILES[key]
    (project.root.parent / missing).write_text("")
    start = len("- {name: a, ") + key.index("{}") - key.count("{{") + 1
    for named, told in {
        f"../{missing}": f"error[path-outside] '../{missing}' is outside the project "
        "(files that a spec names must be in the project's folder 'proj')",
        f"/{missing}": f"error[path-outside] '/{missing}' is outside the project "
        "(files that a spec names must be in the project's folder 'proj')",
        "a.txt": f"error[bad-value] 'a.txt' is no {kind} by its name (such files end in {suffixes}, and do not begin with a dot)",
        ".env": f"error[bad-value] '.env' is no {kind} by its name (such files end in {suffixes}, and do not begin with a dot)",
        "runner.yaml": "error[bad-value] 'runner.yaml' holds profiles, and can't be part of a spec",
        missing: f"error[file-not-found] no such file: {project.root / missing}",
    }.items():
        is_golden_to_be = "golden" in key and named == missing
        expected = [] if is_golden_to_be else [f"11:{start}-{start + len(named)} {told}"]
        assert told_of(project, f"{{name: a, {key.format(named)}}}") == expected


@pytest.mark.parametrize("key", FILES)
def test_a_link_out_of_the_project_is_no_file_of_a_case(project: Project, key: str) -> None:
    _, _, missing = FILES[key]
    outside = project.root.parent / missing
    outside.write_text("")
    project.root.mkdir()
    (project.root / missing).symlink_to(outside)
    [told] = told_of(project, f"{{name: a, {key.format(missing)}}}")
    assert f"error[path-outside] '{missing}' is outside the project" in told


def test_a_base_is_no_spec_of_a_step(project: Project) -> None:
    project.write("_base.yaml", HEAD)
    assert told_of(project, "{name: a, steps: [{spec: _base.yaml}]}") == [
        "11:28-38 error[bad-value] '_base.yaml' is a base for specs, not a spec itself (name a spec that extends it)"
    ]


def test_a_vars_file_is_held_against_the_declarations_and_shows_no_value(project: Project) -> None:
    project.write("vars.yaml", "user: [hunter2]\namuont: hunter2\npin: 5\n")
    found = project.load(f"{TESTS}- {{name: a, vars_file: vars.yaml}}\n- {{name: b, vars_file: vars.yaml}}\n").problems
    told = [(p.code, Path(p.position.path).name, p.position.line, p.position.text) for p in found if p.position]
    assert sorted(set(told)) == [
        ("unknown-variable", "vars.yaml", 2, "amuont"),
        ("var-schema", "vars.yaml", 1, ""),
        ("var-schema", "vars.yaml", 3, ""),
    ]
    assert not any("hunter2" in str(problem) for problem in found)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- 5\n", "vars.yaml:1:1-2 error[wrong-type] a vars file is a map of names to values (such as `user: u1`; pass a list of maps as rows, with --rows)"),
        ("user: [\n", "vars.yaml:2:1-2 error[yaml-syntax] the file ends inside [ ] or { } (close what is open; ' #' begins a comment)"),
    ],
)  # fmt: skip
def test_a_vars_file_that_is_none_is_told_once(project: Project, content: str, told: str) -> None:
    project.write("vars.yaml", content)
    assert told_of(project, "{name: a, vars_file: vars.yaml}", "{name: b, vars_file: vars.yaml}") == [told]


def test_a_vars_file_gives_secrets_too(project: Project) -> None:
    project.write("vars.yaml", "pin: one\n")
    loaded = project.load(
        TESTS + "- {name: a, vars_file: vars.yaml, vars: {pin: two}, parametrize: [{id: x, pin: three}],\n"
        "   steps: [{vars: {pin: four}, rows: [{pin: five}]}]}\n- {name: b, rows: [{pin: six}]}\n"
    )
    assert loaded.problems == ()
    assert set(loaded.secrets) == {"s3cr3t", "one", "two", "three", "four", "five", "six"}


def test_a_case_by_the_name_of_another_one_s_set_is_told(project: Project) -> None:
    assert told_of(project, "{name: a, parametrize: [{amount: 1}]}", "{name: 'a[1]'}") == [
        "12:10-16 error[duplicate-case] there are two cases 'a[1]' (the first is on line 11)"
    ]


def test_where_an_error_is_expected_all_that_is_given_may_break_its_declaration(project: Project) -> None:
    project.write("vars.yaml", "amount: -1\n")
    expect = "expect: {error: {code: var-schema}}"
    assert told_of(
        project,
        f"{{name: a, vars_file: vars.yaml, vars: {{user: 5}}, parametrize: [{{amount: x}}], rows: [{{user: 5}}], {expect}}}",
        f"{{name: b, vars: {{amount: -1}}, steps: [{{}}, {{vars: {{user: 5}}, {expect}}}]}}",
    ) == []  # fmt: skip
    assert told_of(project, f"{{name: b, steps: [{{vars: {{amount: -1}}}}, {{{expect}}}]}}") == [
        "11:37-39 error[var-schema] variable 'amount': -1 is less than the minimum of 0 @vars.amount"
    ]


@pytest.mark.parametrize(
    "case",
    [
        "parametrize: [" + "{id: x}, " * 1000 + "], steps: [" + "{}, " * 1001 + "]",
        "vars_file: vars.json, rows: [" + "{}, " * 5000 + "]",
        "vars_file: vars.json, steps: [" + "{}, " * 5000 + "]",
    ],
)
def test_cases_that_would_fill_the_memory_are_refused(project: Project, case: str) -> None:
    project.write("vars.json", json.dumps({f"v{number}": 1 for number in range(200)}))
    start = time.process_time()
    loaded = project.load(f"{TESTS}- {{name: a, {case}}}\n")
    [told] = [problem.message for problem in loaded.problems if "all events" in problem.message]
    assert told.startswith("all events of the cases together have 1,00")
    assert loaded.spec is None
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("properties.at", []),
        ("$insert_id", []),
        ("properties.items[0].id", []),
        (
            "amount",
            ["11:12-20 error[bad-value] an event has no 'amount' (did you mean 'properties.amount'?) @volatile"],
        ),
        (
            "propertie.a",
            ["11:12-25 error[bad-value] an event has no 'propertie' (did you mean 'properties'?) @volatile"],
        ),
    ],
)
def test_a_volatile_way_leads_into_an_event(project: Project, way: str, told: list[str]) -> None:
    assert told_of_volatile(project, way) == [line.replace("11:", "10:") for line in told]


def told_of_volatile(project: Project, way: str) -> list[str]:
    return [line.removeprefix("spec.yaml:") for line in project.problems(f"{HEAD}volatile: ['{way}']\n")]


def test_a_base_tells_what_is_volatile_and_has_no_cases_for_others(project: Project) -> None:
    project.write("_base.yaml", HEAD + "volatile: [properties.pin]\ntests: [{name: base}]\n")
    [case] = project.spec("version: 1\nextends: _base.yaml\ntests: [{name: a}]\n").cases
    assert (case.name, case.volatile) == ("a", ("properties.pin",))


def test_the_sandbox_of_a_case_has_the_form_of_the_profiles_one() -> None:
    config = json.loads(Path(runner.config.__file__).with_name("config.schema.json").read_text("utf-8"))
    ours = document()["$defs"]["sandbox"]
    assert without_examples(ours) == without_examples(config["properties"]["sandbox"])


def without_examples(schema: Any) -> Any:
    if isinstance(schema, list):
        return [without_examples(item) for item in schema]
    if isinstance(schema, dict):
        return {key: without_examples(item) for key, item in schema.items() if key != "examples"}
    return schema


def test_an_expected_error_must_have_a_code_that_there_is(project: Project) -> None:
    assert told_of(
        project,
        "{name: a, expect: {error: {code: var-shema}}}",
        "{name: b, steps: [{expect: {error: {code: no-such-thing}}}]}",
        "{name: c, expect: {error: {code: template-undefined}}}",
    ) == [
        "11:36-45 error[bad-value] there is no problem code 'var-shema' (did you mean 'var-schema'?) @error.code",
        "12:45-58 error[bad-value] there is no problem code 'no-such-thing' (`runner explain` lists them all) @error.code",
    ]
