"""What must not land in a repository: credentials of the request, texts that look like secrets, and addresses of people."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.importing.secret_looking import is_secret_name
from tests.importing.imports import canonical, cases_of

if TYPE_CHECKING:
    from tests.conftest import CommandLine

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
SECRETS: dict[str, Any] = {
    "password": "hunter2",
    "resetToken": "0a1b2c3d4e5f",
    "api_key": "key-of-the-shop",
    "link": "https://shop.example.com/reset?user=u1&token=url-token-1&lang=de#sig=fragment-sig",
    "feed": "https://robot:pass-of-robot@feeds.example.com/x",
    "hook": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXX",
    "header": "Bearer bearer-of-someone",
    "note": f"signed with {JWT} yesterday",
    "stripe": "sk_" + "live_0123456789abcdef",
    "nested": {"deep": [{"client_secret": "cs_of_nested"}]},
}
HIDDEN = [
    "hunter2", "0a1b2c3d4e5f", "key-of-the-shop", "url-token-1", "fragment-sig", "pass-of-robot", "XXXXXXXXXXXXXXXX",
    "bearer-of-someone", JWT, "0123456789abcdef", "cs_of_nested", "key-of-a-workspace", "top-secret-header", "key-in-the-url",
]  # fmt: skip
PUBLIC = {
    "token_type": "bearer",
    "token_count": 7,
    "secret_name": "db",
    "monkey": "a long text of it",
    "passes": "2 of 3 passed",
}


def test_no_secret_lands_in_a_file_or_on_the_screen_and_the_bytes_are_the_same(cli: CommandLine, in_tmp: Path) -> None:
    event = {
        "$insert_id": "0" * 36, "$time": 1767366000000, "event": "order_placed", "env": "key-of-a-workspace", "distinct_id": "u1",
        "properties": {**SECRETS, **PUBLIC, "$ss_sdk_version": "x"}, "$idempotency_key": "k-1",
    }  # fmt: skip
    body = json.dumps(event)
    command = f"curl 'https://hub.example.com/v2/event/?key=key-in-the-url' -u 'a:top-secret-header' -H 'Authorization: Bearer top-secret-header' -d '{body}'"
    for extra in ([], ["--dry-run"], ["--dry-run", "-o", "json"], ["--to", "json", "-o", "json"]):
        ended = cli("import", command, *extra)
        assert ended.code == 0, ended.err
        assert [secret for secret in HIDDEN if secret in ended.out + ended.err] == []
    text = Path("specs/order-placed.yaml").read_text()
    assert [secret for secret in HIDDEN if secret in text] == []
    assert all(str(value) in text for value in PUBLIC.values())
    # With the values in the environment, the spec makes the very event.
    values = {
        "PASSWORD": "hunter2", "RESET_TOKEN": "0a1b2c3d4e5f", "API_KEY": "key-of-the-shop", "LINK_TOKEN": "url-token-1", "LINK_SIG": "fragment-sig",
        "FEED_PASSWORD": "pass-of-robot", "HOOK_SECRET": "T00000000/B00000000/XXXXXXXXXXXXXXXX", "HEADER_SECRET": "bearer-of-someone", "NOTE_SECRET": JWT,
        "STRIPE_SECRET": "sk_" + "live_0123456789abcdef", "CLIENT_SECRET": "cs_of_nested",
    }  # fmt: skip
    names = {f"ORDER_PLACED_{name}": value for name, value in values.items()}
    assert cli("import", command, "--dry-run", "-o", "json").json["env_allowed"] == list(names)
    (in_tmp / "runner.yaml").write_text(f"env_allowed: [{', '.join(names)}]\n")
    cli.environ |= names
    assert cli("validate", "--strict", "specs").code == 0
    assert cli("test", "specs").code == 0
    masked = cli("render", "specs/order-placed.yaml", "--case", cases_of(text)[0], "-o", "json").json
    expected = json.loads(body)
    shown = json.dumps(masked["properties"])
    assert [secret for secret in HIDDEN if secret in shown] == []
    for key, value in PUBLIC.items():
        assert masked["properties"][key] == value
    assert masked["properties"]["link"] == "https://shop.example.com/reset?user=u1&token=***&lang=de#sig=***"
    assert canonical(masked)[:20] == canonical(expected)[:20]


@pytest.mark.usefixtures("in_tmp")
def test_addresses_of_people_are_replaced_and_those_of_examples_kept(cli: CommandLine) -> None:
    events = [
        {"event": "signed_up", "distinct_id": f"{name}@acme.io", "properties": {"email": f"{name}@acme.io", "from": "shop@acme.io", "reply_to": "help@example.com", "text": f"Dear {name}@acme.io"}}
        for name in ("zoe", "bob")
    ]  # fmt: skip
    Path("events.json").write_text(json.dumps(events))
    ended = cli("import", "events.json")
    assert (ended.code, ended.err.split("\n")[0]) == (0, "3 e-mail addresses were replaced by example addresses")
    text = Path("specs/signed-up.yaml").read_text()
    assert "acme.io" not in text
    assert "reply_to: help@example.com" in text
    assert 'email: "{{ user }}"' in text
    assert 'text: "Dear {{ user }}"' in text
    assert cli("test", "specs").code == 0
    rendered = cli(
        "render", "specs/signed-up.yaml", "--var", "user=zoe@acme.io", "--var", "from=shop@acme.io", "-o", "json"
    )
    assert canonical(rendered.json) == canonical(events[0])


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "password_hash",
        "newPassword2",
        "password_confirmation",
        "apiKey",
        "API_KEY",
        "access-token",
        "clientSecret",
        "X-Signature",
        "auth_key",
        "sig",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["token_type", "secretName", "signal", "keyboard", "order_key", "design", "tokens_count", "password_url", ""],
)
def test_names_of_other_values(name: str) -> None:
    assert not is_secret_name(name)


RANDOM = "Zk8Qw3Xv9Lm2Np7Rt4"
FORMS: dict[str, tuple[str, Any, str]] = {
    "a connection string": ("conn", f"Server=db;Database=x;User Id=sa;Password={RANDOM};", RANDOM),
    "a connection string with blanks": ("conn", f"host=db user=x password={RANDOM} dbname=y", RANDOM),
    "a key of an account": ("conn", f"AccountName=a;AccountKey={RANDOM}==;EndpointSuffix=x", RANDOM),
    "the password of a database": ("dsn", f"postgresql+asyncpg://shop:p%40{RANDOM}@db.example.com:5432/x", RANDOM),
    "JSON as text": ("payload", json.dumps({"password": RANDOM, "a": 1}), RANDOM),
    "a sentence": ("note", f"your password: {RANDOM} is new", RANDOM),
    "a form": ("note", f"api_key={RANDOM}&x=1", RANDOM),
    "a cookie": ("cookie", f"session={RANDOM}; a=b", RANDOM),
    "a number": ("secret", 123456789, "123456789"),
    "a number of a token": ("access_token", 9876543210123, "9876543210123"),
    "a list": ("passwords", [RANDOM], RANDOM),
    "a map": ("credentials", {"user": "a", "value": RANDOM}, RANDOM),
    "maps in a list": ("secret", [{"v": RANDOM}], RANDOM),
    "a name in German": ("passwort", RANDOM, RANDOM),
    "a name in French": ("mot_de_passe", RANDOM, RANDOM),
    "a name in Spanish": ("contraseña", RANDOM, RANDOM),
    "a key of an encryption": ("encryption_key", RANDOM * 2, RANDOM),
    "a webhook": ("hook", f"https://chat.example.com/api/webhooks/1234567890/{RANDOM}", RANDOM),
    "a bot": ("url", f"https://bots.example.com/bot123456789:AA{RANDOM * 2}/sendMessage", RANDOM),
    "a link that resets": ("link", f"https://shop.example.com/reset/{RANDOM * 2}", RANDOM),
    "a code of a login": ("link", f"https://shop.example.com/login?code={RANDOM}", RANDOM),
    "a package index": ("k", "pypi-" + "AgEI" + RANDOM * 2, RANDOM),
}
OPEN: dict[str, Any] = {
    "note": "Password: changed. Your token: expired",
    "tokens": 512,
    "code_link": "https://shop.example.com/?code=SPRING",
    "page": "https://shop.example.com/login/with-a-provider-of-yours",
    "secret": {"name": "db", "id": "7"},
    "author": "key=value",
    "cvc_check": "unchecked",
    "authorization_method": "at the counter",
    "signature_requirement_enforcement_level": "non_admins",
    "secret_scanning": {"alerts": "reported", "secrets": "write"},
}


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("name", FORMS)
def test_a_secret_is_hidden_in_each_form(cli: CommandLine, name: str, *, nested: bool) -> None:
    key, value, secret = FORMS[name]
    properties = {"data": [{"obj": {key: value}}], key: value} if nested else {key: value}
    for count in (1, 2):
        events = [
            {"event": "thing_done", "distinct_id": f"u{n}", "properties": properties | {"n": n}} for n in range(count)
        ]
        ended = cli("import", json.dumps(events), "--to", f"of-{count}")
        assert ended.code == 0, ended.err
        text = Path(f"of-{count}/thing-done.yaml").read_text()
        assert secret not in text + ended.err
        assert "secret: true" in text


@pytest.mark.usefixtures("in_tmp")
def test_what_only_resembles_a_secret_is_kept(cli: CommandLine) -> None:
    assert cli("import", json.dumps({"event": "thing_done", "distinct_id": "u1", "properties": OPEN})).code == 0
    assert "secret: true" not in Path("specs/thing-done.yaml").read_text()


@pytest.mark.usefixtures("in_tmp")
def test_a_secret_is_hidden_wherever_it_stands_again(cli: CommandLine) -> None:
    properties = {"text": f"Enter {RANDOM}", "same": RANDOM, "password": RANDOM}
    assert cli("import", json.dumps({"event": "thing_done", "distinct_id": "u1", "properties": properties})).code == 0
    assert RANDOM not in Path("specs/thing-done.yaml").read_text()


@pytest.mark.usefixtures("in_tmp")
def test_a_secret_of_one_event_is_hidden_in_others(cli: CommandLine) -> None:
    events = [
        {"event": "key_made", "distinct_id": "u1", "properties": {"api_key": RANDOM}},
        {"event": "mail_sent", "distinct_id": "u1", "properties": {"text": f"Your key is {RANDOM}"}},
    ]
    assert cli("import", json.dumps(events)).code == 0
    assert [path.name for path in Path("specs").iterdir() if RANDOM in path.read_text()] == []


SECRETS_OF_CODE = f"""
from suprsend import Event
KEY = "{RANDOM}"
def reset(user, link):
    text = f"https://shop.example.com/?token={RANDOM}x&user={{user.id}}&sig={{link.end}}"
    Event(user.id, "password_reset", {{"password": user.pw, "api_key": KEY, "again": KEY, "text": text}})
