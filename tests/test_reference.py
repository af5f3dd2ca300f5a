"""The reference pages of the manual name every command, option, key and package that there is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import typer
from jinja2.filters import FILTERS as STOCK_FILTERS

from runner.cli.main import app_of
from runner.project.format import document
from runner.template.filters import FILTERS
from runner.template.functions import GLOBALS
from tests.pages import PAGES, REPOSITORY
from tests.rooms import HOMES, ROOMS

if TYPE_CHECKING:
    from collections.abc import Iterator


def section(page: str, heading: str) -> str:
    """Return the text below a heading, as far as the next one of its level or a higher one."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = PAGES[page].text.partition(f"\n{heading}\n")
    assert found, f"{page}.md has no heading {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> set[str]:
    """Return what stands in backticks in the first cells of tables."""
    cells = re.findall(r"^\| ([^|]*`[^|]*) \|", text, re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def commands() -> Iterator[tuple[str, Any]]:
    group: Any = typer.main.get_command(app_of())
    for name, command in group.commands.items():
        below = getattr(command, "commands", None)
        if below is None:
            yield name, command
        else:
            yield from ((f"{name} {each}", below[each]) for each in below)


def options_of(command: Any, *, is_shared: bool) -> set[str]:
    shown = [each for each in command.params if isinstance(each, typer.core.TyperOption) and not each.hidden]
    return {name for each in shown if (each.rich_help_panel == "Everywhere") is is_shared for name in each.opts}


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_named_below_its_heading(name: str) -> None:
    text = section("commands", f"## runner {name}")
    if name.startswith("runs "):
        text += "`--state-dir`"
        assert "The `runs` commands take `--state-dir DIR`." in PAGES["commands"].text
    missing = [option for option in options_of(COMMANDS[name], is_shared=False) if not names(text, option)]
    assert missing == []


def names(text: str, option: str) -> bool:
    return re.search(rf"`{option}\b", text) is not None


def test_every_option_of_every_command_is_named_first() -> None:
    text = section("commands", "## Options of every command")
    assert [option for option in options_of(COMMANDS["send"], is_shared=True) if not names(text, option)] == []


def test_every_command_that_the_page_names_exists() -> None:
    headings = re.findall(r"^## runner (.+)$", PAGES["commands"].text, re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


def test_every_key_of_a_spec_is_named() -> None:
    assert first_cells(section("spec", "## Keys")) == set(document()["properties"])


def test_every_key_of_a_case_is_named() -> None:
    [case] = [schema for name, schema in document()["$defs"].items() if name == "case"]
    assert first_cells(section("cases", "## Keys")) == set(case["properties"])
    assert first_cells(section("cases", "## Expect")) == set(case["properties"]["expect"]["properties"])


def test_every_matcher_is_named() -> None:
    matchers = set(document()["$defs"]["matcher"]["properties"])
    assert set(re.findall(r"\$\w+", " ".join(first_cells(section("cases", "## Matchers"))))) == matchers


def test_every_function_of_templates_is_named() -> None:
    functions = {name.partition("(")[0] for name in first_cells(section("templates", "## Functions"))}
    assert functions == set(GLOBALS)


def test_every_filter_that_jinja_lacks_is_explained() -> None:
    explained = "".join(section("templates", f"## {name}") for name in ("Numbers and money", "Dates", "Text"))
    own = set(FILTERS) - set(STOCK_FILTERS)
    assert {name for name in own if not re.search(rf"^\| [^|]*(?:\\\| )?\b{name}\b", explained, re.MULTILINE)} == set()


def test_every_key_of_the_configuration_is_named() -> None:
    schema = json.loads((REPOSITORY / "runner" / "config.schema.json").read_text("utf-8"))["properties"]
    profile = schema["profiles"]["additionalProperties"]["properties"]
    assert first_cells(section("configuration", "### Profiles")) == set(profile)
    assert first_cells(section("configuration", "### Other keys")) == set(schema) - {"profiles"}
    sandbox = section("sandbox", "## What it checks")
    assert [key for key in schema["sandbox"]["properties"] if f"  {key}:" not in sandbox] == []


def test_every_package_is_named_in_the_order_of_imports() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \|(.*)\|$", PAGES["design"].text, re.MULTILINE)
    assert [name for name, _ in rows] == ROOMS
    known = {"vcrpy": "vcr", "jsonschema-rs": "jsonschema_rs"}
    homes = [
        (known.get(library, library), name) for name, libraries in rows for library in libraries.strip().split(", ")
    ]
    assert [pair for pair in homes if pair[0] and pair[1] not in HOMES[pair[0]]] == []


def test_the_page_on_waiting_lists_the_causes_that_wait_prints() -> None:
    """`test --live` prints none of them: the page of its problem leads there."""
    session = (REPOSITORY / "tests" / "sessions" / "rows" / "no-message-for-a-row.txt").read_text("utf-8")
    printed = re.findall(r"^    - (.*)$", session, re.MULTILINE)
    shown = re.findall(r"^    - (.*)$", PAGES["proof"].text, re.MULTILINE)
    assert shown == [cause.replace("u2", "u1") for cause in printed]
