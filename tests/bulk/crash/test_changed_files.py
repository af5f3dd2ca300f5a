"""Files that change under a run stop it."""

from __future__ import annotations

import gzip
import json
import os
from io import BytesIO
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from tests.bulk.crash.conftest import (
    BOUND_S,
    SPEC,
    begin,
    check_each_once,
    environ_for,
    sending,
    sent_again,
    state_of_run,
    write_rows,
)
from tests.processes import Preloaded
from tests.servers.listeners import url_of
from tests.servers.recording import recording_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

pytestmark = pytest.mark.usefixtures("in_tmp")


def _cut_file(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _append_row(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"999999999\n")


def _overwrite_in_place(path: Path) -> None:
    """With other rows of the same length; nothing but the bytes tells."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size - 60_000)
        file.write(b"777777777\n" * 5_000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(path: Path) -> None:
    Path("other").write_bytes(b"n\n")
    Path("other").rename(path)


SHOP = "x" * 60


def _rows_of(name: str, number: int) -> bytes:
    """Write rows of nine digits each, so that half of one would be another."""
    numbers = range(100_000_000, 100_000_000 + number)
    match name:
        case "rows.csv" | "rows.csv.gz":
            text = "\n".join(["n,shop", *(f"{n},{SHOP}" for n in numbers), ""]).encode()
            return gzip.compress(text, 0) if name.endswith(".gz") else text
        case "rows.jsonl":
            return "".join(f'{{"shop": "{SHOP}", "n": {n}}}\n' for n in numbers).encode()
        case _:
            file = BytesIO()
            table = pa.table({"n": pa.array(numbers, pa.int64()), "shop": [SHOP] * number})
            pq.write_table(table, file, row_group_size=1_000, compression="none", use_dictionary=False)
            return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.jsonl", "rows.parquet"])
@pytest.mark.parametrize("change", [_cut_file, _append_row, _overwrite_in_place, _replace])
def test_a_file_that_changes_under_a_run_stops_it_and_no_row_is_sent_that_was_not_there(
    change: Callable[[Path], None], name: str, cli: CommandLine
) -> None:
    count = 5_000
    path = Path(name)
    Path("spec.yaml").write_text(SPEC, "utf-8")
    content = _rows_of(name, count)
    path.write_bytes(content)
    original = {f"order-{n}" for n in range(100_000_000, 100_000_000 + count)}
    with recording_server("--after", "100") as server:
        args = ("spec.yaml", "--rows", name, "--processes", "1", "--concurrency", "10")
        with sending(environ_for(server.base_url), *args) as sender:
            sender.runs_until(lambda: server.requests() >= 5)
            change(path)
            code, told, err = sender.ends()
        arrived = {event.key for event in server.taken()}
        assert arrived <= original
        assert told["accepted"] == len(arrived)
        assert told["unknown"] == told["failed"] == 0
        if change is _replace:
            assert (code, told["accepted"], state_of_run(cli)["state"]) == (0, count, "finished")
        else:
            assert (code, state_of_run(cli)["state"]) == (2, "stopped")
            assert f"error[rows-changed]: {name} changed while it was read: it " in err
        with sending(environ_for(server.base_url), "--resume", "last") as sender:
            code, refused, _ = sender.ends()
        assert (code, refused["problems"][0]["code"]) in {(2, "run-changed"), (2, "rows-format")}
        path.write_bytes(content)
        if change is not _replace:
            with sending(environ_for(server.base_url), "--resume", "last") as sender:
                code, told, _ = sender.ends()
            assert (code, told["accepted"]) == (0, count)
    check_each_once(server.taken(), original)
    assert sent_again(server.taken()) == set()


def test_a_file_that_changes_after_its_last_row_was_read_is_told_too(silent: socket.socket, cli: CommandLine) -> None:
    write_rows(3)
    environ = environ_for(url_of(silent))
    with sending(environ, *begin(1, 1), "--retries", "0") as sender:
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4) == b"POST"
            _append_row(Path("rows.csv"))
            records = json.dumps({"records": [{"status": "success", "status_code": 202}] * 3}).encode()
            head = b"HTTP/1.1 207 Multi-Status\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            connection.sendall(head % len(records) + records)
            code, told, err = sender.ends()
    assert (code, told["accepted"], state_of_run(cli)["state"]) == (2, 3, "stopped")
    assert "rows.csv changed while it was read: it grew from 8 to 18 bytes" in err


@pytest.mark.parametrize("command", ["render", "runs"])
def test_a_file_that_changes_while_its_rows_are_printed_ends_the_command(
    command: str, server: CapturingServer, cli: CommandLine
) -> None:
    Path("spec.yaml").write_text(SPEC, "utf-8")
    Path("rows.csv").write_text("n,shop\n" + f"1,{'x' * 5_000}\n" * 200, "utf-8")
    cli.environ = environ_for(server.base_url)
    args = ["render", "spec.yaml", "--rows", "rows.csv"]
    if command == "runs":
        refusal = {"status": "error", "error": {"message": "no", "type": "refused"}}
        server.answers.extend([(404, refusal)] * 2)
        assert cli("send", "spec.yaml", "--rows", "rows.csv").code == 1
        args = ["runs", "failed", "last"]
    with Preloaded(["runner", *args], env=cli.environ, stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # what is behind it is more than a pipe holds
        with Path("rows.csv").open("r+b") as file:
            file.seek(-100_000, os.SEEK_END)
            file.write(b"7" * 50_000)
        out, err = process.communicate(timeout=BOUND_S)
    assert process.returncode == 2
    assert "error[rows-changed]: rows.csv changed while it was read: it was written to" in err
    assert "7" * 20 not in out
    assert 10 < out.count("\n") < 200
