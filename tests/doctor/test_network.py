"""Checks of the target: each fault of the network alone, against real servers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from runner.doctor.examination import examine
from runner.doctor.finding import Finding, failure, skipped
from runner.errors import ExitCode
from tests.conftest import NOW
from tests.doctor.conftest import SECRET, answer
from tests.servers.event_api import Arrived, Platform, Reply, http
from tests.servers.listeners import closed_url, silent_listener, url_of
from tests.servers.loopback import Loopback
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.doctor.conftest import Checkup

BASE_URL = "SUPRSEND_BASE_URL, or base_url of the profile"
HUB = "https://hub.example.com/"


def seen(checkup: Checkup, platform: Platform, **changes: Any) -> list[Finding]:
    """Return the faults that there are with another platform."""
    checkup.environ["SUPRSEND_BASE_URL"] = platform.url()
    return checkup.faults(**changes)


def test_a_wrong_secret_is_the_only_fault_and_is_not_shown(checkup: Checkup, platform: Platform) -> None:
    checkup.environ["SUPRSEND_WORKSPACE_SECRET"] = "not-the-secret"
    text = "the credentials are refused (HTTP 401): invalid signature"
    advice = (
        "check SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET: "
        f"both must be of the workspace that {platform.url()} serves"
    )
    assert checkup.faults() == [failure("access", text, advice, ExitCode.CREDENTIALS)]


def test_a_bearer_key_is_tried_too(checkup: Checkup, platform: Platform) -> None:
    for name in ("SUPRSEND_WORKSPACE_KEY", "SUPRSEND_WORKSPACE_SECRET"):
        checkup.environ.pop(name)
    checkup.environ |= {"SUPRSEND_API_KEY": "the-api-key", "SUPRSEND_WORKSPACE_UID": "uid"}
    assert checkup.faults() == []
    assert {request.headers["Authorization"] for request in platform.received} == {"Bearer the-api-key"}
    checkup.environ["SUPRSEND_API_KEY"] = "another"
    [fault] = checkup.faults()
    assert (fault.name, fault.exit_code) == ("access", ExitCode.CREDENTIALS)
    assert (fault.advice or "").startswith("check SUPRSEND_API_KEY and SUPRSEND_WORKSPACE_UID: ")


@pytest.mark.parametrize(
    ("skew_s", "state", "text"),
    [
        (0, "ok", "that of the server"),
        (59, "ok", "60 s behind the server's"),
        (-59, "ok", "58 s ahead of the server's"),
        (90, "warning", "90 s behind the server's"),
        (-90, "warning", "90 s ahead of the server's"),
        (301, "failed", "5 min 2 s behind the server's"),
        (-7200, "failed", "120 min 0 s ahead of the server's"),
    ],
)
def test_a_clock_that_differs_is_the_only_fault(checkup: Checkup, skew_s: int, state: str, text: str) -> None:
    with Platform(lambda request: answer(request, NOW + timedelta(seconds=skew_s))) as skewed:
        checkup.environ["SUPRSEND_BASE_URL"] = skewed.url()
        findings = checkup()
    [found] = [each for each in findings if each.name == "clock"]
    assert (found.state, found.text) == (state, text)
    assert [each.name for each in findings if each.state in ("failed", "warning")] == ["clock"] * (state != "ok")


def test_credentials_that_are_refused_for_the_clock_advise_to_set_it(checkup: Checkup) -> None:
    checkup.environ["SUPRSEND_WORKSPACE_SECRET"] = "wrong"
    with Platform(lambda request: answer(request, NOW + timedelta(hours=1))) as skewed:
        faults = seen(checkup, skewed)
    assert [each.name for each in faults] == ["access", "clock"]
    assert (faults[0].advice or "").startswith("set the clock first: ")


def test_an_unknown_user_is_the_only_fault(checkup: Checkup) -> None:
    advice = "create the user first: an event for an unknown user is accepted, and then discarded"
    assert checkup.faults(user="u/2 ?") == [failure("user", "the platform does not know u/2 ?", advice)]


def test_the_id_of_a_user_is_one_part_of_the_path(checkup: Checkup, platform: Platform) -> None:
    checkup(user="../event/?a")
    assert {request.path for request in platform.received} == {"/v1/message/?limit=1", "/v1/user/..%2Fevent%2F%3Fa/"}


@pytest.mark.parametrize(
    "profile",
    [
        {"distinct_id": "u1"},
        {"$email": [], "properties": {"$sms": ["+1"]}},
        {"$email": [{"value": "a@example.com", "status": "inactive"}]},
        {"$email": [{"value": "a@example.com", "status": "active", "perma_status": "disabled"}]},
        {"$email": "u1@example.com"},
    ],
)
def test_a_user_without_an_active_channel_is_a_warning(checkup: Checkup, profile: dict[str, object]) -> None:
    def without(request: Arrived) -> Reply:
        return Reply(http(200, profile)) if "/user/" in request.path else answer(request)

    with Platform(without) as platform:
        [fault] = seen(checkup, platform)
    text = "u1 is known, but has no active channel: no message can reach this user"
    assert fault == Finding("user", "warning", text, "add a channel to the user's profile, or activate one")


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (http(501, {"message": "no users"}), "unknown: HTTP 501: no users"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "unknown: HTTP 404: HTTP 404 with no text"),
    ],
)
def test_without_an_api_of_users_the_user_is_skipped(checkup: Checkup, reply: bytes, text: str) -> None:
    with Platform(lambda request: Reply(reply) if "/user/" in request.path else answer(request)) as platform:
        checkup.environ["SUPRSEND_BASE_URL"] = platform.url()
        findings = checkup()
    assert [each for each in findings if each.name == "user"] == [skipped("user", text)]


def test_a_server_that_never_answers_takes_five_seconds_for_all_checks(
    checkup: Checkup, clocked: Callable[[], float]
) -> None:
    with silent_listener() as listening:
        checkup.environ["SUPRSEND_BASE_URL"] = url = url_of(listening)
        faults = checkup.faults()
    advice = f"check the network, and {BASE_URL}"
    assert faults == [failure("connection", f"{url}: no answer within 5 s", advice, ExitCode.NO_ANSWER)]
    assert clocked() < 9  # two requests, one after the other, would take 10


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 38\r\n\r\n<html><title>Please log in</title></html>"[:-3],
            "an HTML page",
        ),
        (b"HTTP/1.1 302 Found\r\nLocation: https://a.example.com/\r\nContent-Length: 0\r\n\r\n", "a redirect"),
        (http(503, {"message": "down"}), "down"),
    ],
)
def test_a_server_that_is_not_the_platform_or_fails_is_the_only_fault(
    checkup: Checkup, reply: bytes, text: str
) -> None:
    with Platform(lambda _: Reply(reply)) as platform:
        [fault] = seen(checkup, platform)
    assert (fault.name, fault.state, fault.exit_code) == ("connection", "failed", ExitCode.NO_ANSWER)
    assert text in fault.text


def test_secrets_that_a_server_repeats_are_among_those_to_hide(checkup: Checkup) -> None:
    def repeat(request: Arrived) -> Reply:
        return Reply(http(403, {"message": f"bad {request.headers['Authorization']}"}))

    with Platform(repeat) as platform:
        checkup.environ["SUPRSEND_BASE_URL"] = platform.url()
        examination = examine(checkup.examined, checkup.port)
    [sent] = {request.headers["Authorization"] for request in platform.received if "message" in request.path}
    assert {SECRET, sent, sent.partition(":")[2]} <= set(examination.secrets)


# Through a proxy. The hub has a name that leads nowhere, and a certificate of an authority that no machine knows.


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def hub(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Platform(answer, tls=_tls(authority)) as platform:
        yield platform


def _tls(authority: trustme.CA) -> Any:
    import ssl  # noqa: PLC0415

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hub.example.com").configure_cert(context)
    return context


def test_the_proxy_that_it_went_through_is_named_without_its_password(
    checkup: Checkup, hub: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkup.environ["SUPRSEND_BASE_URL"] = HUB
    with Proxy(hub_example_com=hub.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//jo:swordfish@"))
        findings = checkup()
    assert [each for each in findings if each.state in ("failed", "warning")] == []
    text = f"{HUB} answered HTTP 200 through the proxy 127.0.0.1:{proxy.port}"
    assert [each for each in findings if each.name == "connection"] == [Finding("connection", "ok", text)]


def test_a_proxy_that_refuses_is_the_only_fault(
    checkup: Checkup, hub: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkup.environ["SUPRSEND_BASE_URL"] = HUB
    with Proxy("407 Proxy Authentication Required") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//jo:swordfish@"))
        faults = checkup.faults()
    reason = "the proxy: Tunnel connection failed: 407 Proxy Authentication Required"
    text = f"{HUB} through the proxy 127.0.0.1:{proxy.port}: {reason}"
    advice = "check https_proxy and no_proxy, and the proxy's own rules"
    assert faults == [failure("connection", text, advice, ExitCode.NO_ANSWER)]
    assert hub.connections == []


def test_a_dead_proxy_is_the_only_fault(checkup: Checkup, hub: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    checkup.environ["SUPRSEND_BASE_URL"] = HUB
    monkeypatch.setenv("https_proxy", closed_url())
    [fault] = checkup.faults()
    assert (fault.name, fault.text.rpartition(": the")[2]) == ("connection", " proxy: Connection refused")
    assert hub.connections == []


def test_a_certificate_that_is_not_trusted_is_the_only_fault(
    checkup: Checkup, hub: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "another.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "another.pem"))
    checkup.environ["SUPRSEND_BASE_URL"] = HUB
    with Proxy(hub_example_com=hub.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        [fault] = checkup.faults()
    text = f"{HUB} through the proxy 127.0.0.1:{proxy.port}: the server's certificate is not trusted: "
    assert fault.text.startswith(text)
    assert (fault.advice or "").startswith("set REQUESTS_CA_BUNDLE ")


def test_a_server_without_tls_is_the_only_fault(
    checkup: Checkup, hub: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkup.environ["SUPRSEND_BASE_URL"] = HUB
    plain = Loopback(lambda connection, _: connection.sendall(http(400)))
    with plain, Proxy(hub_example_com=plain.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        [fault] = checkup.faults()
    assert (fault.name, "no TLS connection: " in fault.text, hub.connections) == ("connection", True, [])


def test_a_name_without_an_address_is_the_only_fault(checkup: Checkup) -> None:
    checkup.environ["SUPRSEND_BASE_URL"] = "https://hub.invalid/"
    [fault] = checkup.faults()
    assert fault.text.startswith("https://hub.invalid/: the host's name has no address: ")
    assert fault.advice == f"check the network, and the spelling of {BASE_URL}"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("REQUESTS_CA_BUNDLE", "nowhere.pem", "the CA bundle from the environment can't be used: nowhere.pem"),
        ("https_proxy", "http://jo:swordfish@[::1", "the proxy from the environment can't be used"),
    ],
)
def test_an_unusable_variable_of_the_environment_is_the_only_fault(
    checkup: Checkup, hub: Platform, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    checkup.environ["SUPRSEND_BASE_URL"] = HUB
    [fault] = checkup.faults()
    assert (fault.name, fault.text.rpartition(f"{HUB}: ")[2]) == ("connection", reason)
    assert (fault.advice or "").startswith("correct that variable: ")
    assert hub.connections == []
