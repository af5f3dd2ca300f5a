"""The workflow that `runner init` writes, run step by step: in a clone, an environment and a shell as GitHub makes them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uv

from runner.config import SANDBOX_KEY, load_profile
from runner.sandbox.rules import rules_of
from runner.sandbox.server import Sandbox
from runner.source import read

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
KEYS = ("SUPRSEND_STAGING_WORKSPACE_KEY", "SUPRSEND_STAGING_WORKSPACE_SECRET")
UV = uv.find_uv_bin()
NAME = ("-c", "user.name=a", "-c", "user.email=a@example.com")


def git(folder: Path, *args: str) -> str:
    ended = subprocess.run(["git", *NAME, *args], cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Commit this repository, as it stands in its work tree, to a clone of it; return the clone's address and the commit."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this is no repository")
    clone = tmp_path_factory.mktemp("source") / "clone"
    git(REPOSITORY, "clone", "--quiet", "--shared", str(REPOSITORY), str(clone))
    names = git(REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        if (REPOSITORY / name).is_file():
            shutil.copy(REPOSITORY / name, clone / name)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "as it stands")
    return f"file://{clone}@{git(clone, 'rev-parse', 'HEAD')}"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the environment of all jobs: the second one takes what the first one has downloaded and built."""
    return tmp_path_factory.mktemp("environment") / "python"


class Run:
    """A run of a workflow for a commit of a project."""

    def __init__(self, project: Path, folder: Path, python: Path, secrets: dict[str, str] | None = None) -> None:
        self._project = project
        self._secrets = secrets or {}
        self._python = python
        self.workspace = folder / "workspace"
        self._files = folder
        folder.mkdir()
        self.workspace.mkdir()
        self.printed = ""
        self.ran: list[str] = []
        self._outputs: dict[str, str] = {}

    def job(self, workflow: dict[str, Any], name: str) -> int:
        """Run the steps of a job; return the exit status of the first that fails, else 0."""
        status = 0
        for step in workflow["jobs"][name]["steps"]:
            condition = step.get("if", "")
            parts = condition.removeprefix("${{ ").removesuffix(" }}").split(" && ")
            if not all(self._holds(part, status) for part in parts if part):
                continue
            if status and not {"!cancelled()", "failure()"} & {*parts}:
                continue
            if "run" in step:
                folder = step.get("working-directory") or workflow.get("defaults", {}).get("run", {}).get(
                    "working-directory", "."
                )
                status = self._shell(step, folder) or status
            else:
                self._use(step)
        return status

    def _holds(self, condition: str, status: int) -> bool:
        if condition in ("!cancelled()", "failure()"):
            return condition == "!cancelled()" or status != 0
        expected = re.fullmatch(r"steps\.(\w+)\.outputs\.(\w+) == '(\w+)'", condition)
        assert expected, condition
        return self._outputs.get(f"{expected[1]}.{expected[2]}") == expected[3]

    def _use(self, step: dict[str, Any]) -> None:
        match step["uses"].partition("@")[0]:
            case "actions/checkout":
                git(self._files, "clone", "--quiet", f"file://{self._project}", str(self.workspace))
            case "actions/setup-python":
                if not self._python.exists():
                    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(self._python)], check=True)
                    pip = self._python / "bin" / "pip"  # takes pip's arguments, and a tenth of its time
                    pip.write_text(f'#!/bin/sh\nVIRTUAL_ENV={self._python} exec {UV} pip "$@"\n')
                    pip.chmod(0o755)
            case "actions/upload-artifact":
                assert (self.workspace / step["with"]["path"]).is_file(), self.printed
            case other:
                pytest.fail(f"what is {other}?")

    def _shell(self, step: dict[str, Any], folder: str) -> int:
        self.ran.append(step["run"])
        script, output = self._files / "step.sh", self._files / "output"
        script.write_text(step["run"])
        output.write_text("")
        environ = {
            "PATH": f"{self._python}/bin:{os.environ['PATH']}",
            "HOME": str(self._files),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self._files / "summary.md"),
            "UV_CACHE_DIR": subprocess.check_output([UV, "cache", "dir"], text=True).strip(),
        }
        environ |= {name: value for name, value in os.environ.items() if name.startswith(("UV_", "SSL_"))}
        for name, value in step.get("env", {}).items():
            secret = re.fullmatch(r"\$\{\{ secrets\.(\w+) \}\}", value)
            environ[name] = self._secrets.get(secret[1], "") if secret else value
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace / folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        self.printed += ended.stdout
        for line in output.read_text().splitlines():
            key, _, value = line.partition("=")
            self._outputs[f"{step['id']}.{key}"] = value
        return ended.returncode


