"""README and the manual are true: commands print what they say, YAML is valid, Python runs, links lead somewhere."""

from __future__ import annotations

import configparser
import csv
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from runner.config import load_profile
from runner.eventspec import load
from runner.report.manual import GROUPS
from tests.pages import EVERY, FOR_DEVELOPERS, MANUAL, PAGES, README, REPOSITORY, Block, Page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SET_BY_OTHERS = ("SUPRSEND_", "RUNNER_", "GITHUB_", "CI")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(SET_BY_OTHERS)}
CHANGING = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\d{8}-\d{6}-[0-9a-f]{4}", "RUN"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "INSTANT"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "INSTANT"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", "INSTANT"),
    (r'("(?:\$time|time_ms)": )\d{13}', r"\1MILLISECONDS"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\d+\.\d s, [\d,]+/s", "SECONDS, PACE"),
    (r"in \d\.\d\ds", "in SECONDS"),
    (r"^  \d+\.\ds  ", "  AFTER  "),
)
STARTER = REPOSITORY / "runner" / "project" / "starter"
CHECKED = ("console", "sh", "yaml", "csv", "python", "ini")
UNCHECKED = {
    "  - name: a large order is announced by SMS, and asked about after two days": "tests/workflows/shop has this case",
    "$ runner trace specs/order_placed.yaml --var user=u1 --var amount=900": "tests/cli/test_trace.py",
    "$ runner send specs/order_placed.yaml --var user=u1 --profile staging --wait 60s": "needs a workspace; tests/cli/send/test_wait.py",
    "$ runner send specs/order_placed.yaml --rows orders.csv --profile staging --wait 60s --sample 3": "needs a workspace; tests/cli/bulk/test_wait.py",
    "runner send specs/purchase.yaml --rows specs/orders.csv --profile staging --wait 60s --sample 50": "needs a workspace; tests/cli/bulk/test_wait.py",
    "error[no-message]: no message of order_placed for u1 within 1m": "tests/cli/send/test_wait.py",
    "runner test --live specs -m smoke --profile staging --junit-xml report.xml": "needs a workspace; tests/cli/test_workflow.py",
    'error[message-missing]: expected channel "sms", but no such message came; there is: email of order-confirmation to u1: delivered after 0s': "tests/cli/test_trace.py",
    "tests:": "tests/workflows/shop has such cases",
    "specs/product_viewed.yaml   40.0 %  2 of 5 changes noticed": "tests/testing/test_mutation.py has such holes",
    "python3 -m venv .venv && . .venv/bin/activate && pip install .": "tests/testing/test_installed.py installs",
    "runner test specs/purchase.yaml --record rewrite --profile staging": "needs a workspace; tests/cli/cases/test_recording.py",
    "sandbox: listening on http://127.0.0.1:7788/ (Ctrl-C stops it)": "runs until Ctrl-C; tests/cli/test_sandbox.py",
    "runner runs reconcile last --messages messages.csv --results sent.jsonl": "needs a run of piped rows; tests/cli/bulk/test_reconcile.py",
    "runner runs reconcile last --messages messages.csv": "needs a run; reconcile.md has one",
    "runner sandbox": "tests/testing/test_tutorial_app.py",
    "runner send specs/purchase.yaml --var user=u1 --profile staging --trace otlp": "needs a collector; tests/cli/tracing",
    '{"time": "2026-01-02T03:04:05.000+00:00", "level": "info", "message": "1 event: 1 accepted"}': "tests/cli/test_log_format.py",
    "trace: 12 of 40 spans did not reach the collector; see OTEL_EXPORTER_OTLP_ENDPOINT": "tests/cli/tracing",
    "#!/bin/sh": "tests/cli/bulk/test_schedules.py",
    "      - run: runner validate specs/ -o sarif > validate.sarif": "needs a workflow; tests/report/test_sarif.py",
    "runner runs watch last": "tests/cli/bulk/test_watch.py",
    "0 6 * * *   cd /srv/notifications && ./send-day.sh >>runs.log 2>&1": "a table of cron",
    "BashOperator(": "of another program",
    "apiVersion: batch/v1": "of another program",
    '{"progress": {"run": "20261129-050102-7f3a", "rows": 41200, "about": 250000, "accepted": 41100, "failed": 100, …}}': "tests/report/test_progress.py",
    "runner send specs/purchase.yaml --rows exports/": "tests/cli/bulk/test_datasets.py",
    """runner send specs/purchase.yaml --rows warehouse.duckdb --query "SELECT user, order_id, amount FROM orders ORDER BY order_id\"""": "tests/cli/bulk/test_queries.py",
    "runner send specs/purchase.yaml --rows s3://bucket/orders.csv": "needs a bucket; tests/cli/bulk/test_remote.py",
    "  events a second     ▆████████▇▄▁  at most 50,388": "tests/cli/bulk/test_runs.py",
    "runner send specs/purchase.yaml --rows 'exports/*.parquet' --cluster local:3": "tests/bulk/cluster",
    "export SUPRSEND_WORKSPACE_KEY=… SUPRSEND_WORKSPACE_SECRET=…": "needs a scheduler with certificates; tests/bulk/cluster",
    "runner send --resume last --state-dir copy-of-.runner --cluster tls://scheduler.example.com:8786": "needs a scheduler; tests/bulk/cluster",
    "export SUPRSEND_BASE_URL=http://127.0.0.1:7788/": "tests/testing/test_tutorial_app.py",
    """curl -i -d '{"id": "1001", "user": "u1", "amount": 80}' http://127.0.0.1:8000/orders""": "tests/testing/test_tutorial_app.py",
    "RUNNER_SANDBOX_URL='http://127.0.0.1:7788/#token=3vJw0yZkq1hXb6mTn8uR4A' pytest": "tests/testing/test_fixture.py",
    "export RUNNER_SANDBOX_TOKEN=$(openssl rand -hex 16)": "runs until it is stopped",
    "$ runner sandbox --fail 429:0.1,500:0.05,reset:0.01 --latency 20ms-200ms --seed 7": "tests/sandbox/test_failures.py",
    """$ curl -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' http://127.0.0.1:7788/_sandbox/faults \\""": "tests/sandbox/test_failures.py",
    "$ runner doctor --profile staging --user u1": "depends on the machine; tests/cli/test_doctor.py",
    """{"findings": [{"name": "clock", "state": "warning", "text": "95 s behind the server's", "advice": "set it: …"}]}""": "tests/cli/test_doctor.py",
    "runner sandbox --memory -q &": "needs port 7788; tests/cli/test_sandbox.py",
    "http://127.0.0.1:7788/#token=3vJw0yZkq1hXb6mTn8uR4A": "an address; tests/sandbox/page/test_page.py opens one",
    'error[case-mismatch]: properties.amount: expected 12 (a number), got "12" (text)': "tests/testing/verdict/test_events.py",
    " specs/*.yaml ──► source ──► project ──► eventspec ──► Spec ─┐": "a picture",
    "  specs/purchase.yaml        cases and cassettes": "a picture",
    "specs:": "tests/recipes/test_recipes.py",
    "pipeline {": "tests/recipes/test_recipes.py",
    ".PHONY: check test confirmed send-staging": "tests/recipes/test_recipes.py",
    "SELECT customer AS user, placed_on AS day, count(*) AS orders, sum(amount) AS total": "tests/recipes/test_recipes.py",
    "PATH=/srv/digest/.venv/bin:/usr/bin:/bin": "a table of cron",
    """{"id": "evt_1", "type": "order.completed", "userId": "u1", "time": "2026-11-28T09:12:44Z", "data": {"order": "1001", "value": 80.5}}""": "tests/recipes/test_recipes.py",
    "SELECT id AS event_id, userId AS user, time AS occurred_at, data": "tests/recipes/test_recipes.py",
}  # fmt: skip
"""Examples that no test here runs, by their first lines, and why."""
ELSEWHERE = {
    "tutorial-app": "tests/testing/test_tutorial_app.py",
    "tutorial-specs": "tests/importing/test_tutorial_specs.py",
    "fixture": "tests/testing/test_fixture.py",
    "recipes": "tests/recipes/test_recipes.py",
    "recipes-teams": "tests/recipes/test_recipes.py",
}
"""Pages whose commands and Python are run by tests of their own."""


