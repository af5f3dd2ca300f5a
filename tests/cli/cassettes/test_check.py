"""`runner cassette check`: leaks, expired, empty and unused cassettes."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.cassettes.conftest import CASSETTE, RECORD, SPEC, by_another, edit, files

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CommandLine


@pytest.mark.usefixtures("project")
class TestCheck:
    def test_what_was_recorded_just_now_is_as_it_must_be(self, cli: CommandLine) -> None:
        assert cli("cassette", "check") == cli("cassette", "check", CASSETTE)
        ended = cli("cassette", "check")
        assert (ended.code, ended.out, ended.err) == (0, "", "1 cassette checked: no problems\n")
        assert cli("cassette", "check", "-o", "json").json == {"cassettes": 1, "problems": [], "removed": []}

    @pytest.mark.parametrize(
        "hidden",
        [
            lambda secret: secret,
            lambda secret: f'!!binary "{base64.b64encode(secret.encode()).decode()}"',
            lambda secret: f'!!binary "{base64.b64encode(gzip.compress(secret.encode(), mtime=0)).decode()}"',
            lambda secret: json.dumps(secret.replace("/", "%2F")),
        ],
        ids=["plain", "base64", "gzip", "url"],
    )
    def test_a_secret_of_any_profile_is_found_in_files_by_others_and_not_shown(
        self, cli: CommandLine, hidden: Callable[[str], str]
    ) -> None:
        secret = "s3cr3t/of+staging"
        cli.environ["SUPRSEND_STAGING_WORKSPACE_SECRET"] = secret
        path = by_another("cassettes/shop/orders.yaml")
        edit(str(path), """'{"orders": []}'""", hidden(secret))
        ended = cli("cassette", "check")
        assert ended.code == 6
        assert ended.out.startswith("error[cassette-leak]: the file contains a secret here\n")
        assert secret not in ended.out + ended.err
        assert f"--> {path}:11:" in ended.out

    def test_what_looks_like_a_credential_is_found(self, cli: CommandLine) -> None:
        path = by_another("cassettes/shop/orders.yaml", "Bearer abcdefghijklmnopqrstuvwxyz")
        ended = cli("cassette", "check", path)
        assert ended.code == 6
        assert "error[cassette-leak]: this looks like a credential, in the header authorization\n" in ended.out
        assert f"--> {path}:6:" in ended.out
        assert "abcdefghijkl" not in ended.out

    def test_one_that_is_empty_or_unreadable_is_a_failure(self, cli: CommandLine) -> None:
        Path(CASSETTE).write_text("interactions: []\nversion: 1\n")
        ended = cli("cassette", "check", "-o", "json")
        assert ended.code == 6
        assert [problem["code"] for problem in ended.json["problems"]] == ["cassette-empty"]
        Path(CASSETTE).write_text("interactions: [\n")
        ended = cli("cassette", "check", "-o", "json")
        assert [problem["code"] for problem in ended.json["problems"]] == ["cassette-unreadable"]

    def test_one_that_is_too_old_is_a_failure_where_an_age_is_set(self, cli: CommandLine) -> None:
        edit(CASSETTE, "recorded 2026-01-02", "recorded 2025-12-01")
        by_another("cassettes/order-placed/by-hand.yaml")
        by_another("cassettes/shop/orders.yaml")
        assert cli("cassette", "check").code == 0
        edit("runner.yaml", "profiles:\n", "cassettes: {max_age: 30d}\nprofiles:\n")
        ended = cli("cassette", "check")
        assert (ended.code, ended.out) == (
            6,
            (
                "error[cassette-expired]: the cassette is too old: it was recorded 32 days ago, max_age is 30 days\n"
                f" --> {CASSETTE}:1:1\n"
                f"  = record it again: {RECORD} --sandbox\n\n"
            ),
        )

    def test_an_orphan_is_told_and_fix_removes_it_and_nothing_else(self, cli: CommandLine) -> None:
        edit(SPEC, "name: the platform takes an order", "name: an order")
        by_another("cassettes/shop/orders.yaml")
        ended = cli("cassette", "check")
        assert (ended.code, ended.out) == (
            6,
            (
                "error[cassette-orphan]: no case plays this cassette\n"
                f" --> {CASSETTE}:1:1\n"
                f"  = runner cassette check {CASSETTE} --fix removes it\n\n"
            ),
        )
        before = files()
        ended = cli("cassette", "check", "--fix")
        assert (ended.code, ended.out) == (0, f"removed  {CASSETTE}\n")
        assert ended.err == "2 cassettes checked: no problems\n"
        del before[CASSETTE]
        assert files() == before
        assert not Path(CASSETTE).parent.exists()

    def test_a_secret_in_an_orphan_is_told_although_the_file_is_removed(self, cli: CommandLine) -> None:
        edit(SPEC, "name: the platform takes an order", "name: an order")
        cli.environ["SUPRSEND_PRODUCTION_API_KEY"] = "12.5,u1"
        edit(CASSETTE, '"u1"', '"12.5,u1"')
        ended = cli("cassette", "check", "--fix", "-o", "json")
        assert (ended.code, ended.json["removed"]) == (6, [CASSETTE])
        assert [problem["code"] for problem in ended.json["problems"]] == ["cassette-leak"]

    def test_a_profile_that_does_not_exist_is_told(self, cli: CommandLine) -> None:
        ended = cli("cassette", "check", "--profile", "stagin")
        assert (ended.code, ended.err) == (
            4,
            "error[profile-not-found]: no profile 'stagin' in runner.yaml\n  = did you mean 'staging'?\n",
        )

    def test_a_case_that_asks_for_no_answer_plays_no_cassette(self, cli: CommandLine) -> None:
        edit(SPEC, "      response: {success: true, status_code: 202}  # from the cassette\n", "")
        ended = cli("cassette", "check", "-o", "json")
        assert [problem["code"] for problem in ended.json["problems"]] == ["cassette-orphan"]

    @pytest.mark.parametrize("broken", ["event: [\n", "event: x\nevent: y\n"])
    def test_of_a_spec_that_cannot_be_read_no_cassette_is_an_orphan(self, cli: CommandLine, broken: str) -> None:
        Path(SPEC).write_text(broken)
        before = files()
        assert cli("cassette", "check", "--fix").code == 0
        assert files() == before

    @pytest.mark.parametrize("put_aside", ["renamed", "linked"])
    def test_the_cassettes_of_a_spec_that_is_put_aside_are_no_orphans(self, cli: CommandLine, put_aside: str) -> None:
        spec = Path(SPEC)
        if put_aside == "renamed":
            spec.rename(spec.with_name(f"_{spec.name}"))
        else:
            spec.rename("real.yaml")
            spec.symlink_to(Path("real.yaml").resolve())
        before = files()
        assert cli("cassette", "check", "--fix").code == 0
        assert files() == before

    def test_what_another_program_recorded_is_no_orphan_even_in_a_spec_s_folder(self, cli: CommandLine) -> None:
        path = by_another("cassettes/order-placed/by-hand.yaml")
        assert cli("cassette", "check", "--fix").code == 0
        assert path.exists()

    def test_a_cassette_that_is_not_there_is_told(self, cli: CommandLine) -> None:
        ended = cli("cassette", "check", "cassettes/order-placde")
        assert (ended.code, ended.err) == (
            4,
            (
                "error[file-not-found]: no such file or folder: cassettes/order-placde\n"
                "  = did you mean cassettes/order-placed?\n"
            ),
        )
