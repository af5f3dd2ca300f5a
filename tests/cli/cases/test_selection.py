"""Which cases `runner test` runs: by path, name, group and label, and those that failed before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.pytest_plugin.nodes import node_name
from tests.cli.cases.conftest import PURCHASE, RENDERED, WRONG, record, write

if TYPE_CHECKING:
    from tests.conftest import CommandLine


def test_a_misspelt_case_is_told(cli: CommandLine) -> None:
    write(RENDERED)
    told = "error[case-not-found]: no case fits -k 'a premiun purchase'\n  = did you mean 'a premium purchase'?\n"
    assert cli("test", "-q", "-k", "a premiun purchase").err.endswith(told)


def test_a_case_that_a_spec_does_not_have_is_told_before_anything_runs(cli: CommandLine) -> None:
    write(PURCHASE)
    ended = cli("test", "specs/purchase.yaml::an anwser")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err == (
        "error[case-not-found]: specs/purchase.yaml has no case 'an anwser'\n  = did you mean 'an answer'?\n"
    )
    write(PURCHASE.replace("event:", "evnt:", 1))
    assert cli("test", "specs/purchase.yaml::an answer").code == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("specs/\x1b[31mgift.yaml", r"pytest can't run specs/\x1b[31mgift.yaml: after '[' it expects a case"),
        ("specs/a::gift.yaml", "pytest can't run specs/a::gift.yaml: after '::' it expects a case"),
    ],
)
def test_a_path_that_pytest_would_take_apart_is_refused(cli: CommandLine, name: str, told: str) -> None:
    write(RENDERED, name)
    write(WRONG, f"{name.replace('[', ':').split(':')[0]}/other.yaml")  # what pytest would run instead
    ended = cli("test", name)
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == f"error[usage]: {told}\n  = rename it, or name the folder that it is in\n"
    assert cli("test", "specs", "-k", "premium").code == 1


def test_a_project_in_a_folder_with_brackets_is_tested(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    write(RENDERED, "shop[1]/specs/purchase.yaml")
    Path("shop[1]/.git").mkdir()
    for folder, here in (("shop[1]", "specs"), ("specs", ".")):
        monkeypatch.chdir(folder)
        for place in ([], ["."], [f"{here}/purchase.yaml::a premium purchase"]):
            assert cli("test", *place).code == 0, place


@pytest.mark.parametrize("flags", [(), ("--", "-n", "1")])
def test_a_name_that_is_not_utf_8_is_a_name(cli: CommandLine, flags: tuple[str, ...]) -> None:
    write(PURCHASE, "specs/caf\udce9.yaml")
    ended = cli("test", "specs", *flags)
    assert (ended.code, "1 failed, 1 passed" in ended.out, "cassettes/caf\\udce9/an-answer.yaml" in ended.out) == (
        6,
        True,
        True,
    )
    assert cli("test", "specs", "-o", "json", *flags).json["cases"][0]["spec"] == "specs/caf\\udce9.yaml"
    assert cli("render", "specs/caf\udce9.yaml", "--case", "an answer").code == 0
    if not flags:
        record(cli)
        assert cli("cassette", "verify", "--sandbox").code == 0


NAMES = [
    "total [EUR]",
    "total [USD",
    "Order::paid",
    "two\nlines",
    "\x1b[31mred\x9b",
    "[",
    "a]",
    "::",
    "ends in ::",
    "äöü 名 [x::y]",
]


def named(*names: str, wrong: int | None = None) -> str:
    """Return a spec with a case of each name, of which one may fail."""
    cases = "".join(
        f"  - {{name: {json.dumps(name)}, expect: {{event: {{distinct_id: u{2 if number == wrong else 1}}}}}}}\n"
        for number, name in enumerate(names)
    )
    return f"version: 1\nevent: order_placed\ndistinct_id: u1\ntests:\n{cases}"


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        *(("specs/names.yaml", number) for number in range(len(NAMES))),
        *((f"specs/{name}.yaml", 0) for name in ("a::b", "a[b]", "a\x1b", "::[")),
    ],
)
def test_what_failed_runs_again_whatever_its_name(cli: CommandLine, in_tmp: Path, spec: str, wrong: int) -> None:
    cli.environ["XDG_CACHE_HOME"] = str(in_tmp / "cache")
    write(named(*NAMES, wrong=wrong), spec)
    write(named("another", wrong=0), "specs/other.yaml")
    assert cli("test").code == 1
    again = cli("test", "-o", "json", "--", "--lf")
    assert (again.code, {case["case"] for case in again.json["cases"]}) == (1, {NAMES[wrong], "another"})


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_named_by_its_own_name_or_by_that_of_a_report(cli: CommandLine, name: str) -> None:
    write(named(*NAMES), "specs/names.yaml")
    for text in (name, node_name(name)):
        ended = cli("test", f"specs/names.yaml::{text}", "-o", "json")
        assert (ended.code, [case["case"] for case in ended.json["cases"]]) == (0, [name])


def test_an_id_of_a_parametrized_group_runs_all_of_it(cli: CommandLine) -> None:
    write(
        """
        version: 1
        vars: {user: {type: string}}
        event: order_placed
        distinct_id: "{{ user }}"
        tests:
          - name: each user [EU]::all
            parametrize: [{user: u1}, {user: "u::2"}, {id: "a\\nb", user: u3}]
            expect: {event: {event: order_placed}}
          - {name: each, vars: {user: u4}, expect: {event: {event: order_placed}}}
          - {name: "each [x]", vars: {user: u4}, expect: {event: {event: order_placed}}}
        """
    )

    def ran(*args: str) -> list[str]:
        ended = cli("-o", "json", "test", *args)
        assert ended.code == 0, ended.err
        return [case["case"] for case in ended.json["cases"]]

    group = ["each user [EU]::all[u1]", "each user [EU]::all[u::2]", "each user [EU]::all[#3]"]
    spec = "specs/purchase.yaml"
    assert ran(f"{spec}::each user [EU]::all") == group
    assert ran("-k", "each user [EU]::all") == group
    assert ran(f"{spec}::{group[1]}") == [group[1]]
    assert ran(f"{spec}::each", f"{spec}::{group[0]}") == [group[0], "each"]
    assert ran(f"{spec}::each", "--", "-p", "xdist", "-n", "2") == ["each"]
    assert len(ran(f"{spec}::each", spec)) == len(ran(f"{spec}::each", "specs")) == 5
    assert cli("test", f"{spec}::each user").code == 4


def test_labels_are_no_marks_of_other_plugins(cli: CommandLine, in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = ["timeout", "freeze_time", "flaky", "skip", "usefixtures", "xfail", "skipif", "smoke"]
    write(named("a case").replace("event:", f"labels: {json.dumps(labels)}\nevent:", 1))
    write(
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_collection_modifyitems(items):
            for item in items:
                if item.get_closest_marker("freeze_time"):
                    item.fixturenames.insert(0, "freezer")

        def pytest_runtest_setup(item):
            for name in ("timeout", "flaky", "skip"):
                assert item.get_closest_marker(name) is None and name not in item.keywords
                assert not list(item.iter_markers(name=name))
        """,
        "freezing.py",
    )
    monkeypatch.syspath_prepend(in_tmp)
    for label in labels:
        ended = cli("test", "-o", "json", "--", "-p", "freezing", "-m", label, "--strict-markers")
        assert (ended.code, [case["state"] for case in ended.json["cases"]]) == (0, ["passed"]), ended.err
    assert cli("test", "--", "-m", "not timeout").code == 4
