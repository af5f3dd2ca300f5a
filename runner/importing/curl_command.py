"""A curl command, or the script that `runner render --as curl` prints → the events in its body.

Headers, credentials and the address are not read: what authorizes a request is not a part of an event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.importing.faults import unusable
from runner.importing.http_body import body_events
from runner.importing.shell_words import shell_words

if TYPE_CHECKING:
    from runner.importing.sample import Found

_DATA = {"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"}
_BODY = re.compile(r"^body=(?=['\"$])", re.MULTILINE)
_CURL = re.compile(r"(?<![\w./-])curl(?:\.exe)?(?=[ \t\\])")
_JOINED = re.compile("-d(.+)|(--(?:data(?:-raw|-binary|-ascii)?|json))=(.+)", re.DOTALL)


def is_curl(text: str) -> bool:
    """Return whether a text is a curl command, or a script with one."""
    return _CURL.search(text[:20_000]) is not None


def curl_events(text: str, name: str, stem: str) -> Found:
    """Return the events of a command. Raises InvalidInput if it has no body that can be read."""
    script = _BODY.search(text)
    if script is not None:
        body = shell_words(text[script.start() :], name)[0].removeprefix("body=")
        return body_events(body, name, name, stem, line=text.count("\n", 0, script.start()) + 1)
    command = _CURL.search(text)
    if command is None:
        raise unusable(f"{name} is not a curl command", "it begins with: curl")
    bodies = list(_bodies(shell_words(text[command.start() :], name)))
    if not bodies:
        hint = "copy a request that posts an event: it has --data"
        raise unusable("the curl command has no body", hint)
    for body in bodies:
        if body.startswith("@"):
            raise unusable(
                "the body of the curl command is in a file",
                f"import the file: runner import {body[1:][:100] or 'FILE'}",
            )
    return body_events("&".join(bodies), name, name, stem)


def _bodies(words: list[str]) -> list[str]:
    found: list[str] = []
    for index, word in enumerate(words):
        if word in _DATA and index + 1 < len(words):
            found.append(words[index + 1])
        elif word.startswith(("-d", "--data", "--json")) and (joined := _JOINED.fullmatch(word)) and word not in _DATA:
            found.append(joined[1] or joined[3])
    return found
