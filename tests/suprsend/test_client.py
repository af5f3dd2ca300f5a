from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from runner import Event, InvalidEvent, Suprsend, __version__
from runner.errors import CredentialsError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.sandbox.server import Sandbox
    from tests.servers.capturing import CapturingServer, Received

INSERT_ID = "11111111-1111-4111-8111-111111111111"


def client_of(base_url: str, **options: Any) -> Suprsend:
    """Make a client whose clock stands still and whose ids are all the same."""
    fixed: dict[str, Any] = {"clock": lambda: 1767225600.0, "new_id": lambda: INSERT_ID}
    return Suprsend("workspace_key", "workspace_secret", base_url=base_url, **(fixed | options))


# The response


def test_an_accepted_event_is_answered_as_documented(server: CapturingServer) -> None:
    assert client_of(server.base_url).track_event(Event("u1", "ordered")) == {
        "success": True,
        "status": "success",
        "status_code": 202,
        "message": "OK",
        "message_id": "m0",
        "raw_response": {"status": "success", "message_id": "m0"},
        "unknown": False,
    }


def test_a_refused_event_is_answered_with_the_platforms_words(server: CapturingServer) -> None:
    body = {"status": "error", "error": {"message": "workspace key inactive", "type": "forbidden"}}
    server.answers.append((403, body))
    assert client_of(server.base_url).track_event(Event("u1", "ordered")) == {
        "success": False,
        "status": "fail",
        "status_code": 403,
        "message": "workspace key inactive",
        "message_id": None,
        "raw_response": body,
        "unknown": False,
    }


def test_the_sandbox_takes_an_event(sandbox: Sandbox) -> None:
    client = Suprsend("sandbox-workspace-key", "sandbox-workspace-secret", base_url=sandbox.base_url)
    response = client.track_event(Event("u1", "ordered", {"name": "Zoë"}, idempotency_key="k"))
    [stored] = sandbox.store.events()
    assert response == {
        "success": True,
        "status": "success",
        "status_code": 202,
        "message": "OK",
        "message_id": stored.message_id,
        "raw_response": {"status": "success", "message_id": stored.message_id},
        "unknown": False,
    }
    assert stored.body["properties"] == {"name": "Zoë", "$ss_sdk_version": f"suprsend-runner/{__version__}"}


def test_the_sandbox_takes_an_api_key(sandbox: Sandbox) -> None:
    client = Suprsend.with_workspace_api_key("sandbox-workspace-uid", "sandbox-api-key", base_url=sandbox.base_url)
    assert client.track_event(Event("u1", "ordered"))["status_code"] == 202
    assert [(stored.workspace, stored.body["env"]) for stored in sandbox.store.events()] == [
        ("sandbox-workspace-uid", "sandbox-workspace-uid")
    ]


def test_a_wrong_secret_is_a_refusal(sandbox: Sandbox) -> None:
    response = Suprsend("sandbox-workspace-key", "wrong", base_url=sandbox.base_url).track_event(Event("u1", "ordered"))
    assert (response["success"], response["status"], response["status_code"], response["message"]) == (
        False,
        "fail",
        401,
        "invalid workspace key, secret or signature",
    )


# The wire


