"""`runner` or `pytest` for a shell: have the process that forks (tests/processes.py) run it with what this process was given.

`python forked_program.py SOCKET NAME [ARGUMENT]…`, with as few imports as can be: it starts in 20 ms, the program in 300.
"""

import json
import os
import signal
import socket
import sys

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(path: str, *command: str) -> None:
    """Run a command to its end, and end as it did. Signals are handed on."""
    reading, writing = os.pipe()
    status, reporting = os.pipe()
    with socket.socket(socket.AF_UNIX) as forking:
        forking.connect(path)
        socket.send_fds(forking, [b"."], [reading, 0, 1, 2, reporting])
    os.close(reading)
    os.close(reporting)
    with open(writing, "w") as request:  # noqa: PTH123 - a descriptor
        json.dump({"command": command, "folder": os.getcwd(), "environ": {**os.environ}, "is_leader": False}, request)  # noqa: PTH109
    for number in range(3):
        os.close(number)  # whoever waits for the end of a stream waits for the program's alone
    with open(status, "rb", buffering=0) as report:  # noqa: PTH123
        pid = int.from_bytes(report.read(4), sys.byteorder)
        for number in ENDS:
            signal.signal(number, lambda number, _: os.kill(pid, number))
        ended = os.waitstatus_to_exitcode(int.from_bytes(report.read(4), sys.byteorder))
    if ended < 0:
        signal.signal(-ended, signal.SIG_DFL)
        os.kill(os.getpid(), -ended)
    os._exit(ended)


main(*sys.argv[1:])
