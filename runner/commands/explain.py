"""`runner explain`: the meaning of a problem code, with a wrong and a right example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.codes import CODES
from runner.errors import ExitCode, Problem, UsageError, did_you_mean, shown_argument
from runner.report import Format

if TYPE_CHECKING:
    from runner.codes import Code
    from runner.commands.session import Session


def explain(session: Session, text: str | None) -> ExitCode:
    """Show the explanation of a code, or without one a line for each code. Raise UsageError for an unknown code."""
    from runner.report import explanations  # noqa: PLC0415 - completing a code needs the names alone

    codes = CODES if text is None else (_code(text),)
    match session.output.format:
        case Format.JSON | Format.JSONL:
            session.output.items("problems", map(explanations.as_json, codes))
        case Format.PRETTY | Format.GITHUB if text is None:
            session.output.data(explanations.listed(codes, session.output.style))
        case Format.PRETTY | Format.GITHUB:
            [code] = codes
            session.output.data(explanations.as_text(code, session.output.style))
    return ExitCode.OK


def _code(text: str) -> Code:
    for code in CODES:
        if code == text:
            return code
    hint = did_you_mean(text, CODES, "`runner explain` lists them all")
    raise UsageError(Problem("usage", f"there is no problem code '{shown_argument(text)}'", hint=hint))
