"""A session of a sandbox in a test of an application: what it shows, waits for and asserts, and what it says when that fails."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
import suprsend

from runner import Event, SandboxSession, Suprsend
from runner.errors import CredentialsError, InvalidInput, MachineError, NotFound
from runner.sandbox.rules import SandboxRules
from runner.sandbox.server import Sandbox
from runner.source import read_text
from tests.servers.listeners import free_port

if TYPE_CHECKING:
    from runner.pytest_plugin.running_sandbox import SandboxSessions
    from runner.source import Node

SPEC = """
    version: 1
    vars:
      user:   {type: string}
      amount: {type: number, default: 80}
    event: order_placed
    distinct_id: "{{ user }}"
    properties: {amount: "{{ amount }}"}
    schema:
      required: [amount]
      properties: {amount: {type: number, minimum: 0}}
    tests:
      - name: an order of 80
        vars: {user: u1}
        expect: {event: {properties: {amount: 80}}}
      - name: exactly 80
        vars: {user: u1}
        expect: {exact: true, event: {event: order_placed, distinct_id: u1, properties: {amount: 80}}}
      - name: no event
        vars: {user: u1}
        expect: {max_bytes: 400}
      - name: two events
        steps:
          - {vars: {user: u1}, expect: {event: {distinct_id: u1}}}
          - {vars: {user: u2}, expect: {event: {distinct_id: u2}}}
"""


@pytest.fixture
def session(runner_sandbox_sessions: SandboxSessions, tmp_path: Path) -> SandboxSession:
    """Make a session that looks up specs in a folder with one."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "order.yaml").write_text(dedent(SPEC).lstrip())
    made = runner_sandbox_sessions.session("test", tmp_path)
    made._specs_in = [tmp_path]
    return made


def section(text: str) -> Node:
    """Return the `sandbox:` section of a `runner.yaml`."""
    root = read_text(f"sandbox: {{{text}}}\n", "runner.yaml").root
    assert root is not None
    return root.entries["sandbox"]


def send(session: SandboxSession, user: str = "u1", event: str = "order_placed", **properties: Any) -> None:
    key = properties.pop("key", None)
    response = session.suprsend().track_event(Event(user, event, properties, idempotency_key=key))
    assert response["success"], response


def failure(call: Any, *args: Any, **named: Any) -> str:
    """Return the text of a failed assertion, without what differs from run to run."""
    with pytest.raises(AssertionError) as raised:
        call(*args, **named)
    text = re.sub(r"--> \S*/order.yaml", "--> order.yaml", str(raised.value))
    return re.sub(r"-[0-9a-f]{12}", "-ID", text)


# What arrived


def test_an_event_is_shown_as_it_was_sent(session: SandboxSession) -> None:
    send(session, amount=80, key="k1")
    [event] = session.events()
    assert (event.event, event.user, event.tenant, event.idempotency_key) == ("order_placed", "u1", None, "k1")
    assert (event.properties, event.duplicate, event.warning) == ({"amount": 80}, False, None)
    assert event.body["env"] == f"sandbox-workspace-key.{session.name}"
    assert session.events("order_placed", "u1") == [event]
    assert session.events(user="u2") == session.events("order_canceled") == session.events(tenant="acme") == []


def test_more_events_than_one_page_are_all_shown(session: SandboxSession) -> None:
    bulk = session.suprsend().bulk_events.new_instance()
    bulk.append(*(Event(f"u{number}", "order_placed") for number in range(1500)))
    assert bulk.trigger().failure == 0
    assert {event.user for event in session.events()} == {f"u{number}" for number in range(1500)}


@pytest.mark.parametrize("kind", ["signed", "bearer"])
def test_the_platforms_sdk_sends_to_the_session(session: SandboxSession, kind: str) -> None:
    make = suprsend.Suprsend.with_workspace_api_key
    client = make(**session.api_key_credentials) if kind == "bearer" else suprsend.Suprsend(**session.credentials)
    assert client.track_event(suprsend.Event("u1", "order_placed", {"amount": 80}))["success"]
    assert session.assert_sent("order.yaml", user="u1", case="an order of 80").properties == {"amount": 80}


