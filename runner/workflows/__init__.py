"""Pulled workflow files + an event + test data + a virtual clock → the messages that come of it, and why.

The interpreter is pure: it opens no socket and asks no clock. What it can't model exactly, it refuses by name and place, or
marks as inexact; it never guesses silently.
"""
