"""All templates of one event → one compiled program, run in one pass an event.

The program is a single list expression: constants stand in it as they are, a lone expression as itself, mixed text as
a joined tuple, and only a template with statements as a captured block before it. So an event costs one context and
one call, whatever the number of its templates.
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
    """The templates gave no event; the problems say where and why."""

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
        """Render every template of the shape; once more, within the same time, to look for the cause of a fault.

        Raises RenderingError with the fault of each template that has one.
        """
        done: dict[str, object] = {}
        try:
            if self._program is None:
                self._program = _compile(self.shape)
            return _run(self._program, variables, budget, done)
        except _FAULTS as error:
            fault = _alone(error)
        templates = [template for template in templates_of(self.shape) if template.tree is not None]
        at_work = _at_work(templates, done)
        done.clear()
        problems = [] if _is_too_slow(fault) else self._causes(fault, templates, variables, budget.anew())
        # Each may be fine alone: together they are too much.
        raise RenderingError(problems or [at_work.problem(_finding(at_work, fault, (0, len(at_work.text))))])

    def _causes(
        self, fault: Exception, templates: list[Template], variables: Mapping[str, object], budget: Budget
    ) -> list[Problem]:
        """Render each expression alone, if there are several and as long as there is time for it."""
        if self._probes is None:
            self._probes = [probe for template in templates for probe in _probes(template)]
        if len(self._probes) == 1:
            return [self._probes[0].problem(fault)]
        problems: list[Problem] = []
        for probe in self._probes:
            if budget.is_late() or any(problem.code in _SPENT for problem in problems[-1:]):
                break  # whatever came next would fail too
            problems += probe.problems(variables, budget)
        return problems


_SPENT = ("template-too-large", "template-too-slow")
"""Problems after which nothing is left of a budget."""


def _alone(error: Exception) -> Exception:
    """Let go of what was made until an error, which its traceback and those before it hold."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _is_too_slow(error: Exception) -> bool:
    return isinstance(error, TemplateFault) and error.code == "template-too-slow"


def _at_work(templates: list[Template], done: Mapping[str, object]) -> Template:
    """Tell which template was being rendered: blocks come first, one by one; of the rest the longest is the likeliest."""
    blocks = [template for template in templates if template.pieces is None]
    finished = sum(name.startswith(_BLOCK) for name in done)
    return blocks[finished] if finished < len(blocks) else max(templates, key=lambda template: len(template.text))


_FAULTS = (
    TemplateFault, TemplateError, ArithmeticError, AssertionError, TypeError, ValueError, LookupError, AttributeError,
    RecursionError, MemoryError, SyntaxError,
)  # fmt: skip
"""What code that came out of a template can raise; the last three are Python's compiler giving up on it."""


def _run(program: Program, variables: Mapping[str, object], budget: Budget, done: dict[str, object]) -> object:
    """Run a program. `done` takes what is finished, while it goes on."""
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
    """Name the template's place in its spec; the same on every machine."""
    return dotted(template.path)


def _filter(node: Any, name: str, args: list[nodes.Expr] | None = None) -> nodes.Filter:
    return nodes.Filter(node, name, args or [], [], None, None)


def _joined(parts: list[nodes.Expr]) -> nodes.Filter:
    return _filter(nodes.Tuple(parts, "load"), "joined text")


def _guard(node: nodes.Node, place: str) -> Any:
    """Copy a tree, with what must be watched at run time put under watch.

    Every piece of output, every loop, every comparison of two values, every slice and what goes into every filter is
    counted, `~` joins as mixed text does, and `uuid4()` is told its place. Calls, other operators and filters are counted
    by the environment that runs them.
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
    """Let a test compare two values, which accounts for it. What is compared with a constant costs nothing worth counting."""
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
"""The parser's names of comparisons, and the names of the tests that do the same."""


def _is_constant(node: nodes.Expr) -> bool:
    """Return whether an expression is a constant, or a list of constants, as it stands in the template."""
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
    """One expression of a template, or with None all of it, to tell whether it is the one that fails.

    It is compiled once: a file may have a million rows that fail.
    """

    template: Template
    expression: nodes.Expr | None
    region: tuple[int, int]
    is_lone: bool = False
    _program: Program | None = None

    def problems(self, variables: Mapping[str, object], budget: Budget) -> Iterator[Problem]:
        """Run it; yields the problem if it fails."""
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
        """Put an error at its place in the spec."""
        return self.template.problem(_finding(self.template, error, self.region))


def _probes(template: Template) -> Iterator[_Probe]:
    """Take a template apart."""
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
            return Finding("template-too-large", "the number is beyond what a double can hold", None, *region)
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
    """Stretches of what stands between `{{` and `}}`, without the white space around it."""
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
