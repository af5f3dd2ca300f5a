"""A program that evaluates jq and JSONNET expressions for `expressions.Engine`, in a process of its own.

It is started as `python -I -S expression_worker.py SECONDS FOLDER…`, with the time of the processor that an evaluation may
take, and the folders that contain the engines. It imports nothing of `runner`. It reads requests from stdin, two lines each: `{"language", "text"}` and the data as JSON. It writes one line
for each: `{"outputs": […]}`, `{"error": message}` or `{"unsupported": message}`; the first line is empty and says that it is
ready. It has no environment, can open no files, and its memory is limited.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
from importlib import import_module

MEMORY_BYTES = 192 * 1024 * 1024
MAX_OUTPUTS = 1_000
MAX_OUTPUT_BYTES = 4 * 1024 * 1024
MAX_PROGRAMS = 256
"""Maximum number of compiled jq programs to keep."""
MAX_EXACT = 2**53
"""jq computes with doubles: greater whole numbers are rounded."""
_PRELUDE = 'local data = std.extVar("data");\n'
"""It has a line of its own; nothing in an expression can change a line before it."""
_PLACE = re.compile(r"^expression:\(?(\d+):(\d+)[\d:()-]*\s*")
_PART = re.compile(r""" \((?=["\[{])[^\n]{0,60}?\.\.\."?[\]}]?\)""")
"""The beginning of a value, as jq shows it. A part of it could be a part of a secret, which no mask recognizes."""
_LIMIT_OF_PARSER = "memory exhausted"
_LONGEST = 300

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _UnsupportedError(Exception):
    pass


def main() -> None:
    """Answer requests until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.environ.clear()
    os.environ["GOMAXPROCS"] = "1"  # each thread of an engine in Go would take a part of the memory
    evaluation_s = float(sys.argv[1])
    sys.path += sys.argv[2:]
    engines = _Engines()
    _limit()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(b"\n")
    answers.flush()
    while line := requests.readline():
        data = requests.readline()
        signal.setitimer(signal.ITIMER_PROF, evaluation_s)  # its default action ends the process
        answer = _answer(engines, json.loads(line), data.decode("ascii"))
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(answer + b"\n")
        answers.flush()


def _limit() -> None:
    for name, value in (
        (resource.RLIMIT_DATA, MEMORY_BYTES),  # not RLIMIT_AS: Go reserves addresses that it does not use
        (resource.RLIMIT_NOFILE, 16),  # the runtime of Go opens some when it first collects garbage
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(name)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (most, most))


def _answer(engines: _Engines, request: dict[str, str], data: str) -> bytes:
    try:
        outputs = engines.evaluate(request["language"], request["text"], data)
        answer = json.dumps({"outputs": outputs}, allow_nan=False, separators=(",", ":")).encode("ascii")
    except _UnsupportedError as error:
        return _failure("unsupported", str(error))
    except MemoryError:
        return _failure("unsupported", "the expression needs too much memory")
    except RecursionError:
        return _failure("unsupported", "the result is nested too deeply")
    except (ValueError, RuntimeError) as error:
        message = _message(str(error))
        return _failure("unsupported" if message.startswith(_LIMIT_OF_PARSER) else "error", message)
    if len(answer) > MAX_OUTPUT_BYTES:
        return _failure("unsupported", f"the result is larger than {MAX_OUTPUT_BYTES:,} bytes")
    return answer


def _failure(kind: str, message: str) -> bytes:
    return json.dumps({kind: message}).encode("ascii")


def _message(text: str) -> str:
    """Return what an engine reports in one line, with the places of the expression as it was given."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    first = lines[0] if lines else "failed"
    for prefix in ("jq: error: ", "RUNTIME ERROR: ", "STATIC ERROR: "):
        first = first.removeprefix(prefix)
    first = first.rstrip(":")
    first = _PLACE.sub(lambda place: f"line {int(place[1]) - 1}, column {place[2]}: ", first)
    first = _PART.sub("", first)
    return first if len(first) <= _LONGEST else f"it failed with a message of {len(first):,} characters"


def _imported(name: str) -> Any:
    """Return a module, None if it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None


class _Engines:
    """The engines that are installed, with the jq programs that are compiled."""

    def __init__(self) -> None:
        self._programs: dict[str, Any] = {}
        self._jq = _imported("jq")
        # The second one, in C++, parses its library at each evaluation, which takes 50 ms.
        self._jsonnet = _imported("_gojsonnet") or _imported("_jsonnet")

    def evaluate(self, language: str, text: str, data: str) -> list[Any]:
        if language == "jq":
            return self._by_jq(text, data)
        return self._by_jsonnet(text, data)

    def _by_jq(self, text: str, data: str) -> list[Any]:
        if (program := self._programs.get(text)) is None:
            if self._jq is None:
                raise _UnsupportedError("the package jq can't be imported")
            if len(self._programs) >= MAX_PROGRAMS:
                self._programs.clear()
            program = self._programs[text] = self._jq.compile(text)
        outputs = []
        for output in program.input_text(data):
            outputs.append(output)
            if len(outputs) > MAX_OUTPUTS:
                raise _UnsupportedError(f"the expression has more than {MAX_OUTPUTS:,} results")
        if not _is_exact(outputs):
            raise _UnsupportedError(f"the result has a whole number beyond {MAX_EXACT:,}, which jq rounds")
        return outputs

    def _by_jsonnet(self, text: str, data: str) -> list[Any]:
        if self._jsonnet is None:
            raise _UnsupportedError("JSONNET needs an engine: pip install 'suprsend-runner[jsonnet]'")
        imported: list[str] = []

        def note(_folder: str, name: str) -> tuple[str, bytes]:
            imported.append(name)  # an exception here is not safe in all versions of the engine
            return name, b"null"

        try:
            result = self._jsonnet.evaluate_snippet(
                "expression", _PRELUDE + text, ext_codes={"data": data}, import_callback=note
            )
        finally:
            if imported:
                raise _UnsupportedError("an import of JSONNET is not supported")
        if len(result) > MAX_OUTPUT_BYTES:
            raise _UnsupportedError(f"the result is larger than {MAX_OUTPUT_BYTES:,} bytes")
        return [json.loads(result)]


def _is_exact(value: object) -> bool:
    """Return whether no whole number of a result was rounded."""
    rest = [value]
    while rest:
        match rest.pop():
            case int() as number if abs(number) > MAX_EXACT:
                return False
            case list() as items:
                rest += items
            case dict() as fields:
                rest += fields.values()
    return True


if __name__ == "__main__":
    main()
