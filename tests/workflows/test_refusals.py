"""What the interpreter refuses is a problem with the code `workflow-unmodelled`, the node and its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.workflows.refusals import refusals
from tests.workflows.definitions import assets_of, email, event, node, run, workflow_file

if TYPE_CHECKING:
    from pathlib import Path


def test_a_refusal_names_the_node_and_shows_its_place(tmp_path: Path) -> None:
    fetch = node("httpapi_fetch", "stock", http_method="GET", url='"https://example.com/"')
    assets = assets_of(tmp_path, workflow_file(email(), fetch))
    timeline = run(assets, event(), event())
    [first, second] = refusals(timeline)
    assert first == second
    assert first.code == "workflow-unmodelled"
    assert first.message == (
        "the workflow 'order' at node 'stock': no answer for the call: set `answers: {stock: …}` under `workflows:`"
    )
    assert first.position is not None
    line = first.position.line
    assert '"httpapi_fetch"' in "".join((tmp_path / "order.json").read_text("utf-8").splitlines()[line - 1 : line + 1])


def test_a_run_to_its_end_has_no_refusal(tmp_path: Path) -> None:
    assert list(refusals(run(assets_of(tmp_path, workflow_file(email())), event()))) == []
