"""The child process of `expressions.Engine`: evaluates jq and JSONNET, one request a line, one answer a line.

It is started as a script, with no environment and bounded memory. A request is `[language, text, data]`, an answer
`["values", […]]`, `["error", text]` or `["unsupported", text]`.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from functools import lru_cache
from itertools import islice
from typing import Any

MAX_MEMORY_BYTES = 1 << 30
MAX_VALUES = 1_000
MAX_ANSWER_CHARS = 4_000_000
_CACHED = 256
_MODULES = re.compile(r"(?<![.\w])(import|include|input_filename|inputs?|input_line_number|debug|stderr|env|\$ENV|\$__prog_args|get_search_list|now|localtime|mktime|gmtime|halt|halt_error)\b")  # fmt: skip
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
"""What reads files, streams, the environment or the clock: none of it exists on the platform's side in this form."""


@lru_cache(_CACHED)
def _program(text: str) -> Any:
    import jq  # noqa: PLC0415 - JSONNET alone does not need it

    found = _MODULES.search(_STRINGS.sub('""', text)) or ("$ENV" in text and re.search(r"\$ENV", text)) or None
    if found:
        raise NotImplementedError(f"'{found[0]}' is not modelled")
    return jq.compile(text)


def _jq(text: str, data: Any) -> list[Any]:
    return list(islice(_program(text).input_value(data), MAX_VALUES + 1))


def _jsonnet(text: str, data: Any) -> list[Any]:
    try:
        import _jsonnet  # noqa: PLC0415 - an extra
    except ImportError:
        raise NotImplementedError("JSONNET needs an engine: pip install 'suprsend-runner[jsonnet]'") from None
    # The data is bound by the program, and its code never joined with the expression's text but as a whole local.
    result = _jsonnet.evaluate_snippet(
        "expression",
        f"local data = std.extVar('data');\n{text}",
        ext_codes={"data": json.dumps(data)},
        import_callback=_no_import,
        max_stack=200,
    )
    return [json.loads(result)]


def _no_import(_: str, name: str) -> tuple[str, bytes]:
    raise RuntimeError(f"no import: {name}")


_LANGUAGES = {"jq": _jq, "jsonnet": _jsonnet}


def _answer(line: str) -> list[Any]:
    language, text, data = json.loads(line)
    try:
        values = _LANGUAGES[language](text, data)
    except NotImplementedError as error:
        return ["unsupported", str(error)]
    except (ValueError, RuntimeError, StopIteration) as error:
        return ["error", _first_line(str(error))]
    except (MemoryError, RecursionError):
        return ["error", "it needs too much memory"]
    if len(values) > MAX_VALUES:
        return ["error", f"more than {MAX_VALUES:,} results"]
    return ["values", values]


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else "no result"


def main() -> None:
    """Answer requests until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    for line in sys.stdin:
        try:
            text = json.dumps(_answer(line), allow_nan=False)
        except ValueError:
            text = json.dumps(["error", "a result is not a finite number"])
        if len(text) > MAX_ANSWER_CHARS:
            text = json.dumps(["error", "the result is too large"])
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
