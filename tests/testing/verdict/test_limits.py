"""A case reaches no network but its own, and nothing that is wrong passes unnoticed."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.config import SANDBOX_KEY
from runner.errors import ExitCode
from runner.secrets import Mask
from runner.suprsend.answer import Answer
from runner.testing.cassette_path import cassette_path
from runner.testing.collect import collect
from runner.testing.verdict import Tape, run_case
from tests.servers.listeners import silent_listener
from tests.testing.verdict.conftest import ACCEPTED, OK, run, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.suprsend.answer import NoAnswer
    from runner.suprsend.sockets import Exchange
    from runner.testing.case_ref import CaseRef
    from tests.testing.conftest import Project


class Connecting:
    """Answers once it has connected to a server, as code would that has a network of its own."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address

    def request(  # its arguments are those of a transport
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, exchange: Exchange
    ) -> Answer | NoAnswer:
        del method, path, headers, body, exchange
        socket.create_connection(self._address).close()
        return Answer(202, b'{"status": "success"}')

    def close(self) -> None:
        pass


class Tapes:
    """Gives each case a tape of `Connecting`."""

    env = SANDBOX_KEY.env

    def __init__(self, address: tuple[str, int], allowed: Sequence[tuple[str, int]]) -> None:
        self._address = address
        self._allowed = allowed

    def workflows(self, ref: CaseRef) -> None:
        pass

    @contextmanager
    def tape(self, ref: CaseRef, secrets: Sequence[str] = ()) -> Iterator[Tape]:  # noqa: ARG002
        post = Connecting(self._address)
        yield Tape(post, SANDBOX_KEY, "http://127.0.0.1:7788/", lambda _: None, self._allowed, list, lambda: None)


def test_a_case_reaches_nobody_but_whom_it_may(project: Project) -> None:
    write(project, ACCEPTED)
    [ref] = project.refs()
    with silent_listener() as listening:
        listening.setblocking(False)
        address = listening.getsockname()
        message = f"a connection to 127.0.0.1:{address[1]} was stopped: a case may only use its cassette"
        for allowed in ((), [("127.0.0.1", 1)], [("127.0.0.2", address[1])]):
            verdict = run_case(ref, Tapes(address, allowed))
            assert verdict.code is ExitCode.CASSETTE
            assert [(problem.code, problem.message) for problem in verdict.problems] == [("network-blocked", message)]
            with pytest.raises(BlockingIOError):
                listening.accept()
        assert run_case(ref, Tapes(address, [address])) == OK
        listening.accept()[0].close()
    with silent_listener() as other, socket.create_connection(other.getsockname()):
        pass  # nothing is stopped any more


# What must not go unnoticed


def test_a_file_without_rows_is_no_case_that_passes(project: Project) -> None:
    project.write("specs/none.csv", "amount\n")
    verdict = run(project, "- {name: a, rows: none.csv, expect: {event: {event: nothing like it}}}")["a"]
    assert (verdict.code, [problem.code for problem in verdict.problems]) == (ExitCode.REFUSED, ["empty-file"])


def test_what_is_secret_on_one_machine_changes_no_verdict(project: Project) -> None:
    tests = "- {name: a, expect: {response: {success: true}}}"
    assert run(project, tests, record="rewrite") == {"a": OK}
    assert replace(project, mask=Mask(["ordered"])).verdicts() == {"a": OK}
    changed = replace(project, mask=Mask(["shipped"]))
    changed.write("specs/order.yaml", (project.path / "specs/order.yaml").read_text().replace("ordered", "shipped"))
    [problem] = changed.verdicts()["a"].problems
    assert (problem.code, problem.message) == (
        "cassette-changed",
        'event: recorded "ordered" (text), sent "***" (text)',
    )


def test_two_specs_that_would_share_their_cassettes_are_refused(project: Project) -> None:
    write(project, "- {name: a, expect: {response: {success: true}}}")
    text = (project.path / "specs/order.yaml").read_text()
    for other in ("specs/order.yml", "order.yaml"):
        project.write(other, text)
        assert [problem.message for problem in collect(Path("specs/order.yaml"), project.path).problems] == [
            f"the cases of this spec and of {other} would share their cassettes"
        ]
        (project.path / other).unlink()


def test_two_cases_whose_cassettes_would_be_one_are_refused(project: Project) -> None:
    asks = "expect: {response: {success: true}}"
    taken = cassette_path(Path("/p"), Path("/p/specs/order.yaml"), "A % B").stem
    for one, other in (("A % B", taken), ("A  B", "a b"), ("a-b", "a b!")):
        write(project, f"- {{name: '{one}', {asks}}}\n- {{name: '{other}', {asks}}}")
        [problem] = collect(Path("specs/order.yaml"), project.path).problems
        assert problem.message == f"the cases '{one}' and '{other}' would share a cassette"


def test_a_second_case_makes_no_recording_of_the_first_an_orphan(project: Project) -> None:
    asks = "expect: {response: {success: true}}"
    first = "the first sixty characters of these two names are the same: one"
    write(project, f"- {{name: '{first}', {asks}}}")
    project.verdicts(record="once")
    [before] = project.files("cassettes")
    write(project, f"- {{name: '{first}', {asks}}}\n- {{name: '{first[:-3]}two', {asks}}}")
    assert [problem.code for problem in project.problems()] == ["cassette-missing"]
    assert before in project.files("cassettes")
