"""Rows in doubt: without a key they go again only when the user agrees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bulk.crash.conftest import (
    UNKEYED_SPEC,
    begin,
    check_each_once,
    counts,
    environ_for,
    sending,
    sent_again,
    state_of_run,
    summary_of,
    write_rows,
)
from tests.servers.recording import recording_server

if TYPE_CHECKING:
    from tests.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("in_tmp")


def test_rows_without_a_key_that_are_unknown_go_again_only_when_somebody_says_yes(cli: CommandLine) -> None:
    write_rows(300, spec=UNKEYED_SPEC)
    with recording_server("--after", "60000") as slow, sending(environ_for(slow.base_url), *begin(1, 2)) as sender:
        sender.runs_until(lambda: slow.requests() >= 2)
        sender.kill("all")
        slow.kill()
    arrived = len(slow.taken())
    assert arrived == 200
    assert len(cli("runs", "show", "-o", "json").json["failures"]) == 200, "rows in flight when it was killed are shown"
    with recording_server() as server:
        with sending(environ_for(server.base_url), "--resume", "last") as sender:
            code, told, err = sender.ends()
        run = told["run"]
        assert (code, told) == (1, counts(run, accepted=100, unknown=200) | {"failures": []})
        assert err == (
            f"  runner send --resume {run} --yes\n"
            "      sends the 200 unknown too: they have no key, so they may count twice\n"
        )
        with sending(environ_for(server.base_url), "--resume", "last") as sender:
            assert sender.ends()[:2] == (1, told)
        assert len(server.taken()) == arrived + 100
        with sending(environ_for(server.base_url), "--resume", "last", "--yes") as sender:
            code, told, err = sender.ends()
    assert (code, told) == (0, summary_of(run, accepted=300))
    assert err == "200 rows without a key that may have arrived: sent again, may count twice\n"
    assert len(server.taken()) == arrived + 300
    assert cli("runs", "show", "-o", "json").json["failures"] == []


def test_a_row_in_doubt_that_is_refused_when_it_goes_again_stays_unknown(cli: CommandLine) -> None:
    """A refusal says nothing of the time before: the first copy of such a row may have been taken."""
    write_rows(300)
    with recording_server("--after", "60000") as slow, sending(environ_for(slow.base_url), *begin(1, 2)) as sender:
        sender.runs_until(lambda: slow.requests() >= 2)
        sender.kill("all")
        slow.kill()
    assert (state_of_run(cli)["accepted"], state_of_run(cli)["unknown"]) == (0, 200)
    Path("record.tsv").unlink()
    with recording_server("--refuse", "7") as server:
        for _ in range(2):  # once more: they go again, and are as unknown as before
            with sending(environ_for(server.base_url), "--resume", "last") as sender:
                code, told, _ = sender.ends()
            del told["failures"]
            assert (code, told) == (1, counts(told["run"], accepted=270, failed=10, unknown=20))
    in_doubt = {record["row"] for record in cli("runs", "show", "-o", "json").json["failures"] if record["row"] <= 200}
    assert in_doubt == set(range(7, 200, 10))
    check_each_once(server.taken(), {f"order-{n}" for n in range(1, 301) if n % 10 != 7})
    assert sent_again(server.taken()) == set()
