"""The platform's rules for events, as checks of their values. Pure.

Source: the platform's documentation, "Send and Track Events" and "Python SDK", and the JSON schema that its Python SDK
checks events with.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

from runner.errors import Problem, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.codes import Code
    from runner.errors import Step
    from runner.suprsend.event import Attachment, Stamp

ALLOWED_SYSTEM_EVENTS = frozenset({
    "$identify", "$notification_delivered", "$notification_dismiss", "$notification_clicked",
    "$app_launched", "$user_login", "$user_logout",
})  # fmt: skip
MIN_EVENT_NAME = 2
MIN_INSERT_ID = 36
MIN_TIME_MS = 1_640_995_200_000
MAX_KEY = 255
MAX_TENANT = 64
MAX_DEPTH = 64
MAX_INTEGER_BITS = 14_000
"""A longer integer has more digits than Python writes."""
MAX_EVENT_KB = 100
"""The documented size of one event, in KB of 1,024 bytes."""
MAX_BODY_BYTES = 800 * 1024
"""What the platform's SDKs allow for one request, and so the most that a limit can be raised to."""

Path: TypeAlias = "tuple[Step, ...]"


class Breach(NamedTuple):
    """One rule that an event breaks, and the way to the value that breaks it."""

    code: Code
    path: Path
    message: str
    hint: str | None = None
    is_of_key: bool = False
    """Whether the key breaks the rule, not its value."""

    def problem(self) -> Problem:
        """Tell it as a problem without a place in a file."""
        return Problem(self.code, self.message, at=dotted(self.path), hint=self.hint)


def stamp_breaches(stamp: Stamp) -> Iterator[Breach]:
    """Check an event's id and time: 36 characters or more, and no clock that was never set."""
    if len(stamp.insert_id) < MIN_INSERT_ID:
        message = f"the event's id has {len(stamp.insert_id)} characters, less than {MIN_INSERT_ID}"
        yield Breach("insert-id", ("$insert_id",), message, "new_id must give a UUID")
    if stamp.time_ms < MIN_TIME_MS:
        message = f"the event's time, {stamp.time_ms} ms, lies before 2022"
        yield Breach("event-time", ("$time",), message, "is this machine's clock right?")


def name_breaches(name: object) -> Iterator[Breach]:
    """Check an event's name: two characters or more, not one of the platform's own."""
    path = ("event",)
    if not isinstance(name, str):
        yield Breach("event-name", path, f"the event's name must be text, not {type(name).__name__}")
        return
    trimmed = name.strip()
    if len(trimmed) < MIN_EVENT_NAME:
        yield Breach("event-name", path, f"the event's name '{trimmed}' is shorter than {MIN_EVENT_NAME} characters")
    elif is_reserved(trimmed) and trimmed not in ALLOWED_SYSTEM_EVENTS:
        hint = "names that begin with $ or ss_ are the platform's own"
        yield Breach("reserved-name", path, f"event name '{trimmed}' is reserved", hint)
    yield from _unicode_breaches(name, path)


def distinct_id_breaches(value: object) -> Iterator[Breach]:
    """Check who the event is about: a text, an int or a UUID, not blank."""
    path = ("distinct_id",)
    if isinstance(value, bool) or not isinstance(value, str | int | UUID):
        found = "missing" if value is None else f"{type(value).__name__}, not text"
        yield Breach("distinct-id", path, f"distinct_id is {found}", "it identifies one user in your application")
    elif isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        yield Breach("distinct-id", path, f"distinct_id is an integer of {value.bit_length():,} bits")
    elif isinstance(value, str):
        if not value.strip():
            yield Breach("distinct-id", path, "distinct_id is blank", "it identifies one user in your application")
        yield from _unicode_breaches(value, path)


def key_breaches(key: object) -> Iterator[Breach]:
    """Check an idempotency key: 1 to 255 characters once its ends are trimmed."""
    path = ("idempotency_key",)
    if key is None:
        return
    if not isinstance(key, str):
        yield Breach("idempotency-key", path, f"the idempotency key must be text, not {type(key).__name__}")
        return
    length = len(key.strip())
    if not length:
        yield Breach(
            "idempotency-key", path, "the idempotency key is blank", "it needs a character that is no white space"
        )
    elif length > MAX_KEY:
        hint = f"at most {MAX_KEY}; {{{{ … | sha256 }}}} makes a short key of a long one"
        yield Breach("idempotency-key", path, f"the idempotency key has {length} characters", hint)
    yield from _unicode_breaches(key, path)


