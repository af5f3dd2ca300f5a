"""The command line: arguments are declared here, each command is one call into its own file.

The one handler that turns exceptions into exit codes is here too; nobody else exits.
"""

from __future__ import annotations

from copy import copy
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner import __version__
from runner.cli import complete
from runner.cli.command import Command, Group
from runner.cli.groups import cassette, runs
from runner.cli.options import StateDir, command, format_in
from runner.cli.usage import usage_problem
from runner.cli.world import Session, World
from runner.errors import ExitCode, Problem, RunnerError, UsageError
from runner.report import Format, as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.report import Output

app = typer.Typer(
    name="runner",
    cls=Group,
    rich_markup_mode=None,
    help="Fire, check and replay SuprSend notification events from YAML specs.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)

_VARIABLES, _ROWS = "Variables", "Rows"

Specs = Annotated[
    list[Path],
    typer.Argument(
        help="Spec files, or folders of them.", metavar="SPEC", show_default=False, autocompletion=complete.specs
    ),
]
OptionalSpecs = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Spec files, or folders of them.", metavar="SPEC", show_default=False, autocompletion=complete.specs
    ),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(help="Only specs with this label.", metavar="LABEL", autocompletion=complete.labels),
]
Vars = Annotated[
    list[str] | None,
    typer.Option("--var", help="A variable, as text.", metavar="NAME=VALUE", rich_help_panel=_VARIABLES),
]
JsonVars = Annotated[
    list[str] | None,
    typer.Option("--var-json", help="A variable, as JSON.", metavar="NAME=JSON", rich_help_panel=_VARIABLES),
]
VarsFile = Annotated[
    Path | None, typer.Option(help="A YAML or JSON map of variables.", metavar="FILE", rich_help_panel=_VARIABLES)
]
CaseName = Annotated[
    str | None,
    typer.Option(
        "--case",
        help="Take the variables of this case.",
        metavar="NAME",
        rich_help_panel=_VARIABLES,
        autocompletion=complete.cases,
    ),
]
Rows = Annotated[
    str | None,
    typer.Option(
        help="An event for each row: .csv, .tsv, .jsonl, .json, .parquet, .gz; - is stdin.",
        metavar="FILE",
        rich_help_panel=_ROWS,
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help="The column that gives a variable.", metavar="NAME=COLUMN", rich_help_panel=_ROWS),
]
IgnoreExtra = Annotated[
    bool, typer.Option("--ignore-extra", help="Allow columns that no variable takes.", rich_help_panel=_ROWS)
]
Limit = Annotated[int | None, typer.Option(help="Stop after N rows.", metavar="N", rich_help_panel=_ROWS)]
Offset = Annotated[int | None, typer.Option(help="Skip the first N rows.", metavar="N", rich_help_panel=_ROWS)]


class As(StrEnum):
    """What `render --as` takes."""

    JSON = "json"
    CURL = "curl"


class Record(StrEnum):
    """What `test --record` takes."""

    NONE = "none"
    ONCE = "once"
    NEW_EPISODES = "new_episodes"
    REWRITE = "rewrite"


