"""What the platform checks in an event."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from runner.errors import nearest
from runner.sandbox.arrival import Record
from runner.sandbox.refusals import Refusal, bad_request
from runner.sandbox.workflows import is_user
from runner.suprsend.encoding import compact_json
from runner.suprsend.event import Attachment
from runner.suprsend.rules import (
    MAX_KEY,
    MIN_INSERT_ID,
    MIN_TIME_MS,
    Breach,
    attachment_breaches,
    distinct_id_breaches,
    is_plain,
    is_plain_name,
    is_reserved,
    is_sound,
    is_tenant,
    key_breaches,
    name_breaches,
    own_properties,
    properties_breaches,
    size_breach,
    tenant_breaches,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.sandbox.callers import Caller
    from runner.sandbox.rules import SandboxRules


def checked(item: object, caller: Caller, rules: SandboxRules) -> Record:
    """Return a record of a request, accepted or refused."""
    if not isinstance(item, dict):
        return Record({}, compact_json(item), bad_request("BAD REQUEST"))
    raw = compact_json(item)
    try:
        if not _is_valid(item, len(raw), caller, rules):
            _check(item, raw, caller, rules)
    except Refusal as refusal:
        return Record(item, raw, refusal)
    return Record(item, raw, warning=_warning(item, rules))


def _is_valid(event: dict[str, object], size_bytes: int, caller: Caller, rules: SandboxRules) -> bool:
    """Check quickly; return True if a usual event breaks no rule. After False, `_check` finds out."""
    get = event.get
    name, key, insert_id, time_ms = get("event"), get("$idempotency_key"), get("$insert_id"), get("$time")
    properties = get("properties", {})
    return (
        type(name) is str
        and is_plain_name(name)
        and name not in rules.schemas
        and is_plain(get("distinct_id"))
        and (key is None or (type(key) is str and is_plain(key) and len(key) <= MAX_KEY))
        and type(insert_id) is str
        and len(insert_id) >= MIN_INSERT_ID
        and type(time_ms) is int
        and time_ms >= MIN_TIME_MS
        and get("env") in caller.envs
        and size_bytes <= rules.max_event_kb * 1024
        and _is_usual_tenant(get("tenant_id"), rules)
        and _is_usual_tenant(get("brand_id"), rules)
        and type(properties) is dict
        and is_sound(properties, 1)
        and not any(key[:1] in "$sS" and key != "$ss_sdk_version" and is_reserved(key) for key in properties)
    )


def _is_usual_tenant(tenant: object, rules: SandboxRules) -> bool:
    return tenant is None or (
        type(tenant) is str and is_tenant(tenant) and (rules.tenants is None or tenant in rules.tenants)
    )


def _check(event: dict[str, object], raw: bytes, caller: Caller, rules: SandboxRules) -> None:
    if "distinct_id" not in event:
        either = "" if "event" in event else "either event or "
        raise bad_request(f"error: must pass value for {either}distinct_id{'/anonymous_id' if either else ''}")
    if not isinstance(event.get("properties", {}), dict):
        raise bad_request('Request body contains an invalid value for the "properties" field')
    for breach in _breaches(event):
        raise bad_request(f"error: {breach.message}")
    if not isinstance(event["distinct_id"], str):
        raise bad_request("error: distinct_id must be a string")
    insert_id, time_ms = event.get("$insert_id"), event.get("$time")
    if not isinstance(insert_id, str) or len(insert_id) < MIN_INSERT_ID:
        raise bad_request("error: $insert_id must be a string of 36 characters or more")
    if not isinstance(time_ms, int) or isinstance(time_ms, bool) or time_ms < MIN_TIME_MS:
        raise bad_request("error: $time must be milliseconds since 1970, in 2022 or later")
    if event.get("env") not in caller.envs:
        raise bad_request("error: env is not the workspace of these credentials")
    if too_large := size_breach(len(raw), rules.max_event_kb):
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"error: {too_large.message}", "too_large")
    _check_rules(event, rules)


def _check_rules(event: dict[str, object], rules: SandboxRules) -> None:
    for tenant in (event.get("tenant_id"), event.get("brand_id")):
        if tenant and rules.tenants is not None and tenant not in rules.tenants:
            raise Refusal(HTTPStatus.NOT_FOUND, f"tenant/brand doesn't exist with id: {tenant}", "not_found")
    name = str(event["event"]).strip()
    schema = rules.schemas.get(name)
    faults = schema.faults(own_properties(event.get("properties"))) if schema else []
    if faults:
        # Always the same one of several, because the validator's order is not fixed.
        fault = min(faults, key=lambda fault: (fault.at(), fault.message))
        at = ".".join(("properties", *filter(None, [fault.at()])))
        raise bad_request(f"error: {at} does not fit the schema of '{name}': {fault.message}")


def _breaches(event: dict[str, object]) -> Iterator[Breach]:
    yield from name_breaches(event.get("event"))
    yield from distinct_id_breaches(event["distinct_id"])
    yield from properties_breaches(own_properties(event.get("properties")))
    yield from _attachments(event.get("properties"))
    yield from key_breaches(event.get("$idempotency_key"))
    yield from tenant_breaches("tenant_id", event.get("tenant_id"))
    yield from tenant_breaches("brand_id", event.get("brand_id"))


def _attachments(properties: object) -> Iterator[Breach]:
    """Check the form of an event's attachments (documentation: "Add attachments")."""
    given = properties.get("$attachments") if isinstance(properties, dict) else None
    path = ("properties", "$attachments")
    if given is not None and not isinstance(given, list):
        yield Breach("attachment-url", path, "$attachments must be a list")
        return
    for index, each in enumerate(given or []):
        if not isinstance(each, dict):
            yield Breach("attachment-url", (*path, index), "an attachment must be an object with a url")
        elif not (each.get("url") is None and each.get("data")):  # SDKs can also send the content of a file
            name, ignore = each.get("filename"), each.get("ignore_if_error")
            attachment = Attachment(each.get("url", ""), name, False if ignore is None else ignore)
            yield from attachment_breaches(attachment, (*path, index))


def _warning(event: dict[str, object], rules: SandboxRules) -> str | None:
    """Return why the platform would accept an event and do nothing (messages API, empty lists 3 and 6)."""
    name = str(event["event"]).strip()
    known = rules.spec_events if rules.events is None else rules.events
    if known is not None and name not in known and name not in rules.workflows:
        unread = rules.project.assets.unread if rules.project is not None else ()
        if (file := next((each for each in unread if each.is_workflow and each.may_name(name)), None)) is not None:
            return f"no workflow that can be read listens to '{name}'; {file.path} can't be read"
        meant = nearest(name, sorted({*known, *rules.workflows}))
        what = "no spec of this project has the event" if rules.events is None else "no workflow listens to"
        return f"{what} '{name}'" + (f": did you mean '{meant}'?" if meant else "")
    user = str(event["distinct_id"]).strip()
    if not is_user(user, rules.users):
        return f"discarded: no user found with distinct_id '{user}'"
    return None
