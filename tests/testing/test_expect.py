"""What is expected of a value, and every way in which another one is told."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.source import read_text
from runner.testing.expect import compare, compare_whole

if TYPE_CHECKING:
    from runner.source import Json, Node


def node(text: str) -> Node:
    root = read_text(text, "spec.yaml").root
    assert root is not None
    return root


def told(expected: str, actual: Json, *, exact: bool = False) -> list[str]:
    """Write each mismatch as one line: place, message, (hint)."""
    found = compare(node(expected), actual, "", exact=exact)
    return [
        f"{each.position.line}:{each.position.column} {each.message}" + (f" ({each.hint})" if each.hint else "")
        for each in found
    ]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("12", 12), ("12", 12.0), ("12.0", 12), ("-0.0", 0), ("1e2", 100), ("'12'", "12"), ("true", True),
        ("false", False), ("null", None), ("''", ""), ("[]", []), ("{}", {}), ("[1, [a]]", [1, ["a"]]),
        ("{a: 1}", {"a": 1, "b": 2}), ("{a: {b: 1}}", {"a": {"b": 1, "c": 2}, "d": 3}), ("{}", {"a": 1}),
        ("[{a: 1}]", [{"a": 1, "b": 2}]), ("12345678901234567890", 12345678901234567890),
        ("{$any: true}", None), ("{$any: true}", {}), ("{a: {$any: true}}", {"a": False}),
        ("{$re: b}", "abc"), ("{$re: ^a.c$}", "abc"), ("{$re: ''}", ""), ("{$re: '^\\p{L}+$'}", "äöü"),
        ("{$approx: 12.5}", 12.50001), ("{$approx: 0}", 5e-17), ("{$approx: 1}", 1), ("{$approx: -3}", -3.000001),
        ("{$approx: {value: 1, within: 0.1}}", 1.1), ("{$approx: {value: 1, within: 0}}", 1.0),
        ("{$approx: 123456789012345678901234567890}", 123456789012345678901234567891),
        ("{$len: 3}", "äöü"), ("{$len: 2}", [1, [2, 3]]), ("{$len: 1}", {"a": [1, 2]}), ("{$len: 0}", ""),
        ("{$contains: b}", "abc"), ("{$contains: b}", ["a", "b"]), ("{$contains: {a: 1}}", {"a": 1, "b": 2}),
        ("{$contains: {a: 1}}", [5, {"a": 1, "b": 2}]), ("{$contains: [a, c]}", ["a", "b", "c"]),
        ("{$contains: [a, c]}", "abc"), ("{$contains: [[a]]}", [["a"]]), ("{$contains: {$re: ^b}}", ["a", "bc"]),
        ("{$contains: {a: {$absent: true}}}", [{"a": 1}, {"b": 1}]), ("{$contains: null}", [1, None]),
        ("{$unordered: []}", []), ("{$unordered: [a, b, a]}", ["b", "a", "a"]), ("{$unordered: [1, true]}", [True, 1.0]),
        ("{$unordered: [{$any: true}, {$re: ^a}, a]}", ["a", "ab", "x"]),
        ("{$unordered: [{a: 1}, {b: 1}, {}]}", [{"b": 1, "a": 1}, {"a": 1}, {"b": 1}]),
        ("{$unordered: [[1], {$len: 1}]}", [["x"], [1]]),
        ("{$schema: {type: string, format: uuid}}", "00000000-0000-4000-8000-000000000001"), ("{$schema: true}", 5),
        ("{a: {$absent: true}}", {"b": 1}),
    ],
)  # fmt: skip
def test_a_value_is_as_expected(expected: str, actual: Json) -> None:
    assert told(expected, actual) == []


@pytest.mark.parametrize(
    ("expected", "actual", "lines"),
    [
        ("10", "10", [('1:1 expected 10 (a number), got "10" (text) (in quotes it stands for text; '
                       "a template keeps a type if one {{ … }} stands alone in it)")]),
        ("'10'", 10, ['1:1 expected "10" (text), got 10 (a number) (without quotes it stands for a number)']),
        ("'true'", True, ['1:1 expected "true" (text), got true (a boolean) (without quotes it stands for a boolean)']),
        ("'null'", None, ['1:1 expected "null" (text), got null (without quotes it stands for null)']),
        ("true", 1, ["1:1 expected true (a boolean), got 1 (a number)"]),
        ("1", True, ["1:1 expected 1 (a number), got true (a boolean)"]),
        ("0", False, ["1:1 expected 0 (a number), got false (a boolean)"]),
        ("null", 0, ["1:1 expected null, got 0 (a number)"]),
        ("''", None, ['1:1 expected "" (text), got null']),
        ("12", 12.5, ["1:1 expected 12 (a number), got 12.5 (a number)"]),
        ("[]", {}, ["1:1 expected [] (a list), got {} (a map)"]),
        ("{}", [], ["1:1 expected {} (a map), got [] (a list)"]),
        ("a", ["a"], ['1:1 expected "a" (text), got ["a"] (a list)']),
        ("{p: {amount: 10}}", {"p": {"amount": "9"}}, ['1:14 p.amount: expected 10 (a number), got "9" (text)']),
        ("{p: {amount: 10}}", {"p": {}}, ["1:14 p.amount: expected 10 (a number), but there is no such key"]),
        ("{p: {amount: 10}}", {"p": {"amuont": 10}},
         ["1:14 p.amount: expected 10 (a number), but there is no such key (there is a key 'amuont')"]),
        ("{a: 1, b: [x, {c: y}]}", {"a": 2, "b": ["z", {"c": 3}]},
         ["1:5 a: expected 1 (a number), got 2 (a number)", '1:12 b[0]: expected "x" (text), got "z" (text)',
          '1:19 b[1].c: expected "y" (text), got 3 (a number)']),
        ("[1, 2]", [2], ["1:2 [0]: expected 1 (a number), got 2 (a number)",
                         "1:1 expected a list of 2 items, got one of 1 item"]),
        ("a: 1\nb:\n  c: 2\n", {"a": 2, "b": {"c": 3}},
         ["1:4 a: expected 1 (a number), got 2 (a number)", "3:6 b.c: expected 2 (a number), got 3 (a number)"]),
        ("{a: {$absent: true}}", {"a": None}, ["1:15 a: expected no such key, got null"]),
        ("{a: {$any: true}}", {}, ["1:5 a: expected any value, but there is no such key"]),
        ("{$re: ^b}", "abc", ['1:7 expected text that matches ^b, got "abc" (text)']),
        ("{$re: '5'}", 5, ["1:7 expected text that matches 5, got 5 (a number)"]),
        ("{$approx: 12.5}", 12.5001, ["1:11 expected about 12.5, got 12.5001 (a number)"]),
        ("{$approx: 1}", True, ["1:11 expected about 1, got true (a boolean)"]),
        ("{$approx: 1}", "1", ['1:11 expected about 1, got "1" (text)']),
        ("{$approx: {value: 1, within: 0.1}}", 1.11, ["1:11 expected 1 ± 0.1, got 1.11 (a number)"]),
        ("{$len: 3}", "ab", ['1:8 expected a length of 3, got text of length 2: "ab"']),
        ("{$len: 3}", 123, ["1:8 expected a length of 3, got 123 (a number)"]),
        ("{$contains: x}", "abc", ['1:1 expected something that contains "x" (text), got "abc" (text)']),
        ("{$contains: x}", ["abc"], ['1:1 expected something that contains "x" (text), got ["abc"] (a list)']),
        ("{$contains: [a, x]}", ["a"], ['1:17 expected something that contains "x" (text), got ["a"] (a list)']),
        ("{$contains: x}", {"x": 1}, ['1:1 expected something that contains "x" (text), got {"x": 1} (a map)']),
        ("{$contains: {a: 1}}", {"a": 2}, ["1:17 a: expected 1 (a number), got 2 (a number)"]),
        ("{$contains: {$len: 3}}", ["a"], ['1:1 expected something that contains a length of 3, got ["a"] (a list)']),
        ("{$unordered: [a, b]}", ["a", "c"], ['1:18 expected "b" (text) among the items, but left over is "c" (text)']),
        ("{$unordered: [a, b]}", ["a"], ['1:18 expected "b" (text) among the items, but no other items are left']),
        ("{$unordered: [a]}", ["a", "b", "c", "d", "e"],
         ['1:14 expected no other items, but left over are "b" (text), "c" (text), "d" (text) and 1 more']),
        ("{$unordered: [{$re: ^a}, {$re: a$}, {$any: true}]}", ["ab", "ac", "ad"],
         ['1:26 expected text that matches a$ among the items, but left over is "ad" (text)']),
        ("{$unordered: [1]}", [True], ["1:15 expected 1 (a number) among the items, but left over is true (a boolean)"]),
        ("{$unordered: [1]}", "1", ['1:14 expected the items of [1] (a list) in any order, got "1" (text)']),
        ("{a: {$schema: {properties: {b: {minimum: 3}}}}}", {"a": {"b": 2}},
         ["1:42 a.b: 2 is less than the minimum of 3"]),
        ("{$schema: {items: {type: string}}}", ["a", 2],
         ["1:26 [1]: the value must be text, not a number"]),
    ],
)  # fmt: skip
def test_what_is_not_as_expected_is_told_with_types_at_its_line(expected: str, actual: Json, lines: list[str]) -> None:
    assert told(expected, actual) == lines


@pytest.mark.parametrize(
    ("expected", "actual", "lines"),
    [
        ("{a: {b: 1}}", {"a": {"b": 1}}, []),
        ("{a: {b: 1}}", {"a": {"b": 1, "c": 2}, "d": 3},
         ["1:5 a.c: expected no such key, got 2 (a number)", "1:1 d: expected no such key, got 3 (a number)"]),
        ("[{a: 1}]", [{"a": 1, "b": 2}], ["1:2 [0].b: expected no such key, got 2 (a number)"]),
        ("{a: {$absent: true}}", {}, []),
        ("{a: {$contains: {b: {c: 1}}}}", {"a": {"b": {"c": 1}, "d": 2}}, []),
        ("{a: {$contains: {b: {c: 1}}}}", {"a": {"b": {"c": 1, "d": 2}}},
         ["1:21 a.b.d: expected no such key, got 2 (a number)"]),
    ],
)  # fmt: skip
def test_an_exact_map_has_no_other_keys(expected: str, actual: Json, lines: list[str]) -> None:
    assert told(expected, actual, exact=True) == lines


def test_the_way_begins_where_the_caller_says() -> None:
    [mismatch] = compare(node("{amount: 10}"), {"amount": "10"}, "properties")
    assert (mismatch.at, mismatch.message) == (
        "properties.amount",
        'properties.amount: expected 10 (a number), got "10" (text)',
    )


def test_long_texts_are_shown_where_they_differ() -> None:
    before, after = "x" * 500, "y" * 500
    assert told(f"'{before}a{after}'", f"{before}b{after}") == [
        f'1:1 expected …{"x" * 33}a{"y" * 66}… (text), got …{"x" * 33}b{"y" * 66}… (text)'
    ]  # fmt: skip
    [line] = told("{a: " + "[" + "5, " * 500 + "]}", {"a": 5})
    assert len(line) < 200


@pytest.mark.parametrize(("one", "other"), [("é", "e\u0301"), ("a b", "a\u00a0b"), ("a", "a\\n")])
def test_texts_that_look_alike_are_shown_in_escapes(one: str, other: str) -> None:
    other = other.replace("\\n", "\n")
    assert told(f"'{one}'", other) == [f"1:1 expected {json.dumps(one)} (text), got {json.dumps(other)} (text)"]


def test_what_is_held_against_the_whole_of_another_value_knows_no_matchers() -> None:
    value: Json = {"a": {"$any": True}, "b": [{"$re": "x"}]}
    written = read_text(json.dumps(value), "golden.json", as_json=True).root
    assert written is not None
    assert compare_whole(written, value, "") == []
    assert [each.message for each in compare_whole(written, {"a": 5, "b": ["x"], "c": 1}, "")] == [
        'a: expected {"$any": true} (a map), got 5 (a number)',
        'b[0]: expected {"$re": "x"} (a map), got "x" (text)',
        "c: expected no such key, got 1 (a number)",
    ]


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", r"^(a|a)*\\1$", "(?=a)(a+)+b", "(?:(?=.*b)a|a)*c", "a++b", "(.*a){12}b", "(?:x?.?){3000}z"]
)
def test_no_pattern_holds_a_test_up(pattern: str) -> None:
    start = time.process_time()
    for text in ("a" * 3_900 + "!", "a" * 20_000 + "!"):
        assert told(f'{{$re: "{pattern}"}}', text) != []
    assert time.process_time() - start < 4


def test_a_pattern_that_looks_around_is_sought_in_short_texts_alone() -> None:
    assert told("{$re: '(?=b)'}", "a" * 3_999 + "b") == []
    [line] = told("{$re: '(?=b)'}", "a" * 4_000 + "b")
    assert line.endswith("(a pattern with lookarounds is searched for in at most 4,000 characters)")
    assert told("{$re: 'b$'}", "a" * 100_000 + "b") == []


def test_lists_in_any_order_are_paired_in_a_bounded_time() -> None:
    start = time.process_time()
    several: list[Json] = [{"n": number} for number in range(300)]
    in_reverse = json.dumps({"$unordered": [{"n": number} for number in reversed(range(300))]})
    assert told(in_reverse, several) == []
    # Each item but one has one choice more than the last: every new one asks all those before to move on.
    chain = [{"$schema": {"properties": {"n": {"minimum": number}}}} for number in range(300)]
    assert told(json.dumps({"$unordered": chain}), several) == []
    plain: list[Json] = [*range(30_000)]
    assert told(json.dumps({"$unordered": plain[::-1]}), plain) == []
    many: list[Json] = [{"n": 1}] * 400
    assert told(json.dumps({"$unordered": many}), many) == [
        "1:16 400 expected items and 400 others are too many to compare (list them in order, without $unordered)"
    ]
    assert time.process_time() - start < 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("matcher", "message"), [("$unordered", "too many to compare"), ("$contains", "expected something")]
)
def test_matchers_in_matchers_try_no_more_together_than_one_alone(matcher: str, message: str) -> None:
    def nested(levels: int, leaf: Json) -> Json:
        return {matcher: [nested(levels - 1, leaf) for _ in range(20)]} if levels else leaf

    def lists(levels: int) -> Json:
        return [lists(levels - 1) for _ in range(20)] if levels else {"k": 1}

    start = time.process_time()
    [mismatch] = told(json.dumps(nested(3, {"k": 2})), lists(3))[-1:]
    assert message in mismatch
    assert time.process_time() - start < 3


def test_a_hundred_mismatches_are_told() -> None:
    found = told(json.dumps([1] * 500), [2] * 500)
    assert (len(found), found[-1]) == (101, "1:1 more than 100 values are not as expected")


# What holds for any value.

keys = st.text(st.characters(categories=["L", "N"]), max_size=3)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda below: st.lists(below, max_size=4) | st.dictionaries(keys, below, max_size=4), max_leaves=12
)


def as_node(value: Json) -> Node:
    root = read_text(json.dumps(value), "spec.json", as_json=True).root
    assert root is not None
    return root


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two values are one as JSON: the plainest way to say it."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)


def changed(value: Any, draw: st.DrawFn) -> Any:
    """Change a value in one place: another value, a key or an item more or fewer."""
    ways = ["replace"]
    if isinstance(value, dict | list) and value:
        ways += ["below", "below", "drop"]
    if isinstance(value, dict | list):
        ways += ["add"]
    match draw(st.sampled_from(ways)):
        case "below" if isinstance(value, dict):
            key = draw(st.sampled_from(sorted(value)))
            return {**value, key: changed(value[key], draw)}
        case "below":
            index = draw(st.integers(0, len(value) - 1))
            return [*value[:index], changed(value[index], draw), *value[index + 1 :]]
        case "drop" if isinstance(value, dict):
            gone = draw(st.sampled_from(sorted(value)))
            return {key: item for key, item in value.items() if key != gone}
        case "drop":
            index = draw(st.integers(0, len(value) - 1))
            return [*value[:index], *value[index + 1 :]]
        case "add" if isinstance(value, dict):
            return {**value, draw(keys.filter(lambda key: key not in value)): draw(values)}
        case "add":
            index = draw(st.integers(0, len(value)))
            return [*value[:index], draw(values), *value[index:]]
    return draw(values.filter(lambda other: not is_same(value, other)))


@st.composite
def mutations(draw: st.DrawFn) -> tuple[Any, Any]:
    value = draw(values)
    return value, changed(value, draw)


@given(values)
def test_a_value_is_as_expected_of_itself(value: Json) -> None:
    for comparison in (compare(as_node(value), value, "", exact=True), compare_whole(as_node(value), value, "")):
        assert comparison == []
    assert compare(as_node(value), value, "") == []


@given(mutations())
def test_any_single_change_is_told(pair: tuple[Any, Any]) -> None:
    value, other = pair
    assert (compare(as_node(value), other, "", exact=True) == []) is is_same(value, other)


@given(st.lists(values, max_size=5), st.randoms(use_true_random=False), st.data())
def test_any_order_is_as_good_and_any_other_item_is_told(items: list[Json], random: Any, data: st.DataObject) -> None:
    shuffled = items[:]
    random.shuffle(shuffled)
    expected = as_node({"$unordered": items})
    assert compare(expected, shuffled, "", exact=True) == []
    extra = data.draw(values)
    assert compare(expected, [*shuffled, extra], "", exact=True) != []
    if items and not any(is_same(extra, item) for item in items):
        assert compare(expected, [*shuffled[:-1], extra], "", exact=True) != []
