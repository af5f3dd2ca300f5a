"""Paths, folders and patterns stand for files of rows: all of them, once, in one order. All files are real."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import InvalidInput, NotFound, RunnerError, UsageError
from runner.rows import dataset as module
from runner.rows.dataset import DataFile, Dataset, find_dataset

pytestmark = pytest.mark.usefixtures("in_tmp")


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def found(*given: str) -> list[str]:
    return [file.path for file in find_dataset(given).files]


def refusal(*given: str) -> tuple[type[RunnerError], str, str | None]:
    with pytest.raises(RunnerError) as caught:
        find_dataset(given)
    [problem] = caught.value.problems
    return type(caught.value), problem.message, problem.hint


def test_a_file_is_itself_and_need_not_be_there() -> None:
    """Whoever opens it reports what is wrong with it, as for any file."""
    assert find_dataset(["orders.csv"]) == Dataset(("orders.csv",), (DataFile("orders.csv"),))


def test_files_are_read_in_the_order_in_which_they_are_given() -> None:
    assert found("b.csv", "a.csv") == ["b.csv", "a.csv"]


def test_a_folder_stands_for_all_files_below_it_sorted() -> None:
    touch("exports/b.csv", "exports/a.csv", "exports/2026/c.csv.gz", "exports/2025/d.CSV")
    assert found("exports") == [
        "exports/2025/d.CSV", "exports/2026/c.csv.gz", "exports/a.csv", "exports/b.csv",
    ]  # fmt: skip
    assert found("./exports/") == [
        "./exports/2025/d.CSV", "./exports/2026/c.csv.gz", "./exports/a.csv", "./exports/b.csv",
    ]  # fmt: skip


def test_what_other_tools_leave_in_a_folder_does_not_count() -> None:
    touch("exports/_SUCCESS", "exports/.part.csv.crc", "exports/_temporary/0.csv", "exports/a.csv")
    assert found("exports") == ["exports/a.csv"]


def test_a_pattern_stands_for_its_matches_sorted() -> None:
    touch("exports/b.csv", "exports/a.csv", "exports/a.jsonl", "exports/deep/c.csv")
    assert found("exports/*.csv") == ["exports/a.csv", "exports/b.csv"]
    assert found("exports/**/*.csv") == ["exports/a.csv", "exports/b.csv", "exports/deep/c.csv"]
    assert found("exports/[b-z].csv") == ["exports/b.csv"]
    assert found("exp*/deep") == ["exports/deep/c.csv"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file() -> None:
    touch("orders[1].csv", "orders1.csv")
    assert found("orders[1].csv") == ["orders[1].csv"]


def test_links_lead_to_files_and_a_circle_of_them_ends() -> None:
    touch("elsewhere/a.csv", "exports/b.csv")
    Path("exports/linked").symlink_to(Path("elsewhere").absolute())
    Path("exports/linked.csv").symlink_to(Path("exports/linked/a.csv").absolute())
    Path("elsewhere/back").symlink_to(Path("exports").absolute())
    assert refusal("exports") == (
        UsageError,
        "--rows gives the file exports/linked/a.csv twice, also as exports/linked.csv",
        "its rows would be sent twice",
    )
    Path("exports/linked.csv").unlink()
    assert found("exports") == ["exports/b.csv", "exports/linked/a.csv"]


@pytest.mark.parametrize(
    ("path", "partitions"),
    [
        ("exports/country=de/a.csv", {"country": "de"}),
        ("exports/year=2026/month=11/a.csv", {"year": "2026", "month": "11"}),
        ("exports/name=a%3Db%2Fc%20d/a.csv", {"name": "a=b/c d"}),
        ("exports/a%20b=1/a.csv", {"a b": "1"}),
        ("exports/country=/a.csv", {"country": ""}),
        ("exports/country=__HIVE_DEFAULT_PARTITION__/a.csv", {"country": None}),
        ("exports/day=2026-11-28T10%3A00/a.csv", {"day": "2026-11-28T10:00"}),
        ("exports/plain/=x/a.csv", {}),
        ("exports/a=b.csv", {}),
    ],
)
def test_folders_give_columns(path: str, partitions: dict[str, str | None]) -> None:
    touch(path)
    assert find_dataset(["exports"]).files == (DataFile(path, (*partitions.items(),)),)


def test_only_folders_below_what_was_given_give_columns() -> None:
    path = "exports/year=2026/month=11/a.csv"
    touch(path)
    for given, columns in {
        "exports": ["year", "month"],
        "exports/year=2026": ["month"],
        "exports/*": ["year", "month"],
        "exports/year=*/month=11/*.csv": ["year", "month"],
        "exports/year=2026/*/a.csv": ["month"],
        path: [],
    }.items():
        [file] = find_dataset([given]).files
        assert [name for name, _ in file.partitions] == columns, given


@pytest.mark.parametrize(
    ("files", "given", "expected"),
    [
        (["exports/_SUCCESS"], ["exports"], (NotFound, "no files of rows in exports", "names that begin with _ or . don't count")),
        ([], ["exports/*.csv"], (NotFound, "no file matches exports/*.csv", None)),
        (["a.csv"], ["a.csv", "./a.csv"], (UsageError, "--rows gives the file ./a.csv twice, also as a.csv", "its rows would be sent twice")),
        (["a.csv"], ["a.csv", "a.csv"], (UsageError, "--rows gives the file a.csv twice", "its rows would be sent twice")),
        (["a.csv"], ["a.csv", "-"], (UsageError, "--rows - is the standard input, and can't be used with other files", None)),
        (
            ["exports/notes.txt", "exports/a.csv"], ["exports"],
            (InvalidInput, "unsupported file type in a folder of rows: exports/notes.txt",
             "expected .csv, .tsv, .jsonl, .ndjson, .json, .parquet; choose files with a pattern: --rows 'exports/*.csv'"),
        ),
        (
            ["exports/a=1/a=2/x.csv"], ["exports"],
            (InvalidInput, "two folders of exports/a=1/a=2/x.csv give the column 'a'", None),
        ),
        (
            ["exports/a=1/x.csv", "exports/b=1/x.csv"], ["exports"],
            (InvalidInput, "the folders of exports/a=1/x.csv give 'a', those of exports/b=1/x.csv 'b'", "send them in runs of their own"),
        ),
        (
            ["exports/a=1/x.csv", "exports/x.csv"], ["exports"],
            (InvalidInput, "the folders of exports/a=1/x.csv give 'a', those of exports/x.csv no columns", "send them in runs of their own"),
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_meant_is_refused(
    files: list[str], given: list[str], expected: tuple[type[RunnerError], str, str | None]
) -> None:
    touch(*files)
    assert refusal(*given) == expected


def test_the_number_of_files_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    touch("exports/a.csv", "exports/b.csv")
    monkeypatch.setattr(module, "MAX_FILES", 1)
    assert refusal("exports") == (InvalidInput, "2 files; a run reads 1 at most", "give them to several runs")


def test_the_name_of_a_dataset_lists_the_first_paths() -> None:
    names = [Dataset(given).name for given in (("-",), ("a.csv",), ("a", "b"), ("a", "b", "c"), ("a", "b", "c", "d"))]
    assert names == ["the standard input", "a.csv", "a and b", "a, b and c", "a, b and 2 more"]
