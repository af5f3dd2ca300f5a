"""`extends`: how specs merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.eventspec import load
from tests.eventspec.reader.conftest import BASE, RESERVED

if TYPE_CHECKING:
    from tests.projects import Project


def test_vars_and_properties_merge_by_key_and_all_else_is_replaced(project: Project) -> None:
    project.write("_base.yaml", BASE)
    content = (
        "extends: _base.yaml\nevent: child_event\nlabels: [child]\nvars: {n: {type: integer, default: 7}, m: {default: 5}}\n"
        "properties: {b: '{{ m }}', c: {e: 2}, f: 3}\n"
    )
    assert project.problems(content) == []
    spec = project.spec(content)
    event = project.render(content, user="u1", n=7, m=5)
    assert (event.event_name, event.distinct_id) == ("child_event", "u1")
    assert event.properties == {"a": 7, "b": 5, "c": {"e": 2}, "f": 3}
    assert (spec.labels, {v.name: v.default for v in spec.variables}) == (("child",), {"user": None, "n": 7, "m": 5})


def test_name_and_tests_are_not_inherited(project: Project) -> None:
    project.write("_base.yaml", BASE)
    spec = project.spec("extends: _base.yaml\n", "child.yaml")
    assert (spec.name, spec.cases, spec.labels) == ("child", (), ("base",))


@pytest.mark.parametrize("content", ["extends: _base.yaml\nproperties: {}\n", "extends: _base.yaml\nvars: {}\n"])
def test_an_empty_map_merges_as_any_other(project: Project, content: str) -> None:
    project.write("_base.yaml", BASE)
    assert project.problems(content) == []
    assert project.render(content, user="u1", n=1).properties == {"a": 1, "b": 1, "c": {"d": 1}}


def test_a_chain_of_bases_is_followed_each_from_its_own_folder(project: Project) -> None:
    project.write("shared/deep/_root.yaml", BASE)
    project.write("shared/_middle.yaml", "extends: deep/_root.yaml\nproperties: {b: 2}\n")
    content = "extends: ../shared/_middle.yaml\nproperties: {a: 1}\n"
    assert project.problems(content, "specs/s.yaml") == []
    project.write("specs/s.yaml", content)
    spec = load(project.root / "specs/s.yaml", project.root).spec
    assert spec is not None
    properties = spec.root.get("properties")
    assert properties is not None
    assert properties.plain() == {"a": 1, "b": 2, "c": {"d": 1}}


def test_a_problem_points_into_the_file_that_its_value_came_from(project: Project) -> None:
    project.write("_base.yaml", BASE.replace("b: 1", "b: '{{ oops }}', $x: 1").replace("labels", "lables"))
    assert project.problems("extends: _base.yaml\nproperties: {ss_y: 1}\n") == [
        "_base.yaml:3:1-7 error[unknown-key] unknown key 'lables' (did you mean 'labels'?) @lables",
        "_base.yaml:7:35-39 error[template-undefined] variable 'oops' is not defined (known here: n, user)",
        f"_base.yaml:7:45-47 error[reserved-name] property '$x' is reserved {RESERVED} @properties.$x",
        f"spec.yaml:2:14-18 error[reserved-name] property 'ss_y' is reserved {RESERVED} @properties.ss_y",
    ]


def test_an_unused_variable_of_a_base_is_no_warning(project: Project) -> None:
    project.write("_base.yaml", BASE)
    assert project.problems("extends: _base.yaml\nproperties: {a: 0}\n") == []


@pytest.mark.parametrize(
    ("base", "told"),
    [
        (
            "",
            "_base.yaml:1:1-2 error[empty-file] the file is empty (`runner schema` prints the format)",
        ),
        ("[1]\n", "_base.yaml:1:1-2 error[not-a-spec] a spec is a map with an `event:`, not a list"),
        ("a: 'x\n", "_base.yaml:1:4-5 error[yaml-syntax] the quote that opens here is never closed"),
    ],
)
def test_a_base_that_is_no_spec_is_told_in_its_own_file(project: Project, base: str, told: str) -> None:
    project.write("_base.yaml", base)
    assert project.problems("extends: _base.yaml\n") == [told]


def test_a_spec_that_extends_itself_is_told(project: Project) -> None:
    assert project.problems("extends: spec.yaml\n") == [
        "spec.yaml:1:10-19 error[extends-cycle] the spec extends itself: spec.yaml → spec.yaml"
    ]


def test_a_cycle_is_told_where_it_closes(project: Project) -> None:
    project.write("_a.yaml", "extends: ./_b.yaml\n")
    project.write("_b.yaml", "extends: _a.yaml\n")
    assert project.problems("extends: _a.yaml\n") == [
        "_b.yaml:1:10-17 error[extends-cycle] the spec extends itself: spec.yaml → _a.yaml → _b.yaml → _a.yaml"
    ]
