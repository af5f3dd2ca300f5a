"""What the fixture `runner_sandbox` adds to a test: alone, and with an event that is sent and asserted.

Whole runs of pytest over 200 tests, in turns: tests that do nothing, the same ones with the fixture, and ones that also send
an event and hold it against a spec. The start of the sandbox is part of each run. Time is the wall clock's, and each figure
that of the fastest run, since what else the machine does only ever adds to it. Run it at the repository's root:
`python tests/bench/fixture.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.bench.timing import Row, conclude

_TESTS = 200
_TURNS = 5
_AT_MOST_MS = 50.0
_HEAD = f"import pytest\nfrom runner import Event\n\n@pytest.mark.parametrize('number', range({_TESTS}))\n"
_BODIES = {
    "nothing": "def test_it(number): pass\n",
    "fixture": "def test_it(number, runner_sandbox): pass\n",
    "assertion": (
        "def test_it(number, runner_sandbox):\n"
        "    runner_sandbox.suprsend().track_event(Event(f'u{number}', 'order_placed', {'amount': number}))\n"
        "    runner_sandbox.assert_sent('order.yaml', user=f'u{number}', properties={'amount': number})\n"
    ),
}
_SPEC = """\
version: 1
vars: {amount: {type: number, default: 1}}
event: order_placed
distinct_id: u1
properties: {amount: "{{ amount }}"}
schema: {properties: {amount: {type: number, minimum: 0}}}
"""


def main() -> int:
    """Measure, and write the table."""
    with TemporaryDirectory() as folder:
        project = Path(folder)
        (project / ".git").mkdir()
        (project / "order.yaml").write_text(_SPEC)
        for name, body in _BODIES.items():
            (project / f"test_{name}.py").write_text(_HEAD + body)
        taken: dict[str, list[float]] = {name: [] for name in _BODIES}
        for _ in range(_TURNS):
            for name, times in taken.items():
                times.append(_run_s(project, f"test_{name}.py"))
    least_s = {name: min(times) for name, times in taken.items()}
    rows = [_row("the fixture", least_s["fixture"], least_s["nothing"])]
    rows.append(_row("the fixture, an event sent and asserted", least_s["assertion"], least_s["nothing"]))
    return conclude(Row(f"{_TESTS} tests", "with", "without", "more for each test", "target"), rows)


def _row(what: str, with_s: float, without_s: float) -> Row:
    more_ms = (with_s - without_s) / _TESTS * 1000
    target = f"≤ {_AT_MOST_MS:g} ms"
    return Row(what, f"{with_s:.2f} s", f"{without_s:.2f} s", f"{more_ms:.1f} ms", target, more_ms <= _AT_MOST_MS)


def _run_s(project: Path, name: str) -> float:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "RUNNER_"))}
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_suprsend_runner", "-p", "no:cacheprovider", name]
    start = perf_counter()
    ended = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{name} failed:\n{ended.stdout[-2000:]}")
    return perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
