"""The assets folder in both layouts, and files in it that are not what they should be."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import InvalidInput
from runner.workflows.assets_reader import find_assets, read_assets

if TYPE_CHECKING:
    from tests.conftest import CommandLine

SHOP = Path(__file__).with_name("shop")


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")


def in_older_layout(newer: Path, older: Path) -> None:
    """Write the files of a folder as older versions of the platform's command line did."""
    for path in newer.glob("workflows/*/workflow.json"):
        write(older / "workflow" / f"{path.parent.name}.json", path.read_text("utf-8"))
    events = [json.loads(path.read_text("utf-8")) for path in sorted(newer.glob("events/*/event.json"))]
    linked = [event for event in events if event["payload_schema"] is not None]
    write(older / "event" / "event_schema_mapping.json", {"events": linked})
    for path in newer.glob("schemas/*/payload_schema.json"):
        whole = {"slug": path.parent.name, "json_schema": json.loads(path.read_text("utf-8"))}
        write(older / "schema" / f"{path.parent.name}.json", whole)
    categories = newer / "preference_categories" / "categories.json"
    write(older / "category" / "categories_preferences.json", categories.read_text("utf-8"))


def test_both_layouts_hold_the_same_assets(tmp_path: Path) -> None:
    newer, problems = read_assets(SHOP / "suprsend")
    assert problems == ()
    in_older_layout(SHOP / "suprsend", tmp_path)
    older, problems = read_assets(tmp_path)
    assert problems == ()
    assert newer.workflows is not None
    assert older.workflows is not None
    assert {slug: (each.name, each.events) for slug, each in older.workflows.items()} == {
        slug: (each.name, each.events) for slug, each in newer.workflows.items()
    }
    assert {slug: each.document for slug, each in older.schemas.items()} == {
        slug: each.document for slug, each in newer.schemas.items()
    }
    assert older.categories == newer.categories
    assert (newer.knows_all_events, older.knows_all_events, older.templates) == (True, False, None)
    assert set(older.events or {}) == {"order_placed", "cart_updated", "payment_failed"}


def test_the_cases_of_the_shop_hold_in_the_older_layout(in_tmp: Path, cli: CommandLine) -> None:
    (in_tmp / ".git").mkdir()
    shutil.copytree(SHOP / "specs", in_tmp / "specs")
    shutil.copy(SHOP / "runner.yaml", in_tmp)
    in_older_layout(SHOP / "suprsend", in_tmp / "suprsend")
    (in_tmp / "specs" / "cart_updated.yaml").unlink()  # without templates, a push goes to iOS too
    ended = cli("test", "specs")
    assert (ended.code, "12 passed" in ended.out) == (0, True), ended.out


def test_the_newer_layout_wins_where_both_are(tmp_path: Path) -> None:
    shutil.copytree(SHOP / "suprsend", tmp_path / "suprsend")
    in_older_layout(SHOP / "suprsend", tmp_path / "suprsend")
    stale = tmp_path / "suprsend" / "workflow" / "invoice.json"
    write(stale, json.loads(stale.read_text("utf-8")) | {"name": "Stale"})
    assets, problems = read_assets(tmp_path / "suprsend")
    assert {problem.code for problem in problems} == {"stale-asset"}
    assert len(problems) == 8
    assert str(stale) in {problem.position.path for problem in problems if problem.position is not None}
    assert assets.workflows is not None
    assert assets.workflows["invoice"].name == "Invoice"


def test_a_template_has_the_variables_of_its_texts() -> None:
    templates = read_assets(SHOP / "suprsend")[0].templates
    assert templates is not None
    order = templates["order-confirmation"]
    assert order.channels == ("email",)
    assert {(each.name, each.is_required) for each in order.variables} >= {("order_id", True), ("amount", True)}
    assert all(not each.is_required for each in order.variables if each.name.startswith("tags"))
    assert {each.name for each in templates["weekly-digest"].variables} == {"product"}
    assert set(templates["failed-payment"].channels) == {"email", "sms", "whatsapp", "inbox"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"name": 3}',
        '{"name": "x", "name": "y"}',
        "\x00",
        "[" * 100_000,
        '{"tree": {"nodes": 1}}',
        "NaN",
    ],
)
def test_a_broken_file_is_a_problem_and_hides_no_other(content: str, tmp_path: Path) -> None:
    folder = tmp_path / "suprsend"
    shutil.copytree(SHOP / "suprsend", folder)
    for path in (
        "workflows/bad/workflow.json",
        "events/bad/event.json",
        "schemas/bad/payload_schema.json",
        "templates/bad/template.json",
    ):
        write(folder / path, content)
    write(folder / "schemas" / "bad" / "schema.json", "{}")
    write(folder / "templates" / "bad" / "email" / "default" / "variant.json", content)
    assets, problems = read_assets(folder)
    assert problems
    assert all(problem.position is None or "bad" in problem.position.path for problem in problems)
    whole, _ = read_assets(SHOP / "suprsend")
    assert set(whole.workflows or {}) <= set(assets.workflows or {})
    assert set(whole.events or {}) <= set(assets.events or {})


