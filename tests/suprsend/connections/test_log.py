"""What is logged: each exchange and each retry, and no secret."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from runner import Suprsend
from tests.servers.event_api import Arrived, Platform, Reply, answer_naming, http
from tests.servers.loopback import WAIT_S
from tests.suprsend.connections.conftest import accepted, client_of, running, track

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
