"""When a list of messages is looked at, on a clock that only sleeping sets forward."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING

from runner.suprsend.message_poll import Polled, poll
from runner.suprsend.messages_api import Listed, ListFailure
from tests.servers.message_server import VirtualTime

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOTHING = Listed(())
DOWN = ListFailure("HTTP 503: down", 503, transient=True)


def slow_down(pause_s: float) -> ListFailure:
    return ListFailure("HTTP 429: slow down", 429, transient=True, pause_s=pause_s)


class Looks:
    """Looks at a list, and writes down when."""

    def __init__(self, *found: Listed | ListFailure, then: Listed | ListFailure = NOTHING) -> None:
        self.time = VirtualTime()
        self.at: list[float] = []
        self._found = chain(found, repeat(then))

    def poll(
        self, within_s: float, *, decided_at: float = 1e9, draws: Iterable[float] = (), marks: Sequence[float] = ()
    ) -> Polled:
        drawn = chain(draws, repeat(0.5))
        return poll(
            self._fetch,
            lambda _, waited_s: waited_s >= decided_at,
            within_s,
            clock=self.time.clock,
            sleep=self.time.sleep,
            random=lambda: next(drawn),
            marks=marks,
        )

    def _fetch(self) -> Listed | ListFailure:
        self.at.append(round(self.time.clock(), 3))
        return next(self._found)


def test_pauses_grow_by_half_up_to_thirty_seconds() -> None:
    looks = Looks()
    assert looks.poll(300) == Polled((), False, 16, 300.0, None)
    pauses = [round(pause, 2) for pause in looks.time.sleeps]
    assert pauses == [2, 3, 4.5, 6.75, 10.12, 15.19, 22.78, *[30] * 7, 25.66]


def test_pauses_are_jittered_by_a_fifth() -> None:
    looks = Looks()
    looks.poll(100, draws=[0.0, 1.0])
    assert looks.at[:3] == [0.0, 1.6, 5.2]


def test_a_short_wait_looks_often() -> None:
    looks = Looks()
    looks.poll(4)
    assert looks.at[:3] == [0.0, 0.2, 0.5]


def test_the_last_look_is_at_the_end_of_the_time() -> None:
    looks = Looks()
    looks.poll(60)
    assert looks.at[-1] == 60


def test_a_decision_ends_the_wait() -> None:
    looks = Looks()
    assert looks.poll(60, decided_at=5) == Polled((), True, 3, 5.0, None)


def test_there_is_a_look_at_each_mark() -> None:
    looks = Looks()
    looks.poll(60, marks=[10, 3, 60])
    assert {3, 10, 60} <= set(looks.at)


def test_a_server_that_asks_for_patience_gets_it() -> None:
    looks = Looks(slow_down(25))
    looks.poll(60)
    assert looks.at[:2] == [0, 25]


def test_patience_ends_with_the_time() -> None:
    looks = Looks(slow_down(3600))
    assert looks.poll(60).failure is None
    assert looks.at == [0, 60]


def test_failures_on_the_way_are_forgotten() -> None:
    looks = Looks(DOWN, DOWN)
    assert looks.poll(60, decided_at=10).is_decided


def test_a_last_look_that_fails_is_repeated_twice() -> None:
    looks = Looks(then=DOWN)
    assert looks.poll(60).failure == DOWN
    assert looks.at[-3:] == [60, 62, 64]
    assert Looks(*[DOWN] * 8).poll(60).failure is None


def test_a_last_look_is_not_repeated_for_a_server_that_asks_for_too_much() -> None:
    looks = Looks(then=slow_down(30))
    looks.poll(60)
    assert looks.at == [0, 30, 60]


def test_a_failure_that_cannot_pass_ends_the_wait() -> None:
    refused = ListFailure("HTTP 401: no", 401)
    assert Looks(NOTHING, refused).poll(60) == Polled((), False, 2, 2.0, refused)
