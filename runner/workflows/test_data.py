"""`users:`, `tenants:` and `workflows:` of `runner.yaml` and of a case → the `World` of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from runner.suprsend.messages import CHANNELS, stand_in_identity
from runner.workflows.world import Tenant, User, World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.source import Json, Node
    from runner.suprsend.messages import Channel, Status

KEYS = ("users", "tenants", "workflows")


def world_of(*sections: Node | None) -> World:
    """Return the world of valid maps with the keys `KEYS`, of which the later ones take precedence entry by entry."""
    found = [section for section in sections if section is not None]
    users, tenants = _merged(found, "users"), _merged(found, "tenants")
    outcomes, answers = _merged(found, "workflows", "outcomes"), _merged(found, "workflows", "answers")
    order, zone = _last(found, "channel_order"), _last(found, "timezone")
    return World(
        {name: user_of(name, node) for name, node in users.items()} if users is not None else None,
        {name: Tenant(name, _plain(node)) for name, node in tenants.items()} if tenants is not None else None,
        {name: cast("Status", node.value) for name, node in (outcomes or {}).items()},
        {name: node.plain() for name, node in (answers or {}).items()},
        tuple(cast("Channel", item.value) for item in order.items) if order is not None else None,
        str(zone.value) if zone is not None else "UTC",
    )


def user_of(distinct_id: str, node: Node) -> User:
    """Return a user from a valid map. The zone and the language are properties of the profile, `$timezone` and `$locale`."""
    given = {key: child.plain() for key, child in node.entries.items()}
    properties = given.get("properties")
    special = {f"${key}": given[key] for key in ("timezone", "locale") if key in given}
    opted_out = given.get("opted_out")
    return User(
        distinct_id,
        {channel: found for channel in CHANNELS if (found := identities(distinct_id, channel, given.get(channel)))},
        {**(properties if isinstance(properties, dict) else {}), **special},
        frozenset(map(str, opted_out)) if isinstance(opted_out, list) else frozenset(),
    )


def identities(distinct_id: str, channel: Channel, given: Json) -> tuple[str, ...]:
    """Return the identities that a channel is given: its own texts, or one that is made up for true."""
    if given is True:
        return (stand_in_identity(channel, distinct_id),)
    if isinstance(given, str):
        return (given,)
    return tuple(map(str, given)) if isinstance(given, list) else ()


def _merged(sections: Sequence[Node], *path: str) -> Mapping[str, Node] | None:
    """Return the entries of a map in all sections; None if none has it."""
    tables = [table for section in sections if (table := section.get(*path)) is not None]
    return {key: node for table in tables for key, node in table.entries.items()} if tables else None


def _last(sections: Sequence[Node], key: str) -> Node | None:
    return next((node for section in reversed(sections) if (node := section.get("workflows", key)) is not None), None)


def _plain(node: Node) -> dict[str, Json]:
    plain = node.plain()
    return plain if isinstance(plain, dict) else {}
