"""Filters over text that Jinja does not have: regular expressions, encodings, signatures, slugs."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from hmac import digest
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from runner.template.budget import NEW
from runner.template.fault import TemplateFault
from runner.template.limits import MAX_WIDTH, check_length, too_large
from runner.template.names import type_name
from runner.template.values import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.template.budget import Budget

_NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")


def encoded(value: str) -> str:
    """Return the Base64 of a text in UTF-8 (RFC 4648, section 4)."""
    return b64encode(value.encode()).decode()


def signature(value: str, secret: object) -> str:
    """Return the HMAC-SHA256 of a text in hexadecimal (RFC 2104). Raises TemplateFault for a secret that is not text."""
    if not isinstance(secret, str) or not secret:
        raise TemplateFault("template-type", f"hmac_sha256 expects a secret that is text, not {type_name(secret)}")
    return digest(secret.encode(), value.encode(), sha256).hex()


def slug(value: str) -> str:
    """Return a text as a part of a URL: `Zoë & Co.` becomes `zoe-co`. Letters that have no Latin base are left out."""
    plain = normalize("NFKD", value).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_SLUGS.sub("-", plain).strip("-")


def replaced(value: str, pattern: object, replacement: object, *, budget: Budget) -> str:
    """Replace each match of a regular expression. Raises TemplateFault.

    In the replacement `$1` is the first group, `${name}` a named one, and `$$` a dollar sign.
    """
    parts = _parts(text(replacement))
    pieces: list[str] = []
    size = end = 0
    for match in _matches(budget, value, pattern):
        pieces.append(value[end : match.start()])
        for part in parts:
            piece = part if isinstance(part, str) else _group(match, part[0]) or ""
            size += len(piece)
            pieces.append(piece)
        end = match.end()
        budget.work(len(parts) * NEW)
        check_length(size)
    pieces.append(value[end:])
    return "".join(pieces)


_GROUP = re.compile(r"\$(?:([0-9]{1,2})|\{([A-Za-z_]\w*)\}|(\$))")


def _parts(replacement: str) -> list[str | tuple[int | str]]:
    """Take a replacement apart: texts, and the numbers and names of groups in a tuple each."""
    parts: list[str | tuple[int | str]] = []
    end = 0
    for found in _GROUP.finditer(replacement):
        parts.append(replacement[end : found.start()])
        number, name, dollar = found.groups()
        parts.append(dollar or ((int(number),) if number else (name,)))
        end = found.end()
    return [*parts, replacement[end:]]


def _group(match: Any, group: object) -> str | None:
    try:
        found: str | None = match.group(group)
    except (LookupError, TypeError):
        hint = "groups have numbers from 1, or names: (?P<name>…)"
        raise TemplateFault("template-type", "the pattern has no such group", hint) from None
    return found


def searched(value: object, pattern: object, group: object, *, budget: Budget) -> str | None:
    """Return the first match of a regular expression, or one of its groups; None without a match. Raises TemplateFault."""
    match = next(_matches(budget, text(value), pattern), None)
    return None if match is None else _group(match, group)


def _matches(budget: Budget, value: str, pattern: object) -> Iterator[Any]:
    if not isinstance(pattern, str):
        raise TemplateFault("template-type", f"a pattern must be text, not {type_name(pattern)}")
    if len(pattern) > MAX_WIDTH:
        raise too_large("a pattern has", MAX_WIDTH, "characters")
    budget.work(len(value) * (len(pattern) // _QUICK + 1))
    for match in _compiled(pattern).finditer(value):
        budget.work(NEW * 5)
        yield match


_QUICK = 8
"""Characters of a pattern that are matched in the time of one step."""


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    """Compile a pattern for an engine whose time grows with the text, whatever the pattern."""
    import re2  # noqa: PLC0415 - few templates have patterns

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        words = error.args[0] if error.args else error
        message = words.decode() if isinstance(words, bytes) else str(words)
        hint = "the syntax is that of RE2: without lookarounds and backreferences"
        raise TemplateFault("template-type", f"invalid pattern: {message}", hint) from None
