"""A regular expression → a bound on what seeking it costs, before it is compiled.

Units and the direction of the error are those of `schema_work`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_BACKTRACKS = 25_000
"""Of seeking a pattern that looks around: the engine gives up behind them, in a millisecond for a short text."""
CHARS_A_UNIT = 12
"""Characters of a text that take a unit, for each state of a pattern that is sought in it."""
_STEPS = 50
"""Characters that take a unit at each step of a pattern that looks around."""
_STEP = 20
"""Characters that take as long as the step itself."""


class TooMuchError(Exception):
    """A check would take too much time or memory. The text says what there is too much of."""


class Pattern(NamedTuple):
    """What it costs to search for a regular expression. `states` is the size of its automaton.

    One that looks around is searched step by step, at worst in every possible way. The number of these is `ways` times
    the length of the text to the power of `repeats`; with `doubles` it doubles with each character.
    """

    states: int
    looks_around: bool = False
    ways: int = 1
    repeats: int = 0
    doubles: bool = False

    @classmethod
    def of(cls, pattern: str) -> Pattern:
        """Estimate a regular expression, however broken it is. Raises TooMuchError if its size can't be told.

        Raises ValueError for one that the engine can't seek.
        """
        return _Estimate(pattern).result()

    def units(self, chars: int) -> int:
        """Return what it costs to search a text for it, in units."""
        if not self.looks_around:
            return self.states * chars // CHARS_A_UNIT
        ways = self.ways * int(chars ** min(self.repeats, _DOUBLINGS))
        if self.doubles:
            ways <<= min(chars, _DOUBLINGS)
        steps = min(ways, MAX_BACKTRACKS)
        return steps * (_STEP + chars * max(1, (self.states - _FEW_STATES) * _SLOW)) // _STEPS


_DOUBLINGS = 20
"""More lead to more ways than MAX_BACKTRACKS anyway."""
_FEW_STATES = 15
"""Up to this size the engine keeps a table of all next states, and is as fast as with one."""
_SLOW = 7
"""How much longer it takes for each state without one."""


_TOKEN = re.compile(
    r"""(?P<plain>[^\\()[|*+?{.]++(?![*+?{])) | (?P<repeat>[*+?][?+]?) | (?P<times>\{(\d{1,9})(?:,(\d{0,9}))?\}[?+]?)
    | (?P<open>\((?:\?(?:[:=!>]|<[=!]|P?<\w{0,64}>|[a-zA-Z-]{0,16}:?))?)
    | (?P<close>\)) | (?P<choice>\|) | (?P<set>\[(?:\\.|[^\]\\])*+(?:\]|\Z))
    | (?P<atom>\\[pP](?:\{[^{}]{0,64}\})? | \\[ux]\{[0-9a-fA-F]{1,8}\} | \\. | .)""",
    re.VERBOSE | re.DOTALL,
)
"""No alternative goes through what another one goes through again."""
_OPENS_LOOK = re.compile(r"\(\?<?[=!]")
_REFERS = re.compile(r"\\([1-9k])")
_NUMBERED = re.compile(r"\((?:\?P?<\w*>)?")
_LOOKS_AROUND = re.compile(r"\(\?<?[=!]|[+*?}]\+|\\[1-9k]")
"""Patterns without any of these take a time in proportion to the text."""
_IGNORES_SPACE = re.compile(r"\(\?[a-zA-Z]*x")
_WIDE = 10
"""States of a class of most characters, in UTF-8."""
_BLANK = 4
"""States of all white space."""
_PROPERTY = 600
"""States of a property of Unicode, such as `\\p{L}`."""
_OTHERS = 3
"""Characters in a class that take a state, beyond ASCII."""


class _Group:
    """A part of a regular expression: its states, and whether there are several ways through it."""

    __slots__ = ("has_ways", "is_ahead", "is_hard", "number", "states")

    def __init__(self, states: int = 0, *, is_ahead: bool = False, number: int = 0) -> None:
        self.states = states
        self.is_ahead = is_ahead
        self.number = number
        """Of a group that `\\1` may refer to."""
        self.is_hard = False
        """Whether it looks around: what leads to it is tried in each way."""
        self.has_ways = False


class _Estimate:
    """Reads a regular expression once: the states of its atoms, each as often as it is repeated, and the ways through it.

    The engine tries the ways to what looks around. For the rest of the pattern, and inside of what looks ahead, it needs
    one step.
    """

    def __init__(self, pattern: str) -> None:
        if "{" in pattern and _IGNORES_SPACE.search(pattern):
            raise TooMuchError(
                "white space and comments may hide what a regular expression repeats: write it without (?x)"
            )
        self._pattern = pattern
        self._groups = [_Group()]
        self._last = _Group()
        self._aheads = self._numbered = 0
        self._choices = self._repeats = 0
        self._doubles = False
        self._tried = (0, 0, False)
        """Choices, repeats and doubles that lead to what looks around."""
        for token in _TOKEN.finditer(pattern):
            self._take(token, token.lastgroup)

    def result(self) -> Pattern:
        states = 1 + sum(group.states for group in self._groups)
        if _LOOKS_AROUND.search(self._pattern) is None:
            return Pattern(states)
        choices, repeats, doubles = self._tried
        begins_anywhere = not self._pattern.startswith("^") or self._choices > 0
        return Pattern(states, True, 4 << min(choices, _DOUBLINGS), repeats + begins_anywhere, doubles)

    def _take(self, token: re.Match[str], kind: str | None) -> None:
        inner = self._groups[-1]
        if kind == "plain":
            self._last = _Group(1)
            inner.states += len(token[0])
        elif kind in ("repeat", "times"):
            self._repeat(token, max(int(token[4] or 1), int(token[5] or 1)) if kind == "times" else 1)
        elif kind == "open":
            if looks := _OPENS_LOOK.match(token[0]):
                self._hard()
            is_ahead = looks is not None and "<" not in token[0]
            self._aheads += is_ahead
            is_numbered = _NUMBERED.fullmatch(token[0]) is not None
            self._numbered += is_numbered
            self._groups.append(_Group(is_ahead=is_ahead, number=self._numbered if is_numbered else 0))
        elif kind == "close":
            self._close()
        elif kind == "choice":
            if not self._aheads:
                inner.has_ways = True
                self._choices += 1
                self._note(is_root=True)
        else:
            self._last = _Group(_set_states(token[0]) if kind == "set" else _atom_states(token[0]))
            inner.states += self._last.states
            if referred := _REFERS.match(token[0]):
                self._check_reference(referred[1])
                self._hard()

    def _repeat(self, token: re.Match[str], times: int) -> None:
        last, inner = self._last, self._groups[-1]
        inner.states += last.states * (times - 1)
        last.states *= times
        if not self._aheads:
            inner.has_ways = True
            self._repeats += 1
            self._doubles |= last.has_ways
            self._note(is_root=self._choices > 0)
        if last.is_hard or (len(token[0]) > 1 and token[0].endswith("+")):
            self._hard()

    def _close(self) -> None:
        if len(self._groups) == 1:
            self._last = _Group()
            return
        self._last = self._groups.pop()
        inner = self._groups[-1]
        inner.states += self._last.states
        inner.has_ways |= self._last.has_ways
        self._aheads -= self._last.is_ahead

    def _check_reference(self, number: str) -> None:
        """Refuse what finds nothing by the rules, and makes the engine break down."""
        if any(str(group.number) == number for group in self._groups):
            raise ValueError(f"\\{number} in a regular expression refers to a group from inside of it")

    def _hard(self) -> None:
        """Note that something looks around here. Inside of what looks ahead nothing is known of the ways."""
        for group in self._groups:
            group.is_hard = True
        self._doubles |= self._aheads > 0
        self._tried = (self._choices, self._repeats, self._doubles)

    def _note(self, *, is_root: bool) -> None:
        """Note the ways beside what looks around: only what follows it at the end is one step again."""
        if any(group.is_hard for group in self._groups[0 if is_root else 1 :]):
            self._tried = (self._choices, self._repeats, self._doubles)


def _atom_states(atom: str) -> int:
    if atom.startswith((r"\p", r"\P")):
        return _PROPERTY
    if atom == r"\s":
        return _BLANK
    return _WIDE if atom in (".", r"\D", r"\W", r"\S") else 1


def _set_states(text: str) -> int:
    """Estimate a set of characters by what stands in its brackets."""
    states = _PROPERTY * (text.count(r"\p") + text.count(r"\P"))
    if text.startswith("[^") or _WIDE_ESCAPE.search(text):
        states += _WIDE
    return states + max(1, len(text) // (8 if text.isascii() else _OTHERS))


_WIDE_ESCAPE = re.compile(r"\\[DWSs]")
