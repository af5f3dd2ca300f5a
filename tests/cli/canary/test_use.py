"""No secret is printed wherever a spec uses it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runner.sandbox.server import Sandbox
from tests.cli.canary.conftest import DIGITS, EVERYTHING, FORMATS, LOUD, SECRETS, WORDS, Folder, joined, leaks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import CommandLine


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def to_sandbox(cli: CommandLine, running: Sandbox) -> Sandbox:
    """Aim the command line at a sandbox."""
    cli.environ |= {
        "SUPRSEND_WORKSPACE_KEY": "sandbox-workspace-key", "SUPRSEND_WORKSPACE_SECRET": "sandbox-workspace-secret",
        "SUPRSEND_BASE_URL": running.base_url,
    }  # fmt: skip
    return running


EVERYWHERE: dict[str, object] = {
    "event": "paid with {{ token }}",
    "distinct_id": "{{ token }}",
    "idempotency_key": "{{ token }}",
    "properties": {
        "alone": "{{ token }}",
        "in text": "a {{ token }}{{ token }} b",
        "nested": [[{"deep": ["{{ token }}", {"deeper": "x{{ token }}"}]}]],
        "list and map": "{{ [token, {'k': token}, {token: [token]}] }}",
        "joined": "{{ [token, token] | join(', ') }}{{ 'a' ~ token ~ 'b' }}{{ '<%s>' | format(token) }}",
        "in a URL": "https://x.example.com/{{ token }}?a={{ token }}&b=1",
        "escaped in a URL": "https://x.example.com/{{ token | urlencode }}?{{ {'t': token} | urlencode }}",
        "HTML": "<b>{{ token | e }}</b><i title='{{ token | forceescape }}'></i>",
        "JSON": "{{ token | tojson }}{{ {'t': token} | tojson }}",
        "capitals": "{{ token | upper }}{{ token | lower }}{{ token | title }}{{ token.swapcase() }}",
        "trimmed": "{{ token | trim }}",
        "padded": "{{ token | center(99) }}",
        "looped": "{% for item in [token] %}{{ loop.index }}{{ item }}{% endfor %}",
        "set": "{% set x = token %}{{ x }}{% if token %}{{ token }}{% endif %}",
        "hashed": "{{ token | sha256 }}{{ uuid5(token) }}",
    },
    "attachments": [{"url": "https://x.example.com/{{ token | urlencode }}.pdf", "filename": "{{ token }}.pdf"}],
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "render": ("render",),
    "render pretty": ("render", *LOUD["pretty"]),
    "render curl": ("render", "--as", "curl"),
    **{f"dry run {form}": ("send", "-n", *LOUD[form]) for form in FORMATS},
    **{f"send {form}": ("send", *LOUD[form]) for form in FORMATS},
    "bulk pretty": ("send", "b.yaml", *LOUD["pretty"]),
    "bulk json": ("send", "b.yaml", *LOUD["json"]),
    "bulk dry run": ("send", "b.yaml", "-n"),
}
TRIED = ("render", "send pretty")
USES = [(command, secret) for command in COMMANDS for secret in SECRETS if secret == "everything" or command in TRIED]
"""Each command meets the hardest secret, the two that print in ways of their own meet all of them."""


@pytest.mark.usefixtures("to_sandbox")
@pytest.mark.parametrize(("command", "secret"), USES)
def test_a_secret_is_starred_wherever_a_spec_uses_it(folder: Folder, command: str, secret: str) -> None:
    for name in ("a.yaml", "b.yaml"):
        folder.spec(name, **EVERYWHERE, **({"tenant_id": "{{ token }}"} if secret == "letters" else {}))
    folder.environ["RUNNER_VAR_token"] = SECRETS[secret]
    ended = folder(*COMMANDS[command], "a.yaml")
    assert (ended.code, "***" in ended.out) == (0, True), ended.err
    assert leaks(ended) == []


def test_a_secret_goes_to_the_sandbox_of_a_command_and_is_starred(folder: Folder) -> None:
    folder.spec(**EVERYWHERE)
    folder.environ["RUNNER_VAR_token"] = EVERYTHING
    ended = folder("send", "a.yaml", "--sandbox", "-v")
    assert (ended.code, leaks(ended)) == (0, [])


ESCAPED_TWICE = {
    "JSON in JSON": "{{ {'t': token} | tojson | tojson }}",
    "JSON in a URL": "https://x.example.com/?q={{ {'t': token} | tojson | urlencode }}",
    "JSON in HTML": "<i data-t='{{ {'t': token} | tojson | e }}'></i>",
    "HTML in a URL": "https://x.example.com/?q={{ token | e | urlencode }}",
    "a URL in a URL": "https://x.example.com/?next={{ ('/?t=' ~ (token | urlencode)) | urlencode }}",
    "HTML in HTML": "{{ token | e | e }}",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_that_is_escaped_twice_is_starred(folder: Folder, secret: str) -> None:
    folder.spec(properties=ESCAPED_TWICE)
    folder.environ["RUNNER_VAR_token"] = secret
    printed = [folder("render", "a.yaml"), folder("render", "a.yaml", "--as", "curl"), folder("send", "a.yaml", "-n")]
    assert [ended.code for ended in printed] == [0, 0, 0]
    assert leaks(*printed) == []


# Secrets that are no texts. DIGITS are looked for in numbers.


TYPED: dict[str, tuple[dict[str, object], str, dict[str, object]]] = {
    "an integer": (
        {"type": "integer"},
        DIGITS,
        {"a": "{{ token }}", "b": "{{ token }}!", "c": "{{ [token, {'k': token}] }}", "d": "{{ token | tojson }}"},
    ),
    "a negative integer": ({"type": "integer"}, f"-{DIGITS}", {"a": "{{ token }}", "b": "{{ token | string }}"}),
    "an integer as a float": (
        {"type": "integer"},
        DIGITS,
        {"a": "{{ token | float }}", "b": "{{ '%.2f' | format(token) }}"},
    ),
    "an integer of 26 digits": ({"type": "integer"}, DIGITS + "0000000000000000", {"a": "{{ token }}"}),
    "a number": ({"type": "number"}, f"{DIGITS}.25", {"a": "{{ token }}", "b": "{{ token }}!"}),
    "a number with an exponent": ({"type": "number"}, "86753094.21E30", {"a": "{{ token }}", "b": "{{ token }}!"}),
    "a small number": ({"type": "number"}, f"{DIGITS}e-20", {"a": "{{ token }}", "b": "{{ [token] }}"}),
    "a number with zeros": ({"type": "number"}, f"{DIGITS}00000000000.000", {"a": "{{ token }}", "b": "{{ token }}!"}),
    "an integer that a float rounds": (
        {"type": "integer"},
        DIGITS * 2,
        {"a": "{{ token | float }}", "b": "{{ token | float }}!"},
    ),
    "a number as an integer": (
        {"type": "number"},
        f"{DIGITS}.0",
        {"a": "{{ token | int }}", "b": "{{ token | int }}!", "c": "{{ '%d' | format(token) }}"},
    ),
    "digits as text": (
        {"type": "string"},
        DIGITS,
        {"a": "{{ token | int }}", "b": "{{ token }}", "c": "{{ token | float }}"},
    ),
    "a list": (
        {"type": "array"},
        json.dumps([WORDS[0], {"k": [joined('"', "\n")]}, int(DIGITS)]),
        {"a": "{{ token }}", "b": "{{ token | tojson }}", "c": "{{ token[0] }}", "d": "{{ token | tojson | e }}"},
    ),
    "a map": (
        {"type": "object"},
        json.dumps({"user": WORDS[0], "deep": {"k": [WORDS[1], float(DIGITS)]}}),
        {"a": "{{ token }}", "b": "{{ token.user }}:{{ token.deep.k[0] }}", "c": "{{ token | urlencode }}"},
    ),
    "anything": ({}, json.dumps(WORDS), {"a": "{{ token }}", "b": "{{ token | join('-') }}"}),
}  # fmt: skip


@pytest.mark.usefixtures("to_sandbox")
@pytest.mark.parametrize("flag", ["--var", "--var-json"])
@pytest.mark.parametrize(("declared", "value", "properties"), TYPED.values(), ids=TYPED)
def test_a_secret_that_is_no_text_is_starred(
    folder: Folder, declared: dict[str, object], value: str, properties: dict[str, object], flag: str
) -> None:
    folder.spec(vars={"token": {"secret": True} | declared}, properties=properties)
    given = json.dumps(value) if declared == {"type": "string"} and flag == "--var-json" else value
    commands = [("render",), ("send", "-n"), ("send", "-n", "-o", "json")]
    printed = [folder(*command, "a.yaml", flag, f"token={given}") for command in commands]
    assert {ended.code for ended in printed} == {0}
    assert leaks(*printed) == []
    schema = {"additionalProperties": {"type": "null"}}
    folder.spec(vars={"token": {"secret": True} | declared}, properties=properties, schema=schema)
    refused = folder.loudly("render", "a.yaml", flag, f"token={given}", forms=("pretty",))
    folder.spec(vars={"token": {"secret": True, "const": 1} | declared}, properties=properties)
    refused += folder.loudly("render", "a.yaml", flag, f"token={given}", forms=("pretty",))
    assert {ended.code for ended in refused} == {2}
    assert leaks(*refused) == []
