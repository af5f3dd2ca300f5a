"""Expressions of a run: evaluated with its data, with their errors as ends of the run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.workflows.expressions import ExpressionError, UnsupportedError
from runner.workflows.outcomes import RefusedError, StoppedError
from runner.workflows.people import unknown_fields

if TYPE_CHECKING:
    from runner.source import Json
    from runner.workflows.definition import Expression
    from runner.workflows.run import Run

AFTER_BATCH = "after a batch, keys of the triggering event are taken as missing"
_OF_TEST_DATA = re.compile(r"""(\$recipient|\$actor|\$brand)\b(?!["']?\]?\.(?:distinct_id|tenant_id|brand_id)\b)""")
_SHOWN_CHARS = 80


def values_of(run: Run, expression: Expression) -> list[Json]:
    """Return all outputs of an expression. Raise StoppedError or RefusedError if there are none."""
    for namespace in dict.fromkeys(_OF_TEST_DATA.findall(expression.text)):
        if reason := unknown_fields(run, namespace):
            run.doubt(f"{reason}: what {spelled(expression)} reads of {namespace} is taken as missing")
    try:
        found = run.simulation.evaluate(expression, run.data())
    except UnsupportedError as error:
        raise RefusedError(f"{spelled(expression)}: {error}", expression.source) from None
    except ExpressionError as error:
        if run.is_batched:
            run.doubt(AFTER_BATCH)
        raise StoppedError(f"{spelled(expression)}: {error}", expression.source) from None
    if run.is_batched and None in found:
        run.doubt(AFTER_BATCH)
    return found


def value_of(run: Run, expression: Expression) -> Json:
    """Return the one output of an expression."""
    found = values_of(run, expression)
    if len(found) > 1:
        raise RefusedError(f"{spelled(expression)} has {len(found)} results, where one is needed", expression.source)
    return found[0] if found else None


def spelled(expression: Expression) -> str:
    """Return the text of an expression, cut to a line."""
    text = " ".join(expression.text.split())
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
