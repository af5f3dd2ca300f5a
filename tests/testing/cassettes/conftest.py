"""Cassettes and files by vcrpy, as the tests of cassettes need them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from runner.errors import Position, Problem
from runner.secrets import Mask
from runner.suprsend.answer import Answer
from runner.testing.cassette import SANDBOX, Cassette, Interaction
from runner.testing.request_diff import Request

if TYPE_CHECKING:
    from pathlib import Path

    from runner.codes import Code

DAY = date(2026, 11, 24)
JSON = "application/json; charset=utf-8"
AGAIN = "runner test specs/a.yaml -k 'a case' --record rewrite --sandbox"
SECRET = 'k/ey+ "é<&>\\2'
OPEN = Mask()


def interaction(
    body: bytes = b'{"event":"ordered"}',
    answer: bytes = b'{"status":"success"}',
    uri: str = "http://127.0.0.1:7788/v2/event/",
    content_type: str | None = JSON,
    **head: Any,
) -> Interaction:
    return Interaction(Request("POST", uri, content_type, body), Answer(head.pop("status_code", 202), answer, **head))


def cassette(*interactions: Interaction, source: str = SANDBOX) -> Cassette:
    return Cassette(source, DAY, interactions or (interaction(),))


def problem(code: Code, message: str, line: int = 1, hint: str | None = f"record it: {AGAIN}") -> Problem:
    return Problem(code, message, Position("c.yaml", line, 1, 2, ""), hint=hint)


def written(folder: Path, request: str = "{}", response: str = "OK") -> Path:
    """Write a file as vcrpy does; its headers begin on line 4, the answer's body stands on line 10."""
    path = folder / "c.yaml"
    path.write_text(
        "interactions:\n- request:\n    body: ''\n"
        f"    headers: {request}\n    method: GET\n    uri: https://example.com/\n"
        f"  response:\n    headers: {{}}\n    body:\n      string: {response}\n    status: {{code: 200, message: OK}}\n"
        "version: 1\n",
        "utf-8",
    )
    return path
