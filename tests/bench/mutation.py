"""`runner test --mutate` over 300 cases with ten changes or more each, and over one case with 300 sets: at most a minute each.

usage: python tests/bench/mutation.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

SPECS, CASES = 30, 10
MOST_S = 60


def spec(number: int) -> str:
    """Return a spec whose cases each notice all that they make, which is the slowest kind for cases that come last."""
    properties = "".join(f"  p{each}: '{{{{ amount }}}}'\n" for each in range(3))
    cases = "".join(
        f"  - {{name: case {case}, vars: {{amount: {case}}}, expect: {{event: {{properties: {{p0: {case}}}}}}}}}\n"
        for case in range(CASES)
    )
    return (
        f"version: 1\nvars: {{amount: {{type: number}}}}\nevent: event_{number}\ndistinct_id: u1\nidempotency_key: k1\n"
        f"properties:\n{properties}tests:\n{cases}"
    )


def parametrized() -> str:
    """Return a spec whose case has as many sets of variables, and notices nothing but the name of the event."""
    head, _, _ = spec(0).partition("tests:")
    sets = ", ".join(f"{{amount: {number}}}" for number in range(SPECS * CASES))
    return f"{head}tests:\n  - {{name: each, parametrize: [{sets}], expect: {{event: {{event: event_0}}}}}}\n"


def mutated(specs: Sequence[str]) -> tuple[float, dict[str, Any]]:
    """Return the time that specs took, and what the command printed."""
    with TemporaryDirectory() as name:
        folder = Path(name, "specs")
        folder.mkdir()
        for number, text in enumerate(specs):
            (folder / f"spec{number}.yaml").write_text(text)
        began = time.monotonic()
        command = [sys.executable, "-m", "runner", "test", "--mutate", "-o", "json", str(folder)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        return time.monotonic() - began, json.loads(ended.stdout)


def main() -> int:
    """Print the times, and return 1 if one is too long."""
    sets_s, told = mutated([parametrized()])
    print(f"a case with {SPECS * CASES} sets, {told['total']} changes: {sets_s:.1f} s (at most {MOST_S})")
    took_s, told = mutated([spec(number) for number in range(SPECS)])
    missed = told["total"] - told["noticed"]
    runs = missed * CASES + told["noticed"]  # a change that is not noticed is tried on all cases
    print(
        f"{SPECS * CASES} cases, {told['total']} changes of 13 kinds a spec, {runs:,} runs of cases: {took_s:.1f} s (at most {MOST_S})"
    )
    return 0 if max(took_s, sets_s) <= MOST_S and runs >= SPECS * CASES * 10 else 1


if __name__ == "__main__":
    sys.exit(main())
