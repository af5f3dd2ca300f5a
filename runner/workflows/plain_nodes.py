"""Nodes of workflow files that have no branches → typed values, with their problems.

Source: the platform's published JSON schemas of workflow nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.source import describe
from runner.workflows.definition import (
    Batch,
    Delay,
    Digest,
    Expression,
    Fetch,
    Invoke,
    Record,
    Send,
    SendMulti,
    SendSmart,
    TimeWindow,
    Transform,
)
from runner.workflows.schedule_reader import read_retained, read_schedule, read_wait, read_windows, read_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    from runner.source import Node
    from runner.suprsend.messages import Channel
    from runner.workflows.definition import Common, Schedule, Wait, WorkflowNode
    from runner.workflows.reading import Reading

_DELAY_KEYS = ("delay_type", "value", "relative_to")
_RETAIN_KEYS = ("retain_count", "retain_order")


def read_plain_node(reading: Reading, common: Common, properties: Node) -> WorkflowNode | None:
    """Return a node of one of `PLAIN_TYPES`; None if it can't be read."""
    return _READERS[common.node_type](reading, common, properties)


def read_delay(reading: Reading, properties: Node, name: str) -> Wait:
    """Return the wait of a delay node or of a time-out."""
    return read_wait(reading, properties, name, "delay_type", ("fixed", "value"), ("dynamic", "value"))


def _delay(reading: Reading, common: Common, properties: Node) -> Delay:
    reading.no_others(properties, _DELAY_KEYS, common.id)
    return Delay(common, read_delay(reading, properties, common.id))


def _timewindow(reading: Reading, common: Common, properties: Node) -> TimeWindow:
    reading.no_others(properties, ("windows", "tz_selection", "tz_fixed"), common.id)
    windows = read_windows(reading, properties, common.id)
    return TimeWindow(common, windows, read_zone(reading, properties, common.id))


def _batch(reading: Reading, common: Common, properties: Node) -> Batch:
    name = common.id
    keys = ("mode", "window_type", "fixed_window", "dynamic_window_expr", "relative_to", *_RETAIN_KEYS, "batch_key")
    reading.no_others(properties, keys, name)
    mode = reading.one_of(properties, "mode", name, ("accumulate_all", "flush_leading_item"))
    fixed, dynamic = ("fixed", "fixed_window"), ("dynamic", "dynamic_window_expr")
    window = read_wait(reading, properties, name, "window_type", fixed, dynamic)
    key = reading.expression(properties, "batch_key", name, "jq")
    retained = read_retained(reading, properties, name)
    return Batch(common, mode == "flush_leading_item", window, retained, key)


def _digest(reading: Reading, common: Common, properties: Node) -> Digest | None:
    name = common.id
    keys = ("schedule_type", "schedule", "dynamic_schedule_expr", *_RETAIN_KEYS, "trigger_min_count")
    reading.no_others(properties, keys, name)
    kinds = ("static", "dynamic", "category_digest_schedule")
    kind = reading.one_of(properties, "schedule_type", name, kinds)
    schedule: Schedule | Expression | None = None
    if kind == "static":
        node = reading.child(properties, "schedule", dict, name, needed=True)
        schedule = read_schedule(reading, node, name) if node is not None else None
    elif kind == "dynamic":
        schedule = reading.expression(properties, "dynamic_schedule_expr", name, "jq", needed=True)
    if schedule is None and kind != "category_digest_schedule":
        return None
    least = reading.number(properties, "trigger_min_count", name, 1, 1)
    return Digest(common, schedule, read_retained(reading, properties, name), least)


def _transform(reading: Reading, common: Common, properties: Node) -> Transform:
    name = common.id
    reading.no_others(properties, ("variables",), name)
    variables = reading.child(properties, "variables", list, name, needed=True)
    found = []
    for item in variables.items if variables is not None else ():
        what = f"a variable of {name}"
        if not isinstance(item.value, dict):
            reading.report(f"{what} must be a map, not {describe(item.value)}", item)
            continue
        language = reading.one_of(item, "value_lang", what, ("handlebars", "jsonnet"))
        is_jsonnet = language == "jsonnet"
        value = reading.expression(item, "value", what, "jsonnet" if is_jsonnet else "handlebars", needed=True)
        key = reading.text(item, "key", what)
        if value is not None and key:
            found.append((key, value))
    return Transform(common, tuple(found))


def _call(reading: Reading, common: Common, properties: Node) -> Fetch:
    name = common.id
    keys = ("http_method", "url", "headers", "query_params", "body", "body_content_type", "output_key")
    reading.no_others(properties, keys, name)
    reading.text(properties, "url", name)
    must_answer = common.node_type == "httpapi_fetch"
    return Fetch(common, reading.text(properties, "output_key", name, "") or None, must_answer)


