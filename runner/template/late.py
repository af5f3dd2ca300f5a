"""Filters and functions whose modules are loaded when a template first uses them: few templates do."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context

from runner.template.bounded import on_text

if TYPE_CHECKING:
    from collections.abc import Callable


def _late(module: str, name: str) -> Callable[..., Any]:
    """Return a function that loads another one when it is called."""

    @cache
    def function() -> Callable[..., object]:
        return getattr(import_module(f"runner.template.{module}"), name)  # type: ignore[no-any-return]

    def call(*args: object, **kwargs: object) -> object:
        return function()(*args, **kwargs)

    return call


@pass_context
def _regex_replace(context: Any, value: object, pattern: object, replacement: object = "") -> object:
    return on_text(_late("texts", "replaced"))(context, value, pattern, replacement, budget=context.budget)


@pass_context
def _regex_search(context: Any, value: object, pattern: object, group: object = 0) -> object:
    return _late("texts", "searched")(value, pattern, group, budget=context.budget)


def _written(name: str) -> Any:
    """Return a filter that writes a number or a date as text, which is charged."""
    write = _late("locales", name)

    @pass_context
    def apply(context: Any, value: object, *args: object, **kwargs: object) -> object:
        whole = write(value, *args, **kwargs)
        context.budget.spend_text(len(whole))
        return whole

    return apply


LATE_FILTERS: dict[str, Any] = {
    "b64encode": on_text(_late("texts", "encoded")), "currency": _written("currency"), "date": _written("written_date"),
    "datetime": _written("written_datetime"), "decimal": _written("decimal"),
    "hmac_sha256": on_text(_late("texts", "signature")), "in_timezone": _late("moments", "in_timezone"),
    "regex_replace": _regex_replace, "regex_search": _regex_search, "slugify": on_text(_late("texts", "slug")),
    "start_of": _late("moments", "start_of"), "time": _written("written_time"),
    "to_datetime": _late("moments", "to_datetime"),
}  # fmt: skip
timedelta = _late("moments", "duration")
