"""A spec reads from the environment what `runner.yaml` lists, and no credential: in every command that reads specs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import run_preloaded

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

REPOSITORY = Path(__file__).resolve().parents[2]
STOLEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
SPEC = """\
version: 1
vars:
  token: {type: string, env: GITHUB_TOKEN}
event: invoice_ready
distinct_id: u1
properties: {a: "{{ token | reverse }}", b: "{{ token | list | join(' ') }}", c: "{{ token }}"}
tests:
- name: one
  vars: {token: a}
  expect: {event: {properties: {a: a}}}
"""
COMMANDS: dict[str, tuple[str, ...]] = {
    "validate": ("validate", "specs"),
    "validate a file": ("validate", "specs/a.yaml"),
    "render": ("render", "specs/a.yaml"),
    "render rows": ("render", "specs/a.yaml", "--rows", "rows.csv"),
    "render curl": ("render", "specs/a.yaml", "--as", "curl"),
    "dry run": ("send", "specs", "-n"),
    "send": ("send", "specs"),
    "send to a sandbox": ("send", "specs", "--sandbox"),
    "send rows": ("send", "specs/a.yaml", "--rows", "rows.csv"),
    "send rows in processes": ("send", "specs/a.yaml", "--rows", "rows.csv", "--processes", "2"),
}


@pytest.fixture
def cli(cli: CommandLine, in_tmp: Path, server: CapturingServer) -> CommandLine:
    (in_tmp / "specs").mkdir()
    (in_tmp / "specs/a.yaml").write_text(SPEC)
    (in_tmp / "rows.csv").write_text("token\nfrom-a-row\n")
    cli.environ = {
        "SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret",
        "SUPRSEND_BASE_URL": server.base_url, "GITHUB_TOKEN": STOLEN,
    }  # fmt: skip
    return cli


@pytest.mark.parametrize("args", COMMANDS.values(), ids=COMMANDS)
def test_without_a_list_a_spec_reads_nothing_from_the_environment(
    cli: CommandLine, server: CapturingServer, args: tuple[str, ...]
) -> None:
    ended = cli(*args)
    assert (ended.code, "error[env-not-allowed]" in ended.out + ended.err, server.received) == (2, True, [])
    assert STOLEN[::-1][:6] not in ended.out + ended.err


@pytest.mark.parametrize("args", COMMANDS.values(), ids=COMMANDS)
def test_what_is_listed_is_read(cli: CommandLine, args: tuple[str, ...]) -> None:
    Path("runner.yaml").write_text("env_allowed: [GITHUB_TOKEN]\n")
    ended = cli(*args)
    assert (ended.code, "error[" in ended.out + ended.err) == (0, False)
    assert STOLEN not in ended.out + ended.err


def test_what_is_read_from_the_environment_is_masked_unless_the_declaration_denies_it(cli: CommandLine) -> None:
    Path("runner.yaml").write_text("env_allowed: [GITHUB_TOKEN]\n")
    assert cli("render", "specs/a.yaml").json["properties"]["c"] == "***"
    open_ = SPEC.replace("env: GITHUB_TOKEN", "env: GITHUB_TOKEN, secret: false")
    Path("specs/a.yaml").write_text(open_)
    assert cli("render", "specs/a.yaml").json["properties"]["c"] == STOLEN
    cli.environ["RUNNER_VAR_token"] = "the user's own"
    Path("specs/a.yaml").write_text(SPEC)
    assert cli("render", "specs/a.yaml").json["properties"]["c"] == "the user's own"


CREDENTIALS = [
    "SUPRSEND_WORKSPACE_SECRET",
    "SUPRSEND_API_KEY",
    "suprsend_anything",
    "STAGING_SUPRSEND_SECRET",
    "SUPRSEND_LIVE",
]
PROFILES = (
    "profiles: {staging: {workspace_secret_env: STAGING_SUPRSEND_SECRET}, production: {api_key_env: SUPRSEND_LIVE}}\n"
)


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credential_of_runner_is_never_read(cli: CommandLine, name: str) -> None:
    """Neither the default names nor those of any profile, whichever is used, or was taken out of the file."""
    Path("specs/a.yaml").write_text(SPEC.replace("GITHUB_TOKEN", name))
    for profiles in (PROFILES, "profiles: {}\n"):
        Path("runner.yaml").write_text(profiles)
        problem = cli("validate", "specs", "-o", "json").json["problems"][0]
        told = f"'{name}' holds credentials of runner: specs can't read it"
        assert (problem["code"], problem["message"], problem["at"]) == ("env-not-allowed", told, "vars.token.env")


@pytest.mark.parametrize("config", [(), ("--config", "named.yaml")])
def test_a_credential_of_a_profile_above_is_none_that_a_nearer_list_allows(
    cli: CommandLine, config: tuple[str, ...]
) -> None:
    Path("specs/a.yaml").write_text(SPEC.replace("GITHUB_TOKEN", "STAGING_SUPRSEND_SECRET"))
    Path("runner.yaml").write_text(PROFILES)
    for name in ("specs/runner.yaml", "named.yaml"):
        Path(name).write_text("env_allowed: [STAGING_SUPRSEND_SECRET]\n")
    ended = cli("validate", "specs", *config)
    assert (ended.code, "'STAGING_SUPRSEND_SECRET' holds credentials of runner" in ended.out) == (2, True)


def test_a_submodule_reads_no_credential_of_the_repository_that_it_is_in(cli: CommandLine) -> None:
    Path("runner.yaml").write_text("profiles: {staging: {api_key_env: STAGING_SECRET}}\nenv_allowed: [GITHUB_TOKEN]\n")
    Path("specs/.git").write_text("gitdir: ../.git/modules/specs\n")
    Path("specs/runner.yaml").write_text("env_allowed: [STAGING_SECRET]\n")
    Path("specs/a.yaml").write_text(SPEC.replace("GITHUB_TOKEN", "STAGING_SECRET"))
    cli.environ |= {"STAGING_SECRET": "s3cr3t-of-runner", "HOME": "/root"}
    ended = cli("render", "specs/a.yaml")
    assert (ended.code, "'STAGING_SECRET' holds credentials of runner" in ended.err) == (2, True)
    Path("specs/a.yaml").write_text("version: 1\nevent: invoice_ready\ndistinct_id: u1\n")
    leak = "profiles: {leak: {workspace_key_env: STAGING_SECRET, workspace_secret_env: HOME}}\n"
    Path("specs/runner.yaml").write_text(leak)
    ended = cli("render", "specs/a.yaml", "--profile", "leak")
    assert (ended.code, "'STAGING_SECRET' holds a secret of runner" in ended.err) == (2, True)
    Path("specs/runner.yaml").unlink()
    Path("specs/a.yaml").write_text(SPEC)  # what may be read is for its own runner.yaml to say
    assert "specs are not allowed to read the environment variable 'GITHUB_TOKEN'" in cli("render", "specs/a.yaml").err


@pytest.mark.parametrize("name", CREDENTIALS)
@pytest.mark.parametrize("args", [("validate", "specs"), ("send", "specs", "-n"), ("test", "specs")])
def test_a_credential_that_is_listed_is_a_problem_of_runner_yaml(
    cli: CommandLine, args: tuple[str, ...], name: str
) -> None:
    Path("specs/a.yaml").write_text(SPEC.replace("GITHUB_TOKEN", name))
    Path("runner.yaml").write_text(f"{PROFILES}env_allowed: [{name}]\n")
    ended = cli(*args, "-o", "json")
    document = json.loads(ended.out[ended.out.index("{") :])
    assert ended.code == 2
    assert ("env-not-allowed", "runner.yaml", "env_allowed") in {
        (problem["code"], Path(problem["path"] or "").name, problem["at"]) for problem in document["problems"]
    }


@pytest.mark.parametrize("key", ["workspace_key_env", "workspace_uid_env"])
@pytest.mark.parametrize(
    "name", ["SUPRSEND_WORKSPACE_SECRET", "SUPRSEND_API_KEY", "SUPRSEND_PRODUCTION_TOKEN", "SUPRSEND_ROOT_TOKEN"]
)
def test_no_profile_puts_a_secret_of_runner_into_events(cli: CommandLine, key: str, name: str) -> None:
    Path("runner.yaml").write_text("profiles: {root: {workspace_secret_env: SUPRSEND_ROOT_TOKEN}}\n")
    other = {"workspace_key_env": "workspace_secret_env", "workspace_uid_env": "api_key_env"}[key]
    Path("specs/runner.yaml").write_text(
        f"profiles:\n  leak:\n    {key}: {name}\n    {other}: SUPRSEND_HOME\n  production: {{api_key_env: SUPRSEND_PRODUCTION_TOKEN}}\n"
    )
    Path("specs/a.yaml").write_text("version: 1\nevent: invoice_ready\ndistinct_id: u1\n")
    cli.environ |= {name: "s3cr3t-of-runner", "SUPRSEND_HOME": "/root"}
    ended = cli("render", "specs/a.yaml", "--profile", "leak")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error[env-not-allowed]: '{name}' holds a secret of runner, but the value of {key} is")
    assert "s3cr3t-of-runner" not in ended.err


@pytest.mark.parametrize(
    "args", [("render", "specs/a.yaml"), ("send", "specs"), ("send", "specs", "-n"), ("test", "specs")]
)
@pytest.mark.parametrize("key", ["workspace_key_env", "workspace_secret_env", "api_key_env", "workspace_uid_env"])
def test_no_profile_sends_a_variable_of_others(
    cli: CommandLine, server: CapturingServer, key: str, args: tuple[str, ...]
) -> None:
    """Its value would go to a server that the same file names, and stand in each event that is printed."""
    names = {"workspace_key_env": "SUPRSEND_A", "workspace_secret_env": "SUPRSEND_B"}
    if key not in names:
        names = {"api_key_env": "SUPRSEND_A", "workspace_uid_env": "SUPRSEND_B"}
    leak = {"base_url": server.base_url} | names | {key: "GITHUB_TOKEN"}
    Path("runner.yaml").write_text(json.dumps({"profiles": {"leak": leak}}))
    Path("specs/a.yaml").write_text("version: 1\nevent: invoice_ready\ndistinct_id: u1\n")
    cli.environ |= {"SUPRSEND_A": "a", "SUPRSEND_B": "b"}
    ended = cli(*args, "--profile", "leak")
    told = f"error[env-not-allowed]: {key} names a variable of another service: GITHUB_…"
    assert (ended.code, told in ended.err, server.received) == (2, True, [])
    assert {STOLEN, "GITHUB_TOKEN"}.isdisjoint((ended.out + ended.err).split("'"))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("workspace_key_env", "SUPRSEND_STAGING_SECRET"), ("workspace_key_env", "SUPRSEND_STAGING_API_KEY"),
        ("workspace_uid_env", "SUPRSEND_STAGING_SECRET"), ("workspace_uid_env", "suprsend_api_key_2"),
        ("api_key_env", "SUPRSEND_WORKSPACE_SECRET"),
    ],
)  # fmt: skip
def test_no_profile_sends_what_is_a_secret_by_its_name(cli: CommandLine, key: str, name: str) -> None:
    Path("runner.yaml").write_text(f"profiles: {{leak: {{{key}: {name}}}}}\n")
    Path("specs/a.yaml").write_text("version: 1\nevent: invoice_ready\ndistinct_id: u1\n")
    problem = cli("render", "specs/a.yaml", "-o", "json").json["problems"][0]
    told = f"'{name}' holds a secret of runner, but the value of {key} is sent in each "
    assert (problem["code"], problem["at"]) == ("env-not-allowed", f"profiles.leak.{key}")
    assert problem["message"].startswith(told)


def test_a_list_of_values_instead_of_names_is_not_quoted(cli: CommandLine) -> None:
    Path("runner.yaml").write_text(f"env_allowed: ['{STOLEN}!']\n")
    Path("specs/a.yaml").write_text(SPEC.replace(", env: GITHUB_TOKEN", ", default: x"))
    ended = cli("send", "specs", "-n")
    assert (ended.code, STOLEN in ended.out + ended.err) == (2, False)
    assert "env_allowed lists the names of environment variables, not their values" in ended.err


def test_a_nearer_runner_yaml_takes_names_out_and_a_named_one_counts_alone(cli: CommandLine) -> None:
    Path("runner.yaml").write_text("env_allowed: [GITHUB_TOKEN]\n")
    Path("specs/runner.yaml").write_text("env_allowed: []\n")
    assert cli("validate", "specs").code == 2
    assert cli("validate", "specs", "--config", "runner.yaml").code == 0
    assert cli("render", "specs/a.yaml", "--config", "runner.yaml").code == 0
    assert cli("send", "specs/a.yaml", "--rows", "rows.csv", "--processes", "2", "--config", "runner.yaml").code == 0
    assert cli("test", "specs", "--config", "runner.yaml").code == 0
    assert cli("test", "specs").code == 2


@pytest.mark.parametrize("above", ["env_allowed: [PDF_TOKEN]\n", "env_allowed: []\n"])
@pytest.mark.parametrize("args", COMMANDS.values(), ids=COMMANDS)
def test_a_nearer_runner_yaml_allows_nothing_that_one_above_does_not(
    cli: CommandLine, server: CapturingServer, args: tuple[str, ...], above: str
) -> None:
    Path("runner.yaml").write_text(above)
    Path("specs/runner.yaml").write_text("env_allowed: [GITHUB_TOKEN]\n")
    ended = cli(*args)
    assert (ended.code, "error[env-not-allowed]" in ended.out + ended.err, server.received) == (2, True, [])


def test_a_spec_reads_what_each_runner_yaml_above_it_lists(cli: CommandLine) -> None:
    Path("runner.yaml").write_text("env_allowed: [PDF_TOKEN, GITHUB_TOKEN]\n")
    Path("specs/runner.yaml").write_text("env_allowed: [GITHUB_TOKEN, HOME]\n")
    assert cli("validate", "specs").code == 0


def test_a_runner_yaml_without_a_list_takes_nothing_out_of_a_nearer_one(cli: CommandLine) -> None:
    Path("runner.yaml").write_text("profiles: {}\n")
    Path("specs/runner.yaml").write_text("env_allowed: [GITHUB_TOKEN]\n")
    assert cli("validate", "specs").code == 0


def test_what_a_profile_names_is_a_credential_whatever_its_name(cli: CommandLine, server: CapturingServer) -> None:
    names = {"workspace_key_env": "STAGING_KEY", "workspace_secret_env": "STAGING_PASS"}
    Path("runner.yaml").write_text(json.dumps({"profiles": {"staging": {"base_url": server.base_url} | names}}))
    Path("specs/a.yaml").write_text("version: 1\nevent: invoice_ready\ndistinct_id: u1\n")
    cli.environ |= {"STAGING_KEY": "key", "STAGING_PASS": "pass"}
    assert (cli("send", "specs/a.yaml", "--profile", "staging").code, len(server.received)) == (0, 1)
    Path("specs/a.yaml").write_text(SPEC.replace("GITHUB_TOKEN", "STAGING_PASS"))
    ended = cli("validate", "specs")
    assert (ended.code, "'STAGING_PASS' holds credentials of runner" in ended.out) == (2, True)


def test_a_resume_reads_by_the_rules_of_its_run(cli: CommandLine, server: CapturingServer) -> None:
    (Path("other") / "config").mkdir(parents=True)
    Path("other/config/runner.yaml").write_text("env_allowed: [GITHUB_TOKEN]\n")
    Path("rows.csv").write_text("user\nu1\n")
    Path("specs/a.yaml").write_text(
        SPEC.replace("distinct_id: u1", 'distinct_id: "{{ user }}"').replace(
            "vars:\n", "vars:\n  user: {type: string}\n", 1
        )
    )
    server.answers.append((502, b"<html></html>"))
    args = ("--rows", "rows.csv", "--retries", "0", "--config", "other/config/runner.yaml")
    assert cli("send", "specs/a.yaml", *args).code == 7
    assert cli("send", "--resume", "last", "--config", "other/config/runner.yaml").code == 0
    assert cli("runs", "failed", "last", "-o", "json", "--config", "other/config/runner.yaml").code == 0


def test_a_variable_of_a_base_is_held_against_the_list(cli: CommandLine) -> None:
    Path("specs/_base.yaml").write_text("vars: {token: {type: string, env: GITHUB_TOKEN}}\n")
    Path("specs/a.yaml").write_text(
        'extends: _base.yaml\nversion: 1\nevent: invoice_ready\ndistinct_id: u1\nproperties: {a: "{{ token }}"}\n'
    )
    problem = cli("validate", "specs", "-o", "json").json["problems"][0]
    assert (problem["code"], problem["path"], problem["line"]) == ("env-not-allowed", "specs/_base.yaml", 1)


def test_a_broken_runner_yaml_is_told_without_its_lines(cli: CommandLine) -> None:
    Path("runner.yaml").write_text(f"env_allowed: [GITHUB_TOKEN]\npassword: '{STOLEN}\n")
    ended = cli("validate", "specs")
    assert (ended.code, "runner.yaml:" in ended.out, STOLEN in ended.out) == (2, True, False)


@pytest.mark.parametrize("command", [["runner", "test"], ["pytest", "-o", "runner_specs=specs"]])
def test_cases_hold_the_declaration_against_the_list_and_read_nothing(cli: CommandLine, command: list[str]) -> None:
    environ = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(REPOSITORY), **cli.environ}

    def run() -> str:
        ended = run_preloaded([*command, "specs"], env=environ, capture_output=True, text=True)
        return ended.stdout + ended.stderr

    told = run()
    assert ("env-not-allowed" in told, STOLEN in told) == (True, False)
    Path("runner.yaml").write_text("env_allowed: [GITHUB_TOKEN]\n")
    assert "1 passed" in run()


def test_another_spec_of_a_step_is_held_against_the_list(cli: CommandLine) -> None:
    plain = SPEC.replace(", env: GITHUB_TOKEN", "").partition("tests:")[0]
    Path("specs/b.yaml").write_text(
        f"{plain}tests:\n- name: two\n  steps:\n  - {{spec: a.yaml, vars: {{token: a}}}}\n  - {{vars: {{token: b}}}}\n"
    )
    ended = cli("test", "specs/b.yaml", "-o", "json")
    [case] = json.loads(ended.out[ended.out.index("{") :])["cases"]
    assert [problem["code"] for problem in case["problems"]] == ["env-not-allowed"]
    Path("runner.yaml").write_text("env_allowed: [GITHUB_TOKEN]\n")
    assert cli("test", "specs/b.yaml").code == 0