def test_a_refused_request_is_shown_with_its_body_and_the_reason(session: SandboxSession) -> None:
    wrong = Suprsend(session.credentials["workspace_key"], "wrong", session.url)
    assert not wrong.track_event(Event("u1", "order_placed", {"amount": 80}))["success"]
    [refused] = session.refused()
    assert (refused.status_code, refused.reasons) == (401, ("invalid workspace key, secret or signature",))
    assert (refused.method, refused.path, refused.headers["authorization"]) == ("POST", "/v2/event/", "(hidden)")
    assert '"amount":80' in refused.body
    assert session.events() == []


def test_a_duplicate_arrives_and_does_not_count_until_its_key_is_forgotten(session: SandboxSession) -> None:
    send(session, key="k1")
    send(session, key="k1")
    assert [event.duplicate for event in session.events()] == [False, True]
    assert failure(session.wait_for, count=2, timeout=0).startswith("1 of 2 events arrived within 0 s")
    session.advance(25 * 3600)
    send(session, key="k1")
    assert len(session.wait_for(count=2)) == 2


def test_a_cleared_session_is_as_new(session: SandboxSession) -> None:
    send(session, key="k1")
    session.clear()
    session.assert_not_sent()
    send(session, key="k1")
    assert [event.duplicate for event in session.events()] == [False]


