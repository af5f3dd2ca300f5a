"""A template's syntax tree → the variables that it reads, and what is forbidden in it."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

from runner.errors import did_you_mean
from runner.template.conditions import TESTS
from runner.template.dates import explained, wrong_directives
from runner.template.filters import FILTERS
from runner.template.functions import GLOBALS
from runner.template.language import UNKNOWN, WHERE_LISTED
from runner.template.methods import METHODS
from runner.template.omit import NAME as OMIT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.codes import Code
    from runner.template.language import Kind

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.AssignBlock,
    nodes.FilterBlock, nodes.With, nodes.Expr, nodes.Pair, nodes.Keyword, nodes.Operand,
)  # fmt: skip


_STATEMENTS: dict[type[nodes.Node], str] = {
    nodes.Include: "include", nodes.Import: "import", nodes.FromImport: "import", nodes.Extends: "extends",
    nodes.Block: "block", nodes.Scope: "autoescape", nodes.Macro: "macro", nodes.CallBlock: "call", nodes.ScopedEvalContextModifier: "autoescape",
}  # fmt: skip


class Use(NamedTuple):
    """A variable that a template reads. It is `optional` if `default()` or `is defined` guards it."""

    name: str
    offset: int
    optional: bool


class Finding(NamedTuple):
    """A fault in a template's text, from offset `start` to `end`."""

    code: Code
    message: str
    hint: str | None
    start: int
    end: int

    @property
    def is_syntax_error(self) -> bool:
        """Whether the text is not a template of this language."""
        return self.code == "template-syntax"


MAX_LEVELS = 200
"""Maximum depth of nested expressions and statements, so that Python's compiler can handle them."""


TOO_DEEP = Finding("template-syntax", "the expression is nested too deep", None, 0, 1)


