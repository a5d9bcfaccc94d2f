"""What the spellings of a URL cost, over real publish histories.

    python -m bench.spellings DIR

DIR holds history folders, at any depth. Each site is behind a plain distribution: a REST origin and
a default root object. Every deploy is one invalidation at list prices, planned by three rules:

- `own path`: each object has its own path, and `/` is the default root object;
- `one`: the routes with `spellings=one`;
- `all`: the routes as they are deployed by default.

One claim is checked: `one` sends what `own path` sends, at every deploy, to the path. The last
columns are the changed objects with a space, a plus sign or a colon in their keys, and what `all`
adds for them.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.histories import Spent, measured, run
from edgesweep.cover import Cover, cover
from edgesweep.lab.history import Folder, holds
from edgesweep.routes import Routes
from edgesweep.routes.config import read
from edgesweep.routes.variants import Variants, parse

Rule = Callable[[str], Iterable[str]]

OWN, ONE, ALL = "own path", "one", "all"
ROOT = "/index.html"
PLAIN = read(
    "E1",
    {
        "Enabled": True,
        "DefaultRootObject": ROOT[1:],
        "Origins": {"Items": [{"Id": "site", "DomainName": "site.s3.amazonaws.com"}]},
        "DefaultCacheBehavior": {"TargetOriginId": "site"},
    },
)


def rules() -> Mapping[str, Rule]:
    """Return what finds the viewer paths of an object by its own path."""

    def routed(routes: Routes, path: str) -> Iterable[str]:
        return routes.viewer_paths("E1", "site", path[1:])

    return {
        OWN: lambda path: (path, "/") if path == ROOT else (path,),
        ONE: partial(routed, Routes([PLAIN], parse("", spellings=False))),
        ALL: partial(routed, Routes([PLAIN], parse(""))),
    }


@dataclass(frozen=True, slots=True)
class Site:
    """The measurements over one history, or over all of them.

    Attributes:
        name: the history's name.
        deploys: how many there were.
        spelt: changed objects with a character that has several spellings.
        differing: deploys at which `one` did not send what `own path` sent.
        spent: each rule's totals.
    """

    name: str
    deploys: int
    spelt: int
    differing: int
    spent: Mapping[str, Spent]


def measure(folder: Path) -> Site:
    """Plan every deploy of a history by each rule."""
    deploys = spelt = differing = 0
    compared = rules()
    spent = dict.fromkeys(compared, Spent())
    for step in Folder(folder).steps():
        deploys += 1
        spelt += sum([*Variants().spelled(path)] != [path] for path in step.dirty)
        live = ["/", *step.live] if holds(step.live, ROOT) else step.live
        planned: dict[frozenset[str], Cover] = {}
        sent = {}
        for name, rule in compared.items():
            dirty = frozenset(path for own in step.dirty for path in rule(own))
            # The same viewer paths have the same cover.
            planned[dirty] = planned.get(dirty) or cover(dirty, live)
            sent[name] = planned[dirty]
            spent[name] += Spent(len(sent[name].members), sent[name].collateral)
        differing += sent[OWN].paths != sent[ONE].paths
    return Site(Folder(folder).name, deploys, spelt, differing, spent)


def total(sites: Sequence[Site]) -> Site:
    """Return all sites as one."""
    return Site(
        "all",
        sum(site.deploys for site in sites),
        sum(site.spelt for site in sites),
        sum(site.differing for site in sites),
        {name: sum((site.spent[name] for site in sites), Spent()) for name in rules()},
    )


def table(sites: Iterable[Site]) -> Iterator[str]:
    """Yield a line for each site and rule."""
    yield (
        f"{'history':<12} {'rule':<9} {'paths':>8} {'collateral':>11} {'dollars':>9} "
        f"{'spelt keys':>11} {'paths added':>12} {'collateral added':>17}"
    )
    for site in sites:
        before = site.spent[ONE]
        for name, spent in site.spent.items():
            yield (
                f"{site.name:<12} {name:<9} {spent.paths:>8,} {spent.collateral:>11,} "
                f"{spent.dollars():>9,.2f} {site.spelt * (name == ALL):>11,} "
                f"{spent.paths - before.paths:>12,} {spent.collateral - before.collateral:>17,}"
            )


def compare(folder: Path) -> bool:
    """Print the table and the claim for every history below `folder`; return whether it holds.

    Raises:
        BadInput: there is no history, or one is malformed.
    """
    sites = measured(folder, measure)
    everywhere = total(sites)
    print(*table([*sites, everywhere]), sep="\n")
    same = everywhere.differing == 0
    print(
        f"Deploys at which spellings=one sends other paths than each object's own: "
        f"{everywhere.differing} of {everywhere.deploys:,}: {'holds' if same else 'DOES NOT HOLD'}"
    )
    return same


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; return the exit status."""
    return run("spellings", compare, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
