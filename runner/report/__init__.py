"""Problems, outcomes and verdicts → text, JSON and annotations; the one place that prints."""

from runner.report.format import Format
from runner.report.output import Output
from runner.report.problems import as_json, as_text

__all__ = ["Format", "Output", "as_json", "as_text"]
