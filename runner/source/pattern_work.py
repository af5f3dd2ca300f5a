"""A regular expression → an upper bound on the cost of searching for it, before it is compiled.

Units are those of `schema_work`, and estimates are rather too high than too low as well.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_BACKTRACKS = 25_000
"""Maximum number of backtracks for a pattern with look-around, after which the engine gives up: a millisecond for a short text."""
CHARS_A_UNIT = 12
"""Characters of a text that cost one unit, for each state of a pattern."""
_STEPS = 50
"""Characters that cost one unit at each step of a pattern with look-around."""
_STEP = 20
"""Characters that take as long as the overhead of a step."""


class TooMuchError(Exception):
    """A check would take too much time or memory. The message says what exceeds its limit."""


class Pattern(NamedTuple):
    """The cost of searching for a regular expression. `states` is the size of its automaton.

    A pattern with look-around is searched by backtracking, at worst along every path. The number of paths is `ways`
    times the length of the text to the power of `repeats`; with `doubles`, it doubles with each character.
    """

    states: int
    looks_around: bool = False
    ways: int = 1
    repeats: int = 0
    doubles: bool = False

    @classmethod
    def of(cls, pattern: str) -> Pattern:
        """Return the estimate for a regular expression, even if it is invalid. Raises TooMuchError if there is none.

        Raises ValueError for a pattern that the engine can't search for.
        """
        return _Estimate(pattern).result()

    def units(self, chars: int) -> int:
        """Return the units of searching a text of this length."""
        if not self.looks_around:
            return self.states * chars // CHARS_A_UNIT
        ways = self.ways * int(chars ** min(self.repeats, _DOUBLINGS))
        if self.doubles:
            ways <<= min(chars, _DOUBLINGS)
        steps = min(ways, MAX_BACKTRACKS)
        return steps * (_STEP + chars * max(1, (self.states - _FEW_STATES) * _SLOW)) // _STEPS


_DOUBLINGS = 20
"""More doublings exceed MAX_BACKTRACKS anyway."""
_FEW_STATES = 15
"""Up to this number of states, the engine has a table of transitions and is as fast as with one state."""
_SLOW = 7
"""Factor for each further state, without a table."""


_TOKEN = re.compile(
    r"""(?P<plain>[^\\()[|*+?{.]++(?![*+?{])) | (?P<repeat>[*+?][?+]?) | (?P<times>\{(\d{1,9})(?:,(\d{0,9}))?\}[?+]?)
    | (?P<open>\((?:\?(?:[:=!>]|<[=!]|P?<\w{0,64}>|[a-zA-Z-]{0,16}:?))?)
    | (?P<close>\)) | (?P<choice>\|) | (?P<set>\[(?:\\.|[^\]\\])*+(?:\]|\Z))
    | (?P<atom>\\[pP](?:\{[^{}]{0,64}\})? | \\[ux]\{[0-9a-fA-F]{1,8}\} | \\. | .)""",
    re.VERBOSE | re.DOTALL,
)
"""No alternative rescans text that another one has scanned, so that the time is linear."""
_OPENS_LOOK = re.compile(r"\(\?<?[=!]")
_REFERS = re.compile(r"\\([1-9k])")
_NUMBERED = re.compile(r"\((?:\?P?<\w*>)?")
_LOOKS_AROUND = re.compile(r"\(\?<?[=!]|[+*?}]\+|\\[1-9k]")
"""Patterns without any of these take linear time."""
_IGNORES_SPACE = re.compile(r"\(\?[a-zA-Z]*x")
_WIDE = 10
"""States of a class of most characters, as UTF-8."""
_BLANK = 4
"""States of all white space."""
_PROPERTY = 600
"""States of a property of Unicode, such as `\\p{L}`."""
_OTHERS = 3
"""Characters in a class for each state, beyond ASCII."""


class _Group:
    """A group of a regular expression: its states, and whether there are several paths through it."""

    __slots__ = ("has_ways", "is_ahead", "is_hard", "number", "states")

    def __init__(self, states: int = 0, *, is_ahead: bool = False, number: int = 0) -> None:
        self.states = states
        self.is_ahead = is_ahead
        self.number = number
        """The number by which `\\1` may refer to it; 0 if it has none."""
        self.is_hard = False
        """Whether it contains look-around, so that every path to it may be tried."""
        self.has_ways = False


class _Estimate:
    """Reads a regular expression once, and counts the states of its atoms with their repetitions, and the paths through it.

    The engine tries every path to a look-around. The rest of the pattern, and the inside of a look-ahead, take one step.
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
        """Choices, repeats and doubles on the paths to a look-around."""
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
        """Raise ValueError for a reference to an enclosing group, which can match nothing and crashes the engine."""
        if any(str(group.number) == number for group in self._groups):
            raise ValueError(f"\\{number} in a regular expression refers to a group from inside of it")

    def _hard(self) -> None:
        """Record a look-around at this place. The paths inside a look-ahead are unknown."""
        for group in self._groups:
            group.is_hard = True
        self._doubles |= self._aheads > 0
        self._tried = (self._choices, self._repeats, self._doubles)

    def _note(self, *, is_root: bool) -> None:
        """Record the paths beside a look-around: only what follows it at the end takes one step again."""
        if any(group.is_hard for group in self._groups[0 if is_root else 1 :]):
            self._tried = (self._choices, self._repeats, self._doubles)


def _atom_states(atom: str) -> int:
    if atom.startswith((r"\p", r"\P")):
        return _PROPERTY
    if atom == r"\s":
        return _BLANK
    return _WIDE if atom in (".", r"\D", r"\W", r"\S") else 1


def _set_states(text: str) -> int:
    """Return an estimate of the states of a set of characters in brackets."""
    states = _PROPERTY * (text.count(r"\p") + text.count(r"\P"))
    if text.startswith("[^") or _WIDE_ESCAPE.search(text):
        states += _WIDE
    return states + max(1, len(text) // (8 if text.isascii() else _OTHERS))


_WIDE_ESCAPE = re.compile(r"\\[DWSs]")
