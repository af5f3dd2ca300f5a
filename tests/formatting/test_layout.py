"""The canonical layout: what a text becomes, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.formatting.files import formatted
from runner.source import read_text
from runner.source.yaml_writer import write_yaml

if TYPE_CHECKING:
    from pathlib import Path


def laid_out(folder: Path, text: str, name: str = "spec.yaml") -> str:
    path = folder / name
    path.write_bytes(text.encode())
    found = formatted(path)
    assert found.problems == ()
    assert found.after is not None
    return found.after


def test_keys_are_in_the_order_of_the_format_and_data_keeps_its_own(tmp_path: Path) -> None:
    text = """event: order_placed
properties: {z: 1, a: 2}
# who bought
vars:
  user: {default: u1, type: string}
version: 1
x-own: 1
distinct_id: u1
"""
    assert (
        laid_out(tmp_path, text)
        == """version: 1
# who bought
vars:
  user: {type: string, default: u1}
event: order_placed
distinct_id: u1
properties: {z: 1, a: 2}
x-own: 1
"""
    )


def test_keys_whose_values_share_an_anchor_stay_where_they_are(tmp_path: Path) -> None:
    text = "x-shared: &s {a: 1}\nproperties: *s\nversion: 1\n"
    assert laid_out(tmp_path, text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: no", 'a: "no"'),
        ("a: 0123", 'a: "0123"'),
        ("a: 2024-01-02", 'a: "2024-01-02"'),
        ("a: 12:30", 'a: "12:30"'),
        ("on: Off", '"on": "Off"'),
        ("404: x", '"404": x'),
        ("a: !!str 7", 'a: "7"'),
        ("a:", "a: null"),
        ("a: ~", "a: null"),
        ("a: 1.50", "a: 1.50"),
        ("a: TRUE", 'a: "TRUE"'),
        ("a: 'x'", 'a: "x"'),
        ('a: "^[0-9]+\\\\.$"', "a: '^[0-9]+\\.$'"),
        ("a: 'say \"x\"'", "a: 'say \"x\"'"),
        ('a: "tab\\tnew\\n"', 'a: "tab\\tnew\\n"'),
        ('a: "b\\u00a0c\\u200b"', 'a: "b\\u00a0c\\u200b"'),
        ('a: "\\u202Ex\\U0001F389\\xe9"', 'a: "\\u202Ex\\U0001F389\\xe9"'),
        ('a: "\\ud83c\\udf89 \\xA0\\_"', 'a: "\\U0001f389 \\xA0\\xA0"'),
        ('a: "\\x41\\/\\ \\e\\x7f\\0\\x0a"', 'a: "A/ \\e\\x7f\\0\\x0a"'),
        ('a: "\\\\u00e9 \\\\\\n"', 'a: "\\\\u00e9 \\\\\\n"'),
        ("a: '\x85'", 'a: "\\u0085"'),
        ('a: "é \\u00e9 🎉"', 'a: "é é 🎉"'),
        ('"\\u00e9": 1', '"\\u00e9": 1'),
        ('a: "\\N\\L"', 'a: "\\N\\L"'),
        ('"key": 1', "key: 1"),
        ('"a key": 1', '"a key": 1'),
        ("a:   [1,2 ,  3]", "a: [1, 2, 3]"),
        ("a: [\n  1,\n  2]", "a: [1, 2]"),
        ("a:\n- 1\n- 2", "a:\n  - 1\n  - 2"),
        ("a:\n     b:\n        c: 1", "a:\n  b:\n    c: 1"),
        ("-  a: 1\n   b: 2", "- a: 1\n  b: 2"),
        ("a: one\n  two", "a: one two"),
        ("a: |\n      x\n       y\n", "a: |\n  x\n   y"),
        ("a: >-\n    one\n    two\n", "a: >-\n  one\n  two"),
        ("--- # x\na: 1\n...\n", "# x\na: 1"),
        ("a: 1 # x", "a: 1  # x"),
        ("a: # x\n  b: 1", "a:  # x\n  b: 1"),
        ("a: [1, # x\n  2]", "a:\n  - 1  # x\n  - 2"),
        ("a: [ # x\n]", "a: []  # x"),
        ("- # x\n  a: 1", "# x\n- a: 1"),
        ("a: # x\n  1 # y", "# x\na: 1  # y"),
        ("a: # x\n  1", "a: 1  # x"),
        ("a:\n  # x\n  1", "# x\na: 1"),
        ("a:\n  # x\n  1 # y", "# x\na: 1  # y"),
        ("a: # x\n  # y\n  1", "# x\n# y\na: 1"),
        ("a:\n  # x\n  [1]", "# x\na: [1]"),
        ("a:\n  # x\n  - 1", "a:\n  # x\n  - 1"),
        ("a: &b\n  # x\n  1", "# x\na: &b 1"),
        ("-\n  # x\n  1", "# x\n- 1"),
        ("? a\n# x\n: 1", "# x\na: 1"),
        ("{a:\n  # x\n  1}", "# x\na: 1"),
        ("a: 1\n\n\n\nb: 2", "a: 1\n\nb: 2"),
        ("a: |\n  x\n\n\nb: 2", "a: |\n  x\n\nb: 2"),
        ("a: |+\n  x\n\n\nb: 2", "a: |+\n  x\n\n\nb: 2"),
        ("a: |2-\n   x\n     \nb: 2", "a: |2-\n   x\n     \nb: 2"),
        ("\n\na: 1", "a: 1"),
        ("a:\n\n  b: 1", "a:\n  b: 1"),
        ("a:\n  b: 1\n  # of a\n# of c\nc: 1", "a:\n  b: 1\n  # of a\n# of c\nc: 1"),
        ("a:\n- b\n# - c\n\nd: 1", "a:\n  - b\n  # - c\n\nd: 1"),
        ("a:\n- b  # x\n# - c\n# - d\n\n# of e\ne: 1", "a:\n  - b  # x\n  # - c\n  # - d\n\n# of e\ne: 1"),
        ("a:\n- b\n# of d\nd: 1", "a:\n  - b\n# of d\nd: 1"),
        ("a:\n- b\n\n# of d\n\nd: 1", "a:\n  - b\n\n# of d\n\nd: 1"),
        ("a:\n- b\n# - c", "a:\n  - b\n  # - c"),
        ("x:\n  a:\n  - b\n  # - c\n\n  d: 1", "x:\n  a:\n    - b\n    # - c\n\n  d: 1"),
        ("a:\n  - b\n# of d\n\nd: 1", "a:\n  - b\n# of d\n\nd: 1"),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2"),
        ("\ufeffa: 1", "a: 1"),
        ("a: >-\r  one\r  two\r# x\rb: 1", "a: >-\n  one\n  two\n# x\nb: 1"),
    ],
)
def test_a_text_becomes_another_one(tmp_path: Path, before: str, after: str) -> None:
    assert laid_out(tmp_path, before) == f"{after}\n"


def test_brackets_that_do_not_fit_on_a_line_become_a_block(tmp_path: Path) -> None:
    long = "x" * 70
    assert laid_out(tmp_path, f"a: {{b: {long}, c: [{long}, 1]}}") == f"a:\n  b: {long}\n  c: [{long}, 1]\n"


def test_a_text_over_several_lines_is_folded_where_it_is_longer_than_a_line(tmp_path: Path) -> None:
    text = "a: " + "\n  ".join(["some words that go on"] * 9)
    first, *rest = laid_out(tmp_path, text).splitlines()
    assert first == "a: >-"
    assert " ".join(line.strip() for line in rest) == " ".join(["some words that go on"] * 9)
    assert max(map(len, rest)) <= 102


def test_a_cassette_stays_as_it_is_recorded(tmp_path: Path) -> None:
    text = """# recorded 2026-11-28 from the sandbox by suprsend-runner 0.1.0
