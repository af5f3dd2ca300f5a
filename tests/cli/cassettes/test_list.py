"""`runner cassette list`: each cassette with its case, age, size and source."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.cassettes.conftest import CASSETTE, SPEC, by_another, edit

if TYPE_CHECKING:
    from tests.conftest import CommandLine


@pytest.mark.usefixtures("project")
class TestList:
    def test_each_cassette_is_told_with_its_case(self, cli: CommandLine) -> None:
        edit(CASSETTE, "recorded 2026-01-02", "recorded 2025-12-24")
        ended = cli("cassette", "list")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out == (
            f"{CASSETTE}  9 days  0.9 KB  1 request  the sandbox  {SPEC}::the platform takes an order\n"
        )

    def test_as_json_it_is_one_document(self, cli: CommandLine) -> None:
        other = by_another("cassettes/shop/orders.yaml")
        assert cli("cassette", "list", "-o", "json").json == {
            "cassettes": [
                {
                    "path": CASSETTE,
                    "spec": SPEC,
                    "case": "the platform takes an order",
                    "recorded_at": "2026-01-02",
                    "age_days": 0,
                    "size_bytes": Path(CASSETTE).stat().st_size,
                    "interactions": 1,
                    "source": "the sandbox",
                },
                {
                    "path": str(other),
                    "spec": None,
                    "case": None,
                    "recorded_at": None,
                    "age_days": None,
                    "size_bytes": other.stat().st_size,
                    "interactions": 1,
                    "source": None,
                },
            ]
        }

    def test_a_folder_gives_what_is_below_it(self, cli: CommandLine, in_tmp: Path) -> None:
        for folder in ("cassettes/order-placed", in_tmp / "cassettes", "."):
            listed = cli("cassette", "list", folder, "-o", "json").json["cassettes"]
            assert CASSETTE in [cassette["path"] for cassette in listed]

    def test_one_that_nobody_can_read_is_told_too(self, cli: CommandLine) -> None:
        Path(CASSETTE).write_text("interactions: [\n")
        assert cli("cassette", "list", CASSETTE).out == (
            f"{CASSETTE}  age unknown  0.0 KB  unreadable    {SPEC}::the platform takes an order\n"
        )

    def test_no_cassettes_are_no_failure(self, cli: CommandLine) -> None:
        shutil.rmtree("cassettes")
        ended = cli("cassette", "list")
        assert (ended.code, ended.out) == (0, "")
        assert ended.err == "no cassettes: runner test --record once --sandbox records them\n"