"""


@pytest.mark.usefixtures("in_tmp")
def test_secrets_of_code_are_hidden_in_texts_with_holes_too(cli: CommandLine) -> None:
    Path("app.py").write_text(SECRETS_OF_CODE)
    assert cli("import", "app.py").code == 0
    text = Path("specs/password-reset.yaml").read_text()
    assert RANDOM not in text
    assert "pw: {env: PASSWORD_RESET_PW, secret: true}" in text
    assert "end: {env: PASSWORD_RESET_END, secret: true}" in text


@pytest.mark.usefixtures("in_tmp")
def test_secrets_of_a_schema_and_of_a_collection_are_not_written(cli: CommandLine) -> None:
    folder = Path("pulled/events/key_made/event.json")
    schema = Path("pulled/schemas/key/payload_schema.json")
    for path in (folder, schema):
        path.parent.mkdir(parents=True)
    folder.write_text(json.dumps({"name": "key_made", "payload_schema": {"schema": "key", "version_no": None}}))
    declared = {"type": "string", "default": RANDOM, "examples": [RANDOM]}
    schema.write_text(json.dumps({"type": "object", "properties": {"api_key": declared}}))
    request = {
        "body": {"mode": "raw", "raw": '{"event": "key_sent", "distinct_id": "u1", "properties": {"k": "{{api_key}}"}}'}
    }
    collection = {
        "info": {"_postman_id": "1"},
        "item": [{"name": "send", "request": request}],
        "variable": [{"key": "api_key", "value": RANDOM}],
    }
    Path("shop.json").write_text(json.dumps(collection))
    assert cli("import", "pulled", "shop.json").code == 0
    for name in ("key-made", "key-sent"):
        text = Path(f"specs/{name}.yaml").read_text()
        assert RANDOM not in text
        assert "secret: true" in text


def test_hostile_texts_are_searched_in_linear_time(in_tmp: Path, cli: CommandLine) -> None:
    texts = ["eyJ" * 30_000, "a.b-" * 20_000, "SG." + "a" * 60_000, "://" + "a:" * 30_000, "password=" * 10_000]
    (in_tmp / "events.json").write_text(
        json.dumps([{"event": "thing_done", "distinct_id": "u1", "properties": {"t": text}} for text in texts])
    )
    started_s = time.process_time()
    assert cli("import", "events.json", "--dry-run").code == 0
    assert time.process_time() - started_s < 5
