"""The template language: Jinja in its immutable sandbox, with closed lists and bounded operations.

`filters`, `conditions`, `functions` and `methods` list what a template may use; anything else is refused when the spec
is read. `limits` and `budget` bound everything that can grow: text, lists, numbers, the steps of loops, time.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, time, timedelta
from functools import cached_property, partial
from itertools import islice
from types import BuiltinMethodType, FunctionType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jinja2 import TemplateSyntaxError
from jinja2.lexer import TokenStream
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from runner.errors import did_you_mean
from runner.template.conditions import TESTS
from runner.template.dates import strftime
from runner.template.fault import TemplateFault
from runner.template.filters import FILTERS
from runner.template.functions import GLOBALS
from runner.template.generator import ProgramGenerator
from runner.template.internal import INTERNAL_FILTERS
from runner.template.kinds import NUMBERS, SMALL, WEIGHTLESS
from runner.template.limits import MAX_NUMBER_BITS, check_key, check_length
from runner.template.methods import METHODS, charge_call, charge_result
from runner.template.names import shown_name
from runner.template.namespace import TemplateNamespace
from runner.template.percent_format import check_format
from runner.template.strict_name import StrictName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from runner.codes import Code
    from runner.template.budget import Budget


class Rendering(Context):
    """One run of a program: the variables that it reads, its budget, and the values that it has set so far.

    Jinja's own context would also prepare, for each event, what only included templates need.
    """

    name = None

    def __init__(self, variables: Mapping[str, object], budget: Budget, made: dict[str, object]) -> None:
        self.parent: Any = variables
        self.vars = made
        self.indexes: dict[int, int] = {}
        self.budget = budget
        self.environment = environment
        self.eval_ctx = _NO_ESCAPES
        self.exported_vars = set()

    def derived(self, locals: dict[str, Any] | None = None) -> Rendering:  # noqa: A002, ARG002 - Jinja's signature
        """Return the context for a function that is called inside a loop: functions read no variables."""
        return self

    def resolve_or_missing(self, key: str) -> Any:
        """Return the value of a name: one that the program set, a variable or a function."""
        if key in self.vars:
            return self.vars[key]
        if key in self.parent:
            return self.parent[key]
        return GLOBALS.get(key, missing)


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox, in which a node's `lineno` is its offset in the template plus one.

    Jinja knows lines only; a message that points at a name needs the column. The parser copies the number that comes
    with a token to the node it makes of it, so numbering the tokens by offset is enough.
    """

    code_generator_class = ProgramGenerator
    free_as_json = frozenset([float, bool, type(None)])
    """Types of values that are JSON as they are, and are not charged: a text is one of the texts of the event."""
    free_in_lets = SMALL | {str}
    free_in_filters = WEIGHTLESS
    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "**", "%"])

    def _tokenize(
        self,
        source: str,
        name: str | None,
        filename: str | None = None,
        state: str | None = None,  # noqa: ARG002 - Jinja's signature
    ) -> TokenStream:
        return CountedTokens(source, name, filename)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Return `left operator right`. Raises TemplateFault if the result would be too large."""
        if type(left) in NUMBERS and type(right) in NUMBERS:
            return self._compute(operator, left, right)
        if operator == "*":
            _check_repetition(left, right)
        if isinstance(left, _DATES) or isinstance(right, _DATES):
            return self._compute_dates(operator, left, right)
        budget = context.budget
        match operator:
            case "+" if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
                check_length(len(left) + len(right))
            case "-":  # of the keys or items of maps
                budget.walk(left)
                budget.walk(right)
            case "%" if isinstance(left, str):
                budget.work(len(left))
                check_format(left, *_values_of(right))
        result = super().call_binop(context, operator, left, right)
        budget.list_of(result) if isinstance(result, set) else budget.work_on(result)
        return result

    @cached_property
    def _compute(self) -> Callable[[str, Any, Any], Any]:
        from runner.template.arithmetic import compute  # noqa: PLC0415 - few templates compute

        return compute

    @cached_property
    def total(self) -> Callable[[Any, Any], Any]:
        """Returns the sum of a number and a list of numbers."""
        from runner.template.arithmetic import total  # noqa: PLC0415 - few templates compute

        return total

    @cached_property
    def _compute_dates(self) -> Callable[[str, Any, Any], Any]:
        from runner.template.moments import compute  # noqa: PLC0415 - few templates compute with dates

        return compute

    def call(self, context: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function or a method, and charge the work and the result of a method."""
        if type(function) is FunctionType and (takes_context := _OWN.get(function)) is not None:
            if kwargs:
                kwargs.pop("_loop_vars", None)  # Jinja's own, for what is called inside a loop
                kwargs.pop("_block_vars", None)
            return function(context, *args, **kwargs) if takes_context else function(*args, **kwargs)
        if type(function) is not BuiltinMethodType:
            return super().call(context, function, *args, **kwargs)
        charge_call(context.budget, function, args, kwargs)
        if function.__name__ == "strftime" and isinstance(function.__self__, date | time):
            function = partial(strftime, function.__self__)
        elif function.__name__ == "replace":
            from runner.template import moments  # noqa: PLC0415

            return moments.replaced(function.__self__, args, kwargs)
        result = super().call(context, function, *args, **kwargs)
        charge_result(context.budget, result)
        return result

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ARG002 - Jinja's signature
        """Return whether an attribute is one of a loop's, the only ones that Jinja may look up."""
        return attr in LOOP_ATTRIBUTES

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a map's key, a part of a date, or an attribute of a loop. Methods are not values: see `_method`."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, StrictName):
            return obj  # stays undefined, so that default() works at the end of a path
        if isinstance(obj, LoopContext):
            return super().getattr(obj, attribute)
        if isinstance(obj, TemplateNamespace):
            nothing = StrictName(obj=obj, name=attribute)
            return nothing if attribute.startswith("_") else getattr(obj, attribute, nothing)
        if attribute in DATE_PARTS and isinstance(obj, date | time | timedelta) and hasattr(obj, attribute):
            return getattr(obj, attribute)
        if attribute in METHODS and hasattr(obj, attribute):
            return StrictName.of_method(obj, attribute)
        return StrictName(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return the value at an index or a key; of an undefined value, the value itself."""
        if isinstance(argument, tuple):
            check_key(argument)
        if isinstance(obj, StrictName):
            return obj
        try:
            return obj[argument]
        except (AttributeError, TypeError, LookupError):
            return self.getattr(obj, argument) if isinstance(argument, str) else StrictName(obj=obj, name=argument)

    def call_filter(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Apply a filter that is named by text, as in `map('upper')`."""
        _check_named(name, FILTERS, "filter")
        if (context := kwargs.get("context")) is None:
            return super().call_filter(name, *args, **kwargs)
        context.budget.work_on(args[0])
        result = super().call_filter(name, *args, **kwargs)
        context.budget.work_on(result)
        return result

    def call_test(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Apply a test that is named by text, as in `select('odd')`."""
        _check_named(name, TESTS, "test")
        return super().call_test(name, *args, **kwargs)


def _check_named(name: object, known: Mapping[str, object], kind: Kind) -> None:
    if not isinstance(name, str):
        raise TemplateFault("template-type", f"the name of a {kind} must be text")
    if name not in known:
        hint = did_you_mean(name, known, WHERE_LISTED)
        raise TemplateFault(UNKNOWN[kind], f"there is no {kind} '{shown_name(name)}'", hint)


Kind: TypeAlias = Literal["filter", "test"]
"""What the argument of a filter over a list may name."""
UNKNOWN: Mapping[Kind, Code] = {"filter": "template-unknown-filter", "test": "template-unknown-test"}
WHERE_LISTED = "`runner help templates` lists them all"
MAX_TOKENS = 10_000
"""Maximum number of tokens of all templates of a spec: compiling them takes half a second at most."""
MAX_PARSED = 30_000
"""Maximum number of tokens to parse, so that other problems can be reported as well."""
TOO_MANY_TOKENS = (
    f"the templates of one spec have more than {MAX_TOKENS:,} words and signs",
    "split it into several specs, or pass long values as variables",
)


class SourceError(Exception):
    """A template can't be parsed any further, for a reason other than its grammar.

    `finding` is the code, message, hint, start and end of the problem.
    """

    def __init__(self, code: Code, message: str, hint: str | None, start: int, end: int) -> None:
        super().__init__(message)
        self.finding = code, message, hint, start, end


class CountedTokens(TokenStream):
    """The tokens of a template, and the number of them that were read."""

    def __init__(self, source: str, name: str | None, filename: str | None) -> None:
        self.count = 0
        super().__init__(environment.lexer.wrap(self._numbered(source), name, filename), name, filename)

    def _numbered(self, source: str) -> Iterator[tuple[int, str, str]]:
        for offset, kind, token in tokens(source):
            if kind != "whitespace":
                self.count += 1
            if kind in ("integer", "float"):
                _check_number(kind, token, offset)
            yield offset + 1, kind, token


def is_too_large(source: str) -> bool:
    """Return whether a template has too many tokens to parse. Counting them is faster than parsing them."""
    if len(source) <= MAX_PARSED:
        return False
    with suppress(TemplateSyntaxError):
        words = (kind for _, kind, _ in tokens(source) if kind != "whitespace")
        return next(islice(words, MAX_PARSED, None), None) is not None
    return False


def _check_number(kind: str, token: str, offset: int) -> None:
    end = offset + len(token)
    if kind == "float":
        if not token.isascii():  # the lexer takes digits of every script, Python's parser does not
            raise SourceError("template-syntax", "a number is written with the digits 0 to 9", None, offset, end)
        return
    if len(token) <= _FEW_DIGITS:
        return
    try:
        number = int(token.replace("_", ""), 0)
    except ValueError:  # more digits than Python converts
        number = None
    if number is None or number.bit_length() > MAX_NUMBER_BITS:
        raise SourceError("number-too-large", f"a number of {len(token)} digits", "write it as text", offset, end)


_FEW_DIGITS = 600
"""A number of this many digits can be converted, whatever Python's limit is."""


def tokens(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield the tokens of a template: offset, kind, text. Raises TemplateSyntaxError with the offset plus one as its line."""
    at = 0
    try:
        for _, kind, token in environment.lexer.tokeniter(source, None):
            at = max(source.find(token, at), at)
            yield at, kind, token
            at += len(token)
    except TemplateSyntaxError as error:
        found = re.fullmatch(r"(unexpected char .*) at (\d+)", error.message or "")
        message, offset = (found[1], int(found[2])) if found else (error.message or "", at)
        raise TemplateSyntaxError(message, offset + 1) from None


def _values_of(right: object) -> Iterable[object]:
    match right:
        case dict():
            return right.values()
        case tuple():
            return right
        case _:
            return (right,)


def _check_repetition(left: object, right: object) -> None:
    for sequence, factor in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(factor, int):
            check_length(len(sequence) * factor)
            return


_DATES = (date, timedelta)
_OWN = {
    function: hasattr(function, "jinja_pass_arg") for function in GLOBALS.values() if isinstance(function, FunctionType)
}
"""The functions of templates, and whether they take the context."""
DATE_PARTS = frozenset({"day", "days", "hour", "minute", "month", "second", "year"})
LOOP_ATTRIBUTES = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"}
)


def _environment() -> TemplateEnvironment:
    made = TemplateEnvironment(undefined=StrictName, optimized=False, keep_trailing_newline=True, cache_size=0)
    made.filters = FILTERS | INTERNAL_FILTERS
    made.tests = TESTS
    made.globals = GLOBALS
    return made


environment = _environment()
_NO_ESCAPES = EvalContext(environment)
