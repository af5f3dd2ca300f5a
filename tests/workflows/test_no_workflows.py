"""An assets folder without workflow files: silence proves nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import InvalidInput, NotFound
from runner.testing.collect import collect
from runner.workflows.layouts import find_assets
from runner.workflows.project import ProjectWorkflows

if TYPE_CHECKING:
    from pathlib import Path

_SPEC = """\
version: 1
event: ORDER
distinct_id: u1
properties: {}
tests: [{name: silent, expect: {messages: []}}]
"""


def _project(folder: Path, *below: str) -> Path:
    (folder / ".git").mkdir()
    for name in below:
        (folder / name).mkdir(parents=True)
    (folder / "order.yaml").write_text(_SPEC)
    return folder / "order.yaml"


def test_without_a_folder_of_workflows_messages_come_of_the_platform(tmp_path: Path) -> None:
    spec = _project(tmp_path, "suprsend/events")
    assert find_assets(spec) is not None
    [ref] = collect(spec, tmp_path, None).cases
    assert ref.assets is None
    assert ref.asks_for_answer


def test_an_empty_folder_of_workflows_is_refused(tmp_path: Path) -> None:
    spec = _project(tmp_path, "suprsend/workflows")
    [ref] = collect(spec, tmp_path, None).cases
    assert ref.assets is not None
    with pytest.raises(NotFound, match="no workflow files in "):
        ProjectWorkflows(ref.assets, spec, None).check()


def test_a_named_folder_without_assets_is_refused(tmp_path: Path) -> None:
    spec = _project(tmp_path, "empty")
    (tmp_path / "runner.yaml").write_text("assets: empty\n")
    with pytest.raises(InvalidInput, match="no assets in empty"):
        find_assets(spec)