interactions:
- request:
    body: |-
      [
        1
      ]
    headers:
      Content-Type:
      - application/json; charset=utf-8
    method: POST
    uri: http://127.0.0.1:7788/event/
  response:
    body:
      string: '{"status": "it''s"}'
    headers: {}
    status:
      code: 202
      message: Accepted
version: 1
"""
    assert laid_out(tmp_path, text) == text
    assert (
        laid_out(tmp_path, text.replace("version: 1\n", "").replace("interactions", "version: 1\ninteractions")) == text
    )


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"one{char}two"
            for char in (*"\0\a\t\n\x1b\x7f\x85\xa0\u2028\ufeff🎉", "\u200b", "\\", '"', "'", "\n\n ", ": ")
        ),
        *(
            "",
            " ",
            "~",
            "null",
            "yes",
            "0123",
            "1",
            "1.5",
            "1e3",
            "-12E03",
            "0o17",
            "0x1f",
            "2024-01-02",
            "12:30",
            "=",
            "- a",
        ),
    ],
)
def test_what_is_recorded_reads_the_same_and_is_in_the_layout(tmp_path: Path, text: str) -> None:
    recorded = {"interactions": [{"response": {"body": {"string": text}}}], "version": 1}
    written = write_yaml(recorded)
    root = read_text(written, "c.yaml").root
    assert root is not None
    assert root.plain() == recorded
    assert laid_out(tmp_path, written) == written


def test_runner_yaml_has_an_order_of_its_own(tmp_path: Path) -> None:
    text = "checks: {unknown-event: off}\nprofiles:\n  b: {confirm: true, base_url: https://x.example.com}\n"
    assert laid_out(tmp_path, text, "runner.yaml") == (
        'profiles:\n  b: {base_url: https://x.example.com, confirm: true}\nchecks: {unknown-event: "off"}\n'
    )


def test_a_file_that_would_lose_something_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(f"? {'k' * 2000}\n: 1\n")
    [problem] = formatted(path).problems
    assert (problem.code, problem.message) == (
        "format-refused",
        f"{path} can't be written in the canonical layout without a change of its values",
    )
