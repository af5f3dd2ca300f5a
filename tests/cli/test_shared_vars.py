"""`vars:` of `runner.yaml`, through the command line: values, rows, cases, secrets and several projects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import runner
from runner.project.format import document

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

CONFIG = """\
vars:
  user: {type: string, env: SHOP_USER, secret: false, default: nobody}
  amount: {type: integer, description: in cents}
  token: {type: string, secret: true, default: hunter2hunter2}
env_allowed: [SHOP_USER]
profiles:
  staging: {vars: {user: of-the-profile}}
"""
PAID = "version: 1\nevent: paid\ndistinct_id: '{{ user }}'\nproperties: {amount: '{{ amount }}'}\n"
SEEN = "version: 1\nevent: seen\ndistinct_id: '{{ user }}'\n"


@pytest.fixture
def shop(in_tmp: Path) -> Path:
    Path("specs").mkdir()
    Path("runner.yaml").write_text(CONFIG, "utf-8")
    Path("specs/paid.yaml").write_text(PAID, "utf-8")
    return in_tmp


def user_of(cli: CommandLine, *args: str) -> str:
    ended = cli("render", "specs/paid.yaml", "--var", "amount=7", *args)
    assert ended.code == 0, ended.err
    event = json.loads(ended.out)
    assert event["properties"]["amount"] == 7
    return str(event["distinct_id"])


@pytest.mark.usefixtures("shop")
def test_values_take_precedence_as_for_a_declaration_of_the_spec(cli: CommandLine) -> None:
    assert user_of(cli) == "nobody"
    assert user_of(cli, "--profile", "staging") == "of-the-profile"
    cli.environ["SHOP_USER"] = "of-env"
    assert user_of(cli, "--profile", "staging") == "of-env"
    cli.environ["RUNNER_VAR_user"] = "of-runner-var"
    assert user_of(cli) == "of-runner-var"
    Path("values.yaml").write_text("user: of-file\n", "utf-8")
    assert user_of(cli, "--vars-file", "values.yaml") == "of-file"
    assert user_of(cli, "--vars-file", "values.yaml", "--var", "user=of-flag") == "of-flag"


@pytest.mark.usefixtures("shop")
def test_a_required_one_must_be_given_to_a_spec_that_uses_it(cli: CommandLine) -> None:
    Path("specs/seen.yaml").write_text(SEEN, "utf-8")
    assert cli("render", "specs/seen.yaml").code == 0
    ended = cli("render", "specs/paid.yaml")
    assert (ended.code, ended.err.splitlines()[:2]) == (
        2,
        ["error[var-missing]: variable 'amount' has no value", " --> runner.yaml:3:3"],
    )


@pytest.mark.usefixtures("shop")
def test_a_flag_is_known_where_one_of_the_specs_uses_the_name(cli: CommandLine) -> None:
    Path("specs/seen.yaml").write_text(SEEN, "utf-8")
    assert cli("send", "specs", "--var", "amount=7", "--dry-run").code == 0
    ended = cli("render", "specs/seen.yaml", "--var", "amount=7")
    assert (ended.code, "no spec here declares a variable 'amount'" in ended.err) == (2, True)


@pytest.mark.usefixtures("shop")
def test_a_value_is_held_against_the_shared_declaration(cli: CommandLine) -> None:
    ended = cli("render", "specs/paid.yaml", "--var", "amount=lots")
    assert (ended.code, ended.err) == (
        2,
        (
            "error[var-type]: variable 'amount': 'lots' is not a whole number\n"
            " --> runner.yaml:3:3\n"
            "  = the value comes from --var amount\n"
        ),
    )


@pytest.mark.usefixtures("shop")
def test_columns_of_rows_have_the_shared_types(cli: CommandLine) -> None:
    Path("rows.csv").write_text("user,amount\nu1,7\nu2,lots\n", "utf-8")
    ended = cli("render", "specs/paid.yaml", "--rows", "rows.csv")
    assert [json.loads(line)["properties"]["amount"] for line in ended.out.splitlines()] == [7]
    assert "variable 'amount': 'lots' is not a whole number" in ended.err
    Path("rows.csv").write_text("user,amount,token\nu1,7,x\n", "utf-8")
    assert "error[unknown-column]" in cli("render", "specs/paid.yaml", "--rows", "rows.csv").err


@pytest.mark.usefixtures("shop")
def test_cases_and_parametrized_ones_know_them(cli: CommandLine) -> None:
    tests = """\
