"""A file that must not change while it is open: no changed byte is returned."""

from __future__ import annotations

import os
from array import array
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runner.rows.readable_file import ReadableFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.rows.remote_store import RemoteState

BLOCK_BYTES = 256 * 1024


class FileChangedError(Exception):
    """A file has changed since it was opened. The text says how: `it was …`. `file` is its name, if it is one of several."""

    def __init__(self, change: str, file: str | None = None) -> None:
        super().__init__(change)
        self.file = file


class Unchanging(Protocol):
    """Files that must not change. Both methods raise FileChangedError."""

    @property
    def memory(self) -> Memory | RemoteState | None:
        """What a single file is, to compare it when it is opened again."""
        ...

    def check(self) -> None:
        """Check that nothing has changed."""
        ...

    def fingerprint(self) -> str:
        """Return the SHA-256 of each file, in hexadecimal, separated by spaces."""
        ...


class StableFile(ReadableFile):
    """Reads a regular file block by block, from the current position of a descriptor, which it does not close.

    After each block and at the end of the file, its size and modification time are compared with those at the beginning. A
    block that is read twice must have the same bytes. After `fingerprint`, only digested bytes are returned, even if the
    modification time was reset.

    Replacing or removing the file under its name has no effect: the descriptor still refers to the old one.

    With the `memory` of a file that was open before, it must be the same file: it is compared with what it was then.
    Raises FileChangedError.
    """

    def __init__(self, descriptor: int, memory: Memory | None = None) -> None:
        self._descriptor = descriptor
        state = _State.of(descriptor)
        self.memory = memory or Memory(state, array("q", bytes(8 * (state.size // BLOCK_BYTES + 1))))
        """What must stay as it is. It can outlive the descriptor."""
        self._begun, self._digests = self.memory
        self._position = os.lseek(descriptor, 0, os.SEEK_CUR)
        self._block = b""
        self._block_number = -1
        if state != self._begun:
            raise FileChangedError(_change(self._begun, state))

    @property
    def size(self) -> int:
        """The size in bytes, at the beginning."""
        return self._begun.size

    def check(self) -> None:
        """Raise FileChangedError if the file has changed."""
        now = _State.of(self._descriptor)
        if now != self._begun:
            raise FileChangedError(_change(self._begun, now))

    def fingerprint(self) -> str:
        """Return the SHA-256 of the whole file, in hexadecimal. The position does not change."""
        digest = sha256()
        for number in range(-(-self._begun.size // BLOCK_BYTES)):
            digest.update(self._read_block(number))
        self.check()
        return digest.hexdigest()

    def read1(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end."""
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


class StableFiles:
    """Files that another library reads by their paths, and that must still be what they were. `memories` are theirs."""

    def __init__(self, memories: Sequence[tuple[str, Memory]]) -> None:
        self._memories = memories
        self.memory: Memory | None = None

    def check(self) -> None:
        """Raise FileChangedError if a file has changed."""
        for path, memory in self._memories:
            now = _State.at(path)
            if now != memory.state:
                raise FileChangedError(_change(memory.state, now), path)

    def fingerprint(self) -> str:
        """Return the SHA-256 of each file, in hexadecimal, separated by spaces."""
        digests = []
        for path, memory in self._memories:
            try:
                with Path(path).open("rb", buffering=0) as file:
                    digests.append(StableFile(file.fileno(), memory).fingerprint())
            except FileChangedError as error:
                raise FileChangedError(str(error), path) from None
        return " ".join(digests)


class _State(NamedTuple):
    """The compared properties of a file. The change time is not one: replacing the file under its name changes it."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, descriptor: int) -> _State:
        return cls._of(os.fstat(descriptor))

    @classmethod
    def at(cls, path: str) -> _State:
        return cls._of(os.stat(path))  # noqa: PTH116 - thousands of them

    @classmethod
    def _of(cls, stat: os.stat_result) -> _State:
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)


class Memory(NamedTuple):
    """What a file was when it was first opened, and the digest of each block that was read, 0 for the others."""

    state: _State
    digests: array[int]


_OVERWRITTEN = "it was written to"


def _change(begun: _State, now: _State) -> str:
    if (now.device, now.inode) != (begun.device, begun.inode):
        return "it was replaced"
    if now.size == begun.size:
        return _OVERWRITTEN
    verb = "was cut" if now.size < begun.size else "grew"
    return f"it {verb} from {begun.size:,} to {now.size:,} bytes"
