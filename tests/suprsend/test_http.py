"""The client over real connections: TLS, proxies, kept connections, threads and forks, all on loopback."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from threading import Barrier, BrokenBarrierError, Lock, Thread
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, Literal, Self

import pytest
import trustme

from runner import Event, Suprsend
from runner.errors import RunnerError

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator

    from tests.conftest import CapturingServer

REPOSITORY = Path(__file__).resolve().parents[2]
WAIT_S = 10
"""How long anything here waits for what must come at once: nothing hangs, whatever breaks."""


# Servers


class Loopback:
    """Listens on loopback and serves each connection in a thread; once it is left, all that came is counted."""

    def __init__(
        self,
        serve: Callable[[socket.socket, Flag], None] | None = None,
        host: str = "127.0.0.1",
        options: tuple[tuple[int, int, int], ...] = (),
    ) -> None:
        self.connections: list[int] = []
        self.ended = Flag()
        self._serve_with = serve
        self._options = options
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._host = host
        self._threads: list[Thread] = []
        self._sockets: list[socket.socket] = []
        self._knock = 0

    def __enter__(self) -> Self:
        self._listening = socket.create_server((self._host, 0), family=self._family, backlog=64)
        for option in self._options:
            self._listening.setsockopt(*option)
        self.port: int = self._listening.getsockname()[1]
        self._accepting = Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        with socket.socket(self._family) as knock:  # all that connected before it is accepted before it
            knock.bind((self._host, 0))
            self._knock = knock.getsockname()[1]
            knock.connect(self._listening.getsockname())
            self._accepting.join(WAIT_S)
        self._listening.close()
        for connection in self._sockets:
            _hear_no_more(connection)
        for thread in self._threads:
            thread.join(WAIT_S)
        assert not [thread for thread in (self._accepting, *self._threads) if thread.is_alive()]

    def _accept(self) -> None:
        while True:
            connection, peer = self._listening.accept()
            if peer[1] == self._knock:
                connection.close()
                return
            connection.settimeout(WAIT_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(peer[1])
            self.keep(connection)
            self._threads.append(Thread(target=self._serve_one, args=(connection,)))
            self._threads[-1].start()

    def keep(self, connection: socket.socket) -> None:
        """Remember a connection, so that nothing is read from it once this is left but what has come."""
        self._sockets.append(connection)
        if self.ended.is_set():
            _hear_no_more(connection)

    def _serve_one(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            self.serve(connection)

    def serve(self, connection: socket.socket) -> None:
        """Do with one connection what this server is for."""
        if self._serve_with:
            self._serve_with(connection, self.ended)


def _hear_no_more(connection: socket.socket) -> None:
    with suppress(OSError):
        # Not the method of an SSLSocket: that forgets its TLS, while its thread may be reading.
        socket.socket.shutdown(connection, socket.SHUT_RD)


@dataclass(frozen=True)
class Arrived:
    """A request as it came over the wire, and the client's port on the connection it came over."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def users(self) -> list[str]:
        document = self.json
        return [event["distinct_id"] for event in (document if isinstance(document, list) else [document])]


@dataclass(frozen=True)
class Reply:
    """What goes back, and what becomes of the connection then."""

    data: bytes = b""
    then: Literal["keep", "goodbye", "close", "reset"] = "keep"


