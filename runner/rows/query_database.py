"""A DuckDB that runs one query and reaches nothing but what it was given; its errors as ours.

It has one thread: then rows that the query does not tell apart, and sums of floating-point numbers, come out alike each time.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import duckdb

from runner.errors import InvalidInput, MachineError, Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from runner.errors import RunnerError

QUERY = "--query"
"""The place of a query in messages."""
MEMORY_MB = 1024
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": "1",
    "memory_limit": f"{MEMORY_MB}MB",
    "python_enable_replacements": "false",  # a table's name would find a variable of this program
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
}
_TABLE_FUNCTIONS = frozenset({"generate_series", "json_each", "json_tree", "range", "repeat", "unnest"})
"""Those that need nothing but their arguments. The others read files, settings or other queries."""
_QUERY_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_PLACE = re.compile(r"\n+LINE (\d+): (.*)\n( *)(\^+)")
_VALUES = re.compile(r"""'[^'\n]*'|"[^"\n]*"|(?<!\w)-?\d[\w.+-]*""")


def connect(path: str | None, shown: str, folder: str) -> DuckDBPyConnection:
    """Open a database to read it, or an empty one in memory. What exceeds its memory goes to `folder`.

    Raises InvalidInput and MachineError.
    """
    settings = {**_SETTINGS, "temp_directory": os.path.join(folder, "spill"), "extension_directory": folder}  # noqa: PTH118
    try:
        if path is None:
            connection = duckdb.connect(":memory:", config=settings)
        else:
            settings["enable_external_access"] = "false"
            connection = duckdb.connect(os.path.abspath(path), read_only=True, config=settings)  # noqa: PTH100
    except duckdb.Error as error:
        message = str(error).partition("\n")[0].replace(os.path.abspath(path or ""), shown)  # noqa: PTH100
        if "lock on file" in message:
            hint = "close it there, or query a copy"
            raise MachineError(
                Problem("file-unreadable", f"{shown} is open in another process that writes to it", hint=hint)
            ) from None
        raise InvalidInput(Problem("rows-format", f"can't open {shown}: {message}")) from None
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it would be printed between the data
    return connection


def lock(connection: DuckDBPyConnection, paths: Sequence[str] = ()) -> None:
    """Allow a database in memory to read these files and nothing else."""
    if paths:
        connection.execute(f"SET allowed_paths = [{', '.join(map(quoted_text, paths))}]")
    connection.execute("SET enable_external_access = false")


def check_query(connection: DuckDBPyConnection, query: str) -> None:
    """Raise InvalidInput unless the query is one SELECT statement with an ORDER BY, and reads nothing but tables."""
    try:
        kinds = [statement.type for statement in connection.extract_statements(query)]
        [(serialized,)] = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [query]).fetchall()
    except duckdb.Error as error:
        raise query_error(error, query) from None
    if kinds != [duckdb.StatementType.SELECT]:
        hint = "such as: SELECT user, amount FROM rows ORDER BY user"
        raise InvalidInput(Problem("rows-query", "a query must be one SELECT statement", hint=hint))
    tree = json.loads(serialized)
    if tree["error"]:
        raise InvalidInput(Problem("rows-query", f"the query can't be checked: {tree['error_message']}"))
    node = tree["statements"][0]["node"]
    _check_reads_tables(node)
    while node["type"] == "CTE_NODE":
        node = node["child"]
    if "ORDER_MODIFIER" not in {modifier["type"] for modifier in node["modifiers"]}:
        message = "the query needs an ORDER BY at its end: without it, a resume may get the rows in another order"
        hint = "order by columns that no two rows share, such as: ORDER BY id"
        raise InvalidInput(Problem("rows-query", message, hint=hint))


def _check_reads_tables(node: object) -> None:
    for part in _parts(node):
        kind = part.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _QUERY_NODES:
            raise InvalidInput(Problem("rows-query", "a query can't change tables"))
        if kind == "TABLE_FUNCTION":
            name = str(part["function"]["function_name"])
            if name.lower() not in _TABLE_FUNCTIONS:
                hint = "a query reads the files of --rows and nothing else"
                raise InvalidInput(Problem("rows-query", f"the function {name} can't be used in a query", hint=hint))


def _parts(node: object) -> Iterator[dict[str, Any]]:
    left = [node]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield part
            left += part.values()
        elif isinstance(part, list):
            left += part


def relation_of(connection: DuckDBPyConnection, query: str) -> DuckDBPyRelation:
    """Return the result of a checked query, which is not run yet. From now on no setting can be changed. Raises InvalidInput."""
    try:
        connection.execute("SET lock_configuration = true")
        connection.execute(f"{_DESCRIBE}{query}").fetchall()  # unlike the next call, it knows the places of errors
        return connection.sql(query)
    except duckdb.Error as error:
        raise query_error(error, _DESCRIBE + query) from None


_DESCRIBE = "DESCRIBE\n"


def query_error(error: duckdb.Error, query: str | None, *, is_running: bool = False) -> RunnerError:
    """Return DuckDB's error as ours, with its place in the query if it is one of it. While a query is running, values are not shown."""
    text = str(error)
    if isinstance(error, duckdb.OutOfMemoryException):
        hint = "select fewer columns or rows, or make a table of the result in DuckDB first"
        return InvalidInput(
            Problem("rows-too-large", f"the query needs more than {MEMORY_MB:,} MB of memory", hint=hint)
        )
    found = _PLACE.search(text)
    message, *more = (text[: found.start()] if found else text).strip().split("\n")
    if is_running:
        message = _VALUES.sub("…", message)
        more = []
    if isinstance(error, duckdb.IOException):
        return MachineError(Problem("file-unreadable", f"the query failed: {message}"))
    hints = "\n".join(line.strip() for line in more if line.strip())
    where = _position(found, query) if found and query is not None else None
    return InvalidInput(Problem("rows-query", message, where, hint=hints or None))


def _position(found: re.Match[str], query: str) -> Position | None:
    """Return the place that DuckDB shows: a line of the query, or a part of it between dots."""
    number, shown = int(found[1]), found[2]
    described = query.startswith(_DESCRIBE)
    lines = query.split("\n")
    if number > len(lines):
        return None
    text = lines[number - 1]
    cut = len(_DOTS) if shown.startswith(_DOTS) and not text.startswith(_DOTS) else 0
    start = text.find(shown[cut:].removesuffix(_DOTS))
    column = max(start, 0) + len(found[3]) - len(f"LINE {number}: ") - cut + 1
    return Position(QUERY, number - described, column, column + len(found[4]), text)


_DOTS = "..."


def quoted(name: str) -> str:
    """Return a name as an identifier of SQL."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def quoted_text(text: str) -> str:
    """Return a text as a literal of SQL."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
