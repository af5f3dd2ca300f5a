"""The report of cases in a browser: what it shows, that all can use it, and that nothing of data runs in it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from runner.report.html.page import START
from tests.report.html.conftest import STORY, case, problem, report
from tests.sandbox.page.test_looks import DESKTOP, PHONE, faults
from tests.sandbox.page.test_safety import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    Opened = Callable[..., Page]

CASES = 10_000
MOST_BYTES = 400_000
MOST_MS = 1_000
FEW = (
    case(
        "a premium purchase", problem("expected 1, got 2", ["1 (a number)", "2 (a number)"]), problem("too old", at="x")
    ),
    case("a refund", problem("expected 3, got 4", ["3", "4"]), spec="specs/b.yaml", story=STORY),
    case("a gift"),
)


def opened_report(opened: Opened, folder: Path, content: bytes, **options: object) -> Page:
    file = folder / "report.html"
    file.write_bytes(content)
    return opened(file.as_uri(), **options)


def test_a_report_needs_no_network_and_names_what_may_run() -> None:
    text = report(*FEW).decode()
    assert text.startswith(START)
    assert re.findall(r"""(?:src|href)="([^"]*)""", text) == ["#content"]
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert re.sub(r"sha256-[^&]+", "…", policy) == (
        "default-src &#x27;none&#x27;; style-src &#x27;…&#x27;; script-src &#x27;…&#x27;; base-uri &#x27;none&#x27;; "
        "form-action &#x27;none&#x27;; require-trusted-types-for &#x27;script&#x27;; trusted-types &#x27;none&#x27;"
    )
    assert re.search(r"\son\w+=|style=", text) is None


def test_secrets_are_masked_in_all_of_a_report() -> None:
    secret = "s3cr3t-value"
    told = problem(f"expected {secret}", [secret, f"Bearer {secret}"], at=f"properties.{secret}")
    text = report(case(f"case {secret}", told, story=[STORY[0]._replace(text=secret)]), secrets=[secret]).decode()
    assert secret not in text
    assert "Bearer ***" in text


def test_one_long_text_takes_no_room_of_others() -> None:
    long = "x" * 300_000
    told = problem(long, [long, long], at=long)
    content = report(case(f"first {long}", told, story=[STORY[0]._replace(text=long)]), *FEW)
    assert len(content) < MOST_BYTES
    assert b"are listed here" not in content


def test_cases_that_did_not_run_are_not_among_the_slowest() -> None:
    text = report(case("run"), case("left out")._replace(state="skipped")).decode()
    assert "specs/a.yaml: run" in text
    assert "specs/a.yaml: left out" not in text


@pytest.mark.slow
def test_a_failure_shows_its_fields_side_by_side(opened: Opened, tmp_path: Path) -> None:
    page = opened_report(opened, tmp_path, report(*FEW))
    rows = page.locator("tr.row")
    assert rows.all_inner_texts() == [
        "specs/a.yaml\ta premium purchase\tcase-mismatch\texpected 1, got 2 (and 1 more)",
        "specs/b.yaml\ta refund\tcase-mismatch\texpected 3, got 4",
    ]
    page.get_by_role("button", name="expected 1, got 2 (and 1 more)").click()
    assert page.locator(".difference tbody tr").all_inner_texts() == ["properties.amount\t1 (a number)\t2 (a number)"]
    assert page.locator(".said").all_inner_texts() == ["too old", "specs/a.yaml:7"]
    assert page.locator(".story li").all_inner_texts()[0] == "order-confirmation for u1"


@pytest.mark.slow
def test_the_table_is_searched_and_sorted_with_the_keyboard_alone(opened: Opened, tmp_path: Path) -> None:
    page = opened_report(opened, tmp_path, report(*FEW))
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "search":
            break
    page.keyboard.type("refund 4")
    assert page.locator("tr.row").all_inner_texts() == ["specs/b.yaml\ta refund\tcase-mismatch\texpected 3, got 4"]
    assert page.locator("output").inner_text() == "1 of 2 fit"
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    assert page.locator("tr.row").first.inner_text().startswith("specs/b.yaml")
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("tr.detail:not([hidden])").count() == 1


@pytest.mark.slow
def test_nothing_of_data_runs_or_breaks_the_page(opened: Opened, tmp_path: Path) -> None:
    cases = [
        case(f"{number} {text}", problem(text, [text, text], at=text), spec=text, story=[STORY[0]._replace(text=text)])
        for number, text in enumerate([*HOSTILE, "<!--<script>", "]]>", "\u2028", "__proto__"])
    ]
    page = opened_report(opened, tmp_path, report(*cases))
    assert page.locator("tr.row").count() == len(cases)
    for button in page.locator("button.open").all():
        button.click()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("window.ran === undefined && document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("img, iframe, main script, table svg").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_audit_finds_nothing_serious(
    opened: Opened, tmp_path: Path, axe: str, theme: str, viewport: dict[str, int]
) -> None:
    page = opened_report(opened, tmp_path, report(*FEW), color_scheme=theme, viewport=viewport, bypass_csp=True)
    page.locator("button.open").first.click()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert faults(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_the_theme_is_the_systems_until_it_is_switched(opened: Opened, tmp_path: Path) -> None:
    page = opened_report(opened, tmp_path, report(*FEW), color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Light or dark").click()
    assert (dark, page.evaluate(ground)) == ("rgb(16, 18, 24)", "rgb(244, 245, 248)")


@pytest.mark.slow
@pytest.mark.parametrize("failing", [0, 300, CASES])
def test_ten_thousand_cases_are_a_small_file_that_opens_at_once(opened: Opened, tmp_path: Path, failing: int) -> None:
    def one(number: int) -> tuple[dict[str, object], ...]:
        told = problem(
            f"properties.order: expected {number} (a number), got {number + 1} (a number)", [f"{number}", "x"]
        )
        return (told,) if number < failing else ()

    content = report(
        *(
            case(f"order {number} of {number % 97}", *one(number), spec=f"specs/{number % 300}.yaml")
            for number in range(CASES)
        )
    )
    assert len(content) < MOST_BYTES
    page = opened_report(opened, tmp_path, content)
    took_ms = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert took_ms < MOST_MS
    data = json.loads(page.locator("#data").text_content() or "")
    note = page.locator("section", has=page.locator("#failures")).locator("> .about").all_inner_texts()
    is_cut = len(data["rows"]) < failing
    assert note == (
        [f"{len(data['rows']):,} of {failing:,} are listed here; runner test -o json lists all."] if is_cut else []
    )
    assert page.locator("tr.row").count() == min(failing, 100)
