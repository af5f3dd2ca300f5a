"""The variables of templates, as builds of the platform's command line write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.workflows.assets_reader import read_assets

if TYPE_CHECKING:
    from pathlib import Path

    from runner.errors import Problem
    from runner.workflows.assets import Template


def template(
    folder: Path, files: dict[str, Any], channel: str = "email", meta: str = "template.json"
) -> tuple[Template, tuple[Problem, ...]]:
    """Return the one template with some files in its default variant, and the problems of its files."""
    root = folder / "templates" / "order"
    files = {meta: {"slug": "order"}, **{f"{channel}/default/{name}": text for name, text in files.items()}}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else json.dumps(text), "utf-8")
    assets, problems = read_assets(folder)
    assert assets.templates is not None
    return assets.templates["order"], problems


def names(found: Template) -> set[str]:
    return {f"{variable.name}{'' if variable.is_required else '?'}" for variable in found.variables}


def content(**fields: Any) -> dict[str, Any]:
    return {"id": "default", "locale": "en", "content": fields}


@pytest.mark.parametrize(
    ("channel", "files", "expected"),
    [
        ("email", {"variant.json": content(subject="{{a}}", body={"type": "raw"}), "body.raw.html": "{{b}}"}, {"a", "b"}),
        ("email", {"variant.json": content(subject="{{a}}", body={"type": "designer"}), "body.raw.html": "{{b}}", "body.designer.html": "{{c}}"}, {"a", "c"}),
        ("email", {"variant.json": content(body={"type": "designer", "raw": {"html": "{{b}}"}, "designer": {"html": "{{c}}"}})}, {"c"}),
        ("email", {"variant.json": content(body={"type": "designer"}), "design.json": {"text": "{{d}}"}, "body.designer.json": {"text": "{{d}}"}, "body.designer.txt": "{{c}}"}, {"c"}),
        ("email", {"variant.json": content(subject="@subject.txt", body={"type": "raw", "raw": {"html": "@body.raw.html"}}), "body.raw.html": "{{b}}"}, {"b"}),
        ("email", {"variant.json": {"id": "default"}, "content.json": {"subject": "{{a}}", "body": {"type": "raw", "raw": {"html": "@content_body_raw_html.html"}}},
                   "content_body_raw_html.html": "{{b}}", "content_body_designer_html.html": "{{c}}", "content_body_designer_design_json.json": {"x": "{{d}}"}}, {"a", "b"}),
        ("inbox", {"variant.json": content(header="{{a.b}}", buttons=[{"text": "{{default c 'x'}}", "url": "https://example.com/{{d}}"}])}, {"a.b", "c?", "d"}),
        ("inbox", {"variant.json": content(header="x"), "body.md": "# {{a}}"}, {"a"}),
        ("slack", {"variant.json": content(body_type="block"), "body.block.json": {"blocks": [{"text": '{{default a "b"}} {{c}}'}]}}, {"a?", "c"}),
        ("slack", {"variant.json": content(body_type="text", body_text="{{a}}", body_block="{{b}}")}, {"a"}),
        ("slack", {"variant.json": content(body_type="block", body_text="{{a}}", body_block='{"blocks": [{"text": "{{b}}"}]}')}, {"b"}),
        ("slack", {"variant.json": content(body_type="block", templating_language="jsonnet"), "body.block.jsonnet": 'local x = data.a; {b: data["c d"], e: data["$brand"].x}'}, {"a?", "c d?"}),
        ("sms", {"variant.json": content(body="{{$recipient.name}} {{$brand.x}} {{a}}")}, {"a"}),
        ("sms", {"variant.json": content(body="x"), "mock_data.json": {"text": "{{a}}"}}, set()),
    ],
)  # fmt: skip
def test_a_template_has_the_variables_that_are_sent(
    channel: str, files: dict[str, Any], expected: set[str], tmp_path: Path
) -> None:
    found, problems = template(tmp_path, files, channel)
    assert (names(found), problems, found.channels) == (expected, (), (channel,))


def test_the_layout_before_is_read_with_its_tenants(tmp_path: Path) -> None:
    files = {
        "variant.json": content(body="{{a}}"),
        "../__tenant_overrides__/acme/default/variant.json": content(body="{{b}}"),
    }
    found, problems = template(tmp_path, files, "sms", "main.json")
    assert (names(found), problems) == ({"a", "b"}, ())


def test_the_place_of_a_variable_is_its_line(tmp_path: Path) -> None:
    files = {"variant.json": json.dumps(content(body="x\n{{a}}"), indent=1), "body.raw.txt": "1\n2\n{{b}}"}
    found, _ = template(tmp_path, files, "sms")
    lines = {variable.name: (variable.path.rpartition("/")[2], variable.line) for variable in found.variables}
    assert lines == {"a": ("variant.json", 5), "b": ("body.raw.txt", 3)}


def test_a_text_that_can_not_be_read_is_a_warning_at_its_place(tmp_path: Path) -> None:
    files = {"variant.json": content(subject="a {{#if b}}"), "body.raw.html": "1\n{{c}}\n{{/if}}"}
    found, problems = template(tmp_path, files)
    assert [(each.code, each.severity) for each in problems] == [("template-unread", "warning")] * 2
    places = [each.position for each in problems]
    assert [(place.path.rpartition("/")[2], place.line) for place in places if place] == [
        ("variant.json", 1),
        ("body.raw.html", 3),
    ]
    assert found.channels == ("email",)


@pytest.mark.parametrize(
    ("enabled", "channels"), [(None, ("email",)), (["email"], ("email",)), (["sms"], ()), ([], ())]
)
def test_only_enabled_channels_are_live(enabled: list[str] | None, channels: tuple[str, ...], tmp_path: Path) -> None:
    files = {
        "variant.json": content(subject="{{a}}"),
        "../../template.json": {"slug": "order", "enabled_channels": enabled},
    }
    found, problems = template(tmp_path, files)
    assert (found.channels, problems) == (channels, ())