def http(status: int, document: object = None, *headers: str) -> bytes:
    body = b"" if document is None else json.dumps(document).encode()
    lines = (f"HTTP/1.1 {status} Told", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join([*lines, "", ""]).encode() + body


def answer_naming(request: Arrived) -> bytes:
    """Accept each event under a message id that names its user, but refuse those whose user ends with '!'."""
    records = [
        {"status": "error", "status_code": 400, "error": {"message": f"no {user}"}}
        if user.endswith("!")
        else {"status": "success", "status_code": 202, "message_id": f"for {user}"}
        for user in request.users
    ]
    if isinstance(request.json, list):
        return http(207, {"status": "success", "records": records})
    return http(int(str(records[0]["status_code"])), records[0])


class Platform(Loopback):
    """An event API that keeps what came, and answers as it is told."""

    def __init__(
        self,
        answer: Callable[[Arrived], Reply] = lambda request: Reply(answer_naming(request)),
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__(host=host)
        self.received: list[Arrived] = []
        self.refused_handshakes = 0
        self.closed: Queue[int] = Queue()
        self._answer = answer
        self._tls = tls

    def url(self, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}/"

    @property
    def users(self) -> list[str]:
        return [user for request in self.received for user in request.users]

    def serve(self, connection: socket.socket) -> None:
        if not self._tls:
            return self._talk(connection)
        try:
            secured = self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            self.refused_handshakes += 1
            return None
        self.keep(secured)
        with secured:
            return self._talk(secured)

    def _talk(self, connection: socket.socket) -> None:
        peer = connection.getpeername()[1]
        with connection.makefile("rb") as stream:
            while request := _read_request(stream, peer):
                self.received.append(request)
                reply = self._answer(request)
                connection.sendall(reply.data)
                if reply.then != "keep":
                    break
            else:
                return
        _end(connection, reply.then)
        self.closed.put(peer)


def _read_request(stream: io.BufferedIOBase | io.RawIOBase, peer: int) -> Arrived | None:
    method, path, *_ = [*stream.readline().decode("latin-1").split(), "", ""]
    headers: dict[str, str] = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.title()] = value.strip()
    return Arrived(method, path, headers, stream.read(int(headers.get("Content-Length", 0))), peer) if method else None


def _end(connection: socket.socket, how: str) -> None:
    if how == "goodbye" and isinstance(connection, ssl.SSLSocket):
        connection.setblocking(False)
        with suppress(OSError):  # the other side's goodbye is not waited for
            connection.unwrap()
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Proxy(Loopback):
    """A proxy that leads the names it knows to servers of these tests, and refuses all others."""

    def __init__(self, refusal: str = "403 Forbidden", **ports: int) -> None:
        super().__init__()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.carried = b""
        self._refusal = refusal
        self._ports = {name.replace("_", "."): port for name, port in ports.items()}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb", buffering=0) as stream:
            request = _read_request(stream, 0)
        if not request:
            return
        self.asked.append((f"{request.method} {request.path}", request.headers))
        port = self._ports.get(request.path.rpartition(":")[0])
        if port is None:
            connection.sendall(f"HTTP/1.1 {self._refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        with socket.create_connection(("127.0.0.1", port), WAIT_S) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = Thread(target=_pump, args=(onward, connection, []))
            back.start()
            there: list[bytes] = []
            _pump(connection, onward, there)
            self.carried += b"".join(there)
            back.join(WAIT_S)


def _pump(source: socket.socket, sink: socket.socket, seen: list[bytes]) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            seen.append(part)
            sink.sendall(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


# Certificates


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


# Certificates that hold and that do not


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_a_known_authority_is_accepted(tls: ssl.SSLContext) -> None:
    with Platform(tls=tls) as platform:
        assert track(client_of(platform.url())) == accepted()
        assert track(client_of(platform.url("localhost"))) == accepted()


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_names_the_authorities(
    tls: ssl.SSLContext, bundle: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(bundle))
    with Platform(tls=tls) as platform:
        assert track(client_of(platform.url())) == accepted()


@pytest.mark.parametrize("key", [None, "k"])
def test_a_certificate_of_an_unknown_authority_is_refused_once_and_nothing_is_sent(
    tls: ssl.SSLContext, key: str | None
) -> None:
    with Platform(tls=tls) as platform:
        response = track(client_of(platform.url()), key=key)
    assert response == failed("the server's certificate is not trusted: unable to get local issuer certificate")
    assert (platform.received, len(platform.connections), platform.refused_handshakes) == ([], 1, 1)


def test_a_bulk_to_an_unknown_authority_is_failed_and_not_unknown(tls: ssl.SSLContext) -> None:
    with Platform(tls=tls) as platform:
        bulk = client_of(platform.url(), concurrency=1).bulk_events.new_instance()
        bulk.append(*(Event(f"u{index}", "ordered", idempotency_key=f"k{index}") for index in range(3)))
        response = bulk.trigger()
    assert (response.total, response.success, response.failure, response.unknown) == (3, 0, 3, 0)
    assert {(record["error"], record["code"], record["unknown"]) for record in response.failed_records} == {
        ("the server's certificate is not trusted: unable to get local issuer certificate", 0, False)
    }
    assert (platform.received, len(platform.connections)) == ([], 1)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("names", "not_after", "message"),
    [
        (("hub.example.com",), None, "the server's certificate is not trusted: IP address mismatch, certificate is not valid for '127.0.0.1'."),
        (("127.0.0.1",), datetime(2021, 1, 1, tzinfo=UTC), "the server's certificate is not trusted: certificate has expired"),
    ],
    ids=["another-name", "expired"],
)  # fmt: skip
def test_a_certificate_that_does_not_hold_is_refused_once_and_nothing_is_sent(
    authority: trustme.CA, names: tuple[str, ...], not_after: datetime | None, message: str
) -> None:
    with Platform(tls=certified(authority, *names, not_after=not_after)) as platform:
        response = track(client_of(platform.url()), key="k")
    assert response == failed(message)
    assert (platform.received, len(platform.connections)) == ([], 1)


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_host_name_is_refused(authority: trustme.CA) -> None:
    with Platform(tls=certified(authority, "127.0.0.1", "hub.example.com")) as platform:
        response = track(client_of(platform.url("localhost")), key="k")
    assert response == failed(
        "the server's certificate is not trusted: Hostname mismatch, certificate is not valid for 'localhost'."
    )
    assert (platform.received, len(platform.connections)) == ([], 1)


BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_missing_bundle_is_named_and_nothing_is_begun(
    tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "missing.pem"))
    pauses: list[float] = []
    with Platform(tls=tls) as platform:
        response = track(client_of(platform.url(), sleep=pauses.append), key="k")
    assert response == failed(f"the CA bundle from the environment can't be used: {tmp_path / 'missing.pem'}")
    assert (platform.connections, pauses) == ([], [])


@pytest.mark.parametrize("content", ["", "no certificate\n", BROKEN], ids=["empty", "text", "broken"])
def test_a_bundle_without_certificates_is_named_and_nothing_is_tried_twice(
    tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    path = tmp_path / "bundle.pem"
    path.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    pauses: list[float] = []
    with Platform(tls=tls) as platform:
        response = track(client_of(platform.url(), sleep=pauses.append), key="k")
    assert response == failed(f"the CA bundle from the environment can't be used: {path}")
    assert (platform.received, pauses) == ([], [])


@pytest.mark.usefixtures("trusted")
def test_a_bundle_that_went_away_breaks_no_caller(tls: ssl.SSLContext, bundle: Path) -> None:
    with Platform(lambda request: Reply(answer_naming(request), "close"), tls=tls) as platform:
        client = client_of(platform.url())
        assert track(client, "u1") == accepted("u1")
        bundle.unlink()
        client.close()
        response = track(client, "u2")
        assert response in (accepted("u2"), failed(response["message"]))


def test_a_bundle_is_of_no_concern_to_plain_http(server: CapturingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    assert track(client_of(server.base_url))["success"]


def test_plain_http_where_tls_was_meant_is_told_in_words() -> None:
    def misunderstand(connection: socket.socket, _: Flag) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    with Loopback(misunderstand) as server:
        response = track(client_of(f"https://127.0.0.1:{server.port}/"), key="k")
    assert response == failed(response["message"])
    assert re.fullmatch("[A-Za-z :,']+", response["message"])  # no numbers of a library's lines, no brackets


# TLS that breaks off


HEAD = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
BREAKS = [b"", b"HTTP/1.1 2", HEAD, HEAD + b'{"status":"success"']


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("then", ["goodbye", "close", "reset"])
@pytest.mark.parametrize("part", BREAKS, ids=["no-word", "half-a-line", "no-body", "half-a-body"])
def test_an_answer_cut_within_tls_leaves_an_event_without_key_unknown(
    tls: ssl.SSLContext, part: bytes, then: Literal["goodbye", "close", "reset"]
) -> None:
    with Platform(lambda _: Reply(part, then), tls=tls) as platform:
        response = track(client_of(platform.url()))
    assert (response["success"], response["status_code"], response["unknown"]) == (False, 0, True)
    assert re.fullmatch("the connection was lost: .+|the answer was cut off: .+", response["message"])
    assert (platform.users, len(platform.connections)) == (["u1"], 1)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("then", ["goodbye", "close", "reset"])
@pytest.mark.parametrize("part", BREAKS, ids=["no-word", "half-a-line", "no-body", "half-a-body"])
def test_an_answer_cut_within_tls_is_asked_for_again_with_a_key(
    tls: ssl.SSLContext, part: bytes, then: Literal["goodbye", "close", "reset"]
) -> None:
    replies = iter([Reply(part, then), Reply(part, then)])
    with Platform(lambda request: next(replies, Reply(answer_naming(request))), tls=tls) as platform:
        assert track(client_of(platform.url()), key="k") == accepted()
    assert len({request.body for request in platform.received}) == 1
    assert (len(platform.received), len(platform.connections)) == (3, 3)


@pytest.mark.usefixtures("trusted")
def test_a_handshake_cut_is_tried_again_also_without_a_key(tls: ssl.SSLContext) -> None:
    cut = iter([True, True])

    class Hesitant(Platform):
        def serve(self, connection: socket.socket) -> None:
            if next(cut, False):
                connection.recv(1)
                _end(connection, "reset")
            else:
                super().serve(connection)

    with Hesitant(tls=tls) as platform:
        assert track(client_of(platform.url())) == accepted()
    assert (platform.users, len(platform.connections)) == (["u1"], 3)


# Proxies


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


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment_leads_to_the_platform(
    hub: Platform,
    proxy: Proxy,
    signature_of: Callable[[Any, str], str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv(name, proxy.url)
    client = client_of("https://hub.example.com/")
    assert [track(client, user) for user in ("u1", "u2")] == [accepted("u1"), accepted("u2")]
    assert [request for request, _ in proxy.asked] == ["CONNECT hub.example.com:443"]
    assert [request.headers["Host"] for request in hub.received] == ["hub.example.com"] * 2
    assert [request.headers["Authorization"] for request in hub.received] == [
        f"workspace_key:{signature_of(request, 'workspace_secret')}" for request in hub.received
    ]
    client.close()


def test_the_proxys_password_goes_to_the_proxy_and_ours_to_the_platform(
    hub: Platform, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//jo:s%40lt@"))
    client = Suprsend.with_workspace_api_key("uid", "my-api-key", base_url="https://hub.example.com/")
    assert track(client) == accepted()
    client.close()
    [(_, asked)] = proxy.asked
    assert asked["Proxy-Authorization"] == f"Basic {b64encode(b'jo:s@lt').decode()}"
    assert "Authorization" not in asked
    [request] = hub.received
    assert request.headers["Authorization"] == "Bearer my-api-key"
    assert "Proxy-Authorization" not in request.headers


def test_nothing_readable_goes_through_the_proxy(hub: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(hub_example_com=hub.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        client = client_of("https://hub.example.com/")
        track(client)
        client.close()
    assert len(proxy.carried) > len(hub.received[0].body)
    assert b"workspace_key" not in proxy.carried


def test_no_proxy_goes_past_the_proxy(hub: Platform, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    url = hub.url("0.0.0.0")  # noqa: S104 - it leads to this machine, but is not a name of loopback
    monkeypatch.setenv("https_proxy", proxy.url)
    assert track(client_of(url, retries=0))["success"] is False
    assert [request for request, _ in proxy.asked] == [f"CONNECT 0.0.0.0:{hub.port}"]
    monkeypatch.setenv("no_proxy", "hub.example.com,0.0.0.0")
    assert track(client_of(url)) == accepted()
    assert (len(proxy.asked), hub.users) == (1, ["u1"])


@pytest.mark.parametrize("refusal", ["403 Forbidden", "407 Proxy Authentication Required", "502 Bad Gateway"])
def test_a_proxy_that_refuses_leaves_the_event_failed_and_shows_no_password(
    hub: Platform, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    with Proxy(refusal) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//jo:swordfish@"))
        client = client_of("https://hub.example.com/")
        response = track(client)
    assert response == failed(f"the proxy: Tunnel connection failed: {refusal}")
    assert "swordfish" not in f"{client!r} {client.__dict__!r} {response!r}"
    assert hub.connections == []


def test_a_dead_proxy_leaves_the_event_failed(dead_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", dead_url.replace("//", "//jo:swordfish@"))
    assert track(client_of("https://hub.example.com/")) == failed("the proxy: Connection refused")


@pytest.mark.parametrize(
    "url",
    [
        "http://jo:swordfish@127.0.0.1:port/",
        "http://jo:swordfish@127.0.0.1:99999/",
        "http://jo:swordfish@[::1/",
        "http://jo:swordfish@",
        "jo:swordfish@:1",
        "http://",
        "http://jo:swordfish@proxy..example.com:1",
        "http://jo:swordfish✓@127.0.0.1:1/",
        "ftp://jo:swordfish@127.0.0.1:1/",
        "socks5://jo:swordfish@127.0.0.1:1/",
    ],
)
def test_a_proxy_that_is_none_is_told_without_its_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", url)
    pauses: list[float] = []
    client = client_of("https://hub.example.com/", sleep=pauses.append)
    assert track(client, key="k") == failed("the proxy from the environment can't be used")
    assert pauses == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("name", ["http_proxy", "https_proxy", "all_proxy"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_what_goes_to_this_machine_goes_through_no_proxy(
    authority: trustme.CA, dead_url: str, monkeypatch: pytest.MonkeyPatch, name: str, host: str
) -> None:
    if host == "[::1]" and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    monkeypatch.setenv(name, dead_url)
    monkeypatch.setenv(name.upper(), dead_url)
    bare = host.strip("[]")
    listening_on = "::1" if host == "[::1]" else "127.0.0.1"
    for context in (None, certified(authority, bare)):
        with Platform(tls=context, host=listening_on) as platform:
            assert track(client_of(platform.url(host))) == accepted()
        assert platform.users == ["u1"]


def _has_ipv6() -> bool:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


# The environment is looked up once


def test_a_proxy_set_after_the_client_was_made_is_not_used(
    hub: Platform, dead_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy.url)
    client = client_of("https://hub.example.com/")
    monkeypatch.setenv("https_proxy", dead_url)
    assert track(client, "u1") == accepted("u1")
    client.close()
    monkeypatch.setenv("no_proxy", "*")
    assert track(client, "u2") == accepted("u2")
    client.close()
    assert hub.users == ["u1", "u2"]


def test_a_bundle_set_after_the_client_was_made_is_not_used(
    tls: ssl.SSLContext, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Platform(tls=tls) as platform:
        wary = client_of(platform.url())
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        trusting = client_of(platform.url())
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        assert [track(wary)["success"], track(trusting)["success"]] == [False, True]


@pytest.mark.parametrize("found_by", ["NETRC", "HOME"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_netrc_does_not_replace_the_authorization(
    server: CapturingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found_by: str, when: str
) -> None:
    made = [Suprsend.with_workspace_api_key("uid", "my-api-key", base_url=server.base_url)] if when == "after" else []
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1\nlogin somebody\npassword else\ndefault login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv(found_by, str(netrc if found_by == "NETRC" else tmp_path))
    client = made[0] if made else Suprsend.with_workspace_api_key("uid", "my-api-key", base_url=server.base_url)
    track(client)
    track(client)
    assert [request.headers["Authorization"] for request in server.received] == ["Bearer my-api-key"] * 2


# Cookies and redirects


def test_a_cookie_does_not_come_back(server: CapturingServer) -> None:
    server.answers.extend([(202, {"status": "success", "message_id": "m"}, {"Set-Cookie": "s=1; Path=/"})] * 2)
    client = client_of(server.base_url)
    for _ in range(3):
        assert track(client)["success"]
    assert ["Cookie" in request.headers for request in server.received] == [False] * 3


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 306, 307, 308])
def test_a_redirect_to_another_host_gets_no_request(status: int) -> None:
    with Platform() as elsewhere:
        location = f"Location: {elsewhere.url()}v2/event/"
        with Platform(lambda _: Reply(http(status, None, location))) as platform:
            response = track(client_of(platform.url()), key="k")
    assert response == failed(
        f"HTTP {status}, a redirect: it is not followed, since the event would be lost on the way"
        if status not in (304, 305, 306)
        else f"HTTP {status} with no text",
        status,
    )
    assert (len(platform.received), elsewhere.connections) == (1, [])


# Plain http


@pytest.mark.parametrize(
    ("url", "message"),
    [
        *(
            (url, f"refusing to send credentials over plain http to {host} (use https://)")
            for url, host in [
                ("http://hub.suprsend.com/", "hub.suprsend.com"),
                ("HTTP://hub.suprsend.com/", "hub.suprsend.com"),
                (" hTTp://hub.suprsend.com", "hub.suprsend.com"),
                ("http://localhost.example.com/", "localhost.example.com"),
                ("http://127.0.0.1.example.com/", "127.0.0.1.example.com"),
                ("http://localhost-/", "localhost-"),
                ("http://notlocalhost/", "notlocalhost"),
                ("http://[::ffff:8.8.8.8]/", "::ffff:8.8.8.8"),
                ("http://0.0.0.0/", "0.0.0.0"),  # noqa: S104 - it may be this machine, or not
                ("http://128.0.0.1/", "128.0.0.1"),
                ("http://2130706433/", "2130706433"),
                ("http://0x7f.1/", "0x7f.1"),
                ("http://192.168.0.1:8080/", "192.168.0.1"),
            ]
        ),
        *(
            (url, "invalid base URL: it has a user or a password in it (a base URL looks like https://hub.suprsend.com/)")
            for url in [
                "http://localhost@hub.example.com/",
                "http://127.0.0.1:80@hub.example.com/",
                "http://jo:swordfish@localhost/",
                "http://@localhost/",
                "https://jo:swordfish@hub.example.com/",
            ]
        ),
        ("http://hub.example.com\\@localhost/", "invalid base URL: it has a user or a password in it (a base URL looks like https://hub.suprsend.com/)"),
        ("http://localhost\\.example.com/", "invalid base URL: it has no host (a base URL looks like https://hub.suprsend.com/)"),
        ("http://localhost#@hub.example.com/", "invalid base URL: it has a query, a fragment or a backslash (a base URL looks like https://hub.suprsend.com/)"),
        ("http:///localhost/", "invalid base URL: it has no host (a base URL looks like https://hub.suprsend.com/)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [Suprsend, Suprsend.with_workspace_api_key], ids=["signing", "bearer"])
def test_plain_http_to_another_machine_is_refused_when_the_client_is_made(
    make: Callable[..., Suprsend], url: str, message: str
) -> None:
    with pytest.raises(RunnerError) as caught:
        make("workspace", "secret", base_url=url)
    assert str(caught.value) == message


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST", "[::1]", "[0:0:0:0:0:0:0:1]"])
@pytest.mark.parametrize("make", [Suprsend, Suprsend.with_workspace_api_key], ids=["signing", "bearer"])
def test_plain_http_to_this_machine_is_taken(make: Callable[..., Suprsend], host: str) -> None:
    if "[" in host and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    with Platform(host="::1" if "[" in host else "127.0.0.1" if "l" in host.lower() else host) as platform:
        assert track(make("workspace", "secret", base_url=platform.url(host))) == accepted()


# Kept connections


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_many_events_share_one_connection(tls: ssl.SSLContext, secure: bool) -> None:
    with Platform(tls=tls if secure else None) as platform:
        client = client_of(platform.url(), concurrency=1)
        users = [f"u{index}" for index in range(100)]
        assert [track(client, user) for user in users] == [accepted(user) for user in users]
        bulk = client.bulk_events.new_instance()
        bulk.append(*(Event(f"b{index}", "ordered") for index in range(1_000)))
        assert bulk.trigger().success == 1_000
    assert platform.users == [*users, *(f"b{index}" for index in range(1_000))]
    assert (len(platform.received), len(platform.connections)) == (110, 1)


@pytest.mark.parametrize("concurrency", [2, 4, 7])
def test_a_bulk_keeps_as_many_requests_under_way_as_it_was_told_and_no_more(concurrency: int) -> None:
    together = Barrier(concurrency)
    under_way, most = 0, 0
    lock = Lock()

    def answer(request: Arrived) -> Reply:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        with suppress(BrokenBarrierError):
            together.wait(WAIT_S)
        with lock:
            under_way -= 1
        return Reply(answer_naming(request))

    with Platform(answer) as platform:
        client = client_of(platform.url(), concurrency=concurrency)
        for _ in range(2):
            bulk = client.bulk_events.new_instance()
            bulk.append(*(Event(f"u{index}", "ordered") for index in range(200 * concurrency)))
            assert bulk.trigger().success == 200 * concurrency
    assert (most, len(platform.connections)) == (concurrency, concurrency)


def test_refusals_do_not_cost_the_connection() -> None:
    statuses = [400, 401, 403, 404, 409, 413, 422, 500, 302, 429, 503]
    told = iter(statuses)

    def answer(request: Arrived) -> Reply:
        status = next(told, None)
        document = {"status": "error", "error": {"message": "no"}}
        return Reply(http(status, document) if status else answer_naming(request))

    with Platform(answer) as platform:
        client = client_of(platform.url(), retries=0)
        responses = [track(client) for _ in range(len(statuses) + 1)]
    assert [response["status_code"] for response in responses] == [*statuses, 202]
    assert len(platform.connections) == 1


def test_a_server_that_keeps_no_connection_gets_each_event_once() -> None:
    def answer(request: Arrived) -> Reply:
        data = answer_naming(request).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        return Reply(data, "close")

    with Platform(answer) as platform:
        client = client_of(platform.url())
        users = [f"u{index}" for index in range(20)]
        assert [track(client, user) for user in users] == [accepted(user) for user in users]
        bulk = client.bulk_events.new_instance()
        bulk.append(*(Event(f"b{index}", "ordered") for index in range(1_000)))
        assert bulk.trigger().success == 1_000
    assert sorted(platform.users) == sorted([*users, *(f"b{index}" for index in range(1_000))])
    assert len(platform.connections) == 30


REQUEST_TIMEOUT = http(408, {"status": "error", "error": {"message": "idle for too long"}}, "Connection: close")
STALE = http(202, {"status": "success", "status_code": 202, "message_id": "for another"})


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("key", [None, "k"], ids=["without-key", "with-key"])
@pytest.mark.parametrize("then", ["goodbye", "close", "reset"])
@pytest.mark.parametrize("last_word", [b"", REQUEST_TIMEOUT, STALE], ids=["silently", "after-a-408", "after-a-202"])
def test_a_kept_connection_that_the_server_closed_costs_no_event(
    tls: ssl.SSLContext, secure: bool, key: str | None, then: Literal["goodbye", "close", "reset"], last_word: bytes
) -> None:
    def answer(request: Arrived) -> Reply:
        return Reply(answer_naming(request) + last_word, then)

    with Platform(answer, tls=tls if secure else None) as platform:
        client = client_of(platform.url(), retries=0)
        for user in ("u1", "u2", "u3"):
            assert track(client, user, key and f"{key}-{user}") == accepted(user)
            platform.closed.get(timeout=WAIT_S)
    assert (platform.users, len(platform.connections)) == (["u1", "u2", "u3"], 3)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("size", [None, 8 * 1024, 16 * 1024 - len(STALE)])
def test_an_answer_too_many_is_not_taken_for_the_next_events(
    tls: ssl.SSLContext, secure: bool, size: int | None
) -> None:
    def answer(request: Arrived) -> Reply:
        data = answer_naming(request)
        # The size of a buffer, or of a record of TLS: so much is read at once, and the rest may wait where none looks.
        padding = b"X-Padding: " + b"x" * (size - len(data) - 13) + b"\r\n" if size else b""
        return Reply(data.replace(b"\r\n\r\n", b"\r\n" + padding + b"\r\n", 1) + STALE)

    with Platform(answer, tls=tls if secure else None) as platform:
        client = client_of(platform.url())
        assert [track(client, user) for user in ("u1", "u2", "u3")] == [accepted(user) for user in ("u1", "u2", "u3")]
    assert platform.users == ["u1", "u2", "u3"]


def test_a_connection_closed_upon_a_request_leaves_an_event_without_key_unknown() -> None:
    def answer(request: Arrived) -> Reply:
        return Reply(answer_naming(request)) if request.users == ["u1"] else Reply(then="close")

    with Platform(answer) as platform:
        client = client_of(platform.url())
        assert track(client, "u1") == accepted("u1")
        response = track(client, "u2")
    assert response == failed(response["message"], unknown=True)
    assert (platform.users, len(platform.connections)) == (["u1", "u2"], 1)


def test_a_connection_closed_upon_a_request_is_opened_anew_for_an_event_with_key() -> None:
    closing = iter([False, True])

    def answer(request: Arrived) -> Reply:
        return Reply(then="close") if next(closing, False) else Reply(answer_naming(request))

    with Platform(answer) as platform:
        client = client_of(platform.url())
        assert [track(client, user, user) for user in ("u1", "u2")] == [accepted("u1"), accepted("u2")]
    assert (platform.users, len(platform.connections)) == (["u1", "u2", "u2"], 2)
    assert platform.received[1].body == platform.received[2].body


def test_a_closed_client_can_send_again() -> None:
    with Platform() as platform:
        client = client_of(platform.url())
        assert track(client, "u1") == accepted("u1")
        client.close()
        assert track(client, "u2") == accepted("u2")
    assert len(platform.connections) == 2


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_client_that_is_closed_while_threads_send_loses_nothing(tls: ssl.SSLContext, secure: bool) -> None:
    with Platform(tls=tls if secure else None) as platform:
        client = client_of(platform.url(), retries=0)
        with ThreadPoolExecutor(4) as pool:
            sent = pool.map(lambda index: track(client, f"u{index}"), range(100))
            for index, response in enumerate(sent):
                client.close()
                assert response == accepted(f"u{index}")
    assert sorted(platform.users) == sorted(f"u{index}" for index in range(100))


# Threads


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


# Forks

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


# The timeout holds in every phase


@contextmanager
def full_listener(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Listen, take no connection, and have no room for another: who connects waits."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind((host, port))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(100):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.05)
            try:
                waiting.connect(address)
            except TimeoutError:
                break
        else:
            pytest.skip("this machine's listeners always have room")
        yield address[1]


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


# What is logged


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """Give what the client logged, figures of time aside; puts the logger back as it was."""
    logger = logging.getLogger("runner.suprsend")
    level = logger.level
    yield lambda: [
        re.sub(r"\d+\.\d{3} s", "… s", record.getMessage()) for record in caplog.records if record.name == logger.name
    ]
    logger.setLevel(level)


def test_debug_logs_each_exchange_and_each_retry(logged: Callable[[], list[str]]) -> None:
    replies = iter([Reply(http(503, {"status": "error", "error": {"message": "busy"}})), Reply(then="close")])
    with Platform(lambda request: next(replies, Reply(answer_naming(request)))) as platform:
        assert track(client_of(platform.url(), debug=True), key="k") == accepted()
    begin = f"POST {platform.url()}v2/event/ {len(platform.received[0].body)} bytes: "
    assert logged() == [
        f"{begin}HTTP 503 in … s",
        "retry 1 of 3 in … s: busy",
        f"{begin}the connection was lost: Remote end closed connection without response in … s",
        "retry 2 of 3 in … s: the connection was lost: Remote end closed connection without response",
        f"{begin}HTTP 202 in … s",
    ]


def test_debug_logs_what_a_server_says_as_one_harmless_line(logged: Callable[[], list[str]]) -> None:
    said = "busy\x1b[2J\r\n::add-mask::x ##[error]\x9b\u202e\u200b\u2028é"
    with Platform(lambda _: Reply(http(503, {"status": "error", "error": {"message": said}}))) as platform:
        response = track(client_of(platform.url(), debug=True, retries=1), key="k")
    assert response["message"] == said
    shown = r"busy\x1b[2J\r\n::add-mask::x ##\[error]\x9b\u202e\u200b\u2028é"
    assert logged()[1] == f"retry 1 of 1 in … s: {shown}"


@pytest.mark.parametrize("status", [202, 400, 503])
def test_debug_logs_no_secret_also_when_the_server_echoes_it(
    logged: Callable[[], list[str]], caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)  # what the HTTP library logs must not tell either

    def echo(request: Arrived) -> Reply:
        return Reply(http(status, {"status": "error", "error": {"message": request.headers["Authorization"]}}))

    with Platform(echo) as platform:
        responses = [
            track(client_of(platform.url(), debug=True), key="k"),
            track(Suprsend.with_workspace_api_key("uid", "my-api-key", platform.url(), debug=True, retries=0)),
        ]
    assert logged() != []
    sent = [request.headers["Authorization"] for request in platform.received]
    told = f"{caplog.text} {responses!r}"
    secrets = ["workspace_secret", "my-api-key", *(part for header in sent for part in header.split(":")[1:])]
    assert [secret for secret in secrets if secret in told] == []


def test_without_debug_nothing_is_logged(logged: Callable[[], list[str]], capfd: pytest.CaptureFixture[str]) -> None:
    with Platform() as platform:
        assert track(client_of(platform.url())) == accepted()
    assert (logged(), capfd.readouterr()) == ([], ("", ""))


def test_debug_writes_to_stderr_where_nobody_listens() -> None:
    with Platform() as platform, running(DEBUG, platform.url()) as process:
        said, _ = process.communicate(timeout=WAIT_S * 3)
    size = len(platform.received[0].body)
    assert re.sub(r"\d+\.\d{3} s", "… s", said) == f"POST {platform.url()}v2/event/ {size} bytes: HTTP 202 in … s\n"


DEBUG = """
client = Suprsend("workspace_key", "workspace_secret", base_url=sys.argv[1], debug=True)
send("debug", 1)
"""
