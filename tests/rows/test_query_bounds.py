"""What a query can't reach: other files, the network, extensions, the environment, this program; and how much it takes."""

from __future__ import annotations

import gc
import io
import os
import resource
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from runner.errors import RunnerError
from runner.rows.dataset import find_dataset
from runner.rows.open_dataset import open_dataset
from runner.rows.query_database import relation_of
from runner.rows.query_rows import _open
from runner.rows.row import BadRow, Row

pytestmark = pytest.mark.usefixtures("in_tmp")

SECRET = "s3cr3t-of-another-file"
FILE_READERS = (
    "read_csv('{0}')", "read_csv_auto('{0}')", "read_text('{0}')", "read_blob('{0}')", "read_json('{0}')", "read_ndjson_objects('{0}')",
    "read_parquet('{0}')", "parquet_scan('{0}')", "parquet_metadata('{0}')", "parquet_schema('{0}')", "parquet_kv_metadata('{0}')",
    "glob('{0}')", "sniff_csv('{0}')", "read_duckdb('{0}')", "sqlite_scan('{0}', 'a')",
)  # fmt: skip


@pytest.fixture(params=["csv", "parquet", "database"])
def source(request: pytest.FixtureRequest) -> str:
    """Write a table `rows` of each kind, beside files that a query must not read."""
    Path("other.csv").write_text(f"a\n{SECRET}\n")
    pq.write_table(pa.table({"a": [SECRET]}), "other.parquet")
    with duckdb.connect("other.duckdb") as connection:
        connection.execute(f"CREATE TABLE rows AS SELECT '{SECRET}' AS a")
    if request.param == "csv":
        Path("rows.csv").write_text("a\nx\n")
    elif request.param == "parquet":
        pq.write_table(pa.table({"a": ["x"]}), "rows.parquet")
    else:
        with duckdb.connect("rows.duckdb") as connection:
            connection.execute("CREATE TABLE rows AS SELECT 'x' AS a")
            connection.execute("CREATE VIEW leak AS FROM read_csv('other.csv')")
            connection.execute("CREATE VIEW leak_here AS FROM 'other.parquet'")
            connection.execute("CREATE MACRO leak_all() AS TABLE FROM read_text('*')")
            connection.execute("CREATE SEQUENCE numbers")
    return f"rows.{'duckdb' if request.param == 'database' else request.param}"


def told(query: str, path: str) -> str:
    """Run a query; tell what it gives, or why it is refused."""
    try:
        with open_dataset(find_dataset([path], query), io.BytesIO()) as rows:
            return repr(list(rows))
    except RunnerError as error:
        return f"refused: {error}"


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_a_query_reads_no_other_file(source: str) -> None:
    before = files()
    for reader in (*FILE_READERS, "'{0}'"):
        assert told(f"SELECT * FROM {reader.format('other.csv')} ORDER BY ALL", source).startswith("refused: "), reader
    for name in NAMES:
        assert told(f"SELECT * FROM '{name}' ORDER BY ALL", source).startswith("refused: "), name
    for expression in (
        "(SELECT max(a) FROM 'other.csv')",
        "(SELECT content FROM read_text('*'))",
        "EXISTS (FROM read_csv('*'))",
    ):
        assert told(f"SELECT {expression} FROM rows ORDER BY 1", source).startswith("refused: ")
    for name in ("leak", "leak_here", "leak_all()"):
        assert told(f"FROM {name} ORDER BY ALL", source).startswith("refused: ")
    assert told("FROM query('FROM read_text(''other.csv'')') ORDER BY ALL", source).startswith("refused: ")
    assert told("FROM query_table('other.csv') ORDER BY ALL", source).startswith("refused: ")
    assert told("FROM other.rows ORDER BY ALL", source).startswith("refused: ")
    assert files() == before


NAMES = (
    "other.csv",
    "other.parquet",
    "other.duckdb",
    "*",
    "x/../other.csv",
    "/etc/passwd",
    "/proc/self/environ",
    "file:///etc/passwd",
)


def test_duckdb_refuses_too_what_the_check_of_the_query_refuses_before(source: str) -> None:
    before = files()
    with ExitStack() as opened:
        connection, _ = _open(
            find_dataset([source], "FROM rows ORDER BY a"), opened.enter_context(TemporaryDirectory()), opened
        )
        relation_of(connection, "FROM rows ORDER BY a")
        statements = [f"FROM {reader.format(name)}" for reader in FILE_READERS for name in NAMES]
        statements += [f"COPY (SELECT 1) TO '{name}.new'" for name in NAMES]
        statements += [f"ATTACH '{name}' AS other" for name in ("other.duckdb", "new.duckdb")]
        statements += [
            "INSTALL httpfs",
            "LOAD httpfs",
            "LOAD 'other.csv'",
            "EXPORT DATABASE 'new'",
            "IMPORT DATABASE 'new'",
        ]
        statements += [
            "SET enable_external_access = true",
            "SET lock_configuration = false",
            "SET threads = 2",
            "RESET memory_limit",
        ]
        statements += [
            "CREATE PERSISTENT SECRET s (TYPE s3)",
            "FROM enable_logging(storage = 'file', storage_path = 'log')",
        ]
        for statement in statements:
            with pytest.raises(duckdb.Error):
                connection.execute(statement).fetchall()
    assert files() == before


