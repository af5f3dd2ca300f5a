"""`vars:` of `runner.yaml`: variables that the specs below it share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.eventspec import load
from tests.projects import lines

if TYPE_CHECKING:
    from pathlib import Path

    from runner.eventspec import Loaded
    from tests.projects import Project

SPEC = "version: 1\nevent: paid\ndistinct_id: '{{ user }}'\nproperties: {a: '{{ amount }}'}\n"
SHARED = """\
vars:
  user: {type: string}
  amount: {type: integer, default: 5}
  token: {type: string, secret: true, default: hunter2hunter2}
"""


def test_a_spec_takes_the_declarations_that_it_uses(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    spec = project.spec(SPEC)
    assert [(each.name, each.types, each.required, each.default) for each in spec.variables] == [
        ("user", ("string",), True, None),
        ("amount", ("integer",), False, 5),
    ]
    assert project.problems(SPEC) == []


def test_a_name_that_nobody_declares_is_a_required_text_in_a_spec_without_vars(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    spec = project.spec(SPEC + "tenant_id: '{{ shop }}'\n")
    assert [(each.name, each.types, each.required) for each in spec.variables] == [
        ("user", ("string",), True),
        ("amount", ("integer",), False),
        ("shop", ("string",), True),
    ]


def test_a_name_that_nobody_declares_is_an_error_in_a_spec_with_vars(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    assert project.problems(SPEC + "vars: {color: {default: red}}\ntenant_id: '{{ color }}{{ usr }}'\n") == [
        "spec.yaml:6:27-30 error[template-undefined] variable 'usr' is not defined (did you mean 'user'?)"
    ]


def test_a_spec_replaces_a_declaration_as_a_whole(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    _, amount = project.spec(SPEC + "vars: {amount: {type: number}}\n").variables
    assert (amount.name, amount.types, amount.has_default) == ("amount", ("number",), False)


def test_a_base_replaces_a_declaration_as_a_whole(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    project.write("_base.yaml", "vars: {amount: {type: number}}\n")
    types = [each.types for each in project.spec("extends: _base.yaml\n" + SPEC).variables]
    assert types == [("string",), ("number",)]


def test_a_declaration_that_no_spec_uses_is_neither_required_nor_a_warning(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    content = "version: 1\nevent: paid\ndistinct_id: u1\nvars: {}\n"
    assert project.problems(content) == []
    assert project.spec(content).variables == ()


def test_a_declaration_is_taken_for_a_let(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    content = (
        "version: 1\nevent: paid\ndistinct_id: u1\nlet: {twice: '{{ amount * 2 }}'}\nproperties: {a: '{{ twice }}'}\n"
    )
    assert project.render(content, amount=5).properties == {"a": 10}
    assert [each.types for each in project.spec(content).variables] == [("integer",)]


def test_a_let_takes_precedence_over_a_declaration_of_its_name(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    content = "version: 1\nevent: paid\ndistinct_id: u1\nlet: {amount: 7}\nproperties: {a: '{{ amount }}'}\n"
    assert project.problems(content) == []
    assert project.render(content).properties == {"a": 7}


def test_the_name_of_an_item_takes_precedence_over_a_declaration(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    content = (
        "version: 1\nevent: paid\ndistinct_id: u1\n"
        "properties: {a: {$for: 'amount in [1]', $do: '{{ amount }}'}}\n"
    )  # fmt: skip
    assert project.spec(content).variables == ()


def test_a_case_may_give_what_the_spec_uses_and_nothing_else(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    tests = "tests: [{name: a, vars: {user: u1, amount: lots}}, {name: b, vars: {user: u1, token: x}}]\n"
    assert project.problems(SPEC + tests) == [
        "spec.yaml:5:44-48 error[var-schema] variable 'amount': the value must be a whole number, not text @vars.amount",
        "spec.yaml:5:79-84 error[unknown-variable] the spec declares no variable 'token' (known here: user, amount)",
    ]


def test_a_declaration_is_checked_as_one_of_a_spec_and_no_line_of_the_file_is_shown(project: Project) -> None:
    project.write("runner.yaml", "vars:\n  user: {typ: string}\n  amount: {type: integer, default: lots}\n")
    found = project.load(SPEC).problems
    assert lines(found) == [
        "runner.yaml:2:10-13 error[unknown-key] unknown key 'typ' (did you mean 'type'?) @vars.user.typ",
        (
            "runner.yaml:3:36-40 error[var-schema] the default of 'amount' breaks its own declaration: "
            "the value must be a whole number, not text @vars.amount.default"
        ),
    ]
    assert {problem.position.text for problem in found if problem.position} == {""}


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            "vars: [user]\n",
            "1:7-8 error[wrong-type] 'vars' must be a map, not a list (such as user: {type: string}) @vars",
        ),
        ("vars: {a: 'x\n", "1:11-12 error[yaml-syntax] the quote that opens here is never closed"),
        (
            "vars: {now: {type: string}}\n",
            (
                "1:8-11 error[reserved-name] 'now' can't be the name of a variable: a template has another meaning for it "
                "(choose another name) @vars.now"
            ),
        ),
    ],
)
def test_what_is_wrong_with_the_file_is_told_by_specs_that_need_it(project: Project, config: str, told: str) -> None:
    project.write("runner.yaml", config)
    assert project.problems(SPEC) == [f"runner.yaml:{told}"]
    own = "vars: {user: {type: string}, amount: {type: integer, default: 1}}\n"
    assert project.problems(SPEC + own) == []


def test_a_default_that_is_secret_is_in_no_message_and_hidden(project: Project) -> None:
    project.write("runner.yaml", "vars: {user: {type: integer, secret: true, default: hunter2hunter2}}\n")
    loaded = project.load("version: 1\nevent: paid\ndistinct_id: '{{ user }}'\n")
    assert lines(loaded.problems) == [
        "runner.yaml:1:53-67 error[var-schema] the default of 'user' breaks its own declaration @vars.user.default"
    ]
    assert loaded.secrets == ("hunter2hunter2",)


def test_a_secret_that_a_template_cuts_is_a_warning(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    assert project.problems("version: 1\nevent: paid\ndistinct_id: u1\nproperties: {a: '{{ token[:3] }}'}\n") == [
        (
            "spec.yaml:4:21-26 warning[secret-transformed] a part of the secret 'token', or a text made from it, is not masked "
            "(insert the whole secret, or declare the inserted text as a secret variable)"
        )
    ]


def below(project: Project, name: str, content: str = SPEC) -> Loaded:
    return load(project.write(name, content), project.root)


def test_the_nearest_file_counts_alone(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    project.write("shop/runner.yaml", "vars: {amount: {type: boolean}}\n")
    spec = below(project, "shop/specs/a.yaml").spec
    assert spec is not None
    assert [(each.name, each.types) for each in spec.variables] == [("amount", ("boolean",)), ("user", ("string",))]


def test_a_file_that_is_named_counts_instead(project: Project) -> None:
    project.write("runner.yaml", SHARED)
    other = project.write("other.yaml", "vars: {amount: {type: boolean}}\n")
    spec = load(project.write("a.yaml", SPEC), project.root, other).spec
    assert spec is not None
    assert spec.variables[0].types == ("boolean",)


def test_a_named_file_that_is_a_pipe_declares_nothing(project: Project, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    spec = load(project.write("a.yaml", SPEC), project.root, tmp_path / "pipe").spec
    assert spec is not None
    assert [each.types for each in spec.variables] == [("string",), ("string",)]


def test_a_file_that_is_a_link_out_of_the_project_is_refused(project: Project, tmp_path: Path) -> None:
    path = project.write("a.yaml", SPEC)
    (tmp_path / "outside.yaml").write_text(SHARED, "utf-8")
    (project.root / "runner.yaml").symlink_to(tmp_path / "outside.yaml")
    [problem] = load(path, project.root).problems
    assert problem.code == "path-outside"


def test_the_environment_may_be_read_as_every_list_above_says(project: Project) -> None:
    declared = "vars: {user: {type: string, env: SHOP_USER}, amount: {}}\n"
    project.write("shop/runner.yaml", declared + "env_allowed: [SHOP_USER]\n")
    assert below(project, "shop/a.yaml").problems == ()
    project.write("runner.yaml", "env_allowed: [OTHER]\n")
    [problem] = below(project, "shop/a.yaml").problems
    assert problem.code == "env-not-allowed"
    assert problem.position is not None
    assert (problem.position.path.endswith("shop/runner.yaml"), problem.position.line) == (True, 1)


def test_credentials_are_never_read(project: Project) -> None:
    name = "SUPRSEND_API_KEY"
    project.write("runner.yaml", f"vars: {{user: {{env: {name}}}, amount: {{}}}}\nenv_allowed: [{name}]\n")
    assert {problem.code for problem in project.load(SPEC).problems} == {"env-not-allowed"}


def test_the_digest_changes_with_a_declaration_that_is_used_alone(project: Project) -> None:
    def digest(shared: str) -> str:
        project.write("runner.yaml", shared)
        return project.spec(SPEC).digest

    first = digest(SHARED)
    assert digest(SHARED + "  other: {type: string}\n") == first
    assert digest(SHARED.replace("default: 5", "default: 66")) != first
