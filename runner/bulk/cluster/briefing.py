"""What a worker of a cluster has to know of a run → the setup of its parts. No secret is in it unless it was asked to be.

A worker takes credentials and secret variables from its own environment, by the names that this machine took them from.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from runner import __version__
from runner.bulk.columns import reader_of
from runner.bulk.keyed import keyed_digest
from runner.bulk.tools import Tools
from runner.config import PUBLIC_SECRETS, credentials_in
from runner.errors import CredentialsError, MachineError, Problem, UsageError
from runner.eventspec import load_portable, portable_text
from runner.rows.urls import is_url
from runner.secrets import Mask
from runner.suprsend.auth import secret_of
from runner.suprsend.delivery import Pauses
from runner.variables import ENV_PREFIX, resolve_fixed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.bulk.cluster.address import ClusterAddress
    from runner.bulk.plan import RunPlan
    from runner.bulk.setup import Setup
    from runner.config import Target
    from runner.eventspec import Spec
    from runner.rows.dataset import DataFile
    from runner.rows.row_form import RowForm
    from runner.rows.span_reader import SpanReader
    from runner.variables import Variable

_SHARE = "or, to a cluster with TLS, give them to its workers with --share-secrets"


@dataclass(frozen=True)
class Briefing:
    """A run for the workers of a cluster.

    `spec` is the whole spec as text, with its `spec_digest`. `setup` lacks what is secret: the credentials, and the variables
    `by_name`, which the worker finds in its environment; `digest` is that of these, keyed with the secret of the credentials,
    since a worker must have the same. If they are shared, `setup` is whole, and `by_name` is None. The worker reads the rows of
    `files` by their `form`, unless the rows travel.
    """

    version: str
    spec: str
    spec_digest: str
    setup: Setup
    by_name: tuple[str, ...] | None
    digest: str
    files: tuple[DataFile, ...]
    form: RowForm | None

    @classmethod
    def of(cls, plan: RunPlan, setup: Setup, *, shares: bool) -> Briefing:
        """Return the briefing of a run."""
        spec, names = portable_text(plan.source.spec), secret_names(plan.source.spec, setup.fixed)
        if not shares:
            public = {name: value for name, value in setup.fixed.items() if name not in names}
            target = setup.target if is_public(setup.target) else replace(setup.target, credentials=None)
            bare = replace(setup, fixed=public, secrets=(), target=target)
        return cls(
            version=__version__,
            spec=spec,
            spec_digest=sha256(spec.encode()).hexdigest(),
            setup=setup if shares else bare,
            by_name=None if shares else names,
            digest=_digest(setup, names),
            files=tuple(map(_located, plan.options.dataset.files)),
            form=plan.cut.form if plan.cut is not None else None,
        )

    def tools(self, environ: Mapping[str, str] = os.environ) -> Tools:
        """Return the tools of the run, made by a worker with the secrets of its environment.

        Raises MachineError if they lack, or are others than those of the run, and for another version of this package.
        """
        if self.version != __version__:
            raise _unlike(f"it has version {__version__} of the runner, and the run version {self.version}")
        if sha256(self.spec.encode()).hexdigest() != self.spec_digest:
            raise _unlike("the spec did not arrive as it was sent")
        spec = load_portable(self.setup.spec, self.spec)
        return Tools(self.setup if self.by_name is None else self._with_secrets(spec, environ), spec, Pauses())

    def _with_secrets(self, spec: Spec, environ: Mapping[str, str]) -> Setup:
        setup, target = self.setup, self.setup.target
        try:
            if target.credentials is None:
                target = replace(target, credentials=credentials_in(environ, target.names))
            secret = secret_of(target.authorized())
        except CredentialsError as error:
            raise _unlike(error.problems[0].message) from None
        found = resolve_fixed(_named(spec, self.by_name or ()), (), environ, {}, ())
        if found.problems:
            raise _unlike(found.problems[0].message)
        masked = (*found.secrets, *(() if secret in PUBLIC_SECRETS else (secret,)))
        setup = replace(setup, fixed={**setup.fixed, **found.values}, secrets=masked, target=target)
        if _digest(setup, secret_names(spec, setup.fixed)) != self.digest:
            raise _unlike("its environment has other credentials or secrets than that of the run")
        return setup

    def reader(self, spec: Spec) -> SpanReader | None:
        """Return the reader of parts that are references; None if the rows travel."""
        return None if self.form is None else reader_of(self.files, self.form, spec, self.setup.columns)


def check_secrets(
    plan: RunPlan, address: ClusterAddress, environ: Mapping[str, str], *, shares: bool, is_sandboxed: bool
) -> None:
    """Raise UsageError if a secret of the run can't reach the workers, or would in a way that others can read."""
    spec, names = plan.source.spec, secret_names(plan.source.spec, plan.fixed)
    if is_sandboxed and not address.is_local:
        message = "workers of other machines can't reach a sandbox of this one"
        raise UsageError(Problem("usage", message, hint="use --cluster local"))
    if shares and not address.is_private:
        message = f"--share-secrets needs TLS, and {address.name} has none"
        raise UsageError(Problem("cluster-open", message, hint="use a scheduler at tls://HOST:PORT"))
    if address.is_open and (names or not is_public(plan.target)):
        message = f"{address.name} has no TLS: anyone who reaches it can read the environment of its workers"
        raise UsageError(Problem("cluster-open", message, hint="use a scheduler at tls://HOST:PORT"))
    if shares or address.is_local:
        return
    found = resolve_fixed(_named(spec, names), (), environ, {}, ()).values
    for name in names:
        if name not in found or found[name] != plan.fixed[name]:
            message = f"workers can't find the secret variable '{name}': its value is not from the environment"
            hint = f"set {ENV_PREFIX}{name} here and on the workers, {_SHARE}"
            raise UsageError(Problem("usage", message, hint=hint))
    if Mask(plan.secrets).data_spans(portable_text(spec)):
        message = f"the text of {plan.source.path} has the value of a secret, and would travel to the workers"
        raise UsageError(Problem("usage", message, hint=f"give the variable env: in place of a default, {_SHARE}"))
    if plan.cut is None and not {each.name for each in spec.variables if each.may_be_secret}.isdisjoint(
        plan.columns.values()
    ):
        message = "a column has values of a secret variable, and these rows would travel to the workers"
        hint = f"save them as .csv, .tsv, .jsonl or .parquet, which workers read themselves, {_SHARE}"
        raise UsageError(Problem("usage", message, hint=hint))


def secret_names(spec: Spec, fixed: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of the secret variables among these."""
    return tuple(each.name for each in spec.variables if each.may_be_secret and each.name in fixed)


def is_public(target: Target) -> bool:
    """Return whether everybody knows the credentials of a target: those of a sandbox."""
    return target.credentials is None or secret_of(target.credentials) in PUBLIC_SECRETS


def _located(file: DataFile) -> DataFile:
    """Return a file by a path that does not depend on the working directory."""
    return file if is_url(file.path) else file._replace(path=os.path.abspath(file.path))  # noqa: PTH100 - links stay


def _named(spec: Spec, names: Sequence[str]) -> list[Variable]:
    return [variable for variable in spec.variables if variable.name in names]


def _digest(setup: Setup, names: Sequence[str]) -> str:
    values = [setup.target.env, *((name, setup.fixed[name]) for name in sorted(names))]
    return keyed_digest(setup.target, setup.seed, json.dumps(values, default=str))


def _unlike(what: str) -> MachineError:
    return MachineError(Problem("cluster-worker", what))
