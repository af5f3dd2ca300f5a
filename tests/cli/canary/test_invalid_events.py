"""No secret is printed when templates fail, or an event breaks a rule."""

from __future__ import annotations

import json

import pytest

from tests.cli.canary.conftest import LETTERS, REST, SECRETS, TOLD, Folder, leaks

FAILING_EXPRESSIONS = {
    "token + 1": "template-failed",
    "token | int + []": "template-failed",
    "-token": "template-failed",
    "token | abs": "template-failed",
    "token | round": "template-type",
    "'%d' | format(token)": "template-failed",
    "'x' | truncate(**{token: 1})": "template-failed",
    "range(token)": "template-failed",
    "token | batch(token)": "template-type",
    "token.index('absent')": "template-failed",
    "token.split('')": "template-failed",
    "token | tojson(indent=token)": "template-failed",
    "[token, 1] | sort": "template-failed",
    "[1] | select(token) | list": "template-unknown-test",
    "[1] | map(token) | list": "template-unknown-filter",
    "token.foo": "template-undefined",
    "token.strftime('x')": "template-type",
    "[1][token]": "template-undefined",
    "{}[token]": "template-undefined",
    "none[token]": "template-undefined",
    "{token: 1}['x']": "template-undefined",
    "{token ~ 'a': 1}[token]": "template-undefined",
    "[{'a': 1}] | map(attribute=token) | list": "template-undefined",
    "{(token, 1): 1}": "template-type",
    "token.upper": "template-undefined",
    "token | isoformat": "template-type",
    "[token] | sum": "template-type",
    "[token] ~ ''": "template-not-text",
    "{token: 1} ~ token": "template-not-text",
    "{}.get(token) ~ token": "template-null",
}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_starred_when_templates_fail(folder: Folder, secret: str) -> None:
    expressions = enumerate(FAILING_EXPRESSIONS)
    folder.spec(properties={f"p{index}": f"{{{{ {expression} }}}}" for index, expression in expressions})
    folder.environ["RUNNER_VAR_token"] = SECRETS[secret]
    printed = folder.loudly("render", "a.yaml", forms=TOLD)
    assert [problem["code"] for problem in printed[1].json["problems"]] == list(FAILING_EXPRESSIONS.values())
    assert leaks(*printed) == []


def test_a_secret_that_is_longer_than_a_name_is_starred_where_a_template_looks_it_up(folder: Folder) -> None:
    looked_up = [expression for expression, code in FAILING_EXPRESSIONS.items() if code.startswith("template-un")]
    folder.spec(properties={f"p{index}": f"{{{{ {expression} }}}}" for index, expression in enumerate(looked_up)})
    folder.environ["RUNNER_VAR_token"] = LETTERS * 10
    printed = folder.loudly("render", "a.yaml", forms=TOLD)
    assert len(printed[1].json["problems"]) == len(looked_up)
    assert leaks(*printed) == []


BAD_URLS = {
    "no URL": "{{ token }}",
    "a file": "/home/{{ token }}.pdf",
    "another scheme": "ftp://x.example.com/{{ token }}",
    "a space": "https://x.example.com/ {{ token }}",
    "no host": "https:///{{ token }}",
    "a host that is none": "https://[x.example.com/{{ token }}",
    "a host with a strange letter": "https://x.example\u2100{{ token }}/",
}
BAD_EVENTS: dict[str, tuple[dict[str, object], list[str]]] = {
    "fields": (
        {
            "event": "ss_{{ token }}",
            "idempotency_key": "{{ token }}{{ 'x' * 300 }}",
            "tenant_id": "{{ token }}!",
            "attachments": list(BAD_URLS.values()),
        },
        ["reserved-name", "idempotency-key", "tenant-id", *["attachment-url"] * len(BAD_URLS)],
    ),
    "a system event": ({"event": "${{ token }}", "brand_id": "!{{ token }}"}, ["reserved-name", "tenant-id"]),
    "size": ({"properties": {"a": "{{ token }}{{ 'x' * 110000 }}"}}, ["event-too-large"]),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize(("fields", "codes"), BAD_EVENTS.values(), ids=BAD_EVENTS)
def test_a_secret_is_starred_when_an_event_breaks_a_rule(
    folder: Folder, fields: dict[str, object], codes: list[str], secret: str
) -> None:
    folder.spec(**fields)
    folder.environ["RUNNER_VAR_token"] = secret
    printed = folder.loudly("render", "a.yaml", forms=TOLD)
    assert sorted(problem["code"] for problem in printed[1].json["problems"]) == sorted(codes)
    assert leaks(*printed) == []


RULES = """
    type: {type: integer}
    types: {type: ["null", boolean]}
    enum: {enum: [a, LIKE]}
    enum of one: {enum: [{k: [LIKE]}]}
    const: {const: LIKE}
    const list: {const: [LIKE, 1]}
    pattern: {pattern: "^$"}
    format: {format: email}
    date: {format: date-time}
    maxLength: {maxLength: 3}
    minLength: {minLength: 300}
    not: {not: {type: string}}
    anyOf: {anyOf: [{const: LIKE}, {pattern: "^$"}]}
    oneOf: {oneOf: [{type: integer}, {type: "null"}]}
    "false": false
"""
RULES_OF_MAPS = """
    maxProperties: {maxProperties: 0}
    additionalProperties: {additionalProperties: false, properties: {b: true}}
    unevaluatedProperties: {unevaluatedProperties: false}
    propertyNames: {propertyNames: {maxLength: 3}}
    values: {additionalProperties: {maxLength: 3}}
    enum: {enum: [{a: 1}, [LIKE]]}
    const: {const: {a: LIKE}}
    required: {required: [LIKE]}
"""
RULES_OF_LISTS = """
    maxItems: {maxItems: 1}
    uniqueItems: {uniqueItems: true}
    contains: {contains: {const: LIKE}}
    items: {items: {const: 1}}
    enum: {enum: [[LIKE]]}
"""
"""LIKE stands for a text that has the secret in it."""


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize(
    ("template", "rules"),
    [("{{ token }}", RULES), ("{{ {token: token} }}", RULES_OF_MAPS), ("{{ [token, token] }}", RULES_OF_LISTS)],
    ids=["texts", "maps", "lists"],
)
def test_a_secret_is_starred_when_it_breaks_the_schema(folder: Folder, template: str, rules: str, secret: str) -> None:
    names = [line.split(":")[0].strip().strip('"') for line in rules.strip().splitlines()]
    like = json.dumps(f"{secret}x", ensure_ascii=False).replace("\x7f", r"\u007f")
    schema = f"schema:\n  properties:\n{rules.replace('LIKE', like)}"
    folder.write(
        "a.yaml",
        f"{REST}vars: {{token: {{secret: true}}}}\n{schema}".replace(
            'properties: {a: "{{ token }}"}', f"properties: {json.dumps(dict.fromkeys(names, template))}"
        ),
    )
    folder.environ["RUNNER_VAR_token"] = json.dumps(secret)
    printed = folder.loudly("render", "a.yaml", forms=TOLD)
    problems = printed[1].json["problems"]
    assert {problem["at"].split(".")[1].split("[")[0] for problem in problems} == set(names)
    assert leaks(*printed) == []
