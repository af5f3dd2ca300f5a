"""The parts of a page → one HTML file that needs nothing else, and in which no text of data can run.

The file's Content Security Policy allows its own style and script by their digests, and nothing of another source. The
script makes no HTML of texts, which Trusted Types hold. Data stands in a block that is no script.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from runner.report.html.markup import Markup, el

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FOLDER = Path(__file__).parent
START = "<!doctype html>\n<!-- a report of suprsend-runner -->\n"
"""How each report begins: a file that begins otherwise is not overwritten."""


def page(title: str, header: Sequence[str], sections: Sequence[str | None], data: Mapping[str, object]) -> bytes:
    """Return the file. `data` is for the script: the rows of the table of failures."""
    style, script = (Markup(_read(name)) for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        el("style", style),
    )
    theme = el("button", "Light or dark", type="button", id="theme", hidden=True)
    body = el(
        "body",
        el("a.skip", "Skip to the content", href="#content"),
        el("header.top", *header, theme),
        el("main", *sections, id="content", tabindex="-1"),
        el("script", _json(data), type="application/json", id="data"),
        el("script", script),
    )
    return f"{START}{el('html', head, body, lang='en')}\n".encode("utf-8", "replace")


def card(title: str, *content: str | None, note: str | None = None, kind: str = "") -> Markup:
    """Return a part of the page with a heading, and a sentence below it."""
    note_line = el("p.about", note) if note else None
    return el(f"section.card{kind}", el("h2", title), note_line, *content)


def numbers(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """Return the numbers of a plot as a table, which opens on request."""
    made = el(
        "table",
        el("thead", el("tr", *(el("th", each, scope="col") for each in head))),
        el("tbody", *(el("tr", *(el("td", cell) for cell in row)) for row in rows)),
    )
    return el(
        "details.numbers",
        el("summary", "Numbers"),
        el("div.scroll", made, tabindex="0", role="group", aria_label="Numbers"),
    )


def facts(pairs: Sequence[tuple[str, str]]) -> Markup:
    """Return names with their values."""
    return el("dl.facts", *(el("div", el("dt", name), el("dd", value)) for name, value in pairs))


def counters(pairs: Sequence[tuple[str, str, str]]) -> Markup:
    """Return large numbers with their names; each has a class, and its number as text."""
    shown = (el(f"li.{kind}", el("strong", number), el("span", name)) for kind, number, name in pairs)
    return el("ul.counters", *shown)


def failures(id_: str, title: str, note: str | None) -> Markup:
    """Return the place of the searchable table, which the script fills."""
    return el(
        "section.card.wide",
        el("h2", title, id="failures-title"),
        el("p.about", note) if note else None,
        el("noscript", el("p", "The table of failures needs JavaScript.")),
        el("div", id=id_),
    )


def sections(pieces: Sequence[str | None]) -> Markup | None:
    """Return cards side by side, as many as there is room for; None without cards."""
    places = [el("div.place", piece) for piece in pieces if piece is not None]
    return el("div.cards", *places) if places else None


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _json(data: Mapping[str, object]) -> Markup:
    """Return JSON in which no tag and no comment of HTML can begin or end."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
