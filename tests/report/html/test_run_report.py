"""The report of a run in a browser, and its picture in the manual."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest

from runner.bulk.by_column import ColumnCounts
from runner.bulk.ledger import RunSummary
from runner.bulk.measures import RunMeasures
from runner.bulk.options import BulkOptions
from runner.bulk.outcomes import Counts, RowOutcome
from runner.bulk.record import RunRecord, SavedOptions
from runner.report.html.run_report import RunReport, run_report
from runner.rows.dataset import DataFile, Dataset
from runner.rows.places import Places
from runner.secrets import Mask
from tests.bulk.ledger.conftest import RUN
from tests.report.html.conftest import AT
from tests.report.html.test_cases_report import MOST_BYTES, opened_report
from tests.sandbox.page.conftest import IMAGES
from tests.sandbox.page.test_looks import MOST_IMAGE_BYTES, PHONE, faults
from tests.sandbox.page.test_safety import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    Opened = Callable[..., Page]

pytestmark = pytest.mark.slow
DESKTOP = {"width": 1180, "height": 1080}
PARTS = 120
START_MS = 1767323045000


def record(folder: Path) -> RunRecord:
    bulk = BulkOptions(
        Dataset(("orders.csv",), (DataFile("orders.csv", ()),), None),
        {},
        False,
        None,
        0,
        16,
        None,
        None,
        None,
        None,
        100,
    )
    saved = SavedOptions(
        (), (), (), None, None, None, None, folder, is_sandboxed=True, timeout_s=30, retries=3, bulk=bulk
    )
    return RunRecord(RUN.id, RUN.seed, AT, "specs/purchase.yaml", ("orders.csv",), saved.arguments(), {})


def measured() -> RunMeasures:
    """Return the measures of a run that goes well at first, and then slows down."""
    found = RunMeasures()
    for part in range(PARTS):
        wave = (part * 37 % 50) + (180 if 60 < part < 80 else 0)
        failed = 9 if 60 < part < 80 else part % 3
        at_ms = START_MS + part * 110 + wave
        sizes = f"[[{384 + 64 * (part % 3)},80],[{1024 << part % 4},20]]"
        line = f"[{at_ms},{100 - failed},{failed},0,0,[[[{40 + wave * 1.7:.1f},100]],{sizes},[[{1 + (wave > 180)},100]],9000]]"
        found.add(line)
    return found


BY = ColumnCounts("country", {"DE": 4000, "FR": 2500, "IN": 5500}, {"DE": 20, "FR": 190, "IN": 63})


def measured_once(took_ms: float, sizes: str, largest: int) -> RunMeasures:
    found = RunMeasures()
    found.add(f"[{START_MS},1,0,0,0,[[[{took_ms},1]],{sizes},[[1,1]],{largest}]]")
    return found


def run(
    folder: Path,
    failures: list[RowOutcome],
    whole: int,
    by: ColumnCounts | None = BY,
    measures: RunMeasures | None = None,
    sessions: int = 1,
) -> bytes:
    counts = Counts(whole - len(failures), len(failures))
    summary = RunSummary(RUN.id, "specs/purchase.yaml", ("orders.csv",), "finished", AT, whole, counts)
    messages = {outcome.row: f"tenant/brand doesn't exist with id: shop-{outcome.row % 7}" for outcome in failures}
    report = RunReport(
        summary,
        record(folder),
        sessions,
        measured() if measures is None else measures,
        partial(iter, failures),
        Places(()),
        messages,
        by,
        "runner runs show last",
    )
    return run_report(report, Mask())


def failures(count: int) -> list[RowOutcome]:
    return [
        RowOutcome(row, row + 1, "failed", "refused" if row % 4 else "var-schema", 404 if row % 4 else 0, row % 3)
        for row in range(7, 7 + count * 3, 3)
    ]


@pytest.mark.parametrize(("failed", "state"), [(0, b"finished</span>"), (1, b"finished with failures</span>")])
def test_a_finished_run_says_whether_it_has_failures(tmp_path: Path, failed: int, state: bytes) -> None:
    assert state in run(tmp_path, failures(failed), 10)


def test_ten_thousand_failed_rows_are_a_small_file(tmp_path: Path) -> None:
    content = run(tmp_path, failures(10_000), 12_000)
    assert len(content) < MOST_BYTES
    assert b"of 10,000 are listed here; runner runs show last --all lists all." in content


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_audit_finds_nothing_serious_and_the_manual_has_a_picture(
    opened: Opened, tmp_path: Path, axe: str, theme: str
) -> None:
    """With UPDATE_GOLDENS=1 the pictures replace those of the manual."""
    content = run(tmp_path, failures(273), 12_000)
    page = opened_report(opened, tmp_path, content, color_scheme=theme, viewport=DESKTOP, bypass_csp=True)
    name = "report-run.png" if theme == "light" else "report-run-dark.png"
    folder = IMAGES if os.environ.get("UPDATE_GOLDENS") else tmp_path
    page.screenshot(path=folder / name)
    assert (folder / name).stat().st_size < MOST_IMAGE_BYTES
    assert (IMAGES / name).exists()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert faults(page, axe) == []
    phone = opened_report(opened, tmp_path, content, color_scheme=theme, viewport=PHONE, bypass_csp=True)
    assert faults(phone, axe) == []
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_no_value_of_a_column_runs_or_breaks_the_page(opened: Opened, tmp_path: Path) -> None:
    values = dict.fromkeys([*HOSTILE, "</title><script>window.ran=1</script>"], 3)
    by = ColumnCounts("</h2><script>window.ran=1</script>", values, values)
    page = opened_report(opened, tmp_path, run(tmp_path, failures(3), 12_000, by), viewport=PHONE)
    assert page.locator("ul.bars").nth(1).locator("li").count() == min(12, len(values))
    assert page.evaluate("window.ran === undefined && document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("img, main script").count() == 0


OVERLAPS = """() => [...document.querySelectorAll('svg.plot')].flatMap(plot => {
    const boxes = [...plot.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
    const meet = (one, other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
    return boxes.flatMap(([name, box], at) => boxes.slice(at + 1).filter(([, other]) => meet(box, other)).map(([other]) => `${name} over ${other}`));
})"""
GAPS = """() => {
    const boxes = [...document.querySelectorAll('section.card')].map(card => card.getBoundingClientRect());
    const gaps = boxes.flatMap(one => boxes.filter(other => other.top > one.top && other.left < one.right && one.left < other.right).map(other => other.top - one.bottom));
    return Math.min(...gaps);
}"""


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    "measures",
    [
        measured(),
        measured_once(1.6, "[[224,1]]", 253),
        measured_once(0.1, "[[224,1],[96256,900]]", 99_000),
        measured_once(90_000, "[[98304,1000000]]", 110_000),
    ],
    ids=["a run", "one small event", "small and large", "too large"],
)
def test_no_text_of_a_plot_covers_another_and_cards_stand_apart(
    opened: Opened, tmp_path: Path, viewport: dict[str, int], measures: RunMeasures
) -> None:
    page = opened_report(opened, tmp_path, run(tmp_path, failures(3), 12_000, measures=measures), viewport=viewport)
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(GAPS) >= 13


def test_axes_have_units_and_only_whole_numbers_of_events(opened: Opened, tmp_path: Path) -> None:
    measures = measured_once(1.6, "[[224,1]]", 253)
    page = opened_report(opened, tmp_path, run(tmp_path, [], 1, None, measures))
    assert page.locator("h2").all_inner_texts() == ["Time to the answer", "Sizes of events", "Retries", "Environment"]
    assert page.locator(".scale").all_text_contents() == ["1 event", "1 event"]
    assert "1.6 ms\ntime of sending" in page.locator(".counters").inner_text()


def test_a_run_without_rows_says_so(opened: Opened, tmp_path: Path) -> None:
    page = opened_report(opened, tmp_path, run(tmp_path, [], 0, None, RunMeasures()))
    assert page.locator("main svg").count() == 0
    assert page.locator("main > .about").all_inner_texts() == ["No row was sent."]


def test_one_failure_among_a_million_is_seen(opened: Opened, tmp_path: Path) -> None:
    measures = measured()
    for _ in range(100):
        measures.add(f"[{START_MS + 4000},10000,0,0,0,[[[40,10000]],[[256,10000]],[[1,10000]],260]]")
    measures.add(f"[{START_MS + 4000},0,1,0,0,[[[40,1]],[[256,1]],[[1,1]],260]]")
    page = opened_report(opened, tmp_path, run(tmp_path, failures(1), 1_012_000, None, measures))
    sizes = "(selector) => [...document.querySelectorAll(selector)].map(each => each.getBoundingClientRect()).map(box => [box.width, box.height])"
    [[whole, _]], shares = page.evaluate(sizes, ".share"), page.evaluate(sizes, ".share rect")
    assert sum(width for width, _ in shares) == pytest.approx(whole)
    assert min(width for width, _ in shares) >= 3
    assert min(height for _, height in page.evaluate(sizes, ".plot rect.failed")) >= 1


def test_print_has_all_rows_in_dark_on_light(opened: Opened, tmp_path: Path) -> None:
    page = opened_report(opened, tmp_path, run(tmp_path, failures(273), 12_000), color_scheme="light")
    page.get_by_role("button", name="Light or dark").click()
    color = "getComputedStyle(document.body).color"
    assert page.evaluate(color) == "rgb(232, 234, 240)"
    page.emulate_media(media="print")
    assert page.evaluate(color) == "rgb(26, 29, 36)"
    page.pdf()
    assert page.locator("tr.row").count() == 273


def test_events_that_two_sessions_sent_are_explained(tmp_path: Path) -> None:
    told = b"An event that several sessions sent counts in each."
    assert (told in run(tmp_path, [], 1, sessions=2), told in run(tmp_path, [], 1)) == (True, False)


def test_one_long_text_takes_no_room_of_others(tmp_path: Path) -> None:
    values = {f"{number}{'x' * 200_000}": 3 for number in range(20)}
    content = run(tmp_path, failures(300), 12_000, ColumnCounts("c" * 200_000, values, values))
    assert len(content) < MOST_BYTES
    assert b"are listed here" not in content
