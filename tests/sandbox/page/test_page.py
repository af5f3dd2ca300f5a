"""The page in a browser: what arrives, how it is searched, opened, compared, sent again, exported and cleared."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.eventspec import load
from runner.sandbox.rules import SandboxRules
from runner.sandbox.server import Sandbox
from runner.sandbox.workflows import WorkflowRule
from tests.sandbox.conftest import SECRET, Caller
from tests.sandbox.page.conftest import Shop
from tests.sandbox.page.page_contents import PROPERTIES, expect, own_properties, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.conftest import CommandLine

    Opened = Callable[..., Page]


pytestmark = pytest.mark.slow


def copied(page: Page, what: str) -> str:
    page.get_by_role("button", name=what, exact=True).click()
    expect(page, ".toast", f"Copied the {what}")
    return str(page.evaluate("navigator.clipboard.readText()"))


@contextmanager
def running(folder: Path, port: str) -> Iterator[str]:
    """Run `runner sandbox` in a process of its own; yield the address of its page."""
    command = ["runner", "sandbox", "--port", port, "--memory", "-q"]
    server = subprocess.Popen(command, cwd=folder, env=environment(folder), stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        head = ""
        while "SUPRSEND_WORKSPACE_SECRET" not in head:
            line = server.stderr.readline()
            assert line, head
            head += line
        yield re.findall(r"http://\S+#token=\S+", head)[0]
    finally:
        server.terminate()
        server.communicate()


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder)}


def send(folder: Path, port: str, secret: str = SECRET) -> int:
    """Send all specs with `runner send` to a sandbox; return the exit code."""
    target = {
        "SUPRSEND_BASE_URL": f"http://127.0.0.1:{port}/",
        "SUPRSEND_WORKSPACE_KEY": "sandbox-workspace-key",
        "SUPRSEND_WORKSPACE_SECRET": secret,
    }
    command = ["runner", "send", "specs/", "--var", "user=u1", "-q"]
    environ = environment(folder) | target
    return subprocess.run(command, cwd=folder, env=environ, check=False, capture_output=True).returncode


def test_events_of_another_process_appear_within_a_second_without_reload_also_after_a_restart(
    in_repository: Path, tmp_path: Path, opened: Opened
) -> None:
    shutil.copytree(in_repository / "specs", tmp_path / "specs")
    with running(tmp_path, "0") as address:
        [port] = re.findall(r":(\d+)/#", address)
        page = opened(address)
        page.locator("#live[data-state=live]").wait_for()
        page.evaluate("window.isTheSamePage = true")
        assert send(tmp_path, port) == 0
        ended = time.monotonic()
        page.locator("tr.accepted", has_text="order_shipped").wait_for()
        assert time.monotonic() - ended < 1
        assert send(tmp_path, port, "wrong") == 3
        ended = time.monotonic()
        page.locator("tr.refused", has_text="invalid workspace key, secret or signature").first.wait_for()
        assert time.monotonic() - ended < 1
    page.locator("#live[data-state=lost]").wait_for()
    with running(tmp_path, port) as again:
        assert again == address
        page.locator("#live[data-state=live]").wait_for()
        expect(page, "#empty", "Waiting for the first event")
        Caller(int(port)).post("/v2/event/", Caller(int(port)).event(event="after_the_restart"))
        page.locator("tr.accepted", has_text="after_the_restart").wait_for()
        assert page.evaluate("window.isTheSamePage")


def test_rows_say_what_arrived_and_why_it_was_refused_or_will_do_nothing(shop: Shop, opened: Opened) -> None:
    page = opened(shop.sandbox.events_url)
    expect(page, "#empty", "Waiting for the first event")
    shop.send(user="u1", tenant_id="acme", **{"$idempotency_key": "k1"})
    shop.send(user="u1", **{"$idempotency_key": "k1"})
    shop.send("oder_placed", user="u2")
    shop.send(user="u3", tenant_id="umbrella")
    shop.send_wrong_secret()
    page.locator("tr[data-id]").nth(4).wait_for()
    assert rows(page) == [
        "✕ 401 refused | /v2/event/ invalid workspace key, secret or signature | ",
        "✕ 404 refused | order_placed tenant/brand doesn't exist with id: umbrella | u3",
        "✓ 202 accepted | oder_placed ⚠ no workflow listens to 'oder_placed': did you mean 'order_placed'? | u2",
        "= 202 duplicate | order_placed | u1",
        "✓ 202 accepted | order_placed | u1",
    ]
    for counter, count in {"accepted": "2", "duplicate": "1", "refused": "2", "warned": "1"}.items():
        expect(page, f".counter.{counter} strong", count)
    assert not page.locator("#empty").is_visible()


def test_filters_select_stored_events_and_those_that_arrive(shop: Shop, opened: Opened) -> None:
    for user in ("anna", "ben"):
        shop.send(user=user, tenant_id="acme", properties={"note": f"lamp for {user}"})
    shop.send("order_shipped", user="anna", tenant_id="umbrella")
    page = opened(shop.sandbox.events_url)
    page.get_by_label("User").fill("AN")
    page.locator("tr[data-id]").nth(1).wait_for()
    page.locator("tr[data-id]").nth(2).wait_for(state="detached")
    assert [row.split(" | ")[1:] for row in rows(page)][1] == ["order_placed", "anna"]
    page.get_by_label("User").fill("")
    page.get_by_label("Text in the event").fill("lamp for ben")
    page.locator("tr[data-id]").nth(1).wait_for(state="detached")
    shop.send(user="cleo", properties={"note": "no"})
    shop.send(user="dora", properties={"note": "another lamp for ben"})
    expect(page, "tr[data-id]", "dora")
    assert [row.split(" | ")[2] for row in rows(page)] == ["dora", "ben"]
    page.get_by_role("button", name="Reset").click()
    page.locator(".counter.refused").click()
    page.locator("tr[data-id]").nth(1).wait_for(state="detached")
    assert rows(page) == ["✕ 404 refused | order_shipped tenant/brand doesn't exist with id: umbrella | anna"]


def test_one_event_shows_its_values_with_types_attachments_request_and_duplicates(shop: Shop, opened: Opened) -> None:
    attached = [{"filename": "a.pdf", "url": "https://example.com/a.pdf", "ignore_if_error": True}]
    body: dict[str, Any] = {"properties": {**PROPERTIES, "$attachments": attached}, "$idempotency_key": "k1"}
    shop.send(**body)
    shop.send(**body)
    page = opened(shop.sandbox.events_url)
    page.locator("tr.duplicate").click()
    expect(page, "#detail .callout", "its key was seen in the last 24 hours")
    leaves = [leaf.inner_text() for leaf in page.locator("#detail .tree li:not(:has(> details))").all()]
    assert [line for line in leaves if not line.startswith(("$", "event", "env", "distinct_id"))][:6] == [
        'order_id: "1001" string',
        "amount: 129.5 number",
        "rounded: 12.0 number",
        "gift: false boolean",
        "coupon: null null",
        'note: "it\'s {{ not a template }}: #1" string',
    ]
    page.locator("#detail .tree summary", has_text="items").locator("..").locator("summary", has_text="0:").click()
    expect(page, "#detail .tree li", "quantity: 1 integer")
    assert "https://example.com/a.pdf" in page.locator(".attachments").inner_text()
    page.locator("#detail summary", has_text="Request").click()
    headers = page.locator("#detail .headers").inner_text()
    assert "(hidden)" in headers
    assert "sandbox-workspace-key" not in headers
    page.locator("#detail .links a").first.click()
    expect(page, "#detail .number", "#1")
    expect(page, "#detail .badge", "202 Accepted")
    page.go_back()
    expect(page, "#detail .number", "#2")
    page.go_back()
    page.locator("#detail").wait_for(state="hidden")


def test_messages_stand_on_a_time_line_of_what_was_and_what_comes(opened: Opened) -> None:
    rule = WorkflowRule("order-confirmation", "Order confirmation", "transactional", ("email",), 0, 60_000, "seen")
    with Sandbox(rules=SandboxRules(workflows={"order_placed": rule})) as running:
        shop = Shop(running)
        shop.send()
        running.store.advance("", 150_000)  # a minute for each status
        page = opened(running.events_url)
        page.locator("tr[data-id]").click()
        expect(page, ".messages", "order-confirmation")
        steps = [step.split("\n")[0] for step in page.locator(".steps li").all_inner_texts()]
        assert steps == ["triggered", "sent_by_vendor", "delivered", "seen"]
        passed = page.locator(".steps li.passed").all_inner_texts()
        assert [step.split("\n")[0] for step in passed] == steps[:3]
        assert page.locator(".messages .chip").inner_text() == "delivered"


def test_a_copied_spec_makes_the_event_again_and_the_copied_case_and_row_fit_it(
    shop: Shop, opened: Opened, cli: CommandLine, in_tmp: Path
) -> None:
    assert shop.send(user="u1", tenant_id="acme", properties=PROPERTIES) == 202
    page = opened(shop.sandbox.events_url)
    page.locator("tr[data-id]").click()
    spec, case, row, curl = (copied(page, what) for what in ("spec", "case", "row", "curl"))
    Path("placed.yaml").write_text(f"{spec}{case}")
    problems = load(in_tmp / "placed.yaml", in_tmp).problems
    assert {problem.code for problem in problems} == {"template-not-rendered"}, "a warning that braces stay as they are"
    made = cli("render", "placed.yaml").json
    assert {key: made[key] for key in ("event", "distinct_id", "tenant_id")} == {
        "event": "order_placed", "distinct_id": "u1", "tenant_id": "acme",
    }  # fmt: skip
    assert own_properties(made) == PROPERTIES
    tested = cli("test", "placed.yaml")
    assert (tested.code, tested.err) == (0, ""), tested.out
    Path("rows.jsonl").write_text(f"{row}\n")
    assert own_properties(cli("render", "placed.yaml", "--rows", "rows.jsonl").json) == PROPERTIES
    ran = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["status"] == "success"
    assert json.loads(shop.sandbox.store.events()[-1].raw)["properties"] == PROPERTIES


def test_the_page_asks_for_the_token_and_takes_the_address(shop: Shop, opened: Opened) -> None:
    shop.send()
    page = opened(shop.sandbox.base_url)
    page.get_by_label("Address or token").fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page, "#token-error", "not the one of this start")
    page.get_by_label("Address or token").fill(shop.sandbox.events_url)
    page.get_by_role("button", name="Open").click()
    page.locator("tr[data-id]").wait_for()
    page.reload()
    page.locator("tr[data-id]").wait_for()
    assert "token" not in page.url


def test_the_newest_of_many_events_open_first_and_older_ones_are_scrolled_to(shop: Shop, opened: Opened) -> None:
    caller = Caller(shop.sandbox.port)
    for start in range(0, 3000, 100):
        events = [
            caller.event(distinct_id=f"u{n}", **{"$insert_id": f"{n:08}-1111-4111-8111-111111111111"})
            for n in range(start, start + 100)
        ]
        caller.post("/v2/bulk/event/", events)
    page = opened(shop.sandbox.events_url)
    page.locator("tr[data-id]", has_text="u2999").wait_for()
    assert page.locator("tr[data-id]").count() < 60
    for _ in range(40):
        page.evaluate("document.getElementById('scroller').scrollTop = 1e9")
        if page.locator("tr[data-id='1']").count():
            break
        page.wait_for_timeout(100)
    page.locator("tr[data-id='1']").wait_for()
    assert page.locator("tr[data-id]").count() < 60
    shop.send(user="the newest")
    expect(page, ".counter.accepted strong", "3,001")
    page.locator("tr[data-id='1']").wait_for()
    page.get_by_role("button", name="↑ Newest").click()
    expect(page, "tr[data-id]", "the newest")


def test_sessions_are_told_apart(shop: Shop, opened: Opened) -> None:
    shop.send(user="u1")
    other = shop.caller.as_workspace(f"{shop.caller.key}.t1", shop.caller.secret)
    other.post("/v2/event/", other.event(distinct_id="u2"))
    page = opened(shop.sandbox.events_url)
    page.locator("#session-field").wait_for()
    page.get_by_label("Session").select_option(label="t1")
    page.locator("tr[data-id]").nth(1).wait_for(state="detached")
    assert [row.split(" | ")[2] for row in rows(page)] == ["u2"]
    expect(page, ".counter.accepted strong", "1")


def test_the_stream_goes_on_after_the_network_was_lost(shop: Shop, opened: Opened) -> None:
    page = opened(shop.sandbox.events_url)
    page.locator("#live[data-state=live]").wait_for()
    shop.send(user="before")
    expect(page, "tr[data-id]", "before")
    page.route("**/_sandbox/stream**", lambda route: route.abort())
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    shop.send(user="meanwhile")
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator("#live[data-state=lost]").wait_for()
    page.unroute("**/_sandbox/stream**")
    page.locator("#live[data-state=live]").wait_for()
    shop.send(user="after")
    expect(page, "tr[data-id]", "after")
    assert [row.split(" | ")[2] for row in rows(page)] == ["after", "meanwhile", "before"]
