"""What the page shows of an event that workflow files make messages of: the messages with their times, and each decision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.page.conftest import LARGE_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from tests.sandbox.page.conftest import Shop

    Opened = Callable[..., Page]

pytestmark = pytest.mark.slow


def lines(found: Locator) -> list[str]:
    """List the texts of items, each on one line."""
    return [re.sub(r"\s+", " ", text).strip() for text in found.all_inner_texts()]


def said(page: Page) -> list[str]:
    """List the decisions without their places."""
    return [re.sub(r" \S+\.json:\d+$", "", line) for line in lines(page.locator("#detail .decisions li"))]


def test_the_detail_of_an_event_shows_its_messages_and_the_branch_that_was_taken(
    workflow_shop: Shop, opened: Opened
) -> None:
    workflow_shop.send(properties=LARGE_ORDER)
    page = opened(workflow_shop.sandbox.events_url)
    page.locator("tr.accepted").click()
    page.locator("#detail .decisions").wait_for()
    decisions = page.locator("#detail details", has=page.get_by_role("heading", name="Workflow", exact=True))
    places = lines(decisions.locator(".place"))
    assert {place.rpartition(":")[0] for place in places} == {"suprsend/workflows/order-confirmation/workflow.json"}
    assert len(set(places)) == 8
    assert said(page) == [
        "order-confirmation for u1",
        "+0s 'order-confirmation' runs for u1",
        '✓status != "cancelled": it is "paid", not "cancelled"',
        "+0s ✓confirm_email: email to u1@example.com: delivered",
        "+0s by_amount: took the branch 'large order'",
        "✓amount > 1000: 1500 is greater than 1000",
        '✓country == "DE": it is "DE"',
        "+0s ✓large_sms: sms to +15550100: delivered",
        "+0s feedback_delay: waits 2d",
        "+2d ✓feedback_email: email to u1@example.com: delivered",
        "+2d the run ended after its last node",
    ]
    messages = page.locator("#detail .message")
    assert [line.rpartition(" ")[0] for line in lines(messages.locator(".line"))] == [
        "email order-confirmation",
        "sms order-confirmation",
        "email order-confirmation",
    ]
    now, _, in_two_days = (lines(messages.nth(index).locator(".steps li")) for index in range(3))
    assert [step.split()[0] for step in now] == ["triggered", "sent_by_vendor", "delivered"]
    assert all(re.fullmatch(r"\S+ [A-Z][a-z]{2} \d+, \d\d:\d\d:\d\d\.\d{3} to come", step) for step in in_two_days)


def test_a_branch_that_was_not_taken_shows_the_conditions_that_failed(workflow_shop: Shop, opened: Opened) -> None:
    workflow_shop.send(properties=LARGE_ORDER | {"amount": 20})
    page = opened(workflow_shop.sandbox.events_url)
    page.locator("tr.accepted").click()
    page.locator("#detail .decisions").wait_for()
    found = said(page)
    assert "+0s by_amount: took the branch 'other orders'" in found
    assert "✗amount > 1000: 20 is not greater than 1000" in found
