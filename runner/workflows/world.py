"""Test data that a run of workflows depends on: users, tenants, the fate of messages, answers of calls.

It comes from `users:`, `tenants:` … of `runner.yaml` and of a case. Source of the forms: the platform's documentation, "Users",
"Tenants" and "Preferences".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Json
    from runner.suprsend.messages import Channel, Status


@dataclass(frozen=True, slots=True)
class User:
    """A user. `channels` are the active identities, in order: `{"email": ("u1@example.com",)}`.

    `properties` are the free ones and `$timezone`, `$locale`. `opted_out` are categories, or (category, channel) pairs as
    `category/channel`, that the user opted out of.
    """

    distinct_id: str
    channels: Mapping[Channel, tuple[str, ...]]
    properties: Mapping[str, Json] = field(default_factory=dict)
    opted_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant: its reserved keys (`brand_name`, `timezone` …) at the top, its own ones under `properties`."""

    tenant_id: str
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a run depends on, beside the definitions and the events.

    `users` None means that every user exists, with one active identity in every channel. `tenants` None likewise.
    `statuses` is the last status of messages, by the id of the node that sends them, by `channel`, or by `node/channel`;
    `delivered` without an entry. `answers` are those of calls, by the id of their node; an int is a failure with that HTTP
    status. `channel_order` is the order of costs for smart routing; None for the default one, which is inexact.
    `timezone` is that of the account.
    """

    users: Mapping[str, User] | None = None
    tenants: Mapping[str, Tenant] | None = None
    statuses: Mapping[str, Status] = field(default_factory=dict)
    answers: Mapping[str, Json] = field(default_factory=dict)
    channel_order: tuple[Channel, ...] | None = None
    timezone: str = "UTC"
