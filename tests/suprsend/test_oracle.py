"""For events that both accept, our requests say what the official SDK's say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import suprsend
from hypothesis import given, settings
from hypothesis import strategies as st

import runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CapturingServer, Received

KEY = "workspace_key_0123456789"
SECRET = "workspace_secret"
UID = "workspace-uid-0123456789"
API_KEY = "api-key"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
properties = st.dictionaries(
    st.text(max_size=12).filter(lambda key: not key.startswith("$") and key[:3].lower() != "ss_"),
    json_values,
    max_size=4,
)
names = st.sampled_from(["$identify", "$user_login", " product_purchased "]) | st.text(min_size=2, max_size=30).filter(
    lambda name: len(name.strip()) >= 2 and not name.strip().startswith("$") and name.strip()[:3].lower() != "ss_"
)
users = st.text(min_size=1, max_size=30).filter(str.strip)
# The SDK does not trim keys; ours go out trimmed.
keys = st.none() | st.text(min_size=1, max_size=255).map(str.strip).filter(bool)
tenants = st.none() | st.just("") | st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
urls = st.sampled_from(["https://example.com/a.pdf", "http://example.com/ä.pdf?x=%20", "https://[2001:db8::1]:8443/"])
attachments = st.lists(
    st.tuples(urls, st.none() | st.sampled_from(["terms.pdf", "Angebot ä.pdf"]), st.booleans()), max_size=2
)
events = st.tuples(users, names, st.none() | properties, keys, tenants, tenants, attachments)


def build(event_class: Any, drawn: tuple[Any, ...]) -> Any:
    user, name, given_properties, key, tenant, brand, files = drawn
    # The SDK writes attachments into the dictionary that it is given.
    own = None if given_properties is None else json.loads(json.dumps(given_properties))
    event = event_class(user, name, own, idempotency_key=key, tenant_id=tenant, brand_id=brand)
    for url, filename, ignore in files:
        event.add_attachment(url, filename, ignore)
    return event


def clients(auth: str, base_url: str) -> tuple[Any, Any]:
    if auth == "hmac":
        return runner.Suprsend(KEY, SECRET, base_url=base_url), suprsend.Suprsend(KEY, SECRET, base_url=base_url)
    return (
        runner.Suprsend.with_workspace_api_key(UID, API_KEY, base_url=base_url),
        suprsend.Suprsend.with_workspace_api_key(UID, API_KEY, base_url=base_url),
    )


def comparable(event: dict[str, Any]) -> str:
    """Give an event as text, in its own order and with its own types, without what differs from call to call."""
    assert len(event.pop("$insert_id")) == 36
    assert event.pop("$time") > 1_640_995_200_000
    assert event["properties"].pop("$ss_sdk_version")
    return json.dumps(event)


def check_authorization(auth: str, request: Received, signature_of: Callable[[Received, str], str]) -> None:
    expected = f"{KEY}:{signature_of(request, SECRET)}" if auth == "hmac" else f"Bearer {API_KEY}"
    assert request.headers["Authorization"] == expected
    assert ("Date" in request.headers) == (auth == "hmac")


@pytest.mark.parametrize("auth", ["hmac", "bearer"])
def test_a_single_event_goes_out_as_the_official_sdk_sends_it(
    server: CapturingServer, signature_of: Callable[[Received, str], str], auth: str
) -> None:
    ours, theirs = clients(auth, server.base_url)

    @settings(max_examples=100)
    @given(events)
    def check(drawn: tuple[Any, ...]) -> None:
        server.received.clear()
        assert ours.track_event(build(runner.Event, drawn))["success"]
        assert theirs.track_event(build(suprsend.Event, drawn))["success"]
        our, their = server.received
        assert (our.method, our.path) == (their.method, their.path) == ("POST", "/v2/event/")
        assert our.headers["Content-Type"] == their.headers["Content-Type"]
        assert comparable(our.json) == comparable(their.json)
        check_authorization(auth, our, signature_of)
        check_authorization(auth, their, signature_of)

    check()


@pytest.mark.parametrize("auth", ["hmac", "bearer"])
def test_a_bulk_goes_out_as_the_official_sdk_sends_it(
    server: CapturingServer, signature_of: Callable[[Received, str], str], auth: str
) -> None:
    ours, theirs = clients(auth, server.base_url)

    @settings(max_examples=40)
    @given(st.lists(events, min_size=1, max_size=4))
    def check(drawn: list[tuple[Any, ...]]) -> None:
        server.received.clear()
        for client, event_class in ((ours, runner.Event), (theirs, suprsend.Event)):
            bulk = client.bulk_events.new_instance()
            bulk.append(*(build(event_class, one) for one in drawn))
            response = bulk.trigger()
            assert (response.status, response.total, response.failure) == ("success", len(drawn), 0)
        our, their = server.received
        assert (our.method, our.path) == (their.method, their.path) == ("POST", "/v2/bulk/event/")
        assert [comparable(event) for event in our.json] == [comparable(event) for event in their.json]
        check_authorization(auth, our, signature_of)
        check_authorization(auth, their, signature_of)

    check()


def test_250_events_are_cut_into_the_official_sdks_chunks(server: CapturingServer) -> None:
    chunks = []
    for client, event_class in zip(clients("hmac", server.base_url), (runner.Event, suprsend.Event), strict=True):
        server.received.clear()
        bulk = client.bulk_events.new_instance()
        bulk.append(*(event_class(f"u{index}", "ordered") for index in range(250)))
        assert bulk.trigger().success == 250
        chunks.append([[event["distinct_id"] for event in request.json] for request in server.received])
    assert chunks[0] == chunks[1]
    assert [len(chunk) for chunk in chunks[0]] == [100, 100, 50]
