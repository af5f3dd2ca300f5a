"""Templates → the first personal data, by its name or its format, that they insert as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.template.inserted import inserted
from runner.template.shape import templates_of

if TYPE_CHECKING:
    from runner.errors import Position
    from runner.eventspec import Spec
    from runner.template.template import Template


def personal_data(template: Template, spec: Spec) -> tuple[str, Position] | None:
    """Return the name of personal data that a template inserts, itself or by a let, and its position."""
    declared = {variable.name: variable for variable in spec.variables}
    seen: set[str] = set()
    rest = [template]
    while rest:
        template = rest.pop()
        for way, start in inserted(template):
            name, *below = way
            variable = declared.get(name) if not below else None
            if variable is not None and variable.types == ("boolean",):
                continue
            if (variable is not None and variable.schema_source.get("format") in _FORMATS) or _is_personal(way):
                return way[-1], template.place(start, start + len(way[-1]))
            if name in spec.lets and name not in seen:
                seen.add(name)
                rest += templates_of(spec.lets[name])
    return None


_FORMATS = ("email", "idn-email")
_PERSONAL = re.compile(
    r"(?:^|_)(?:e_?mail|mail|phone|mobile|msisdn|whatsapp|tel|telephone|ssn|iban|passport|aadhaar|birth_?da(?:y|te)|dob"
    r"|surname|(?:first|last|full|family|given)_?name)"
    r"(?:_?(?:address|number|no|id|lower|normali[sz]ed|[0-9]))*$"
)
"""It ends the name: `email_address` is personal data, `email_campaign` is not."""


def _is_personal(way: tuple[str, ...]) -> bool:
    return _PERSONAL.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", "_".join(way)).lower()) is not None
