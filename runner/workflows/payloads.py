"""The JSON Schema that an event's file links, over the properties of events.

Source: the platform's documentation, "Validate workflow payload". Whether the platform asserts formats is not documented, so
they are not checked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.source import Schema, SchemaError
from runner.workflows.outcomes import RefusedError, RejectedError

if TYPE_CHECKING:
    from runner.source import Json, Node
    from runner.workflows.assets import Assets
    from runner.workflows.timeline import Event


class PayloadSchemas:
    """The schemas of assets, each compiled once."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._compiled: dict[str, Schema] = {}

    def check(self, event: Event) -> str | None:
        """Raise RejectedError if properties break the schema of their event. Return why that is not known, else None."""
        declared = (self._assets.events or {}).get(event.name)
        if declared is None or declared.schema is None:
            return None
        if declared.schema not in self._assets.schemas:
            return f"the schema '{declared.schema}' is not in the assets folder: the properties are taken as valid"
        schema = self._schema(declared.schema, declared.source)
        properties: Json = dict(event.properties)
        if schema.accepts(properties):
            return None
        fault = next((fault for fault in schema.faults(properties) if fault.keyword != "format"), None)
        if fault is None:
            return "a property does not have the format of its schema: whether the platform checks it is not documented"
        where = fault.at()
        reason = f"{where}: {fault.message}" if where else fault.message
        raise RejectedError(f"the properties break the schema '{declared.schema}': {reason}", declared.source)

    def _schema(self, slug: str, source: Node) -> Schema:
        found = self._compiled.get(slug)
        if found is None:
            try:
                found = self._compiled[slug] = Schema(self._assets.schemas[slug].document)
            except SchemaError as error:
                raise RefusedError(f"the schema '{slug}' can't be used: {error}", source) from None
        return found
