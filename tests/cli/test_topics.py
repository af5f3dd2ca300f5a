"""`runner help`: the manual as a list of topics, as Markdown, and on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING, Any

import pytest
import typer

from runner.cli.main import app_of
from runner.report.pager import drawn
from tests.pages import PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import CommandLine

LIST = """\
Tutorial:
  tutorial        Install the runner, and check, send and replay a first event.
  tutorial-app    Watch the events of your own application, and test them.
  tutorial-specs  Let an application send to a sandbox, and get tested specs.

How-to guides:
  ci              Validate and replay specs on each pull request.
  bulk            Send an event for each row, resume a run, resend failed rows.
  schedules       Send rows from a schedule, follow a run, and continue it.
  cluster         Send the rows of a run on several machines, with Dask.
  secrets         Pass secrets to specs so that they are never printed.
  sandbox         Run a local server that speaks the platform's event API.
  sandbox-page    Watch events arrive in a browser, and send them again.
  messages        Have a sandbox make messages of events, and list them.
  rehearse        Make the sandbox fail as networks and platforms do.
  workflow-tests  Check offline which messages come of an event.
  proof           Prove that the workflow fired: wait for its messages.
  reconcile       Find the rows whose messages never came, failed, or came twice.
  reports         Look at a run, or at the results of cases, in a browser.
  tracing         See events, requests and cases as spans of OpenTelemetry.
  doctor          Check settings, credentials, connection, specs and the machine.
  import          Turn what your application sends into tested specs.
  sdk             Move code that uses the platform's Python SDK.
  recipes         Copy recipes for digests, codes, carts, tenants and migrations.
  recipes-teams   Copy recipes for load, contracts, CI systems and make.

Reference:
  spec            Look up the keys of a spec, and where variables get values.
  templates       Look up filters, tests, methods, functions and statements.
  cases           Look up what a case may expect, and how answers are replayed.
  workflows       Look up which parts of a workflow run on your machine.
  assets          Look up what is read of a workspace, and checked with it.
  advice          Look up what `runner validate` advises, and change its rules.
  fixture         Look up the fixture `runner_sandbox` for testing applications.
  row-types       Look up what the values of rows come to in an event.
  commands        Look up every command and its options.
  configuration   Look up credentials, runner.yaml and environment variables.
  exit-codes      Look up what the exit code of a command means.
  problems        Look up the code of a problem.
  python          Send events from Python code.

Explanation:
  promises        Understand what is promised, what is not, and how fast it is.
  design          Understand the packages of the code, and how data flows.

`runner help TOPIC` shows a page, `runner COMMAND --help` the options of a command.
"""


def test_without_a_topic_all_are_listed_in_groups(cli: CommandLine) -> None:
    ended = cli("help")
    assert (ended.code, ended.out, ended.err) == (0, LIST, "")


def test_the_list_is_data_too(cli: CommandLine) -> None:
    topics = cli("help", "-o", "json").json["topics"]
    assert topics[0] == {
        "topic": "tutorial",
        "group": "tutorial",
        "about": "Install the runner, and check, send and replay a first event.",
    }
    assert [each["group"] for each in topics] == [
        *["tutorial"] * 3,
        *["how-to"] * 19,
        *["reference"] * 13,
        *["explanation"] * 2,
    ]
    assert [json.loads(line) for line in cli("help", "-o", "jsonl").out.splitlines()] == topics


@pytest.mark.parametrize("topic", PAGES)
def test_a_page_is_its_markdown_where_no_terminal_is(cli: CommandLine, topic: str) -> None:
    for args in ((), ("--color", "always"), ("-o", "pretty")):
        ended = cli("help", topic, *args)
        assert (ended.code, ended.out, ended.err) == (0, PAGES[topic].text, "")


def test_a_page_is_one_document_of_json(cli: CommandLine) -> None:
    page = cli("help", "sdk", "-o", "json").json
    assert page == {
        "topic": "sdk",
        "group": "how-to",
        "about": "Move code that uses the platform's Python SDK.",
        "markdown": PAGES["sdk"].text,
    }


@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("promise", "did you mean 'promises'?"),
        ("tempaltes", "did you mean 'templates'?"),
        ("send", "see `runner send --help`"),
        ("runs", "see `runner runs --help`"),
        ("zzz", "`runner help` lists the topics"),
    ],
)
def test_a_topic_that_does_not_exist_is_wrong_usage(cli: CommandLine, topic: str, hint: str) -> None:
    ended = cli("help", topic)
    assert (ended.code, ended.out, ended.err) == (64, "", f"error[usage]: no help topic '{topic}'\n  = {hint}\n")


def test_topics_complete_in_the_shell() -> None:
    group: Any = typer.main.get_command(app_of())
    command = group.commands["help"]
    [topic] = [param for param in command.params if param.name == "topic"]
    context = command.make_context("help", [], resilient_parsing=True)
    assert [item.value for item in topic.shell_complete(context, "s")] == [
        "schedules",
        "secrets",
        "sandbox",
        "sandbox-page",
        "sdk",
        "spec",
    ]


def test_a_drawn_page_names_the_command_for_a_link() -> None:
    page = "# Cases\n\nSee [templates](templates.md#filters), [below](#keys) and [Jinja](https://jinja.example.com).\n"
    assert drawn(page, 90, is_colored=False).splitlines()[-1] == (
        "See templates (runner help templates), below and Jinja (https://jinja.example.com)."
    )


@pytest.mark.parametrize("topic", PAGES)
def test_nothing_of_a_page_is_cut_where_it_is_drawn(topic: str) -> None:
    page = PAGES[topic].text
    for columns in (60, 80, 200):
        text = drawn(page, columns, is_colored=False)
        assert max(map(len, text.splitlines())) <= min(columns, 100)
        assert text.count("…") == page.count("…")


class Terminal:
    """A terminal of 50 lines in which one command is run, as the leader of its session."""

    def __init__(self, command: str, folder: Path, **environ: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 90, 0, 0))
        name = os.ttyname(theirs)
        clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        runner = (
            f"exec {sys.executable} -m runner {command} <{name}"  # what a leader opens is its terminal from then on
        )
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", runner], cwd=folder, env=clean | {"TERM": "xterm"} | environ, start_new_session=True,
            stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        self._pieces = self._read()
        self.printed = b""

    def _read(self) -> Iterator[bytes]:
        while True:
            try:
                piece = os.read(self._ours, 65536)
            except OSError:  # the other end is closed
                return
            yield piece

    def wait_for(self, text: str) -> None:
        while text.encode() not in self.printed:
            self.printed += next(self._pieces)

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the exit code, and all that was printed."""
        self.printed += b"".join(self._pieces)
        code = self.process.wait(timeout=60)
        os.close(self._ours)
        return code, self.printed.decode().replace("\r\n", "\n")


