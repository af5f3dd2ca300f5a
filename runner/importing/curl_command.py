"""Curl commands, or the script that `runner render --as curl` prints → the events in their bodies.

Headers, credentials and the address are not read: what authorizes a request is not a part of an event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput
from runner.importing.faults import MAX_EVENTS, place, unusable
from runner.importing.http_body import body_events
from runner.importing.placeholders import only_mark
from runner.importing.sample import Found, Hole
from runner.importing.shell_words import shell_command
from runner.importing.windows_words import windows_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.importing.sample import Sample
    from runner.importing.shell_words import Command, Word
    from runner.source import Json

_CURL = re.compile(r"(?<![\w./-])curl(?:\.exe)?(?=[ \t\\^`])")
_AT_COMMAND = re.compile(r"(?:^|[;&|({`])\s*(?:[$>#%]\s*)?(?:(?:\w+=\S*|sudo|time|exec)\s+)*$")
"""What stands before a command on its line."""
_BODY = re.compile(r"^body=(?=['\"$])", re.MULTILINE)
_OPTION = re.compile(
    r"(?P<short>-[#012346aBfgGiIjkLlMnNOpqRsSvVZ]*(?P<letter>[dF]))(?P<joined>[\s\S]+)?"
    r"|(?P<long>--(?:data(?:-raw|-binary|-ascii|-urlencode)?|json|form(?:-string)?))(?:=(?P<value>[\s\S]*))?"
)
_MAX_CHARS = 1 << 22
_FORM = re.compile(r"[\w.%+\[\]-]+=")


class _Body(NamedTuple):
    text: str
    start: int


def is_curl(text: str) -> bool:
    """Return whether a text is a curl command, or a script with one."""
    return _CURL.search(text[:20_000]) is not None


def curl_events(text: str, name: str, stem: str) -> Found:
    """Return the events of the commands in a text. Raises InvalidInput if none has a body that can be read."""
    if len(text) > _MAX_CHARS:
        raise unusable(f"{name} has more than {_MAX_CHARS:,} characters", code="file-too-large")
    text = text.replace("\r\n", "\n")
    script = _BODY.search(text)
    if script is not None:
        written = shell_command(text, script.start(), name).words[0].text.removeprefix("body=")
        return body_events(written, name, name, stem, line=text.count("\n", 0, script.start()) + 1)
    samples: list[Sample] = []
    notes: list[str] = []
    faults: list[InvalidInput] = []
    commands = list(_commands(text, name))
    if not commands:
        raise unusable(f"{name} is not a curl command", "it begins with: curl")
    for number, command in enumerate(commands):
        line = text.count("\n", 0, command.words[0].start) + 1
        try:
            body = _body(command, name, line)
            if body is not None and len(samples) < MAX_EVENTS:
                origin = f"{name}, line {line}" if number else name
                events = _events(text, body, origin, name, stem)
                samples += events.samples
                notes += events.notes
        except InvalidInput as error:
            faults.append(error)
    if not samples and faults:
        raise faults[0]
    if not samples and not notes:
        hint = "copy a request that posts an event: it has --data"
        raise unusable("the curl command has no body", hint)
    return Found(tuple(samples), (*notes, *map(_note, faults)))


def _commands(text: str, name: str) -> Iterator[Command]:
    """Yield the first curl command of a text, wherever it stands, and further ones where a command may begin."""
    end = 0
    for match in _CURL.finditer(text):
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if match.start() < end or (end and not _AT_COMMAND.search(before)):
            continue
        command = windows_command(text, match.start()) or shell_command(text, match.start(), name)
        end = max(command.end, match.end())
        yield command


def _body(command: Command, name: str, line: int) -> _Body | None:
    """Return the body of a command. Raises InvalidInput for one that is not JSON in the command itself."""
    position = place(name, line)
    parts: list[_Body] = []
    for option, word in _data(command.words):
        if option in ("-F", "--form", "--form-string", "--data-urlencode") or _FORM.match(word.text):
            hint = "an event is JSON, such as --json '{\"event\": …}'"
            raise unusable("the body of the curl command is a form, not JSON", hint, position)
        if (variable := only_mark(word.text)) is not None:
            raise unusable(f"the body of the curl command is the variable {variable}", "write its text there", position)
        if word.text == "@-" and option != "--data-raw":
            if command.stdin is None:
                raise unusable("the body of the curl command is its standard input", "import that text", position)
            parts.append(_Body(command.stdin.text, command.stdin.start))
        elif word.text.startswith("@") and option != "--data-raw":
            hint = f"import the file: runner import {word.text[1:][:100] or 'FILE'}"
            raise unusable("the body of the curl command is in a file", hint, position)
        else:
            separator = "&" if parts and option != "--json" else ""
            parts.append(_Body(separator + word.text, word.start))
    return _Body("".join(part.text for part in parts), parts[0].start) if parts else None


def _data(words: list[Word]) -> Iterator[tuple[str, Word]]:
    """Yield the options that make a body, each with its value."""
    for index, word in enumerate(words):
        found = _OPTION.fullmatch(word.text)
        if found is None:
            continue
        option = found["long"] or f"-{found['letter']}"
        joined = found["joined"] or found["value"]
        if joined is not None:
            yield option, type(word)(joined, word.start)
        elif index + 1 < len(words):
            yield option, words[index + 1]


def _events(text: str, body: _Body, origin: str, name: str, stem: str) -> Found:
    line = text.count("\n", 0, body.start) + 1
    return body_events(body.text, origin, name, stem, line=line, hole_of=_hole)


def _hole(name: str, declaration: Mapping[str, Json]) -> Hole:
    return Hole(
        name, declaration, question=f"The command has a variable of the shell here, {name}. Which values has it?"
    )


def _note(error: InvalidInput) -> str:
    problem = error.problems[0]
    at = problem.position
    return f"{at.path}, line {at.line}: skipped: {problem.message}" if at else problem.message
