"""A fault: one way to misbehave, the requests that it concerns, and the list of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.servers.misbehaving.exchange import Exchange


T = TypeVar("T")


Listens = Literal["always", "after a pause", "never"]


FIRST, SECOND, FIRST_TWO, ALL = range(1), range(1, 2), range(2), range(10**9)
"""Which of the requests that reach a server a fault concerns."""


TIMEOUT_S = 20.0
"""What no exchange comes near, unless its fault needs time."""


SHORT_S = 0.3


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    `at` says for which requests, `timeout_s` how long the client waits. With `warm_up`, a first event goes before those
    that count, so that these go over a kept connection. `speaks_first` is a server that doesn't wait for the request.
    """

    name: str
    at: range
    misbehave: Callable[[Exchange], None]
    timeout_s: float = TIMEOUT_S
    warm_up: bool = False
    listens: Listens = "always"
    speaks_first: bool = False


FAULTS: list[Fault] = []


def sound(exchange: Exchange) -> None:
    """Behave."""
    exchange.take()
    exchange.accept()
    exchange.settled = exchange.copies


def fault(
    *at: range,
    timeout_s: float = TIMEOUT_S,
    warm_up: bool = False,
    listens: Listens = "always",
    speaks_first: bool = False,
) -> Callable[[Callable[[Exchange], None]], Callable[[Exchange], None]]:
    """List a function as a fault, once for each row of requests that it concerns."""

    def add(misbehave: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
        name = misbehave.__name__.strip("_").replace("_", " ")
        FAULTS.extend(Fault(name, which, misbehave, timeout_s, warm_up, listens, speaks_first) for which in at)
        return misbehave

    return add


def faults(
    name: str, given: Mapping[str, T], *at: range
) -> Callable[[Callable[[Exchange, T], None]], Callable[[Exchange, T], None]]:
    """List a function as several faults, one for each thing given. `name` has a place for what that is called."""

    def add(misbehave: Callable[[Exchange, T], None]) -> Callable[[Exchange, T], None]:
        for called, value in given.items():
            FAULTS.extend(Fault(name.format(called), which, partial(_with, misbehave, value)) for which in at)
        return misbehave

    return add


def _with(misbehave: Callable[[Exchange, T], None], value: T, exchange: Exchange) -> None:
    misbehave(exchange, value)


def same(*names: str) -> dict[str, str]:
    return {name: name for name in names}
