"""Checks of the target: it answers, takes the credentials, has the same time as this machine, and knows a user."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from runner.doctor.finding import Finding, failure, skipped
from runner.doctor.settings import names_of
from runner.errors import ExitCode
from runner.suprsend.answer import NoAnswer, single_result
from runner.suprsend.auth import secrets_of, signed_headers
from runner.suprsend.event import USER_AGENT
from runner.suprsend.messages import CHANNELS
from runner.suprsend.sockets import Exchange
from runner.suprsend.statuses import is_rate_limit, is_server_error, is_success, refuses_credentials
from runner.suprsend.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.config import Target
    from runner.suprsend.answer import Answer, Stage

CONNECTION, ACCESS, CLOCK, USER = "connection", "access", "clock", "user"
TIMEOUT_S = 5.0
"""The time for each request, from the start of its connection to the end of the answer."""
WARN_SKEW_S, MAX_SKEW_S = 60, 300
_MESSAGES = "v1/message/?limit=1"
"""The list of messages: a request that changes nothing."""
_REDIRECTION = 3
_NOT_FOUND, _NOT_ALLOWED, _NOT_IMPLEMENTED = 404, 405, 501


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request. `now_s` is our clock at the middle of it, `proxy` the host and port of the proxy, if any.

    `secrets` are those of the request, which an answer may repeat.
    """

    answer: Answer | NoAnswer
    now_s: float
    proxy: str | None = None
    secrets: tuple[str, ...] = ()


def ask_for_messages(target: Target, now_s: Callable[[], float]) -> Reply:
    """Request one message, with the credentials of the target if it has any."""
    return _ask(target, _MESSAGES, now_s)


def ask_for_user(target: Target, user: str, now_s: Callable[[], float]) -> Reply:
    """Request the profile of a user."""
    return _ask(target, f"v1/user/{quote(user, safe='')}/", now_s)


def _ask(target: Target, path: str, now_s: Callable[[], float]) -> Reply:
    transport = Transport(target.base_url, target.admit)
    began_s = now_s()
    whole = urlsplit(target.base_url).path + path
    headers = {"Accept": "application/json"}
    if target.credentials is not None:
        headers = signed_headers(target.credentials, whole, b"", began_s, "GET")
    with Exchange(time.monotonic() + TIMEOUT_S, TIMEOUT_S) as exchange:
        answer = transport.request("GET", whole, headers | {"User-Agent": USER_AGENT}, b"", exchange)
    transport.close()
    _, *proxies = transport.peers
    proxy = f"{proxies[0][0]}:{proxies[0][1]}" if proxies else None
    secrets = secrets_of(headers["Authorization"]) if "Authorization" in headers else ()
    return Reply(answer, (began_s + now_s()) / 2, proxy, secrets)


def connection(target: Target, reply: Reply) -> Finding:
    """Check that the platform answered. The text names what failed: the host's name, the proxy, the connection or TLS."""
    where = target.base_url
    through = f" through the proxy {reply.proxy}" if reply.proxy else ""
    answer = reply.answer
    if isinstance(answer, NoAnswer):
        text = f"{where}{through}: {_STAGES[answer.stage]}{answer.message}"
        return failure(CONNECTION, text, _advice(answer, reply.proxy), ExitCode.NO_ANSWER)
    text = f"{where} answered HTTP {answer.status_code}{through}"
    if is_success(answer.status_code) and _object(answer) is None:
        text += f": {single_result(answer).message}"
        return failure(CONNECTION, text, _OTHER_SERVER, ExitCode.NO_ANSWER)
    if answer.status_code // 100 == _REDIRECTION:
        return failure(CONNECTION, f"{text}, a redirect: it is not followed", _OTHER_SERVER, ExitCode.NO_ANSWER)
    if is_server_error(answer.status_code) and answer.status_code != _NOT_IMPLEMENTED:
        text += f": {single_result(answer).message}"
        return failure(CONNECTION, text, "try again later", ExitCode.NO_ANSWER)
    return Finding(CONNECTION, "ok", text)


_STAGES: dict[Stage | None, str] = {
    "name": "the host's name has no address: ",
    "proxy": "",
    "connection": "can't connect: ",
    "tls": "",
    None: "",
}
_BASE_URL = "SUPRSEND_BASE_URL, or base_url of the profile"
_OTHER_SERVER = f"is this the address of the platform? Check {_BASE_URL}"


def _advice(answer: NoAnswer, proxy: str | None) -> str:
    match answer.stage:
        case "name":
            return f"check the network, and the spelling of {_BASE_URL}"
        case "proxy":
            return "check https_proxy and no_proxy, and the proxy's own rules"
        case "tls":
            return "set REQUESTS_CA_BUNDLE to the certificates of your network, if a proxy there opens connections"
        case None if not answer.sent:
            return "correct that variable: REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, or one of the proxy"
        case "connection" if proxy is None:
            return f"check {_BASE_URL}; if this network needs a proxy, set https_proxy"
        case _:
            return f"check the network, and {_BASE_URL}"


