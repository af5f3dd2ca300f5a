"""A spec and variables become an event that keeps the platform's rules, or the problems why not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from runner.errors import InvalidInput, RunnerError
from runner.eventspec import Occurrence
from runner.suprsend.encoding import encode
from runner.suprsend.event import Attachment

if TYPE_CHECKING:
    from runner.suprsend import Event
    from tests.projects import Project

HEAD = "version: 1\nevent: order_placed\ndistinct_id: u1\n"
SEED = UUID("00000000-0000-4000-8000-000000000001")
NOW = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)


def fields(event: Event) -> tuple[object, ...]:
    return (event.event_name, event.distinct_id, event.idempotency_key, event.tenant_id, event.brand_id)


def test_every_field_is_rendered(project: Project) -> None:
    content = (
        "version: 1\nvars: {u: {}, n: {}, flag: {}}\nevent: '{{ u }}_placed'\ndistinct_id: '{{ u }}'\ntenant_id: t-{{ n }}\n"
        "idempotency_key: '{{ u }}-{{ n }}'\nproperties: {a: '{{ n }}', b: ['{{ flag }}', 'n={{ n }}'], c: {d: null}}\n"
        "attachments:\n- https://x.example/{{ n }}.pdf\n"
        "- {url: 'https://x.example/a', filename: '{{ u }}.pdf', ignore_if_error: '{{ flag }}'}\n"
    )
    event = project.render(content, u="user", n=5, flag=True)
    assert fields(event) == ("user_placed", "user", "user-5", "t-5", None)
    assert event.properties == {"a": 5, "b": [True, "n=5"], "c": {"d": None}}
    assert event.attachments == (
        Attachment("https://x.example/5.pdf", None, False),
        Attachment("https://x.example/a", "user.pdf", True),
    )


def test_brand_id_goes_out_under_its_own_name(project: Project) -> None:
    assert fields(project.render(HEAD + "idempotency_key: null\nbrand_id: acme\n")) == (
        "order_placed", "u1", None, None, "acme",
    )  # fmt: skip


def test_an_integer_becomes_text_where_the_wire_wants_text(project: Project) -> None:
    content = "version: 1\nvars: {n: {}}\nevent: ev_{{ n }}\ndistinct_id: '{{ n }}'\ntenant_id: '{{ n }}'\nidempotency_key: '{{ n }}'\n"
    assert fields(project.render(content, n=42)) == ("ev_42", "42", "42", "42", None)


def test_an_automatic_key_depends_on_run_and_row_alone(project: Project) -> None:
    first, again, other = (project.render(HEAD, row=row).idempotency_key for row in (0, 0, 1))
    assert first == again == Occurrence(SEED, 0, NOW).key
    assert other == Occurrence(SEED, 1, NOW).key
    assert first != other
    assert str(UUID(first)) == first


def test_the_stamp_depends_on_run_and_row_and_its_time_on_the_instant() -> None:
    one = Occurrence(SEED, 0, NOW)
    assert one.stamp == Occurrence(SEED, 0, NOW).stamp
    assert one.stamp.time_ms == 1767323045678
    assert one.stamp.insert_id not in {one.key, Occurrence(SEED, 1, NOW).stamp.insert_id}


def test_uuid4_in_a_spec_is_the_same_for_the_same_row(project: Project) -> None:
    content = HEAD + "properties: {a: '{{ uuid4() }}', b: ['{{ uuid4() }}', '{{ uuid4() }}']}\n"
    first, again, other = (project.render(content, row=row).properties for row in (0, 0, 1))
    assert first == again
    assert first["a"] != other["a"]
    nested = first["b"]
    assert isinstance(nested, list)
    assert len({first["a"], *nested}) == 3


def test_a_value_can_not_change_the_structure(project: Project) -> None:
    content = HEAD + "vars: {x: {}}\nproperties:\n  a: '{{ x }}'\n"
    evil = '"}\n  $injected: {{ 7*7 }}\nb: [1'
    assert project.render(content, x=evil).properties == {"a": evil}


def test_every_undefined_name_is_told(project: Project) -> None:
    content = HEAD + "properties:\n  a: '{{ x.y }}'\n  b: 'to {{ x.z }}'\n"
    assert project.refusals(content, x={}) == [
        "spec.yaml:5:12-13 error[template-undefined] there is no key 'y' here",
        "spec.yaml:6:15-16 error[template-undefined] there is no key 'z' here",
    ]


BLANK_KEY = "(it needs a character other than white space) @idempotency_key"


@pytest.mark.parametrize(
    ("line", "value", "told"),
    [
        ("idempotency_key: '{{ v }}'", None,
         ("18-27 error[idempotency-key] the idempotency key is null "
         "(set the variable, or omit idempotency_key) @idempotency_key")),
        ("idempotency_key: '{{ v }}'", " ", f"18-27 error[idempotency-key] the idempotency key is blank {BLANK_KEY}"),
        ("idempotency_key: '{{ v }}'", "k" * 256,
         ("18-27 error[idempotency-key] the idempotency key has 256 characters "
         "(at most 255; {{ … | sha256 }} shortens a long key) @idempotency_key")),
        ("idempotency_key: '{{ v }}'", [1],
         "18-27 error[idempotency-key] the idempotency key must be text, not list @idempotency_key"),
        ("tenant_id: '{{ v }}'", "",
         "12-21 error[tenant-id] tenant_id is blank (set the variable, or omit tenant_id) @tenant_id"),
        ("tenant_id: '{{ v }}'", None,
         "12-21 error[tenant-id] tenant_id is blank (set the variable, or omit tenant_id) @tenant_id"),
        ("brand_id: '{{ v }}'", "",
         "11-20 error[tenant-id] brand_id is blank (set the variable, or omit brand_id) @brand_id"),
        ("tenant_id: '{{ v }}'", "a b",
         ("12-21 error[tenant-id] tenant_id 'a b' is not an id of a tenant "
         "(at most 64 letters, digits, _ and -) @tenant_id")),
        ("tenant_id: '{{ v }}'", "a\n",
         ("12-21 error[tenant-id] tenant_id 'a\n' is not an id of a tenant "
         "(at most 64 letters, digits, _ and -) @tenant_id")),
        ("properties: {a: '{{ v }}'}", float("inf"), "17-26 error[not-finite] inf is not a JSON number @properties.a"),
        ("properties: {a: [1, '{{ v }}']}", "\ud800",
         "21-30 error[unicode] the text has half of a surrogate pair: it is not valid Unicode @properties.a[1]"),
        ("attachments: ['{{ v }}']", "a.pdf",
         ("15-24 error[attachment-url] 'a.pdf' is not an http(s) URL "
         "(the platform fetches attachments itself: use a public http(s) URL) @attachments[0].url")),
        ("attachments: [{url: '{{ v }}'}]", "", "21-30 error[attachment-url] the attachment has no URL @attachments[0].url"),
        ("attachments: [{url: '{{ v }}'}]", None, "21-30 error[attachment-url] the attachment has no URL @attachments[0].url"),
        ("attachments: [{url: 'https://x/y', ignore_if_error: '{{ v }}'}]", "true",
         "53-62 error[attachment-ignore] ignore_if_error must be true or false @attachments[0].ignore_if_error"),
        ("attachments: [{url: 'https://x/y', filename: '{{ v }}'}]", 5,
         "46-55 error[attachment-filename] the file's name must be text @attachments[0].filename"),
    ],
)  # fmt: skip
def test_a_rule_of_the_platform_is_told_at_the_template(project: Project, line: str, value: object, told: str) -> None:
    content = f"{HEAD}{line}\nvars: {{v: {{}}}}\n"
    assert project.refusals(content, v=value) == [f"spec.yaml:4:{told}"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("x", "event-name] the event's name 'x' is shorter than 2 characters @event"),
        ("", "event-name] the event's name '' is shorter than 2 characters @event"),
        (
            "$x",
            "reserved-name] event name '$x' is reserved (names that begin with $ or ss_ are reserved for the platform) @event",
        ),
        (None, "event-name] the event's name must be text, not NoneType @event"),
    ],
)
def test_a_rendered_name_keeps_the_rules(project: Project, name: object, told: str) -> None:
    content = "version: 1\nevent: '{{ v }}'\ndistinct_id: u1\nvars: {v: {}}\n"
    assert project.refusals(content, v=name) == [f"spec.yaml:2:8-17 error[{told}"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "distinct_id is blank"),
        (" \t", "distinct_id is blank"),
        (None, "distinct_id is missing"),
        (True, "distinct_id is bool, not text"),
        (1.5, "distinct_id is float, not text"),
        ([], "distinct_id is list, not text"),
    ],
)
def test_a_rendered_distinct_id_keeps_the_rules(project: Project, value: object, told: str) -> None:
    content = "version: 1\nevent: order_placed\ndistinct_id: '{{ v }}'\nvars: {v: {}}\n"
    assert project.refusals(content, v=value) == [
        f"spec.yaml:3:14-23 error[distinct-id] {told} (it identifies one user in your application) @distinct_id"
    ]


def test_every_broken_rule_is_told(project: Project) -> None:
    content = "version: 1\nvars: {v: {}}\nevent: '{{ v }}'\ndistinct_id: '{{ v }}'\ntenant_id: '{{ v }}'\n"
    assert [line.split(" ")[0] for line in project.refusals(content, v="")] == [
        "spec.yaml:3:8-17", "spec.yaml:4:14-23", "spec.yaml:5:12-21",
    ]  # fmt: skip


def test_properties_that_break_the_schema_are_told_at_their_places(project: Project) -> None:
    content = (
        HEAD + "vars: {v: {}}\nproperties:\n  amount: '{{ v }}'\n  lines: [{sku: 5}]\n  extra: 1\n"
        "schema:\n  required: [total]\n  additionalProperties: false\n"
        "  properties:\n    amount: {type: number}\n    lines: {items: {properties: {sku: {type: string}}}}\n    total: {}\n"
    )
    assert sorted(project.refusals(content, v="ten")) == [
        "spec.yaml:5:1-11 error[schema-violation] missing key 'total' @properties.total",
        "spec.yaml:6:11-20 error[schema-violation] 'amount' must be a number, not text @properties.amount",
        "spec.yaml:7:17-18 error[schema-violation] 'sku' must be text, not a number (quote it: \"5\") @properties.lines[0].sku",
        "spec.yaml:8:3-8 error[schema-violation] unknown key 'extra' (known here: amount, lines, total) @properties.extra",
    ]


def test_a_missing_property_without_properties_is_told_at_the_schema(project: Project) -> None:
    assert project.refusals(HEAD + "schema: {required: [total]}\n") == [
        "spec.yaml:4:1-7 error[schema-violation] missing key 'total' @properties.total"
    ]


def violations(project: Project, content: str, v: object = None) -> list[tuple[str, str | None]]:
    """Tell what breaks the schema: the place and the message, and the context."""
    with pytest.raises(InvalidInput) as caught:
        project.render(content, v=v)
    found = caught.value.problems
    return [(f"{p.position.line}:{p.position.column} {p.message}", p.context) for p in found if p.position is not None]


def test_a_rule_in_another_file_is_told_with_its_line(project: Project) -> None:
    schema = project.write(
        "schemas/order.json",
        '{"required": ["total"],\n "properties": {\n  "amount": {\n   "type": "number"},\n  "lines": {"items": {\n'
        '   "properties": {"sku": {"pattern": "^[a-z]+$"}}}}}}\n',
    )
    content = HEAD + "properties:\n  amount: '{{ v }}'\n  lines: [{sku: A1}]\nschema: schemas/order.json\n"
    assert sorted(violations(project, content, v="ten")) == [
        ("4:1 missing key 'total'", f"the rule is in {schema}:1"),
        ("5:11 'amount' must be a number, not text", f"the rule is in {schema}:4"),
        ("6:17 'sku' is 'A1', which does not match ^[a-z]+$", f"the rule is in {schema}:6"),
    ]


def test_a_rule_of_an_inline_schema_is_not_told_where_it_stands(project: Project) -> None:
    content = (
        HEAD
        + "properties:\n  amount: '{{ v }}'\nschema:\n  required: [total]\n  properties: {amount: {type: number}}\n"
    )
    assert sorted(violations(project, content, v="ten")) == [
        ("4:1 missing key 'total'", None),
        ("5:11 'amount' must be a number, not text", None),
    ]


def test_a_rule_in_the_base_of_a_spec_is_told_with_its_line(project: Project) -> None:
    base = project.write("_base.yaml", HEAD + "schema:\n  properties:\n    amount: {maximum: 5}\n")
    assert violations(project, "extends: _base.yaml\nproperties: {amount: 6}\n") == [
        ("2:22 6 is greater than the maximum of 5", f"the rule is in {base}:6")
    ]


def test_the_schema_sees_rendered_types(project: Project) -> None:
    content = (
        HEAD
        + "vars: {v: {}}\nproperties: {a: '{{ v }}', b: '{{ v }}.'}\nschema: {properties: {a: {type: integer}, b: {type: string}}}\n"
    )
    assert project.render(content, v=5).properties == {"a": 5, "b": "5."}


def test_an_integer_of_any_length_can_be_encoded(project: Project) -> None:
    event = project.render(HEAD + "vars: {v: {}}\nproperties: {a: '{{ v }}'}\n", v=10**30)
    assert f'"a":{10**30}'.encode() in encode(event, "key", Occurrence(SEED, 0, NOW).stamp).body


def test_an_integer_of_more_digits_than_python_writes_is_refused(project: Project) -> None:
    with pytest.raises(RunnerError):
        encode(
            project.render(HEAD + "vars: {v: {}}\nproperties: {a: '{{ v }}'}\n", v=10**5000),
            "key",
            Occurrence(SEED, 0, NOW).stamp,
        )


def test_of_what_a_template_gives_no_other_yaml_is_suggested(project: Project) -> None:
    content = HEAD + "properties: {ids: '{{ a }}'}\nschema: {properties: {ids: {type: array}}}\n"
    [told] = project.refusals(content, a="x1")
    assert told.endswith("error[schema-violation] 'ids' must be a list, not text @properties.ids")


SPACED = """
version: 1
vars: {first: {type: string}, n: {type: number}}
event: greeting
distinct_id: u1
properties:
  a: PLACE
"""


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u3000", "  ", "\n"])
@pytest.mark.parametrize("name", ["first", "n"])
def test_blanks_beside_an_expression_are_kept(project: Project, name: str, blank: str) -> None:
    for text in ("{}{{{{ {} }}}}", "{{{{ {1} }}}}{0}"):
        source = text.format(blank, name)
        event = project.render(SPACED.replace("PLACE", json.dumps(source)), first="Ann", n=10)
        assert event.properties["a"] == source.replace(f"{{{{ {name} }}}}", "Ann" if name == "first" else "10")


@pytest.mark.parametrize("header", ["|", ">", "|-", ">-", "|+", "|1"])
def test_the_final_newline_of_a_block_is_no_text_beside_an_expression(project: Project, header: str) -> None:
    whole = SPACED.replace("PLACE\n", f"{header}\n    {{{{ n }}}}\n")
    assert project.render(whole, first="Ann", n=10).properties["a"] == (" 10\n" if header == "|1" else 10)


def test_of_several_final_newlines_of_a_block_each_is_text(project: Project) -> None:
    whole = SPACED.replace("PLACE\n", "|+\n    {{ n }}\n\n\n")
    assert project.render(whole, first="Ann", n=10).properties["a"] == "10\n\n\n"
