"""Ways in which programs escape a text, and a text that is hard to find then."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import markupsafe

if TYPE_CHECKING:
    from collections.abc import Callable


HARD = "ab\"'\\/\n<&;% é鍵\U0001f511\u200b\x1b\x7f+=#!*():,%2F&amp;yz"
"""Escapes change its marks, and part of it looks like an escape."""
ESCAPES: dict[str, Callable[[str], str]] = {
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", r"\/"),
    "JSON of Go": lambda text: json.dumps(text)[1:-1].translate({ord(char): f"\\u{ord(char):04x}" for char in "<>&"}),
    "a URL": lambda text: quote(text, safe=""),
    "a URL in JavaScript": lambda text: quote(text, safe="!'()*"),
    "a form": quote_plus,
    "HTML": escape,
    "HTML of a template": lambda text: str(markupsafe.escape(text)),
    "HTML by names": lambda text: (
        escape(text).replace("/", "&sol;").replace("é", "&eacute;").replace("&#x27;", "&apos;")
    ),
    "repr": lambda text: repr(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "unicode_escape": lambda text: text.encode("unicode_escape").decode(),
}
