"""Checks of the assets folder: its files are valid, live workflows listen to the events of specs, and schemas are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.doctor.finding import Finding, and_more, failure, skipped, summary_of
from runner.errors import InvalidInput, nearest
from runner.project.config_file import shown_path
from runner.workflows.assets_reader import find_assets, read_assets
from runner.workflows.reach import awaited_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from runner.eventspec import Spec
    from runner.workflows.assets import Assets

ASSETS, EVENTS, SCHEMAS = "assets", "events", "schemas"


def workflows(specs: Sequence[Spec], start: Path, config: Path | None) -> tuple[Finding, ...]:
    """Check the assets folder: its files are valid, events of specs have live workflows, and schemas of specs are its own."""
    try:
        folder = find_assets(start, config)
        if folder is None:
            reason = "there is no assets folder"
            return skipped(ASSETS, reason, _PULL), skipped(EVENTS, _SEE_ASSETS), skipped(SCHEMAS, _SEE_ASSETS)
        assets, problems = read_assets(folder)
    except InvalidInput as error:
        found = failure(ASSETS, summary_of(error.problems), error.problems[0].hint)
        return found, skipped(EVENTS, _SEE_ASSETS), skipped(SCHEMAS, _SEE_ASSETS)
    shown = shown_path(folder)
    events, schemas = _events(specs, assets, shown), _schemas(specs, assets, shown)
    if problems:
        found = Finding(ASSETS, "warning", summary_of(problems), problems[0].hint or f"pull {shown} again")
        # The missing workflow may be in a file that can't be read.
        return found, skipped(EVENTS, _SEE_ASSETS) if events.state == "failed" else events, schemas
    return Finding(ASSETS, "ok", f"{shown} is valid"), events, schemas


_PULL = "pull the workspace's workflows, events, schemas and templates into suprsend/ with the platform's command line"
_SEE_ASSETS = f"not checked: see {ASSETS}"


def _events(specs: Iterable[Spec], assets: Assets, shown: str) -> Finding:
    """Check the names of events that no template makes."""
    if assets.workflows is None:
        return skipped(EVENTS, f"{shown} has no workflows", _PULL)
    names = {name: spec for spec in specs if (name := _fixed_event(spec)) is not None}
    wrong = [f"{names[name].path}: {fault}" for name in sorted(names) for fault in _faults(name, assets)]
    if wrong:
        advice = f"correct the spec, or the workflow; if {shown} is old, pull it again"
        return failure(EVENTS, f"{wrong[0]}{and_more(len(wrong) - 1)}", advice)
    count = f"{len(names):,} event{'' if len(names) == 1 else 's'}"
    return Finding(EVENTS, "ok", f"{count}, each with a live workflow in {shown}")


def _fixed_event(spec: Spec) -> str | None:
    """Return the name of a spec's event; None if a template makes it."""
    node = spec.root.get("event")
    name = node.value if node is not None else None
    return name.strip() if isinstance(name, str) and "{{" not in name and "{%" not in name else None


def _faults(event: str, assets: Assets) -> Iterator[str]:
    """Yield why no live workflow runs on an event, or waits for it."""
    listening = assets.listening_to(event)
    heard = _heard(assets)
    if event in heard:
        return
    if listening:
        states = ", ".join(f"{workflow.slug} is {workflow.status}" for workflow in listening)
        yield f"no live workflow listens to '{event}': {states}"
        return
    is_undeclared = assets.knows_all_events and event not in (assets.events or {})
    text = f"'{event}' is not declared, and " if is_undeclared else ""
    near = nearest(event, heard)
    yield f"{text}no workflow listens to '{event}'{f': did you mean {near!r}?' if near is not None else ''}"


def _heard(assets: Assets) -> dict[str, None]:
    """Return the events that live workflows start on, or wait for."""
    live = [workflow for workflow in (assets.workflows or {}).values() if workflow.is_live]
    return dict.fromkeys(name for each in live for name in (*each.events, *awaited_events(each.nodes)))


def _schemas(specs: Iterable[Spec], assets: Assets, shown: str) -> Finding:
    """Check that the schema of a spec, if it has one, is that of its event in the assets folder."""
    same = 0
    stale: list[str] = []
    for spec in specs:
        event = (assets.events or {}).get(_fixed_event(spec) or "")
        pulled = assets.schemas.get(event.schema) if event is not None and event.schema is not None else None
        if spec.schema_root is None or pulled is None:
            continue
        if spec.schema_root.plain() == pulled.document:
            same += 1
        else:
            stale.append(f"{spec.path}: its schema differs from {pulled.slug} in {shown}, that of the event")
    if stale:
        advice = f"name the file in {shown} as schema: of the spec, or copy it; if {shown} is old, pull it again"
        return Finding(SCHEMAS, "warning", f"{stale[0]}{and_more(len(stale) - 1)}", advice)
    if not same:
        return skipped(SCHEMAS, f"no spec has a schema, and an event with one in {shown}")
    return Finding(SCHEMAS, "ok", f"{same:,} {'schema is that' if same == 1 else 'schemas are those'} of {shown}")
