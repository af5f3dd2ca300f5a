"""All templates of one event → one compiled program, which renders them in one pass.

The program is a single expression with the structure of the event: a constant is a constant, a lone expression is
itself, and mixed text is a joined tuple. Only a template with statements becomes a captured block before it. So an
event costs one context and one call, whatever the number of its templates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import Template as Program
from jinja2 import TemplateError, nodes

from runner.errors import dotted
from runner.template.fault import TemplateFault, UndefinedFault
from runner.template.inspector import Finding
from runner.template.language import Rendering, environment, tokens
from runner.template.python_words import in_words
from runner.template.template import Template, templates_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.errors import Problem
    from runner.template.budget import Budget
    from runner.template.template import Shape

_RESULT = "result"
_BLOCK = "_block"


class RenderingError(Exception):
    """Rendering failed; the problems say where and why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(*problems)
        self.problems = problems


@dataclass(slots=True)
class Plan:
    """A shape, compiled when it is first evaluated."""

    shape: Shape
    _program: Program | None = None
    _probes: list[_Probe] | None = None

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Return the value of the shape, with all templates rendered.

        Raises RenderingError with the fault of each template that has one, found by rendering each template alone within
        the same deadline.
        """
        done: dict[str, object] = {}
        try:
            if self._program is None:
                self._program = _compile(self.shape)
            return _run(self._program, variables, budget, done)
        except _FAULTS as error:
            fault = _alone(error)
        templates = [template for template in templates_of(self.shape) if template.tree is not None]
        failed = _likely_failed(templates, done)
        done.clear()
        problems = [] if _is_too_slow(fault) else self._causes(fault, templates, variables, budget.anew())
        # Each template may be fine alone, but all together may exceed the budget.
        raise RenderingError(problems or [failed.problem(_finding(failed, fault, (0, len(failed.text))))])

    def _causes(
        self, fault: Exception, templates: list[Template], variables: Mapping[str, object], budget: Budget
    ) -> list[Problem]:
        """Return the problem of each expression that fails alone, as far as the budget allows."""
        if self._probes is None:
            self._probes = [probe for template in templates for probe in _probes(template)]
        if len(self._probes) == 1:
            return [self._probes[0].problem(fault)]
        problems: list[Problem] = []
        for probe in self._probes:
            if budget.is_late() or any(problem.code in _SPENT for problem in problems[-1:]):
                break  # all others would fail too
            problems += probe.problems(variables, budget)
        return problems


_SPENT = ("template-too-large", "template-too-slow")
"""Problems that leave a budget exhausted."""


def _alone(error: Exception) -> Exception:
    """Return an error without its traceback and causes, which would keep the values of the rendering alive."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _is_too_slow(error: Exception) -> bool:
    return isinstance(error, TemplateFault) and error.code == "template-too-slow"


def _likely_failed(templates: list[Template], done: Mapping[str, object]) -> Template:
    """Return the template that was probably being rendered: the first unfinished block, else the longest template."""
    blocks = [template for template in templates if template.pieces is None]
    finished = sum(name.startswith(_BLOCK) for name in done)
    return blocks[finished] if finished < len(blocks) else max(templates, key=lambda template: len(template.text))


_FAULTS = (
    TemplateFault, TemplateError, ArithmeticError, AssertionError, TypeError, ValueError, LookupError, AttributeError,
    RecursionError, MemoryError, SyntaxError,
)  # fmt: skip
"""Exceptions that the code of a template can raise; the last three come from Python's compiler."""


def _run(program: Program, variables: Mapping[str, object], budget: Budget, done: dict[str, object]) -> object:
    """Run a program, and return its result. `done` receives the values of blocks as they finish."""
    context = Rendering(variables, budget, done)
    for _ in program.root_render_func(context):
        pass
    return done[_RESULT]


def _compile(shape: Shape) -> Program:
    blocks: list[nodes.Node] = []
    return _program(_expression(shape, blocks), blocks)


def _program(expression: nodes.Expr, blocks: list[nodes.Node]) -> Program:
    tree = nodes.Template([*blocks, nodes.Assign(nodes.Name(_RESULT, "store"), expression)])
    tree.set_environment(environment)
    for node in (tree, *tree.find_all(nodes.Node)):
        node.lineno = node.lineno or 1
    return Program.from_code(environment, environment.compile(tree), dict(environment.globals))


