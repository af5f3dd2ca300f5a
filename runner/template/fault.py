"""The faults that rendering a template raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.codes import Code


class TemplateFault(Exception):  # noqa: N818 - it is a fault in a template, found while rendering
    """A template does something that is not allowed, or its result can't be sent."""

    def __init__(self, code: Code, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class UndefinedFault(TemplateFault):
    """A name, a key or an index does not exist. Jinja raises it with one text: message, hint and name on a line each."""

    def __init__(self, text: str | None = None) -> None:
        message, hint, name = ((text or "") + "\n\n").split("\n")[:3]
        super().__init__("template-undefined", message, hint or None)
        self.name = name or None
