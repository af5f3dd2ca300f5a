"""Advice: which specs get which, and where its level comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import CommandLine

HEAD = """version: 1
description: A customer placed an order.
vars: {user: {type: string}, order_id: {type: string}, email: {type: string}, contact: {type: string, format: email}}
event: order_placed
distinct_id: "{{ user }}"
properties: {order_id: "{{ order_id }}", email: "{{ email }}", contact: "{{ contact }}"}
"""
CASES = """tests:
  - name: an order
    vars: {user: u1, order_id: "1", email: u1@example.com, contact: u1@example.com}
    expect: {event: {distinct_id: u1}}
"""


@pytest.fixture(autouse=True)
def project(in_tmp: Path) -> Path:
    (in_tmp / ".git").mkdir()
    return in_tmp


def found(cli: CommandLine, text: str, *options: str) -> list[tuple[str, str, int]]:
    """Return what `validate` reports of a spec: code, severity and line."""
    Path("spec.yaml").write_text(text)
    problems = cli("validate", "spec.yaml", "-o", "json", *options).json["problems"]
    return [(each["code"], each["severity"], each["line"]) for each in problems]


def test_a_spec_that_says_all_gets_no_advice(cli: CommandLine) -> None:
    assert found(cli, HEAD + CASES) == []


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("order", "constant-key"),
        ("\"{{ 'order' | upper }}\"", "constant-key"),
        ("auto", None),
        ("order-{{ order_id }}", None),
        ("'{{ now() }}'", None),
        ("'{{ email }}'", "personal-data-in-key"),
        ("'{{ contact }}'", "personal-data-in-key"),
        ("'{{ email | lower }}-{{ order_id }}'", "personal-data-in-key"),
        ("'{{ email | sha256 }}'", None),
        ("'{{ email | hmac_sha256(order_id) }}'", None),
        ("'{{ order_id | sha256 }}-{{ email }}'", "personal-data-in-key"),
        ("'{{ (email ~ order_id) | lower | sha256 }}'", None),
        ("'{{ email | length }}-{{ order_id }}'", None),
        ("'{{ email.lower() }}'", "personal-data-in-key"),
        ("'{{ order_id if email else user }}'", None),
        ("'{{ email if email else user }}'", "personal-data-in-key"),
        ("'{% if email %}{{ order_id }}{% else %}{{ user }}{% endif %}'", None),
        ("'{% set key = email %}{{ key }}'", "personal-data-in-key"),
        ("'{% set key = email | sha256 %}{{ key }}'", None),
        ('"{{ order_id }}-email"', None),
        ("\"{{ order_id ~ 'email' }}\"", None),
    ],
)
def test_advice_on_keys(cli: CommandLine, key: str, code: str | None) -> None:
    expected = [(code, "advice", 7)] if code else []
    assert found(cli, f"{HEAD}idempotency_key: {key}\n{CASES}") == expected


@pytest.mark.parametrize(
    "name",
    [
        "e_mail",
        "customerEmail",
        "phone_number",
        "first_name",
        "mobile",
        "user_dob",
        "iban",
        "email_id",
        "email2",
        "phone_no",
    ],
)
def test_names_of_personal_data(cli: CommandLine, name: str) -> None:
    text = (HEAD + CASES).replace("email: ", f"{name}: ").replace("{{ email }}", f"{{{{ {name} }}}}")
    assert found(cli, f'{text}idempotency_key: "{{{{ {name} }}}}"\n') == [("personal-data-in-key", "advice", 11)]


@pytest.mark.parametrize(
    "name",
    [
        "mailing_id",
        "name",
        "telemetry",
        "phonetic",
        "address_id",
        "email_hash",
        "email_campaign_id",
        "phone_verified",
        "mobile_app",
    ],
)
def test_names_that_only_look_like_it(cli: CommandLine, name: str) -> None:
    text = (HEAD + CASES).replace("email: ", f"{name}: ").replace("{{ email }}", f"{{{{ {name} }}}}")
    assert found(cli, f'{text}idempotency_key: "{{{{ {name} }}}}"\n') == []


def test_personal_data_is_found_in_a_let_and_in_a_key_of_a_map(cli: CommandLine) -> None:
    let = 'let: {person: {mail: "{{ contact }}"}, key: "{{ person.mail }}"}\n'
    text = HEAD + CASES + let
    assert found(cli, text + 'idempotency_key: "{{ key }}"\n') == [("personal-data-in-key", "advice", 11)]
    text = text.replace(', key: "{{ person.mail }}"', "")
    assert found(cli, text + "idempotency_key: \"{{ person['mail'] }}\"\n") == [("personal-data-in-key", "advice", 12)]


@pytest.mark.parametrize(
    ("read", "name"),
    [
        ("customer.email", "email"),
        ("customer['email']", "email"),
        ("customer.get('email')", "email"),
        ("customer.phone.number", "number"),
        ("customer.emails", None),
        ("customer.email.campaign", None),
        ("customer.email | sha256", None),
    ],
)
def test_personal_data_below_a_variable(cli: CommandLine, read: str, name: str | None) -> None:
    text = HEAD.replace("vars: {", "vars: {customer: {type: object}, ").replace(
        "{order_id: ", "{c: '{{ customer }}', order_id: "
    )
    key = f'idempotency_key: "{{{{ {read} }}}}"\n'
    expected = [("personal-data-in-key", "advice", 7)] if name else []
    assert found(cli, text + key + CASES.replace("{user", "{customer: {}, user")) == expected
    columns = [each["column"] for each in cli("validate", "spec.yaml", "-o", "json").json["problems"]]
    assert columns == ([key.rindex(name) + 1] if name else [])


@pytest.mark.parametrize(
    ("let", "is_constant"),
    [
        ("{prefix: order, key: '{{ prefix }}-1'}", True),
        ("{prefix: '{{ order_id }}', key: '{{ prefix }}-1'}", False),
        ("{prefix: '{{ uuid4() }}', key: '{{ prefix }}-1'}", False),
        ("{prefix: [a, b], key: \"{{ prefix | join('-') }}\"}", True),
    ],
)
def test_a_key_of_constant_lets_is_constant(cli: CommandLine, let: str, *, is_constant: bool) -> None:
    text = HEAD + CASES + f'let: {let}\nidempotency_key: "{{{{ key }}}}"\n'
    codes = [code for code, severity, _ in found(cli, text) if severity == "advice"]
    assert codes == (["constant-key"] if is_constant else [])


def test_a_let_that_is_hashed_is_no_personal_data(cli: CommandLine) -> None:
    text = HEAD + CASES + 'let: {address: "{{ contact }}", key: "{{ address | sha256 }}"}\n'
    assert found(cli, text + 'idempotency_key: "{{ key }}"\n') == []
    assert found(cli, text + 'idempotency_key: "{{ key }}-{{ address }}"\n') == [("personal-data-in-key", "advice", 11)]


def test_attachments_without_a_key(cli: CommandLine) -> None:
    text = f"{HEAD}attachments: [https://files.example.com/terms.pdf]\n{CASES}"
    assert found(cli, text) == [("attachments-without-key", "advice", 7)]
    assert found(cli, f"{text}idempotency_key: auto\n") == []
    assert found(cli, text.replace("[https://files.example.com/terms.pdf]", "[]")) == []


def test_no_description_and_no_case(cli: CommandLine) -> None:
    text = HEAD.replace("description: A customer placed an order.\n", "")
    assert found(cli, text) == [("no-description", "advice", 1), ("no-case", "advice", 1)]
    Path("_base.yaml").write_text("# shared\nversion: 1\ndescription: Of all orders.\n")
    child = text.replace("version: 1\n", "extends: _base.yaml\n")
    assert found(cli, child + CASES) == []
    Path("_base.yaml").write_text("version: 1\n")
    Path("other.yaml").write_text(child + CASES)
    Path("spec.yaml").write_text(child + CASES)
    problems = cli("validate", "spec.yaml", "other.yaml", "-o", "json").json["problems"]
    assert [(each["code"], each["path"]) for each in problems] == [
        ("no-description", "spec.yaml"),
        ("no-description", "other.yaml"),
    ]


@pytest.mark.parametrize(
    ("expect", "is_advised"),
    [
        ("{response: {success: true}}", True),
        ("{response: {status_code: 202}}", True),
        ("{response: {success: false}}", False),
        ("{response: {success: true}, event: {distinct_id: u1}}", False),
        ("{response: {success: true}, golden: g.json}", False),
        ("{error: {code: var-missing}}", False),
    ],
)
def test_cases_that_say_nothing_of_the_event(cli: CommandLine, expect: str, *, is_advised: bool) -> None:
    text = HEAD + CASES.replace("{event: {distinct_id: u1}}", expect)
    assert [each for each in found(cli, text) if each[1] == "advice"] == (
        [("event-not-expected", "advice", 10)] if is_advised else []
    )
    assert found(cli, text + CASES.removeprefix("tests:\n").replace("an order", "another")) == []


def test_labels_that_select_nothing_more(cli: CommandLine) -> None:
    text = f"{HEAD}labels: [shop, smoke, shop]\n" + CASES.replace("    vars", "    labels: [smoke, late]\n    vars")
    assert found(cli, text) == [("unused-label", "advice", 7), ("unused-label", "advice", 10)]


def test_a_level_is_that_of_the_comment_then_of_the_spec_then_of_the_project(cli: CommandLine) -> None:
    spec, fault = HEAD + CASES, ("constant-key", 7)

    def level(key: str = "order", rest: str = "") -> str | None:
        levels = {
            (code, line): severity
            for code, severity, line in found(
                cli, f"{spec}{rest}".replace("tests:", f"idempotency_key: {key}\ntests:", 1)
            )
        }
        assert set(levels) <= {fault}
        return levels.get(fault)

    assert level() == "advice"
    Path("runner.yaml").write_text("checks: {constant-key: error}\n")
    assert level() == "error"
    assert cli("validate", "spec.yaml").code == 2
    assert level(rest="checks: {constant-key: warning}\n") == "warning"
    assert (cli("validate", "spec.yaml").code, cli("validate", "spec.yaml", "--strict").code) == (0, 2)
    assert level(rest='checks: {constant-key: "off"}\n') is None
    assert level("order # runner: ignore constant-key") is None
    assert level("order # once. runner: ignore constant-key") == "error"
    assert level("order # runner: ignore unheard-event, constant-key") is None
    assert level("order # runner: ignore unheard-event") == "error"


def test_a_comment_above_the_line_counts_and_one_further_up_does_not(cli: CommandLine) -> None:
    key = "# why it is one\n# runner: ignore constant-key\n# and more\nidempotency_key: order\n"
    assert found(cli, HEAD + key + CASES) == []
    assert found(cli, HEAD + key.replace("idempotency", "labels: []\nidempotency") + CASES) == [
        ("unused-ignore", "advice", 8),
        ("constant-key", "advice", 11),
    ]


@pytest.mark.parametrize(
    ("comment", "message", "columns"),
    [
        ("# runner: ignore constant-keys", "unknown rule 'constant-keys'", (18, 31)),
        ("# runner: ignore unused-label", "the comment ignores 'unused-label', which is not found here", (18, 30)),
        ("# runner: ignore template-undefined", "'template-undefined' can't be ignored", (18, 36)),
        ("#runner:ignore", "the comment names no rule", (1, 15)),
        ("# runner: ignore Constant-Key", "the comment names no rule", (1, 30)),
        ("# runner: ignore constant-key", None, None),
        ("# runner: ignore constant-key: there is one a year", None, None),
        ("# runner: ignore unknown-event, constant-key", None, None),
        ("# runner: ignored", None, None),
        ("# the runner: ignore it", None, None),
    ],
)
def test_a_comment_that_ignores_nothing(
    cli: CommandLine, comment: str, message: str | None, columns: tuple[int, int] | None
) -> None:
    Path("spec.yaml").write_text(f"{HEAD}{comment}\nidempotency_key: order\n{CASES}")
    problems = cli("validate", "spec.yaml", "-o", "json").json["problems"]
    seen = [
        (each["message"], each["line"], (each["column"], each["end_column"]))
        for each in problems
        if each["code"] == "unused-ignore"
    ]
    assert seen == ([(message, 7, columns)] if message else [])


def test_a_text_that_looks_like_a_comment_is_none(cli: CommandLine) -> None:
    text = HEAD + "let:\n  note: |\n    # runner: ignore constant-key\nidempotency_key: order\n" + CASES
    text = text.replace('email: "{{ email }}", ', 'email: "{{ email }}", note: "{{ note }}", ')
    assert found(cli, text) == [("constant-key", "advice", 10)]


def test_a_comment_of_a_base_may_be_for_another_spec(cli: CommandLine) -> None:
    Path("_base.yaml").write_text("version: 1\n# runner: ignore constant-key\nidempotency_key: order\n")
    spec = HEAD.replace("version: 1\n", "extends: _base.yaml\n") + CASES
    assert found(cli, spec) == []
    assert found(cli, spec + 'idempotency_key: "{{ order_id }}"\n') == []


def test_a_base_in_json_has_no_comments(cli: CommandLine) -> None:
    key = "k" * 2000  # longer than a key of YAML may be
    Path("_base.json").write_text(f'{{"version": 1, "x-note": "# runner: ignore no-case", "x-{key}": 1}}')
    assert found(cli, HEAD.replace("version: 1\n", "extends: _base.json\n")) == [("no-case", "advice", 1)]


def test_a_rule_that_is_off_makes_no_comment_useless(cli: CommandLine) -> None:
    key = "idempotency_key: order  # runner: ignore constant-key\n"
    assert found(cli, f'{HEAD}{key}{CASES}checks: {{constant-key: "off"}}\n') == []


def test_checks_of_a_base_count_and_merge_by_rule(cli: CommandLine) -> None:
    Path("_base.yaml").write_text('version: 1\nchecks: {no-case: "off", no-description: warning}\n')
    text = "extends: _base.yaml\nchecks: {no-description: error}\nevent: order_placed\ndistinct_id: u1\n"
    assert found(cli, text) == [("no-description", "error", 1)]


def test_strict_does_not_fail_for_advice_and_quiet_hides_it(cli: CommandLine) -> None:
    Path("spec.yaml").write_text(HEAD)
    ended = cli("validate", "spec.yaml", "--strict")
    assert (ended.code, ended.err) == (0, "1 spec checked: 1 piece of advice\n")
    assert cli("validate", "spec.yaml", "-q").out == ""
    assert cli("validate", "spec.yaml", "-o", "github").out == (
        "::notice file=spec.yaml,line=1,col=1,endColumn=7,title=no-case"
        "::the spec has no case: no test notices a change of it%0Aadd a case: runner help cases\n"
    )


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ('{no-cases: "off"}', "error[unknown-key]: unknown key 'no-cases'"),
        ("{no-case: never}", "error[bad-value]: "),
    ],
)
def test_rules_and_levels_that_do_not_exist_are_errors(cli: CommandLine, checks: str, message: str) -> None:
    Path("spec.yaml").write_text(f"{HEAD}checks: {checks}\n")
    ended = cli("validate", "spec.yaml")
    assert ended.code == 2
    assert ended.out.startswith(message)
    Path("runner.yaml").write_text(f"checks: {checks}\n")
    Path("spec.yaml").write_text(HEAD + CASES)
    assert cli("validate", "spec.yaml").code == 2


@pytest.mark.usefixtures("in_repository")
def test_what_init_writes_gets_no_advice(cli: CommandLine) -> None:
    ended = cli("validate", "runner/project/starter/order-placed.yaml", "-o", "json")
    assert ended.json["problems"] == []


def test_more_than_a_hundred_pieces_of_advice_are_counted_and_fail_nothing(cli: CommandLine) -> None:
    Path("spec.yaml").write_text(f"{HEAD}labels: [{', '.join(['a'] * 150)}]\n{CASES}")
    ended = cli("validate", "spec.yaml", "--strict", "-o", "json")
    assert (ended.code, ended.json["advice"]) == (0, 101)
    assert ended.json["problems"][-1]["message"] == "49 more problems in this file"
