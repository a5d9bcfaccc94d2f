"""How long the deploys of real publish histories wait at $0, with wakes and without.

    python -m bench.waits DIR

DIR holds history folders, at any depth. Two claims are checked, all histories together:

(a) wakes hit no more unchanged objects;
(b) they take no more paths.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from bench.histories import measured, run
from edgesweep.flush.policy import Policy
from edgesweep.lab.history import Folder
from edgesweep.lab.paced import Swept, sweep

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Site:
    """One history with ticks alone, and with wakes."""

    ticks: Swept
    wakes: Swept


def measure(folder: Path) -> Site:
    """Replay the history in `folder` both ways."""
    both = partial(sweep, Folder(folder), Policy())
    return Site(both(wake=False), both(wake=True))


def table(sites: Sequence[Site]) -> Iterator[str]:
    """Yield the lines of the table; times are in seconds."""
    yield f"{'history':<19} {'paths':>8} {'collateral':>11} {'p50':>7} {'p99':>7} {'max':>7}"
    for site in sites:
        for name, one in (("ticks", site.ticks), ("wakes", site.wakes)):
            waits = sorted(one.waits)
            times = (waits[round(part * (len(waits) - 1))] / SECOND for part in (0.5, 0.99, 1))
            row = one.row
            yield f"{row.history:<12} {name:<6} {row.paths:>8,} {row.collateral:>11,} " + " ".join(
                f"{seconds:>7,.0f}" for seconds in times
            )


def compare(folder: Path) -> bool:
    """Print the table and the claims for every history below `folder`; return whether they hold."""
    sites = measured(folder, measure)
    print(*table(sites), sep="\n")
    claims = {"(a)": "collateral", "(b)": "paths"}
    held = [_claimed(f"{letter} {name}", sites, name) for letter, name in claims.items()]
    return all(held)


def _claimed(text: str, sites: Sequence[Site], name: str) -> bool:
    before = sum(int(getattr(site.ticks.row, name)) for site in sites)
    after = sum(int(getattr(site.wakes.row, name)) for site in sites)
    print(f"{text}: {after:,} of {before:,}: {'holds' if after <= before else 'DOES NOT HOLD'}")
    return after <= before


if __name__ == "__main__":
    sys.exit(run("waits", compare, sys.argv[1:]))
