"""The words of a jq program that reach beyond its input: the clock, the environment, files, further inputs.

They are refused before the program is compiled, because an error while it runs could be caught by the program itself.
"""

from __future__ import annotations

import re

UNSUPPORTED = {
    "now": "it reads the real clock",
    "localtime": "it depends on the zone of a machine",
    "strflocaltime": "it depends on the zone of a machine",
    "env": "it reads the environment",
    "$ENV": "it reads the environment",
    "input": "there is a single input",
    "inputs": "there is a single input",
    "input_filename": "there is no file",
    "input_line_number": "there is no file",
    "import": "there are no modules",
    "include": "there are no modules",
    "modulemeta": "there are no modules",
    "get_search_list": "there are no modules",
    "halt": "it ends the engine",
    "halt_error": "it ends the engine",
}
_TOKEN = re.compile(
    r"""\#(?:[^\\\n]|\\[\s\S])*|"|\.[A-Za-z_]\w*|\$?[A-Za-z_]\w*(?:::\w+)*|[({\[\])}]|\d[\w.]*|[^\s\w]"""
)
_STRING = re.compile(r'(?:[^"\\]|\\[^(])*(\\\(|"|\Z)', re.DOTALL)
_CLOSING = {")": "(", "]": "[", "}": "{"}


def unsupported_word(program: str) -> str | None:
    r"""Return the first unsupported word of a program, None if it has none.

    Fields (`.now`), keys (`{now: 1}`, `{now}`), text and comments are not words. A key stands directly behind a brace or a
    comma; no value can stand there.

    >>> unsupported_word(r'.paid_at // "\(now)"')
    'now'
    >>> unsupported_word('{now, env: .env, x: "now"} # env') is None
    True
    """
    opened = [""]
    """Open brackets, and `"` for each string that an interpolation interrupts."""
    before, position = "", 0
    while found := _TOKEN.search(program, position):
        part, position = found[0], found.end()
        if part == '"':
            position = _after_string(program, position, opened)
        elif part in "([{":
            opened.append(part)
        elif part in _CLOSING:
            if opened[-1] == '"' and part == ")":
                opened.pop()
                position = _after_string(program, position, opened)
            elif len(opened) > 1:
                opened.pop()
        elif part in UNSUPPORTED and not (opened[-1] == "{" and before in ("{", ",") and part[0] != "$"):
            return part
        if not part.startswith("#"):
            before = part
    return None


def _after_string(program: str, position: int, opened: list[str]) -> int:
    """Return where the text of a string ends, at its quote or at an interpolation, which is then open."""
    end = _STRING.match(program, position)
    if end is None:
        return len(program)
    if end[1] == "\\(":
        opened.append('"')
    return end.end()
