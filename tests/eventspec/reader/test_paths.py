"""Files that a spec names: inside the project, of a kind, and through links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.eventspec import load
from tests.eventspec.reader.conftest import BASE, HEAD

if TYPE_CHECKING:
    from tests.projects import Project

OUTSIDE = "is outside the project (files that a spec names must be in the project's folder 'proj')"


@pytest.mark.parametrize("key", ["extends", "schema"])
@pytest.mark.parametrize("path", ["../x.yaml", "../../x.yaml", "sub/../../x.yaml", "/etc/passwd", "../proj2/x.yaml"])
def test_a_path_that_leaves_the_project_is_refused(project: Project, key: str, path: str) -> None:
    project.write("../x.yaml", BASE)
    column = len(key) + 3
    assert project.problems(f"{HEAD}{key}: {path}\n") == [
        f"spec.yaml:4:{column}-{column + len(path)} error[path-outside] '{path}' {OUTSIDE}"
    ]


def test_a_link_that_leaves_the_project_is_refused(project: Project) -> None:
    target = project.write("../x.yaml", BASE)
    (project.root / "link.yaml").symlink_to(target)
    assert project.problems(HEAD + "extends: link.yaml\n") == [
        f"spec.yaml:4:10-19 error[path-outside] 'link.yaml' {OUTSIDE}"
    ]


@pytest.mark.parametrize("key", ["extends", "schema"])
def test_a_file_that_is_not_there_is_told_where_it_is_named(project: Project, key: str) -> None:
    (told,) = project.problems(f"{HEAD}{key}: nope.yaml\n")
    column = len(key) + 3
    assert told.startswith(f"spec.yaml:4:{column}-{column + 9} error[file-not-found] no such file: ")


@pytest.mark.parametrize("key", ["extends", "schema"])
@pytest.mark.parametrize(
    ("given", "meant"),
    [("bsae.yaml", "base.yaml"), ("bases/base.yaml", None), ("sub/bsae.yaml", "sub/base.yaml"), ("zzz.yaml", None)],
)
def test_a_file_that_is_not_there_comes_with_the_one_probably_meant(
    project: Project, key: str, given: str, meant: str | None
) -> None:
    project.write("base.yaml", HEAD)
    project.write("sub/base.yaml", HEAD)
    column = len(key) + 3
    hint = f" (did you mean {project.root / meant}?)" if meant else ""
    assert project.problems(f"{HEAD}{key}: {given}\n") == [
        f"spec.yaml:4:{column}-{column + len(given)} error[file-not-found] no such file: {project.root / given}{hint}"
    ]


@pytest.mark.parametrize("key", ["extends", "schema"])
def test_a_folder_is_told_where_it_is_named(project: Project, key: str) -> None:
    (told,) = project.problems(f"{HEAD}{key}: .\n")
    column = len(key) + 3
    assert told.startswith(f"spec.yaml:4:{column}-{column + 1} error[file-not-found] a folder, not a file: ")


@pytest.mark.parametrize("key", ["extends", "schema"])
@pytest.mark.parametrize("path", ['"a\\0b"', "x" * 300, "spec.yaml/x"], ids=["null byte", "too long", "below a file"])
def test_a_path_that_no_file_can_have_is_a_problem_and_no_crash(project: Project, key: str, path: str) -> None:
    (told,) = project.problems(f"{HEAD}{key}: {path}\n")
    assert told.startswith(f"spec.yaml:4:{len(key) + 3}-")


@pytest.mark.parametrize("key", ["schema", "extends"])
def test_a_folder_is_not_suggested_for_itself(project: Project, key: str) -> None:
    [problem] = project.load(f"{HEAD}{key}: .\n").problems
    assert (problem.message.startswith("a folder, not a file: "), problem.hint) == (True, None)


def test_the_profiles_are_no_file_of_a_spec(project: Project) -> None:
    project.write("runner.yaml", "profiles: {}\n")
    told = [line.partition(" ")[2] for line in project.problems(f"{HEAD}schema: runner.yaml\n")]
    assert told == ["error[bad-value] 'runner.yaml' holds profiles, and can't be part of a spec"]


def test_a_url_is_no_path(project: Project) -> None:
    told = [line.partition(" ")[2] for line in project.problems(f"{HEAD}schema: https://example.com/s.json\n")]
    assert told == [
        "error[path-outside] 'https://example.com/s.json' is a URL, and URLs are not fetched (save the file in the project)"
    ]


def test_one_base_is_one_file_by_whichever_way_it_is_named(project: Project) -> None:
    project.write("_base.yaml", "properties: {a: '{{ a | uper }}'}\n")
    places = set()
    for name in ("x/a.yaml", "y/a.yaml"):
        [problem] = project.load(f"{HEAD}extends: ../_base.yaml\n", name).problems
        places.add(problem.position and problem.position.path)
    assert len(places) == 1


def test_a_way_back_out_of_a_link_reads_the_file_that_was_checked(project: Project) -> None:
    (project.root / "x" / "y" / "z").mkdir(parents=True)
    (project.root / "specs").mkdir()
    (project.root / "specs" / "deep").symlink_to(project.root / "x" / "y" / "z")
    project.write("o.yaml", "properties: {inside: 1}\n")
    (project.root.parent / "o.yaml").write_text("properties: {outside: 1}\n", "utf-8")
    loaded = project.load(f"{HEAD}extends: deep/../../../o.yaml\n", "specs/a.yaml")
    assert loaded.spec is not None
    assert list(loaded.spec.root.entries["properties"].entries) == ["inside"]


def test_a_link_to_a_file_of_another_kind_is_refused(project: Project) -> None:
    project.write(".env", "TOKEN: s3cr3t\n: [\n")
    (project.root / "s.yaml").symlink_to(project.root / ".env")
    [told] = project.problems(f"{HEAD}schema: s.yaml\n")
    assert "error[bad-value] 's.yaml' is neither YAML nor JSON by its name" in told


@pytest.mark.parametrize("target", [".env", ".secrets.yaml", "runner.yaml", "secrets.txt", ".hidden/secrets.yaml"])
def test_a_spec_that_is_a_link_to_a_file_of_another_kind_is_not_read(project: Project, target: str) -> None:
    project.write(target, "password: hunter2\n: [")
    link = project.root / "specs" / "env.yaml"
    link.parent.mkdir()
    link.symlink_to(project.root / target)
    [problem] = load(link, project.root).problems
    assert (problem.code, problem.message) == (
        "not-a-spec",
        f"{link} is a link to a file that does not have the name of a spec",
    )
    assert problem.position is None


@pytest.mark.parametrize(
    "use",
    [
        "extends: link.yaml\n",
        "schema: link.yaml\n",
        "tests: [{name: a, vars_file: link.yaml}]\n",
        "tests: [{name: a, steps: [{spec: link.yaml}]}]\n",
        "tests: [{name: a, sandbox: {schemas: {ab: link.yaml}}}]\n",
        "tests: [{name: a, rows: link.csv}]\n",
        "tests: [{name: a, parametrize: link.csv}]\n",
        "tests: [{name: a, expect: {golden: link.json}}]\n",
    ],
)
@pytest.mark.parametrize("target", [".env", ".git/secrets", "runner.yaml", "key.pem"])
def test_no_file_that_a_spec_names_may_be_a_link_to_one_of_another_kind(
    project: Project, use: str, target: str
) -> None:
    project.write(target, "password: hunter2\n")
    for suffix in ("yaml", "csv", "json"):
        (project.root / f"link.{suffix}").symlink_to(project.root / target)
    told = [problem for problem in project.load(HEAD + use).problems if problem.severity == "error"]
    assert [problem.code for problem in told] == ["bad-value"]
    assert "hunter2" not in repr(told)


@pytest.mark.parametrize("suffix", ["yaml", "csv", "json"])
def test_a_link_into_a_hidden_folder_is_refused_and_a_hidden_folder_that_is_named_is_not(
    project: Project, suffix: str
) -> None:
    uses = {"yaml": "schema: {}\n", "csv": "tests: [{{name: a, rows: {}}}]\n", "json": "schema: {}\n"}
    project.write(f".hidden/file.{suffix}", "{}" if suffix != "csv" else "\n")
    (project.root / f"link.{suffix}").symlink_to(project.root / f".hidden/file.{suffix}")
    assert [problem.code for problem in project.load(HEAD + uses[suffix].format(f"link.{suffix}")).problems] == [
        "bad-value"
    ]
    assert project.load(HEAD + uses[suffix].format(f".hidden/file.{suffix}")).problems == ()
