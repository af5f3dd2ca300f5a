"""A spec → one text, complete in itself → the same spec, in a process that has none of its files."""

from __future__ import annotations

from json import dumps, loads
from typing import TYPE_CHECKING, Any

from runner.errors import MachineError, Problem
from runner.eventspec.reader import Reader
from runner.source import read_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from runner.eventspec.fields import Fields
    from runner.eventspec.spec import Spec
    from runner.source import Node
    from runner.template.template import Template
    from runner.variables import Variable

_NOT_OF_THE_EVENT = ("tests", "extends")


def portable_text(spec: Spec) -> str:
    """Return a spec over all that it builds on, with its schema and the shared variables that it uses, without its cases."""
    content: Any = spec.root.without(*_NOT_OF_THE_EVENT).plain()
    if spec.schema_root is not None:
        content["schema"] = spec.schema_root.plain()
    if "let" in content:  # those of a base that nothing uses may need variables that the spec does not have
        content["let"] = {name: content["let"][name] for name in spec.lets}
    declared = content.get("vars", {})
    declares_all = "vars" in content and all(variable.name in declared for variable in spec.variables)
    return dumps({"spec": content, "declares_all": declares_all})


def load_portable(path: Path, text: str) -> Spec:
    """Return the spec of a text of `portable_text`; `path` is its name in messages. Raises MachineError if it can't be read."""
    content = loads(text)
    loaded = _PortableReader(path, dumps(content["spec"]), declares_all=content["declares_all"]).load(path)
    if loaded.spec is None:
        message = f"{path} can't be read as it was sent: {loaded.problems[0].message}"
        raise MachineError(
            Problem("machine-refused", message, hint="have all machines the same versions of all packages?")
        )
    return loaded.spec


class _PortableReader(Reader):
    """Reads a spec that is complete: nothing is looked for in files, and the rules of the project were applied before."""

    def __init__(self, path: Path, content: str, *, declares_all: bool) -> None:
        super().__init__(path.parent, None)
        self._document = read_text(content, str(path), as_json=True)
        self._declares = declares_all

    def _root(self, path: Path) -> Node | None:  # noqa: ARG002
        self.problems += self._document.problems
        return self._document.root

    def _declares_all(self, root: Node) -> bool:  # noqa: ARG002
        return self._declares

    def _with_shared(
        self,
        path: Path,  # noqa: ARG002
        root: Node,
        event: Fields,  # noqa: ARG002
        templates: Sequence[Template],  # noqa: ARG002
    ) -> tuple[Node, Collection[str]]:
        return root, ()

    def _check_env(self, path: Path, root: Node, variables: Sequence[Variable]) -> None: ...
