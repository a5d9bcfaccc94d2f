"""Tell many stories of readers: `make soak`, or `python -m tests.viewers.soak --first N`."""

import argparse
import sys
import time

from tests.viewers.law import stale
from tests.viewers.stories import seeded
from tests.viewers.world import Remembering


def main() -> int:
    """Print each broken story; return 1 if there is any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5_000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    broken, began = 0, time.perf_counter()
    with Remembering() as node:
        for seed in range(given.first, given.first + given.seeds):
            if lines := list(stale(story := seeded(seed), node)):
                broken += 1
                print(f"Seed {seed}: {story}", *lines, sep="\n  ", flush=True)
    rate = given.seeds / (time.perf_counter() - began)
    held = given.seeds - broken
    print(f"{held:,} of {given.seeds:,} stories of readers held, {rate:.0f} a second")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
