"""`runner import` on the command line: it overwrites nothing, shows diffs, and is data with `-o json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import CommandLine

EVENTS = [
    {"event": "order_placed", "distinct_id": "u1", "properties": {"id": "1001"}},
    {"event": "order_paid", "distinct_id": "u1", "properties": {"id": "1001"}},
]


HINT = "  = see how it would change with --dry-run, write to another folder with --to, or remove it first\n"


@pytest.fixture
def source(in_tmp: Path) -> str:
    (in_tmp / "events.json").write_text(json.dumps(EVENTS))
    return "events.json"


def names() -> list[str]:
    return sorted(path.name for path in Path("specs").iterdir())


def test_nothing_is_written_if_one_file_exists(cli: CommandLine, source: str) -> None:
    Path("specs").mkdir()
    Path("specs/order-paid.yaml").write_text("mine\n")
    ended = cli("import", source)
    assert (ended.code, ended.out, ended.err) == (
        64,
        "",
        f"error[file-exists]: specs/order-paid.yaml exists, and import overwrites nothing\n{HINT}",
    )
    assert names() == ["order-paid.yaml"]
    assert Path("specs/order-paid.yaml").read_text() == "mine\n"


def test_a_link_that_leads_nowhere_is_not_written_through(cli: CommandLine, source: str) -> None:
    Path("specs").mkdir()
    Path("specs/order-paid.yaml").symlink_to("../elsewhere.yaml")
    assert cli("import", source).code == 64
    assert not Path("elsewhere.yaml").exists()


def test_a_dry_run_writes_nothing_and_shows_a_diff_from_what_exists(cli: CommandLine, source: str) -> None:
    ended = cli("import", source, "--dry-run")
    assert ended.code == 0
    assert ended.out.startswith("--- /dev/null\n+++ specs/order-placed.yaml\n@@ -0,0 +1,")
    assert not Path("specs").exists()
    assert cli("import", source).code == 0
    assert cli("import", source, "--dry-run").out == ""
    spec = Path("specs/order-paid.yaml")
    spec.write_text(spec.read_text().replace("event: order_paid", "event: order_payed"))
    assert "-event: order_payed\n+event: order_paid\n" in cli("import", source, "--dry-run").out


def test_files_are_data(cli: CommandLine, source: str) -> None:
    ended = cli("import", source, "--to", "specs/new", "-o", "json")
    assert ended.json["env_allowed"] == []
    assert [(each["path"], each["state"], each["event"], each["variables"]) for each in ended.json["files"]] == [
        ("specs/new/order-placed.yaml", "written", "order_placed", ["user", "id"]),
        ("specs/new/order-paid.yaml", "written", "order_paid", ["user", "id"]),
    ]
    shown = cli("import", source, "--dry-run", "-o", "jsonl").out.splitlines()
    assert json.loads(shown[1])["text"] == Path("specs/new/order-placed.yaml").read_text()


def test_events_that_are_valid_are_written_beside_one_that_is_not(cli: CommandLine, source: str) -> None:
    Path(source).write_text(json.dumps([*EVENTS, {"event": "$other", "distinct_id": "u1"}]))
    ended = cli("import", source)
    assert ended.code == 2
    assert ended.err.startswith(
        "error[import-source]: event '$other' can't be a spec at event: event name '$other' is reserved\n"
    )
    assert names() == ["order-paid.yaml", "order-placed.yaml"]


def test_several_sources_are_merged_by_name(cli: CommandLine, source: str) -> None:
    body = json.dumps({"event": "order_placed", "distinct_id": "u2", "properties": {"id": "1002"}})
    ended = cli("import", source, f"curl https://hub.example.com/v2/event/ -d '{body}'", "-o", "json")
    assert {each["event"]: each["events"] for each in ended.json["files"]} == {"order_placed": 2, "order_paid": 1}
    assert "from events.json, a curl command: 2 events" in Path("specs/order-placed.yaml").read_text()


def test_a_spec_is_never_named_like_the_configuration(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / "a.json").write_text(
        json.dumps(
            [
                {"event": "Runner", "distinct_id": "u1"},
                {"event": "order placed", "distinct_id": "u1"},
                {"event": "order_placed", "distinct_id": "u1"},
            ]
        )
    )
    assert cli("import", "a.json").code == 0
    assert names() == ["order-placed-2.yaml", "order-placed.yaml", "runner-event.yaml"]


def test_the_folder_must_be_one_inside_the_project(
    cli: CommandLine, source: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    Path(".git").mkdir()
    Path("specs").symlink_to(outside)
    assert cli("import", source).code == 2
    assert list(outside.iterdir()) == []
    assert cli("import", source, "--to", source).code == 64


AWKWARD = [
    *(
        "1e3",
        "0o17",
        "12:30",
        "yes",
        "",
        "~",
        " a",
        "- x",
        "a: b",
        "a #b",
        "x\ny",
        "\x85",
        "\xa0",
        "🎉",
        "'",
        '"',
        "\\",
        "{{ x }}",
    ),
    [[["x" * 60, "y" * 60], ["x"]], [{"a": ["z" * 100]}]],
    {"p": {"q": ["r" * 50] * 3}},
    1e30,
]


def test_what_is_imported_is_in_the_layout_of_fmt(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / ".git").mkdir()
    properties = {f"key{index}": value for index, value in enumerate(AWKWARD)} | {"yes": 1, "a key": 2, "é": 3}
    Path("event.json").write_text(json.dumps(EVENTS[0] | {"properties": properties}))
    schema = {
        "required": ["id"],
        "properties": {"id": {"pattern": "^\\d+$", "default": "1", "maxLength": 9, "type": "string", "minLength": 1}},
        "type": "object",
    }
    Path("invoice.schema.json").write_text(
        json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema)
    )
    for source in ("event.json", "invoice.schema.json"):
        assert cli("import", source).code == 0
    ended = cli("fmt", "specs", "--diff")
    assert (ended.code, ended.out, ended.err) == (0, "", "2 files checked: nothing to change\n")
