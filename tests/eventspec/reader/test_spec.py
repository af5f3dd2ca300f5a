"""A file becomes a spec, or every problem that it has, each at its place."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from runner.errors import NotFound
from runner.eventspec import load
from tests.eventspec.reader.conftest import HEAD, RESERVED

if TYPE_CHECKING:
    from tests.projects import Project

FULL = """\
version: 1
name: purchase
description: A customer paid.
labels: [checkout, smoke]
x-owner: {team: billing}
vars:
  user: {type: string, description: who}
  order_id: {type: string, pattern: "^[0-9]+$", default: "1001", x-note: mine}
  token: {type: string, env: TOKEN, secret: true}
event: product_purchased
distinct_id: "{{ user }}"
tenant_id: acme
idempotency_key: "{{ user }}-{{ order_id }}"
properties: {token: "{{ token }}"}
attachments:
  - https://files.example.com/{{ order_id }}.pdf
  - {url: "https://files.example.com/t.pdf", filename: t.pdf, ignore_if_error: true}
schema: {required: [token]}
tests:
  - name: one
    vars: {user: u1, token: t}
    now: "2026-01-02T04:04:05+01:00"
    expect: {event: {}, exact: false, response: {success: true}, max_bytes: 9, golden: g.json}
    x-why: because
  - {name: two}
