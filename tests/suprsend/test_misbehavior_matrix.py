"""Whatever a server does wrong, what the client says of its events agrees with what the server took.

`misbehavior_matrix.txt` is all that `python tests/suprsend/misbehavior_matrix.py` prints. After a change that is meant,
`UPDATE_GOLDENS=1 pytest tests/suprsend/test_misbehavior_matrix.py` writes it anew: read its diff.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("misbehavior_matrix.txt")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def matrix() -> subprocess.CompletedProcess[str]:
    """Run the script once, in a process of its own: it measures memory."""
    return subprocess.run(
        [sys.executable, "tests/suprsend/misbehavior_matrix.py"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_client_and_a_server_that_misbehaves_agree(matrix: subprocess.CompletedProcess[str]) -> None:
    assert [line for line in matrix.stdout.splitlines()[1:-1] if not line.endswith("  yes")] == []
    assert matrix.returncode == 0


def test_the_matrix_is_as_it_stands_here(matrix: subprocess.CompletedProcess[str]) -> None:
    if os.environ.get("UPDATE_GOLDENS"):
        GOLDEN.write_text(matrix.stdout, "utf-8")
    assert matrix.stdout == GOLDEN.read_text("utf-8")


def test_the_matrix_has_at_least_20_faults_and_4_lines_for_each(matrix: subprocess.CompletedProcess[str]) -> None:
    lines = [re.split(" {2,}", line)[:3] for line in matrix.stdout.splitlines()[1:-1]]
    sent = ["single, key", "single, no key", "bulk, 3 keys", "bulk, 2 keys of 3"]
    pairs = list(dict.fromkeys((name, requests) for name, requests, _ in lines))
    assert [(name, requests, what) for name, requests in pairs for what in sent] == [tuple(line) for line in lines]
    assert len({name for name, _ in pairs}) >= 20
