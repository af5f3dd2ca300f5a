"""Several projects in one repository, or in none: each spec and cassette is of the `runner.yaml` nearest above it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.project import project_of

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

SPEC = "specs/order-placed.yaml"


def edit(path: str, old: str, new: str) -> None:
    text = Path(path).read_text("utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def monorepo(in_tmp: Path, cli: CommandLine, server: CapturingServer) -> Path:
    """Make a repository with the projects a and b, each with a workspace of its own; that of b asks before it sends."""
    Path(".git").mkdir()
    for name in ("a", "b"):
        assert cli("init", name, "-q").code == 0
        more = "" if name == "a" else "    confirm: true\n"
        own = f"  staging:\n    base_url: {server.base_url}{name}/\n{more}"
        edit(f"{name}/runner.yaml", "  staging:  # runner send SPEC --profile staging\n", own)
        edit(f"{name}/runner.yaml", "SUPRSEND_STAGING", f"SUPRSEND_{name.upper()}")
        cli.environ |= {
            f"SUPRSEND_{name.upper()}_WORKSPACE_KEY": f"{name}-key",
            f"SUPRSEND_{name.upper()}_WORKSPACE_SECRET": f"{name}-secret",
        }
    return in_tmp


def cassette(name: str) -> str:
    return f"cassettes/{name}/specs/order-placed/the-platform-takes-an-order.yaml"


@pytest.mark.usefixtures("monorepo")
def test_a_project_verifies_its_own_cassettes_alone(
    cli: CommandLine, server: CapturingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("a")
    assert cli("cassette", "verify", "--profile", "staging").code == 0
    assert [(request.path, request.json["env"]) for request in server.received] == [("/a/v2/event/", "a-key")]
    listed = cli("cassette", "list", "-o", "json").json["cassettes"]
    assert [each["path"] for each in listed] == [f"../{cassette('a')}"]
    assert cli("cassette", "check").err == "1 cassette checked: no problems\n"


@pytest.mark.usefixtures("monorepo")
def test_cassettes_of_several_projects_are_not_verified_together(cli: CommandLine, server: CapturingServer) -> None:
    for args in ((), ("cassettes",), (cassette("a"), cassette("b"))):
        ended = cli("cassette", "verify", *args, "--profile", "staging", "--yes")
        assert (ended.code, server.received) == (64, [])
        assert "to several projects, each with its own target: a/runner.yaml, b/runner.yaml\n" in ended.err
    assert cli("cassette", "verify", "--sandbox").code == 0
    assert cli("cassette", "check").err == "2 cassettes checked: no problems\n"


@pytest.mark.usefixtures("monorepo")
def test_a_named_cassette_goes_to_the_target_of_its_own_project(
    cli: CommandLine, server: CapturingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("a")
    ended = cli("cassette", "verify", f"../{cassette('b')}", "--profile", "staging")
    assert (ended.code, server.received) == (64, [])
    assert "profile 'staging' asks before it sends" in ended.err
    assert cli("cassette", "verify", f"../{cassette('b')}", "--profile", "staging", "--yes").code == 0
    assert [(request.path, request.json["env"]) for request in server.received] == [("/b/v2/event/", "b-key")]


@pytest.mark.usefixtures("monorepo")
def test_an_orphan_is_of_the_project_that_its_spec_was_in(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("b", SPEC).rename("b/specs/order-paid.yaml")
    assert cli("test", "a/specs").code == 0
    monkeypatch.chdir("a")
    assert cli("test").code == 0
    assert cli("cassette", "check").code == 0
    monkeypatch.chdir("../b")
    assert [problem["code"] for problem in cli("cassette", "check", "-o", "json").json["problems"]] == [
        "cassette-orphan"
    ]
    edit("specs/order-paid.yaml", "response: {success: true, status_code: 202}", "max_bytes: 1000")
    assert cli("test").code == 6


@pytest.mark.usefixtures("monorepo")
def test_a_step_of_another_project_is_not_recorded_from_a_live_target(
    cli: CommandLine, server: CapturingServer
) -> None:
    steps = "steps: [{expect: {response: {success: true}}}, {spec: ../../b/specs/order-placed.yaml}]"
    edit(f"a/{SPEC}", "    expect:\n      event: {properties: {amount: 12.5, total: 12.50 USD}}\n", f"    {steps}\n")
    edit(f"a/{SPEC}", "      response: {success: true, status_code: 202}  # from the cassette\n", "")
    ended = cli("test", "a/specs", "--record", "rewrite", "--profile", "staging", "-o", "json")
    assert (ended.code, server.received) == (6, [])
    [problem] = [problem for case in ended.json["cases"] for problem in case["problems"]]
    assert problem["message"].endswith("belongs to another project with its own target")
    assert cli("test", "a/specs", "--record", "rewrite", "--sandbox").code == 0


LAYOUTS = [(".git", "shop"), ("runner.yaml", "shop"), ("runner.yaml", ".")]


@pytest.mark.parametrize(("mark", "folder"), LAYOUTS)
def test_cassettes_and_ids_do_not_depend_on_the_working_directory(
    cli: CommandLine, in_tmp: Path, monkeypatch: pytest.MonkeyPatch, mark: str, folder: str
) -> None:
    root = in_tmp / "app"
    root.mkdir()
    if mark == ".git":
        (root / mark).mkdir()
    else:
        (root / mark).write_text("profiles: {}\n")
    home = root / folder
    assert cli("init", home, "-q").code == 0
    seen = set()
    for place in (in_tmp, root, home, home / "specs", root / "cassettes"):
        monkeypatch.chdir(place)
        assert cli("test", home / "specs").code == 0
        assert cli("cassette", "check", root / "cassettes").err == "1 cassette checked: no problems\n"
        seen.add(cli("render", home / SPEC, "--case", "the platform takes an order").json["$insert_id"])
        assert project_of(home / "specs") == root
        assert project_of(Path()) == (in_tmp if place == in_tmp else root)
    assert len(seen) == 1


def test_without_a_repository_the_outermost_runner_yaml_marks_the_project_and_the_nearest_has_the_settings(
    cli: CommandLine, in_tmp: Path
) -> None:
    for folder in (".", "shop", "shop/specs"):
        assert cli("init", folder, "-q").code == 0 or folder == "shop/specs"
    shutil.copy("runner.yaml", "shop/specs/runner.yaml")
    assert project_of(Path("shop/specs")) == in_tmp
    edit("shop/specs/runner.yaml", "  staging:", "  nearest:")
    assert cli("send", f"shop/{SPEC}", "--var", "user=u1", "--profile", "nearest", "--dry-run").code == 0
    Path("runner.yaml").unlink()
    Path("shop/runner.yaml").unlink()
    assert project_of(Path("shop/specs")) == in_tmp / "shop"  # beside `specs`, where its cassettes are
    shared = in_tmp / "shared"
    (shared / "mine").mkdir(parents=True)
    (shared / "runner.yaml").write_text("profiles: {}\n")
    assert project_of(shared / "mine") == shared
    shared.chmod(0o1777)  # as /tmp: everybody could mark it
    assert project_of(shared / "mine") == in_tmp


@pytest.mark.usefixtures("in_tmp")
def test_the_cassettes_of_a_project_within_a_folder_are_no_specs(cli: CommandLine) -> None:
    assert cli("init", "shop", "-q").code == 0
    assert cli("validate", ".").err == "1 spec checked: no problems\n"