def access(target: Target, reply: Reply) -> Finding:
    """Check that the server takes the credentials."""
    answer = reply.answer
    if target.credentials is None:
        return skipped(ACCESS, "there are no credentials to try")
    if isinstance(answer, NoAnswer):
        return skipped(ACCESS, "no answer")
    status = answer.status_code
    if refuses_credentials(status):
        text = f"the credentials are refused (HTTP {status}): {single_result(answer).message}"
        advice = f"check {names_of(target)}: both must be of the workspace that {target.base_url} serves"
        if _object(answer) is None:
            advice = f"the answer is not in the platform's form: does a proxy or a firewall answer? If not, {advice}"
        if (skew_s := _skew_s(reply)) is not None and abs(skew_s) > WARN_SKEW_S:
            advice = f"set the clock first: a signature is valid for a short time. Then {advice}"
        return failure(ACCESS, text, advice, ExitCode.CREDENTIALS)
    if is_success(status):
        if _object(answer) is None:
            return skipped(ACCESS, "the answer is not the platform's")
        return Finding(ACCESS, "ok", "the credentials are accepted")
    if is_rate_limit(status):
        return Finding(ACCESS, "warning", "too many requests (HTTP 429)", "try again later")
    if status in (_NOT_FOUND, _NOT_ALLOWED, _NOT_IMPLEMENTED):
        return skipped(ACCESS, f"the server has no list of messages (HTTP {status}), by which this check is made")
    return skipped(ACCESS, f"unknown: HTTP {status}: {single_result(answer).message}")


def clock(reply: Reply) -> Finding:
    """Check that our clock is that of the server: a signed request has a time."""
    if isinstance(reply.answer, NoAnswer):
        return skipped(CLOCK, "no answer")
    skew_s = _skew_s(reply)
    if skew_s is None:
        return skipped(CLOCK, "the answer has no date")
    if abs(skew_s) <= 1:
        return Finding(CLOCK, "ok", "that of the server")
    text = f"{_duration(abs(skew_s))} {'behind' if skew_s > 0 else 'ahead of'} the server's"
    advice = "set it: synchronize it with a time server (NTP)"
    if abs(skew_s) > MAX_SKEW_S:
        return failure(CLOCK, text, advice)
    return Finding(CLOCK, "warning", text, advice) if abs(skew_s) > WARN_SKEW_S else Finding(CLOCK, "ok", text)


def _skew_s(reply: Reply) -> float | None:
    """Return how many seconds the server's clock, which is cut to whole ones, is ahead of ours; None if unknown."""
    if isinstance(reply.answer, NoAnswer) or reply.answer.date is None:
        return None
    try:
        return parsedate_to_datetime(reply.answer.date).timestamp() + 0.5 - reply.now_s
    except (ValueError, OverflowError):
        return None


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < _MINUTE_S * 2:
        return f"{whole} s"
    return f"{whole // _MINUTE_S:,} min {whole % _MINUTE_S} s"


_MINUTE_S = 60


def user(distinct_id: str, reply: Reply) -> Finding:
    """Check that the platform knows a user, and has an active channel for a message to it."""
    answer = reply.answer
    if isinstance(answer, NoAnswer):
        return skipped(USER, f"no answer: {answer.message}")
    document = _object(answer)
    status = answer.status_code
    if refuses_credentials(status):
        return skipped(USER, "the credentials are refused")
    if status == _NOT_FOUND and document is not None:
        advice = "create the user first: an event for an unknown user is accepted, and then discarded"
        return failure(USER, f"the platform does not know {distinct_id}", advice)
    if is_success(status) and document is not None:
        channels = _active_channels(document)
        if not channels:
            text = f"{distinct_id} is known, but has no active channel: no message can reach this user"
            return Finding(USER, "warning", text, "add a channel to the user's profile, or activate one")
        return Finding(USER, "ok", f"{distinct_id} is known, with {', '.join(channels)}")
    return skipped(USER, f"unknown: HTTP {status}: {single_result(answer).message}")


def _active_channels(document: dict[str, object]) -> list[str]:
    """Return the channels of a profile that have an active identity. An identity is an object, or its plain value."""
    return [
        name[1:]
        for name, identities in document.items()
        if name in _KEYS and isinstance(identities, list) and any(map(_is_active, identities))
    ]


_KEYS = frozenset(f"${channel}" for channel in CHANNELS)


def _is_active(identity: object) -> bool:
    if not isinstance(identity, dict):
        return bool(identity)
    return all(identity.get(key, "active") == "active" for key in ("status", "perma_status"))


def _object(answer: Answer) -> dict[str, object] | None:
    """Return the JSON object that an answer consists of; None if it is something else."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
