"""The browser of tests: Debian's chromium without windows, which `.ci/run` installs, or else the whole of it.

Nothing is downloaded. With windows that nobody sees, the same tests take twice the time of the processor.
"""

from __future__ import annotations

import shutil

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage"]
"""Containers allow no namespaces, and have little shared memory."""
