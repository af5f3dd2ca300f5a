"""The vocabulary of the platform's messages: statuses, their order, and channels.

Source: the platform's documentation, "List messages", "Logs" and "Branch".
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Status: TypeAlias = Literal[
    "to_be_triggered",
    "triggered",
    "sent_by_vendor",
    "delivered",
    "seen",
    "read",
    "clicked",
    "dismissed",
    "delivery_failure",
    "trigger_failed",
    "trigger_blocked",
    "not_to_be_triggered",
]
"""A status of a message (messages API, statuses), the earlier ones first: a message never goes back to one of them."""
STATUSES: tuple[Status, ...] = get_args(Status)
FAILED: tuple[Status, ...] = STATUSES[-4:]
"""Statuses that no other one follows."""
Channel: TypeAlias = Literal[
    "sms", "email", "whatsapp", "inbox", "androidpush", "iospush", "webpush", "slack", "ms_teams"
]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
DEFAULT_TENANT = "default"
_RANKS = {status: min(index, 6) for index, status in enumerate(STATUSES)}


def rank(status: Status) -> int:
    """Return how far a message got, to compare: a click and a dismissal are alternatives, and equal."""
    return _RANKS[status]
