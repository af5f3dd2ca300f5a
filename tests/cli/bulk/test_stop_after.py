"""`runner send --rows --stop-after`: when a run ends by the clock, and how it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.bulk.conftest import many, send, sent, typed

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


def test_a_run_that_stopped_in_time_is_resumed(cli: CommandLine, server: CapturingServer) -> None:
    ended = send(cli, "--rows", many(150), "--stop-after", "0s")
    assert (ended.code, sent(server)) == (1, [])
    assert ended.out == [
        "150 rows: 0 accepted, 0 failed, 0 unknown, 150 not sent · … s, …/s · run RUN · stopped: its time is over"
    ]
    assert ended.err == [
        "  runner send --resume RUN",
        "      sends what is unknown or was not sent, under the same ids",
    ]
    assert typed(cli, "send", "--resume", "last").code == 1
    assert typed(cli, "send", "--resume", "last", "--stop-after", "never").code == 0
    assert len(sent(server)) == 150


def test_a_run_that_will_not_end_in_time_says_so_before(cli: CommandLine) -> None:
    name = many(200_000)
    ended = send(cli, "--rows", name, "--rate", "2/s", "--stop-after", "0s")
    assert ended.err[0] == "about 200,000 rows take 1d3h47m at this rate, and the run stops after 0s: see --stop-after"
    ended = send(cli, "--rows", name, "--rate", "2/s", "--limit", "10", "--stop-after", "2s")
    assert ended.err[0] == "about 10 rows take 5s at this rate, and the run stops after 2s: see --stop-after"
    ended = send(cli, "--rows", name, "--rate", "500/s", "--limit", "10")
    assert ended.err == []


@pytest.mark.parametrize("text", ["8", "8 hours", "-1h", "", "ever"])
def test_what_is_no_duration_is_refused(text: str, cli: CommandLine) -> None:
    ended = send(cli, "--rows", "five.csv", f"--stop-after={text}")
    assert (ended.code, ended.err) == (
        64,
        [f"error[usage]: --stop-after: '{text}' is not a duration, such as 50ms or 2s", "  = or never"],
    )
