"""The specs of the project in which a sandbox runs: their variables, and the events that they make."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING
from uuid import uuid4

from runner.errors import NotFound, Problem
from runner.project import find, project_of
from runner.project.files import SPECS
from runner.secrets import Mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from runner.eventspec import Loaded, Spec
    from runner.variables import Given, Variable

MAX_SPECS = 1000
_SHOWN_CHARS = 200


@dataclass(frozen=True)
class ProjectSpecs:
    """The specs in `specs/` below a folder, else in the folder itself.

    `environ` and `variables`, those of the profile, are sources for values of variables, as they are for `runner send`.
    """

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    config: Path | None = None
    variables: Mapping[str, Given] = field(default_factory=dict)

    def paths(self) -> list[str]:
        """Return the paths of the first `MAX_SPECS` specs, relative to the folder."""
        root = self.folder / SPECS
        with suppress(NotFound):
            found = find([root if root.is_dir() else self.folder])
            return [str(path.relative_to(self.folder)) for path in islice(found, MAX_SPECS)]
        return []

    def describe(self, path: str) -> dict[str, object]:
        """Return what a form for a spec needs: its event, its description and its variables. Raises NotFound for no spec."""
        loaded = self._load(path)
        spec = loaded.spec
        return {
            "path": path,
            "event": _text(spec, "event"),
            "description": _text(spec, "description"),
            "variables": list(map(_variable, spec.variables)) if spec is not None else [],
            "problems": _shown(loaded.problems, loaded.secrets),
        }

    def render(self, path: str, texts: Mapping[str, str], env: str, max_event_kb: int) -> dict[str, object]:
        """Return the event that a spec makes now of variables, given as texts; or why it makes none. Raises NotFound."""
        # Only this needs a template engine, and the sandbox is to listen at once.
        from runner.eventspec import Occurrence  # noqa: PLC0415
        from runner.run import Inputs, Job, Rejected, prepare  # noqa: PLC0415
        from runner.variables import Given  # noqa: PLC0415

        loaded = self._load(path)
        if loaded.spec is None:
            return {"event": None, "problems": _shown(loaded.problems, loaded.secrets)}
        given = {name: Given(text, "the page", is_text=True) for name, text in texts.items()}
        job = Job(loaded.spec, Inputs((given,), self.environ, self.variables))
        made = prepare(job, Occurrence(uuid4(), 0, datetime.now(UTC)), env, max_event_kb)
        if isinstance(made, Rejected):
            return {"event": None, "problems": _shown(made.problems, (*loaded.secrets, *made.secrets))}
        return {"event": json.loads(made.body), "problems": []}

    def _load(self, path: str) -> Loaded:
        from runner.eventspec import load  # noqa: PLC0415 - as above

        if path not in self.paths():
            raise NotFound(Problem("file-not-found", f"this project has no spec {path[:_SHOWN_CHARS]}"))
        return load(self.folder / path, project_of(self.folder / path), self.config)


def _text(spec: Spec | None, name: str) -> str | None:
    node = spec.root.get(name) if spec is not None else None
    return node.value if node is not None and isinstance(node.value, str) else None


def _variable(variable: Variable) -> dict[str, object]:
    schema = variable.schema_source
    is_secret = variable.may_be_secret
    return {
        "name": variable.name,
        "types": variable.types,
        "required": variable.required,
        "description": schema.get("description"),
        "choices": schema.get("enum"),
        "is_secret": is_secret,
        "has_default": variable.has_default,
        "default": None if is_secret else variable.default,
    }


def _shown(problems: Iterable[Problem], secrets: Iterable[str]) -> list[dict[str, object]]:
    """Return problems without the lines of their files, which may hold secrets."""
    mask = Mask(secrets)
    return [
        {
            "code": each.code,
            "severity": each.severity,
            "message": mask.text(each.message),
            "at": each.at,
            "hint": mask.text(each.hint) if each.hint else None,
            "place": f"{each.position.path}:{each.position.line}" if each.position else None,
        }
        for each in problems
    ]