@app.callback(invoke_without_command=True)
@command
def _root(
    session: Session,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        if session.output.format in (Format.JSON, Format.JSONL):
            session.output.json({"runner": __version__})
        else:
            session.output.data(f"runner {__version__}")
        raise typer.Exit


@app.command(cls=Command, epilog="runner validate specs/\nrunner validate --strict specs/purchase.yaml")
@command
def validate(
    session: Session,
    paths: Specs,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
) -> ExitCode:
    """Report every problem of every spec: no network, no variables."""
    from runner.cli.validate import validate as run  # noqa: PLC0415 - a command loads only what it uses

    return run(session, paths, strict=strict)


@app.command("list", cls=Command, epilog="runner list\nrunner list specs/purchase.yaml -o json")
@command
def list_specs(session: Session, paths: OptionalSpecs = None, label: Labels = None) -> ExitCode:
    """List specs: what each takes, its cases, what is recorded."""
    from runner.cli.list import list_specs as run  # noqa: PLC0415

    return run(session, paths or (), label or ())


@app.command(
    cls=Command,
    epilog="runner render specs/purchase.yaml --var user=u1\nrunner render specs/purchase.yaml --as curl",
)
@command
def render(
    session: Session,
    path: Annotated[
        Path, typer.Argument(help="The spec.", metavar="SPEC", show_default=False, autocompletion=complete.specs)
    ],
    var: Vars = None,
    var_json: JsonVars = None,
    vars_file: VarsFile = None,
    case: CaseName = None,
    as_: Annotated[As, typer.Option("--as", help="The event as JSON, or a curl command that sends it.")] = As.JSON,
    rows: Rows = None,
    map_: Map = None,
    ignore_extra: IgnoreExtra = False,
    limit: Limit = None,
    offset: Offset = None,
) -> ExitCode:
    """Show exactly what would be sent, but for secrets."""
    from runner.cli.bulk_flags import BulkFlags  # noqa: PLC0415
    from runner.cli.render import render as run  # noqa: PLC0415
    from runner.cli.variables import VariableFlags  # noqa: PLC0415

    flags = VariableFlags(tuple(var or ()), tuple(var_json or ()), vars_file, case)
    bulk = BulkFlags(rows, tuple(map_ or ()), ignore_extra, limit, offset)
    if rows is None:
        bulk.check_no_rows()
        return run(session, path, flags, as_curl=as_ is As.CURL)
    if as_ is As.CURL:
        hint = "give one event's variables with --var, or send the rows: runner send SPEC --rows FILE"
        raise UsageError(Problem("usage", "--as curl gives the command for one event, not for rows", hint=hint))
    from runner.cli.render_rows import render_rows  # noqa: PLC0415

    return render_rows(session, path, flags, bulk.begin(read=()))


@app.command(
    cls=Command,
    epilog="runner send specs/purchase.yaml --var user=u1 --dry-run\nrunner send specs/purchase.yaml --rows orders.csv -n",
)
@command
def send(
    session: Session,
    paths: OptionalSpecs = None,
    var: Vars = None,
    var_json: JsonVars = None,
    vars_file: VarsFile = None,
    case: CaseName = None,
    label: Labels = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would be sent; open no connection.")
    ] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Send to a server on this machine.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(help="Time for an answer, with all retries; default 30.", metavar="SECONDS"),
    ] = None,
    retries: Annotated[
        int | None,
        typer.Option(help="Retries after no answer, 408, 425, 429 or 5xx; default 3.", metavar="N"),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Don't ask where a profile says confirm; resume rows that may count twice too."),
    ] = False,
    rows: Rows = None,
    map_: Map = None,
    ignore_extra: IgnoreExtra = False,
    limit: Limit = None,
    offset: Offset = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Requests under way at once; default 16.", metavar="N", rich_help_panel=_ROWS)
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(help="Processes; by default one a core for a large file.", metavar="N", rich_help_panel=_ROWS),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Events a second, in all.", metavar="N/s", rich_help_panel=_ROWS)
    ] = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop after the first failure.", rich_help_panel=_ROWS)
    ] = False,
    max_failures: Annotated[
        int | None, typer.Option(help="Stop after N failures.", metavar="N", rich_help_panel=_ROWS)
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            help="Write a line of JSON for each row that was tried.", metavar="FILE.jsonl", rich_help_panel=_ROWS
        ),
    ] = None,
    linger: Annotated[
        float | None,
        typer.Option(
            help="Send a request of fewer than 100 piped rows after this wait; default 1.",
            metavar="SECONDS",
            rich_help_panel=_ROWS,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            help="Go on with a run: its id, or `last`. Other options default to those it began with.",
            metavar="RUN",
            rich_help_panel=_ROWS,
        ),
    ] = None,
    state_dir: StateDir = None,
) -> ExitCode:
    """Send one event, several, or one for each row of a file."""
    from runner.cli.bulk_flags import BulkFlags  # noqa: PLC0415
    from runner.cli.send import SendOptions  # noqa: PLC0415
    from runner.cli.send import send as run  # noqa: PLC0415
    from runner.cli.variables import VariableFlags  # noqa: PLC0415

    flags = VariableFlags(tuple(var or ()), tuple(var_json or ()), vars_file, case)
    options = SendOptions(tuple(label or ()), dry_run, sandbox, timeout, retries, yes)
    bulk = BulkFlags(
        rows, tuple(map_ or ()), ignore_extra, limit, offset, concurrency, processes, rate, fail_fast, max_failures, results,
        linger,
    )  # fmt: skip
    if resume is not None:
        from runner.cli.bulk import resume as go_on  # noqa: PLC0415

        return go_on(session, resume, paths or (), flags, options, bulk, state_dir)
    if not paths:
        raise UsageError(Problem("usage", "Missing argument 'SPEC'", hint="see `runner send --help`"))
    if rows is not None:
        from runner.cli.bulk import send_rows  # noqa: PLC0415

        return send_rows(session, paths, flags, options, bulk, state_dir)
    bulk.check_no_rows()
    if state_dir is not None:
        hint = "add --rows FILE, or leave it out: what is sent alone is not kept"
        raise UsageError(Problem("usage", "--state-dir is about the rows of a file", hint=hint))
    return run(session, paths, flags, options)


