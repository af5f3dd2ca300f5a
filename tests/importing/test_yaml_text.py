"""The YAML that import writes reads back to the same values, in this package's reader and in those of others, without a warning."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from runner.importing.yaml_text import Commented, yaml_text
from runner.source import read_text

AMBIGUOUS = ["no", "Yes", "on", "OFF", "y", "n", "null", "~", "", "true", "0123", "12:30", "2026-01-02", "1e5", "1_000", "0x1f", ".5", ".inf", "=", "<<", "a: b", "a #b", "- a", "&a", "*a", "!a", "%a", "@a", "`a", "{a", "[a", "'a", '"a', "a\nb", "a\tb", " a", "a ", "\x85", "\u2028", "\ufeff", "é", "😀", "\x7f", "\x00", "?", "? a", "---", "..."]  # fmt: skip
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.sampled_from(AMBIGUOUS))
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


def text_of(properties: dict[str, Any]) -> str:
    commented = Commented({"version": 1, "properties": properties, "tests": [properties, [properties]]})
    commented.ask((), "Written by a test.")
    for key in properties:
        commented.ask(("properties", key), "Which values has it?")
    return yaml_text(commented)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_every_value_reads_back_without_a_warning(properties: dict[str, Any]) -> None:
    document = read_text(text_of(properties), "spec.yaml")
    assert document.problems == ()
    assert document.root is not None
    assert document.root.plain() == {"version": 1, "properties": properties, "tests": [properties, [properties]]}


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_other_readers_read_the_same_text(text: str) -> None:
    written = text_of(
        {"key": text, "numbers": [1e22, 1.5e-7, -0.0, 10**30, 0.1], "nested": {"list": [[text], {"a": text}]}}
    )
    expected = {"key": text, "numbers": [1e22, 1.5e-7, -0.0, 10**30, 0.1], "nested": {"list": [[text], {"a": text}]}}
    assert yaml.safe_load(written)["properties"] == expected
    assert YAML(typ="safe").load(StringIO(written))["properties"] == expected


def test_keys_stand_in_the_order_of_the_manual_and_comments_above_their_keys() -> None:
    commented = Commented(
        {
            "tests": [{"name": "a"}],
            "properties": {"a": {"b": [1, {"c": 2}]}},
            "event": "order_placed",
            "version": 1,
            "vars": {"u": {}},
        }
    )
    commented.ask(("properties", "a", "b", 1), "What is c?")
    commented.ask(("event",), "Is it this one?")
    commented.ask(("event",), "Is it this one?")
    assert yaml_text(commented) == (
        "version: 1\n\nvars:\n  u: {}\n\n# Is it this one?\nevent: order_placed\n\n"
        "properties:\n  a:\n    b:\n      - 1\n      # What is c?\n      - {c: 2}\n\ntests:\n  - name: a\n"
    )
