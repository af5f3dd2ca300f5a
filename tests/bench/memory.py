"""Whether the memory of `runner validate` grows with the number of files: 10,000 specs against 1,000.

Peaks of whole processes, over the same specs in two numbers. The target is for specs without problems; the rows with
problems are shown to compare: JSON is one document, so all of them are kept to the end.
Run it at the repository's root: `python tests/bench/memory.py`.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from runner.errors import ExitCode
from tests.bench.sample_specs import write_faulty, write_valid
from tests.bench.timing import MIB, Row, conclude, peak_bytes, script

_MANY, _FEW = 10_000, 1_000
_MAX_GROWTH_MIB = 5


def main() -> int:
    """Measure, and write the table."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for count in (_MANY, _FEW):
            write_valid(folder / f"valid-{count}", count)
            write_faulty(folder / f"faulty-{count}", count)
        peaks = partial(_peaks, folder)
        rows = [
            _row("validate, no problems", *peaks("valid", turns=3), at_most_mib=_MAX_GROWTH_MIB),
            _row("validate, 4 problems a file, as text", *peaks("faulty")),
            _row("the same, as JSON", *peaks("faulty", "-o", "json")),
        ]
    return conclude(Row("peak memory", f"{_MANY:,} files", f"{_FEW:,} files", "growth", "target"), rows)


def _peaks(folder: Path, kind: str, *options: str, turns: int = 1) -> tuple[float, float]:
    expected = ExitCode.OK if kind == "valid" else ExitCode.INVALID
    taken = [
        [
            peak_bytes([script("runner"), "validate", f"{kind}-{count}", *options], cwd=folder, expected_code=expected)
            for count in (_MANY, _FEW)
        ]
        for _ in range(turns)
    ]
    many, few = zip(*taken, strict=True)
    return median(many), median(few)


def _row(what: str, many: float, few: float, *, at_most_mib: float | None = None) -> Row:
    growth = (many - few) / MIB
    target = "" if at_most_mib is None else f"< {at_most_mib:g} MiB"
    is_met = None if at_most_mib is None else growth < at_most_mib
    return Row(what, f"{many / MIB:.1f} MiB", f"{few / MIB:.1f} MiB", f"{growth:+.1f} MiB", target, is_met)


if __name__ == "__main__":
    sys.exit(main())
