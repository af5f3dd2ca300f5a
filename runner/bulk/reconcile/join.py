"""The rows of a run and what an export shows of their keys, joined on disk, in memory that does not grow with either.

The temporary file holds digests of keys, and keys as they are printed: masked. It is removed at the end.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing, contextmanager
from hashlib import blake2b
from itertools import groupby
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.bulk.reconcile.judgement import Fate, Judgement, Kind, Remark, Rules, Seen, judge
from runner.bulk.reconcile.sightings import SeenMessage, SeenRequest, SeenStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.bulk.reconcile.sightings import Sighting
    from runner.suprsend.answer import State

SKEW_US = 60 * 1_000_000
"""The clocks of this machine and of the platform may differ by this much."""
_KEYS_HOLD_US = 24 * 3600 * 1_000_000
"""The platform remembers a key for 24 hours."""
_SCHEMA = """
    CREATE TABLE rows (row INTEGER PRIMARY KEY, line INTEGER, state TEXT, rank INTEGER, digest BLOB, shown TEXT, asked INTEGER);
    CREATE TABLE messages (
        digest BLOB, id TEXT, status TEXT, channel TEXT, reason TEXT, created_us INTEGER, updated_us INTEGER, execution TEXT,
        slot TEXT, target TEXT, PRIMARY KEY (digest, id)
    ) WITHOUT ROWID;
    CREATE TABLE steps (
        digest BLOB, execution TEXT, name TEXT, level TEXT, reason TEXT, created_us INTEGER, updated_us INTEGER, slot TEXT,
        PRIMARY KEY (digest, execution, name)
    ) WITHOUT ROWID;
    CREATE TABLE requests (
        digest BLOB, created_us INTEGER, updated_us INTEGER, reason TEXT, executions TEXT, PRIMARY KEY (digest, created_us)
    ) WITHOUT ROWID;
    CREATE TABLE findings (
        row INTEGER, line INTEGER, state TEXT, shown TEXT, kind TEXT, reason TEXT, channel TEXT, status TEXT
    );
"""
_TABLES: Mapping[type[Sighting], tuple[str, str]] = {
    SeenMessage: ("messages", "digest, id"),
    SeenStep: ("steps", "digest, execution, name"),
    SeenRequest: ("requests", "digest, created_us"),
}
"""The table of each kind of sighting, and its primary key. The other columns are the kind's fields."""
_RANKS: dict[State, int] = {"accepted": 0, "unknown": 1, "not_sent": 2, "failed": 3}
"""Of rows with one key, the first of these has its messages."""


class RunRow(NamedTuple):
    """A row of a run with its state in the ledger. `key` is None if it makes no event; `shown` is the key masked."""

    row: int
    line: int
    state: State
    key: str | None
    shown: str | None


class RowFinding(NamedTuple):
    """A finding, and the row that it is of."""

    row: int
    line: int
    state: State
    key: str | None
    remark: Remark


class Reason(NamedTuple):
    """How many findings are alike."""

    kind: Kind
    channel: str
    status: str
    reason: str
    times: int


