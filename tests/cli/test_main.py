"""The command line as a whole: usage faults, bugs, and what every command shares."""

from __future__ import annotations

import errno
import io
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

import runner
from runner.cli.main import run
from runner.commands.world import World
from tests.servers.listeners import silent_listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tests.conftest import CommandLine


def test_the_version_is_that_of_the_package(cli: CommandLine) -> None:
    ended = cli("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"runner {runner.__version__}\n", "")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("send", "a.yaml", "--vra", "user=u1"), "No such option: --vra (Possible options: --rate, --trace, --var)"),
        (("sned",), "No such command 'sned'. Did you mean 'send'?"),
        (("send",), "Missing argument 'SPEC'"),
        (("validate", "a.yaml", "-o", "xml"), "Invalid value for '--output' / '-o'"),
        (("sandbox", "--port", "70000"), "Invalid value for '--port'"),
        (("render", "a.yaml", "b.yaml"), "there are more arguments than the command takes"),
    ],
)
def test_a_wrong_command_line_ends_with_64_and_says_what_is_wrong(
    cli: CommandLine, args: tuple[str, ...], message: str
) -> None:
    ended = cli(*args)
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith(f"error[usage]: {message}")
    assert "--help`\n" in ended.err


@pytest.mark.usefixtures("in_repository")
def test_a_var_without_a_value_ends_with_64(cli: CommandLine) -> None:
    ended = cli("send", "specs/purchase.yaml", "--sandbox", "-n", "--var", "user")
    assert (ended.code, ended.err) == (
        64,
        "error[usage]: --var expects NAME=VALUE\n  = for example --var user=u1\n",
    )


def test_what_goes_wrong_is_one_json_document_too(cli: CommandLine) -> None:
    for args in (("send", "--vra", "-o", "json"), ("-o=json", "send"), ("send", "-ojson", "nowhere.yaml")):
        ended = cli(*args)
        assert list(ended.json) == ["problems"]
        assert ended.json["problems"][0]["severity"] == "error"
        assert ended.err == ""


