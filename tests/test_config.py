"""`runner.yaml`, the environment and the flags become a target."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from runner.config import SANDBOX_KEY, load_profile
from runner.errors import CredentialsError, InvalidInput, NotFound, RunnerError
from runner.project import project_of
from runner.project.files import find_config
from runner.sandbox.rules import rules_of
from runner.secrets import Secret
from runner.suprsend.auth import ApiKey, WorkspaceKey

if TYPE_CHECKING:
    from pathlib import Path


HMAC = {"SUPRSEND_WORKSPACE_KEY": "wk", "SUPRSEND_WORKSPACE_SECRET": "workspace-secret"}
BEARER = {"SUPRSEND_API_KEY": "the-api-key", "SUPRSEND_WORKSPACE_UID": "uid"}


def test_the_signing_credentials_win_when_both_kinds_are_set(in_tmp: Path) -> None:
    target = load_profile(start=in_tmp).target(HMAC | BEARER)
    assert target.credentials == WorkspaceKey("wk", Secret("workspace-secret"))
    assert (target.base_url, target.env) == ("https://hub.suprsend.com/", "wk")


def test_an_api_key_is_taken_alone(in_tmp: Path) -> None:
    target = load_profile(start=in_tmp).target(BEARER)
    assert target.credentials == ApiKey("uid", Secret("the-api-key"))
    assert target.env == "uid"


def test_the_environment_names_the_server(in_tmp: Path) -> None:
    target = load_profile(start=in_tmp).target(HMAC | {"SUPRSEND_BASE_URL": " http://localhost:9/x "})
    assert target.base_url == "http://localhost:9/x/"


@pytest.mark.parametrize("url", ["hub.example.com", "http://hub.example.com/"])
def test_a_base_url_that_is_refused_is_told_with_where_it_comes_from(in_tmp: Path, url: str) -> None:
    with pytest.raises(RunnerError, match="; it comes from SUPRSEND_BASE_URL"):
        load_profile(start=in_tmp).target(HMAC | {"SUPRSEND_BASE_URL": url})
    (in_tmp / "runner.yaml").write_text(f"profiles: {{staging: {{base_url: '{url}'}}}}\n", "utf-8")
    with pytest.raises(RunnerError, match=r"; it comes from base_url of the profile in runner\.yaml"):
        load_profile(start=in_tmp, name="staging").target(HMAC)


def test_white_space_around_a_credential_is_dropped_and_inside_it_is_an_error(in_tmp: Path) -> None:
    profile = load_profile(start=in_tmp)
    target = profile.target(HMAC | {"SUPRSEND_WORKSPACE_SECRET": "workspace-secret\n"})
    assert target.credentials == WorkspaceKey("wk", Secret("workspace-secret"))
    with pytest.raises(CredentialsError, match="SUPRSEND_WORKSPACE_SECRET contains an invalid character"):
        profile.target(HMAC | {"SUPRSEND_WORKSPACE_SECRET": "workspace\nsecret"})


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"SUPRSEND_WORKSPACE_KEY": "wk"}, "SUPRSEND_WORKSPACE_KEY is set, SUPRSEND_WORKSPACE_SECRET is not"),
        ({"SUPRSEND_WORKSPACE_SECRET": "x"}, "SUPRSEND_WORKSPACE_SECRET is set, SUPRSEND_WORKSPACE_KEY is not"),
        (
            {"SUPRSEND_API_KEY": "x", "SUPRSEND_WORKSPACE_UID": ""},
            "SUPRSEND_API_KEY is set, SUPRSEND_WORKSPACE_UID is not",
        ),
    ],
)
def test_half_of_the_credentials_is_an_error(in_tmp: Path, environ: dict[str, str], message: str) -> None:
    with pytest.raises(CredentialsError) as raised:
        load_profile(start=in_tmp).target(environ)
    assert raised.value.problems[0].message == message


def test_without_credentials_the_target_says_what_to_set(in_tmp: Path) -> None:
    target = load_profile(start=in_tmp).target({})
    assert target.env == "WORKSPACE_KEY"
    with pytest.raises(CredentialsError, match=r"no credentials for https://hub.suprsend.com/"):
        target.authorized()


def test_a_profile_has_credentials_by_the_names_of_their_variables(in_tmp: Path) -> None:
    (in_tmp / "runner.yaml").write_text(
        "profiles:\n"
        "  staging:\n"
        "    base_url: https://staging.example.com/api\n"
        "    workspace_key_env: SUPRSEND_STAGING_KEY\n"
        "    workspace_secret_env: SUPRSEND_STAGING_SECRET\n"
        "    vars: {amount: 3}\n"
        "    max_event_kb: 800\n"
        "    confirm: true\n"
    )
    profile = load_profile(start=in_tmp, name="staging")
    target = profile.target({"SUPRSEND_STAGING_KEY": "sk", "SUPRSEND_STAGING_SECRET": "staging-secret"} | HMAC)
    assert target.credentials == WorkspaceKey("sk", Secret("staging-secret"))
    assert (target.base_url, target.max_event_kb, target.confirm) == ("https://staging.example.com/api/", 800, True)
    assert (profile.variables["amount"].value, profile.variables["amount"].origin) == (3, "profile 'staging'")
    assert profile.variables["amount"].position is not None
    assert profile.variables["amount"].position.line == 6


def test_the_sandbox_gets_its_public_credentials(in_tmp: Path) -> None:
    target = load_profile(start=in_tmp).sandbox(7788)
    assert (target.credentials, target.base_url) == (SANDBOX_KEY, "http://127.0.0.1:7788/")


def test_every_credential_of_the_environment_is_secret_whichever_is_used(in_tmp: Path) -> None:
    profile = load_profile(start=in_tmp)
    assert profile.secrets(HMAC | BEARER) == ("workspace-secret", "the-api-key")
    assert profile.secrets({"SUPRSEND_API_KEY": "sandbox-api-key"}) == ()
    assert profile.secrets({}) == ()


def test_a_fault_in_the_file_is_shown_at_its_place(in_tmp: Path) -> None:
    (in_tmp / "runner.yaml").write_text("profiles:\n  staging:\n    workspace_key: wk\n")
    with pytest.raises(InvalidInput) as raised:
        load_profile(start=in_tmp)
    [problem] = raised.value.problems
    assert problem.position is not None
    assert (problem.code, problem.message, problem.hint, problem.position.line, problem.position.column) == (
        "unknown-key",
        "unknown key 'workspace_key'",
        "did you mean 'workspace_key_env'?",
        3,
        5,
    )


def test_a_profile_that_is_not_there_is_not_found(in_tmp: Path) -> None:
    with pytest.raises(NotFound, match=r"no profile 'staging' and no runner.yaml here"):
        load_profile(start=in_tmp, name="staging")


def test_the_file_is_looked_for_upwards_to_the_repository(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    deep = repository / "a" / "b"
    deep.mkdir(parents=True)
    (repository / ".git").mkdir()
    (tmp_path / "runner.yaml").write_text("profiles: {}\n")
    assert find_config(deep) is None
    (repository / "runner.yaml").write_text("profiles: {}\n")
    assert find_config(deep) == repository / "runner.yaml"
    (repository / "a" / "runner.yaml").write_text("profiles: {}\n")
    assert find_config(deep / "spec.yaml") == repository / "a" / "runner.yaml"
    assert project_of(deep) == repository


def test_without_a_repository_a_project_is_the_working_directory_or_the_folder_itself(
    in_tmp: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (in_tmp / "specs").mkdir()
    assert project_of(in_tmp / "specs") == in_tmp
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert project_of(elsewhere / "spec.yaml") == elsewhere


def test_a_missing_schema_stops_nobody_who_does_not_start_a_sandbox(in_tmp: Path) -> None:
    (in_tmp / "runner.yaml").write_text("sandbox: {schemas: {paid: missing.json}}\n")
    assert load_profile(start=in_tmp).target(HMAC).env == "wk"


def test_a_profile_that_names_one_kind_of_credentials_takes_no_other(tmp_path: Path) -> None:
    write = tmp_path / "runner.yaml"
    write.write_text(
        "profiles: {production: {api_key_env: SUPRSEND_PRODUCTION_API_KEY, workspace_uid_env: SUPRSEND_PRODUCTION_UID}}\n"
    )
    profile = load_profile(start=tmp_path, name="production")
    default = {"SUPRSEND_WORKSPACE_KEY": "default-key", "SUPRSEND_WORKSPACE_SECRET": "default-secret"}
    own = {"SUPRSEND_PRODUCTION_API_KEY": "api-key", "SUPRSEND_PRODUCTION_UID": "uid"}
    assert profile.target({**default, **own}).env == "uid"
    with pytest.raises(CredentialsError) as caught:
        profile.target(default).authorized()
    assert caught.value.problems[0].hint == (
        "set SUPRSEND_PRODUCTION_API_KEY and SUPRSEND_PRODUCTION_UID;\nor add --sandbox to send to a server on this machine"
    )


@pytest.mark.parametrize(("text", "days"), [("1d", 1), ("90d", 90), ("12w", 84)])
def test_ages_of_cassettes_are_written_in_days_or_weeks(tmp_path: Path, text: str, days: int) -> None:
    (tmp_path / "runner.yaml").write_text(f"cassettes: {{max_age: {text}}}\n")
    assert load_profile(start=tmp_path).cassettes_max_age == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "0d", "90", "d", "-1d", "1.5d", "90 d", "90D", "1y", "\u0663d", "999999d"])
def test_what_is_no_age_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "runner.yaml").write_text(f'cassettes: {{max_age: "{text}"}}\n', "utf-8")
    with pytest.raises(InvalidInput) as caught:
        load_profile(start=tmp_path)
    assert [problem.message for problem in caught.value.problems] == [
        "an age is a number of days or weeks, such as 90d or 12w"
    ]


def test_a_sandbox_takes_what_the_profile_may_send_and_without_one_what_any_may(in_tmp: Path) -> None:
    (in_tmp / "runner.yaml").write_text("profiles: {a: {max_event_kb: 800}, b: {max_event_kb: 20}, c: {}}\n")

    def most(name: str | None) -> int:
        return rules_of(load_profile(start=in_tmp, name=name)).max_event_kb

    assert [most(name) for name in ("a", "b", "c", None)] == [800, 20, 100, 800]