def _expression(shape: Shape, blocks: list[nodes.Node]) -> nodes.Expr:
    match shape:
        case Template():
            return _template_expression(shape, blocks)
        case dict():
            entries = {key: _expression(item, blocks) for key, item in shape.items()}
            if all(isinstance(item, nodes.Const) for item in entries.values()):
                return nodes.Const({key: item.value for key, item in entries.items() if isinstance(item, nodes.Const)})
            return nodes.Dict([nodes.Pair(nodes.Const(key), item) for key, item in entries.items()])
        case list():
            items = [_expression(item, blocks) for item in shape]
            if all(isinstance(item, nodes.Const) for item in items):
                return nodes.Const([item.value for item in items if isinstance(item, nodes.Const)])
            return nodes.List(items)
        case _:
            return nodes.Const(shape)


def _template_expression(template: Template, blocks: list[nodes.Node]) -> nodes.Expr:
    if template.tree is None:
        return nodes.Const(template.text)
    place = _place(template)
    if (lone := template.lone) is not None:
        return _filter(_guard(lone, place), "native value")
    if (pieces := template.pieces) is not None:
        return _joined([_as_expression(_guard(piece, place)) for piece in pieces])
    name = f"{_BLOCK}{len(blocks)}"
    body = [_guard(node, place) for node in template.tree.body]
    blocks.append(nodes.AssignBlock(nodes.Name(name, "store"), None, body))
    return nodes.Name(name, "load")


def _place(template: Template) -> str:
    """Return the path of a template in its spec, which is the same on every machine."""
    return dotted(template.path)


def _filter(node: Any, name: str, args: list[nodes.Expr] | None = None) -> nodes.Filter:
    return nodes.Filter(node, name, args or [], [], None, None)


def _joined(parts: list[nodes.Expr]) -> nodes.Filter:
    return _filter(nodes.Tuple(parts, "load"), "joined text")


def _guard(node: nodes.Node, place: str) -> Any:
    """Return a copy of a tree that charges the budget at run time.

    It charges every piece of output, every step of a loop, every comparison of two values, every slice and every input
    of a filter. `~` joins as mixed text does, and `uuid4()` gets its place as an argument. The environment charges
    calls, other operators and filters.
    """
    copy = type(node)(*(_guard_field(getattr(node, name), place) for name in node.fields))
    copy.lineno = node.lineno
    match copy:
        case nodes.Output():
            copy.nodes = [_filter(_as_expression(piece), "text piece") for piece in copy.nodes]
        case nodes.CondExpr(expr2=None):
            copy.expr2 = _filter(nodes.Const(None), "no else")
        case nodes.For():
            copy.iter = _filter(copy.iter, "loop steps")
        case nodes.Filter(node=nodes.Expr() as value):
            copy.node = _filter(value, "watched")
        case nodes.Compare():
            return _compared(copy)
        case nodes.Getitem(node=value, arg=nodes.Slice(start=start, stop=stop, step=step)):
            return _filter(value, "cut out", [part or nodes.Const(None) for part in (start, stop, step)])
        case nodes.Pair(key=nodes.Expr() as key) if not isinstance(key, nodes.Const):
            copy.key = _filter(key, "used as key")
        case nodes.Concat():
            return _joined(copy.nodes)
        case nodes.Call(node=nodes.Getattr(node=value, attr=name)):
            copy.node = _filter(value, "method", [nodes.Const(name)])
        case nodes.Call(node=nodes.Name(name="uuid4"), args=[]):
            copy.args = [nodes.Const(place)]
    if isinstance(copy, nodes.Call | nodes.Filter | nodes.Test):
        copy.dyn_args = copy.dyn_args and _filter(copy.dyn_args, "spread out")
        copy.dyn_kwargs = copy.dyn_kwargs and _filter(copy.dyn_kwargs, "spread out")
    return copy


def _compared(compare: nodes.Compare) -> nodes.Expr:
    """Return a comparison as a test, which charges it. A comparison with a constant costs too little to charge."""
    first, operands = compare.expr, compare.ops
    if len(operands) == 1:
        (operand,) = operands
        if _is_constant(operand.expr) or (operand.op in _ORDER and _is_constant(first)):
            return compare
        name = "in" if operand.op == "notin" else _ORDER.get(operand.op, operand.op)
        test = nodes.Test(first, name, [operand.expr], [], None, None)
        return nodes.Not(test) if operand.op == "notin" else test
    return nodes.Compare(_walked(first), [nodes.Operand(each.op, _walked(each.expr)) for each in operands])


