"""Events and their form on the wire. Pure: no clock, no ids, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner import __version__
from runner.suprsend.rules import (
    MAX_KEY,
    are_sound_properties,
    attachment_breaches,
    distinct_id_breaches,
    is_plain,
    is_plain_attachment,
    is_plain_name,
    is_tenant,
    key_breaches,
    name_breaches,
    properties_breaches,
    tenant_breaches,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from runner.suprsend.rules import Breach

USER_AGENT = f"suprsend-runner/{__version__}"


class Stamp(NamedTuple):
    """Id and time of an event, in milliseconds since 1970. They are the same on every attempt."""

    insert_id: str
    time_ms: int


class Attachment(NamedTuple):
    """A file for an e-mail, by its public URL (documentation: "Add attachments")."""

    url: str
    filename: str | None = None
    ignore_if_error: bool = False

    def wire(self) -> dict[str, object]:
        """Return the attachment in the platform's form."""
        return {
            "filename": self.filename,
            "contentType": None,
            "data": None,
            "url": self.url,
            "ignore_if_error": self.ignore_if_error,
        }


class Event:
    """One event about one user, with the names of the platform's Python SDK.

    `distinct_id` is a text, an `int` or a `UUID`; `properties` hold what JSON can hold, with no key that begins
    with `$` or `ss_`; `idempotency_key` has at most 255 characters and is trimmed; `tenant_id` (old name: `brand_id`)
    at most 64 letters, digits, `_` and `-`. The rules are checked when the event is sent. Arguments are never changed.

    >>> Event("u1", "product_purchased", {"amount": 10})
    Event('u1', 'product_purchased', 1 property)
    """

    __slots__ = ("attachments", "brand_id", "distinct_id", "event_name", "idempotency_key", "properties", "tenant_id")

    def __init__(
        self,
        distinct_id: str | int | UUID,
        event_name: str,
        properties: Mapping[str, object] | None = None,
        idempotency_key: str | None = None,
        tenant_id: str | None = None,
        brand_id: str | None = None,
    ) -> None:
        self.distinct_id = distinct_id
        self.event_name = event_name
        self.properties: Mapping[str, object] = {} if properties is None else properties
        self.idempotency_key = idempotency_key
        self.tenant_id = tenant_id
        self.brand_id = brand_id
        self.attachments: tuple[Attachment, ...] = ()

    def add_attachment(self, file_path: str, file_name: str | None = None, ignore_if_error: bool = False) -> None:
        """Attach a file by its public http(s) URL. An unreachable one fails the workflow unless `ignore_if_error`."""
        self.attachments += (Attachment(file_path, file_name, ignore_if_error),)

    def with_key(self, key: str) -> Event:
        """Return the same event with another idempotency key."""
        event = Event(self.distinct_id, self.event_name, self.properties, key, self.tenant_id, self.brand_id)
        event.attachments = self.attachments
        return event

    def is_sound(self) -> bool:
        """Check quickly; return True if the event breaks no rule. After False, `breaches` finds out."""
        name, key = self.event_name, self.idempotency_key
        return (
            type(name) is str
            and is_plain_name(name)
            and is_plain(self.distinct_id)
            and (key is None or (is_plain(key) and len(key) <= MAX_KEY))
            and (self.tenant_id is None or (type(self.tenant_id) is str and is_tenant(self.tenant_id)))
            and (self.brand_id is None or (type(self.brand_id) is str and is_tenant(self.brand_id)))
            and are_sound_properties(self.properties)
            and (not self.attachments or all(map(is_plain_attachment, self.attachments)))
        )

    def breaches(self) -> Iterator[Breach]:
        """Yield the rules that this event breaks, in the order of its fields on the wire."""
        yield from name_breaches(self.event_name)
        yield from distinct_id_breaches(self.distinct_id)
        yield from properties_breaches(self.properties)
        for index, attachment in enumerate(self.attachments):
            yield from attachment_breaches(attachment, ("attachments", index))
        yield from key_breaches(self.idempotency_key)
        yield from tenant_breaches("tenant_id", self.tenant_id)
        yield from tenant_breaches("brand_id", self.brand_id)

    def wire(self, env: str, stamp: Stamp) -> dict[str, object]:
        """Return the event in the platform's form. `env` is the workspace key, or the workspace UID with an API key."""
        properties = dict(self.properties)
        if self.attachments:
            properties["$attachments"] = [attachment.wire() for attachment in self.attachments]
        properties["$ss_sdk_version"] = USER_AGENT
        event: dict[str, object] = {
            "$insert_id": stamp.insert_id,
            "$time": stamp.time_ms,
            "event": self.event_name.strip(),
            "env": env,
            "distinct_id": plain_id(self.distinct_id),
            "properties": properties,
        }
        if self.idempotency_key is not None:
            event["$idempotency_key"] = self.idempotency_key.strip()
        if self.tenant_id:
            event["tenant_id"] = self.tenant_id
        if self.brand_id:
            event["brand_id"] = self.brand_id
        return event

    def as_json(self) -> dict[str, object]:
        """Return the arguments under the names of the wire, as the record of an event that was never sent."""
        properties: object = self.properties
        if self.attachments and isinstance(properties, dict):
            properties = properties | {"$attachments": [attachment.wire() for attachment in self.attachments]}
        event: dict[str, object] = {
            "event": self.event_name,
            "distinct_id": self.distinct_id,
            "properties": properties,
        }
        optional = {"$idempotency_key": self.idempotency_key, "tenant_id": self.tenant_id, "brand_id": self.brand_id}
        return event | {key: value for key, value in optional.items() if value is not None}

    def __repr__(self) -> str:
        size = len(self.properties) if isinstance(self.properties, dict) else 0
        count = f"{size} propert{'y' if size == 1 else 'ies'}"
        files = f", {len(self.attachments)} attached" if self.attachments else ""
        return f"Event({self.distinct_id!r}, {self.event_name!r}, {count}{files})"


def plain_id(value: str | int | UUID) -> str:
    """Return a `distinct_id` in its form on the wire: trimmed text."""
    if isinstance(value, str):
        return str.__str__(value).strip()  # the value of an enum, not its name
    return int.__repr__(value) if isinstance(value, int) else str(value)
