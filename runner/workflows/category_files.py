"""The file of notification categories → their slugs and default preferences.

Source: the platform's published JSON schema of preference categories: root categories have sections, sections categories.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, get_args

from runner.errors import did_you_mean
from runner.source import describe
from runner.suprsend.messages import CHANNELS
from runner.workflows.assets import Category, Preference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.source import Node
    from runner.suprsend.messages import Channel
    from runner.workflows.asset_folder import AssetFolder

_PLACES = (("preference_categories", "categories.json"), ("category", "categories_preferences.json"))
"""Of the newer layout, which wins, and of the older one."""
_PREFERENCES: tuple[Preference, ...] = get_args(Preference)


def read_categories(folder: AssetFolder) -> dict[str, Category] | None:
    """Return the categories by their slugs; None without a file of them that can be read."""
    for path in (folder.path.joinpath(*place) for place in _PLACES):
        if not os.path.lexists(path):
            continue
        root = folder.map(path)
        if root is None:
            return None
        found: dict[str, Category] = {}
        for node in _nodes(folder, root):
            category = _category(folder, node)
            if category is not None and found.setdefault(category.slug, category) is not category:
                folder.report(f"the category '{category.slug}' is declared twice", node.position())
        return found
    return None


def _nodes(folder: AssetFolder, root: Node) -> Iterator[Node]:
    for group in folder.items(root, "root_categories", "the file of categories"):
        for section in folder.items(group, "sections", "a root category"):
            yield from folder.items(section, "categories", "a section of categories")


def _category(folder: AssetFolder, node: Node) -> Category | None:
    slug = folder.field(node, "category" if node.get("category") is not None else "slug", "a category")
    if slug is None:
        return None
    default = node.get("default_preference")
    preference: Preference = "opt_in"
    if default is not None and default.value is not None:
        known = next((name for name in _PREFERENCES if name == default.value), None)
        if known is None:
            hint = did_you_mean(str(default.value)[:100], _PREFERENCES, f"one of: {', '.join(_PREFERENCES)}")
            message = f"the 'default_preference' of the category '{slug}' is unknown"
            folder.report(message, default.position(), hint=hint)
        preference = known or preference
    schedule = node.get("digest_schedule")
    return Category(
        slug,
        preference,
        _channels(folder, node, "default_mandatory_channels") or (),
        _channels(folder, node, "default_opt_in_channels"),
        schedule.plain() if schedule is not None else None,
    )


def _channels(folder: AssetFolder, node: Node, key: str) -> tuple[Channel, ...] | None:
    """Return a list of channels in the usual order; None for null, which means all. Unknown ones are newer than this version."""
    listed = node.get(key)
    if listed is None or listed.value is None:
        return None
    if not isinstance(listed.value, list):
        folder.report(f"'{key}' must be a list or null, not {describe(listed.value)}", listed.position())
        return None
    names = [item.value for item in listed.items]
    return tuple(channel for channel in CHANNELS if channel in names)
