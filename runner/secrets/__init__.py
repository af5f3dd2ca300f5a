"""Secret values, and the mask that removes them from all output."""

from __future__ import annotations

from runner.secrets.mask import MIN_SECRET, STARS, Mask, Secret

__all__ = ["MIN_SECRET", "STARS", "Mask", "Secret"]
