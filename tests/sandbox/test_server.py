from __future__ import annotations

import gc
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from runner import Event, Suprsend
from runner.errors import MachineError
from runner.sandbox.find import look
from runner.sandbox.proof import Proof, new_key
from runner.sandbox.server import Place, Sandbox, Started, serve
from runner.secrets import Secret
from runner.suprsend.auth import ApiKey
from tests.servers.listeners import free_port, silent_listener

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.capturing import CapturingServer


def client_of(sandbox: Sandbox) -> Suprsend:
    return Suprsend("sandbox-workspace-key", "sandbox-workspace-secret", base_url=sandbox.base_url)


@pytest.fixture
def silent_port() -> Iterator[int]:
    with silent_listener() as listening:
        yield listening.getsockname()[1]


# Finding one


def look_at(port: int) -> str:
    """Look with a key that no listener has."""
    return look(port, Proof(new_key(), port))


def test_a_sandbox_that_knows_the_key_is_ones_own(sandbox: Sandbox) -> None:
    assert look(sandbox.port, sandbox.proof) == "own"


def test_a_sandbox_with_another_key_is_foreign(sandbox: Sandbox) -> None:
    assert look_at(sandbox.port) == "foreign"


def test_without_a_key_every_listener_is_foreign(sandbox: Sandbox) -> None:
    assert look(sandbox.port, None) == "foreign"


@pytest.mark.parametrize("has_key", [True, False])
def test_on_a_dead_port_there_is_none(has_key: bool) -> None:
    port = free_port()
    assert look(port, Proof(new_key(), port) if has_key else None) == "none"


def test_a_sandbox_that_ended_is_none() -> None:
    with Sandbox() as sandbox:
        proof = sandbox.proof
    assert look(proof.port, proof) == "none"


def test_another_server_is_foreign(server: CapturingServer) -> None:
    port = int(server.base_url.rstrip("/").rsplit(":", 1)[1])
    assert look_at(port) == "foreign"
    [request] = server.received
    assert (request.path.partition("?")[0], request.body) == ("/_sandbox", b"")


def test_a_server_that_says_nothing_is_foreign(silent_port: int) -> None:
    assert look_at(silent_port) == "foreign"


