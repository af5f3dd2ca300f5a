"""Rows in an object store: from the check to a resume, with the URL where the path of a file stands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import pytest

from tests.bulk.crash.conftest import CLEAN, environ_for, sending
from tests.bulk.crash.conftest import SPEC as NUMBERED
from tests.cli.bulk.conftest import FIVE, REFUSAL, SPEC, send, sent, typed
from tests.processes import Preloaded
from tests.servers.listeners import closed_url, silent_listener, url_of
from tests.servers.object_store import SECRET
from tests.servers.recording import recording_server

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer
    from tests.servers.object_store import ObjectStore

JUNE = "user,order\n" + "".join(f"u{number},{number}\n" for number in range(3, 203))


@pytest.fixture
def exports(store: ObjectStore) -> str:
    """Write a folder as other tools do; give its URL."""
    store.write("exports/_SUCCESS", b"")
    store.write("exports/amount=5/may.csv", b"user,order\nu1,1\nu2,x2\n")
    store.write("exports/amount=6.5/june.csv", JUNE.encode())
    return "s3://bucket/exports/"


def test_each_row_is_sent_once_with_the_columns_of_its_folder(
    exports: str, cli: CommandLine, server: CapturingServer
) -> None:
    ended = send(cli, "--rows", exports, "--results", "results.jsonl")
    assert ended.code == 2
    assert ended.out == [
        "failed  row 2 (s3://bucket/exports/amount=5/may.csv line 3)  var-schema  variable 'order': the value is 'x2', which does not match ^[0-9]+$",
        "202 rows: 201 accepted, 1 failed, 0 unknown, 0 not sent · … s, …/s · run RUN",
    ]
    assert sorted(sent(server)) == sorted([("u1", "1", 5), *((f"u{n}", str(n), 6.5) for n in range(3, 203))])
    lines = [json.loads(line) for line in Path("results.jsonl").read_text().splitlines()]
    assert {line["row"]: (line["file"], line["row_in_file"]) for line in lines} == {
        1: ("s3://bucket/exports/amount=5/may.csv", 1),
        2: ("s3://bucket/exports/amount=5/may.csv", 2),
        **{row + 2: ("s3://bucket/exports/amount=6.5/june.csv", row) for row in range(1, 201)},
    }


def test_rows_are_checked_and_rendered(exports: str, cli: CommandLine, server: CapturingServer) -> None:
    checked = send(cli, "--rows", exports, "--dry-run")
    assert (checked.code, checked.out[-1][:42]) == (2, "202 rows: 201 valid, 1 invalid, 0 repeat t")
    rendered = typed(cli, "render", "purchase.yaml", "--rows", f"{exports}*/may.csv")
    assert rendered.code == 2
    [body] = map(json.loads, rendered.out)
    assert (body["distinct_id"], body["properties"]["amount"]) == ("u1", 5)
    assert (
        "  = in row 2 (s3://bucket/exports/amount=5/may.csv line 3): the value comes from column 'order'"
        in rendered.err
    )
    assert server.received == []


def test_a_run_is_resumed_with_the_files_that_it_began_with(
    exports: str, cli: CommandLine, server: CapturingServer, store: ObjectStore, in_tmp: Path
) -> None:
    server.answers.append((503, REFUSAL))
    first = send(cli, "--rows", exports, "--retries", "0")
    assert (first.code, first.out[0]) == (
        7, "not sent  row 1 (s3://bucket/exports/amount=5/may.csv line 2)  refused 503  no such workspace",
    )  # fmt: skip
    store.write("exports/amount=7/july.csv", b"user,order\nu900,900\n")
    server.received.clear()
    (in_tmp / "elsewhere").mkdir()
    os.chdir("elsewhere")
    resumed = typed(cli, "send", "--resume", "last", "--state-dir", "../.runner", "--concurrency", "1")
    os.chdir("..")
    assert resumed.out[-1] == "202 rows: 201 accepted, 1 failed, 0 unknown, 0 not sent · … s, …/s · run RUN"
    assert len(sent(server)) == 201
    assert typed(cli, "runs", "list").out[0].endswith(f"purchase.yaml x {exports}")
    assert typed(cli, "runs", "failed", "last").out == ["$row,user,order,amount", "RUN:2,u2,x2,5"]


def test_a_resume_refuses_files_that_changed_by_name(
    exports: str, cli: CommandLine, server: CapturingServer, store: ObjectStore
) -> None:
    server.answers.append((404, REFUSAL))
    send(cli, "--rows", exports, "--max-failures", "1")
    store.write("exports/amount=5/may.csv", b"user,order\nu1,1\nu2,3\n")
    changed = "error[run-changed]: the file s3://bucket/exports/amount=5/may.csv changed since run RUN began"
    for args in (("send", "--resume", "last"), ("runs", "failed", "last")):
        refused = typed(cli, *args)
        assert (refused.code, refused.err[0]) == (2, changed)
    store.remove("exports/amount=6.5/june.csv")
    gone = typed(cli, "send", "--resume", "last")
    assert (gone.code, gone.err) == (
        4,
        ["error[file-not-found]: no such file: s3://bucket/exports/amount=6.5/june.csv"],
    )


def test_no_secret_of_the_store_is_kept_or_shown(exports: str, cli: CommandLine) -> None:
    told = [send(cli, "--rows", exports), typed(cli, "runs", "show", "last", "-o", "json")]
    told += [send(cli, "--rows", f"s3://AKID:{SECRET}@bucket/a.csv")]
    told += [send(cli, "--rows", f"s3://bucket/a.csv?X-Amz-Signature={SECRET}")]
    kept = b"".join(path.read_bytes() for path in Path(".runner").iterdir())
    assert b"s3://bucket/exports/" in kept
    for secret in (SECRET, "AKIDFORTESTS"):
        assert secret.encode() not in kept
        assert secret not in repr(told)


def test_a_url_that_is_not_read_is_refused_before_anything_else(cli: CommandLine) -> None:
    refused = send(cli, "--rows", "file:///etc/passwd")
    assert (refused.code, refused.err) == (
        64,
        ["error[usage]: --rows file:///etc/passwd: file:// is not supported", "  = give the path without a scheme"],
    )


def test_exports_that_a_run_is_compared_with_are_read_from_this_machine(cli: CommandLine) -> None:
    send(cli, "--rows", "five.csv")
    refused = typed(cli, "runs", "reconcile", "last", "--messages", "s3://AKID:key@bucket/messages.jsonl")
    assert (refused.code, refused.err) == (
        64, ["error[usage]: exports are read from this machine, not from s3://…", "  = copy them first"],
    )  # fmt: skip


def test_a_spec_names_files_of_this_machine_only(cli: CommandLine, store: ObjectStore) -> None:
    url = store.write("five.csv", FIVE.encode())
    store.requests()
    for key in ("parametrize", "rows"):
        case = f"tests:\n  - {{name: each, {key}: {url}, expect: {{event: {{event: product_purchased}}}}}}\n"
        Path("case.yaml").write_text(SPEC + case)
        refused = typed(cli, "validate", "case.yaml")
        assert (refused.code, refused.out[0]) == (
            2, f"error[path-outside]: '{url}' is a URL, and URLs are not fetched",
        )  # fmt: skip
    assert store.requests() == []


def run_process(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "runner", *args],
        env=clean | {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(Path.cwd())} | environ,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


CHECK = ("send", "purchase.yaml", "--rows", "s3://bucket/a.csv", "--dry-run")
KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.mark.usefixtures("cli")
def test_a_store_that_can_not_be_reached_is_one_clear_problem() -> None:
    refused = run_process(*CHECK, AWS_ENDPOINT_URL=closed_url(), **KEYS)
    assert (refused.returncode, refused.stdout) == (74, "")
    assert refused.stderr == "error[file-unreadable]: can't read s3://bucket/a.csv: no connection to the store\n"
    nameless = run_process(*CHECK, AWS_ENDPOINT_URL=closed_url())
    assert nameless.returncode == 74
    assert nameless.stderr.startswith(
        "error[file-unreadable]: can't read s3://bucket/a.csv: there are no credentials for the store\n  = credentials come from"
    )
    invalid = run_process(*CHECK, AWS_ENDPOINT_URL="nowhere", **KEYS)
    assert invalid.stderr == (
        "error[file-unreadable]: can't read s3://bucket/a.csv: the name of the bucket, or the configuration of the store, is invalid\n"
    )


@pytest.mark.usefixtures("cli")
def test_rows_of_this_machine_load_no_library_of_stores() -> None:
    code = (
        "import sys\nfrom runner.cli.main import run\nfrom runner.commands.world import World\n"
        "run(sys.argv[1:], World.real())\n"
        "print({'fsspec', 's3fs', 'botocore', 'aiohttp', 'asyncio'} & {*sys.modules}, file=sys.stderr)\n"
    )
    args = ["send", "purchase.yaml", "--rows", "five.csv", "--dry-run"]
    ended = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1].startswith("5 rows: 3 valid")
    assert ended.stderr.splitlines()[-1] == "set()"


@pytest.mark.slow
@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_store_that_hangs_does_not_hold_up_an_interrupt(number: signal.Signals, store: ObjectStore) -> None:
    count = 40_000
    rows = "n,note\n" + "".join(f"{n},{'x' * 90}\n" for n in range(count))
    url = store.write("many.csv", rows.encode())
    Path("spec.yaml").write_text(NUMBERED, "utf-8")
    flags = ("--ignore-extra", "--processes", "1", "--concurrency", "4")
    with recording_server("--after", "20") as platform:
        environ = environ_for(platform.base_url) | store.environ
        with sending(environ, "spec.yaml", "--rows", url, *flags) as sender:
            sender.runs_until(lambda: platform.requests() >= 3)
            with store.silent():
                sender.runs_until(lambda: any(each.range for each in store.requests()[-1:]))
                sender.process.send_signal(number)
                began_s = time.monotonic()
                code, told, _ = sender.ends()
                took_s = time.monotonic() - began_s
        assert (code, took_s < 5) == (128 + number, True)
        assert 0 < told["accepted"] < count
        with sending(environ, "--resume", "last", "--concurrency", "16") as sender:
            code, told, _ = sender.ends()
        assert (code, told["accepted"]) == (0, count)
        keys = [event.key for event in platform.taken()]
        assert len(keys) == len(set(keys)) == count


@pytest.mark.slow
@pytest.mark.usefixtures("in_tmp")
def test_a_store_that_fails_stops_a_run_which_is_resumed(store: ObjectStore) -> None:
    count = 40_000
    rows = "n,note\n" + "".join(f"{n},{'x' * 90}\n" for n in range(count))
    url = store.write("many.csv", rows.encode())
    Path("spec.yaml").write_text(NUMBERED, "utf-8")
    with recording_server("--after", "5") as platform:
        environ = environ_for(platform.base_url) | store.environ
        with sending(environ, "spec.yaml", "--rows", url, "--ignore-extra") as sender:
            sender.runs_until(lambda: platform.requests() >= 3)
            with store.answering(403, "AccessDenied"):
                code, told, err = sender.ends()
        assert (code, told["accepted"] > 0, told["unknown"], told["failed"]) == (74, True, 0, 0)
        assert f"error[file-unreadable]: can't read {url}: the store refuses access\n" in err
        with sending(environ, "--resume", "last") as sender:
            code, told, _ = sender.ends()
        assert (code, told["accepted"]) == (0, count)
        keys = [event.key for event in platform.taken()]
        assert len(keys) == len(set(keys)) == count


@pytest.mark.slow
@pytest.mark.usefixtures("cli")
def test_a_store_that_never_answers_does_not_hold_up_an_interrupt() -> None:
    with silent_listener() as listening:
        environ = CLEAN | KEYS | {"AWS_ENDPOINT_URL": url_of(listening), "AWS_EC2_METADATA_DISABLED": "true"}
        command = ["runner", *CHECK]
        with (
            Preloaded(command, env=environ, stdout=PIPE, stderr=PIPE, text=True) as process,
            listening.accept()[0],
        ):
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "error[interrupted]: interrupted\n")
