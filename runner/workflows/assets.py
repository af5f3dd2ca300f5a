"""The assets of a project, as the platform's command line pulls them: values. `assets_reader` reads them from a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from json import dumps
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.source import Json, Node
    from runner.suprsend.messages import Channel
    from runner.workflows.definition import Workflow

Preference = Literal["opt_in", "opt_out", "cant_unsubscribe"]
ROOT_CATEGORIES = ("system", "transactional", "promotional")
"""Categories that exist in every workspace; the pulled file may not list them (documentation: "Notification Categories")."""


@dataclass(frozen=True, slots=True)
class DeclaredEvent:
    """An event file: its name, and the slug of the schema that its properties are held to."""

    name: str
    schema: str | None
    source: Node


@dataclass(frozen=True, slots=True)
class PulledSchema:
    """A JSON Schema of properties. `path` is the file that holds the schema itself."""

    slug: str
    document: Json
    path: Path
    source: Node


@dataclass(frozen=True, slots=True)
class TemplateVariable:
    """A variable that a template reads: its dotted path (`order.items[].name`) and the channel that reads it.

    `is_required` means that rendering fails without it. `path` and `line` say where it is read.
    """

    name: str
    channel: Channel
    is_required: bool
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Template:
    """A template: the channels in which it has a live variant, and the event properties that it reads."""

    slug: str
    channels: tuple[Channel, ...]
    variables: tuple[TemplateVariable, ...]
    path: Path


@dataclass(frozen=True, slots=True)
class Category:
    """A notification category. `opt_in_channels` None stands for all channels."""

    slug: str
    default_preference: Preference
    mandatory_channels: tuple[Channel, ...]
    opt_in_channels: tuple[Channel, ...] | None
    digest_schedule: Json = None


class UnreadFile(NamedTuple):
    """A file of events or of a workflow that can't be read; `text` is None if not even its text is known."""

    path: str
    text: str | None
    is_workflow: bool

    def may_name(self, name: str) -> bool:
        """Return whether it may name an event or a workflow."""
        return self.text is None or any(form in self.text for form in (dumps(name), dumps(name, ensure_ascii=False)))


@dataclass(frozen=True, slots=True)
class Assets:
    """What was pulled. A kind that the folder does not have is None: nothing is known of it.

    `events` and `workflows` are by name and slug; `templates`, `schemas` and `categories` by slug.
    """

    folder: Path
    events: Mapping[str, DeclaredEvent] | None = None
    schemas: Mapping[str, PulledSchema] = field(default_factory=dict)
    workflows: Mapping[str, Workflow] | None = None
    templates: Mapping[str, Template] | None = None
    categories: Mapping[str, Category] | None = None
    knows_all_events: bool = False
    """Whether every event of the workspace is in `events`: the older layout has only those with a schema."""
    unread: tuple[UnreadFile, ...] = ()

    def may_name(self, name: str) -> bool:
        """Return whether a file that can't be read may name an event or a workflow, so that its absence elsewhere says nothing."""
        return any(file.may_name(name) for file in self.unread)

    def listening_to(self, event: str) -> tuple[Workflow, ...]:
        """Return the workflows that an event triggers, live or not, in the order of their slugs."""
        found = self.workflows or {}
        return tuple(found[slug] for slug in sorted(found) if event in found[slug].events)
