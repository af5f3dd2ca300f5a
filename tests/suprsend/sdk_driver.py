"""Sends events with one of two libraries that have one API: `python sdk_driver.py suprsend`, or `runner`.

Commands come in as lines of JSON, and for each of them one line goes out; the first line tells the library's version.
A client is always given a clock, ids and a sleep that are fixed; the official SDK takes and forgets them, so that a
command with `now` also fixes the clock and `uuid4` of this process. Whatever is raised is told by its type and text.

    {"send": "single" | "bulk" | "list", "auth": "hmac" | "bearer", "credentials": [text, text], "base_url": text,
     "now": seconds since 1970, "first_id": integer, "options": {more arguments of the client},
     "events": [{arguments of Event, "attachments": [{arguments of add_attachment}]} | anything that is no event],
     "lists": [{filters of a list of messages}], which only the official SDK has,
     "triggers": how often a bulk is triggered, "shared_properties": {the one dict of events that give none},
     "locale": [name, the folder where it is], "recursion_limit": integer}

Answers: `{"outcomes": [{"returned": …} | {"raised": type, "text": text}], "slept": [seconds]}`, an outcome for each
event sent alone, for each trigger of a bulk.
"""

from __future__ import annotations

import datetime as dt
import json
import locale
import os
import sys
import time
import uuid
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def answer_commands(library_name: str) -> None:
    """Answer each line of stdin with a line on stdout, until there are no more."""
    process = FixedProcess()
    library = import_module(library_name)
    for name in ("Event", "Suprsend"):  # ours load on first use: not under a command's recursion limit
        getattr(library, name)
    _say({"version": library.__version__})
    for line in sys.stdin:
        command = json.loads(line)
        process.set(command.get("now"), command.get("first_id", 0))
        slept: list[float] = []
        fixed = {"clock": process.clock, "new_id": process.new_id, "sleep": slept.append}
        outcomes = _run(library, command, fixed | command.get("options", {}))
        _say({"outcomes": outcomes, "slept": slept})


@dataclass
class FixedProcess:
    """The clock and the ids of this process. Must be made before the library is imported."""

    now: float | None = None
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        real_time, real_uuid4, real_datetime = time.time, uuid.uuid4, dt.datetime
        process = self

        class Stopped(real_datetime):  # type: ignore[valid-type, misc]
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> Any:
                return cls.fromtimestamp(time.time(), tz)

        time.time = lambda: real_time() if process.now is None else process.now
        uuid.uuid4 = lambda: real_uuid4() if process.now is None else uuid.UUID(int=next(process.numbers))
        dt.datetime = Stopped  # type: ignore[misc]

    def set(self, now: float | None, first_id: int) -> None:
        self.now = now
        self.numbers = count(first_id)

    def clock(self) -> float:
        return 1767225600.0 if self.now is None else self.now

    def new_id(self) -> str:
        return str(uuid.UUID(int=next(self.numbers)))


def _run(library: Any, command: dict[str, Any], options: dict[str, Any]) -> list[dict[str, Any]]:
    limit = sys.getrecursionlimit()
    try:
        client = _client(library, command, options)
        name, os.environ["LOCPATH"] = command.get("locale", ("C", ""))
        locale.setlocale(locale.LC_TIME, name)
        sys.setrecursionlimit(command.get("recursion_limit", limit))
        if command["send"] == "single":
            return [_outcome(partial(_track, client, library, given, command)) for given in command["events"]]
        if command["send"] == "list":
            return [_outcome(partial(client.messages.list, filters)) for filters in command["lists"]]
        bulk = client.bulk_events.new_instance()
        bulk.append(*[_event(library, given, command) for given in command["events"]])
        return [_outcome(lambda: _shape(bulk.trigger())) for _ in range(command.get("triggers", 1))]
    except Exception as error:  # noqa: BLE001 - the outermost handler: which one it is, is the answer
        return [_raised(error)]
    finally:
        sys.setrecursionlimit(limit)
        locale.setlocale(locale.LC_TIME, "C")


def _track(client: Any, library: Any, given: Any, command: dict[str, Any]) -> Any:
    return client.track_event(_event(library, given, command))


def _client(library: Any, command: dict[str, Any], options: dict[str, Any]) -> Any:
    make = library.Suprsend if command["auth"] == "hmac" else library.Suprsend.with_workspace_api_key
    return make(*command["credentials"], base_url=command["base_url"], **options)


def _event(library: Any, given: Any, command: dict[str, Any]) -> Any:
    if not isinstance(given, dict):
        return given
    arguments = dict(given)
    attachments = arguments.pop("attachments", [])
    if "shared_properties" in command:
        arguments.setdefault("properties", command["shared_properties"])
    if isinstance(arguments["distinct_id"], dict):
        arguments["distinct_id"] = uuid.UUID(arguments["distinct_id"]["uuid"])
    event = library.Event(**arguments)
    for attachment in attachments:
        event.add_attachment(**attachment)
    return event


def _outcome(send: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"returned": send()}
    except Exception as error:  # noqa: BLE001 - the outermost handler: which one it is, is the answer
        return _raised(error)


def _raised(error: Exception) -> dict[str, Any]:
    return {"raised": type(error).__name__, "text": str(error)}


def _shape(response: Any) -> dict[str, Any]:
    names = ("status", "total", "success", "failure", "unknown", "failed_records")
    shape = {name: getattr(response, name) for name in names if hasattr(response, name)}
    # Copied, since a response goes on counting when its bulk is triggered again.
    copied: dict[str, Any] = json.loads(json.dumps(shape, default=str))
    return copied


def _say(document: object) -> None:
    print(json.dumps(document, default=str), flush=True)


if __name__ == "__main__":
    answer_commands(sys.argv[1])
