"""jq and JSONNET in the child process: values, refusals, limits, threads, forks, and the end of the process."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.workflows import expressions
from runner.workflows.expressions import Engine, ExpressionError, UnsupportedError, data_of
from tests.child_time import time_of_children_s

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = data_of(
    {"amount": 1500, "items": [{"id": 1}, {"id": 2}], "name": "Zoë \U0001f600"},
    {"distinct_id": "u1"},
    {"distinct_id": "a1"},
    {"brand_name": "Acme"},
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.mark.parametrize(
    ("program", "outputs"),
    [
        (".amount", [1500]),
        (".items[].id", [1, 2]),
        ("empty", []),
        (".missing", [None]),
        ('.missing // "x"', ["x"]),
        ('."$recipient".distinct_id', ["u1"]),
        ('."$actor".distinct_id, ."$brand".brand_name', ["a1", "Acme"]),
        (".name", ["Zoë \U0001f600"]),
        ('"\\(.amount) paid"', ["1500 paid"]),
        ("if .amount > 1000 then {big: true} else {} end", [{"big": True}]),
        ("{now: .amount, env: 1} # now", [{"now": 1500, "env": 1}]),
    ],
)
def test_jq_returns_every_output(engine: Engine, program: str, outputs: list[Any]) -> None:
    assert engine.evaluate_text("jq", program, DATA) == outputs


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("data.amount + 1", 1501),
        ('data["$recipient"].distinct_id', "u1"),
        ("{ids: [item.id for item in data.items], name: data.name}", {"ids": [1, 2], "name": "Zoë \U0001f600"}),
        ("local data = {x: 1}; data.x", 1),
        ("null", None),
    ],
)
def test_jsonnet_returns_one_value(engine: Engine, text: str, output: Any) -> None:
    assert engine.evaluate_text("jsonnet", text, DATA) == [output]


@pytest.mark.parametrize(
    ("language", "text", "message"),
    [
        ("jq", ".amount.x", 'Cannot index number with string ("x")'),
        ("jq", ".[", "syntax error, unexpected end of file at <top-level>, line 1, column 2"),
        ("jq", 'error("no owner")', "no owner"),
        ("jq", ".a\0", "the expression has a character that is not allowed: U+0000"),
        ("jsonnet", "data.nope", "field does not exist: nope"),
        ("jsonnet", "\n\nnope", "line 3, column 1: Unknown variable: nope"),
        ("jsonnet", "1) + (2", 'line 1, column 2: did not expect: ")"'),
        ("jsonnet", "error 'no owner'", "no owner"),
    ],
)
def test_an_error_of_an_engine_is_one_line(engine: Engine, language: Any, text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as error:
        engine.evaluate_text(language, text, DATA)
    assert str(error.value).casefold() == message.casefold()  # engines of JSONNET differ in that


@pytest.mark.parametrize(
    ("program", "word"),
    [
        ("now", "now"),
        ("[.items[] | select(.at > now)]", "now"),
        ('"\\(1 + (now))"', "now"),
        ("{a: now}", "now"),
        ("{(now): 1}", "now"),
        ("{$ENV}", "$ENV"),
        ('# a \\\n" \\\n.\nnow', "now"),
        ("try env catch .", "env"),
        ("$ENV.HOME", "$ENV"),
        ("inputs", "inputs"),
        ('import "a" as a {search: "/tmp"}; a::b', "import"),
        ("1 | halt_error", "halt_error"),
    ],
)
def test_jq_words_that_reach_beyond_the_input_are_refused(engine: Engine, program: str, word: str) -> None:
    with pytest.raises(
        UnsupportedError, match=f"jq's {'[$]' if word[0] == '$' else ''}{word.lstrip('$')} is not supported"
    ):
        engine.evaluate_text("jq", program, DATA)


@pytest.mark.parametrize("text", ["import '{}'", "importstr '{}'", "importbin '{}'", "{{a: (import '{}')}}.a"])
def test_jsonnet_imports_no_file(engine: Engine, tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text("1")
    with pytest.raises(UnsupportedError, match="an import of JSONNET is not supported"):
        engine.evaluate_text("jsonnet", text.format(tmp_path / "a.json"), DATA)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("jq", '."$organization".name // "x"'),
        ("jsonnet", "data['$workflow'].slug"),
        ("handlebars", "{{#if $organization.name}}{{/if}}"),
        ("handlebars", "{{default $hosted_preference_url 'x'}}"),
    ],
)
def test_what_the_platform_alone_knows_is_refused(engine: Engine, language: Any, text: str) -> None:
    with pytest.raises(UnsupportedError, match=r"'\$\w+' is not known here"):
        engine.evaluate_text(language, text, DATA)


def test_a_variable_of_jq_may_have_any_name(engine: Engine) -> None:
    assert engine.evaluate_text("jq", ".amount as $user | $user", DATA) == [1500]


def test_a_whole_number_that_jq_rounds_is_refused(engine: Engine) -> None:
    with pytest.raises(UnsupportedError, match="jq rounds"):
        engine.evaluate_text("jq", ".[]", {"id": 2**60 + 1})


BOMBS = [
    ("jq", "[range(1e9)]"),
    ("jq", '"a" * 1e9'),
    ("jq", "def f(x): [f(x)]; f(1)"),
    ("jq", "reduce range(1000000) as $i (1; [.])"),
    ("jq", "last(range(1e12))"),
    ("jq", "repeat(1)"),
    ("jq", '"a" * 1e7'),
    ("jq", "[" * 60_000),
    ("jsonnet", "std.repeat('a', 1e9)"),
    ("jsonnet", "std.range(1, 1e9)"),
    ("jsonnet", "local f(x) = if x == 0 then 'a' else f(x - 1) + f(x - 1); f(40)"),
    ("jsonnet", "std.foldl(function(a, b) a + a, std.range(1, 64), 'a')"),
    ("jsonnet", "local a = std.range(1, 1000); [[a for i in a] for j in a]"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("language", "text"), BOMBS)
def test_a_bomb_is_refused_in_time_and_memory(engine: Engine, language: Any, text: str) -> None:
    engine.evaluate_text("jq", ".", {})  # the start of the process is not measured
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start_s = time_of_children_s()
    with pytest.raises(UnsupportedError):
        engine.evaluate_text(language, text, DATA)
    engine.close()
    assert time_of_children_s() - start_s < 3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 300_000 + before
    assert engine.evaluate_text("jq", ".amount", DATA) == [1500]


@pytest.mark.parametrize("text", ["local f(x) = f(x + 1); f(0)", "[" * 60_000])
def test_jsonnet_limits_depth(engine: Engine, text: str) -> None:
    with pytest.raises((ExpressionError, UnsupportedError)):
        engine.evaluate_text("jsonnet", text, DATA)


def test_too_large_expressions_and_data_are_refused(engine: Engine) -> None:
    with pytest.raises(UnsupportedError, match="longer than 65,536 characters"):
        engine.evaluate_text("jq", " " * 70_000 + ".", {})
    with pytest.raises(UnsupportedError, match="larger than 4,194,304 bytes"):
        engine.evaluate_text("jq", ".", {"a": "x" * 5_000_000})


def test_data_and_results_of_megabytes_pass(engine: Engine) -> None:
    assert engine.evaluate_text("jq", ".a", {"a": "x" * 3_000_000}) == ["x" * 3_000_000]


def test_the_child_sees_no_environment_and_few_files() -> None:
    with Engine() as engine:
        engine.evaluate_text("jq", ".", {})
        assert engine._worker is not None
        process = Path(f"/proc/{engine._worker._process.pid}")
        if not process.is_dir():
            pytest.skip("no /proc")
        assert {"0", "1", "2"} <= {path.name for path in (process / "fd").iterdir()}
        assert [name for name in files_of(process) if not name.startswith(("/sys/", "/proc/", "anon_inode:"))] == []
        limits = (process / "limits").read_text().splitlines()
        files = next(line for line in limits if line.startswith("Max open files"))
        assert files.split()[3:5] == ["16", "16"]  # Go needs a few


def files_of(process: Path) -> list[str]:
    """Return what a process has open beside its streams: the runtime of Go looks after its limits now and then."""
    found = []
    for path in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            found += [str(path.readlink())] if path.name not in ("0", "1", "2") else []
    return found


def test_a_process_that_was_killed_is_replaced(engine: Engine) -> None:
    for signal_number in (signal.SIGKILL, signal.SIGTERM):
        engine.evaluate_text("jq", ".", {"a": signal_number})
        assert engine._worker is not None
        os.kill(engine._worker._process.pid, signal_number)
        assert engine.evaluate_text("jq", ".amount", {"amount": signal_number}) == [signal_number]


def test_a_process_that_is_killed_while_it_evaluates_is_replaced_once() -> None:
    with Engine() as engine:
        engine.evaluate_text("jq", ".", {})
        assert engine._worker is not None
        first = engine._worker._process.pid
        os.kill(first, signal.SIGSTOP)  # it takes the request, and does not answer
        timer = threading.Timer(0.2, os.kill, (first, signal.SIGKILL))
        timer.start()
        assert engine.evaluate_text("jq", ".n", {"n": 5}) == [5]
        timer.join()
        assert engine._worker._process.pid != first


def test_several_threads_share_an_engine(engine: Engine) -> None:
    results: dict[int, list[Any]] = {}

    def work(number: int) -> None:
        results[number] = [engine.evaluate_text("jq", ".n + 1", {"n": number * 100 + i})[0] for i in range(50)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [number * 100 + i + 1 for i in range(50)] for number in range(4)}


def test_a_forked_child_starts_a_process_of_its_own(engine: Engine) -> None:
    engine.evaluate_text("jq", ".", {})
    assert engine._worker is not None
    parent = engine._worker._process.pid
    child = os.fork()
    if child == 0:
        status = 1
        try:
            right = engine.evaluate_text("jq", ".n", {"n": 77}) == [77]
            status = 0 if right and engine._worker._process.pid != parent else 2
            engine.close()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert engine.evaluate_text("jq", ".n", {"n": 78}) == [78]
    assert engine._worker._process.pid == parent


def test_a_missing_engine_is_named() -> None:
    program = Path(expressions.__file__).with_name("expression_worker.py")
    requests = '{"language": "jsonnet", "text": "1"}\n{}\n{"language": "jq", "text": "1"}\n{}\n'
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(program), "2"], input=requests, capture_output=True, text=True, check=True
    )
    assert [json.loads(line) for line in done.stdout.splitlines()[1:]] == [
        {"unsupported": "JSONNET needs an engine: pip install 'suprsend-runner[jsonnet]'"},
        {"unsupported": "the package jq can't be imported"},
    ]


def test_a_closed_engine_ends_its_process() -> None:
    engine = Engine()
    engine.evaluate_text("jq", ".", {})
    assert engine._worker is not None
    process = engine._worker._process
    engine.close()
    assert process.returncode == -signal.SIGKILL
    assert engine.evaluate_text("jq", ".", {}) == [{}]
    engine.close()
    engine.close()


@pytest.mark.slow
def test_a_process_without_its_parent_ends_by_itself() -> None:
    code = (
        "import threading\n"
        "from runner.workflows.expressions import Engine\n"
        "engine = Engine()\n"
        "engine.evaluate_text('jq', '.', {})\n"
        "print(engine._worker._process.pid, flush=True)\n"
        "engine.evaluate_text('jq', 'last(range(1e12))', {})\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        time.sleep(0.3)  # it evaluates now
        parent.kill()
    deadline = time.monotonic() + 30
    while is_running(process):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    "text",
    [".a | tonumber", ".a[]", ".a + 1", "[.a] + 1", "{([.a]): 1}", ".a - .a", ".o[.a]", ".a | fromjson", "error(.a)"],
)
def test_an_error_shows_a_value_whole_or_not_at_all(engine: Engine, text: str) -> None:
    secret = "s3cr3t" * 12
    with pytest.raises(ExpressionError) as failed:
        engine.evaluate_text("jq", text, {"a": secret, "o": []})
    assert "s3cr" not in str(failed.value).replace(secret, "")


def test_an_expression_that_takes_too_long_is_not_tried_again_and_again() -> None:
    peak_kb, start_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time_of_children_s()
    with Engine() as engine:
        for _ in range(expressions.MAX_SLOW):
            with pytest.raises(UnsupportedError, match="takes longer than 2 s"):
                engine.evaluate_text("jq", "def f: f; f", DATA)
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(UnsupportedError, match="took longer than 2 s 3 times"):
                engine.evaluate_text("jq", "def f: f; f", DATA)
        assert time.monotonic() - began < 1
        assert engine.evaluate_text("jq", ".amount", DATA) == [1500]
    assert time_of_children_s() - start_s < 3 * expressions.MAX_SLOW
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 300_000 + peak_kb


def test_jsonnet_survives_its_own_garbage() -> None:
    text = "local f(n) = if n == 0 then 1 else f(n - 1) + f(n - 1); f(16)"
    with Engine() as engine:
        assert engine.evaluate_text("jsonnet", text, DATA) == [65536]
