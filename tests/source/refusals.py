"""What is said of a document, or what it is read as."""

from __future__ import annotations

from runner.errors import Position, Problem
from runner.source import Json, read_text


def first_error(content: str) -> str:
    error = next(problem for problem in read_text(content, "f.yaml").problems if problem.severity == "error")
    assert error.position is not None
    return f"{error.position.line}:{error.position.column} {error.code}: {error.message}"


def refusal(content: str) -> Problem:
    """Give the one problem of a text that gives no value at all."""
    document = read_text(content, "f.yaml")
    assert document.root is None
    assert len(document.problems) == 1
    return document.problems[0]


def plain(content: str) -> Json:
    document = read_text(content, "f.yaml")
    assert document.problems == ()
    assert document.root is not None
    return document.root.plain()


def syntax(message: str, position: Position, hint: str) -> Problem:
    return Problem("yaml-syntax", message, position, hint=hint)
