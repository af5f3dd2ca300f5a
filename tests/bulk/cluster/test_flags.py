"""The flags of a run mean on a cluster what they mean on one machine."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bulk.cluster.conftest import ENVIRON
from tests.bulk.crash.conftest import (
    ENDS,
    UNKEYED_SPEC,
    Sender,
    begin,
    check_each_once,
    environ_for,
    sending,
    state_of_run,
    summary_of,
    write_rows,
)
from tests.bulk.workers.conftest import until
from tests.servers.capturing import capturing_server
from tests.servers.message_server import MessageServer, PlannedMessage
from tests.servers.recording import recording_server
from tests.servers.switchboard import BOUND_S

if TYPE_CHECKING:
    import signal
    from typing import Any

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer
    from tests.servers.dask_cluster import DaskCluster

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_tmp", "workers")]


@pytest.fixture(scope="module")
def workers(cluster: DaskCluster, client: Any) -> None:
    """Start two workers with credentials."""
    for _ in range(2):
        cluster.worker(environ=ENVIRON)
    client.wait_for_workers(2, timeout=BOUND_S)


def write(sender: Sender, *lines: object) -> None:
    assert sender.process.stdin is not None
    sender.process.stdin.write("".join(f"{line}\n" for line in lines))
    sender.process.stdin.flush()


def is_accepted(cli: CommandLine, number: int) -> bool:
    runs = cli("runs", "list", "-o", "json").json["runs"]
    return bool(runs) and runs[0]["accepted"] == number


def test_rows_of_a_slow_pipe_go_out_in_their_time_and_a_kill_sends_nothing_of_them_again(
    cli: CommandLine, cluster: DaskCluster
) -> None:
    write_rows(1)
    piped = ("spec.yaml", "--rows", "-", "--cluster", cluster.url, "--linger", "0.2")
    with recording_server() as server:
        with sending(environ_for(server.base_url), *piped) as sender:
            write(sender, "n")
            for rows in (range(1, 4), range(4, 10), range(10, 11)):
                write(sender, *rows)
                sender.runs_until(partial(is_accepted, cli, rows[-1]))
            sender.kill("all")
        assert (state_of_run(cli)["state"], state_of_run(cli)["unknown"]) == ("interrupted", 0)
        with sending(environ_for(server.base_url), "--resume", "last", "--rows", "-") as sender:
            write(sender, "n", *range(1, 201))
            code, told, err = sender.ends()
    assert (code, told["accepted"], err.count("\n")) == (0, 200, 1), "the link to the dashboard"
    taken = server.taken()
    assert len(taken) == 200
    check_each_once(taken, {f"order-{n}" for n in range(1, 201)})


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_ends_a_run_whose_pipe_is_silent(
    number: signal.Signals, cli: CommandLine, cluster: DaskCluster
) -> None:
    write_rows(1)
    args = ("spec.yaml", "--rows", "-", "--cluster", cluster.url)
    with recording_server() as server, sending(environ_for(server.base_url), *args) as sender:
        write(sender, "n", 1, 2, 3)
        sender.runs_until(lambda: is_accepted(cli, 3))
        sender.process.send_signal(number)
        sender.process.wait(5)  # the pipe stays open
        code, told, err = sender.ends()
    assert code == ENDS[number]
    assert (told["accepted"], told["total"], told["not_sent"]) == (3, None, None)
    assert f"  runner send --resume {told['run']} --rows -\n" in err


def test_a_rate_holds_for_all_workers_together(server: CapturingServer, cluster: DaskCluster) -> None:
    write_rows(300)
    began_s = time.monotonic()
    with sending(environ_for(server.base_url), *begin(cluster.url, 4), "--rate", "200/s") as sender:
        code, told, err = sender.ends()
    assert (code, told) == (0, summary_of(told["run"], accepted=300)), err
    assert time.monotonic() - began_s >= 260 / 200
    assert {len(request.json) for request in server.received} == {40, 20}, "a fifth of a second each"


def test_an_interrupt_ends_the_pause_of_a_low_rate(server: CapturingServer, cluster: DaskCluster) -> None:
    write_rows(10)
    with sending(environ_for(server.base_url), *begin(cluster.url, 4), "--rate", "0.02/s") as sender:
        sender.runs_until(lambda: len(server.received) == 1)
        sender.process.terminate()
        code, told, _ = sender.ends()
    assert (code, told["accepted"], told["not_sent"]) == (143, 1, 9)


def test_max_failures_stops_and_what_is_under_way_is_finished(cluster: DaskCluster) -> None:
    write_rows(20_000)
    with (
        recording_server("--before", "5", "--refuse", "7") as server,
        sending(environ_for(server.base_url), *begin(cluster.url, 4), "--max-failures", "50") as sender,
    ):
        code, told, _ = sender.ends()
    parts = (told["accepted"] + told["failed"]) // 1_000
    assert (code, told["unknown"]) == (1, 0)
    assert 1 <= parts <= 6, "the one that reached the limit, those in flight, and those that were done with it"
    assert (told["accepted"], told["failed"], told["not_sent"]) == (parts * 900, parts * 100, 20_000 - parts * 1_000)


def test_no_part_begins_after_the_time_and_a_resume_sends_the_rest(cli: CommandLine, cluster: DaskCluster) -> None:
    keys = write_rows(12_000)
    with recording_server("--before", "40") as server:
        with sending(environ_for(server.base_url), *begin(cluster.url, 4), "--stop-after", "400ms") as sender:
            code, told, _ = sender.ends()
        assert (code, told["unknown"], told["failed"]) == (1, 0, 0)
        assert 4_000 <= told["accepted"] < 12_000
        assert (told["not_sent"], state_of_run(cli)["state"]) == (12_000 - told["accepted"], "stopped")
        args = ("--resume", "last", "--stop-after", "never", "--cluster", "none")
        with sending(environ_for(server.base_url), *args) as sender:
            code, told, err = sender.ends()
    assert (code, told) == (0, summary_of(told["run"], accepted=12_000)), err
    check_each_once(server.taken(), keys)
    assert len(server.taken()) == 12_000


def test_the_file_of_results_has_each_row_once(cluster: DaskCluster) -> None:
    write_rows(2_500, invalid=[17, 2_001])
    args = (*begin(cluster.url, 4), "--results", "results.jsonl")
    with recording_server("--refuse", "-100") as server, sending(environ_for(server.base_url), *args) as sender:
        code, told, _ = sender.ends()
    assert (code, told["accepted"], told["failed"]) == (1, 2_497, 3)
    lines = [json.loads(line) for line in Path("results.jsonl").read_text("utf-8").splitlines()]
    assert sorted(line["row"] for line in lines) == list(range(1, 2_501))
    others = {line["row"]: (line["state"], line["code"], line["line"]) for line in lines if line["state"] != "accepted"}
    assert others == {
        17: ("failed", "var-type", 18),
        100: ("failed", "refused", 101),
        2_001: ("failed", "var-type", 2_002),
    }
    ids = {event.insert_id for event in server.taken()}
    assert {line["insert_id"] for line in lines if line["state"] == "accepted"} == ids


def test_a_worker_that_dies_leaves_rows_without_keys_unknown(cluster: DaskCluster, client: Any) -> None:
    write_rows(8_000, spec=UNKEYED_SPEC)
    third = cluster.worker(environ=ENVIRON)
    client.wait_for_workers(3, timeout=BOUND_S)
    with (
        recording_server("--before", "20", "--after", "20") as server,
        sending(environ_for(server.base_url), *begin(cluster.url, 8)) as sender,
    ):
        sender.runs_until(lambda: server.requests() >= 6)
        third.kill()
        code, told, _ = sender.ends()
    until(lambda: len(client.nthreads()) == 2)
    assert (code, told["failed"], told["not_sent"], told["total"]) == (1, 0, 0, 8_000)
    assert told["unknown"] in (1_000, 2_000), "one part under way, and one that waited"
    arrived = [event.insert_id for event in server.taken()]
    assert len(arrived) == len(set(arrived)) >= told["accepted"]


def test_a_run_goes_on_on_another_machine_with_a_copy_of_its_folder(
    cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = write_rows(9_000)
    with recording_server("--before", "40") as server:
        args = (*begin(cluster.url, 4), "--state-dir", "state")
        with sending(environ_for(server.base_url), *args) as sender:
            sender.runs_until(lambda: server.requests() >= 15)
            sender.kill("all")
        (tmp_path / "other").mkdir()
        for name in ("spec.yaml", "rows.csv"):
            shutil.copy(name, tmp_path / "other")
        shutil.copytree("state", tmp_path / "other" / "state")
        monkeypatch.chdir(tmp_path / "other")
        args = ("--resume", "last", "--state-dir", "state")
        with sending(environ_for(server.base_url), *args) as sender:
            code, told, err = sender.ends()
    assert (code, told) == (0, summary_of(told["run"], accepted=9_000)), err
    check_each_once(server.taken(), keys)


def test_two_runs_at_once_do_not_meet(server: CapturingServer, cluster: DaskCluster) -> None:
    write_rows(3_000)
    environ = environ_for(server.base_url)
    args = begin(cluster.url, 4)
    with (
        sending(environ, *args, "--var", "shop=east", "--state-dir", "east") as first,
        sending(environ, *args, "--var", "shop=west", "--state-dir", "west") as second,
    ):
        for sender in (first, second):
            code, told, err = sender.ends()
            assert (code, told) == (0, summary_of(told["run"], accepted=3_000)), err
    events = [event for request in server.received for event in request.json]
    shops = Counter(event["properties"]["shop"] for event in events)
    assert shops == {"east": 3_000, "west": 3_000}
    assert len({event["$insert_id"] for event in events}) == 6_000


def test_messages_of_a_sample_are_waited_for(cli: CommandLine, cluster: DaskCluster) -> None:
    write_rows(2_500)
    with capturing_server(MessageServer(clock=cli.time.clock)) as platform:
        assert isinstance(platform, MessageServer)
        platform.comes_of = lambda event: [
            PlannedMessage(((3.0, "triggered"),), key=event["$idempotency_key"], recipient=event["distinct_id"])
        ]
        cli.environ = ENVIRON | {"SUPRSEND_BASE_URL": platform.base_url}
        ended = cli("send", *begin(cluster.url, 4), "--wait", "60s", "--sample", "4", "-o", "json")
    told = ended.json
    assert (ended.code, told["accepted"]) == (0, 2_500), ended.err
    assert [row["line"] - row["row"] for row in told["sample"]] == [1] * 4
    assert {row["wait"]["state"] for row in told["sample"]} == {"reached"}
