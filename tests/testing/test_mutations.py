"""No change of a spec, its cases or its cassettes replays green: each is told, where it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.testing.conftest import Project


BASE = "specs/_order.yaml"
DIGEST = "specs/weekly-digest.yaml"
INVOICE = "specs/invoice.yaml"
PURCHASE = "specs/purchase.yaml"
REFUND = "specs/refund.yaml"
RESET = "specs/password-reset.yaml"
SHIPPED = "specs/order-shipped.yaml"
SIGNUP = "specs/signup.yaml"
LIMITED = "cassettes/order-shipped/a-rate-limit-is-waited-for.yaml"
PURCHASED = "cassettes/purchase/a-premium-purchase.yaml"
REFUNDED = "cassettes/refund/one-of-three-is-refused.yaml"
REFUSED = "cassettes/invoice/a-tenant-must-exist.yaml"
SIGNED_UP = "cassettes/signup/a-second-sign-up-counts-once.yaml"

SECOND_STEP = """\
      - vars: {user: u1, name: Zoë}
        expect: {response: {success: true, message_id: 7ac97812-0f01-5ed9-aae0-c99066517206}}
"""
TERMS = """\
  - {url: "https://files.example.com/{{ tenant }}/terms.pdf", filename: terms.pdf, ignore_if_error: true}
"""
USAGE = """\
  - url: "https://files.example.com/{{ tenant }}/usage/{{ number }}.csv"
    ignore_if_error: "{{ lines | length < 100 }}"
