"""The vocabulary of the platform's messages: statuses, their order, and channels.

Source: the platform's documentation, "List messages", "Logs" and "Branch".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

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
SKIPPED: Status = "not_to_be_triggered"
"""The status of a message that was not needed any more."""
OTHER_NAMES: Final[Mapping[str, Status]] = {"failure_by_vendor": "delivery_failure"}
"""Other names of statuses in the documentation."""
Channel: TypeAlias = Literal[
    "sms", "email", "whatsapp", "inbox", "androidpush", "iospush", "webpush", "slack", "ms_teams"
]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
DEFAULT_TENANT = "default"
STATUS_EVERY_MS = 1000
"""The time from one status to the next of messages made on this machine."""
_RANKS: Final = {status: min(index, 6) for index, status in enumerate(STATUSES)}

_AT_ONCE: Final[tuple[Status, ...]] = ("to_be_triggered", "trigger_failed", "trigger_blocked", "not_to_be_triggered")
_DELIVERED: Final[tuple[Status, ...]] = ("triggered", "sent_by_vendor", "delivered")
PATHS: Final[Mapping[Status, tuple[Status, ...]]] = {
    **{status: (status,) for status in _AT_ONCE},
    **{status: _DELIVERED[: index + 1] for index, status in enumerate(_DELIVERED)},
    "delivery_failure": ("triggered", "sent_by_vendor", "delivery_failure"),
    "seen": (*_DELIVERED, "seen"),
    **{status: (*_DELIVERED, "seen", status) for status in ("read", "clicked", "dismissed")},
}
"""The statuses of a message up to its outcome."""
REPORTED: Final[Mapping[Channel, tuple[Status, ...]]] = {
    "sms": ("delivered",),
    "email": ("delivered", "seen", "clicked"),
    "whatsapp": ("delivered", "seen"),
    "inbox": ("delivered", "seen", "read", "clicked"),
    "androidpush": ("delivered", "seen", "clicked", "dismissed"),
    "iospush": ("delivered", "seen", "clicked", "dismissed"),
    "webpush": ("delivered", "seen", "clicked"),
    "slack": ("delivered",),
    "ms_teams": ("delivered",),
}
"""What vendors report of a message after they took it (documentation: "Logs", "Branch")."""
EVER_REPORTED: Final = {status for reported in REPORTED.values() for status in reported}
FAILURE_REASONS: Final[Mapping[Status, str]] = {
    "delivery_failure": "hard bounce: the recipient does not exist",
    "trigger_failed": "the vendor refused the call",
    "trigger_blocked": "blocked in test mode",
    "not_to_be_triggered": "skipped: the workflow had reached its goal",
}
"""The `failure_reason` of messages made on this machine, by their last status."""


def statuses_up_to(outcome: Status, channel: Channel) -> tuple[Status, ...]:
    """Return the statuses of a message up to an outcome, as far as vendors of its channel report them."""
    reported = REPORTED[channel]
    return tuple(status for status in PATHS[outcome] if status not in EVER_REPORTED or status in reported)


def stand_in_identity(channel: Channel, distinct_id: str) -> str:
    """Return an address for a user of whom none is known."""
    match channel:
        case "email":
            return distinct_id if "@" in distinct_id else f"{distinct_id}@example.test"
        case "sms" | "whatsapp":
            return "+15550100"
        case _:
            return distinct_id


def rank(status: Status) -> int:
    """Return how far a message got, to compare: a click and a dismissal are alternatives, and equal."""
    return _RANKS[status]
