"""How long the command takes to start, beside Python itself, in seconds of CPU.

    python -m bench.starting

Each is the least of 20 runs, so that a busy machine matters little. The bounds are ratios within
this run. Compiled code is written first, as an installation does.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

RUNS = 20
COMMAND = str(Path(sys.executable).with_name("edgesweep"))
KEYS = "".join(f"docs/{number}.html\n" for number in range(10))


def cpu(command: list[str], cache: str) -> float:
    """Return the seconds that a process of this command takes."""
    env = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, input=KEYS, text=True, env=env, capture_output=True, check=True)  # noqa: S603  # ours
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Print the times; return 1 if a ratio is above its bound."""
    commands: list[tuple[list[str], int | None]] = [
        ([sys.executable, "-c", "pass"], None),
        ([COMMAND, "plan", "-"], 8),
    ]
    with TemporaryDirectory() as cache:
        for command, _ in commands:
            cpu(command, cache)
        # One of each after the other, so that all of them see the same machine.
        runs = [[cpu(command, cache) for command, _ in commands] for _ in range(RUNS)]
    least = [min(times) for times in zip(*runs, strict=True)]
    failed = False
    for (command, bound), seconds in zip(commands, least, strict=True):
        ratio = seconds / least[0]
        holds = bound is None or ratio <= bound
        failed |= not holds
        told = (
            "" if bound is None else f"; at most {bound}: {'holds' if holds else 'DOES NOT HOLD'}"
        )
        name = " ".join([Path(command[0]).name, *command[1:]])
        print(f"{name:<24} {seconds * 1000:6.1f} ms, {ratio:.1f} times{told}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
