"""Events of a source → the same without what a spec must not, or can't, hold: secrets, and properties of the platform's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.importing.sample import ABSENT
from runner.importing.secret_looking import secrets_in, without_secrets
from runner.suprsend.rules import is_reserved

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from runner.importing.sample import Sample

_MOST_SHARED = 100
"""Each of these secrets is searched in each text."""


def guarded(samples: Iterable[Sample]) -> list[Sample]:
    """Return events without reserved properties, in which what looks like a secret is a hole.

    A secret is one wherever it stands again: in its own event, and, unless there are many, in the others.
    """
    found = [_hidden(_without_reserved(sample), ()) for sample in samples]
    secrets = [frozenset(_secrets_of(sample)) for sample in found]
    shared = frozenset[str]().union(*secrets)
    if len(shared) > _MOST_SHARED:
        shared = frozenset()
    return [
        _hidden(sample, own | shared) if own or shared else sample for sample, own in zip(found, secrets, strict=True)
    ]


def _secrets_of(sample: Sample) -> Iterator[str]:
    values = [*sample.properties.values(), *(value for each in sample.attachments for value in each.values())]
    for value in values:
        yield from secrets_in(value)


def _hidden(sample: Sample, known: Collection[str]) -> Sample:
    key = sample.idempotency_key
    return replace(
        sample,
        properties={key: without_secrets(key, value, known) for key, value in sample.properties.items()},
        attachments=tuple(
            {key: without_secrets(f"attachment_{key}", value, known) for key, value in each.items()}
            for each in sample.attachments
        ),
        idempotency_key=key if key is ABSENT else without_secrets("idempotency", key, known),
    )


def _without_reserved(sample: Sample) -> Sample:
    """Return an event without the properties that no spec can have, and with a question about each."""
    reserved = [key for key in sample.properties if is_reserved(key)]
    if not reserved:
        return sample
    questions = (
        ("properties", f"{key} was left out: such names are the platform's own. Under which name is it needed?")
        for key in reserved
    )
    kept = {key: value for key, value in sample.properties.items() if key not in reserved}
    return replace(sample, properties=kept, questions=(*sample.questions, *questions))
