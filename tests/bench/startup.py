"""How long `runner` takes to start, against importing the libraries that it can't do without.

Whole processes of the same interpreter. Run it at the repository's root: `python tests/bench/startup.py`.
"""

from __future__ import annotations

import sys
from functools import partial

from tests.bench.timing import Row, conclude, run, script, take_turns, within

_TURNS = 31


def main() -> int:
    """Measure, and write the table."""
    rows = [
        _row(["validate", "specs/purchase.yaml"], "import typer, yaml, jinja2", at_most=1.5),
        _row(["--help"], "import typer", at_most=2.2),
    ]
    return conclude(Row("whole processes", "ours", "theirs", "ratio", "target"), rows)


def _row(args: list[str], code: str, *, at_most: float) -> Row:
    ours = partial(run, [script("runner"), *args])
    theirs = partial(run, [sys.executable, "-c", code])
    turns = take_turns(ours, theirs, _TURNS, warm_ups=3)
    return within(f'runner {" ".join(args)} / python -c "{code}"', turns, at_most=at_most)


if __name__ == "__main__":
    sys.exit(main())
