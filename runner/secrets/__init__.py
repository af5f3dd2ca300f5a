"""Secret values, and the mask that keeps them out of everything that is written."""

from __future__ import annotations

from runner.secrets.mask import MIN_SECRET, STARS, Mask, Secret

__all__ = ["MIN_SECRET", "STARS", "Mask", "Secret"]
