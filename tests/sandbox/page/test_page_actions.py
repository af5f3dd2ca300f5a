"""What is done with events on the page: edited and sent again, compared, exported, cleared, by keys alone."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.page.page_contents import PROPERTIES, expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.sandbox.page.conftest import Shop

    Opened = Callable[..., Page]


pytestmark = pytest.mark.slow


def test_an_event_is_edited_and_sent_again_as_a_new_one(shop: Shop, opened: Opened) -> None:
    shop.send(user="u1", properties={"amount": 1.0})
    page = opened(shop.sandbox.events_url)
    page.locator("tr[data-id]").click()
    page.get_by_role("button", name="Edit and resend").click()
    editor = page.get_by_label("The event, with a new")
    editor.fill("{")
    expect(page, "#compose .result", "Not JSON")
    assert page.get_by_role("button", name="Send", exact=True).is_disabled()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    text = editor.input_value()
    editor.fill(text.replace('"u1"', '"u2"'))
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page, "#compose .result", "202 accepted as message")
    first, second = shop.sandbox.store.events()
    assert (second.distinct_id, second.body["properties"]) == ("u2", {"amount": 1.0})
    assert second.insert_id != first.insert_id
    page.keyboard.press("Escape")
    expect(page, "tr[data-id]", "u2")


def test_a_spec_of_the_project_is_sent_from_a_form_of_its_variables(shop: Shop, opened: Opened) -> None:
    page = opened(shop.sandbox.events_url)
    page.get_by_role("button", name="Send a spec").click()
    page.get_by_label("Spec", exact=True).select_option("specs/refund.yaml")
    page.locator(".about", has_text="order_refunded").wait_for()
    page.get_by_label(re.compile("^order_id")).fill("no number")
    page.get_by_label(re.compile("^user")).fill("u7")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page, "#compose .problems", "var-schema")
    page.get_by_label(re.compile("^order_id")).fill("77")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page, "#compose .result", "202 accepted as message")
    [event] = shop.sandbox.store.events()
    assert (event.event, event.distinct_id, event.idempotency_key) == ("order_refunded", "u7", "refund-77-10")


def test_two_events_are_compared(shop: Shop, opened: Opened) -> None:
    shop.send(properties={"same": 1, "changed": "1", "gone": True})
    shop.send(properties={"same": 1, "changed": 1, "new": {"a": 1}})
    page = opened(shop.sandbox.events_url)
    page.locator("tr[data-id]").nth(1).click()
    expect(page, "#detail .number", "#1")
    page.keyboard.press("c")
    page.keyboard.press("k")
    expect(page, "#detail .number", "#2")
    page.keyboard.press("c")
    page.locator("#compare tbody tr").first.wait_for()
    lines = [re.sub(r"\s+", " ", row.inner_text()) for row in page.locator("#compare tbody tr").all()]
    assert [line for line in lines if "properties" in line] == [
        '≠ changed properties.changed "1" 1',
        "\N{MINUS SIGN} removed properties.gone true missing",
        '+ added properties.new missing {"a":1}',
    ]


def test_events_are_exported_as_json_lines_and_as_har(shop: Shop, opened: Opened) -> None:
    shop.send(user="u1", properties=PROPERTIES)
    shop.send(user="u2")
    shop.send_wrong_secret()
    page = opened(shop.sandbox.events_url)
    page.get_by_label("User").fill("u1")
    page.locator("tr[data-id]").nth(1).wait_for(state="detached")
    page.locator("#export summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON Lines").click()
    [line] = [json.loads(line) for line in download.value.path().read_text("utf-8").splitlines()]
    assert (line["distinct_id"], line["body"]["properties"]) == ("u1", PROPERTIES)
    page.get_by_role("button", name="Reset").click()
    page.locator("tr[data-id]").nth(2).wait_for()
    page.locator("#export summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="HAR 1.2").click()
    log = json.loads(download.value.path().read_text("utf-8"))["log"]
    assert (log["version"], [entry["response"]["status"] for entry in log["entries"]]) == ("1.2", [202, 202, 401])
    request = log["entries"][0]["request"]
    assert (request["method"], request["url"]) == ("POST", f"{shop.sandbox.base_url}v2/event/")
    assert json.loads(request["postData"]["text"])["properties"] == PROPERTIES


def test_the_keyboard_alone_reaches_everything(shop: Shop, opened: Opened) -> None:
    for user in ("u1", "u2", "u3"):
        shop.send(user=user)
    page = opened(shop.sandbox.events_url)
    page.locator("tr[data-id]").nth(2).wait_for()
    press = page.keyboard.press
    press("j")
    press("j")
    press("Enter")
    expect(page, "#detail .number", "#2")
    press("k")
    expect(page, "#detail .number", "#3")
    press("Escape")
    page.locator("#detail").wait_for(state="hidden")
    press("ArrowDown")
    assert page.locator("[aria-selected=true] td.user").inner_text() == "u2"
    press("/")
    page.keyboard.type("jk?")
    assert page.get_by_label("Text in the event").input_value() == "jk?"
    expect(page, "#empty", "No event matches")
    page.get_by_label("Text in the event").fill("")
    press("Escape")
    press("?")
    page.locator("#help[open]").wait_for()
    press("Escape")
    page.locator("#help[open]").wait_for(state="hidden")
    reached = set()
    for _ in range(30):
        press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.id || document.activeElement.name || document.activeElement.className"
            )
        )
    assert {"send-spec", "clear", "theme", "help-open", "text", "event_has", "distinct_id_has", "tenant_id_has", "status", "minutes", "table"} <= reached  # fmt: skip
    page.locator("#clear").focus()
    press("Enter")
    expect(page, "#clear-text", "all 3 events")
    press("Tab")
    press("Enter")
    expect(page, "#empty", "Waiting for the first event")
    assert shop.sandbox.store.counts().stored == 0


def test_clearing_is_confirmed_and_can_be_left(shop: Shop, opened: Opened) -> None:
    shop.send()
    page = opened(shop.sandbox.events_url)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Keep them").click()
    assert shop.sandbox.store.counts().stored == 1
