"""A loopback server that misbehaves in named ways, and remembers what it took.

It speaks HTTP/1.1 on bare sockets, so that it can also speak it wrongly. A fault is a function of one `Exchange`: it
reads the request, or not; takes its events, or not; sends bytes, any bytes. What isn't under a fault is read, taken and
answered as the platform does. `Server.took` is the truth that a client's report is held against.

The faults stand in this order: of connections, of time, of HTTP's form, interim answers and redirects, successes that
are not the platform's, records, refusals, failures that don't tell, codings.

Where an answer says nothing of what became of the events, the fault takes some of them and some not: whatever a client
says of such an answer but "unknown" is wrong for one of them.
"""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from functools import cache, cached_property, partial
from threading import Condition, Thread
from threading import Event as Flag
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

T = TypeVar("T")
Listens = Literal["always", "after a pause", "never"]

FIRST, SECOND, FIRST_TWO, ALL = range(1), range(1, 2), range(2), range(10**9)
"""Which of the requests that reach a server a fault concerns."""
TIMEOUT_S = 20.0
"""What no exchange comes near, unless its fault needs time."""
SHORT_S = 0.3
_GIVE_UP_S = 5.0
_HERE = "127.0.0.1"
_MANY = 64 * 1024
_FAR_TOO_MANY = 64 * 1024 * 1024


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


class _GoneError(Exception):
    """The client closed the connection."""


class Exchange:
    """One request to the server, as far as its fault reads it, and the means to answer it.

    `turn` counts the requests under the fault, from 0. `part` is what was read of the body, and `is_read` says that
    this is all of it; `is_cut_up` says that several events were refused together as too large; `settled` are those that
    the client was plainly told to be taken.
    """

    def __init__(self, server: Server, connection: socket.socket, turn: int) -> None:
        self.server = server
        self.turn = turn
        self.part = b""
        self.is_read = False
        self.is_cut_up = False
        self.settled: list[Copy] = []
        self.is_over = False
        self._connection = connection

    @cached_property
    def request(self) -> Request:
        """The whole request, read when it is asked for."""
        self.part += self._receive(_length(self.head) - len(self.part))
        self.is_read = True
        return Request(self.head, self.part)

    @cached_property
    def copies(self) -> list[Copy]:
        """The events of the request."""
        return self.request.copies()

    @cached_property
    def head(self) -> str:
        """The request line and the headers, read when they are asked for, and no byte further."""
        read = b""
        while b"\r\n\r\n" not in read:
            seen = self._connection.recv(_MANY, socket.MSG_PEEK)
            if not seen:
                raise _GoneError
            end = (read + seen).find(b"\r\n\r\n")
            read += self._receive(len(seen) if end < 0 else end + 4 - len(read))
        return read[:-4].decode("latin-1")

    def read_half(self) -> None:
        """Read the headers and half of the body."""
        self.part = self._receive(_length(self.head) // 2)

    def _receive(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            part = self._connection.recv(count - len(received))
            if not part:
                raise _GoneError
            received += part
        return received

    @property
    def is_bulk(self) -> bool:
        """Whether the events came in an array."""
        return self.request.body.startswith(b"[")

    @property
    def is_known(self) -> bool:
        """Whether the same events came together before."""
        return any(
            other.copies == self.copies for other in self.server.exchanges if other.is_read and other is not self
        )

    def take(self) -> None:
        """Take every event of the request."""
        self.server.took.update(copy.insert_id for copy in self.copies)

    def take_some(self) -> None:
        """Take the events of u1 and u3, and not those of u2."""
        self.server.took.update(copy.insert_id for copy in self.copies if copy.user != "u2")

    def take_none(self) -> None:
        """Read the request, and let it be."""
        _ = self.request

    @property
    def acceptance(self) -> bytes:
        """The platform's words for having taken every event."""
        return self.told([accepted(copy) for copy in self.copies])

    def told(self, records: list[object]) -> bytes:
        """Wrap what became of each event as the platform does for this endpoint."""
        if self.is_bulk:
            return encoded({"status": "success", "records": records})
        return encoded(records[0] if records else {"status": "success"})  # a GET brings no event

    @property
    def status(self) -> str:
        """What the platform's status line says of events that it took."""
        return "207 Multi-Status" if self.is_bulk else "202 Accepted"

    def accept(self, *lines: str) -> None:
        """Answer as the platform does when it took every event."""
        self.answer(self.status, self.acceptance, *lines)

    def refuse(self, status: str, *lines: str) -> None:
        """Answer as the platform does when it took nothing."""
        self.answer(status, refusal(status), *lines)

    def answer(self, status: str, body: bytes, *lines: str) -> None:
        """Send a whole answer, with its length."""
        self.send(opening(status, f"Content-Length: {len(body)}", *lines) + body)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(data)

    def send_forever(self, first: bytes, again: bytes) -> None:
        """Send bytes until the client closes, or until there are far too many."""
        self.send(first)
        for _ in range(_FAR_TOO_MANY // len(again)):
            self.send(again)
        self.close()

    def drip(self, data: bytes, step: int = 1) -> None:
        """Send bit by bit, with pauses that are each far shorter than the client's patience and together far longer."""
        for place in range(0, len(data), step):
            self.send(data[place : place + step])
            if _is_readable(self._connection, 30):
                break
        self.wait()

    def wait(self) -> None:
        """Say nothing until the client closes."""
        while self._connection.recv(_MANY):
            pass
        raise _GoneError

    def wait_unread(self) -> None:
        """Read nothing and say nothing until the client closes."""
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        poll.poll(_GIVE_UP_S * 1000)
        self.reset()

    def close(self) -> None:
        """Close the connection, as one does that has said everything."""
        self.is_over = True

    def reset(self) -> None:
        """Close the connection with a reset, as a machine does that knows of none."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.is_over = True


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    `at` says for which requests, `timeout_s` how long the client waits. With `warm_up`, a first event goes before those
    that count, so that these go over a kept connection. `speaks_first` is a server that doesn't wait for the request.
    """

    name: str
    at: range
    misbehave: Callable[[Exchange], None]
    timeout_s: float = TIMEOUT_S
    warm_up: bool = False
    listens: Listens = "always"
    speaks_first: bool = False


FAULTS: list[Fault] = []


class Server:
    """Listens on a port of its own while its block runs, under one fault until it is `healed`."""

    def __init__(self, fault: Fault) -> None:
        self.took: set[str] = set()
        self.exchanges: list[Exchange] = []
        self._fault: Fault | None = fault
        self._connections: dict[socket.socket, bool] = {}  # and whether it waits for a request
        self._changed = Condition()
        self._threads: list[Thread] = []
        self._listener: socket.socket | None = None
        self._marker: object = None
        self._marked = Flag()
        # Bound and never listening: the port stays ours, and refuses, while nobody listens.
        self._place = _bound(0)
        self.port: int = self._place.getsockname()[1]
        if fault.listens == "always":
            self.listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_listening()
        with self._changed:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_GIVE_UP_S)
        self._place.close()

    def listen(self) -> None:
        """Begin to listen, if it doesn't yet."""
        if self._listener is None:
            self._listener = _bound(self.port)
            self._listener.listen(64)
            self._start(self._accept, self._listener)

    def stop_listening(self) -> None:
        """Refuse every further connection."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # closing alone wakes nobody who waits in accept
            listener.close()

    def paused(self) -> None:
        """Take note that the client pauses before it tries again."""
        if self._fault is not None and self._fault.listens == "after a pause":
            self.listen()

    def heal(self) -> None:
        """Behave from now on."""
        self._fault = None
        self.listen()

    def arrivals(self, insert_id: str) -> int:
        """How often an event came whole."""
        return sum(
            copy.insert_id == insert_id for exchange in self.exchanges if exchange.is_read for copy in exchange.copies
        )

    def settle(self) -> bool:
        """Wait until all that the client sent is read, and all exchanges are over; tells whether they are."""
        self._mark()
        with self._changed:
            return self._changed.wait_for(self._is_quiet, _GIVE_UP_S)

    def is_left(self) -> bool:
        """Tell whether the client has closed every connection: on loopback, each can be told at once."""
        self._mark()
        with self._changed:
            return all(map(_is_readable, self._connections))

    def _mark(self) -> None:
        """Come last in the row of those that want to connect: when it's our turn, all others had theirs."""
        if self._listener is not None:
            with socket.socket() as marker:
                marker.bind((_HERE, 0))
                self._marked.clear()
                self._marker = marker.getsockname()
                marker.connect((_HERE, self.port))
                self._marked.wait(_GIVE_UP_S)

    def _is_quiet(self) -> bool:
        return all(waits and not _is_readable(connection) for connection, waits in self._connections.items())

    def _start(self, target: Callable[[socket.socket], None], given: socket.socket) -> None:
        self._threads.append(Thread(target=target, args=[given], daemon=True))
        self._threads[-1].start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:  # closed
                return
            if peer == self._marker:
                connection.close()
                self._marked.set()
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self._connections[connection] = False
            self._start(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        fault = self._fault
        try:
            while (fault is not None and fault.speaks_first and not self.exchanges) or self._hears(connection):
                if self._exchange(connection).is_over:
                    break
        except (OSError, _GoneError):
            pass
        finally:
            with self._changed:
                del self._connections[connection]
                connection.close()
                self._changed.notify_all()

    def _hears(self, connection: socket.socket) -> bool:
        """Wait for a request; tells whether one begins. Reads none of it."""
        self._tell(connection, waits=True)
        is_there = bool(connection.recv(1, socket.MSG_PEEK))
        self._tell(connection, waits=False)
        return is_there

    def _tell(self, connection: socket.socket, *, waits: bool) -> None:
        with self._changed:
            self._connections[connection] = waits
            self._changed.notify_all()

    def _exchange(self, connection: socket.socket) -> Exchange:
        fault = self._fault
        with self._changed:
            number = len(self.exchanges)
            turn = number - fault.at.start if fault else number
            exchange = Exchange(self, connection, turn)
            self.exchanges.append(exchange)
        misbehave = fault.misbehave if fault is not None and number in fault.at else sound
        misbehave(exchange)
        return exchange


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((_HERE, port))
    return bound


def _is_readable(connection: socket.socket, wait_ms: int = 0) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(wait_ms))


def _length(head: str) -> int:
    return sum(int(value) for value in re.findall(r"(?im)^content-length: *(\d+)\r?$", head))


def opening(status: str, *lines: str) -> bytes:
    """Write a status line and headers."""
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *lines, "", ""]).encode("latin-1")


