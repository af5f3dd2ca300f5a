"""A problem → text with its line and a caret, or a JSON object."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.report.style import Style, printable, width
from runner.secrets import STARS, Mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.errors import Position, Problem

_LINE_WIDTH = 100
_MAX_MESSAGE = 400
"""A longer value would bury the rest of the message."""
_MAX_NOTES = 60
_MAX_NOTE = 300
_PLAIN = Style(on=False)
OPEN = Mask()
"""A mask that hides nothing."""


def as_text(problem: Problem, style: Style = _PLAIN, mask: Mask = OPEN) -> str:
    """Return a problem as text, as compilers do: message, position, source line with a caret, hint."""
    problem = masked(problem, mask)
    paint = style.for_severity(problem.severity)
    lines = [f"{paint(f'{problem.severity}[{problem.code}]')}{style.strong(f': {printable(problem.message)}')}"]
    notes = [problem.context] if problem.context else []
    gutter, hint = " ", None
    if problem.position:
        gutter = " " * len(str(problem.position.line))
        where = f"{printable(problem.position.path)}:{problem.position.line}:{problem.position.column}"
        lines += [f"{gutter}{style.place('-->')} {where}"]
        shown = _starred(problem.position, mask)
        hint = problem.hint if _fits(shown, problem.hint or "") else None
        lines += _excerpt(shown, hint, style, gutter, paint)
    if problem.hint and not hint:
        notes.insert(0, problem.hint)
    if problem.notes:
        notes.insert(0, "\n".join(problem.notes))
    for note in notes:
        first, *rest = map(printable, note.split("\n"))
        lines.append(f"{gutter} {style.place('=')} {first}")
        lines += [f"{gutter}   {line}" for line in rest]
    return "\n".join(lines)


def as_json(problem: Problem) -> dict[str, object]:
    """Return a problem as JSON."""
    place = problem.position
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "path": place.path if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "end_column": place.end_column if place else None,
        "at": problem.at,
        "hint": problem.hint,
        "context": problem.context,
    } | ({"notes": list(problem.notes)} if problem.notes else {})


def masked(problem: Problem, mask: Mask) -> Problem:
    """Mask the texts of a problem before they are laid out: a secret that is split or escaped can't be found."""
    place = problem.position
    return replace(
        problem,
        message=mask.cut(problem.message, _MAX_MESSAGE),
        hint=problem.hint and mask.cut(problem.hint, _MAX_MESSAGE),
        context=problem.context and mask.text(problem.context),
        notes=_cut(problem.notes, mask),
        position=place and replace(place, path=mask.text(place.path)),
    )


def _cut(notes: Sequence[str], mask: Mask) -> tuple[str, ...]:
    """Mask lines and cut them, and all but the first ones."""
    more = len(notes) - _MAX_NOTES
    shown = tuple(mask.cut(note, _MAX_NOTE) for note in notes[:_MAX_NOTES])
    return (*shown, f"and {more} more lines") if more > 0 else shown


def _starred(place: Position, mask: Mask) -> Position:
    """Mask the line and move the columns along. Within a secret they move to the ends of its stars."""
    start = column = place.column - 1
    end = end_column = place.end_column - 1
    for first, last in mask.data_spans(place.text):
        longer = len(STARS) - (last - first)
        if column > first:
            start += longer if column >= last else first - column
        if end_column > first:
            end += longer if end_column >= last else first + len(STARS) - end_column
    return replace(place, text=mask.data(place.text), column=start + 1, end_column=end + 1)


def _fits(place: Position, hint: str) -> bool:
    """Return whether a hint fits beside the caret; a longer one goes below, where terminals don't break it."""
    text, shift = _window(place.text, place.column - 1)
    end = width(printable(text[: place.end_column - 1 - shift]))
    gutter = len(f"{place.line} | ")
    return bool(text.strip()) and gutter + end + 1 + max(map(width, hint.split("\n"))) <= _LINE_WIDTH


def _excerpt(place: Position, hint: str | None, style: Style, gutter: str, paint: object) -> list[str]:
    start = place.column - 1
    text, shift = _window(place.text.replace("\t", " "), start)
    before, marked = text[: start - shift], text[start - shift : place.end_column - 1 - shift]
    caret = "^" * max(width(printable(marked)), 1)
    bar = style.place("|")
    painted = paint(caret) if callable(paint) else caret
    first, *rest = map(printable, hint.split("\n")) if hint else [""]
    pad = " " * width(printable(before))
    if not text.strip():
        return []
    lines = [
        f"{gutter} {bar}",
        f"{style.place(str(place.line))} {bar} {printable(text)}",
        f"{gutter} {bar} {pad}{painted} {first}".rstrip(),
    ]
    return lines + [f"{gutter} {bar} {pad}{' ' * len(caret)} {line}" for line in rest]


def _window(text: str, start: int) -> tuple[str, int]:
    """Return the part of a long line around the caret, and by how many characters it is shifted."""
    if len(text) <= _LINE_WIDTH:
        return text, 0
    first = max(0, min(start - _LINE_WIDTH // 2, len(text) - _LINE_WIDTH))
    return text[first : first + _LINE_WIDTH], first
