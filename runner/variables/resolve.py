"""Variables and the sources of their values → the values of one event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.variables.given import Given
from runner.variables.values import Values

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from runner.variables.variable import Variable


ENV_PREFIX = "RUNNER_VAR_"


def resolve(
    variables: Sequence[Variable],
    layers: Sequence[Mapping[str, Given]],
    environ: Mapping[str, str],
    profile: Mapping[str, Given],
) -> Values:
    """Return the value of each variable, from the source of highest precedence, checked against its declaration.

    `layers` are the flags, row, case and vars file, highest precedence first.
    """
    values: dict[str, object] = {}
    secrets: list[str] = []
    problems: list[Problem] = []
    for variable in variables:
        given = _find(variable, layers, environ, profile)
        if given is None:
            if variable.has_default:
                given = Given(variable.default, "default", position=variable.default_position)
            elif variable.required:
                problems.append(_missing(variable, environ))
                continue
            else:
                continue
        is_hidden = variable.is_secret or given.is_hidden
        if is_hidden:
            secrets += variable.secrets_of(given)
        found = list(variable.problems(given))
        problems += found
        if not found:
            values[variable.name] = value = variable.typed(given)
            if is_hidden:
                secrets += variable.secret_texts(value)
    return Values(values, tuple(secrets), tuple(problems))


def origins(
    variables: Sequence[Variable],
    layers: Sequence[Mapping[str, Given]],
    environ: Mapping[str, str],
    profile: Mapping[str, Given],
) -> dict[str, str]:
    """Return where the value of each variable comes from: a flag, a case, an environment variable, the default and so on."""
    found = {variable.name: _find(variable, layers, environ, profile) for variable in variables}
    return {name: given.origin if given is not None else "default" for name, given in found.items()}


def resolve_fixed(
    variables: Sequence[Variable],
    layers: Sequence[Mapping[str, Given]],
    environ: Mapping[str, str],
    profile: Mapping[str, Given],
    from_rows: Collection[str],
) -> Values:
    """Return the values that all rows share. Variables whose values come `from_rows` need no value here."""
    needed = [variable for variable in variables if variable.name not in from_rows]
    spare = [
        variable
        for variable in variables
        if variable.name in from_rows and (variable.has_default or _find(variable, layers, environ, profile))
    ]
    return resolve([*needed, *spare], layers, environ, profile)


def _find(
    variable: Variable, layers: Sequence[Mapping[str, Given]], environ: Mapping[str, str], profile: Mapping[str, Given]
) -> Given | None:
    for layer in layers:
        if (given := layer.get(variable.name)) is not None:
            return given
    for name, is_hidden in ((ENV_PREFIX + variable.name, False), (variable.env, variable.hides_env)):
        if name is not None and (environ.get(name) or (name in environ and variable.may_be_empty)):
            return Given(environ[name], f"environment variable {name}", is_text=True, is_hidden=is_hidden)
    return profile.get(variable.name)


def _missing(variable: Variable, environ: Mapping[str, str]) -> Problem:
    sources = [f"--var {variable.name}=…", f"{ENV_PREFIX}{variable.name}"]
    if variable.env:
        sources.append(f"the environment variable {variable.env}")
    position = variable.declaration
    hint = f"set it with {' or '.join(sources)}"
    names = [ENV_PREFIX + variable.name, *([variable.env] if variable.env else [])]
    if empty := [name for name in names if name in environ]:
        hint += f"; {' and '.join(empty)} {'is' if len(empty) == 1 else 'are'} set, but empty"
    return Problem(
        "var-missing", f"variable '{variable.name}' has no value", position, at=f"vars.{variable.name}", hint=hint
    )
