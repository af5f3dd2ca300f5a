"""`validate --fix`: what it corrects, and what it leaves as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine

SPEC = """\
# what the shop sends
version:   1
description:   A customer placed an order.
labels: [shop, smoke, shop] # which
event: order_placed
distinct_id: 'u1'
properties: {gift: no, code: 0123, day: 2024-01-02,   list: [off, "on", 1e3]}
tests:
- name: an order
  labels:
  - smoke
  - late
  expect: {event: {properties: {gift: no}}}
- name: another
  labels: [smoke]
  expect: {event: {properties: {gift: no}}}
"""
FIXED = """\
# what the shop sends
version:   1
description:   A customer placed an order.
labels: [shop, smoke] # which
event: order_placed
distinct_id: 'u1'
properties: {gift: "no", code: "0123", day: "2024-01-02",   list: ["off", "on", 1e3]}
tests:
- name: an order
  labels:
  - late
  expect: {event: {properties: {gift: "no"}}}
- name: another
  expect: {event: {properties: {gift: "no"}}}
"""


@pytest.fixture
def spec(in_tmp: Path) -> Path:
    (in_tmp / ".git").mkdir()
    path = in_tmp / "spec.yaml"
    path.write_text(SPEC)
    return path


def test_what_has_one_safe_answer_is_corrected_and_nothing_else(spec: Path, cli: CommandLine) -> None:
    ended = cli("validate", "spec.yaml", "--fix")
    assert spec.read_text() == FIXED
    assert ended.code == 0
    assert ended.out.endswith("fixed  spec.yaml: 9 changes\n")
    assert ended.err == "1 spec checked: 1 warning\n"  # a number that is text to others may be meant as either
    assert cli("validate", "spec.yaml", "--fix", "-o", "json").json["fixed"] == []
    assert spec.read_text() == FIXED


@pytest.mark.parametrize(
    "change",
    [("\n", "\r\n"), ("# what", "\ufeff# what")],
    ids=["ends of lines", "byte order mark"],
)
def test_ends_of_lines_and_a_byte_order_mark_stay(spec: Path, cli: CommandLine, change: tuple[str, str]) -> None:
    spec.write_bytes(SPEC.replace(*change).encode())
    assert cli("validate", "spec.yaml", "--fix", "-o", "json").json["fixed"] == [{"path": "spec.yaml", "changes": 9}]
    assert spec.read_bytes() == FIXED.replace(*change).encode()


def test_a_spec_with_errors_is_left_alone(spec: Path, cli: CommandLine) -> None:
    text = SPEC.replace("'u1'", "'{{ nobody }}'") + "vars: {}\n"
    spec.write_text(text)
    assert cli("validate", "spec.yaml", "--fix").code == 2
    assert spec.read_text() == text


@pytest.mark.parametrize("where", ["file", "comment"])
def test_labels_stay_where_their_rule_is_off(spec: Path, cli: CommandLine, where: str) -> None:
    rest = 'checks: {unused-label: "off"}\n' if where == "file" else ""
    ignored = "  # runner: ignore unused-label\n" if where == "comment" else "\n"
    spec.write_text(SPEC.replace(" # which\n", ignored) + rest)
    assert cli("validate", "spec.yaml", "--fix").code == 0
    assert f"labels: [shop, smoke, shop]{ignored}" in spec.read_text()
    assert 'gift: "no"' in spec.read_text()


def test_labels_with_comments_stay(spec: Path, cli: CommandLine) -> None:
    text = FIXED.replace("  - late\n", "  - smoke # why\n  - late\n")
    spec.write_text(text)
    assert "advice[unused-label]" in cli("validate", "spec.yaml", "--fix").out
    assert spec.read_text() == text


def test_each_fix_is_a_line_of_its_own(spec: Path, cli: CommandLine) -> None:
    assert spec.is_file()
    assert (
        cli("validate", "spec.yaml", "--fix", "-o", "jsonl").out.splitlines()[-1]
        == '{"path": "spec.yaml", "changes": 9}'
    )


def test_a_read_only_file_is_reported_and_others_are_corrected(spec: Path, cli: CommandLine) -> None:
    spec.chmod(0o444)
    other = spec.with_name("z.yaml")
    other.write_text(SPEC)
    ended = cli("validate", "spec.yaml", "z.yaml", "--fix", "-o", "json")
    assert (ended.code, ended.json["fixed"]) == (74, [{"path": "z.yaml", "changes": 9}])
    assert "can't write spec.yaml: the file is read-only" in [each["message"] for each in ended.json["problems"]]
    assert (spec.read_text(), other.read_text()) == (SPEC, FIXED)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  - {name: one, labels: [shop], skip: no}\n", '  - {name: one, skip: "no"}\n'),
        ("  - {name: one, labels: [shop]}\n", "  - {name: one}\n"),
        ("  - {labels: [shop], name: one}\n", "  - {name: one}\n"),
        ("  - {name: one,\n     labels: [shop],\n     vars: {}}\n", "  - {name: one,\n     vars: {}}\n"),
        ("  - labels: [shop]\n    name: one\n", "  - name: one\n"),
        ("  - labels:\n      - shop\n    name: one\n", "  - name: one\n"),
        (
            "  - name: one\n    labels: [shop]\n    # of vars\n    vars: {}\n",
            "  - name: one\n    # of vars\n    vars: {}\n",
        ),
        ("  - name: one\n    labels: [\n      shop,\n    ]\n", "  - name: one\n"),
        ("  - name: one\n    'labels': [shop]\n    vars: {}\n", "  - name: one\n    vars: {}\n"),
        ("  - name: one\n    labels: [shop, x, shop]\n", "  - name: one\n    labels: [x]\n"),
        ("  - {name: one, labels: [shop], # why\n     vars: {}}\n", None),
        ("  - name: one\n    labels: [no, shop, no]\n", '  - name: one\n    labels: ["no"]\n'),
        ("  - name: one\n    labels: &l [shop]\n  - name: two\n    labels: *l\n", None),
        ("  - name: one\n    labels: *given\n", None),
        ("  - name: one\n    labels: [*first, x]\n", None),
    ],
)
def test_labels_are_removed_from_maps_of_any_form(spec: Path, cli: CommandLine, before: str, after: str | None) -> None:
    head = "version: 1\nevent: order_placed\ndistinct_id: u1\nlabels: &given [&first shop]\nproperties: {gift: no}\ntests:\n"
    spec.write_text(head + before)
    assert cli("validate", "spec.yaml", "--fix").code == 0
    assert spec.read_text() == head.replace("no}", '"no"}') + (after if after is not None else before)


def test_a_label_of_an_alias_is_advised_on_where_the_case_has_it(spec: Path, cli: CommandLine) -> None:
    spec.write_text(
        "version: 1\ndescription: x\nevent: order_placed\ndistinct_id: u1\nlabels: &given [shop]\n"
        "tests:\n  - name: one\n    labels: *given\n    expect: {event: {distinct_id: u1}}\n"
    )
    [problem] = cli("validate", "spec.yaml", "-o", "json").json["problems"]
    assert (problem["code"], problem["line"], problem["column"]) == ("unused-label", 8, 5)
