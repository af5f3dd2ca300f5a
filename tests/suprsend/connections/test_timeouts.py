"""The timeout holds in every phase of a request."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from runner import Event, Suprsend
from tests.servers.event_api import Platform
from tests.servers.listeners import full_listener
from tests.servers.loopback import Loopback
from tests.suprsend.connections.conftest import accepted, client_of, failed, track

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from threading import Event as Flag

TIMEOUT_S = 0.4


def timed(client: Suprsend, event: Event | None = None) -> Any:
    began = time.monotonic()
    response = client.track_event(event or Event("u1", "ordered", idempotency_key="k"))
    assert TIMEOUT_S * 0.9 <= time.monotonic() - began < TIMEOUT_S + 1
    return response


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_does_not_come_is_left_at_the_timeout(scheme: str) -> None:
    with full_listener() as port:
        response = timed(client_of(f"{scheme}://127.0.0.1:{port}/", timeout=TIMEOUT_S))
    assert response == failed(f"no connection within {TIMEOUT_S:g} s")


def test_a_name_of_several_addresses_has_one_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_listener() as port, full_listener("127.0.0.2", port), full_listener("127.0.0.3", port):
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))
            for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3")
        ]
        # No name has several addresses on loopback everywhere: the resolver is the one thing here that is played.
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        response = timed(client_of(f"http://localhost:{port}/", timeout=TIMEOUT_S))
    assert response == failed(f"no connection within {TIMEOUT_S:g} s")


def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_listener("127.0.0.2") as full, Platform() as platform:
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
            for address in (("127.0.0.2", full), ("127.0.0.1", platform.port))
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        assert track(client_of(platform.url("localhost"), retries=0, timeout=1)) == accepted()


def test_an_address_of_a_kind_that_this_machine_has_not_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with Platform() as platform:
        unheard_of: Any = 1_000
        addresses = [
            (family, socket.SOCK_STREAM, 6, "", ("127.0.0.1", platform.port)) for family in (unheard_of, socket.AF_INET)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        client = client_of(platform.url("localhost"), retries=0)
        assert track(client) == accepted()


def silent(connection: socket.socket, _: Flag) -> None:
    """Take what comes and say nothing."""
    while connection.recv(65536):
        pass


def dripping(data: bytes) -> Callable[[socket.socket, Flag], None]:
    """Send byte by byte, each well before the timeout, all of them well after it."""

    def drip(connection: socket.socket, ended: Flag) -> None:
        for index in range(len(data)):
            if ended.wait(0.03):
                return
            connection.sendall(data[index : index + 1])

    return drip


def test_a_handshake_that_does_not_come_is_left_at_the_timeout() -> None:
    with Loopback(silent) as server:
        response = timed(client_of(f"https://127.0.0.1:{server.port}/", timeout=TIMEOUT_S))
    assert response == failed(f"no connection within {TIMEOUT_S:g} s")


def test_a_handshake_that_drips_is_left_at_the_timeout() -> None:
    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(0x3FFC)  # a ServerHello of 16 KB
    with Loopback(dripping(record)) as server:
        response = timed(client_of(f"https://127.0.0.1:{server.port}/", timeout=TIMEOUT_S))
    assert response == failed(f"no connection within {TIMEOUT_S:g} s")


@pytest.mark.parametrize(
    "serve",
    [
        silent,
        dripping(b"HTTP/1.1 200 Connection established, " + b"though it takes its time " * 3),
        dripping(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 12),
    ],
    ids=["silent", "dripping-status", "dripping-headers"],
)
def test_a_proxy_that_does_not_answer_is_left_at_the_timeout(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[[socket.socket, Flag], None]
) -> None:
    with Loopback(serve) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}/")
        response = timed(client_of("https://hub.example.com/", timeout=TIMEOUT_S))
    assert response == failed(f"no connection within {TIMEOUT_S:g} s")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_server_that_takes_a_request_slowly_is_left_at_the_timeout(tls: ssl.SSLContext, secure: bool) -> None:
    def sip(connection: socket.socket, ended: Flag) -> None:
        with tls.wrap_socket(connection, server_side=True) if secure else connection as talking:
            while not ended.wait(0.02):
                talking.recv(4096)

    event = Event("u1", "ordered", {"text": "x" * 800_000})
    # Loopback has room for more than any request, unless its packets and buffers are small.
    options = ((socket.SOL_SOCKET, socket.SO_RCVBUF, 4096), (socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536))
    with Loopback(sip, options=options) as server:
        url = f"{'https' if secure else 'http'}://127.0.0.1:{server.port}/"
        client = client_of(url, timeout=TIMEOUT_S, max_event_kb=800)
        response = timed(client, event)
    assert response == failed(f"no answer within {TIMEOUT_S:g} s", unknown=True)
    assert len(server.connections) == 1