def test_the_bytes_that_arrive_are_signed(
    server: CapturingServer, signature_of: Callable[[Received, str], str]
) -> None:
    client_of(server.base_url).track_event(Event("u1", "ordered", {"name": "Zoë 👍"}))
    [request] = server.received
    assert request.body.decode() == (
        f'{{"$insert_id":"{INSERT_ID}","$time":1767225600000,"event":"ordered","env":"workspace_key",'
        f'"distinct_id":"u1","properties":{{"name":"Zoë 👍","$ss_sdk_version":"suprsend-runner/{__version__}"}}}}'
    )
    assert (request.method, request.path) == ("POST", "/v2/event/")
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    assert request.headers["Date"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    assert request.headers["User-Agent"] == f"suprsend-runner/{__version__}"
    assert request.headers["Authorization"] == f"workspace_key:{signature_of(request, 'workspace_secret')}"


def test_an_api_key_goes_out_as_a_bearer_token(server: CapturingServer) -> None:
    client = Suprsend.with_workspace_api_key("my-workspace", "my-api-key", base_url=server.base_url)
    client.track_event(Event("u1", "ordered"))
    [request] = server.received
    assert request.headers["Authorization"] == "Bearer my-api-key"
    assert "Date" not in request.headers
    assert request.json["env"] == "my-workspace"


@pytest.mark.parametrize("prefix", ["hub/eu", "a%20b", "~user", "%7Euser", "a|b", "a/../b", "%41%25s%s%n", "%2%41%"])
def test_the_path_that_arrives_is_the_one_that_was_signed(
    server: CapturingServer, signature_of: Callable[[Received, str], str], prefix: str
) -> None:
    client_of(server.base_url + prefix).track_event(Event("u1", "ordered"))
    [request] = server.received
    assert request.headers["Authorization"] == f"workspace_key:{signature_of(request, 'workspace_secret')}"


def test_each_event_gets_an_id_and_the_time_of_its_own(server: CapturingServer) -> None:
    times = iter([1767225600.0, 1767225600.0, 1767225601.5, 1767225601.5])
    client = Suprsend("k", "s", base_url=server.base_url, clock=lambda: next(times))
    client.track_event(Event("u1", "ordered"))
    client.track_event(Event("u1", "ordered"))
    ids = [request.json["$insert_id"] for request in server.received]
    assert [str(UUID(text)) for text in ids] == ids
    assert len(set(ids)) == 2
    assert [request.json["$time"] for request in server.received] == [1767225600000, 1767225601500]


def test_credentials_of_any_length_are_sent(server: CapturingServer) -> None:
    assert Suprsend("k", "s", base_url=server.base_url).track_event(Event("u1", "ordered"))["success"]
    assert server.received[0].json["env"] == "k"


# Local mistakes


def test_an_event_that_breaks_a_rule_raises_and_is_not_sent(server: CapturingServer) -> None:
    with pytest.raises(InvalidEvent) as caught:
        client_of(server.base_url).track_event(Event("", "ordered"))
    assert str(caught.value) == "distinct_id is blank (it identifies one user in your application)"
    assert server.received == []


@pytest.mark.parametrize(("thing", "kind"), [({}, "dict"), (None, "NoneType"), ("ordered", "str"), ([], "list")])
def test_what_is_no_event_raises_and_is_not_sent(server: CapturingServer, thing: Any, kind: str) -> None:
    with pytest.raises(TypeError) as caught:
        client_of(server.base_url).track_event(thing)
    assert str(caught.value) == f"an Event is needed, not {kind}"
    assert server.received == []


@pytest.mark.parametrize(
    ("key", "secret", "missing"), [("", "s", "workspace_key"), ("k", "", "workspace_secret"), (None, "s", "workspace_key")]
)  # fmt: skip
def test_a_missing_credential_is_named(key: Any, secret: str, missing: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        Suprsend(key, secret)
    assert str(caught.value) == f"{missing} is missing"


@pytest.mark.parametrize(("uid", "key", "missing"), [("", "k", "workspace_uid"), ("uid", "", "api_key")])
def test_a_missing_part_of_an_api_key_is_named(uid: str, key: str, missing: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        Suprsend.with_workspace_api_key(uid, key)
    assert str(caught.value) == f"{missing} is missing"


@pytest.mark.parametrize("secret", ["my-api-key\n", "my-api-key\r\nX: y", "my-api-kéy✓"])
def test_an_api_key_that_no_header_can_carry_is_refused_at_once_and_not_shown(
    server: CapturingServer, secret: str
) -> None:
    with pytest.raises(CredentialsError) as caught:
        Suprsend.with_workspace_api_key("uid", secret, base_url=server.base_url).track_event(Event("u1", "ordered"))
    assert "my-api-k" not in str(caught.value)


@pytest.mark.parametrize("key", ["workspace\nkey", "workspace_kéy✓"])
def test_a_workspace_key_that_no_header_can_carry_is_refused_at_once(server: CapturingServer, key: str) -> None:
    with pytest.raises(CredentialsError):
        Suprsend(key, "workspace_secret", base_url=server.base_url).track_event(Event("u1", "ordered"))


def test_plain_http_to_another_machine_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(CredentialsError) as caught:
        Suprsend("k", "s", base_url="http://hub.suprsend.com/")
    assert str(caught.value) == "refusing to send credentials over plain http to hub.suprsend.com (use https://)"


@pytest.mark.parametrize("kb", [0, -1, 801])
def test_max_event_kb_is_between_1_and_800(kb: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        Suprsend("k", "s", max_event_kb=kb)
    assert str(caught.value) == f"max_event_kb is {kb}, not between 1 and 800"


def test_max_event_kb_raises_the_limit(server: CapturingServer) -> None:
    event = Event("u1", "ordered", {"text": "x" * 150_000})
    with pytest.raises(InvalidEvent):
        client_of(server.base_url).track_event(event)
    assert client_of(server.base_url, max_event_kb=200).track_event(event)["success"]
    assert [len(request.body) > 150_000 for request in server.received] == [True]


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_no_timeout_is_no_timeout(timeout: float) -> None:
    with pytest.raises(InvalidInput) as caught:
        Suprsend("k", "s", timeout=timeout)
    assert str(caught.value) == f"the timeout must be greater than 0 and at most a day, not {timeout} seconds"


def test_an_infinite_timeout_is_refused_at_once() -> None:
    with pytest.raises(InvalidInput):
        Suprsend("k", "s", timeout=float("inf"))


# What is shown


def test_a_client_shows_its_workspace_and_not_its_secret() -> None:
    client = Suprsend("workspace_key", "workspace_secret", base_url="http://127.0.0.1:7788")
    assert repr(client) == "Suprsend('workspace_key', base_url='http://127.0.0.1:7788/')"
    by_key = Suprsend.with_workspace_api_key("uid", "api-key")
    assert repr(by_key) == "Suprsend('uid', base_url='https://hub.suprsend.com/')"


def test_a_response_can_be_printed_as_json(server: CapturingServer) -> None:
    response = client_of(server.base_url).track_event(Event("u1", "ordered"))
    assert json.loads(json.dumps(response)) == response