def test_links_that_leave_the_folder_are_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "suprsend", tmp_path / "outside"
    shutil.copytree(SHOP / "suprsend" / "workflows" / "invoice", outside / "invoice")
    (folder / "workflows").mkdir(parents=True)
    (folder / "workflows" / "stolen").symlink_to(outside / "invoice")
    os.mkfifo(folder / "workflows" / "pipe")
    write(folder / "templates" / "mail" / "template.json", {"slug": "mail"})
    (folder / "templates" / "mail" / "email").symlink_to("/")
    assets, problems = read_assets(folder)
    assert assets.workflows == {}
    assert {(problem.code, problem.message) for problem in problems} == {
        ("asset-invalid", f"{folder / name} is a symbolic link that leaves the assets folder: it is not read")
        for name in ("workflows/stolen/workflow.json", "templates/mail/email")
    }
    assert assets.templates is not None
    assert assets.templates["mail"].channels == ()


def test_the_folder_is_that_of_the_configuration_or_the_usual_one(in_tmp: Path) -> None:
    (in_tmp / ".git").mkdir()
    spec = in_tmp / "specs" / "a.yaml"
    write(spec, "")
    assert find_assets(spec) is None
    (in_tmp / "suprsend" / "other").mkdir(parents=True)
    assert find_assets(spec) is None
    (in_tmp / "suprsend" / "workflows").mkdir()
    (in_tmp / "pulled" / "workflows").mkdir(parents=True)
    config = in_tmp / "specs" / "runner.yaml"
    expected = {"": "suprsend", "assets: ../pulled\n": "specs/../pulled", "assets: false\n": None}
    for text, folder in expected.items():
        config.write_text(text or "{}\n", "utf-8")
        found = find_assets(spec)
        assert (found and found.resolve()) == (folder and (in_tmp / folder).resolve())
    for text, code in (
        ("assets: nowhere\n", "file-not-found"),
        ("assets: ../..\n", "path-outside"),
        ("assets: a.yaml\n", "file-not-found"),
    ):
        config.write_text(text, "utf-8")
        with pytest.raises(InvalidInput) as raised:
            find_assets(spec)
        assert raised.value.problems[0].code == code


def test_a_default_folder_that_is_a_link_out_of_the_project_is_refused(in_tmp: Path) -> None:
    project = in_tmp / "project"
    (project / ".git").mkdir(parents=True)
    (in_tmp / "outside" / "workflows").mkdir(parents=True)
    (project / "suprsend").symlink_to(in_tmp / "outside")
    with pytest.raises(InvalidInput) as raised:
        find_assets(project / "a.yaml")
    assert raised.value.problems[0].code == "path-outside"
    (project / "pulled" / "workflows").mkdir(parents=True)
    (project / "suprsend").unlink()
    (project / "suprsend").symlink_to("pulled")
    found = find_assets(project / "a.yaml")
    assert found is not None
    assert found.resolve() == project / "pulled"


@pytest.mark.parametrize(
    "files", [("events/b/event.json", "events/a/event.json"), ("event/event_schema_mapping.json",)]
)
def test_an_event_that_is_declared_twice_is_a_problem(files: tuple[str, ...], tmp_path: Path) -> None:
    for name in files:
        event = {"name": "order_placed"}
        write(tmp_path / name, event if len(files) > 1 else {"events": [event, event]})
    assets, [problem] = read_assets(tmp_path)
    assert list(assets.events or {}) == ["order_placed"]
    assert (problem.code, problem.message) == ("asset-invalid", "the event 'order_placed' is declared twice")
    first = tmp_path / min(files)
    assert problem.hint == f"the first is {first}:1; the name inside a file counts, not that of its folder"


def test_a_schema_that_can_not_be_used_is_a_warning_at_its_place(tmp_path: Path) -> None:
    write(tmp_path / "schemas" / "order" / "payload_schema.json", '{\n"type": "maps"}')
    assets, [problem] = read_assets(tmp_path)
    assert (problem.code, problem.severity, problem.position and problem.position.line) == ("bad-schema", "warning", 2)
    assert list(assets.schemas) == ["order"]


def test_workflows_that_are_not_live_are_found_as_well() -> None:
    assets, _ = read_assets(SHOP / "suprsend")
    [workflow] = assets.listening_to("invoice_issued")
    dead = replace(workflow, is_live=False)
    assert replace(assets, workflows={"invoice": dead}).listening_to("invoice_issued") == (dead,)