def _send(reading: Reading, common: Common, properties: Node) -> Send:
    return Send(common, reading.text(properties, "template", common.id), _SENDS[common.node_type])


def _send_multi(reading: Reading, common: Common, properties: Node) -> SendMulti:
    name = common.id
    expression = reading.expression(properties, "channels_expr", name, "jq")
    template = reading.text(properties, "template", name)
    return SendMulti(common, template, reading.channels(properties, "channels", name), expression)


def _send_smart(reading: Reading, common: Common, properties: Node) -> SendSmart | None:
    name = common.id
    success = reading.text(properties, "success", name)
    ttl = reading.child(properties, "ttl_value", str, name, needed=True)
    if not success or ttl is None:
        return None
    is_event = reading.child(properties, "success_is_event", bool, name)
    seconds = reading.duration(properties, "ttl_value", name)
    return SendSmart(
        common,
        reading.text(properties, "template", name),
        reading.channels(properties, "channels", name),
        reading.expression(properties, "channels_expr", name, "jq"),
        success,
        is_event.value is True if is_event is not None else success not in _SUCCESSES,
        seconds or 0,
        reading.channels(properties, "mandatory_channels", name),
    )


def _invoke(reading: Reading, common: Common, properties: Node) -> Invoke | None:
    name = common.id
    keys = (
        "workflow", "recipient_selection", "recipient_expression", "actor_selection", "actor_expression", "data",
        "append_current_run_data",
    )  # fmt: skip
    reading.no_others(properties, keys, name)
    recipient = _selection(reading, properties, "recipient", name, needed=True)
    if recipient is None:
        return None
    return Invoke(
        common,
        reading.text(properties, "workflow", name),
        recipient,
        _selection(reading, properties, "actor", name, needed=False),
        reading.expression(properties, "data", name, "jsonnet"),
        reading.flag(properties, "append_current_run_data", name),
    )


def _selection(
    reading: Reading, properties: Node, whose: str, name: str, *, needed: bool
) -> Expression | Literal["recipient", "actor"] | None:
    key = f"{whose}_selection"
    given = properties.get(key)
    if not needed and (given is None or given.value in (None, "")):
        return None
    kind = reading.one_of(properties, key, name, ("recipient", "actor", "expression"))
    if kind == "expression":
        return reading.expression(properties, f"{whose}_expression", name, "jq", needed=True)
    return "actor" if kind == "actor" else "recipient"


def _record(reading: Reading, common: Common, properties: Node) -> Record:
    needed, others = _RECORDS[common.node_type]
    reading.no_others(properties, (*needed, *others), common.id)
    for key in needed:
        if key not in properties.entries:
            reading.report(f"{common.id} has no '{key}'", properties)
    return Record(common, properties.plain())


_SUCCESSES = ("delivered", "seen", "interaction", "interacted", "clicked")
_SENDS: Mapping[str, tuple[Channel, ...]] = {
    "send_email": ("email",),
    "send_sms": ("sms",),
    "send_whatsapp": ("whatsapp",),
    "send_inbox": ("inbox",),
    "send_mobile_push": ("androidpush", "iospush"),
    "send_webpush": ("webpush",),
    "send_slack": ("slack",),
    "send_ms_teams": ("ms_teams",),
}
_LISTS = ("list_id", "user_selection"), ("is_list_id_dynamic", "create_list_if_missing", "list_name", "op")
_OBJECTS = (
    ("object_type", "object_id", "user_selection"),
    ("is_object_id_dynamic", "create_object_if_missing", "subscription_properties", "op"),
)
_RECORDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "userupdate": (("user_selection", "properties"), ()),
    "subscriberlistoperation_adduser": _LISTS,
    "subscriberlistoperation_removeuser": _LISTS,
    "objectoperation_addsubscription": _OBJECTS,
    "objectoperation_removesubscription": _OBJECTS,
}
"""The needed and the other properties of nodes that are only recorded."""
_READERS: Mapping[str, Callable[[Reading, Common, Node], WorkflowNode | None]] = {
    "delay": _delay,
    "timewindow": _timewindow,
    "batch": _batch,
    "digest": _digest,
    "transform": _transform,
    "httpapi_fetch": _call,
    "httpapi_webhook": _call,
    **dict.fromkeys(_SENDS, _send),
    "send_multi_channel": _send_multi,
    "send_smart_channel_routing": _send_smart,
    "invokeworkflow": _invoke,
    **dict.fromkeys(_RECORDS, _record),
}
PLAIN_TYPES = tuple(_READERS)
