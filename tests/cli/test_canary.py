"""No secret is printed: it is put in every place, every command is run, and what comes out is searched for it."""

from __future__ import annotations

import io
import json
import re
import socket
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from html import escape
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest

from runner.cli.main import run
from runner.commands.world import World
from runner.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from tests.conftest import CapturingServer, CommandLine, Ended, Received

WORDS = ("Qzwvx71kjpy", "Hbgtn52rfcd", "Lmksj83qwpx")
"""What secrets are made of, with what is hard to escape between them. Letters and digits look the same everywhere."""
DIGITS = "8675309421"


def joined(first: str, second: str) -> str:
    return WORDS[0] + first + WORDS[1] + second + WORDS[2]


LETTERS = joined("-", "_")
EVERYTHING = joined("\"'\\/\n<&% é", "\u200b+=!*()")
SECRETS = {
    "letters": LETTERS,
    "quotes": joined('"', "'"),
    "slashes": joined("/", "\\"),
    "markup": joined("<b>&", "'&amp;\""),
    "markup on two lines": joined("<&>", "\n"),
    "URL": joined("%2F &", "+=?#"),
    "percent": joined("% ", "%25:,"),
    "unicode": joined("é", "鍵\U0001f511"),
    "lines": joined("\n", "\r\n\t"),
    "controls": joined("\x1b[2J", "\u200b\x7f\xa0"),
    "controls and quotes": joined('"\n', "\\\u200b'"),
    "white space around": f" {joined('-', '~')}\n",
    "everything": EVERYTHING,
}
HEADER_SECRETS = {"base64": joined("+", "/") + "==", "marks": joined("\"'\\<&>", "%2B!*():,;")}
"""Credentials travel in a header: ASCII that shows."""
FORMATS = ("pretty", "json", "jsonl", "github")
LOUD = {form: ("-v", "--color", "always", "-o", form) for form in FORMATS}
TOLD = ("pretty", "json", "github")
"""Formats in which a problem is written differently."""


