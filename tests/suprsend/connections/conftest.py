"""What tests of real connections share: certificates, a client, and what its answers look like."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from runner import Event, Suprsend
from tests.conftest import REPOSITORY
from tests.servers.event_api import Platform
from tests.servers.loopback import WAIT_S
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Make an authority that no machine knows."""
    return trustme.CA()


@pytest.fixture(autouse=True)
def no_bundle_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def trusted(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment name the authority of these tests."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))


def certified(authority: trustme.CA, *names: str, not_after: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    not_before = datetime(2020, 1, 1, tzinfo=UTC) if not_after else None
    authority.issue_cert(*names, not_before=not_before, not_after=not_after).configure_cert(context)
    return context


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    return certified(authority, "127.0.0.1", "localhost", "0.0.0.0", "hub.example.com")  # noqa: S104 - a name


def client_of(base_url: str, **options: Any) -> Suprsend:
    """Make a client that makes no pause between attempts."""
    defaults: dict[str, Any] = {"timeout": WAIT_S, "sleep": lambda _: None}
    return Suprsend("workspace_key", "workspace_secret", base_url=base_url, **(defaults | options))


def track(client: Suprsend, user: str = "u1", key: str | None = None) -> Any:
    return client.track_event(Event(user, "ordered", idempotency_key=key))


def accepted(user: str = "u1") -> dict[str, object]:
    raw = {"status": "success", "status_code": 202, "message_id": f"for {user}"}
    return {
        "success": True,
        "status": "success",
        "status_code": 202,
        "message": "OK",
        "message_id": f"for {user}",
        "raw_response": raw,
        "unknown": False,
    }


def failed(message: str, status_code: int = 0, *, unknown: bool = False, raw: object = None) -> dict[str, object]:
    return {
        "success": False,
        "status": "fail",
        "status_code": status_code,
        "message": message,
        "message_id": None,
        "raw_response": raw,
        "unknown": unknown,
    }


@pytest.fixture
def hub(tls: ssl.SSLContext, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """Be hub.example.com, behind a proxy."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with Platform(tls=tls) as platform:
        yield platform


@pytest.fixture
def proxy(hub: Platform) -> Iterator[Proxy]:
    with Proxy(hub_example_com=hub.port) as running:
        yield running


def has_ipv6() -> bool:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


FORK = """
import os, signal, sys
from runner import Event, Suprsend

def send(who, count):
    for index in range(count):
        user = f"{who}-{index}"
        response = client.track_event(Event(user, "ordered"))
        if response["message_id"] != f"for {user}":
            return f"{user}: {response}"
    return "accepted"

def child(work):
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(8)  # a child that hangs must end
    try:
        said = work()
    except BaseException as error:
        said = repr(error)
    if said != "accepted":
        print(said, flush=True)
    os._exit(0 if said == "accepted" else 1)

def ended(pids):
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]

signal.alarm(20)
client = Suprsend("workspace_key", "workspace_secret", base_url=sys.argv[1], timeout=6)
"""


@contextmanager
def running(script: str, url: str) -> Iterator[subprocess.Popen[str]]:
    environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORK + script, url],
        cwd=REPOSITORY,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
