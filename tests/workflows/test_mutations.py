"""A change of a workflow, an event, a schema or a spec that would send other messages makes a case of the shop fail, offline."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from runner.config import load_profile
from runner.project.files import project_of
from runner.sandbox.rules import SandboxRules
from runner.secrets import Mask
from runner.testing.answers import Answers
from runner.testing.collect import collect
from runner.testing.verdict import run_case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Problem

SHOP = Path(__file__).with_name("shop")
ORDER, CART, DIGEST, PAYMENT, INVOICE = (
    f"suprsend/workflows/{slug}/workflow.json"
    for slug in ("order-confirmation", "abandoned-cart", "weekly-digest", "failed-payment", "invoice")
)
ORDERS, CARTS, VIEWS, PAYMENTS, INVOICES = (
    f"specs/{name}.yaml"
    for name in ("order_placed", "cart_updated", "product_viewed", "payment_failed", "invoice_issued")
)
MAIL = "suprsend/templates/order-confirmation/email/default/body.raw.html"


class Change(NamedTuple):
    """Another text in one file of the shop, and a part of a report that must come of it."""

    file: str
    old: str
    new: str
    reason: str


CHANGES = [
    # Events and their names.
    Change(ORDERS, "event: order_placed", "event: order_plcaed", "no workflow listens to 'order_plcaed'"),
    Change(ORDER, '"order_placed"', '"order_created"', "expected"),
    Change(CARTS, "event: cart_updated", "event: cart_update", "no workflow listens to 'cart_update'"),
    Change(CART, '"event_name": "order_placed"', '"event_name": "order_paid"', "expected no message"),
    Change(VIEWS, "event: product_viewed", "event: Product_viewed", "no workflow listens to 'Product_viewed'"),
    Change(PAYMENT, '"payment_failed"', '"payment_refused"', "no workflow listens to 'payment_failed'"),
    Change(INVOICE, '"invoice_issued"', '"invoice_sent"', "no workflow listens to 'invoice_issued'"),
    # Properties that conditions, keys and overrides read.
    Change(ORDERS, 'country: "{{ country }}"', 'country_code: "{{ country }}"', 'country == "DE": the variable is missing'),
    Change(ORDERS, '  tags: "{{ tags }}"', '  labels: "{{ tags }}"', 'tags CONTAINS "gift"'),
    Change(ORDERS, 'cart_id: "{{ cart }}"', 'basket_id: "{{ cart }}"', "expected no message"),
    Change(CARTS, 'cart_id: "{{ cart }}"', 'basket: "{{ cart }}"', "cart_id"),
    Change(INVOICES, "seller: {tenant:", "seller: {id:", "`tenants` does not have 'default'"),
    Change(ORDER, '"variable": "amount"', '"variable": "total"', "total > 1000: missing is not a number"),
    Change(ORDER, '"variable": "country"', '"variable": "shipping.country"', 'shipping.country == "DE"'),
    Change(ORDER, '"variable": "tags"', '"variable": "label"', 'label CONTAINS "gift"'),
    Change(INVOICE, '"variable": "properties.region"', '"variable": "region"', "expected"),
    Change(INVOICE, '"variable_ns": "$brand"', '"variable_ns": "$recipient"', "expected"),
    # Their types.
    Change(ORDERS, 'amount: "{{ amount }}"', 'amount: "{{ amount }} EUR"', "amount"),
    Change(ORDERS, '  tags: "{{ tags }}"', "  tags: \"{{ tags | join(' ') }}\"", "tags"),
    Change(ORDER, '"value": "1000"', '"value": "\\"1000\\""', '"1000" is not a number'),
    Change(PAYMENTS, 'amount: "{{ amount }}"', 'amount: "{{ amount }} EUR"', "amount"),
    # Operators and values.
    Change(ORDER, '"op": ">"', '"op": ">="', "expected no other message"),
    Change(ORDER, '"op": ">"', '"op": "<"', "1500 is not less than 1000"),
    Change(ORDER, '"value": "1000"', '"value": "2000"', "1500 is not greater than 2000"),
    Change(ORDER, '"value": "1000"', '"value": "999"', "expected no other message"),
    Change(ORDER, '"op": "=="', '"op": "!="', 'country != "DE"'),
    Change(ORDER, '"value": "\\"DE\\""', '"value": "\\"de\\""', 'it is "DE", not "de"'),
    Change(ORDER, '"op": "CONTAINS"', '"op": "NOT_CONTAINS"', "NOT_CONTAINS"),
    Change(ORDER, '"value": "\\"cancelled\\""', '"value": "\\"canceled\\""', "expected no message"),
    Change(ORDER, '"op": "!="', '"op": "=="', "conditions of the trigger do not hold"),
    Change(INVOICE, '"value": "\\"eu\\""', '"value": "\\"EU\\""', 'it is "eu", not "EU"'),
    Change(CART, '"value": "cart_id"', '"value": "\\"c9\\""', "c9"),
    # Branches.
    Change(ORDER, '"name": "gift",', '"name": "gift", "is_terminal": "no",', "'is_terminal'"),
    Change(ORDER, '"node_type": "branch"', '"node_type": "branches"', "unknown node type 'branches'"),
    Change(ORDER, '"ref": "gift_inbox"', '"ref": "large_sms"', "the ref 'large_sms' stands for two things"),
    Change(CART, '"is_default": false', '"is_default": true', "default branch"),
    # Delays, windows, schedules.
    Change(ORDER, '"value": "2d"', '"value": "3d"', "after 3d"),
    Change(ORDER, '"value": "2d"', '"value": "two days"', "is not a duration"),
    Change(CART, '"value": "1d"', '"value": "22h"', "expected"),
    Change(CART, '"sliding_window": "3d"', '"sliding_window": "12h"', "expected no message"),
    Change(CART, '"count": 1', '"count": 5', "expected no message"),
    Change(DIGEST, '"mo"', '"tu"', "at another time"),
    Change(DIGEST, '"time": "09:00"', '"time": "10:00"', "at another time"),
    Change(DIGEST, '"tz_selection": "recipient"', '"tz_selection": "fixed"', "at another time"),
    Change(DIGEST, '"trigger_min_count": 2', '"trigger_min_count": 3', "weekly"),
    Change(DIGEST, '"trigger_min_count": 2', '"trigger_min_count": 1', "expected no message"),
    Change(DIGEST, '"node_type": "digest"', '"node_type": "delay"', "unknown property"),
    Change(PAYMENT, '"ttl_value": "2h"', '"ttl_value": "4h"', "at another time"),
    # Channels, templates, routing.
    Change(ORDER, '"node_type": "send_sms"', '"node_type": "send_whatsapp"', 'channel "sms"'),
    Change(ORDER, '"template": "large-order"', '"template": "large-orders"', 'template "large-order"'),
    Change(ORDER, '"category": "order-updates"', '"category": "reminders"', 'category "order-updates"'),
    Change(CART, '"category": "reminders"', '"category": "payments"', "expected no message"),
    Change(PAYMENT, '"success": "seen"', '"success": "delivered"', "delivered was reached"),
    Change(INVOICE, '"override_tenant_expr": ".seller.tenant', '"override_tenant_expr": ".seller.id', "tenant"),
    Change(
        "suprsend/templates/cart-reminder/template.json", '"androidpush",\n', "", "androidpush"
    ),
    # Workflows that do not run.
    Change(ORDER, '"is_enabled": true', '"is_enabled": false', "the workflow is not live: disabled"),
    Change(CART, '"status": "active"', '"status": "draft"', "the workflow is not live: draft"),
    # Users, tenants and schemas.
    Change("runner.yaml", "opted_out: [reminders]", "opted_out: [newsletter]", "expected no message"),
    Change("runner.yaml", 'sms: "+15550100"', "sms: false", "sms"),
    Change("runner.yaml", "timezone: Europe/Berlin", "timezone: Asia/Tokyo", "at another time"),
    Change("suprsend/schemas/order/payload_schema.json", '"order_id",', '"order_number",', "order_number"),
    Change("suprsend/schemas/payment/payload_schema.json", '"type": "number"', '"type": "string"', "amount"),
    Change("suprsend/events/order_placed/event.json", '"schema": "order"', '"schema": "cart"', "items"),
]  # fmt: skip


def reports(project: Path) -> Iterator[Problem]:
    """Run all cases of a project as `runner test` does; yield what is wrong."""
    profile = load_profile(start=project / "specs")
    answers = Answers("none", date(2026, 1, 1), Mask(), SandboxRules(), None, profile.cassettes_max_age)
    for path in sorted((project / "specs").glob("*.yaml")):
        cases = collect(path, project_of(path))
        yield from (problem for problem in cases.problems if problem.severity == "error")
        for ref in cases.cases:
            yield from run_case(ref, answers).problems


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(SHOP, tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


def test_the_shop_as_it_is_has_no_problem(shop: Path) -> None:
    assert list(reports(shop)) == []


@pytest.mark.parametrize(
    "change", CHANGES, ids=[f"{index:02}-{Path(each.file).parent.name}" for index, each in enumerate(CHANGES)]
)
def test_a_change_makes_a_case_fail_with_its_reason(change: Change, shop: Path) -> None:
    path = shop / change.file
    before = path.read_text("utf-8")
    assert change.old in before
    path.write_text(before.replace(change.old, change.new, 1), "utf-8")
    texts = []
    for problem in reports(shop):  # the rest is not run once the reason was told
        texts.append("\n".join((problem.message, *problem.notes, problem.hint or "")))
        if change.reason in texts[-1]:
            return
    pytest.fail(os.linesep.join(texts) or "every case passed")


def test_there_are_sixty_changes() -> None:
    assert len(CHANGES) >= 60
