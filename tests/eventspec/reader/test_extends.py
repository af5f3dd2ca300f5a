"""`extends`: how specs merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.eventspec import load
from runner.project.tree import MAX_BASES
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


def test_a_cycle_of_ten_is_told_with_the_whole_way(project: Project) -> None:
    for number in range(10):
        project.write(f"_{number}.yaml", f"extends: [_{(number + 1) % 10}.yaml]\n")
    way = " → ".join(["spec.yaml", *(f"_{number}.yaml" for number in range(10)), "_0.yaml"])
    assert project.problems("extends: _0.yaml\n") == [
        f"_9.yaml:1:11-18 error[extends-cycle] the spec extends itself: {way}"
    ]


def test_of_several_bases_a_later_one_takes_precedence_and_the_spec_over_all(project: Project) -> None:
    project.write("_a.yaml", "version: 1\nevent: of_a\ndistinct_id: a\nlabels: [a]\nproperties: {x: a, y: a, z: a}\n")
    project.write("_b.yaml", "event: of_b\nlabels: [b]\nproperties: {y: b, z: b}\n")
    content = "extends: [_a.yaml, _b.yaml]\nlabels: [own]\nproperties: {z: own}\n"
    assert project.problems(content) == []
    event = project.render(content)
    assert (event.event_name, event.distinct_id) == ("of_b", "a")
    assert event.properties == {"x": "a", "y": "b", "z": "own"}
    assert project.spec(content).labels == ("own",)


def test_a_list_of_one_base_is_like_its_path_alone(project: Project) -> None:
    project.write("_base.yaml", BASE)
    alone, listed = (project.render(f"extends: {base}\n", user="u1", n=1) for base in ("_base.yaml", "[_base.yaml]"))
    assert (
        (alone.event_name, alone.properties)
        == (listed.event_name, listed.properties)
        == ("base_event", {"a": 1, "b": 1, "c": {"d": 1}})
    )


def test_lets_and_variables_of_several_bases_merge_by_key(project: Project) -> None:
    project.write("_money.yaml", "vars: {price: {type: number, default: 2}}\nlet: {total: '{{ price * 2 }}', fee: 1}\n")
    project.write("_people.yaml", "vars: {user: {type: string}}\nlet: {fee: 5}\n")
    content = (
        "version: 1\nextends: [_money.yaml, _people.yaml]\nevent: paid\ndistinct_id: '{{ user }}'\n"
        "let: {sum: '{{ total + fee }}'}\nproperties: {sum: '{{ sum }}'}\n"
    )
    assert project.problems(content) == []
    assert project.render(content, user="u1", price=2).properties == {"sum": 9}


def test_an_inherited_let_that_nothing_reads_is_neither_computed_nor_reported(project: Project) -> None:
    project.write("_lets.yaml", "let: {half: '{{ price / parts }}', twice: '{{ price * 2 }}'}\n")
    content = "version: 1\nextends: _lets.yaml\nevent: paid\ndistinct_id: u1\nproperties: {a: '{{ twice }}'}\n"
    assert project.problems(content) == []
    spec = project.spec(content)
    assert ([*spec.lets], [variable.name for variable in spec.variables]) == (["twice"], ["price"])


def test_a_let_of_the_spec_takes_the_place_of_an_inherited_one(project: Project) -> None:
    project.write("_lets.yaml", "let: {rate: 1, total: '{{ rate * 10 }}'}\n")
    content = "version: 1\nextends: _lets.yaml\nevent: paid\ndistinct_id: u1\nlet: {rate: 3}\nproperties: {a: '{{ total }}'}\n"
    assert project.render(content).properties == {"a": 30}


def test_a_misspelt_name_of_an_inherited_let_is_suggested(project: Project) -> None:
    project.write("_lets.yaml", "vars: {}\nlet: {total: 1}\n")
    assert project.problems(
        "version: 1\nextends: _lets.yaml\nevent: paid\ndistinct_id: u1\nproperties: {a: '{{ totl }}'}\n"
    ) == ["spec.yaml:5:21-25 error[template-undefined] variable 'totl' is not defined (did you mean 'total'?)"]


@pytest.mark.parametrize(
    ("base", "own", "sent"),
    [
        ("{a: 1, b: 2}", "{b: 3}", {"a": 1, "b": 3}),
        ("{a: 1}", "{$merge: [{b: 2}]}", {"b": 2}),
        ("{a: 1}", "{$literal: {b: '{{ x }}'}}", {"b": "{{ x }}"}),
        ("{a: 1}", "'{{ {\"b\": 2} }}'", {"b": 2}),
        ("{$merge: [{a: 1}]}", "{b: 2}", {"b": 2}),
        ("'{{ {\"a\": 1} }}'", "{b: 2}", {"b": 2}),
    ],
)
def test_properties_merge_where_both_are_plain_maps(
    project: Project, base: str, own: str, sent: dict[str, object]
) -> None:
    project.write("_base.yaml", f"version: 1\nevent: paid\ndistinct_id: u1\nproperties: {base}\n")
    assert project.render(f"extends: _base.yaml\nproperties: {own}\n").properties == sent


def test_a_base_that_is_reached_twice_counts_once_below_all_that_build_on_it(project: Project) -> None:
    project.write("_root.yaml", "version: 1\nevent: of_root\ndistinct_id: u1\nproperties: {a: root, b: root}\n")
    project.write("_left.yaml", "extends: _root.yaml\nevent: of_left\nproperties: {a: left}\n")
    project.write("_right.yaml", "extends: _root.yaml\nproperties: {b: right}\n")
    content = "extends: [_left.yaml, _right.yaml, _root.yaml, ./_left.yaml]\n"
    assert project.problems(content) == []
    event = project.render(content)
    assert (event.event_name, event.properties) == ("of_left", {"a": "left", "b": "right"})


def test_what_is_wrong_with_a_base_that_is_reached_twice_is_told_once(project: Project) -> None:
    project.write("_root.yaml", "a: 'x\n")
    for name in ("_left.yaml", "_right.yaml"):
        project.write(name, "extends: _root.yaml\n")
    assert project.problems("extends: [_left.yaml, _right.yaml]\n") == [
        "_root.yaml:1:4-5 error[yaml-syntax] the quote that opens here is never closed"
    ]


def test_each_base_that_can_not_be_read_is_told_at_its_place(project: Project) -> None:
    project.write("_good.yaml", BASE)
    project.write("folder/x.yaml", BASE)
    assert project.problems("extends:\n  - _goood.yaml\n  - _good.yaml\n  - folder\n  - ../_out.yaml\n") == [
        (
            f"spec.yaml:2:5-16 error[file-not-found] no such file: {project.root}/_goood.yaml "
            f"(did you mean {project.root}/_good.yaml?)"
        ),
        f"spec.yaml:4:5-11 error[file-not-found] a folder, not a file: {project.root}/folder",
        (
            "spec.yaml:5:5-17 error[path-outside] '../_out.yaml' is outside the project "
            "(files that a spec names must be in the project's folder 'proj')"
        ),
    ]


@pytest.mark.parametrize(
    ("extends", "told"),
    [
        ("7", "1:10-11 error[wrong-type] 'extends' must be the path of a file, or a list of paths, not a number @extends"),
        ("[]", "1:10-11 error[wrong-type] 'extends' must be the path of a file, or a list of paths, not an empty list @extends"),
        ("''", "1:10-12 error[wrong-type] 'extends' must be the path of a file, or a list of paths, not an empty text @extends"),
        ("{a: _a.yaml}", "1:10-11 error[wrong-type] 'extends' must be the path of a file, or a list of paths, not a map @extends"),
        ("[_a.yaml, {b: c}]", "1:20-21 error[wrong-type] 'extends[1]' must be the path of a file, not a map @extends[1]"),
        ("[[_a.yaml]]", "1:11-12 error[wrong-type] 'extends[0]' must be the path of a file, not a list @extends[0]"),
    ],
)  # fmt: skip
def test_what_is_neither_a_path_nor_a_list_of_them_is_told(project: Project, extends: str, told: str) -> None:
    assert project.problems(f"extends: {extends}\n") == [f"spec.yaml:{told}"]


def test_an_anchor_of_one_file_is_unknown_in_another(project: Project) -> None:
    project.write("_base.yaml", "version: 1\nevent: paid\ndistinct_id: u1\nproperties: {a: &one {b: 1}}\n")
    assert project.problems("extends: _base.yaml\nproperties: {c: *one}\n") == [
        "spec.yaml:2:17-21 error[yaml-alias] alias *one has no anchor above it"
    ]


def test_a_spec_builds_on_a_hundred_files_and_no_more(project: Project) -> None:
    for number in range(MAX_BASES + 1):
        project.write(f"_{number}.yaml", f"extends: _{number + 1}.yaml\nproperties: {{a{number}: 1}}\n")
    project.write(f"_{MAX_BASES}.yaml", "version: 1\nevent: paid\ndistinct_id: u1\n")
    assert len(project.render("extends: _1.yaml\n").properties) == MAX_BASES - 1
    assert project.problems("extends: _0.yaml\n") == [
        "_99.yaml:1:10-19 error[bad-value] the spec builds on more than 100 files @extends"
    ]


def test_a_list_of_ten_thousand_bases_is_refused_before_one_is_read(project: Project) -> None:
    names = ", ".join(f"_{number}.yaml" for number in range(10_000))
    assert project.problems(f"extends: [{names}]\n") == [
        "spec.yaml:1:10-11 error[bad-value] 'extends' has 10,000 files, and may have 100 @extends"
    ]


def test_bases_that_are_too_large_together_are_refused(project: Project) -> None:
    for number in range(2):
        project.write(f"_{number}.yaml", f"version: 1\nevent: paid\ndistinct_id: u1\n# {'x' * 600_000}\n")
    assert project.problems("extends: [_0.yaml]\n") == []
    message = "the files that the spec builds on are larger than 1,048,576 characters together"
    assert project.problems("extends: [_0.yaml, _1.yaml]\n") == [
        f"spec.yaml:1:20-27 error[file-too-large] {message} @extends"
    ]


def test_a_change_of_a_base_is_another_version_of_the_spec(project: Project) -> None:
    content = "version: 1\nextends: [_a.yaml]\nevent: paid\ndistinct_id: u1\n"
    digests = []
    for value in (1, 22):
        project.write("_a.yaml", f"properties: {{a: {value}}}\n")
        digests.append(project.spec(content).digest)
    assert len(set(digests)) == 2