"""

# file → name of the change, text, text instead of it, what must be said: a problem's code, and the way to the value
# fmt: off
CHANGES = {
    PURCHASE: [
        ("another event name", "event: product_purchased", "event: product_bought", "cassette-changed at event"),
        ("another case in an event name", "event: product_purchased", "event: Product_purchased",
         "cassette-changed at event"),
        ("another distinct_id", 'distinct_id: "{{ user }}"', 'distinct_id: "u-{{ user }}"',
         "cassette-changed at distinct_id"),
        ("another key template", '"{{ user }}-purchase-{{ order_id }}"', '"{{ user }}-{{ order_id }}"',
         "cassette-changed at $idempotency_key"),
        ("a key made from the run", '"{{ user }}-purchase-{{ order_id }}"', "auto",
         "cassette-changed at $idempotency_key"),
        ("no key", '"{{ user }}-purchase-{{ order_id }}"', "null", "cassette-changed at $idempotency_key"),
        ("a key left to the default", 'idempotency_key: "{{ user }}-purchase-{{ order_id }}"\n', "",
         "cassette-changed at $idempotency_key"),
        ("a number as text", '  amount: "{{ amount }}"', '  amount: "{{ amount | string }}"',
         "schema-violation at properties.amount"),
        ("a whole number with a fraction", '  amount: "{{ amount }}"', '  amount: "{{ amount * 1.0 }}"',
         "cassette-changed at properties.amount"),
        ("another number", '  amount: "{{ amount }}"', '  amount: "{{ amount + 1 }}"',
         "case-mismatch at properties.amount"),
        ("a boolean as a number", "{{ amount > 1000 }}", "{{ (amount > 1000) | int }}",
         "schema-violation at properties.premium"),
        ("a boolean as text", '"{{ amount > 1000 }}"', '"{{ amount > 1000 }}."',
         "schema-violation at properties.premium"),
        ("the other boolean", "{{ amount > 1000 }}", "{{ amount < 1000 }}", "case-mismatch at properties.premium"),
        ("another limit", "{{ amount > 1000 }}", "{{ amount > 2000 }}", "case-mismatch at properties.premium"),
        ("a number instead of its text", '"${{ amount }}"', '"{{ amount }}"',
         "schema-violation at properties.spend_amount"),
        ("another currency", '"${{ amount }}"', '"€{{ amount }}"', "schema-violation at properties.spend_amount"),
        ("text as a number", '  order_id: "{{ order_id }}"', '  order_id: "{{ order_id | int }}"',
         "schema-violation at properties.order_id"),
        ("null instead of a text", '  order_id: "{{ order_id }}"', "  order_id: null",
         "schema-violation at properties.order_id"),
        ("a property more", "attachments:", "  channel: web\nattachments:", "schema-violation at properties.channel"),
        ("a property less, which an expectation names", '  premium: "{{ amount > 1000 }}"\n', "",
         "schema-violation at properties.premium"),
        ("a property less, which the schema demands", '  spend_amount: "${{ amount }}"\n', "",
         "schema-violation at properties.spend_amount"),
        ("a renamed property", '  order_id: "{{ order_id }}"', '  orderId: "{{ order_id }}"',
         "schema-violation at properties.orderId"),
        ("another URL of an attachment", "/invoices/{{ order_id }}", "/invoice/{{ order_id }}",
         "cassette-changed at properties.$attachments[0].url"),
        ("another scheme of an attachment", "https://files", "http://files",
         "cassette-changed at properties.$attachments[0].url"),
        ("a file name for an attachment", "- https://files.example.com/invoices/{{ order_id }}.pdf",
         '- {url: "https://files.example.com/invoices/{{ order_id }}.pdf", filename: i.pdf}',
         "cassette-changed at properties.$attachments[0].filename"),
        ("a flag for an attachment", "- https://files.example.com/invoices/{{ order_id }}.pdf",
         '- {url: "https://files.example.com/invoices/{{ order_id }}.pdf", ignore_if_error: true}',
         "cassette-changed at properties.$attachments[0].ignore_if_error"),
        ("an attachment less", "attachments:\n  - https://files.example.com/invoices/{{ order_id }}.pdf\n", "",
         "cassette-changed at properties.$attachments"),
        ("an attachment more", "{{ order_id }}.pdf\n", "{{ order_id }}.pdf\n  - https://files.example.com/terms.pdf\n",
         "cassette-changed at properties.$attachments[1]"),
        ("a tenant", "event: product", "tenant_id: acme\nevent: product", "cassette-changed at tenant_id"),
        ("a brand", "event: product", "brand_id: acme\nevent: product", "cassette-changed at brand_id"),
        ("another default", "default: 10}", "default: 11}", "case-mismatch at properties.amount"),
        ("another default of an order", 'default: "1001"', 'default: "1002"', "case-mismatch at properties.order_id"),
        ("a pattern that lets everything through", '"^[0-9]+$"', '"^.+$"', "case-passed at error"),
        ("another user in a case", 'user: u1, order_id: "42"', 'user: u2, order_id: "42"',
         "cassette-changed at $idempotency_key"),
        ("another number in a case", "amount: 1500}\n    now", "amount: 1501}\n    now",
         "case-mismatch at properties.amount"),
        ("another order in a case", 'order_id: "42"', 'order_id: "042"', "cassette-changed at $idempotency_key"),
        ("another name of a case", "name: a premium purchase", "name: a costly purchase", "cassette-missing"),
        ("a number expected as text", "{amount: 1500, premium", '{amount: "1500", premium',
         "case-mismatch at properties.amount"),
        ("a boolean expected as a number", "premium: true}", "premium: 1}", "case-mismatch at properties.premium"),
        ("a property expected that is not there", "premium: true}", "premium: true, discount: 0}",
         "case-mismatch at properties.discount"),
        ("another status expected", "status_code: 202", "status_code: 200", "case-mismatch at status_code"),
        ("a status expected as text", "status_code: 202", 'status_code: "202"', "case-mismatch at status_code"),
        ("success expected as text", "success: true", 'success: "true"', "case-mismatch at success"),
        ("another error expected", "code: var-schema", "code: var-type", "case-mismatch at error"),
        ("an error expected elsewhere", "at: vars.order_id", "at: vars.order", "case-mismatch at error"),
        ("an error expected where there is none", "vars: {user: u1, order_id: abc}", 'vars: {user: u1, order_id: "7"}',
         "case-passed at error"),
    ],
    BASE: [
        ("another property of the base", "shop.example.com/orders", "shop.example.com/order",
         "case-mismatch at properties.order_url"),
        ("another default of the base", "default: USD", "default: EUR", "cassette-changed at [0].properties.currency"),
        ("a property of the base less", '  currency: "{{ currency }}"\n', "",
         "schema-violation at properties.currency"),
        ("a property of the base renamed", '  order_id: "{{ order_id }}"', '  order: "{{ order_id }}"',
         "schema-violation at properties.order"),
    ],
    REFUND: [
        ("a digit less", "%.2f", "%.1f", "case-mismatch at properties.refund_text"),
        ("another reason", "default: returned", "default: late", "cassette-changed at [0].properties.reason"),
        ("rows in another order", '- {order_id: "1", amount: 10}\n      - {order_id: "2", amount: 501}',
         '- {order_id: "2", amount: 501}\n      - {order_id: "1", amount: 10}',
         "cassette-changed at [0].$idempotency_key"),
        ("a row more", "amount: 0.5}\n", 'amount: 0.5}\n      - {order_id: "4", amount: 1}\n',
         "cassette-changed at [3]"),
        ("a row less", '      - {order_id: "3", amount: 0.5}\n', "", "cassette-changed at [2]"),
        ("another number in a row", '{order_id: "1", amount: 10}', '{order_id: "1", amount: 11}',
         "cassette-changed at [0].$idempotency_key"),
        ("a number as text in a row", '{order_id: "1", amount: 10}', '{order_id: "1", amount: "10"}',
         "var-schema at vars.amount"),
        ("another variable in a row", '{order_id: "3", amount: 0.5}', '{order_id: "3", amount: 0.5, reason: late}',
         "cassette-changed at [2].properties.reason"),
        ("rows turned into one event", "    rows:\n", "    x-rows:\n", "unknown-key"),
        ("another total expected", "total: 3", "total: 4", "case-mismatch at total"),
        ("another number of failures expected", "failure: 1", "failure: 2", "case-mismatch at failure"),
        ("another record expected to fail", 'record: {properties: {order_id: "2"}}',
         'record: {properties: {order_id: "3"}}', "case-mismatch at failed_records[0].record.properties.order_id"),
        ("another code expected of a record", "{code: 400", "{code: 409", "case-mismatch at failed_records[0].code"),
        ("a refusal expected to succeed", "{success: false", "{success: true", "case-mismatch at success"),
        ("another message expected", "501 is greater", "500 is greater", "case-mismatch at message"),
        ("a limit that lets zero through", "exclusiveMinimum: 0", "minimum: 0", "case-passed at error"),
        ("another schema of the properties", "amount: {type: number}\n    refund",
         "amount: {type: integer}\n    refund", "schema-violation at properties.amount"),
    ],
    SHIPPED: [
        ("text instead of null", 'tracking: "{{ tracking }}"', "tracking: \"{{ tracking or '' }}\"",
         "case-mismatch at properties.tracking"),
        ("another carrier", "default: Example Post", "default: Example Parcels",
         "cassette-changed at properties.carrier"),
        ("a test turned round", "tracking is not none", "tracking is none", "case-mismatch at properties.tracked"),
        ("another base", "extends: _order.yaml", "extends: signup.yaml", "template-undefined"),
    ],
    SIGNUP: [
        ("a step more", "      - vars: {user: u1, name: Zoë}\n",
         "      - vars: {user: u1, plan: team}\n      - vars: {user: u1, name: Zoë}\n", "cassette-changed"),
        ("a step less", SECOND_STEP, "", "cassette-unplayed"),
        ("a step twice", "      - vars: {user: u1, name: Zoë}\n",
         "      - vars: {user: u1}\n      - vars: {user: u1, name: Zoë}\n", "cassette-changed"),
        ("a step of another spec", "      - vars: {user: u1, name: Zoë}\n",
         "      - spec: purchase.yaml\n        vars: {user: u1}\n", "cassette-changed at event"),
        ("another message id expected", "name: Zoë}\n        expect: {response: {success: true, message_id: 7ac97812",
         "name: Zoë}\n        expect: {response: {success: true, message_id: 7ac97813", "case-mismatch at message_id"),
        ("a letter without its dots", "name: Zoë}", "name: Zoe}", "cassette-changed at properties.greeting"),
        ("a letter composed in another way", "name: Zoë}", "name: Zoe\u0308}", "cassette-changed at properties.greeting"),
        ("another title of a file", "{{ plan | title }} plan", "{{ plan }} plan",
         "cassette-changed at properties.$attachments[0].filename"),
        ("a file that may not fail", "    ignore_if_error: true\n", "",
         "cassette-changed at properties.$attachments[0].ignore_if_error"),
        ("a file name less", '    filename: "{{ plan | title }} plan.pdf"\n', "",
         "cassette-changed at properties.$attachments[0].filename"),
        ("another greeting", '{% endif %}!"', '{% endif %}."', "case-mismatch at properties.greeting"),
        ("another instant of a case", 'now: "2026-01-02T03:04:05Z"', 'now: "2026-01-02T03:04:06Z"',
         "case-mismatch at properties.signed_up_at"),
        ("an instant for a recorded case", "    steps:\n", '    now: "2026-01-02T03:04:05Z"\n    steps:\n',
         "cassette-changed at properties.signed_up_at"),
        ("an instant written in another way", "{{ now() | isoformat }}", "{{ now().strftime('%Y-%m-%dT%H:%M:%SZ') }}",
         "case-mismatch at properties.signed_up_at"),
        ("another default address", "new.customer@", "a.customer@", "cassette-changed at properties.email"),
    ],
    RESET: [
        ("a number in quotes", "valid_minutes: 30\n", 'valid_minutes: "30"\n',
         "schema-violation at properties.valid_minutes"),
        ("a number and a fraction", "valid_minutes: 30\n", "valid_minutes: 30.0\n",
         "cassette-changed at properties.valid_minutes"),
        ("another pepper", "default: pepper-for-laptops-only", "default: pepper-for-desktops-only",
         "cassette-changed at properties.reset_url"),
        ("another signature", "{{ (user ~ pepper) | sha256 }}", "{{ (pepper ~ user) | sha256 }}",
         "cassette-changed at properties.reset_url"),
        ("a fixed key instead of one from the run", "idempotency_key: auto", 'idempotency_key: "{{ user }}"',
         "cassette-changed at $idempotency_key"),
        ("another pattern expected", "[0-9a-f]{64}$", "[0-9A-F]{64}$", "case-mismatch at properties.reset_url"),
    ],
    DIGEST: [
        ("items in another order", "- {title: Kettle, price: 24.5}\n      - {title: Teapot, price: 18}",
         "- {title: Teapot, price: 18}\n      - {title: Kettle, price: 24.5}", "case-mismatch at properties.subject"),
        ("an item more", "      - {title: Teapot, price: 18}\n",
         "      - {title: Teapot, price: 18}\n      - {title: Cup, price: 20}\n", "case-mismatch at properties.count"),
        ("a key more in an item", "{title: Teapot, price: 18}", "{title: Teapot, price: 18, sale: true}",
         "cassette-changed at properties.offers[1].sale"),
        ("another length expected", "{$len: 2}", "{$len: 3}", "case-mismatch at properties.offers"),
        ("the dearest instead of the cheapest", "| min }}", "| max }}", "case-mismatch at properties.cheapest"),
        ("text shortened elsewhere", "truncate(60)", "truncate(5)", "case-mismatch at properties.subject"),
        ("a list as its text", 'offers: "{{ offers }}"', 'offers: "{{ offers | tojson }}"',
         "schema-violation at properties.offers"),
    ],
    INVOICE: [
        ("another tenant", 'tenant_id: "{{ tenant }}"', "tenant_id: default", "case-mismatch at tenant_id"),
        ("a tenant under the old name", "tenant_id: ", "brand_id: ", "case-mismatch at tenant_id"),
        ("attachments in another order", TERMS + USAGE, USAGE + TERMS,
         "cassette-changed at properties.$attachments[1].filename"),
        ("another flag of a template", "length < 100", "length < 2",
         "cassette-changed at properties.$attachments[2].ignore_if_error"),
        ("a number as text inside a list", "cents: 1250", 'cents: "1250"', "var-schema at vars.lines.default"),
        ("another number inside a list", "cents: 1250", "cents: 1251", "case-mismatch at properties.body"),
        ("text that begins at nought", "loop.index }}", "loop.index0 }}", "case-mismatch at properties.body"),
        ("text expected as a number", 'total: "61.50"', "total: 61.50", "case-mismatch at properties.total"),
        ("another answer expected", "doesn't exist with id: nobody", "doesn't exist with id: anybody",
         "case-mismatch at message"),
    ],
    PURCHASED: [
        ("another Content-Type recorded", "application/json; charset=utf-8", "application/json",
         "cassette-changed at Content-Type"),
        ("no Content-Type recorded", "    headers:\n      Content-Type:\n      - application/json; charset=utf-8\n",
         "    headers: {}\n", "cassette-changed at Content-Type"),
        ("another method recorded", "method: POST", "method: PUT", "cassette-changed at method"),
        ("another path recorded", "/v2/event/", "/event/", "cassette-changed at path"),
        ("a query recorded", "/v2/event/", "/v2/event/?dry=1", "cassette-changed at query"),
        ("another number recorded", '"amount": 1500', '"amount": 1501', "cassette-changed at properties.amount"),
        ("a number recorded as text", '"amount": 1500', '"amount": "1500"', "cassette-changed at properties.amount"),
        ("a boolean recorded as a number", '"premium": true', '"premium": 1', "cassette-changed at properties.premium"),
        ("a boolean recorded as text", '"premium": true', '"premium": "true"', "cassette-changed at properties.premium"),
        ("a property more recorded", '"premium": true', '"premium": true,"channel": "web"',
         "cassette-changed at properties.channel"),
        ("a property less recorded", ',\n          "premium": true', "", "cassette-changed at properties.premium"),
        ("a key recorded under another name", '"premium"', '"Premium"', "cassette-changed at properties.Premium"),
        ("another user recorded", '"distinct_id": "u1"', '"distinct_id": "u2"', "cassette-changed at distinct_id"),
        ("another event recorded", "product_purchased", "product_bought", "cassette-changed at event"),
        ("another key recorded", "u1-purchase-42", "u1-purchase-43", "cassette-changed at $idempotency_key"),
        ("no key recorded", ',\n        "$idempotency_key": "u1-purchase-42"', "", "cassette-changed at $idempotency_key"),
        ("a tenant recorded", '"distinct_id": "u1"', '"distinct_id": "u1","tenant_id": "acme"',
         "cassette-changed at tenant_id"),
        ("a file name recorded", '"filename": null', '"filename": "42.pdf"',
         "cassette-changed at properties.$attachments[0].filename"),
        ("another flag recorded", '"ignore_if_error": false', '"ignore_if_error": true',
         "cassette-changed at properties.$attachments[0].ignore_if_error"),
        ("another URL recorded", "invoices/42.pdf", "invoices/43.pdf",
         "cassette-changed at properties.$attachments[0].url"),
        ("a body recorded that is no JSON", "body: |-\n      {", "body: |-\n      [{",
         "cassette-changed at the body"),
        ("another status answered", "code: 202", "code: 200", "case-mismatch at status_code"),
        ("a refusal answered", "code: 202", "code: 400", "case-mismatch at status_code"),
        ("another version of the format", "version: 1\n", "version: 2\n", "cassette-unreadable"),
        ("a broken file", "interactions:\n", "interactions: [\n", "cassette-unreadable"),
        ("a key twice", "    method: POST\n", "    method: POST\n    method: POST\n", "cassette-unreadable"),
        ("another program's file", "interactions:\n", "exchanges:\n", "cassette-unreadable"),
    ],
    REFUNDED: [
        ("an answer that is no JSON", '"records": [', '"records": {',
         "case-mismatch at failed_records[0].code"),
        ("another code answered for a record", '"status_code": 400', '"status_code": 409',
         "case-mismatch at failed_records[0].code"),
        ("a failed record accepted", '"status_code": 400', '"status_code": 202',
         "case-mismatch at failed_records[0].code"),
        ("an accepted record failed", '9984cf6d-862a-5006-ba54-fd464ba959db",\n              "status_code": 202',
         '9984cf6d-862a-5006-ba54-fd464ba959db",\n              "status_code": 500', "case-mismatch at failed_records[0].code"),
        ("another key of a row recorded", '"$idempotency_key": "refund-1-10"', '"$idempotency_key": "refund-3-0.5"',
         "cassette-changed at [0].$idempotency_key"),
    ],
    LIMITED: [
        ("another refusal answered first", "code: 429", "code: 400", "cassette-unplayed"),
        ("a rate limit answered once more", "code: 202", "code: 429", "cassette-changed"),
    ],
    SIGNED_UP: [
        ("another message id answered", '7ac97812-0f01-5ed9-aae0-c99066517206"',
         '7ac97812-0f01-5ed9-aae0-c99066517207"', "case-mismatch at message_id"),
    ],
    REFUSED: [
        ("another message answered", "exist with id: nobody", "exist with id: anybody",
         "case-mismatch at message"),
        ("another tenant recorded", '"tenant_id": "nobody"', '"tenant_id": "somebody"', "cassette-changed at tenant_id"),
    ],
}
# fmt: on


def told(project: Project, specs: str = "specs") -> set[str]:
    """Say in short what is wrong."""
    return {f"{each.code} at {each.at}" if each.at else each.code for each in project.problems(specs)}


def test_without_a_change_all_is_green(copy: Project) -> None:
    assert told(copy) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        pytest.param(file, *change, id=f"{Path(file).stem}: {name}")
        for file, changes in CHANGES.items()
        for name, *change in changes
    ],
)
def test_no_change_replays_green(file: str, old: str, new: str, expected: str, copy: Project) -> None:
    path = copy.path / file
    before = path.read_text("utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), "utf-8")
    assert expected in told(copy, specs_of(file))


def specs_of(file: str) -> str:
    """Name what has to be run: the spec that a file is, or whose cassette it is; for a base, all specs."""
    if file == BASE:
        return "specs"
    return file if file.startswith("specs/") else f"specs/{Path(file).parent.name}.yaml"


def test_every_case_with_an_answer_is_told_of_without_its_cassette(copy: Project) -> None:
    names = [ref.case.name for ref in copy.refs() if ref.asks_for_answer]
    for cassette in sorted((copy.path / "cassettes").rglob("*.yaml")):
        cassette.unlink()
    failed = {name: [p.code for p in verdict.problems] for name, verdict in copy.verdicts().items() if verdict.problems}
    assert failed == {name: ["cassette-missing"] for name in names}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "cassette-empty"),
        ("interactions: []\nversion: 1\n", "cassette-empty"),
        ("interactions:\n- request: {}\nversion: 1\n", "cassette-unreadable"),
        ("\udcff", "cassette-unreadable"),
    ],
)
def test_a_cassette_that_says_nothing_is_told(text: str, code: str, copy: Project) -> None:
    (copy.path / PURCHASED).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert told(copy, PURCHASE) == {code}


def test_a_cassette_that_no_case_plays_is_told(copy: Project) -> None:
    copy.write("cassettes/purchase/another-case.yaml", (copy.path / PURCHASED).read_text("utf-8"))
    assert told(copy) == {"cassette-orphan"}


def interactions(copy: Project, file: str) -> tuple[Path, dict[str, Any]]:
    path = copy.path / file
    return path, yaml.safe_load(path.read_text("utf-8"))


def test_a_request_more_in_a_cassette_is_told(copy: Project) -> None:
    path, recorded = interactions(copy, PURCHASED)
    path.write_text(yaml.safe_dump({**recorded, "interactions": recorded["interactions"] * 2}), "utf-8")
    assert told(copy, PURCHASE) == {"cassette-unplayed"}


def test_a_request_less_in_a_cassette_is_told(copy: Project) -> None:
    path, recorded = interactions(copy, LIMITED)
    path.write_text(yaml.safe_dump({**recorded, "interactions": recorded["interactions"][:1]}), "utf-8")
    assert "cassette-changed" in told(copy, SHIPPED)


def test_answers_in_another_order_are_told(copy: Project) -> None:
    path, recorded = interactions(copy, LIMITED)
    path.write_text(yaml.safe_dump({**recorded, "interactions": recorded["interactions"][::-1]}), "utf-8")
    assert "cassette-unplayed" in told(copy, SHIPPED)


def test_steps_in_another_order_are_told(copy: Project) -> None:
    path, recorded = interactions(copy, SIGNED_UP)
    path.write_text(yaml.safe_dump({**recorded, "interactions": recorded["interactions"][::-1]}), "utf-8")
    assert "cassette-changed" in told(copy, SIGNUP)
