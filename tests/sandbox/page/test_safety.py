"""The page is safe: nothing of an event runs or breaks it, and no page of another origin reads or changes anything."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.sandbox.page.conftest import Shop

    Opened = Callable[..., Page]

pytestmark = pytest.mark.slow
HOSTILE = [
    "<script>window.ran = 1</script>",
    '"><img src=x onerror="window.ran = 1">',
    "<svg/onload=window.ran=1>",
    "javascript:window.ran=1",
    "</textarea></pre></style><script>window.ran=1</script>",
    "{{constructor.constructor('window.ran=1')()}}",
    "\u202egnp.exe\u2066 \u200b\ufeff\u0007\u001b[31m",
    "Z\u0335\u0321a\u0334\u0321lgo" * 20,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "x" * 5000,
    "a\nb\r\nc\td",
]
ORIGINS_TRY = """async (base) => {
    const tries = {
        read: () => fetch(base + "_sandbox/events"),
        readWithToken: () => fetch(base + "_sandbox/events", {headers: {Authorization: "Bearer guess"}}),
        page: () => fetch(base),
        clear: () => fetch(base + "_sandbox/events", {method: "DELETE"}),
        post: () => fetch(base + "event/", {method: "POST", body: "{}", mode: "no-cors"}),
        render: () => fetch(base + "_sandbox/page/render", {method: "POST", body: "{}", mode: "no-cors"}),
    };
    const seen = {};
    for (const [name, attempt] of Object.entries(tries)) {
        try { const answer = await attempt(); seen[name] = answer.type; } catch { seen[name] = "failed"; }
    }
    return seen;
}"""


@contextmanager
def other_site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>elsewhere</title><body>")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_nothing_of_an_event_runs_or_breaks_the_page(shop: Shop, opened: Opened) -> None:
    for number, text in enumerate(HOSTILE):
        properties = {text: text, "__proto__": {"polluted": text}, "constructor": text, "list": [text] * 3}
        shop.send(text[:60], user=text[:200], properties=properties, **{"$idempotency_key": f"{number}{text}"[:250]})
    shop.send(properties={"large": "é" * 40_000, "deep": json.loads("[" * 90 + "]" * 90), "many": list(range(5000))})
    shop.send(properties={"oversized": "y" * 700_000})
    shop.caller.post("/v2/event/", b"\xff\xfe<script>window.ran=1</script>")
    shop.caller.post("/v2/event/?<script>window.ran=1</script>", b"{}")
    stored = shop.sandbox.store.counts().stored
    page = opened(shop.sandbox.events_url)
    page.locator("tr[data-id]").nth(stored - 1).wait_for()
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    heights = set(page.evaluate("[...document.querySelectorAll('tr[data-id]')].map(row => Math.round(row.getBoundingClientRect().height))"))  # fmt: skip
    assert (width, len(heights)) == (0, 1)
    for arrival in range(stored, 0, -1):
        page.evaluate("id => { location.hash = `event=${id}`; }", arrival)
        page.locator("#detail .number", has_text=f"#{arrival}").wait_for()
        page.evaluate("for (const each of document.querySelectorAll('#detail details')) each.open = true")
        panel = page.evaluate(
            "(({scrollWidth, clientWidth}) => scrollWidth - clientWidth)(document.getElementById('detail'))"
        )
        assert panel <= 0, f"the panel of #{arrival} is wider than its place"
    page.keyboard.press("e")
    page.locator("#compose[open]").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("[window.ran, ({}).polluted, document.querySelectorAll('script').length, document.images.length]") == [None, None, 1, 1]  # fmt: skip
    assert "\\u202e" in page.locator("#rows").inner_text()
    assert "\u202e" not in page.locator("body").inner_text()


def test_a_page_of_another_origin_can_neither_read_nor_change_anything(shop: Shop, browser: Browser) -> None:
    shop.send()
    before = shop.sandbox.store.counts()
    with other_site() as site, closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(site)
        seen = page.evaluate(ORIGINS_TRY, shop.sandbox.base_url)
        assert seen == {
            "read": "failed", "readWithToken": "failed", "page": "failed", "clear": "failed",
            "post": "opaque", "render": "opaque",  # sent, but refused, and the answer can't be read
        }  # fmt: skip
        page.evaluate(
            """base => { const form = document.createElement("form"); form.method = "post"; form.enctype = "text/plain";
                form.action = base + "event/"; document.body.append(form); form.submit(); }""",
            shop.sandbox.base_url,
        )
        page.get_by_text("requests from pages of other origins are refused").wait_for()
        page.goto(site)
        page.evaluate(
            """base => { const frame = document.createElement("iframe"); frame.src = base; document.body.append(frame); }""",
            shop.sandbox.base_url,
        )
        page.wait_for_timeout(200)
        assert page.frames[-1].evaluate("document.title") != "Sandbox"
    assert shop.sandbox.store.counts() == before


def test_the_page_and_its_files_are_sent_with_a_strict_policy(shop: Shop) -> None:
    for path in ("/", "/page/main.js", "/page/style.css", "/page/icon.svg"):
        answer = shop.caller.send("GET", path)
        assert answer.status == 200
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"} <= set(
            policy
        )
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    for path in ("/page/..%2fapp.py", "/page/../app.py", "/page/nothing.js", "/page/"):
        assert shop.caller.send("GET", path).status in (404, 501)
    page = shop.caller.send("GET", "/").text
    assert "http://" not in page.replace("http://127.0.0.1", "")
    assert "https://" not in page


@pytest.mark.parametrize("path", ["records", "overview", "export", "credentials", "specs", "spec?path=a"])
def test_each_endpoint_of_the_page_needs_the_token(shop: Shop, path: str) -> None:
    assert shop.caller.send("GET", f"/_sandbox/page/{path}").status == 401


def test_only_specs_of_the_project_are_rendered_and_only_for_json(shop: Shop) -> None:
    token = shop.sandbox.events_url.partition("=")[2]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for path in ("../../etc/passwd", "/etc/passwd", "specs/../pyproject.toml", "specs/runner.yaml", ""):
        body = json.dumps({"path": path, "variables": {}}).encode()
        assert shop.caller.send("POST", "/_sandbox/page/render", body, headers).status == 404
    body = json.dumps({"path": "specs/refund.yaml", "variables": {"user": "u1"}}).encode()
    as_text = shop.caller.send("POST", "/_sandbox/page/render", body, headers | {"Content-Type": "text/plain"})
    assert as_text.refusal == (400, "the body must be application/json", "bad_request")
    assert shop.caller.send("POST", "/_sandbox/page/render", body, headers).json["event"]["distinct_id"] == "u1"
    for wrong in (b"[]", b'{"path": 1}', b'{"path": "a", "variables": {"a": 1}}', b"{", b""):
        assert shop.caller.send("POST", "/_sandbox/page/render", wrong, headers).status == 400