def committed(project: Path, cli: CommandLine, source: str, folder: str) -> dict[str, Any]:
    """Make a project in a repository, and commit it; return its workflow."""
    project.mkdir()
    git(project, "init", "--quiet")
    assert cli("init", project / folder, "--from", source).code == 0
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "a first project")
    document = read(project / ".github" / "workflows" / "notifications.yml")
    assert document.root is not None
    found: Any = document.root.plain()
    return found  # type: ignore[no-any-return]


def test_the_steps_of_the_workflow_run_in_a_fresh_environment(
    cli: CommandLine, source: str, tmp_path: Path, python: Path, server: CapturingServer
) -> None:
    project = tmp_path / "project"
    workflow = committed(project, cli, source, "shop/events")
    run = Run(project, tmp_path / "replay", python)
    assert run.job(workflow, "replay") == 0, run.printed
    assert run.ran == [
        f'pip install "git+{source}"',
        "runner validate specs/ -o github",
        "runner cassette check -o github",
        "runner test specs/ --junit-xml junit.xml",
    ]
    assert "1 cassette checked: no problems" in run.printed
    assert "2 passed" in run.printed

    run = Run(project, tmp_path / "no-secrets", python)
    assert run.job(workflow, "verify") == 0, run.printed
    assert len(run.ran) == 1
    assert run.printed.startswith("::notice::nothing is verified: set the secrets ")

    settings = project / "shop" / "events" / "runner.yaml"
    settings.write_text(settings.read_text().replace("  staging:", f"  staging:\n    base_url: {server.base_url}", 1))
    git(project, "commit", "--quiet", "--all", "-m", "a server of this test")
    run = Run(project, tmp_path / "verify", python, dict.fromkeys(KEYS, "from-github"))
    assert run.job(workflow, "verify") == 0, run.printed
    assert "1 answer compared, no drift" in run.printed
    assert [request.json["env"] for request in server.received] == ["from-github"]


WORKFLOWS = """\
sandbox:
  workflows: {order_placed: {slug: order-confirmation, channels: [email, inbox], after: 1s, status_every: 0s}}
"""
EXPECTED = "messages: [{workflow: order-confirmation, channel: email, status: delivered, within: 60s}]"


def test_the_smoke_job_awaits_the_messages_of_staging(
    cli: CommandLine, source: str, tmp_path: Path, python: Path
) -> None:
    project = tmp_path / "project"
    workflow = committed(project, cli, source, "shop/events")
    run = Run(project, tmp_path / "no-secrets", python)
    assert run.job(workflow, "smoke") == 0, run.printed
    assert len(run.ran) == 1
    assert run.printed.startswith("::notice::nothing is sent: set the secrets ")

    settings, spec = (project / "shop" / "events" / name for name in ("runner.yaml", "specs/order-placed.yaml"))
    settings.write_text(settings.read_text() + WORKFLOWS)
    with Sandbox(rules=rules_of(load_profile(start=settings.parent))) as staging:
        address = f"  staging:\n    base_url: {staging.base_url}"
        settings.write_text(settings.read_text().replace("  staging:", address, 1))
        expected = spec.read_text().replace("# messages:", "messages:")
        assert EXPECTED in expected
        spec.write_text(expected)
        git(project, "commit", "--quiet", "--all", "-m", "a workspace of this test")
        secrets = dict(zip(KEYS, (SANDBOX_KEY.key, SANDBOX_KEY.secret.reveal()), strict=True))
        run = Run(project, tmp_path / "smoke", python, secrets)
        assert run.job(workflow, "smoke") == 0, run.printed
        assert run.ran[-1] == "runner test --live specs -m smoke --profile staging --junit-xml smoke.xml"
        assert "1 passed, 1 skipped" in run.printed
        report = (run.workspace / "shop" / "events" / "smoke.xml").read_text()
        message = r"email of order-confirmation to u1: delivered( after [0-9.]+s)?"
        assert re.search(f'<property name="message" value="{message}"', report)
        summary = (tmp_path / "smoke" / "summary.md").read_text()
        assert "### 2 messages\n" in summary
        assert re.search(rf"\| specs/order-placed.yaml \| the platform takes an order \| {message} \|", summary)

        misspelt = expected.replace("event: order_placed", "event: oder_placed").replace("within: 60s", "within: 2s")
        spec.write_text(misspelt)
        git(project, "commit", "--quiet", "--all", "-m", "an event that no workflow listens to")
        run = Run(project, tmp_path / "misspelt", python, secrets)
        assert run.job(workflow, "smoke") != 0, run.printed
        assert run.ran[-1] == "runner doctor --profile staging"
        assert re.search("^ok +access ", run.printed, re.MULTILINE)
