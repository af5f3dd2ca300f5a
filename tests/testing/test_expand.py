"""Cases and rows that stand in files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import InvalidInput, NotFound
from runner.eventspec import load
from runner.testing.expand import MAX_ROWS, expand, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.eventspec import Spec
    from runner.variables import Given
    from tests.conftest import CommandLine

SPEC = (
    "version: 1\nvars:\n  user: {type: string}\n  amount: {type: number, default: 10}\n  ok: {type: boolean, default: true}\n"
    "  pin: {type: string, secret: true, default: hunter1}\n"
    "event: order_placed\ndistinct_id: '{{ user }}'\nproperties: {amount: '{{ amount }}', ok: '{{ ok }}', pin: '{{ pin }}'}\n"
    "tests:\n"
)


def spec_of(folder: Path, tests: str) -> Spec:
    (folder / "spec.yaml").write_text(SPEC + tests, "utf-8")
    loaded = load(Path("spec.yaml"), folder)
    assert loaded.spec is not None, loaded.problems
    return loaded.spec


def plain(given: Mapping[str, Given]) -> dict[str, Any]:
    return {name: (each.value, each.is_text) for name, each in given.items()}


def test_each_row_of_a_file_is_a_case(in_tmp: Path) -> None:
    (in_tmp / "sets.csv").write_text("id,user,amount,ok\nfree,u1,0,\n,u2,5,true\n")
    spec = spec_of(
        in_tmp,
        "- {name: first}\n- {name: one, vars: {user: u0, ok: false}, parametrize: sets.csv, steps: [{}, {vars: {amount: 7}}]}\n",
    )
    first, free, second = expand(spec)
    assert [each.name for each in (first, free, second)] == ["first", "one[free]", "one[#2]"]
    assert plain(free.vars) == {"user": ("u1", True), "amount": ("0", True), "ok": (False, False)}
    assert plain(second.vars) == {"user": ("u2", True), "amount": ("5", True), "ok": ("true", True)}
    assert [plain(step.vars)["amount"] for step in free.steps] == [("0", True), (7, False)]
    assert (free.parametrize, free.node) == (None, spec.cases[1].node)
    place = free.vars["user"].position
    assert place is not None
    assert (place.path, place.line, place.text) == ("sets.csv", 2, "")


def test_a_row_without_an_id_is_named_by_its_values_but_for_secrets(in_tmp: Path) -> None:
    (in_tmp / "sets.tsv").write_text("user\tpin\tamount\nu1\thunter2\t5\nu2\thunter3\t6\n")
    cases = expand(spec_of(in_tmp, "- {name: one, parametrize: sets.tsv}\n"))
    assert [case.name for case in cases] == ["one[u1-5]", "one[u2-6]"]


def test_a_spec_without_files_is_expanded_as_it_stands(in_tmp: Path) -> None:
    spec = spec_of(in_tmp, "- {name: one, parametrize: [{amount: 1}, {amount: 2}]}\n- {name: two}\n")
    assert expand(spec) == list(spec.cases)
    assert [case.name for case in spec.cases] == ["one[1]", "one[2]", "two"]


@pytest.mark.parametrize(
    ("rows", "tests", "told"),
    [
        ("usr,id,extra\nu1,a,\n", "",
         ("sets.csv:1:1: there is no variable for the column 'usr' (did you mean 'user'?)\n"
          "sets.csv:1:1: there is no variable for the column 'extra' (known here: user, amount, ok, pin, id)")),
        ("user\nu1\nu1\n", "",
         "sets.csv:3:1: there are two cases 'one[u1]' (the first is on line 2; add a column `id` to distinguish them)"),
        ("user\nu1\n", "- {name: 'one[u1]'}\n",
         "spec.yaml:12:10: there are two cases 'one[u1]', one of them made by a row of a file"),
        ("user,amount\nu1\n", "",
         ("sets.csv:2:1: 1 cell, but the header has 2 columns "
          "(an empty cell needs a separator too, and a cell with a line break must be quoted)")),
        ("", "", "sets.csv:1:1: the file is empty (its first row must name the columns)"),
        ("user\n" + "".join(f"u{number}\n" for number in range(MAX_ROWS + 1)), "",
         "sets.csv has more than 10,000 rows (send them with --rows; a case is for few rows)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_of_sets_is_told(in_tmp: Path, rows: str, tests: str, told: str) -> None:
    (in_tmp / "sets.csv").write_text(rows)
    spec = spec_of(in_tmp, f"- {{name: one, parametrize: sets.csv}}\n{tests}")
    with pytest.raises(InvalidInput) as caught:
        expand(spec)
    assert str(caught.value) == told


def test_a_file_that_is_gone_by_then_is_told(in_tmp: Path) -> None:
    (in_tmp / "sets.csv").write_text("user\nu1\n")
    spec = spec_of(in_tmp, "- {name: one, parametrize: sets.csv}\n")
    (in_tmp / "sets.csv").unlink()
    with pytest.raises(NotFound) as caught:
        expand(spec)
    assert str(caught.value) == "no such file: sets.csv"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", "user,amount,ok\nu1,5,\nu2,,true\n"),
        ("rows.jsonl", '{"user": "u1", "amount": 5}\n{"user": "u2", "ok": true}\n'),
        ("rows.json", '[{"user": "u1", "amount": 5}, {"user": "u2", "ok": true}]\n'),
    ],
)
def test_rows_of_a_file_stand_over_the_step(in_tmp: Path, name: str, content: str) -> None:
    (in_tmp / name).write_text(content)
    spec = spec_of(in_tmp, f"- {{name: one, vars: {{pin: x, ok: false, amount: 1}}, rows: {name}}}\n")
    rows = rows_of(spec.cases[0].steps[0], spec.variables)
    is_text = name == "rows.csv"
    five, true = ("5", "true") if is_text else (5, True)
    assert [plain(row) for row in rows] == [
        {"pin": ("x", False), "ok": (False, False), "amount": (five, is_text), "user": ("u1", is_text)},
        {"pin": ("x", False), "ok": (true, is_text), "amount": (1, False), "user": ("u2", is_text)},
    ]


def test_rows_of_a_list_stand_over_the_step_and_without_rows_it_is_one_event(in_tmp: Path) -> None:
    spec = spec_of(in_tmp, "- {name: one, vars: {user: u0}, steps: [{rows: [{user: u1}, {amount: 2}]}, {}]}\n")
    several, single = spec.cases[0].steps
    assert [plain(row) for row in rows_of(several, spec.variables)] == [
        {"user": ("u1", False)},
        {"user": ("u0", False), "amount": (2, False)},
    ]
    assert [plain(row) for row in rows_of(single, spec.variables)] == [{"user": ("u0", False)}]


def test_a_key_of_a_row_that_is_no_variable_is_told(in_tmp: Path) -> None:
    (in_tmp / "rows.jsonl").write_text('{"user": "u1"}\n{"id": 5}\n')
    spec = spec_of(in_tmp, "- {name: one, rows: rows.jsonl}\n")
    with pytest.raises(InvalidInput) as caught:
        list(rows_of(spec.cases[0].steps[0], spec.variables))
    assert str(caught.value) == (
        "rows.jsonl:2:1: there is no variable for the column 'id' (known here: user, amount, ok, pin)"
    )


def test_a_case_of_a_file_is_rendered_by_its_name(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / "sets.csv").write_text("id,user,amount\na,u1,5\nb,u2,6\n")
    spec_of(
        in_tmp, "- {name: one, parametrize: sets.csv}\n- {name: two, vars: {user: u3}, now: '2026-01-02T03:04:05Z'}\n"
    )
    first, second = (cli("render", "spec.yaml", "--case", f"one[{name}]") for name in "ab")
    assert first.json["distinct_id"], second.json["distinct_id"] == ("u1", "u2")
    assert first.json["properties"]["amount"] == 5
    assert first.json["$time"] == 1767225600000
    assert first.json["$insert_id"] != second.json["$insert_id"]
    assert cli("render", "spec.yaml", "--case", "one[a]").out == first.out
    assert cli("render", "spec.yaml", "--case", "two").json["$time"] == 1767323045000
    ended = cli("render", "spec.yaml", "--case", "one[c]")
    assert (ended.code, ended.err) == (
        4,
        "error[case-not-found]: spec.yaml has no case 'one[c]'\n  = did you mean 'one[a]'?\n",
    )


@pytest.mark.parametrize("case", ["rows: [{user: u1}]", "steps: [{}, {}]", "steps: [{spec: spec.yaml}]"])
def test_a_case_of_several_events_is_none_to_render(cli: CommandLine, in_tmp: Path, case: str) -> None:
    spec_of(in_tmp, f"- {{name: one, vars: {{user: u1}}, {case}}}\n")
    ended = cli("render", "spec.yaml", "--case", "one")
    assert ended.code == 64
    assert ended.err.startswith(
        "error[usage]: the case 'one' is not one event of its own spec: --case does not support steps and rows\n"
    )


def test_a_case_has_the_same_ids_from_wherever_it_is_rendered(
    cli: CommandLine, in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (in_tmp / ".git").mkdir()
    (in_tmp / "specs").mkdir()
    (in_tmp / "specs" / "spec.yaml").write_text(SPEC + "- {name: one, vars: {user: u1}}\n")
    out = {cli("render", path, "--case", "one").out for path in ("specs/spec.yaml", in_tmp / "specs" / "spec.yaml")}
    monkeypatch.chdir("specs")
    out |= {cli("render", path, "--case", "one").out for path in ("spec.yaml", "../specs/spec.yaml")}
    assert len(out) == 1
