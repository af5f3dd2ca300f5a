"""Cases → their problems, as far as they can be found without running the cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cases.case import ROW_FILES, TABLES, in_case
from runner.cases.matchers import matcher_problems
from runner.cases.messages import message_problems
from runner.cases.parametrize import ID, choices, named
from runner.cases.test_data import test_data_problems
from runner.errors import MAX_HINTS, Problem, did_you_mean, nearest
from runner.source import SchemaError, describe, discreet
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.cases.files import CaseFiles
    from runner.source import Node
    from runner.variables import Variable

    Variables = Mapping[str, Variable | None]

WIRE_KEYS = (
    "event", "distinct_id", "tenant_id", "brand_id", "env", "properties", "$idempotency_key", "$insert_id", "$time",
)  # fmt: skip
_SINGLE = ("success", "status", "status_code", "message", "message_id", "raw_response", "unknown")
_BULK = ("status", "total", "success", "failure", "unknown", "failed_records")
_MOST_VALUES = 1_000_000
"""Limit for the values in all events of a spec's cases, each with the variables of its case, to bound memory."""
_OF_EVENTS = ("event", "exact", "response", "messages", "exactly", "max_bytes", "golden")


def case_problems(tests: Node, variables: Variables, files: CaseFiles) -> Iterator[Problem]:
    """Yield the problems of cases that the format's schema can't find: names, variables, files, matchers, conflicts.

    `variables` has all names of variables; None stands for one with an invalid declaration.
    """
    check = _Check(variables, files)
    names: dict[str, Node] = {}
    for node in tests.items:
        name = node.get("name")
        shown = in_case(name.value) if name is not None and isinstance(name.value, str) else None
        namesakes = list(_namesakes(node, variables, names))
        check.reported += len(namesakes)
        yield from namesakes
        for problem in check.case(node):
            check.reported += 1
            yield replace(problem, context=shown)


def volatile_problems(volatile: Node) -> Iterator[Problem]:
    """Yield the problems of paths that no event has."""
    for number, node in enumerate(volatile.items):
        first = str(node.value).partition(".")[0].partition("[")[0]
        if isinstance(node.value, str) and node.value and first not in WIRE_KEYS:
            near = nearest(first, WIRE_KEYS) if number < MAX_HINTS else None
            hint = f"did you mean '{near}'?" if near else f"did you mean 'properties.{node.value}'?"
            yield Problem("bad-value", f"an event has no '{first}'", node.position(), at="volatile", hint=hint)


def _namesakes(node: Node, variables: Variables, names: dict[str, Node]) -> Iterator[Problem]:
    """Report each name that an earlier case has, and add new ones to `names`."""
    name, sets = node.get("name"), node.get("parametrize")
    if name is None or not isinstance(name.value, str):
        return
    places = [(name.value, name, "")]
    if sets is not None and name.value not in names:
        hint = "; add an `id:` to distinguish them"
        places += [(named(name.value, choice.id), choice.node, hint) for choice in choices(sets, variables)]
    for text, place, hint in places:
        if text in names:
            line = names[text].position().line
            message = f"there are two cases '{text}'"
            yield Problem("duplicate-case", message, place.position(), hint=f"the first is on line {line}{hint}")
        names.setdefault(text, place)


