"""The registry of problems → text for a terminal, and JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.problems import ENTRIES, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.codes import Code
    from runner.report.style import Style

_INDENT = "    "
_ENDS = {"warning": "a warning: exit code 0, with --strict 2", "advice": "advice: exit code 0"}
_EMPHASIS = re.compile(r"\*(\w+)\*")


def as_text(code: Code, style: Style) -> str:
    """Return the meaning of a code, its exit code, and its page with indented code blocks."""
    entry = ENTRIES[code]
    paint = style.for_severity(entry.severity)
    head = f"{paint(code)}{style.strong(f': {_plain(entry.meaning)}')}"
    end = _ENDS.get(entry.severity) or f"exit code {entry.exit_code:d}"
    return "\n".join([head, end, "", *_lines(page(code))])


def listed(codes: Sequence[Code], style: Style) -> str:
    """Return a line for each code: its name and its meaning."""
    longest = max(map(len, codes))
    return "\n".join(f"{style.strong(code.ljust(longest))}  {_plain(ENTRIES[code].meaning)}" for code in codes)


def as_json(code: Code) -> dict[str, object]:
    """Return an entry of the registry as JSON; texts are Markdown."""
    entry = ENTRIES[code]
    return {
        "code": code,
        "meaning": entry.meaning,
        "example": entry.example,
        "exit_code": int(entry.exit_code),
        "severity": entry.severity,
        "explanation": _body(page(code)),
    }


def _body(text: str) -> str:
    """Return a page without its title, which is the code."""
    return text.partition("\n\n")[2]


def _lines(text: str) -> Iterator[str]:
    is_code = False
    for line in _body(text).rstrip("\n").split("\n"):
        if line.startswith("```"):
            is_code = not is_code
        else:
            yield f"{_INDENT}{line}".rstrip() if is_code else _plain(line)


def _plain(text: str) -> str:
    return _EMPHASIS.sub(r"\1", text)
