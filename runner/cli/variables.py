"""The flags that give variables → layers of values, the highest first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.errors import InvalidInput, NotFound, Problem, UsageError, did_you_mean
from runner.run import Inputs
from runner.source import read
from runner.spec import Given, from_json, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.config import Profile
    from runner.spec import Case, Spec


@dataclass(frozen=True, slots=True)
class VariableFlags:
    """`--var`, `--var-json`, `--vars-file` and `--case`, as they were typed."""

    var: tuple[str, ...] = ()
    var_json: tuple[str, ...] = ()
    vars_file: Path | None = None
    case: str | None = None

    def inputs(self, specs: Sequence[Spec], environ: Mapping[str, str], profile: Profile) -> Inputs:
        """Read all of it. Raises InvalidInput for names that none of the specs declares, UsageError for what is no NAME=VALUE."""
        flags = self._flags()
        from_file, names = self._from_file()
        known = list(dict.fromkeys(variable.name for spec in specs for variable in spec.variables))
        problems = [*unknown(flags, known), *unknown(names, known)]
        if problems:
            raise InvalidInput(*problems)
        cases = [case_of(spec, self.case) for spec in specs] if self.case is not None else []
        from_case = {name: value for case in cases for name, value in case.vars.items()}
        return Inputs((flags, from_case, from_file), environ, profile.variables)

    def _flags(self) -> dict[str, Given]:
        flags: dict[str, Given] = {}
        for text in self.var:
            name, value = _split("--var", text)
            flags[name] = Given(value, f"--var {name}", is_text=True)
        for text in self.var_json:
            name, value = _split("--var-json", text)
            try:
                flags[name] = Given(from_json(value), f"--var-json {name}")
            except ValueError:
                hint = "a text needs quotes of its own: --var-json 'name=\"text\"'; or use --var"
                raise InvalidInput(
                    Problem("var-type", f"--var-json {name} is not JSON", at=f"vars.{name}", hint=hint)
                ) from None
        return flags

    def _from_file(self) -> tuple[dict[str, Given], dict[str, Given]]:
        """Read the vars file; also its values as they stand at their names, for a name that nobody knows."""
        if self.vars_file is None:
            return {}, {}
        document = read(self.vars_file)
        errors = [problem for problem in document.problems if problem.severity == "error"]
        root = document.root
        if root is not None and not isinstance(root.value, dict):
            errors.append(Problem("wrong-type", "a vars file is a map of names to values", root.position()))
        if errors:
            raise InvalidInput(*errors)
        if root is None:
            return {}, {}
        origin = str(self.vars_file)
        values = {name: Given(node.plain(), origin, position=node.position()) for name, node in root.entries.items()}
        return values, {name: replace(value, position=root.key_position(name)) for name, value in values.items()}


def case_of(spec: Spec, name: str) -> Case:
    """Find a case by name. Raises NotFound."""
    for case in spec.cases:
        if case.name == name:
            return case
    hint = did_you_mean(name, [case.name for case in spec.cases], "the spec has no tests")
    raise NotFound(Problem("case-not-found", f"{spec.path} has no case '{name}'", hint=hint))


def _split(flag: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(Problem("usage", f"{flag} {text}: it takes NAME=VALUE", hint=f"for example {flag} user=u1"))
    return name, value
