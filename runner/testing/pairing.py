"""Items and their candidates → a maximum number of pairs."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def pairing(fitting: Sequence[Sequence[int]]) -> dict[int, int]:
    """Pair as many numbers as possible with different candidates; return a map from candidate to number.

    Where all candidates of a number are taken, their holders take other candidates if they can (augmenting paths).
    """
    holders: dict[int, int] = {}
    held: dict[int, int] = {}
    for start in range(len(fitting)):
        came_from: dict[int, int] = {}
        queue = deque([start])
        free: int | None = None
        while queue and free is None:
            number = queue.popleft()
            for other in fitting[number]:
                if other not in came_from:
                    came_from[other] = number
                    if other not in holders:
                        free = other
                        break
                    queue.append(holders[other])
        while free is not None:
            number = came_from[free]
            holders[free] = number
            held[number], free = free, held.get(number)
    return holders
