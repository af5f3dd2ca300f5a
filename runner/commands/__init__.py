"""What each command does: plain values → calls into the packages above → an exit code."""

COMMANDS = (
    "validate", "fmt", "list", "render", "trace", "send", "test", "schema", "explain", "sandbox", "doctor", "init", "import", "help", "cassette", "runs",
)  # fmt: skip
"""In the order of `runner --help`. The module of each name in `runner.cli` declares the command, as its `app`."""
GROUPS = ("cassette", "runs")
"""Those that have commands of their own."""
