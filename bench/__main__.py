"""Run every benchmark, one after another, each in a process of its own."""

import argparse
import subprocess
import sys


def main() -> int:
    """Run from the command line; return the worst exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--histories", metavar="DIR", help="publish histories to replay as well")
    histories = parser.parse_args().histories
    runs = [
        ["starting"],
        ["recording"],
        ["catalogue"],
        ["cover"],
        ["idle"],
        ["looking"],
        ["bursts"],
        ["months"],
        ["precision"],
        ["flushing"],
        ["backlogs"],
    ]
    if histories:
        runs += [[name, histories] for name in ("histories", "precision", "spellings", "waits")]
    return max(map(run, runs))


def run(arguments: list[str]) -> int:
    """Run one benchmark; return its exit status."""
    name, *rest = arguments
    print(f"\n== {name}", flush=True)
    return subprocess.run([sys.executable, "-m", f"bench.{name}", *rest], check=False).returncode  # noqa: S603  # ours


if __name__ == "__main__":
    sys.exit(main())
