"""Syntax trees of templates → Python's source, with the commonest cases of guards and look-ups written out.

Each case is that of a value which costs too little to charge, or of a key that a map has. All others call the same
functions as ever. No case nests deeper than such a call: Python's parser bounds the depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.compiler import CodeGenerator

if TYPE_CHECKING:
    from jinja2.compiler import Frame

_GUARDS = {"native value": "free_as_json", "kept value": "free_in_lets", "watched": "free_in_filters"}
"""Guards, and the attributes of the environment that hold the types of what they let pass without a charge."""
APPENDED = "appended"
"""Appends an item to a list: a filter that exists as source alone."""


class ProgramGenerator(CodeGenerator):
    """Writes the source of programs."""

    def write_commons(self) -> None:
        """Take over the types that guards let pass, as locals."""
        super().write_commons()
        for name in _GUARDS.values():
            self.writeline(f"{name} = environment.{name}")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        """Look up the key of a map; what is not one, or lacks the key, is left to the environment."""
        if isinstance(node.node, nodes.Name):
            owner, key = frame.symbols.ref(node.node.name), repr(node.attr)
            self.write(f"({owner}[{key}] if type({owner}) is dict and {key} in {owner} else ")
            super().visit_Getattr(node, frame)
            self.write(")")
        else:
            super().visit_Getattr(node, frame)

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        """Pass a value through its guard, unless it would come out as it is."""
        if node.name == APPENDED and isinstance(node.node, nodes.Name):
            self.write(f"{frame.symbols.ref(node.node.name)}.append(")
            self.visit(node.args[0], frame)
            self.write(")")
        elif node.name == "watched" and isinstance(node.node, nodes.Name):
            local = frame.symbols.ref(node.node.name)
            self.write(f"({local} if type({local}) in free_in_filters else ")
            super().visit_Filter(node, frame)
            self.write(")")
        elif node.name in ("native value", "kept value") and node.node is not None:
            local = self.temporary_identifier()
            self.write(f"({local} if type({local} := ")
            self.visit(node.node, frame)
            self.write(f") in {_GUARDS[node.name]} else {self.filters[node.name]}(context, {local}))")
        else:
            super().visit_Filter(node, frame)
