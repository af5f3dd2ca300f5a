"""A file that is no spec is told by what it looks like, and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.spec.conftest import Project

NOT_HERE = "(begin its name with _ or keep it out of the folder of specs)"


@pytest.mark.parametrize(
    ("content", "place", "kind"),
    [
        ("stages: [{name: buy}]\ntest_name: a purchase\n", "2:1-10", "a Tavern test"),
        ("runners: {req: http://x}\nsteps: []\n", "2:1-6", "a runn book"),
        ("desc: a purchase\nsteps: []\n", "2:1-6", "a runn book"),
        ("name: CI\non: push\njobs: {}\n", "3:1-5", "a GitHub Actions workflow"),
        ("kind: Pod\napiVersion: v1\n", "2:1-11", "a Kubernetes manifest"),
        ("openapi: 3.1.0\n", "1:1-8", "an OpenAPI document"),
        ("asyncapi: 3.0.0\n", "1:1-9", "an AsyncAPI document"),
        ("type: object\n$schema: https://json-schema.org/draft/2020-12/schema\n", "2:1-8", "a JSON Schema"),
        ('{"$schema": "x", "properties": {}}\n', "1:2-11", "a JSON Schema"),
        ("services: {web: {image: x}}\n", "1:1-9", "a Compose file"),
        ("stages: [build]\n", "1:1-7", "a GitLab pipeline"),
        ("repos: []\n", "1:1-6", "a pre-commit configuration"),
        ("profiles: {staging: {}}\n", "1:1-9", "a runner.yaml"),
        ("- hosts: all\n  tasks: []\n", "1:1-2", "an Ansible playbook"),
    ],
)
def test_a_file_of_another_tool_is_named(project: Project, content: str, place: str, kind: str) -> None:
    assert project.problems(content) == [
        f"spec.yaml:{place} error[not-a-spec] this looks like {kind}, not a spec {NOT_HERE}"
    ]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("stages: []\nservices: {}\ntest_name: x\n", "a Tavern test"),
        ("steps: []\nrunners: {}\nservices: {}\n", "a runn book"),
    ],
)
def test_of_several_kinds_the_one_with_the_more_telling_keys_is_named(
    project: Project, content: str, kind: str
) -> None:
    (told,) = project.problems(content)
    assert told.partition(" ")[2] == f"error[not-a-spec] this looks like {kind}, not a spec {NOT_HERE}"


def test_what_else_is_wrong_with_a_foreign_file_is_not_told(project: Project) -> None:
    assert project.problems("services:\n  web: {restart: no, ports: [80:80]}\nversion: '3'\nname: 5\n") == [
        f"spec.yaml:1:1-9 error[not-a-spec] this looks like a Compose file, not a spec {NOT_HERE}"
    ]


@pytest.mark.parametrize("own", ["event: order_placed", "distinct_id: u1"])
def test_a_file_with_a_key_of_a_spec_means_to_be_one(project: Project, own: str) -> None:
    told = project.problems(f"{own}\nservices: {{}}\n")
    assert [line.split(" ", 2)[1] for line in told] == [
        "error[missing-key]", "error[missing-key]", "error[unknown-key]",
    ]  # fmt: skip


def test_a_file_that_extends_another_means_to_be_a_spec(project: Project) -> None:
    project.write("_base.yaml", "version: 1\nevent: order_placed\ndistinct_id: u1\n")
    (told,) = project.problems("extends: _base.yaml\nrepos: []\n")
    assert told.startswith("spec.yaml:2:1-6 error[unknown-key] unknown key 'repos' ")


@pytest.mark.parametrize(
    "content",
    ["steps: []\n", "runners: {}\n", "jobs: {}\n", "kind: Pod\n", "apiVersion: v1\n", "test_name: x\n", "desc: x\n"],
)
def test_one_key_of_a_pair_makes_no_kind(project: Project, content: str) -> None:
    assert {problem.code for problem in project.load(content).problems} == {"unknown-key", "missing-key"}


@pytest.mark.parametrize("content", ["- event: a1\n- event: b2\n", "- {x: 1}\n- {distinct_id: u1}\n"])
def test_a_list_of_events_comes_with_what_to_do(project: Project, content: str) -> None:
    assert project.problems(content) == [
        "spec.yaml:1:1-2 error[not-a-spec] a list of events is no spec (one file declares one event: make a file of each)"
    ]


@pytest.mark.parametrize(
    ("content", "place", "what"),
    [
        ("[]\n", "1-2", "a list"),
        ("- event\n- [hosts]\n", "1-2", "a list"),
        ("5\n", "1-2", "a number"),
        ("true\n", "1-5", "a boolean"),
        ("null\n", "1-5", "null"),
        ("event order_placed\n", "1-19", "text"),
    ],
)
def test_a_file_that_is_no_map_is_told_by_its_type(project: Project, content: str, place: str, what: str) -> None:
    assert project.problems(content) == [
        f"spec.yaml:1:{place} error[not-a-spec] a spec is a map with an `event:`, not {what}"
    ]


def test_a_base_that_is_foreign_is_told_in_its_own_file(project: Project) -> None:
    project.write("_base.yaml", "services: {}\n")
    (told,) = project.problems("extends: _base.yaml\n")
    assert told.startswith("_base.yaml:1:1-9 error[not-a-spec] this looks like a Compose file, not a spec")
