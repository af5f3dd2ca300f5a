"""YAML or JSON text → plain values with positions, and a JSON Schema over them → problems."""

from runner.source.document import MAX_BYTES, Document, discreet, has_text, open_file, read, read_text, unshown
from runner.source.fault import TOO_LARGE, Fault, problems
from runner.source.json_reader import NUMBER, STRICT, UnclearError, is_integer, parse_json
from runner.source.node import Json, Node, describe, type_name
from runner.source.schema import OwnSchema, Schema
from runner.source.schema_error import SchemaError
from runner.source.text import Text
from runner.source.validator import shared_allowance

__all__ = [
    "MAX_BYTES",
    "NUMBER",
    "STRICT",
    "TOO_LARGE",
    "Document",
    "Fault",
    "Json",
    "Node",
    "OwnSchema",
    "Schema",
    "SchemaError",
    "Text",
    "UnclearError",
    "describe",
    "discreet",
    "has_text",
    "is_integer",
    "open_file",
    "parse_json",
    "problems",
    "read",
    "read_text",
    "shared_allowance",
    "type_name",
    "unshown",
]
