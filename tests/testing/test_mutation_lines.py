"""Suites with holes of every kind: each change that survives has a line, and with the lines no change survives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.source import read, read_text
from tests.cli.cases.conftest import record, write

if TYPE_CHECKING:
    from tests.conftest import CommandLine

SPEC = """
    version: 1
    vars:
      user: {type: string, default: u1}
      vip: {type: boolean, default: false}
      note: {type: string, default: ""}
      token: {type: string, secret: true}
    event: order_placed
    distinct_id: "{{ user }}"
    idempotency_key: "{{ user }}-key"
    properties:
      vip: "{{ vip }}"
      level: "{{ 'gold' if vip else 'basic' }}"
      note: "{{ note or omit }}"
      token: "{{ token }}"
      odd: "%s"
    attachments: [{url: "https://example.com/{{ user }}.pdf", filename: a.pdf}]
    tests:
"""
ODD = {
    "numbers": [0, -1, 1.5, 1e300, 1e-7, 10**15, [[1, 2], [3]], [1, 1, 1, 1, 1]],
    "texts": ["", "null", "yes", "a: b", "***", "a\nb", "\u2028 \u200b \U0001f600", "'\"#", "{{ 1 }}", "x" * 400],
    "empty": [{}, [], None, [{}], [[]], [None]],
    "keys": {"null": 1, "yes": 2, "a.b": 3, "a b": {"c": [4]}, "": 5, "$foo": {"x": 6}, "$re": "y", "1": 7, "'\"": 8},
    "maps with odd keys": [{"a": {"$x": 1}}, {"b": [{"$any": 2, "c": 3}]}, {"$attachments": 4, "$time": 5}],
    "long": [{"text": "x" * 400, "other": number} for number in range(5)],
}
CASES = {
    "one case": [{}],
    "two cases": [{}, {"vars": {"user": "u2", "vip": True, "note": "hi"}}],
    "a value only in the second": [{}, {"vars": {"note": "hi"}}],
    "parametrized": [{"parametrize": [{"id": "a", "vip": False}, {"id": "b", "vip": True, "note": "hi"}]}],
    "parametrized and one": [
        {"parametrize": [{"id": "a"}, {"id": "b", "user": "u2", "vip": True}]},
        {"vars": {"note": "hi"}},
    ],
    "rows": [{"rows": [{"user": "u1"}, {"user": "u2", "vip": True}, {"user": "u3", "note": "hi"}]}],
    "steps": [{"steps": [{}, {}, {"vars": {"user": "u2", "vip": True}}]}],
    "steps with rows": [{"steps": [{"rows": [{"user": "u1"}, {"user": "u2"}]}, {"vars": {"user": "u1"}}]}],
    "matchers in the way": [{"expect": {"event": {"properties": {"$contains": {"vip": False}}}}}],
    "a part of a list": [{"expect": {"event": {"properties": {"odd": {"$len": 1}}}}}],
    "an error beside": [{}, {"vars": {"user": 7}, "expect": {"error": {"code": "var-schema"}}}],
}
NAMES = st.sampled_from(
    ["a", "b c", "null", "$x", "$any", "a.b", "0", "~", "- x", "a: b", "#", "\u2028", "1e3", "'", "{"]
)
TEXTS = st.sampled_from(
    ["", "1", "yes", "~", "- a", "a: b", " #c", "\\", "\t", "\x7f", "\ufeff", "***", "0x1", "<<", "&a", "x" * 400]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(NAMES, below, max_size=3),
    max_leaves=6,
)
BLIND = {"event": {"event": {"$any": True}}}
ANSWERS = {
    "accepted": [{"expect": {"response": {"message": {"$any": True}}}}],
    "refused": [{"sandbox": {"fail": [404]}, "expect": {"response": {"message_id": {"$any": True}}}}],
    "rows": [{"rows": [{"user": "u1"}, {"user": "u2"}], "expect": {"response": {"total": 2}}}],
    "refused rows": [
        {"rows": [{"user": "u1"}, {"user": "u2"}], "sandbox": {"fail": [404]}, "expect": {"response": {"total": 2}}}
    ],
    "steps": [
        {
            "steps": [
                {"expect": {"response": {"message": {"$any": True}}}},
                {"vars": {"user": "u2"}, "expect": {"response": {"status_code": {"$any": True}}}},
            ]
        }
    ],
}


@pytest.fixture(autouse=True)
def _project(in_tmp: Path) -> None:
    (in_tmp / ".git").mkdir()


def write_suite(cases: list[dict[str, Any]], odd: object = None) -> None:
    named = [{"name": f"case {number}"} | case for number, case in enumerate(cases)]
    for case in named:
        for step in case.get("steps", [case]):
            step.setdefault("expect", BLIND)
    write(SPEC)
    document: Any = plain()
    document["properties"]["odd"] = {"$literal": odd}
    save(document | {"tests": named})


def plain() -> Any:
    root = read(Path("specs/purchase.yaml")).root
    assert root is not None
    return root.plain()


def save(document: object) -> None:
    Path("specs/purchase.yaml").write_text(json.dumps(document))


def add_lines(survivors: list[dict[str, Any]]) -> None:
    """Do what the output says: expect more of a case, or write a case of its own."""
    document: Any = plain()
    for number, survivor in enumerate(survivors):
        line = read_text(survivor["expect"], "line").root
        assert line is not None
        name, _, choice = survivor["case"].partition("[")
        case = next(each for each in document["tests"] if each["name"] == name)
        step = case["steps"][survivor["step"] - 1] if survivor["step"] else case
        if not survivor["is_new"]:
            step["expect"] = merged(step["expect"], line.plain())
            continue
        chosen: dict[str, object] = next(
            (each for each in case.get("parametrize", ()) if f"{each['id']}]" == choice), {}
        )
        row = step["rows"][survivor["row"] - 1] if survivor["row"] else {}
        given = case.get("vars", {}) | chosen | step.get("vars", {}) | row
        given.pop("id", None)
        document["tests"].append({"name": f"new {number}", "vars": given, "expect": line.plain()})
    save(document)


def merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict) and not any(key in ("$any", "$len") for key in (*old, *new)):
        return old | {key: merged(old[key], value) if key in old else value for key, value in new.items()}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [merged(*pair) for pair in zip(old, new, strict=True)]
    return old if new == {"$any": True} else new


def assert_lines_notice(cli: CommandLine) -> None:
    ended = cli("test", "--mutate", "-o", "json")
    assert ended.code == 0, ended.out + ended.err
    [score] = ended.json["specs"]
    assert score["total"] - score["noticed"] == sum(len(each["kinds"]) for each in score["survivors"]) > 0
    add_lines(score["survivors"])
    after = cli("test", "--mutate", "-o", "json")
    assert after.code == 0, after.out + after.err
    [score] = after.json["specs"]
    assert (score["survivors"], score["failed"], score["noticed"]) == ([], [], score["total"])


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_with_the_lines_no_change_survives(cli: CommandLine, cases: list[dict[str, Any]]) -> None:
    write_suite(cases, ["x"])
    assert_lines_notice(cli)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_line_is_the_same_value_when_it_is_read(cli: CommandLine, odd: object) -> None:
    write_suite([{}], odd)
    assert_lines_notice(cli)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(odd=st.dictionaries(NAMES, VALUES, min_size=1, max_size=3))
def test_any_value_has_a_line(cli: CommandLine, odd: dict[str, object]) -> None:
    write_suite([{}], odd)
    assert_lines_notice(cli)


@pytest.mark.parametrize("cases", ANSWERS.values(), ids=ANSWERS)
def test_answers_are_turned_round_and_have_a_line_too(cli: CommandLine, cases: list[dict[str, Any]]) -> None:
    write_suite(cases)
    record(cli)
    ended = cli("test", "--mutate", "-o", "json")
    [score] = ended.json["specs"]
    assert [each["at"] for each in score["survivors"]] == ["response"], ended.err
    assert_lines_notice(cli)