def test_an_application_in_another_process_gets_all_that_it_needs(
    session: SandboxSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform's SDK obeys HTTP_PROXY, through which it would never reach this machine."""
    monkeypatch.setenv("NO_PROXY", "intranet.example.com")
    monkeypatch.delenv("no_proxy", raising=False)
    code = (
        "import os, suprsend\n"
        "credentials = [os.environ['SUPRSEND_WORKSPACE_' + name] for name in ('KEY', 'SECRET')]\n"
        "client = suprsend.Suprsend(*credentials, base_url=os.environ['SUPRSEND_BASE_URL'])\n"
        "client.track_event(suprsend.Event('u1', 'order_placed', {'proxied': os.environ['NO_PROXY']}))\n"
    )
    environ = os.environ | session.environ | {"HTTP_PROXY": "http://127.0.0.1:1"}
    subprocess.run([sys.executable, "-c", code], env=environ, check=True)
    assert [event.properties for event in session.events()] == [{"proxied": "intranet.example.com,127.0.0.1"}]


# Waits


def test_a_wait_ends_when_another_thread_has_sent(session: SandboxSession) -> None:
    sending = threading.Timer(0.2, send, [session, "u2"])
    sending.start()
    assert [event.user for event in session.wait_for("order_placed", "u2")] == ["u2"]
    sending.join()


def test_an_application_of_an_async_test_goes_on_during_a_wait(session: SandboxSession) -> None:
    async def test() -> list[str]:
        waiting = asyncio.create_task(asyncio.to_thread(session.wait_for, "order_placed"))
        await asyncio.sleep(0)
        await asyncio.to_thread(send, session)
        return [event.user for event in await waiting]

    assert asyncio.run(test()) == ["u1"]


def test_an_assertion_waits_for_an_event_that_fits_past_others(session: SandboxSession) -> None:
    def sends() -> None:
        for amount in (8, -8, 80):
            send(session, amount=amount)

    sending = threading.Timer(0.2, sends)
    sending.start()
    assert session.assert_sent("order.yaml", case="an order of 80").properties == {"amount": 80}
    sending.join()


def test_sessions_in_threads_see_their_own_events(runner_sandbox_sessions: SandboxSessions) -> None:
    def users(number: int) -> list[str]:
        session = runner_sandbox_sessions.session()
        for each in range(5):
            send(session, f"u{number}-{each}", key=f"k{each}")
        return [event.user for event in session.wait_for(count=5)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(users, range(16))) == [[f"u{number}-{each}" for each in range(5)] for number in range(16)]


@pytest.mark.parametrize("count", [0, 1001])
def test_a_count_that_no_wait_can_have_is_an_error(session: SandboxSession, count: int) -> None:
    with pytest.raises(ValueError, match=f"^count is {count}, not between 1 and 1000$"):
        session.wait_for(count=count)


# Assertions


def test_an_event_that_fits_is_returned(session: SandboxSession) -> None:
    send(session, "u2", amount=8)
    send(session, amount=80)
    send(session, amount=80, key="k1")
    _, fitting, with_key = session.events()
    assert session.assert_sent("order.yaml", user="u1", within=0) == fitting
    assert session.assert_sent("order.yaml", case="exactly 80", within=0) == fitting
    assert session.assert_sent("order.yaml", idempotency_key="k1", within=0) == with_key
    assert session.assert_sent("order.yaml", properties={"amount": {"$approx": 80.0}}, within=0) == fitting
    session.assert_not_sent("order.yaml", user="u3")
    session.assert_not_sent(event="order_canceled", within=0.05)


def test_the_nearest_event_is_shown_with_each_difference(session: SandboxSession) -> None:
    send(session, "u2", amount=-8)
    assert failure(session.assert_sent, "order.yaml", user="u1", case="an order of 80", within=0) == dedent("""\
        no event fits order.yaml after 0 s: expected event order_placed, user u1, case 'an order of 80'
        nearest: order_placed, user u2
          properties {"amount": -8}
        error[case-mismatch]: distinct_id: expected "u1" (text), got "u2" (text)
        error[schema-violation]: properties.amount: -8 is less than the minimum of 0
          --> order.yaml:10:48
           |
        10 |   properties: {amount: {type: number, minimum: 0}}
           |                                                ^
        error[case-mismatch]: properties.amount: expected 80 (a number), got -8 (a number)
          --> order.yaml:14:43
           |
        14 |     expect: {event: {properties: {amount: 80}}}
           |                                           ^^
           = in case 'an order of 80'""")


def test_without_such_an_event_what_arrived_instead_is_shown(session: SandboxSession) -> None:
    send(session, event="order_place", amount=80)
    wrong = Suprsend(session.credentials["workspace_key"], "wrong", session.url)
    wrong.track_event(Event("u1", "order_placed"))
    assert failure(session.assert_sent, "order.yaml", user="u1", within=0) == dedent("""\
        no event fits order.yaml after 0 s: expected event order_placed, user u1
        arrived instead, the nearest first:
          accepted     order_place, user u1
          refused 401  (no event)
            invalid workspace key, secret or signature""")


def test_an_application_without_the_session_is_found_out(session: SandboxSession) -> None:
    client = Suprsend("sandbox-workspace-key", "sandbox-workspace-secret", session.url)
    assert client.track_event(Event("u1", "order_placed"))["success"]
    text = failure(session.wait_for, "order_placed", timeout=0)
    assert text.startswith(
        "no event arrived within 0 s: expected event order_placed\nnothing else arrived here, but outside"
    )
    assert text.endswith("such as the workspace key sandbox-workspace-key.test-ID")


def test_an_event_that_must_not_be_sent_is_shown(session: SandboxSession) -> None:
    send(session)
    assert failure(session.assert_not_sent, "order.yaml", user="u1") == (
        "an event arrived, but expected no event order_placed, user u1\n  accepted     order_placed, user u1"
    )
    assert failure(session.assert_not_sent).startswith("an event arrived, but expected no event\n")


def test_texts_of_events_cannot_forge_lines_or_control_a_terminal(session: SandboxSession) -> None:
    send(session, "u\n1\x1b[2J", event="order\r\nplaced", note="\x1b]0;x\x07\u202e")
    for text in (
        failure(session.wait_for, "order_placed", timeout=0),
        failure(session.assert_sent, "order.yaml", event="order\r\nplaced", within=0),
        session.report(),
    ):
        assert r"order\r\nplaced, user u\n1\x1b[2J" in text
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)