def encoded(value: object) -> bytes:
    """Write JSON."""
    return json.dumps(value).encode()


def accepted(copy: Copy) -> dict[str, object]:
    """Say that an event was taken. Its message id is made of its own id: no other event can claim it."""
    return {"status": "success", "status_code": 202, "message_id": id_of(copy.insert_id)}


def id_of(insert_id: str) -> str:
    """Give the message id under which an event is taken."""
    return f"m-{insert_id}"


def refusal(status: str) -> bytes:
    """Say in the platform's words that nothing was taken."""
    return encoded({"status": "error", "error": {"message": f"no: {status}", "type": "refused"}})


def sound(exchange: Exchange) -> None:
    """Behave."""
    exchange.take()
    exchange.accept()
    exchange.settled = exchange.copies


def fault(
    *at: range,
    timeout_s: float = TIMEOUT_S,
    warm_up: bool = False,
    listens: Listens = "always",
    speaks_first: bool = False,
) -> Callable[[Callable[[Exchange], None]], Callable[[Exchange], None]]:
    """List a function as a fault, once for each row of requests that it concerns."""

    def add(misbehave: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
        name = misbehave.__name__.strip("_").replace("_", " ")
        FAULTS.extend(Fault(name, which, misbehave, timeout_s, warm_up, listens, speaks_first) for which in at)
        return misbehave

    return add


def faults(
    name: str, given: Mapping[str, T], *at: range
) -> Callable[[Callable[[Exchange, T], None]], Callable[[Exchange, T], None]]:
    """List a function as several faults, one for each thing given. `name` has a place for what that is called."""

    def add(misbehave: Callable[[Exchange, T], None]) -> Callable[[Exchange, T], None]:
        for called, value in given.items():
            FAULTS.extend(Fault(name.format(called), which, partial(_with, misbehave, value)) for which in at)
        return misbehave

    return add


def _with(misbehave: Callable[[Exchange, T], None], value: T, exchange: Exchange) -> None:
    misbehave(exchange, value)


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


@fault(ALL, listens="never")
def refused(exchange: Exchange) -> None:
    """Nobody listens."""


@fault(FIRST, listens="after a pause")
def refused_until_the_first_pause(exchange: Exchange) -> None:
    """Nobody listens until the client pauses."""
    sound(exchange)


@fault(FIRST, ALL)
def reset_before_reading(exchange: Exchange) -> None:
    """Reset the connection when the request begins, and read none of it."""
    exchange.reset()


@fault(FIRST, ALL)
def reset_amid_the_request(exchange: Exchange) -> None:
    """Read the headers and half of the body, then reset."""
    exchange.read_half()
    exchange.reset()


@fault(FIRST, ALL)
def reset_after_reading(exchange: Exchange) -> None:
    """Read the request, take nothing, reset."""
    exchange.take_none()
    exchange.reset()


@fault(FIRST, ALL)
def reset_after_taking(exchange: Exchange) -> None:
    """Take the events, then reset."""
    exchange.take()
    exchange.reset()


@fault(FIRST, FIRST_TWO)
def closed_after_reading(exchange: Exchange) -> None:
    """Read the request, take nothing, close without a word."""
    exchange.take_none()
    exchange.close()


@fault(FIRST, ALL)
def closed_after_taking(exchange: Exchange) -> None:
    """Take the events, close without a word."""
    exchange.take()
    exchange.close()


@fault(FIRST, warm_up=True)
def closed_between_two_events(exchange: Exchange) -> None:
    """Answer one event as if to keep the connection, and close it before the next."""
    sound(exchange)
    exchange.close()


@fault(SECOND, warm_up=True)
def reset_when_the_second_event_comes(exchange: Exchange) -> None:
    """Reset a kept connection when the next request begins, and read none of it."""
    exchange.reset()


@fault(SECOND, warm_up=True)
def closed_when_the_second_event_is_taken(exchange: Exchange) -> None:
    """Take what comes over a kept connection, close without a word."""
    closed_after_taking(exchange)


@fault(ALL)
def connection_close(exchange: Exchange) -> None:
    """Take the events, say so, and close each time, as announced."""
    exchange.take()
    exchange.accept("Connection: close")
    exchange.close()


@fault(ALL)
def closed_unannounced(exchange: Exchange) -> None:
    """Take the events, say so, and close each time without announcing it."""
    sound(exchange)
    exchange.close()


@fault(ALL)
def gone_after_taking(exchange: Exchange) -> None:
    """Take the events, close without a word, and listen no more."""
    exchange.take()
    exchange.server.stop_listening()
    exchange.close()


@fault(ALL, speaks_first=True)
def answers_before_the_request(exchange: Exchange) -> None:
    """Refuse as soon as somebody connects; then read the request."""
    exchange.refuse("503 Service Unavailable")
    exchange.take_none()


@fault(ALL)
def answers_before_the_body(exchange: Exchange) -> None:
    """Refuse when the headers are there; then read the body."""
    _ = exchange.head
    exchange.refuse("400 Bad Request")
    exchange.take_none()


@fault(ALL)
def sets_a_cookie(exchange: Exchange) -> None:
    """Take the events, say so, and ask for a cookie to come back."""
    exchange.take()
    exchange.accept("Set-Cookie: session=1; Path=/", "Set-Cookie: other=2")


@fault(ALL, timeout_s=SHORT_S)
def silent_after_taking(exchange: Exchange) -> None:
    """Take the events, and never say a word."""
    exchange.take()
    exchange.wait()


@fault(ALL, timeout_s=SHORT_S)
def never_reads(exchange: Exchange) -> None:
    """Read nothing, and never say a word."""
    exchange.wait_unread()


@fault(ALL, timeout_s=SHORT_S)
def headers_drip(exchange: Exchange) -> None:
    """Take the events, and say so one byte after the other, far too slowly."""
    exchange.take()
    exchange.drip(opening(exchange.status, f"Content-Length: {len(exchange.acceptance)}") + exchange.acceptance)


@fault(ALL, timeout_s=SHORT_S)
def body_drips(exchange: Exchange) -> None:
    """Take the events, send the headers, and then one byte after the other, far too slowly."""
    exchange.take()
    exchange.send(opening(exchange.status, f"Content-Length: {len(exchange.acceptance)}"))
    exchange.drip(exchange.acceptance)


@fault(ALL, timeout_s=SHORT_S)
def content_length_too_large_and_kept_open(exchange: Exchange) -> None:
    """Take the events, announce one byte more than there is, and wait."""
    exchange.take()
    exchange.send(opening(exchange.status, f"Content-Length: {len(exchange.acceptance) + 1}") + exchange.acceptance)
    exchange.wait()


@fault(ALL, timeout_s=SHORT_S)
def continues_without_end(exchange: Exchange) -> None:
    """Take some of the events, and say nothing but 100 Continue."""
    exchange.take_some()
    exchange.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, step=25)


