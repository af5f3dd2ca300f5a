"""Items and those that fit each of them → as many pairs as can be."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def pairing(fitting: Sequence[Sequence[int]]) -> dict[int, int]:
    """Give each number one of those that fit it, no two the same, as many as can have one; gives fitting → number.

    Where all that fit a number are taken, those who hold them are asked to take others (augmenting paths).
    """
    holders: dict[int, int] = {}
    held: dict[int, int] = {}
    for start in range(len(fitting)):
        came_from: dict[int, int] = {}
        asked = deque([start])
        free: int | None = None
        while asked and free is None:
            number = asked.popleft()
            for other in fitting[number]:
                if other not in came_from:
                    came_from[other] = number
                    if other not in holders:
                        free = other
                        break
                    asked.append(holders[other])
        while free is not None:
            number = came_from[free]
            holders[free] = number
            held[number], free = free, held.get(number)
    return holders
