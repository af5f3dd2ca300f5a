"""Regular expressions of a schema: their size is told before they are compiled, and seeking them ends."""

from __future__ import annotations

import time

import pytest

from runner.source import Schema, SchemaError
from runner.source.pattern_work import Pattern, TooMuchError

BACKTRACKING = [
    r"^(?:(a)|(a)|\1)*$", r"(?:a(?=a*b)|a)*c", r"(?:a++|a)*b", r"(?:(?!a*b)a)*c", r"(a*)(a*)(a*)(a*)\4b", r"(.+)\1x",
    r"(?:a(?=a*b))*c", r"^(a*)*\1$",
]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "at_least", "at_most"),
    [
        ("abc", 3, 10),
        ("^[a-z]{1,64}@[a-z]{1,255}$", 300, 400),
        (r"(a{100}){100}", 10_000, 10_100),
        (r"((a{100}){100}){100}", 1_000_000, 1_100_000),
        (r"^\p{L}{1,100}$", 50_000, 70_000),
        (".{1,1000}", 5_000, 20_000),
        ("(((", 1, 10),
        ("a)b{9", 1, 20),
        (r"\W{900}", 9_000, 9_100),
        (r"[^\d]{900}", 9_000, 19_000),
        (r"[\S]{900}", 9_000, 19_000),
        (r"\s{900}", 3_600, 3_700),
        (r"[\p{L}\p{N}]{100}", 120_000, 130_000),
        ("[à-ÿĀ-ſ一-龥]{900}", 2_700, 4_600),
        ("((a{9}){9}){9}?", 729, 850),
        ("a{90}{90}", 8_100, 8_200),
        ("(a{90}){2,}b", 180, 200),
        (r"\u{10400}-\x{10400}", 3, 10),
        ("[a{900}", 1, 10),
        ("a|b|[c-f]", 3, 10),
    ],
)
def test_a_pattern_s_size_is_that_of_its_repetitions(pattern: str, at_least: int, at_most: int) -> None:
    assert at_least <= Pattern.of(pattern).states <= at_most


@pytest.mark.parametrize("pattern", ["(?x)((a{90}) {90}) {90}", "(?ix:(a{90})#\n{900})"])
def test_white_space_does_not_hide_it_either(pattern: str) -> None:
    with pytest.raises(TooMuchError, match="without \\(\\?x\\)"):
        Pattern.of(pattern)
    assert Schema({"pattern": "(?x) a b # two letters"}).accepts("ab")


@pytest.mark.parametrize("text", ["[", "(?<", r"\p{", "{", "a{1,", "[\\", "(?P<", "a|", ".", r"\x{"])
def test_a_pattern_is_read_in_a_time_in_proportion_to_its_length(text: str) -> None:
    start = time.process_time()
    Pattern.of(text * (200_000 // len(text)))
    assert time.process_time() - start < 2


@pytest.mark.parametrize("pattern", BACKTRACKING)
@pytest.mark.parametrize("text", ["a" * 30 + "!", "a" * 1_000, "a" * 9_000])
def test_no_pattern_is_sought_for_long(pattern: str, text: str) -> None:
    schema = Schema({"items": {"pattern": pattern}})
    start = time.process_time()
    schema.accepts([text] * 5_000)
    schema.accepts([text])
    assert time.process_time() - start < 2


def test_what_is_given_up_is_told() -> None:
    [fault] = Schema({"properties": {"a": {"pattern": BACKTRACKING[0]}}}).faults({"a": "a" * 30 + "!"})
    assert (fault.code, fault.path) == ("schema-too-large", ("a",))
    assert fault.message == "'a' takes too long to match against its pattern"


@pytest.mark.parametrize(
    "pattern",
    [
        "^(?!tmp-)[a-z0-9-]+$",
        r"^(?=.*[a-z])(?=.*\d).{8,64}$",
        r"^(?!.*--)[a-z0-9]+(-[a-z0-9]+)*$",
        r"(\w)\1",
        r"(?<!\d)\d{3}(?!\d)",
        "^(?:(?!--)[a-z0-9-])+$",
        r"^(?!\.)[\w.-]{1,64}$",
    ],
)
def test_lists_of_ordinary_texts_are_held_against_patterns_that_look_around(pattern: str) -> None:
    assert Schema({"items": {"pattern": pattern}}).accepts([f"order-number-aa-{number:03}" for number in range(200)])


def test_names_are_told_apart_by_what_they_do_not_begin_with() -> None:
    schema = Schema({"patternProperties": {"^(?!x-)": {"type": "integer"}}, "additionalProperties": True})
    names = {f"order-number-{number:05}": number for number in range(2_000)}
    assert schema.accepts(names | {"x-mine": "text"})
    assert not schema.accepts(names | {"y-mine": "text"})


def test_a_place_of_too_many_digits_is_no_place() -> None:
    with pytest.raises(SchemaError, match=r"'#/allOf/9{5000}' is outside the schema"):
        Schema({"allOf": [{"$ref": "#/allOf/" + "9" * 5_000}]})


def test_patterns_take_from_an_allowance_what_they_take_of_memory() -> None:
    with pytest.raises(SchemaError, match="its regular expressions are too large"):
        Schema({"patternProperties": {rf"\W{{900}}b{number}": True for number in range(40)}})


@pytest.mark.parametrize("pattern", [r"^(?:((?:\1)?)(a))*c", r"(?:((?!\1))|\w)+", r"(a)(?<name>b\2)*"])
def test_a_pattern_that_refers_to_a_group_from_inside_of_it_is_none(pattern: str) -> None:
    with pytest.raises(SchemaError, match="refers to a group from inside of it") as caught:
        Schema({"pattern": pattern})
    assert caught.value.code == "bad-schema"
    assert Schema({"pattern": r"^(a)(?:(b)|\2)(c)\3\1$"}).accepts("abcca")
