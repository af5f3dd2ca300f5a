"""Items and their candidates → a maximum number of pairs."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def pairing(fitting: Sequence[Sequence[int]]) -> dict[int, int]:
    """Pair as many numbers as possible with different candidates; return a map from candidate to number.

    Where all candidates of a number are taken, their holders take other candidates if they can (augmenting paths). Numbers with
    the same candidates may share one list, which makes many of them fast.
    """
    holders: dict[int, int] = {}
    held: dict[int, int] = {}
    full: set[int] = set()  # lists of candidates, by identity, for which there is no other pair: nor will there be one
    for start in range(len(fitting)):
        if id(fitting[start]) in full:
            continue
        scanned: set[int] = set()
        came_from: dict[int, int] = {}
        queue = deque([start])
        free: int | None = None
        while queue and free is None:
            number = queue.popleft()
            if id(fitting[number]) in scanned:
                continue
            scanned.add(id(fitting[number]))
            for other in fitting[number]:
                if other not in came_from:
                    came_from[other] = number
                    if other not in holders:
                        free = other
                        break
                    queue.append(holders[other])
        if free is None:
            full.add(id(fitting[start]))
        while free is not None:
            number = came_from[free]
            holders[free] = number
            held[number], free = free, held.get(number)
    return holders
