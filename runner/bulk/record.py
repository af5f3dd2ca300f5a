"""The record of a run in the ledger: all inputs that a resume needs besides the run's id."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.bulk.ledger_file import FILE_NAME
from runner.bulk.options import LEAVE_OUT, BulkOptions
from runner.bulk.paths import absolute_path, relative_path
from runner.errors import InvalidInput, Problem, UsageError
from runner.project.files import find_config
from runner.project.private import FOLDER_NAME
from runner.rows.dataset import STDIN, DataFile, Dataset, listed
from runner.suprsend.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from runner.source import Json

STATE_DIR = "RUNNER_STATE_DIR"
_KEYS_HOLD = timedelta(hours=23)
"""The platform remembers a key for 24 hours; an hour is left for sending."""
_BEGIN_ANEW = "or start a new run"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run, with the inputs for a resume.

    `spec` and `rows` are paths that are valid in the working directory; `rows` are as they were given, `-` for the standard
    input, and `files` are the files that they stood for, with the columns of their folders. `arguments`
    are the saved options as JSON. `fingerprints` are digests of the inputs that must not change, by their names. `parent` is
    the run whose failed rows these are, of its sessions up to `parent_session`.
    """

    id: str
    seed: UUID
    started: datetime
    spec: str
    rows: tuple[str, ...]
    arguments: Mapping[str, Json]
    fingerprints: Mapping[str, str]
    parent: str | None = None
    parent_session: int = 0

    @property
    def is_piped(self) -> bool:
        """Whether the rows came from the standard input."""
        return self.rows == (STDIN,)

    @property
    def dataset(self) -> Dataset:
        """The files of rows that the run began with."""
        saved: Any = self.arguments["files"]
        files = [DataFile(relative_path(path), (*map(tuple, partitions),)) for path, partitions in saved]
        query: Any = self.arguments.get("query")
        return Dataset(self.rows, (*files,), query)


@dataclass(frozen=True, slots=True)
class SavedOptions:
    """The saved options of a run, with the names of its secrets but not their values.

    `config` is the `runner.yaml` of the spec, and `project` the folder that its files must lie in.
    """

    var: tuple[str, ...]
    var_json: tuple[str, ...]
    secret: tuple[str, ...]
    vars_file: Path | None
    case: str | None
    profile: str | None
    config: Path | None
    project: Path
    is_sandboxed: bool
    timeout_s: float
    retries: int
    bulk: BulkOptions

    @classmethod
    def of(cls, record: RunRecord) -> SavedOptions:
        """Read the options of a record, with paths that are valid in the working directory."""
        saved: Any = record.arguments
        names = (
            "renamed", "ignore_extra", "limit", "offset", "concurrency", "processes", "rate", "max_failures", "part_rows",
            "linger_s", "sample", "stop_after_s", "cluster", "cluster_requests", "shares_secrets",
        )  # fmt: skip
        return cls(
            var=(*saved["var"],),
            var_json=(*saved["var_json"],),
            secret=(*saved["secret"],),
            vars_file=_path(saved["vars_file"]),
            case=saved["case"],
            profile=saved["profile"],
            config=_path(saved["config"]),
            project=Path(saved["project"]),
            is_sandboxed=saved["sandbox"],
            timeout_s=saved["timeout_s"],
            retries=saved["retries"],
            bulk=BulkOptions(
                dataset=record.dataset,
                results=_path(saved["results"]),
                waiting=Waiting(**saved["waiting"]) if saved.get("waiting") else None,
                **{name: saved[name] for name in names if name in saved},
            ),
        )

    def without_secrets(self, names: Collection[str]) -> SavedOptions:
        """Return the options without the values of these secret variables."""
        var, var_json = (
            tuple(text for text in texts if _name(text) not in names) for texts in (self.var, self.var_json)
        )
        secret = sorted({_name(text) for text in (*self.var, *self.var_json)}.intersection(names))
        return replace(self, var=var, var_json=var_json, secret=(*secret,))

    @property
    def given_names(self) -> frozenset[str]:
        """The names of variables that flags set, also secret ones."""
        return frozenset((*map(_name, (*self.var, *self.var_json)), *self.secret))

    def check_secrets(self, given: Collection[str]) -> None:
        """Raise UsageError for a secret variable that the resume does not set again."""
        for name in self.secret:
            if name not in given:
                message = f"the variable '{name}' must be set again: runs do not store secrets"
                raise UsageError(Problem("usage", message, hint=f"add --var {name}=…"))

    def arguments(self) -> dict[str, Json]:
        """Return the options as JSON, without what was given for the rows, which the record has."""
        bulk = self.bulk
        return {
            "var": [*self.var],
            "var_json": [*self.var_json],
            "secret": [*self.secret],
            "vars_file": _text(self.vars_file),
            "case": self.case,
            "profile": self.profile,
            "config": _text(self.config),
            "project": str(self.project),
            "sandbox": self.is_sandboxed,
            "timeout_s": self.timeout_s,
            "retries": self.retries,
            "files": [
                [absolute_path(file.path), [[name, value] for name, value in file.partitions]]
                for file in bulk.dataset.files
            ],
            "query": bulk.dataset.query,
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
            "waiting": None if bulk.waiting is None else asdict(bulk.waiting),
            "sample": bulk.sample,
            "stop_after_s": bulk.stop_after_s,
            "cluster": bulk.cluster,
            "cluster_requests": bulk.cluster_requests,
            "shares_secrets": bulk.shares_secrets,
        }


