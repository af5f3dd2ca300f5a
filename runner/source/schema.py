"""A JSON Schema (2020-12) and a value → the rules that the value breaks.

Formats are asserted, and no reference is ever fetched: a schema that refers to something outside itself is an error.
Schemas are untrusted: the cost of a check is estimated before it begins, and one that costs too much is a fault.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema_rs

from runner.errors import MAX_HINTS, nearest
from runner.source.fault import TOO_LARGE, Fault
from runner.source.fault_reader import FaultReader, short_faults
from runner.source.node import describe
from runner.source.pattern_work import TooMuchError
from runner.source.schema_error import SchemaError, broken_reference
from runner.source.validator import Broken, Unlisted, validator

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.source.node import Json


_DIALECT = re.compile(r"https?://json-schema\.org/draft/2020-12/schema#?")


class Schema:
    """A compiled schema.

    >>> [fault.message for fault in Schema({"type": "integer", "minimum": 0}).faults(-1)]
    ['-1 is less than the minimum of 0']
    """

    def __init__(self, schema: Json) -> None:
        if not isinstance(schema, dict | bool):
            raise SchemaError(f"a JSON Schema is a map or a boolean, not {describe(schema)}", ())
        dialect = schema.get("$schema") if isinstance(schema, dict) else None
        if isinstance(dialect, str) and _DIALECT.fullmatch(dialect) is None:
            hint = "write https://json-schema.org/draft/2020-12/schema, or leave $schema out"
            raise SchemaError("only the dialect 2020-12 is supported", ("$schema",), hint)
        try:
            self._validator = validator(json.dumps(schema))
        except TooMuchError as error:
            raise SchemaError(f"the schema is too large: {error}", (), code=TOO_LARGE) from None
        except jsonschema_rs.ValidationError as error:
            if error.kind.name == "$ref":
                raise broken_reference(schema, error.message) from None
            reason = next(FaultReader({}, schema).faults(error))
            raise SchemaError(reason.message, tuple(error.instance_path), reason.hint) from None
        except (jsonschema_rs.ReferencingError, ValueError) as error:
            unicode = "UnicodeEncodeError" in str(error)
            raise SchemaError("it contains text that is not valid Unicode" if unicode else str(error), ()) from None
        if self._validator.work.strangers:
            raise broken_reference(schema, f"'{self._validator.work.strangers[0]}'")
        self._schema = schema

    def accepts(self, value: Json) -> bool:
        """Return whether `value` breaks no rule; False too if the check would take too long."""
        try:
            return self._is_valid(value)
        except (UnicodeEncodeError, TooMuchError):
            return False

    def check_up_to(self, largest: Json) -> Callable[[Json], bool]:
        """Return a faster `accepts` for values that are no larger than `largest`, if none of these can take too long to check.

        A value is no larger if it has at most as many levels, values and keys, and characters in each of them. The result
        may raise ValueError for text that is not Unicode.
        """
        return self._validator.check_up_to(largest) or self.accepts

    def faults(self, value: Json) -> list[Fault]:
        """Return every rule that `value` breaks, once each. Of thousands of them, return only the first."""
        try:
            return [] if self._is_valid(value) else self._broken(value)
        except UnicodeEncodeError:
            return [Fault("unicode", (), "the text has half of a surrogate pair: it is not valid Unicode")]
        except TooMuchError as error:
            return [Fault("", (), f"the schema is too large to be checked: {error}", code=TOO_LARGE)]

    def _is_valid(self, value: Json) -> bool:
        return self._validator.accepts(value)

    def _broken(self, value: Json) -> list[Fault]:
        errors = self._validator.errors(value)
        if isinstance(errors, Broken):
            return list(short_faults(errors, value))
        rest = [Fault("", (), _UNLISTED)] if isinstance(errors, Unlisted) else []
        if isinstance(errors, Unlisted):
            errors = [errors.first] if errors.first is not None else []
        reading = FaultReader(self._schema, value)
        found = [replace(fault, rule=tuple(error.schema_path)) for error in errors for fault in reading.faults(error)]
        return [*_without_echoes(list(dict.fromkeys(found))), *rest]


class OwnSchema(Schema):
    """One of the runner's own schemas. It is trusted, so the cost of a check is not estimated, which saves time."""

    def _is_valid(self, value: Json) -> bool:
        return self._validator.accepts_unbounded(value)


_UNLISTED = "the value is too large to list every rule that it breaks"


def _without_echoes(faults: list[Fault]) -> list[Fault]:
    """Leave out a missing key if an unknown key is probably a misspelling of it, so that one mistake is one fault."""
    missing = [fault for fault in faults if fault.keyword == "required"][:MAX_HINTS]
    meant = {
        (fault.path, nearest(fault.key, [key.key for key in missing if key.key and key.path == fault.path]))
        for fault in faults[: 2 * MAX_HINTS]
        if fault.keyword == "additionalProperties" and fault.key is not None
    }
    return [fault for fault in faults if fault.keyword != "required" or (fault.path, fault.key) not in meant]
