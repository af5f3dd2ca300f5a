"""All templates of one event → one program, run in one pass an event; and where a fault comes from, if there is one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from jinja2 import TemplateError, nodes

from runner.errors import dotted
from runner.template.fault import TemplateFault, UndefinedFault
from runner.template.inspector import Finding
from runner.template.language import tokens
from runner.template.program import (
    CONDITION,
    ITEMS,
    JOINED,
    KEPT,
    MAP,
    NATIVE,
    compiled,
    compiled_let,
    compiled_part,
    loop_of,
)
from runner.template.python_words import in_words
from runner.template.shape import ForEach, Merge, omitting, templates_of
from runner.template.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.errors import Problem
    from runner.template.budget import Budget
    from runner.template.program import Program
    from runner.template.shape import Shape


class RenderingError(Exception):
    """Rendering failed; the problems say where and why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(*problems)
        self.problems = problems


@dataclass(slots=True)
class Plan:
    """A shape and its lets, compiled when they are first evaluated.

    `lets` are in an order in which each stands after those that it reads.
    """

    shape: Shape
    lets: Mapping[str, Shape] = field(default_factory=dict)
    _program: Program | None = None
    _probes: _Probes | None = None

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Return the value of the shape, with all templates rendered. Raises RenderingError as `trace` does."""
        return self.trace(variables, budget)[0]

    def trace(self, variables: Mapping[str, object], budget: Budget) -> tuple[object, Mapping[str, object]]:
        """Return the value of the shape, and by their names those of the lets.

        Raises RenderingError with the fault of each template that has one, found by rendering each template alone within
        the same deadline.
        """
        made: dict[str, object] = {}
        try:
            if self._program is None:
                self._program = compiled(self.shape, self.lets, omitting(self.lets))
            return self._program.run(variables, budget, made), made
        except _FAULTS as error:
            fault = _alone(error)
        failed = self._likely_failed(made)
        made.clear()
        problems = [] if _is_too_slow(fault) else self._causes(fault, variables, budget.anew())
        # Each template may be fine alone, but all together may exceed the budget.
        raise RenderingError(problems or [failed.problem(_finding(failed, fault, (0, len(failed.text))))])

    def _causes(self, fault: Exception, variables: Mapping[str, object], budget: Budget) -> list[Problem]:
        """Return the problem of each expression that fails alone, as far as the budget allows."""
        if self._probes is None:
            self._probes = _Probes.of(self.shape, self.lets)
        return self._probes.problems(fault, variables, budget)

    def _likely_failed(self, made: Mapping[str, object]) -> Template:
        """Return the template that was probably being rendered: in the first unfinished step, else the longest one."""
        steps = self._program.steps if self._program is not None else ()
        unfinished = next((shape for name, shape in steps if name not in made), None)
        candidates = [*templates_of(unfinished)] or [*templates_of([*self.lets.values(), self.shape])]
        return max(candidates, key=lambda template: (template.tree is not None, len(template.text)))


_SPENT = ("template-too-large", "template-too-slow")
"""Problems that leave a budget exhausted."""


def _alone(error: Exception) -> Exception:
    """Return an error without its traceback and causes, which would keep the values of the rendering alive."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _is_too_slow(error: Exception) -> bool:
    return isinstance(error, TemplateFault) and error.code == "template-too-slow"


_FAULTS = (
    TemplateFault, TemplateError, ArithmeticError, AssertionError, TypeError, ValueError, LookupError, AttributeError,
    RecursionError, MemoryError, SyntaxError,
)  # fmt: skip
"""Exceptions that the code of a template can raise; the last three come from Python's compiler."""


@dataclass(slots=True)
class _Probes:
    """Every expression of a shape and its lets, to find those that fail."""

    lets: list[_Let]
    probes: list[_Probe]

    @classmethod
    def of(cls, shape: Shape, lets: Mapping[str, Shape]) -> _Probes:
        """Take a shape and its lets apart."""
        names = omitting(lets)
        return cls(
            [_Let(name, value, list(_probes(value, lone=KEPT)), names) for name, value in lets.items()],
            [*_probes(shape)],
        )

    def problems(self, fault: Exception, variables: Mapping[str, object], budget: Budget) -> list[Problem]:
        """Run them until the budget is spent; what reads a let that failed is left out."""
        if not self.lets and len(self.probes) == 1 and not self.probes[0].loops:
            return [self.probes[0].problem(fault)]
        problems: list[Problem] = []
        known = dict(variables)
        failed: set[str] = set()
        for let in self.lets:
            found = _run_all(let.probes, known, budget, failed)
            problems += found
            if found or not let.evaluate(known, budget):
                failed.add(let.name)
        return problems + _run_all(self.probes, known, budget, failed)


