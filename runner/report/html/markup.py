"""Elements of HTML and SVG from values. Text goes in as text only: whatever is not made here is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from runner.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID = frozenset({"input", "meta", "br", "rect", "line", "path", "circle"})


class Markup(str):
    """A piece of HTML that was made here."""

    __slots__ = ()


def el(kind: str, *children: str | None, **attributes: str | float | bool | None) -> Markup:
    """Return an element. `kind` is its tag with classes; children and attributes that are None are left out.

    >>> el("p.note", "1 < 2", aria_label='"x"')
    '<p class="note" aria-label="&quot;x&quot;">1 &lt; 2</p>'
    """
    tag, *classes = kind.split(".")
    given = {**({"class": " ".join(classes)} if classes else {}), **attributes}
    text = "".join(_attribute(name, value) for name, value in given.items() if value is not None and value is not False)
    if tag in _VOID and not children:
        return Markup(f"<{tag}{text}/>")
    return Markup(f"<{tag}{text}>{joined(children)}</{tag}>")


def joined(pieces: Iterable[str | None]) -> Markup:
    """Return pieces one after the other; plain text is escaped, and its invisible characters are shown."""
    return Markup("".join(_piece(each) for each in pieces if each is not None))


def _piece(text: str) -> str:
    return text if isinstance(text, Markup) else escape(printable(text))


def _attribute(name: str, value: str | float | bool) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f' {name}="{escape(printable(shown))}"'
