"""Parameters that several commands take, each declared once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from runner.cli import complete

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
    Path | None, typer.Option(help="A YAML or JSON file of variables.", metavar="FILE", rich_help_panel=_VARIABLES)
]
CaseName = Annotated[
    str | None,
    typer.Option(
        "--case",
        help="Use the variables of this case.",
        metavar="NAME",
        rich_help_panel=_VARIABLES,
        autocompletion=complete.cases,
    ),
]
Rows = Annotated[
    list[str] | None,
    typer.Option(
        help="An event for each row: .csv, .tsv, .jsonl, .json, .parquet, .gz, folders, patterns, s3:// URLs; - is stdin.",
        metavar="FILE",
        rich_help_panel=_ROWS,
    ),
]
Query = Annotated[
    str | None,
    typer.Option(
        help="SQL that selects the rows: from a .duckdb file, or from the files as the table rows.",
        metavar="SQL",
        rich_help_panel=_ROWS,
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help="The column of a variable.", metavar="NAME=COLUMN", rich_help_panel=_ROWS),
]
IgnoreExtra = Annotated[
    bool, typer.Option("--ignore-extra", help="Allow columns without a variable.", rich_help_panel=_ROWS)
]
Limit = Annotated[int | None, typer.Option(help="Stop after N rows.", metavar="N", rich_help_panel=_ROWS)]
Offset = Annotated[int | None, typer.Option(help="Skip the first N rows.", metavar="N", rich_help_panel=_ROWS)]
By = Annotated[
    str | None,
    typer.Option(
        "--by", help="In the report: failures by the values of this column.", metavar="COLUMN", rich_help_panel=_ROWS
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        help="The folder of recorded runs; default: RUNNER_STATE_DIR, or .runner.", metavar="DIR", rich_help_panel=_ROWS
    ),
]


class ProgressForm(StrEnum):
    """The values of `--progress`."""

    TEXT = "text"
    JSON = "json"


Progress = Annotated[
    ProgressForm | None,
    typer.Option(
        help="How progress is shown on stderr: as text, or as a line of JSON each second.",
        show_default=False,
        metavar="text|json",
        rich_help_panel=_ROWS,
    ),
]


class TraceExporter(StrEnum):
    """The values of `--trace`."""

    OTLP = "otlp"


Trace = Annotated[
    TraceExporter | None,
    typer.Option(
        "--trace",
        help="Export spans to an OpenTelemetry collector; settings: the variables OTEL_*.",
        show_default=False,
        metavar="otlp",
    ),
]
