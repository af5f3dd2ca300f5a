"""A file in an object store that must not change while it is read: only bytes of one version are returned."""

from __future__ import annotations

from collections import OrderedDict

from runner.errors import NotFound
from runner.rows.readable_file import ReadableFile
from runner.rows.remote_store import REMOVED, REPLACED, RemoteState, store_of
from runner.rows.stable_file import FileChangedError

BLOCK_BYTES = 1024 * 1024


class RemoteFile(ReadableFile):
    """Reads a file of a store by ranges of `BLOCK_BYTES`, the last `blocks` of which stay in memory.

    Each request names the version that was opened, where the store compares it; else the version is asked for after each
    block. With the `memory` of a file that was open before, it must still be that version. Raises FileChangedError, and the
    errors of `Store`.
    """

    def __init__(self, url: str, memory: RemoteState | None = None, blocks: int = 1) -> None:
        self._url = url
        self._store = store_of(url)
        state, self._file = self._store.open(url)
        self.memory = memory or state
        """What must stay as it is. It can outlive the file."""
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._most_blocks = blocks
        self._compare(state)

    @property
    def size(self) -> int:
        """The size in bytes, when it was first opened."""
        return self.memory.size

    def check(self) -> None:
        """Raise FileChangedError if the store has another version now."""
        try:
            state = self._store.state(self._url)
        except NotFound:
            raise FileChangedError(REMOVED) from None
        self._compare(state)

    def fingerprint(self) -> str:
        """Return a digest of the version and the size, without reading the file."""
        return self.memory.fingerprint()

    def read1(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end."""
        number, offset = divmod(self._position, BLOCK_BYTES)
        if self._position >= self.size:
            return b""
        found = self._block(number)[offset : offset + size]
        self._position += len(found)
        return found

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._blocks[number] = self._read_block(number)
            if len(self._blocks) > self._most_blocks:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _read_block(self, number: int) -> bytes:
        start = number * BLOCK_BYTES
        wanted = min(BLOCK_BYTES, self.size - start)
        block = self._store.read(self._url, self._file, start, wanted)
        if not self._store.compares:
            self.check()
        if len(block) != wanted:
            raise FileChangedError(REPLACED)
        return block

    def _compare(self, state: RemoteState) -> None:
        if state == self.memory:
            return
        before, now = self.memory.size, state.size
        raise FileChangedError(f"{REPLACED}, and has {now:,} bytes, not {before:,}" if now != before else REPLACED)
