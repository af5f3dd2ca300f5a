"""Cases: the `tests:` of a spec."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from runner.cases.parametrize import choices, named
from runner.durations import duration_s
from runner.project.files import as_unicode
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from runner.cases.files import CaseFiles
    from runner.source import Node
    from runner.variables import Variable

FROZEN = datetime(2026, 1, 1, tzinfo=UTC)
"""The time of a case without `now:`; a case never reads the clock."""
ROW_FILES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
TABLES = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a case, which sends this spec, or another one by its path relative to this file.

    `own` are the variables of the step, `vars` those of the case updated by them. `rows` are sent as one bulk request, each
    updating `vars`; they may be the path of a file. `expect` is the valid node of the file. Its events are `since` the start
    of the case.
    """

    spec: str | None
    own: dict[str, Given]
    vars: dict[str, Given]
    rows: tuple[dict[str, Given], ...] | Path | None
    expect: Node | None
    since: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Case:
    """One case, with at least one step.

    `name` is unique in its file; a parametrized one is called `name[id]`, and `group` is the name without the id. `vars`
    override those of its `vars_file`. `labels` are those of the spec and its own. `skip` and `xfail` are reasons.
    `volatile` are the paths below the event that are not compared with a cassette. With `parametrize`, it is a template for
    one case per row of that file.
    """

    name: str
    group: str
    vars: dict[str, Given]
    now: datetime | None
    node: Node
    labels: tuple[str, ...]
    skip: str | None
    xfail: str | None
    steps: tuple[Step, ...]
    volatile: tuple[str, ...]
    sandbox: Node | None
    parametrize: Path | None

    @property
    def instant(self) -> datetime:
        """The time at which the case starts."""
        return self.now or FROZEN

    @property
    def expects_messages(self) -> bool:
        """Return whether it expects messages of its events, or none."""
        return any(step.expect is not None and "messages" in step.expect.entries for step in self.steps)

    @property
    def expects_response(self) -> bool:
        """Return whether it expects a response of the platform."""
        return any(step.expect is not None and "response" in step.expect.entries for step in self.steps)

    def chosen(self, choice: str, values: Mapping[str, Given]) -> Case:
        """Return the case for one set of variables."""
        given = {**self.vars, **values}
        steps = tuple(replace(step, vars={**given, **step.own} if step.own else given) for step in self.steps)
        return replace(self, name=named(self.name, choice), vars=given, steps=steps, parametrize=None)


def case_seed(spec: str | PurePath, name: str) -> UUID:
    """Return the seed of a case's ids, made of its spec's path in the project and its name."""
    return uuid5(NAMESPACE_URL, f"case\n{as_unicode(PurePath(spec).as_posix())}\n{name}")


def in_case(name: str) -> str:
    """Return the context of a problem in a case."""
    return f"in case '{name}'"


def read_cases(root: Node, variables: Collection[Variable], files: CaseFiles) -> list[Case]:
    """Return the cases of a valid spec; each set of a `parametrize:` list is a case."""
    tests = root.get("tests")
    return [case for node in (tests.items if tests else ()) for case in _cases(node, root, variables, files)]


def secrets_in_cases(tests: Node, variables: Iterable[Variable], files: CaseFiles) -> list[str]:
    """Return the secret texts in the variables of cases."""
    secret = [variable for variable in variables if variable.is_secret]
    tables = [table for node in tests.items for table in _tables(node, files)] if secret else []
    return [
        text
        for table in tables
        for variable in secret
        if (item := table.get(variable.name)) is not None
        for text in variable.secrets_of(Given.written(item, "a case"))
    ]


def _tables(node: Node, files: CaseFiles) -> Iterator[Node]:
    """Yield each map of variables in a case."""
    steps, choices_ = node.get("steps"), node.get("parametrize")
    for part in (node, *(steps.items if steps else ())):
        given, rows = part.get("vars"), part.get("rows")
        yield from [given] if given else []
        yield from rows.items if rows else []
    yield from choices_.items if choices_ else []
    file = node.get("vars_file")
    table = files.values(file) if file else None
    yield from [table] if table else []


def _cases(node: Node, root: Node, variables: Collection[Variable], files: CaseFiles) -> Iterator[Case]:
    name, now, sets = _text(node, "name") or "", _text(node, "now"), node.get("parametrize")
    origin = f"case '{name}'"
    file = node.get("vars_file")
    table = files.values(file) if file else None
    given = {key: Given.unshown(item, origin) for key, item in table.entries.items()} if table else {}
    given |= _given(node.get("vars"), origin)
    case = Case(
        name=name,
        group=name,
        vars=given,
        now=datetime.fromisoformat(now).astimezone(UTC) if now is not None else None,
        node=node,
        labels=tuple(dict.fromkeys((*_texts(root, "labels"), *_texts(node, "labels")))),
        skip=_text(node, "skip"),
        xfail=_text(node, "xfail"),
        steps=tuple(_steps(node, given, origin, files)),
        volatile=_texts(root, "volatile"),
        sandbox=node.get("sandbox"),
        parametrize=files.table(sets, TABLES) if sets and isinstance(sets.value, str) else None,
    )
    if sets is None or isinstance(sets.value, str):
        yield case
        return
    for choice in choices(sets, {variable.name: variable for variable in variables}):
        yield case.chosen(choice.id, {key: Given.written(item, origin) for key, item in choice.values.items()})


def _steps(case: Node, given: dict[str, Given], origin: str, files: CaseFiles) -> Iterator[Step]:
    steps = case.get("steps")
    since = timedelta()
    for node in steps.items if steps else [case]:
        since += timedelta(seconds=duration_s(_text(node, "after") or "0s")) if steps else timedelta()
        own = _given(node.get("vars"), origin) if steps else {}
        rows = node.get("rows")
        read: tuple[dict[str, Given], ...] | Path | None = None
        if rows is not None:
            is_file = isinstance(rows.value, str)
            read = files.table(rows, ROW_FILES) if is_file else tuple(_given(row, origin) for row in rows.items)
        yield Step(
            _text(node, "spec") if steps else None,
            own,
            {**given, **own} if own else given,
            read,
            node.get("expect"),
            since,
        )


def _given(table: Node | None, origin: str) -> dict[str, Given]:
    return {key: Given.written(item, origin) for key, item in table.entries.items()} if table else {}


def _text(node: Node, key: str) -> str | None:
    found = node.get(key)
    return str(found.value) if found is not None else None


def _texts(node: Node, key: str) -> tuple[str, ...]:
    found = node.get(key)
    return tuple(str(item.value) for item in found.items) if found is not None else ()
