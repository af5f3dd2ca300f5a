"""What `pytest` costs more in a project that has nothing to do with this package, because its plugin is installed.

Whole processes of the same interpreter that run one test, with the plugin and with `-p no:` the plugin, in turns, and
with no other plugin that happens to be installed. What counts is the lower quartile of the CPU time of each: what else
the machine does only ever adds to it, and to a single run more than the target. Run it at the repository's root:
`python tests/bench/plugin_overhead.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.timing import Row, conclude
else:  # python puts this folder first on its path, not the repository's root
    from timing import Row, conclude

_TURNS = 150
_AT_MOST_MS = 5.0
_PLUGIN = "runner.pytest_plugin"


def main() -> int:
    """Measure, and write the table."""
    with TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "test_sum.py").write_text("def test_sum():\n    assert 1 + 1 == 2\n")
        (project / "data.yaml").write_text("event: of somebody else\n")
        pytest = [sys.executable, "-m", "pytest", "-q", "-p"]
        taken: dict[str, list[float]] = {_PLUGIN: [], f"no:{_PLUGIN}": []}
        for turn in range(_TURNS):
            for argument in sorted(taken, reverse=turn % 2 == 0):
                taken[argument].append(_cpu_ms([*pytest, argument], project))
    ours_ms, theirs_ms = taken.values()
    with_ms, without_ms = (quantiles(each)[0] for each in (ours_ms, theirs_ms))
    more_ms = with_ms - without_ms
    row = Row(
        f"pytest -p {_PLUGIN} / pytest -p no:…",
        f"{with_ms:.1f} ms",
        f"{without_ms:.1f} ms",
        f"{more_ms:+.1f} ms",
        f"≤ {_AT_MOST_MS:g} ms",
        more_ms <= _AT_MOST_MS,
    )
    return conclude(Row("an unrelated project, CPU time", "with", "without", "more", "target"), [row])


def _cpu_ms(args: list[str], project: Path) -> float:
    environ = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(args, cwd=project, env=environ, stdout=nowhere, stderr=nowhere) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(args)} ended with {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000


if __name__ == "__main__":
    sys.exit(main())
