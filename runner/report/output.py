"""Streams, the mask, colours and verbosity: everything that reaches a person or a pipe goes through an `Output`."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO

from runner.errors import MachineError, Problem
from runner.report.problems import as_annotation, as_json, as_text
from runner.report.style import Style, harmless_json
from runner.secrets import Mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Format(StrEnum):
    """What `-o` takes."""

    PRETTY = "pretty"
    JSON = "json"
    JSONL = "jsonl"
    GITHUB = "github"


class Output:
    """Where a command writes: data to stdout, messages to stderr, both through the mask.

    A reader that went away (`runner … | head`) is no failure: what is left goes nowhere. Anything else that a stream
    refuses, such as a full disk, is a MachineError.
    """

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        format_: Format = Format.PRETTY,
        *,
        color: bool | None = None,
        quiet: bool = False,
        verbose: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self.format = format_
        self.quiet = quiet
        self.verbose = verbose
        # JSON has escapes of its own for what a stream's encoding can't say.
        self._ascii = (stdout.encoding or "utf-8").lower().replace("-", "") not in ("utf8", "utf8sig")
        self._mask = Mask()
        self._complained = False
        no_color = bool((environ or {}).get("NO_COLOR")) or (environ or {}).get("TERM") == "dumb"
        self.style = Style(on=stdout.isatty() and not no_color if color is None else color)
        self._message_style = Style(on=stderr.isatty() and not no_color if color is None else color)

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these texts from now on."""
        if fresh := list(secrets):
            self._mask = self._mask.with_values(fresh)

    def data(self, text: str) -> None:
        """Write a piece of what was asked for, and a newline."""
        self._write(self._stdout, self._mask.text(text))

    def script(self, text: str) -> None:
        """Write a script whose data is masked already: masking its own words could break it."""
        self._write(self._stdout, text)

    def json(self, value: object) -> None:
        """Write one JSON document."""
        indent = None if self.format is Format.JSONL else 2
        text = json.dumps(self._mask.texts(value), ensure_ascii=self._ascii, indent=indent)
        self._write(self._stdout, harmless_json(text))

    def masked(self, text: str) -> str:
        """Mask a text that is to be cut: nothing would recognise half a secret afterwards."""
        return self._mask.text(text)

    def masked_body(self, body: bytes) -> str:
        """Give a body as text: to the byte, unless there is a secret in it."""
        value = json.loads(body)
        masked = self._mask.json(value)
        return body.decode() if masked == value else json.dumps(masked, ensure_ascii=False, separators=(",", ":"))

    def body(self, body: bytes, *, indent: bool = False) -> None:
        """Write a body, indented for people or to the byte."""
        if indent:
            value = self._mask.json(json.loads(body))
            text = json.dumps(value, ensure_ascii=self._ascii, indent=2)
        else:
            text = self.masked_body(body)
        self._write(self._stdout, harmless_json(text) if indent or self._stdout.isatty() else text)

    def ask(self, text: str) -> None:
        """Ask a question, on stderr and whatever `-q` says."""
        self._guarded(self._stderr, self._mask.text(text))

    def message(self, text: str) -> None:
        """Tell a person something; nothing with `-q`."""
        if not self.quiet:
            self._write(self._stderr, self._mask.text(text))

    @property
    def has_terminal(self) -> bool:
        """Tell whether a person watches the messages."""
        return self._stderr.isatty()

    def status(self, text: str) -> None:
        """Show the state of long work: in one line that the next one replaces, or as a message; "" takes it away."""
        if self.quiet:
            return
        if self._stderr.isatty():
            self._guarded(self._stderr, f"\r\x1b[K{self._mask.text(text)}")
        elif text:
            self.message(text)

    def detail(self, text: str) -> None:
        """Tell a person something that only `-v` asks for."""
        if self.verbose:
            self._write(self._stderr, self._mask.text(text))

    def complaints(self, problems: Iterable[Problem]) -> None:
        """Show problems beside the data, on stderr. Warnings stay away with `-q`."""
        for problem in problems:
            if problem.severity == "warning" and self.quiet:
                continue
            if self.format is Format.GITHUB:
                self._write(self._stdout, as_annotation(problem, self._mask))
            else:
                between = "\n" if self._complained else ""
                self._write(self._stderr, between + as_text(problem, self._message_style, self._mask))
                self._complained = True

    def findings(self, problems: Iterable[Problem]) -> None:
        """Show problems as the data that was asked for, on stdout."""
        for problem in problems:
            match self.format:
                case Format.GITHUB:
                    self._write(self._stdout, as_annotation(problem, self._mask))
                case Format.JSONL:
                    self.json(as_json(problem))
                case Format.PRETTY if not (self.quiet and problem.severity == "warning"):
                    self._write(self._stdout, as_text(problem, self.style, self._mask) + "\n")
                case _:
                    pass

    def drop(self) -> None:
        """Write no more: the reader went away."""
        _send_nowhere(self._stdout)

    def flush(self) -> None:
        """Make sure that everything has reached the streams."""
        for stream in (self._stdout, self._stderr):
            self._guarded(stream, None)

    def _write(self, stream: TextIO, text: str) -> None:
        self._guarded(stream, text + "\n")

    def _guarded(self, stream: TextIO, text: str | None) -> None:
        try:
            if text is not None:
                stream.write(text)
            stream.flush()
        except BrokenPipeError:
            _send_nowhere(stream)
        except OSError as error:
            raise MachineError(Problem("output-refused", f"can't write the output: {error.strerror}")) from None


def _send_nowhere(stream: TextIO) -> None:
    # Python flushes once more at exit; give it something that takes all.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
