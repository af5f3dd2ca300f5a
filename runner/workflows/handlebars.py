"""Handlebars, as in templates and transforms of workflows: text → a syntax tree → a text, or the variables that it reads."""

from __future__ import annotations

from runner.workflows.expression_errors import HandlebarsError
from runner.workflows.handlebars_parser import parse
from runner.workflows.handlebars_references import Reference, references
from runner.workflows.handlebars_render import render
from runner.workflows.handlebars_tree import Program

__all__ = ["HandlebarsError", "Program", "Reference", "parse", "references", "render"]
