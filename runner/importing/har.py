"""An archive of HTTP requests, as browsers and proxies save it (HAR 1.2) → the events that were posted."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.errors import InvalidInput
from runner.importing.faults import MAX_EVENTS
from runner.importing.http_body import body_events
from runner.importing.sample import Found, Sample
from runner.suprsend.endpoints import BULK_PATH, SINGLE_PATH

if TYPE_CHECKING:
    from runner.source import Json

_PATHS = tuple(f"/{path.strip('/')}" for path in (SINGLE_PATH, BULK_PATH, "event"))
"""Paths that events are posted to; the last one is that of older SDKs."""


def is_har(value: Json) -> bool:
    """Return whether a JSON value is an archive of requests."""
    return (
        isinstance(value, dict) and isinstance(log := value.get("log"), dict) and isinstance(log.get("entries"), list)
    )


def har_events(value: Json, name: str, stem: str) -> Found:
    """Return the events of an archive: those posted to the platform, and if there are none, every JSON body that was posted."""
    log = value.get("log") if isinstance(value, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    posted = [
        (number, path, body)
        for number, entry in enumerate(entries if isinstance(entries, list) else (), 1)
        for path, body in [_posted(entry)]
        if body
    ]
    to_platform = [each for each in posted if each[1].rstrip("/").endswith(_PATHS)]
    samples: list[Sample] = []
    unread = 0
    for number, _, body in to_platform or posted:
        if len(samples) >= MAX_EVENTS:
            break
        try:
            samples += body_events(body, f"{name}, request {number}", name, stem).samples
        except InvalidInput:  # a form, a file, a beacon: an archive has many
            unread += 1
    notes = [f"{name}: skipped {unread} posted bodies that are not JSON"] if unread else []
    if others := len(posted) - len(to_platform) if to_platform else 0:
        notes.append(f"{name}: skipped {others} requests that did not go to the platform's event API")
    return Found(tuple(samples), tuple(notes))


def _posted(entry: Json) -> tuple[str, str]:
    """Return the path and the body of a request; ("", "") for one that is not a POST with a text."""
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or request.get("method") not in ("POST", "PUT"):
        return "", ""
    data, url = request.get("postData"), request.get("url")
    text = data.get("text") if isinstance(data, dict) else None
    try:
        path = urlsplit(url).path if isinstance(url, str) else ""
    except ValueError:
        path = ""
    return path, text if isinstance(text, str) else ""
