"""Runs a command that ends with whoever started it: `python leash.py COMMAND ARGUMENT...`.

The starter holds the other end of standard input and writes nothing. However it ends, even by
SIGKILL, the pipe closes, and the command goes together with all that it started. Start it in a
session of its own: the whole process group is ended.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Run the command and exit with its code, unless standard input closes first."""
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_hold, daemon=True).start()
    sys.exit(command.wait())


def _hold() -> None:
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
