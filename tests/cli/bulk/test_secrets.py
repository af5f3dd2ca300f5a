"""Secrets of a run are sent, and neither printed nor kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from runner.bulk.parts import Digests
from runner.rows.row import Row
from tests.cli.bulk.conftest import REFUSAL, RUN, SECRET_SPEC, send, typed, write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer, Received

SECRET = "s3cr3t/with spaces&ünïcode"


def spilt(*texts: str) -> list[str]:
    """Name every file and text in which the secret stands, in any of the forms that it takes on the way."""
    forms = [SECRET.encode(), json.dumps(SECRET).encode()[1:-1], b"s3cr3t"]
    places = {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file() and path.name not in _INPUTS}
    assert ".runner/ledger.sqlite3" in places
    places |= {f"output {index}": text.encode() for index, text in enumerate(texts)}
    return [name for name, content in places.items() if any(form in content for form in forms)]


_INPUTS = ("rows.csv", "vars.yaml")


@pytest.mark.parametrize(
    ("columns", "args"),
    [
        (f"user,token\nu1,{SECRET}\nu2,{SECRET}\n", ()),
        ("user\nu1\nu2\n", ("--var", f"token={SECRET}")),
        ("user\nu1\nu2\n", ("--var-json", f"token={json.dumps(SECRET)}")),
        ("user\nu1\nu2\n", ("--vars-file", "vars.yaml")),
    ],
)
@pytest.mark.parametrize("form", ["json", "pretty"])
def test_a_secret_is_sent_and_never_told_or_kept(
    form: str, columns: str, args: tuple[str, ...], cli: CommandLine, server: CapturingServer
) -> None:
    write("secret.yaml", SECRET_SPEC)
    write("rows.csv", columns)
    write("vars.yaml", f"token: {json.dumps(SECRET)}\n")
    echo = {"status": "error", "status_code": 400, "error": {"message": f"bad token {SECRET}", "type": SECRET}}
    records = [{"status": "success", "status_code": 202, "message_id": SECRET}, echo]
    server.answers.append((207, {"status": "success", "records": records}))
    ended = send(cli, "--rows", "rows.csv", *args, "--results", "r.jsonl", "-o", form, spec="secret.yaml")
    shown = typed(cli, "runs", "show", "-o", form)
    assert (ended.code, shown.code) == (1, 0)
    assert [event["properties"]["token"] for event in server.received[0].json] == [SECRET, SECRET]
    assert spilt(ended.raw, *ended.err, shown.raw, typed(cli, "runs", "list", "-o", form).raw) == []


def test_a_resume_asks_for_the_secret_again(cli: CommandLine, server: CapturingServer) -> None:
    write("secret.yaml", SECRET_SPEC)
    write("rows.csv", "user\nu1\nu2\n")
    server.answers.append((502, b"<html></html>"))
    secret = ("--var", f"token={SECRET}")
    assert send(cli, "--rows", "rows.csv", "--retries", "0", *secret, spec="secret.yaml").code == 7
    assert typed(cli, "send", "--resume", "last")[:3] == (
        64,
        [],
        ["error[usage]: the variable 'token' must be set again: runs do not store secrets", "  = add --var token=…"],
    )
    assert typed(cli, "send", "--resume", "last", "--var", "token=another")[:3] == (
        2,
        [],
        [
            "error[run-changed]: a variable or the workspace changed since run RUN began",
            "  = resume with the original inputs, or start a new run",
        ],
    )
    assert typed(cli, "send", "--resume", "last", *secret).code == 0
    assert server.received[0].body == server.received[1].body
    assert spilt() == []


LONG_SECRET = "Qzwvx71kjpy-Hbgtn52rfcd_Lmksj83qwpx" * 3
"""A third of it is left wherever a text is cut before it is masked."""


@pytest.mark.parametrize("before", [200, 260, 298])
@pytest.mark.parametrize("where", [(), ("--processes", "2")], ids=["in one process", "in two"])
def test_a_long_answer_is_masked_before_it_is_cut(
    cli: CommandLine, server: CapturingServer, before: int, where: tuple[str, ...]
) -> None:
    write("secret.yaml", SECRET_SPEC)
    write("rows.csv", f"user,token\nu1,{LONG_SECRET}\nu2,x\n")
    echo = {"status": "error", "status_code": 400, "error": {"message": "x" * before + LONG_SECRET}}
    server.answers.append((207, {"status": "success", "records": [echo, echo]}))
    ended = send(cli, "--rows", "rows.csv", "--results", "r.jsonl", *where, spec="secret.yaml")
    [first, _] = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert first["error"] == ("x" * before + "***" if before < 298 else "x" * 298 + "** …")
    assert (ended.code, "Qzwv" in first["error"], "Qzwv" in ended.out[0]) == (1, False, False)


@pytest.mark.parametrize("rows", ["rows.csv", "rows.jsonl"])
def test_what_is_inside_a_secret_cell_is_masked_too(cli: CommandLine, server: CapturingServer, rows: str) -> None:
    write("secret.yaml", SECRET_SPEC.replace("token: {type: string", "token: {type: object"))
    spec = Path("secret.yaml").read_text("utf-8").replace('mixed: "t={{ token }}"', "mixed: x")
    write("secret.yaml", spec)
    token = {"Qzwvx71kjpy": ["Hbgtn52rfcd", 8675309421]}
    quoted = json.dumps(token).replace('"', '""')
    write("rows.csv", f'user,token\nu1,"{quoted}"\n')
    write("rows.jsonl", json.dumps({"user": "u1", "token": token}) + "\n")
    echo = {"status": "error", "status_code": 400, "error": {"message": "no Qzwvx71kjpy: Hbgtn52rfcd, 8675309421"}}
    server.answers.append((207, {"status": "success", "records": [echo]}))
    ended = send(cli, "--rows", rows, "--results", "r.jsonl", spec="secret.yaml")
    [line] = Path("r.jsonl").read_text("utf-8").splitlines()
    assert (ended.code, json.loads(line)["error"]) == (1, "no ***: ***, ***")
    assert ended.out[0].endswith("no ***: ***, ***")


def fingerprints(run: int = -1) -> dict[str, str]:
    with sqlite3.connect(".runner/ledger.sqlite3") as ledger:
        rows = ledger.execute("SELECT fingerprints FROM runs ORDER BY number").fetchall()
    read: dict[str, str] = json.loads(rows[run][0])
    return read


def guessed(seed: str, texts: Iterable[str]) -> set[str]:
    """Digest texts in every way that needs nothing but what stands in the ledger."""
    raw = UUID(seed).bytes
    keys = [b"", raw, seed.encode(), b"key"]
    digests = {hashlib.sha256(raw + text.encode()).hexdigest() for text in texts}
    digests |= {hashlib.sha256(text.encode()).hexdigest() for text in texts}
    digests |= {hmac.digest(key, text.encode(), "sha256").hex() for key in keys for text in texts}
    return digests | {hmac.digest(key, raw + text.encode(), "sha256").hex() for key in keys for text in texts}


def test_a_secret_variable_can_not_be_guessed_from_the_ledger(cli: CommandLine) -> None:
    """The digest had a seed beside it: ten thousand PINs took a hundredth of a second."""
    write("secret.yaml", SECRET_SPEC)
    write("rows.csv", "user\nu1\n")
    assert send(cli, "--rows", "rows.csv", "--var", "token=4711", spec="secret.yaml").code == 0
    with sqlite3.connect(".runner/ledger.sqlite3") as ledger:
        [(seed,)] = ledger.execute("SELECT seed FROM runs").fetchall()
    columns, env = [["user", "user"]], "key"
    shapes = [json.dumps([columns, [["token", "4711"]], env]), json.dumps([["token", "4711"]]), "4711", '"4711"']
    known = fingerprints()
    assert set(known.values()).isdisjoint(guessed(seed, shapes))
    assert known["variables"] in guessed(seed, [json.dumps([columns, [], env])]), "the test knows how it is digested"
    assert known["secrets"]


def test_a_secret_cell_that_is_piped_in_can_not_be_guessed_from_the_ledger(cli: CommandLine) -> None:
    write("secret.yaml", SECRET_SPEC)
    assert send(cli, "--rows", "-", spec="secret.yaml", stdin="user,token\nu1,4711\n").code == 0
    with sqlite3.connect(".runner/ledger.sqlite3") as ledger:
        [(digest,)] = ledger.execute("SELECT digest FROM parts").fetchall()
    unkeyed = Digests().of([Row(1, 2, ["u1", "4711"])])
    assert (len(digest), digest == unkeyed) == (len(unkeyed), False)


def test_with_the_public_credentials_of_a_sandbox_no_secret_is_digested(cli: CommandLine) -> None:
    write("secret.yaml", SECRET_SPEC)
    rows = "user,token\nu1,4711\n"
    assert send(cli, "--rows", "-", "--sandbox", spec="secret.yaml", stdin=rows).code == 0
    write("rows.csv", "user\nu1\n")
    assert send(cli, "--rows", "rows.csv", "--sandbox", "--var", "token=4711", spec="secret.yaml").code == 0
    with sqlite3.connect(".runner/ledger.sqlite3") as ledger:
        assert ledger.execute("SELECT digest FROM parts").fetchall() == [("",), ("",)]
    assert (fingerprints()["secrets"], fingerprints()["credentials"]) == ("", "")


@pytest.mark.parametrize("is_piped", [False, True])
def test_a_run_with_secrets_goes_on_with_other_credentials(
    cli: CommandLine, server: CapturingServer, is_piped: bool
) -> None:
    """Refused credentials are replaced; with them the key of the digests is another."""
    write("secret.yaml", SECRET_SPEC)
    rows = "user,token\nu1,4711\n" if is_piped else "user\nu1\n"
    write("rows.csv", rows)
    name, flags = ("-", ()) if is_piped else ("rows.csv", ("--var", "token=4711"))
    stdin = rows if is_piped else ""
    server.answers.append((401, REFUSAL))
    assert send(cli, "--rows", name, *flags, spec="secret.yaml", stdin=stdin).code == 3
    cli.environ["SUPRSEND_WORKSPACE_SECRET"] = "a-better-secret"
    again = ("--rows", "-") if is_piped else flags
    ended = typed(cli, "send", "--resume", "last", *again, stdin=stdin)
    assert ended.code == 0, ended.err
    what = "rows" if is_piped else "secret variables"
    assert f"other credentials than the run began with: its {what} can't be compared" in ended.err
    assert [event["properties"]["token"] for event in server.received[-1].json] == ["4711"]


def test_piped_rows_with_secrets_are_held_against_what_they_were(cli: CommandLine, server: CapturingServer) -> None:
    write("secret.yaml", SECRET_SPEC)
    server.answers.append((502, b"<html></html>"))
    args = ("--rows", "-", "--retries", "0")
    assert send(cli, *args, spec="secret.yaml", stdin="user,token\nu1,4711\n").code == 7
    ended = typed(cli, "send", "--resume", "last", "--rows", "-", stdin="user,token\nu1,4712\n")
    assert (ended.code, ended.err[0]) == (
        2, "error[rows-changed]: the rows from 1 on are not the ones that the run began with",
    )  # fmt: skip
    assert typed(cli, "send", "--resume", "last", "--rows", "-", stdin="user,token\nu1,4711\n").code == 0


def test_what_a_run_keeps_is_readable_by_its_user_alone(cli: CommandLine, server: CapturingServer) -> None:
    seen: dict[str, int] = {}
    as_usual = server.answer_to

    def answer(request: Received) -> tuple[int, bytes, dict[str, str]]:
        seen.update({str(path): path.stat().st_mode & 0o777 for path in (Path(".runner"), *Path(".runner").iterdir())})
        return as_usual(request)

    server.answer_to = answer  # type: ignore[method-assign] # while the run is under way, it looks at its files
    Path(".runner").mkdir(mode=0o755)
    Path(".runner/ledger.sqlite3").touch(0o644)
    assert send(cli, "--rows", "five.csv").code == 2
    names = {Path(name).name.removeprefix(RUN.findall(name)[0] if RUN.findall(name) else "") for name in seen}
    assert names == {".runner", ".gitignore", "ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm", ".lock"}
    assert {name: mode for name, mode in seen.items() if mode != (0o700 if name == ".runner" else 0o600)} == {}