class Inspector:
    """Walks a syntax tree once, and collects the variables that it reads and its faults."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.uses: list[Use] = []
        self.findings: list[Finding] = []
        self.repeats = 0
        """How many nodes Jinja's compiler visits again: it visits each node once more for each block around it."""
        self._depth = -1
        self._level = 0
        self._guarded: set[str] = set()

    def inspect(self, tree: nodes.Template, known: Iterable[str] = ()) -> None:
        """Walk a tree, and collect its variables and faults. `known` are names that are not variables."""
        try:
            self._block(tree.body, set(known))
        except RecursionError:
            self.findings.append(TOO_DEEP)

    def _block(self, body: list[nodes.Node], local: set[str]) -> None:
        """Visit statements in order; names that a statement sets are known to those after it."""
        self._depth += 1
        for node in body:
            self._visit(node, local, guarded=False)
        self._depth -= 1

    def _visit(self, node: nodes.Node, local: set[str], *, guarded: bool) -> None:
        self._level += 1
        if self._level > MAX_LEVELS:
            raise RecursionError
        self._look(node, local, guarded=guarded)
        self._level -= 1

    def _look(self, node: nodes.Node, local: set[str], *, guarded: bool) -> None:
        self.repeats += self._depth
        if not isinstance(node, _ALLOWED):
            word = _STATEMENTS.get(type(node), type(node).__name__.lower())
            self._find("template-forbidden", f"'{word}' is not allowed in a spec's template", node, len(word))
            return
        match node:
            case nodes.Const(value=float() as number) if not isfinite(number):
                self._find("not-finite", "the number is too large for a double", node, 1)
            case nodes.Name(ctx="load"):
                self._name(node, local, guarded=guarded)
            case nodes.For():
                self._for(node, local)
            case nodes.If():
                self._if(node, local)
            case nodes.CondExpr():
                self._visit(node.test, local, guarded=False)
                before, self._guarded = self._guarded, self._guarded | _tested(node.test)
                self._visit(node.expr1, local, guarded=guarded)
                self._guarded = before
                if node.expr2 is not None:
                    self._visit(node.expr2, local, guarded=guarded)
            case nodes.Assign() | nodes.AssignBlock():
                self._assign(node, local)
            case nodes.With():
                inner = set(local)
                for target, value in zip(node.targets, node.values, strict=True):
                    self._visit(value, local, guarded=False)
                    inner |= self._stored(target)
                self._block(node.body, inner)
            case nodes.FilterBlock():
                self._visit(node.filter, local, guarded=False)
                self._block(node.body, set(local))
            case nodes.Filter():
                self._filter(node, local)
            case nodes.Test():
                self._test(node, local)
            case nodes.Call():
                self._call(node, local)
            case nodes.Getitem(arg=nodes.Const(value=str(key))) if key.startswith("__"):
                self._find("template-forbidden", f"'{key}' is not reachable from a template", node.arg, len(key) + 2)
            case nodes.Getitem(arg=nodes.Tuple(items=items)) if any(isinstance(item, nodes.Slice) for item in items):
                self._find("template-syntax", "a slice must be alone between [ and ]", node, 1)
            case nodes.Getattr():
                if node.attr.startswith("_"):
                    self._find_name("template-forbidden", f"'{node.attr}' is not reachable from a template", node)
                self._visit(node.node, local, guarded=guarded)
            case _:
                for child in node.iter_child_nodes():
                    self._visit(child, local, guarded=guarded and isinstance(node, nodes.Getitem))

    def _name(self, node: nodes.Name, local: set[str], *, guarded: bool) -> None:
        if node.name in local or node.name == OMIT_NAME:
            return
        if node.name in GLOBALS:
            self._find("template-type", f"'{node.name}' is a function", node, len(node.name), f"call it: {node.name}()")
        elif node.name.startswith("_"):
            self._find("template-forbidden", "names that begin with _ are not reachable", node, len(node.name))
        elif node.name == "self":
            self._find("template-forbidden", "'self' is not reachable from a template", node, len(node.name))
        elif (other := _as_python_reads(node.name)) != node.name:
            self._find(
                "template-syntax", f"'{node.name}' and '{other}' are one name", node, len(node.name), f"write {other}"
            )
        else:
            self.uses.append(Use(node.name, node.lineno - 1, guarded or node.name in self._guarded))

    def _if(self, node: nodes.If, local: set[str]) -> None:
        """Visit the branches. Names that all of them set are known after them."""
        ends = []
        for branch in (node, *node.elif_):
            self.repeats += self._depth
            self._visit(branch.test, local, guarded=False)
            before, self._guarded = self._guarded, self._guarded | _tested(branch.test)
            ends.append(set(local))
            self._block(branch.body, ends[-1])
            self._guarded = before
        ends.append(set(local))
        self._block(node.else_, ends[-1])
        local |= set.intersection(*ends)

    def _for(self, node: nodes.For, local: set[str]) -> None:
        if node.recursive:
            self._find("template-forbidden", "recursive loops are not allowed in a spec's template", node, 3)
        self._visit(node.iter, local, guarded=False)
        inner = local | self._stored(node.target) | {"loop"}
        if node.test is not None:
            self._visit(node.test, inner, guarded=False)
        self._block(node.body, inner)
        self._block(node.else_, set(local))

    def _assign(self, node: nodes.Assign | nodes.AssignBlock, local: set[str]) -> None:
        if isinstance(node, nodes.AssignBlock):
            if node.filter is not None:
                self._visit(node.filter, local, guarded=False)
            self._block(node.body, set(local))
        else:
            self._visit(node.node, local, guarded=False)
        for ref in [node.target] if isinstance(node.target, nodes.NSRef) else node.target.find_all(nodes.NSRef):
            if ref.name not in local:
                hint = f"make one before: {{% set {ref.name} = namespace({ref.attr}=…) %}}"
                message = f"'{ref.name}' is not a namespace: only namespaces have attributes that can be set"
                self._find("template-type", message, ref, len(ref.name), hint)
            elif ref.attr.startswith("_"):
                self._find("template-forbidden", f"'{ref.attr}' can't be set", ref, len(ref.name))
        local |= self._stored(node.target)

    def _stored(self, target: nodes.Node) -> set[str]:
        names = {target.name} if isinstance(target, nodes.Name) else set()
        for item in target.find_all(nodes.Name):
            names.add(item.name)
        for name in names:
            if _as_python_reads(name) in GLOBALS or name.startswith("_"):
                self._find("template-forbidden", f"'{name}' can't be set", target, len(name))
            elif (other := _as_python_reads(name)) != name:
                self._find(
                    "template-syntax", f"'{name}' and '{other}' are one name", target, len(name), f"write {other}"
                )
        return names

    def _filter(self, node: nodes.Filter, local: set[str]) -> None:
        if node.name not in FILTERS:
            hint = did_you_mean(node.name, FILTERS, WHERE_LISTED)
            self._find("template-unknown-filter", f"there is no filter '{node.name}'", node, len(node.name), hint)
        if node.node is not None:
            self._visit(node.node, local, guarded=node.name in ("default", "d"))
        self._named_argument(node)
        self._arguments(node, local)

    def _named_argument(self, node: nodes.Filter) -> None:
        """Check the filter or test that is named by text: `map('upper')`, `selectattr('a', 'eq')`."""
        place = {"map": 0, "select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}.get(node.name, len(node.args))
        argument = node.args[place] if place < len(node.args) else None
        if not isinstance(argument, nodes.Const) or not isinstance(argument.value, str):
            return
        kind: Kind = "filter" if node.name == "map" else "test"
        known: Mapping[str, object] = FILTERS if kind == "filter" else TESTS
        if argument.value not in known:
            hint = did_you_mean(argument.value, known, WHERE_LISTED)
            message = f"there is no {kind} '{argument.value}'"
            self._find(UNKNOWN[kind], message, argument, len(argument.value) + 2, hint)

    def _test(self, node: nodes.Test, local: set[str]) -> None:
        if node.name not in TESTS:
            hint = did_you_mean(node.name, TESTS, WHERE_LISTED)
            self._find("template-unknown-test", f"there is no test '{node.name}'", node, len(node.name), hint)
        self._visit(node.node, local, guarded=node.name in ("defined", "undefined"))
        self._arguments(node, local)

    def _call(self, node: nodes.Call, local: set[str]) -> None:
        target = node.node
        if isinstance(target, nodes.Name) and target.name not in local:
            if target.name not in GLOBALS:
                hint = did_you_mean(target.name, GLOBALS)
                message = f"there is no function '{target.name}'"
                self._find("template-unknown-function", message, target, len(target.name), hint)
        elif isinstance(target, nodes.Getattr):
            if target.attr not in METHODS:
                hint = did_you_mean(target.attr, METHODS, WHERE_LISTED)
                self._find_name("template-unknown-method", f"there is no method '{target.attr}'", target, hint)
            self._visit(target.node, local, guarded=False)
            if target.attr == "strftime":
                self._format(node)
        else:
            self._find("template-forbidden", "only functions and methods can be called", node, 1)
        self._arguments(node, local)

    def _format(self, node: nodes.Call) -> None:
        """Check the format of a date, if it is a constant."""
        for form in (*node.args, *(each.value for each in node.kwargs)):
            if isinstance(form, nodes.Const) and isinstance(form.value, str):
                for directive in wrong_directives(form.value):
                    message, hint = explained(directive)
                    self._find("template-type", message, form, len(form.value) + 2, hint)

    def _arguments(self, node: nodes.Filter | nodes.Test | nodes.Call, local: set[str]) -> None:
        for argument in (*(node.args or ()), *(node.kwargs or ()), node.dyn_args, node.dyn_kwargs):
            if argument is not None:
                self._visit(argument, local, guarded=False)
        given: set[str] = set()
        for named in node.kwargs or ():
            if not isinstance(named, nodes.Keyword):
                continue
            name = _as_python_reads(named.key)
            if name.startswith("_"):
                self._find_argument("template-forbidden", "names that begin with _ are not reachable", named)
            elif name in given:
                self._find_argument("template-syntax", f"argument '{name}' is given twice", named)
            given.add(name)

    def _find(self, code: Code, message: str, node: nodes.Node, width: int, hint: str | None = None) -> None:
        numbered = node if node.lineno else next(node.iter_child_nodes())
        start = max(numbered.lineno - 1, 0)
        self.findings.append(Finding(code, message, hint, start, start + width))

    def _find_name(self, code: Code, message: str, node: nodes.Getattr, hint: str | None = None) -> None:
        """Point at an attribute's name: its node begins at the dot before it."""
        start = self.source.find(node.attr, max(node.lineno - 1, 0))
        self.findings.append(Finding(code, message, hint, start, start + len(node.attr)))

    def _find_argument(self, code: Code, message: str, argument: nodes.Keyword) -> None:
        """Point at an argument's name: its node begins at the value after it."""
        start = self.source.rfind(argument.key, 0, max(argument.lineno - 1, 0))
        self.findings.append(Finding(code, message, None, start, start + len(argument.key)))


def _as_python_reads(name: str) -> str:
    """Return a name as Python's compiler normalizes it: two names that look alike are one variable there."""
    if name.isascii():
        return name
    from unicodedata import normalize  # noqa: PLC0415 - few templates have such names

    return normalize("NFKC", name)


def _tested(test: nodes.Node) -> set[str]:
    """Return the names that are known to be defined if `test` is true."""
    if isinstance(test, nodes.And):
        return _tested(test.left) | _tested(test.right)
    if isinstance(test, nodes.Test) and test.name == "defined" and isinstance(test.node, nodes.Name):
        return {test.node.name}
    return set()
