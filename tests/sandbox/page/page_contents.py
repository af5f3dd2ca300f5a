"""What the page shows, as its tests read it, and an event with values of every kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    Opened = Callable[..., Page]


PROPERTIES = {
    "order_id": "1001",
    "amount": 129.5,
    "rounded": 12.0,
    "gift": False,
    "coupon": None,
    "items": [{"name": "Lamp", "quantity": 1}],
    "note": "it's {{ not a template }}: #1",
    "true": "no name of a variable",
}


def rows(page: Page) -> list[str]:
    """List the rows, the newest first, each as status, event with its note, and user."""
    found = page.locator("tr[data-id]").all()
    cells = [[row.locator(f"td.{kind}").inner_text() for kind in ("status", "event", "user")] for row in found]
    return [" | ".join(re.sub(r"\s+", " ", text).strip() for text in each) for each in cells]


def expect(page: Page, selector: str, text: str) -> None:
    page.locator(selector, has_text=text).first.wait_for()


def own_properties(event: Any) -> Any:
    return {name: value for name, value in event["properties"].items() if not name.startswith("$")}
