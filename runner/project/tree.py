"""A spec file, and the files that it extends and includes → trees. Every path must be inside the project."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import MachineError, NotFound, Problem
from runner.project.files import CONFIG_NAME, SUFFIXES, is_named, link_out, misspelt
from runner.project.foreign import foreign, means_to_be_a_spec
from runner.source import describe, discreet, read, unshown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.codes import Code
    from runner.source import Document, Node

_NOT_INHERITED = ("name", "tests", "extends")
_MERGED = ("vars", "properties")
_SUFFIXES = (".yaml", ".yml", ".json")
_SECRET = re.compile(r"\bsecret[\"']?\s*:(?!\s*false\b)")


class Files:
    """Reads the files of one spec, and collects their problems."""

    def __init__(self, project: Path) -> None:
        self._project = project.resolve()
        self.problems: list[Problem] = []

    def spec(self, path: Path) -> Node | None:
        """Return a spec merged over the files that it extends. Raises NotFound and MachineError for the spec's own file."""
        try:
            resolved = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise NotFound(Problem("file-not-found", f"no such file: {path}", hint="the link leads nowhere")) from None
        if problem := link_out(path, self._project, str(path), "specs must lie"):
            self.problems.append(problem)
            return None
        if not is_named(path, resolved, self._project, SUFFIXES):
            hint = f"specs end in {' or '.join(SUFFIXES)}, and do not begin with a dot"
            self.problems.append(
                Problem("not-a-spec", f"{path} is a link to a file that does not have the name of a spec", hint=hint)
            )
            return None
        return self._merged(read(path), (resolved,))

    def included(self, node: Node) -> Node | None:
        """Return the contents of the file that a text names."""
        path = self._inside(node)
        document = self._read(path, node) if path is not None else None
        if document is None:
            return None
        document.text.shows_lines = _means_to_be_a_schema(document)
        self.problems += document.problems if document.text.shows_lines else map(unshown, document.problems)
        if document.root is None and not document.problems:
            self._report("empty-file", "the file is empty", document)
        return document.root

    def _merged(self, document: Document, seen: tuple[Path, ...]) -> Node | None:
        """Return a file merged over the one that it extends."""
        before = len(self.problems)
        is_spec, hides_secrets = means_to_be_a_spec(document), _hides_secrets(document)
        document.text.shows_lines = is_spec and not hides_secrets
        censor = unshown if not is_spec else discreet if hides_secrets else None
        self.problems += map(censor, document.problems) if censor else document.problems
        root = document.root
        if root is None:
            if not document.problems:
                self._report("empty-file", "the file is empty", document, "`runner schema` prints the format")
            return None
        if (problem := foreign(root, is_base=len(seen) > 1)) is not None:
            # Its other problems, by the rules of a spec, would not help.
            self.problems[before:] = [problem]
            return None
        extends = root.get("extends")
        if extends is None:
            return root
        if not isinstance(extends.value, str) or not extends.value:
            what = describe(extends.value) if extends.value != "" else "an empty text"
            message = f"'extends' must be the path of a file, not {what}"
            self.problems.append(Problem("wrong-type", message, extends.position(), at="extends"))
            return None
        base_path = self._inside(extends)
        if base_path is None:
            return None
        if base_path.resolve() in seen:
            chain = " → ".join(step.name for step in (*seen, base_path.resolve()))
            self.problems.append(Problem("extends-cycle", f"the spec extends itself: {chain}", extends.position()))
            return None
        base_document = self._read(base_path, extends)
        base = base_document and self._merged(base_document, (*seen, base_path.resolve()))
        return _merge(root, base) if base else None

    def _inside(
        self, node: Node, what: str = "neither YAML nor JSON", suffixes: Sequence[str] = _SUFFIXES
    ) -> Path | None:
        """Return the path that a spec names, relative to the file that contains it. `what` describes a file of another kind."""
        path = Path(node.text.path).parent / str(node.value)
        if "://" in str(node.value):
            message = f"'{node.value}' is a URL, and URLs are not fetched"
            self.problems.append(Problem("path-outside", message, node.position(), hint="save the file in the project"))
            return None
        try:
            resolved = path.resolve()
            if resolved.is_relative_to(self._project) and not Path(str(node.value)).is_absolute():
                # Normalized, a file has one name. But after a link, `..` may lead elsewhere.
                short = Path(normpath(path))
                path = short if short.resolve() == resolved else path
                return path if self._is_ours(path, resolved, node, what, suffixes) else None
        except (OSError, ValueError, RuntimeError) as error:  # a name too long, a NUL in it, links in a circle
            message = f"'{node.value}' is not a valid path: {error}"
            self.problems.append(Problem("file-not-found", message, node.position()))
            return None
        hint = f"files that a spec names must be in {_shown(self._project)}"
        self.problems.append(
            Problem("path-outside", f"'{node.value}' is outside the project", node.position(), hint=hint)
        )
        return None

    def _is_ours(self, path: Path, resolved: Path, node: Node, what: str, suffixes: Sequence[str]) -> bool:
        """Return whether a file is of a kind that may be read. Reports quote lines of it, so it must not be a `.env`."""
        if CONFIG_NAME in (path.name, resolved.name):
            message, hint = f"'{node.value}' holds profiles, and can't be part of a spec", None
        elif is_named(path, resolved, self._project, suffixes) or resolved.is_dir():
            return True
        else:
            message = f"'{node.value}' is {what} by its name"
            hint = f"such files end in {', '.join(suffixes)}, and do not begin with a dot"
        self.problems.append(Problem("bad-value", message, node.position(), hint=hint))
        return False

    def _read(self, path: Path, node: Node) -> Document | None:
        try:
            stamp = _stamp(path)
            return _read_once(path, stamp) if stamp and stamp[-1] <= _SHARED_BYTES else read(path)
        except (NotFound, MachineError) as error:
            problem = error.problems[0]
            self.problems.append(replace(problem, position=node.position(), hint=misspelt(path)))
            return None

    def _report(self, code: Code, message: str, document: Document, hint: str | None = None) -> None:
        place = document.text.position(document.root.start if document.root else 0)
        self.problems.append(Problem(code, message, place, hint=hint))


