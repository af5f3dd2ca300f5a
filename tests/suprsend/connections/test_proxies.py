"""Proxies of the environment, which is looked up once."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from runner import Suprsend
from tests.servers.event_api import Platform
from tests.servers.proxy import Proxy
from tests.suprsend.connections.conftest import accepted, certified, client_of, failed, has_ipv6, track

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    import trustme

    from tests.servers.capturing import CapturingServer


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
    if host == "[::1]" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    monkeypatch.setenv(name, dead_url)
    monkeypatch.setenv(name.upper(), dead_url)
    bare = host.strip("[]")
    listening_on = "::1" if host == "[::1]" else "127.0.0.1"
    for context in (None, certified(authority, bare)):
        with Platform(tls=context, host=listening_on) as platform:
            assert track(client_of(platform.url(host))) == accepted()
        assert platform.users == ["u1"]


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
