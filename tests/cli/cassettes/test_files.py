"""Which files `runner cassette` takes for cassettes, and in which forms it reads them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.source import read_text
from tests.cli.cassettes.conftest import CASSETTE, SPEC, by_another, edit

if TYPE_CHECKING:
    from tests.conftest import CommandLine


@pytest.mark.usefixtures("project")
class TestWhatIsACassette:
    @pytest.mark.parametrize("args", [("specs",), ("runner.yaml",), ("specs", "runner.yaml"), ("docs",)])
    def test_other_files_are_none_and_nothing_found_is_told(self, cli: CommandLine, args: tuple[str, ...]) -> None:
        Path("docs").mkdir()
        Path("docs/README.md").write_text("# interactions: none\n")
        Path("docs/guide.yaml").write_text("about: cassettes\n")
        ended = cli("cassette", "check", *args)
        assert (ended.code, ended.out.count("warning[cassette-missing]: there is no cassette at")) == (4, len(args))
        assert ended.err == f"0 cassettes checked: {len(args)} problem{'s' if len(args) > 1 else ''}\n"
        assert cli("cassette", "list", *args).out == ""

    def test_a_place_without_any_is_told_beside_others(self, cli: CommandLine) -> None:
        ended = cli("cassette", "check", "specs", "cassettes", "-o", "json")
        assert (ended.code, ended.json["cassettes"]) == (0, 1)
        assert [problem["severity"] for problem in ended.json["problems"]] == ["warning"]

    def test_no_cassettes_at_all_are_told(self, cli: CommandLine) -> None:
        shutil.rmtree("cassettes")
        assert cli("cassette", "check").code == 4

    @pytest.mark.parametrize("name", ["orders.yaml", "orders.yml", "orders.json", "orders"])
    def test_a_token_is_found_whatever_the_name_of_the_file(self, cli: CommandLine, name: str) -> None:
        path = by_another(f"cassettes/shop/{name}", "Bearer abcdefghijklmnopqrstuvwxyz")
        if name.endswith(".json"):
            root = read_text(path.read_text(), "orders.yaml").root
            assert root is not None
            path.write_text(json.dumps(root.plain(), indent=1))
        ended = cli("cassette", "check", "-o", "json")
        assert (ended.code, ended.json["cassettes"]) == (6, 2)
        assert {problem["code"] for problem in ended.json["problems"]} == {"cassette-leak"}

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("string: '{\"orders\": []}'", "string: !!binary eyJvcmRlcnMiOiBbXX0="),
            ("string: '{\"orders\": []}'", "string: !!binary |\n        H4sIAAAAAAAAAA=="),
            ("body: ''", "body: !!python/unicode 'x'"),
            ("body: ''", "body: null"),
            ("    status:\n      code: 200\n      message: OK\n", "    status_code: 200\n"),
        ],
    )
    def test_what_vcrpy_reads_is_read(self, cli: CommandLine, old: str, new: str) -> None:
        path = by_another("cassettes/shop/orders.yaml")
        edit(str(path), old, new)
        ended = cli("cassette", "check", path)
        assert (ended.code, ended.err) == (0, "1 cassette checked: no problems\n")
        assert "unreadable" not in cli("cassette", "list", path).out

    def test_what_cannot_be_read_is_told(self, cli: CommandLine) -> None:
        path = by_another("cassettes/shop/orders.yaml")
        edit(str(path), "body: ''", "body: !!python/object:os.system {}")
        ended = cli("cassette", "check", "-o", "json")
        [problem] = ended.json["problems"]
        assert (ended.code, problem["severity"], problem["code"]) == (0, "warning", "cassette-unreadable")
        assert problem["message"] == "the cassette can't be read: tag !!python/object:os.system is not allowed"

    def test_a_recording_with_the_line_ends_of_windows_is_the_same(self, cli: CommandLine) -> None:
        raw = Path(CASSETTE).read_bytes()
        edit("runner.yaml", "profiles:\n", "cassettes: {max_age: 30d}\nprofiles:\n")
        for path in (CASSETTE, SPEC, "runner.yaml"):
            Path(path).write_bytes(Path(path).read_bytes().replace(b"\n", b"\r\n"))
        assert cli("test").code == 0
        assert cli("cassette", "list", "-o", "json").json["cassettes"][0]["source"] == "the sandbox"
        assert cli("cassette", "check").code == 0
        Path(SPEC).unlink()
        assert [problem["code"] for problem in cli("cassette", "check", "-o", "json").json["problems"]] == [
            "cassette-orphan"
        ]
        Path(CASSETTE).write_bytes(raw)
        assert Path(".gitattributes").read_text().endswith("cassettes/** text eol=lf\n")
