"""Wide tables are sent in little memory."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from tests.bulk.crash.conftest import BOUND_S, COMMAND, SPEC, check_each_once, environ_for, sent_again, state_of_run
from tests.servers.recording import recording_server

if TYPE_CHECKING:
    from tests.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("in_tmp")
MEMORY = """
import os, resource, sys
most = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
os.execvp(sys.argv[2], sys.argv[2:])
"""


def wide_rows(name: str, number: int) -> None:
    """Write rows with a column of 1 MB that nobody takes."""
    if name == "rows.parquet":
        table = pa.table({"n": list(range(1, number + 1)), "note": [str(n) * 200_000 for n in range(number)]})
        pq.write_table(table, name, row_group_size=100)
        return
    with Path(name).open("w") as file:
        note = "x" * 1_000_000
        file.write("n,note\n" if name == "rows.csv" else "")
        form = "{n},{note}\n" if name == "rows.csv" else '{{"n": {n}, "note": "{note}"}}\n'
        file.writelines(form.format(n=n, note=note) for n in range(1, number + 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
def test_columns_that_nobody_takes_need_no_memory_and_a_kill_loses_nothing(name: str, cli: CommandLine) -> None:
    number = 200
    Path("spec.yaml").write_text(SPEC, "utf-8")
    wide_rows(name, number)
    limited = [sys.executable, "-c", MEMORY, str(250 * 1024 * 1024)]
    with recording_server("--after", "200") as server:
        for kills in (True, False):
            flags = ["--resume", "last"] if not kills else ["spec.yaml", "--rows", name, "--ignore-extra"]
            command = [*limited, *COMMAND, "send", *flags, "--concurrency", "2", "--processes", "1", "-qo", "json"]
            with Popen(command, env=environ_for(server.base_url), stdout=PIPE, stderr=PIPE, text=True) as process:
                if kills:
                    while server.requests() < 1:
                        assert process.poll() is None, process.communicate()
                        time.sleep(0.01)
                    process.kill()
                out, err = process.communicate(timeout=2 * BOUND_S)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["accepted"] == number
    assert state_of_run(cli)["state"] == "finished"
    check_each_once(server.taken(), {f"order-{n}" for n in range(1, number + 1)})
    assert len(sent_again(server.taken())) <= 2