def answering(listening: socket.socket, *parts: bytes) -> Thread:
    """Answer one connection with parts, each after what came, and hang up."""

    def answer() -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            for part in parts:
                connection.sendall(part)

    thread = Thread(target=answer)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"suprsend-runner sandbox"',
        b'{"name": "suprsend-runner sandbox"}',
        b'{"name": "suprsend-runner sandbox", "proof": null}',
        b'{"name": "suprsend-runner sandbox", "proof": ""}',
        b'{"proof": "\\ud800"}',
        b'{"proof": ["x"]}',
        b"<html>",
        b"\xff\xff",
        b"[" * 4000,
        b" " * 9000,
    ],
)
def test_a_server_that_says_something_else_is_foreign(body: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = answering(listening, f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode(), body)
        assert look_at(listening.getsockname()[1]) == "foreign"
        thread.join()


@pytest.mark.parametrize(
    "answer", [b"", b"\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n\r\n{}", b"\0" * 5000]
)
def test_a_server_that_does_not_speak_http_is_foreign(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = answering(listening, answer)
        assert look_at(listening.getsockname()[1]) == "foreign"
        thread.join()


# Starting and ending


def test_a_sandbox_listens_on_loopback_under_a_free_port(sandbox: Sandbox) -> None:
    assert sandbox.base_url == f"http://127.0.0.1:{sandbox.port}/"
    assert sandbox.port > 1024
    with Sandbox() as other:
        assert other.port != sandbox.port


def test_a_sandbox_takes_the_port_that_it_is_given() -> None:
    port = free_port()
    with Sandbox(port=port) as sandbox:
        assert (sandbox.port, look(port, sandbox.proof)) == (port, "own")


def test_a_port_can_be_taken_again_at_once() -> None:
    port = free_port()
    for _ in range(2):
        with Sandbox(port=port) as sandbox:
            assert client_of(sandbox).track_event(Event("u1", "ordered"))["success"]


def test_a_taken_port_is_a_machine_error(sandbox: Sandbox) -> None:
    with pytest.raises(MachineError) as caught:
        Sandbox(port=sandbox.port)
    assert str(caught.value) == (
        f"can't listen on 127.0.0.1:{sandbox.port}: Address already in use (choose another with --port)"
    )
    assert caught.value.problems[0].code == "port-taken"


def test_serving_on_a_taken_port_is_a_machine_error_and_is_not_announced(sandbox: Sandbox) -> None:
    announced: list[Started] = []
    with pytest.raises(MachineError) as caught:
        serve(Place(sandbox.port), announced.append)
    assert str(caught.value) == (
        f"can't listen on 127.0.0.1:{sandbox.port}: Address already in use (choose another with --port)"
    )
    assert announced == []


def test_a_sandbox_that_nobody_asked_anything_ends() -> None:
    with Sandbox() as sandbox:
        pass
    assert sandbox.store.events() == []
    assert not sandbox._thread.is_alive()


def test_a_sandbox_ends_with_connections_open() -> None:
    with Sandbox() as sandbox:
        kept = HTTPConnection("127.0.0.1", sandbox.port)
        kept.request("GET", "/_sandbox")
        assert kept.getresponse().read()
    kept.close()
    assert not sandbox._thread.is_alive()


@pytest.mark.parametrize("is_connected", [False, True])
def test_an_idle_sandbox_ends_at_once(is_connected: bool) -> None:
    """Within less than the tenth of a second after which uvicorn looks whether it is to end, and again whether it can."""
    took_s = []
    for _ in range(5):
        with Sandbox() as sandbox:
            kept = HTTPConnection("127.0.0.1", sandbox.port)
            kept.request("GET", "/_sandbox")
            assert kept.getresponse().read()
            if not is_connected:
                kept.close()
            began = time.perf_counter()
        took_s.append(time.perf_counter() - began)
        kept.close()
    assert min(took_s) < 0.05


def test_an_ended_sandbox_can_be_looked_at() -> None:
    with Sandbox() as sandbox:
        client_of(sandbox).track_event(Event("u1", "ordered"))
    assert [stored.body["distinct_id"] for stored in sandbox.store.events()] == ["u1"]


def test_two_sandboxes_share_nothing(sandbox: Sandbox) -> None:
    with Sandbox() as other:
        client_of(other).track_event(Event("u1", "ordered"))
    assert sandbox.store.events() == []


def test_a_sandbox_knows_only_its_credentials() -> None:
    with Sandbox((ApiKey("mine", Secret("my-key")),)) as sandbox:
        client = Suprsend.with_workspace_api_key("mine", "my-key", base_url=sandbox.base_url)
        assert client.track_event(Event("u1", "ordered"))["status_code"] == 202
        assert client_of(sandbox).track_event(Event("u1", "ordered"))["status_code"] == 401


# Many at once


def test_eight_clients_lose_nothing(sandbox: Sandbox) -> None:
    start = Flag()

    def send(thread: int) -> list[str | None]:
        client = client_of(sandbox)
        start.wait()
        sent = [client.track_event(Event(f"u{thread}-{index}", "ordered")) for index in range(50)]
        client.close()
        return [response["message_id"] for response in sent]

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(send, thread) for thread in range(8)]
        start.set()
        ids = [message_id for future in futures for message_id in future.result()]
    stored = sandbox.store.events()
    assert len(stored) == 400
    assert {event.body["distinct_id"] for event in stored} == {
        f"u{thread}-{index}" for thread in range(8) for index in range(50)
    }
    assert set(ids) == {event.message_id for event in stored}


def test_one_key_sent_by_eight_clients_at_once_is_new_once(sandbox: Sandbox) -> None:
    def send(_: int) -> str | None:
        client = client_of(sandbox)
        try:
            return client.track_event(Event("u1", "ordered", idempotency_key="k"))["message_id"]
        finally:
            client.close()

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(send, range(8)))
    assert len(ids) == 1
    assert sorted(stored.duplicate for stored in sandbox.store.events()) == [False] + [True] * 7


def test_the_body_of_an_answer_follows_its_head_at_once(sandbox: Sandbox) -> None:
    """Not after the 40 ms that a client may take to acknowledge the head."""
    request = f"GET /_sandbox HTTP/1.1\r\nHost: 127.0.0.1:{sandbox.port}\r\n\r\n".encode()
    took_s = []
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        for _ in range(20):
            began = time.perf_counter()
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(65536)
            took_s.append(time.perf_counter() - began)
    assert sorted(took_s)[10] < 0.03


def test_connections_that_come_while_a_sandbox_ends_are_closed() -> None:
    """One that was left open would be reported when it is collected."""
    draw = random.Random(3)  # noqa: S311

    def connect(port: int, made: list[socket.socket]) -> None:
        with suppress(OSError):
            made.extend(socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(6))

    for _ in range(150):
        made: list[socket.socket] = []
        with Sandbox() as sandbox:
            client = Thread(target=connect, args=(sandbox.port, made))
            client.start()
            client.join(draw.random() * 0.004)
        client.join()
        for each in made:
            each.close()
    gc.collect()
