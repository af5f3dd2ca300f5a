"""The events of all sources → specs, one for each name of an event, with the names of their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput, Problem
from runner.importing.draft import drafted
from runner.importing.faults import MAX_SPECS, unusable
from runner.importing.payloads import slug
from runner.importing.secret_looking import Pseudonyms
from runner.importing.written import written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.importing.sample import Sample
    from runner.importing.written import WrittenSpec

_NOT_SPECS = {"runner"}
"""Names of files that are something else."""


class Bundle(NamedTuple):
    """Specs by the names of their files, the problems of events that can't be specs, and the number of replaced addresses."""

    specs: dict[str, WrittenSpec]
    problems: tuple[Problem, ...]
    addresses: int


def bundled(samples: Iterable[Sample], source: str) -> Bundle:
    """Return the specs of events. `source` says in a word where they come from. Raises InvalidInput for too many names."""
    by_event: dict[str, list[Sample]] = {}
    for sample in samples:
        by_event.setdefault(sample.event.strip(), []).append(sample)
    if len(by_event) > MAX_SPECS:
        hint = "import a part of it at a time"
        raise unusable(f"events of {len(by_event):,} different names, more than {MAX_SPECS}", hint)
    specs: dict[str, WrittenSpec] = {}
    problems: list[Problem] = []
    pseudonyms = Pseudonyms()
    for event, found in by_event.items():
        stem = _stem(event, specs)
        head = (
            f"Written by runner import from {source}: {len(found)} event{'s' if len(found) > 1 else ''} of this name."
        )
        try:
            specs[f"{stem}.yaml"] = written(drafted(found), stem, head, pseudonyms)
        except InvalidInput as error:
            problems += error.problems
    return Bundle(specs, tuple(problems), pseudonyms.count)


def _stem(event: str, taken: Iterable[str]) -> str:
    stem = slug(event) or "event"
    if stem in _NOT_SPECS:
        stem = f"{stem}-event"
    number = 1
    names = set(taken)
    while f"{stem if number == 1 else f'{stem}-{number}'}.yaml" in names:
        number += 1
    return stem if number == 1 else f"{stem}-{number}"
