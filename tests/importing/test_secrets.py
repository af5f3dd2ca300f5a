"""What must not land in a repository: credentials of the request, texts that look like secrets, and addresses of people."""

from __future__ import annotations

import json
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
    "name", ["password", "apiKey", "API_KEY", "access-token", "clientSecret", "X-Signature", "auth_key", "sig"]
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["token_type", "secretName", "signal", "keyboard", "order_key", "design", "tokens_count", "password_url", ""],
)
def test_names_of_other_values(name: str) -> None:
    assert not is_secret_name(name)
