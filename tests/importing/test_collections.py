"""Collections that were not made for us are imported, sent over HTTP, and arrive as they were: no byte of JSON differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.config import SANDBOX_KEY
from tests.importing.collections_of_others import EVENTS, HAR, PAYLOADS, POSTMAN, SNIPPET
from tests.importing.imports import allow_env, canonical, cases_of, imported

if TYPE_CHECKING:
    from runner.sandbox.server import Sandbox
    from tests.conftest import CommandLine


@pytest.fixture
def target(cli: CommandLine, sandbox: Sandbox) -> Sandbox:
    cli.environ |= {
        "SUPRSEND_BASE_URL": sandbox.base_url,
        "SUPRSEND_WORKSPACE_KEY": SANDBOX_KEY.key,
        "SUPRSEND_WORKSPACE_SECRET": SANDBOX_KEY.secret.reveal(),
    }
    return sandbox


def arrived(cli: CommandLine, target: Sandbox, texts: dict[str, str]) -> list[dict[str, Any]]:
    """Send every case of imported specs, and return the events as they arrived."""
    allow_env(*texts.values())
    for name, text in texts.items():
        for case in cases_of(text):
            sent = cli("send", f"specs/{name}", "--case", case)
            assert sent.code == 0, sent.err
    return [event.body for event in target.store.events()]


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_arrives_as_the_properties_of_an_event(cli: CommandLine, target: Sandbox, name: str) -> None:
    Path(f"{name}.json").write_text(json.dumps(PAYLOADS[name]))
    found = arrived(cli, target, imported(cli, f"{name}.json"))
    payloads = PAYLOADS[name] if isinstance(PAYLOADS[name], list) else [PAYLOADS[name]]
    assert sorted(canonical({"properties": event["properties"]}) for event in found) == sorted(
        canonical({"properties": payload}) for payload in payloads
    )


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(
    ("file", "content"),
    [("shop.postman_collection.json", json.dumps(POSTMAN)), ("shop.har", json.dumps(HAR)), ("shop.py", SNIPPET)],
)
def test_events_arrive_as_the_collection_has_them(cli: CommandLine, target: Sandbox, file: str, content: str) -> None:
    Path(file).write_text(content)
    texts = imported(cli, file)
    assert sorted(texts) == ["purchase-made.yaml", "signed-up.yaml"]
    assert sorted(map(canonical, arrived(cli, target, texts))) == sorted(map(canonical, EVENTS))
    for text in texts.values():
        assert "a-token" not in text
        assert "a-key-in-the-url" not in text
        assert "a-workspace-key-of-ours" not in text


@pytest.mark.usefixtures("in_tmp")
def test_what_names_an_event_is_constant_and_its_id_is_proposed_as_a_key(cli: CommandLine) -> None:
    Path("stripe.json").write_text(json.dumps(PAYLOADS["stripe"]))
    [text] = imported(cli, "stripe.json").values()
    assert "# Is this the name of the event? It is the type of the payload.\nevent: invoice.paid\n" in text
    assert "\n  type: invoice.paid\n" in text
    assert "  type: {" not in text.partition("\nevent:")[0].replace("    type: {", "")
    assert "counts a repeated event once, such as {{ id }}\n" in text


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(("codes", "has_pattern"), [(["0042"], False), (["0042", "0043"], True)])
def test_one_text_of_digits_shows_no_pattern(cli: CommandLine, codes: list[str], *, has_pattern: bool) -> None:
    events = [{"event": "code_sent", "distinct_id": "u1", "properties": {"code": code}} for code in codes]
    [text] = imported(cli, json.dumps(events)).values()
    assert ("pattern:" in text) is has_pattern


@pytest.mark.usefixtures("in_tmp")
def test_placeholders_of_others_in_derived_texts_are_no_warnings(cli: CommandLine) -> None:
    repositories = ["ours/shop", "ours/cart"]
    payloads = [
        {"repo": repo, "links": [], "statuses": f"https://api.example.com/{repo}/statuses/{{sha}}"}
        for repo in repositories
    ]
    Path("hooks.json").write_text(json.dumps(payloads))
    [text] = imported(cli, "hooks.json").values()
    assert "statuses: \"https://api.example.com/{{ repo }}/statuses/{{ '{sha}' }}\"" in text
    assert cli("test", "specs").code == 0


@pytest.mark.usefixtures("in_tmp")
def test_a_payload_with_a_name_is_not_an_event_of_that_name(cli: CommandLine) -> None:
    Path("signup.json").write_text('{"name": "Zoe", "plan": "free"}')
    assert list(imported(cli, "signup.json")) == ["signup.yaml"]


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("key", ["event", "event_name", "eventName", "event_type", "eventType", "type", "topic"])
def test_a_payload_is_named_by_what_names_its_event(cli: CommandLine, key: str) -> None:
    assert list(imported(cli, json.dumps({"data": {"type": "card"}, key: "order.paid"}))) == ["order-paid.yaml"]
