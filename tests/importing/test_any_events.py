"""Any events become specs that render them: import proves each one before it is written, so none may fail."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.importing.bundle import bundled
from runner.importing.payloads import events_in

WORDS = st.sampled_from([
    "id", "order_id", "user", "email", "token", "url", "a b", "$gt", "", "é", "name", "n", "if", "loop", "now", "0", "items", "x-y", "Token", "user_id", "{{ x }}", "{y}", "password", "ss_x", "secret", "event", "id",
])  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from([
        "u1", "1001", "1002", "order-1001", "{{ user }}", "{% if %}", "{#", "}}", "${name}", "%name%", "zoe@acme.io", "https://x.example.com/1001?token=abcdefgh",
        "2026-01-02", "2026-01-02T03:04:05Z", "", "null", "auto", "a\r\nb", "\\", "'", '"', "{{ '", "{", "no", "\x85", "😀", "true", "00000000-0000-4000-8000-000000000000",
        "password=Zk8Qw3Xv9", "${HOME}", "https://x.example.com/1001/{sha}", "Zk8Qw3Xv9",
    ]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    TEXTS,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=8,
)
PROPERTIES = st.dictionaries(WORDS, VALUES, max_size=6)
PEOPLE = st.sampled_from(["u1", "u2", "1001", "zoe@acme.io", "{{ x }}", "auto"])
KEYS = st.sampled_from([None, "auto", "order-1001", "order-1002", "k-{{", "1001", "paid zoe@acme.io"])
TENANTS = st.sampled_from([None, "acme", "other", "1001"])
ATTACHMENTS = st.lists(
    st.fixed_dictionaries(
        {"url": st.sampled_from(["https://files.example.com/1001.pdf", "https://files.example.com/a.pdf?sig=abcdefgh", "https://files.example.com/%7B"])},
        optional={"filename": st.sampled_from(["a.pdf", "{{ a }}.pdf", None]), "ignore_if_error": st.booleans()},
    ),
    max_size=2,
)  # fmt: skip


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    event: dict[str, Any] = {"event": "order_placed", "distinct_id": draw(PEOPLE), "properties": draw(PROPERTIES)}
    if (key := draw(KEYS)) is not None:
        event["$idempotency_key"] = key
    if (tenant := draw(TENANTS)) is not None:
        event["tenant_id"] = tenant
    if attached := draw(ATTACHMENTS):
        event["properties"]["$attachments"] = attached
    return event


@settings(max_examples=300)
@given(st.lists(events(), min_size=1, max_size=4))
def test_any_events_become_specs_that_render_them(found: list[Any]) -> None:
    bundle = bundled(events_in(found, "a test", "events").samples, "a test")
    assert bundle.problems == ()
    for spec in bundle.specs.values():
        assert "acme.io" not in spec.text
        assert "abcdefgh" not in spec.text
