"""Files of the assets folder that name others: schemas, templates, categories and workflows that are not in the folder.

The platform sends nothing without them. Usually only some kinds of assets were pulled; of a kind that is missing altogether
nothing is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Problem, did_you_mean
from runner.workflows.assets import ROOT_CATEGORIES
from runner.workflows.definition import Invoke, Send, SendMulti, SendSmart
from runner.workflows.reach import all_nodes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.source import Node
    from runner.workflows.assets import Assets, Template
    from runner.workflows.definition import Workflow


def link_problems(assets: Assets) -> Iterator[Problem]:
    """Yield a problem for each name that stands for nothing in the folder. Workflows that are not live are left out."""
    for event in (assets.events or {}).values() if assets.schemas else ():
        if event.schema is not None and event.schema not in assets.schemas:
            yield _missing("schema", event.schema, event.source, ("payload_schema", "schema"), assets.schemas)
    for workflow in (assets.workflows or {}).values():
        if workflow.is_live:
            yield from _of_workflow(workflow, assets)


def _of_workflow(workflow: Workflow, assets: Assets) -> Iterator[Problem]:
    known = assets.workflows or {}
    if assets.categories is not None and workflow.category not in (*assets.categories, *ROOT_CATEGORIES):
        yield _missing("category", workflow.category, workflow.source, ("category",), assets.categories)
    for node in all_nodes(workflow.nodes):
        if isinstance(node, Send | SendMulti | SendSmart) and assets.templates is not None:
            template = assets.templates.get(node.template)
            if template is None:
                yield _missing("template", node.template, node.common.source, _TEMPLATE, assets.templates)
            else:
                yield from _of_channels(node, template)
        elif isinstance(node, Invoke) and node.workflow not in known and not assets.may_name(node.workflow):
            yield _missing("workflow", node.workflow, node.common.source, ("properties", "workflow"), known)


_TEMPLATE = ("properties", "template")


def _of_channels(node: Send | SendMulti | SendSmart, template: Template) -> Iterator[Problem]:
    if node.channels and not set(node.channels) & set(template.channels):
        message = f"the template '{template.slug}' has no variant for {' or '.join(node.channels)}"
        hint = f"it has {', '.join(template.channels)}" if template.channels else "it has none at all"
        place = node.common.source.nearest(_TEMPLATE).position()
        yield Problem("asset-missing", message, place, hint=hint, severity="warning")


def _missing(kind: str, name: str, source: Node, path: tuple[str, ...], known: Collection[str]) -> Problem:
    message = f"there is no {kind} '{name}' in the assets folder"
    hint = did_you_mean(name, known, "pull it")
    return Problem("asset-missing", message, source.nearest(path).position(), hint=hint, severity="warning")
