"""The value that namespace() returns in a template."""

from __future__ import annotations

from jinja2.utils import Namespace


class TemplateNamespace(Namespace):
    """What `namespace()` makes. It is written in one word, however much it holds."""

    def __repr__(self) -> str:
        return "namespace"
