"""Expressions of workflow files, in jq, JSONNET or Handlebars → plain values.

jq and JSONNET are evaluated by their own engines, in a child process that has no environment, little memory and little time:
an expression of a stranger's file can neither stop this process nor read anything but the data.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from runner.workflows.handlebars import HandlebarsError, UnknownHelperError, parse, render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from runner.source import Json
    from runner.workflows.definition import Expression

TIMEOUT_S = 2.0
"""Limit for one evaluation, and for the start of the child process besides."""
_START_S = 10.0


class ExpressionError(Exception):
    """An expression has an error or no value, as it would on the platform."""


class UnsupportedError(Exception):
    """An expression can't be modelled here; the text says what of it."""


def data_of(
    payload: Mapping[str, Json], recipient: Mapping[str, Json], actor: Mapping[str, Json], tenant: Mapping[str, Json]
) -> dict[str, Json]:
    """Return what expressions read: the payload, with `$recipient`, `$actor` and `$brand` at its root."""
    return {**payload, "$recipient": dict(recipient), "$actor": dict(actor), "$brand": dict(tenant)}


class Engine:
    """Evaluates expressions. The child process is started for the first one, and again after one that took too long.

    It may be used from several threads, and after a fork.
    """

    def __init__(self) -> None:
        self._worker: subprocess.Popen[bytes] | None = None
        self._process = 0
        self._lock = Lock()

    def evaluate(self, expression: Expression, data: Mapping[str, Json]) -> list[Json]:
        """Return the values of an expression: jq may have any number of them, the others have one.

        Raises ExpressionError and UnsupportedError.
        """
        if expression.language == "handlebars":
            try:
                return [render(parse(expression.text), data)]
            except UnknownHelperError as error:
                raise UnsupportedError(str(error)) from None
            except HandlebarsError as error:
                raise ExpressionError(str(error)) from None
        request = json.dumps([expression.language, expression.text, data]).encode() + b"\n"
        with self._lock:
            kind, value = self._ask(request)
        if kind == "unsupported":
            raise UnsupportedError(value)
        if kind == "error":
            raise ExpressionError(value)
        values: list[Json] = value
        return values

    def close(self) -> None:
        """Stop the child process; the next expression starts another one."""
        with self._lock:
            self._stop()

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine."""
        self.close()

    def _ask(self, request: bytes) -> tuple[str, Any]:
        try:
            worker = self._started()
            answer = _exchange(worker, request, TIMEOUT_S)
        except TimeoutError:
            self._stop()
            return "error", f"it takes more than {TIMEOUT_S:g} s"
        except OSError:
            self._stop()
            return "error", "it needs too much memory"
        kind, value = json.loads(answer)
        return kind, value

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process != os.getpid():  # a fork has the parent's child process
            self._worker = None
        if self._worker is None or self._worker.poll() is not None:
            script = Path(__file__).with_name("expression_worker.py")
            self._worker = subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-I", str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                bufsize=0,
            )
            self._process = os.getpid()
            atexit.register(self.close)
            _exchange(self._worker, b'["jq", ".", null]\n', _START_S)
        return self._worker

    def _stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None or self._process != os.getpid():
            return
        atexit.unregister(self.close)
        worker.kill()
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                pipe.close()


def _exchange(worker: subprocess.Popen[bytes], request: bytes, limit_s: float) -> bytes:
    """Write a request, and return the line of its answer. Raises TimeoutError, and OSError if the process is gone."""
    if worker.stdin is None or worker.stdout is None:
        raise BrokenPipeError
    until = time.monotonic() + limit_s
    rest = memoryview(request)
    writer, reader = worker.stdin.fileno(), worker.stdout.fileno()
    os.set_blocking(writer, False)
    found = bytearray()
    poll = select.poll()  # select has a limit for the numbers of descriptors
    poll.register(reader, select.POLLIN)
    poll.register(writer, select.POLLOUT)
    while not found.endswith(b"\n"):
        ready = dict(poll.poll(max(0, int(1000 * (until - time.monotonic())))))
        if not ready:
            raise TimeoutError
        if writer in ready:
            rest = rest[os.write(writer, rest[:65536]) :]
            if not rest:
                poll.unregister(writer)
        if reader in ready:
            part = os.read(reader, 1 << 20)
            if not part:
                raise BrokenPipeError
            found += part
    return bytes(found)
