"""`schema`: inline or in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.eventspec.reader.conftest import HEAD

if TYPE_CHECKING:
    from tests.projects import Project


def test_a_schema_may_stand_inline_or_in_a_file_of_either_format(project: Project) -> None:
    project.write("schemas/s.json", '{"required": ["a"]}')
    project.write("schemas/s.yaml", "required: [a]\n")
    for source in ("{required: [a]}", "schemas/s.json", "schemas/s.yaml"):
        schema = project.spec(f"{HEAD}properties: {{a: 1}}\nschema: {source}\n").schema
        assert schema is not None
        assert [fault.message for fault in schema.faults({})] == ["missing key 'a'"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"properties": {"a": {"minimum": "x"}}}',
         "1:34-37 error[bad-schema] this is not a JSON Schema: 'minimum' must be a number, not text @schema"),
        ("[1]", "1:1-2 error[bad-schema] this is not a JSON Schema: a JSON Schema is a map or a boolean, not a list @schema"),
        ('{"type": ', "1:10-11 error[json-syntax] a JSON value is missing here"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_schema_is_told_in_its_own_file(project: Project, content: str, told: str) -> None:
    project.write("s.json", content)
    assert project.problems(HEAD + "schema: s.json\n") == [f"s.json:{told}"]


def test_an_inline_schema_that_is_none_is_told_at_its_part(project: Project) -> None:
    (told,) = project.problems(HEAD + "schema: {properties: {a: {type: strin}}}\n")
    assert told.startswith("spec.yaml:4:33-38 error[bad-schema] this is not a JSON Schema: ")


def test_an_empty_file_is_no_schema(project: Project) -> None:
    project.write("s.yaml", "")
    assert len(project.problems(HEAD + "schema: s.yaml\n")) == 1


def test_a_schema_that_points_outside_itself_is_refused(project: Project) -> None:
    assert project.problems(HEAD + "schema: {$ref: 'https://example.com/x.json'}\n") == [
        (
            "spec.yaml:4:16-44 error[bad-schema] this is not a JSON Schema: 'https://example.com/x.json' is outside the schema "
            "(move what it refers to under $defs: external references are never followed) @schema"
        )
    ]