class Join:
    """The rows of a run that began at a time, in microseconds since 1970, and what is seen of their keys.

    First come all rows, then what is seen of them, then the judgement.
    """

    def __init__(self, database: sqlite3.Connection, began_us: int) -> None:
        self._database = database
        self._began_us = began_us
        self.latest_us = began_us
        """When the latest of what was seen came to be."""
        self.others = 0
        """Number of items of other keys, or of none."""
        self.fates: Counter[tuple[State, Fate]] = Counter()
        database.executescript(_SCHEMA)
        self._inserts = {kind: _insert(kind) for kind in _TABLES}

    def add_rows(self, rows: Sequence[RunRow], *, are_asked: bool = True) -> None:
        """Add rows, in any order."""
        self._database.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (row.row, row.line, row.state, _RANKS[row.state], digest_of(row.key), row.shown, are_asked)
                for row in rows
            ],
        )

    def end_rows(self) -> None:
        """Begin to take what is seen."""
        self._database.execute("CREATE INDEX rows_by_key ON rows (digest, rank, row)")

    def count(self, state: State) -> int:
        """Return the number of rows in a state."""
        return int(self._database.execute("SELECT COUNT(*) FROM rows WHERE state = ?", (state,)).fetchone()[0])

    def ask(self, key: str) -> None:
        """Note that a key was looked for."""
        self._database.execute("UPDATE rows SET asked = 1 WHERE digest = ?", (digest_of(key),))

    def add(self, sightings: Iterable[Sighting | None]) -> None:
        """Add what an export shows. Of several versions of an item, the one that was updated last counts."""
        for seen in sightings:
            digest = digest_of(seen.key) if seen is not None else None
            if seen is None or not self._is_known(digest):
                self.others += 1
                continue
            self.latest_us = max(self.latest_us, seen.created_us)
            values = (digest, *seen[1:])
            if isinstance(seen, SeenRequest):
                values = (*values[:-1], "\n".join(seen.executions))
            self._database.execute(self._inserts[type(seen)], values)

    def judge(self, rules: Rules) -> None:
        """Judge every row, once; then `fates`, `findings` and `reasons` are known."""
        without_key = "SELECT state, COUNT(*) FROM rows WHERE digest IS NULL GROUP BY state"
        for state, count in self._database.execute(without_key):
            self.fates[state, "as_recorded"] += count
        seen_by_key = self._seen()
        latest = next(seen_by_key, None)
        rows = self._database.execute(
            "SELECT digest, asked, row, line, state, shown FROM rows WHERE digest IS NOT NULL ORDER BY digest, rank, row"
        )
        for digest, same_key in groupby(rows, key=lambda row: row[0]):
            seen = Seen()
            if latest is not None and latest[0] == digest:
                seen, latest = latest[1], next(seen_by_key, None)
            (_, asked, *first), *others = same_key
            judged = judge(first[2], seen, rules) if asked or not seen.is_empty else Judgement("not_asked")
            self._note(judged, *first)
            for row in others:
                is_sent = row[4] in ("accepted", "unknown")
                self.fates[row[4], "repeated" if is_sent else "as_recorded"] += 1
        self._database.execute("CREATE INDEX findings_by_row ON findings (row)")

    def findings(self, kind: Kind | None = None, most: int = -1) -> Iterator[RowFinding]:
        """Yield the findings of a kind or of all, in the order of the rows."""
        condition, values = ("WHERE kind = ?", (kind, most)) if kind is not None else ("", (most,))
        found = self._database.execute(
            f"SELECT row, line, state, shown, kind, reason, channel, status FROM findings {condition} ORDER BY row, rowid LIMIT ?",  # noqa: S608
            values,
        )
        for row, line, state, shown, *remark in found:
            yield RowFinding(row, line, state, shown, Remark(*remark))

    def kinds(self) -> Counter[Kind]:
        """Return the number of rows with a finding of each kind."""
        counts = "SELECT kind, COUNT(DISTINCT row) FROM findings GROUP BY kind"
        return Counter(dict(self._database.execute(counts).fetchall()))

    def reasons(self, most: int) -> list[Reason]:
        """Return the most frequent reasons, with their number."""
        counts = (
            "SELECT kind, channel, status, reason, COUNT(*) FROM findings"
            " WHERE kind != 'arrived' AND channel || status || reason != ''"
            " GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4 LIMIT ?"
        )
        return [Reason(*found) for found in self._database.execute(counts, (most,))]

    def _note(self, judged: Judgement, row: int, line: int, state: State, shown: str) -> None:
        self.fates[state, judged.fate] += 1
        for remark in judged.remarks:
            self._database.execute(
                "INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (row, line, state, shown, *remark)
            )

    def _is_known(self, digest: bytes | None) -> bool:
        return self._database.execute("SELECT 1 FROM rows WHERE digest = ? LIMIT 1", (digest,)).fetchone() is not None

    def _seen(self) -> Iterator[tuple[bytes, Seen]]:
        """Yield what is seen of each key, in the order of the digests."""
        tables = [(kind, groupby(self._rows_of(table), key=lambda row: row[0])) for kind, (table, _) in _TABLES.items()]
        waiting = [(kind, groups, next(groups, None)) for kind, groups in tables]
        while begun := [group[0] for _, _, group in waiting if group is not None]:
            digest = min(begun)
            found: dict[Any, list[Any]] = {}
            for at, (kind, groups, group) in enumerate(waiting):
                if group is not None and group[0] == digest:
                    found[kind] = [_seen_of(kind, row) for row in group[1]]
                    waiting[at] = (kind, groups, next(groups, None))
            yield digest, self._since(found)

    def _rows_of(self, table: str) -> Iterator[Any]:
        return self._database.execute(f"SELECT * FROM {table} ORDER BY digest")  # noqa: S608 - a table of ours

    def _since(self, found: dict[Any, list[Any]]) -> Seen:
        """Return what is seen since the run began: what is older belongs to an earlier run with the same key."""
        from_us = self._began_us - SKEW_US
        ages = [each.created_us for items in found.values() for each in items if each.created_us]
        was_before = any(self._began_us - _KEYS_HOLD_US <= age < from_us for age in ages)
        kept = {
            kind: [each for each in items if not each.created_us or each.created_us >= from_us]
            for kind, items in found.items()
        }
        return Seen(kept.get(SeenMessage, []), kept.get(SeenStep, []), kept.get(SeenRequest, []), was_before)


@contextmanager
def joined(began_us: int) -> Iterator[Join]:
    """Yield an empty join, whose file lasts until the end of the block."""
    with TemporaryDirectory(prefix="runner-") as folder, closing(sqlite3.connect(f"{folder}/join")) as database:
        database.isolation_level = None
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            database.execute(f"PRAGMA {pragma}")
        database.execute("BEGIN")
        yield Join(database, began_us)


def digest_of(key: str | None) -> bytes | None:
    """Return the digest of a key; None without one."""
    return None if key is None else blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _insert(kind: type[Sighting]) -> str:
    """Return the statement that stores a sighting, unless a later version of it is there."""
    table, identity = _TABLES[kind]
    names = kind._fields[1:]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    marks = ", ".join("?" * (len(names) + 1))
    return (
        f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT ({identity})"  # noqa: S608 - names of ours
        f" DO UPDATE SET {changes} WHERE excluded.updated_us >= {table}.updated_us"
    )


def _seen_of(kind: Any, row: Sequence[Any]) -> Any:
    values = ["", *row[1:]]
    if kind is SeenRequest:
        values[-1] = tuple(filter(None, values[-1].split("\n")))
    return kind(*values)
