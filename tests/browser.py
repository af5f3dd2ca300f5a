"""The browser of tests: Debian's chromium, which `.ci/run` installs. Nothing is downloaded."""

from __future__ import annotations

import shutil

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage"]
"""Containers allow no namespaces, and have little shared memory."""
