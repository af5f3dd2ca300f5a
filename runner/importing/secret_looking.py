"""Texts that look like secrets, and personal addresses: what must not be written into a repository.

An unknown secret can only be guessed, by the name of its key, by the form of known kinds of credentials, and by the parts
of a URL that carry them.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from runner.importing.sample import Hole, Pieces

if TYPE_CHECKING:
    from runner.importing.sample import Value
    from runner.source import Json

_SURE = {"password", "passwd", "pwd", "passphrase", "secret", "secrets"}
_LIKELY = {"token", "apikey", "authorization", "cookie", "credential", "credentials", "signature", "sig", "hmac", "jwt", "bearer"}  # fmt: skip
_PAIRS = {("api", "key"), ("access", "key"), ("private", "key"), ("workspace", "key"), ("signing", "key"), ("auth", "key")}  # fmt: skip
_PUBLIC = {"count", "counts", "type", "types", "name", "id", "expiry", "expires", "length", "limit", "status", "url", "at", "version"}  # fmt: skip
"""Last words of names that tell about a secret: `token_type`, `secret_name`."""
_LEAST_CHARS = 8
_WORD = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CREDENTIAL = re.compile(
    r"""
    eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*                       # a JSON Web Token
    | (?:sk|rk|pk)_(?:live|test)_\w{8,} | whsec_\w{8,}
    | gh[pousr]_\w{20,} | github_pat_\w{20,} | glpat-[\w-]{16,} | npm_\w{30,}
    | xox[abeprs]-[\w-]{8,} | xapp-[\w-]{8,}
    | (?:AKIA|ASIA)[0-9A-Z]{16} | AIza[\w-]{30,}
    | SG\.[\w-]{16,}\.[\w-]{16,} | SS\.\w{2,6}\.[\w-]{8,} | sk-[\w-]{20,}
    | (?<=hooks\.slack\.com/services/)[\w/]{16,}
    | (?i:(?<=bearer\ )|(?<=basic\ ))[\w.~+/=-]{8,}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----[\s\S]*
    """,
    re.VERBOSE,
)
_PARAMETER = re.compile(r"(?<=[?&;#])([\w.\-\[\]%]{1,100})=([^&;#\s\"'<>]+)")
_USER_INFO = re.compile(r"(?<=://)[^/@\s:]{0,200}:([^/@\s]{1,200})(?=@)")
_ADDRESS = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_EXAMPLE = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|org|net))?|test|invalid|localhost)$", re.IGNORECASE)


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
    return _is_sure(words) or (
        not _is_about(words) and (any(word in _LIKELY for word in words) or bool(_PAIRS.intersection(pairwise(words))))
    )


def without_secrets(name: str, value: Value) -> Value:
    """Return a value in which each text that looks like a secret is a hole. `name` is its key."""
    match value:
        case str():
            return _split(name, value)
        case dict():
            return {key: without_secrets(key, item) for key, item in value.items()}
        case list():
            return [without_secrets(name, item) for item in value]
        case Hole(value=str(text)) if not value.is_secret and _spans(name, text):
            return Hole(value.name, value.declaration, text, value.question, is_secret=True)
        case _:
            return value


def _split(name: str, text: str) -> Value:
    spans = _spans(name, text)
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


def _spans(name: str, text: str) -> list[_Span]:
    """Return the parts of a text that look like secrets, from left to right."""
    words = _words(name)
    is_long = len(text) >= _LEAST_CHARS and not any(map(str.isspace, text))
    if text and (_is_sure(words) or (is_long and is_secret_name(name) and "://" not in text)):
        return [_Span(0, len(text), name)]
    found = [_Span(*match.span(), f"{name}_secret") for match in _CREDENTIAL.finditer(text)]
    if "://" in text:
        found += [_Span(*match.span(1), f"{name}_password") for match in _USER_INFO.finditer(text)]
        for match in _PARAMETER.finditer(text):
            if is_secret_name(match[1]) or match[1].lower() in ("key", "auth", "code_verifier"):
                found.append(_Span(*match.span(2), f"{name}_{match[1]}"))
    spans: list[_Span] = []
    for span in sorted(found):
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
    return spans


def _is_sure(words: list[str]) -> bool:
    return bool(words) and not _is_about(words) and not _SURE.isdisjoint(words)


def _is_about(words: list[str]) -> bool:
    return bool(words) and words[-1] in _PUBLIC


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name[:200])]


def has_address(value: Value) -> bool:
    """Return whether there is an e-mail address in a value, other than one of an example domain."""
    match value:
        case str():
            return any(map(_is_real, _ADDRESS.findall(value)))
        case dict():
            return any(has_address(key) or has_address(item) for key, item in value.items())
        case list():
            return any(map(has_address, value))
        case _:
            return False


class Pseudonyms:
    """Replaces e-mail addresses by example ones, each by the same one everywhere."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    @property
    def count(self) -> int:
        """The number of addresses that were replaced."""
        return len(self._known)

    def of(self, value: Json) -> Json:
        """Return a value with example addresses."""
        match value:
            case str():
                return _ADDRESS.sub(self._replaced, value) if "@" in value else value
            case dict():
                return {str(self.of(key)): self.of(item) for key, item in value.items()}
            case list():
                return [self.of(item) for item in value]
            case _:
                return value

    def _replaced(self, match: re.Match[str]) -> str:
        address = match[0]
        if not _is_real(address):
            return address
        return self._known.setdefault(address.lower(), f"person{len(self._known) + 1}@example.com")


def _is_real(address: str) -> bool:
    return _EXAMPLE.search(address.rpartition("@")[2]) is None
