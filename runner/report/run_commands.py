"""Commands that continue a run, ready to be pasted in the current directory."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.paths import absolute_path, relative_path
from runner.bulk.record import SavedOptions
from runner.durations import shown_duration
from runner.project.files import find_config

if TYPE_CHECKING:
    from runner.bulk.record import RunRecord


class RunCommands(NamedTuple):
    """The commands of a run. Its ledger lies beside the file `config`, if there is one, or in `state_dir`.

    A secret is printed as `…`, for the user to fill in. With `asks`, the profile asks before events go out.
    """

    record: RunRecord
    config: Path | None
    asks: bool
    state_dir: Path | None = None

    def resume(self) -> str:
        """Return the command that resumes the run. If its rows came from another run, they are piped in again."""
        record = self.record
        is_piped = record.is_piped
        source = f"{self._failed(record.parent)} | " if is_piped and record.parent else ""
        piped = " --rows -" if is_piped else ""
        return f"{source}runner send --resume {record.id}{self._where()}{self._secrets()}{piped}"

    def show(self) -> str:
        """Return the command that shows the rows that were not accepted."""
        return f"runner runs show {self.record.id}{self._where()}"

    def send_failed(self) -> str:
        """Return the command that sends the failed rows again, as a new run."""
        return f"{self._failed(self.record.id)} | runner send {quote(self.record.spec)} --rows -{self._flags()}"

    def send_rest(self, offset: int, limit: int | None) -> str:
        """Return the command that sends the rest of the file, as a new run."""
        record = self.record
        source = "… | " if record.is_piped else ""
        some = f" --offset {offset}" + (f" --limit {limit}" if limit else "")
        wait = self._wait()
        rows = "".join(f" --rows {quote(path)}" for path in record.rows)
        rows += f" --query {quote(record.dataset.query)}" if record.dataset.query is not None else ""
        return f"{source}runner send {quote(record.spec)}{rows}{some}{wait}{self._flags()}"

    def _failed(self, run: str) -> str:
        return f"runner runs failed {run}{self._where()}"

    def _where(self) -> str:
        """Return the flag that finds the ledger from the current directory, if one is needed."""
        if self.state_dir is not None:
            return f" --state-dir {_quoted(self.state_dir)}"
        here = find_config(Path())
        if self.config is None or (here and _is_same(here.parent, self.config.parent)):
            return ""
        return f" --config {_quoted(self.config)}"

    def _flags(self) -> str:
        """Return the flags that make the same events from other rows."""
        saved = SavedOptions.of(self.record)
        flags = [("--var", quote(text)) for text in saved.var]
        flags += [("--var-json", quote(text)) for text in saved.var_json]
        flags += [("--map", quote(f"{name}={column}")) for name, column in saved.bulk.renamed.items()]
        flags += [("--vars-file", _quoted(saved.vars_file))] if saved.vars_file else []
        flags += [("--case", quote(saved.case))] if saved.case else []
        flags += [("--profile", quote(saved.profile))] if saved.profile else []
        found = find_config(Path(self.record.spec))
        if saved.config and not (found and _is_same(found, saved.config)):
            flags.append(("--config", _quoted(saved.config)))
        flags += [("--state-dir", _quoted(self.state_dir))] if self.state_dir else []
        text = "".join(f" {flag} {value}" for flag, value in flags) + self._secrets()
        text += " --ignore-extra" if saved.bulk.ignore_extra else ""
        text += " --sandbox" if saved.is_sandboxed else ""
        return text + (" --yes" if self.asks else "")  # the rows take the place of the terminal to ask on

    def _wait(self) -> str:
        bulk = SavedOptions.of(self.record).bulk
        if bulk.waiting is None:
            return ""
        until = f" --until {bulk.waiting.until}" if bulk.waiting.until != "triggered" else ""
        return f" --wait {shown_duration(bulk.waiting.within_s)}{until} --sample {bulk.sample}"

    def _secrets(self) -> str:
        return "".join(f" --var {name}=…" for name in SavedOptions.of(self.record).secret)


def _quoted(path: Path) -> str:
    return quote(relative_path(absolute_path(str(path))))


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
