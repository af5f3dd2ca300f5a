"""Commands that go on with a run, as they can be pasted in the directory where they are printed."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.paths import from_here, kept
from runner.bulk.record import SavedOptions
from runner.project.files import find_config

if TYPE_CHECKING:
    from runner.bulk.record import RunRecord


class RunCommands(NamedTuple):
    """The commands of a run. `config` is the file beside which its ledger lies, if there is one, `state_dir` its folder as given.

    A secret stands in them as `…`, to be put in. With `asks`, a person must agree before events go out.
    """

    record: RunRecord
    config: Path | None
    asks: bool
    state_dir: Path | None = None

    def resume(self) -> str:
        """Send what is unknown or was not sent. The rows of a run that came from another one are there to be piped again."""
        record = self.record
        is_piped = record.rows == "-"
        source = f"{self._failed(record.parent)} | " if is_piped and record.parent else ""
        piped = " --rows -" if is_piped else ""
        return f"{source}runner send --resume {record.id}{self._where()}{self._secrets()}{piped}"

    def show(self) -> str:
        """Show the rows that were not accepted."""
        return f"runner runs show {self.record.id}{self._where()}"

    def send_failed(self) -> str:
        """Send the failed rows once more, as a run of its own."""
        return f"{self._failed(self.record.id)} | runner send {quote(self.record.spec)} --rows -{self._flags()}"

    def send_rest(self, offset: int, limit: int | None) -> str:
        """Send the rows of the file behind the first ones, as a run of its own."""
        record = self.record
        source = "… | " if record.rows == "-" else ""
        some = f" --offset {offset}" + (f" --limit {limit}" if limit else "")
        return f"{source}runner send {quote(record.spec)} --rows {quote(record.rows)}{some}{self._flags()}"

    def _failed(self, run: str) -> str:
        return f"runner runs failed {run}{self._where()}"

    def _where(self) -> str:
        """Write the flag that finds the ledger from the working directory, if one is needed."""
        if self.state_dir is not None:
            return f" --state-dir {_quoted(self.state_dir)}"
        here = find_config(Path())
        if self.config is None or (here and _is_same(here.parent, self.config.parent)):
            return ""
        return f" --config {_quoted(self.config)}"

    def _flags(self) -> str:
        """Write the flags that make the same events of other rows."""
        said = SavedOptions.of(self.record)
        flags = [("--var", quote(text)) for text in said.var]
        flags += [("--var-json", quote(text)) for text in said.var_json]
        flags += [("--map", quote(f"{name}={column}")) for name, column in said.bulk.renamed.items()]
        flags += [("--vars-file", _quoted(said.vars_file))] if said.vars_file else []
        flags += [("--case", quote(said.case))] if said.case else []
        flags += [("--profile", quote(said.profile))] if said.profile else []
        found = find_config(Path(self.record.spec))
        if said.config and not (found and _is_same(found, said.config)):
            flags.append(("--config", _quoted(said.config)))
        flags += [("--state-dir", _quoted(self.state_dir))] if self.state_dir else []
        text = "".join(f" {flag} {value}" for flag, value in flags) + self._secrets()
        text += " --ignore-extra" if said.bulk.ignore_extra else ""
        text += " --sandbox" if said.is_sandboxed else ""
        return text + (" --yes" if self.asks else "")  # the rows take the place of the terminal to ask on

    def _secrets(self) -> str:
        return "".join(f" --var {name}=…" for name in SavedOptions.of(self.record).secret)


def _quoted(path: Path) -> str:
    return quote(from_here(kept(str(path))))


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
