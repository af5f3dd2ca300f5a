"""The registry of problems is whole and true: every code is there, is made somewhere, is seen in a session, and is explained.

Pages of the manual show examples in fenced blocks, each with words behind its language:

    ```yaml wrong              a whole spec, which `runner validate` refuses with the page's code and no other
    ```yaml right              one in which `runner validate` finds nothing
    ```yaml wrong render …     as above, with the command that shows it; the spec comes behind the command's first word
    ```csv orders.csv          a file beside the specs, for the blocks below it
    ```console                 commands behind `$`, and all that they print; the page's code is in it
    ```python wrong            a program that raises a RunnerError with the page's code; with `right`, one that raises nothing
    ```text                    something else, which no test runs

After a change of messages that is meant, `UPDATE_GOLDENS=1 pytest tests/test_problems.py` writes what sessions print anew.
"""

from __future__ import annotations

import ast
import io
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

import pytest

from runner.cli.main import run
from runner.cli.world import World
from runner.codes import CODES, Code
from runner.errors import ExitCode, RunnerError
from runner.problems import ENTRIES, page, table
from runner.report.problems import as_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from tests.conftest import CommandLine

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "runner"
PAGES = PACKAGE / "manual" / "problems"
EXCEPTIONS = {
    "InvalidInput": ExitCode.INVALID,
    "InvalidEvent": ExitCode.INVALID,
    "CredentialsError": ExitCode.CREDENTIALS,
    "NotFound": ExitCode.NOT_FOUND,
    "UsageError": ExitCode.USAGE,
    "MachineError": ExitCode.MACHINE,
    "CassetteError": ExitCode.CASSETTE,
}
OTHERWISE = {
    "duplicate-case": ExitCode.INVALID,
    "path-outside": ExitCode.INVALID,
}
NO_CODES = {
    "api-key", "content-length", "content-type", "date-time", "latin-1", "lfplugin-collwrapper", "proxy-authorization", "retry-after", "runner-cases", "set-cookie",
    "stand-in", "suprsend-runner", "x-access-token", "x-api-key", "x-apikey", "x-auth-token", "x-csrf-token",
}  # fmt: skip
"""Words with a hyphen in the code that are no codes of problems."""
