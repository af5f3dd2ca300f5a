"""What tests of YAML share: the document, the value or the only problem of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.source import Document, Json, read_text

if TYPE_CHECKING:
    from runner.errors import Problem


def read(content: str) -> Document:
    return read_text(content, "f.yaml")


def plain(content: str) -> Json:
    document = read(content)
    assert document.root is not None
    assert document.problems == ()
    return document.root.plain()


def refusal(content: str) -> Problem:
    """Return the only problem of a text that yields no value."""
    document = read(content)
    assert document.root is None
    assert len(document.problems) == 1
    return document.problems[0]
