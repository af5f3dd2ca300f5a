"""Start `runner` and `pytest` in processes that have already imported them.

A new interpreter needs 0.3 to 0.7 seconds of CPU time to import what `runner send` uses. Here, one process per test
session imports it once and forks a child for each command. That process also runs a few commands first: parsers of command
lines and the schemas of our own formats, which a command makes at most once, take as long to make as a short command takes.
The child is a real process, with a process id, signals, streams, an environment and a working directory of its own. It ends
as an interpreter does, except that modules are not torn down.

Not covered: whatever happens before a command line is read (start-up, imports, locales, `PYTHON*` variables other than
PYTHONPATH), and what a command makes first. Tests of these start the interpreter or the installed command.
"""

from __future__ import annotations

import atexit
import faulthandler
import gc
import importlib
import inspect
import io
import json
import os
import pkgutil
import runpy
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import nullcontext, redirect_stdout, suppress
from functools import cache
from pathlib import Path
from typing import Any, AnyStr, Literal, NamedTuple, overload

STARTED = struct.Struct("i")
"""The process id of a child."""
ENDED = struct.Struct("iddd")
"""How a child ended: its status as `waitpid` returns it, CPU seconds in user and system mode, and peak memory in KB."""
LEFT_OUT = (
    "runner.__main__", "runner.rows.parquet", "runner.rows.arrow", "runner.rows.query", "runner.bulk.worker",
    "runner.pytest_plugin.entry",
)  # fmt: skip
"""Modules that are run as programs, and those that import pyarrow or duckdb, which most commands do without."""
LIBRARIES = (
    "requests", "yaml", "difflib", "starlette.applications", "uvicorn.loops.asyncio", "uvicorn.lifespan.off",
    "uvicorn.protocols.http.h11_impl", "pytest", "_pytest.junitxml", "_pytest.cacheprovider", "_pytest.terminal",
    "_pytest.unittest", "_pytest.doctest", "_pytest.pastebin", "_pytest.stepwise", "_pytest.setuponly", "_pytest.logging",
    "_pytest.faulthandler", "_pytest.helpconfig", "_pytest.setupplan", "_pytest.skipping", "_pytest.threadexception",
    "_pytest.unraisableexception", "_pytest.warnings", "pdb",
)  # fmt: skip
"""What commands import only when they need it."""
WARM_UP = """\
version: 1
vars: {user: {type: string}}
event: order_placed
distinct_id: "{{ user }}"
tests: [{name: one, vars: {user: u1}, expect: {event: {event: order_placed}}}]
"""
"""A spec for the commands that are run first."""
_OPTIONS = tuple(inspect.signature(subprocess.Popen._execute_child).parameters)[2:]  # type: ignore[attr-defined]
_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


class Usage(NamedTuple):
    """What a process used, with the children that it waited for."""

    seconds: float
    peak_mb: float


