"""A file becomes a spec, or every problem that it has, each at its place."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from runner.errors import InvalidInput, NotFound
from runner.eventspec import Occurrence, load, render
from tests.projects import Templates

if TYPE_CHECKING:
    from tests.projects import Project

HEAD = "version: 1\nevent: order_placed\ndistinct_id: u1\n"

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


RESERVED = "(keys that begin with $ or ss_ are reserved for the platform)"
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
        ("properties: [1]", ["13-14 error[wrong-type] 'properties' must be a map, not a list (such as properties: {amount: '{{ amount }}', spend_amount: '${{ amount }}'}) @properties"]),
        ("labels: [ok, 5]", ['14-15 error[wrong-type] the value must be text, not a number (quote it: "5") @labels[1]']),
        ("tests: {a: 1}", ["8-9 error[wrong-type] 'tests' must be a list, not a map (such as tests: [{name: a premium purchase, vars: {amount: 1500}, expect: {event: {properties: {premium: true}}}}]) @tests"]),
        ("vars:", ["6-7 error[wrong-type] 'vars' must be a map, not null (such as vars: {user: {type: string}, amount: {type: number, minimum: 0, default: 10}}) @vars"]),
        ("properties: {$x: 1, SS_y: 2, ok: 3, ss: 4}",
         [f"14-16 error[reserved-name] property '$x' is reserved {RESERVED} @properties.$x",
          f"21-25 error[reserved-name] property 'SS_y' is reserved {RESERVED} @properties.SS_y"]),
        ("properties: {deep: {$x: 1, ss_y: 2}}", []),
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


# Variables.


def test_a_name_that_is_not_declared_is_an_error_and_one_that_is_not_used_a_warning(project: Project) -> None:
    content = (
        HEAD + "vars:\n  order_id: {}\n  spare: {}\nproperties:\n  a: 'Order #{{ oder_id }}'\n  b: '{{ order_id }}'\n"
    )
    assert project.problems(content) == [
        "spec.yaml:6:3-8 warning[unused-variable] no template uses the variable 'spare' @vars.spare",
        "spec.yaml:8:17-24 error[template-undefined] variable 'oder_id' is not defined (did you mean 'order_id'?)",
    ]


def test_a_variable_that_is_misspelt_where_it_is_used_is_not_called_unused(project: Project) -> None:
    content = HEAD + "vars: {order_id: {}, user: {}}\nproperties: {a: '{{ oder_id }}', b: '{{ zzz }}'}\n"
    assert project.problems(content) == [
        "spec.yaml:4:22-26 warning[unused-variable] no template uses the variable 'user' @vars.user",
        "spec.yaml:5:21-28 error[template-undefined] variable 'oder_id' is not defined (did you mean 'order_id'?)",
        "spec.yaml:5:41-44 error[template-undefined] variable 'zzz' is not defined (known here: order_id, user)",
    ]


def test_an_empty_vars_declares_that_there_are_none(project: Project) -> None:
    assert project.problems(HEAD + "vars: {}\nproperties: {a: '{{ x }}'}\n") == [
        "spec.yaml:5:21-22 error[template-undefined] variable 'x' is not defined"
    ]


def test_without_vars_every_used_name_is_a_required_text(project: Project) -> None:
    content = (
        "version: 1\nevent: '{{ e }}_x'\ndistinct_id: '{{ user }}'\nproperties: {a: ['{{ user }}', {b: '{{ c.d }}'}]}\n"
    )
    spec = project.spec(content)
    assert [(v.name, v.required, v.schema_source) for v in spec.variables] == [
        (name, True, {"type": "string"}) for name in ("e", "user", "c")
    ]


def test_without_vars_a_guarded_name_is_optional(project: Project) -> None:
    content = HEAD + (
        "properties:\n"
        "  a: \"{{ one|default('x') }}\"\n"
        "  b: '{{ two is defined }}'\n"
        "  c: '{{ three if three is defined else 0 }}'\n"
        "  d: '{% if four is defined %}{{ four }}{% endif %}'\n"
        "  e: \"{{ five|default('x') }} {{ five }}\"\n"
    )
    assert [(v.name, v.required) for v in project.spec(content).variables] == [
        ("one", False), ("two", False), ("three", False), ("four", False), ("five", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("declaration", "told"),
    [
        ("{typ: string}", "12-15 error[unknown-key] unknown key 'typ' (did you mean 'type'?) @vars.a.typ"),
        ("{type: integer, default: x}",
         "36-37 error[var-schema] the default of 'a' breaks its own declaration: the value must be a whole number, not text @vars.a.default"),
        ("{type: string, default: 5}",
         "35-36 error[var-schema] the default of 'a' breaks its own declaration: the value must be text, not a number (quote it: \"5\") @vars.a.default"),
        ("{minimum: x}", "21-22 error[wrong-type] 'minimum' must be a number, not text @vars.a.minimum"),
        ("{items: {minimum: x}}", "29-30 error[bad-schema] 'minimum' must be a number, not text @vars.a"),
        ("{pattern: '('}", "21-24 error[bad-schema] 'pattern' is '(', which is not a regular expression @vars.a"),
        ("{$ref: '#/nowhere'}", "18-29 error[bad-schema] nothing stands at '#/nowhere' @vars.a"),
        ("{secret: 1}", "20-21 error[wrong-type] 'secret' must be true or false, not a number @vars.a.secret"),
        ("5", "11-12 error[wrong-type] 'a' must be a map, not a number (such as a: {type: string, env: PDF_TOKEN, secret: true}) @vars.a"),
    ],
)  # fmt: skip
def test_a_declaration_is_checked(project: Project, declaration: str, told: str) -> None:
    content = f"{HEAD}vars: {{a: {declaration}}}\nproperties: {{b: '{{{{ a }}}}'}}\n"
    assert project.problems(content) == [f"spec.yaml:4:{told}"]


def test_a_secret_default_is_in_no_message(project: Project) -> None:
    content = (
        HEAD + "vars: {a: {type: string, secret: true, pattern: '^x', default: hunter2}}\nproperties: {b: '{{ a }}'}\n"
    )
    (told,) = project.problems(content)
    assert "hunter2" not in told


# extends.

BASE = """\
version: 1
name: base
labels: [base]
event: base_event
distinct_id: "{{ user }}"
vars: {user: {type: string}, n: {type: integer, default: 1}}
properties: {a: "{{ n }}", b: 1, c: {d: 1}}
tests: [{name: of the base}]
"""


def test_vars_and_properties_merge_by_key_and_all_else_is_replaced(project: Project) -> None:
    project.write("_base.yaml", BASE)
    content = (
        "extends: _base.yaml\nevent: child_event\nlabels: [child]\nvars: {n: {type: integer, default: 7}, m: {default: 5}}\n"
        "properties: {b: '{{ m }}', c: {e: 2}, f: 3}\n"
    )
    assert project.problems(content) == []
    spec = project.spec(content)
    event = project.render(content, user="u1", n=7, m=5)
    assert (event.event_name, event.distinct_id) == ("child_event", "u1")
    assert event.properties == {"a": 7, "b": 5, "c": {"e": 2}, "f": 3}
    assert (spec.labels, {v.name: v.default for v in spec.variables}) == (("child",), {"user": None, "n": 7, "m": 5})


def test_name_and_tests_are_not_inherited(project: Project) -> None:
    project.write("_base.yaml", BASE)
    spec = project.spec("extends: _base.yaml\n", "child.yaml")
    assert (spec.name, spec.cases, spec.labels) == ("child", (), ("base",))


@pytest.mark.parametrize("content", ["extends: _base.yaml\nproperties: {}\n", "extends: _base.yaml\nvars: {}\n"])
def test_an_empty_map_merges_as_any_other(project: Project, content: str) -> None:
    project.write("_base.yaml", BASE)
    assert project.problems(content) == []
    assert project.render(content, user="u1", n=1).properties == {"a": 1, "b": 1, "c": {"d": 1}}


def test_a_chain_of_bases_is_followed_each_from_its_own_folder(project: Project) -> None:
    project.write("shared/deep/_root.yaml", BASE)
    project.write("shared/_middle.yaml", "extends: deep/_root.yaml\nproperties: {b: 2}\n")
    content = "extends: ../shared/_middle.yaml\nproperties: {a: 1}\n"
    assert project.problems(content, "specs/s.yaml") == []
    project.write("specs/s.yaml", content)
    spec = load(project.root / "specs/s.yaml", project.root).spec
    assert spec is not None
    properties = spec.root.get("properties")
    assert properties is not None
    assert properties.plain() == {"a": 1, "b": 2, "c": {"d": 1}}


def test_a_problem_points_into_the_file_that_its_value_came_from(project: Project) -> None:
    project.write("_base.yaml", BASE.replace("b: 1", "b: '{{ oops }}', $x: 1").replace("labels", "lables"))
    assert project.problems("extends: _base.yaml\nproperties: {ss_y: 1}\n") == [
        "_base.yaml:3:1-7 error[unknown-key] unknown key 'lables' (did you mean 'labels'?) @lables",
        "_base.yaml:7:35-39 error[template-undefined] variable 'oops' is not defined (known here: n, user)",
        f"_base.yaml:7:45-47 error[reserved-name] property '$x' is reserved {RESERVED} @properties.$x",
        f"spec.yaml:2:14-18 error[reserved-name] property 'ss_y' is reserved {RESERVED} @properties.ss_y",
    ]


def test_an_unused_variable_of_a_base_is_no_warning(project: Project) -> None:
    project.write("_base.yaml", BASE)
    assert project.problems("extends: _base.yaml\nproperties: {a: 0}\n") == []


@pytest.mark.parametrize(
    ("base", "told"),
    [
        (
            "",
            "_base.yaml:1:1-2 error[empty-file] the file is empty (`runner schema` prints the format)",
        ),
        ("[1]\n", "_base.yaml:1:1-2 error[not-a-spec] a spec is a map with an `event:`, not a list"),
        ("a: 'x\n", "_base.yaml:1:4-5 error[yaml-syntax] the quote that opens here is never closed"),
    ],
)
def test_a_base_that_is_no_spec_is_told_in_its_own_file(project: Project, base: str, told: str) -> None:
    project.write("_base.yaml", base)
    assert project.problems("extends: _base.yaml\n") == [told]


def test_a_spec_that_extends_itself_is_told(project: Project) -> None:
    assert project.problems("extends: spec.yaml\n") == [
        "spec.yaml:1:10-19 error[extends-cycle] the spec extends itself: spec.yaml → spec.yaml"
    ]


def test_a_cycle_is_told_where_it_closes(project: Project) -> None:
    project.write("_a.yaml", "extends: ./_b.yaml\n")
    project.write("_b.yaml", "extends: _a.yaml\n")
    assert project.problems("extends: _a.yaml\n") == [
        "_b.yaml:1:10-17 error[extends-cycle] the spec extends itself: spec.yaml → _a.yaml → _b.yaml → _a.yaml"
    ]


OUTSIDE = "lies outside the project (files that a spec names must lie in the project's folder 'proj')"


@pytest.mark.parametrize("key", ["extends", "schema"])
@pytest.mark.parametrize("path", ["../x.yaml", "../../x.yaml", "sub/../../x.yaml", "/etc/passwd", "../proj2/x.yaml"])
def test_a_path_that_leaves_the_project_is_refused(project: Project, key: str, path: str) -> None:
    project.write("../x.yaml", BASE)
    column = len(key) + 3
    assert project.problems(f"{HEAD}{key}: {path}\n") == [
        f"spec.yaml:4:{column}-{column + len(path)} error[path-outside] '{path}' {OUTSIDE}"
    ]


def test_a_link_that_leaves_the_project_is_refused(project: Project) -> None:
    target = project.write("../x.yaml", BASE)
    (project.root / "link.yaml").symlink_to(target)
    assert project.problems(HEAD + "extends: link.yaml\n") == [
        f"spec.yaml:4:10-19 error[path-outside] 'link.yaml' {OUTSIDE}"
    ]


@pytest.mark.parametrize("key", ["extends", "schema"])
def test_a_file_that_is_not_there_is_told_where_it_is_named(project: Project, key: str) -> None:
    (told,) = project.problems(f"{HEAD}{key}: nope.yaml\n")
    column = len(key) + 3
    assert told.startswith(f"spec.yaml:4:{column}-{column + 9} error[file-not-found] no such file: ")


@pytest.mark.parametrize("key", ["extends", "schema"])
@pytest.mark.parametrize(
    ("given", "meant"),
    [("bsae.yaml", "base.yaml"), ("bases/base.yaml", None), ("sub/bsae.yaml", "sub/base.yaml"), ("zzz.yaml", None)],
)
def test_a_file_that_is_not_there_comes_with_the_one_probably_meant(
    project: Project, key: str, given: str, meant: str | None
) -> None:
    project.write("base.yaml", HEAD)
    project.write("sub/base.yaml", HEAD)
    column = len(key) + 3
    hint = f" (did you mean {project.root / meant}?)" if meant else ""
    assert project.problems(f"{HEAD}{key}: {given}\n") == [
        f"spec.yaml:4:{column}-{column + len(given)} error[file-not-found] no such file: {project.root / given}{hint}"
    ]


@pytest.mark.parametrize("key", ["extends", "schema"])
def test_a_folder_is_told_where_it_is_named(project: Project, key: str) -> None:
    (told,) = project.problems(f"{HEAD}{key}: .\n")
    column = len(key) + 3
    assert told.startswith(f"spec.yaml:4:{column}-{column + 1} error[file-not-found] a folder, not a file: ")


@pytest.mark.parametrize("key", ["extends", "schema"])
@pytest.mark.parametrize("path", ['"a\\0b"', "x" * 300, "spec.yaml/x"], ids=["null byte", "too long", "below a file"])
def test_a_path_that_no_file_can_have_is_a_problem_and_no_crash(project: Project, key: str, path: str) -> None:
    (told,) = project.problems(f"{HEAD}{key}: {path}\n")
    assert told.startswith(f"spec.yaml:4:{len(key) + 3}-")


# schema.


def test_a_schema_may_stand_inline_or_in_a_file_of_either_format(project: Project) -> None:
    project.write("schemas/s.json", '{"required": ["a"]}')
    project.write("schemas/s.yaml", "required: [a]\n")
    for source in ("{required: [a]}", "schemas/s.json", "schemas/s.yaml"):
        schema = project.spec(f"{HEAD}properties: {{a: 1}}\nschema: {source}\n").schema
        assert schema is not None
        assert [fault.message for fault in schema.faults({})] == ["missing key 'a'"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"properties": {"a": {"minimum": "x"}}}',
         "1:34-37 error[bad-schema] this is not a JSON Schema: 'minimum' must be a number, not text @schema"),
        ("[1]", "1:1-2 error[bad-schema] this is not a JSON Schema: a JSON Schema is a map or a boolean, not a list @schema"),
        ('{"type": ', "1:10-11 error[json-syntax] a JSON value is missing here"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_schema_is_told_in_its_own_file(project: Project, content: str, told: str) -> None:
    project.write("s.json", content)
    assert project.problems(HEAD + "schema: s.json\n") == [f"s.json:{told}"]


def test_an_inline_schema_that_is_none_is_told_at_its_part(project: Project) -> None:
    (told,) = project.problems(HEAD + "schema: {properties: {a: {type: strin}}}\n")
    assert told.startswith("spec.yaml:4:33-38 error[bad-schema] this is not a JSON Schema: ")


def test_an_empty_file_is_no_schema(project: Project) -> None:
    project.write("s.yaml", "")
    assert len(project.problems(HEAD + "schema: s.yaml\n")) == 1


def test_a_schema_that_points_outside_itself_is_refused(project: Project) -> None:
    assert project.problems(HEAD + "schema: {$ref: 'https://example.com/x.json'}\n") == [
        (
            "spec.yaml:4:16-44 error[bad-schema] this is not a JSON Schema: 'https://example.com/x.json' lies outside the schema "
            "(put what it refers to under $defs: references out of the schema are never followed) @schema"
        )
    ]


# Cases.


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
        ("{$ref: '#/nowhere'}", "18-29 error[bad-schema] nothing stands at '#/nowhere' @vars.a"),
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


@pytest.mark.parametrize("line", ["tests: off", "properties: on", "attachments: yes", "vars: {a: {secret: yes}}"])
def test_no_warning_hides_an_error_of_the_format(project: Project, line: str) -> None:
    loaded = project.load(f"{HEAD}{line}\n")
    assert loaded.spec is None
    assert {problem.severity for problem in loaded.problems} == {"error"}


@pytest.mark.parametrize("key", ["schema", "extends"])
def test_a_folder_is_not_suggested_for_itself(project: Project, key: str) -> None:
    [problem] = project.load(f"{HEAD}{key}: .\n").problems
    assert (problem.message.startswith("a folder, not a file: "), problem.hint) == (True, None)


def test_a_variable_whose_declaration_is_no_map_is_declared_all_the_same(project: Project) -> None:
    content = HEAD + "vars: {a: 5}\nproperties: {b: '{{ a }}'}\ntests: [{name: one, vars: {a: 5}}]\n"
    assert project.problems(content) == [
        "spec.yaml:4:11-12 error[wrong-type] 'a' must be a map, not a number (such as a: {type: string, env: PDF_TOKEN, secret: true}) @vars.a"
    ]


@pytest.mark.parametrize("now", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-01:00"])
def test_an_instant_beyond_the_calendar_is_told(project: Project, now: str) -> None:
    [told] = project.problems(f"{HEAD}tests: [{{name: x, now: '{now}'}}]\n")
    assert f"error[bad-value] '{now}' is not an instant (for example 2026-01-02T03:04:05Z)" in told


def test_the_profiles_are_no_file_of_a_spec(project: Project) -> None:
    project.write("runner.yaml", "profiles: {}\n")
    told = [line.partition(" ")[2] for line in project.problems(f"{HEAD}schema: runner.yaml\n")]
    assert told == ["error[bad-value] 'runner.yaml' holds profiles, and belongs to no spec"]


def test_a_url_is_no_path(project: Project) -> None:
    told = [line.partition(" ")[2] for line in project.problems(f"{HEAD}schema: https://example.com/s.json\n")]
    assert told == [
        "error[path-outside] 'https://example.com/s.json' is a URL, and nothing is fetched (save the file in the project)"
    ]


def test_one_base_is_one_file_by_whichever_way_it_is_named(project: Project) -> None:
    project.write("_base.yaml", "properties: {a: '{{ a | uper }}'}\n")
    places = set()
    for name in ("x/a.yaml", "y/a.yaml"):
        [problem] = project.load(f"{HEAD}extends: ../_base.yaml\n", name).problems
        places.add(problem.position and problem.position.path)
    assert len(places) == 1


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


def test_a_way_back_out_of_a_link_reads_the_file_that_was_checked(project: Project) -> None:
    (project.root / "x" / "y" / "z").mkdir(parents=True)
    (project.root / "specs").mkdir()
    (project.root / "specs" / "deep").symlink_to(project.root / "x" / "y" / "z")
    project.write("o.yaml", "properties: {inside: 1}\n")
    (project.root.parent / "o.yaml").write_text("properties: {outside: 1}\n", "utf-8")
    loaded = project.load(f"{HEAD}extends: deep/../../../o.yaml\n", "specs/a.yaml")
    assert loaded.spec is not None
    assert list(loaded.spec.root.entries["properties"].entries) == ["inside"]


def test_a_link_to_a_file_of_another_kind_is_refused(project: Project) -> None:
    project.write(".env", "TOKEN: s3cr3t\n: [\n")
    (project.root / "s.yaml").symlink_to(project.root / ".env")
    [told] = project.problems(f"{HEAD}schema: s.yaml\n")
    assert "error[bad-value] 's.yaml' is neither YAML nor JSON by its name" in told


@pytest.mark.parametrize("target", [".env", ".secrets.yaml", "runner.yaml", "secrets.txt", ".hidden/secrets.yaml"])
def test_a_spec_that_is_a_link_to_a_file_of_another_kind_is_not_read(project: Project, target: str) -> None:
    project.write(target, "password: hunter2\n: [")
    link = project.root / "specs" / "env.yaml"
    link.parent.mkdir()
    link.symlink_to(project.root / target)
    [problem] = load(link, project.root).problems
    assert (problem.code, problem.message) == ("not-a-spec", f"{link} is a link to what is no spec by its name")
    assert problem.position is None


@pytest.mark.parametrize(
    "use",
    [
        "extends: link.yaml\n",
        "schema: link.yaml\n",
        "tests: [{name: a, vars_file: link.yaml}]\n",
        "tests: [{name: a, steps: [{spec: link.yaml}]}]\n",
        "tests: [{name: a, sandbox: {schemas: {ab: link.yaml}}}]\n",
        "tests: [{name: a, rows: link.csv}]\n",
        "tests: [{name: a, parametrize: link.csv}]\n",
        "tests: [{name: a, expect: {golden: link.json}}]\n",
    ],
)
@pytest.mark.parametrize("target", [".env", ".git/secrets", "runner.yaml", "key.pem"])
def test_no_file_that_a_spec_names_may_be_a_link_to_one_of_another_kind(
    project: Project, use: str, target: str
) -> None:
    project.write(target, "password: hunter2\n")
    for suffix in ("yaml", "csv", "json"):
        (project.root / f"link.{suffix}").symlink_to(project.root / target)
    told = [problem for problem in project.load(HEAD + use).problems if problem.severity == "error"]
    assert [problem.code for problem in told] == ["bad-value"]
    assert "hunter2" not in repr(told)


@pytest.mark.parametrize("suffix", ["yaml", "csv", "json"])
def test_a_link_into_a_hidden_folder_is_refused_and_a_hidden_folder_that_is_named_is_not(
    project: Project, suffix: str
) -> None:
    uses = {"yaml": "schema: {}\n", "csv": "tests: [{{name: a, rows: {}}}]\n", "json": "schema: {}\n"}
    project.write(f".hidden/file.{suffix}", "{}" if suffix != "csv" else "\n")
    (project.root / f"link.{suffix}").symlink_to(project.root / f".hidden/file.{suffix}")
    assert [problem.code for problem in project.load(HEAD + uses[suffix].format(f"link.{suffix}")).problems] == [
        "bad-value"
    ]
    assert project.load(HEAD + uses[suffix].format(f".hidden/file.{suffix}")).problems == ()


UNRENDERED = """version: 1
{more}vars: {{user: {{type: string}}, color: {{type: string{default}}}}}
event: order_placed
distinct_id: "{{{{ user }}}}"
properties: {{c: "{{{{ color }}}}", {entry}}}
"""


def unrendered(project: Project, entry: str = "b: 1", default: str = "", more: str = "") -> list[str]:
    found = project.load(UNRENDERED.format(entry=entry, default=default, more=more)).problems
    return [f"{problem.severity} {problem.message}" for problem in found if problem.code == "template-not-rendered"]


@pytest.mark.parametrize("entry", ['"{{ color }}_shirt": 1', 'deep: [{"a{% if color %}b{% endif %}": 1}]'])
def test_a_template_in_a_key_is_an_error(project: Project, entry: str) -> None:
    assert unrendered(project, entry) == ["error a key is not rendered: it would go out with its braces"]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("description: 'To {{ user }}'\n", "a description"),
        ("name: 'to {{ user }}'\n", "this text"),
        ("schema: {properties: {c: {const: '{{ color }}'}}}\n", "a text of a schema"),
        ("tests: [{name: a, vars: {user: u, color: '{{ user }}'}}]\n", "a text of a case"),
        ("tests: [{name: a, vars: {user: u, color: c}, expect: {event: {event: '{{ color }}_placed'}}}]\n", "a text of a case"),
    ],
)  # fmt: skip
def test_a_template_where_nothing_is_rendered_is_told(project: Project, more: str, what: str) -> None:
    assert unrendered(project, more=more) == [f"warning {what} is not rendered: the braces stay as they are"]


def test_a_template_in_a_default_is_told(project: Project) -> None:
    told = ["warning a default is not rendered: the braces stay as they are"]
    assert unrendered(project, default=", default: '{{ now() }}'") == told
    assert unrendered(project, default=", description: 'like {{ x }}'") == [told[0].replace("default", "description")]


@pytest.mark.parametrize("name", ["user", "USER", "nobody"])
@pytest.mark.parametrize(
    "form", ["${{{}}}", "${}", "%{}%", "{{ {} }}", "{{ {{ {} }} }}", "{{{}}}", "{{\u201c{}\u201d}}", "<%= {} %>"]
)
def test_a_template_of_another_tool_is_told(project: Project, form: str, name: str) -> None:
    text = form.format(name)
    told = [f"warning '{text}' is no template: it goes out as it stands"] * (text != "$nobody")
    for whole in (f"Dear {text},", text, f"{{{{ user }}}} {text}", f"{text}{{% if user %}}x{{% endif %}}"):
        assert unrendered(project, f"b: {json.dumps(whole, ensure_ascii=False)}") == told
    assert unrendered(project, f"{json.dumps(f'a {text}', ensure_ascii=False)}: 1") == told


@pytest.mark.parametrize(
    "text",
    ["${{ user }}", "$10", "5 $", "100% of a, 50% of b", "https://x.example/%C3%A9%20", "{{ '${USER}' }}", "{}", '{"a": 1}',
     "{% raw %}${USER}{% endraw %}", "{{ {'user': user} | tojson }}", "{{ now().strftime('%Y%m%d') }}", "a{1,3}", "{# $USER #}x"],
)  # fmt: skip
def test_other_texts_are_no_templates_of_other_tools(project: Project, text: str) -> None:
    assert unrendered(project, f"b: {json.dumps(text)}") == []


def test_a_name_in_braces_without_quotes_is_a_map(project: Project) -> None:
    assert unrendered(project, "b: { user }") == ["warning this is a map with an empty key, not a template"]
    assert unrendered(project, "b: { user: null }") == []
    assert unrendered(project, "b: {user: }") == []


@pytest.mark.parametrize(
    "name", ["none", "None", "true", "True", "false", "False", "not", "now", "range", "uuid4", "uuid5", "self", "loop"]
)
def test_a_variable_may_not_have_a_name_that_means_something_else(project: Project, name: str) -> None:
    spec = f"version: 1\nvars: {{{name}: {{default: x}}}}\nevent: order_placed\ndistinct_id: u1\n"
    [told] = [each for each in project.load(spec.replace(name, f'"{name}"')).problems if each.severity == "error"]
    assert (told.code, told.at) == ("reserved-name", f"vars.{name}")
    assert told.message == f"'{name}' can't be the name of a variable: it has another meaning in templates"


@pytest.mark.parametrize("name", ["NONE", "nil", "null", "if", "items", "looped", "event"])
def test_any_other_name_is_a_variable_s(project: Project, name: str) -> None:
    spec = f"version: 1\nvars: {{\"{name}\": {{type: string}}}}\nevent: order_placed\ndistinct_id: '{{{{ {name} }}}}'\n"
    event = render(project.spec(spec), {name: "u1"}, Occurrence(Templates.seed, 0, Templates.now))
    assert event.distinct_id == "u1"


def lost(project: Project, template: str) -> list[str]:
    spec = f"version: 1\nevent: order_placed\ndistinct_id: u1\nproperties: {{a: {json.dumps(template)}}}\n"
    found = project.load(spec).problems
    return [each.message.split("'")[1] for each in found if each.code == "template-set-lost"]


@pytest.mark.parametrize(
    "template",
    [
        "{% set t = 0 %}{% for i in v %}{% set t = t + i %}{% endfor %}{{ t }}",
        "{% set t = 0 %}{% for i in v %}{% if i %}{% set t = i %}{% endif %}{% endfor %}{{ t }}",
        "{% set t = 0 %}{% for i in v %}{{ t }}{% set t = i %}{% endfor %}",
        "{% for i in v %}{% set t = i %}{% endfor %}{{ t }}",
        "{% for i in v %}{% set t %}{{ t }}{{ i }}{% endset %}{% endfor %}",
        "{% set t = 0 %}{% for i in v %}{% for j in i %}{% set t = t + j %}{% endfor %}{% endfor %}{{ t }}",
        "{% for i in v %}{% set t = 0 %}{% for j in i %}{% set t = t + j %}{% endfor %}{{ t }}{% endfor %}",
        "{% set t = 0 %}{% with %}{% set t = 1 %}{% endwith %}{{ t }}",
        "{% set t = 0 %}{% filter upper %}{% set t = 1 %}{% endfilter %}{{ t }}",
        "{% for i in v %}{% else %}{% set t = 1 %}{% endfor %}{{ t }}",
        "{% set u, t = 0, 0 %}{% for i in v %}{% set u, t = 1, i %}{% endfor %}{{ t }}",
        "{% set t = true %}{% for i in v %}{% if not t %}, {% endif %}{{ i }}{% set t = false %}{% endfor %}",
    ],
)
def test_a_set_whose_value_is_lost_at_the_end_of_its_block_is_told(project: Project, template: str) -> None:
    assert lost(project, template) == ["t"]


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in v %}{% set t = i %}{{ t }}{% endfor %}",
        "{% set t = 0 %}{% for i in v %}{% set t = i %}{{ t }}{% endfor %}",
        "{% for i in v %}{% set t = i %}{{ t }}{% endfor %}{% set t = 0 %}{{ t }}",
        "{% if v %}{% set t = 1 %}{% endif %}{{ t }}",
        "{% for i in v %}{% if i %}{% set t = 1 %}{% else %}{% set t = 2 %}{% endif %}{{ t }}{% endfor %}",
        "{% for i in v %}{% set t = i %}{{ t }}{% endfor %}{% for t in v %}{{ t }}{% endfor %}",
        "{% set ns = namespace(t=0) %}{% for i in v %}{% set ns.t = ns.t + i %}{% endfor %}{{ ns.t }}",
        "{% with t = 1 %}{% set t = 2 %}{{ t }}{% endwith %}",
        "{% set t %}{% set u = 1 %}{{ u }}{% endset %}{{ t }}",
    ],
)
def test_a_set_whose_value_is_used_in_its_block_is_fine(project: Project, template: str) -> None:
    assert lost(project, template) == []


@pytest.mark.parametrize("written", ["1.10", "1E2", "-1e+02", "1.0", "100000000000000000000.0"])
@pytest.mark.parametrize(
    "place",
    [
        "vars: {{v: {{type: string, default: {}}}}}\n", "name: {}\n", "labels: [{}]\n", "properties: {{v: {}}}\nschema: {{properties: {{v: {{type: string}}}}}}\n",
        "vars: {{v: {{enum: ['{0}'], default: {0}}}}}\n", "vars: {{v: {{type: string}}}}\ntests: [{{name: a, vars: {{v: {}}}}}]\n",
    ],
)  # fmt: skip
def test_a_hint_quotes_a_number_as_it_is_written(project: Project, place: str, written: str) -> None:
    content = "version: 1\nevent: order_placed\ndistinct_id: u1\n" + place.format(written)
    loaded = project.load(content)
    problems = [*loaded.problems]
    if loaded.spec is not None:
        with pytest.raises(InvalidInput) as caught:
            render(loaded.spec, {}, Occurrence(Templates.seed, 0, Templates.now))
        problems = [*caught.value.problems]
    assert [each.hint for each in problems if each.severity == "error"] == [f'quote it: "{written}"']


@pytest.mark.parametrize(
    ("declaration", "hint"),
    [
        ("string", "write {type: string}"), ("integer", "write {type: integer}"),
        ("u1", "a variable is declared by a map, such as {type: string, default: …}"),
        ("{type: string, required: true}", "omit it: a variable without a default is required"),
        ("{type: string, required: false}", "omit it, and add a default to make the variable optional"),
        ("{type: string, optional: true}", "omit it: a variable with a default is optional"),
        ("{type: integer, min: 1}", "did you mean 'minimum'?"), ("{type: number, max: 1}", "did you mean 'maximum'?"),
        ("{type: string, min: 1}", "did you mean 'minLength'?"), ("{type: array, max: 1}", "did you mean 'maxItems'?"),
        ("{min: 1}", "did you mean 'minimum'?"), ("{type: string, minLenght: 1}", "did you mean 'minLength'?"),
        ("{type: string, regex: a}", "did you mean 'pattern'?"), ("{choices: [a]}", "did you mean 'enum'?"),
        ("{type: float}", "did you mean 'number'?"), ("{type: str}", "did you mean 'string'?"),
        ("{type: dict}", "did you mean 'object'?"), ("{type: date}", "write {type: string, format: date}"),
    ],
)  # fmt: skip
def test_a_declaration_of_another_format_comes_with_what_to_write(
    project: Project, declaration: str, hint: str
) -> None:
    content = f"version: 1\nvars: {{user: {declaration}}}\nevent: order_placed\ndistinct_id: '{{{{ user }}}}'\n"
    assert [each.hint for each in project.load(content).problems] == [hint]


def test_variables_as_a_list_come_with_what_to_write(project: Project) -> None:
    [told] = project.load("version: 1\nvars: [user]\nevent: order_placed\ndistinct_id: u1\n").problems
    assert told.hint == "write a map of names to declarations, such as user: {type: string}"


@pytest.mark.parametrize(
    "template",
    [
        "{% if v %}{% set x = 1 %}{% endif %}{{ x }}", "{% if v %}{% set x = 1 %}{% elif not v %}{% set x = 1 %}{% endif %}{{ x }}",
        "{% if v %}{% set x = 1 %}{% elif v %}{% else %}{% set x = 1 %}{% endif %}{{ x }}", "{% if v %}{{ x }}{% else %}{% set x = 1 %}{% endif %}",
    ],
)  # fmt: skip
def test_what_one_branch_does_not_set_is_not_defined_behind_them(project: Project, template: str) -> None:
    problems = project.load(f"{HEAD}vars: {{v: {{}}}}\nproperties: {{a: '{template}'}}\n").problems
    assert [(each.code, each.message) for each in problems] == [("template-undefined", "variable 'x' is not defined")]


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


def test_a_default_beyond_a_double_is_told_once(project: Project) -> None:
    for default in ("1e400", "[1, -1e400]"):
        content = f"version: 1\nvars: {{n: {{type: number, default: {default}}}}}\nevent: order_placed\ndistinct_id: '{{{{ n }}}}'\n"
        found = [each for each in project.load(content).problems if each.at != "vars.n.default" or "[" not in default]
        assert [each.code for each in found] == ["number-too-large"]


HANDLEBARS = ["{{#if x}}yes{{/if}}", "{{> footer}}", "{{{raw}}}", "{{^x}}no{{/x}}", "{{#each v}}{{this}}{{/each}}"]
GO = ["{{ .Values.x | quote }}", '{{ include "x" . }}', "{{ $x := 1 }}", "{{.a}}{{end}}", "{{- .a -}}"]


@pytest.mark.parametrize(("texts", "engine"), [(HANDLEBARS, "Handlebars"), (GO, "a template of Go")])
def test_templates_of_another_engine_are_told_once(project: Project, texts: list[str], engine: str) -> None:
    for some in (texts, *([text] for text in texts)):
        content = "version: 1\nevent: order_placed\ndistinct_id: '{{ nobody }}'\nvars: {}\n"
        content += json.dumps({"properties": dict(zip("abcde", some, strict=False))})[1:-1]
        found = [each for each in project.load(content).problems if each.code == "template-syntax"]
        more = "; 4 more texts are none either" if len(some) > 1 else ""
        assert [each.message for each in found] == [f"this is {engine}, not Jinja{more}"]


def test_very_many_texts_that_are_no_jinja_are_told_once(project: Project) -> None:
    texts = json.dumps({"properties": {f"p{number}": "{{ a b }}" for number in range(37)}})[1:-1]
    problems = project.load(f"version: 1\nevent: order_placed\ndistinct_id: u1\n{texts}").problems
    assert [each.message for each in problems] == [
        "this is no Jinja (the expression should end here, before 'b'); 36 more texts are none either"
    ]


def test_a_few_slips_are_told_each(project: Project) -> None:
    texts = json.dumps({"properties": {f"p{number}": "{{ a b }}" for number in range(10)}})[1:-1]
    assert len(project.load(f"version: 1\nevent: order_placed\ndistinct_id: u1\n{texts}").problems) == 10


@pytest.mark.parametrize(
    ("declaration", "good", "bad"),
    [
        ("$comment: why", 1, None), ("$id: 'urn:x', type: integer", 1, "x"), ("$anchor: a, items: {$ref: '#a'}", [[]], None),
        ("dependentSchemas: {a: {required: [b]}}", {"a": 1, "b": 1}, {"a": 1}),
        ("properties: {a: true}, unevaluatedProperties: false", {"a": 1}, {"b": 1}),
        ("prefixItems: [true], unevaluatedItems: false", [1], [1, 2]),
        ("contains: {const: 1}, minContains: 2", [1, 1], [1]), ("contains: {const: 1}, maxContains: 1", [1], [1, 1]),
        ("contentEncoding: base64, contentMediaType: text/plain, contentSchema: {type: string}", "x", None),
        ("readOnly: true, writeOnly: false", 1, None),
    ],
)  # fmt: skip
def test_a_declaration_takes_every_keyword_of_json_schema(
    project: Project, declaration: str, good: object, bad: object
) -> None:
    content = f"version: 1\nvars: {{v: {{{declaration}}}}}\nevent: order_placed\ndistinct_id: u1\nproperties: {{v: '{{{{ v }}}}'}}\n"
    [variable] = project.spec(content).variables
    assert variable.schema.accepts(good)  # type: ignore[arg-type]
    assert bad is None or not variable.schema.accepts(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["{{", "<%", "{ ", "${", "$", "%a", "{a", "<% a ", "{ {"])
def test_a_long_text_of_openings_is_read_at_once(project: Project, text: str) -> None:
    whole = json.dumps(text * (400_000 // len(text)))
    start = time.process_time()
    project.load(
        f"version: 1\nevent: order_placed\ndistinct_id: u1\ndescription: {whole}\nproperties: {{a: {whole}}}\n"
    )
    assert time.process_time() - start < 5


def test_a_default_that_another_tool_would_replace_is_told_and_no_part_of_one(project: Project) -> None:
    assert unrendered(project, default=", default: '${TOKEN}'") == [
        "warning '${TOKEN}' is no template: it goes out as it stands"
    ]
    assert unrendered(project, default=", secret: true, default: 'hunter$PART{word}'") == []
