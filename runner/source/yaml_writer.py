"""Plain values → YAML that reads well in a diff: multi-line JSON is a block, and no line is folded."""

from __future__ import annotations

import re

import yaml

from runner.source.yaml_scalars import is_ambiguous, is_text


def write_yaml(value: object) -> str:
    """Return a value as YAML, with its keys sorted. Reading it returns the same value, to the character."""
    return yaml.dump(value, Dumper=_Dumper, width=_ENDLESS, allow_unicode=True)


def in_one_line(value: object) -> str:
    """Return a value as YAML on one line: `{user: u1, tags: [a, b]}`."""
    return yaml.dump(value, Dumper=yaml.SafeDumper, default_flow_style=True, sort_keys=False, width=_ENDLESS).strip()


class _Dumper(yaml.SafeDumper):
    """Writes JSON of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_block = text.startswith(("{\n", "[\n")) and _UNSAFE_IN_BLOCK.search(text) is None
    is_unclear = not is_text(text) or is_ambiguous(text)  # PyYAML quotes what YAML 1.1 reads as something else
    style = "|" if is_block else '"' if _BREAK.search(text) else "'" if is_unclear else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_ENDLESS = 1 << 30
_BREAK = re.compile("[\\n\\x85\\u2028\\u2029]")
"""Line breaks, also those of YAML 1.1 that are characters in 1.2: between double quotes they are escaped, so all readers agree."""
_UNSAFE_IN_BLOCK = re.compile(
    "[^\\n\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]|[ \\t]\\n"
)
"""Characters that a block can't hold or that end a line in other readers, and blanks at the end of a line."""
