"""Flags of variables → layers of values, the highest first."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.cases import in_case
from runner.errors import InvalidInput, NotFound, Problem, UsageError, did_you_mean, shown_argument
from runner.run import Inputs, Job
from runner.source import UnclearError, discreet, parse_json, read
from runner.variables import Given, unknown, without_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.cases import Case
    from runner.config import Profile
    from runner.eventspec import Spec
    from runner.report import Output


@dataclass(frozen=True, slots=True)
class VariableFlags:
    """`--var`, `--var-json`, `--vars-file` and `--case`, as they were typed."""

    var: tuple[str, ...] = ()
    var_json: tuple[str, ...] = ()
    vars_file: Path | None = None
    case: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names that `--var` and `--var-json` give a value."""
        return frozenset(text.partition("=")[0] for text in (*self.var, *self.var_json))

    def over(self, earlier: VariableFlags) -> VariableFlags:
        """Return the earlier flags, overridden by these."""
        var, var_json = (
            tuple(text for text in texts if text.partition("=")[0] not in self.names)
            for texts in (earlier.var, earlier.var_json)
        )
        return VariableFlags(
            (*var, *self.var),
            (*var_json, *self.var_json),
            self.vars_file or earlier.vars_file,
            self.case or earlier.case,
        )

    def jobs(self, output: Output, specs: Sequence[Spec], environ: Mapping[str, str], profile: Profile) -> list[Job]:
        """Return a job for each spec; with `--case`, for each spec that has the case.

        Raise InvalidInput for a variable that no spec declares, NotFound for a case that no spec has, UsageError for text
        that is not NAME=VALUE. Secret variables are masked before a problem can show them.
        """
        flags = self._flags()
        from_file, names = self._from_file()
        for variable in (variable for spec in specs for variable in spec.variables if variable.is_secret):
            for given in (flags.get(variable.name), from_file.get(variable.name), profile.variables.get(variable.name)):
                output.hide(variable.secrets_of(given) if given else ())
        known = list(dict.fromkeys(variable.name for spec in specs for variable in spec.variables))
        # The value of an unknown name may be a secret.
        problems = [*unknown(flags, known), *map(discreet, unknown(names, known))]
        if problems:
            raise InvalidInput(*problems)
        return [
            Job(
                spec,
                Inputs((flags, case.vars if case else {}, from_file), environ, profile.variables),
                in_case(case.name) if case else None,
            )
            for spec, case in self._with_cases(specs)
        ]

    def check(self, paths: Sequence[Path]) -> None:
        """Raise UsageError for typing mistakes, before anything is read: the text after them may be a secret."""
        file = self.vars_file
        if file is not None and re.match(r"\s*\{|\w+=", str(file)) and not os.path.lexists(file):
            hint = "use --var for a variable, for example --var user=u1"
            raise UsageError(Problem("usage", "--vars-file expects the name of a file, not variables", hint=hint))
        for flag, texts in (("--var", self.var), ("--var-json", self.var_json)):
            for text in texts:
                name, value = _split(flag, text)
                if not value and not all(map(os.path.lexists, paths)):
                    message = f"{flag} {name}= has no value, and one of the files after it does not exist"
                    raise UsageError(Problem("usage", message, hint="remove the space after ="))

    def _with_cases(self, specs: Sequence[Spec]) -> list[tuple[Spec, Case | None]]:
        if self.case is None:
            return [(spec, None) for spec in specs]
        all_cases = [(spec, case) for spec in specs for case in _cases(spec)]
        found = [(spec, case) for spec, case in all_cases if case.name == self.case]
        if not found:
            where = specs[0].path if len(specs) == 1 else "none of these specs"
            names = [case.name for _, case in all_cases]
            hint = did_you_mean(self.case, names, "see the specs' tests" if names else "there are no tests")
            verb = "has no" if len(specs) == 1 else "has a"
            is_choice = any(name.startswith(self.case.partition("[")[0] + "[") for name in names)
            shown = self.case if is_choice else shown_argument(self.case)
            raise NotFound(Problem("case-not-found", f"{where} {verb} case '{shown}'", hint=hint))
        for _, case in found:
            [first, *more] = case.steps
            if more or first.rows is not None or first.spec is not None:
                message = (
                    f"the case '{case.name}' is not one event of its own spec: --case does not support steps and rows"
                )
                raise UsageError(Problem("usage", message, case.node.position(), hint="runner test runs it whole"))
        return [*found]

    def case_of(self, spec: Spec) -> Case | None:
        """Return the case that `--case` names, if the spec has it."""
        return next((case for case in _cases(spec) if case.name == self.case), None) if self.case is not None else None

    def _flags(self) -> dict[str, Given]:
        flags: dict[str, Given] = {}
        for text in self.var:
            name, value = _split("--var", text)
            flags[name] = Given(value, f"--var {name}", is_text=True)
        for text in self.var_json:
            name, value = _split("--var-json", text)
            try:
                flags[name] = Given(parse_json(value), f"--var-json {name}")
            except UnclearError as error:
                message = f"--var-json {name} can't be taken: {error}"
                raise InvalidInput(Problem("var-type", message, at=f"vars.{name}")) from None
            except ValueError:
                hint = "a text needs quotes of its own: --var-json 'name=\"text\"'; or use --var"
                raise InvalidInput(
                    Problem("var-type", f"--var-json {name} is not JSON", at=f"vars.{name}", hint=hint)
                ) from None
        return flags

    def _from_file(self) -> tuple[dict[str, Given], dict[str, Given]]:
        """Return the variables of the vars file; also with the positions of their names, for problems with a name."""
        if self.vars_file is None:
            return {}, {}
        document = read(self.vars_file, shown_argument(str(self.vars_file)), may_be_pipe=True)
        errors = [problem for problem in document.problems if problem.severity == "error"]
        root = document.root
        if root is not None and not isinstance(root.value, dict):
            errors.append(without_names(root))
        if errors:
            raise InvalidInput(*map(discreet, errors))
        if root is None:
            return {}, {}
        origin = str(self.vars_file)
        values = {name: Given.unshown(node, origin) for name, node in root.entries.items()}
        return values, {name: replace(value, position=root.key_position(name)) for name, value in values.items()}


def _cases(spec: Spec) -> Sequence[Case]:
    if all(case.parametrize is None for case in spec.cases):
        return spec.cases
    from runner.testing.expand import expand  # noqa: PLC0415 - few cases have a file of their own

    return expand(spec)


def _split(flag: str, text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not re.fullmatch(r"[A-Za-z]\w*=(?!=*$).*|[A-Za-z]\w*=", text, re.DOTALL):
        # The text is not shown: it may be a secret that ends with the = of base64.
        raise UsageError(Problem("usage", f"{flag} expects NAME=VALUE", hint=f"for example {flag} user=u1"))
    return name, value
