"""A shell command line → its words, in the quotes of bash: also `$'…'`, which browsers write when they copy a request as curl."""

from __future__ import annotations

import re

from runner.importing.faults import place, unusable

_ANSI = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v", "?": "?"}  # fmt: skip
_ANSI_CODE = re.compile(r"x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})")
_TOKEN = re.compile(
    r"""
    (?P<space>(?:[ \t]|\\\r?\n)+)
    | (?P<end>[;\n|&<>()]|\r\n)
    | \$'(?P<ansi>(?:[^'\\]|\\[\s\S])*)'
    | '(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\]|\\[\s\S])*)"
    | \\(?P<escaped>[\s\S])
    | (?P<plain>[^\s'"\\;|&<>()$]+|\$)
    """,
    re.VERBOSE,
)


def shell_words(text: str, name: str) -> list[str]:
    """Return the words of the first command of a text. Raises InvalidInput for a quote that is never closed."""
    words: list[str] = []
    word: str | None = None
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            raise unusable(
                "a quote of the command is never closed", position=place(name, line, at - text.rfind("\n", 0, at))
            )
        at = found.end()
        kind, value = found.lastgroup or "", found[found.lastgroup or 0]
        if kind in ("space", "end"):
            words += [word] if word is not None else []
            word = None
            if kind == "end" and words:
                break
        else:
            word = (word or "") + _unquoted(kind, value)
    return [*words, *([word] if word is not None else [])]


def _unquoted(kind: str, value: str) -> str:
    if kind == "double":
        return re.sub(r'\\([\\"$`])|\\\r?\n', lambda match: match[1] or "", value)
    if kind == "ansi":
        return re.sub(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|[\s\S])", _ansi, value)
    return value


def _ansi(match: re.Match[str]) -> str:
    code = _ANSI_CODE.fullmatch(match[1])
    if code is None:
        return _ANSI.get(match[1], match[0])
    number = int(code[4], 8) if code[4] else int(code[1] or code[2] or code[3], 16)
    return chr(number) if number <= 0x10FFFF else match[0]  # noqa: PLR2004 - the last character of Unicode
