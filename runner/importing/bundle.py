"""The events of all sources → specs, one for each name of an event, with the names of their files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from runner.errors import InvalidInput, Problem
from runner.importing.addresses import Pseudonyms
from runner.importing.draft import drafted
from runner.importing.faults import MAX_SPECS, unusable
from runner.importing.guarding import guarded
from runner.importing.payloads import slug
from runner.importing.sample import ABSENT
from runner.importing.written import written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.importing.sample import Sample
    from runner.importing.written import WrittenSpec

_NOT_SPECS = {
    "runner",
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)),
}
"""Names of files that are something else: our own, and devices of Windows."""


class Bundle(NamedTuple):
    """Specs by the names of their files, the problems of events that can't be specs, and the number of replaced addresses."""

    specs: dict[str, WrittenSpec]
    problems: tuple[Problem, ...]
    addresses: int


def bundled(samples: Iterable[Sample], source: str, *, is_answered: bool = False) -> Bundle:
    """Return the specs of events: one for those with a key, one for those without, since no spec can leave out its key.

    `source` says in a word where they come from; `is_answered`: a server accepted all of them. Raises InvalidInput for too many names.
    """
    by_event: dict[tuple[str, str], list[Sample]] = {}
    for sample in guarded(samples):
        by_event.setdefault((sample.event.strip(), _key_of(sample)), []).append(sample)
    if len(by_event) > MAX_SPECS:
        hint = "import a part of it at a time"
        raise unusable(f"events of {len(by_event):,} different names, more than {MAX_SPECS}", hint)
    specs: dict[str, WrittenSpec] = {}
    problems: list[Problem] = []
    pseudonyms = Pseudonyms()
    for (event, key), found in by_event.items():
        if key == "none" and (event, "given") in by_event:
            question = (
                "event",
                "This event was sent with a key as well, as the other spec of this name says. Is this one on purpose?",
            )
            found = [replace(sample, questions=(*sample.questions, question)) for sample in found]  # noqa: PLW2901
        stem = _stem(event, specs)
        head = (
            f"Written by runner import from {source}: {len(found)} event{'s' if len(found) > 1 else ''} of this name."
        )
        try:
            specs[f"{stem}.yaml"] = written(drafted(found), stem, head, pseudonyms, is_answered=is_answered)
        except InvalidInput as error:
            problems += error.problems
    return Bundle(specs, tuple(problems), pseudonyms.count)


def _key_of(sample: Sample) -> Literal["none", "unknown", "given"]:
    if sample.idempotency_key is None:
        return "none"
    return "unknown" if sample.idempotency_key is ABSENT else "given"


def _stem(event: str, taken: Iterable[str]) -> str:
    stem = slug(event) or "event"
    if stem in _NOT_SPECS:
        stem = f"{stem}-event"
    number = 1
    names = set(taken)
    while f"{stem if number == 1 else f'{stem}-{number}'}.yaml" in names:
        number += 1
    return stem if number == 1 else f"{stem}-{number}"