@pytest.mark.usefixtures("in_repository")
def test_a_bug_ends_with_70_and_says_how_to_report_it() -> None:
    def broken_clock() -> datetime:
        raise ZeroDivisionError("a clock that does not tick")

    out, err = io.StringIO(), io.StringIO()
    world = World({}, io.StringIO(), out, err, broken_clock, uuid4, sleep=lambda _: None, random=lambda: 0.5)
    assert run(["render", "specs/purchase.yaml", "--var", "user=u1"], world) == 70
    assert err.getvalue().splitlines()[:2] == [
        "error[bug]: ZeroDivisionError: a clock that does not tick",
        f"  = this is a bug of runner {runner.__version__}; please report it with the command line (-v shows where it happened)",
    ]
    assert "Traceback" not in err.getvalue()


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Give a port that somebody listens on: no sandbox that takes it can start, and go on for ever."""
    with silent_listener() as listening:
        yield listening.getsockname()[1]


ARABIC, FULL_WIDTH = ({ord("0") + digit: zero + digit for digit in range(10)} for zero in (0x0660, 0xFF10))


@pytest.mark.parametrize(
    "written",
    [
        lambda port: f"{port[:2]}_{port[2:]}",
        lambda port: f" {port}",
        lambda port: f"{port} ",
        lambda port: f"{port}\n",
        lambda port: port.translate(ARABIC),
        lambda port: port.translate(FULL_WIDTH),
        lambda port: f"{port}e0",
        lambda port: f"{port}.0",
        lambda port: f"+{port}",
        lambda port: f"--{port}",
        lambda port: hex(int(port)),
        lambda port: port.rjust(19, "0"),
        lambda _: "x",
    ],
    ids=["_", "before", "after", "newline", "arabic", "wide", "exponent", "float", "plus", "minus", "hex", "long", "x"],
)
def test_a_port_is_digits_and_nothing_else(cli: CommandLine, taken_port: int, written: Callable[[str], str]) -> None:
    text = written(str(taken_port))
    ended = cli("sandbox", f"--port={text}")
    assert (ended.code, ended.out, ended.err) == (
        64,
        "",
        f"error[usage]: Invalid value for '--port': {text!r} is not a whole number\n  = see `runner sandbox --help`\n",
    )


@pytest.mark.parametrize("port", ["-1", "65536", "70000", "9" * 18])
def test_a_port_beyond_the_range_is_refused(cli: CommandLine, port: str) -> None:
    ended = cli("sandbox", "--port", port)
    assert (ended.code, ended.out, ended.err) == (
        64,
        "",
        (
            f"error[usage]: Invalid value for '--port': {port} is not in the range from 0 to 65535\n"
            "  = see `runner sandbox --help`\n"
        ),
    )


def test_the_greatest_port_is_in_the_range(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 65535)):
        assert cli("sandbox", "--port", "65535").code == 74


def test_a_port_reaches_its_command_as_a_number(cli: CommandLine, taken_port: int) -> None:
    refused = f"error[port-taken]: can't listen on 127.0.0.1:{taken_port}: {os.strerror(errno.EADDRINUSE)}\n"
    for text in (str(taken_port), f"00{taken_port}"):
        ended = cli("sandbox", "--port", text)
        assert (ended.code, ended.out, ended.err) == (
            74,
            "",
            f"{refused}  = another program listens there: choose another port with --port\n",
        )


NO_NUMBERS = ["x", "1_000", " 5", "5\n", "\u0665", "1.\u0665", "1e3", ".5", "5.", "1,5", "+5", "0x10", "nan", "inf"]


@pytest.mark.usefixtures("in_repository")
@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_timeout_is_a_plain_number_and_nothing_else(cli: CommandLine, text: str) -> None:
    ended = cli("send", "specs/purchase.yaml", "--var", "user=u1", "--dry-run", f"--timeout={text}")
    assert (ended.code, ended.out, ended.err) == (
        64,
        "",
        f"error[usage]: Invalid value for '--timeout': {text!r} is not a number\n  = see `runner send --help`\n",
    )


@pytest.mark.usefixtures("in_repository")
@pytest.mark.parametrize(("text", "shown"), [("0", "0"), ("0.0", "0"), ("-1.5", "-1.5"), ("86401", "86401")])
def test_a_timeout_beyond_the_range_is_refused(cli: CommandLine, text: str, shown: str) -> None:
    ended = cli("send", "specs/purchase.yaml", "--var", "user=u1", "--dry-run", "--timeout", text)
    assert (ended.code, ended.out, ended.err) == (
        64,
        "",
        f"error[usage]: --timeout must be more than 0 and at most 86,400 seconds, got {shown}\n",
    )


@pytest.mark.usefixtures("in_repository")
@pytest.mark.parametrize("text", ["5", "1.5", "0.001", "007", "86400", "86400.0"])
def test_a_timeout_may_be_any_plain_number_of_the_range(cli: CommandLine, text: str) -> None:
    assert cli("send", "specs/purchase.yaml", "--var", "user=u1", "--dry-run", "--timeout", text).code == 0


@pytest.mark.usefixtures("in_repository")
@pytest.mark.parametrize(
    ("option", "named", "choices", "text"),
    [
        *((option, "'--output' / '-o'", "pretty, json, jsonl, github, sarif", text)
          for option in ("-o", "--output") for text in ("xml", "JSON", " json", "json ", "j")),
        *(("--color", "'--color'", "auto, always, never", text) for text in ("yes", "ALWAYS", " auto", "al")),
        *(("--as", "'--as'", "json, curl", text) for text in ("yaml", "CURL")),
    ],
)  # fmt: skip
def test_what_is_none_of_the_choices_is_refused_with_all_of_them(
    cli: CommandLine, option: str, named: str, choices: str, text: str
) -> None:
    ended = cli("render", "specs/purchase.yaml", option, text)
    assert (ended.code, ended.out, ended.err) == (
        64,
        "",
        (
            f"error[usage]: Invalid value for {named}: {text!r} is not one of {choices}\n"
            "  = see `runner render --help`\n"
        ),
    )


@pytest.mark.usefixtures("in_repository")
def test_every_choice_is_taken_before_and_after_the_command(cli: CommandLine) -> None:
    for form in ("pretty", "json", "jsonl", "github"):
        after = cli("validate", "specs/purchase.yaml", "-o", form)
        assert (after.code, after) == (0, cli("--output", form, "validate", "specs/purchase.yaml"))
    for when in ("auto", "always", "never"):
        assert cli("validate", "specs/purchase.yaml", "--color", when).code == 0
        assert cli("--color", when, "validate", "specs/purchase.yaml").code == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("send", "a.yaml", "--rate", "5", "--rate", "9/s"), "--rate may be given only once, got 5 and 9/s"),
        (("send", "a.yaml", "--vars-file", "a", "--vars-file=b"), "--vars-file may be given only once, got a and b"),
        (("render", "a.yaml", "--as", "json", "--as", "curl"), "--as may be given only once, got json and curl"),
        (("render", "a.yaml", "--case", "a", "--case", "b"), "--case may be given only once, got a and b"),
        (("test", "-k", "a", "-k", "b", "-kc"), "-k may be given only once, got a, b and c"),
        (("sandbox", "--port", "1", "--port", "2"), "--port may be given only once, got 1 and 2"),
        (("send", "a", "--timeout", "1", "--timeout", "x"), "--timeout may be given only once, got 1 and x"),
        (("send", "--results", "a=s3cr3t", "--results", "b.jsonl"), "--results may be given only once, got a=… and b"),
        (("send", "--resume", "last", "--resume", "r"), "--resume may be given only once, got last and r"),
        (("validate", "a.yaml", "--profile", "a", "--profile", "b"), "--profile may be given only once, got a and b"),
        (("--config", "a", "validate", "a.yaml", "--config", "b"), "--config may be given only once, got a and b"),
        (("--profile=a", "runs", "list", "--profile", "b"), "--profile may be given only once, got a and b"),
        (("--color", "never", "schema", "--color", "always"), "--color may be given only once, got never and always"),
        (("--output", "pretty", "schema", "-o", "github"), "--output may be given only once, got pretty and github"),
    ],
)
def test_an_option_that_takes_one_value_is_given_once(cli: CommandLine, args: tuple[str, ...], message: str) -> None:
    ended = cli(*args)
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith(f"error[usage]: {message}")
    assert ended.err.endswith("\n  = keep one of them\n")


@pytest.mark.parametrize(
    "command",
    [
        ("validate", "a"),
        ("send", "a"),
        ("test",),
        ("schema",),
        ("init",),
        ("sandbox",),
        ("runs", "list"),
        ("cassette", "list"),
    ],
)
def test_a_config_that_does_not_exist_is_refused_by_every_command(cli: CommandLine, command: tuple[str, ...]) -> None:
    ended = cli(*command, "--config", "nope.yaml")
    assert (ended.code, ended.err) == (4, "error[file-not-found]: no such file: nope.yaml\n")


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (("render", "a.yaml", "--user", "u1"), "No such option: --user", "a variable is given with --var user=…; see"),
        (
            ("send", "a.yaml", "--order-id=s3cr3t"),
            "No such option: --order-id",
            "a variable is given with --var order_id=…; see",
        ),
        (("send", "a.yaml", "--sanbox"), "No such option: --sanbox (Possible options: --sandbox)", "see"),
        (
            ("test", "--lf"),
            "No such option: --lf",
            "pytest's flags come after --: `runner test -- --lf`; see",
        ),
        (
            ("test", "-p", "smoke.x"),
            "No such option: -p",
            "pytest's flags come after --: `runner test -- -p`; see",
        ),
        (
            ("test", "--user", "u1"),
            "No such option: --user",
            "pytest's flags come after --: `runner test -- --user`; see",
        ),
        (("validate", "--user", "u1"), "No such option: --user", "see"),
        (("sandbox", "start"), "`runner sandbox` takes no arguments, only options", "see"),
        (("schema", "a.yaml"), "`runner schema` takes no arguments, only options", "see"),
        (("runs", "list", "last"), "`runner runs list` takes no arguments, only options", "see"),
        (("runs", "show", "last", "x"), "there are more arguments than the command takes", "see"),
        (
            ("render", "a.yaml", "user=s3cr3t"),
            "there are more arguments than the command takes",
            "it takes one SPEC, and --var takes NAME=VALUE; see",
        ),
    ],
)
def test_an_option_or_argument_too_many_is_told_with_what_may_be_meant(
    cli: CommandLine, args: tuple[str, ...], message: str, hint: str
) -> None:
    ended = cli(*args)
    words = [word for word in args if word[0] != "-" and ("." not in word)][: 2 if args[0] == "runs" else 1]
    assert (ended.code, ended.err) == (64, f"error[usage]: {message}\n  = {hint} `runner {' '.join(words)} --help`\n")


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (("run", "a.yaml"), "No such command 'run'", "did you mean `runner send`? see `runner --help`"),
        (("lint", "specs"), "No such command 'lint'", "did you mean `runner validate`? see `runner --help`"),
        (
            ("runs", "resume", "last"),
            "No such command 'resume'",
            "did you mean `runner send --resume RUN`? see `runner runs --help`",
        ),
        (
            ("specs/a.yaml", "--var", "user=u1"),
            "No such command 'specs/a.yaml'",
            "a command comes before the files: runner send SPEC; see `runner --help`",
        ),
        (("sned",), "No such command 'sned'. Did you mean 'send'?", "see `runner --help`"),
    ],
)
def test_a_word_where_a_command_must_stand_is_told_with_the_command_that_is_meant(
    cli: CommandLine, args: tuple[str, ...], message: str, hint: str
) -> None:
    ended = cli(*args)
    assert (ended.code, ended.err) == (64, f"error[usage]: {message}\n  = {hint}\n")


@pytest.mark.parametrize(
    "args",
    [
        ("--var", "user=caf\udce9"),
        ("--var-json", 'user="\udce9"'),
        ("--case", "\udce9"),
        ("--profile=\udce9",),
        ("--rows", "\udce9"),
    ],
)
def test_an_argument_that_is_not_utf_8_is_told_as_one(cli: CommandLine, args: tuple[str, ...]) -> None:
    ended = cli("send", "a.yaml", *args)
    option = args[0].partition("=")[0]
    assert ended.code == 64
    assert ended.err.startswith(
        f"error[usage]: Invalid value for '{option}': byte 0xe9 is not UTF-8; is the terminal's encoding UTF-8?\n"
    )


@pytest.mark.usefixtures("in_tmp")
def test_a_file_may_have_a_name_that_is_not_utf_8(cli: CommandLine) -> None:
    name = "rows-\udce9.csv"
    Path(name).write_text("user\nu1\n")
    Path("a.yaml").write_text("version: 1\nevent: order_placed\ndistinct_id: '{{ user }}'\n")
    assert cli("send", "a.yaml", "--rows", name, "--dry-run").code == 0


@pytest.mark.usefixtures("in_repository")
def test_the_same_value_twice_is_no_other_value(cli: CommandLine) -> None:
    once = cli("validate", "specs/purchase.yaml", "-o", "json")
    assert cli("-o", "json", "validate", "specs/purchase.yaml", "--output=json", "-ojson") == once
    assert cli("send", "specs/purchase.yaml", "--timeout", "9", "--timeout", "9", "-n", "--var", "user=u1").code == 0
