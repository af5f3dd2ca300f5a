"""The formats of rows, by the endings of names."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

DELIMITERS = {".csv": ",", ".tsv": "\t"}
LINES = (".jsonl", ".ndjson")
ARRAY = ".json"
PARQUET = ".parquet"
GZIP = ".gz"
DATABASE = ".duckdb"
"""A database: its rows come from a query."""
SUFFIXES = (*DELIMITERS, *LINES, ARRAY, PARQUET)


KINDS = {
    **dict.fromkeys(DELIMITERS, "tables of texts (.csv, .tsv)"),
    **dict.fromkeys((*LINES, ARRAY), "JSON"),
    PARQUET: "Parquet",
}
"""The kind of each format, by its name in messages. Rows of one kind have values of the same types."""


class Suffix(NamedTuple):
    """The ending of a name: one of `SUFFIXES`, and whether `.gz` follows it."""

    format: str
    is_packed: bool

    @property
    def kind(self) -> str:
        """The kind of the format."""
        return KINDS[self.format]

    @property
    def is_table(self) -> bool:
        """Whether a row is a list of texts."""
        return self.format in DELIMITERS


def is_database(path: str) -> bool:
    """Return whether a file is a database, by its name."""
    return PurePath(path).suffix.lower() == DATABASE


def suffix_of(path: str) -> Suffix | None:
    """Return the ending of a file's name, in any case; None if it is not that of rows."""
    suffixes = [suffix.lower() for suffix in PurePath(path).suffixes]
    is_packed = suffixes[-1:] == [GZIP]
    suffix = "".join(suffixes[:-1][-1:] if is_packed else suffixes[-1:])
    return Suffix(suffix, is_packed) if suffix in SUFFIXES and not (is_packed and suffix == PARQUET) else None
