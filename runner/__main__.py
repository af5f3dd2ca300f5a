"""The command `runner`, and `python -m runner`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process. Until it is loaded, Ctrl-C just ends it: there is nothing yet to tell."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    # What loading makes stays; looking through it again and again for garbage is a tenth of a short command's time.
    gc.set_threshold(100_000)
    from runner.cli.main import run  # noqa: PLC0415 - after the handler is in place
    from runner.cli.world import World  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run(sys.argv[1:], World.real()))


if __name__ == "__main__":
    main()
