"""The value that namespace() returns in a template."""

from __future__ import annotations

from jinja2.utils import Namespace


class TemplateNamespace(Namespace):
    """A namespace, whose attributes `set` can change. Its text is one word, whatever it holds."""

    def __repr__(self) -> str:
        return "namespace"
