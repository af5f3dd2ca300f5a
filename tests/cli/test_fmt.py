"""`runner fmt`: which files it takes, what it writes, and how it ends."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.conftest import CommandLine

UGLY = "# why\nversion:   1\nevent: order_placed # which\ndistinct_id: 'u1'\nproperties: {gift: no}\n"
FORMATTED = '# why\nversion: 1\nevent: order_placed  # which\ndistinct_id: "u1"\nproperties: {gift: "no"}\n'


@pytest.fixture
def folder(in_tmp: Path) -> Path:
    (in_tmp / ".git").mkdir()
    (in_tmp / "specs" / "shop").mkdir(parents=True)
    return in_tmp


def test_files_are_written_anew_and_named(folder: Path, cli: CommandLine) -> None:
    (folder / "specs" / "order.yaml").write_text(UGLY)
    (folder / "specs" / "shop" / "_base.yml").write_text("vars:   {}\n")
    (folder / "specs" / "fine.yaml").write_text(FORMATTED)
    (folder / "runner.yaml").write_text("vars:   {}\n")
    ended = cli("fmt")
    assert (ended.code, ended.out, ended.err) == (
        0,
        "formatted  specs/order.yaml\nformatted  specs/shop/_base.yml\nformatted  runner.yaml\n",
        "4 files read: 3 formatted\n",
    )
    assert (folder / "specs" / "order.yaml").read_text() == FORMATTED
    assert (cli("fmt").out, cli("fmt").err) == ("", "4 files read: nothing to change\n")


@pytest.mark.parametrize("options", [["--check"], ["--diff"], ["--check", "--diff"]])
def test_check_and_diff_change_nothing_and_fail(folder: Path, cli: CommandLine, options: list[str]) -> None:
    path = folder / "specs" / "order.yaml"
    path.write_text(UGLY)
    ended = cli("fmt", "specs", *options)
    assert (ended.code, ended.err, path.read_text()) == (1, "1 file checked: 1 not formatted\n", UGLY)
    assert ("error[unformatted]" in ended.out) is ("--check" in options)
    assert ("+version: 1\n" in ended.out) is ("--diff" in options)
    path.write_text(FORMATTED)
    assert cli("fmt", "specs", *options).code == 0


def test_a_file_that_cannot_be_parsed_is_reported_and_others_are_formatted(folder: Path, cli: CommandLine) -> None:
    broken, fine = folder / "specs" / "broken.yaml", folder / "specs" / "order.yaml"
    broken.write_text("a: 1\na: 2\n")
    fine.write_text(UGLY)
    ended = cli("fmt", "-o", "json")
    assert (ended.code, broken.read_text(), fine.read_text()) == (2, "a: 1\na: 2\n", FORMATTED)
    assert ended.json["files"] == [
        {"path": "specs/broken.yaml", "state": "refused"},
        {"path": "specs/order.yaml", "state": "formatted"},
    ]
    [problem] = ended.json["problems"]
    assert (problem["code"], problem["line"]) == ("duplicate-key", 2)


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_a_file_that_cannot_be_read_or_written_stops_no_other(
    folder: Path, cli: CommandLine, options: list[str]
) -> None:
    os.mkfifo(folder / "specs" / "a.yaml")
    for name in ("b", "c", "d"):
        (folder / "specs" / f"{name}.yaml").write_text(UGLY)
    (folder / "specs" / "b.yaml").chmod(0o444)
    ended = cli("fmt", "-o", "json", *options)
    is_check = bool(options)
    states = ["refused", *(["unformatted"] * 3 if is_check else ["refused", "formatted", "formatted"])]
    assert [each["state"] for each in ended.json["files"]] == states
    assert ended.code == 74
    assert [each["code"] for each in ended.json["problems"]] == (
        ["file-unreadable", *["unformatted"] * 3] if is_check else ["file-unreadable", "output-refused"]
    )
    assert (folder / "specs" / "b.yaml").read_text() == UGLY


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_not_skipped(folder: Path, cli: CommandLine) -> None:
    (folder / "specs" / "order.yaml").write_text(UGLY)
    (folder / "specs" / "shop").chmod(0)
    try:
        ended = cli("fmt")
    finally:
        (folder / "specs" / "shop").chmod(0o755)
    assert (ended.code, ended.err) == (74, "error[file-unreadable]: can't read specs/shop: Permission denied\n")
    assert (folder / "specs" / "order.yaml").read_text() == UGLY


def test_a_diff_shows_no_secret(folder: Path, cli: CommandLine) -> None:
    (folder / "specs" / "order.yaml").write_text(
        "version: 1\nevent: order_placed\ndistinct_id: u1\n"
        "vars: {token:   {type: string, secret: true, default: s3cr3t-default}}\nproperties: {t: '{{ token }}'}\n"
    )
    ended = cli("fmt", "--diff")
    assert "default: ***" in ended.out
    assert "s3cr3t" not in ended.out
    assert "s3cr3t" not in cli("fmt", "--check", "-o", "json").out


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("runner.yaml", ""),
        ("specs/_base.yaml", "version: 1\n"),
        ("specs/order.yaml", "extends: missing.yaml\nevent: order_placed\n"),
        ("specs/order.yaml", "version: 1\nevent: order_placed\nunknown: 1\n"),
        ("specs/order.yaml", "version: 1\nevent: order_placed\ndistinct_id: '{{'\n"),
    ],
)
@pytest.mark.parametrize(
    "default", ["s3cr3t-default", '"s3cr3t\\x2ddefault"', "[s3cr3t-default]", "{s3cr3t-key: s3cr3t-value}"]
)
def test_a_diff_of_a_file_that_is_no_valid_spec_shows_no_secret(
    folder: Path, cli: CommandLine, path: str, head: str, default: str
) -> None:
    (folder / path).write_text(f"{head}vars:\n  token:   {{secret: true, default: {default}}}\n")
    ended = cli("fmt", path, "--diff")
    assert "+  token: {" in ended.out
    assert "s3cr3t" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("specs/order.yaml", "version: 1\nvars: {token: {secret: true, default: 's3cr3t-default}}\n"),
        ("specs/notes.yaml", "password: 's3cr3t\n"),
        ("runner.yaml", "profiles: {staging: {workspace_secret_env: 's3cr3t}}\n"),
        ("cassettes/order/one.yaml", "interactions: [{request: {body: 's3cr3t}}]\n"),
    ],
)
def test_a_file_that_cannot_be_parsed_shows_no_secret(folder: Path, cli: CommandLine, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    ended = cli("fmt")
    assert (ended.code, (folder / path).read_text()) == (2, text)
    assert "error[yaml-syntax]" in ended.out
    assert "s3cr3t" not in ended.out + ended.err


def test_ends_of_lines_alone_are_a_change(folder: Path, cli: CommandLine) -> None:
    path = folder / "specs" / "order.yaml"
    path.write_bytes(FORMATTED.replace("\n", "\r\n").encode())
    assert "only the ends of its lines differ" in cli("fmt", "--diff").out
    assert cli("fmt", "--check", "-o", "json").json["problems"][0]["line"] == 1
    assert cli("fmt").code == 0
    assert path.read_bytes() == FORMATTED.encode()


def test_a_character_that_ends_a_line_elsewhere_ends_none_in_a_diff(folder: Path, cli: CommandLine) -> None:
    (folder / "specs" / "order.yaml").write_text("a:   'one\x85two\u2028three'\nb: 1\n")
    assert cli("fmt", "--diff", "-o", "json").json["files"][0]["diff"].split("\n")[2:] == [
        "@@ -1,2 +1,2 @@",
        "-a:   'one\x85two\u2028three'",
        '+a: "one\\u0085two\\u2028three"',
        " b: 1",
    ]


def test_the_command_that_formats_a_file_can_be_pasted(folder: Path, cli: CommandLine) -> None:
    (folder / "specs" / "an order.yaml").write_text(UGLY)
    [problem] = cli("fmt", "--check", "-o", "json").json["problems"]
    assert problem["hint"] == "runner fmt 'specs/an order.yaml'"


def test_permissions_stay(folder: Path, cli: CommandLine) -> None:
    path = folder / "specs" / "order.yaml"
    path.write_text(UGLY)
    path.chmod(0o640)
    assert cli("fmt").code == 0
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed_inside_the_project_and_refused_out_of_it(folder: Path, cli: CommandLine) -> None:
    target, outside = folder / "specs" / "order.yaml", folder.parent / f"{folder.name}-outside.yaml"
    target.write_text(UGLY)
    outside.write_text(UGLY)
    (folder / "link.yaml").symlink_to(target)
    (folder / "out.yaml").symlink_to(outside)
    assert cli("fmt", "link.yaml").code == 0
    assert (target.read_text(), (folder / "link.yaml").is_symlink()) == (FORMATTED, True)
    ended = cli("fmt", "out.yaml")
    assert (ended.code, outside.read_text()) == (2, UGLY)
    assert "error[path-outside]: out.yaml is a link out of the project" in ended.out
    (folder / ".env").write_text("TOKEN:   s3cr3t\n")
    (folder / "env.yaml").symlink_to(folder / ".env")
    ended = cli("fmt", "env.yaml", "--diff")
    assert (ended.code, (folder / ".env").read_text()) == (2, "TOKEN:   s3cr3t\n")
    assert ended.out.startswith(
        "error[not-a-spec]: env.yaml is a link to a file that does not have the name of a spec\n"
    )


def test_links_and_hidden_names_in_folders_are_left_alone(folder: Path, cli: CommandLine) -> None:
    (folder / "specs" / ".hidden.yaml").write_text(UGLY)
    (folder / "specs" / "order.yaml").write_text(FORMATTED)
    (folder / "specs" / "link.yaml").symlink_to(folder / "specs" / ".hidden.yaml")
    assert cli("fmt", "specs").err == "1 file read: nothing to change\n"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("specs/nope.yaml", "error[file-not-found]: no such file or folder: specs/nope.yaml\n"),
        ("notes.txt", "error[not-a-spec]: notes.txt is not a YAML file: its name must end in .yaml or .yml\n"),
        ("empty", "error[no-specs]: no files that end in .yaml or .yml in empty\n"),
    ],
)
def test_a_path_without_yaml_is_an_error(folder: Path, cli: CommandLine, path: str, message: str) -> None:
    (folder / "notes.txt").touch()
    (folder / "empty").mkdir()
    ended = cli("fmt", path)
    assert (ended.code, ended.err) == (4, message)


def test_without_a_project_there_is_nothing_to_format(in_tmp: Path, cli: CommandLine) -> None:
    assert Path.cwd() == in_tmp
    ended = cli("fmt")
    assert (ended.code, ended.err) == (
        4,
        "error[no-specs]: there is no specs/, cassettes/ or runner.yaml here\n  = name files or folders: runner fmt PATH\n",
    )


@pytest.mark.usefixtures("in_repository")
def test_the_files_of_this_repository_are_formatted(cli: CommandLine) -> None:
    ended = cli(
        "fmt",
        "specs",
        "cassettes",
        "runner/project/starter/order-placed.yaml",
        "runner/project/starter/runner.yaml",
        "--check",
    )
    assert (ended.code, ended.out) == (0, "")


@pytest.mark.usefixtures("in_repository")
def test_the_hook_formats_the_files_of_a_commit(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Path(".pre-commit-hooks.yaml").read_text("utf-8")
    [hook] = [each for each in yaml.safe_load(text) if each["id"] == "runner-fmt"]
    names = [
        "specs/order.yaml",
        "shop/specs/_base.yml",
        "cassettes/order/one.yaml",
        "runner.yaml",
        "docs/guide.yaml",
        "specs/a.json",
    ]
    chosen = [name for name in names if re.search(hook["files"], name)]
    assert chosen == names[:4]
    monkeypatch.chdir(tmp_path)
    for name in chosen:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("a:   1\n")
    command, *args = hook["entry"].split()
    assert command == "runner"
    assert cli(*args, *chosen).err == "4 files read: 4 formatted\n"
