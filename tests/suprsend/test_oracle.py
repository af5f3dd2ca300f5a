"""For events that both accept, our requests say what the official SDK's say; where we differ, a test says how.

Each library runs in a process of its own with the same clock and the same ids, and is asked to send the same events to
one server. What is compared is what came over the wire.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner import __version__
from runner.secrets import Secret
from runner.suprsend.auth import sign

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.capturing import CapturingServer, Received
    from tests.suprsend.conftest import Driver

KEY = "workspace_key_0123456789"
SECRET = "workspace_secret"
UID = "workspace-uid-0123456789"
API_KEY = "api-key"
NOW = 1767225600.0
LIBRARIES = ("suprsend-py-sdk/", "suprsend-runner/")

WAYS = pytest.mark.parametrize(
    ("sdk", "auth"), [("0.20.0", "hmac"), ("0.20.0", "bearer"), ("0.19.7", "hmac")], indirect=["sdk"]
)

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
instants = st.floats(1_640_995_200, 4_102_444_800)
ids = st.integers(0, 2**128 - 1_000)


def nested(value: Any, containers: list[str]) -> Any:
    for container in containers:
        value = [value] if container == "list" else {"": value}
    return value


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


def command(base_url: str, auth: str = "hmac", **more: Any) -> dict[str, Any]:
    credentials = [KEY, SECRET] if auth == "hmac" else [UID, API_KEY]
    return {"send": "single", "auth": auth, "credentials": credentials, "base_url": base_url, "now": NOW} | more


def said(request: Received) -> str:
    """Give a body's values with their types, in their order, and with repeated keys, but for the library's name."""

    def members(pairs: list[tuple[str, Any]]) -> tuple[str, Any]:
        return "object", [(key, "…" if str(value).startswith(LIBRARIES) else value) for key, value in pairs]

    return repr(json.loads(request.body, object_pairs_hook=members))


def check_same(our: Received, their: Received, auth: str, signature_of: Callable[[Received, str], str]) -> None:
    """Compare a request of ours with one of the SDK in all that the platform looks at."""
    assert (our.method, our.path) == (their.method, their.path)
    for name in ("Content-Type", "Date"):
        assert our.headers.get(name) == their.headers.get(name)
    assert said(our) == said(their)
    if auth == "bearer":
        assert our.headers["Authorization"] == their.headers["Authorization"] == f"Bearer {API_KEY}"
        assert "Date" not in their.headers
        return
    for request in (our, their):
        assert request.headers["Authorization"] == f"{KEY}:{signature_of(request, SECRET)}"
    content_type, date = their.headers["Content-Type"], their.headers["Date"]
    signature = sign(Secret(SECRET), their.method, their.path, content_type, date, their.body)
    assert f"{KEY}:{signature}" == their.headers["Authorization"]


def ask(driver: Driver, server: CapturingServer, given: dict[str, Any]) -> tuple[list[Any], list[Received]]:
    """Have events sent; give what the library returned or raised for each call, and what arrived."""
    server.received.clear()
    outcomes = driver.ask(given)["outcomes"]
    return outcomes, list(server.received)


def sent(driver: Driver, server: CapturingServer, event: dict[str, Any], **more: Any) -> Any:
    """Have one event sent; give what arrived of it, or as text what was raised instead."""
    given = command(server.base_url, events=[{"distinct_id": "u1", "event_name": "ordered"} | event]) | more
    [outcome], requests = ask(driver, server, given)
    if "raised" in outcome:
        assert requests == []
        return f"{outcome['raised']}: {outcome['text']}"
    assert outcome["returned"]["success"]
    [request] = requests
    return request.json


# The same


@WAYS
def test_single_events_go_out_as_the_official_sdk_sends_them(
    server: CapturingServer, sdk: Driver, ours: Driver, signature_of: Callable[[Received, str], str], auth: str
) -> None:
    @settings(max_examples=40)
    @given(st.lists(events, min_size=8, max_size=20), instants, ids)
    @example(EVERY_KIND, NOW, 0)
    def check(drawn: list[dict[str, Any]], now: float, first_id: int) -> None:
        given = command(server.base_url, auth, events=drawn, now=now, first_id=first_id)
        their_outcomes, their_requests = ask(sdk, server, given)
        our_outcomes, our_requests = ask(ours, server, given)
        for outcomes in (their_outcomes, our_outcomes):
            assert [outcome.get("returned", outcome).get("success") for outcome in outcomes] == [True] * len(drawn)
        assert {request.path for request in their_requests} == {"/v2/event/"}
        for our, their in zip(our_requests, their_requests, strict=True):
            check_same(our, their, auth, signature_of)

    check()


@WAYS
def test_a_bulk_goes_out_as_the_official_sdk_sends_it(
    server: CapturingServer, sdk: Driver, ours: Driver, signature_of: Callable[[Received, str], str], auth: str
) -> None:
    @settings(max_examples=40)
    @given(st.lists(events, min_size=8, max_size=20), instants, ids)
    @example(EVERY_KIND, NOW, 0)
    def check(drawn: list[dict[str, Any]], now: float, first_id: int) -> None:
        given = command(server.base_url, auth, send="bulk", events=drawn, now=now, first_id=first_id)
        shape = {"status": "success", "total": len(drawn), "success": len(drawn), "failure": 0, "failed_records": []}
        their_outcomes, [their] = ask(sdk, server, given)
        our_outcomes, [our] = ask(ours, server, given)
        assert their_outcomes == [{"returned": shape}]
        assert our_outcomes == [{"returned": shape | {"unknown": 0}}]
        assert their.path == "/v2/bulk/event/"
        check_same(our, their, auth, signature_of)

    check()


@WAYS
@pytest.mark.parametrize(
    "drawn",
    [
        pytest.param([{"distinct_id": f"u{index}", "event_name": "ordered"} for index in range(250)], id="by number"),
        pytest.param(
            [
                {"distinct_id": f"u{index}", "event_name": "ordered", "properties": {"text": "ä" * 50_000}}
                for index in range(20)
            ],
            id="by size",
        ),
    ],
)
def test_many_events_are_cut_into_the_official_sdks_chunks(
    server: CapturingServer,
    sdk: Driver,
    ours: Driver,
    signature_of: Callable[[Received, str], str],
    auth: str,
    drawn: list[dict[str, Any]],
) -> None:
    given = command(server.base_url, auth, send="bulk", events=drawn, options={"concurrency": 1})
    _, their_requests = ask(sdk, server, given)
    _, our_requests = ask(ours, server, given)
    assert len(their_requests) == 3
    for our, their in zip(our_requests, their_requests, strict=True):
        check_same(our, their, auth, signature_of)


@WAYS
def test_a_base_url_is_stripped_gets_a_slash_and_has_its_path_signed(
    server: CapturingServer, sdk: Driver, ours: Driver, signature_of: Callable[[Received, str], str], auth: str
) -> None:
    given = command(f" {server.base_url}hub/eu-1\n", auth, events=EVERY_KIND[1:])
    _, their_requests = ask(sdk, server, given)
    _, our_requests = ask(ours, server, given)
    assert {request.path for request in their_requests} == {"/hub/eu-1/v2/event/"}
    for our, their in zip(our_requests, their_requests, strict=True):
        check_same(our, their, auth, signature_of)


def test_an_empty_bulk_is_a_success_of_0_in_both(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    given = command(server.base_url, send="bulk", events=[])
    shape = {"status": "success", "total": 0, "success": 0, "failure": 0, "failed_records": []}
    assert ask(sdk, server, given) == ([{"returned": shape}], [])
    assert ask(ours, server, given) == ([{"returned": shape | {"unknown": 0}}], [])


@pytest.mark.parametrize(
    ("event", "their_error"),
    [
        ({"distinct_id": " \n"}, "InputValueError: distinct_id missing"),
        ({"distinct_id": None}, "InputValueError: distinct_id must be a string. "),
        ({"distinct_id": True}, "InputValueError: distinct_id must be a string. "),
        ({"distinct_id": 1.5}, "InputValueError: distinct_id must be a string. "),
        ({"event_name": 5}, "InputValueError: event_name must be a string"),
        ({"event_name": " "}, "InputValueError: event_name missing"),
        ({"event_name": " x "}, "SuprsendValidationError: [code: 400] 'x' is too short"),
        ({"event_name": "$ordered"}, "InputValueError: event_names starting with [$,ss_] are reserved by SuprSend"),
        ({"event_name": "sS_x"}, "InputValueError: event_names starting with [$,ss_] are reserved by SuprSend"),
        ({"properties": [1]}, "InputValueError: properties must be a dictionary"),
        ({"properties": {"text": "\ud83d"}}, "UnicodeEncodeError: 'utf-8' codec can't encode character"),
        ({"idempotency_key": 5}, "SuprsendValidationError: [code: 400] 5 is not of type 'string', 'null'"),
        ({"idempotency_key": "k" * 256}, "SuprsendValidationError: [code: 400] 'kkk"),
        ({"tenant_id": "t" * 65}, "SuprsendValidationError: [code: 400] 'ttt"),
        ({"brand_id": "t" * 65}, "SuprsendValidationError: [code: 400] 'ttt"),
        ({"properties": {"text": "x" * 819_200}}, "InputValueError: Event size too big - "),
    ],
)
def test_what_the_official_sdk_refuses_we_refuse(
    server: CapturingServer, sdk: Driver, ours: Driver, event: dict[str, Any], their_error: str
) -> None:
    assert sent(sdk, server, event).startswith(their_error)
    assert sent(ours, server, event, options={"max_event_kb": 800}).startswith("InvalidEvent: ")


# Not the same, on purpose


def test_version_0_19_7_has_no_api_keys(server: CapturingServer, sdk: Driver) -> None:
    given = {"auth": "bearer", "credentials": [UID, API_KEY]}
    if sdk.version == "0.19.7":
        error = "AttributeError: type object 'Suprsend' has no attribute 'with_workspace_api_key'"
        assert sent(sdk, server, {}, **given) == error
    else:
        assert sent(sdk, server, {}, **given)["env"] == UID


def test_a_key_goes_out_trimmed_as_documented_the_sdk_keeps_its_spaces(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    event = {"idempotency_key": " order-1\n"}
    assert sent(sdk, server, event)["$idempotency_key"] == " order-1\n"
    assert sent(ours, server, event)["$idempotency_key"] == "order-1"


def test_the_length_of_a_key_counts_without_the_spaces_around_it(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    event = {"idempotency_key": "k" * 255 + " "}
    assert sent(sdk, server, event) == f"SuprsendValidationError: [code: 400] '{'k' * 255} ' is too long"
    assert sent(ours, server, event)["$idempotency_key"] == "k" * 255


def test_a_blank_key_is_an_error_the_sdk_sends_it(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    event = {"idempotency_key": "  "}
    assert sent(sdk, server, event)["$idempotency_key"] == "  "
    assert sent(ours, server, event).startswith("InvalidEvent: the idempotency key is blank")


def test_an_empty_key_is_an_error_the_sdk_sends_the_event_without_one(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    event = {"idempotency_key": ""}
    assert "$idempotency_key" not in sent(sdk, server, event)
    assert sent(ours, server, event).startswith("InvalidEvent: the idempotency key is blank")


@pytest.mark.parametrize(
    ("distinct_id", "text"),
    [(42, "42"), (2**70, str(2**70)), ({"uuid": "0" * 31 + "1"}, "00000000-0000-0000-0000-000000000001")],
    ids=["int", "bigint", "UUID"],
)
def test_a_number_or_a_uuid_is_a_distinct_id_as_documented_the_sdk_refuses_it(
    server: CapturingServer, sdk: Driver, ours: Driver, distinct_id: object, text: str
) -> None:
    event = {"distinct_id": distinct_id}
    assert sent(sdk, server, event) == (
        "InputValueError: distinct_id must be a string. an Id which uniquely identify a user in your app"
    )
    assert sent(ours, server, event)["distinct_id"] == text


def test_the_documented_workspace_key_is_long_enough_the_sdk_refuses_it(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    given = {"credentials": ["workspace_key", "workspace_secret"]}
    assert sent(sdk, server, {}, **given) == "SuprsendValidationError: [code: 400] 'workspace_key' is too short"
    assert sent(ours, server, {}, **given)["env"] == "workspace_key"


@pytest.mark.parametrize("sdk", ["0.20.0"], indirect=True)
def test_a_workspace_uid_of_any_length_will_do_the_sdk_refuses_a_short_one(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    given = {"auth": "bearer", "credentials": ["acme", API_KEY]}
    assert sent(sdk, server, {}, **given) == "SuprsendValidationError: [code: 400] 'acme' is too short"
    assert sent(ours, server, {}, **given)["env"] == "acme"


@pytest.mark.parametrize("name", ["$amount", "ss_amount", "SS_amount", "$ss_sdk_version"])
def test_a_reserved_property_is_an_error_the_sdk_sends_or_replaces_it(
    server: CapturingServer, sdk: Driver, ours: Driver, name: str
) -> None:
    event = {"properties": {name: 10}}
    properties = sent(sdk, server, event)["properties"]
    version = {"$ss_sdk_version": properties["$ss_sdk_version"]}
    assert properties == {name: 10} | version
    assert version["$ss_sdk_version"].startswith(f"suprsend-py-sdk/{sdk.version} ")
    assert sent(ours, server, event).startswith(f"InvalidEvent: properties.{name}: property '{name}' is reserved")


def test_more_than_64_levels_are_an_error_the_sdk_sends_them(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    event = {"properties": {"deep": nested(0, ["list"] * 64)}}
    assert sent(sdk, server, event)["properties"]["deep"] == event["properties"]["deep"]
    assert sent(ours, server, event).endswith(": nested more than 64 levels deep")


@pytest.mark.parametrize("field", ["tenant_id", "brand_id"])
def test_a_tenant_has_letters_digits_and_two_signs_the_sdk_checks_only_its_length(
    server: CapturingServer, sdk: Driver, ours: Driver, field: str
) -> None:
    event = {field: "ä b"}
    assert sent(sdk, server, event)[field] == "ä b"
    assert sent(ours, server, event).startswith(f"InvalidEvent: {field} 'ä b' is not an id of a tenant")


@pytest.mark.parametrize("ignore", [False, True])
def test_an_attachments_scheme_may_be_upper_case_the_sdk_takes_it_for_a_file(
    server: CapturingServer, sdk: Driver, ours: Driver, ignore: bool
) -> None:
    attachment = {"file_path": "HTTPS://example.com/a.pdf", "ignore_if_error": ignore}
    event = {"attachments": [attachment]}
    if ignore:
        assert list(sent(sdk, server, event)["properties"]) == ["$ss_sdk_version"]
    else:
        assert sent(sdk, server, event).startswith("FileNotFoundError: [Errno 2] No such file or directory: ")
    assert sent(ours, server, event)["properties"]["$attachments"] == [
        {"filename": None, "contentType": None, "data": None, "url": attachment["file_path"], "ignore_if_error": ignore}
    ]


def test_a_file_of_this_machine_is_no_attachment_the_sdk_sends_what_is_in_it(
    server: CapturingServer, sdk: Driver, ours: Driver, tmp_path: Path
) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("secret")
    event = {"attachments": [{"file_path": str(file)}]}
    assert sent(sdk, server, event)["properties"]["$attachments"] == [
        {
            "filename": "secret.txt",
            "contentType": "text/plain",
            "data": "c2VjcmV0",
            "url": None,
            "ignore_if_error": False,
        }
    ]
    assert sent(ours, server, event).startswith(f"InvalidEvent: attachments[0].url: '{file}' is not an http(s) URL")


def test_the_callers_properties_stay_as_they_are_the_sdk_writes_attachments_into_them(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    urls = ["https://example.com/1.pdf", "https://example.com/2.pdf"]
    drawn = [{"distinct_id": "u1", "event_name": "ordered", "attachments": [{"file_path": url}]} for url in urls]
    given = command(server.base_url, events=drawn, shared_properties={"amount": 10})
    attached = [
        [[item["url"] for item in request.json["properties"]["$attachments"]] for request in requests]
        for _, requests in (ask(sdk, server, given), ask(ours, server, given))
    ]
    assert attached == [[urls[:1], urls], [urls[:1], urls[1:]]]


def test_an_event_above_100_kb_needs_permission_the_sdk_sends_up_to_800(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    event = {"properties": {"text": "x" * 102_400}}
    assert sent(sdk, server, event)["properties"]["text"] == event["properties"]["text"]
    assert sent(ours, server, event).startswith("InvalidEvent: the event has 102,")
    assert sent(ours, server, event, options={"max_event_kb": 101})["properties"]["text"] == event["properties"]["text"]


def test_brackets_and_commas_count_for_a_chunks_size_the_sdk_forgets_them(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    largest = []
    for driver in (sdk, ours):
        sent(driver, server, {"properties": {"text": ""}})
        room = 8_192 - len(server.received[0].body)
        drawn = [{"distinct_id": "u1", "event_name": "ordered", "properties": {"text": "x" * room}}] * 100
        _, requests = ask(driver, server, command(server.base_url, send="bulk", events=drawn))
        largest.append(max(len(request.body) for request in requests))
    # The SDK separates events by a comma and a space: 100 of them are 200 bytes over the limit.
    assert largest == [100 * 8_192 + 2 + 2 * 99, 99 * 8_192 + 2 + 98]


def test_a_path_is_signed_as_it_goes_out_the_sdk_signs_it_as_it_was_given(
    server: CapturingServer, sdk: Driver, ours: Driver, signature_of: Callable[[Received, str], str]
) -> None:
    given = command(f"{server.base_url}a|b/", events=[{"distinct_id": "u1", "event_name": "ordered"}])
    for driver, matches in ((sdk, False), (ours, True)):
        _, [request] = ask(driver, server, given)
        assert request.path == "/a%7Cb/v2/event/"
        assert (request.headers["Authorization"] == f"{KEY}:{signature_of(request, SECRET)}") == matches


def test_message_is_ok_as_documented_and_the_id_has_a_field_of_its_own(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    given = command(server.base_url, events=[{"distinct_id": "u1", "event_name": "ordered"}])
    shape = {"success": True, "status": "success", "status_code": 202}
    shape["raw_response"] = {"status": "success", "message_id": "m0"}
    assert ask(sdk, server, given)[0] == [{"returned": shape | {"message": "m0"}}]
    assert ask(ours, server, given)[0] == [
        {"returned": shape | {"message": "OK", "message_id": "m0", "unknown": False}}
    ]


@WAYS
def test_only_headers_that_say_who_sends_differ(server: CapturingServer, sdk: Driver, ours: Driver, auth: str) -> None:
    given = command(server.base_url, auth, events=[{"distinct_id": "u1", "event_name": "ordered"}])
    _, [their] = ask(sdk, server, given)
    _, [our] = ask(ours, server, given)
    about_the_sender = {"User-Agent", "X-Suprsend-Client-User-Agent", "Accept", "Accept-Encoding", "Connection"}
    names = [set(request.headers) - about_the_sender for request in (their, our)]
    assert (
        names
        == [{"Host", "Content-Type", "Content-Length", "Authorization"} | ({"Date"} if auth == "hmac" else set())] * 2
    )


def test_what_the_program_says_of_itself_ends_both_user_agents(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    app = {"app_info": {"name": "shop", "version": "1.2"}, "debug": False}
    sent(sdk, server, {}, options=app)
    assert server.received[0].headers["User-Agent"].startswith(f"suprsend-py-sdk/{sdk.version} (python/")
    assert server.received[0].headers["User-Agent"].endswith(") (shop/1.2)")
    sent(ours, server, {}, options=app)
    assert server.received[0].headers["User-Agent"] == f"suprsend-runner/{__version__} (shop/1.2)"