def tenant_breaches(field: str, value: object) -> Iterator[Breach]:
    """Check `tenant_id` or `brand_id`: at most 64 letters, digits, `_` and `-`."""
    if value is None or value == "":
        return
    if not isinstance(value, str):
        yield Breach("tenant-id", (field,), f"{field} must be text, not {type(value).__name__}")
    elif not is_tenant(value):
        hint = f"at most {MAX_TENANT} letters, digits, _ and -"
        yield Breach("tenant-id", (field,), f"{field} '{value}' is not an id of a tenant", hint)


def properties_breaches(properties: object) -> Iterator[Breach]:
    """Check properties: JSON values all the way down, and no key at the top that the platform keeps for itself."""
    if not isinstance(properties, dict):
        yield Breach("property-type", ("properties",), f"properties must be a dict, not {type(properties).__name__}")
        return
    for key in properties:
        if isinstance(key, str) and key[:1] in "$sS" and is_reserved(key):
            hint = "keys that begin with $ or ss_ are the platform's own"
            if key == "$attachments":
                hint = "attach files with add_attachment, or with attachments: in a spec"
            yield Breach("reserved-name", ("properties", key), f"property '{key}' is reserved", hint, is_of_key=True)
    if not is_sound(properties, 1):
        yield from _json_breaches(properties, ("properties",))


def size_breach(size_bytes: int, max_event_kb: int) -> Breach | None:
    """Check the size of an event's JSON in UTF-8."""
    if size_bytes <= max_event_kb * 1024:
        return None
    message = f"the event has {size_bytes:,} bytes, more than {max_event_kb} KB"
    return Breach(
        "event-too-large", ("properties",), message, "send less, or raise max_event_kb in a profile (at most 800)"
    )


def is_reserved(name: str) -> bool:
    """Tell whether the platform keeps a name for itself."""
    return name.startswith("$") or name[:3].lower() == "ss_"


_TENANT = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_NAME = re.compile("(?![sS][sS]_)[A-Za-z0-9_][ -~]*[!-~]")
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]*[A-Za-z0-9](?:/[!-~]*)?")
"""What most URLs of attachments look like. They need no closer look."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_HINTS = {
    "int": "write it as text",
    "datetime": "write it as text: {{ … | isoformat }}, or value.isoformat()",
    "date": "write it as text: {{ … | isoformat }}, or value.isoformat()",
    "Decimal": "write it as text: str(value), or as a number: float(value)",
    "UUID": "write it as text: str(value)",
    "bytes": "JSON has no bytes; write base64 text",
    "set": "make a list of it",
    "generator": "make a list of it: {{ … | list }}",
}


def is_plain(text: object) -> bool:
    """Return whether something is text of ASCII that is not blank. Other texts need a closer look."""
    return type(text) is str and text.isascii() and text != "" and not text.isspace()


def is_tenant(value: str) -> bool:
    """Tell whether a text can be the id of a tenant."""
    return len(value) <= MAX_TENANT and _TENANT.fullmatch(value) is not None


def is_plain_url(url: str) -> bool:
    """Tell whether a URL looks as most do. Others need a closer look."""
    return _PLAIN_URL.fullmatch(url) is not None


def is_plain_attachment(attachment: Attachment) -> bool:
    """Return whether an attachment breaks no rule, since it is as most are. Others need a closer look."""
    url, filename, ignore = attachment
    return type(url) is str and is_plain_url(url) and filename is None and type(ignore) is bool


_SHORT_NAME = 100


def is_plain_name(name: str) -> bool:
    """Tell whether an event's name breaks no rule, and has no blanks at its ends. Others need a closer look."""
    return len(name) <= _SHORT_NAME and _matches_plain_name(name)


@lru_cache(256)  # a program sends few kinds of events
def _matches_plain_name(name: str) -> bool:
    return _PLAIN_NAME.fullmatch(name) is not None


