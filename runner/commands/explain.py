"""`runner explain`: what a problem's code means, with an example that is wrong and one that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.codes import CODES
from runner.errors import ExitCode, Problem, UsageError, did_you_mean, shown_argument
from runner.report import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.codes import Code
    from runner.commands.session import Session


def explain(session: Session, text: str | None) -> ExitCode:
    """Show the explanation of the code that a text names, or without one a line for each code. Raises UsageError."""
    from runner.report import explanations  # noqa: PLC0415 - completing a code needs the names alone

    codes = CODES if text is None else (_code(text),)
    match session.output.format:
        case Format.JSON:
            session.output.json({"problems": [explanations.as_json(code) for code in codes]})
        case Format.JSONL:
            for code in codes:
                session.output.json(explanations.as_json(code))
        case Format.PRETTY | Format.GITHUB if text is None:
            session.output.data(explanations.listed(codes, session.output.style))
        case Format.PRETTY | Format.GITHUB:
            [code] = codes
            session.output.data(explanations.as_text(code, session.output.style))
    return ExitCode.OK


def complete(incomplete: str) -> Iterator[tuple[str, str]]:
    """List the codes that begin so, each with its meaning, for the shell."""
    from runner.problems import ENTRIES  # noqa: PLC0415 - only a shell that completes asks for it

    return ((code, entry.meaning) for code, entry in ENTRIES.items() if code.startswith(incomplete))


def _code(text: str) -> Code:
    for code in CODES:
        if code == text:
            return code
    hint = did_you_mean(text, CODES, "`runner explain` lists them all")
    raise UsageError(Problem("usage", f"there is no problem code '{shown_argument(text)}'", hint=hint))
