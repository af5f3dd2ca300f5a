"""A spec file, the files that it extends and includes → trees. Every path must be inside the project."""

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
from runner.source import MAX_BYTES, describe, discreet, read, unshown
from runner.template.shape import DIRECTIVES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.codes import Code
    from runner.source import Document, Node

_NOT_INHERITED = ("name", "tests", "extends")
_MERGED = ("vars", "let", "properties", "checks")
MAX_BASES = 100
"""Maximum number of files that a spec builds on. Together they may be as large as one file."""
_SUFFIXES = (".yaml", ".yml", ".json")
_SECRET = re.compile(r"\bsecret[\"']?\s*:(?!\s*false\b)")


class Files:
    """Reads the files of one spec, and collects their problems."""

    def __init__(self, project: Path) -> None:
        self.project = project.resolve()
        self.problems: list[Problem] = []

    def spec(self, path: Path) -> Node | None:
        """Return a spec merged over the files that it extends. Raises NotFound and MachineError for the spec's own file."""
        try:
            resolved = path.resolve(strict=True)
        except (OSError, RuntimeError):
            raise NotFound(Problem("file-not-found", f"no such file: {path}", hint="the link leads nowhere")) from None
        if problem := link_out(path, self.project, str(path), "specs must lie"):
            self.problems.append(problem)
            return None
        if not is_named(path, resolved, self.project, SUFFIXES):
            hint = f"specs end in {' or '.join(SUFFIXES)}, and do not begin with a dot"
            self.problems.append(
                Problem("not-a-spec", f"{path} is a link to a file that does not have the name of a spec", hint=hint)
            )
            return None
        return self._over_bases(read(path), resolved)

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

    def _over_bases(self, document: Document, path: Path) -> Node | None:
        """Read a spec over all that it builds on: each file once, over the ones that it names itself."""
        layers: dict[Path, Node | None] = {}
        try:
            self._collect(document, (path,), layers)
        except _TooMuchError as error:
            self.problems.append(error.problem)
            return None
        merged: Node | None = None
        for layer in layers.values():
            if layer is None:
                return None
            merged = _merge(layer, merged) if merged is not None else layer
        return merged

    def _collect(
        self, document: Document, way: tuple[Path, ...], layers: dict[Path, Node | None], chars: int = 0
    ) -> int:
        """Add a file to `layers`, after all that it builds on; None for one that can't be used.

        `way` leads from the spec to the file. Returns how many characters the bases have together, `chars` before these.
        """
        root = self._root(document, is_base=len(way) > 1)
        bases = self._bases(root) if root is not None else None
        for node in bases or ():
            path = self._inside(node)
            if path is None:
                bases = None
                continue
            resolved = path.resolve()
            if resolved in way:
                steps = " → ".join(step.name for step in (*way, resolved))
                message = f"the spec extends itself: {steps}"
                self.problems.append(Problem("extends-cycle", message, node.position()))
                bases = None
            elif resolved not in layers:
                base = self._read(path, node)
                if base is None:
                    bases = None
                    continue
                if len(layers) + len(way) > MAX_BASES:
                    message = f"the spec builds on more than {MAX_BASES} files"
                    raise _TooMuchError(Problem("bad-value", message, node.position(), at="extends"))
                chars += len(base.text.content)
                if chars > MAX_BYTES:
                    message = f"the files that the spec builds on are larger than {MAX_BYTES:,} characters together"
                    raise _TooMuchError(Problem("file-too-large", message, node.position(), at="extends"))
                chars = self._collect(base, (*way, resolved), layers, chars)
        layers[way[-1]] = root if bases is not None else None
        return chars

    def _root(self, document: Document, *, is_base: bool) -> Node | None:
        """Return the map of a file that means to be a spec, or a base of one; None, with problems, for any other."""
        before = len(self.problems)
        self.problems += shown_problems(document)
        root = document.root
        if root is None:
            if not document.problems:
                self._report("empty-file", "the file is empty", document, "`runner schema` prints the format")
            return None
        if (problem := foreign(root, is_base=is_base)) is not None:
            # Its other problems, by the rules of a spec, would not help.
            self.problems[before:] = [problem]
            return None
        return root

    def _bases(self, root: Node) -> list[Node] | None:
        """List the paths that a file extends; None, with a problem, where it says something else."""
        extends = root.get("extends")
        if extends is None:
            return []
        if extends.items:
            if len(extends.items) > MAX_BASES:
                message = f"'extends' has {len(extends.items):,} files, and may have {MAX_BASES}"
                self.problems.append(Problem("bad-value", message, extends.position(), at="extends"))
                return None
            paths = {f"extends[{index}]": item for index, item in enumerate(extends.items)}
        else:
            paths = {"extends": extends}
        for at, node in paths.items():
            if not isinstance(node.value, str) or not node.value:
                what = {"": "an empty text", "[]": "an empty list"}.get(str(node.value)) or describe(node.value)
                expected = "the path of a file" if extends.items else "the path of a file, or a list of paths"
                self.problems.append(
                    Problem("wrong-type", f"'{at}' must be {expected}, not {what}", node.position(), at=at)
                )
                return None
        return [*paths.values()]

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
            if resolved.is_relative_to(self.project) and not Path(str(node.value)).is_absolute():
                # Normalized, a file has one name. But after a link, `..` may lead elsewhere.
                short = Path(normpath(path))
                path = short if short.resolve() == resolved else path
                return path if self._is_ours(path, resolved, node, what, suffixes) else None
        except (OSError, ValueError, RuntimeError) as error:  # a name too long, a NUL in it, links in a circle
            message = f"'{node.value}' is not a valid path: {error}"
            self.problems.append(Problem("file-not-found", message, node.position()))
            return None
        hint = f"files that a spec names must be in {_shown(self.project)}"
        self.problems.append(
            Problem("path-outside", f"'{node.value}' is outside the project", node.position(), hint=hint)
        )
        return None

    def _is_ours(self, path: Path, resolved: Path, node: Node, what: str, suffixes: Sequence[str]) -> bool:
        """Return whether a file is of a kind that may be read. Reports quote lines of it, so it must not be a `.env`."""
        if CONFIG_NAME in (path.name, resolved.name):
            message, hint = f"'{node.value}' holds profiles, and can't be part of a spec", None
        elif is_named(path, resolved, self.project, suffixes) or resolved.is_dir():
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


