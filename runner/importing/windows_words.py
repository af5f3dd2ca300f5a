"""A command line of Windows → its words: of `cmd`, with lines that `^` continues, and of PowerShell, with those of a backtick."""

from __future__ import annotations

import re

from runner.importing.placeholders import mark
from runner.importing.shell_words import Command, Word

_CMD = re.compile(r'\^(?:[ \t]*$|")')
_POWERSHELL = re.compile(r"[ \t]`[ \t]*$")
_CMD_TOKEN = re.compile(r'\^\n(\n?)|\^([\s\S])|("(?:\\"|""|[^"])*")|([\s\S])')
_POWERSHELL_TOKEN = re.compile(
    r"""
    (?P<space>(?:[ \t\r]|`[ \t]*\n)+)
    | (?P<end>[\n|;&])
    | '(?P<single>(?:[^']|'')*)'
    | "(?P<double>(?:[^"`]|`[\s\S]|"")*)"
    | `(?P<escaped>[\s\S])
    | (?P<plain>[^\s'"`|;&]+|['"])
    """,
    re.VERBOSE,
)
_IN_DOUBLE = re.compile(r'`([\s\S])|("")|\$(?:env:)?(\w+)')
_LONGEST_LINE = 1 << 20
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


def windows_command(text: str, start: int) -> Command | None:
    """Return the first command from an offset on, if its first line is one of `cmd` or PowerShell."""
    first, _, _ = text[start : start + _LONGEST_LINE].partition("\n")
    if _CMD.search(first):
        return _cmd(text, start)
    return _powershell(text, start) if _POWERSHELL.search(first) else None


def _cmd(text: str, start: int) -> Command:
    """Undo what `cmd` does with carets, then split the line as programs do."""
    line: list[str] = []
    at = start
    while at < len(text):
        found = _CMD_TOKEN.match(text, at)
        if found is None:
            break
        at = found.end()
        if found[4] in ("\n", "&", "|"):
            break
        line.append(found[1] if found[1] is not None else found[2] or found[3] or found[4])
    return Command([Word(word, start) for word in _arguments("".join(line))], end=at)


def _arguments(line: str) -> list[str]:
    """Return the arguments of a line, by the rules of Microsoft's C runtime for backslashes and quotes."""
    words: list[str] = []
    word: str | None = None
    is_quoted = False
    at = 0
    while at < len(line):
        char = line[at]
        slashes = len(line) - at - len(line[at:].lstrip("\\"))
        if slashes and line[at + slashes : at + slashes + 1] == '"':
            word = (word or "") + "\\" * (slashes // 2)
            at += slashes
            if slashes % 2:
                word, at = f'{word}"', at + 1
        elif slashes:
            word, at = (word or "") + "\\" * slashes, at + slashes
        elif char == '"' and is_quoted and line[at + 1 : at + 2] == '"':
            word, at = f'{word or ""}"', at + 2
        elif char == '"':
            word, is_quoted, at = word or "", not is_quoted, at + 1
        elif char.isspace() and not is_quoted:
            words += [word] if word is not None else []
            word, at = None, at + 1
        else:
            word, at = (word or "") + char, at + 1
    return [*words, *([word] if word is not None else [])]


def _powershell(text: str, start: int) -> Command:
    command = Command()
    word: Word | None = None
    at = start
    while at < len(text) and (found := _POWERSHELL_TOKEN.match(text, at)):
        begins, at = at, found.end()
        kind, value = found.lastgroup or "", found[found.lastgroup or 0]
        if kind in ("space", "end"):
            command.words += [word] if word is not None else []
            word = None
            if kind == "end":
                break
        else:
            word = Word((word.text if word else "") + _unquoted(kind, value), word.start if word else begins)
    command.words += [word] if word is not None else []
    command.end = at
    return command


def _unquoted(kind: str, value: str) -> str:
    match kind:
        case "single":
            return _of_program(value.replace("''", "'"))
        case "double":
            return _of_program(_IN_DOUBLE.sub(_in_double, value))
        case _:
            return value


def _in_double(match: re.Match[str]) -> str:
    if match[1]:
        return _ESCAPES.get(match[1], match[1])
    return '"' if match[2] else mark(match[3])


def _of_program(text: str) -> str:
    """Undo the backslashes that quotes need on their way from older PowerShells to a program."""
    return text.replace('\\"', '"') if re.match(r'\s*[\[{]\s*\\"', text) else text
