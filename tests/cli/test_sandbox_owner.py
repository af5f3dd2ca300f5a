"""`--sandbox` and the port 7788: a sandbox of one's own is used, and anything else that listens there gets nothing."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from runner.commands.session import Session
from runner.commands.target import sandbox_at
from runner.commands.world import World
from runner.config import SANDBOX_KEY, Target, load_profile
from runner.report import Format
from runner.sandbox.find import Admit, look
from runner.sandbox.proof import ensure_key
from runner.sandbox.server import Sandbox
from runner.suprsend.connection import Connection
from runner.suprsend.delivery import alone
from runner.suprsend.encoding import encode
from runner.suprsend.event import Event, Stamp
from tests.servers.foreign import Foreign
from tests.servers.listeners import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.suprsend.answer import Result


REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    with closing(Foreign(0)) as listener:
        yield listener


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def aimed(home: Path, port: int, stack: ExitStack) -> tuple[Target, str]:
    """Aim at the sandbox on a port as the user who lives there, and hear what is said of it."""
    world = World.real()._replace(environ={"HOME": str(home)}, stderr=io.StringIO())
    target = stack.enter_context(sandbox_at(port, Session(world, Format.PRETTY), load_profile(start=home)))
    assert isinstance(world.stderr, io.StringIO)
    return target, world.stderr.getvalue()


def sent(connection: Connection) -> Result:
    """Send an event that nobody else may read."""
    event = Event("u1", "ordered", {"card": "unmasked"}, idempotency_key="k")
    delivery = alone(encode(event, connection.env, Stamp(str(uuid4()), 1767225600000)))
    connection.deliver(delivery)
    [result] = delivery.results
    return result


def connected(target: Target, stack: ExitStack) -> Connection:
    connection = Connection(target.authorized(), target.base_url, retries=1, sleep=lambda _: None, admit=target.admit)
    return stack.enter_context(closing(connection))


NOT_OURS = r"sandbox: port \d+ is not served by your sandbox; started for this command on http://127\.0\.0\.1:\d+/\n"


def test_with_nobody_there_a_sandbox_is_started(tmp_path: Path, stack: ExitStack) -> None:
    target, said = aimed(tmp_path, free_port(), stack)
    assert said == f"sandbox: started for this command on {target.base_url}\n"
    assert sent(connected(target, stack)).state == "accepted"


@pytest.mark.parametrize("has_key", [True, False])
def test_a_foreign_listener_is_told_of_and_gets_nothing(
    tmp_path: Path, stack: ExitStack, foreign: Foreign, has_key: bool
) -> None:
    if has_key:
        ensure_key({"HOME": str(tmp_path)})
    target, said = aimed(tmp_path, foreign.port, stack)
    assert re.fullmatch(NOT_OURS, said)
    assert sent(connected(target, stack)).state == "accepted"
    assert foreign.requests == ([b"GET /_sandbox"] if has_key else [])


def test_the_sandbox_of_another_user_gets_nothing(tmp_path: Path, stack: ExitStack) -> None:
    ensure_key({"HOME": str(tmp_path)})
    theirs = stack.enter_context(Sandbox())
    _, said = aimed(tmp_path, theirs.port, stack)
    assert (bool(re.fullmatch(NOT_OURS, said)), theirs.store.total) == (True, 0)


def test_a_listener_that_relays_to_a_real_sandbox_on_another_port_gets_nothing(stack: ExitStack) -> None:
    real = stack.enter_context(Sandbox())
    relay = stack.enter_context(closing(Foreign(0, relays_to=real.port)))
    assert look(relay.port, replace(real.proof, port=relay.port)) == "foreign"
    assert look(real.port, real.proof) == "own"


def test_who_takes_the_port_after_the_look_gets_nothing(stack: ExitStack) -> None:
    with Sandbox() as ours:
        target = Target(ours.base_url, SANDBOX_KEY, {}, admit=Admit(ours.proof))
        connection = connected(target, stack)
        assert sent(connection).state == "accepted"
    taker = stack.enter_context(closing(Foreign(ours.port)))
    result = sent(connection)
    told = f"port {ours.port} is not served by your sandbox"
    assert (result.state, result.message, result.transient) == ("failed", told, False)
    assert taker.requests == [b"GET /_sandbox"]
    assert b"unmasked" not in taker.received


def test_a_sandbox_that_starts_again_is_sent_to_again(stack: ExitStack) -> None:
    with Sandbox() as ours:
        target = Target(ours.base_url, SANDBOX_KEY, {}, admit=Admit(ours.proof))
        connection = connected(target, stack)
        assert sent(connection).state == "accepted"
    port, key = ours.proof.port, ours.proof.key
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(port), key.reveal()], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        assert sent(connection).state == "accepted"
    finally:
        process.kill()
        process.communicate()


SERVE = """
import sys
from runner.sandbox.server import Place, serve
from runner.secrets import Secret
serve(Place(int(sys.argv[1]), key=Secret(sys.argv[2])), lambda _: print(flush=True))
"""


def test_each_connection_is_checked_by_itself(stack: ExitStack) -> None:
    ours = stack.enter_context(Sandbox())
    target = Target(ours.base_url, SANDBOX_KEY, {}, admit=Admit(ours.proof))
    connection = connected(target, stack)
    for _ in range(3):
        assert sent(connection).state == "accepted"
        connection.close()
    assert ours.store.total == 3


def in_own_network(script: str, tmp_path: Path) -> Any:
    """Run a script where 7788 is free, and give what it prints as JSON."""
    network = ["unshare", "--map-root-user", "--net"]
    try:
        subprocess.run([*network, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine gives no network of one's own")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
    environ |= {"HOME": str(tmp_path), "XDG_STATE_HOME": ""}
    command = [*network, sys.executable, "-c", UP + script, sys.executable, "-m", "runner"]
    ended = subprocess.run(command, cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE, timeout=60, check=True)
    return json.loads(ended.stdout)


UP = """
import fcntl, json, socket, struct, subprocess, sys, threading
with socket.socket() as raised:
    fcntl.ioctl(raised, 0x8914, struct.pack("16sh14x", b"lo", 1))
