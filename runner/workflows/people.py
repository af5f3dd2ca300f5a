"""Users and tenants of the test data, in the form in which conditions and expressions see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.suprsend.messages import CHANNELS, DEFAULT_TENANT, stand_in_identity
from runner.workflows.world import User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Json
    from runner.workflows.run import Run
    from runner.workflows.world import World


def find_user(world: World, distinct_id: str) -> User | None:
    """Return a user; None if the test data has users, and this is not one of them.

    Without users in the test data, every user exists, and has one identity in every channel.
    """
    if world.users is not None:
        return world.users.get(distinct_id)
    return User(distinct_id, {channel: (stand_in_identity(channel, distinct_id),) for channel in CHANNELS})


def user_fields(world: World, distinct_id: str) -> Mapping[str, Json]:
    """Return `$recipient` or `$actor`: the properties of a user, its id, and its channels if the test data has them."""
    user = world.users.get(distinct_id) if world.users is not None else None
    if user is None:
        return {"distinct_id": distinct_id}
    channels: dict[str, Json] = {f"${channel}": list(identities) for channel, identities in user.channels.items()}
    return {"distinct_id": distinct_id, **channels, **user.properties}


def unknown_fields(run: Run, namespace: str) -> str | None:
    """Return why the fields of `$recipient`, `$actor` or `$brand` are not known; None if the test data has them."""
    world = run.simulation.world
    if namespace == "$brand":
        return _missing("tenants", world.tenants, run.tenant_id)
    return _missing("users", world.users, run.actor if namespace == "$actor" else run.recipient)


def is_tenant(world: World, tenant_id: str) -> bool:
    """Return whether a tenant exists. The default one always does."""
    return world.tenants is None or tenant_id == DEFAULT_TENANT or tenant_id in world.tenants


def tenant_fields(world: World, tenant_id: str) -> Mapping[str, Json]:
    """Return `$brand`: the reserved keys of a tenant at the top, its own ones under `properties`."""
    tenant = world.tenants.get(tenant_id) if world.tenants is not None else None
    return {"tenant_id": tenant_id, "brand_id": tenant_id, **(tenant.fields if tenant else {})}


def _missing(kind: str, known: Mapping[str, object] | None, identity: str) -> str | None:
    if known is None:
        return f"the test data has no `{kind}`"
    return None if identity in known else f"`{kind}` does not have '{identity}'"
