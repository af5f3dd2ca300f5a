"""Cookies and redirects are not followed, and plain http goes to this machine alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import Suprsend
from runner.errors import RunnerError
from tests.servers.event_api import Platform, Reply, http
from tests.suprsend.connections.conftest import accepted, client_of, failed, has_ipv6, track

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.capturing import CapturingServer


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
    if "[" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with Platform(host="::1" if "[" in host else "127.0.0.1" if "l" in host.lower() else host) as platform:
        assert track(make("workspace", "secret", base_url=platform.url(host))) == accepted()
