"""Checks of the assets folder: its files are valid, and a live workflow listens to each event of the specs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.doctor.finding import Finding, and_more, failure, skipped, summary_of
from runner.errors import InvalidInput, nearest
from runner.project.config_file import shown_path
from runner.workflows.assets_reader import find_assets, read_assets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from runner.eventspec import Spec
    from runner.workflows.assets import Assets

ASSETS, EVENTS = "assets", "events"


def workflows(specs: Sequence[Spec], start: Path, config: Path | None) -> tuple[Finding, ...]:
    """Check that the files of the assets folder are valid, and that the events of specs have live workflows in it."""
    try:
        folder = find_assets(start, config)
        if folder is None:
            return skipped(ASSETS, "there is no assets folder", _PULL), skipped(EVENTS, "the workflows are not known")
        assets, problems = read_assets(folder)
    except InvalidInput as error:
        return failure(ASSETS, summary_of(error.problems), error.problems[0].hint), skipped(EVENTS, _SEE_ASSETS)
    shown = shown_path(folder)
    events = _events(specs, assets, shown)
    if problems:
        found = Finding(ASSETS, "warning", summary_of(problems), problems[0].hint or f"pull {shown} again")
        # The missing workflow may be in a file that can't be read.
        return found, skipped(EVENTS, _SEE_ASSETS) if events.state == "failed" else events
    return Finding(ASSETS, "ok", f"{shown} is valid"), events


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
    """Yield why no workflow runs on an event."""
    listening = assets.listening_to(event)
    if any(workflow.is_live for workflow in listening):
        return
    if listening:
        states = ", ".join(f"{workflow.slug} is {workflow.status}" for workflow in listening)
        yield f"no live workflow listens to '{event}': {states}"
        return
    heard = dict.fromkeys(name for workflow in (assets.workflows or {}).values() for name in workflow.events)
    is_undeclared = assets.knows_all_events and event not in (assets.events or {})
    near = nearest(event, heard)
    text = (
        f"'{event}' is not declared, and no workflow listens to it"
        if is_undeclared
        else f"no workflow listens to '{event}'"
    )
    yield f"{text}: did you mean '{near}'?" if near is not None else text
