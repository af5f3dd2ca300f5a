"""Maps, lists, documents, keys, tags and aliases: which are read, and which are refused at their place."""

from __future__ import annotations

import pytest

from runner.errors import Position, Problem
from tests.source.conftest import plain, read, refusal


def test_maps_lists_and_scalars_become_plain_values() -> None:
    content = "a: {b: [1, x], c: }\nd:\n- - true\n  - 'q'\ne: |\n  one\n  two\nf: >-\n  one\n  two\n"
    assert plain(content) == {"a": {"b": [1, "x"], "c": None}, "d": [[True, "q"]], "e": "one\ntwo\n", "f": "one two"}


def test_a_document_may_begin_and_end_with_its_markers() -> None:
    assert plain("%YAML 1.2\n---\na: 1\n...\n") == {"a": 1}


@pytest.mark.parametrize("content", ["", "\n\n", "# only a comment\n"])
def test_an_empty_text_has_no_root_and_no_problem(content: str) -> None:
    document = read(content)
    assert document.root is None
    assert document.problems == ()


def test_a_duplicate_key_is_told_with_both_places() -> None:
    document = read("a: 1\nb:\n  c: 2\n  d: 3\n  c: 4\n")
    assert document.problems == (
        Problem(
            "duplicate-key",
            "key 'c' occurs twice in this map",
            Position("f.yaml", 5, 3, 4, "  c: 4"),
            hint="first on line 3",
        ),
    )


def test_keys_that_differ_only_in_quotes_are_duplicates() -> None:
    assert [problem.code for problem in read("'1': a\n1: b\n\"1\": c\n").problems] == ["duplicate-key"] * 2


def test_a_merge_key_is_an_error_at_its_place() -> None:
    assert read("a: &x {k: 1}\nb:\n  <<: *x\n").problems == (
        Problem(
            "yaml-merge-key",
            "merge keys (<<) are not supported",
            Position("f.yaml", 3, 3, 5, "  <<: *x"),
            hint="use extends: for what specs share",
        ),
    )


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert plain('"<<": 1') == {"<<": 1}


@pytest.mark.parametrize(
    ("content", "shown", "column"),
    [
        ("a: !!int 3", "!!int", 4),
        ("a: !!binary aGk=", "!!binary", 4),
        ("a: !!python/object:os.system {}", "!!python/object:os.system", 4),
        ("a: !mine {b: 1}", "!mine", 4),
        ("a: [x, !!set [1]]", "!!set", 8),
        ("!env a: 1", "!env", 1),
    ],
)
def test_a_tag_other_than_str_is_an_error(content: str, shown: str, column: int) -> None:
    assert read(content).problems == (
        Problem(
            "yaml-tag",
            f"tag {shown} is not allowed",
            Position("f.yaml", 1, column, column + 1, content),
            hint="only !!str is",
        ),
    )


@pytest.mark.parametrize("scalar", ["3", "true", "null", "no"])
def test_the_str_tag_makes_text_of_anything(scalar: str) -> None:
    assert plain(f"a: !!str {scalar}") == {"a": scalar}


def test_a_second_document_is_an_error_where_it_begins_and_the_first_one_is_kept() -> None:
    document = read("a: 1\n---\nb: 2\n")
    assert document.root is not None
    assert document.root.plain() == {"a": 1}
    assert document.problems == (
        Problem(
            "yaml-document",
            "a second document begins here",
            Position("f.yaml", 2, 1, 4, "---"),
            hint="one file holds one document",
        ),
    )


def test_an_alias_stands_for_its_anchor() -> None:
    assert plain("a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n") == {
        "a": {"k": [1]},
        "b": {"k": [1]},
        "c": [{"k": [1]}, {"k": [1]}],
    }


def test_an_anchor_may_be_set_again() -> None:
    assert plain("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_an_anchored_scalar_key_keeps_its_name() -> None:
    assert plain("&k a: 1\n") == {"a": 1}


@pytest.mark.parametrize(
    ("content", "message", "column"),
    [
        ("a: &x [1, *x]", "alias *x refers to a value that contains it", 11),
        ("a: &x {b: *x}", "alias *x refers to a value that contains it", 11),
        ("a: [*x, &x 1]", "alias *x has no anchor above it", 5),
    ],
)
def test_an_alias_that_leads_nowhere_is_an_error(content: str, message: str, column: int) -> None:
    assert refusal(content) == Problem("yaml-alias", message, Position("f.yaml", 1, column, column + 2, content))


def test_an_alias_can_not_be_a_key() -> None:
    assert refusal("a: &x k\n*x : 1\n") == Problem(
        "yaml-key", "a key must be written out, not an alias", Position("f.yaml", 2, 1, 3, "*x : 1")
    )


def test_a_list_can_not_be_a_key() -> None:
    assert refusal("? [1]\n: 2\n") == Problem(
        "yaml-key", "a key must be text, not a map or a list", Position("f.yaml", 1, 3, 4, "? [1]")
    )