PAGER = "sed s/^/paged:/"


def test_a_page_longer_than_the_screen_goes_through_the_pager(tmp_path: Path) -> None:
    code, printed = Terminal("help templates --color never", tmp_path, PAGER=PAGER).end()
    lines = printed.splitlines()
    assert (code, {line.partition(":")[0] for line in lines}) == (0, {"paged"})
    assert "".join(f"{line.removeprefix('paged:')}\n" for line in lines) == drawn(
        PAGES["templates"].text, 90, is_colored=False
    )


@pytest.mark.parametrize(
    ("command", "environ"),
    [
        ("help exit-codes --color never", {"PAGER": PAGER}),
        ("help templates", {"PAGER": PAGER, "TERM": "dumb"}),
        ("help templates --color never", {"PAGER": "no-such-program"}),
    ],
    ids=["short", "dumb terminal", "no pager"],
)
def test_a_page_is_printed_where_it_needs_or_has_no_pager(
    tmp_path: Path, command: str, environ: dict[str, str]
) -> None:
    code, printed = Terminal(command, tmp_path, **environ).end()
    text = drawn(PAGES[command.split()[1]].text, 90, is_colored=False)
    assert (code, printed[-len(text) :]) == (0, text)
    assert "paged:" not in printed


def test_a_page_has_colors_on_a_terminal(tmp_path: Path) -> None:
    code, printed = Terminal("help exit-codes", tmp_path).end()
    assert (code, "\x1b[1" in printed, "\\x1b" in printed) == (0, True, False)


def test_a_pager_that_quits_early_is_no_failure(tmp_path: Path) -> None:
    assert Terminal("help commands", tmp_path, PAGER="true").end() == (0, "")


WAITING = """\
trap '' INT
cat >/dev/null
echo ready
read line </dev/tty
echo "read $line"
"""
"""A pager that minds no Ctrl-C, as less, and ends when a key is pressed."""


def test_ctrl_c_is_left_to_the_pager(tmp_path: Path) -> None:
    (tmp_path / "pager.sh").write_text(WAITING)
    terminal = Terminal("help commands", tmp_path, PAGER="sh pager.sh")
    terminal.wait_for("ready")
    terminal.type("\x03")
    terminal.type("q\n")
    code, printed = terminal.end()
    assert (code, printed.endswith("read q\n"), "interrupted" in printed) == (0, True, False)


def test_sigterm_ends_the_pager_too(tmp_path: Path) -> None:
    (tmp_path / "pager.sh").write_text(WAITING)
    terminal = Terminal("help commands", tmp_path, PAGER="sh pager.sh")
    terminal.wait_for("ready")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == (143, "ready\n\x1b[1;31merror[interrupted]\x1b[0m\x1b[1m: interrupted\x1b[0m\n")
