"""Handlebars as the platform's templates and transforms use it: text → syntax tree → rendered text, or the variables that it reads.

The language is that of handlebars.js 4.7 in strict mode: a variable that is missing makes rendering fail. Templates are of
others: their size, their depth and the work of rendering are bounded.
"""

from runner.workflows.expression_errors import ExpressionError, HandlebarsError, UnsupportedError
from runner.workflows.handlebars.parser import parse
from runner.workflows.handlebars.references import Reference, references
from runner.workflows.handlebars.renderer import render

__all__ = ["ExpressionError", "HandlebarsError", "Reference", "UnsupportedError", "parse", "references", "render"]
