"""Tell the stories of many seeds: `python -m tests.faults.soak --seeds 100000 [--first K]`.

A story that breaks a law is told once more, line by line. The last line says how many seeds held.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.faults.laws import broken
from tests.faults.simulation import Simulation

_CHUNK = 50


def judge(seed: int) -> Sequence[str]:
    """Tell the story of a seed and return the laws that it breaks."""
    return broken(Simulation(seed).tell())


def replay(seed: int) -> None:
    """Print the story of a seed, line by line."""
    for law in broken(Simulation(seed, print).tell()):
        print(law)


def judge_all(seeds: Sequence[int]) -> Sequence[tuple[int, Sequence[str]]]:
    """Return the seeds that break laws, with the laws."""
    return [(seed, laws) for seed in seeds if (laws := judge(seed))]


def main() -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--trace", action="store_true", help="print every story")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    if arguments.trace:
        for seed in seeds:
            replay(seed)
        return 0
    start = time.perf_counter()
    chunks = [seeds[i : i + _CHUNK] for i in range(0, len(seeds), _CHUNK)]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        failed = [found for chunk in pool.map(judge_all, chunks) for found in chunk]
    for seed, laws in failed[:20]:
        print(f"Seed {seed}:", *laws[:3], sep="\n  ")
    took = time.perf_counter() - start
    for seed, _ in failed[:1]:
        replay(seed)
    print(
        f"{len(seeds) - len(failed)} of {len(seeds)} seeds held, {len(seeds) / took:.0f} a second"
        + (
            f"; replay: python -m tests.faults.soak --trace --seeds 1 --first {failed[0][0]}"
            if failed
            else ""
        )
    )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
