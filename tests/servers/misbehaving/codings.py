"""Content codings: gzip, deflate, wrong ones and bombs."""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING

from tests.servers.misbehaving.answers import chunk, opening
from tests.servers.misbehaving.fault import ALL, fault, faults, same

if TYPE_CHECKING:
    from tests.servers.misbehaving.exchange import Exchange


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
    exchange.send(b"".join(chunk(b"%c" % byte) for byte in _gzip(exchange.acceptance)) + b"0\r\n\r\n")


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


@faults("answer announced as {}", same("gzip", "deflate", "nonsense"), ALL)
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
