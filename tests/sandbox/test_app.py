"""Which single events a sandbox accepts, from whom, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.conftest import CONTENT_TYPE, DATE
from tests.sandbox.wire import BULK, LEGACY, REFUSED, SINGLE, UNAUTHORIZED, bad, nothing_stored, of_size

if TYPE_CHECKING:
    from tests.sandbox.conftest import Answered, Api, Caller


# Accepting


def test_an_event_is_accepted_and_stored(api: Api, caller: Caller) -> None:
    answered = caller.post(SINGLE, caller.event())
    [stored] = api.store.events()
    assert (answered.status, answered.json) == (202, {"status": "success", "message_id": stored.message_id})
    assert answered.headers["content-type"] == "application/json"
    assert (stored.workspace, stored.endpoint, stored.duplicate, stored.body) == (
        "sandbox-workspace-key",
        SINGLE,
        False,
        caller.event(),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"properties": ...},
        {"properties": {}},
        {"properties": {"$attachments": [{"url": "https://example.com/a.pdf"}], "$ss_sdk_version": "x/1"}},
        {"properties": {"$attachments": [{"url": None, "data": "eA==", "filename": "x.txt", "ignore_if_error": True}]}},
        {"properties": {"big": 2**80, "deep": [{"$a": None}], "text": "Zoë 👍"}},
        {"event": "$identify"},
        {"event": "ab"},
        {"$idempotency_key": "k" * 255, "tenant_id": "t" * 64, "brand_id": "default"},
        {"$idempotency_key": None, "tenant_id": None, "brand_id": None},
        {"$time": 1640995200000},
        {"$insert_id": "x" * 40},
        {"distinct_id": "é"},
    ],
)
def test_what_the_platform_allows_is_accepted(api: Api, caller: Caller, changes: dict[str, Any]) -> None:
    assert caller.post(SINGLE, caller.event(**changes)).status == 202
    assert [stored.body for stored in api.store.events()] == [caller.event(**changes)]


def test_a_bearer_token_is_accepted(api: Api, caller: Caller) -> None:
    for env in ("sandbox-workspace-uid", "sandbox"):
        raw = json.dumps(caller.event(env=env)).encode()
        assert caller.send("POST", SINGLE, raw, {"Authorization": "Bearer sandbox-api-key"}).status == 202
    assert [stored.workspace for stored in api.store.events()] == ["sandbox-workspace-uid"] * 2


# Who asks


@pytest.mark.parametrize("path", [SINGLE, BULK, LEGACY])
def test_a_wrong_secret_is_401(api: Api, caller: Caller, path: str) -> None:
    wrong = caller.as_workspace("sandbox-workspace-key", "wrong")
    assert wrong.post(path, [caller.event()]).refusal == UNAUTHORIZED
    assert nothing_stored(api)


def test_a_wrong_key_is_401(api: Api, caller: Caller) -> None:
    wrong = caller.as_workspace("wrong", "sandbox-workspace-secret")
    assert wrong.post(SINGLE, caller.event()).refusal == UNAUTHORIZED
    assert nothing_stored(api)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "sandbox-workspace-key",
        "sandbox-workspace-key:",
        "sandbox-workspace-key:sandbox-workspace-secret",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer sandbox-workspace-secret",
        "sandbox-api-key",
        "Basic c2FuZGJveDpzYW5kYm94",
        "Bearer sandbox-api-k\xe9y",
    ],
)
def test_a_wrong_authorization_is_401(api: Api, caller: Caller, authorization: str | None) -> None:
    headers = {"Date": DATE, "Content-Type": CONTENT_TYPE}
    headers |= {} if authorization is None else {"Authorization": authorization}
    assert caller.send("POST", SINGLE, json.dumps(caller.event()).encode(), headers).refusal == UNAUTHORIZED
    assert nothing_stored(api)


def altered(caller: Caller, **changes: Any) -> Answered:
    """Sign an event, then change one part of the request."""
    raw = json.dumps(caller.event()).encode()
    headers = {"Content-Type": CONTENT_TYPE, "Date": DATE, "Authorization": caller.sign("POST", SINGLE, raw)}
    for name in ("Date", "Content-Type"):
        if (value := changes.get(name, headers[name])) is None:
            del headers[name]
        else:
            headers[name] = value
    return caller.send("POST", changes.get("path", SINGLE), changes.get("body", raw), headers)


def test_an_unaltered_request_is_accepted(caller: Caller) -> None:
    assert altered(caller).status == 202


@pytest.mark.parametrize(
    "changes",
    [
        {"Date": None},
        {"Date": "Thu, 01 Jan 2026 00:00:01 GMT"},
        {"Content-Type": None},
        {"Content-Type": "application/json"},
        {"path": BULK},
        {"path": LEGACY},
        {"path": "/v2/event/?x=1"},
        {"path": "/v2/%65vent/"},
        {"body": b"{}"},
        {"body": b""},
    ],
)
def test_an_altered_request_is_401(api: Api, caller: Caller, changes: dict[str, Any]) -> None:
    assert altered(caller, **changes).refusal == UNAUTHORIZED
    assert nothing_stored(api)


@pytest.mark.parametrize(
    "respell",
    [
        lambda event: json.dumps(event, indent=1),
        lambda event: json.dumps(event, separators=(",", ":")),
        lambda event: json.dumps(event, sort_keys=True),
        lambda event: json.dumps(event) + "\n",
        lambda event: json.dumps(event, ensure_ascii=False),
    ],
)
def test_a_signature_is_of_the_bytes_and_not_of_the_json(api: Api, caller: Caller, respell: Any) -> None:
    event = caller.event(properties={"name": "Zoë"})
    raw = respell(event).encode()
    signed = {"Content-Type": CONTENT_TYPE, "Date": DATE}
    other = caller.sign("POST", SINGLE, json.dumps(event).encode())
    assert caller.send("POST", SINGLE, raw, signed | {"Authorization": other}).refusal == UNAUTHORIZED
    assert nothing_stored(api)
    own = caller.sign("POST", SINGLE, raw)
    assert caller.send("POST", SINGLE, raw, signed | {"Authorization": own}).status == 202
    assert [stored.body for stored in api.store.events()] == [event]


def test_a_query_is_signed(caller: Caller) -> None:
    assert caller.post("/v2/event/?x=a%20b&y", caller.event()).status == 202


def test_env_must_be_the_workspace_of_the_credentials(api: Api, caller: Caller) -> None:
    message = "error: env is not the workspace of these credentials"
    assert caller.post(SINGLE, caller.event(env="sandbox")).refusal == bad(message)
    assert caller.post(SINGLE, caller.event(env=...)).refusal == bad(message)
    assert nothing_stored(api)


# What is refused


@pytest.mark.parametrize("body", [b"", b" \n"])
@pytest.mark.parametrize("path", [SINGLE, BULK, LEGACY])
def test_an_empty_body_is_refused(caller: Caller, path: str, body: bytes) -> None:
    assert caller.post(path, body).refusal == bad("Request body must not be empty")


@pytest.mark.parametrize(
    "body",
    [b"{", b"ordered", b"{'a': 1}", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1,}', b"\xff\xfe", b'{"a": "\xe9"}', b"[" * 100_000],
)  # fmt: skip
@pytest.mark.parametrize("path", [SINGLE, BULK, LEGACY])
def test_what_is_no_json_is_a_bad_request(caller: Caller, path: str, body: bytes) -> None:
    assert caller.post(path, body).refusal == bad("BAD REQUEST")


@pytest.mark.parametrize("body", [[], ["x"], "x", 7, None, True])
def test_the_single_endpoint_takes_an_object_only(api: Api, caller: Caller, body: object) -> None:
    assert caller.post(SINGLE, body).refusal == bad("Request body must only contain a single JSON object")
    assert caller.post(SINGLE, [caller.event()]).status == 400
    assert nothing_stored(api)


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_an_event_that_breaks_a_rule_is_refused_with_its_text(
    api: Api, caller: Caller, changes: dict[str, Any], message: str
) -> None:
    assert caller.post(SINGLE, caller.event(**changes)).refusal == bad(message)
    assert nothing_stored(api)


def test_a_distinct_id_on_the_wire_is_text(api: Api, caller: Caller) -> None:
    assert caller.post(SINGLE, caller.event(distinct_id=7)).status == 400
    assert nothing_stored(api)


def test_an_event_of_102400_bytes_is_accepted_and_one_more_is_413(api: Api, caller: Caller) -> None:
    assert caller.post(SINGLE, of_size(caller, 102_400)).status == 202
    message = "error: the event has 102,401 bytes, more than 100 KB"
    assert caller.post(SINGLE, of_size(caller, 102_401)).refusal == (413, message, "too_large")
    assert api.store.total == 1


def test_a_body_of_819200_bytes_is_read_and_one_more_is_413(api: Api, caller: Caller) -> None:
    assert caller.post(BULK, b"[]".ljust(819_200)).status == 207
    message = "Request body is larger than 800KB"
    assert caller.post(BULK, b"[]".ljust(819_201)).refusal == (413, message, "too_large")
    assert nothing_stored(api)
