"""A file → a `Spec`, with all problems that can be found without variables."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

from runner.cases.case import Case, in_case, read_cases, secrets_in_cases
from runner.cases.check import case_problems, volatile_problems
from runner.cases.files import CaseFiles
from runner.errors import MAX_HINTS, Problem, first_of, in_order, nearest
from runner.eventspec.advice import advised
from runner.eventspec.constants import constant_breaches, placed
from runner.eventspec.fields import Fields, fields, omitted_for_good
from runner.eventspec.lets import let_problems, needed, ordered
from runner.eventspec.secret_problems import secret_problems
from runner.eventspec.spec import Loaded, Spec
from runner.project.environment import env_rules
from runner.project.format import document
from runner.project.shared import shared_vars
from runner.project.tree import Files
from runner.source import Node, OwnSchema, Schema, SchemaError, problems, shared_allowance
from runner.template.scopes import lost_sets
from runner.template.shape import omitting
from runner.template.template import RESERVED, Template, TooLargeError
from runner.template.unrendered import template_problems, unrendered
from runner.variables import Given, Variable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from runner.errors import Position, Step
    from runner.template.shape import Shape


def load(path: Path, project: Path, config: Path | None = None) -> Loaded:
    """Load a spec. Files that it names must lie in `project`. `config` is its `runner.yaml`, by default the nearest one above.

    Raises NotFound and MachineError for the spec's own file; all other faults are problems of the result.
    """
    return Reader(project, config).load(path)


def check(path: Path, project: Path, config: Path | None = None) -> Loaded:
    """Load a spec as `load` does, and report also the mistakes that its types show."""
    reader = Reader(project, config)
    loaded = reader.load(path)
    return reader.with_inferred(loaded)


_MAX_BREACHES = 10_000
"""Limit for the breaches that are examined; only the first hundred problems are reported."""


_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")


@cache
def _format() -> OwnSchema:
    return OwnSchema(document())


class Inferable(NamedTuple):
    """What types are inferred from. `schema` is that of the properties."""

    event: Fields
    variables: Sequence[Variable]
    schema: Node | None


class Reader:
    """Reads one spec, and collects its problems."""

    def __init__(self, project: Path, config: Path | None) -> None:
        self._config = config
        self._files = Files(project)
        self._case_files = CaseFiles(project)
        self.problems = self._files.problems
        self.secrets: list[str] = []
        self._malformed: set[Position | None] = set()
        self._inferable: Inferable | None = None

    def load(self, path: Path) -> Loaded:
        """Load a spec with the problems of its own."""
        with shared_allowance():
            spec = self.spec(path)
        return self._loaded(path, spec)

    def _loaded(self, path: Path, spec: Spec | None) -> Loaded:
        found = first_of(in_order(self.problems))
        broken = any(problem.severity == "error" for problem in found)
        return Loaded(str(path), None if broken else spec, found, tuple(self.secrets))

    def with_inferred(self, loaded: Loaded) -> Loaded:
        """Add the problems that can be inferred, where nothing else is wrong."""
        if self._inferable is None or not any(template.tree for template in self._inferable.event.templates()):
            return loaded
        from runner.eventspec.inferred import type_problems  # noqa: PLC0415 - not for specs without templates

        found = type_problems(*self._inferable)
        if not found:
            return loaded
        with_errors = {problem.position for problem in self.problems if problem.severity == "error"}
        self.problems += [problem for problem in found if problem.position not in with_errors]
        return self._loaded(Path(loaded.path), loaded.spec)

    def spec(self, path: Path) -> Spec | None:
        """Return the spec of a file; None, with problems, for one that is not valid."""
        root = self._root(path)
        if root is None:
            return None
        self._check_tenant(root)
        try:
            event = fields(root)
        except TooLargeError as error:
            self.problems += [*_of_format(root), error.problem]
            return None
        templates = list(event.templates())
        self._check_templates(event, templates)
        lets = event.lets.keys()
        if (table := root.get("let")) is not None:
            own = [name for name, node in table.entries.items() if node.text is root.text]
            event = replace(event, lets=needed(event.lets, event.shape, own))
            templates = list(event.templates())
        has_vars = self._declares_all(root)
        root, shared = self._with_shared(path, root, event, templates)
        of_format = _of_format(root)
        self._malformed = {problem.position for problem in of_format}
        variables, declared = self._variables(root, event, templates, has_vars=has_vars)
        self._check_env(path, root, variables)
        self._check_names(templates, declared, {*lets, *shared})
        self._check_lets(root, event, variables, templates)
        self.problems += secret_problems(event, variables)
        self._check_constants(event.shape, root)
        if declared is not None:
            self._check_unused(root, event, templates)
        if (tests := root.get("tests")) is not None:
            readable = {variable.name: variable for variable in variables}
            known = {name: readable.get(name) for name in declared or readable}
            self.problems += case_problems(tests, known, self._case_files)
            self.secrets += secrets_in_cases(tests, variables, self._case_files)
        if (volatile := root.get("volatile")) is not None:
            self.problems += volatile_problems(volatile)
        schema, schema_root = self._schema(root)
        if event.too_large is None:
            self._inferable = Inferable(event, variables, schema_root)
        self.problems += unrendered(root, templates, schema_root)
        # Each fault is reported once; the platform's rules have better messages than the format's.
        taken = {problem.position for problem in self.problems if problem.severity == "error"}
        self.problems += [problem for problem in of_format if problem.position not in taken]
        taken |= self._malformed
        self.problems[:] = [each for each in self.problems if each.severity == "error" or each.position not in taken]
        if any(problem.severity == "error" for problem in self.problems):
            return None
        if event.too_large is not None:  # reported when nothing else is wrong
            self.problems.append(event.too_large)
            return None
        cases = read_cases(root, variables, self._case_files)
        return _spec(path, root, variables, event, schema, schema_root, cases)

    def _root(self, path: Path) -> Node | None:
        return self._files.spec(path)

    def _declares_all(self, root: Node) -> bool:
        """Return whether a name that is not declared is an error. In a spec without declarations it is a required text."""
        return root.get("vars") is not None

    def _check_tenant(self, root: Node) -> None:
        if root.get("tenant_id") is not None and root.get("brand_id") is not None:
            message = "tenant_id and brand_id mean the same; a spec can have only one of them"
            self.problems.append(Problem("tenant-twice", message, root.key_position("brand_id"), hint="keep tenant_id"))

    def _check_templates(self, event: Fields, templates: Sequence[Template]) -> None:
        for template in templates:
            if template.tree is not None and "{%" in template.text:
                self._check_sets(template, template.tree)
        self.problems += event.problems
        self.problems += template_problems(templates)

    def _with_shared(
        self, path: Path, root: Node, event: Fields, templates: Sequence[Template]
    ) -> tuple[Node, Collection[str]]:
        """Return the spec with the declarations of `runner.yaml` that it uses, and the names of others for suggestions."""
        own = root.get("vars")
        used = dict.fromkeys(use.name for template in templates for use in template.uses)
        strangers = [name for name in used if name not in event.lets and (own is None or name not in own.entries)]
        if not strangers or (own is not None and not isinstance(own.value, dict)):
            return root, ()
        shared = shared_vars(path, self._files.project, self._config)
        self.problems += shared.problems
        return shared.over(root, strangers), shared.first_names()

    def _variables(
        self, root: Node, event: Fields, templates: Sequence[Template], *, has_vars: bool
    ) -> tuple[list[Variable], set[str] | None]:
        """Read the declarations. In a spec without its own, each other name that is not a let is a required text."""
        table = root.get("vars")
        variables = self._declared(table, templates) if table is not None else []
        if has_vars:
            return variables, set(table.entries) if table is not None and isinstance(table.value, dict) else None
        required: dict[str, bool] = {}
        for template in templates:
            for use in template.uses:
                if use.name not in event.lets and (table is None or use.name not in table.entries):
                    required[use.name] = required.get(use.name, False) or not use.optional
        variables += (Variable(name, {"type": "string"}, required=needed) for name, needed in required.items())
        return variables, None

    def _declared(self, table: Node, templates: Sequence[Template]) -> list[Variable]:
        self._check_reserved(table)
        variables = []
        has_secrets = any(node.get("secret") is not None for node in table.entries.values())
        named = frozenset(_keys_in(templates)) if has_secrets else frozenset[str]()
        for name, node in table.entries.items():
            declaration = node.plain()
            if isinstance(declaration, dict):
                variables.append(Variable(name, declaration, table, keys_in_templates=named))
                if variables[-1].is_secret and (default := node.get("default")) is not None:
                    self.secrets += variables[-1].secrets_of(Given.written(default, "default"))
                if not self._is_malformed(node):
                    self._check_declaration(variables[-1], node)
        return variables

    def _check_sets(self, template: Template, tree: nodes.Template) -> None:
        """Warn of variables that are set inside a loop or block and used outside."""
        for node in lost_sets(tree):
            message = f"'{node.name}' is set inside a loop or block, and lost at its end"
            place = template.place(node.lineno - 1, node.lineno - 1 + len(node.name))
            hint = (
                f"use a namespace: {{% set ns = namespace({node.name}=…) %}}, and inside {{% set ns.{node.name} = … %}}"
            )
            self.problems.append(Problem("template-set-lost", message, place, hint=hint, severity="warning"))

    def _check_reserved(self, table: Node) -> None:
        """Report names with another meaning in templates."""
        for name in table.entries:
            if name in RESERVED:
                message = f"'{name}' can't be the name of a variable: it has another meaning in templates"
                place, at = table.key_position(name), f"vars.{name}"
                self.problems.append(Problem("reserved-name", message, place, at=at, hint="choose another name"))

    def _is_malformed(self, node: Node) -> bool:
        """Return whether the format's schema has found a fault at a node or below it."""
        if not self._malformed:
            return False
        places = {node.position(), *(node.key_position(key) for key in node.entries)}
        return bool(places & self._malformed) or any(self._is_malformed(item) for item in node.entries.values())

    def _check_declaration(self, variable: Variable, node: Node) -> None:
        try:
            schema = variable.schema
        except SchemaError as error:
            self.problems.append(replace(error.problem(node, f"vars.{variable.name}"), message=error.message))
            return
        default = node.get("default")
        if default is None:
            return
        taken = {problem.position for problem in self.problems if problem.severity == "error"}
        for fault in schema.faults(default.plain()):
            place = fault.position(default)
            if place in taken:  # already reported as unreadable
                continue
            why, hint = ("", None) if variable.is_secret else (f": {fault.message}", fault.hint_at(place))
            breaks = "breaks its own declaration" if fault.code is None else "can't be checked"
            message = f"the default of '{variable.name}' {breaks}{why}"
            at = f"vars.{variable.name}.default"
            self.problems.append(Problem(fault.code or "var-schema", message, place, at=at, hint=hint))

    def _check_env(self, path: Path, root: Node, variables: Sequence[Variable]) -> None:
        """Report environment variables that the spec must not read."""
        reading = [variable for variable in variables if variable.env is not None]
        if not reading:
            return
        rules = env_rules(path, self._config)
        self.problems += rules.problems
        for variable in reading:
            node = root.get("vars", variable.name, "env")
            refusal = rules.refusal(variable.env or "", variable.name)
            if refusal is not None and node is not None:
                self.problems.append(replace(refusal, position=node.position(), at=f"vars.{variable.name}.env"))

    def _check_lets(
        self, root: Node, event: Fields, variables: Sequence[Variable], templates: Sequence[Template]
    ) -> None:
        """Check lets and the use of `omit`."""
        if (table := root.get("let")) is not None:
            used = {use.name for template in templates for use in template.uses}
            if any(template.findings for template in templates):
                used |= event.lets.keys()  # a template that can't be read may use any of them
            self.problems += let_problems(table, event.lets, {variable.name for variable in variables}, used)
        self.problems += omitted_for_good(event.shape, omitting(event.lets))

    def _check_names(self, templates: Sequence[Template], declared: set[str] | None, others: Collection[str]) -> None:
        """Report names that are not defined. `others` are those of lets, and of variables that runner.yaml declares."""
        if declared is None:
            return
        known = dict.fromkeys(sorted(name for name in {*declared, *others} if _NAME.fullmatch(name)))
        for template in templates:
            self.problems += template.undefined(known, hints=max(MAX_HINTS - len(self.problems), 0))

    def _check_constants(self, shape: dict[str, Shape], root: Node) -> None:
        """Check the constants against the platform's rules."""
        for breach in islice(constant_breaches(shape), _MAX_BREACHES):
            self.problems.append(placed(breach, root))

    def _check_unused(self, root: Node, event: Fields, templates: Sequence[Template]) -> None:
        table = root.get("vars")
        used = {use.name for template in templates for use in template.uses}
        declared = table.entries if table is not None else {}
        misspelt = [name for name in used if name not in declared]
        used |= {near for name in misspelt[:MAX_HINTS] if (near := nearest(name, declared))}
        broken = bool(event.problems) or any(template.has_syntax_error for template in templates)
        for name, node in table.entries.items() if table is not None else ():
            place = table.key_position(name) if table is not None else None
            skipped = broken or self._is_malformed(node) or place in self._malformed
            if name not in used and not skipped and node.text is root.text:
                message = f"no template uses the variable '{name}'"
                self.problems.append(Problem("unused-variable", message, place, at=f"vars.{name}", severity="warning"))

    def _schema(self, root: Node) -> tuple[Schema | None, Node | None]:
        """Return the schema of the properties, and its node."""
        node = root.get("schema")
        if node is None or not isinstance(node.value, str | dict | bool):
            return None, None
        source = self._files.included(node) if isinstance(node.value, str) else node
        if source is None:
            return None, None
        try:
            return Schema(source.plain()), source
        except SchemaError as error:
            self.problems.append(error.problem(source, "schema"))
            return None, None


