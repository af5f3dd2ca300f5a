"""The requests of traced deliveries: when each began and ended, and what came of it. They are plain values.

Source: W3C, "Trace Context", for the header `traceparent`. It is not part of the platform's signature.
"""

from __future__ import annotations

from secrets import token_hex
from typing import NamedTuple

_SPAN_BYTES = 8


class TraceContext(NamedTuple):
    """The trace that requests belong to, by its id of 32 hexadecimal digits."""

    trace_id: str
    is_sampled: bool

    def traceparent(self, span_id: str) -> str:
        """Return the header that names a request's span."""
        return f"00-{self.trace_id}-{span_id}-{self.is_sampled:02x}"


class Attempt(NamedTuple):
    """A request that was made once. Nothing of its body is in here.

    `indexes` are those of its events in the delivery, as far as anything asks for them. `status_code` is 0 without an answer;
    then `error` says what failed. The times are nanoseconds since 1970.
    """

    span_id: str
    path: str
    began_ns: int
    ended_ns: int
    size_bytes: int
    events: int
    accepted: int
    retry: int
    is_array: bool
    status_code: int = 0
    error: str = ""
    indexes: tuple[int, ...] = ()


def new_span_id() -> str:
    """Return a random id of a span."""
    return token_hex(_SPAN_BYTES)
