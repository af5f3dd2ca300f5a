"""Matchers in `expect:`: each has its form, wherever it stands, and what only looks like one is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.cases.matchers import MATCHERS
from runner.project.format import document

if TYPE_CHECKING:
    from tests.projects import Project

HEAD = "version: 1\nevent: order_placed\ndistinct_id: u1\ntests:\n- name: one\n  expect:\n"
KNOWN = "(known here: $any, $re, $approx, $len, $contains, $unordered, $absent, $schema)"
UNCLOSED = "error[bad-pattern] invalid regular expression: missing ), unterminated subpattern"


def told_of(project: Project, expected: str) -> list[str]:
    """Tell what is wrong with an expected property `a`; the expected value stands in line 9 from column 12 on."""
    content = f"{HEAD}    event:\n      properties:\n        a: {expected}\n"
    loaded = project.load(content)
    assert {problem.context for problem in loaded.problems} <= {"in case 'one'"}
    return [line.removeprefix("spec.yaml:9:") for line in project.problems(content)]


@pytest.mark.parametrize(
    "expected",
    [
        "{$any: true}",
        "{$re: ''}",
        "{$re: '^order-[0-9]+$'}",
        "{$approx: 12.5}",
        "{$approx: -3}",
        "{$approx: {value: 12.5, within: 0}}",
        "{$len: 0}",
        "{$contains: cup}",
        "{$contains: 5}",
        "{$contains: null}",
        "{$contains: {sku: {$any: true}}}",
        "{$contains: [cup, {$re: '^k'}]}",
        "{$unordered: []}",
        "{$unordered: [cup, {$len: 3}, [{a: {$absent: true}}]]}",
        "{$absent: true}",
        "{$schema: {type: string, format: uuid}}",
        "{$schema: true}",
        "{$schema: {}}",
        "{b: {c: [{$any: true}, 5]}}",
        "{}",
        "[]",
        "5",
        "'$re'",
        "{re: '(', any: 5}",
    ],
)
def test_a_matcher_of_the_right_form_is_no_problem(project: Project, expected: str) -> None:
    assert told_of(project, expected) == []


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("{$any: false}", "19-24 error[bad-value] '$any' must be true, not false @.$any"),
        ("{$any: 1}", "19-20 error[bad-value] '$any' must be true, a boolean, not a number @.$any"),
        ("{$any: 'true'}", "19-25 error[bad-value] '$any' must be true, a boolean, not text (remove the quotes) @.$any"),
        ("{$absent: false}", "22-27 error[bad-value] '$absent' must be true, not false @.$absent"),
        ("{$absent: null}", "22-26 error[bad-value] '$absent' must be true, a boolean, not null @.$absent"),
        ("{$re: 5}", "18-19 error[wrong-type] '$re' must be text, not a number (quote it: \"5\") @.$re"),
        ("{$re: [x]}", "18-19 error[wrong-type] '$re' must be text, not a list @.$re"),
        ("{$re: '('}", f"19-20 {UNCLOSED}"),
        ("{$re: 'ab(cd'}", f"21-22 {UNCLOSED}"),
        ("{$re: ab(cd}", f"20-21 {UNCLOSED}"),
        ("{$re: 'a**'}", "21-22 error[bad-pattern] invalid regular expression: multiple repeat"),
        ("{$approx: x}", "22-23 error[wrong-type] '$approx' must be a number or a map, not text (such as $approx: {value: 12.5, within: 0.01}) @.$approx"),
        ("{$approx: true}", "22-26 error[wrong-type] '$approx' must be a number or a map, not a boolean (such as $approx: {value: 12.5, within: 0.01}) @.$approx"),
        ("{$approx: {value: 5}}", "13-20 error[missing-key] missing key 'within' @.$approx.within"),
        ("{$approx: {valeu: 5, within: 1}}",
         "23-28 error[unknown-key] unknown key 'valeu' (did you mean 'value'?) @.$approx.valeu"),
        ("{$approx: {value: x, within: 1}}",
         "30-31 error[wrong-type] 'value' must be a number, not text @.$approx.value"),
        ("{$approx: {value: 5, within: -1}}", "41-43 error[bad-value] -1 is less than the minimum of 0 @.$approx.within"),
        ("{$approx: {value: 5, within: 1, x: 1}}",
         "44-45 error[unknown-key] unknown key 'x' (known here: value, within) @.$approx.x"),
        ("{$len: -1}", "19-21 error[bad-value] -1 is less than the minimum of 0 @.$len"),
        ("{$len: '3'}", "19-22 error[wrong-type] '$len' must be a whole number, not text @.$len"),
        ("{$len: {}}", "19-20 error[wrong-type] '$len' must be a whole number, not a map @.$len"),
        ("{$unordered: cup}", "25-28 error[wrong-type] '$unordered' must be a list, not text (write a list: [\"cup\"]) @.$unordered"),
        ("{$unordered: {}}", "25-26 error[wrong-type] '$unordered' must be a list, not a map (such as $unordered: [cup, kettle]) @.$unordered"),
        ("{$schema: 5}", "22-23 error[wrong-type] '$schema' must be true or false or a map, not a number (such as $schema: {type: string, format: uuid}) @.$schema"),
        ("{$schema: {type: strin}}",
         ("29-34 error[bad-schema] this is not a JSON Schema: 'type' is strin, not one of array, boolean, integer, "
          "null, number, object, string (did you mean 'string'?)")),
        ("{$schema: {properties: {b: {minimum: x}}}}",
         "49-50 error[bad-schema] this is not a JSON Schema: 'minimum' must be a number, not text"),
        ("{$schema: {$ref: 'https://x.example/y'}}",
         ("29-50 error[bad-schema] this is not a JSON Schema: 'https://x.example/y' is outside the schema "
          "(move what it refers to under $defs: external references are never followed)")),
        ("{$rex: x}", "13-17 error[unknown-matcher] there is no matcher '$rex' (did you mean '$re'?)"),
        ("{$Len: 3}", "13-17 error[unknown-matcher] there is no matcher '$Len' (did you mean '$len'?)"),
        ("{$matches: x}", f"13-21 error[unknown-matcher] there is no matcher '$matches' {KNOWN}"),
        ("{$re: x, b: 1}",
         ("21-22 error[matcher-not-alone] a matcher must be alone in its map, but $re has 'b' beside it "
          "(put it in a separate map)")),
        ("{b: 1, $re: x}",
         ("13-14 error[matcher-not-alone] a matcher must be alone in its map, but $re has 'b' beside it "
          "(put it in a separate map)")),
        ("{$re: x, $len: 3}",
         ("21-25 error[matcher-not-alone] a matcher must be alone in its map, but $re has '$len' beside it "
          "(put it in a separate map)")),
    ],
)  # fmt: skip
def test_a_matcher_of_another_form_is_told_at_its_place(project: Project, expected: str, told: str) -> None:
    assert told_of(project, expected) == [told.replace("@.", "@tests[0].expect.event.properties.a.")]


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("{$contains: {$re: '('}}", [f"31-32 {UNCLOSED}"]),
        ("{$contains: {b: {$re: '('}}}", [f"35-36 {UNCLOSED}"]),
        ("{$contains: [{$re: '('}]}", [f"32-33 {UNCLOSED}"]),
        ("{$contains: {$contains: [{$re: '('}]}}", [f"44-45 {UNCLOSED}"]),
        ("{$unordered: [1, {$re: '('}]}", [f"36-37 {UNCLOSED}"]),
        ("{$unordered: [[{b: {$re: '('}}]]}", [f"38-39 {UNCLOSED}"]),
        ("[1, {$re: '('}]", [f"23-24 {UNCLOSED}"]),
        ("[[{$re: '('}]]", [f"21-22 {UNCLOSED}"]),
        ("{b: {c: {$re: '('}}}", [f"27-28 {UNCLOSED}"]),
        ("{b: [{$re: '('}, {$re: ')'}]}",
         [f"24-25 {UNCLOSED}", "36-37 error[bad-pattern] invalid regular expression: unbalanced parenthesis"]),
        ("{$contains: {$lenn: 1}}", ["25-30 error[unknown-matcher] there is no matcher '$lenn' (did you mean '$len'?)"]),
        ("{$unordered: [{$lenn: 1}]}",
         ["27-32 error[unknown-matcher] there is no matcher '$lenn' (did you mean '$len'?)"]),
        ("{$contains: {$any: true, b: 1}}",
         [("37-38 error[matcher-not-alone] a matcher must be alone in its map, but $any has 'b' beside it "
           "(put it in a separate map)")]),
        ("{$contains: {$len: x}}",
         ["31-32 error[wrong-type] '$len' must be a whole number, not text @.$contains.$len"]),
        ("{$unordered: [{b: {$len: x}}]}",
         ["37-38 error[wrong-type] '$len' must be a whole number, not text @.$unordered[0].b.$len"]),
    ],
)  # fmt: skip
def test_a_matcher_is_checked_inside_others_and_in_lists_and_maps(
    project: Project, expected: str, told: list[str]
) -> None:
    assert told_of(project, expected) == [line.replace("@.", "@tests[0].expect.event.properties.a.") for line in told]


def test_what_stands_in_a_schema_is_its_own(project: Project) -> None:
    assert told_of(project, "{$schema: {properties: {$re: {const: {$len: x}}}}}") == []


@pytest.mark.parametrize(
    "expect",
    [
        "event: {$idempotency_key: k-1, $insert_id: i-1, $time: 1767323045000, env: key}",
        "event: {$idempotency_key: {$re: '^k'}, $insert_id: {$any: true}, $time: {$approx: 1767323045000}}",
        "event: {properties: {$attachments: [{url: {$re: pdf$}}], $ss_sdk_version: {$any: true}}}",
        "event: {event: {$re: placed}, distinct_id: {$any: true}, tenant_id: {$absent: true}}",
        "response: {success: true, status_code: {$any: true}, raw_response: {$contains: {x: {$len: 3}}}}",
        "error: {code: var-schema, at: $re, message: $nothing}",
    ],
)
def test_keys_of_the_wire_are_no_matchers(project: Project, expect: str) -> None:
    assert project.problems(f"{HEAD}    {expect}\n") == []


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("event: {$idempotency_key: {$re: '('}}", f"38-39 {UNCLOSED}"),
        ("event: {properties: {$attachments: [{url: {$re: '('}}]}}", f"54-55 {UNCLOSED}"),
        ("event: {$idempotencykey: k}",
         ("13-28 error[unknown-key] unknown key '$idempotencykey' (did you mean '$idempotency_key'?) "
          "@tests[0].expect.event.$idempotencykey")),
        ("event: {insert_id: i}",
         ("13-22 error[unknown-key] unknown key 'insert_id' (did you mean '$insert_id'?) "
          "@tests[0].expect.event.insert_id")),
        ("event: {properties: {$idempotency_key: k}}",
         f"26-42 error[unknown-matcher] there is no matcher '$idempotency_key' {KNOWN}"),
        ("response: {message: {$rex: OK}}",
         "26-30 error[unknown-matcher] there is no matcher '$rex' (did you mean '$re'?)"),
        ("error: {code: {$any: true}}",
         "19-20 error[wrong-type] 'code' must be text, not a map @tests[0].expect.error.code"),
    ],
)  # fmt: skip
def test_matchers_stand_for_the_values_of_an_event_and_of_a_response(project: Project, expect: str, told: str) -> None:
    assert project.problems(f"{HEAD}    {expect}\n") == [f"spec.yaml:7:{told}"]


def test_every_part_of_what_is_expected_is_checked(project: Project) -> None:
    expect = "event: {event: {$rex: x}, distinct_id: {$lenn: 1}}\n    response: {message: {$ayn: true}}"
    assert project.problems(f"{HEAD}    {expect}\n") == [
        "spec.yaml:7:21-25 error[unknown-matcher] there is no matcher '$rex' (did you mean '$re'?)",
        "spec.yaml:7:45-50 error[unknown-matcher] there is no matcher '$lenn' (did you mean '$len'?)",
        "spec.yaml:8:26-30 error[unknown-matcher] there is no matcher '$ayn' (did you mean '$any'?)",
    ]


@pytest.mark.parametrize("pattern", ["(" * 3000, "a{99999999999999999999}"])
def test_a_pattern_beyond_all_bounds_is_told(project: Project, pattern: str) -> None:
    [told] = told_of(project, f"{{$re: '{pattern}'}}")
    assert "error[bad-pattern] this regular expression is too deep or too large" in told


@pytest.mark.parametrize("pattern", ["^abc\\Z", "(?P<a>b)(?P=a)", "(?#why)a", "(?>a+)b"])
def test_a_pattern_of_python_alone_is_told(project: Project, pattern: str) -> None:
    [told] = told_of(project, f"{{$re: '{pattern}'}}")
    assert told == (
        f"18-{20 + len(pattern)} error[bad-pattern] Python knows this regular expression, JSON Schema does not "
        "(patterns are those of JSON Schema's pattern:, of JavaScript: (?<name>…), no \\A, \\Z, (?P=name) or (?#…))"
    )


@pytest.mark.parametrize("pattern", ["\\p{L}", "(?<name>a)", "(?=a)b", "^[^/]+\\.pdf$", "a{2}"])
def test_a_pattern_of_json_schema_is_one(project: Project, pattern: str) -> None:
    assert told_of(project, f"{{$re: '{pattern}'}}") == []


@pytest.mark.parametrize(
    ("expected", "columns"),
    [
        ("[{$absent: true}]", "14-21"),
        ("{$unordered: [cup, {$absent: true}]}", "32-39"),
        ("{$contains: {$absent: true}}", "25-32"),
        ("{$contains: [{$absent: true}]}", "26-33"),
    ],
)
def test_only_a_key_can_be_absent(project: Project, expected: str, columns: str) -> None:
    assert told_of(project, expected) == [
        f"{columns} error[matcher-misplaced] only a key can be absent (list only the items that must be there)"
    ]


def test_a_pattern_that_python_only_warns_of_is_none_of_ours(project: Project) -> None:
    assert told_of(project, "{$re: '[[a]'}") == []


def test_the_schema_of_the_format_declares_each_matcher_and_tells_its_map_from_others() -> None:
    definitions = document()["$defs"]
    assert tuple(definitions["matcher"]["properties"]) == MATCHERS
    assert definitions["expected"]["if"]["anyOf"] == [{"required": [matcher]} for matcher in MATCHERS]