_SHARED_BYTES = 64 * 1024


@lru_cache(maxsize=32)
def _read_once(path: Path, stamp: object) -> Document:  # noqa: ARG001 - the stamp is a part of the cache key
    """Return the document of a file that many specs may share, such as a base."""
    return read(path)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except (OSError, ValueError):  # reported when it is read
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _means_to_be_a_schema(document: Document) -> bool:
    """Return whether the lines of a file that is named as a schema may be shown: it has only a schema's keywords."""
    root = document.root
    if root is None:
        return _SCHEMA_KEY.search(document.text.content) is not None
    is_known = all(key in _KEYWORDS or key.startswith("x-") for key in root.entries)
    return "$schema" in root.entries or (isinstance(root.value, dict | bool) and is_known)


_SCHEMA_KEY = re.compile(
    r"^[ \t{]{0,4}[\"']?(?:\$schema|\$defs|\$ref|properties|required|allOf|anyOf|oneOf)[\"']?\s*:", re.MULTILINE
)
_KEYWORDS = frozenset(
    """
    $anchor $comment $defs $dynamicAnchor $dynamicRef $id $ref $schema $vocabulary additionalItems additionalProperties allOf
    anyOf const contains contentEncoding contentMediaType contentSchema default definitions dependencies dependentRequired
    dependentSchemas deprecated description else enum example examples exclusiveMaximum exclusiveMinimum format if items
    maxContains maxItems maxLength maxProperties maximum minContains minItems minLength minProperties minimum multipleOf not
    oneOf pattern patternProperties prefixItems properties propertyNames readOnly required then title type unevaluatedItems
    unevaluatedProperties uniqueItems writeOnly
    """.split()  # noqa: SIM905 - a list of words reads best as words
)


def _hides_secrets(document: Document) -> bool:
    """Return whether a file may hold secrets at unknown places, because it is broken or has a duplicate key."""
    is_whole = document.root is not None and all(problem.code != "duplicate-key" for problem in document.problems)
    return not is_whole and _SECRET.search(document.text.content) is not None


def _merge(child: Node, base: Node) -> Node:
    merged = child.over(base.without(*_NOT_INHERITED))
    if isinstance(merged.value, dict):
        for key in _MERGED:
            own, inherited = child.get(key), base.get(key)
            if own and inherited and isinstance(own.value, dict) and isinstance(inherited.value, dict):
                merged.value[key] = own.over(inherited)
    return merged


def _shown(folder: Path) -> str:
    """Return the name of the project's folder, without its path on this machine."""
    return f"the project's folder '{folder.name}'"