@cache
def pieces(word: str, plain: int, coded: int) -> tuple[frozenset[str], frozenset[str]]:
    """Cut a word into overlapping pieces: of itself and its hexadecimals, and of its base64 at each alignment."""
    text = word.lower()
    cut = {text[start : start + plain] for start in range(len(text) - plain + 1)}
    base64 = set()
    for shift in range(3):
        whole = b64encode(bytes(shift) + word.encode()).decode()[-(-shift * 4 // 3) : (shift + len(word)) * 8 // 6]
        base64 |= {whole[start : start + coded] for start in range(len(whole) - coded + 1)}
    return frozenset(cut | {piece.encode().hex() for piece in cut}), frozenset(base64)


def traces(text: str, words: tuple[str, ...] = (*WORDS, DIGITS), plain: int = 5, coded: int = 6) -> list[str]:
    """List what a text shows of some words: a few characters are enough, as they are or in base64."""
    low = text.lower()
    found = []
    for word in words:
        as_they_are, in_base64 = pieces(word, plain, coded)
        found += [piece for piece in as_they_are if piece in low] + [piece for piece in in_base64 if piece in text]
    return found


def leaks(*printed: Ended | str) -> list[str]:
    """List the places where something of a secret is shown, each with what stands around it."""
    found: dict[str, None] = {}
    for ended in printed:
        for line in (ended if isinstance(ended, str) else ended.out + ended.err).split("\n"):
            if shown := traces(line):
                at = min(max(line.find(piece), line.lower().find(piece)) for piece in shown)
                found[line[max(at - 40, 0) : at + 80]] = None
    return list(found)


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in capitals": str.upper,
    "URL-encoded": lambda text: quote(text, safe=""),
    "of a form": quote_plus,
    "HTML-escaped": escape,
    "JSON-escaped": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "repr": repr,
    "repr of bytes": lambda text: repr(text.encode()),
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 behind 1": lambda text: b64encode(b"1" + text.encode()).decode(),
    "base64 behind 2": lambda text: b64encode(b"12" + text.encode()).decode(),
    "base64 for URLs": lambda text: urlsafe_b64encode(json.dumps(text).encode()).decode(),
    "hexadecimals": lambda text: text.encode().hex(),
    "its beginning": lambda text: text[:7],
    "its end": lambda text: text[-7:],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_search_finds_a_secret_in_every_form_and_in_part(form: Callable[[str], str]) -> None:
    assert [name for name, secret in SECRETS.items() if not traces(f"<{form(secret)}>")] == []


@pytest.mark.usefixtures("in_repository")
def test_the_search_finds_nothing_where_no_secret_is(cli: CommandLine) -> None:
    printed = [cli("send", "specs/", "--var", "user=u1", "-n", *LOUD[form]) for form in FORMATS]
    assert [ended.code for ended in printed] == [0, 0, 0, 0]
    assert leaks(*printed, cli("schema", "-o", "json"), cli("--help"), cli("validate", "specs/")) == []


class Folder:
    """A folder with specs, and the command line that must leave it as it is."""

    def __init__(self, cli: CommandLine, path: Path) -> None:
        self.environ = cli.environ
        self.path = path
        self._cli = cli

    def write(self, name: str, content: object) -> None:
        """Write a file: a text as it is, any other value as JSON, which is YAML too."""
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
        self.path.joinpath(name).write_text(text, "utf-8", newline="")

    def spec(self, name: str = "a.yaml", /, **fields: object) -> None:
        """Write a spec that has a secret `token`, and a property of it."""
        plain = {"version": 1, "vars": {"token": SECRET_TEXT}, "event": "order_placed", "distinct_id": "u1"}
        self.write(name, plain | {"properties": {"a": "{{ token }}"}} | fields)

    def __call__(self, *args: str | Path) -> Ended:
        before = self._content()
        ended = self._cli(*args)
        assert self._content() == before, "a command wrote a file"
        return ended

    def loudly(self, *args: str | Path, forms: Sequence[str] = FORMATS) -> list[Ended]:
        """Run a command in every format, with colours and all that -v tells."""
        return [self(*args, *LOUD[form]) for form in forms]

    def _content(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.path.rglob("*") if path.is_file()}


SECRET_TEXT: dict[str, object] = {"type": "string", "secret": True}


@pytest.fixture
def folder(cli: CommandLine, in_tmp: Path) -> Folder:
    return Folder(cli, in_tmp)


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


# What a spec makes of a secret.

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


# The ways in which a secret is given, right and wrong.

Way = Callable[[Folder, str, dict[str, object]], tuple[str, ...]]
"""Gives a value to the `token` of a spec that it writes with this declaration; returns the flags to add."""
WAYS: dict[str, Way] = {}


def way(give: Way) -> Way:
    WAYS[give.__name__.replace("_", " ")] = give
    return give


@way
def a_flag(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    return ("--var", f"token={secret}")


@way
def a_flag_with_json(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    return ("--var-json", f"token={json.dumps(secret)}")


@way
def a_flag_twice(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    return ("--var", f"token={secret}x", "--var", f"token={secret}")


@way
def a_yaml_file(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    folder.write("values.yaml", {"token": secret})
    return ("--vars-file", "values.yaml")


@way
def a_json_file(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    folder.write("values.json", {"token": secret})
    return ("--vars-file", "values.json")


@way
def the_environment(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    folder.environ["RUNNER_VAR_token"] = secret
    return ()


@way
def a_named_environment_variable(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared | {"env": "TOKEN"}})
    folder.write("runner.yaml", {"env_allowed": ["TOKEN"]})
    folder.environ["TOKEN"] = secret
    return ()


@way
def a_profile(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared})
    folder.write("runner.yaml", {"profiles": {"here": {"vars": {"token": secret}}}})
    return ("--profile", "here")


@way
def a_case(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared}, tests=[{"name": "one", "vars": {"token": secret}}])
    return ("--case", "one")


@way
def a_default(folder: Folder, secret: str, declared: dict[str, object]) -> tuple[str, ...]:
    folder.spec(vars={"token": declared | {"default": secret}})
    return ()


DECLARATIONS: dict[str, tuple[dict[str, object], int]] = {
    "right": ({}, 0),
    "too short": ({"minLength": 500}, 2),
    "of another pattern": ({"pattern": "^$", "enum": ["a", LETTERS + "x"]}, 2),
    "no number": ({"type": "integer"}, 2),
}


@pytest.mark.parametrize(("declared", "code"), DECLARATIONS.values(), ids=DECLARATIONS)
@pytest.mark.parametrize("give", WAYS.values(), ids=WAYS)
def test_a_secret_is_starred_however_it_is_given(
    folder: Folder, give: Way, declared: dict[str, object], code: int
) -> None:
    args = give(folder, EVERYTHING, SECRET_TEXT | declared)
    printed = folder.loudly("render", "a.yaml", *args, forms=TOLD)
    assert [ended.code for ended in printed] == [code] * 3
    assert leaks(*printed, folder("validate", "a.yaml", "-v")) == []


IN_YAML = {
    "in single quotes": f"'{WORDS[0]}''{WORDS[1]}'",
    "with escapes": rf'"{WORDS[0]}\x2d\/{WORDS[1]}\u002D{WORDS[2]}"',
    "on two lines": f'"{WORDS[0]}\n   {WORDS[1]}"',
    "on two lines without quotes": f"{WORDS[0]}\n   {WORDS[1]}",
    "as a block": f"|\n   {WORDS[0]}\n   {WORDS[1]}",
    "as a number with zeros": f"{DIGITS}.500",
    "as a number with an exponent": f"{DIGITS}E2",
    "as no plain number": f"0{DIGITS}",
}
PLACES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "a default": ("a.yaml", "vars:\n token:\n  secret: true\n  not: {{}}\n  default: {}\n", ()),
    "a case": (
        "a.yaml",
        "vars: {{token: {{secret: true, not: {{}}}}}}\ntests:\n- name: one\n  vars:\n   token: {}\n",
        ("--case", "one"),
    ),
    "a vars file": ("values.yaml", "token: {}\n", ("--vars-file", "values.yaml")),
    "a profile": ("runner.yaml", "profiles:\n here:\n  vars:\n   token: {}\n", ("--profile", "here")),
}  # fmt: skip
"""The file, what to write into it, and the flags that make use of it."""
REST = 'version: 1\nevent: order_placed\ndistinct_id: u1\nproperties: {a: "{{ token }}"}\n'


@pytest.mark.parametrize("written", IN_YAML.values(), ids=IN_YAML)
@pytest.mark.parametrize(("name", "content", "flags"), PLACES.values(), ids=PLACES)
def test_a_secret_is_starred_as_it_is_written_in_a_file(
    folder: Folder, name: str, content: str, flags: tuple[str, ...], written: str
) -> None:
    folder.write("a.yaml", REST + ("" if name == "a.yaml" else "vars: {token: {secret: true, not: {}}}\n"))
    folder.write(name, (REST if name == "a.yaml" else "") + content.format(written))
    printed = [folder("render", "a.yaml", "-v", *flags), folder("validate", "a.yaml", "-v")]
    assert printed[0].code == 2
    assert leaks(*printed) == []


# What goes wrong in a spec that uses a secret.

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


# What the platform answers.

TEXTS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "HTML-escaped": escape,
    "HTML-escaped, every mark": lambda text: "".join(char if char.isalnum() else f"&#{ord(char)};" for char in text),
    "URL-encoded": lambda text: quote(text, safe=""),
    "URL-encoded, as JavaScript does": lambda text: quote(text, safe="!'()*"),
    "as a form": quote_plus,
    "JSON-escaped": json.dumps,
    "JSON-escaped, as PHP does": lambda text: json.dumps(text).replace("/", r"\/"),
    "JSON-escaped, as Go does": lambda text: json.dumps(text).translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&"}),
    "repr": repr,
    "repr of bytes": lambda text: repr(text.encode()),
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 behind 1": lambda text: b64encode(b"1" + text.encode()).decode(),
    "base64 behind 2": lambda text: b64encode(b"12" + text.encode()).decode(),
    "base64 for URLs": lambda text: urlsafe_b64encode(text.encode()).decode(),
    "base64 in a URL": lambda text: quote(b64encode(text.encode()).decode(), safe=""),
}
ANSWERS: dict[str, Callable[[str], bytes]] = {
    "a text": str.encode,
    "an error": lambda text: json.dumps({"error": {"message": text, "type": "bad"}}).encode(),
    "a page": lambda text: f"<html><title>{text}</title></html>".encode(),
}
KINDS: dict[str, tuple[str, str]] = {
    "hmac": ("SUPRSEND_WORKSPACE_KEY", "SUPRSEND_WORKSPACE_SECRET"),
    "bearer": ("SUPRSEND_WORKSPACE_UID", "SUPRSEND_API_KEY"),
}


@pytest.fixture
def echoing(cli: CommandLine, server: CapturingServer) -> CapturingServer:
    """Aim the command line at a server that refuses what it gets."""
    cli.environ |= {
        "SUPRSEND_WORKSPACE_KEY": "workspace", "SUPRSEND_WORKSPACE_SECRET": "x" * 20,
        "SUPRSEND_BASE_URL": server.base_url,
    }  # fmt: skip
    return server


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("form", ["pretty", "json"])
def test_a_secret_that_the_platform_echoes_is_starred(
    folder: Folder, echoing: CapturingServer, form: str, secret: str
) -> None:
    for index in range(len(TEXTS)):
        folder.spec(f"{index:02}.yaml")
    folder.environ["RUNNER_VAR_token"] = secret
    found = []
    for what in (secret, json.dumps({"t": secret}, ensure_ascii=False)):
        records = [
            {"status": "error", "status_code": 400, "error": f"refused: {text(what)}"} for text in TEXTS.values()
        ]
        echoing.answers.append((207, {"status": "success", "records": records}))
        ended = folder("send", ".", *LOUD[form])
        assert ended.code == 1
        found += leaks(ended)
    assert found == []


@pytest.mark.parametrize(("public", "private"), KINDS.values(), ids=KINDS)
def test_a_credential_that_the_platform_echoes_is_starred_in_the_results(
    cli: CommandLine, in_tmp: Path, echoing: CapturingServer, public: str, private: str
) -> None:
    cli.environ = {public: "workspace", private: LETTERS, "SUPRSEND_BASE_URL": echoing.base_url}
    (in_tmp / "a.yaml").write_text('version: 1\nevent: order_placed\ndistinct_id: "{{ user }}"\n')
    (in_tmp / "rows.csv").write_text("\n".join(["user", *(f"u{index}" for index in range(len(TEXTS)))]))
    records = [{"status": "error", "status_code": 400, "error": f"refused: {text(LETTERS)}"} for text in TEXTS.values()]
    echoing.answers.append((207, {"status": "success", "records": records}))
    ended = cli("send", "a.yaml", "--rows", "rows.csv", "--results", "results.jsonl", "--retries", "0")
    results = (in_tmp / "results.jsonl").read_text()
    assert (ended.code, results.count("refused: ")) == (1, len(TEXTS))
    assert leaks(results) == []


@pytest.mark.parametrize("secret", HEADER_SECRETS)
@pytest.mark.parametrize(("public", "private"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_authorization_that_the_platform_echoes_is_starred(
    folder: Folder, echoing: CapturingServer, text: Callable[[str], str], public: str, private: str, secret: str
) -> None:
    def answer(request: Received) -> tuple[int, bytes, dict[str, str]]:
        return 401, f"not you: {text(request.headers['Authorization'])}".encode(), {}

    folder.write("a.yaml", REST.replace("token", "'u1'"))
    for name in KINDS["hmac"]:
        del folder.environ[name]
    folder.environ |= {public: "workspace", private: HEADER_SECRETS[secret]}
    echoing.answer_to = answer  # type: ignore[method-assign] # this server answers with what it got
    ended = folder("send", "a.yaml", "-v")
    signature = () if private == "SUPRSEND_API_KEY" else (echoing.received[-1].headers["Authorization"][-44:],)
    assert ended.code == 3
    assert (leaks(ended), traces(ended.out, signature, 12, 12)) == ([], [])


@pytest.mark.parametrize("form", ["pretty", "json"])
def test_a_secret_is_starred_wherever_it_stands_in_an_answer(
    folder: Folder, echoing: CapturingServer, form: str
) -> None:
    folder.spec()
    folder.environ["RUNNER_VAR_token"] = LETTERS
    answers: list[tuple[int, object]] = [
        (400, {"error": LETTERS}), (400, {"message": LETTERS}), (400, {LETTERS: [LETTERS]}), (400, [LETTERS]),
        (500, f"<html><title>{LETTERS}</title></html>".encode()), (502, LETTERS.encode()),
        (502, LETTERS.encode("utf-16")),
        (200, LETTERS.encode()), (200, {"status": LETTERS}), (202, {"status": "success", "message_id": LETTERS}),
        (302, LETTERS.encode()), (429, {"error": LETTERS}), (403, {"error": LETTERS}), (999, {"error": LETTERS}),
    ]  # fmt: skip
    echoing.answers.extend(answers)
    printed = [folder("send", "a.yaml", "--retries", "0", *LOUD[form]) for _ in answers]
    records = [
        {"status": LETTERS},
        {"status": "success", "message_id": LETTERS},
        {"status": "fail", "message": LETTERS},
    ]
    echoing.answers.append((207, {"records": records}))
    for name in ("b.yaml", "c.yaml"):
        folder.spec(name)
    printed.append(folder("send", ".", *LOUD[form]))
    assert len(echoing.received) == len(answers) + 1
    assert leaks(*printed) == []


@pytest.mark.parametrize("form", ["pretty", "json"])
def test_a_secret_at_which_a_long_answer_is_cut_is_starred(folder: Folder, echoing: CapturingServer, form: str) -> None:
    before = range(300 - len(LETTERS), 300)
    for length in before:
        folder.spec(f"{length}.yaml")
    folder.environ["RUNNER_VAR_token"] = LETTERS
    records = [{"status": "error", "error": "x" * length + LETTERS} for length in before]
    echoing.answers.append((207, {"records": records}))
    ended = folder("send", ".", *LOUD[form])
    assert ended.code == 1
    assert leaks(ended) == []


@pytest.mark.parametrize("before", [80, 95, 200, 280, 299, 390])
def test_a_secret_at_which_a_line_that_is_no_http_is_cut_is_starred(folder: Folder, before: int) -> None:
    folder.spec()
    folder.environ |= HMAC | {"SUPRSEND_WORKSPACE_SECRET": "x" * 20, "RUNNER_VAR_token": LETTERS}
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"x" * before + LETTERS.encode() + b"\n\n")

        thread = Thread(target=serve)
        thread.start()
        folder.environ["SUPRSEND_BASE_URL"] = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        printed = folder.loudly("send", "a.yaml", "--retries", "1", forms=TOLD)
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert {ended.code for ended in printed} == {7}
    assert leaks(*printed) == []


@pytest.mark.parametrize("before", [345, 360, 375, 390])
def test_a_secret_at_which_an_annotation_is_cut_is_starred(folder: Folder, before: int) -> None:
    """Under GitHub Actions each problem becomes an annotation, also where nobody asked for that format."""
    schema = {"properties": {"a": {"pattern": "^$"}}}
    folder.spec(properties={"a": f"{'x' * before}{{{{ token }}}}"}, schema=schema)
    folder.environ |= {"GITHUB_ACTIONS": "true", "RUNNER_VAR_token": LETTERS}
    printed = folder.loudly("send", "a.yaml", "-n")
    assert {ended.code for ended in printed} == {2}
    assert all("::error" in ended.out + ended.err for ended in printed)
    assert leaks(*printed) == []


# Secrets that are hard to hide: keys, few characters, lines.


@pytest.mark.parametrize("give", ["--var", "--var-json", "default"])
def test_the_keys_of_a_secret_map_are_starred(folder: Folder, give: str) -> None:
    value = {WORDS[0]: 1, "deep": [{WORDS[1]: {WORDS[2]: int(DIGITS)}}]}
    declared: dict[str, object] = {"type": "object", "secret": True}
    properties = {
        "map": "{{ token }}", "JSON": "{{ token | tojson }}", "keys": "{{ token.keys() | list }}",
        "text": "{% for key in token %}{{ key }},{% endfor %}", "more": "{{ token.deep }}",
    }  # fmt: skip
    folder.spec(vars={"token": declared | ({"default": value} if give == "default" else {})}, properties=properties)
    flags = () if give == "default" else (give, f"token={json.dumps(value)}")
    printed = folder.loudly("render", "a.yaml", *flags) + folder.loudly("send", "a.yaml", "-n", *flags)
    assert {ended.code for ended in printed} == {0}
    folder.spec(vars={"token": declared}, properties={"a": "{{ token.missing }}", "b": "{{ token['nothing'] }}"})
    flags = ("--var", f"token={json.dumps(value)}")
    printed += folder.loudly("render", "a.yaml", *flags)
    folder.spec(vars={"token": declared | {"additionalProperties": False}}, properties={"a": "{{ token }}"})
    printed += folder.loudly("render", "a.yaml", *flags)
    assert leaks(*printed) == []


@pytest.mark.parametrize("secret", ["1", "0", "3", "on", "of", "202", "u1"])
def test_a_secret_of_few_characters_leaves_our_own_words_alone(
    folder: Folder, echoing: CapturingServer, secret: str
) -> None:
    def printed(value: str) -> list[str]:
        folder.environ["RUNNER_VAR_token"] = value
        echoing.answers.extend([(503, {"error": "busy"}), (202, {"status": "success", "message_id": "m"})])
        told = [folder("send", "a.yaml"), folder("send", "a.yaml", "-n"), folder("render", "a.yaml")]
        return [re.sub(r"[0-9a-f-]{13,}|\d{8}-\d{6}-\S{4}", "ID", ended.out + ended.err) for ended in told]

    folder.spec(properties={"a": "{{ token }}", "b": "PIN {{ token }}."}, distinct_id="somebody")
    starred = printed(secret)
    assert starred == [text.replace("long-secret", "***") for text in printed("long-secret")]
    assert "retry 1 of 3 in 0.2 s" in starred[0]
    assert all("suprsend-runner/0.1.0" in text for text in starred[1:])
    assert '"b":"PIN ***."' in starred[2]


WRAPPED = {
    "by letters": "{{ token | wordwrap(1) }}",
    "by fours": "{{ token | wordwrap(4) }}",
    "with indentation": "{{ token | wordwrap(5) | indent(8) }}",
    "as JSON": "{{ (token | wordwrap(6)) | tojson }}",
    "as JSON in a URL": "https://x.example.com/?q={{ (token | wordwrap(6)) | tojson | urlencode }}",
    "as HTML": "<pre>{{ (token | e) | wordwrap(7) }}</pre>",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_that_is_wrapped_is_starred(folder: Folder, secret: str) -> None:
    folder.spec(properties=WRAPPED)
    folder.environ["RUNNER_VAR_token"] = secret
    printed = folder.loudly("render", "a.yaml") + folder.loudly("send", "a.yaml", "-n", forms=("json",))
    assert [ended.code for ended in printed] == [0] * 5
    unwrapped = [re.sub(r"(?:\\+[nr]|%(?:25)*5Cn|\s)+", "", ended.out + ended.err) for ended in printed]
    assert leaks(*unwrapped) == []


# What goes wrong in files.

DECLARED = f"""{REST}vars:
  token: {{type: string, secret: true}}
  amount: {{type: number, default: 1, not: {{const: 5}}}}
"""
YAML_VALUES = {
    "two values": f"token: {LETTERS}: x\n",
    "a tab": f"token:\t{LETTERS}\n\tb: {LETTERS}\n",
    "an open quote": f'token: "{LETTERS}\n',
    "an open quote above": f'user: "x\ntoken: {LETTERS}\n',
    "an open brace": f"{{token: {LETTERS}\n",
    "no colon": f"a: 1\n{LETTERS}\n",
    "a key twice": f"token: {LETTERS}\ntoken: {LETTERS}\n",
    "a key twice on a line": f"{{token: {LETTERS}, token: {LETTERS}}}\n",
    "an alias": f"token: *{LETTERS}\n",
    "a tag": f"token: !{LETTERS} x\n",
    "a tag of a namespace": f"token: !!{LETTERS} x\n",
    "an anchor": f"token: &{LETTERS}\n",
    "a strange beginning": f"token: @{LETTERS}\n",
    "a percent sign": f"token: %{LETTERS}\n",
    "a comment": f"token: # {LETTERS}\n",
    "a list": f"- {LETTERS}\n",
    "a text": f"{LETTERS}\n",
    "a second document": f"token: {LETTERS}\n--- {LETTERS}\n",
    "a directive": f"%{LETTERS}\n---\na: 1\n",
    "a merge key": f"<<: {{token: {LETTERS}}}\n",
    "a map as a key": f"? {{token: {LETTERS}}}\n: 1\n",
    "a control character": f"token: {LETTERS}\x01\n",
    "not a number": f"{{token: {LETTERS}, amount: .nan}}\n",
    "a large number": f"token: {DIGITS}e999\n",
    "a neighbour of a wrong type": f"{{token: {LETTERS}, amount: x}}\n",
    "a neighbour that breaks a rule": f"{{amount: 5, token: {LETTERS}}}\n",
    "a neighbour that nobody knows": f"{{token: {LETTERS}, tokn: {LETTERS}}}\n",
}
JSON_VALUES = {
    "no quotes": f'{{"token": {LETTERS}}}',
    "an open quote": f'{{"token": "{LETTERS}}}',
    "a comma": f'{{"token": "{LETTERS}",}}',
    "a key twice": f'{{"token": "{LETTERS}", "token": "{LETTERS}"}}',
    "more behind": f'{{"token": "{LETTERS}"}} {LETTERS}',
    "NaN": f'{{"token": "{LETTERS}", "amount": NaN}}',
    "a large number": f'{{"token": {DIGITS}e999}}',
    "a number of many digits": f'{{"token": {DIGITS * 500}}}',
    "a line break": f'{{"token": "{WORDS[0]}\n{WORDS[1]}"}}',
}
PROFILES = {
    "the secret itself": f"workspace_secret: {LETTERS}",
    "the API key itself": f"api_key: {LETTERS}",
    "the secret for its name": f"{{workspace_key_env: SUPRSEND_KEY, workspace_secret_env: {LETTERS}}}",
    "the API key for its name": f"api_key_env: {LETTERS}",
    "the secret in a list": f"workspace_secret_env: [{LETTERS}]",
    "a password in the URL": f"base_url: https://key:{LETTERS}@hub.example.com/",
    "a password with a slash in the URL": f"base_url: https://key:{WORDS[0]}/{WORDS[1]}@hub.example.com/",
    "a token in the URL": f"base_url: https://hub.example.com/?token={LETTERS}",
    "no URL": f"base_url: {LETTERS}",
    "plain http": f"base_url: http://{LETTERS}@hub.example.com/",
    "variables in a list": f"vars: [{LETTERS}]",
    "a variable without a space": f"vars: token:{LETTERS}",
    "an unknown key beside": f"{{vars: {{token: {LETTERS}}}, user: x}}",
    "a key twice": f"vars: {{token: {LETTERS}, token: {LETTERS}}}",
    "two values": f"vars: {{}}\n  token: {LETTERS}: x",
    "an open quote": f'vars: {{token: "{LETTERS}}}',
    "an alias": f"vars: {{token: *{LETTERS}}}",
    "a neighbour of a wrong type": f"vars: {{token: {LETTERS}, amount: x}}",
    "a neighbour for another spec": f"vars: {{other: {LETTERS}, amount: x}}",
}
FILES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    **{f"YAML: {name}": ("values.yaml", text, ("--vars-file", "values.yaml")) for name, text in YAML_VALUES.items()},
    **{f"JSON: {name}": ("values.json", text, ("--vars-file", "values.json")) for name, text in JSON_VALUES.items()},
    **{
        f"profile: {name}": ("runner.yaml", f"profiles:\n here:\n  {text}\n", ("--profile", "here"))
        for name, text in PROFILES.items()
    },
}


@pytest.mark.parametrize(("name", "text", "flags"), FILES.values(), ids=FILES)
def test_a_secret_in_a_file_with_a_fault_is_starred(
    folder: Folder, name: str, text: str, flags: tuple[str, ...]
) -> None:
    folder.write("a.yaml", DECLARED)
    folder.write(name, text)
    folder.environ["RUNNER_VAR_token"] = "below the flags and files, above the profile"
    printed = folder.loudly("send", "a.yaml", *flags, forms=("pretty", "json"))
    assert printed[0].code in (2, 3)
    assert leaks(*printed) == []


DEFAULTS = {
    "a wrong type": f" token: {{secret: true, default: {LETTERS}, type: strin}}",
    "an unused variable": f" token: {{}}\n tokn: {{secret: true, default: {LETTERS}}}",
    "a default twice": f" token: {{secret: true, default: x, default: {LETTERS}}}",
    "a variable twice": f" token: {{secret: true}}\n token: {{secret: true, default: {LETTERS}}}",
    "vars twice": f" token: {{}}\nvars: {{token: {{secret: true, default: {LETTERS}}}}}",
    "an open quote": f' token: {{secret: true, default: "{LETTERS}}}',
    "two values": f" token:\n  secret: true\n  default: {LETTERS}: x",
    "an alias": f" token: {{secret: true, default: *{LETTERS}}}",
    "yes for true": f" token: {{type: string, secret: yes, default: {LETTERS}}}",
    "quotes around true": f' token: {{type: string, secret: "true", default: {LETTERS}}}',
}
CASES = {
    "a name misspelt": f"{{name: a, vars: {{token: {LETTERS}, tokn: 1}}}}",
    "a text like a number": f"{{name: a, vars: {{token: 0{DIGITS}}}}}",
    "a neighbour of a wrong type": f"{{name: a, vars: {{token: {LETTERS}, n: x}}}}",
    "an unknown key": f"{{name: a, vars: {{token: {LETTERS}}}, expct: {{}}}}",
    "an expectation": f"{{name: a, vars: {{token: {LETTERS}}}, expect: {{event: {LETTERS}, bad: 1}}}}",
}
SPECS: dict[str, str] = {
    **{f"default: {name}": f"vars:\n{text}\n" for name, text in DEFAULTS.items()},
    **{
        f"case: {name}": f"vars: {{token: {{secret: true}}, n: {{type: integer}}}}\ntests:\n- {text}\n"
        for name, text in CASES.items()
    },
}


@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_a_secret_in_a_spec_with_a_fault_is_starred(folder: Folder, text: str) -> None:
    folder.write("a.yaml", REST + text)
    rendered = folder.loudly("render", "a.yaml", "--var", "token=x", "--case", "a", forms=("pretty", "json"))
    validated = folder.loudly("validate", "a.yaml", forms=("pretty", "json"))
    assert rendered[0].err + validated[0].out != ""
    assert leaks(*rendered, *validated) == []


@pytest.mark.parametrize(
    ("spec", "args"),
    [
        ("extends: .env\n", ("validate", "a.yaml")),
        (f"{REST}vars: {{token: {{}}}}\nschema: .env\n", ("validate", "a.yaml")),
        (DECLARED, ("render", "a.yaml", "--vars-file", ".env")),
        (DECLARED, ("render", "a.yaml", "--config", ".env")),
        (DECLARED, ("validate", ".env")),
    ],
    ids=["extends", "schema", "vars file", "configuration", "spec"],
)
def test_a_file_of_secrets_that_is_taken_for_another_is_not_quoted(
    folder: Folder, spec: str, args: tuple[str, ...]
) -> None:
    folder.write("a.yaml", spec)
    folder.write(".env", f"SUPRSEND_WORKSPACE_SECRET={LETTERS}\nSUPRSEND_WORKSPACE_KEY=key\n")
    printed = folder.loudly(*args, forms=TOLD)
    assert {ended.code for ended in printed} <= {2, 4}
    assert leaks(*printed) == []


FOREIGN = {
    "prod.vars.yaml": f"user: admin\npassword: {LETTERS}\nretries: no\n",
    "prod.json.yaml": json.dumps({"password": LETTERS, "name": "prod", "version": 1}),
    "kubernetes.yaml": f"apiVersion: v1\nkind: Secret\nstringData: {{password: {LETTERS}}}\n",
    "manifests.yaml": f"apiVersion: v1\nkind: Secret\n---\nstringData: {{password: {LETTERS}}}\n",
    "compose.yml": f"services: {{db: {{environment: {{PASSWORD: {LETTERS}}}}}}}\n",
    "workflow.yml": f"name: CI\non: push\njobs: {{a: {{env: {{TOKEN: {LETTERS}}}}}}}\n",
    "task.yml": f"version: '3'\nvars: {{PASSWORD: {LETTERS}}}\ntasks: {{}}\n",
    "env.yaml": f"PASSWORD={LETTERS}\nUSER=x\n",
    "broken.yaml": f"password: {LETTERS}: x\n",
    "open.yaml": f'a: 1\npassword: "{LETTERS}\n',
    "twice.yaml": f"password: {LETTERS}\npassword: {LETTERS}\n",
    "alias.yaml": f"password: *{LETTERS}\n",
    "tag.yaml": f"password: !{LETTERS} x\n",
    "list.yaml": f"- password: {LETTERS}\n",
    "text.yaml": LETTERS,
    "comment.yaml": f"# {LETTERS}\n",
    "depth.yaml": f"password: {LETTERS} # {'[' * 80}\n a: {'[' * 80}\n",
}


def test_a_secret_in_a_file_that_is_no_spec_is_not_quoted(folder: Folder) -> None:
    for number, (name, text) in enumerate(FOREIGN.items()):
        folder.write(name, text)
        folder.write(f"base-{number}.yaml", f"{REST}extends: {name}\n")
        folder.write(f"schema-{number}.yaml", f"{REST}schema: {name}\n")
        tests = f"[{{name: a, vars_file: {name}}}, {{name: b, steps: [{{spec: {name}}}]}}]"
        folder.write(f"values-{number}.yaml", f"{REST}tests: {tests}\n")
    printed = folder.loudly("validate", ".") + folder.loudly("send", ".", "-n", forms=TOLD)
    printed += [folder("test", ".", *LOUD[form], "--", "-p", "no:cacheprovider") for form in ("pretty", "json")]
    assert {ended.code for ended in printed} == {2}
    told = {problem["path"] for problem in printed[1].json["problems"]}
    assert set(FOREIGN) <= told
    assert leaks(*printed) == []


@pytest.mark.parametrize("target", [".env", ".secrets/prod.yaml", "runner.yaml", "key.pem"])
def test_a_secret_that_a_link_leads_to_is_not_quoted(folder: Folder, target: str) -> None:
    (folder.path / target).parent.mkdir(exist_ok=True)
    folder.write(target, f"SECRET: {LETTERS}: [\n")
    names = ("link.yaml", "link.csv", "link.json")
    for name in names:
        (folder.path / name).symlink_to(folder.path / target)
    uses = {
        "extends": "extends: link.yaml", "schema": "schema: link.json", "values": "tests: [{name: a, vars_file: link.yaml}]",
        "rows": "tests: [{name: a, rows: link.csv}]", "sets": "tests: [{name: a, parametrize: link.csv}]",
        "golden": "tests: [{name: a, expect: {golden: link.json}}]", "step": "tests: [{name: a, steps: [{spec: link.yaml}]}]",
    }  # fmt: skip
    for name, use in uses.items():
        folder.write(f"{name}.yaml", f"{REST}{use}\n")
    printed = folder.loudly("validate", *(f"{name}.yaml" for name in uses), "link.yaml")
    assert {ended.code for ended in printed} == {2}
    assert len(printed[1].json["problems"]) == len(uses) + 1
    assert leaks(*printed) == []


def test_a_secret_at_which_a_long_line_is_cut_is_starred(folder: Folder) -> None:
    for length in range(1, 101):
        declared = f"secret: true, default: {LETTERS}, description: {'x' * length}, typo: {'x' * 100}"
        folder.write(f"{length}.yaml", f"{REST}vars: {{token: {{{declared}}}}}\n")
    ended = folder("validate", ".")
    assert ended.err == "100 specs checked: 100 errors\n"
    assert leaks(ended) == []


# Slips of the hand.

SPACED = joined(" ", ") ")
SLIPS: dict[str, tuple[str, ...]] = {
    "no --var": ("{command}", "a.yaml", "token={secret}"),
    "no --var, first": ("{command}", "token={secret}", "a.yaml"),
    "no command": ("token={secret}", "a.yaml"),
    "no spec": ("{command}", "--var", "token={secret}"),
    "another spec": ("{command}", "b.yaml", "--var", "token={secret}"),
    "a colon": ("{command}", "a.yaml", "--var", "token:{secret}"),
    "a colon and a space": ("{command}", "a.yaml", "--var", "token: {secret}"),
    "a space": ("{command}", "a.yaml", "--var", "token", "{secret}"),
    "a space behind =": ("{command}", "a.yaml", "--var", "token=", "{secret}"),
    "spaces around =": ("{command}", "a.yaml", "--var", "token", "=", "{secret}"),
    "no name": ("{command}", "a.yaml", "--var", "{secret}"),
    "no name, and =": ("{command}", "a.yaml", "--var", "={secret}"),
    "no name, and = behind": ("{command}", "a.yaml", "--var", "{secret}=="),
    "a name misspelt": ("{command}", "a.yaml", "--var", "tokn={secret}"),
    "a name and a space": ("{command}", "a.yaml", "--var", "token ={secret}"),
    "an option that is none": ("{command}", "a.yaml", "--token", "{secret}"),
    "an option that is none, and =": ("{command}", "a.yaml", "--token={secret}"),
    "a short option": ("{command}", "a.yaml", "-v", "token={secret}"),
    "a short option that is none": ("{command}", "a.yaml", "-t{secret}"),
    "no JSON": ("{command}", "a.yaml", "--var-json", "token={secret}"),
    "no whole JSON": ("{command}", "a.yaml", "--var-json", 'token="{secret}'),
    "JSON with more behind": ("{command}", "a.yaml", "--var-json", 'token="{secret}" x'),
    "JSON alone": ("{command}", "a.yaml", "--var-json", '{{"token": "{secret}"}}'),
    "JSON for a spec": ("{command}", '{{"token": "{secret}"}}'),
    "NaN": ("{command}", "a.yaml", "--var-json", 'token=["{secret}", NaN]'),
    "a variable as a file": ("{command}", "a.yaml", "--vars-file", "token={secret}"),
    "a variable as a case": ("{command}", "a.yaml", "--case", "token={secret}"),
    "a variable as a profile": ("{command}", "a.yaml", "--profile", "token={secret}"),
    "a variable as a configuration": ("{command}", "a.yaml", "--config", "token={secret}"),
    "a variable as a format": ("{command}", "a.yaml", "--output", "token={secret}"),
    "a variable as a time": ("send", "a.yaml", "--timeout", "token={secret}"),
    "a variable as a label": ("send", "a.yaml", "--label", "token={secret}"),
    "a variable as a form": ("render", "a.yaml", "--as", "token={secret}"),
    "for validate": ("validate", "a.yaml", "--var", "token={secret}"),
    "for validate, without --var": ("validate", "a.yaml", "token={secret}"),
    "for schema": ("schema", "token={secret}"),
    "a right one before another slip": ("{command}", "a.yaml", "--var", "token={secret}", "--var", "amount"),
    "a right one with a spec that is none": ("{command}", "a.yaml", "b.yaml", "--var", "token={secret}"),
    "a right one and an unknown option": ("{command}", "a.yaml", "--var", "token={secret}", "--sandbx"),
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_a_slip_of_the_hand_shows_no_secret(folder: Folder, slip: tuple[str, ...]) -> None:
    folder.write("a.yaml", DECLARED)
    printed = [
        folder(*(arg.format(command=command, secret=secret) for arg in slip), *LOUD[form])
        for command, form in (("render", "pretty"), ("send", "json"))
        for secret in (LETTERS, SPACED)
    ]
    assert {ended.code for ended in printed} <= {2, 3, 4, 64}
    assert leaks(*printed) == []


# Credentials.

HMAC = {"SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": LETTERS}
BEARER = {"SUPRSEND_WORKSPACE_UID": "uid", "SUPRSEND_API_KEY": LETTERS}
CURL = ("render", "--as", "curl")
BROKEN = f"{WORDS[0]}/{WORDS[1]}"
CREDENTIALS: dict[str, tuple[dict[str, str], tuple[str, ...], int]] = {
    "half of a pair": ({"SUPRSEND_WORKSPACE_SECRET": LETTERS}, ("send",), 3),
    "half of the other pair": ({"SUPRSEND_API_KEY": LETTERS}, ("send",), 3),
    "a line break": (HMAC | {"SUPRSEND_WORKSPACE_SECRET": joined("\n", "-")}, ("send",), 3),
    "a letter that no header carries": (BEARER | {"SUPRSEND_API_KEY": joined("é", "-")}, ("send",), 3),
    "white space around": (BEARER | {"SUPRSEND_API_KEY": f" {LETTERS}\n"}, ("render",), 0),
    "the secret for the URL": (HMAC | {"SUPRSEND_BASE_URL": LETTERS}, ("send",), 2),
    "a password in the URL": ({"SUPRSEND_BASE_URL": f"https://key:{LETTERS}@hub.example.com/"}, ("send",), 2),
    "a slash in the password": ({"SUPRSEND_BASE_URL": f"https://key:{BROKEN}@hub.example.com/"}, ("send",), 2),
    "plain http": ({"SUPRSEND_BASE_URL": f"http://key:{LETTERS}@hub.example.com/"}, ("send",), 2),
    "a token in the URL": ({"SUPRSEND_BASE_URL": f"https://hub.example.com/?token={LETTERS}"}, ("send",), 2),
    "no server": (HMAC | {"SUPRSEND_BASE_URL": "http://127.0.0.1:1/"}, ("send",), 7),
    "curl": (HMAC, CURL, 0),
    "curl with an API key": (BEARER, CURL, 0),
    "rendered": (HMAC, ("render",), 0),
    "rendered with an API key": (BEARER, ("render",), 0),
    "both pairs": (BEARER | HMAC | {"SUPRSEND_WORKSPACE_SECRET": "x" * 20}, ("render",), 0),
    "a sandbox": (HMAC, ("send", "--sandbox", "-n"), 0),
    "a profile": ({"SUPRSEND_HERE_KEY": "key", "SUPRSEND_HERE_SECRET": LETTERS}, ("render", "--profile", "here"), 0),
    "half of a profile's pair": ({"SUPRSEND_HERE_SECRET": LETTERS}, ("send", "--profile", "here"), 3),
}


@pytest.mark.parametrize(("environ", "args", "code"), CREDENTIALS.values(), ids=CREDENTIALS)
def test_no_credential_is_printed(folder: Folder, environ: dict[str, str], args: tuple[str, ...], code: int) -> None:
    names = {"workspace_key_env": "SUPRSEND_HERE_KEY", "workspace_secret_env": "SUPRSEND_HERE_SECRET"}
    folder.write("runner.yaml", {"profiles": {"here": names}})
    secrets = [name for name, value in environ.items() if LETTERS in value and name != "SUPRSEND_BASE_URL"]
    folder.environ |= environ | {f"RUNNER_VAR_{name}": environ[name] for name in secrets}
    folder.spec(
        vars={name: {"type": "string"} for name in secrets},
        properties={name: f"{{{{ {name} }}}} is no secret of the spec" for name in secrets},
    )
    printed = folder.loudly(*args, "a.yaml", forms=TOLD)
    assert [ended.code for ended in printed] == [code] * 3
    assert leaks(*printed) == []


def test_the_password_of_a_proxy_is_not_printed(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.spec(properties={}, vars={})
    folder.environ |= {"SUPRSEND_WORKSPACE_KEY": "k", "SUPRSEND_WORKSPACE_SECRET": "x" * 20}
    for place in (f"{LETTERS}@127.0.0.1:1", f"{LETTERS}@127.0.0.1:port", f"{BROKEN}@127.0.0.1"):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{place}/")
        printed = folder.loudly("send", "a.yaml")
        assert {ended.code for ended in printed} == {7}
        assert leaks(*printed) == []


# A bug.


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("form", ["pretty", "github"])
def test_a_bug_that_quotes_a_secret_does_not_print_it(folder: Folder, form: str, secret: str) -> None:
    def broken_clock() -> datetime:
        raise RuntimeError(f"no time for {secret!s}, {secret!r}")

    folder.spec()
    out, err = io.StringIO(), io.StringIO()
    streams = io.StringIO(), out, err
    world = World({}, *streams, broken_clock, lambda: UUID(int=0), sleep=lambda _: None, random=lambda: 0.5)
    code = run(["send", "a.yaml", "--var", f"token={secret}", *LOUD[form]], world)
    assert (code, "broken_clock" in err.getvalue()) == (70, True)
    assert leaks(out.getvalue(), err.getvalue()) == []


def test_a_secret_that_is_no_unicode_is_starred(folder: Folder) -> None:
    folder.spec()
    folder.environ["RUNNER_VAR_token"] = joined("\udcff", "-")  # how Python reads a byte that is not UTF-8
    printed = folder.loudly("render", "a.yaml")
    assert [ended.code for ended in printed] == [2, 2, 2, 2]
    assert leaks(*printed) == []
