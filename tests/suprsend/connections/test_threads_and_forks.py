"""Threads share a client, and forked processes have connections of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from threading import Event as Flag
from typing import TYPE_CHECKING

import pytest

from runner import Event
from tests.servers.event_api import Arrived, Platform, Reply, answer_naming
from tests.servers.loopback import WAIT_S
from tests.suprsend.connections.conftest import accepted, client_of, running, track

if TYPE_CHECKING:
    import ssl


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_threads_share_a_client_and_each_gets_its_own_answers(tls: ssl.SSLContext, secure: bool) -> None:
    with Platform(tls=tls if secure else None) as platform:
        client = client_of(platform.url())
        together = Barrier(10)

        def send(thread: int) -> list[dict[str, object]]:
            together.wait(WAIT_S)
            return [track(client, f"u{thread}-{index}") for index in range(50)]

        def send_bulk(thread: int) -> list[tuple[str, str]]:
            bulk = client.bulk_events.new_instance()
            bulk.append(*(Event(f"b{thread}-{index}{'!' * (index % 7 == 0)}", "ordered") for index in range(400)))
            together.wait(WAIT_S)
            return [
                (str(failure["record"]["distinct_id"]), failure["error"]) for failure in bulk.trigger().failed_records
            ]

        with ThreadPoolExecutor(10) as pool:
            singles = [pool.submit(send, thread) for thread in range(8)]
            bulks = [pool.submit(send_bulk, thread) for thread in range(2)]
            for thread, single in enumerate(singles):
                assert single.result() == [accepted(f"u{thread}-{index}") for index in range(50)]
            for thread, sent in enumerate(bulks):
                refused = [f"b{thread}-{index}!" for index in range(0, 400, 7)]
                assert sent.result() == [(user, f"no {user}") for user in refused]
    assert len(platform.users) == len(set(platform.users)) == 8 * 50 + 2 * 400
    assert len(platform.connections) <= 8 + 2 * 4


AT_ONCE = """
print(send("parent", 1))
reading, writing = os.pipe()

def work(number):
    os.close(writing)
    os.read(reading, 1)  # until the parent closes it: all begin at once
    return send(f"child{number}", 10)

pids = [child(lambda: work(number)) for number in range(4)]
os.close(writing)
print(send("parent", 10))
print(ended(pids))
print(send("parent", 10))
"""
HELD = """
from threading import Thread
said = []
thread = Thread(target=lambda: said.append(send("held", 1)))
thread.start()
sys.stdin.readline()  # the request of the thread has arrived
print(ended([child(lambda: send("child", 2))]))
thread.join()
print(*said)
"""
TRAFFIC = """
from threading import Barrier, Event as Flag, Thread
enough = Flag()
# TLS itself may be caught by a fork in the middle of a handshake: each thread has its connection before.
connected = Barrier(4, timeout=6)
said = []

def traffic(who):
    count = 0
    while not enough.is_set():
        said.append(send(f"{who}-{count}", 1))
        count += 1
        if count == 1:
            connected.wait()

threads = [Thread(target=traffic, args=(f"thread{number}",)) for number in range(3)]
for thread in threads:
    thread.start()
connected.wait()
print(ended([child(lambda: send(f"child{number}", 2)) for number in range(12)]))
enough.set()
for thread in threads:
    thread.join()
print(set(said))
"""
CLOSING = """
def work():
    said = send("child", 1)
    client.close()
    return said

print(send("parent", 1))
print(ended([child(work) for _ in range(2)]))
print(send("parent", 1))
"""


def ports_by_process(platform: Platform) -> dict[str, set[int]]:
    ports: dict[str, set[int]] = {}
    for request in platform.received:
        for user in request.users:
            ports.setdefault(user.partition("-")[0], set()).add(request.peer)
    return ports


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_forked_children_send_over_connections_of_their_own(tls: ssl.SSLContext, secure: bool) -> None:
    with Platform(tls=tls if secure else None) as platform, running(AT_ONCE, platform.url()) as process:
        said, _ = process.communicate(timeout=WAIT_S * 3)
    assert said.splitlines() == ["accepted", "accepted", "[0, 0, 0, 0]", "accepted"]
    ports = ports_by_process(platform)
    assert {process: len(of_it) for process, of_it in ports.items()} == dict.fromkeys(
        ["parent", "child0", "child1", "child2", "child3"], 1
    )
    assert len(set().union(*ports.values())) == 5


def test_a_child_forked_amid_a_request_can_send() -> None:
    held, child_done = Flag(), Flag()

    def answer(request: Arrived) -> Reply:
        if request.users == ["held-0"]:
            held.set()
            child_done.wait(WAIT_S)
        if request.users == ["child-1"]:
            child_done.set()
        return Reply(answer_naming(request))

    with Platform(answer) as platform, running(HELD, platform.url()) as process:
        assert held.wait(WAIT_S)
        said, _ = process.communicate("\n", timeout=WAIT_S * 3)
    assert said.splitlines() == ["[0]", "accepted"]
    assert {process: len(of_it) for process, of_it in ports_by_process(platform).items()} == {"held": 1, "child": 1}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_children_forked_amid_traffic_can_send(tls: ssl.SSLContext, secure: bool) -> None:
    with Platform(tls=tls if secure else None) as platform, running(TRAFFIC, platform.url()) as process:
        said, _ = process.communicate(timeout=WAIT_S * 3)
    assert said.splitlines() == [str([0] * 12), "{'accepted'}"]
    children = [user for user in platform.users if user.startswith("child")]
    assert sorted(children) == sorted(f"child{number}-{index}" for number in range(12) for index in range(2))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_child_that_closes_its_client_leaves_the_parents_connection(tls: ssl.SSLContext, secure: bool) -> None:
    with Platform(tls=tls if secure else None) as platform, running(CLOSING, platform.url()) as process:
        said, _ = process.communicate(timeout=WAIT_S * 3)
    assert said.splitlines() == ["accepted", "[0, 0]", "accepted"]
    assert len(ports_by_process(platform)["parent"]) == 1