class _Check:
    """Checks cases one by one. `reported` counts the problems, to limit the suggestions for a hostile file."""

    def __init__(self, variables: Variables, files: CaseFiles) -> None:
        self._variables = variables
        self._files = files
        self.reported = 0
        self._values = 0

    def case(self, node: Node) -> Iterator[Problem]:
        yield from _conflict(node, "skip", ("xfail",), "a case that is skipped can't fail")
        for key in ("skip", "xfail"):
            reason = node.get(key)
            if reason is not None and isinstance(reason.value, bool):
                message = f"'{key}' must be text, not a boolean"
                yield Problem("wrong-type", message, reason.position(), at=key, hint="say why")
        yield from _conflict(node, "steps", ("rows", "expect"), "put it into a step")
        yield from _one_golden(node)
        steps = node.get("steps")
        parts = steps.items if steps is not None else [node]
        fails = any(part.get("expect", "error") is not None for part in parts)
        yield from self._vars_file(node.get("vars_file"), fails=fails)
        yield from self._given(node.get("vars"), fails=fails)
        yield from self._parametrize(node.get("parametrize"), fails=fails)
        yield from _instant(node.get("now"))
        yield from self._sandbox(node.get("sandbox"))
        yield from test_data_problems(node)
        for part in parts:
            yield from self._step(part, is_case=steps is None)
        yield from self._size(node, parts)

    def _size(self, node: Node, parts: Sequence[Node]) -> Iterator[Problem]:
        """Report, once in a file, the case at which all cases together become too large."""

        def entries(table: Node | None) -> int:
            return len(table.entries) if table is not None else 0

        file, sets = node.get("vars_file"), node.get("parametrize")
        shared = 1 + entries(node.get("vars")) + (entries(self._files.values(file)) if file is not None else 0)
        of_steps = sum(
            (shared + entries(part.get("vars"))) * max(len(rows.items) if (rows := part.get("rows")) else 1, 1)
            for part in parts
        )
        before = self._values
        self._values += of_steps * max(len(sets.items) if sets is not None else 1, 1)
        if before <= _MOST_VALUES < self._values:
            message = f"all events of the cases together have {self._values:,} values, more than the limit of {_MOST_VALUES:,}"
            yield Problem("bad-value", message, node.position(), hint="send many rows with --rows, outside of cases")

    def _step(self, node: Node, *, is_case: bool) -> Iterator[Problem]:
        expect, rows, spec = node.get("expect"), node.get("rows"), None if is_case else node.get("spec")
        fails = expect is not None and expect.get("error") is not None
        is_other = False
        if spec is not None and isinstance(spec.value, str) and spec.value:
            path = self._files.spec_of_step(spec)
            yield from self._of_files()
            is_other = path is None or not _is_same(path, spec)
        if not is_other:  # the variables of another spec are checked when the case is run
            yield from self._given(None if is_case else node.get("vars"), fails=fails)
            for row in rows.items if rows is not None else ():
                yield from self._given(row, fails=fails)
        if rows is not None and isinstance(rows.value, str) and rows.value:
            self._files.table(rows, ROW_FILES)
            yield from self._of_files()
        if expect is not None:
            yield from self._expect(expect, is_bulk=rows is not None)

    def _expect(self, expect: Node, *, is_bulk: bool) -> Iterator[Problem]:
        yield from _conflict(expect, "error", _OF_EVENTS, "where an error is expected, there is no event")
        if "exact" in expect.entries and not {"event", "error"} & expect.entries.keys():
            message, place = "'exact' applies to 'event', which is missing", expect.key_position("exact")
            yield Problem("missing-key", message, place, hint="add event: {…}")
        yield from self._code(expect)
        for key in ("event", "response"):
            part = expect.get(key)
            for value in part.entries.values() if part is not None else ():
                yield from matcher_problems(value, is_entry=True)
        yield from message_problems(expect)
        response = expect.get("response")
        known, what = (_BULK, "several events") if is_bulk else (_SINGLE, "one event")
        for key in response.entries if response is not None else ():
            if key in (*_SINGLE, *_BULK) and key not in known and response is not None:
                message = f"the response to {what} has no '{key}'"
                yield Problem("unknown-key", message, response.key_position(key), hint=did_you_mean(key, known))
        golden = expect.get("golden")
        if golden is not None and isinstance(golden.value, str) and golden.value:
            self._files.golden(golden)
            yield from self._of_files()

    def _code(self, expect: Node) -> Iterator[Problem]:
        """Report an expected code that does not exist: such a case could never pass."""
        error = expect.get("error")
        code = error.get("code") if error is not None else None
        if code is None or not isinstance(code.value, str):
            return
        from runner.codes import CODES  # noqa: PLC0415 - few specs expect an error

        if code.value not in CODES:
            hint = (
                did_you_mean(code.value, CODES, "`runner explain` lists them all")
                if self.reported < MAX_HINTS
                else None
            )
            message = f"there is no problem code '{code.value}'"
            yield Problem("bad-value", message, code.position(), at="error.code", hint=hint)

    def _parametrize(self, sets: Node | None, *, fails: bool) -> Iterator[Problem]:
        if sets is None:
            return
        if isinstance(sets.value, str) and sets.value:
            self._files.table(sets, TABLES)
            yield from self._of_files()
        for node in sets.items:
            yield from self._given(node.without(*([] if ID in self._variables else [ID])), fails=fails)
            name = node.get(ID)
            if name is not None and (isinstance(name.value, dict | list | bool) or name.value in (None, "")):
                what = "an empty text" if name.value == "" else describe(name.value)
                yield Problem("wrong-type", f"'{ID}' names the case, and must be text, not {what}", name.position())

    def _vars_file(self, file: Node | None, *, fails: bool) -> Iterator[Problem]:
        if file is None or not isinstance(file.value, str) or not file.value:
            return
        table = self._files.values(file)
        yield from self._of_files()
        yield from map(discreet, self._given(table, fails=fails, is_shown=False))

    def _given(self, table: Node | None, *, fails: bool, is_shown: bool = True) -> Iterator[Problem]:
        """Check variables against their declarations, unless the case expects an error."""
        for key, item in table.entries.items() if table is not None else ():
            variable = self._variables.get(key)
            if key not in self._variables:
                message = f"the spec declares no variable '{key}'"
                place = table.key_position(key) if table is not None else None
                hint = did_you_mean(key, self._variables) if self.reported < MAX_HINTS else None
                yield Problem("unknown-variable", message, place, hint=hint)
            elif variable is not None and not fails:
                given = (Given.written if is_shown else Given.unshown)(item, "the case")
                try:
                    yield from variable.problems(given)
                except SchemaError:  # reported at the declaration
                    continue

    def _sandbox(self, sandbox: Node | None) -> Iterator[Problem]:
        schemas = sandbox.get("schemas") if sandbox is not None else None
        for node in schemas.entries.values() if schemas is not None else ():
            if isinstance(node.value, str) and node.value:
                self._files.schema(node)
                yield from self._of_files()

    def _of_files(self) -> Iterator[Problem]:
        """Yield the problems of files since the last call."""
        found = list(self._files.problems)
        self._files.problems.clear()
        yield from found


