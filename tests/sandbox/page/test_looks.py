"""What the page looks like, and whether everyone can use it: both themes, phone width, an audit by axe; screenshots."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.page.conftest import IMAGES, LARGE_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.sandbox.page.conftest import Shop

    Opened = Callable[..., Page]

pytestmark = pytest.mark.slow
SERIOUS = {"serious", "critical"}
DESKTOP, PHONE = {"width": 1180, "height": 680}, {"width": 375, "height": 720}
MOST_IMAGE_BYTES = 150_000
PLACED = {
    "order_id": "1001",
    "total": 129.5,
    "currency": "EUR",
    "items": [{"name": "Desk lamp", "quantity": 1, "price": 89.5}, {"name": "Bulb", "quantity": 4, "price": 10}],
    "gift": False,
    "coupon": None,
}


def faults(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(each => each.violations)")
    return [
        f"{each['id']}: {each['help']}: {node['target']} {node['failureSummary']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def day(shop: Shop) -> None:
    """Send what a developer sees on some morning."""
    for number in range(14):
        user = f"user-{number % 5 + 1}"
        shop.send(
            ("order_placed", "order_shipped", "order_refunded")[number % 3], user, tenant_id="acme", properties=PLACED
        )
    shop.send(user="user-3", tenant_id="acme", properties=PLACED, **{"$idempotency_key": "order-1001"})
    shop.send(user="user-3", tenant_id="acme", properties=PLACED, **{"$idempotency_key": "order-1001"})
    shop.send("oder_placed", "user-2", tenant_id="default", properties=PLACED)
    shop.send(user="user-9", tenant_id="umbrella", properties=PLACED)
    shop.send_wrong_secret()
    shop.send(user="user-4", tenant_id="acme", properties=PLACED)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_audit_finds_nothing_serious_on_any_screen(
    shop: Shop, opened: Opened, axe: str, theme: str, viewport: dict[str, int]
) -> None:
    day(shop)
    page = opened(
        shop.sandbox.events_url, color_scheme=theme, viewport=viewport, bypass_csp=True, reduced_motion="reduce"
    )
    page.locator("tr[data-id]").nth(8).wait_for()
    found = {"list": faults(page, axe)}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("tr.refused").first.click()
    page.locator("#detail .callout").wait_for()
    found["refused"] = faults(page, axe)
    page.locator("#detail .bar button").click()
    page.locator("tr.accepted").first.click()
    page.locator("#detail .tree").wait_for()
    found["event"] = faults(page, axe)
    assert page.evaluate("document.getElementById('detail').scrollWidth <= innerWidth")
    for key, dialog in (("e", "#compose"), ("?", "#help"), ("s", "#compose .fields")):
        page.keyboard.press(key)
        page.locator(dialog).wait_for()
        found[key] = faults(page, axe)
        page.keyboard.press("Escape")
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_audit_finds_nothing_serious_in_messages_and_decisions(
    workflow_shop: Shop, opened: Opened, axe: str, theme: str, viewport: dict[str, int]
) -> None:
    workflow_shop.send(properties=LARGE_ORDER)
    page = opened(
        workflow_shop.sandbox.events_url,
        color_scheme=theme,
        viewport=viewport,
        bypass_csp=True,
        reduced_motion="reduce",
    )
    page.locator("tr.accepted").click()
    page.locator("#detail .decisions").wait_for()
    assert faults(page, axe) == []
    assert page.evaluate("document.getElementById('detail').scrollWidth <= innerWidth")


def test_an_audit_finds_nothing_serious_without_events_or_token(shop: Shop, opened: Opened, axe: str) -> None:
    page = opened(shop.sandbox.base_url, bypass_csp=True)
    page.locator("#welcome").wait_for()
    assert faults(page, axe) == []
    page.goto(shop.sandbox.events_url)
    page.locator("#empty").wait_for()
    assert faults(page, axe) == []


def test_the_theme_is_the_systems_until_it_is_switched(shop: Shop, opened: Opened) -> None:
    page = opened(shop.sandbox.events_url, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Switch between light and dark").click()
    light = page.evaluate(ground)
    assert (dark, light) == ("rgb(16, 18, 24)", "rgb(244, 245, 248)")
    page.reload()
    assert page.evaluate(ground) == light


def test_screenshots_of_the_manual_are_taken(shop: Shop, opened: Opened, tmp_path: Path) -> None:
    """With UPDATE_GOLDENS=1 they replace those of the manual."""
    folder = IMAGES if os.environ.get("UPDATE_GOLDENS") else tmp_path
    folder.mkdir(exist_ok=True)
    day(shop)
    for theme, name in (("light", "sandbox-page"), ("dark", "sandbox-page-dark")):
        page = opened(shop.sandbox.events_url, color_scheme=theme, viewport=DESKTOP)
        page.locator("tr[data-id]").nth(12).wait_for()
        page.locator("tr.accepted").first.click()
        page.locator("#detail .tree").wait_for()
        page.screenshot(path=folder / f"{name}.png")
    page = opened(shop.sandbox.events_url, viewport=PHONE)
    page.locator("tr[data-id]").nth(5).wait_for()
    page.screenshot(path=folder / "sandbox-page-phone.png")
    taken = {path.name: path.stat().st_size for path in folder.glob("sandbox-*.png")}
    assert sorted(taken) == sorted(path.name for path in IMAGES.glob("sandbox-*.png"))
    assert max(taken.values()) < MOST_IMAGE_BYTES, json.dumps(taken)