class Preloaded(subprocess.Popen[AnyStr]):
    """Run `["runner", *args]` or `["pytest", *args]`, as `subprocess.Popen` runs `[sys.executable, "-m", *command]`.

    The options `cwd`, `env` and `start_new_session` work, and those of the streams.
    """

    usage: Usage
    """Set when the process has ended."""

    def _execute_child(self, args: Any, *options: Any) -> None:
        """Fork the child: the step of `subprocess.Popen` that differs between platforms."""
        given = dict(zip(_OPTIONS, options, strict=True))
        assert not any(given[name] for name in ("pass_fds", "preexec_fn", "shell"))
        request = {
            "command": [os.fspath(arg) for arg in args],
            "folder": str(Path(given["cwd"] or ".").absolute()),
            "environ": dict(os.environ if given["env"] is None else given["env"]),
            "is_leader": given["start_new_session"],
        }
        pipes: list[int] = [given[name] for name in _PIPES]
        child_in, _, _, child_out, _, child_err = pipes
        streams: list[int] = [
            number if own == -1 else own for number, own in enumerate((child_in, child_out, child_err))
        ]
        reading, writing = os.pipe()
        status, reporting = os.pipe()
        socket.send_fds(_server(), [b"."], [reading, *streams, reporting])
        os.close(reading)
        os.close(reporting)
        with os.fdopen(writing, "w") as pipe:
            json.dump(request, pipe)
        self._status = os.fdopen(status, "rb", buffering=0)
        [self.pid] = STARTED.unpack(self._status.read(STARTED.size))
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def poll(self) -> int | None:
        return self._end_within(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._end_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _end_within(self, seconds: float | None) -> int | None:
        seconds = None if seconds is None else max(seconds, 0)
        if self.returncode is None and select.select([self._status], [], [], seconds)[0]:
            status, user_s, system_s, peak_kb = ENDED.unpack(self._status.read(ENDED.size))
            self._status.close()
            self.usage = Usage(user_s + system_s, peak_kb / 1024)
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


@overload
def run_preloaded(command: list[str], *, text: Literal[True], **options: Any) -> subprocess.CompletedProcess[str]: ...


@overload
def run_preloaded(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]: ...


def run_preloaded(
    command: list[str], *, capture_output: bool = False, check: bool = False, timeout: float = 60, **options: Any
) -> subprocess.CompletedProcess[Any]:
    """Run a command to its end, as `subprocess.run` does. If it takes too long, the error says where each thread was."""
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Preloaded(command, **options) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as expired:
            expired.add_note(_last_words(process))
            raise
        except BaseException:
            process.kill()
            raise
    ended = subprocess.CompletedProcess(command, process.returncode, out, err)
    if check:
        ended.check_returncode()
    return ended


def _last_words(process: Preloaded[Any]) -> str:
    """Abort a process, and return all that it printed, at the end of which are the stacks of its threads."""
    process.send_signal(signal.SIGABRT)
    try:
        streams = process.communicate(timeout=10)
    except subprocess.TimeoutExpired as expired:  # a child of it may still hold its streams
        streams = (expired.stdout, expired.stderr)
        process.kill()
    return "\n".join(text if isinstance(text, str) else text.decode(errors="replace") for text in streams if text)


def preloaded_programs(folder: Path) -> Path:
    """Write `runner` and `pytest` into a folder for the PATH of a shell: programs that `Preloaded` would run."""
    _server()
    for name in ("runner", "pytest"):
        words = [sys.executable, "-IS", str(Path(__file__).with_name("forked_program.py")), _address(), name]
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', "utf-8")
        program.chmod(0o755)
    return folder


@cache
def _address() -> str:
    """Return where the process that forks can be asked by other processes than this one."""
    folder = tempfile.mkdtemp(prefix="forks-")
    atexit.register(shutil.rmtree, folder)
    return f"{folder}/socket"


@cache
def _server() -> socket.socket:
    """Start the process that forks. It ends when its socket is closed."""
    ours, theirs = socket.socketpair()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(_address())
        listening.listen()
        fds = [theirs.fileno(), listening.fileno()]
        process = subprocess.Popen([sys.executable, "-P", __file__, *map(str, fds)], pass_fds=fds)
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


class _Request(NamedTuple):
    command: list[str]
    folder: str
    environ: dict[str, str]
    is_leader: bool


def _next_request(control: socket.socket, listening: socket.socket) -> _Request | None:
    """Fork for each request, and report how each child ends. Return in a child with its request, and None at the end."""
    awake, waking = os.pipe()
    os.set_blocking(awake, False)
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the session that started this process
    reports: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), listening.fileno(), awake], [], [])
        if awake in ready:
            os.read(awake, 4096)
            _report_ends(reports)
        for asking in (each for each in (control, listening) if each.fileno() in ready):
            with asking.accept()[0] if asking is listening else nullcontext(control) as asked:
                content, fds, _, _ = socket.recv_fds(asked, 1, 5)
            if not content:
                return None
            pid = os.fork()
            if not pid:
                return _become(fds)
            reports[pid] = fds[-1]
            for fd in fds[:-1]:
                os.close(fd)
            os.write(reports[pid], STARTED.pack(pid))


def _report_ends(reports: dict[int, int]) -> None:
    while reports:
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if not pid:
            return
        report = reports.pop(pid)
        with suppress(BrokenPipeError):  # a test that failed does not wait
            os.write(report, ENDED.pack(status, usage.ru_utime, usage.ru_stime, usage.ru_maxrss))
        os.close(report)


def _become(fds: list[int]) -> _Request:
    """Make this process, which was just forked, what an interpreter is that a command starts."""
    request_fd, *streams, _ = fds
    with os.fdopen(request_fd) as pipe:
        request = _Request(**json.load(pipe))
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    os.closerange(3, 1024)
    if request.is_leader:
        os.setsid()
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environ)
    time.tzset()
    sys.path[:0] = filter(None, request.environ.get("PYTHONPATH", "").split(os.pathsep))
    # As an interpreter opens them in a UTF-8 locale; they live as long as the process.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    faulthandler.enable()  # for `_last_words`
    return request


def _run(module: str, *args: str) -> None:
    """Run a module as the main program, and end without tearing all modules down, which costs more than the command."""
    sys.argv[1:] = args
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if not (ended.code is None or isinstance(ended.code, int)):
            raise
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            raise ended from None  # the interpreter says what that means
        os._exit(ended.code or 0)


def _preload() -> None:
    package = importlib.import_module("runner")
    modules = [module.name for module in pkgutil.walk_packages(package.__path__, "runner.")]
    for name in (*modules, *LIBRARIES):
        if not name.startswith(LEFT_OUT):
            importlib.import_module(name)
    _warm_up()
    gc.collect()
    gc.freeze()  # the garbage collector of a child does not copy what it shares with this process


def _warm_up() -> None:
    """Run commands, so that what is made once in a process is there in each child."""
    from runner.cli.main import run  # noqa: PLC0415 - the process of the tests may have another one, or none
    from runner.commands import COMMANDS  # noqa: PLC0415
    from runner.commands.world import World  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):  # typer prints help there
        spec = Path(folder, "spec.yaml")
        spec.write_text(WARM_UP, "utf-8")
        Path(folder, "runner.yaml").write_text("profiles: {one: {confirm: true}}\n", "utf-8")
        helps = [["--help"], *([name, "--help"] for name in COMMANDS)]
        for args in (*helps, ["validate", folder], ["render", str(spec), "--var", "user=u1"]):
            world = World.real()._replace(environ={}, stdin=io.StringIO(), stdout=io.StringIO(), stderr=io.StringIO())
            assert run(args, world) == 0, args


if __name__ == "__main__":
    _preload()
    request = _next_request(*(socket.socket(fileno=int(fd)) for fd in sys.argv[1:]))
    if request:
        _run(*request.command)
