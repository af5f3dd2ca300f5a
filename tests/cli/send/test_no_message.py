"""`runner send --wait` without a message: what the workflow files say about the reason, and what they can't say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.processes import run_preloaded
from tests.workflows.definitions import email, workflow_file

if TYPE_CHECKING:
    from pathlib import Path


_UNHEARD = "no live workflow in suprsend listens to 'ORDER'"
_OTHER = json.dumps(workflow_file(email(), trigger_events=["REFUND"]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "is_known"),
    [(_OTHER, True), ('{"slug": "order"', False), (None, False)],
    ids=["other", "broken", "no file"],
)
def test_a_workflow_that_was_not_read_is_no_reason(in_tmp: Path, text: str | None, is_known: bool) -> None:
    (in_tmp / ".git").mkdir()
    (in_tmp / "order.yaml").write_text("version: 1\nevent: ORDER\ndistinct_id: u1\nproperties: {}\n")
    (in_tmp / "suprsend/events").mkdir(parents=True)
    if text is not None:
        (in_tmp / "suprsend/workflows/order").mkdir(parents=True)
        (in_tmp / "suprsend/workflows/order/workflow.json").write_text(text)
    command = ["runner", "send", "order.yaml", "--sandbox", "--wait", "1s"]
    ended = run_preloaded(command, cwd=in_tmp, capture_output=True, text=True, timeout=50)
    assert ended.returncode == 8
    assert (_UNHEARD in ended.stderr) == is_known