def are_sound_properties(properties: object) -> bool:
    """Return whether properties break no rule. Where this is False, only `properties_breaches` knows whether they break one."""
    if type(properties) is not dict or not is_sound(properties, 1):
        return False
    for key in properties:  # noqa: SIM110 - any() takes twice as long
        if key[:1] in "$sS" and is_reserved(key):
            return False
    return True


def is_sound(container: Any, depth: int) -> bool:
    """Tell quickly that nothing in a map or a list breaks a rule. Where anything might, `properties_breaches` looks closely."""
    if type(container) is dict:
        for key in container:
            if type(key) is not str or not _is_unicode(key):
                return False
        items = container.values()
    else:
        items = container
    for item in items:
        kind = type(item)
        if kind is str:
            if not _is_unicode(item):
                return False
        elif kind is dict or kind is list:
            if depth >= MAX_DEPTH or not is_sound(item, depth + 1):
                return False
        elif kind is int:
            if not _MIN_PLAIN < item < _MAX_PLAIN:
                return False
        elif kind is float:
            if not isfinite(item):
                return False
        elif kind is not bool and item is not None:
            return False
    return True


_MIN_PLAIN, _MAX_PLAIN = -(2**63), 2**63


def _is_unicode(text: str) -> bool:
    return text.isascii() or not _SURROGATE.search(text)


def _json_breaches(value: object, path: Path) -> Iterator[Breach]:
    match value:
        case str():
            yield from _unicode_breaches(value, path)
        case None | bool():
            pass
        case int():
            if value.bit_length() > MAX_INTEGER_BITS:
                yield Breach("number-too-large", path, f"an integer of {value.bit_length():,} bits", _HINTS["int"])
        case float():
            if not isfinite(value):
                yield Breach("not-finite", path, f"{value} is not a JSON number")
        case dict() | list() | tuple() if len(path) > MAX_DEPTH:
            yield Breach("property-depth", path, f"nested more than {MAX_DEPTH} levels deep")
        case dict():
            for key, item in value.items():
                if isinstance(key, str):
                    yield from _unicode_breaches(key, path)
                    yield from _json_breaches(item, (*path, key))
                else:
                    yield Breach("property-type", path, f"key {key!r} must be text, not {type(key).__name__}")
        case list() | tuple():
            for index, item in enumerate(value):
                yield from _json_breaches(item, (*path, index))
        case _:
            name = type(value).__name__
            yield Breach("property-type", path, f"a {name} is not a JSON value", _HINTS.get(name))


def _unicode_breaches(text: str, path: Path) -> Iterator[Breach]:
    if not _is_unicode(text):
        yield Breach("unicode", path, "the text has half of a surrogate pair: it is not valid Unicode")


def attachment_breaches(attachment: Attachment, path: Path) -> Iterator[Breach]:
    """Check an attachment: a public http(s) URL, the file's name as text, a true or false."""
    # A template may have given anything.
    url: object = attachment.url
    filename: object = attachment.filename
    ignore: object = attachment.ignore_if_error
    where = (*path, "url")
    if is_plain_attachment(attachment):
        return
    if not isinstance(url, str) or not url.strip():
        yield Breach("attachment-url", where, "the attachment has no URL")
        return
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https")
        has_host = bool(parts.hostname)
    except ValueError:
        yield Breach("attachment-url", where, f"'{url}' is not a URL: its host or its port can't be read")
        return
    if not is_web:
        hint = "the platform fetches attachments itself: give a public http(s) URL"
        yield Breach("attachment-url", where, f"'{url}' is not an http(s) URL", hint)
    elif not has_host:
        yield Breach("attachment-url", where, f"'{url}' names no host")
    elif _CONTROL.search(url):
        yield Breach("attachment-url", where, f"'{url}' is not a URL", "spaces must be written %20")
    yield from _unicode_breaches(url, where)
    if isinstance(filename, str):
        yield from _unicode_breaches(filename, (*path, "filename"))
    elif filename is not None:
        yield Breach("attachment-filename", (*path, "filename"), "the file's name must be text")
    if not isinstance(ignore, bool):
        yield Breach("attachment-ignore", (*path, "ignore_if_error"), "ignore_if_error must be true or false")
