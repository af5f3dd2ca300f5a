"""Large and hostile assets folders: what is read of them is bounded, and nothing is concluded from the rest."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from runner.errors import MAX_PROBLEMS
from runner.source import MAX_BYTES
from runner.workflows.asset_folder import MAX_FILES, MAX_TOTAL_BYTES
from runner.workflows.assets_reader import read_assets

SHOP = Path(__file__).with_name("shop") / "suprsend"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(SHOP, tmp_path / "suprsend")
    return tmp_path / "suprsend"


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")


@pytest.mark.slow
def test_a_folder_with_too_many_entries_is_not_read_and_hides_no_other(folder: Path) -> None:
    for index in range(MAX_FILES):
        (folder / "events" / f"e{index}").touch()
    assets, problems = read_assets(folder)
    assert [(problem.code, problem.message) for problem in problems] == [
        ("file-too-large", f"{folder / 'events'} has more than 50,000 files: none of them is read")
    ]
    assert assets.events == {}
    assert assets.may_name("order_placed")
    assert assets.workflows is not None
    assert "invoice" in assets.workflows


def test_the_rest_of_a_large_folder_is_not_read(folder: Path) -> None:
    sizes_mib = MAX_TOTAL_BYTES // MAX_BYTES
    for index in range(sizes_mib + 1):
        write(folder / "events" / f"e{index:03}" / "event.json", "")
        os.truncate(folder / "events" / f"e{index:03}" / "event.json", 2 * MAX_BYTES)
    assets, problems = read_assets(folder)
    codes = [problem.code for problem in problems]
    assert set(codes) == {"file-too-large", "too-many-problems"}
    assert assets.may_name("anything")
    assert assets.workflows == {}


def test_a_thousand_broken_files_are_a_hundred_problems(folder: Path) -> None:
    for index in range(1000):
        write(folder / "events" / f"e{index}" / "event.json", "[]")
    _, problems = read_assets(folder)
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].code == "too-many-problems"


def test_hidden_files_are_not_read(folder: Path) -> None:
    write(folder / "events" / ".trash" / "event.json", "{")
    write(folder / "workflow" / "._invoice.json", "\x00")
    write(folder / "schema" / ".DS_Store", "\x00")
    assert read_assets(folder)[1] == ()


def test_links_in_a_circle_end(folder: Path) -> None:
    email = folder / "templates/invoice/email"
    for index in range(100):
        (email / f"to{index}").symlink_to("..", target_is_directory=True)
    began = time.monotonic()
    assets, problems = read_assets(folder)
    assert time.monotonic() - began < 60
    assert {problem.code for problem in problems} <= {"file-too-large"}
    assert assets.templates is not None
    assert "email" in assets.templates["invoice"].channels


def test_a_template_with_a_million_braces_ends(folder: Path) -> None:
    for index, text in enumerate(("{{" * 500_000, "{{a}}" * 180_000, "{{#if a}}" * 100_000, "{{{{raw}}}}" * 90_000)):
        write(folder / "templates/invoice/email/default" / f"body.raw{index}.html", text)
    began = time.monotonic()
    _, problems = read_assets(folder)
    assert time.monotonic() - began < 60
    assert {problem.code for problem in problems} <= {"template-unread"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_without_permission_is_a_problem(folder: Path) -> None:
    (folder / "events").chmod(0)
    try:
        assets, problems = read_assets(folder)
    finally:
        (folder / "events").chmod(0o755)
    assert [problem.code for problem in problems] == ["file-unreadable"]
    assert assets.may_name("order_placed")
