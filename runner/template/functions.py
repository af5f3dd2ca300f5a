"""Functions that a template may call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from jinja2 import pass_context

from runner.template.budget import NEW
from runner.template.fault import TemplateFault
from runner.template.kinds import SMALL
from runner.template.late import timedelta
from runner.template.limits import MAX_ITEMS, too_large
from runner.template.namespace import TemplateNamespace
from runner.template.omit import OMIT
from runner.template.values import text

if TYPE_CHECKING:
    from datetime import datetime


@pass_context
def _now(context: Any) -> datetime:
    return context.budget.now  # type: ignore[no-any-return]


@pass_context
def _uuid4(context: Any, place: object = "") -> str:
    if not isinstance(place, str) and type(place) not in SMALL:
        raise TemplateFault("template-type", "uuid4 takes a text")
    context.budget.work_on(place)
    return context.budget.uuid4(place)  # type: ignore[no-any-return]


@pass_context
def _uuid5(context: Any, name: object) -> str:
    whole = text(name)
    context.budget.work_on(whole)
    return str(uuid5(NAMESPACE_URL, whole))


@pass_context
def _range(context: Any, *bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MAX_ITEMS:
        raise too_large("a range has", MAX_ITEMS, "numbers")
    context.budget.work(len(numbers) * _NUMBER_STEPS)
    return list(numbers)


_NUMBER_STEPS = 5
"""Work to create a number in a list."""


@pass_context
def _namespace(context: Any, /, *given: Any, **named: Any) -> TemplateNamespace:
    for entries in given:
        if not isinstance(entries, dict):
            raise TemplateFault(
                "template-type", "namespace() takes names with values", "for example namespace(total=0)"
            )
        context.budget.work(len(entries) * NEW)
    return TemplateNamespace(*given, **named)


GLOBALS: dict[str, Any] = {
    "now": _now, "uuid4": _uuid4, "uuid5": _uuid5, "range": _range, "namespace": _namespace, "timedelta": timedelta, "omit": OMIT,
}  # fmt: skip