def commands(block: Block) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def steady(text: str) -> str:
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text


def first_line(block: Block) -> str:
    return block.text.split("\n", 1)[0]


def named(pages: list[Page]) -> list[object]:
    return [pytest.param(page, id=page.name) for page in pages]


def each_block(*languages: str) -> list[object]:
    return [
        pytest.param(block, id=f"{page.name}, line {block.line}") for page in EVERY for block in page.blocks(*languages)
    ]


@pytest.fixture
def checkout(tmp_path: Path, in_repository: Path) -> Path:
    """Copy the repository's specs and cassettes."""
    for folder in ("specs", "cassettes"):
        shutil.copytree(in_repository / folder, tmp_path / folder)
    return tmp_path


def ended(command: str, folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=CLEAN | {"PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", named([page for page in EVERY if page.blocks("console", "sh") and page.name not in ELSEWHERE])
)
def test_commands_print_what_the_page_says(page: Page, checkout: Path, shell_path: str) -> None:
    """The commands of a page are run one after the other, beside the files that it says are saved."""
    folder, last = checkout, 0
    for block in page.blocks():
        if block.file is not None:
            (checkout / block.file).write_text(block.text)
        if block.language == "sh" and first_line(block) not in UNCHECKED:
            assert block.text.startswith("runner ")
            run = ended(block.text, folder, shell_path)
            assert run.returncode == 0, f"line {block.line}: {run.stdout}"
        for command, expected in commands(block) if block.language == "console" else ():
            if command == "echo $?":
                assert f"{last}\n" == expected
                continue
            if command.startswith("cd "):
                folder /= command.removeprefix("cd ")
                continue
            assert command.startswith("runner ")
            run = ended(command, folder, shell_path)
            last = run.returncode
            assert steady(run.stdout) == steady(expected), f"line {block.line}"


@pytest.mark.parametrize("block", each_block("yaml"))
def test_yaml_blocks_are_valid(block: Block, tmp_path: Path) -> None:
    if block.text.startswith("jobs:"):
        written = (STARTER / "notifications.yml").read_text("utf-8")
        lines = [line for line in written.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        assert block.text.strip() in "\n".join(lines)
    elif block.text.startswith("repos:"):
        [named_hooks] = re.findall(r"hooks: (\[.*\])", block.text)
        published = re.findall(
            r"^- id: (.+)$", (REPOSITORY / ".pre-commit-hooks.yaml").read_text("utf-8"), re.MULTILINE
        )
        assert re.findall(r"\{id: ([\w-]+)\}", named_hooks) == published
    elif block.text.startswith(("profiles:", "env_allowed:", "sandbox:", "assets:", "checks:", "users:", "workflows:")):
        (tmp_path / "runner.yaml").write_text(block.text)
        name = "staging" if block.text.startswith("profiles:") else None
        profile = load_profile(start=tmp_path, name=name)
        assert profile.max_event_kb == (200 if name else 100)
    else:
        (tmp_path / "runner.yaml").write_text("env_allowed: [PDF_TOKEN, OTP_CODE]\n")
        path = tmp_path / "block.yaml"
        path.write_text(block.text)
        found = [problem.code for problem in load(path, tmp_path).problems]
        broken = ["template-unknown-filter", "template-undefined"]
        assert sorted(found) == (sorted(broken) if "oder_id" in block.text else [])


@pytest.mark.parametrize(("name", "events"), [("python", 4), ("messages", 2), ("sdk", 1)])
def test_python_blocks_run(name: str, events: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from runner.sandbox.rules import rules_of  # noqa: PLC0415 - collection needs no server
    from runner.sandbox.server import Sandbox  # noqa: PLC0415

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for section in [each for each in PAGES[name].blocks("yaml") if each.text.startswith("sandbox:")]:
        (tmp_path / "runner.yaml").write_text(section.text)
    [block] = PAGES[name].blocks("python")
    with Sandbox(rules=rules_of(load_profile(start=tmp_path))) as sandbox:
        code = block.text.replace("http://127.0.0.1:7788/", sandbox.base_url)
        code = code.replace("3vJw0yZkq1hXb6mTn8uR4A", sandbox.events_url.partition("token=")[2])
        exec(compile(code, f"{name}.md", "exec"), {})  # noqa: S102 - the manual's own code
        assert sandbox.store.total == events


@pytest.mark.parametrize("block", each_block("ini"))
def test_settings_are_those_that_init_writes(block: Block) -> None:
    shown, written = configparser.ConfigParser(), configparser.ConfigParser()
    shown.read_string(block.text)
    written.read_string((STARTER / "pytest.ini").read_text("utf-8"))
    assert shown == written


@pytest.mark.parametrize("block", each_block("csv"))
def test_tables_of_rows_are_saved_for_a_command(block: Block) -> None:
    header, *rows = csv.reader(block.text.splitlines())
    assert block.file is not None
    assert all(len(row) == len(header) for row in rows)


def test_python_blocks_are_on_pages_that_are_run() -> None:
    here = [page.name for page in EVERY for _ in page.blocks("python") if page.name not in ELSEWHERE]
    assert here == ["messages", "python", "sdk"]


def test_every_example_is_tested_or_named_with_a_reason() -> None:
    untested = [
        first_line(block) for page in EVERY for block in page.blocks() if block.language not in CHECKED
    ] + [first_line(block) for page in EVERY for block in page.blocks("sh") if first_line(block) in UNCHECKED]  # fmt: skip
    assert sorted(set(untested)) == sorted(UNCHECKED)


@pytest.mark.parametrize("page", named(EVERY))
def test_no_example_is_indented_instead_of_fenced(page: Page) -> None:
    assert re.findall(r"^\n    \S.*$", page.prose, re.MULTILINE) == []


@pytest.mark.parametrize("page", named([*EVERY, *FOR_DEVELOPERS]))
def test_links_lead_somewhere(page: Page) -> None:
    targets = {each.path: each for each in [*EVERY, *FOR_DEVELOPERS]}
    for link in page.links():
        name, _, anchor = link.partition("#")
        path = (page.path.parent / name).resolve() if name else page.path
        assert path.exists(), link
        if anchor:
            assert anchor in targets[path].anchors(), link
        if page.path.parent == MANUAL:
            assert path.is_relative_to(MANUAL), f"{link} is not in the package"


@pytest.mark.parametrize("page", named([*EVERY, *FOR_DEVELOPERS]))
def test_files_of_the_repository_that_are_named_exist(page: Page) -> None:
    names = re.findall(r"`(?:pytest |python )?((?:runner|tests|\.ci)/[\w./-]*)", page.prose)
    assert [name for name in names if not (REPOSITORY / name).exists()] == []


def test_readme_leads_to_every_page() -> None:
    assert {f"runner/manual/{name}.md" for name in PAGES} <= {link.partition("#")[0] for link in README.links()}


def test_readme_is_short() -> None:
    assert len(README.text.splitlines()) <= 200


@pytest.mark.parametrize("page", named(list(PAGES.values())))
def test_a_page_begins_with_one_sentence_that_says_what_it_is_for(page: Page) -> None:
    title, about, _ = page.text.split("\n\n", 2)
    assert re.fullmatch(r"# [A-Z].*", title)
    assert re.fullmatch(r"[A-Z][^\n]*\.", about)
    assert ". " not in about
    assert len(about) <= 80 - len("  configuration  ")


def test_every_page_is_a_topic() -> None:
    assert {name for names in GROUPS.values() for name in names} == set(PAGES)
