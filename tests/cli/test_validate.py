"""`runner validate`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import CommandLine

FAULTY = """\
version: 1
vars:
  order_id: {type: string}
  unused: {type: string}
event: order_placed
distinct_id: u1
properties:
  order: "Order #{{ oder_id }} {{ order_id }}"
"""


@pytest.mark.usefixtures("in_repository")
def test_the_specs_of_this_repository_are_clean(cli: CommandLine) -> None:
    ended = cli("validate", "specs")
    assert (ended.code, ended.out, ended.err) == (0, "", "8 specs checked: no problems\n")


@pytest.mark.usefixtures("in_tmp")
def test_problems_are_shown_with_their_lines_and_carets(cli: CommandLine) -> None:
    Path("a.yaml").write_text(FAULTY)
    ended = cli("validate", "a.yaml")
    assert ended.out == (
        "warning[unused-variable]: no template uses the variable 'unused'\n"
        " --> a.yaml:4:3\n"
        "  |\n"
        "4 |   unused: {type: string}\n"
        "  |   ^^^^^^\n"
        "\n"
        "error[template-undefined]: variable 'oder_id' is not defined\n"
        " --> a.yaml:8:21\n"
        "  |\n"
        '8 |   order: "Order #{{ oder_id }} {{ order_id }}"\n'
        "  |                     ^^^^^^^ did you mean 'order_id'?\n"
        "\n"
    )
    assert ended.err == "1 spec checked: 1 error, 1 warning\n"
    assert ended.code == 2


@pytest.mark.usefixtures("in_tmp")
def test_json_is_one_document_with_every_place(cli: CommandLine) -> None:
    Path("a.yaml").write_text(FAULTY)
    ended = cli("validate", "a.yaml", "-o", "json")
    assert (ended.code, ended.err) == (2, "")
    assert ended.json == {
        "specs": 1,
        "errors": 1,
        "warnings": 1,
        "advice": 0,
        "problems": [
            {
                "code": "unused-variable", "severity": "warning", "message": "no template uses the variable 'unused'",
                "path": "a.yaml", "line": 4, "column": 3, "end_column": 9, "at": "vars.unused", "hint": None,
                "context": None,
            },
            {
                "code": "template-undefined", "severity": "error", "message": "variable 'oder_id' is not defined",
                "path": "a.yaml", "line": 8, "column": 21, "end_column": 28, "at": None,
                "hint": "did you mean 'order_id'?", "context": None,
            },
        ],
    }  # fmt: skip


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(("other", "code"), [("advice", 4), ("fault", 2)])
def test_a_file_that_cannot_be_read_hides_no_problem_of_another(cli: CommandLine, other: str, code: int) -> None:
    Path("specs").mkdir()
    Path("specs/a.yaml").symlink_to("nowhere.yaml")
    Path("specs/z.yaml").write_text(
        FAULTY if other == "fault" else "version: 1\nevent: order_placed\ndistinct_id: u1\n"
    )
    found = ["unused-variable", "template-undefined"] if other == "fault" else ["no-description", "no-case"]
    ended = cli("validate", "specs", "-o", "json")
    assert (ended.code, [each["code"] for each in ended.json["problems"]]) == (code, ["file-not-found", *found])
    results = cli("validate", "specs", "-o", "sarif").json["runs"][0]["results"]
    assert [each["ruleId"] for each in results] == ["file-not-found", *found]


@pytest.mark.usefixtures("in_tmp")
def test_github_annotations_point_at_the_line(cli: CommandLine) -> None:
    Path("a.yaml").write_text(FAULTY.replace("  unused: {type: string}\n", ""))
    ended = cli("-o", "github", "validate", "a.yaml")
    assert ended.out == (
        "::error file=a.yaml,line=7,col=21,endColumn=27,title=template-undefined"
        "::variable 'oder_id' is not defined%0Adid you mean 'order_id'?\n"
    )


@pytest.mark.usefixtures("in_tmp")
def test_warnings_fail_only_with_strict(cli: CommandLine) -> None:
    Path("a.yaml").write_text(FAULTY.replace("oder_id", "order_id"))
    assert cli("validate", "a.yaml").code == 0
    assert cli("validate", "--strict", "a.yaml").code == 2


@pytest.mark.usefixtures("in_tmp")
def test_quiet_keeps_errors_and_drops_the_rest(cli: CommandLine) -> None:
    Path("a.yaml").write_text(FAULTY)
    ended = cli("validate", "-q", "a.yaml")
    assert [line for line in ended.out.split("\n") if "[" in line] == [
        "error[template-undefined]: variable 'oder_id' is not defined"
    ]
    assert ended.err == ""


@pytest.mark.usefixtures("in_tmp")
def test_a_missing_file_ends_with_4_and_suggests_the_one_that_is_there(cli: CommandLine) -> None:
    Path("purchase.yaml").write_text(FAULTY)
    ended = cli("validate", "purchase.yml")
    assert ended.code == 4
    assert ended.err == (
        "error[file-not-found]: no such file or folder: purchase.yml\n  = did you mean purchase.yaml?\n"
    )


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("specs/order.yaml", "specs/order-placed.yaml"), ("specs/order-plaecd.yaml", "specs/order-placed.yaml"), ("order", "specs/order-placed.yaml"),
        ("order-placd", "specs/order-placed.yaml"), ("order-placed", "specs/order-placed.yaml"), ("spec/order-placed.yaml", "specs/order-placed.yaml"), ("zzz.yaml", None),
    ],
)  # fmt: skip
def test_a_name_that_is_cut_short_or_misspelt_suggests_the_file(
    cli: CommandLine, given: str, meant: str | None
) -> None:
    Path("specs").mkdir()
    Path("specs/order-placed.yaml").write_text(FAULTY)
    hint = f"  = did you mean {meant}?\n" if meant else ""
    assert cli("validate", given).err == f"error[file-not-found]: no such file or folder: {given}\n{hint}"


@pytest.mark.usefixtures("in_tmp")
def test_a_fault_in_a_base_is_reported_once_for_all_its_children(cli: CommandLine) -> None:
    Path("_base.yaml").write_text("version: 1\ndistinct_id: u1\nproprties: {}\n")
    for name in ("a", "b"):
        Path(f"{name}.yaml").write_text(f"extends: _base.yaml\nevent: {name * 3}\n")
    ended = cli("validate", ".")
    assert ended.out == (
        "error[unknown-key]: unknown key 'proprties'\n"
        " --> _base.yaml:3:1\n"
        "  |\n"
        "3 | proprties: {}\n"
        "  | ^^^^^^^^^ did you mean 'properties'?\n"
        "\n"
    )
    assert ended.err == "2 specs checked: 1 error\n"


@pytest.mark.usefixtures("in_tmp")
def test_control_characters_of_a_file_do_not_reach_the_terminal(cli: CommandLine) -> None:
    Path("a.yaml").write_text('version: 1\nevent: order_placed\ndistinct_id: u1\n"\\e[31mred": 1\n')
    ended = cli("validate", "a.yaml")
    assert "\x1b" not in ended.out
    assert ended.out.startswith("error[unknown-key]: unknown key '\\x1b[31mred'\n")


@pytest.mark.usefixtures("in_tmp")
def test_a_secret_default_is_starred_in_the_excerpt_of_its_line(cli: CommandLine) -> None:
    Path("a.yaml").write_text(
        "version: 1\n"
        "vars: {pepper: {type: string, secret: true, minLength: 20, default: hunter2-hunter2}}\n"
        "event: reset\n"
        'distinct_id: "{{ pepper }}"\n'
    )
    ended = cli("validate", "a.yaml")
    assert ended.code == 2
    assert "hunter2" not in ended.out
    assert "default: ***}}" in ended.out


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("form", ["pretty", "json", "jsonl", "github"])
def test_a_secret_that_a_case_gives_is_starred_in_the_excerpt_of_its_line(cli: CommandLine, form: str) -> None:
    Path("a.yaml").write_text(
        "version: 1\n"
        "vars: {pin: {type: string, secret: true, maxLength: 6}}\n"
        "event: reset\n"
        'distinct_id: "{{ pin }}"\n'
        "tests:\n"
        "- {name: one, vars: {pin: hunter2}}\n"
    )
    ended = cli("validate", "a.yaml", "-o", form)
    assert ended.code == 2
    assert "hunter2" not in ended.out + ended.err
    if form == "pretty":
        lines = ended.out.splitlines()
        assert [*lines[:4], *lines[5:]] == [
            "error[var-schema]: variable 'pin' breaks its declaration",
            " --> a.yaml:6:27",
            "  |",
            "6 | - {name: one, vars: {pin: ***}}",
            "  = in case 'one'",
            "",
        ]


@pytest.mark.usefixtures("in_tmp")
def test_a_link_out_of_the_project_is_not_read(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text("password: hunter2\n")
    Path("a.yaml").symlink_to(outside)
    Path("b.yaml").symlink_to("b.yaml")
    ended = cli("validate", "a.yaml")
    assert (ended.code, ended.out) == (
        2,
        (
            "error[path-outside]: a.yaml is a link out of the project\n"
            f"  = specs must lie in the project's folder '{Path.cwd().name}'\n\n"
        ),
    )
    assert cli("validate", "b.yaml").code == 4


@pytest.mark.usefixtures("in_repository")
def test_a_file_without_end_is_refused(cli: CommandLine) -> None:
    ended = cli("render", "specs/purchase.yaml", "--vars-file", "/dev/zero")
    assert (ended.code, ended.err.splitlines()[0]) == (
        2,
        "error[file-too-large]: the file is larger than 1,048,576 bytes",
    )


@pytest.mark.usefixtures("in_tmp")
def test_a_file_full_of_faults_is_answered_at_once_and_in_short(cli: CommandLine) -> None:
    uses = "".join(f"{{{{ x{index} }}}}" for index in range(9000))
    Path("a.yaml").write_text(f'version: 1\nvars: {{y: {{}}}}\nevent: abc\ndistinct_id: "{uses}"\n')
    began = time.monotonic()
    ended = cli("validate", "a.yaml", "-o", "json")
    assert time.monotonic() - began < 10
    assert (ended.json["errors"], ended.json["problems"][-1]["message"]) == (101, "8,901 more problems in this file")


@pytest.mark.usefixtures("in_tmp")
def test_an_annotation_of_a_strange_file_moves_no_cursor(cli: CommandLine) -> None:
    Path("a\x1b[31m.yaml").write_text("version: 2\nevent: abc\ndistinct_id: u\n")
    ended = cli("validate", "a\x1b[31m.yaml", "-o", "github")
    assert ended.out == (
        "::error file=a\\x1b[31m.yaml,line=1,col=10,endColumn=10,title=bad-value::'version' must be 1, not 2\n"
    )


@pytest.mark.usefixtures("in_tmp")
def test_a_quoted_version_is_told_by_its_type(cli: CommandLine) -> None:
    Path("a.yaml").write_text('version: "1"\nevent: abc\ndistinct_id: u\n')
    ended = cli("validate", "a.yaml")
    assert ended.out.splitlines()[0] == "error[bad-value]: 'version' must be 1, a number, not text"
    assert ended.out.splitlines()[4].endswith("^^^ remove the quotes")


@pytest.mark.usefixtures("in_tmp")
def test_a_name_too_long_for_a_file_is_no_bug(cli: CommandLine) -> None:
    assert cli("validate", f"{'a' * 300}.yaml").code == 4


@pytest.mark.usefixtures("in_tmp")
def test_a_fault_of_a_spec_that_others_extend_is_told_once(cli: CommandLine) -> None:
    Path("a.yaml").write_text("version: 1\nevent: paid\ndistinct_id: '{{ u | uper }}'\n")
    Path("b.yaml").write_text("extends: a.yaml\nevent: refunded\n")
    Path("0.yaml").write_text("extends: a.yaml\nevent: returned\n")
    assert cli("validate", ".").err == "3 specs checked: 1 error\n"


@pytest.mark.usefixtures("in_tmp")
def test_a_fault_that_only_a_child_makes_of_its_base_is_told_too(cli: CommandLine) -> None:
    Path("a.yaml").write_text("version: 1\nevent: paid\ndistinct_id: '{{ u }}'\nproperties: {gift: no}\n")
    Path("b.yaml").write_text("extends: a.yaml\nvars: {user: {type: string}}\ntenant_id: '{{ user }}'\n")
    ended = cli("validate", ".")
    assert (ended.code, ended.err) == (2, "2 specs checked: 1 error, 1 warning, 2 pieces of advice\n")
    assert "error[template-undefined]: variable 'u' is not defined\n --> a.yaml:3:18\n" in ended.out


def test_bases_among_other_files_are_checked_through_their_children(cli: CommandLine, in_tmp: Path) -> None:
    Path("_base.yaml").write_text("version: 1\nvars: {user: {type: string}}\n")
    Path("a.yaml").write_text("version: 1\nextends: _base.yaml\nevent: paid\ndistinct_id: '{{ user }}'\n")
    Path("b.yaml").write_text("version: 1\nevent: paid\ndistinct_id: '{{ usr }}'\nvars: {user: {type: string}}\n")
    ended = cli("validate", "_base.yaml", "a.yaml")
    assert ended.code == 0
    assert ended.err == (
        "_base.yaml: not checked by itself; a base is checked through the specs that extend it\n"
        "1 spec checked: 2 pieces of advice\n"
    )
    assert cli("validate", "_base.yaml", "a.yaml", "b.yaml").code == 2
    assert cli("validate", "_base.yaml").code == cli("validate", "_base.yaml", "_base.yaml").code == 4
    assert in_tmp.is_dir()


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--profile", "nope"), 4, "error[profile-not-found]: no profile 'nope' in runner.yaml"),
        (
            ("--profile", "nope", "--config", "other.yaml"),
            4,
            "error[profile-not-found]: no profile 'nope' in other.yaml",
        ),
        (("--config", "nope.yaml"), 4, "error[file-not-found]: no such file: nope.yaml"),
    ],
)
def test_a_profile_and_a_config_must_be_there(cli: CommandLine, args: tuple[str, ...], code: int, message: str) -> None:
    Path("runner.yaml").write_text("profiles: {staging: {}}\n")
    Path("other.yaml").write_text("profiles: {staging: {}}\n")
    Path("a.yaml").write_text("version: 1\nevent: order_placed\ndistinct_id: u1\n")
    ended = cli("validate", "a.yaml", *args)
    assert ended.code == code
    assert ended.err.startswith(message)
    assert cli("validate", "a.yaml", "--profile", "staging").code == 0
    assert cli("validate", "a.yaml", "--profile", "staging", "--config", "other.yaml").code == 0
