"""Idempotency keys that no other run has: messages are found by their event's key, those of earlier runs too."""

from __future__ import annotations

from hashlib import blake2b

from runner.suprsend.rules import MAX_KEY


def own_key(key: str | None, run: str, row: int) -> str:
    """Return a key that no other run has: a key with the run's name behind it, or the name and the row without one.

    Two events of a run with one key have one key still, and those with two have two: of a key that becomes too long, the end
    is replaced by its digest.
    """
    if not key or not key.strip():
        return f"{run}-{row}"
    whole = f"{key.strip()}-{run}"
    if len(whole) <= MAX_KEY:
        return whole
    digest = blake2b(key.strip().encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{key.strip()[: MAX_KEY - len(run) - len(digest) - 2]}-{digest}-{run}"
