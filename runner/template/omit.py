"""`omit`: the value that leaves out the key or the list item it stands for."""

from __future__ import annotations

from typing import Any, Final, final


@final
class Omit:
    """The type of `OMIT`, which is its only value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return NAME


NAME = "omit"
OMIT: Final = Omit()


def without_omitted(value: Any) -> Any:
    """Return a list or a map without the items that are `OMIT`."""
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if item is not OMIT}
    return [item for item in value if item is not OMIT]
