"""Template folders → the channels of templates and the variables that they read.

Source: the platform's documentation, "Template folder layout". Builds of its command line differ in how they write texts: all
texts of `variant.json` and of the files beside it count, and a text that is `@` and the name of such a file stands for it.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import Problem
from runner.source import describe, read_text
from runner.suprsend.messages import CHANNELS
from runner.workflows.assets import Template, TemplateVariable
from runner.workflows.handlebars import HandlebarsError, references

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.errors import Position
    from runner.source import Node
    from runner.source.text import Text
    from runner.suprsend.messages import Channel
    from runner.workflows.asset_folder import AssetFolder

_MAX_LEVELS = 4
"""Folders below that of a channel: `_tenants/TENANT/VARIANT`, and one more."""
_SUFFIXES = (".html", ".txt", ".md", ".json", ".jsonnet")
_NOT_TEXTS = (
    "variant.json",
    "mock_data.json",
    "design.json",
    "body.designer.json",
    "content_body_designer_design_json.json",
)
"""Files beside a text that are not sent: the design of a mail is where its HTML was made from."""
_CONTENT = "content.json"
_BODY = re.compile(r"(?:body\.|content_body_)(raw|designer|plain_text|block|text|card)[._]")
_BODIES, _BLOCKS = frozenset({"raw", "designer", "plain_text"}), frozenset({"text", "block", "card"})
"""Kinds of bodies: of mails, and of Slack and Microsoft Teams."""
_JSONNET = re.compile(r"""\bdata(?:\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|\[\s*(["'])([^"'$\]]+)\2\s*\])""")


def read_templates(folder: AssetFolder) -> dict[str, Template] | None:
    """Return the templates by their slugs; None without a folder of them."""
    if not folder.has("templates"):
        return None
    found = {}
    for slug, path in folder.files(None, "templates", "template.json", "main.json"):
        found[slug] = _template(folder, slug, path)
    return found


def _template(folder: AssetFolder, slug: str, meta: Path) -> Template:
    enabled = _enabled(folder, meta)
    channels: list[Channel] = []
    variables: dict[tuple[str, str], TemplateVariable] = {}
    for channel in CHANNELS:
        variants = list(_variants(folder, meta.parent / channel))
        if not variants or (enabled is not None and channel not in enabled):
            continue
        channels.append(channel)
        for variant in variants:
            for found in _variables(folder, channel, variant):
                before = variables.get((found.name, channel))
                if before is None or (found.is_required and not before.is_required):
                    variables[found.name, channel] = found
    return Template(slug, tuple(channels), tuple(variables.values()), meta.parent)


def _enabled(folder: AssetFolder, meta: Path) -> list[object] | None:
    """Return the enabled channels; None if the file does not name any, so that all of the folder's are."""
    root = folder.map(meta)
    listed = root.get("enabled_channels") if root is not None else None
    if listed is None or listed.value is None:
        return None
    if not isinstance(listed.value, list):
        folder.report(f"'enabled_channels' must be a list, not {describe(listed.value)}", listed.position())
        return None
    return [item.value for item in listed.items]


def _variants(folder: AssetFolder, channel: Path) -> Iterator[Path]:
    """Yield the `variant.json` of each variant in a folder and below, those of tenants too. Links may lead in circles."""
    seen: set[str] = set()
    folders = [(channel, 0)]
    for path, level in folders:
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        for below in folder.paths(path):
            if below.name == "variant.json":
                yield below
            elif level < _MAX_LEVELS:
                folders.append((below, level + 1))


class _Source(NamedTuple):
    """A text of a template. `node` is None for a whole file."""

    text: str
    file: Text
    node: Node | None = None

    def position(self, offset: int) -> Position:
        if self.node is not None:
            return self.node.span(offset, offset + 1)
        return self.file.position(offset)


def _variables(folder: AssetFolder, channel: Channel, variant: Path) -> Iterator[TemplateVariable]:
    root = folder.map(variant)
    if root is None:
        return
    beside = {path.name: path for path in folder.paths(variant.parent) if path.name not in _NOT_TEXTS}
    content = root.get("content")
    if content is None and _CONTENT in beside:  # the first layout has it in a file of its own
        content = folder.map(beside.pop(_CONTENT))
    language = (content.get("templating_language") if content is not None else None) or root.get("templating_language")
    is_jsonnet = language is not None and language.value == "jsonnet"
    unused = _unused(content)
    for node in _sent(content, unused):
        text = str(node.value)
        if not (text.startswith("@") and text[1:] in beside):
            yield from _of_text(folder, channel, _Source(text, node.text, node), is_jsonnet=is_jsonnet)
    for name, path in beside.items():
        body = _BODY.match(name)
        if path.suffix in _SUFFIXES and not (body is not None and body[1] in unused):
            for source in _of_file(folder, path):
                yield from _of_text(folder, channel, source, is_jsonnet=is_jsonnet or path.suffix == ".jsonnet")


def _unused(content: Node | None) -> frozenset[str]:
    """Return the kinds of bodies that a content has beside the one that it names: they are not sent."""
    for path, kinds in ((("body", "type"), _BODIES), (("body_type",), _BLOCKS)):
        kind = content.get(*path) if content is not None else None
        if kind is not None and isinstance(kind.value, str) and kind.value in kinds:
            return kinds - {kind.value}
    return frozenset()


def _of_file(folder: AssetFolder, path: Path) -> Iterator[_Source]:
    """Yield the texts of a file beside a variant: those in a JSON document, or the whole."""
    text = folder.text(path)
    if text is None:
        return
    document = read_text(text.content, text.path, as_json=True) if path.suffix == ".json" else None
    if document is not None and document.root is not None and not document.problems:
        for node in _texts(document.root):
            yield _Source(str(node.value), document.text, node)
    else:
        yield _Source(text.content, text)


def _of_text(folder: AssetFolder, channel: Channel, source: _Source, *, is_jsonnet: bool) -> Iterator[TemplateVariable]:
    path = source.file.path
    if is_jsonnet:
        for match in _JSONNET.finditer(source.text):
            line = source.position(match.start()).line
            yield TemplateVariable(match[1] or match[3], channel, False, path, line)
        return
    if "{{" not in source.text:
        return
    try:
        for reference in references(source.text):
            line = source.position(reference.offset).line
            yield TemplateVariable(reference.path, channel, reference.is_required, path, line)
    except HandlebarsError as error:
        _unread(folder, error.message, source.position(error.offset))


def _unread(folder: AssetFolder, message: str, place: Position | None) -> None:
    folder.problems.append(Problem("template-unread", message, place, severity="warning"))


def _sent(content: Node | None, unused: frozenset[str]) -> Iterator[Node]:
    """Yield the texts of a variant, without those of bodies that are not used."""
    for key, child in content.entries.items() if content is not None else ():
        if key == "body" and child.entries:
            for kind, body in child.entries.items():
                if kind not in unused:
                    yield from _texts(body)
        elif key.removeprefix("body_") not in unused:
            yield from _texts(child)


def _texts(node: Node) -> Iterator[Node]:
    """Yield the texts of a document."""
    if isinstance(node.value, str):
        yield node
    for child in (*node.entries.values(), *node.items):
        yield from _texts(child)
