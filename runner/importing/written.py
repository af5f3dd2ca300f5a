"""A draft → the text of its spec, with cases of what was seen, and proof that it renders the very events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import UUID

from runner.errors import InvalidInput, Problem
from runner.eventspec import Occurrence, check, render
from runner.formatting.files import canonical_spec
from runner.importing.derivation import has_template
from runner.importing.inference import exact
from runner.importing.places import filled, is_hidden, is_known
from runner.importing.sample import ABSENT
from runner.importing.yaml_text import Commented, yaml_text
from runner.project.environment import ENV_ALLOWED
from runner.project.files import CONFIG_NAME
from runner.source import read_text
from runner.suprsend.rules import MAX_EVENT_KB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.eventspec import Spec
    from runner.importing.addresses import Pseudonyms
    from runner.importing.draft import Draft
    from runner.importing.sample import Sample, Value
    from runner.source import Json

_MAX_CASES = 3
_MAX_EXPECTED_CHARS = 1500
_MAX_EXPECTED = 12
_UNNAMED = "SECRET"
_ACCEPTED: dict[str, Json] = {"response": {"success": True, "status_code": 202}}
_OCCURRENCE = Occurrence(UUID(int=0), 0, datetime(2026, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class WrittenSpec:
    """A spec as it will be written: its text, what it asks, and the environment variables that it reads."""

    event: str
    text: str
    events: int
    variables: tuple[str, ...]
    questions: tuple[str, ...]
    env: tuple[str, ...]
    cases: int


def written(draft: Draft, stem: str, head: str, pseudonyms: Pseudonyms, *, is_answered: bool = False) -> WrittenSpec:
    """Return the spec of a draft. `stem` is the name of its file, `head` the comment above it.

    `is_answered`: the events were accepted, so its cases expect that, unless the spec needs secrets to be loaded.

    Raises InvalidInput if it does not render the events that it was made of: then no spec can.
    """
    commented = Commented(draft.document)
    if head:
        commented.ask((), head)
    env = _with_env(draft, stem)
    for path, question in draft.asked:
        commented.ask(path, one_line(str(pseudonyms.of(question))))
    if isinstance(declared := draft.document.get("vars"), dict):
        draft.document["vars"] = pseudonyms.of(declared)
    if "description" not in draft.document:
        commented.ask(("version",), "What does this event mean, in a sentence? Write it below, as description:")
    if max(len(exact(wire_of(sample)).encode("utf-8", "replace")) for sample in draft.samples) > MAX_EVENT_KB * 1024:
        commented.ask(("properties",), f"An event has more than {MAX_EVENT_KB} KB, the limit. Which parts are needed?")
    cases = _cases(draft, pseudonyms, _ACCEPTED if is_answered and not env else {})
    if cases:
        draft.document["tests"] = list(cases)
    else:
        commented.ask((), "The source shows no values. Which are typical? Write a case with them under tests:")
    text = yaml_text(commented)
    _prove(draft, text, stem, env)
    text = canonical_spec(read_text(text, f"{stem}.yaml")) or text
    questions = tuple(commented.questions)
    first = draft.samples[0]
    return WrittenSpec(first.event, text, len(draft.samples), tuple(draft.variables), questions, env, len(cases))


def one_line(text: str) -> str:
    """Return a text that can stand in a comment."""
    return "".join(char if char.isprintable() else " " for char in text)[:300]


def _with_env(draft: Draft, stem: str) -> tuple[str, ...]:
    """Declare what looks like a secret as one that comes from the environment."""
    names = []
    table = draft.document.get("vars")
    for variable in draft.variables.values():
        if not variable.is_secret or not isinstance(table, dict):
            continue
        name = f"{stem}_{variable.name}".replace("-", "_").upper().replace("SUPRSEND", "PLATFORM")
        names.append(name if name[0].isalpha() else f"{_UNNAMED}_{name}")
        declared = table[variable.name]
        if isinstance(declared, dict):
            kept = {"type": declared["type"]} if "type" in declared else {}
            optional = {"default": None} if variable.is_optional else {}
            table[variable.name] = {**kept, **optional, "env": names[-1], "secret": True}
    return tuple(names)


def _cases(draft: Draft, pseudonyms: Pseudonyms, also: dict[str, Json]) -> list[Json]:
    """Return cases of the first events, and of those that differ in which values they have. They expect `also` this."""
    cases: list[Json] = []
    forms: set[str] = set()
    names: set[str] = set()
    for index, sample in enumerate(draft.samples):
        if len(cases) == _MAX_CASES:
            break
        values = draft.values(index)
        form = exact([type(value).__name__ for value in (values or {}).values()])
        is_new = form not in forms or (len(cases) < 2 and len(draft.samples) - index <= 2 - len(cases))  # noqa: PLR2004
        if values is None or not is_new:
            continue
        forms.add(form)
        name = one_line(sample.origin)
        if name in names:
            name = f"{name} ({index + 1})"
        names.add(name)
        cases.append(_case(draft, index, values, name, pseudonyms, also))
    return cases


def _case(
    draft: Draft, index: int, values: Mapping[str, Json], name: str, pseudonyms: Pseudonyms, also: dict[str, Json]
) -> Json:
    sample = draft.samples[index]
    table = draft.document.get("vars")
    given: dict[str, Json] = {}
    for variable in draft.variables.values():
        declared = table.get(variable.name) if isinstance(table, dict) else None
        value = pseudonyms.of(values[variable.name])
        default = declared.get("default", ABSENT) if isinstance(declared, dict) else ABSENT
        if not variable.is_secret and (default is ABSENT or exact(default) != exact(value)):
            given[variable.name] = value
    event: dict[str, Json] = {}
    if properties := _expected(sample, pseudonyms):
        event["properties"] = properties
    key = sample.idempotency_key
    if isinstance(key, str):
        event["$idempotency_key"] = pseudonyms.of(key.strip())
    for field in ("tenant_id", "brand_id"):
        if isinstance(text := getattr(sample, field), str):
            event[field] = text
    if not event:
        event["event"] = sample.event.strip()
    return {"name": name, **({"vars": given} if given else {}), "expect": {"event": event, **also}}


def _expected(sample: Sample, pseudonyms: Pseudonyms) -> dict[str, Json]:
    """Return the properties that a case expects: without secrets, and of many the plain ones."""
    found = {
        key: pseudonyms.of(filled(value))
        for key, value in sample.properties.items()
        if is_known(value) and not is_hidden(value) and not _has_dollar(value) and not has_template(value)
    }
    if len(exact(found)) > _MAX_EXPECTED_CHARS:
        plain = [key for key, value in found.items() if not isinstance(value, dict | list)]
        short = [key for key in plain if len(exact(found[key])) <= _MAX_EXPECTED_CHARS // _MAX_EXPECTED]
        found = {key: found[key] for key in short[:_MAX_EXPECTED]}
    return found


def _has_dollar(value: Value) -> bool:
    """Return whether a value has a key that a case would take for a matcher."""
    if isinstance(value, dict):
        return any(key.startswith("$") or _has_dollar(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_dollar, value))


def _prove(draft: Draft, text: str, stem: str, env: tuple[str, ...]) -> None:
    """Load the spec as a file of its own, render each event that was seen, and compare all of it."""
    with TemporaryDirectory() as folder:
        project = Path(folder)
        path = project / f"{stem}.yaml"
        path.write_text(text, "utf-8")
        (project / CONFIG_NAME).write_text(f"{ENV_ALLOWED}: [{', '.join(env)}]\n", "utf-8")
        loaded = check(path, project)
    if loaded.spec is None:
        faults = [problem for problem in loaded.problems if problem.severity == "error"]
        raise InvalidInput(*(_fault(draft, problem) for problem in faults))
    for index, sample in enumerate(draft.samples):
        values = draft.values(index)
        if values is not None:
            _compare(loaded.spec, sample, values)


def _fault(draft: Draft, problem: Problem) -> Problem:
    at = f" at {problem.at}" if problem.at else ""
    message = f"event '{one_line(draft.samples[0].event)}' can't be a spec{at}: {problem.message}"
    return Problem("import-source", message, hint=problem.hint, context=f"in {one_line(draft.samples[0].origin)}")


def _compare(spec: Spec, sample: Sample, values: Mapping[str, Json]) -> None:
    try:
        event = render(spec, values, _OCCURRENCE)
    except InvalidInput as error:
        problem = error.problems[0]
        at = f" at {problem.at}" if problem.at else ""
        message = f"event '{one_line(sample.event)}' can't be a spec{at}: {problem.message}"
        raise InvalidInput(
            Problem("import-source", message, hint=problem.hint, context=f"in {one_line(sample.origin)}")
        ) from None
    made = event.wire("env", _OCCURRENCE.stamp)
    wanted = wire_of(sample)
    if sample.idempotency_key is ABSENT:
        made.pop("$idempotency_key", None)
    shown = made["properties"]
    if isinstance(shown, dict):
        shown.pop("$ss_sdk_version")
    for key in ("$insert_id", "$time", "env"):
        made.pop(key)
    if _sorted(made) != _sorted(wanted):
        message = f"event '{one_line(sample.event)}' can't be made by a spec: its values would change"
        raise InvalidInput(Problem("import-source", message, context=f"in {one_line(sample.origin)}"))


def wire_of(sample: Sample) -> dict[str, Json]:
    """Return an event as it goes over the wire, without what each send adds."""
    properties = {key: filled(value) for key, value in sample.properties.items()}
    if sample.attachments:
        properties["$attachments"] = [_attachment(each) for each in sample.attachments]
    wire: dict[str, Json] = {
        "event": sample.event.strip(),
        "distinct_id": str(filled(sample.distinct_id)).strip(),
        "properties": properties,
    }
    key = sample.idempotency_key
    if key is not ABSENT and key is not None:
        wire["$idempotency_key"] = str(filled(key)).strip()
    for field in ("tenant_id", "brand_id"):
        if (value := getattr(sample, field)) is not None:
            wire[field] = filled(value)
    return wire


def _attachment(attached: Mapping[str, Value]) -> Json:
    return {
        "filename": filled(attached.get("filename")),
        "contentType": None,
        "data": None,
        "url": filled(attached["url"]),
        "ignore_if_error": filled(attached.get("ignore_if_error", False)),
    }


def _sorted(value: object) -> str:
    """Return a text that is the same for equal events, in whichever order their keys stand."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{exact(key)}:{_sorted(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_sorted, value)) + "]"
    return exact(value)
