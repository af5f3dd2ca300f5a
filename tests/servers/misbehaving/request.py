"""A request that was read whole, and the events in it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NamedTuple


class Copy(NamedTuple):
    """An event as it arrived once."""

    insert_id: str
    user: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was read whole. `head` is its request line and its headers."""

    head: str
    body: bytes

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.partition("\r\n")[0]

    def all_of(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        lines = [line.partition(":") for line in self.head.split("\r\n")[1:]]
        return [value.strip() for key, _, value in lines if key.lower() == name.lower()]

    def only(self, name: str) -> str:
        """Give the value of a header that stands there once; else nothing."""
        values = self.all_of(name)
        return values[0] if len(values) == 1 else ""

    def copies(self) -> list[Copy]:
        """Cut the body into events, each with the very text that came."""
        text = self.body.decode()
        decoder = json.JSONDecoder()
        place = 1 if text.startswith("[") else 0
        found = []
        while text[place : place + 1] not in ("", "]"):
            event, end = decoder.raw_decode(text, place)
            found.append(Copy(event["$insert_id"], event["distinct_id"], text[place:end]))
            place = end + len(re.match(r"[\s,]*", text[end:])[0])  # type: ignore[index] # matches nothing, too
        return found
