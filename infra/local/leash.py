"""Runs a command that ends with the process that started it: `python leash.py COMMAND ARGUMENT...`.

The starter holds the other end of standard input and writes nothing. However it ends, even by
SIGKILL, the pipe closes. Then the command goes, with all that it started and its scratch folder.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading


def main() -> None:
    """Run the command and exit with its code, unless standard input closes first."""
    with tempfile.TemporaryDirectory(prefix="edgesweep-", ignore_cleanup_errors=True) as scratch:
        command = subprocess.Popen(
            sys.argv[1:],
            stdin=subprocess.DEVNULL,
            env=os.environ | {"TMPDIR": scratch},
            start_new_session=True,
        )
        threading.Thread(target=_hold, args=[command.pid], daemon=True).start()
        code = command.wait()
        _end(command.pid)
    sys.exit(code)


def _hold(group: int) -> None:
    os.read(0, 1)
    _end(group)


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
