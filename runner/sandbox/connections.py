"""Limits for the number and duration of connections, since clients may be slow, silent or hostile.

uvicorn limits only the time between two requests, and the number of requests but not of connections: clients that connect
and send nothing, or a byte a second, would use up all descriptors of the process.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from types import FrameType

    from starlette.requests import Request
    from starlette.types import Scope

MAX_CONNECTIONS = 1024
ACCEPTED_AT_ONCE = 32
"""New connections that are accepted before others are closed to make room for them."""
QUEUE = 256
"""New connections that wait to be accepted."""
HEAD_S = 10.0
BODY_S = 10.0
ANSWER_S = 60.0
"""Time to receive an answer; it is long, because people read events through a pager."""
BEHIND_S = 1.0
"""If the server is this late itself, it does not close connections for being late."""
LINGER_S = 2.0
"""Time for a client that is still sending; closing at once would lose the refusal."""
GRACE_S = 1.0
"""Time for the answers that are under way when the server stops."""
_LOOK_EVERY_S = 0.005
_DATE_EVERY_S = 1.0
_ROUNDS = 4
"""It takes the event loop as many rounds to close a connection for a new one."""
_Phase = Literal["head", "body", "answer", "refused"]
_LIMITS_S: dict[_Phase, float] = {"head": HEAD_S, "body": BODY_S, "answer": ANSWER_S, "refused": LINGER_S}
_CONNECTION = "runner.connection"
_NOT_ANSWERED = (h11.IDLE, h11.SEND_RESPONSE)
_logger = logging.getLogger("runner.sandbox")
_logger.setLevel(logging.ERROR)  # faults of clients are reported to the client


def most_connections() -> int:
    """Return the limit for open connections, from the limit of descriptors of the process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 0:  # no limit
        return MAX_CONNECTIONS
    return max(ACCEPTED_AT_ONCE, min(MAX_CONNECTIONS, soft - soft // 4 - _ROUNDS * ACCEPTED_AT_ONCE))


def connection_of(scope: Scope) -> TimedConnection:
    """Return the connection of a request."""
    connection: TimedConnection = scope[_CONNECTION]
    return connection


def answers_for(request: Request, seconds: float | None) -> None:
    """Allow the answer of a request to take `seconds` more; None for an answer that never ends."""
    connection = request.scope.get(_CONNECTION)
    if connection is not None:
        connection.extend(seconds)


class TimedServer(uvicorn.Server):
    """A server whose listen queue is longer than the number that it accepts at once, and which stops without delay.

    uvicorn looks ten times a second whether it is to stop, and whether its connections are closed.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Stop serving, or do not start; for any thread."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has stopped already
                self._loop.call_soon_threadsafe(self._stopping.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop serving by a signal; a second Ctrl-C does not wait for answers that are under way."""
        super().handle_exit(sig, frame)
        self.stop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving."""
        await super().startup(sockets)
        for listening in sockets or []:
            listening.listen(QUEUE)
        if self.should_exit:  # it was stopped meanwhile: older versions of uvicorn would end without closing anything
            await self.shutdown(sockets)

    async def main_loop(self) -> None:
        """Serve until it is stopped."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):  # which keeps the date of answers
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _DATE_EVERY_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving; requests that wait for events end first."""
        self.config.loaded_app.state.end()
        loop = asyncio.get_running_loop()
        for server in self.servers:
            for accepting in server.sockets:
                loop.remove_reader(accepting.fileno())
        await _rounds()  # a connection that was accepted, and is not made before the server closes, would stay open
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        state = self.server_state
        for connection in tuple(state.connections):
            connection.shutdown()
        await _rounds()  # in which idle connections are closed
        until_s = loop.time() + GRACE_S + LINGER_S
        loop.call_later(GRACE_S, self._cancel_rest)
        while (state.connections or state.tasks) and not self.force_exit and loop.time() < until_s:  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(_LOOK_EVERY_S)
        for connection in tuple(state.connections):
            connection.transport.abort()
        await _rounds()

    def _cancel_rest(self) -> None:
        """Cancel the requests that are still being answered."""
        for task in self.server_state.tasks:
            task.cancel()


async def _rounds() -> None:
    """Let the event loop make or close a connection, which takes it some rounds."""
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


class TimedConnection(H11Protocol):
    """A connection whose client has `HEAD_S` for the head of a request, `BODY_S` for its body, `ANSWER_S` to take the answer.

    The times are totals, however often a byte arrives. Beyond `most_connections`, a new connection replaces the one that has
    kept the server waiting for the longest time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _logger
        self._phase: _Phase | None = None
        self._of: object = None
        self._since_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

        app = self.app

        async def with_connection(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app({**scope, _CONNECTION: self}, receive, send)
            except asyncio.CancelledError:  # the server stops
                self.end(reset=False)

        self.app = with_connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        """Start waiting for the first request."""
        super().connection_made(transport)
        self._watch()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Process received bytes; after a refusal, ignore them."""
        if self._phase != "refused":
            super().data_received(data)
            self._watch()

    def on_response_complete(self) -> None:
        """Start waiting for the next request."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse("400 Bad Request", msg)

    def write(self, data: bytes) -> bool:
        """Send bytes in place of an answer of HTTP, and return whether the client is still there. The connection must end then."""
        if self.transport.is_closing():
            return False
        self._take_over()
        self.transport.write(data)
        return True

    def end(self, *, reset: bool) -> None:
        """Close the connection, or reset it, without an answer."""
        self._take_over()
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()
        else:
            self.transport.close()

    def _take_over(self) -> None:
        """Keep uvicorn from answering the current request."""
        cycle: Any = self.cycle
        cycle.disconnected = True
        cycle.message_event.set()

    def extend(self, seconds: float | None) -> None:
        """Allow the current answer to take `seconds` more; None for one that never ends."""
        if self._timer is not None:
            self._timer.cancel()
        if seconds is not None:
            self._start_timer(ANSWER_S + seconds)

    def _watch(self) -> None:
        """Start the clock of a phase when it begins."""
        cycle: Any = self.cycle  # None before the first request, which uvicorn's type does not say
        if self._phase == "refused":
            return
        if cycle is None:
            self._enter("head", cycle)
        elif cycle.more_body and not cycle.response_complete:
            self._enter("body", cycle)
        else:
            self._enter("answer" if not cycle.response_complete or self._owes else "head", cycle)

    def _enter(self, phase: _Phase, cycle: object) -> None:
        if (phase, cycle) == (self._phase, self._of):
            return
        self._phase, self._of = phase, cycle
        self._since_s = self.loop.time()
        self._start_timer(_LIMITS_S[phase])

    def _start_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        until_s = self.loop.time() + seconds
        self._timer = self.loop.call_at(until_s, self._expire, until_s, seconds)

    def _expire(self, until_s: float, seconds: float) -> None:
        if self.loop.time() > until_s + BEHIND_S:
            self._start_timer(seconds)
            return
        is_half_sent = bool(self.conn.trailing_data[0]) if self._phase == "head" else self._phase == "body"
        if is_half_sent and not self._owes:
            self._refuse("408 Request Timeout", "The request took too long.")
        else:
            self.transport.abort()

    def _refuse(self, status: str, message: str) -> None:
        """Answer an incomplete request, unless an answer has begun, and close the connection."""
        cycle: Any = self.cycle
        if self.conn.our_state not in _NOT_ANSWERED:
            self.transport.close()
            return
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # the application must not answer it any more
            cycle.message_event.set()
        self.transport.write(
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(message)}\r\n"
            f"Connection: close\r\n\r\n{message}".encode()
        )
        self.transport.write_eof()
        self._enter("refused", cycle)

    @property
    def _owes(self) -> bool:
        """Whether the client has not received all of an answer yet."""
        return self.transport.get_write_buffer_size() > 0

    def _make_room(self) -> None:
        if len(self.connections) <= (most := most_connections()):
            return
        waiting = [
            each for each in self.connections if isinstance(each, TimedConnection) and not each.transport.is_closing()
        ]
        if len(waiting) > most:
            idle = (each for each in waiting if each is not self and each.keeps_waiting)
            min(idle, key=lambda each: each.patience, default=self).transport.abort()

    @property
    def keeps_waiting(self) -> bool:
        """Whether the server is waiting for the client."""
        return self._phase != "answer" or self._owes

    @property
    def patience(self) -> tuple[bool, float]:
        """Return the sort key for closing: first clients without any request, then the longest waiting ones."""
        return self.cycle is not None, self._since_s
