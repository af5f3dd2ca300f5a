"""`omit`: the value that leaves out the key or the list item it stands for."""

from __future__ import annotations

from typing import Final, final


@final
class Omit:
    """The type of `OMIT`, which is its only value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return NAME


NAME = "omit"
OMIT: Final = Omit()
