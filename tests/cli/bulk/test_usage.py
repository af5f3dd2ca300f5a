"""Wrong use of `runner send --rows`, and files that break off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.bulk.conftest import SPEC, send, sent, typed, write

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--limit", "0"), ["error[usage]: --limit must be 1 or more, got 0"]),
        (("--offset", "-1"), ["error[usage]: --offset must be 0 or more, got -1"]),
        (("--concurrency", "0"), ["error[usage]: --concurrency must be 1 to 1000, got 0"]),
        (("--concurrency", "1001"), ["error[usage]: --concurrency must be 1 to 1000, got 1001"]),
        (("--processes", "0"), ["error[usage]: --processes must be 1 to 64, got 0"]),
        (("--processes", "65"), ["error[usage]: --processes must be 1 to 64, got 65"]),
        (("--max-failures", "0"), ["error[usage]: --max-failures must be 1 or more, got 0"]),
        (("--fail-fast", "--max-failures", "5"),
         ["error[usage]: --fail-fast and --max-failures can't be used together",
          "  = --fail-fast stops after 1 failure, --max-failures N after N"]),
        *[
            (("--rate", rate), [f"error[usage]: --rate expects events per second, got {rate}", "  = for example --rate 50/s"])
            for rate in ("0", "0.0/s", "-1", "fast", "50/m", "1e3", "nan", "٣")
        ],
        *[
            (("--map", text), [f"error[usage]: --map expects NAME=COLUMN, got {shown}", "  = for example --map user=customer_id"])
            for text, shown in (("user", "user"), ("user=", "user=…"), ("=user", "=…"))
        ],
        (("--limit", "x"), ["error[usage]: Invalid value for '--limit': 'x' is not a whole number",
                            "  = see `runner send --help`"]),
        (("--timeout", "0"), ["error[usage]: --timeout must be more than 0 and at most 86,400 seconds, got 0"]),
        (("--retries", "101"), ["error[usage]: --retries must be 0 to 100, got 101"]),
    ],
)  # fmt: skip
def test_a_wrong_value_is_wrong_use(
    args: tuple[str, ...], told: list[str], cli: CommandLine, server: CapturingServer
) -> None:
    assert typed(cli, "send", "purchase.yaml", "--rows", "five.csv", *args)[:3] == (64, [], told)
    assert server.received == []


def test_rows_take_one_spec(cli: CommandLine) -> None:
    write("other.yaml", SPEC)
    assert typed(cli, "send", "purchase.yaml", "other.yaml", "--rows", "five.csv")[:3] == (
        64,
        [],
        ["error[usage]: --rows takes one spec, got 2"],
    )
    assert typed(cli, "send", "--rows", "five.csv")[:3] == (
        64,
        [],
        ["error[usage]: Missing argument 'SPEC'", "  = see `runner send --help`"],
    )


@pytest.mark.parametrize(
    "args", [("--limit", "1"), ("--results", "r.jsonl"), ("--map", "user=id"), ("--rate", "1"), ("--concurrency", "2")]
)
def test_what_is_about_rows_needs_rows(args: tuple[str, ...], cli: CommandLine, server: CapturingServer) -> None:
    assert typed(cli, "send", "purchase.yaml", "--var", "user=u1", *args).code == 64
    assert server.received == []


def test_a_file_that_is_not_there_is_not_found(cli: CommandLine) -> None:
    assert send(cli, "--rows", "fiv.csv")[:3] == (
        4,
        [],
        ["error[file-not-found]: no such file: fiv.csv", "  = did you mean five.csv?"],
    )
    told = send(cli, "--rows", "five.txt", "-o", "json")
    assert (told.code, [problem["code"] for problem in json.loads(told.raw)["problems"]]) == (4, ["file-not-found"])


def test_a_file_that_breaks_off_is_told_with_the_sum_of_what_was_sent(
    cli: CommandLine, server: CapturingServer
) -> None:
    rows = "".join(f"u{number},{number}\n" for number in range(1, 251))
    ended = send(cli, "--rows", write("rows.csv", f'user,order\n{rows}"u251,251\n'))
    [listed] = json.loads(typed(cli, "runs", "list", "-o", "json").raw)["runs"]
    assert ended.code == 2
    assert (listed["accepted"], listed["unknown"]) == (len(sent(server)), 0)
    assert [line for line in ended.out if " accepted, " in line] != []
