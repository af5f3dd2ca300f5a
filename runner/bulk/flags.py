"""The flags of `send` and `render` for rows, as they were typed → the options of a run."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from runner.durations import duration_s
from runner.errors import Problem, UsageError, shown_argument

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.bulk.options import BulkOptions
    from runner.suprsend.waiting import Waiting

_MAX_CONCURRENCY = 1000
_MAX_PROCESSES = 64
_CONCURRENCY = 16
_MAX_LINGER_S = 3600
_NEVER = "never"
_MAX_SAMPLE = 1000
"""Each row of the sample is a request each time the platform is asked."""


class BulkFlags(NamedTuple):
    """The flags, in the order of `--help`. A flag that was not given is None, empty or False."""

    rows: tuple[str, ...] = ()
    query: str | None = None
    map: tuple[str, ...] = ()
    ignore_extra: bool = False
    limit: int | None = None
    offset: int | None = None
    concurrency: int | None = None
    processes: int | None = None
    rate: str | None = None
    fail_fast: bool = False
    max_failures: int | None = None
    results: Path | None = None
    linger: float | None = None
    sample: int | None = None
    stop_after: str | None = None
    progress: Literal["text", "json"] | None = None
    check_keys: bool = False
    cluster: str | None = None
    share_secrets: bool = False
    html: Path | None = None
    by: str | None = None

    @property
    def wants_report(self) -> bool:
        """Whether flags of a report are given."""
        return self.html is not None or self.by is not None

    def names(self) -> list[str]:
        """Return the names of the flags that were given."""
        given = [
            name for name, value in self._asdict().items() if value is not None and value is not False and value != ()
        ]
        return [f"--{name.replace('_', '-')}" for name in given]

    def check_no_rows(self) -> None:
        """Raise UsageError if any flag is given: there is no file of rows."""
        if names := self.names():
            raise UsageError(Problem("usage", f"{names[0]} needs the rows of a file", hint="add --rows FILE"))

    def check_resume(self, *, sandbox: bool, labels: Sequence[str], dry_run: bool) -> None:
        """Raise UsageError for flags that would make another run of it; `labels` and the others are flags of `send`."""
        from runner.bulk.options import LEAVE_OUT  # noqa: PLC0415 - one event is sent without them

        others = (("--sandbox", sandbox), ("--label", labels), ("--dry-run", dry_run))
        for name in [*self.names(), *(name for name, value in others if value)]:
            if name in _FIXED:
                raise UsageError(
                    Problem("usage", f"--resume can't be used with {name}: {_FIXED[name]}", hint=LEAVE_OUT)
                )

    def begin(self, read: Sequence[Path | None], waiting: Waiting | None = None) -> BulkOptions:
        """Return the options of a new run, which also reads the files `read`. Raise UsageError for invalid flags, and the errors of `find_dataset`."""
        from runner.bulk.options import CLUSTER_PART_ROWS, PART_ROWS, BulkOptions  # noqa: PLC0415 - one event is sent without them
        from runner.rows.dataset import find_dataset  # noqa: PLC0415

        pairs = [_rename(text) for text in self.map]
        renamed = dict(pairs)
        if len(renamed) < len(pairs) or len(set(renamed.values())) < len(pairs):
            raise UsageError(Problem("usage", "--map names a variable or a column twice"))
        if self.sample is not None and waiting is None:
            message = "--sample needs --wait: it is the number of rows whose messages are waited for"
            raise UsageError(Problem("usage", message, hint="for example --wait 60s"))
        plain = BulkOptions(
            find_dataset(self.rows, self.query), renamed, self.ignore_extra, self.limit, self.offset or 0, _CONCURRENCY, None, None, None, None, PART_ROWS,
            waiting=waiting,
        )  # fmt: skip
        bulk = self.resumed(plain, read)
        part_rows = PART_ROWS if bulk.cluster is None else CLUSTER_PART_ROWS
        # A slow run sends small requests: at most the rows of a fifth of a second.
        return replace(bulk, part_rows=part_rows if bulk.rate is None else max(1, min(part_rows, int(bulk.rate / 5))))

    def resumed(self, begun: BulkOptions, read: Sequence[Path | None], waiting: Waiting | None = None) -> BulkOptions:
        """Return the options of a run that is resumed and `begun` with others: its rows stay the same. Raise UsageError."""
        from runner.bulk.options import LEAVE_OUT  # noqa: PLC0415

        self._check_numbers()
        if begun.waiting is None and (waiting is not None or self.sample is not None):
            name = "--wait" if waiting is not None else "--sample"
            message = (
                f"--resume can't be used with {name}: the run began without --wait, under keys that other runs may have"
            )
            raise UsageError(Problem("usage", message, hint=LEAVE_OUT))
        if self.fail_fast and self.max_failures is not None:
            hint = "--fail-fast stops after 1 failure, --max-failures N after N"
            raise UsageError(Problem("usage", "--fail-fast and --max-failures can't be used together", hint=hint))
        cluster = self._cluster(begun.cluster)
        results = self.results or begun.results
        if results:
            _check_results(results, [*read, *begun.dataset.local_paths()])
        return replace(
            begun,
            concurrency=self.concurrency or begun.concurrency,
            processes=self.processes or begun.processes,
            rate=begun.rate if self.rate is None else _rate(self.rate),
            max_failures=1 if self.fail_fast else self.max_failures or begun.max_failures,
            results=results,
            linger_s=begun.linger_s if self.linger is None else self.linger,
            waiting=waiting or begun.waiting,
            sample=self.sample or begun.sample,
            stop_after_s=begun.stop_after_s if self.stop_after is None else _stop_after(self.stop_after),
            cluster=cluster,
            cluster_requests=None if cluster is None else self.concurrency or begun.cluster_requests,
            shares_secrets=cluster is not None and (self.share_secrets or begun.shares_secrets),
        )

    def _cluster(self, begun: str | None) -> str | None:
        """Return the cluster of a run that began with one, or with none."""
        if self.cluster is not None or self.share_secrets:
            from runner.bulk.cluster.address import NONE, cluster_address  # noqa: PLC0415 - most runs have none

            begun = None if self.cluster == NONE else self.cluster or begun
            if begun is not None:
                cluster_address(begun)
            if self.share_secrets and begun is None:
                raise UsageError(Problem("usage", "--share-secrets gives secrets to the workers of --cluster"))
        if begun is not None and self.processes is not None:
            hint = "--cluster local:N starts N processes"
            raise UsageError(Problem("usage", "--processes and --cluster can't be used together", hint=hint))
        return begun

    def _check_numbers(self) -> None:
        numbers = {
            "--limit": (self.limit, 1, None),
            "--offset": (self.offset, 0, None),
            "--concurrency": (self.concurrency, 1, _MAX_CONCURRENCY),
            "--processes": (self.processes, 1, _MAX_PROCESSES),
            "--max-failures": (self.max_failures, 1, None),
            "--linger": (self.linger, 0, _MAX_LINGER_S),
            "--sample": (self.sample, 1, _MAX_SAMPLE),
        }
        for name, (number, least, most) in numbers.items():
            if number is not None and not least <= number <= (most or number):
                bounds = f"{least} to {most}" if most else f"{least} or more"
                raise UsageError(Problem("usage", f"{name} must be {bounds}, got {number:g}"))


def _rate(text: str) -> float:
    pace = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(?:/s)?", text)
    if pace is None or not float(pace[1]):
        message = f"--rate expects events per second, got {shown_argument(text)}"
        raise UsageError(Problem("usage", message, hint="for example --rate 50/s"))
    return float(pace[1])


def _stop_after(text: str) -> float:
    if text == _NEVER:
        return math.inf
    try:
        return duration_s(text)
    except ValueError as error:
        raise UsageError(Problem("usage", f"--stop-after: {error}", hint=f"or {_NEVER}")) from None


def _rename(text: str) -> tuple[str, str]:
    name, sign, column = text.partition("=")
    if not (name and sign and column):
        hint = "for example --map user=customer_id"
        raise UsageError(Problem("usage", f"--map expects NAME=COLUMN, got {shown_argument(text)}", hint=hint))
    return name, column


def _check_results(results: Path, read: Sequence[Path | None]) -> None:
    """Raise UsageError if the run reads the file of results.

    Only the spec knows its bases and schemas: their names do not end in .jsonl.
    """
    if results.suffix.lower() != ".jsonl":
        hint = "it is a file of JSON lines: --results results.jsonl"
        raise UsageError(Problem("usage", f"--results {results}: its name must end in .jsonl", hint=hint))
    if results.exists() and any(each and each.exists() and each.samefile(results) for each in read):
        raise UsageError(Problem("usage", f"--results {results}: the run reads this file"))


_SAME = "are those that the run began with"
_FIXED = {
    "--map": f"its columns {_SAME}",
    "--ignore-extra": f"its columns {_SAME}",
    "--check-keys": f"its rows {_SAME}",
    "--limit": f"its rows {_SAME}",
    "--offset": f"its rows {_SAME}",
    "--sandbox": "it sends to where the run began to send",
    "--label": "its spec is the one that the run began with",
    "--dry-run": "it sends what the run has left to send",
}
