"""While a context is open, nothing in this process reaches anybody but whom it names."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import requests

from runner import Event, Suprsend
from runner.errors import ExitCode, Problem
from runner.testing.network import NetworkBlocked, blocked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.capturing import CapturingServer

ELSEWHERE = ("192.0.2.1", 9)
"""An address that is nobody's, by RFC 5737. No test here may send it a packet."""


def port_of(server: CapturingServer) -> int:
    return int(server.base_url.rstrip("/").rpartition(":")[2])


def connect(address: tuple[str, int]) -> None:
    with socket.socket() as sock:
        sock.settimeout(5)
        sock.connect(address)


def send_datagram(address: tuple[str, int]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", address)


def send_message(address: tuple[str, int]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"x"], [], 0, address)


def connect_without_raising(address: tuple[str, int]) -> None:
    with socket.socket() as sock:
        sock.connect_ex(address)


@pytest.mark.parametrize(
    ("ask", "where"),
    [
        (lambda: connect(ELSEWHERE), "192.0.2.1:9"),
        (lambda: connect_without_raising(ELSEWHERE), "192.0.2.1:9"),
        (lambda: send_datagram(ELSEWHERE), "192.0.2.1:9"),
        (lambda: send_message(ELSEWHERE), "192.0.2.1:9"),
        (lambda: socket.getaddrinfo("example.com", 443), "example.com"),
        (lambda: socket.getaddrinfo(b"Example.COM.", "https"), "example.com"),
        (lambda: socket.getaddrinfo("192.0.2.1", 9), "192.0.2.1:9"),
        (lambda: socket.gethostbyname("example.com"), "example.com"),
        (lambda: socket.gethostbyaddr("192.0.2.1"), "192.0.2.1"),
        (lambda: socket.getnameinfo(ELSEWHERE, 0), "192.0.2.1"),
        (lambda: socket.create_connection(ELSEWHERE, 5), "192.0.2.1:9"),
        (lambda: requests.get("http://192.0.2.1:9/", timeout=5), "192.0.2.1:9"),
        (lambda: asyncio.run(asyncio.open_connection("192.0.2.1", 9)), "192.0.2.1:9"),
    ],
)
def test_whatever_asks_for_the_network_is_stopped(ask: Callable[[], object], where: str) -> None:
    with blocked(), pytest.raises(NetworkBlocked) as stopped:
        ask()
    assert stopped.value.where == where
    assert str(stopped.value) == (
        f"a connection to {where} was stopped: a case may only use its cassette"
        " (while recording, a case may only connect to its target)"
    )
    assert stopped.value.exit_code == ExitCode.CASSETTE


def test_our_own_client_does_not_take_it_for_a_failed_connection(server: CapturingServer) -> None:
    client = Suprsend("key", "secret", base_url=server.base_url, sleep=lambda _: None)
    with blocked(), pytest.raises(NetworkBlocked):
        client.track_event(Event("u1", "ordered"))
    assert server.received == []


def test_the_host_and_port_that_are_allowed_stay_open(server: CapturingServer) -> None:
    with blocked([("127.0.0.1", port_of(server))]):
        assert requests.post(server.base_url, data=b"{}", timeout=5).status_code == 202
        with pytest.raises(NetworkBlocked):
            connect(("127.0.0.1", port_of(server) ^ 1))


def test_a_host_that_is_allowed_by_name_may_be_looked_up_and_connected_to(server: CapturingServer) -> None:
    with blocked([("LocalHost", port_of(server))]):
        assert requests.post(f"http://localhost:{port_of(server)}/", data=b"{}", timeout=5).status_code == 202
        for ask in (lambda: socket.getaddrinfo("example.com", port_of(server)), lambda: connect(("127.0.0.1", 9))):
            with pytest.raises(NetworkBlocked):
                ask()


def test_it_holds_in_threads_that_were_there_before(server: CapturingServer) -> None:
    with ThreadPoolExecutor(1) as threads:
        threads.submit(int).result()
        with blocked(), pytest.raises(NetworkBlocked):
            threads.submit(connect, ("127.0.0.1", port_of(server))).result()
        threads.submit(connect, ("127.0.0.1", port_of(server))).result()


def test_an_inner_context_opens_nothing_that_an_outer_one_closed(server: CapturingServer) -> None:
    here = ("127.0.0.1", port_of(server))
    with blocked(), blocked([here]), pytest.raises(NetworkBlocked):
        connect(here)
    with blocked([here]):
        with blocked(), pytest.raises(NetworkBlocked):
            connect(here)
        connect(here)


def test_an_exception_closes_its_context(server: CapturingServer) -> None:
    with pytest.raises(ZeroDivisionError), blocked():
        raise ZeroDivisionError
    connect(("127.0.0.1", port_of(server)))


def test_contexts_may_end_in_any_order(server: CapturingServer) -> None:
    here = ("127.0.0.1", port_of(server))
    first, second = ExitStack(), ExitStack()
    first.enter_context(blocked())
    second.enter_context(blocked([here]))
    with first, second:
        first.close()
        connect(here)
        with pytest.raises(NetworkBlocked):
            connect(ELSEWHERE)


def test_what_stays_on_this_machine_is_not_stopped(tmp_path: Path) -> None:
    with blocked(), socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as sock:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        sock.connect(str(tmp_path / "s"))
        one, other = socket.socketpair()
        one.sendmsg([b"x"])
        assert other.recv(1) == b"x"
        one.close()
        other.close()
        assert socket.getaddrinfo(None, 0) != []
        with socket.create_server(("127.0.0.1", 0)) as server:
            assert server.getsockname()[1] > 0


def test_one_hook_is_installed_and_only_when_it_is_needed() -> None:
    code = (
        "import sys; hooks = []; add = sys.addaudithook\n"
        "sys.addaudithook(lambda event, args: hooks.append(event) if event == 'sys.addaudithook' else None)\n"
        "from runner.testing.network import blocked\n"
        "print(len(hooks))\n"
        "for _ in range(3):\n"
        "    with blocked(), blocked(): pass\n"
        "print(len(hooks))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["0", "1"]


def test_the_hook_costs_next_to_nothing_when_no_context_is_open() -> None:
    with blocked():
        pass
    began = time.thread_time()
    for _ in range(100_000):
        sys.audit("runner.nobody")
    assert (time.thread_time() - began) / 100_000 < 5e-6


def test_what_is_blocked_is_told_as_a_problem() -> None:
    with blocked(), pytest.raises(NetworkBlocked) as caught:
        socket.create_connection(("127.0.0.1", 9))
    message = "a connection to 127.0.0.1:9 was stopped: a case may only use its cassette"
    assert caught.value.problems == (
        Problem("network-blocked", message, hint="while recording, a case may only connect to its target"),
    )
