"""Digests with the secret of the credentials as key, from which a secret can't be guessed."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from runner.config import PUBLIC_SECRETS
from runner.suprsend.auth import secret_of

if TYPE_CHECKING:
    from uuid import UUID

    from runner.config import Target


def keyed_digest(target: Target, seed: UUID, text: str) -> str:
    """Return a digest keyed with the secret of the target's credentials, in hexadecimal; "" if that is not secret."""
    key = secret_of(target.credentials) if target.credentials is not None else ""
    if not key or key in PUBLIC_SECRETS:
        return ""
    return hmac.digest(key.encode(), seed.bytes + text.encode("utf-8", "surrogatepass"), "sha256").hex()
