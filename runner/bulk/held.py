"""A file that is held to what it was when it was opened: no byte is given that may be another one by now."""

from __future__ import annotations

import os
from array import array
from hashlib import sha256
from typing import NamedTuple

BLOCK_BYTES = 256 * 1024


class FileChangedError(Exception):
    """A file is not what it was when it was opened. The text says what happened to it, as `it was …`."""


class HeldFile:
    """Reads a regular file from where a descriptor stands, block by block. The descriptor stays its owner's.

    After each block, and before any of it is given, the file's size and time are compared with those at the beginning;
    so they are at the end of the file. A block that is read a second time must have the same bytes again. After
    `fingerprint`, every byte that is read is one that was digested, also if the file's time was set back.

    Replacing or removing the file under its name changes nothing here: the descriptor still has the old one.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._begun = _State.of(descriptor)
        self._position = os.lseek(descriptor, 0, os.SEEK_CUR)
        self._digests = array("q", bytes(8 * (self._begun.size // BLOCK_BYTES + 1)))
        """Of each block, as far as it was read; 0 where it was not."""
        self._block = b""
        self._block_number = -1

    def check(self) -> None:
        """Raise FileChangedError if the file is not what it was."""
        now = _State.of(self._descriptor)
        if now != self._begun:
            raise FileChangedError(_change(self._begun, now))

    def fingerprint(self) -> str:
        """Return the SHA-256 of the whole file, in hexadecimal; where it is read next stays as it is."""
        digest = sha256()
        for number in range(-(-self._begun.size // BLOCK_BYTES)):
            digest.update(self._read_block(number))
        self.check()
        return digest.hexdigest()

    def read1(self, size: int) -> bytes:
        """Return some bytes, at most so many; none at the end."""
        number, offset = divmod(self._position, BLOCK_BYTES)
        if self._position >= self._begun.size:
            goes_on = os.pread(self._descriptor, 1, self._position)
            self.check()
            if goes_on:
                raise FileChangedError(_OVERWRITTEN)
            return b""
        if number != self._block_number:
            self._block, self._block_number = self._read_block(number), number
        found = self._block[offset : offset + size]
        self._position += len(found)
        return found

    # What else libraries ask of a file

    closed = False

    def read(self, size: int = -1) -> bytes:
        """Return as many bytes, or all that are left before the end."""
        left = self._begun.size - self._position if size < 0 else size
        pieces = []
        while left > 0 and (piece := self.read1(left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._begun.size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readable(self) -> bool:
        """Return whether it can be read."""
        return True

    def seekable(self) -> bool:
        """Return whether any position can be read."""
        return True

    def _read_block(self, number: int) -> bytes:
        start = number * BLOCK_BYTES
        left = min(BLOCK_BYTES, self._begun.size - start)
        pieces = []
        while left and (piece := os.pread(self._descriptor, left, start)):
            pieces.append(piece)
            start += len(piece)
            left -= len(piece)
        self.check()
        block = b"".join(pieces)
        digest = hash(block) or 1
        if left or self._digests[number] not in (0, digest):
            raise FileChangedError(_OVERWRITTEN)
        self._digests[number] = digest
        return block


class _State(NamedTuple):
    """What is looked at. The time of the last change of any kind is not: a file that is replaced has a new one."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, descriptor: int) -> _State:
        stat = os.fstat(descriptor)
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)


_OVERWRITTEN = "it was written to"


def _change(begun: _State, now: _State) -> str:
    if now.size == begun.size:
        return _OVERWRITTEN
    verb = "was cut" if now.size < begun.size else "grew"
    return f"it {verb} from {begun.size:,} to {now.size:,} bytes"
