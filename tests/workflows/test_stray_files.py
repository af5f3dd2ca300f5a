"""Files of the assets folder that are none: links out of it, links to themselves, pipes and folders. None is opened."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from runner.workflows.assets_reader import read_assets

_SHOP = Path(__file__).parent / "shop/suprsend"
_FILES = (
    "workflows/invoice/workflow.json",
    "events/order_placed/event.json",
    "schemas/order/payload_schema.json",
    "preference_categories/categories.json",
    "templates/invoice/template.json",
    "templates/invoice/email/default/variant.json",
    "templates/invoice/email/default/body.raw.html",
)
_OUTSIDE = "is a symbolic link that leaves the assets folder: it is not read"
_NO_FILE = "is not a file: it is not read"


@pytest.mark.parametrize("name", _FILES)
@pytest.mark.parametrize(
    ("kind", "message"),
    [("link", _OUTSIDE), ("device", _OUTSIDE), ("pipe", _NO_FILE), ("folder", _NO_FILE), ("loop", _NO_FILE)],
)
def test_what_is_no_file_is_a_problem_and_not_read(tmp_path: Path, name: str, kind: str, message: str) -> None:
    (tmp_path / "secret.txt").write_text("password")
    folder = tmp_path / "suprsend"
    shutil.copytree(_SHOP, folder)
    path = folder / name
    path.unlink()
    match kind:
        case "link":
            path.symlink_to(tmp_path / "secret.txt")
        case "device":
            path.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path.name)
        case "folder":
            path.mkdir()
    _, problems = read_assets(folder)
    assert [(problem.code, problem.severity, problem.message) for problem in problems] == [
        ("asset-invalid", "error", f"{path} {message}")
    ]
