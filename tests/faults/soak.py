"""Tell the stories of many seeds: `python -m tests.faults.soak --seeds 100000 [--first K]`.

A story that breaks a law is told again, line by line. The last line says how many seeds held.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.faults import kinds
from tests.faults.draw import KINDS
from tests.faults.kinds import Kind
from tests.faults.laws import broken
from tests.faults.simulation import Simulation

_CHUNK = 25

# A seed, and the laws that its story breaks.
Judged = tuple[int, Sequence[str]]


def judge(seed: int, chosen: Mapping[Kind, float] = KINDS) -> Sequence[str]:
    """Tell the story of a seed and return the laws that it breaks."""
    return broken(Simulation(seed, kinds=chosen).tell())


def replay(seed: int, chosen: Mapping[Kind, float] = KINDS) -> None:
    """Print the story of a seed, line by line."""
    for law in broken(Simulation(seed, print, chosen).tell()):
        print(law)


def judge_all(seeds: Sequence[int], kind: str | None = None) -> Sequence[Judged]:
    """Return the seeds that break laws, with the laws."""
    chosen = chosen_kinds(kind)
    return [(seed, laws) for seed in seeds if (laws := judge(seed, chosen))]


def chosen_kinds(kind: str | None) -> Mapping[Kind, float]:
    """Return how many of a hundred stories are of which kind: all of the one that is named."""
    return KINDS if kind is None else {getattr(kinds, kind): 100}


def main() -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--trace", action="store_true", help="print every story")
    parser.add_argument("--jobs", type=int, default=2, help="processes; 1: this one alone")
    parser.add_argument("--kind", choices=[kind.__name__ for kind in KINDS], help="of one kind")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    if arguments.trace:
        for seed in seeds:
            replay(seed, chosen_kinds(arguments.kind))
        return 0
    start = time.perf_counter()
    failed = _failed(seeds, arguments.kind, arguments.jobs)
    took = time.perf_counter() - start
    for seed, _ in failed[:1]:
        replay(seed, chosen_kinds(arguments.kind))
    of_kind = f" --kind {arguments.kind}" if arguments.kind else ""
    again = f"; replay: python -m tests.faults.soak --trace --seeds 1{of_kind} --first "
    held = (
        f"{len(seeds) - len(failed)} of {len(seeds)} seeds held, {len(seeds) / took:.0f} a second"
    )
    print(held + (f"{again}{failed[0][0]}" if failed else ""))
    return bool(failed)


def _failed(seeds: Sequence[int], kind: str | None, jobs: int) -> Sequence[Judged]:
    """Return the seeds that break laws, each printed at once; show progress on standard error."""
    failed: list[Judged] = []
    start = time.perf_counter()
    for number, found in enumerate(_judged(seeds, kind, jobs), 1):
        failed += found
        for seed, laws in found:
            print(f"\nSeed {seed}:", *laws[:3], sep="\n  ", flush=True)
        done = min(number * _CHUNK, len(seeds))
        left = (time.perf_counter() - start) * (len(seeds) - done) / done
        line = f"{done:,} of {len(seeds):,} seeds, {len(failed)} broken, {left:.0f} s left"
        print(f"\r{line:<70}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return failed


def _judged(seeds: Sequence[int], kind: str | None, jobs: int) -> Iterator[Sequence[Judged]]:
    """Yield the broken laws of each chunk of seeds, judged in `jobs` processes."""
    chunks = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    if jobs == 1:
        yield from (judge_all(chunk, kind) for chunk in chunks)
    else:
        with ProcessPoolExecutor(jobs) as pool:
            yield from pool.map(judge_all, chunks, [kind] * len(chunks))


if __name__ == "__main__":
    sys.exit(main())
