"""Texts and numbers that look like secrets: what must not be written into a repository.

An unknown secret can only be guessed, by the name of its key, by the form of known kinds of credentials, and by the parts
of URLs, connection strings and other texts that carry them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from runner.importing.sample import Hole, Pieces

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.importing.sample import Value

_SURE = {
    "password", "passwd", "pwd", "passphrase", "secret", "cvv", "cvc", "passwort", "kennwort", "contrasena", "senha", "wachtwoord",
}  # fmt: skip
_LIKELY = {
    "token", "tokens", "apikey", "authorization", "cookie", "credential", "credentials", "signature", "sig", "hmac", "jwt", "bearer",
    "passwords", "secrets",
}  # fmt: skip
_PAIRS = {
    ("api", "key"), ("access", "key"), ("private", "key"), ("workspace", "key"), ("signing", "key"), ("auth", "key"),
    ("account", "key"), ("encryption", "key"), ("master", "key"), ("secret", "key"), ("api", "keys"), ("de", "passe"),
    ("authorization", "code"),
}  # fmt: skip
_FORMS = {
    "value", "hash", "digest", "sha", "text", "plain", "raw", "encoded", "encrypted", "header", "string", "confirm", "confirmation", "again", "v",
}  # fmt: skip
"""Last words of names that are still those of a secret: `password_hash`, but not `token_type` or `signature_level`."""
_PUBLIC = {"type", "types", "name", "id", "expires", "expiry", "status", "url", "at", "version"}
"""Keys in the map of a secret that only tell about it."""
_LEAST_CHARS = 8
_LEAST_ASSIGNED = 6
_WORD = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CREDENTIAL = re.compile(
    r"""
    (?<!\w)eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*                # a JSON Web Token
    | (?:sk|rk|pk)_(?:live|test)_\w{8,} | whsec_\w{8,}
    | gh[pousr]_\w{20,} | github_pat_\w{20,} | glpat-[\w-]{16,} | npm_\w{30,} | pypi-[\w-]{30,}
    | xox[abeprs]-[\w-]{8,} | xapp-[\w-]{8,}
    | (?:AKIA|ASIA)[0-9A-Z]{16} | AIza[\w-]{30,} | ya29\.[\w-]{20,} | dop_v1_[0-9a-f]{40,} | hf_[A-Za-z]{30,}
    | (?<!\w)SG\.[\w-]{16,}\.[\w-]{16,} | SS\.\w{2,6}\.[\w-]{8,} | sk-[\w-]{20,} | xkeysib-[\w-]{20,}
    | \b(?:SK|key-)[0-9a-f]{32}\b | shp(?:at|ca|pa|ss)_[0-9a-f]{20,} | sq0(?:atp|csp)-[\w-]{20,}
    | (?<![0-9])[0-9]{8,10}:AA[\w-]{30,}                          # a bot of Telegram
    | (?<=hooks\.slack\.com/services/)[\w/]{16,}
    | (?<=/IncomingWebhook/)[\w-]{16,}
    | (?i:(?<=bearer\ )|(?<=basic\ ))[\w.~+/=-]{8,}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----[\s\S]*
    """,
    re.VERBOSE,
)
_PATH = re.compile(
    r"/api/webhooks/[0-9]+/([\w-]{16,})"
    r"|/(?:reset|reset-password|password-reset|verify|confirm|activate|invite|magic|login|unsubscribe)/([\w.~+=-]{20,})",
    re.IGNORECASE,
)
"""The last part of a URL that is a login by itself."""
_PARAMETER = re.compile(r"(?<=[?&;#])([\w.\-\[\]%]{1,100})=([^&;#\s\"'<>]+)")
_KEYS = ("key", "auth", "code_verifier")
_CODE = re.compile(r"(?=\D*[0-9])(?=[^A-Za-z]*[A-Za-z])\S{16,}")
"""A long code of a login, unlike that of a coupon."""
_USER_INFO = re.compile(r"(?<=://)[^/@\s:]{0,200}:([^/@\s]{1,200})(?=@)")
_ASSIGNED = re.compile(
    r"""(?<![\w.-])(?P<name>[\w.-]{1,60})(?P<sign>\\?["']?\s{0,3}[=:]\s{0,3}(?:\\?["'])?)(?P<value>[^\s"'\\&;,<>{}]+)"""
)
"""A key and its value in a connection string, in JSON as text, or in a sentence."""
_KEY_AT_END = re.compile(r"([\w.-]{1,60})=$")
_MIXED = re.compile(r"(?=\D*[0-9])(?=[^A-Za-z]*[A-Za-z])")


class _Span(NamedTuple):
    start: int
    end: int
    name: str


def is_secret_name(name: str) -> bool:
    """Return whether a key has the name of a secret.

    >>> is_secret_name("resetToken"), is_secret_name("token_type")
    (True, False)
    """
    words = _words(name)
    return _is_sure(words) or (bool(words) and words[-1] in _LIKELY) or tuple(words[-2:]) in _PAIRS


def without_secrets(name: str, value: Value, known: Collection[str] = ()) -> Value:
    """Return a value in which each text or number that looks like a secret is a hole. `name` is its key.

    `known` are secrets that were found elsewhere, and are secrets wherever they stand.
    """
    match value:
        case str():
            return _split(name, value, known)
        case int() | float() if not isinstance(value, bool) and _is_whole(name, str(value)):
            return Hole(name, {"type": "integer" if isinstance(value, int) else "number"}, value, is_secret=True)
        case dict():
            return {key: without_secrets(_named(name, key), item, known) for key, item in value.items()}
        case list():
            return [without_secrets(name, item, known) for item in value]
        case Hole(is_secret=False):
            shown = value.value if isinstance(value.value, str) else ""
            is_secret = any(is_secret_name(each) for each in (name, value.name)) or bool(_spans(name, shown, known))
            return replace(value, is_secret=is_secret)
        case Pieces():
            named = (name, *(_key_before(part) or name for part in value.parts))
            parts = (without_secrets(key, part, known) for key, part in zip(named, value.parts, strict=False))
            return Pieces(tuple(piece for part in parts for piece in _pieces(part)))
        case _:
            return value


def secrets_in(value: Value) -> Iterator[str]:
    """Yield the secrets in a value that `without_secrets` returned, but for short ones, which may be a part of any text."""
    match value:
        case Hole(is_secret=True, value=str(text)) if len(text) >= _LEAST_CHARS:
            yield text
        case dict():
            for item in value.values():
                yield from secrets_in(item)
        case list():
            for item in value:
                yield from secrets_in(item)
        case Pieces():
            for part in value.parts:
                yield from secrets_in(part)
        case _:
            pass


def _key_before(part: str | Hole) -> str | None:
    """Return the key of the value that follows a text: `token` after `https://shop.example.com/?token=`."""
    found = _KEY_AT_END.search(part) if isinstance(part, str) else None
    return found[1] if found is not None else None


def _pieces(value: Value) -> Iterator[str | Hole]:
    match value:
        case Pieces():
            yield from value.parts
        case str() | Hole():
            yield value


def _split(name: str, text: str, known: Collection[str]) -> Value:
    spans = _spans(name, text, known)
    if not spans:
        return text
    parts: list[str | Hole] = []
    at = 0
    for start, end, hint in spans:
        if start > at:
            parts.append(text[at:start])
        parts.append(Hole(hint, {"type": "string"}, text[start:end], is_secret=True))
        at = end
    if at < len(text):
        parts.append(text[at:])
    return parts[0] if len(parts) == 1 else Pieces(tuple(parts))


def _spans(name: str, text: str, known: Collection[str]) -> list[_Span]:
    """Return the parts of a text that look like secrets, from left to right."""
    if _is_whole(name, text):
        return [_Span(0, len(text), name)]
    spans: list[_Span] = []
    again = (
        _Span(match.start(), match.end(), f"{name}_secret")
        for secret in known
        for match in re.finditer(re.escape(secret), text)
    )
    for span in sorted([*_found(name, text), *again]):
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
    return spans


def _is_whole(name: str, text: str) -> bool:
    """Return whether a value is a secret as a whole, by the name of its key."""
    words = _words(name)
    if _is_sure(words):
        return bool(text)
    if not is_secret_name(name) or len(text) < _LEAST_CHARS or "://" in text:
        return False
    return words[-1] == "cookie" or not any(map(str.isspace, text))


def _found(name: str, text: str) -> Iterator[_Span]:
    for match in _CREDENTIAL.finditer(text):
        yield _Span(*match.span(), f"{name}_secret")
    for match in _ASSIGNED.finditer(text):
        if _is_assigned(match):
            yield _Span(*match.span("value"), f"{name}_{match['name']}")
    if "://" not in text:
        return
    for match in _USER_INFO.finditer(text):
        yield _Span(*match.span(1), f"{name}_password")
    for match in _PATH.finditer(text):
        if _MIXED.match(match[match.lastindex or 0]):
            yield _Span(*match.span(match.lastindex or 0), f"{name}_secret")
    for match in _PARAMETER.finditer(text):
        named = match[1].lower()
        if is_secret_name(match[1]) or named in _KEYS or (named == "code" and _CODE.fullmatch(match[2])):
            yield _Span(*match.span(2), f"{name}_{match[1]}")


def _is_assigned(match: re.Match[str]) -> bool:
    """Return whether a key and its value are those of a secret, unlike `password: changed` in a sentence."""
    value = match["value"]
    if len(value) < _LEAST_ASSIGNED or "://" in value or not is_secret_name(match["name"]):
        return False
    return "=" in match["sign"] or '"' in match["sign"] or _MIXED.match(value) is not None


def _named(outer: str, key: str) -> str:
    """Return the name that counts for an entry of a map: that of the map if it is one of secrets."""
    is_own = not is_secret_name(outer) or is_secret_name(key) or key.lower() in _PUBLIC
    return key if is_own else outer


def _is_sure(words: list[str]) -> bool:
    return bool(words) and words[-1] in _SURE


def _words(name: str) -> list[str]:
    """Return the words of a name, without those at its end that only say in which form it is."""
    plain = unicodedata.normalize("NFKD", name[:200]).encode("ascii", "ignore").decode()
    words = [word.lower() for word in _WORD.findall(plain)]
    while len(words) > 1 and (words[-1] in _FORMS or words[-1].isdigit()):
        words.pop()
    return words
