"""A command line of bash → its words: quotes, also `$'…'` of browsers, continued lines, variables, and here-documents."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from runner.importing.faults import place, unusable
from runner.importing.placeholders import mark

_ANSI = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v", "?": "?"}  # fmt: skip
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([\s\S]))")
_TOKEN = re.compile(
    r"""
    (?P<space>(?:[ \t\r]|\\\n)+)
    | (?P<comment>(?<![^\s])\#[^\n]*)
    | <<<[ \t]*(?P<here>)
    | <<-?[ \t]*(?P<quote>["']?)(?P<document>\w+)(?P=quote)
    | (?P<end>[;\n|&<>()])
    | \$'(?P<ansi>(?:[^'\\]|\\[\s\S])*)'
    | '(?P<single>[^']*)'
    | "\$\(\s*cat\s*<<-?\s*(?:["'](?P<exact>\w+)["']|(?P<delimiter>\w+))[ \t]*\n(?P<cat>[\s\S]{0,200000}?)\n\s*(?:(?P=exact)|(?P=delimiter))\s*\)"
    | "(?P<double>(?:[^"\\]|\\[\s\S])*)"
    | (?P<variable>\$(?:\w+|\{[^}]*\}|\([^)]*\)))
    | \\(?P<escaped>[\s\S])
    | (?P<plain>[^\s'"\\;|&<>()$]+|\$)
    """,
    re.VERBOSE,
)
_VARIABLE = re.compile(r"\\([\\\"$`])|\\\n|\$(\w+|\{[^}]*\}|\([^)]*\))")
_LAST_CODE_POINT = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Word:
    """A word without its quotes, and the offset at which it begins."""

    text: str
    start: int


@dataclass(slots=True)
class Command:
    """The words of a command, the text that it reads on its standard input, and the offset at which it ends."""

    words: list[Word] = field(default_factory=list)
    stdin: Word | None = None
    end: int = 0


def shell_command(text: str, start: int, name: str) -> Command:
    """Return the first command from an offset on. Raises InvalidInput for a quote that is never closed."""
    command = Command()
    word: Word | None = None
    after = 0
    takes_stdin = False
    at = start
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            position = place(name, line, at - text.rfind("\n", 0, at))
            raise unusable("a quote of the command is never closed", position=position)
        begins, at = at, found.end()
        kind, value = found.lastgroup or "", found[found.lastgroup or 0]
        if kind in ("space", "end", "comment", "here", "document"):
            if word is not None:
                takes_stdin = _keep(command, word, is_stdin=takes_stdin)
                word = None
            if kind == "here":
                takes_stdin = True
            elif kind == "document":
                command.stdin, after = _document(text, at, value, is_quoted=bool(found["quote"]))
            elif kind == "end" and command.words:
                break
        else:
            plain = value if found["exact"] else _unquoted(kind, value)
            word = Word((word.text if word else "") + plain, word.start if word else begins)
    if word is not None:
        _keep(command, word, is_stdin=takes_stdin)
    command.end = max(at, after)
    return command


def _keep(command: Command, word: Word, *, is_stdin: bool) -> bool:
    if is_stdin:
        command.stdin = word
    else:
        command.words.append(word)
    return False


def _document(text: str, at: int, delimiter: str, *, is_quoted: bool) -> tuple[Word, int]:
    """Return the here-document that begins on the next line, and the offset behind it."""
    start = text.find("\n", at) + 1 or len(text)
    last = re.compile(rf"^\t*{re.escape(delimiter)}\s*$", re.MULTILINE).search(text, start)
    body = text[start : last.start() if last else len(text)]
    return Word(body if is_quoted else _expanded(body), start), last.end() if last else len(text)


def _unquoted(kind: str, value: str) -> str:
    if kind in ("double", "cat"):
        return _expanded(value)
    if kind == "variable":
        return mark(_variable_name(value[1:]))
    return _ansi(value) if kind == "ansi" else value


def _expanded(text: str) -> str:
    return _VARIABLE.sub(lambda match: mark(_variable_name(match[2])) if match[2] else match[1] or "", text)


def _variable_name(expression: str) -> str:
    """Return the name of a variable, or that of the command whose output stands there."""
    names = re.findall(r"[A-Za-z_]\w*", expression)
    return names[0] if names else "value"


def _ansi(text: str) -> str:
    """Return the text of `$'…'`: hexadecimal and octal numbers are bytes of UTF-8, two halves of a character are one."""
    parts: list[bytes] = []
    at = 0
    for match in _ESCAPE.finditer(text):
        parts += [text[at : match.start()].encode("utf-8", "surrogatepass"), _escaped(match)]
        at = match.end()
    joined = b"".join([*parts, text[at:].encode("utf-8", "surrogatepass")])
    try:
        decoded = joined.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        decoded = joined.decode("utf-8", "replace")
    return decoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _escaped(match: re.Match[str]) -> bytes:
    byte, octal, short, long, char = match.groups()
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8) & 0xFF])
    if code := short or long:
        number = int(code, 16)
        return chr(number).encode("utf-8", "surrogatepass") if number <= _LAST_CODE_POINT else match[0].encode()
    return _ANSI.get(char, match[0]).encode("utf-8", "surrogatepass")
