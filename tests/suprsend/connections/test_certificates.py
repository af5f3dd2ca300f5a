"""TLS: certificates that hold and that do not, and connections that break off within it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import pytest

from runner import Event
from tests.servers.event_api import Platform, Reply, answer_naming, end
from tests.servers.loopback import Loopback
from tests.suprsend.connections.conftest import accepted, certified, client_of, failed, track

if TYPE_CHECKING:
    import socket
    import ssl
    from pathlib import Path
    from threading import Event as Flag

    import trustme

    from tests.servers.capturing import CapturingServer


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
                end(connection, "reset")
            else:
                super().serve(connection)

    with Hesitant(tls=tls) as platform:
        assert track(client_of(platform.url())) == accepted()
    assert (platform.users, len(platform.connections)) == (["u1"], 3)
