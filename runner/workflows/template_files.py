"""Template folders → the channels of templates and the variables that they read.

Source: the platform's documentation, "Template folder layout". Builds of its command line differ in how they write texts: all
texts of `variant.json` and of the files beside it count, and a text that is `@` and the name of such a file stands for it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import Problem, RunnerError
from runner.source import read
from runner.suprsend.messages import CHANNELS
from runner.workflows.assets import Template, TemplateVariable
from runner.workflows.handlebars import HandlebarsError, references
from runner.workflows.layouts import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.source import Node
    from runner.suprsend.messages import Channel

MAX_TEXT_BYTES = 1_000_000
_MAX_VARIANTS = 500
_TEXT_SUFFIXES = (".html", ".txt", ".md", ".json")
_VARIANT = "variant.json"
_NOT_TEXTS = (_VARIANT, "mock_data.json", "template.json", "design.json", "body.designer.json")
_JSONNET = re.compile(r"""\bdata(?:\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|\[\s*(["'])([^"'$\]]+)\2\s*\])""")


class TemplateReader:
    """Reads the templates of one assets folder, and collects the problems of files that can't be read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: list[Problem] = []

    def read(self, slug: str, folder: Path) -> Template:
        """Return a template from its folder."""
        enabled = self._enabled(folder)
        channels: list[Channel] = []
        variables: dict[tuple[str, str], TemplateVariable] = {}
        for channel in CHANNELS:
            variants = list(self._variants(folder / channel))
            if not variants or (enabled is not None and channel not in enabled):
                continue
            channels.append(channel)
            for variant in variants:
                for found in self._variables(channel, variant):
                    before = variables.get((found.name, channel))
                    if before is None or (found.is_required and not before.is_required):
                        variables[found.name, channel] = found
        return Template(slug, tuple(channels), tuple(variables.values()), folder)

    def _enabled(self, folder: Path) -> list[object] | None:
        """Return the enabled channels by `template.json`, or by `main.json` of the layout before it; None if neither says."""
        for name in ("template.json", "main.json"):
            path = folder / name
            if os.path.lexists(path) and self._is_readable(path):
                root = self._root_of(path)
                found = root.get("enabled_channels") if root is not None else None
                return [item.value for item in found.items] if found is not None else None
        return None

    def _variants(self, channel: Path) -> Iterator[Path]:
        """Yield the `variant.json` of each variant of a channel, those of tenants too."""
        found = (
            Path(folder, _VARIANT) for folder, *names in os.walk(channel) if any(_VARIANT in each for each in names)
        )
        for path in sorted(found)[:_MAX_VARIANTS]:
            if self._is_readable(path):
                yield path

    def _variables(self, channel: Channel, variant: Path) -> Iterator[TemplateVariable]:
        root = self._root_of(variant)
        if root is None:
            return
        content = root.get("content")
        language = root.get("content", "templating_language") or root.get("templating_language")
        is_jsonnet = language is not None and language.value == "jsonnet"
        texts = _texts(content) if content is not None else iter(())
        for node in texts:
            if not (str(node.value).startswith("@") and (variant.parent / str(node.value)[1:]).is_file()):
                line = node.position().line
                yield from self._of_text(channel, str(node.value), variant, line, is_jsonnet=is_jsonnet)
        for path in sorted(variant.parent.iterdir()):
            if path.suffix in (*_TEXT_SUFFIXES, ".jsonnet") and path.name not in _NOT_TEXTS and self._is_readable(path):
                text = self._text(path)
                yield from self._of_text(channel, text, path, 1, is_jsonnet=path.suffix == ".jsonnet" or is_jsonnet)

    def _of_text(
        self, channel: Channel, text: str, path: Path, line: int, *, is_jsonnet: bool
    ) -> Iterator[TemplateVariable]:
        if is_jsonnet:
            for match in _JSONNET.finditer(text):
                below = line + text.count("\n", 0, match.start())
                yield TemplateVariable(match[1] or match[3], channel, False, str(path), below)
            return
        if "{{" not in text:
            return
        try:
            for reference in references(text):
                below = line + text.count("\n", 0, reference.offset)
                yield TemplateVariable(reference.path, channel, reference.is_required, str(path), below)
        except HandlebarsError as error:
            below = line + text.count("\n", 0, error.offset)
            message = f"{path}:{below}: {error.message}"
            self.problems.append(Problem("template-unread", message, severity="warning"))

    def _text(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                return file.read(MAX_TEXT_BYTES).decode("utf-8", "replace")
        except OSError as error:
            message = f"can't read {path}: {error.strerror}"
            self.problems.append(Problem("template-unread", message, severity="warning"))
            return ""

    def _root_of(self, path: Path) -> Node | None:
        try:
            document = read(path)
        except RunnerError as error:
            self.problems += error.problems
            return None
        self.problems += document.problems
        return document.root

    def _is_readable(self, path: Path) -> bool:
        problem = unreadable(path, self._folder)
        self.problems += [problem] if problem is not None else []
        return problem is None


def _texts(node: Node) -> Iterator[Node]:
    """Yield the texts of a document."""
    if isinstance(node.value, str):
        yield node
    for child in (*node.entries.values(), *node.items):
        yield from _texts(child)