def _run_all(
    probes: Sequence[_Probe], variables: Mapping[str, object], budget: Budget, failed: set[str]
) -> list[Problem]:
    problems: list[Problem] = []
    broken: set[int] = set()
    for probe in probes:
        if budget.is_late() or any(problem.code in _SPENT for problem in problems[-1:]):
            break  # all others would fail too
        if failed.intersection(probe.reads) or any(id(loop) in broken for loop in probe.loops):
            continue
        found = list(probe.problems(variables, budget))
        problems += found
        if found and probe.of is not None:
            broken.add(id(probe.of))
    return problems


@dataclass(slots=True)
class _Let:
    """A let, to be known to what reads it."""

    name: str
    shape: Shape
    probes: list[_Probe]
    omitting: frozenset[str]
    _program: Program | None = None

    def evaluate(self, variables: dict[str, object], budget: Budget) -> bool:
        """Add its value to the variables; return whether it has one."""
        try:
            if self._program is None:
                self._program = compiled_let(self.name, self.shape, self.omitting)
            variables[self.name] = self._program.run(variables, budget, {})
        except _FAULTS:
            return False
        return True


@dataclass(slots=True)
class _Probe:
    """Renders one expression of a template, or with None the whole template, to find out whether it fails.

    It is compiled once: a file may have a million rows that fail. `of` is the `$for` whose list or condition it is.
    """

    template: Template
    expression: nodes.Expr | None
    region: tuple[int, int]
    role: str
    loops: tuple[ForEach, ...] = ()
    of: ForEach | None = None
    _program: Program | None = None

    @property
    def reads(self) -> set[str]:
        """The names that it reads, with those of the loops around it."""
        templates = [self.template, *(each for loop in self.loops for each in (loop.loop, loop.condition) if each)]
        return {use.name for template in templates for use in template.uses}

    def problems(self, variables: Mapping[str, object], budget: Budget) -> Iterator[Problem]:
        """Run it, and yield the problem if it fails."""
        indexes: dict[int, int] = {}
        try:
            if self._program is None:
                self._program = compiled_part(self.expression, self.template, self.role, self.loops)
            self._program.run(variables, budget, {}, indexes)
        except _FAULTS as error:
            problem = self.problem(error)
            yield replace(problem, at=(at := self._at(indexes)), context=f"at {at}") if self.loops else problem

    def _at(self, indexes: Mapping[int, int]) -> str:
        """Name the place in the event, with the items that the loops are at."""
        path = list(self.template.path)
        for number, loop in enumerate(self.loops):
            path[len(loop.path)] = indexes.get(number, 0)
        merged = {number for number, step in enumerate(path) if step == "$merge"}
        return dotted([step for number, step in enumerate(path) if not merged & {number, number - 1}])

    def problem(self, error: Exception) -> Problem:
        """Return the problem of an error, with its position in the spec."""
        return self.template.problem(_finding(self.template, error, self.region))


def _probes(shape: Shape, loops: tuple[ForEach, ...] = (), *, lone: str = NATIVE) -> Iterator[_Probe]:
    """Take a shape apart. `lone` is the role of an expression that stands alone."""
    match shape:
        case Template():
            yield from _probes_of(shape, loops, lone)
        case ForEach(loop=loop, condition=condition, body=body):
            yield _Probe(loop, cast("nodes.Expr", loop_of(shape).iter), (0, len(loop.text)), ITEMS, loops, shape)
            inside = (*loops, shape)
            if condition is not None:
                yield _Probe(condition, condition.lone, (0, len(condition.text)), CONDITION, inside, shape)
            yield from _probes(body, inside, lone=lone)
        case Merge(parts=parts):
            for part in parts:
                yield from _probes(part, loops, lone=MAP if isinstance(part, Template) else lone)
        case dict():
            for item in shape.values():
                yield from _probes(item, loops, lone=lone)
        case list():
            for item in shape:
                yield from _probes(item, loops, lone=lone)


def _probes_of(template: Template, loops: tuple[ForEach, ...], role: str) -> Iterator[_Probe]:
    """Yield a probe for each expression of a template, or one for all of it if it has statements."""
    if template.tree is None:
        return
    expressions = [piece for piece in template.pieces or () if not isinstance(piece, nodes.TemplateData)]
    regions = list(_regions(template.text))
    role = role if template.lone is not None else JOINED
    if template.pieces is None or len(expressions) != len(regions):  # it has statements, such as print
        yield _Probe(template, None, (0, len(template.text)), role, loops)
        return
    for piece, region in zip(expressions, regions, strict=True):
        yield _Probe(template, piece, region, role, loops)


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
