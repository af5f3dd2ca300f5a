"""Sources that are huge, deep, binary or something else end with one error and its place; nothing is written, nothing is run."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import CommandLine

DEEP = 100_000
EVENT = '{"event": "order_placed", "distinct_id": "u1", "properties": %s}'
HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "not JSON": ("a.json", b'{"event": "order_placed",\n "x" }', "error[json-syntax]: not valid JSON: expecting ':' delimiter\n --> a.json:2:6"),
    "deep lists": ("a.json", b"[" * DEEP, "error[json-syntax]: not valid JSON: nested too deep\n --> a.json:1:65"),
    "deep properties": ("a.json", (EVENT % ('{"a":' * 80 + "1" + "}" * 80)).encode(), "error[json-syntax]: nested more than 64 levels deep\n --> a.json:1:1"),
    "a key twice": ("a.json", b'{"event": "a",\n "event": "b"}', "error[json-syntax]: unclear JSON: a key occurs twice in an object\n --> a.json:2:2"),
    "a huge number": ("a.json", (EVENT % ('{"a": 1' + "0" * 5000 + "}")).encode(), "error[json-syntax]: unclear JSON: a number of 5001 digits\n --> a.json:1:68"),
    "binary": ("a.json", b"\x89PNG\r\n\x1a\n\x00\xff", "error[not-utf8]: byte 0x89 is not UTF-8\n --> a.json:1:1"),
    "UTF-16": ("a.json", EVENT.encode("utf-16"), "error[not-utf8]: a.json is UTF-16, not UTF-8"),
    "an archive": ("a.har", gzip.compress(b"{}"), "error[not-utf8]: byte 0x8b is not UTF-8\n --> a.har:1:1"),
    "empty": ("a.json", b"", "error[json-syntax]: not valid JSON: expecting value\n --> a.json:1:1"),
    "prose": ("a.txt", b"Dear colleague", "error[import-source]: unknown kind of source: a.txt\n --> a.txt:1:1"),
    "only a list of numbers": ("a.json", b"[1, 2]", "a.json: not an event or a payload: expected a map with entries\nerror[import-source]: no events were found"),
    "not Python": ("a.py", b"def f(:\n", "error[import-source]: not valid Python: invalid syntax\n --> a.py:1:7"),
    "deep Python": ("a.py", b"x = " + b"(" * 5000 + b")" * 5000, "error[import-source]: not valid Python: too many nested parentheses\n --> a.py:1:"),
    "a chain of operators": ("a.py", b"x = " + b"-" * 50_000 + b"1", "error[import-source]: "),
    "an open quote": ("a.sh", b"curl https://hub.example.com/ \\\n  -d '{", "error[import-source]: a quote of the command is never closed\n --> a.sh:2:6"),
    "a body in a file": ("a.sh", b"curl https://hub.example.com/ -d @body.json", "error[import-source]: the body of the curl command is in a file\n --> a.sh:1:1\n  = import the file: runner import body.json"),
    "no rows": ("a.csv", b"user,amount\n", "error[import-source]: a.csv has no rows to infer types from"),
    "a table of zeros": ("a.parquet", b"PAR1" + b"\x00" * 100 + b"PAR1", "error[rows-format]: a.parquet is not a readable Parquet file"),
    "an archive of nothing": ("a.har", b'{"log": {"entries": [1, null, {"request": 7}, {"request": {"method": "POST", "url": "http://[", "postData": []}}]}}', "error[import-source]: no events were found"),
    "a collection of nothing": ("a.json", b'{"info": {"_postman_id": 1}, "item": [1, null, {"item": [[]], "request": 5}, {"request": {"body": {"raw": 7}}}]}', "error[import-source]: no events were found"),
    "a name that is reserved": ("a.json", b'{"event": "$mine", "distinct_id": "u1"}', "error[import-source]: event '$mine' can't be a spec at event: event name '$mine' is reserved"),
    "no user": ("a.json", b'{"event": "order_placed", "distinct_id": " "}', "error[import-source]: event 'order_placed' can't be a spec at distinct_id: "),
    "half a character": ("a.json", (EVENT % '{"a": "\\ud800"}').encode(), "error[import-source]: "),
}  # fmt: skip


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_source_is_one_error_with_its_place(cli: CommandLine, name: str) -> None:
    file, content, expected = HOSTILE[name]
    Path(file).write_bytes(content)
    started_s = time.process_time()
    ended = cli("import", file)
    assert ended.err.startswith(expected), ended.err
    assert ended.code == 2
    assert not Path("specs").exists()
    assert time.process_time() - started_s < 10


@pytest.mark.usefixtures("in_tmp")
def test_a_source_that_does_not_exist_is_not_found(cli: CommandLine) -> None:
    ended = cli("import", "orders.har")
    assert (ended.code, ended.err.split("\n")[0]) == (4, "error[file-not-found]: no such file: orders.har")
    assert cli("import", "a" * 5000).code in (4, 74)
    assert cli("import").code == 64
    assert cli("import", "orders.har", "--last", "1m").code == 64


def test_a_folder_with_nothing_in_it_is_refused(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / "docs").mkdir()
    ended = cli("import", "docs")
    assert (ended.code, ended.err.split("\n")[0]) == (2, "error[import-source]: nothing to import in docs")


def test_code_is_read_and_never_run(cli: CommandLine, in_tmp: Path) -> None:
    trap = "open('ran', 'w').close()\n"
    (in_tmp / "app.py").write_text(
        f"{trap}from suprsend import Event\nEvent(exec({trap!r}), 'order_placed', {{'a': 1}})\n"
    )
    assert cli("import", "app.py").code == 0
    assert not (in_tmp / "ran").exists()


def test_ten_thousand_events_take_bounded_time(cli: CommandLine, in_tmp: Path) -> None:
    events = [
        {
            "event": "order_placed",
            "distinct_id": f"u{n}",
            "properties": {"id": str(n), "url": f"https://example.com/{n}"},
        }
        for n in range(10_000)
    ]
    (in_tmp / "orders.json").write_text(json.dumps(events))
    started_s = time.process_time()
    assert cli("import", "orders.json").code == 0
    assert time.process_time() - started_s < 60


def test_too_many_names_are_refused(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / "events.json").write_text(json.dumps([{"event": f"event {n}", "distinct_id": "u1"} for n in range(300)]))
    ended = cli("import", "events.json")
    assert (ended.code, ended.err.split("\n")[0]) == (
        2,
        "error[import-source]: events of 300 different names, more than 200",
    )


@pytest.mark.usefixtures("in_tmp")
def test_names_of_events_are_names_of_files_on_every_system(cli: CommandLine) -> None:
    names = ["../../x", "CON", "nul.txt", "Aux", "COM1", "lpt9", "n" * 300, "a/b", "a\\b", "A B", "😀😀", "日本", "runner", ".hidden", "-x", "a\nb"]  # fmt: skip
    ended = cli("import", json.dumps([{"event": name, "distinct_id": "u1"} for name in names]))
    assert ended.code == 0, ended.err
    assert sorted(path.name for path in Path("specs").iterdir()) == sorted([
        "x.yaml", "con-event.yaml", "nul-txt.yaml", "aux-event.yaml", "com1-event.yaml", "lpt9-event.yaml", f"{'n' * 100}.yaml", "a-b.yaml", "a-b-2.yaml",
        "a-b-3.yaml", "event.yaml", "event-2.yaml", "runner-event.yaml", "hidden.yaml", "x-2.yaml", "a-b-4.yaml",
    ])  # fmt: skip


def test_a_file_that_is_not_python_does_not_hide_the_others(cli: CommandLine, in_tmp: Path) -> None:
    app = in_tmp / "app"
    app.mkdir()
    (app / "old.py").write_text("print 'x'\n")
    (app / "loop").symlink_to("..")
    (app / "link.py").symlink_to("/etc/hostname")
    ended = cli("import", "app")
    assert (ended.code, ended.err.split("\n")[0].startswith("error[import-source]: not valid Python")) == (2, True)
    (app / "shop.py").write_text("from suprsend import Event\nEvent('u1', 'order_placed', {'a': 1})\n")
    ended = cli("import", "app")
    assert ended.code == 0
    assert ended.err.startswith("skipped a file: old.py:1:1: not valid Python: ")
    assert "link.py" not in ended.err


@pytest.mark.usefixtures("in_tmp")
def test_an_event_over_the_limit_is_a_question(cli: CommandLine) -> None:
    Path("a.json").write_text(EVENT % json.dumps({"text": "x" * 110_000}))
    assert cli("import", "a.json").code == 0
    assert (
        "# An event has more than 100 KB, the limit. Which parts are needed?"
        in Path("specs/order-placed.yaml").read_text()
    )
