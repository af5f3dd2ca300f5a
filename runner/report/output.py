"""Streams, the mask, colors and verbosity: everything that a command prints goes through an `Output`."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from functools import partial
from itertools import islice
from stat import S_ISREG
from typing import TYPE_CHECKING, TextIO, assert_never, cast

from runner.errors import ExitCode, InvalidInput, MachineError, Problem, RunnerError
from runner.report.format import Format
from runner.report.lent import Lent
from runner.report.problems import as_json, as_text
from runner.report.style import Style, harmless_json, has_utf8, json_without_commands, without_commands, written
from runner.secrets import Mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Output:
    """Where a command writes: data to stdout, messages to stderr, both through the mask.

    This is the boundary at which text becomes harmless. In text, only our colors and line ends affect a terminal. In a
    workflow on GitHub, only our annotations are lines that the workflow runs as commands. JSON is escaped, and stays the
    same value. Rows are printed exactly; a row that a workflow would run as a command raises InvalidInput.

    A reader that goes away (`runner … | head`) is not a failure: the rest is discarded. Anything else that a stream
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
        self._mask = Mask()
        self._complained = False
        self._status = ""
        self.is_for_workflow = format_ is Format.GITHUB or (environ or {}).get("GITHUB_ACTIONS") == "true"
        """Whether a workflow on GitHub reads the output, and runs the commands in it."""
        self.workspace = (environ or {}).get("GITHUB_WORKSPACE")
        """The checkout of a workflow on GitHub, which knows files by their paths in it."""
        self.has_data = False
        """Whether something was written to stdout."""
        self.has_reader = True
        """Whether stdout still has a reader."""
        self.has_utf8 = has_utf8(environ or {})
        """Whether a terminal shows more than ASCII."""
        no_color = bool((environ or {}).get("NO_COLOR")) or (environ or {}).get("TERM") == "dumb"
        self.style = Style(on=stdout.isatty() and not no_color if color is None else color)
        self.message_style = Style(on=stderr.isatty() and not no_color if color is None else color)

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these texts from now on."""
        if fresh := list(secrets):
            self._mask = self._mask.with_values(fresh)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The masked texts, for other writers of the same data."""
        return self._mask.values

    @contextmanager
    def hiding(self, secrets: Iterable[str]) -> Iterator[None]:
        """Mask these texts too, within the block: a mask must not grow with each row of a file."""
        before = self._mask
        self.hide(secrets)
        try:
            yield
        finally:
            self._mask = before

    def data(self, text: str) -> None:
        """Write data, and a newline."""
        self._write(self._stdout, self._mask.text(text))

    def script(self, text: str) -> None:
        """Write a script whose data is masked JSON in quotes: a mask over its own words could break it."""
        self._exact(self._stdout, self._harmless_json(text))

    def json(self, value: object) -> None:
        """Write one JSON document."""
        indent = None if self.format is Format.JSONL else 2
        text = json.dumps(self._mask.texts(value), ensure_ascii=False, indent=indent)
        self._exact(self._stdout, json_without_commands(harmless_json(text)))

    def items(self, name: str, items: Iterable[object], of: Mapping[str, object] | None = None) -> None:
        """Write items as JSON: one document with all of them at `name`, or with `-o jsonl` a line for each.

        `of` is what the items belong to: the rest of the document, or the line before theirs.
        """
        if self.format is Format.JSON:
            self.json({**(of or {}), name: list(items)})
            return
        for item in (*([of] if of else ()), *items):
            self.json(item)

    def long_json(self, head: Mapping[str, object], name: str, items: Iterable[object]) -> None:
        """Write as `items` does, in memory that does not grow with the number of items."""
        if self.format is Format.JSONL:
            self.json(head)
            for item in items:
                if not self.has_reader:
                    break
                self.json(item)
            return
        begun = json.dumps(self._mask.texts(head), ensure_ascii=False, indent=2)
        self._guarded(self._stdout, f'{harmless_json(begun).removesuffix("}").rstrip()},\n  "{name}": [')
        between, rest = "\n    ", ",\n    "
        texts = (json.dumps(self._mask.texts(item), ensure_ascii=False) for item in items)
        is_empty = True
        while self.has_reader and (page := list(islice(texts, _PAGE))):
            self._guarded(self._stdout, harmless_json(between + rest.join(page)))
            between, is_empty = rest, False
        end = "]" if is_empty else "\n  ]"
        self._guarded(self._stdout, f"{end}\n}}\n")

    def masked(self, text: str) -> str:
        """Mask a text before it is escaped or laid out: a secret could not be found afterwards."""
        return self._mask.text(text)

    def cut(self, text: str, most: int) -> str:
        """Mask a text, and cut it."""
        return self._mask.cut(text, most)

    def masked_data(self, text: str) -> str:
        """Mask a text that is data of an event."""
        return self._mask.data(text)

    def annotation_of(self, problem: Problem) -> str:
        """Return a problem as an annotation, masked before it is cut and escaped."""
        from runner.report.github_annotation import as_annotation  # noqa: PLC0415 - only a workflow needs it

        return as_annotation(problem, self._mask, self.workspace)

    def masked_body(self, body: bytes) -> str:
        """Return a body as text: exactly, unless it contains a secret."""
        value = json.loads(body)
        masked = self._mask.json(value)
        return body.decode() if masked == value else json.dumps(masked, ensure_ascii=False, separators=(",", ":"))

    def body(self, body: bytes, *, indent: bool = False) -> None:
        """Write a body, indented or exactly."""
        self._exact(self._stdout, self.body_text(body, indent=indent))

    def body_text(self, body: bytes, *, indent: bool = False) -> str:
        """Return a body as it is printed: masked, and on a terminal without control characters."""
        if indent:
            value = self._mask.json(json.loads(body))
            text = json.dumps(value, ensure_ascii=False, indent=2)
        else:
            text = self.masked_body(body)
        return harmless_json(self._harmless_json(text)) if indent else self._harmless_json(text)

    def stream(self, texts: Iterable[str]) -> ExitCode:
        """Write masked texts one by one, until the reader goes away: lines, or with `-o json` the items of one array.

        A RunnerError that ends them is reported on stderr: stdout must stay one document. Return the exit code.
        """
        broken: list[RunnerError] = []
        lines = _until_broken(map(self._not_obeyed, texts), broken)
        for line in _array(lines) if self.format is Format.JSON else lines:
            self._exact(self._stdout, written(line) if self._stdout.isatty() else line)
            if not self.has_reader:
                break
        for error in broken:
            self.complaints(error.problems)
        return broken[0].exit_code if broken else ExitCode.OK

    def row_text(self, row: object) -> str:
        """Return a row as a line of JSON, to be sent again. It is not masked: rows with secrets are not printed."""
        return self._harmless_json(json.dumps(row, ensure_ascii=False))

    def ask(self, text: str) -> None:
        """Ask a question on stderr, also with `-q`."""
        self.status("")
        self._guarded(self._stderr, self._harmless(self._mask.text(text)))

    def message(self, text: str) -> None:
        """Write a message on stderr, but not with `-q`."""
        if not self.quiet:
            status = self._status
            self._write(self._stderr, self._mask.text(text))
            if status:
                self.status(status)

    def announce(self, text: str) -> None:
        """Write a message on stderr, also with `-q`, because without it the command is of no use."""
        self._write(self._stderr, self._mask.text(text))

    def json_line(self, line: str) -> None:
        """Write a line of JSON on stderr, also with -q."""
        self._write(self._stderr, self._mask.text(line))

    @property
    def has_terminal(self) -> bool:
        """Return whether stderr is a terminal."""
        return self._stderr.isatty()

    @property
    def data_columns(self) -> int | None:
        """Return the width of the terminal that stdout is; None if it is not one."""
        return _columns(self._stdout) if self._stdout.isatty() else None

    def status(self, text: str) -> None:
        """Show progress: on a terminal in one line that the next call replaces, otherwise as a message; "" removes it.

        On a terminal, a message appears above the line. All other output removes the line until the next call: there may
        be none.
        """
        if self.quiet:
            return
        if not self.has_terminal:
            if text:
                self.message(text)
        elif text or self._status:
            # A line that is wrapped can't be replaced.
            self._status = self._harmless(self._mask.text(text))[: _columns(self._stderr) - 1]
            self._guarded(self._stderr, f"\r\x1b[K{self._status}")

    def detail(self, text: str) -> None:
        """Write a message on stderr with `-v`."""
        if self.verbose:
            self._write(self._stderr, self._mask.text(text))

    def complaints(self, problems: Iterable[Problem]) -> None:
        """Show problems on stderr; with `-q` without warnings."""
        for problem in problems:
            if self.quiet and problem.severity != "error":
                continue
            if self.format is Format.GITHUB:
                self.annotation(self.annotation_of(problem))
            else:
                between = "\n" if self._complained else ""
                self._write(self._stderr, between + as_text(problem, self.message_style, self._mask))
                self._complained = True

    def findings(self, problems: Iterable[Problem]) -> None:
        """Show problems as data, on stdout."""
        for problem in problems:
            match self.format:
                case Format.GITHUB:
                    self.annotation(self.annotation_of(problem))
                case Format.JSONL:
                    self.json(as_json(problem))
                case Format.PRETTY:
                    if not (self.quiet and problem.severity != "error"):
                        self._write(self._stdout, as_text(problem, self.style, self._mask) + "\n")
                case Format.JSON | Format.SARIF:  # the command's document has them
                    pass
                case _:
                    assert_never(self.format)

    def annotation(self, command: str) -> None:
        """Write an annotation for a workflow's log: on stdout, or on stderr if stdout has a document."""
        beside = self.format in (Format.JSON, Format.JSONL)
        if not (beside and self.quiet):
            self._exact(self._stderr if beside else self._stdout, self._mask.text(command))

    def lent(self) -> tuple[TextIO, TextIO]:
        """Return stdout and stderr for a program in this process: its text becomes harmless on the way."""
        streams = (self._stdout, self._stderr)
        lent = (Lent(each, partial(self._guarded, each), is_for_workflow=self.is_for_workflow) for each in streams)
        stdout, stderr = (cast("TextIO", stream) for stream in lent)
        return stdout, stderr

    def drop(self) -> None:
        """Discard all further output: the reader went away."""
        _send_nowhere(self._stdout)

    def flush(self) -> None:
        """Flush both streams."""
        for stream in (self._stdout, self._stderr):
            self._guarded(stream, None)

    def _write(self, stream: TextIO, text: str) -> None:
        self._exact(stream, self._harmless(text))

    def _exact(self, stream: TextIO, text: str) -> None:
        if self._status:
            self.status("")
        self._guarded(stream, text + "\n")

    def _harmless(self, text: str) -> str:
        text = written(text)
        return without_commands(text) if self.is_for_workflow else text

    def _harmless_json(self, text: str) -> str:
        """Return JSON that neither a terminal nor a workflow acts on; it stays the same value, and mostly the same bytes."""
        if self.is_for_workflow:
            return json_without_commands(harmless_json(text))
        return harmless_json(text) if self._stdout.isatty() else text

    def _not_obeyed(self, line: str) -> str:
        """Return a line that must stay exact. Raise InvalidInput if a workflow would run it as a command.

        A pipe may lead to a workflow's log or to another program: there is no way to know. `::stop-commands::` would be one
        more row on stdout; on stderr, which GitHub's runner handles first, it is over before the rows come.
        """
        if self.is_for_workflow and without_commands(line) != line and not self._goes_to_file():
            message = "a row would be taken for a command of the workflow: it holds ##[, or a line that begins with ::"
            hint = "write the rows to a file: > FILE; or as JSON: -o jsonl"
            raise InvalidInput(Problem("workflow-command", message, hint=hint))
        return line

    def _goes_to_file(self) -> bool:
        try:
            return S_ISREG(os.fstat(self._stdout.fileno()).st_mode)
        except OSError:
            return False

    def _guarded(self, stream: TextIO, text: str | None) -> None:
        try:
            if text is not None:
                self.has_data = self.has_data or stream is self._stdout
                stream.write(text)
            stream.flush()
        except BrokenPipeError:
            if stream is self._stdout:
                self.has_reader = False
            _send_nowhere(stream)
        except OSError as error:
            raise MachineError(Problem("output-refused", f"can't write the output: {error.strerror}")) from None


_PAGE = 1000
"""The number of items that are written at once."""


def _until_broken(texts: Iterable[str], broken: list[RunnerError]) -> Iterator[str]:
    try:
        yield from texts
    except RunnerError as error:
        broken.append(error)


def _array(items: Iterable[str]) -> Iterator[str]:
    """Yield the lines of an array, item by item: there may be any number of them."""
    yield "["
    latest = None
    for item in items:
        if latest is not None:
            yield f"{latest},"
        latest = item
    if latest is not None:
        yield latest
    yield "]"


def _columns(terminal: TextIO) -> int:
    """Return the width of a terminal; without one, more than any line has."""
    try:
        return os.get_terminal_size(terminal.fileno()).columns or sys.maxsize
    except OSError:
        return sys.maxsize


def _send_nowhere(stream: TextIO) -> None:
    # Python flushes once more at exit.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
