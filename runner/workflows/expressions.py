"""Expressions of workflow files and the data of a run → values, evaluated by jq, JSONNET or Handlebars.

Expressions and data are of others: jq and JSONNET run in a child process with limits of time and memory, without files,
environment or network. The module `expression_worker` is what it runs.
"""

from __future__ import annotations

import json
import os
import re
import select
import sys
import time
from collections import Counter, OrderedDict
from importlib.util import find_spec
from pathlib import Path
from signal import SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPROF, SIGSEGV
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from threading import Lock
from typing import TYPE_CHECKING, Literal, Self
from weakref import WeakSet, finalize

from runner.workflows.expression_errors import ELSEWHERE, ExpressionError, HandlebarsError, UnsupportedError
from runner.workflows.jq_words import UNSUPPORTED, unsupported_word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from runner.source import Json
    from runner.workflows.definition import Expression

__all__ = ["Engine", "ExpressionError", "HandlebarsError", "UnsupportedError", "data_of"]

EVALUATION_S = 2.0
"""Limit for an evaluation, in seconds of the processor: on a busy machine the same expressions pass."""
_PATIENCE_S = 30.0
"""Limit for an evaluation, in seconds of the clock."""
MAX_SLOW = 3
"""An expression that took too long as often is not tried again: events of a sandbox would wait for it each time."""
START_S = 10.0
MAX_TEXT = 64 * 1024
"""Maximum length of an expression."""
MAX_DATA_BYTES = 4 * 1024 * 1024
MAX_KEPT = 512
"""Maximum number of answers to keep: the same expression is often evaluated for the same data."""
MAX_KEPT_BYTES = 16 * 1024
"""Answers are not kept if they are longer than this, with their data."""
_ENGINES = ("jq", "_gojsonnet", "_jsonnet")
_LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""The interpreter may need these to start; the worker deletes them."""
_QUOTED_ROOT = re.compile(rf"""["']({"|".join(map(re.escape, ELSEWHERE))})["']""")
_CHUNK = 1 << 16
_EXIT_S = 1.0
_CRASHES = (-SIGABRT, -SIGSEGV, -SIGBUS, -SIGFPE, -SIGILL)


def data_of(
    payload: Mapping[str, Json], recipient: Mapping[str, Json], actor: Mapping[str, Json], tenant: Mapping[str, Json]
) -> Mapping[str, Json]:
    """Return the data that expressions read: the payload, with the recipient, the actor and the tenant at its root."""
    return {**payload, "$recipient": dict(recipient), "$actor": dict(actor), "$brand": dict(tenant)}


class Engine:
    """Evaluates expressions. The child process starts at the first use, and is replaced after it was killed.

    It may be used from several threads, which wait for one another; after a fork, the child starts a process of its own.

    >>> with Engine() as engine:
    ...     engine.evaluate_text("jq", ".items[].id", {"items": [{"id": 1}, {"id": 2}]})
    [1, 2]
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._worker: _Worker | None = None
        self._slow: Counter[tuple[str, str]] = Counter()
        self._kept: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()
        _live.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child process. The engine can be used again."""
        with self._lock:
            self._drop()

    def evaluate(self, expression: Expression, data: Mapping[str, Json]) -> list[Json]:
        """Return every output of a jq program, and the single one of the other languages.

        Raise ExpressionError if it fails on the platform too, UnsupportedError if its result can't be known here.
        """
        return self.evaluate_text(expression.language, expression.text, data)

    def evaluate_text(
        self, language: Literal["jq", "jsonnet", "handlebars"], text: str, data: Mapping[str, Json]
    ) -> list[Json]:
        """Evaluate the text of an expression; see `evaluate`."""
        if len(text) > MAX_TEXT:
            raise UnsupportedError(f"the expression is longer than {MAX_TEXT:,} characters")
        if "\0" in text:
            raise ExpressionError("the expression has a character that is not allowed: U+0000")
        if language == "handlebars":
            from runner.workflows.handlebars import render  # noqa: PLC0415 - not needed by the others

            return [render(text, data)]
        if language == "jq" and (word := unsupported_word(text)) is not None:
            raise UnsupportedError(f"jq's {word} is not supported: {UNSUPPORTED[word]}")
        if root := next((name for name in _QUOTED_ROOT.findall(text) if name not in data), None):
            raise UnsupportedError(f"'{root}' is not known here")
        return self._evaluated(language, text, _dumped(data))

    def _evaluated(self, language: Literal["jq", "jsonnet"], text: str, data: str) -> list[Json]:
        key = (language, text, data)
        with self._lock:
            if self._slow[language, text] >= MAX_SLOW:
                raise UnsupportedError(f"the expression took longer than {EVALUATION_S:g} s {MAX_SLOW} times")
            if (answer := self._kept.get(key)) is None:
                try:
                    answer = self._answer(language, text, data)
                except _SlowError:
                    self._slow[language, text] += 1
                    raise
                if len(data) + len(answer) <= MAX_KEPT_BYTES:
                    self._kept[key] = answer
                    if len(self._kept) > MAX_KEPT:
                        self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(key)
        return _outputs(answer)

    def _answer(self, language: str, text: str, data: str) -> bytes:
        """Return the answer of the child process. One that something else ended is replaced once."""
        request = f"{json.dumps({'language': language, 'text': text})}\n{data}\n".encode("ascii")
        for is_last in (False, True):
            is_whole = False
            try:
                if self._worker is None:
                    self._worker = _Worker()
                answer = self._worker.answer(request)
                is_whole = True
            except _EndedError as ended:
                if is_last or ended.by_itself:
                    raise UnsupportedError("the expression needs too much memory, or its engine crashes") from None
                continue
            finally:
                if not is_whole:  # also if a signal handler raised: the next request would get the answer of this one
                    self._drop()
            return answer
        raise AssertionError

    def _drop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()

    def _forget(self) -> None:
        """In the child after a fork: leave the process to the parent. Another thread may have held the lock."""
        self._lock = Lock()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.forget()


class _SlowError(UnsupportedError):
    """The expression takes too long."""


_live: WeakSet[Engine] = WeakSet()


def _forget_all() -> None:
    for engine in list(_live):
        engine._forget()  # noqa: SLF001


os.register_at_fork(after_in_child=_forget_all)


class _EndedError(Exception):
    """The child process ended without an answer; `by_itself` unless a signal from outside did it."""

    def __init__(self, *, by_itself: bool) -> None:
        super().__init__()
        self.by_itself = by_itself


class _Worker:
    """A child process: its pipes and its end."""

    def __init__(self) -> None:
        folders = dict.fromkeys(
            str(Path(spec.origin).parent) for name in _ENGINES if (spec := find_spec(name)) and spec.origin
        )
        program = Path(__file__).with_name("expression_worker.py")
        self._process = Popen(  # noqa: S603 - this very interpreter
            [sys.executable, "-I", "-S", str(program), str(EVALUATION_S), *folders],
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd="/",
            env={name: os.environ[name] for name in _LOADER if name in os.environ},
            bufsize=0,
        )
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._stdin, self._stdout = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._finish = finalize(self, _end, self._process)
        self._line(time.monotonic() + START_S)

    def answer(self, request: bytes) -> bytes:
        """Return the line that answers a request."""
        deadline = time.monotonic() + _PATIENCE_S
        rest = memoryview(request)
        try:
            while rest:
                self._wait(self._stdin, select.POLLOUT, deadline)
                rest = rest[os.write(self._stdin, rest[: select.PIPE_BUF]) :]
        except BrokenPipeError:
            raise self._ended() from None
        return self._line(deadline)

    def _line(self, deadline: float) -> bytes:
        chunks = [b""]
        while not chunks[-1].endswith(b"\n"):
            self._wait(self._stdout, select.POLLIN, deadline)
            chunks.append(os.read(self._stdout, _CHUNK))
            if not chunks[-1]:
                raise self._ended()
        return b"".join(chunks)

    @staticmethod
    def _wait(descriptor: int, event: int, deadline: float) -> None:
        """Wait until a pipe can be read or written, or is closed. Unlike `select`, `poll` takes any number of descriptor."""
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise _SlowError(f"the expression takes longer than {EVALUATION_S:g} s")

    def _ended(self) -> Exception:
        """Return why the process ended: by its timer, by another fault of its own, or by a signal such as SIGKILL from outside."""
        try:
            status = self._process.wait(_EXIT_S)
        except TimeoutExpired:
            return _EndedError(by_itself=True)
        if status == -SIGPROF:
            return _SlowError(f"the expression takes longer than {EVALUATION_S:g} s")
        return _EndedError(by_itself=status >= 0 or status in _CRASHES)

    def end(self) -> None:
        """End the process at once."""
        self._finish()

    def forget(self) -> None:
        """Close this process's ends of the pipes. The child process belongs to the parent of a fork."""
        self._finish.detach()
        _close(self._process)
        self._process.returncode = 0  # else it would be waited for


def _end(process: Popen[bytes]) -> None:
    process.kill()
    process.wait()
    _close(process)


def _close(process: Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _dumped(data: Mapping[str, Json]) -> str:
    try:
        text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    except (RecursionError, ValueError):
        raise UnsupportedError("the data can't be written as JSON") from None
    if len(text) > MAX_DATA_BYTES:
        raise UnsupportedError(f"the data is larger than {MAX_DATA_BYTES:,} bytes")
    return text


def _outputs(answer: bytes) -> list[Json]:
    try:
        found = json.loads(answer)
    except RecursionError:
        raise UnsupportedError("the result is nested too deeply") from None
    if "error" in found:
        raise ExpressionError(found["error"])
    if "unsupported" in found:
        raise UnsupportedError(found["unsupported"])
    outputs: list[Json] = found["outputs"]
    return outputs
