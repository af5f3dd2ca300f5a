"""`runner.yaml`, the environment and the flags become a target."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from runner.config import SANDBOX_KEY, load_profile
from runner.errors import CredentialsError, InvalidInput, NotFound, RunnerError
from runner.project import project_of
from runner.project.files import find_config
from runner.sandbox.rules import Failure, SandboxRules, rules_of
from runner.secrets import Secret
from runner.source import Node, read_text
from runner.suprsend.auth import ApiKey, WorkspaceKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CommandLine

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


# The sandbox's rules

SECTION = """
sandbox:
  tenants: [acme, default]
  schemas:
    ordered: schemas/ordered.json
    paid: {required: [amount]}
    free: true
  fail: [429, 500, {status: 503, retry_after: 1}, {status: 429, retry_after: 60}]
  x-note: ours
"""


def told(raised: InvalidInput) -> list[tuple[object, ...]]:
    """Give each problem as code, message, way, line, column and hint."""
    return [
        (each.code, each.message, each.at, each.position and (each.position.line, each.position.column), each.hint)
        for each in raised.problems
    ]


@pytest.fixture
def faults_of(in_tmp: Path) -> Callable[[str], list[tuple[object, ...]]]:
    """Read a `sandbox:` section that is not as it must be."""

    def faults(section: str) -> list[tuple[object, ...]]:
        (in_tmp / "runner.yaml").write_text(f"sandbox:\n  {section}\n")
        with pytest.raises(InvalidInput) as raised:
            rules_of(load_profile(start=in_tmp))
        assert all(each.position and each.position.path == "runner.yaml" for each in raised.value.problems)
        return told(raised.value)

    return faults


def test_the_sandboxs_rules_stand_in_the_file_whatever_the_profile(in_tmp: Path) -> None:
    (in_tmp / "schemas").mkdir()
    (in_tmp / "schemas" / "ordered.json").write_text('{"required": ["order_id"]}')
    (in_tmp / "runner.yaml").write_text(f"profiles: {{staging: {{}}}}\n{SECTION}")
    for name in (None, "staging"):
        rules = rules_of(load_profile(start=in_tmp, name=name))
        assert rules.tenants == frozenset({"acme", "default"})
        assert rules.failures == (Failure(429, 0), Failure(500), Failure(503, 1), Failure(429, 60))
        assert {event: schema.accepts({"amount": 1}) for event, schema in rules.schemas.items()} == {
            "ordered": False,
            "paid": True,
            "free": True,
        }
        assert rules.schemas["ordered"].accepts({"order_id": "1"})


@pytest.mark.parametrize("text", [None, "profiles: {}\n", "sandbox: {}\n"])
def test_without_a_section_a_sandbox_has_no_rules(in_tmp: Path, text: str | None) -> None:
    if text is not None:
        (in_tmp / "runner.yaml").write_text(text)
    assert rules_of(load_profile(start=in_tmp)) == SandboxRules(None, {}, ())


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("tenant: [acme]", ("unknown-key", "unknown key 'tenant'", "tenant", (2, 3), "did you mean 'tenants'?")),
        (
            "users: [u1]",
            ("unknown-key", "unknown key 'users'", "users", (2, 3), "known here: tenants, schemas, events, fail"),
        ),
        ("tenants: acme", ("wrong-type", "'tenants' must be a list, not text", "tenants", (2, 12), None)),
        ("tenants: [acme, acme]", ("bad-value", "'tenants' has the same item twice", "tenants", (2, 12), None)),
        ("tenants: [acme, 12]", ("wrong-type", "the value must be text, not a number", "tenants[1]", (2, 19), None)),
        (
            "tenants: [a b]",
            ("bad-value", "an id of a tenant has 1 to 64 letters, digits, _ and -", "tenants[0]", (2, 13), None),
        ),
        ("fail: 429", ("wrong-type", "'fail' must be a list, not a number", "fail", (2, 9), None)),
        ("fail: [399]", ("bad-value", "399 is less than the minimum of 400", "fail[0]", (2, 10), None)),
        ("fail: [429, 600]", ("bad-value", "600 is greater than the maximum of 599", "fail[1]", (2, 15), None)),
        (
            "fail: ['429']",
            ("wrong-type", "the value must be a whole number or a map, not text", "fail[0]", (2, 10), None),
        ),
        ("fail: [{}]", ("missing-key", "missing key 'status'", "fail[0].status", (2, 10), None)),
        (
            "fail: [{status: 429, retry-after: 1}]",
            ("unknown-key", "unknown key 'retry-after'", "fail[0].retry-after", (2, 24), "did you mean 'retry_after'?"),
        ),
        (
            "fail: [{status: 429, retry_after: soon}]",
            ("wrong-type", "'retry_after' must be a whole number, not text", "fail[0].retry_after", (2, 37), None),
        ),
        (
            "fail: [{status: 429, retry_after: -1}]",
            ("bad-value", "-1 is less than the minimum of 0", "fail[0].retry_after", (2, 37), None),
        ),
        ("schemas: [a]", ("wrong-type", "'schemas' must be a map, not a list", "schemas", (2, 12), None)),
        (
            "schemas: {paid: 1}",
            ("wrong-type", "'paid' must be true or false, text or a map, not a number", "schemas.paid", (2, 19), None),
        ),
        ("schemas: {paid: ''}", ("bad-value", "'paid' is empty", "schemas.paid", (2, 19), None)),
        (
            "schemas: {paid: {type: strin}}",
            (
                "bad-schema",
                "this is not a JSON Schema: 'type' is strin, not one of array, boolean, integer, null, number, object, string",
                "schemas.paid",
                (2, 26),
                "did you mean 'string'?",
            ),
        ),
    ],
)
def test_a_fault_in_the_sandboxs_section_is_told_at_its_place(
    faults_of: Callable[[str], list[tuple[object, ...]]], section: str, fault: tuple[object, ...]
) -> None:
    code, message, at, place, hint = fault
    assert faults_of(section) == [(code, message, f"sandbox.{at}", place, hint)]


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("paidd.json", "file-not-found", "no such file: paidd.json"),
        (".", "file-not-found", "a folder, not a file: ."),
        ("../paid.json", "path-outside", "'../paid.json' is outside the project"),
        ("/etc/paid.json", "path-outside", "'/etc/paid.json' is outside the project"),
        ("http://example.com/p.json", "path-outside", "'http://example.com/p.json' is a URL, and URLs are not fetched"),
        ("paid.env", "bad-value", "'paid.env' is neither YAML nor JSON by its name"),
        ("runner.yaml", "bad-value", "'runner.yaml' holds profiles, and can't be part of a spec"),
    ],
)
def test_a_schemas_path_must_lead_to_a_file_of_the_project(
    faults_of: Callable[[str], list[tuple[object, ...]]], path: str, code: str, message: str
) -> None:
    [fault] = faults_of(f"schemas: {{paid: '{path}'}}")
    assert fault[:4] == (code, message, None, (2, 19))


def test_a_fault_in_a_schemas_file_is_told_there(in_tmp: Path) -> None:
    (in_tmp / "paid.json").write_text('{"type": "strin"}')
    (in_tmp / "runner.yaml").write_text("sandbox: {schemas: {paid: paid.json}}\n")
    with pytest.raises(InvalidInput) as raised:
        rules_of(load_profile(start=in_tmp))
    assert str(raised.value) == (
        "paid.json:1:10: this is not a JSON Schema: 'type' is strin, not one of array, boolean, integer, null, number, "
        "object, string (did you mean 'string'?)"
    )


def test_all_faults_of_the_sandboxs_form_are_told_at_once(in_tmp: Path) -> None:
    (in_tmp / "runner.yaml").write_text("sandbox:\n  tenants: [a b]\n  fail: [1]\n  user: []\n")
    with pytest.raises(InvalidInput) as raised:
        load_profile(start=in_tmp)
    assert [(each[0], each[3]) for each in told(raised.value)] == [
        ("bad-value", (2, 13)),
        ("bad-value", (3, 10)),
        ("unknown-key", (4, 3)),
    ]


def test_a_missing_schema_stops_nobody_who_does_not_start_a_sandbox(in_tmp: Path) -> None:
    (in_tmp / "runner.yaml").write_text("sandbox: {schemas: {paid: missing.json}}\n")
    assert load_profile(start=in_tmp).target(HMAC).env == "wk"


def test_a_fault_in_the_section_shows_no_line_of_a_file_that_may_hold_secrets(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / "spec.yaml").write_text("version: 1\nevent: ordered\ndistinct_id: u1\n")
    (in_tmp / "runner.yaml").write_text("sandbox:\n  tenants: [s3cr3t-text with spaces]\n")
    ended = cli("render", "spec.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "error[bad-value]: an id of a tenant has 1 to 64 letters, digits, _ and -\n --> runner.yaml:2:13\n"
    )


def test_a_schema_is_found_from_a_folder_whose_name_looks_like_an_argument(in_tmp: Path) -> None:
    folder = in_tmp / "region=eu"
    folder.mkdir()
    (folder / "paid.json").write_text("{}")
    (folder / "runner.yaml").write_text("sandbox: {schemas: {paid: paid.json}}\n")
    assert list(rules_of(load_profile(start=folder)).schemas) == ["paid"]


def section_of(text: str) -> Node:
    root = read_text(text, "specs/paid.yaml").root
    assert root is not None
    section = root.get("tests", 0, "sandbox")
    assert section is not None
    return section


def test_a_case_says_what_is_other_than_in_its_project(in_tmp: Path) -> None:
    (in_tmp / "runner.yaml").write_text(
        "sandbox: {tenants: [acme], schemas: {paid: {required: [amount]}}, fail: [500]}\n"
    )
    project = rules_of(load_profile(start=in_tmp))

    failing, problems = project.read(section_of("tests: [{sandbox: {fail: [429]}}]"), in_tmp)
    assert (failing.tenants, failing.failures, problems) == (frozenset({"acme"}), (Failure(429, 0),), ())
    assert failing.schemas == project.schemas

    other = "tests: [{sandbox: {fail: [], tenants: [], schemas: {paid: true, ordered: {required: [id]}}}}]"
    free, problems = project.read(section_of(other), in_tmp)
    assert (free.tenants, free.failures, problems) == (frozenset(), (), ())
    assert {event: schema.accepts({}) for event, schema in free.schemas.items()} == {"paid": True, "ordered": False}


def test_a_fault_in_a_case_is_told_with_the_way_to_it_and_leaves_the_rules_as_they_were(in_tmp: Path) -> None:
    project = SandboxRules(tenants=frozenset({"acme"}))
    rules, problems = project.read(
        section_of("tests:\n  - sandbox: {fail: [1], schemas: {paid: {type: 1}}}\n"), in_tmp, "tests[0].sandbox"
    )
    assert rules == project
    assert [(each.code, each.at, each.position and each.position.text) for each in problems] == [
        ("bad-value", "tests[0].sandbox.fail[0]", "  - sandbox: {fail: [1], schemas: {paid: {type: 1}}}"),
        ("bad-schema", "tests[0].sandbox.schemas.paid", "  - sandbox: {fail: [1], schemas: {paid: {type: 1}}}"),
    ]


def test_the_repositorys_specs_have_a_sandbox_of_their_own(in_repository: Path) -> None:
    rules = rules_of(load_profile(start=in_repository / "specs"))
    assert (rules.tenants, sorted(rules.schemas), rules.failures) == (
        frozenset({"acme", "default"}),
        ["order_refunded", "product_purchased"],
        (),
    )


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
