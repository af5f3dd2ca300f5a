"""Counts events that share an idempotency key, for any number of events in little memory."""

from __future__ import annotations

from array import array
from contextlib import nullcontext, suppress
from hashlib import blake2b
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from io import FileIO

_DIGEST_BYTES = 8
"""Bytes of a digest: among ten million keys, a collision happens in one of 400,000 runs."""
_GROUPS = 256
_HELD_BYTES = 1024 * 1024


_EMPTY = blake2b(digest_size=_DIGEST_BYTES)


def digest_of(key: str) -> bytes:
    """Return the digest of a key."""
    digest = _EMPTY.copy()
    digest.update(key.encode())
    return digest.digest()


class _Extent(NamedTuple):
    offset: int
    size: int


class KeyCount:
    """The digests of all keys so far: at most 1 MiB of them in memory, the others in an unnamed temporary file."""

    def __init__(self) -> None:
        # Equal keys are in the same group, so the groups can be counted separately.
        self._groups = [array("Q") for _ in range(_GROUPS)]
        self._extents: list[list[_Extent]] = [[] for _ in range(_GROUPS)]
        self._held_bytes = 0
        self._file: FileIO | None = None

    def add(self, digests: bytes) -> None:
        """Add concatenated digests."""
        groups = self._groups
        for digest in array("Q", digests):
            groups[digest % _GROUPS].append(digest)
        self._held_bytes += len(digests)
        if self._held_bytes > _HELD_BYTES:
            with suppress(OSError):  # if the disk is full, the digests stay in memory
                self._put_away()

    def close(self) -> int:
        """Return the number of digests that occurred before, and discard all."""
        count = 0
        with self._file or nullcontext():
            for held, extents in zip(self._groups, self._extents, strict=True):
                for offset, size in extents:
                    if self._file is not None:
                        self._file.seek(offset)
                        held.frombytes(self._file.read(size))
                count += len(held) - len(set(held))
        return count

    def _put_away(self) -> None:
        if self._file is None:
            # Unbuffered, because a buffer would repeat a failed write when the file is read or closed.
            self._file = TemporaryFile(prefix="runner-", buffering=0)  # noqa: SIM115 - lives as long as the count
        for group, extents in zip(self._groups, self._extents, strict=True):
            offset, size = self._file.seek(0, 2), len(group) * _DIGEST_BYTES
            if self._file.write(group) < size:
                return
            extents.append(_Extent(offset, size))
            self._held_bytes -= size
            del group[:]