tests:
  - name: plain
    vars: {amount: 7}
    expect: {event: {distinct_id: nobody, properties: {amount: 7}}}
  - name: many
    parametrize: [{user: a, amount: 1}, {user: b, amount: 2}]
    expect: {event: {properties: {amount: {$schema: {type: integer}}}}}
"""
    Path("specs/paid.yaml").write_text(PAID + tests, "utf-8")
    ended = cli("test", "specs", "-o", "json")
    assert (ended.code, [case["case"] for case in ended.json["cases"]]) == (0, ["plain", "many[a-1]", "many[b-2]"])


@pytest.mark.usefixtures("shop")
def test_a_list_says_where_each_variable_is_declared(cli: CommandLine) -> None:
    Path("specs/_base.yaml").write_text("vars: {shop: {type: string}}\n", "utf-8")
    content = "extends: _base.yaml\n" + PAID + "vars: {own: {default: 1}}\ntenant_id: '{{ shop }}{{ own }}'\n"
    Path("specs/paid.yaml").write_text(content, "utf-8")
    Path("specs/seen.yaml").write_text(SEEN + "tenant_id: '{{ anything }}'\n", "utf-8")
    paid, seen = cli("list", "-o", "json").json["specs"]
    assert {each["name"]: each["declared_in"] for each in paid["variables"]} == {
        "user": "runner.yaml", "amount": "runner.yaml", "shop": "specs/_base.yaml", "own": "specs/paid.yaml",
    }  # fmt: skip
    assert {each["name"]: each["declared_in"] for each in seen["variables"]} == {
        "user": "runner.yaml", "anything": None,
    }  # fmt: skip
    assert [each["description"] for each in paid["variables"] if each["name"] == "amount"] == ["in cents"]


@pytest.mark.usefixtures("shop")
def test_a_shared_secret_is_masked_in_what_is_printed(cli: CommandLine) -> None:
    Path("specs/paid.yaml").write_text(SEEN + "properties: {url: 'https://example.com/?t={{ token }}'}\n", "utf-8")
    for args in (("render",), ("render", "-o", "json"), ("list", "-o", "json"), ("validate",)):
        ended = cli(*args, "specs/paid.yaml")
        assert ended.code == 0
        assert "hunter2" not in ended.out + ended.err
    ended = cli(
        "render", "specs/paid.yaml", "--var", "token=correct-horse-battery", "--var", "user=correct-horse-battery"
    )
    assert (ended.code, "correct-horse" in ended.out + ended.err) == (0, False)


@pytest.mark.parametrize(
    "broken",
    [
        "token: {type: string, secret: true, default: hunter2hunter2, default: hunter2hunter2}",
        "token: {type: string, secret: yes, default: hunter2hunter2}",
        "token: {type: integer, secret: true, default: hunter2hunter2}",
        "token: {type: string, secret: true, default: hunter2hunter2",
        "token: {type: string, secret: true, default: !x hunter2hunter2}",
        "token: {type: string, secret: true, default: hunter2hunter2, typ: 1}",
        "token: {type: string, secret: true, default: hunter2hunter2, pattern: '('}",
        "token: hunter2hunter2",
    ],
)
@pytest.mark.parametrize("form", ["pretty", "json", "github"])
def test_a_shared_secret_is_in_no_error_of_the_file(cli: CommandLine, shop: Path, broken: str, form: str) -> None:
    (shop / "runner.yaml").write_text(f"vars:\n  {broken}\n", "utf-8")
    (shop / "specs/paid.yaml").write_text(SEEN + "properties: {t: '{{ token }}'}\n", "utf-8")
    for command in (("validate",), ("render",), ("send", "--sandbox"), ("list",), ("test",)):
        ended = cli(*command, "specs/paid.yaml", "-o", form, "-v", "--color", "always")
        assert ended.code != 0
        assert "hunter2" not in ended.out + ended.err, command


def test_each_project_has_its_own(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / ".git").mkdir()
    for name, default in (("a", "of-a"), ("b", "of-b")):
        folder = in_tmp / name / "specs"
        folder.mkdir(parents=True)
        (folder.parent / "runner.yaml").write_text(f"vars: {{user: {{default: {default}}}}}\n", "utf-8")
        (folder / "seen.yaml").write_text(SEEN, "utf-8")
    (in_tmp / "runner.yaml").write_text("vars: {user: {default: of-all}, amount: {type: string}}\n", "utf-8")
    users = [json.loads(cli("render", f"{name}/specs/seen.yaml").out)["distinct_id"] for name in ("a", "b")]
    assert users == ["of-a", "of-b"]
    named = cli("render", "a/specs/seen.yaml", "--config", "b/runner.yaml")
    assert json.loads(named.out)["distinct_id"] == "of-b"


@pytest.mark.usefixtures("shop")
def test_a_run_is_not_resumed_with_another_declaration(cli: CommandLine, server: CapturingServer) -> None:
    cli.environ |= {"SUPRSEND_BASE_URL": server.base_url}
    cli.environ |= {"SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret"}
    server.answers.append((404, {"status": "error"}))
    Path("rows.csv").write_text("amount\n" + "1\n" * 300, "utf-8")
    begun = cli("send", "specs/paid.yaml", "--rows", "rows.csv", "--fail-fast", "--concurrency", "1", "--retries", "0")
    assert begun.code == 1, begun.err
    Path("runner.yaml").write_text(CONFIG.replace("in cents", "in euros"), "utf-8")
    ended = cli("send", "--resume", "last")
    assert (ended.code, "error[run-changed]" in ended.err) == (2, True), ended.err
    Path("runner.yaml").write_text(CONFIG + "x-owner: shop\n", "utf-8")
    assert cli("send", "--resume", "last").code == 1


@pytest.mark.usefixtures("shop")
def test_a_change_of_a_base_counts_at_the_next_run_of_the_cases(cli: CommandLine) -> None:
    tests = "tests: [{name: a, vars: {amount: 7}, expect: {event: {properties: {shop: one}}}}]\n"
    Path("specs/paid.yaml").write_text("extends: [_a.yaml, _b.yaml]\n" + PAID + tests, "utf-8")
    Path("specs/_a.yaml").write_text("properties: {shop: zero}\n", "utf-8")
    codes = []
    for shop in ("one", "two", "one"):
        Path("specs/_b.yaml").write_text(f"properties: {{shop: {shop}}}\n", "utf-8")
        codes.append(cli("test", "specs").code)
    assert codes == [0, 1, 0]


def test_an_editor_knows_a_declaration_of_runner_yaml_as_one_of_a_spec() -> None:
    config = json.loads(Path(runner.__file__).with_name("config.schema.json").read_text("utf-8"))
    spec = document()
    assert config["$defs"]["variable"] == spec["$defs"]["variable"]
    assert config["properties"]["vars"]["propertyNames"] == spec["properties"]["vars"]["propertyNames"]
    assert config["properties"]["vars"]["additionalProperties"] == spec["properties"]["vars"]["additionalProperties"]


@pytest.mark.usefixtures("shop")
def test_what_is_wrong_with_a_declaration_that_no_spec_uses_stops_a_command_that_reads_the_file(
    cli: CommandLine,
) -> None:
    Path("runner.yaml").write_text("vars: {amount: {type: integer}, x: {typ: string}, 1x: {}}\n", "utf-8")
    assert cli("validate", "specs").code == 0
    ended = cli("render", "specs/paid.yaml", "--var", "amount=7", "--var", "user=u1")
    assert (ended.code, ended.err) == (
        2,
        (
            "error[unknown-key]: unknown key 'typ'\n"
            " --> runner.yaml:1:37\n"
            "  = did you mean 'type'?\n\n"
            "error[bad-value]: '1x' can't be a name here: it does not match ^[A-Za-z][A-Za-z0-9_]*$\n"
            " --> runner.yaml:1:51\n"
        ),
    )