def _walked(node: nodes.Expr) -> nodes.Expr:
    return node if _is_constant(node) else _filter(node, "walked through")


_ORDER = {"eq": "eq", "ne": "ne", "lt": "lt", "lteq": "le", "gt": "gt", "gteq": "ge"}
"""The parser's names of comparisons → the names of the equivalent tests."""


def _is_constant(node: nodes.Expr) -> bool:
    """Return whether an expression is a literal constant, or a list of them."""
    return isinstance(node, nodes.Const) or (
        isinstance(node, nodes.List | nodes.Tuple) and all(isinstance(item, nodes.Const) for item in node.items)
    )


def _guard_field(value: object, place: str) -> object:
    if isinstance(value, nodes.Node):
        return _guard(value, place)
    if isinstance(value, list):
        return [_guard_field(item, place) for item in value]
    return value


def _as_expression(piece: nodes.Expr) -> nodes.Expr:
    return nodes.Const(piece.data) if isinstance(piece, nodes.TemplateData) else piece


@dataclass(slots=True)
class _Probe:
    """Renders one expression of a template, or with None the whole template, to find out whether it fails.

    It is compiled once: a file may have a million rows that fail.
    """

    template: Template
    expression: nodes.Expr | None
    region: tuple[int, int]
    is_lone: bool = False
    _program: Program | None = None

    def problems(self, variables: Mapping[str, object], budget: Budget) -> Iterator[Problem]:
        """Run it, and yield the problem if it fails."""
        try:
            if self._program is None:
                self._program = self._compiled()
            _run(self._program, variables, budget, {})
        except _FAULTS as error:
            yield self.problem(error)

    def _compiled(self) -> Program:
        if self.expression is None:
            return _compile(self.template)
        guarded = _guard(self.expression, _place(self.template))
        return _program(_filter(guarded, "native value") if self.is_lone else _joined([guarded]), [])

    def problem(self, error: Exception) -> Problem:
        """Return the problem of an error, with its position in the spec."""
        return self.template.problem(_finding(self.template, error, self.region))


def _probes(template: Template) -> Iterator[_Probe]:
    """Yield a probe for each expression of a template, or one for all of it if it has statements."""
    expressions = [piece for piece in template.pieces or () if not isinstance(piece, nodes.TemplateData)]
    regions = list(_regions(template.text))
    is_lone = template.lone is not None
    if template.pieces is None or len(expressions) != len(regions):  # it has statements, such as print
        yield _Probe(template, None, (0, len(template.text)))
        return
    for piece, region in zip(expressions, regions, strict=True):
        yield _Probe(template, piece, region, is_lone)


def _finding(template: Template, error: Exception, region: tuple[int, int]) -> Finding:
    match error:
        case UndefinedFault(name=str(name)):
            return Finding(error.code, error.message, error.hint, *_find_name(template.text, name, region))
        case TemplateFault():
            return Finding(error.code, error.message, error.hint, *region)
        case OverflowError():
            return Finding("template-too-large", "the number is too large for a double", None, *region)
        case RecursionError() | MemoryError() | SyntaxError():
            return Finding("template-too-large", "the expression is nested too deep", None, *region)
        case _:
            return Finding("template-failed", *in_words(str(error) or type(error).__name__), *region)


def _find_name(text: str, name: str, region: tuple[int, int]) -> tuple[int, int]:
    start, end = region
    for offset, kind, token in tokens(text):
        if start <= offset < end and kind in ("name", "string") and token.strip("'\"") == name:
            return offset, offset + len(token)
    return region


def _regions(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each expression between `{{` and `}}`, without the white space around it."""
    start = end = 0
    inside = False
    for offset, kind, token in tokens(text):
        match kind:
            case "variable_begin":
                inside, start = True, -1
            case "variable_end":
                inside = False
                yield max(start, 0), end
            case "whitespace":
                pass
            case _ if inside:
                start = offset if start < 0 else start
                end = offset + len(token)
