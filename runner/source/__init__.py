"""YAML or JSON text → plain values with positions, and a JSON Schema over them → problems."""

from runner.source.document import Document, discreet, read, read_text, unshown
from runner.source.json_reader import NUMBER, is_integer, parse_json
from runner.source.node import Json, Node, describe
from runner.source.schema import Fault, Schema, SchemaError, problems
from runner.source.text import Text

__all__ = [
    "NUMBER",
    "Document",
    "Fault",
    "Json",
    "Node",
    "Schema",
    "SchemaError",
    "Text",
    "describe",
    "discreet",
    "is_integer",
    "parse_json",
    "problems",
    "read",
    "read_text",
    "unshown",
]