"""


def test_a_full_spec_is_read_whole(project: Project) -> None:
    project.write("runner.yaml", "env_allowed: [TOKEN]\n")
    assert project.problems(FULL) == []
    spec = project.spec(FULL)
    assert (spec.name, spec.labels) == ("purchase", ("checkout", "smoke"))
    assert [(v.name, v.required, v.env, v.is_secret) for v in spec.variables] == [
        ("user", True, None, False), ("order_id", False, None, False), ("token", True, "TOKEN", True),
    ]  # fmt: skip
    assert (spec.auto_key, spec.has_key) == (False, True)
    assert [(case.name, case.now, {key: value.value for key, value in case.vars.items()}) for case in spec.cases] == [
        ("one", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), {"user": "u1", "token": "t"}),
        ("two", None, {}),
    ]


def test_three_lines_are_a_spec_named_by_its_file(project: Project) -> None:
    spec = project.spec(HEAD, "sub/order.placed.yaml")
    assert (spec.name, spec.labels, spec.variables, spec.cases) == ("order.placed", (), (), ())
    assert (spec.auto_key, spec.has_key, spec.schema) == (True, True, None)


@pytest.mark.parametrize(
    ("line", "auto", "has"),
    [("", True, True), ("idempotency_key: auto\n", True, True), ("idempotency_key: null\n", False, False),
     ("idempotency_key: k-1\n", False, True)],
)  # fmt: skip
def test_the_key_is_automatic_off_or_a_template(project: Project, line: str, auto: bool, has: bool) -> None:
    spec = project.spec(HEAD + line)
    assert (spec.auto_key, spec.has_key) == (auto, has)


def test_a_missing_file_is_not_found(project: Project) -> None:
    with pytest.raises(NotFound):
        load(project.root / "none.yaml", project.root)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "1:1-2 error[empty-file] the file is empty (`runner schema` prints the format)"),
        ("# c\n", "1:1-2 error[empty-file] the file is empty (`runner schema` prints the format)"),
        ("[1]\n", "1:1-2 error[not-a-spec] a spec is a map with an `event:`, not a list"),
        ("text\n", "1:1-5 error[not-a-spec] a spec is a map with an `event:`, not text"),
    ],
)
def test_what_is_no_map_is_no_spec(project: Project, content: str, told: str) -> None:
    assert project.problems(content) == [f"spec.yaml:{told}"]


def test_a_file_that_yaml_refuses_gives_the_refusal_alone(project: Project) -> None:
    assert project.problems(HEAD + "properties: {a: {{ x }} }\n") == [
        (
            "spec.yaml:4:17-19 error[template-unquoted] YAML reads an unquoted {{ … }} as a map "
            '(put the whole value in quotes: "{{ … }}")'
        )
    ]


def test_every_missing_key_is_told(project: Project) -> None:
    assert project.problems("description: x\n") == [
        "spec.yaml:1:1-2 error[missing-key] missing key 'version' (add the line `version: 1`) @version",
        "spec.yaml:1:1-2 error[missing-key] missing key 'event' @event",
        "spec.yaml:1:1-2 error[missing-key] missing key 'distinct_id' @distinct_id",
    ]


@pytest.mark.parametrize("slip", ["evnt", "Event", "vent", "events"])
def test_a_misspelt_key_is_not_told_as_a_missing_one_too(project: Project, slip: str) -> None:
    assert project.problems(f"version: 1\n{slip}: order_placed\ndistinct_id: u1\n") == [
        f"spec.yaml:2:1-{len(slip) + 1} error[unknown-key] unknown key '{slip}' (did you mean 'event'?) @{slip}"
    ]


RESERVED_EVENT = "(names that begin with $ or ss_ are reserved for the platform)"
WEB = "(the platform fetches attachments itself: use a public http(s) URL)"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("evnt: x", ["1-5 error[unknown-key] unknown key 'evnt' (did you mean 'event'?) @evnt"]),
        ("tenant_id: 5",
         ["12-13 error[wrong-type] 'tenant_id' must be text, not a number (quote it: \"5\") @tenant_id"]),
        ("tenant_id: true",
         ["12-16 error[wrong-type] 'tenant_id' must be text, not a boolean @tenant_id"]),
        ("tenant_id: null", ["12-16 error[wrong-type] 'tenant_id' must be text, not null @tenant_id"]),
        ("properties: [1]", ["13-14 error[wrong-type] 'properties' must be text or a map, not a list (such as properties: {amount: '{{ amount }}', spend_amount: '${{ amount }}'}) @properties"]),
        ("labels: [ok, 5]", ['14-15 error[wrong-type] the value must be text, not a number (quote it: "5") @labels[1]']),
        ("tests: {a: 1}", ["8-9 error[wrong-type] 'tests' must be a list, not a map (such as tests: [{name: a premium purchase, vars: {amount: 1500}, expect: {event: {properties: {premium: true}}}}]) @tests"]),
        ("vars:", ["6-7 error[wrong-type] 'vars' must be a map, not null (such as vars: {user: {type: string}, amount: {type: number, minimum: 0, default: 10}}) @vars"]),
        ("properties: {$x: 1, SS_y: 2, ok: 3, ss: 4}",
         [f"14-16 error[reserved-name] property '$x' is reserved {RESERVED} @properties.$x",
          f"21-25 error[reserved-name] property 'SS_y' is reserved {RESERVED} @properties.SS_y"]),
        ("properties: {deep: {ss_y: 2}}", []),
        ("properties: {deep: {$literal: {$x: '{{ y }}'}}}", []),
        ("properties: {deep: {$x: 1}}",
         ["21-23 error[directive] unknown directive '$x' (to send the key itself, put its map under $literal) @properties.deep"]),
        ("properties: {deep: {$fr: 1}}",
         ["21-24 error[directive] unknown directive '$fr' (did you mean '$for'? Or send the key itself: put its map under $literal) @properties.deep"]),
        ("tenant_id: a b",
         ["12-15 error[tenant-id] tenant_id 'a b' is not an id of a tenant (at most 64 letters, digits, _ and -) @tenant_id"]),
        ("brand_id: é",
         ["11-12 error[tenant-id] brand_id 'é' is not an id of a tenant (at most 64 letters, digits, _ and -) @brand_id"]),
        ("idempotency_key: ''",
         ["18-20 error[idempotency-key] the idempotency key is blank (it needs a character other than white space) @idempotency_key"]),
        ("attachments: [/tmp/a.pdf]",
         [f"15-25 error[attachment-url] '/tmp/a.pdf' is not an http(s) URL {WEB} @attachments[0].url"]),
        ("attachments: [{url: 'ftp://x/y'}]",
         [f"21-32 error[attachment-url] 'ftp://x/y' is not an http(s) URL {WEB} @attachments[0].url"]),
        ("attachments: ['HTTP://x/y', 'https://a/{{ x }}']", []),
        ("attachments: [5]",
         ["15-16 error[wrong-type] the value must be text or a map, not a number @attachments[0]"]),
        ("attachments: [{url: 'https://a/b', filname: x}]",
         ["36-43 error[unknown-key] unknown key 'filname' (did you mean 'filename'?) @attachments[0].filname"]),
        ("attachments: [{filename: x}]", ["15-16 error[missing-key] missing key 'url' @attachments[0].url"]),
        ("x-mine: {a: [1, {b: c}]}", []),
        ("properties: {a: '{{ x|uper }}'}",
         ["23-27 error[template-unknown-filter] there is no filter 'uper' (did you mean 'upper'?)"]),
        ("properties: {a: no}",
         ['17-19 warning[ambiguous-scalar] no is text here, but not to every YAML reader (write "no")']),
    ],
)  # fmt: skip
def test_a_fault_is_told_once_at_its_place(project: Project, line: str, told: list[str]) -> None:
    assert project.problems(f"{HEAD}{line}\n") == [f"spec.yaml:4:{one}" for one in told]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("$identify", []),
        ("$user_login", []),
        ("ssx", []),
        ("{{ anything }}", []),
        ("$x", [f"2:8-10 error[reserved-name] event name '$x' is reserved {RESERVED_EVENT} @event"]),
        ("SS_y", [f"2:8-12 error[reserved-name] event name 'SS_y' is reserved {RESERVED_EVENT} @event"]),
        ("x", ["2:8-9 error[event-name] the event's name 'x' is shorter than 2 characters @event"]),
    ],
)
def test_names_of_events_are_checked_where_they_are_constant(project: Project, name: str, told: list[str]) -> None:
    content = f"version: 1\nevent: {name if '{' not in name else repr(name)}\ndistinct_id: u1\n"
    assert project.problems(content) == [f"spec.yaml:{one}" for one in told]


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("tests: [{name: a, now: yesterday}]", 1),
        ("attachments: ['']", 1),
        ("vars: {a: {$ref: 'https://example.com/x'}}\nproperties: {a: '{{ a }}'}", 1),
        ("tenant_id: ''", 1),
        ("vars: {a: string}", 1),
        ("vars: {_a: {}}", 1),
    ],
)
def test_one_fault_is_one_report(project: Project, line: str, count: int) -> None:
    assert len(project.problems(f"{HEAD}{line}\n")) == count


@pytest.mark.parametrize("key", ["event", "distinct_id"])
def test_an_empty_text_is_one_report(project: Project, key: str) -> None:
    content = HEAD.replace(f"{key}: {'order_placed' if key == 'event' else 'u1'}", f"{key}: ''")
    assert len(project.problems(content)) == 1


def test_another_version_is_told_by_name(project: Project) -> None:
    (told,) = project.problems(HEAD.replace("version: 1", "version: 2"))
    assert told.startswith("spec.yaml:1:10-11 error[bad-value] ")
    assert "version" in told.removesuffix("@version")


def test_a_tenant_by_both_its_names_is_told(project: Project) -> None:
    assert project.problems(HEAD + "tenant_id: a\nbrand_id: b\n") == [
        "spec.yaml:5:1-9 error[tenant-twice] tenant_id and brand_id mean the same; a spec can have only one of them (keep tenant_id)"
    ]


def test_problems_come_in_the_order_of_the_file(project: Project) -> None:
    content = "version: 1\nevnt: x\nevent: ss_x\ndistinct_id: '{{ u|uper }}'\nproperties: {a: off}\nzzz: 1\n"
    assert [line.split(" ")[0] for line in project.problems(content)] == [
        "spec.yaml:2:1-5", "spec.yaml:3:8-12", "spec.yaml:4:20-24", "spec.yaml:5:17-20", "spec.yaml:6:1-4",
    ]  # fmt: skip


def test_a_warning_alone_leaves_a_spec(project: Project) -> None:
    assert project.load(HEAD + "properties: {a: no}\n").spec is not None
    assert project.load(HEAD + "evnt: 1\n").spec is None


@pytest.mark.parametrize("line", ["tests: off", "properties: on", "attachments: yes", "vars: {a: {secret: yes}}"])
def test_no_warning_hides_an_error_of_the_format(project: Project, line: str) -> None:
    loaded = project.load(f"{HEAD}{line}\n")
    assert loaded.spec is None
    assert {problem.severity for problem in loaded.problems} == {"error"}


@pytest.mark.parametrize(
    "content",
    [
        "properties: {a: '" + "{{ a|zz }}" * 5000 + "'}\nvars: {}\n",
        "properties: {a: '" + "".join(f"{{{{ user{n} }}}}" for n in range(3000)) + "'}\nvars: {"
        + ", ".join(f"uzer{n}: {{}}" for n in range(900)) + "}\n",
        "vars: {" + ", ".join(f"uzer{n}: {{}}" for n in range(500)) + "}\ntests: [{name: x, vars: {"
        + ", ".join(f"user{n}: 1" for n in range(500)) + "}}]\n",
        "".join(f"properti{n}: 1\n" for n in range(3000)),
    ],
    ids=["faults of one line", "undefined names", "variables of a case", "unknown keys"],
)  # fmt: skip
def test_thousands_of_faults_are_told_of_at_once(project: Project, content: str) -> None:
    start = time.process_time()
    loaded = project.load(HEAD + content)
    assert loaded.problems[-1].code == "too-many-problems"
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ("properties: [1]", "such as properties: {amount: '{{ amount }}', spend_amount: '${{ amount }}'}"),
        ("tests: [{name: a, expect: {response: 202}}]", "such as response: {success: true, status_code: 202}"),
        ("tests: [{name: a, expect: {error: var-schema}}]", "such as error: {code: var-schema, at: vars.order_id}"),
        ("labels: smoke", 'write a list: ["smoke"]'),
    ],
)
def test_what_has_the_wrong_type_comes_with_an_example(project: Project, lines: str, hint: str) -> None:
    assert [each.hint for each in project.load(f"{HEAD}{lines}\n").problems] == [hint]


def test_a_spec_without_a_version_is_told_what_to_add(project: Project) -> None:
    [told] = project.load("event: order_placed\ndistinct_id: u1\n").problems
    assert (told.code, told.hint) == ("missing-key", "add the line `version: 1`")
