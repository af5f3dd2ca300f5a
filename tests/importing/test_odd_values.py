"""Values, keys and names that formats and templates take for something else come through as they were, or with a question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.importing.payloads import event_named
from tests.importing.imports import canonical, cases_of, imported

if TYPE_CHECKING:
    from tests.conftest import CommandLine

DEEP: Any = 1
for _ in range(55):
    DEEP = {"a": DEEP}
TEXTS = [
    "no", "1e3", "0x1f", "2024-01-01", "~", "null", " leading", "trailing\n", "\n", "\t", "a\r\nb", "${HOME}", "$HOME", "<% x %>", "%PATH%", "{name}",
    "{{ a }}", "{% raw %}", "{# c #}", "}}", "\x00", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ufeff", "😀", "\U0001d4b3", "e\u0301", "\u202e", "\uffff",
    "- a", "# a", "a # b", "a: b", "|", "> x", "'", '"', "\\", "\\n", "", "   ", "00", "+1", "1_000", ".5", "1:30", "0b1", "NaN", ".inf", "On", "=", "<<",
]  # fmt: skip
KEYS = ["a.b", "a b", "a-b", "a_b", "A b", "ünï", "", " lead", "trail ", "new\nline", "'", '"', "#", "a: b", "- x", "no", "~", "1e3", "null", "=", "<<", "?", "*a", "&a", "!x", "\x00", "if", "loop"]  # fmt: skip
ODD: dict[str, dict[str, Any]] = {
    "texts": {str(number): text for number, text in enumerate(TEXTS)},
    "keys": {key: number for number, key in enumerate(KEYS)},
    "keys in a map": {"map": {key: number for number, key in enumerate(KEYS)}},
    "keys with braces": {"{{ x }}": 1, "{% a %}": "{{ b }}", "plain": {"{{ y }}": 2}},
    "keys with dollars": {"a": {"$literal": 1}, "b": [{"$for": 1}, {"${x}": 2}], "c": {"x": {"$gt": {}}}},
    "numbers": {"a": 1.0, "b": 1e22, "c": -0.0, "d": 2**63, "e": 10**30, "f": 5e-324, "g": 1e-7, "h": 1.5e300},
    "empty containers": {"a": {}, "b": [], "c": [[]], "d": [{}], "e": {"f": {}}, "g": None, "h": [None], "i": ""},
    "a deep map": {"deep": DEEP},
    "a long text": {"long": "x" * 90_000},
}  # fmt: skip


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("events", [1, 2])
@pytest.mark.parametrize("name", ODD)
def test_odd_properties_are_rendered_to_the_byte(cli: CommandLine, name: str, events: int) -> None:
    found = [{"event": "thing_done", "distinct_id": f"u{n}", "properties": ODD[name]} for n in range(events)]
    Path("events.json").write_text(json.dumps(found), "utf-8")
    [text] = imported(cli, "events.json").values()
    for case, event in zip(cases_of(text), found, strict=True):
        rendered = cli("render", "specs/thing-done.yaml", "--case", case, "-o", "json")
        assert rendered.code == 0, rendered.err
        assert canonical(rendered.json) == canonical(event)
    assert cli("test", "specs").code == 0


@pytest.mark.parametrize(
    ("stem", "name"),
    [("x", "event_x"), ("", "event"), ("ss_log", "event_ss_log"), ("Bestellungen März", "bestellungen_m_rz"), ("💶", "event"), ("../../x", "event_x")],
)  # fmt: skip
def test_an_event_that_is_named_after_a_file_has_a_valid_name(stem: str, name: str) -> None:
    assert event_named(stem) == name


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("file", ["x.json", "ss_log.json", "x.csv", "ss_log.csv"])
def test_a_short_or_reserved_name_of_a_file_is_no_obstacle(cli: CommandLine, file: str) -> None:
    Path(file).write_text('{"a": 1}' if file.endswith("json") else "user,a\nu1,1\n")
    assert len(imported(cli, file)) == 1


@pytest.mark.usefixtures("in_tmp")
def test_a_list_of_events_and_payloads_is_read_item_by_item(cli: CommandLine) -> None:
    items = [{"event": "thing_done", "distinct_id": "u1", "properties": None}, {"type": "ping", "a": 1}, 7]
    ended = cli("import", json.dumps(items))
    assert ended.code == 0, ended.err
    assert ended.err.startswith("the JSON argument, item 3: not an event or a payload: expected a map with entries\n")
    assert "properties: {}" in Path("specs/thing-done.yaml").read_text()
    assert Path("specs/ping.yaml").exists()


@pytest.mark.usefixtures("in_tmp")
def test_json_lines_are_found_without_their_ending(cli: CommandLine) -> None:
    lines = [
        {"event": "thing_done", "distinct_id": f"u{n}", "properties": {"text": "a\u2028b\x85", "n": n}} for n in (1, 2)
    ]
    stdin = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    [text] = imported(cli, "-", stdin=f"{stdin}\n").values()
    assert cases_of(text) == ["standard input, line 1", "standard input, line 2"]
    fault = cli("import", "-", stdin=f"{stdin}\n{{")
    assert fault.err.split("\n")[1] == " --> standard input:3:2"


@pytest.mark.usefixtures("in_tmp")
def test_an_attachment_without_a_public_url_is_a_question(cli: CommandLine) -> None:
    attached = [
        {"url": "https://files.example.com/a.pdf"},
        {
            "filename": "b.pdf",
            "contentType": "application/pdf",
            "data": "JVBERi0=",
            "url": None,
            "ignore_if_error": False,
        },
    ]
    event = {"event": "invoice_sent", "distinct_id": "u1", "properties": {"$attachments": attached}}
    [text] = imported(cli, json.dumps(event)).values()
    assert "# The attachment b.pdf was left out: it has no public URL. Where can the platform fetch it?" in text
    assert "JVBERi0=" not in text


ROWS = """\
user,amount,empty,$mine,huge
,1,,a,1
u2,2,,b,1e400
u3,3
u4,4,,d,2
"""


@pytest.mark.usefixtures("in_tmp")
def test_odd_rows_and_columns_are_named(cli: CommandLine) -> None:
    Path("orders.csv").write_text(ROWS)
    ended = cli("import", "orders.csv")
    assert ended.err.split("\n")[:2] == [
        "orders.csv: skipped row 3: 2 cells, but the header has 5 columns",
        "orders.csv: skipped row 1: it has no user in the column user",
    ]
    text = Path("specs/orders.yaml").read_text()
    assert cases_of(text) == ["orders.csv, row 2", "orders.csv, row 4"]
    assert "# The column empty was left out, since it is empty in each row. Which values has it otherwise?" in text
    assert "# $mine was left out: such names are the platform's own. Under which name is it needed?" in text
    assert 'huge: "1e400"' in text
    assert cli("validate", "specs").code == 0


@pytest.mark.usefixtures("in_tmp")
def test_a_file_whose_rows_are_all_skipped_says_why(cli: CommandLine) -> None:
    Path("orders.csv").write_text("user,amount\nu1\n")
    ended = cli("import", "orders.csv")
    assert ended.err == (
        "error[import-source]: orders.csv has no rows to infer types from\n"
        "  = orders.csv: skipped row 1: 1 cell, but the header has 2 columns\n"
    )
