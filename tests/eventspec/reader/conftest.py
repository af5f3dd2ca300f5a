"""What tests of the reader share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.projects import Project

HEAD = "version: 1\nevent: order_placed\ndistinct_id: u1\n"
RESERVED = "(keys that begin with $ or ss_ are reserved for the platform)"
BASE = """\
version: 1
name: base
labels: [base]
event: base_event
distinct_id: "{{ user }}"
vars: {user: {type: string}, n: {type: integer, default: 1}}
properties: {a: "{{ n }}", b: 1, c: {d: 1}}
tests: [{name: of the base}]
"""
UNRENDERED = """version: 1
{more}vars: {{user: {{type: string}}, color: {{type: string{default}}}}}
event: order_placed
distinct_id: "{{{{ user }}}}"
properties: {{c: "{{{{ color }}}}", {entry}}}
"""


def unrendered(project: Project, entry: str = "b: 1", default: str = "", more: str = "") -> list[str]:
    found = project.load(UNRENDERED.format(entry=entry, default=default, more=more)).problems
    return [f"{problem.severity} {problem.message}" for problem in found if problem.code == "template-not-rendered"]