def _of_format(root: Node) -> list[Problem]:
    """Check a spec against the schema of the format. What it extends is part of it by now: nothing may be missing."""
    whole = root.without("extends")
    faults = _format().faults(whole.plain())
    found = zip(faults, problems(faults, whole), strict=True)
    return [_in_its_case(advised(problem, fault, whole), fault.path, whole) for fault, problem in found]


def _in_its_case(problem: Problem, path: Sequence[Step], root: Node) -> Problem:
    """Add the case to a problem that the format's schema has found in one."""
    name = root.get(*path[:2], "name") if path[:1] == ("tests",) else None
    return replace(problem, context=in_case(name.value)) if name and isinstance(name.value, str) else problem


def _keys_in(templates: Iterable[Template]) -> Iterator[str]:
    """Yield the keys in templates: `card.number`, `card['number']`."""
    for template in templates:
        for node in template.tree.find_all((nodes.Getattr, nodes.Getitem)) if template.tree else ():
            match node:
                case nodes.Getattr(attr=name) | nodes.Getitem(arg=nodes.Const(value=str(name))):
                    yield name


def _spec(
    path: Path,
    root: Node,
    variables: list[Variable],
    event: Fields,
    schema: Schema | None,
    schema_root: Node | None,
    cases: Sequence[Case],
) -> Spec:
    def text(key: str, otherwise: str) -> str:
        node = root.get(key)
        return str(node.value) if node is not None else otherwise

    key = root.get("idempotency_key")
    labels = root.get("labels")
    return Spec(
        path=str(path),
        name=text("name", path.stem),
        labels=tuple(str(item.value) for item in labels.items) if labels is not None else (),
        variables=tuple(variables),
        shape=event.shape,
        lets=ordered(event.lets),
        auto_key=key is None or key.value == "auto",
        has_key=key is None or key.value is not None,
        schema=schema,
        schema_root=schema_root,
        cases=tuple(cases),
        root=root,
    )
