"""Counts events whose idempotency key another event has too: of any number of events, in little memory."""

from __future__ import annotations

from array import array
from contextlib import nullcontext, suppress
from hashlib import blake2b
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from io import FileIO

_DIGEST_BYTES = 8
"""Of ten million keys, two different ones have the same digest once in 400,000 runs."""
_GROUPS = 64
_HELD_BYTES = 1024 * 1024


def digest_of(key: bytes) -> bytes:
    """Return the digest by which a key is told from others."""
    return blake2b(key, digest_size=_DIGEST_BYTES).digest()


class _Extent(NamedTuple):
    offset: int
    size: int


class KeyCount:
    """The digests of the keys that were seen. In memory are the latest, at most 1 MiB of them, the others in a file without a name."""

    def __init__(self) -> None:
        # The same key is always in the same group, so groups are counted one after the other.
        self._groups = [bytearray() for _ in range(_GROUPS)]
        self._extents: list[list[_Extent]] = [[] for _ in range(_GROUPS)]
        self._held_bytes = 0
        self._file: FileIO | None = None

    def add(self, digests: bytes) -> None:
        """Take digests, one behind the other."""
        for at in range(0, len(digests), _DIGEST_BYTES):
            self._groups[digests[at] % _GROUPS] += digests[at : at + _DIGEST_BYTES]
        self._held_bytes += len(digests)
        if self._held_bytes > _HELD_BYTES:
            with suppress(OSError):  # what a full disk does not take stays in memory
                self._put_away()

    def close(self) -> int:
        """Count those whose key was there already, and let go of them all."""
        count = 0
        with self._file or nullcontext():
            for held, extents in zip(self._groups, self._extents, strict=True):
                digests = array("Q", bytes(held))
                for offset, size in extents:
                    if self._file is not None:
                        self._file.seek(offset)
                        digests.frombytes(self._file.read(size))
                count += len(digests) - len(set(digests))
        return count

    def _put_away(self) -> None:
        if self._file is None:
            # Without a buffer: what a full disk refused would be written once more when the file is read or closed.
            self._file = TemporaryFile(prefix="runner-", buffering=0)  # noqa: SIM115 - lives as long as the count
        for group, extents in zip(self._groups, self._extents, strict=True):
            offset = self._file.seek(0, 2)
            if self._file.write(group) < len(group):
                return
            extents.append(_Extent(offset, len(group)))
            self._held_bytes -= len(group)
            group.clear()