def shown_problems(document: Document) -> list[Problem]:
    """Return the problems of a spec's file, with its lines as far as they may be shown; from now on, no other shows more."""
    is_spec, hides_secrets = means_to_be_a_spec(document), _hides_secrets(document)
    document.text.shows_lines = is_spec and not hides_secrets
    censor = unshown if not is_spec else discreet if hides_secrets else None
    return [*map(censor, document.problems)] if censor else [*document.problems]


def _hides_secrets(document: Document) -> bool:
    """Return whether a file may hold secrets at unknown places, because it is broken or has a duplicate key."""
    is_whole = document.root is not None and all(problem.code != "duplicate-key" for problem in document.problems)
    return not is_whole and _SECRET.search(document.text.content) is not None


def _merge(child: Node, base: Node) -> Node:
    merged = child.over(base.without(*_NOT_INHERITED))
    if isinstance(merged.value, dict):
        for key in _MERGED:
            own, inherited = child.get(key), base.get(key)
            if own and inherited and _is_plain_map(own, key) and _is_plain_map(inherited, key):
                merged.value[key] = own.over(inherited)
    return merged


def _is_plain_map(node: Node, key: str) -> bool:
    """Return whether a value is a map of names: not a directive, which is one value as a whole."""
    return isinstance(node.value, dict) and (key != "properties" or node.value.keys().isdisjoint(DIRECTIVES))


class _TooMuchError(Exception):
    """A spec builds on too many files, or on too large ones."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def _shown(folder: Path) -> str:
    """Return the name of the project's folder, without its path on this machine."""
    return f"the project's folder '{folder.name}'"
