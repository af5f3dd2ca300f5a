"""Strategies of events that the official SDK and ours both accept, and events that are always among them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st


def nested(value: Any, containers: list[str]) -> Any:
    for container in containers:
        value = [value] if container == "list" else {"": value}
    return value


integers = st.integers() | st.integers(-(2**70), 2**70) | st.integers(0, 13_999).map(lambda bits: -(2**bits) + 1)
scalars = st.none() | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


deep_values = st.builds(
    lambda value, pattern, depth: nested(value, (pattern * depth)[:depth]),
    scalars,
    st.sampled_from([["list"], ["dict"], ["list", "dict"]]),
    st.integers(0, 63),  # the properties are the first of 64 levels
)


properties = st.dictionaries(
    st.text(max_size=12).filter(lambda key: not key.startswith("$") and key[:3].lower() != "ss_"),
    json_values | deep_values,
    max_size=4,
)


notification_events = [f"$notification_{what}" for what in ("delivered", "dismiss", "clicked")]
system_events = ["$identify", "$app_launched", "$user_login", "$user_logout", *notification_events]
names = st.sampled_from([*system_events, " product_purchased\n"]) | st.text(min_size=2, max_size=30).filter(
    lambda name: len(name.strip()) >= 2 and not name.strip().startswith("$") and name.strip()[:3].lower() != "ss_"
)


users = st.text(min_size=1, max_size=30).filter(str.strip)


# The SDK does not trim keys; ours go out trimmed.
keys = st.text(min_size=1, max_size=255).map(str.strip).filter(bool)
tenants = st.just("") | st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
paths = st.text(max_size=20).map(lambda text: "".join(char for char in text if not (char <= " " or char == "\x7f")))
urls = paths.map("https://example.com/{}".format) | st.sampled_from(
    ["http://example.com/ä.pdf?x=%20#top", "https://[2001:db8::1]:8443/", "https://user@files.example.com/a/../b"]
)


attachments = st.fixed_dictionaries(
    {"file_path": urls},
    optional={"file_name": st.none() | st.text(max_size=20), "ignore_if_error": st.booleans()},
)


events = st.fixed_dictionaries(
    {"distinct_id": users, "event_name": names, "properties": properties},
    optional={
        "idempotency_key": st.none() | keys,
        "tenant_id": st.none() | tenants,
        "brand_id": st.none() | tenants,
        "attachments": st.lists(attachments, max_size=2),
    },
)


ids = st.integers(0, 2**128 - 1_000)
instants = st.floats(1_640_995_200, 4_102_444_800)


# What must be among the events, whatever is drawn.
EVERY_KIND = [
    {
        "distinct_id": " \U0001f600 ",
        "event_name": "\t order placed ",
        "properties": {
            "planes": "".join(chr(plane * 0x10000 + 0xFFFD) for plane in range(17)),
            "low": "".join(map(chr, range(0x100))) + "\u2028\u2029\ufeff",
            "escapes": '"\\/\b\f\n\r\t</script>',
            "constants": [None, True, False],
            "integers": [0, -1, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**4000],
            "floats": [0.0, -0.0, 1.0, 0.1, 5e-324, 1.7976931348623157e308, 1e16, 1e22, 1e23, -1e-7, 123456789.123],
            "empty": [{}, [], "", [[]], [{}], {"": {}}],
            "": None,
            "deep": nested(0, ["list", "dict"] * 31 + ["dict"]),
            "inner": {"$reserved": 1, "ss_reserved": 2, "$attachments": [], "$ss_sdk_version": "3"},
            "z": 1,
            "a": 2,
        },
        "idempotency_key": "k" * 254 + "\U0010fffd",
        "tenant_id": "t" * 64,
        "brand_id": "B_-9",
        "attachments": [
            {"file_path": "https://example.com/a.pdf"},
            {"file_path": "http://example.com/ä.pdf?x=%20", "file_name": "Angebot ä.pdf", "ignore_if_error": True},
        ],
    },
    {"distinct_id": "u", "event_name": "$identify", "properties": {}, "idempotency_key": None, "tenant_id": ""},
    {"distinct_id": "u", "event_name": "\U0001f600!", "properties": None, "brand_id": None, "attachments": []},
    {"distinct_id": "u", "event_name": "\U0001f600!", "attachments": [{"file_path": "https://example.com/"}]},
]
