"""`runner.yaml` → which environment variables a spec may read: those that it lists, and never a credential.

A spec comes with a pull request, and could send or print what it reads. So whoever owns `runner.yaml` decides.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput, MachineError, NotFound, Problem
from runner.source import discreet, read
from runner.spec.files import configs_above, find_configs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from runner.source import Node

ENV_ALLOWED = "env_allowed"
PUBLIC_KEYS = ("workspace_key_env", "workspace_uid_env")
"""Keys of a profile that name what goes out in each event."""
_SECRET_KEYS = ("workspace_secret_env", "api_key_env")
_OWN_SECRETS = frozenset({"SUPRSEND_WORKSPACE_SECRET", "SUPRSEND_API_KEY"})
_OWN_PREFIX = "SUPRSEND_"


class EnvRules(NamedTuple):
    """Names of environment variables: those that specs may read, and those that hold credentials of runner."""

    allowed: frozenset[str] = frozenset()
    credentials: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    """Of the credentials those that must not be shown."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the file that they stand in."""

    def refusal(self, name: str, variable: str) -> Problem | None:
        """Say why a variable of a spec may not be read from the environment; None if it may."""
        ways = f"give the value with --var {variable}=… or RUNNER_VAR_{variable}"
        if _is_credential(name, self.credentials):
            message = f"'{name}' is for credentials of runner itself: no spec may read it"
            return Problem("env-not-allowed", message, hint=f"remove env: and {ways}")
        if name in self.allowed:
            return None
        message = f"the environment variable '{name}' may not be read by a spec"
        return Problem(
            "env-not-allowed", message, hint=f"list it in {ENV_ALLOWED}: of runner.yaml,\nor remove env: and {ways}"
        )


def env_rules(spec: Path, config: Path | None) -> EnvRules:
    """Read the rules of a spec: those of `config`, else of the nearest `runner.yaml` above it; without one, none may be read.

    What any `runner.yaml` above it calls a credential is one, whatever a nearer one says, also above its project.
    """
    rules = _all_rules(spec, config)
    if not rules:
        return EnvRules()
    above = (each.credentials for each in (*rules, *_rules_of(configs_above(spec))))
    return rules[0]._replace(credentials=frozenset[str]().union(*above))


def secret_names(start: Path, config: Path | None) -> frozenset[str]:
    """Return the environment variables that hold secrets of runner, by any `runner.yaml` above `start`, and by `config`."""
    rules = (*_all_rules(start, config), *_rules_of(configs_above(start)))
    return _OWN_SECRETS.union(*(each.secrets for each in rules))


def _all_rules(start: Path, config: Path | None) -> list[EnvRules]:
    try:
        found = [*([config] if config is not None else []), *find_configs(start)]
    except InvalidInput as error:
        return [EnvRules(problems=error.problems)]
    return _rules_of(found)


def _rules_of(found: Iterable[Path]) -> list[EnvRules]:
    return [_rules(path, stamp) for path in found if (stamp := _stamp(path))]


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:  # told by whoever reads its profiles
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=32)
def _rules(path: Path, stamp: object) -> EnvRules:  # noqa: ARG001 - a file that changes is another
    try:
        document = read(path)
    except (NotFound, MachineError) as error:
        return EnvRules(problems=error.problems)
    problems = [problem for problem in document.problems if problem.severity == "error"]
    root = document.root
    if root is None:
        return EnvRules(problems=tuple(map(discreet, problems)))
    return EnvRules(
        frozenset(name for _, name in _listed(root)),
        frozenset(_credentials(root)),
        frozenset(_credentials(root, _SECRET_KEYS)),
        tuple(map(discreet, [*problems, *listed_credentials(root)])),
    )


def listed_credentials(root: Node) -> Iterator[Problem]:
    """Report the credentials that a `runner.yaml` lists among what specs may read."""
    credentials = frozenset(_credentials(root))
    for node, name in _listed(root):
        if _is_credential(name, credentials):
            message = f"'{name}' is for credentials of runner itself: no spec may read it"
            yield Problem("env-not-allowed", message, node.position(), at=ENV_ALLOWED, hint="take it out of the list")


def _is_credential(name: str, credentials: frozenset[str]) -> bool:
    return name in credentials or name.upper().startswith(_OWN_PREFIX)


def _listed(root: Node) -> Iterator[tuple[Node, str]]:
    listed = root.get(ENV_ALLOWED)
    for node in listed.items if listed is not None else ():
        if isinstance(node.value, str):
            yield node, node.value


def _credentials(root: Node, keys: Sequence[str] = (*PUBLIC_KEYS, *_SECRET_KEYS)) -> Iterator[str]:
    profiles = root.get("profiles")
    for profile in profiles.entries.values() if profiles is not None else ():
        for key in keys:
            node = profile.get(key)
            if node is not None and isinstance(node.value, str):
                yield node.value
