"""The section of runner.yaml with the rules of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.config import load_profile
from runner.errors import InvalidInput
from runner.sandbox.failures import Failure
from runner.sandbox.rules import SandboxRules, rules_of
from runner.source import Node, read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import CommandLine

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
        assert rules.failures == (Failure("429", 0), Failure("500"), Failure("503", 1), Failure("429", 60))
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
            "mails: [u1]",
            (
                "unknown-key",
                "unknown key 'mails'",
                "mails",
                (2, 3),
                "known here: tenants, schemas, events, users, workflows, fail, latency",
            ),
        ),
        ("users: [' ']", ("bad-value", "a distinct_id must not be blank", "users[0]", (2, 11), None)),
        (
            "workflows: {paid: {after: 2 s}}",
            (
                "bad-value",
                "a duration is a number and a unit, such as 500ms, 2s, 5m, 1h or 2d",
                "workflows.paid.after",
                (2, 29),
                None,
            ),
        ),
        (
            "workflows: {paid: {slug: Paid}}",
            (
                "bad-value",
                "a slug has lower-case letters, digits, _ and -",
                "workflows.paid.slug",
                (2, 28),
                None,
            ),
        ),
        (
            "workflows: {paid: {channels: [emial]}}",
            (
                "bad-value",
                "the value is emial, not one of sms, email, whatsapp, inbox, androidpush, iospush, webpush, slack, ms_teams",
                "workflows.paid.channels[0]",
                (2, 33),
                "did you mean 'email'?",
            ),
        ),
        (
            "workflows: {paid: {channels: [email, sms], outcome: dismissed}}",
            (
                "bad-value",
                "none of the channels email, sms reports the status 'dismissed'",
                "workflows.paid.outcome",
                (2, 55),
                "add one that does: androidpush, iospush",
            ),
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
            "fail: [429, 'rest']",
            ("bad-value", "unknown failure 'rest': did you mean reset?", "fail[1]", (2, 15), None),
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
    assert (failing.tenants, failing.failures, problems) == (frozenset({"acme"}), (Failure("429", 0),), ())
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
