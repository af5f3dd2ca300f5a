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
    from collections.abc import Callable, Iterator

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
"""Limit for maps and lists in properties. Files and rows have the same, in `source.json_reader` and `rows.json_rows`."""
MAX_INTEGER_BITS = 14_000
"""Python does not convert longer integers to text."""
MAX_EVENT_KB = 100
"""The documented size of one event, in KB of 1,024 bytes."""
MAX_BODY_BYTES = 800 * 1024
"""Limit of the platform's SDKs for one request, and so the maximum for `max_event_kb`."""

Path: TypeAlias = "tuple[Step, ...]"


class Breach(NamedTuple):
    """One rule that an event breaks, and the path to the value that breaks it."""

    code: Code
    path: Path
    message: str
    hint: str | None = None
    is_of_key: bool = False
    """Whether the key breaks the rule, not its value."""

    def problem(self) -> Problem:
        """Return it as a problem without a position in a file."""
        return Problem(self.code, self.message, at=dotted(self.path), hint=self.hint)


def stamp_breaches(stamp: Stamp) -> Iterator[Breach]:
    """Check an event's id (36 characters or more) and time (a plausible clock)."""
    if len(stamp.insert_id) < MIN_INSERT_ID:
        message = f"the event's id has {len(stamp.insert_id)} characters, less than {MIN_INSERT_ID}"
        yield Breach("insert-id", ("$insert_id",), message, "new_id must return a UUID")
    if stamp.time_ms < MIN_TIME_MS:
        message = f"the event's time, {stamp.time_ms} ms, lies before 2022"
        yield Breach("event-time", ("$time",), message, "is this machine's clock right?")


def name_breaches(name: object) -> Iterator[Breach]:
    """Check an event's name: two characters or more, not reserved for the platform."""
    path = ("event",)
    if not isinstance(name, str):
        yield Breach("event-name", path, f"the event's name must be text, not {type(name).__name__}")
        return
    trimmed = name.strip()
    if len(trimmed) < MIN_EVENT_NAME:
        yield Breach("event-name", path, f"the event's name '{trimmed}' is shorter than {MIN_EVENT_NAME} characters")
    elif is_reserved(trimmed) and trimmed not in ALLOWED_SYSTEM_EVENTS:
        hint = "names that begin with $ or ss_ are reserved for the platform"
        yield Breach("reserved-name", path, f"event name '{trimmed}' is reserved", hint)
    yield from _unicode_breaches(name, path)


def distinct_id_breaches(value: object) -> Iterator[Breach]:
    """Check `distinct_id`: a text, an int or a UUID, not blank."""
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
            "idempotency-key", path, "the idempotency key is blank", "it needs a character other than white space"
        )
    elif length > MAX_KEY:
        hint = f"at most {MAX_KEY}; {{{{ … | sha256 }}}} shortens a long key"
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
    """Check properties: JSON values at all levels, and no reserved key at the top level."""
    if not isinstance(properties, dict):
        yield Breach("property-type", ("properties",), f"properties must be a dict, not {type(properties).__name__}")
        return
    for key in properties:
        if isinstance(key, str) and key[:1] in "$sS" and is_reserved(key):
            hint = "keys that begin with $ or ss_ are reserved for the platform"
            if key == "$attachments":
                hint = "attach files with add_attachment, or with attachments: in a spec"
            yield Breach("reserved-name", ("properties", key), f"property '{key}' is reserved", hint, is_of_key=True)
    if not is_sound(properties, 1):
        yield from _json_breaches(properties, ("properties",))


def own_properties(properties: object) -> dict[str, Any]:
    """Return the properties of an event on the wire without those that clients add; none if they are not a map."""
    given = properties if isinstance(properties, dict) else {}
    return {key: value for key, value in given.items() if key not in _ADDED_BY_CLIENTS}


_ADDED_BY_CLIENTS = "$attachments", "$ss_sdk_version"


def size_breach(size_bytes: int, max_event_kb: int) -> Breach | None:
    """Check the size of an event's JSON in UTF-8."""
    if size_bytes <= max_event_kb * 1024:
        return None
    message = f"the event has {size_bytes:,} bytes, more than {max_event_kb} KB"
    return Breach(
        "event-too-large", ("properties",), message, "send less, or raise max_event_kb in a profile (at most 800)"
    )


def is_reserved(name: str) -> bool:
    """Return whether a name is reserved for the platform."""
    return name.startswith("$") or name[:3].lower() == "ss_"


_TENANT = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_NAME = re.compile("(?![sS][sS]_)[A-Za-z0-9_][ -~]*[!-~]")
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]*[A-Za-z0-9](?:/[!-~]*)?")
"""The form of most URLs of attachments, which need no further check."""
_GRAPHIC = re.compile(r"[!-~]*")
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
    """Return whether this is ASCII text that is not blank. Other texts need a full check."""
    return type(text) is str and text.isascii() and text != "" and not text.isspace()


def is_tenant(value: str) -> bool:
    """Return whether a text is a valid id of a tenant."""
    return len(value) <= MAX_TENANT and _TENANT.fullmatch(value) is not None


def is_plain_url(url: str) -> bool:
    """Return whether a URL has the usual form. Others need a full check."""
    return _PLAIN_URL.fullmatch(url) is not None


def plain_url_check(begin: str) -> Callable[[str], object]:
    """Return the fastest `is_plain_url` for URLs that begin with this text."""
    has_path = begin.count("/") > 2 and is_plain_url(begin)  # noqa: PLR2004 - two are before the host
    return _GRAPHIC.fullmatch if has_path else is_plain_url


def is_plain_attachment(attachment: Attachment) -> bool:
    """Return whether an attachment has the usual, valid form. Others need a full check."""
    url, filename, ignore = attachment
    return type(url) is str and is_plain_url(url) and filename is None and type(ignore) is bool


_SHORT_NAME = 100
"""Names up to this length are within every limit. It must not exceed the maximum of `name_breaches`."""


def is_plain_name(name: str) -> bool:
    """Return whether an event's name is valid and trimmed. Others need a full check."""
    return len(name) <= _SHORT_NAME and _matches_plain_name(name)


@lru_cache(256)  # a program sends few kinds of events
def _matches_plain_name(name: str) -> bool:
    return _PLAIN_NAME.fullmatch(name) is not None


def are_sound_properties(properties: object) -> bool:
    """Check quickly; return True if properties break no rule. After False, `properties_breaches` finds out."""
    if type(properties) is not dict or not is_sound(properties, 1):
        return False
    for key in properties:  # noqa: SIM110 - any() takes twice as long
        if key[:1] in "$sS" and is_reserved(key):
            return False
    return True


def is_sound(container: Any, depth: int) -> bool:
    """Check quickly; return True if no value in a map or a list breaks a rule. After False, `properties_breaches` finds out."""
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
    # The value may come from a template, so it may have any type.
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
        hint = "the platform fetches attachments itself: use a public http(s) URL"
        yield Breach("attachment-url", where, f"'{url}' is not an http(s) URL", hint)
    elif not has_host:
        yield Breach("attachment-url", where, f"'{url}' has no host")
    elif _CONTROL.search(url):
        yield Breach("attachment-url", where, f"'{url}' is not a URL", "spaces must be written %20")
    yield from _unicode_breaches(url, where)
    if isinstance(filename, str):
        yield from _unicode_breaches(filename, (*path, "filename"))
    elif filename is not None:
        yield Breach("attachment-filename", (*path, "filename"), "the file's name must be text")
    if not isinstance(ignore, bool):
        yield Breach("attachment-ignore", (*path, "ignore_if_error"), "ignore_if_error must be true or false")
