"""The files of the page at `/`. They hold no data: the page's script requests that with the token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from runner.sandbox.http import answering
from runner.sandbox.refusals import not_found

if TYPE_CHECKING:
    from starlette.requests import Request

_FOLDER = Path(__file__).with_name("page")
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No inline script, no other source, and no way to turn text into HTML (Content Security Policy Level 3, Trusted Types)."""
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def routes() -> list[Route]:
    """Return the routes of the page and its files."""
    return [
        Route("/", answering(_index), methods=["GET"]),
        Route("/page/{name}", answering(_file), methods=["GET"]),
    ]


async def _index(request: Request) -> Response:
    del request
    return _answer("index.html")


async def _file(request: Request) -> Response:
    return _answer(request.path_params["name"])


def _answer(name: str) -> Response:
    """Return a file of the page; only the names in its folder are known, so that no path leads out of it."""
    found = next((each for each in _FOLDER.iterdir() if each.name == name and each.suffix in _TYPES), None)
    if found is None:
        raise not_found("this page has no such file")
    return Response(found.read_bytes(), media_type=_TYPES[found.suffix], headers=_HEADERS)
