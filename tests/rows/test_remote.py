"""Rows in an object store are those of the same files on this machine, and no byte of another version is read.

The store is a server of S3 in a process of its own, which logs its requests.
"""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tracemalloc
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from runner.errors import InvalidInput, RunnerError
from runner.rows.dataset import find_dataset
from runner.rows.open_dataset import open_dataset
from runner.rows.remote_file import BLOCK_BYTES
from runner.rows.row_file import open_named

if TYPE_CHECKING:
    from runner.rows.row import BadRow, Row
    from tests.servers.object_store import ObjectStore

pytestmark = pytest.mark.usefixtures("in_tmp")


def parquet(table: pa.Table, **options: object) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def both(store: ObjectStore, name: str, content: bytes) -> str:
    """Write a file into the store and into the working directory; give its URL."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content)
    return store.write(name, content)


def read(path: str) -> list[Row | BadRow]:
    with open_named(path) as file:
        return list(file)


def refusal(given: str) -> tuple[type[RunnerError], str, str | None]:
    with pytest.raises(RunnerError) as caught:
        read(find_dataset([given]).files[0].path)
    [problem] = caught.value.problems
    return type(caught.value), problem.message, problem.hint


CSV = b'user,order\nu1,1\nu2,"two\nlines"\nu3\n'
JSONL = b'{"user": "u1", "order": 1}\n{"user": "u2"}\nno\n'
TABLE = pa.table({"user": ["u1", "u2", None], "order": [1, 2, 3]})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", CSV),
        ("rows.tsv", CSV.replace(b",", b"\t")),
        ("rows.csv.gz", gzip.compress(CSV, mtime=0)),
        ("rows.jsonl", JSONL),
        ("rows.jsonl.gz", gzip.compress(JSONL, mtime=0)),
        ("rows.json", b'[{"user": "u1"}, {"user": "u2"}]'),
        ("rows.parquet", parquet(TABLE)),
        ("a b/#1 + %20 ü?.csv", CSV),
    ],
)
def test_each_format_has_the_rows_that_it_has_on_this_machine(name: str, content: bytes, store: ObjectStore) -> None:
    url = both(store, name, content)
    assert repr(read(url)).replace(url, name) == repr(read(name)) != "[]"


@pytest.mark.parametrize("content", [b"", b"user,user\n", b"user\n\xff\n", b"PK\x03\x04"])
def test_a_file_is_refused_as_it_is_on_this_machine(content: bytes, store: ObjectStore) -> None:
    url = both(store, "rows.csv", content)
    with pytest.raises(InvalidInput) as here:
        read("rows.csv")
    with pytest.raises(InvalidInput) as there:
        read(url)
    assert str(there.value).replace(url, "rows.csv") == str(here.value)


TREE = [
    "exports/a.csv", "exports/b.csv", "exports/_SUCCESS", "exports/.part.csv.crc", "exports/_temporary/0.csv",
    "exports/year=2025/month=1/c.csv", "exports/year=2025/month=2/d.csv", "exports/year=2026/month=1/e.csv",
    "exports/year=2026/.hidden/f.csv", "exports/deep/er/g.csv", "exports/_h.csv", "exports-old/a.csv", "orders[1].csv",
    "orders1.csv", "mixed/a.csv", "mixed/notes.txt", "twice/k=1/k=2/a.csv", "top.CSV.gz",
]  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        "exports/year=2025", "exports/year=2025/", "exports/*.csv", "exports/[b-z].csv", "exports/_*.csv", "exports/?.csv",
        "exports/year=*/*/*.csv", "exports/year=*", "exports/year=202?/", "exports/**/month=1/*.csv", "exports/**/*.csv",
        "exports/*/er", "exports*/a.csv", "orders[1].csv", "orders?.csv", "mixed", "mixed/*", "mixed/*.csv", "twice/*/",
        "twice", "t*", "nothing", "nothing/*.csv", "exports", "exports/deep/**/g.csv", "*.csv", "**/g.csv",
        "exports/.*", "*/*/.hidden", "exports/year=2025/*/c.csv", "exports/a.csv",
    ],
)  # fmt: skip
def test_folders_and_patterns_stand_for_the_files_that_they_stand_for_on_this_machine(
    given: str, store: ObjectStore
) -> None:
    for name in TREE:
        both(store, name, b"user\nu1\n")

    def told(prefix: str) -> object:
        try:
            return [(file.path.removeprefix(prefix), file.partitions) for file in find_dataset([prefix + given]).files]
        except RunnerError as error:
            return type(error), str(error).replace(prefix, "")

    assert told("s3://bucket/") == told("")


def test_a_bucket_is_a_folder_and_the_marks_of_empty_folders_are_no_files(store: ObjectStore) -> None:
    store.write("a.csv", CSV)
    store.write("empty/", b"")
    store.write("deep/b.csv", CSV)
    wanted = ["s3://bucket/a.csv", "s3://bucket/deep/b.csv"]
    assert [file.path for file in find_dataset(["s3://bucket"]).files] == wanted
    assert [file.path for file in find_dataset(["s3://bucket/"]).files] == wanted


def test_a_file_that_is_named_twice_is_refused_and_names_that_only_look_alike_are_two_files(store: ObjectStore) -> None:
    url = store.write("a/b.csv", CSV)
    store.write("a//b.csv", CSV)
    with pytest.raises(RunnerError, match=r"^--rows gives the file s3://bucket/a/b\.csv twice \("):
        find_dataset([url, "s3://bucket/a/*.csv"])
    assert len(find_dataset([url, "s3://bucket/a//b.csv"]).files) == 2


def test_files_of_this_machine_and_of_a_store_can_be_one_run(store: ObjectStore) -> None:
    Path("a.csv").write_bytes(CSV)
    dataset = find_dataset(["a.csv", store.write("b=1/b.csv", b"order,user\n7,u7\n")])
    with open_dataset(dataset, io.BytesIO()) as rows:
        rows.keep(["user"], None)
        assert [row.number for row in rows] == [1, 2, 3, 4]
        assert [start.path for start in rows.starts] == ["a.csv", "s3://bucket/b=1/b.csv"]
    assert dataset.size_bytes() == len(CSV) + 16


WIDE = b"user,note\n" + b"".join(b"u%d,%s\n" % (number, b"x" * 90) for number in range(40_000))


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_text_is_read_once_in_bounded_ranges_and_memory(name: str, store: ObjectStore) -> None:
    content = gzip.compress(WIDE, 0) if name.endswith(".gz") else WIDE
    url = store.write(name, content)
    store.requests()
    tracemalloc.start()
    with open_named(url) as file:
        assert sum(1 for _ in file) == 40_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    starts = range(0, len(content), BLOCK_BYTES)
    wanted = [(start, min(start + BLOCK_BYTES, len(content)) - 1) for start in starts]
    assert [each.range for each in store.requests() if each.range] == wanted
    assert len(content) > 3 * BLOCK_BYTES
    assert peak < 12 * BLOCK_BYTES


def test_only_the_chunks_of_the_wanted_columns_of_a_parquet_file_are_read(store: ObjectStore) -> None:
    texts = [f"{number:0>1000}" for number in range(16_000)]
    table = pa.table({"user": [f"u{number}" for number in range(16_000)], "note": texts, "other": texts})
    content = parquet(table, row_group_size=4_000, compression="none", use_dictionary=False)
    url = store.write("rows.parquet", content)
    store.requests()
    with open_named(url) as file:
        file.keep(["user"], None)
        assert sum(1 for _ in file) == 16_000
    ranges = [each.range for each in store.requests() if each.range]
    assert len(content) > 30 * BLOCK_BYTES
    assert len(ranges) == len(set(ranges)) <= 8
    assert sum(last - first + 1 for first, last in ranges) < len(content) / 4


def test_columns_of_a_parquet_file_are_read_side_by_side_without_reading_ranges_again(store: ObjectStore) -> None:
    columns = {f"c{number}": [f"{number}-{row:0>100}" for row in range(10_000)] for number in range(20)}
    content = parquet(pa.table(columns), compression="none", use_dictionary=False)
    url = store.write("rows.parquet", content)
    store.requests()
    with open_named(url) as file:
        assert sum(1 for _ in file) == 10_000
    ranges = [each.range for each in store.requests() if each.range]
    assert len(ranges) == len(set(ranges)) == -(-len(content) // BLOCK_BYTES)


def changed(how: str, after: int) -> str:
    taken = f"only the rows up to {after:,} were read, as they were at first" if after else "no row was read"
    hint = f"{taken}; restore it to resume the run, or start a new run with a file that does not change"
    return f"changed while it was read: {how} ({hint})"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", WIDE),
        ("rows.csv.gz", gzip.compress(WIDE, 0, mtime=0)),
        (
            "rows.parquet",
            parquet(
                pa.table({"user": [f"{n:0>400}" for n in range(9_000)]}),
                row_group_size=100,
                compression="none",
                use_dictionary=False,
            ),
        ),
    ],
)
def test_no_row_of_another_version_is_read(name: str, content: bytes, store: ObjectStore) -> None:
    url = store.write(name, content)
    before = read(url)[:100]
    for change, how in (
        (lambda: store.write(name, content[::-1]), "it was replaced"),
        (lambda: store.write(name, content + b"x"), "it was replaced"),
        (lambda: store.remove(name), "it was removed"),
    ):
        store.write(name, content)
        with open_named(url) as file:
            rows = iter(file)
            assert [*islice(rows, 100)] == before
            change()
            rest: list[object] = []
            with pytest.raises(InvalidInput) as caught:
                rest.extend(rows)
        assert len(rest) < 20_000
        assert str(caught.value) == f"{url} {changed(how, 100 + len(rest))}"


def test_a_change_after_the_last_range_is_noticed_at_the_end(store: ObjectStore) -> None:
    url = store.write("rows.csv", CSV)
    with open_named(url) as file:
        rows = iter(file)
        next(rows)
        store.write("rows.csv", CSV + b"u4,4\n")
        with pytest.raises(InvalidInput) as caught:
            list(rows)
    assert str(caught.value) == f"{url} {changed('it was replaced, and has 39 bytes, not 34', 3)}"


def test_a_file_that_is_replaced_before_its_turn_is_noticed(store: ObjectStore) -> None:
    names = ["a.csv", "b.csv"]
    dataset = find_dataset([store.write(name, b"user\nu1\n") for name in names])
    with open_dataset(dataset, io.BytesIO()) as rows:
        reading = iter(rows)
        next(reading)
        store.write("b.csv", b"user\nu2\n")
        with pytest.raises(InvalidInput) as caught:
            list(reading)
    assert str(caught.value) == f"s3://bucket/b.csv {changed('it was replaced', 0)}"


def test_the_fingerprint_tells_versions_apart_and_reads_nothing(store: ObjectStore) -> None:
    url, again = (store.write(name, CSV) for name in ("a.csv", "b.csv"))
    prints = []
    for each in (url, again, store.write("c.csv", CSV + b"u4,4\n")):
        with open_named(each) as file:
            store.requests()
            prints.append(file.fingerprint())
            assert store.requests() == []
    assert prints[0] == prints[1] != prints[2]
    dataset = find_dataset([url, again])
    with open_dataset(dataset, io.BytesIO()) as rows:
        store.requests()
        assert rows.fingerprint() == f"{prints[0]} {prints[1]}"
        assert store.requests() == []


AWS = "credentials come from the environment, as for the AWS command line: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


def test_what_the_store_refuses_is_told_with_the_url(store: ObjectStore) -> None:
    url = store.write("a.csv", CSV)
    assert refusal("s3://bucket/b.csv")[1:] == ("no such file: s3://bucket/b.csv", None)
    assert refusal("s3://other/b.csv")[1:] == ("no such file: s3://other/b.csv", None)
    assert refusal("s3://other/")[1:] == ("no such file: s3://other", None)
    with store.answering(403, "AccessDenied"):
        denied = refusal(url)
        assert refusal("s3://bucket/*.csv")[1] == "can't read s3://bucket/*.csv: the store refuses access"
    assert denied[1:] == (f"can't read {url}: the store refuses access", AWS)
    with store.answering(503, "SlowDown"):
        assert refusal(url)[1] == f"can't read {url}: the store is overloaded, or limits the rate of requests"
    assert len(store.requests()) < 30
    with store.answering(500, "InternalError"):
        assert refusal(url)[1] == f"can't read {url}: the store failed (OSError)"


def test_a_file_without_a_version_is_refused(store: ObjectStore) -> None:
    url = store.write("a.csv", CSV)
    with store.answering(200, "none"):
        found = refusal(url)
    assert found[1:] == (
        f"the store does not say which version of {url} it has, so a change could not be noticed", "copy it to this machine",
    )  # fmt: skip


def test_without_the_libraries_the_extra_is_named() -> None:
    ended = subprocess.run([sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == [
        "to read s3:// URLs, fsspec and s3fs must be installed (pip install 'suprsend-runner[remote]')",
        "to read gs:// URLs, fsspec and gcsfs must be installed (pip install 'suprsend-runner[remote]' gcsfs)",
    ]


_WITHOUT = """
import sys
from runner.errors import InvalidInput
from runner.rows.dataset import find_dataset

assert not {"fsspec", "s3fs", "botocore", "aiohttp", "asyncio"} & set(sys.modules)
sys.modules["s3fs"] = sys.modules["gcsfs"] = None  # as if they were not there
for url in ("s3://bucket/a.csv", "gs://bucket/a.csv"):
    try:
        find_dataset([url])
    except InvalidInput as error:
        print(error)
"""