class _Splitting(Command):
    """A command that hands on what stands behind `--`, be it a flag or not."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give each of them to the option that gathers them."""
        if "--" in args:
            here = args.index("--")
            args = [*args[:here], *(f"{_HANDED_ON}={arg}" for arg in args[here + 1 :])]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


_HANDED_ON = "--pytest-flag"


@app.command("test", cls=_Splitting, epilog="runner test\nrunner test specs/ --record once --sandbox")
@command
def run_cases(
    session: Session,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Spec files, folders, or SPEC::CASE; default: specs/. What follows -- goes to pytest.",
            metavar="[PATH] [-- FLAG]",
            autocompletion=complete.specs,
            show_default=False,
        ),
    ] = None,
    record: Annotated[Record, typer.Option(help=" | ".join(Record), metavar="WHEN")] = Record.NONE,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Record from a server on this machine.")] = False,
    record_in_ci: Annotated[bool, typer.Option("--record-in-ci", help="Record although CI is set.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Write golden files anew.")] = False,
    name: Annotated[
        str | None, typer.Option("-k", help="Only cases that fit: a name, or pytest's expressions.", metavar="CASE")
    ] = None,
    stop: Annotated[bool, typer.Option("-x", help="Stop at the first failure.")] = False,
    junit_xml: Annotated[Path | None, typer.Option(help="Write a JUnit report.", metavar="FILE")] = None,
    pytest_flag: Annotated[list[str] | None, typer.Option(_HANDED_ON, hidden=True)] = None,
) -> ExitCode:
    """Run the cases of specs, offline, against recorded answers."""
    from runner.cli.test import Asked  # noqa: PLC0415
    from runner.cli.test import run_cases as run  # noqa: PLC0415

    asked = Asked(record.value, sandbox, record_in_ci, update, name, stop, junit_xml, tuple(pytest_flag or ()))
    return run(session, paths or (), asked)


@app.command(cls=Command, epilog="runner schema > spec.schema.json")
@command
def schema(session: Session) -> ExitCode:
    """Print the spec format's JSON Schema, for editors."""
    from runner.cli.schema import schema as run  # noqa: PLC0415

    return run(session)


def _codes(incomplete: str) -> list[tuple[str, str]]:
    from runner.cli.explain import complete  # noqa: PLC0415

    return list(complete(incomplete))


@app.command(cls=Command, epilog="runner explain var-missing\nrunner explain")
@command
def explain(
    session: Session,
    code: Annotated[
        str | None,
        typer.Argument(
            help="A problem's code, such as var-missing; default: list them all.",
            metavar="CODE",
            show_default=False,
            autocompletion=_codes,
        ),
    ] = None,
) -> ExitCode:
    """Explain a problem code, with a wrong and a right example."""
    from runner.cli.explain import explain as run  # noqa: PLC0415

    return run(session, code)


@app.command(cls=Command, epilog="runner sandbox\nrunner sandbox --port 8000")
@command
def sandbox(
    session: Session,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=0, max=65535)] = 7788,
) -> ExitCode:
    """Run a local server that speaks the platform's event API."""
    from runner.cli.sandbox import sandbox as run  # noqa: PLC0415

    return run(session, port)


