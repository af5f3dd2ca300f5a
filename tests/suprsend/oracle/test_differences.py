"""Where our requests differ from the official SDK's, on purpose, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import __version__
from tests.suprsend.oracle.conftest import (
    API_KEY,
    KEY,
    SECRET,
    UID,
    WAYS,
    ask,
    command,
    sent,
)
from tests.suprsend.oracle.drawn import nested

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.capturing import CapturingServer, Received
    from tests.suprsend.conftest import Driver


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