@fault(FIRST, ALL)
def half_a_status_line(exchange: Exchange) -> None:
    """Take some of the events, send half a status line, close."""
    exchange.take_some()
    exchange.send(b"HTTP/1.")
    exchange.close()


@fault(ALL)
def half_of_the_headers(exchange: Exchange) -> None:
    """Take some of the events, break off amid the headers, close."""
    exchange.take_some()
    exchange.send(opening(exchange.status, "Content-Length: 2", "Server: exam")[:-8])
    exchange.close()


@fault(FIRST, ALL)
def half_an_answer(exchange: Exchange) -> None:
    """Take the events, send half of the acceptance, close."""
    exchange.take()
    exchange.send(_acceptance(exchange)[: -len(exchange.acceptance) // 2])
    exchange.close()


@fault(ALL)
def half_a_refusal(exchange: Exchange) -> None:
    """Take nothing, send half of a 400, close."""
    exchange.take_none()
    body = refusal("400 Bad Request")
    exchange.send(opening("400 Bad Request", f"Content-Length: {len(body)}") + body[:10])
    exchange.close()


@fault(FIRST, ALL)
def half_a_chunked_answer(exchange: Exchange) -> None:
    """Take the events, send the whole acceptance but not the chunk that ends it, close."""
    exchange.take()
    exchange.send(opening(exchange.status, "Transfer-Encoding: chunked") + _chunk(exchange.acceptance))
    exchange.close()


@fault(ALL)
def content_length_too_small(exchange: Exchange) -> None:
    """Take the events, announce half of the acceptance, send all of it, keep the connection."""
    exchange.take()
    exchange.send(opening(exchange.status, f"Content-Length: {len(exchange.acceptance) // 2}") + exchange.acceptance)


@fault(ALL)
def content_length_too_large(exchange: Exchange) -> None:
    """Take the events, announce one byte more than there is, close."""
    exchange.take()
    exchange.send(opening(exchange.status, f"Content-Length: {len(exchange.acceptance) + 1}") + exchange.acceptance)
    exchange.close()


@faults("content length {}", _same("-1", "abc", "0x10", "1_0", "999999999999999999999"), ALL)
def content_length_that_is_none(exchange: Exchange, length: str) -> None:
    """Take the events, announce a length that can't be, send the acceptance, close."""
    exchange.take()
    exchange.send(opening(exchange.status, f"Content-Length: {length}") + exchange.acceptance)
    exchange.close()


@fault(ALL)
def the_same_content_length_twice(exchange: Exchange) -> None:
    """Take the events, say so, and the length twice."""
    exchange.take()
    exchange.accept(f"Content-Length: {len(exchange.acceptance)}")


@fault(ALL)
def two_content_lengths(exchange: Exchange) -> None:
    """Take some of the events; by the first length the answer accepts, by the second it goes on."""
    exchange.take_some()
    body = exchange.acceptance
    exchange.send(opening(exchange.status, f"Content-Length: {len(body)}", f"Content-Length: {len(body) + 9}") + body)
    exchange.send(b" and more")
    exchange.close()


@fault(ALL)
def content_length_beside_chunks(exchange: Exchange) -> None:
    """Take the events, send the acceptance in chunks, with a wrong length beside."""
    exchange.take()
    exchange.send(opening(exchange.status, "Content-Length: 5", "Transfer-Encoding: chunked"))
    exchange.send(_chunk(exchange.acceptance) + b"0\r\n\r\n")


@faults("chunk size {}", {"of none": "zz", "negative": "-5", "empty": "", "too small": "5", "too large": "fff"}, ALL)
def wrong_chunk_size(exchange: Exchange, size: str) -> None:
    """Take the events, send the acceptance in a chunk with another size than its own, close."""
    exchange.take()
    exchange.send(opening(exchange.status, "Transfer-Encoding: chunked"))
    exchange.send(size.encode() + b"\r\n" + exchange.acceptance + b"\r\n0\r\n\r\n")
    exchange.close()


@fault(ALL)
def one_byte_a_chunk(exchange: Exchange) -> None:
    """Take the events, say so in chunks of a byte, with extensions and a trailer."""
    exchange.take()
    exchange.send(opening(exchange.status, "Transfer-Encoding: chunked"))
    chunks = b"".join(b"1;x=1\r\n%c\r\n" % byte for byte in exchange.acceptance)
    exchange.send(chunks + b"0\r\nServer-Timing: 1\r\n\r\n")


@fault(ALL)
def two_answers(exchange: Exchange) -> None:
    """Take the events, and say so twice: the second answer must not become that of the next event."""
    sound(exchange)
    exchange.accept()


@fault(FIRST, ALL)
def acceptance_behind_a_refusal(exchange: Exchange) -> None:
    """Take nothing, refuse, and send an acceptance behind, which must not become the answer to whatever comes next."""
    exchange.take_none()
    body = refusal("503 Service Unavailable").ljust(20_000)  # more than a reader takes at once
    exchange.send(opening("503 Service Unavailable", f"Content-Length: {len(body)}") + body + _acceptance(exchange))


@faults("{} with a body", _same("204 No Content", "304 Not Modified"), ALL)
def body_where_none_may_be(exchange: Exchange, status: str) -> None:
    """Take nothing, and send an acceptance as the body of an answer that can't have one."""
    exchange.take_none()
    exchange.answer(status, _acceptance(exchange))


@fault(ALL)
def acceptance_without_a_length(exchange: Exchange) -> None:
    """Take the events, send the acceptance in HTTP/1.0, ended by nothing but the close."""
    exchange.take()
    exchange.send(b"HTTP/1.0 202 Accepted\r\n\r\n" + exchange.acceptance)
    exchange.close()


@fault(ALL)
def half_an_acceptance_without_a_length(exchange: Exchange) -> None:
    """Take the events, send half of the acceptance in HTTP/1.0, close."""
    exchange.take()
    exchange.send(b"HTTP/1.0 202 Accepted\r\n\r\n" + exchange.acceptance[:20])
    exchange.close()


@faults(
    "answers {}",
    {
        "in SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
        "in TLS": b"\x15\x03\x01\x00\x02\x02\x46",
        "zeros": bytes(1000),
        "a blank line": b"\r\n\r\n",
        "an endless line": b"x" * 200_000,
        "status 20": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nOK",
        "status 2O2": b"HTTP/1.1 2O2 OK\r\nContent-Length: 2\r\n\r\nOK",
        "status 99999": b"HTTP/1.1 99999 OK\r\nContent-Length: 2\r\n\r\nOK",
        "no status": b"HTTP/1.1 \r\nContent-Length: 2\r\n\r\nOK",
    },
    ALL,
)
def garbage(exchange: Exchange, data: bytes) -> None:
    """Take some of the events, send what is no HTTP, close."""
    exchange.take_some()
    exchange.send(data)
    exchange.close()


@fault(ALL)
def answers_as_http_0_9(exchange: Exchange) -> None:
    """Take some of the events, send an acceptance with neither status nor headers, close."""
    exchange.take_some()
    exchange.send(exchange.acceptance)
    exchange.close()


@fault(ALL)
def a_header_without_a_colon(exchange: Exchange) -> None:
    """Take the events, and say so with a line among the headers that is none, close."""
    exchange.take()
    exchange.send(opening(exchange.status, "this is no header", f"Content-Length: {len(exchange.acceptance)}"))
    exchange.send(exchange.acceptance)
    exchange.close()


@fault(ALL)
def folded_headers(exchange: Exchange) -> None:
    """Take the events, and say so with a header of two lines."""
    exchange.take()
    exchange.accept("X-Folded: one\r\n two")


@fault(ALL)
def line_feeds_alone(exchange: Exchange) -> None:
    """Take the events, and say so with lines that end as in a file."""
    exchange.take()
    exchange.send(_acceptance(exchange).replace(b"\r\n", b"\n"))


@fault(ALL)
def a_thousand_headers(exchange: Exchange) -> None:
    """Take the events, and say so below a thousand headers."""
    exchange.take()
    exchange.accept(*(f"X-Header-{index}: {index}" for index in range(1000)))


@fault(ALL)
def a_header_of_100_kb(exchange: Exchange) -> None:
    """Take the events, and say so below a header of 100 KB."""
    exchange.take()
    exchange.accept(f"X-Long: {'x' * 100 * 1024}")


@fault(ALL)
def endless_headers(exchange: Exchange) -> None:
    """Take the events, and send headers until the client closes."""
    exchange.take()
    exchange.send_forever(b"HTTP/1.1 202 Accepted\r\n", b"X-More: 1\r\n" * 1000)


@fault(ALL)
def continue_then_acceptance(exchange: Exchange) -> None:
    """Say 100 Continue, take the events, say so."""
    exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    sound(exchange)


@fault(ALL)
def continue_then_closed(exchange: Exchange) -> None:
    """Take the events, say 100 Continue, close."""
    exchange.take()
    exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    exchange.close()


@fault(ALL)
def many_continues_then_acceptance(exchange: Exchange) -> None:
    """Say 100 Continue a thousand times, take the events, say so."""
    exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    sound(exchange)


@faults("{} then acceptance", _same("103 Early Hints", "199 Odd"), ALL)
def interim_then_acceptance(exchange: Exchange, status: str) -> None:
    """Give an interim answer, take the events, say so on the same connection."""
    exchange.send(f"HTTP/1.1 {status}\r\nLink: </a.css>\r\n\r\n".encode())
    sound(exchange)


@fault(ALL)
def switching_protocols_101(exchange: Exchange) -> None:
    """Take some of the events, and go on in another protocol."""
    exchange.take_some()
    exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02OK")


@faults("{}", _same("301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect"), FIRST)
def redirect(exchange: Exchange, status: str) -> None:
    """Take nothing, and name another place, where an acceptance waits for whoever follows."""
    exchange.take_none()
    exchange.answer(status, b"", f"Location: {exchange.request.line.split()[1]}?moved")


@faults("{}", _same("300 Multiple Choices", "304 Not Modified", "308 Permanent Redirect"), ALL)
def redirect_to_nowhere(exchange: Exchange, status: str) -> None:
    """Take nothing, and answer 3xx without a Location."""
    exchange.take_none()
    exchange.answer(status, b"")


@faults("{} with acceptance", _same("600 Odd", "999 Odd"), ALL)
def no_class_at_all(exchange: Exchange, status: str) -> None:
    """Take some of the events, and answer with a status that means nothing."""
    exchange.take_some()
    exchange.answer(status, exchange.acceptance)


@faults(
    "202 with {}",
    {
        "no body": b"",
        "a captive portal": b"<!DOCTYPE html><html><head><title>Sign in to the Wi-Fi</title></head></html>",
        "a list": b"[]",
        "a number": b"1",
        "null": b"null",
        "a text": b'"success"',
        "an empty object": b"{}",
        "status 1": b'{"status": 1}',
        "status null": b'{"status": null}',
        "status SUCCESS": b'{"status": "SUCCESS"}',
        "status queued": b'{"status": "queued"}',
        "status in a list": b'{"status": ["success"]}',
        "another error": b'{"error": 1}',
        "records in a map": b'{"status": "queued", "records": {"0": {"status": "success", "status_code": 202}}}',
        "half of JSON": b'{"status": "succ',
        "two documents": b'{"status": "success"}{"status": "error"}',
        "invalid UTF-8": b'{"status": "success", "message_id": "\xff"}',
        "UTF-16": '{"status": "success"}'.encode("utf-16"),
        "zeros": bytes(100),
        "100,000 lists in lists": b"[" * 100_000 + b"]" * 100_000,
        "a million digits": b"1" * 1_000_000,
    },
    ALL,
)
def not_the_platforms(exchange: Exchange, body: bytes) -> None:
    """Take some of the events, and answer 202 with a body that doesn't tell."""
    exchange.take_some()
    exchange.answer("202 Accepted", body)


@faults("{}", _same("204 No Content", "205 Reset Content"), ALL)
def success_without_a_body(exchange: Exchange, status: str) -> None:
    """Take some of the events, and answer with a success that has no body."""
    exchange.take_some()
    exchange.answer(status, b"")


@faults("{} with acceptance", _same("200 OK", "201 Created", "206 Partial Content"), ALL)
def other_success(exchange: Exchange, status: str) -> None:
    """Take the events, and say so under another status than the platform's."""
    exchange.take()
    exchange.answer(status, exchange.acceptance)


@fault(ALL)
def _202_with_the_text_ok(exchange: Exchange) -> None:
    """Take the events, and say so as the platform's old endpoint does."""
    exchange.take()
    exchange.answer("202 Accepted", b"OK")


@faults(
    "202 with {} beside",
    {
        "a million digits": b"1" * 1_000_000,
        "1e999999": b"1e999999",
        "100,000 lists in lists": b"[" * 100_000 + b"]" * 100_000,
        "a text of 1 MB": b'"' + b"x" * 1024 * 1024 + b'"',
    },
    ALL,
)
def heavy_json(exchange: Exchange, value: bytes) -> None:
    """Take the events, and say so beside JSON that is heavy to read."""
    exchange.take()
    exchange.answer(exchange.status, exchange.acceptance[:-1] + b', "beside": ' + value + b"}")


@fault(ALL)
def refusal_100_000_levels_deep(exchange: Exchange) -> None:
    """Take nothing, and refuse with JSON of a hundred thousand levels."""
    exchange.take_none()
    exchange.answer("400 Bad Request", b'{"error": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


@fault(ALL)
def huge_body(exchange: Exchange) -> None:
    """Take the events, and say so in 17 MiB, most of them white space."""
    exchange.take()
    size = 17 * 1024 * 1024
    exchange.send(opening(exchange.status, f"Content-Length: {size}") + exchange.acceptance)
    for sent in range(len(exchange.acceptance), size, _MANY):
        exchange.send(b" " * min(_MANY, size - sent))


@fault(ALL)
def endless_body(exchange: Exchange) -> None:
    """Take the events, say so, and send white space in chunks until the client closes."""
    exchange.take()
    start = opening(exchange.status, "Transfer-Encoding: chunked") + _chunk(exchange.acceptance)
    exchange.send_forever(start, _chunk(b" " * _MANY))


@fault(ALL)
def fewer_records(exchange: Exchange) -> None:
    """Take some of the events, and tell of one less than came."""
    exchange.take_some()
    records: list[object] = [accepted(copy) for copy in exchange.copies[:-1]]
    exchange.answer(exchange.status, exchange.told(records) if exchange.is_bulk else encoded(records))


@fault(ALL)
def more_records(exchange: Exchange) -> None:
    """Take some of the events, and tell of one more than came."""
    exchange.take_some()
    copies = exchange.copies
    records: list[object] = [accepted(copy) for copy in (*copies, copies[-1])]
    exchange.answer(exchange.status, exchange.told(records) if exchange.is_bulk else encoded(records))


@faults(
    "every record {}",
    {
        "of an unknown status": {"status": "queued", "status_code": 202},
        "without a status": {"status_code": 202},
        "with a status in a list": {"status": ["success"], "status_code": 202},
        "null": None,
        "a text": "success",
        "a list": ["success", 202],
        "a success with an error": {"status": "success", "status_code": 202, "error": {"message": "no"}},
    },
    ALL,
)
def odd_record(exchange: Exchange, record: object) -> None:
    """Take some of the events, and tell of each in a way that doesn't tell."""
    exchange.take_some()
    exchange.answer(exchange.status, exchange.told([record for _ in exchange.copies]))


@faults("every record a success with code {}", {"302": 302, "404": 404, "500": 500}, ALL)
def contradictory_record(exchange: Exchange, code: int) -> None:
    """Take some of the events, and call each a success, with the code of a failure: where answers have codes, in bulk."""
    if exchange.is_bulk:
        exchange.take_some()
        exchange.answer(
            exchange.status, exchange.told([accepted(copy) | {"status_code": code} for copy in exchange.copies])
        )
    else:
        sound(exchange)


@faults(
    "acceptance with {}",
    {
        "a code in text": ("status_code", "202"),
        "a code of true": ("status_code", True),
        "a code of 202.0": ("status_code", 202.0),
        "a message id in maps": ("message_id", {"id": [{"of": None}]}),
        "a message id of 1 MB": ("message_id", "m" * 1024 * 1024),
        "an error of null": ("error", None),
    },
    ALL,
)
def acceptance_with_junk(exchange: Exchange, junk: tuple[str, object]) -> None:
    """Take the events, and say so of each with something odd beside."""
    exchange.take()
    exchange.answer(exchange.status, exchange.told([accepted(copy) | dict([junk]) for copy in exchange.copies]))


@fault(ALL)
def acceptances_below_an_error(exchange: Exchange) -> None:
    """Take some of the events and call each a success, but the whole an error; of a single event, just refuse it."""
    above: dict[str, object] = {"status": "error", "error": {"message": "no", "type": "refused"}}
    if exchange.is_bulk:
        exchange.take_some()
        above["records"] = [accepted(copy) for copy in exchange.copies]
    exchange.answer(exchange.status, encoded(above))


@fault(ALL)
def mixed_records(exchange: Exchange) -> None:
    """Take u1's event, say 404 to u2's, and to u3's 429 until it comes again."""
    _mixed(exchange, {"u1": [202], "u2": [404], "u3": [429]})


@fault(ALL)
def mixed_records_that_recover(exchange: Exchange) -> None:
    """Say 500 to u1's event and 503 to u3's until they come again, 429 to u2's until it comes a third time."""
    _mixed(exchange, {"u1": [500], "u2": [429, 429], "u3": [503]})


@fault(ALL)
def mixed_records_that_never_recover(exchange: Exchange) -> None:
    """Take u1's event, and say 429 to u2's and 500 to u3's each time."""
    _mixed(exchange, {"u1": [202], "u2": [429] * 9, "u3": [500] * 9})


@fault(ALL)
def mixed_records_of_all_kinds(exchange: Exchange) -> None:
    """Take u1's and u2's event, refuse u3's; tell of u1's so, of u2's nothing, of u3's as an error with code 202."""
    copies = exchange.copies
    exchange.server.took.update(copy.insert_id for copy in copies if copy.user != "u3")
    said: dict[str, object] = {"u2": {"status": "pending"}, "u3": {"status": "error", "status_code": 202}}
    exchange.answer(exchange.status, exchange.told([said.get(copy.user, accepted(copy)) for copy in copies]))


def _mixed(exchange: Exchange, codes: dict[str, list[int]]) -> None:
    """Say the first of its codes to each user's event, then the second, and so on; take those to which 202 is said."""
    copies = exchange.copies
    now = [(codes[copy.user] + [202] * 9)[exchange.server.arrivals(copy.insert_id) - 1] for copy in copies]
    exchange.settled = [copy for copy, code in zip(copies, now, strict=True) if code == 202]
    exchange.server.took.update(copy.insert_id for copy in exchange.settled)
    records: list[object] = [
        accepted(copy) if copy in exchange.settled else _refused(code) for copy, code in zip(copies, now, strict=True)
    ]
    exchange.answer(exchange.status if exchange.is_bulk else f"{now[0]} Of The Record", exchange.told(records))


def _refused(code: int) -> dict[str, object]:
    return {"status": "error", "status_code": code, "error": {"message": "no", "type": "refused"}}


@faults(
    "{}",
    _same(
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "409 Conflict",
        "422 Unprocessable Content",
    ),
    ALL,
)
@faults(
    "{}",
    _same("408 Request Timeout", "425 Too Early", "429 Too Many Requests", "500 Internal Server Error"),
    FIRST,
    ALL,
)
@faults("{}", _same("501 Not Implemented", "503 Service Unavailable"), FIRST_TWO, ALL)
def refuses(exchange: Exchange, status: str) -> None:
    """Take nothing, and say so as the platform does."""
    exchange.take_none()
    exchange.refuse(status)


@fault(ALL)
def _202_with_a_refusal(exchange: Exchange) -> None:
    """Take nothing, and refuse in the platform's words under the status of an acceptance."""
    exchange.take_none()
    exchange.answer(exchange.status, refusal("refused"))


@faults(
    "400 with {}",
    {
        "no body": b"",
        "HTML": b"<html><title>Bad</title></html>",
        "invalid UTF-8": b"\xff\xfe",
        "acceptance": b'{"status": "success"}',
    },
    ALL,
)
def refuses_in_other_words(exchange: Exchange, body: bytes) -> None:
    """Take nothing, and refuse with a body that is not the platform's."""
    exchange.take_none()
    exchange.answer("400 Bad Request", body)


@fault(ALL)
def _401_that_asks_for_a_password(exchange: Exchange) -> None:
    """Take nothing, and ask for other credentials."""
    exchange.take_none()
    exchange.refuse("401 Unauthorized", 'WWW-Authenticate: Basic realm="events"', "Connection: close")
    exchange.close()


_TOO_LARGE = b"<html><head><title>413 Request Entity Too Large</title></head><body>nginx</body></html>"


@fault(ALL)
def _413_for_more_than_one(exchange: Exchange) -> None:
    """Refuse several events together as too large with a proxy's page; take them one by one."""
    if len(exchange.copies) > 1:
        _too_large(exchange)
    else:
        sound(exchange)


@fault(ALL)
def _413_always(exchange: Exchange) -> None:
    """Refuse everything as too large with a proxy's page, and close, as announced."""
    _too_large(exchange, "Connection: close")
    exchange.close()


@fault(ALL)
def _413_for_u2(exchange: Exchange) -> None:
    """Refuse as too large whatever has u2's event in it."""
    if any(copy.user == "u2" for copy in exchange.copies):
        _too_large(exchange)
    else:
        sound(exchange)


@fault(ALL)
def _413_for_three_then_503(exchange: Exchange) -> None:
    """Refuse three events as too large; then each half as too busy, once."""
    if len(exchange.copies) > 2:
        _too_large(exchange)
    elif not exchange.is_known:
        exchange.refuse("503 Service Unavailable")
    else:
        sound(exchange)


@fault(ALL)
def _413_for_three_then_closed(exchange: Exchange) -> None:
    """Refuse three events as too large; then take each half and close without a word."""
    if len(exchange.copies) > 2:
        _too_large(exchange)
    else:
        closed_after_taking(exchange)


def _too_large(exchange: Exchange, *lines: str) -> None:
    exchange.is_cut_up = len(exchange.copies) > 1
    exchange.answer("413 Request Entity Too Large", _TOO_LARGE, *lines)


@faults(
    "429 with Retry-After: {}",
    _same("7", "0", "007", "86400", "-5", "1.5", "soon", "1_0", "", "Fri, 01 Jan 2010 00:00:00 GMT")
    | {"5,000 nines": "9" * 5000},
    FIRST,
)
def too_many_requests(exchange: Exchange, after: str) -> None:
    """Take nothing, and say when to come again."""
    exchange.take_none()
    exchange.refuse("429 Too Many Requests", f"Retry-After: {after}")


@fault(FIRST_TWO)
def _429_until_a_date_7_s_away(exchange: Exchange) -> None:
    """Take nothing, and say to come again 7 seconds after the request's own Date."""
    exchange.take_none()
    date = parsedate_to_datetime(exchange.request.only("Date"))
    exchange.refuse("429 Too Many Requests", f"Retry-After: {formatdate(date.timestamp() + 7, usegmt=True)}")


@fault(ALL, timeout_s=150)
def _429_with_retry_after_a_day_for_a_patient_client(exchange: Exchange) -> None:
    """Take nothing, and say to come again tomorrow."""
    too_many_requests(exchange, "86400")


@fault(FIRST)
def _503_with_retry_after_3(exchange: Exchange) -> None:
    """Take nothing, and say to come again in 3 seconds."""
    exchange.take_none()
    exchange.refuse("503 Service Unavailable", "Retry-After: 3")


@faults(
    "{} after taking",
    {
        "500 with no body": ("500 Internal Server Error", b""),
        "502 with HTML": ("502 Bad Gateway", b"<html><head><title>502 Bad Gateway</title></head></html>"),
        "504 with text": ("504 Gateway Time-out", b"upstream request timeout"),
    },
    FIRST,
    ALL,
)
def fails_after_taking(exchange: Exchange, said: tuple[str, bytes]) -> None:
    """Take the events, and answer with a failure that isn't the platform's."""
    exchange.take()
    exchange.answer(*said)


@faults(
    "500 with {}",
    {
        "another API's JSON": b'{"detail": "Internal Server Error"}',
        "status success": b'{"status": "success"}',
        "status 500": b'{"status": 500, "title": "Internal Server Error"}',
        "an error of null": b'{"error": null}',
        "a list of errors": b'[{"status": "error"}]',
        "half of JSON": b'{"status": "error", "err',
        "100,000 lists in lists": b"[" * 100_000 + b"]" * 100_000,
    },
    ALL,
)
def fails_in_other_words(exchange: Exchange, body: bytes) -> None:
    """Take some of the events, and answer 500 with JSON that isn't the platform's refusal."""
    exchange.take_some()
    exchange.answer("500 Internal Server Error", body)


@faults("{} with an error in text", _same("502 Bad Gateway", "504 Gateway Timeout"), ALL)
def gateway_fails(exchange: Exchange, status: str) -> None:
    """Take some of the events, and answer for somebody else that there is no answer, in JSON of its own."""
    exchange.take_some()
    exchange.answer(status, b'{"error": "upstream timed out"}')


@faults(
    "500 with {}",
    {"the older refusal": b'{"status": "fail", "message": "BAD"}', "a refusal in text": b'{"error": "no"}'},
    FIRST,
    ALL,
)
def fails_and_refuses(exchange: Exchange, body: bytes) -> None:
    """Take nothing, and answer 500 with a refusal such as the platform also gives."""
    exchange.take_none()
    exchange.answer("500 Internal Server Error", body)


@faults(
    "502 after taking, then {}",
    _same("400 Bad Request", "401 Unauthorized", "404 Not Found", "409 Conflict", "429 Too Many Requests"),
    ALL,
)
@faults("502 after taking, then {}", _same("302 Found", "503 Service Unavailable"), ALL)
def taken_then_refused(exchange: Exchange, status: str) -> None:
    """Take the events and answer 502; then refuse them for good: they may be taken all the same."""
    if exchange.turn == 0:
        exchange.take()
        exchange.answer("502 Bad Gateway", b"")
    else:
        exchange.take_none()
        exchange.refuse(status)


@fault(ALL)
def _502_after_taking_then_413(exchange: Exchange) -> None:
    """Take the events and answer 502; then refuse them as too large, however few they are."""
    if exchange.turn == 0:
        exchange.take()
        exchange.answer("502 Bad Gateway", b"")
    else:
        _too_large(exchange)


@fault(ALL)
def _502_after_taking_then_records_of_404(exchange: Exchange) -> None:
    """Take the events and answer 502; then say of each that its user is not known."""
    if exchange.turn == 0:
        exchange.take()
        exchange.answer("502 Bad Gateway", b"")
    else:
        exchange.take_none()
        status = exchange.status if exchange.is_bulk else "404 Not Found"
        exchange.answer(status, exchange.told([_refused(404) for _ in exchange.copies]))


@fault(ALL)
def gzip(exchange: Exchange) -> None:
    """Take the events, and say so in gzip."""
    exchange.take()
    exchange.answer(exchange.status, _gzip(exchange.acceptance), "Content-Encoding: gzip")


@fault(ALL)
def gzip_in_chunks_of_a_byte(exchange: Exchange) -> None:
    """Take the events, and say so in gzip, in chunks of a byte."""
    exchange.take()
    exchange.send(opening(exchange.status, "Content-Encoding: gzip", "Transfer-Encoding: chunked"))
    exchange.send(b"".join(_chunk(b"%c" % byte) for byte in _gzip(exchange.acceptance)) + b"0\r\n\r\n")


@fault(ALL)
def deflate(exchange: Exchange) -> None:
    """Take the events, and say so in deflate."""
    exchange.take()
    exchange.answer(exchange.status, zlib.compress(exchange.acceptance), "Content-Encoding: deflate")


@fault(ALL)
def half_of_gzip(exchange: Exchange) -> None:
    """Take some of the events, and answer with the first half of an acceptance in gzip, whole by its length."""
    exchange.take_some()
    packed = _gzip(exchange.acceptance)
    exchange.answer(exchange.status, packed[: len(packed) // 2], "Content-Encoding: gzip")


@faults("answer announced as {}", _same("gzip", "deflate", "nonsense"), ALL)
def coding_that_is_none(exchange: Exchange, coding: str) -> None:
    """Take some of the events, and answer in a coding that these bytes are not in."""
    exchange.take_some()
    exchange.answer(exchange.status, b"\xfb\xfa\xf9 no such coding", f"Content-Encoding: {coding}")


@faults(
    "{} that nobody asked for",
    {
        "br": b"\x10\x00\x10{}\x03",  # a block that is stored as it is, and the end
        "zstd": b"\x28\xb5\x2f\xfd\x20\x02\x11\x00\x00{}",
    },
    ALL,
)
def coding_not_asked_for(exchange: Exchange, packed: bytes) -> None:
    """Take some of the events, and say nothing, in a coding that some clients know."""
    exchange.take_some()
    coding = "br" if packed.endswith(b"\x03") else "zstd"
    exchange.answer(exchange.status, packed, f"Content-Encoding: {coding}")


@fault(ALL)
def gzip_bomb(exchange: Exchange) -> None:
    """Take the events, and say so in 300 KB of gzip that unpack to 300 MB."""
    exchange.take()
    exchange.answer(exchange.status, _bomb(exchange.acceptance), "Content-Encoding: gzip")


@fault(ALL)
def gzip_bomb_within_gzip(exchange: Exchange) -> None:
    """Take the events, and say so in a few KB of gzip that unpack, in two steps, to 300 MB."""
    exchange.take()
    exchange.answer(exchange.status, _gzip(_bomb(exchange.acceptance)), "Content-Encoding: gzip, gzip")


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(data) + packer.flush()


@cache
def _bomb(data: bytes) -> bytes:
    """Pack 300 MB of white space behind some bytes, and never hold them: a flushed block may stand there many times."""
    packer = zlib.compressobj(9, wbits=31)
    start = packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * 1024 * 1024) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * 300


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _acceptance(exchange: Exchange) -> bytes:
    body = exchange.acceptance
    return opening(exchange.status, f"Content-Length: {len(body)}") + body
