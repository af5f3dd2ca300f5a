"""What an `Output` lets through: a body to the byte, a long answer cut, no secret, one document."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

import pytest

from runner.errors import ExitCode, InvalidInput, Problem
from runner.report import Format, Output
from runner.report.outcomes import show_outcomes
from runner.run import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator


def masked_body(body: str, *secrets: str) -> str:
    output = Output(io.StringIO(), io.StringIO())
    output.hide(secrets)
    return output.masked_body(body.encode())


@pytest.mark.parametrize("body", ['{"a":1.10,"b":"\\u00e9\\/","c":[1e2, {}]}', '{"a": "s3cr3", "b": 1}', '"é"'])
def test_a_body_without_a_secret_stays_as_it_is_to_the_byte(body: str) -> None:
    assert masked_body(body) == body
    assert masked_body(body, "s3cr3t", "1234") == body


def test_a_body_is_masked_by_its_values_however_they_are_escaped() -> None:
    body = json.dumps({"a": 'x<&>"\n', "x<&>": "x&lt;&amp;&gt;&#34;\n", "n": 1234.0, "é": 1})
    assert masked_body(body, 'x<&>"\n', "x<&>", "1234") == '{"a":"***","***":"***","n":"***","é":1}'


def shown(format_: Format, message: str, secret: str) -> str:
    out = io.StringIO()
    output = Output(out, io.StringIO(), format_)
    output.hide([secret])
    failed = Outcome("a.yaml", "failed", event="paid", status_code=400, error=Problem("refused", message))
    show_outcomes(output, [failed, failed] if format_ is Format.PRETTY else [failed])
    return out.getvalue()


@pytest.mark.parametrize("before", [*range(290, 303), 1])
def test_what_the_platform_says_is_cut_after_it_is_masked(before: int) -> None:
    secret = "s3cr3t-" * 60
    said = "x" * before + secret + "y" * 300
    cut = ("x" * before + "***" + "y" * 300)[:300] + " …"
    assert shown(Format.PRETTY, said, secret).splitlines()[1].strip() == cut
    assert json.loads(shown(Format.JSONL, said, secret))["error"]["message"] == cut
    assert json.loads(shown(Format.JSON, said, secret))["events"][0]["error"]["message"] == cut


def test_what_is_short_once_it_is_masked_is_not_cut() -> None:
    secret = "s3cr3t-" * 60
    assert shown(Format.PRETTY, f"no {secret}", secret) == "failed    paid    400\n          no ***\n" * 2
    assert shown(Format.PRETTY, "x" * 300, secret).splitlines()[1].strip() == "x" * 300


def test_what_is_hidden_for_a_while_is_shown_after_it_and_what_is_hidden_for_good_is_not() -> None:
    out = io.StringIO()
    output = Output(out, io.StringIO())
    output.hide(["s3cr3t"])
    with output.hiding(["the row's"]):
        output.data("s3cr3t the row's")
    output.data("s3cr3t the row's")
    assert out.getvalue() == "*** ***\n*** the row's\n"


@pytest.mark.parametrize(
    ("format_", "texts", "expected"),
    [
        (Format.JSON, [], "[\n]\n"),
        (Format.JSON, ["1"], "[\n1\n]\n"),
        (Format.JSON, ["1", "{}", "[]"], "[\n1,\n{},\n[]\n]\n"),
        (Format.JSONL, ["1", "{}"], "1\n{}\n"),
        (Format.PRETTY, ["1", "{}"], "1\n{}\n"),
    ],
)
def test_a_stream_is_one_array_or_lines(format_: Format, texts: list[str], expected: str) -> None:
    out = io.StringIO()
    assert Output(out, io.StringIO(), format_).stream(texts) is ExitCode.OK
    assert out.getvalue() == expected


def test_a_stream_that_breaks_is_told_beside_the_document_and_ends_with_its_code() -> None:
    def breaking() -> Iterator[str]:
        yield from ("1", "2")
        raise InvalidInput(Problem("rows-syntax", "no more rows"))

    out, err = io.StringIO(), io.StringIO()
    assert Output(out, err, Format.JSON).stream(breaking()) is ExitCode.INVALID
    assert (out.getvalue(), err.getvalue()) == ("[\n1,\n2\n]\n", "error[rows-syntax]: no more rows\n")


def test_a_stream_ends_when_nobody_reads_it_any_more() -> None:
    read_end, write_end = os.pipe()
    taken: list[str] = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(f"{len(taken)}")
            if len(taken) == 3:
                os.close(read_end)
            yield taken[-1]

    with os.fdopen(write_end, "w") as gone:
        assert Output(gone, io.StringIO()).stream(endless()) is ExitCode.OK
    assert taken == ["0", "1", "2"]
