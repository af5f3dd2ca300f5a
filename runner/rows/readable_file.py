"""What libraries need of a file that is read at any position, by its pieces."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod


class ReadableFile(ABC):
    """A file that must not change while it is read. Its methods raise FileChangedError."""

    closed = False
    _position = 0

    @property
    @abstractmethod
    def size(self) -> int:
        """The size in bytes."""

    @abstractmethod
    def read1(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end."""

    @abstractmethod
    def check(self) -> None:
        """Raise FileChangedError if the file has changed."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a digest that another content does not have, in hexadecimal. The position does not change."""

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, or all up to the end."""
        left = self.size - self._position if size < 0 else size
        pieces = []
        while left > 0 and (piece := self.read1(left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
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
