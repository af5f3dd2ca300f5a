"""Names in the test data of `runner.yaml` and of cases, held against the assets folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.eventspec.many import load_all
from runner.source.document import read_text
from runner.workflows.assets_reader import read_assets
from runner.workflows.data_checks import DataChecks
from runner.workflows.project_checks import ProjectChecks

SHOP = Path(__file__).with_name("shop") / "suprsend"


def found(text: str, folder: Path = SHOP) -> list[tuple[str, str | None, str]]:
    """Return the message, the hint and the text at the place of each problem in test data."""
    root = read_text(text, "runner.yaml").root
    assert root is not None
    assets, _ = read_assets(folder)
    return [
        (each.message, each.hint, each.position.text[each.position.column - 1 : each.position.end_column - 1])
        for each in DataChecks(assets).problems(root)
        if each.position is not None and (each.code, each.severity) == ("test-data-unknown", "warning")
    ]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ("{confirm_email: delivery_failure, sms: triggered, confirm_email/email: seen}", []),
        ("{confirm_emial: seen}", [("no workflow has a node 'confirm_emial' that sends messages", "did you mean 'confirm_email'?", "confirm_emial")]),
        ("{confirm_emial/email: seen}", [("no workflow has a node 'confirm_emial/email' that sends messages", "did you mean 'confirm_email'?", "confirm_emial/email")]),
        ("{confirm_email/emial: seen}", [("there is no channel 'emial'", "did you mean 'email'?", "confirm_email/emial")]),
        ("{by_amount: seen}", [("no workflow has a node 'by_amount' that sends messages", None, "by_amount")]),
        ("{smss: seen}", [("no workflow has a node 'smss' that sends messages", "did you mean 'sms'?", "smss")]),
    ],
)  # fmt: skip
def test_an_outcome_is_of_a_node_or_a_channel(outcomes: str, expected: list[tuple[str, str | None, str]]) -> None:
    assert found(f"workflows: {{outcomes: {outcomes}}}") == expected


def test_an_answer_is_of_a_node_that_makes_a_call(tmp_path: Path) -> None:
    folder = tmp_path / "suprsend" / "workflows" / "order"
    folder.mkdir(parents=True)
    calls = {"node_type": "httpfetch", "ref": "stock", "properties": {"method": "GET", "url": "https://example.com"}}
    definition = {
        "name": "order", "status": "active", "category": "transactional", "trigger_type": "event",
        "trigger_events": ["order_placed"], "tree": {"nodes": [calls]},
    }  # fmt: skip
    (folder / "workflow.json").write_text(json.dumps(definition), "utf-8")
    text = "workflows: {answers: {stock: 503, stokc: 503, sms: 503}}"
    assert [message for message, _, _ in found(text, tmp_path / "suprsend")] == [
        "no workflow has a node 'stokc' that makes a call",
        "no workflow has a node 'sms' that makes a call",
    ]


def test_a_user_opts_out_of_a_category_or_of_a_channel_of_it() -> None:
    text = "users: {u1: {opted_out: [%s]}}"
    assert found(text % "transactional, promotional/sms") == []
    assert found(text % "transactoinal") == [
        ("there is no category 'transactoinal'", "did you mean 'transactional'?", "transactoinal")
    ]
    assert found(text % "transactional/smss") == [
        ("there is no channel 'smss'", "did you mean 'sms'?", "transactional/smss")
    ]


def test_nothing_is_known_of_files_that_were_not_pulled_or_can_not_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "suprsend"
    (folder / "events").mkdir(parents=True)
    text = (
        "{users: {u1: {opted_out: [news]}}, workflows: {outcomes: {email_9: seen, push_9: seen}, answers: {call: 503}}}"
    )
    assert found(text, folder) == []
    broken = folder / "workflows" / "order"
    broken.mkdir(parents=True)
    (broken / "workflow.json").write_text('{"ref": "email_9", "call', "utf-8")
    assert [message for message, _, _ in found(text, folder)] == [
        "no workflow has a node 'push_9' that sends messages",
        "no workflow has a node 'call' that makes a call",
    ]


def test_the_cases_of_a_spec_are_checked_once_for_all_rows_of_their_table(tmp_path: Path) -> None:
    (tmp_path / "runner.yaml").write_text(
        "version: 1\nworkflows: {outcomes: {confirm_email: seen, fax: seen}}\n", "utf-8"
    )
    (tmp_path / "rows.csv").write_text("id,amount\na,1\nb,2\n", "utf-8")
    spec = tmp_path / "order.yaml"
    spec.write_text(
        """\
version: 1
event: order_placed
distinct_id: u1
vars: {amount: {type: integer}}
properties: {order_id: "1", amount: "{{ amount }}", status: paid, country: FR, tags: [], cart_id: c1}
tests:
  - name: rows
    parametrize: rows.csv
    workflows: {outcomes: {confirm_emial: seen}}
    expect: {messages: [{channel: email}]}
""",
        "utf-8",
    )
    checks = ProjectChecks(SHOP, tmp_path / "runner.yaml")
    assert [problem.at for problem in checks.own_problems if problem.code == "test-data-unknown"] == [
        "workflows.outcomes.fax"
    ]
    [loaded] = load_all([spec], None)
    assert loaded.spec is not None, loaded.problems
    found_in_cases = [each for each in checks.of_spec(loaded.spec) if each.code == "test-data-unknown"]
    assert [(each.at, each.position.line if each.position else None) for each in found_in_cases] == [
        ("workflows.outcomes.confirm_emial", 9)
    ]