@app.command(cls=Command, epilog="runner init\nrunner init shop")
@command
def init(
    session: Session,
    folder: Annotated[Path, typer.Argument(help="The project's folder.", metavar="DIR", show_default=False)] = Path(),
    source: Annotated[
        str | None,
        typer.Option("--from", help="Git repository and commit that the workflow installs.", metavar="URL@COMMIT"),
    ] = None,
) -> ExitCode:
    """Write a first project that works: spec, cassette, workflow."""
    from runner.cli.init import init as run  # noqa: PLC0415

    return run(session, folder, source)


def _topics() -> list[str]:
    from runner.cli.help import topics  # noqa: PLC0415

    return topics()


@app.command("help", cls=Command, epilog="runner help\nrunner help templates")
@command
def help_(
    session: Session,
    topic: Annotated[
        str | None,
        typer.Argument(
            help="A topic; without one, all are listed.", metavar="TOPIC", show_default=False, autocompletion=_topics
        ),
    ] = None,
) -> ExitCode:
    """Show a page of the manual, or list its topics."""
    from runner.cli.help import help_ as run  # noqa: PLC0415

    return run(session, topic, _names())


app.add_typer(cassette, name="cassette")
app.add_typer(runs, name="runs")


def run(args: Sequence[str], world: World) -> int:
    """Run one command line; returns its exit code and raises nothing."""
    session = Session(world, format_in(list(args)))
    try:
        if "" in args:
            raise UsageError(Problem("usage", "an argument is empty", hint="is a variable of the shell not set?"))  # noqa: TRY301
        code = _app_for(args)(list(args), prog_name="runner", standalone_mode=False, obj=session)
        session.output.flush()
    except typer.TyperException as error:
        return _report(session.output, [usage_problem(error, app, args)], ExitCode.USAGE)
    except RunnerError as error:
        return _report(session.output, error.problems, error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _report(session.output, [Problem("interrupted", "interrupted")], ExitCode.INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # a reader of typer's own printing went away; an `Output` sees to itself
        session.output.drop()
        return int(ExitCode.OK)
    except OSError as error:
        problem = Problem("machine-refused", f"this machine refused: {error.strerror or error}")
        return _report(session.output, [problem], ExitCode.MACHINE)
    except Exception as error:  # noqa: BLE001 - the outermost handler
        if isinstance(error, MemoryError) or _NO_ROOM in str(error):
            problem = Problem("machine-refused", "this machine refused: no memory is left", hint="see `ulimit -v`")
            return _report(session.output, [problem], ExitCode.MACHINE)
        return _report(session.output, [_bug(error, session.output)], ExitCode.BUG)
    return int(code or 0)


_NO_ROOM = "failed to map segment"
"""What the system's loader says of a library for which there is no memory."""


def _commands() -> dict[str, Any]:
    return {str(each.name or getattr(each.callback, "__name__", "")): each for each in app.registered_commands}


def _names() -> list[str]:
    return [*_commands(), *(str(each.name) for each in app.registered_groups)]


def _app_for(args: Sequence[str]) -> typer.Typer:
    """Keep the command that comes first alone: typer makes every option of every command anew each time it runs."""
    lean = copy(app)
    if args and (named := _commands().get(args[0])):
        lean.registered_commands, lean.registered_groups = [named], []
    return lean


def _report(output: Output, problems: Sequence[Problem], code: ExitCode) -> int:
    try:
        if output.format in (Format.JSON, Format.JSONL):
            output.json({"problems": [as_json(problem) for problem in problems]})
        else:
            output.complaints(problems)
    except RunnerError:
        return int(ExitCode.MACHINE)
    return int(code)


def _bug(error: Exception, output: Output) -> Problem:
    import traceback  # noqa: PLC0415 - only a bug needs it

    frame = traceback.extract_tb(error.__traceback__)[-1]
    output.detail("".join(traceback.format_exception(error)))
    message = f"{type(error).__name__}: {error}"
    hint = f"this is a bug of runner {__version__}; please report it with the command line (-v shows where it happened)"
    places = [f"in {Path(frame.filename).name}:{frame.lineno}", *getattr(error, "__notes__", [])]
    return Problem("bug", message, hint=hint, context=", ".join(places))