def test_a_query_writes_nothing(source: str) -> None:
    before = files()
    for query in (
        "WITH x AS (INSERT INTO rows VALUES ('y') RETURNING a) FROM x ORDER BY a",
        "WITH x AS (DELETE FROM rows RETURNING a) FROM x ORDER BY a",
        "WITH x AS (UPDATE rows SET a = 'y' RETURNING a) FROM x ORDER BY a",
        "SELECT nextval('numbers') AS a ORDER BY a",
        "FROM enable_logging(storage = 'file', storage_path = 'log') ORDER BY ALL",
        "FROM checkpoint() ORDER BY ALL",
        "FROM force_checkpoint() ORDER BY ALL",
        "FROM import_database('other') ORDER BY ALL",
    ):
        assert told(query, source).startswith("refused: "), query
    assert files() == before


def test_a_query_reaches_no_server_and_no_extension(source: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for place in (
            f"http://127.0.0.1:{port}/a.csv",
            f"https://127.0.0.1:{port}/a.parquet",
            f"s3://127.0.0.1:{port}/a.csv",
            f"hf://datasets/x:{port}/a.csv",
        ):
            assert told(f"FROM '{place}' ORDER BY ALL", source).startswith("refused: ")
            assert told(f"FROM read_csv('{place}') ORDER BY ALL", source).startswith("refused: ")
        for query in (
            "FROM read_xlsx('a.xlsx') ORDER BY ALL",
            "SELECT st_point(1, 2) AS a ORDER BY a",
            "FROM postgres_scan('a', 'b', 'c') ORDER BY ALL",
        ):
            assert told(query, source).startswith("refused: ")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody has connected
            server.accept()


def test_a_query_reaches_no_environment_and_no_variable_of_this_program(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPRSEND_WORKSPACE_SECRET", SECRET)
    table = pa.table({"a": [SECRET]})
    for query in (
        "SELECT getenv('SUPRSEND_WORKSPACE_SECRET') AS a ORDER BY a",
        "SELECT getvariable('SUPRSEND_WORKSPACE_SECRET') AS a ORDER BY a",
        "FROM table ORDER BY ALL",
        'FROM "table" ORDER BY ALL',
        "FROM SECRET ORDER BY ALL",
        "FROM python_map_function(1) ORDER BY ALL",
        "FROM pandas_scan(1) ORDER BY ALL",
        "FROM arrow_scan(1, 2, 3) ORDER BY ALL",
        "FROM duckdb_secrets() ORDER BY ALL",
        "FROM duckdb_settings() ORDER BY ALL",
    ):
        assert SECRET not in told(query, source), query
    assert table.num_rows == 1


def test_settings_are_locked() -> None:
    Path("rows.csv").write_text("a\nx\n")
    names = {
        "enable_external_access": "false", "lock_configuration": "true", "threads": "1", "python_enable_replacements": "false",
        "autoload_known_extensions": "false", "autoinstall_known_extensions": "false", "allow_community_extensions": "false",
        "allow_persistent_secrets": "false", "allow_unsigned_extensions": "false",
        "TimeZone": "UTC",
    }  # fmt: skip
    selected = ", ".join(f"current_setting('{name}')::VARCHAR AS \"{name}\"" for name in names)
    with open_dataset(find_dataset(["rows.csv"], f"SELECT {selected} ORDER BY ALL"), io.BytesIO()) as rows:
        [row] = rows
    assert isinstance(row, Row)
    assert row.values == names


def test_no_traces_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    for folder in (home, temporary):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    Path("rows.csv").write_text("a\nx\n")
    code = (
        "import io\nfrom runner.rows.dataset import find_dataset\nfrom runner.rows.open_dataset import open_dataset\n"
        "with open_dataset(find_dataset(['rows.csv'], 'FROM rows ORDER BY a'), io.BytesIO()) as rows: print(len(list(rows)))"
    )
    environ = os.environ | {"HOME": str(home), "TMPDIR": str(temporary)}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert (ended.stdout, ended.stderr) == ("1\n", "")
    assert (list(home.iterdir()), list(temporary.iterdir())) == ([], [])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(capfd: pytest.CaptureFixture[str]) -> None:
    """A sort of a gigabyte goes to the disk, and its rows come in small batches."""
    Path("rows.csv").write_text("a\nx\n")
    query = "SELECT i, repeat('y', 100) AS a FROM range(8000000) t(i) ORDER BY hash(i)"
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    count = 0
    with open_dataset(find_dataset(["rows.csv"], query), io.BytesIO()) as rows:
        for row in rows:
            count += isinstance(row, Row)
            if count == 100_000:
                break
    gc.collect()
    assert count == 100_000
    assert capfd.readouterr() == ("", "")  # no bar of progress, which DuckDB shows after two seconds
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 - before_mb < 1_500


@pytest.mark.slow
def test_a_table_that_exceeds_memory_goes_to_the_disk_and_a_value_that_does_is_refused() -> None:
    Path("rows.csv").write_text("a\nx\n")
    assert told("SELECT repeat('y', 60000000) AS a, i FROM range(1000) t(i) ORDER BY i DESC", "rows.csv") == (
        "refused: the query needs more than 1,024 MB of memory (select fewer columns or rows, or make a table of the result in DuckDB first)"
    )


def test_values_larger_than_any_event_make_bad_rows() -> None:
    Path("rows.csv").write_text("a\nx\n")
    query = "SELECT i, CASE i WHEN 1 THEN repeat('y', 900000) ELSE 'x' END AS a, CASE i WHEN 2 THEN range(2000001) END AS l FROM range(4) t(i) ORDER BY i"
    with open_dataset(find_dataset(["rows.csv"], query), io.BytesIO()) as rows:
        found = [row.problem.code if isinstance(row, BadRow) else row.number for row in rows]
    assert found == [1, "row-too-large", "row-too-large", 4]
