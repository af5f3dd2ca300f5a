"""What an application really sent, by the platform's own SDK, becomes specs that send the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import suprsend

from runner.config import SANDBOX_KEY
from runner.importing.received import received_events
from tests.importing.imports import allow_env, canonical, cases_of

if TYPE_CHECKING:
    from runner.sandbox.server import Sandbox
    from tests.conftest import CommandLine

PROPERTIES: list[dict[str, Any]] = [
    {"order_id": "1001", "amount": 80, "currency": "EUR", "url": "https://shop.example.com/o/1001?token=first-token-of-1001", "items": [{"sku": "kettle", "quantity": 1}]},
    {"order_id": "1002", "amount": 12.5, "currency": "EUR", "url": "https://shop.example.com/o/1002?token=other-token-of-1002", "items": [], "coupon": "SPRING"},
    {"order_id": "1003", "amount": 7, "currency": "EUR", "url": "https://shop.example.com/o/1003?token=third-token-of-1003", "items": []},
]  # fmt: skip


@pytest.fixture
def shop(cli: CommandLine, sandbox: Sandbox, in_tmp: Path) -> suprsend.Suprsend:
    """Make a client of the platform's SDK that sends to a sandbox, which the command line finds."""
    cli.environ["RUNNER_SANDBOX_URL"] = sandbox.events_url
    assert in_tmp == Path.cwd()
    return suprsend.Suprsend(SANDBOX_KEY.key, SANDBOX_KEY.secret.reveal(), base_url=sandbox.base_url)


def place_orders(shop: suprsend.Suprsend) -> None:
    for number, properties in enumerate(PROPERTIES, 1):
        event = suprsend.Event(
            f"u{number}", "order_placed", dict(properties), idempotency_key=f"order-{properties['order_id']}"
        )
        event.add_attachment(
            f"https://files.example.com/{properties['order_id']}.pdf", "invoice.pdf", ignore_if_error=True
        )
        assert shop.track_event(event)["success"]


def test_events_of_the_sdk_become_one_tested_spec_that_renders_their_bytes(
    cli: CommandLine, sandbox: Sandbox, shop: suprsend.Suprsend
) -> None:
    place_orders(shop)
    sent = [event.body for event in sandbox.store.events()]
    ended = cli("import", "--from-sandbox", "--last", "10000d")
    assert ended.code == 0, ended.err
    [path] = Path("specs").glob("*")
    text = path.read_text()
    assert text == SPEC
    allow_env(text)
    assert cli("validate", "--strict", "specs").code == 0
    assert cli("fmt", "--check").code == 0
    assert cli("test", "specs").code == 0
    cases = cases_of(text)
    assert len(cases) == 2
    for case, event, properties in zip(cases, sent, PROPERTIES, strict=False):
        token = str(properties["url"]).partition("token=")[2]
        cli.environ["ORDER_PLACED_URL_TOKEN"] = token
        rendered = cli("render", path, "--case", case, "-o", "json")
        assert canonical(json.loads(rendered.out.replace("***", token))) == canonical(event)


SPEC = """\
# Written by runner import from the sandbox: 3 events of this name.
# What does this event mean, in a sentence? Write it below, as description:
version: 1

vars:
  user: {type: string}
  order_id: {type: string, pattern: "^[0-9]+$"}
  amount: {type: number}
  url_token: {type: string, env: ORDER_PLACED_URL_TOKEN, secret: true}
  items:
    type: array
    items:
      type: object
      required: [sku, quantity]
      properties: {sku: {type: string}, quantity: {type: integer}}
  coupon: {type: [string, "null"], default: null}

event: order_placed
distinct_id: "{{ user }}"
# In 3 events, order_id stood in this text: is it always made so?
idempotency_key: "order-{{ order_id }}"

properties:
  order_id: "{{ order_id }}"
  amount: "{{ amount }}"
  currency: EUR
  url: "https://shop.example.com/o/{{ order_id }}?token={{ url_token }}"
  items: "{{ items }}"
  coupon: "{{ coupon if coupon is not none else omit }}"
attachments:
  # In 3 events, order_id stood in this text: is it always made so?
  - {url: "https://files.example.com/{{ order_id }}.pdf", filename: invoice.pdf, ignore_if_error: true}

tests:
  - name: event 1 of the sandbox
    vars: {user: u1, order_id: "1001", amount: 80, items: [{sku: kettle, quantity: 1}]}
    expect:
      event:
        properties: {order_id: "1001", amount: 80, currency: EUR, items: [{sku: kettle, quantity: 1}]}
        $idempotency_key: order-1001
  - name: event 2 of the sandbox
    vars: {user: u2, order_id: "1002", amount: 12.5, items: [], coupon: SPRING}
    expect:
      event:
        properties: {order_id: "1002", amount: 12.5, currency: EUR, items: [], coupon: SPRING}
        $idempotency_key: order-1002
"""


def test_refused_events_are_left_out(cli: CommandLine, shop: suprsend.Suprsend) -> None:
    place_orders(shop)
    shop.track_event(suprsend.Event("u1", "order_paid", {}, tenant_id="not a tenant"))
    ended = cli("import", "--from-sandbox", "--dry-run", "-o", "json")
    assert [file["events"] for file in ended.json["files"]] == [3]
    assert ended.err == "the sandbox refused 1 event, which is left out\n"


def test_older_events_and_repeated_attempts_are_left_out() -> None:
    def record(number: int, received_ms: int, insert_id: str) -> dict[str, Any]:
        body = {"event": "order_placed", "distinct_id": f"u{number}", "$insert_id": insert_id}
        return {"id": number, "received_ms": received_ms, "outcome": "accepted", "body": body}

    newest_first = [record(4, 900, "c"), record(3, 800, "b"), record(2, 700, "b"), record(1, 100, "a")]
    found = received_events(newest_first, 500)
    assert [sample.origin for sample in found.samples] == ["event 3 of the sandbox", "event 4 of the sandbox"]
    assert found.notes == ()


def test_a_time_that_is_none_is_refused(cli: CommandLine, shop: suprsend.Suprsend) -> None:
    place_orders(shop)
    ended = cli("import", "--from-sandbox", "--last", "soon")
    assert (ended.code, ended.err) == (64, "error[usage]: --last: 'soon' is not a duration, such as 50ms or 2s\n")


def test_without_a_running_sandbox_the_command_says_how_to_start_one(cli: CommandLine, in_tmp: Path) -> None:
    cli.environ["XDG_STATE_HOME"] = str(in_tmp)
    ended = cli("import", "--from-sandbox")
    assert ended.code == 64
    assert ended.err.startswith("error[usage]: no sandbox of yours is running on port 7788")
    assert "start one with `runner sandbox`" in ended.err


def test_an_empty_sandbox_has_nothing_to_import(cli: CommandLine, shop: suprsend.Suprsend) -> None:
    assert shop is not None
    ended = cli("import", "--from-sandbox", "--last", "10m")
    assert (ended.code, ended.err.split("\n")[0]) == (
        2,
        "error[import-source]: no events arrived at the sandbox in the last 10m",
    )
