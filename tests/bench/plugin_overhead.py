"""What `pytest` costs more in a project that has nothing to do with this package, because its plugin is installed.

Whole processes of the same interpreter that run one test, with the plugin and with `-p no:` the plugin, in turns. pytest
finds the plugin as it does everywhere, by its entry point; all others that happen to be installed are left out. What
counts is the lower quartile of the CPU time of each: what else
the machine does only ever adds to it, and to a single run more than the target. Run it at the repository's root:
`python tests/bench/plugin_overhead.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from tests.bench.timing import Row, conclude

_TURNS = 150
_AT_MOST_MS = 5.0
_PLUGIN = "pytest_suprsend_runner"


def main() -> int:
    """Measure, and write the table."""
    with TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "test_sum.py").write_text("def test_sum():\n    assert 1 + 1 == 2\n")
        (project / "data.yaml").write_text("event: of somebody else\n")
        others = [f"-pno:{each.name}" for each in entry_points(group="pytest11") if each.name != _PLUGIN]
        pytest = [sys.executable, "-m", "pytest", "-q", *others]
        taken: dict[str, list[float]] = {f"-pno:{_PLUGIN}_of_others": [], f"-pno:{_PLUGIN}": []}
        for turn in range(_TURNS):
            for argument in sorted(taken, reverse=turn % 2 == 0):
                taken[argument].append(_cpu_ms([*pytest, argument], project))
    ours_ms, theirs_ms = taken.values()
    with_ms, without_ms = (quantiles(each)[0] for each in (ours_ms, theirs_ms))
    more_ms = with_ms - without_ms
    row = Row(
        f"pytest / pytest -p no:{_PLUGIN}",
        f"{with_ms:.1f} ms",
        f"{without_ms:.1f} ms",
        f"{more_ms:+.1f} ms",
        f"≤ {_AT_MOST_MS:g} ms",
        more_ms <= _AT_MOST_MS,
    )
    return conclude(Row("an unrelated project, CPU time", "with", "without", "more", "target"), [row])


def _cpu_ms(args: list[str], project: Path) -> float:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(args, cwd=project, env=environ, stdout=nowhere, stderr=nowhere) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(args)} ended with {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000


if __name__ == "__main__":
    sys.exit(main())
