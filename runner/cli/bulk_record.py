"""The command line of a run ↔ what its record keeps of it, so that a resume needs no more than the run's id."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.bulk.paths import from_here, kept
from runner.cli.bulk_options import BulkOptions
from runner.cli.variables import VariableFlags
from runner.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.bulk.record import RunRecord
    from runner.cli.bulk_options import BulkFlags
    from runner.cli.send import SendOptions
    from runner.eventspec import Spec
    from runner.source import Json


class Kept(NamedTuple):
    """What a record keeps. `config` and `project` are where the spec's profile was looked for, and what bounds its files."""

    flags: VariableFlags
    secret: tuple[str, ...]
    profile: str | None
    config: Path | None
    project: Path
    is_sandboxed: bool
    timeout_s: float
    retries: int
    bulk: BulkOptions

    @classmethod
    def of(
        cls,
        spec: Spec,
        flags: VariableFlags,
        profile: str | None,
        config: Path | None,
        project: Path,
        options: SendOptions,
        bulk: BulkOptions,
    ) -> Kept:
        """Choose what to keep. Of secrets that is only the names."""
        secret = {variable.name for variable in spec.variables if variable.is_secret}
        var, var_json = (
            tuple(text for text in texts if _name(text) not in secret) for texts in (flags.var, flags.var_json)
        )
        named = sorted(secret & {_name(text) for text in (*flags.var, *flags.var_json)})
        public = VariableFlags(var, var_json, flags.vars_file, flags.case)
        return cls(public, (*named,), profile, config, project, options.sandbox, *options.patience(), bulk)

    @classmethod
    def read(cls, record: RunRecord) -> Kept:
        """Take up what a record keeps. Its paths lead on from the working directory."""
        said: Any = record.arguments
        names = (
            "renamed", "ignore_extra", "limit", "offset", "concurrency", "processes", "rate", "max_failures", "part_rows",
            "linger_s",
        )  # fmt: skip
        return cls(
            VariableFlags((*said["var"],), (*said["var_json"],), _path(said["vars_file"]), said["case"]),
            (*said["secret"],),
            said["profile"],
            _path(said["config"]),
            Path(said["project"]),
            said["sandbox"],
            said["timeout_s"],
            said["retries"],
            BulkOptions(
                rows=record.rows, results=_path(said["results"]), **{name: said[name] for name in names if name in said}
            ),
        )

    def arguments(self) -> dict[str, Json]:
        """Write it as JSON, but for the rows, which the record names itself."""
        flags, bulk = self.flags, self.bulk
        return {
            "var": [*flags.var],
            "var_json": [*flags.var_json],
            "secret": [*self.secret],
            "vars_file": _text(flags.vars_file),
            "case": flags.case,
            "profile": self.profile,
            "config": _text(self.config),
            "project": str(self.project),
            "sandbox": self.is_sandboxed,
            "timeout_s": self.timeout_s,
            "retries": self.retries,
            "renamed": dict(bulk.renamed),
            "ignore_extra": bulk.ignore_extra,
            "limit": bulk.limit,
            "offset": bulk.offset,
            "concurrency": bulk.concurrency,
            "processes": bulk.processes,
            "rate": bulk.rate,
            "max_failures": bulk.max_failures,
            "results": _text(bulk.results),
            "part_rows": bulk.part_rows,
            "linger_s": bulk.linger_s,
        }

    def with_given(self, given: VariableFlags) -> VariableFlags:
        """Add the variables that are given to a resume. Raises UsageError for a secret that is missing."""
        again = {_name(text) for text in (*given.var, *given.var_json)}
        for name in self.secret:
            if name not in again:
                message = f"the variable '{name}' must be given again: runs keep no secrets"
                raise UsageError(Problem("usage", message, hint=f"add --var {name}=…"))
        var, var_json = (
            tuple(text for text in texts if _name(text) not in again) for texts in (self.flags.var, self.flags.var_json)
        )
        return VariableFlags(
            (*var, *given.var),
            (*var_json, *given.var_json),
            given.vars_file or self.flags.vars_file,
            given.case or self.flags.case,
        )


def check_resume(bulk: BulkFlags, options: SendOptions) -> None:
    """Refuse flags that would change what a run is. Raises UsageError."""
    names = bulk.names()
    names += [
        name
        for name, value in (("--sandbox", options.sandbox), ("--label", options.labels), ("--dry-run", options.dry_run))
        if value
    ]
    for name in names:
        if name in _FIXED:
            raise UsageError(Problem("usage", f"a resume takes no {name}: {_FIXED[name]}", hint=_LEAVE))


def check_same(record: RunRecord, paths: Sequence[Path], rows: str | None, profile: str | None) -> None:
    """Refuse another spec, file of rows or profile than a run began with. Raises UsageError."""
    said: Any = record.arguments
    others = {
        "spec": (any(not _is_same(str(path), record.spec) for path in paths), record.spec),
        "file of rows": (rows is not None and record.rows != "-" and not _is_same(rows, record.rows), record.rows),
        "profile": (profile not in (None, said["profile"]), said["profile"] or "none"),
    }
    for what, (is_other, begun) in others.items():
        if is_other:
            message = f"a resume takes no other {what}: run {record.id} began with {begun}"
            raise UsageError(Problem("usage", message, hint=_LEAVE))


_SAME = "are those that the run began with"
_FIXED = {
    "--map": f"its columns {_SAME}",
    "--ignore-extra": f"its columns {_SAME}",
    "--limit": f"its rows {_SAME}",
    "--offset": f"its rows {_SAME}",
    "--sandbox": "it sends to where the run began to send",
    "--label": "its spec is the one that the run began with",
    "--dry-run": "it sends what the run has left to send",
}
_LEAVE = "leave it out, or begin a new run"


def _name(text: str) -> str:
    return text.partition("=")[0]


def _is_same(one: str, other: str) -> bool:
    return "-" not in (one, other) and os.path.realpath(one) == os.path.realpath(other)


def _text(path: Path | None) -> str | None:
    return None if path is None else kept(str(path))


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(from_here(text))
