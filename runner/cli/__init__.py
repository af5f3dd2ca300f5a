"""Typed arguments → one call into the rooms above."""
