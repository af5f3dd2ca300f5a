"""A spec that travels as text makes the same events as the one of the file, without a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from runner.errors import MachineError
from runner.eventspec import Occurrence, Spec, load, load_portable, portable_text, specialize
from runner.run import Prepared, prepare_with
from runner.variables import RowResolver, resolve_fixed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.suprsend.encoding import Encoded
    from tests.projects import Project

SEED = UUID("00000000-0000-4000-8000-000000000001")
NOW = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
REPOSITORY = Path(__file__).parents[2]
SPECS = sorted(
    path for path in (REPOSITORY / "specs").glob("*.yaml") if path.name[0] != "_" and path.name != "runner.yaml"
)


def copied(spec: Spec) -> Spec:
    """Return the spec as another process has it, which could not find a file."""
    return load_portable(Path("/nowhere/on-this-machine.yaml"), portable_text(spec))


def made(spec: Spec, values: Mapping[str, object]) -> tuple[Encoded | list[str], Encoded | None]:
    """Return what a row becomes to which these values are common, in both ways: an event, or what is wrong."""
    resolver = RowResolver(spec.variables, values, {}, None)
    prepared = prepare_with(resolver.resolve({}), spec, Occurrence(SEED, 7, NOW), "ENV", 100, None, None)
    make = specialize(spec, resolver, SEED, NOW, "ENV", 100, None)
    slowly = prepared.encoded if isinstance(prepared, Prepared) else [each.message for each in prepared.problems]
    return slowly, make({}, 7) if make is not None else None


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_of_the_repository(path: Path) -> None:
    spec = load(path, REPOSITORY).spec
    assert spec is not None
    assert spec.cases
    for case in spec.cases:
        fixed = resolve_fixed(spec.variables, [case.vars], {}, {}, ())
        assert made(copied(spec), fixed.values) == made(spec, fixed.values)


def test_bases_lets_and_shared_variables(project: Project) -> None:
    """A let of a base that nothing uses may need a variable that the spec does not declare."""
    project.write("runner.yaml", "vars: {shop: {default: Köln}, unused: {secret: true, default: hidden-value}}\n")
    project.write(
        "_base.yaml",
        "version: 1\nevent: base\ndistinct_id: '{{ user }}'\nlet: {spare: '{{ nothing }}', total: '{{ n * 2 }}'}\n"
        "properties: {shop: '{{ shop }}', total: '{{ total }}'}\n",
    )
    project.write("schema.json", '{"type": "object", "required": ["total"]}')
    spec = project.spec(
        "version: 1\nextends: _base.yaml\nevent: order\nschema: schema.json\nvars: {user: {}, n: {type: integer}}\n"
        "tests: [{name: one, vars: {user: a-value-of-a-case, n: 1}, expect: {event: {event: order}}}]\n"
    )
    text = portable_text(spec)
    assert "hidden-value" not in text
    assert "a-value-of-a-case" not in text
    values = {"user": "u1", "n": 21, "shop": "Köln"}
    assert made(copied(spec), values) == made(spec, values)


def test_names_of_a_spec_without_declarations_are_required_texts(project: Project) -> None:
    spec = project.spec(
        "version: 1\nevent: order\ndistinct_id: '{{ user }}'\nproperties: {a: '{{ b | default(1) }}'}\n"
    )
    again = copied(spec)
    assert [(each.name, each.required) for each in again.variables] == [("user", True), ("b", False)]


def test_a_spec_that_this_version_can_not_read(project: Project) -> None:
    text = portable_text(project.spec("version: 1\nevent: order\ndistinct_id: u1\n")).replace(
        '"version": 1', '"version": 9'
    )
    with pytest.raises(MachineError, match="can't be read as it was sent"):
        load_portable(Path("spec.yaml"), text)