def send(*args):
    ended = subprocess.run([*sys.argv[1:], "send", *args, "--sandbox", "-o", "json"], capture_output=True, text=True)
    document = json.loads(ended.stdout)
    return ended.returncode, document["accepted"], ended.stderr
"""


FOREIGN = """
received = []
def serve(listening):
    while True:
        connection, _ = listening.accept()
        with connection:
            while part := connection.recv(65536):
                received.append(part.split(b"?")[0].decode())
                body = b'{"name": "suprsend-runner sandbox", "status": "success", "message_id": "m"}'
                connection.sendall(b"HTTP/1.1 202 Accepted\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
threading.Thread(target=serve, args=[socket.create_server(("127.0.0.1", 7788))], daemon=True).start()
first = send("specs/purchase.yaml", "--var", "user=u1")
print(json.dumps([*first, received]))
"""


def test_send_gives_nothing_to_a_foreign_listener_on_7788(tmp_path: Path) -> None:
    ensure_key({"HOME": str(tmp_path)})
    code, accepted, said, received = in_own_network(FOREIGN, tmp_path)
    assert (code, accepted, received) == (0, 1, ["GET /_sandbox"])
    assert re.fullmatch(NOT_OURS.replace(r"\d+ is", "7788 is"), said)


OWN = """
serving = subprocess.Popen([*sys.argv[1:], "sandbox", "--memory"], stderr=subprocess.PIPE, text=True)
try:
    serving.stderr.readline()
    one = send("specs/purchase.yaml", "--var", "user=u1")
    rows = send("specs/purchase.yaml", "--rows", "specs/orders.csv", "--processes", "2", "-q")
    from urllib.request import urlopen
    count = json.load(urlopen("http://127.0.0.1:7788/_sandbox"))["events"]
finally:
    serving.kill()
print(json.dumps([one, rows, count]))
"""


@pytest.mark.slow
def test_send_uses_the_sandbox_of_ones_own_on_7788_from_every_process(tmp_path: Path) -> None:
    one, rows, count = in_own_network(OWN, tmp_path)
    assert one == [0, 1, "sandbox: the one on http://127.0.0.1:7788/\n"]
    assert (rows, count) == ([0, 300, ""], 301)


TWICE = """
serving = subprocess.Popen([*sys.argv[1:], "sandbox", "--memory"], stderr=subprocess.PIPE, text=True)
try:
    serving.stderr.readline()
    told = []
    for order in ("1", "1", "2"):
        args = ["send", "specs/purchase.yaml", "--var", "user=u1", "--var", f"order_id={order}", "--sandbox"]
        told.append(subprocess.run([*sys.argv[1:], *args], capture_output=True, text=True).stderr.splitlines()[-1])
finally:
    serving.kill()
print(json.dumps(told))
"""


@pytest.mark.slow
def test_a_key_that_the_sandbox_knows_from_another_command_is_told(tmp_path: Path) -> None:
    assert in_own_network(TWICE, tmp_path) == [
        "1 event: 1 accepted",
        "1 event: 1 accepted; 1 under a key that was there already: the platform does not count it again",
        "1 event: 1 accepted",
    ]


PORT_OF_OURS = """
serving = subprocess.Popen([*sys.argv[1:], "sandbox", "--memory"], stderr=subprocess.PIPE, text=True)
try:
    serving.stderr.readline()
    again = subprocess.run([*sys.argv[1:], "sandbox", "--memory"], capture_output=True, text=True)
finally:
    serving.kill()
print(json.dumps([again.returncode, again.stderr.splitlines()]))
"""


def test_a_port_that_ones_own_sandbox_has_is_told_as_such(tmp_path: Path) -> None:
    code, [message, hint] = in_own_network(PORT_OF_OURS, tmp_path)
    assert (code, message) == (74, "error[port-taken]: your sandbox listens on port 7788 already")
    assert hint.startswith("  = other commands use it with --sandbox. ")