def named_folder(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the folder of the ledger from a flag or the environment."""
    named = environ.get(STATE_DIR)
    return given or (Path(named) if named else None)


def ledger_folder(start: Path, config: Path | None) -> Path:
    """Return the folder of the ledger.

    It is beside the `runner.yaml` of `start`, else of the working directory; without one, it is in the working directory,
    or in its only folder that has a ledger.
    """
    found = config or find_config(start) or find_config(Path())
    if found:
        return found.parent / FOLDER_NAME
    here = Path() / FOLDER_NAME
    known = [] if (here / FILE_NAME).exists() else Path().glob(f"*/{FOLDER_NAME}/{FILE_NAME}")
    below = [path for path in known if not path.parents[1].is_symlink()]
    return below[0].parent if start == Path() and len(below) == 1 else here


def check_same(
    record: RunRecord, paths: Sequence[Path], rows: Sequence[str], query: str | None, profile: str | None
) -> None:
    """Raise UsageError for another spec, file of rows, query or profile than that of the run."""
    began_with: Any = record.arguments["profile"]
    others = {
        "spec": (any(not _is_same(str(path), record.spec) for path in paths), record.spec),
        "file of rows": (
            bool(rows)
            and not record.is_piped
            and not (len(rows) == len(record.rows) and all(map(_is_same, rows, record.rows))),
            record.dataset.name,
        ),
        "query": (query not in (None, record.dataset.query), record.dataset.query or "none"),
        "profile": (profile not in (None, began_with), began_with or "none"),
    }
    for what, (is_other, begun) in others.items():
        if is_other:
            message = f"a resume can't use another {what}: run {record.id} began with {begun}"
            raise UsageError(Problem("usage", message, hint=LEAVE_OUT))


def check_parent(record: RunRecord, now: str | None) -> None:
    """Raise InvalidInput for rows that would be sent with the ids of another run than before."""
    if now != record.parent:
        began, comes = (f"run {run}" if run else "no run" for run in (record.parent, now))
        message = f"the rows are from {comes}, but run {record.id} began with rows from {began}"
        raise InvalidInput(Problem("rows-changed", message, hint=f"resume with the same rows, {_BEGIN_ANEW}"))


def check_unchanged(record: RunRecord, now: Mapping[str, str]) -> None:
    """Raise InvalidInput with the inputs that changed since the run began, by their fingerprints.

    With other credentials secrets can't be compared.
    """
    whats = {"spec": f"the spec {record.spec}", "variables": "a variable or the workspace"}
    before = record.fingerprints
    changed = [
        what
        for name, what in whats.items()
        if before[name] != now[name]
        or (name == "variables" and has_same_key(record, now) and before["secrets"] != now["secrets"])
    ]
    if files := _changed_files(record, now["rows"]):
        changed.insert(1 if before["spec"] != now["spec"] else 0, files)
    if changed:
        raise _changed(record, " and ".join(changed), f"resume with the original inputs, {_BEGIN_ANEW}")


def check_rows(record: RunRecord, now: str) -> None:
    """Raise InvalidInput with the files of rows that changed since the run began, by the fingerprint of the rows."""
    if what := _changed_files(record, now):
        raise _changed(record, what)


def _changed(record: RunRecord, what: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput(Problem("run-changed", f"{what} changed since run {record.id} began", hint=hint))


def _changed_files(record: RunRecord, now: str) -> str | None:
    """Return the names of the files that changed, None if none did. A fingerprint of rows has a digest for each file."""
    digests = zip(record.dataset.files, record.fingerprints["rows"].split(), now.split(), strict=True)
    changed = [file.path for file, before, digest in digests if before != digest]
    return f"the file{'s' if len(changed) > 1 else ''} {listed(changed)}" if changed else None


def has_same_key(record: RunRecord, now: Mapping[str, str]) -> bool:
    """Return whether a run began with the credentials of this fingerprint, so that secrets can be compared."""
    return record.fingerprints.get("credentials") == now["credentials"]


def seconds_left(record: RunRecord, options: BulkOptions, now: datetime, *, has_keys: bool) -> float:
    """Return how long a session may begin parts: as long as it is told, else while the platform remembers the run's keys."""
    if options.stop_after_s is not None:
        return options.stop_after_s
    return (record.started + _KEYS_HOLD - now).total_seconds() if has_keys else math.inf


def check_age(record: RunRecord, now: datetime) -> None:
    """Raise UsageError for a run whose keys the platform may have forgotten."""
    if now - record.started > _KEYS_HOLD:
        message = f"run {record.id} began more than 23 hours ago: the platform may have forgotten its keys"
        hint = "events that arrived then would count again; add --yes to send them anyway"
        raise UsageError(Problem("run-too-old", message, hint=hint))


def _name(text: str) -> str:
    return text.partition("=")[0]


def _is_same(one: str, other: str) -> bool:
    return "-" not in (one, other) and os.path.realpath(one) == os.path.realpath(other)


def _text(path: Path | None) -> str | None:
    return None if path is None else absolute_path(str(path))


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(relative_path(text))
