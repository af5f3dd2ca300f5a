"""Personal e-mail addresses, which must not be written into a repository, and the example addresses that replace them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.importing.sample import Value
    from runner.source import Json

_ADDRESS = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_EXAMPLE = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|org|net))?|test|invalid|localhost)$", re.IGNORECASE)


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