@pytest.mark.parametrize(
    ("named", "error", "message"),
    [
        ({"case": "an order of 8"}, NotFound, "order.yaml has no case 'an order of 8' (did you mean 'an order of 80'?)"),
        ({"case": "no event"}, InvalidInput, "the case 'no event' of order.yaml expects no `event`"),
        ({"case": "two events"}, InvalidInput, "the case 'two events' of order.yaml expects several events"),
        ({"properties": {"amount": {"$aprox": 80}}}, InvalidInput, "there is no matcher '$aprox' (did you mean '$approx'?)"),
        ({"properties": {"amount": {"$re": "("}}}, InvalidInput, "regular expression"),
        ({"properties": {"amount": float("nan")}}, InvalidInput, "a JSON value can't begin with N"),
        ({"properties": {"amount": object()}}, TypeError, "not JSON serializable"),
        ({"spec": "orders.yaml"}, NotFound, "no such file: orders.yaml (it was looked up in FOLDER)"),
        ({"spec": "broken.yaml"}, InvalidInput, "missing key 'event'"),
        ({"spec": "named.yaml"}, InvalidInput, "the event's name in named.yaml is a template (name the event: event=\"…\")"),
    ],
)  # fmt: skip
def test_what_cannot_be_asserted_is_an_error_at_once(
    session: SandboxSession, tmp_path: Path, named: dict[str, Any], error: type[Exception], message: str
) -> None:
    (tmp_path / "broken.yaml").write_text("version: 1\ndistinct_id: u1\n")
    (tmp_path / "named.yaml").write_text(
        'version: 1\nvars: {name: {type: string}}\nevent: "{{ name }}"\ndistinct_id: u1\n'
    )
    with pytest.raises(error) as raised:
        session.assert_sent(**{"spec": "order.yaml"} | named)
    assert message in str(raised.value).replace(str(tmp_path), "FOLDER")


def test_an_event_whose_name_is_a_template_is_named_by_the_test(session: SandboxSession, tmp_path: Path) -> None:
    (tmp_path / "named.yaml").write_text(
        'version: 1\nvars: {name: {type: string}}\nevent: "{{ name }}"\ndistinct_id: u1\n'
    )
    send(session, event="shipped")
    assert session.assert_sent("named.yaml", event="shipped").user == "u1"


# The sandbox


def test_what_is_sent_late_reaches_no_session_after_it_also_on_a_port_that_is_used_again() -> None:
    port = free_port()
    with Sandbox(port=port) as sandbox:
        before = SandboxSession(sandbox.events_url)
        send(before, user="early")
    with Sandbox(port=port) as sandbox:
        after = SandboxSession(sandbox.events_url)
        send(before, user="late")
        send(after, user="u1")
        assert [event.user for event in after.events()] == ["u1"]
        with pytest.raises(CredentialsError, match="the token is missing or wrong"):
            before.events()


def test_a_sandbox_that_ends_during_a_wait_is_an_error() -> None:
    with Sandbox() as sandbox, ThreadPoolExecutor() as pool:
        session = SandboxSession(sandbox.events_url)
        send(session)
        waiting = pool.submit(session.wait_for, count=2, timeout=60)
        sandbox.__exit__()
        with pytest.raises(
            MachineError, match=r"^the sandbox at http://127.0.0.1:\d+/ does not answer: .*\(start it again\)$"
        ):
            waiting.result()


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("http://127.0.0.1:7788/", InvalidInput, "the address of the sandbox has no token"),
        ("http://sandbox.example.com/#token=x", CredentialsError, "refusing to send credentials over plain http"),
        ("127.0.0.1:7788#token=x", InvalidInput, "must start with https:// or http://"),
    ],
)
def test_an_address_that_cannot_be_used_is_an_error(address: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SandboxSession(address)


def test_what_is_no_name_of_a_session_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^a session is named by at most 64 letters, digits, - and _, not 'a/b'$"):
        SandboxSession("http://127.0.0.1:7788/#token=x", "a/b")


def test_messages_of_events_come_and_change_with_the_clock_of_the_session() -> None:
    rules = SandboxRules().read(section("workflows: {order_placed: {channels: [email], after: 1m}}"), Path.cwd())[0]
    with Sandbox(rules=rules) as running:
        mine, other = (SandboxSession(running.events_url, name) for name in ("mine", "other"))
        send(mine)
        send(mine, "bounce+u2")
        assert mine.messages() == []
        mine.advance(70)
        assert [each["status"] for each in mine.messages()] == ["delivered", "delivery_failure"]
        assert [each["recipient"]["distinct_id"] for each in mine.messages(user="u1")] == ["u1"]
        assert other.messages() == []
