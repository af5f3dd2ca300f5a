"""What OpenTelemetry logs → nothing on stderr but that it did: its texts quote settings, such as a header with a token."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Warnings(logging.Handler):
    """Counts what is logged, and prints nothing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record."""
        del record
        self.count += 1


@contextmanager
def muted() -> Iterator[Warnings]:
    """Let OpenTelemetry print nothing within the block, and count its warnings."""
    logger, warnings = logging.getLogger("opentelemetry"), Warnings()
    was_propagated, logger.propagate = logger.propagate, False
    logger.addHandler(warnings)
    try:
        yield warnings
    finally:
        logger.removeHandler(warnings)
        logger.propagate = was_propagated
