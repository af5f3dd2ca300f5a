"""`users:` and `workflows:` of `runner.yaml` and of cases → the names in them that stand for nothing in the assets folder.

An outcome of a misspelt node, or a misspelt category, would be without effect, and a case may pass for that reason alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Problem, did_you_mean
from runner.suprsend.messages import CHANNELS
from runner.workflows.assets import ROOT_CATEGORIES
from runner.workflows.definition import Fetch, Send, SendMulti, SendSmart
from runner.workflows.reach import all_nodes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.errors import Position
    from runner.source import Node
    from runner.workflows.assets import Assets


class DataChecks:
    """The names that test data may have, by the assets of a project. Files that can't be read may have others."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._senders: dict[str, None] = {}
        self._calls: dict[str, None] = {}
        for workflow in (assets.workflows or {}).values():
            for node in all_nodes(workflow.nodes):
                if isinstance(node, Send | SendMulti | SendSmart):
                    self._senders[node.common.id] = None
                elif isinstance(node, Fetch):
                    self._calls[node.common.id] = None

    def problems(self, section: Node) -> Iterator[Problem]:
        """Yield a problem for each unknown name in a `runner.yaml` or a case."""
        outcomes, answers = section.get("workflows", "outcomes"), section.get("workflows", "answers")
        if self._assets.workflows is not None:
            yield from self._unknown_nodes(
                outcomes, "workflows.outcomes", (*CHANNELS, *self._senders), "sends messages"
            )
            yield from self._unknown_nodes(answers, "workflows.answers", self._calls, "makes a call")
        users = section.get("users")
        for name, user in users.entries.items() if users is not None else ():
            yield from self._unknown_categories(name, user)

    def _unknown_nodes(self, table: Node | None, at: str, known: Collection[str], does: str) -> Iterator[Problem]:
        if table is None:
            return
        for key in table.entries:
            node, _, channel = key.rpartition("/")
            if key in known or self._assets.may_name(key) or (node and self._assets.may_name(node)):
                continue
            if node in self._senders and known is not self._calls:
                if channel in CHANNELS:
                    continue
                message, hint = f"there is no channel '{channel}'", did_you_mean(channel, CHANNELS)
            else:
                message, hint = f"no workflow has a node '{key}' that {does}", did_you_mean(key, known)
            yield _unknown(message, table.key_position(key), f"{at}.{key}", hint)

    def _unknown_categories(self, name: str, user: Node) -> Iterator[Problem]:
        if self._assets.categories is None:
            return
        known, listed = (*self._assets.categories, *ROOT_CATEGORIES), user.get("opted_out")
        for item in listed.items if listed is not None else ():
            category, slash, channel = str(item.value).partition("/")
            if category not in known:
                message, hint = f"there is no category '{category}'", did_you_mean(category, known)
            elif slash and channel not in CHANNELS:
                message, hint = f"there is no channel '{channel}'", did_you_mean(channel, CHANNELS)
            else:
                continue
            yield _unknown(message, item.position(), f"users.{name}.opted_out", hint)


def _unknown(message: str, place: Position, at: str, hint: str | None) -> Problem:
    return Problem("test-data-unknown", message, place, at=at, hint=hint, severity="warning")