def _conflict(node: Node, key: str, others: Sequence[str], hint: str) -> Iterator[Problem]:
    """Report keys that exclude each other."""
    wrong = [other for other in others if key in node.entries and other in node.entries]
    if wrong:
        shown = " or ".join(f"'{other}'" for other in wrong)
        message = f"'{key}' and {shown} exclude each other"
        yield Problem("conflicting-keys", message, node.key_position(wrong[0]), hint=hint)


def _one_golden(node: Node) -> Iterator[Problem]:
    """Report a golden file of a parametrized case: each of its cases would overwrite it."""
    steps = node.get("steps")
    for part in steps.items if steps is not None else [node]:
        expect = part.get("expect")
        if "parametrize" in node.entries and expect is not None and "golden" in expect.entries:
            message = "'golden' and 'parametrize' exclude each other: all its cases would be compared with one file"
            hint = "use `event:` with `exact: true`, or a separate case for each golden file"
            yield Problem("conflicting-keys", message, expect.key_position("golden"), hint=hint)


def _instant(now: Node | None) -> Iterator[Problem]:
    if now is not None and isinstance(now.value, str):
        try:
            datetime.fromisoformat(now.value).astimezone(UTC)
        except (ValueError, OverflowError):
            hint = "for example 2026-01-02T03:04:05Z"
            yield Problem("bad-value", f"'{now.value}' is not an instant", now.position(), hint=hint)


def _is_same(path: Path, node: Node) -> bool:
    """Return whether a path leads to the file that contains it."""
    return path.resolve() == Path(node.text.path).resolve()
