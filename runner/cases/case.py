"""Cases: what a spec's `tests:` say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from runner.cases.parametrize import choices, named
from runner.project.files import as_unicode
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from runner.cases.files import CaseFiles
    from runner.source import Node
    from runner.variables import Variable

FROZEN = datetime(2026, 1, 1, tzinfo=UTC)
"""The instant of a case that names none: a case never reads the clock."""
ROW_FILES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
TABLES = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Step:
    """One sending of a case: of another spec, by its path relative to this one's file, or of this one.

    `own` are the variables that it gives itself, `vars` the case's with its own over them. `rows` are sent as one bulk,
    each over `vars`; of a file of rows the path is here. `expect` is what the file says, its form known to be right.
    """

    spec: str | None
    own: dict[str, Given]
    vars: dict[str, Given]
    rows: tuple[dict[str, Given], ...] | Path | None
    expect: Node | None


@dataclass(frozen=True, slots=True)
class Case:
    """One case, with at least one step.

    `name` is unique in its file; a parametrized one is called `name[id]`, and `group` is the name without the id. `vars`
    stand over those of its `vars_file`.
    `labels` are the spec's and its own. `skip` and `xfail` are reasons. `volatile` are the ways below the event that
    a cassette does not compare. With `parametrize` it stands for as many cases as that file of rows has.
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
        """The instant at which it happens."""
        return self.now or FROZEN

    def chosen(self, choice: str, values: Mapping[str, Given]) -> Case:
        """Give the case for one choice of its variables."""
        given = {**self.vars, **values}
        steps = tuple(replace(step, vars={**given, **step.own} if step.own else given) for step in self.steps)
        return replace(self, name=named(self.name, choice), vars=given, steps=steps, parametrize=None)


def case_seed(spec: str | PurePath, name: str) -> UUID:
    """Give what the ids of a case are made of: its spec's path in the project, and its name."""
    return uuid5(NAMESPACE_URL, f"case\n{as_unicode(PurePath(spec).as_posix())}\n{name}")


def in_case(name: str) -> str:
    """Say where a problem happened."""
    return f"in case '{name}'"


def read_cases(root: Node, variables: Collection[Variable], files: CaseFiles) -> list[Case]:
    """Read the cases of a spec in which no problem was found. Those of a list of choices are each a case."""
    tests = root.get("tests")
    return [case for node in (tests.items if tests else ()) for case in _cases(node, root, variables, files)]


def secrets_in_cases(tests: Node, variables: Iterable[Variable], files: CaseFiles) -> list[str]:
    """List the secret texts that cases give."""
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
    """Give each map of variables to values that a case has."""
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
    for node in steps.items if steps else [case]:
        own = _given(node.get("vars"), origin) if steps else {}
        rows = node.get("rows")
        read: tuple[dict[str, Given], ...] | Path | None = None
        if rows is not None:
            is_file = isinstance(rows.value, str)
            read = files.table(rows, ROW_FILES) if is_file else tuple(_given(row, origin) for row in rows.items)
        yield Step(
            _text(node, "spec") if steps else None, own, {**given, **own} if own else given, read, node.get("expect")
        )


def _given(table: Node | None, origin: str) -> dict[str, Given]:
    return {key: Given.written(item, origin) for key, item in table.entries.items()} if table else {}


def _text(node: Node, key: str) -> str | None:
    found = node.get(key)
    return str(found.value) if found is not None else None


def _texts(node: Node, key: str) -> tuple[str, ...]:
    found = node.get(key)
    return tuple(str(item.value) for item in found.items) if found is not None else ()
