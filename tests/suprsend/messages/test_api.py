"""Lists of messages: what is asked for, what is read of answers, and which failures may pass."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import repeat
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from runner.config import SANDBOX_API_KEY, SANDBOX_KEY
from runner.sandbox.rules import SandboxRules
from runner.sandbox.server import Sandbox
from runner.secrets import Secret
from runner.source.document import read_text
from runner.suprsend.auth import ApiKey, WorkspaceKey
from runner.suprsend.connection import Connection
from runner.suprsend.delivery import single_delivery
from runner.suprsend.encoding import encode_sound
from runner.suprsend.event import Event, Stamp
from runner.suprsend.messages_api import Listed, ListFailure, list_messages, messages_of_key, messages_path
from runner.suprsend.rules import MAX_EVENT_KB
from tests.servers.capturing import capturing_server
from tests.servers.message_server import FAULTS, START, MessageServer, PlannedMessage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.suprsend.auth import Credentials
    from runner.suprsend.messages_api import SentMessage

KEYED = {"idempotency_key": "key-1"}
NOW_S = START.timestamp()
AT_ONCE = ((0.0, "triggered"),)


@pytest.fixture
def platform() -> Iterator[MessageServer]:
    with capturing_server(MessageServer()) as running:
        assert isinstance(running, MessageServer)
        yield running


@pytest.fixture
def connection(platform: MessageServer) -> Iterator[Connection]:
    made = Connection(SANDBOX_KEY, platform.base_url)
    yield made
    made.close()


def listed(connection: Connection, **filters: Any) -> tuple[SentMessage, ...]:
    found = list_messages(connection, filters or KEYED, NOW_S, 5)
    assert isinstance(found, Listed), found
    return found.messages


def failure(connection: Connection) -> ListFailure:
    found = list_messages(connection, KEYED, NOW_S, 5)
    assert isinstance(found, ListFailure)
    return found


# The request


def test_filters_go_out_encoded_and_repeated() -> None:
    filters: dict[str, Any] = {"recipient_id": ["u 1", "ü"], "status": "seen", "is_campaign": True, "channel": "sms"}
    assert messages_path(filters, after="c/2=") == (
        "v1/message/?limit=1000&recipient_id%5B%5D=u+1&recipient_id%5B%5D=%C3%BC&status%5B%5D=seen&is_campaign=true"
        "&channel=sms&after=c%2F2%3D"
    )


def test_an_unknown_filter_is_an_error() -> None:
    with pytest.raises(ValueError, match="there is no filter 'idempotency-key'"):
        messages_path({"idempotency-key": "x"})


@pytest.mark.parametrize("credentials", [SANDBOX_KEY, SANDBOX_API_KEY], ids=["signed", "api key"])
def test_the_sandbox_takes_our_lists(tmp_path: Path, credentials: Credentials) -> None:
    root = read_text("workflows: {ordered: {channels: [email], status_every: 0s}}", "runner.yaml").root
    assert root is not None
    rules, _ = SandboxRules().read(root, tmp_path, "sandbox")
    key = "käse & co/ü?#+%20 ~"
    stamp = Stamp(str(uuid4()), time.time_ns() // 1_000_000)
    event = encode_sound(Event("u 1", "ordered", {}, key), credentials.env, stamp, MAX_EVENT_KB)
    with Sandbox(rules=rules) as sandbox:
        connection = Connection(credentials, sandbox.base_url)
        connection.deliver(single_delivery(event))
        found = listed(connection, idempotency_key=key, recipient_id=["u 1", "other"])
        connection.close()
    assert [(message.idempotency_key, message.recipient) for message in found] == [(key, "u 1")]


@pytest.mark.parametrize(
    "credentials", [WorkspaceKey(SANDBOX_KEY.key, Secret("wrong")), ApiKey("uid", Secret("wrong"))], ids=["signed", "api key"]
)  # fmt: skip
def test_refused_credentials_do_not_pass(sandbox: Sandbox, credentials: Credentials) -> None:
    connection = Connection(credentials, sandbox.base_url)
    found = failure(connection)
    connection.close()
    assert (found.status_code, found.transient, found.refuses_credentials) == (401, False, True)


# The answer


def test_a_message_is_read_whole(platform: MessageServer, connection: Connection) -> None:
    life = ((1.0, "triggered"), (2.5, "delivered"))
    platform.clock = lambda: 9.0
    platform.messages = [PlannedMessage(life, raw={"workflow": {"slug": "w", "node_ref": "email_1"}})]
    [message] = listed(connection)
    assert (message.status, message.channel, message.workflow, message.node) == ("delivered", "email", "w", "email_1")
    assert (message.template, message.category, message.recipient) == ("order", "transactional", "u1")
    assert (message.tenant_id, message.idempotency_key, message.failure_reason) == ("default", "key-1", None)
    assert message.created_at == datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    assert message.times == {
        "triggered": datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC),
        "delivered": datetime(2026, 1, 2, 3, 4, 7, 500_000, tzinfo=UTC),
    }


@pytest.mark.parametrize("odd", [None, ..., 7, [], {}, {"slug": 7}, "not a time"])
def test_all_but_id_status_and_channel_may_be_anything(
    platform: MessageServer, connection: Connection, odd: object
) -> None:
    needed = {"message_id", "status", "channel", "idempotency_key"}
    names = PlannedMessage(AT_ONCE).document(0, 0.0).keys() - needed
    platform.messages = [PlannedMessage(AT_ONCE, raw=dict.fromkeys(names, odd) | {"new": odd})]
    [message] = listed(connection)
    assert (message.status, message.workflow, message.times, message.created_at) == ("triggered", None, {}, None)


@pytest.mark.parametrize("name", ["message_id", "status", "channel"])
@pytest.mark.parametrize("odd", [None, ..., "", 7])
def test_a_message_without_id_status_or_channel_makes_a_list_unreadable(
    platform: MessageServer, connection: Connection, name: str, odd: object
) -> None:
    platform.messages = [PlannedMessage(AT_ONCE), PlannedMessage(AT_ONCE, raw={name: odd})]
    found = failure(connection)
    assert found.message == "not the platform's answer: a message has no id, status or channel"
    assert found.transient


def test_a_failure_has_one_name(platform: MessageServer, connection: Connection) -> None:
    platform.messages = [PlannedMessage(((0, "failure_by_vendor"),), raw={"failure_reason": "bounced"})]
    [message] = listed(connection)
    assert (message.status, message.failure_reason) == ("delivery_failure", "bounced")


def test_a_recipient_may_be_an_object(platform: MessageServer, connection: Connection) -> None:
    recipient = {"$type": "object", "object_type": "TEAMS", "id": "t1", "distinct_id": None}
    platform.messages = [PlannedMessage(AT_ONCE, raw={"recipient": recipient})]
    assert [message.recipient for message in listed(connection)] == ["t1"]


# Pages


def test_all_pages_are_read_the_newest_first(platform: MessageServer, connection: Connection) -> None:
    platform.clock = lambda: 9.0
    platform.messages = [PlannedMessage(((float(at), "triggered"),), recipient=f"u{at}") for at in range(7)]
    assert [message.recipient for message in listed(connection)] == ["u6", "u5", "u4", "u3", "u2", "u1", "u0"]
    assert len(platform.received) == 4


def test_a_message_on_two_pages_is_one(platform: MessageServer, connection: Connection) -> None:
    platform.messages = [PlannedMessage(AT_ONCE, raw={"message_id": "m"}) for _ in range(3)]
    assert len(listed(connection)) == 1


def test_a_list_without_end_is_given_up(platform: MessageServer, connection: Connection) -> None:
    platform.messages = [PlannedMessage(AT_ONCE) for _ in range(3)]
    platform.faults = repeat("cursor twice")
    assert failure(connection) == ListFailure("the list of messages has no end: a cursor came twice", transient=True)
    assert len(platform.received) == 2


def test_a_list_has_at_most_a_hundred_pages(platform: MessageServer, connection: Connection) -> None:
    platform.page_size = 1
    platform.messages = [PlannedMessage(AT_ONCE) for _ in range(101)]
    assert failure(connection) == ListFailure("the list of messages has more than 100 pages", transient=True)
    assert len(platform.received) == 100


# Failures


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "cursor twice"])
def test_a_failure_of_the_server_may_pass(platform: MessageServer, connection: Connection, fault: str) -> None:
    platform.messages = [PlannedMessage(AT_ONCE)]
    platform.faults = iter([fault])
    assert failure(connection).transient
    assert len(listed(connection)) == 1


def test_a_rate_limit_says_how_long_to_wait(platform: MessageServer, connection: Connection) -> None:
    platform.faults = iter(["429", "429 and a date", "429 without a time"])
    found = [failure(connection) for _ in range(3)]
    assert [each.pause_s for each in found] == [5.0, 5.0, None]
    assert found[0].message == "HTTP 429: slow down"
    assert found[2].message == "HTTP 429: no text"


def test_a_refused_request_does_not_pass(connection: Connection) -> None:
    connection.base_url += "nowhere/"
    found = list_messages(Connection(SANDBOX_KEY, connection.base_url), KEYED, NOW_S, 5)
    assert found == ListFailure("HTTP 404: no text", 404)


# Whose messages


@pytest.mark.parametrize("is_filtering", [True, False])
def test_messages_under_other_keys_are_not_ours(
    platform: MessageServer, connection: Connection, *, is_filtering: bool
) -> None:
    platform.is_filtering = is_filtering
    platform.messages = [PlannedMessage(AT_ONCE, key=key) for key in ("key-1", "key-2", None, "key-11", "KEY-1")]
    found = messages_of_key(connection, "key-1", NOW_S, 5)
    assert isinstance(found, Listed)
    assert [message.idempotency_key for message in found.messages] == ["key-1"]


def test_where_no_keys_are_listed_the_filter_is_trusted(platform: MessageServer, connection: Connection) -> None:
    platform.messages = [PlannedMessage(AT_ONCE, raw={"idempotency_key": ...})]
    found = messages_of_key(connection, "key-1", NOW_S, 5)
    assert isinstance(found, Listed)
    assert len(found.messages) == 1
