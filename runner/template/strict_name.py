"""The value of a name, a key or an index that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined
from jinja2.utils import missing

from runner.errors import did_you_mean
from runner.template.fault import TemplateFault, UndefinedFault
from runner.template.names import MAX_NAME, shown_name, type_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class StrictName(StrictUndefined):
    """An undefined value. Any use of it raises a fault with the name that was looked up and the names that exist."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: Any = None,  # noqa: ARG002 - the sandbox passes its own; here all faults are of one kind
    ) -> None:
        # Jinja declares one of its own exceptions here, but any that takes a text works.
        super().__init__(hint, obj, name, UndefinedFault)  # type: ignore[arg-type]

    @classmethod
    def of_method(cls, obj: object, name: str) -> StrictName:
        """Return the undefined value of a method that is named but not called."""
        return cls(f"{_undefined_words(obj, name)[0]}\nto use the method, call it: {name}()\n{name}")

    @property
    def _undefined_message(self) -> str:
        """Return the text. It is computed only here, because suggestions take time and most undefined values are caught."""
        return self._undefined_hint or _undefined_text(self._undefined_obj, self._undefined_name)

    @property
    def fault(self) -> TemplateFault:
        """The fault that any use of it raises."""
        return UndefinedFault(self._undefined_message)


def _undefined_text(obj: object, name: object) -> str:
    message, hint = _undefined_words(obj, name)
    shown = name if isinstance(name, str) and "\n" not in name else ""
    return f"{message}\n{hint or ''}\n{shown}"


def _undefined_words(obj: object, name: object) -> tuple[str, str | None]:
    match name:
        case str():
            name = shown_name(name)
        case int() | None:
            pass
        case _:
            name = "…"  # a list or a map may be of any length
    match obj:
        case _ if obj is missing:
            return f"variable '{name}' is not defined", None
        case dict():
            return f"there is no key '{name}' here", did_you_mean(str(name), _names(obj))
        case list() | tuple() if isinstance(name, int):
            return f"there is no item {name} in a list of {len(obj)}", None
        case None:
            return f"null has no '{name}'", None
        case _:
            return f"{type_name(obj)} has no '{name}'", None


def _names(keys: Iterable[object]) -> Iterator[str]:
    return (key.replace("\n", "\\n") for key in keys if isinstance(key, str) and len(key) <= MAX_NAME)
