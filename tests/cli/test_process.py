"""The command in a process of its own: signals, pipes, sockets, streams; as installed, where it matters how it starts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest

from runner import Event, Suprsend
from runner.sandbox.find import look
from runner.sandbox.proof import Proof, read_key
from tests.cli.conftest import SANDBOX
from tests.processes import Preloaded, run_preloaded
from tests.servers.listeners import silent_listener, url_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.servers.capturing import CapturingServer

RUNNER = str(Path(sys.executable).with_name("runner"))
COMMAND = [RUNNER] if Path(RUNNER).exists() else [sys.executable, "-m", "runner"]
PURCHASE = ("send", "specs/purchase.yaml", "--var", "user=u1")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("SUPRSEND_", "RUNNER_"))}
ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}

pytestmark = pytest.mark.usefixtures("in_repository")


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    with silent_listener() as listening:
        yield listening


def test_the_first_command_of_the_readme_prints_the_accepted_event() -> None:
    ended = subprocess.run([*COMMAND, *PURCHASE, "--sandbox"], env=CLEAN, capture_output=True, text=True, check=True)
    lines = ended.stdout.splitlines()
    assert lines[:3] == ["accepted  product_purchased", "  user        u1", "  status      202"]
    assert [line.split("  ")[1] for line in lines[3:]] == ["message id", "key", "insert id", "time"]


ENCODINGS = ["ascii:strict", "utf-16"]
NAMES = "Zoë € 王小明 😀"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_data_on_stdout_is_utf_8_whatever_the_encoding_of_the_streams(encoding: str, tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text(f"version: 1\nevent: order_placed\ndistinct_id: '{NAMES}'\n", "utf-8")
    environ = CLEAN | {"PYTHONIOENCODING": encoding}

    def written(*args: str) -> bytes:
        return subprocess.run([*COMMAND, *args], env=environ, capture_output=True, check=True).stdout

    for form in ("json", "pretty"):
        rendered = written("render", str(spec), "-o", form)
        assert NAMES in rendered.decode()
        assert json.loads(rendered)["distinct_id"] == NAMES
    assert NAMES in written("send", "--dry-run", str(spec), "-o", "jsonl").decode()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_rows_that_failed_are_written_as_they_stand_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    spec, rows = tmp_path / "a.yaml", tmp_path / "rows.csv"
    spec.write_text(
        "version: 1\nvars: {user: {type: string}, amount: {type: integer}}\nevent: order_placed\n"
        "distinct_id: '{{ user }}'\nproperties: {amount: '{{ amount }}'}\n"
    )
    rows.write_text(f"user,amount\n{NAMES},x\n", "utf-8")
    environ = CLEAN | {"PYTHONIOENCODING": encoding, "RUNNER_STATE_DIR": str(tmp_path)}
    sent = subprocess.run(
        [*COMMAND, "send", str(spec), "--rows", str(rows), "--sandbox"], env=environ, capture_output=True, check=False
    )
    assert sent.returncode == 2
    for form in ("pretty", "json"):
        failed = subprocess.run([*COMMAND, "runs", "failed", "-o", form], env=environ, capture_output=True, check=True)
        assert NAMES in failed.stdout.decode()


@pytest.mark.parametrize("number", ENDS)
def test_interrupting_a_send_says_what_is_unknown(number: signal.Signals, silent: socket.socket) -> None:
    environ = CLEAN | SANDBOX | {"SUPRSEND_BASE_URL": url_of(silent)}
    process = Preloaded(["runner", *PURCHASE], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    connection, _ = silent.accept()
    with connection:
        assert connection.recv(4) == b"POST"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == ENDS[number]
    assert out.startswith("unknown   product_purchased\n")
    assert out.endswith("  error       interrupted before an answer came\n")
    assert err == "1 event: 1 unknown\nerror[interrupted]: interrupted\n"


@pytest.mark.parametrize("number", ENDS)
def test_an_interrupt_ends_the_pause_of_a_send_and_nothing_is_tried_again(
    number: signal.Signals, server: CapturingServer
) -> None:
    busy = {"status": "error", "error": {"message": "slow down", "type": "rate_limited"}}
    server.answers.extend([(429, busy, {"Retry-After": "60"})] * 3)
    environ = CLEAN | SANDBOX | {"SUPRSEND_BASE_URL": server.base_url}
    command = ["runner", *PURCHASE, "--timeout", "300"]
    with Preloaded(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "HTTP 429: slow down; retry 1 of 3 in 60.0 s\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, len(server.received)) == (ENDS[number], 1)
    assert out.startswith("failed    product_purchased\n")


@pytest.mark.parametrize("number", ENDS)
def test_an_interrupt_ends_a_test_session(number: signal.Signals, tmp_path: Path) -> None:
    slow = "{% for i in range(3000) %}{% if " + " == ".join(["uuid5(i)"] * 20) + " %}{% endif %}{% endfor %}"
    cases = "".join(f"  - {{name: case {n}, vars: {{user: u1}}, expect: {{max_bytes: 1}}}}\n" for n in range(20))
    spec = f'version: 1\nvars: {{user: {{type: string}}}}\nevent: ordered\ndistinct_id: u1\nproperties:\n  slow: "{slow}"\n'
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "slow.yaml").write_text(f"{spec}tests:\n{cases}")
    command = ["runner", "test", "specs", "--", "-v"]
    with Preloaded(command, cwd=tmp_path, env=CLEAN, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdout is not None
        assert any("case 0" in line for line in process.stdout)
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode == ENDS[number]


FAILS = """version: 1
event: order_placed
distinct_id: u1
tests: [{name: fails, expect: {event: {event: order_paid}}}, {name: passes, expect: {event: {event: order_placed}}}]
"""


@pytest.mark.parametrize("args", [("test",), ("validate",), ("test", "-o", "json")])
def test_who_reads_only_the_beginning_changes_no_exit_code(args: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "order.yaml").write_text(FAILS if args[0] == "test" else "version: 1\nevent: 1\n")
    command = [*COMMAND, args[0], "order.yaml", *args[1:]]
    whole = run_preloaded(
        ["runner", args[0], "order.yaml", *args[1:]], cwd=tmp_path, env=CLEAN, capture_output=True
    ).returncode
    with subprocess.Popen(command, cwd=tmp_path, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # as `head` does once it has its lines
        told = process.stderr.read()
    assert (process.returncode, whole) == (1 if args[0] == "test" else 2,) * 2
    assert b"Traceback" not in told


def test_who_ignores_hang_ups_is_not_ended_by_one(silent: socket.socket) -> None:
    """`nohup` starts a program so."""
    environ = CLEAN | SANDBOX | {"SUPRSEND_BASE_URL": url_of(silent)}
    command = ["nohup", *COMMAND, *PURCHASE, "--retries", "0"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4) == b"POST"
            process.send_signal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
        assert process.wait(10) == 7


def test_a_dry_run_opens_no_socket() -> None:
    code = (
        "import sys, os\n"
        "def hook(event, args):\n"
        "    if event.startswith('socket.'): os.write(2, event.encode()); os._exit(99)\n"
        "sys.addaudithook(hook)\n"
        "from runner.__main__ import main\n"
        "main()\n"
    )
    for args in ((*PURCHASE, "--dry-run"), ("send", "specs/", "--var", "user=u1", "-n"), ("validate", "specs/")):
        ended = subprocess.run(
            [sys.executable, "-c", code, *args], env=CLEAN, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, "socket" in ended.stderr) == (0, False)
    sending = subprocess.run(
        [sys.executable, "-c", code, *PURCHASE, "--sandbox"], env=CLEAN, capture_output=True, text=True, check=False
    )
    assert sending.returncode == 99, "the hook would have seen a socket"


def test_a_reader_that_went_away_is_no_failure() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as gone:
        ended = subprocess.run([*COMMAND, "schema"], env=CLEAN, stdout=gone, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_ends_with_74() -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COMMAND, "schema"], env=CLEAN, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (
        74,
        "error[output-refused]: can't write the output: No space left on device\n",
    )


@pytest.mark.parametrize("number", ENDS)
def test_the_sandbox_serves_until_it_is_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    environ = CLEAN | {"HOME": str(tmp_path), "XDG_STATE_HOME": ""}
    process = Preloaded(
        ["runner", "sandbox", "--port", "0"],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        base_url = process.stderr.readline().split()[3]
        events_url = [process.stderr.readline() for _ in range(3)][-1].split()[-1]
        announced = [process.stderr.readline() for _ in range(4)]
        port = int(base_url.rstrip("/").rpartition(":")[2])
        assert look(port, Proof(read_key(environ), port)) == "own"
        client = Suprsend("sandbox-workspace-key", "sandbox-workspace-secret", base_url=base_url)
        assert client.track_event(Event("u1", "product_purchased"))["success"]
        client.close()
        page, _, token = events_url.partition("#token=")
        assert page == base_url
        request = Request(f"{base_url}_sandbox/events", headers={"Authorization": f"Bearer {token}"})  # noqa: S310
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            assert [each["body"]["distinct_id"] for each in json.load(answer)["events"]] == ["u1"]
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert announced == [
        "  stored in .runner/sandbox.sqlite3: 0 records; events up to 100 KB\n",
        "to send to it, from runner or an SDK of the platform:\n",
        f"  export SUPRSEND_BASE_URL={base_url}\n",
        "  export SUPRSEND_WORKSPACE_KEY=sandbox-workspace-key SUPRSEND_WORKSPACE_SECRET=sandbox-workspace-secret\n",
    ]
    assert (process.returncode, out, bool(ARRIVED.fullmatch(err))) == (0, "", True)


ARRIVED = re.compile(r"\d\d:\d\d:\d\d 202 product_purchased user u1\n")


def test_a_port_that_is_taken_ends_with_74(silent: socket.socket) -> None:
    port = str(silent.getsockname()[1])
    ended = subprocess.run(
        [*COMMAND, "sandbox", "--port", port], env=CLEAN, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (
        74,
        (
            f"error[port-taken]: can't listen on 127.0.0.1:{port}: Address already in use\n"
            "  = another program listens there: choose another port with --port\n"
        ),
    )


def test_python_m_runner_is_the_same_command() -> None:
    ended = subprocess.run([sys.executable, "-m", "runner", "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("runner ")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_bug(closed: str) -> None:
    command = f"{COMMAND[0]} send specs/purchase.yaml --var user=u1 --sandbox {closed}"
    ended = subprocess.run(["sh", "-c", command], env=CLEAN, capture_output=True, text=True, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)


def test_help_to_a_reader_that_went_away_is_no_failure() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as gone:
        ended = subprocess.run([*COMMAND, "--help"], env=CLEAN, stdout=gone, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize(
    "args",
    [
        ("validate", "specs/", "--profile", "p"),
        ("list",),
        ("render", *PURCHASE[1:]),
        PURCHASE,
        ("send", "specs/purchase.yaml", "--rows", "specs/orders.csv"),
        ("test",),
        ("cassette", "check"),
        ("cassette", "verify"),
        ("sandbox", "--port", "0"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("form", ["pretty", "json", "jsonl"])
def test_every_command_says_that_it_was_interrupted(args: tuple[str, ...], form: str, tmp_path: Path) -> None:
    """The command reads its configuration from a pipe, to which the test writes nothing."""
    pipe = tmp_path / "runner.yaml"
    os.mkfifo(pipe)
    command = ["runner", *args, "--config", str(pipe), "-o", form]
    with (
        Preloaded(command, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        pipe.open("w"),  # opens when the command reads
    ):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    if form == "pretty":
        assert (out, err) == ("", "error[interrupted]: interrupted\n")
    else:
        document = json.loads(out)
        [problem] = document["problems"] if form == "json" else [document]
        assert (problem["code"], err) == ("interrupted", "")


@pytest.mark.parametrize("number", ENDS)
def test_an_interrupt_while_it_loads_says_nothing(number: signal.Signals) -> None:
    code = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == 'runner.cli.main': os.kill(os.getpid(), {int(number)})\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from runner.__main__ import main\n"
        "main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "schema"], env=CLEAN, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (ENDS[number], "", "")
