"""Bytes of a file → its text in pieces or in whole lines; at most one row and one piece are in memory."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from runner.errors import InvalidInput, Problem
from runner.rows.row import MAX_ROW_CHARS, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PIECE_BYTES = 256 * 1024
_HEAD_BYTES = 4
_SPACE = " \t\r\n"
_SAVE_AS_CSV = "save it as CSV: in Excel as 'CSV UTF-8'"
_NO_TEXT = {
    b"PK\x03\x04": ("an Excel workbook or another zip archive", _SAVE_AS_CSV),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", _SAVE_AS_CSV),
    b"PAR1": ("a Parquet file", "its name must end in .parquet; it can't come through a pipe"),
    b"\x1f\x8b": ("a gzip archive", "a file whose name ends in .gz is decompressed; piped input is not"),
    b"(\xb5/\xfd": ("a Zstandard archive", "decompress it first"),
    b"BZh": ("a bzip2 archive", "decompress it first"),
    b"\xfd7zX": ("an xz archive", "decompress it first"),
}


class Text:
    """The text of a file, read once. `read` takes a number of bytes, and returns b"" at the end.

    Without the start of the file, it begins with a line whose number is `first_line`. Raises InvalidInput for binary files,
    and for text that is not UTF-8.
    """

    def __init__(self, read: Callable[[int], bytes], shown: str, first_line: int = 1) -> None:
        self.shown = shown
        self.first_line = first_line
        self._read = read
        self._cursor = Cursor(first_line)
        self._block: list[str] = []
        self._block_line = first_line
        head = b""
        while len(head) < _HEAD_BYTES and (more := read(_PIECE_BYTES)):
            head += more
        if first_line == 1:
            _check_is_text(head, shown)
        self._head = head if first_line > 1 else head.removeprefix(codecs.BOM_UTF8)
        self._block_offset = len(head) - len(self._head)

    def first_char(self) -> str:
        """Return the first character that is not white space, if it is among the first thousands."""
        while not self._head.lstrip() and len(self._head) < _PIECE_BYTES and (more := self._read(_PIECE_BYTES)):
            self._head += more
        return self._head.lstrip()[:1].decode("utf-8", "replace")

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces. Raises InvalidInput for invalid UTF-8, after the text before it."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        raw = self._head
        while raw:
            try:
                piece = decoder.decode(raw)
            except UnicodeDecodeError as error:
                yield from self._all_before(error)
            else:
                self._cursor.advance(piece)
                yield piece
            raw = self._read(_PIECE_BYTES)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            yield from self._all_before(error)

    def blocks(self) -> Iterator[list[str]]:
        r"""Yield lists of lines with their ends, which are \n, \r\n or \r; the last line may have none.

        Raises InvalidInput also for a line that is longer than a row may be.
        """
        rest: list[str] = []
        size = 0
        for piece in self.pieces():
            # A \r at the end may be the first half of \r\n.
            end = piece.rfind("\n") + 1 or piece.rfind("\r", 0, len(piece) - 1) + 1
            if end:
                yield self._next_block("".join((*rest, piece[:end])))
                rest, size = [], 0
            rest.append(piece[end:])
            size += len(piece) - end
            if size > MAX_ROW_CHARS:
                raise self._too_long()
        yield self._next_block("".join(rest))

    def offset(self, line: int) -> int:
        """Return where a line begins, in bytes from the start: one of the block that was yielded last, or the line after it."""
        return self._block_offset + _bytes("".join(self._block[: line - self._block_line]))

    def _next_block(self, text: str) -> list[str]:
        self._block_offset += _bytes("".join(self._block))
        self._block_line += len(self._block)
        self._block = _lines(text)
        return self._block

    def _too_long(self) -> InvalidInput:
        message = f"a line of more than {MAX_ROW_CHARS:,} characters"
        return InvalidInput(Problem("rows-syntax", message, place(self.shown, self._cursor.line)))

    def _all_before(self, error: UnicodeDecodeError) -> Iterator[str]:
        raw = error.object
        good = raw[: error.start].decode()
        self._cursor.advance(good)
        yield good
        where = place(self.shown, self._cursor.line, self._cursor.column)
        hint = "save the file as UTF-8; in Excel as 'CSV UTF-8'"
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise InvalidInput(Problem("not-utf8", message, where, hint=hint)) from None


class Cursor:
    """Counts lines and columns from 1, as an editor does."""

    def __init__(self, line: int = 1, column: int = 1) -> None:
        self.line = line
        self.column = column
        self._is_in_line_end = False

    def advance(self, text: str) -> None:
        """Advance by a text."""
        if not text:
            return
        ends = text.count("\n")
        last = text.rfind("\n")
        if "\r" in text:
            ends += text.count("\r") - text.count("\r\n")
            last = max(last, text.rfind("\r"))
        if self._is_in_line_end and text[0] == "\n":
            ends -= 1
        self.line += ends
        self.column = self.column + len(text) if last < 0 else len(text) - last
        self._is_in_line_end = text[-1] == "\r"


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _lines(text: str) -> list[str]:
    return list(
        io.StringIO(text, newline="")
    )  # str.splitlines splits at characters that other readers do not take for line ends


def _check_is_text(head: bytes, shown: str) -> None:
    for magic, (what, hint) in _NO_TEXT.items():
        if head.startswith(magic):
            raise InvalidInput(Problem("rows-format", f"{shown} is {what}", hint=hint))
    if (encoding := _wide_encoding(head)) is not None:
        message = f"the file is {encoding}, not UTF-8"
        hint = f"save it as UTF-8, in Excel as 'CSV UTF-8'; or: iconv -f {encoding} -t UTF-8"
        raise InvalidInput(Problem("not-utf8", message, place(shown, 1), hint=hint))


def _wide_encoding(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    zeros = bytes(byte == 0 for byte in head[:_HEAD_BYTES])
    return {b"\0\1\0\1": "UTF-16LE", b"\1\0\1\0": "UTF-16BE"}.get(zeros)
