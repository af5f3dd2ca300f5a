"""Ids of events, derived from the run's seed."""

from __future__ import annotations

from hashlib import sha1
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID


_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""The digit with its two highest bits set to those of the variant."""


def derived_id(seed: UUID, name: str) -> str:
    """Return the text of `uuid5(seed, name)` (RFC 9562, section 5.5), in a third of the time: an event has up to three."""
    return _uuid5_text(sha1(seed.bytes + name.encode(), usedforsecurity=False).hexdigest())


def row_ids(seed: UUID, what: str) -> Callable[[int], str]:
    """Return a function from the number of a row to its `derived_id`. The name is `what`, and on a second line the number.

    The common part of the names is hashed once.
    """
    shared = sha1(seed.bytes + f"{what}\n".encode(), usedforsecurity=False)

    def of(row: int, variants: Mapping[str, str] = _VARIANTS) -> str:
        digest = shared.copy()
        digest.update(b"%d" % row)
        digits = digest.hexdigest()  # `_uuid5_text`, without another call
        return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variants[digits[16]]}{digits[17:20]}-{digits[20:32]}"

    return of


def _uuid5_text(digits: str) -> str:
    variant = _VARIANTS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
