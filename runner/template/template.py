"""One template of a spec: its text → a checked syntax tree. Nothing is compiled or run here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import TemplateSyntaxError, nodes
from jinja2.parser import Parser

from runner.errors import MAX_HINTS, Problem, did_you_mean
from runner.template.functions import GLOBALS
from runner.template.inspector import TOO_DEEP, Finding, Inspector, Use
from runner.template.language import (
    MAX_PARSED,
    MAX_TOKENS,
    TOO_MANY_TOKENS,
    CountedTokens,
    SourceError,
    environment,
    is_too_large,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from runner.errors import Position, Step
    from runner.source import Node


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template. `path` is its path in the spec. `tree` is None for plain text, and for a template with faults."""

    node: Node
    path: tuple[Step, ...]
    text: str
    tree: nodes.Template | None = None
    uses: tuple[Use, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def has_syntax_error(self) -> bool:
        """Whether the text is not a template of this language."""
        return any(finding.is_syntax_error for finding in self.findings)

    @property
    def lone(self) -> nodes.Expr | None:
        """The expression if it is the whole template, so that its value keeps its type. The last newline of a block is ignored."""
        pieces = self.pieces or []
        match pieces:
            case [piece, nodes.TemplateData(data="\n")] if self.node.is_block:
                pieces = [piece]
        return pieces[0] if len(pieces) == 1 and not isinstance(pieces[0], nodes.TemplateData) else None

    @property
    def pieces(self) -> list[nodes.Expr] | None:
        """Text and expressions in order; None if the template has statements."""
        body = self.tree.body if self.tree else []
        if not all(isinstance(item, nodes.Output) for item in body):
            return None
        return [piece for item in body if isinstance(item, nodes.Output) for piece in item.nodes]

    @property
    def constant(self) -> str | None:
        """The text itself; None if it is a template."""
        return self.text if self.tree is None and not self.findings else None

    @property
    def reads_omit(self) -> bool:
        """Return whether the template names `omit`."""
        return (
            "omit" in self.text
            and self.tree is not None
            and any(name.name == "omit" for name in self.tree.find_all(nodes.Name))
        )

    def problems(self) -> Iterator[Problem]:
        """Yield the problems of the template itself."""
        return map(self.problem, self.findings)

    def undefined(self, known: Mapping[str, object], *, hints: int = MAX_HINTS) -> Iterator[Problem]:
        """Yield a problem for each variable that the template reads and that is not `known`, where it is first read.

        The first `hints` of them have a suggestion.
        """
        first = {use.name: use for use in reversed(self.uses) if use.name not in known}
        for index, use in enumerate(sorted(first.values(), key=lambda use: use.offset)):
            hint = did_you_mean(use.name, known) if index < hints else None
            message = f"variable '{use.name}' is not defined"
            yield self.problem(Finding("template-undefined", message, hint, use.offset, use.offset + len(use.name)))

    def problem(self, finding: Finding) -> Problem:
        """Return the problem of a finding, with its position in the file."""
        return Problem(finding.code, finding.message, self.place(finding.start, finding.end), hint=finding.hint)

    def place(self, start: int, end: int) -> Position:
        """Return the position of `[start, end)` of the template's text."""
        return self.node.span(start, end)


class TooLargeError(Exception):
    """The templates of a spec are too large to be parsed; the problem has the position."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


class Allowance:
    """Counts the tokens of all templates of one spec. A template that aliases repeat counts each time.

    `problem` is set once there are too many to compile.
    """

    def __init__(self) -> None:
        self._taken = 0
        self.problem: Problem | None = None

    def take(self, template: Template, tokens: int) -> None:
        """Add a template's tokens. Raises TooLargeError if there are too many even to continue parsing."""
        self._taken += tokens
        if self._taken > MAX_TOKENS and self.problem is None:
            self.problem = template.problem(Finding("template-too-large", *TOO_MANY_TOKENS, 0, 1))
        if self._taken > MAX_PARSED and self.problem is not None:
            raise TooLargeError(self.problem)


def parse(node: Node, path: tuple[Step, ...], allowance: Allowance, items: AbstractSet[str] = frozenset()) -> Template:
    """Return the template of a text node, with its faults. `items` are the names of the loops around it: not variables.

    Raises TooLargeError if all templates together are too large.
    """
    source = str(node.value)
    if "{{" not in source and "{%" not in source and "{#" not in source:
        return Template(node, path, source)
    return _parsed(node, path, allowance, _TEMPLATE, items)


def parse_loop(node: Node, path: tuple[Step, ...], allowance: Allowance, items: AbstractSet[str]) -> Template:
    """Parse the text of a `$for`, such as `item in items`: its tree is one loop without a body."""
    return _parsed(node, path, allowance, _LOOP, items)


def parse_condition(node: Node, path: tuple[Step, ...], allowance: Allowance, items: AbstractSet[str]) -> Template:
    """Parse the text of a `$if`, such as `item.quantity > 0`: an expression without braces."""
    return _parsed(node, path, allowance, _CONDITION, items)


class _Form(NamedTuple):
    """How the text of a node becomes the source of a template."""

    before: str
    after: str
    expected: str | None = None
    hint: str | None = None

    def fits(self, tree: nodes.Template) -> bool:
        """Return whether a tree is what a text of this form means."""
        match self, tree.body:
            case _Form(expected=None), _:
                return True
            case _Form(before="{% for "), [nodes.For(body=[], else_=[], test=None, recursive=False)]:
                return True
            case _Form(before="{{ "), [nodes.Output(nodes=[only])]:
                return not isinstance(only, nodes.TemplateData)
            case _:
                return False


_TEMPLATE = _Form("", "")
_LOOP = _Form("{% for ", " %}{% endfor %}", "$for expects a name and a list", "such as: item in items")
_CONDITION = _Form("{{ ", " }}", "$if expects an expression", "such as: item.quantity > 0, without braces")


def _parsed(node: Node, path: tuple[Step, ...], allowance: Allowance, form: _Form, items: AbstractSet[str]) -> Template:
    source = str(node.value)
    inspect = _inspected if len(source) <= _SHORT else _inspected.__wrapped__
    tree, uses, findings, count = inspect(source, form, frozenset(items))
    template = Template(node, path, source, tree, uses, findings)
    allowance.take(template, count)
    return template


_SHORT = 1000


@lru_cache(maxsize=256)
def _inspected(
    text: str, form: _Form, items: frozenset[str]
) -> tuple[nodes.Template | None, tuple[Use, ...], tuple[Finding, ...], int]:
    """Return the tree of a text (None if it has faults), the variables that it reads, its faults and the number of its tokens.

    The results are cached, because many specs share texts such as `{{ user }}`.
    """
    source = f"{form.before}{text}{form.after}"
    if is_too_large(source):
        return None, (), (Finding("template-too-large", *TOO_MANY_TOKENS, 0, 1),), MAX_PARSED + 1
    parser: Parser | None = None
    tree: nodes.Template | None = None
    findings: list[Finding] = []
    uses: list[Use] = []
    try:
        parser = Parser(environment, source)
        tree = parser.parse()
    except TemplateSyntaxError as error:
        start = min(max(error.lineno - 1, 0), max(len(source) - 1, 0))
        findings = [Finding("template-syntax", *_explain(error.message or "not a template"), start, start + 1)]
    except SourceError as error:
        findings = [Finding(*error.finding)]
    except RecursionError:
        findings = [TOO_DEEP]
    count = parser.stream.count if parser is not None and isinstance(parser.stream, CountedTokens) else 1
    if tree is not None and form.fits(tree):
        inspector = Inspector(source)
        inspector.inspect(tree, items)
        findings, uses = inspector.findings, inspector.uses
        count += inspector.repeats // _REPEATS
    elif form.expected is not None and not (form is _CONDITION and tree is None and "{" not in text):
        findings = [Finding("directive", form.expected, form.hint, len(form.before), len(source) - len(form.after))]
    if before := len(form.before):
        uses = [use._replace(offset=use.offset - before) for use in uses]
        last = max(len(text) - 1, 0)
        findings = [
            each._replace(start=min(max(each.start - before, 0), last), end=min(each.end - before, len(text)))
            for each in findings
        ]
        for each in tree.find_all(nodes.Node) if tree is not None else ():
            each.lineno = max((each.lineno or 0) - before, 0)
    return None if findings else tree, tuple(uses), tuple(findings), count


RESERVED = frozenset({"true", "false", "none", "True", "False", "None", "not", "loop", "self", *GLOBALS})
"""Names that can't be variables, because they mean something else somewhere in a template."""


_REPEATS = 3
"""Nodes that are visited again in the time in which one token is compiled."""


def _explain(message: str) -> tuple[str, str | None]:
    """Return the message and the hint for a complaint of Jinja's."""
    message = message.rstrip(".")
    if unknown := re.search(r"unknown tag '(\w+)'", message):
        tag, open_block = unknown[1], re.search(r"innermost block that needs to be closed is '(\w+)'", message)
        if tag in ("elseif", "elsif"):
            return f"unknown tag '{tag}'", "write elif"
        if open_block and tag.startswith(("end", "else", "elif")):
            return (
                f"'{tag}' does not belong to '{open_block[1]}', which is still open",
                f"close it with end{open_block[1]}",
            )
        if tag.startswith(("end", "else", "elif")):
            return f"'{tag}' has no open block that it belongs to", None
        return f"unknown tag '{tag}'", "these exist: if, for, set, with, filter"
    if closed := re.search(r"innermost block that needs to be closed is '(\w+)'", message):
        return f"'{closed[1]}' is never closed", f"end it with {{% end{closed[1]} %}}"
    if message.startswith("unexpected end of template"):
        end = "%}" if "statement block" in message else "}}"
        return "the template ends in the middle of an expression", f"close it with {end}"
    if curly := re.fullmatch(r"unexpected char '([\u2018-\u201f\u00ab\u00bb])'", message):
        return f"a curly quote {curly[1]} is not valid in a template", "write straight quotes: ' or \""
    if message == "unexpected '}'":
        return "a single } is not valid here", "an expression ends with }}"
    if found := re.fullmatch(r"expected token 'end of (?:print statement|statement block)', got (.*)", message):
        return f"the expression should end here, before {found[1]}", None
    if "'end of print statement'" in message or "'end of statement block'" in message:
        return "an expression is missing here", None
    return message[:1].lower() + message[1:], None
