"""Failures in place of answers, to rehearse them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from runner.sandbox.refusals import refusal_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from runner.sandbox.callers import Caller
    from runner.sandbox.rules import SandboxRules


class Faults:
    """The failures that a sandbox gives."""

    def __init__(self, rules: SandboxRules) -> None:
        self._first = deque(rules.failures)

    async def before(self, request: Request, caller: Caller) -> None:
        """Raise Refusal if an authenticated request is to fail before its events are stored."""
        del request, caller
        if self._first:
            raise refusal_of(self._first.popleft())
