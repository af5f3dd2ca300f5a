"""`runner test --mutate` over 300 cases with ten changes or more each: at most a minute.

usage: python tests/bench/mutation.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

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


def main() -> int:
    """Print the time, and return 1 if it is too long."""
    with TemporaryDirectory() as name:
        folder = Path(name, "specs")
        folder.mkdir()
        for number in range(SPECS):
            (folder / f"spec{number}.yaml").write_text(spec(number))
        began = time.monotonic()
        command = [sys.executable, "-m", "runner", "test", "--mutate", "-o", "json", str(folder)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        took_s = time.monotonic() - began
    told = json.loads(ended.stdout)
    missed = told["total"] - told["noticed"]
    runs = missed * CASES + told["noticed"]  # a change that is not noticed is tried on all cases
    print(
        f"{SPECS * CASES} cases, {told['total']} changes of 13 kinds a spec, {runs:,} runs of cases: {took_s:.1f} s (at most {MOST_S})"
    )
    return 0 if took_s <= MOST_S and runs >= SPECS * CASES * 10 else 1


if __name__ == "__main__":
    sys.exit(main())
