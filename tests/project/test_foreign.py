"""A file that is no spec is told by what it looks like, and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.eventspec import load
from runner.project.foreign import _COMMON, _OWN, _keys

if TYPE_CHECKING:
    from tests.projects import Project

NOT_HERE = "(start its name with _, or move it out of the folder of specs)"


@pytest.mark.parametrize(
    ("content", "place", "kind"),
    [
        ("stages: [{name: buy}]\ntest_name: a purchase\n", "2:1-10", "a Tavern test"),
        ("runners: {req: http://x}\nsteps: []\n", "2:1-6", "a runn book"),
        ("desc: a purchase\nsteps: []\n", "2:1-6", "a runn book"),
        ("name: suite\ntestcases: [{steps: []}]\n", "2:1-10", "a Venom test suite"),
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
        ("version: rudder/v1\nkind: tp\nmetadata: {name: x}\nspec: {}\n", "2:1-5", "a Rudder document"),
        ("name: buy\ntestcases: [{name: first, steps: []}]\n", "2:1-10", "a Venom test suite"),
        ('version: "1.1"\nname: shop\ntests: {buy: {steps: []}}\n', "3:1-6", "a Step CI workflow"),
        ("apiVersion: v2\nname: shop\nversion: 0.1.0\n", "1:1-11", "a Helm chart"),
        ("interactions: []\nversion: 1\n", "1:1-13", "a cassette of vcrpy"),
        ("http_interactions: []\nrecorded_with: VCR 6\n", "1:1-18", "a cassette"),
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
    message = "this is not a spec: it has neither `event:` nor `distinct_id:`, and it has keys that specs do not have"
    hint = f"(a spec needs both of them; if it is something else, {NOT_HERE[1:]}"
    assert project.problems(content) == [f"spec.yaml:1:1-2 error[not-a-spec] {message} {hint}"]


@pytest.mark.parametrize("content", ["version: 1\nproperties: {a: 1}\n", "{}\n", "name: x\nx-mine: 1\n"])
def test_a_file_with_no_keys_but_those_of_a_spec_means_to_be_one(project: Project, content: str) -> None:
    assert {problem.code for problem in project.load(content).problems} == {"missing-key"}


SECRET = "hunter2-and-more"
FOREIGN = {
    "variables": f"user: admin\npassword: {SECRET}\nversion: 1\nname: prod\n",
    "a Kubernetes secret": f"apiVersion: v1\nkind: Secret\nstringData: {{password: {SECRET}}}\n",
    "several manifests": f"apiVersion: v1\nkind: Secret\n--- # {SECRET}\nkind: Pod\n",
    "a Compose file": f"services: {{db: {{environment: {{PASSWORD: {SECRET}}}}}}}\n",
    "a workflow": f"name: CI\non: push\njobs: {{a: {{env: {{TOKEN: {SECRET}}}}}}}\n",
    "a Taskfile": f"version: '3'\nvars: {{PASSWORD: {SECRET}}}\ntasks: {{}}\n",
    "an Azure login": f"tenant_id: a\nclient_secret: {SECRET}\n",
    "a text": f"{SECRET}\n",
    "a list": f"- {SECRET}\n",
    "a list of maps": f"- {{event: {SECRET}}}\n",
    "a password twice": f"password: {SECRET}\npassword: {SECRET}\n",
    "a tag": f"password: !{SECRET} x\n",
    "an alias": f"password: *{SECRET}\n",
    "an open quote": f'user: x\npassword: "{SECRET}\n',
    "an open brace": f"{{password: {SECRET}\n",
    "a tab": f"password:\t{SECRET}\n\tuser: {SECRET}\n",
    "two values": f"password: {SECRET}: x\n",
    "a comment": f"# password: {SECRET}\n",
    "a scalar to quote": f"password: 0x1F # {SECRET}\n",
    "a number too large": f"password: 1e999 # {SECRET}\n",
    "a control character": f"password: {SECRET}\x01\n",
    "an environment file": f"PASSWORD={SECRET}\nUSER=x\n",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("named", ["the spec", "a base", "a schema"])
def test_of_a_file_that_is_no_spec_no_line_is_shown_and_no_value_told(
    project: Project, content: str, named: str
) -> None:
    project.write("other.yaml", content)
    spec = {
        "the spec": content,
        "a base": "extends: other.yaml\n",
        "a schema": "version: 1\nevent: ab\ndistinct_id: u\nschema: other.yaml\n",
    }[named]
    problems = project.load(spec).problems
    assert SECRET not in repr(problems)
    places = [problem.position for problem in problems if problem.position]
    about = [place for place in places if named == "the spec" or place.path.endswith("other.yaml")]
    assert {place.text for place in about} <= {""}
    assert problems or named == "a schema"  # any map is one


def test_a_file_that_is_no_spec_and_not_utf8_is_not_quoted(project: Project) -> None:
    project.write("latin.yaml", "").write_bytes(f"password: {SECRET} \xe9\n".encode("latin-1"))
    assert SECRET not in repr(load(project.root / "latin.yaml", project.root).problems)


def test_the_keys_of_a_spec_are_those_of_its_format() -> None:
    assert {*_OWN, *_COMMON} <= _keys()


def test_a_base_with_a_slip_is_told_without_its_line(project: Project) -> None:
    project.write("_base.yaml", f"vars: {{}}\npropertis: {SECRET}\n")
    problems = project.load("extends: _base.yaml\nversion: 1\nevent: ab\ndistinct_id: u\n").problems
    [problem] = [problem for problem in problems if problem.code == "unknown-key"]
    assert (problem.message, problem.position and problem.position.text) == ("unknown key 'propertis'", "")


@pytest.mark.parametrize("content", ["- event: a1\n- event: b2\n", "- {x: 1}\n- {distinct_id: u1}\n"])
def test_a_list_of_events_comes_with_what_to_do(project: Project, content: str) -> None:
    assert project.problems(content) == [
        "spec.yaml:1:1-2 error[not-a-spec] a list of events is not a spec (one file declares one event: make a file of each)"
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
