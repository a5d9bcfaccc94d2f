"""The choice of a flush's paths, on the terms that the pace gives it."""

from collections.abc import Callable
from dataclasses import dataclass

from edgesweep.cover import Candidates, Cover, Limits, Prices, choose
from edgesweep.cover.ladder import climb
from edgesweep.flush.pace import LADDER, Terms, Wanted
from edgesweep.flush.policy import Go, Policy


@dataclass(frozen=True, slots=True)
class Choice:
    """The paths that a flush takes, beside those that it would take at other prices."""

    cover: Cover
    terms: Terms
    wanted: Wanted
    dear: int  # collateral that the flush would not have if paths were nearly free
    bought: int  # paths beyond those that it would take of the free ones alone


def pick(
    candidates: Candidates,
    go: Go,
    policy: Policy,
    *,
    most: int | None = None,
    keep: Callable[[], None] = lambda: None,
) -> Choice:
    """Return the cheapest cover on the terms that a flush gets, of `most` paths if that is given.

    It calls `keep` every few seconds, so that a caller can renew a lease.
    """
    covers = climb(candidates, LADDER, policy.refetch, Limits(policy.quota.wildcards), keep)
    wanted = tuple(len(cover.members) for cover in covers)
    terms = go.terms(wanted)
    prices = Prices(terms.price, policy.refetch)

    def within(paths: int) -> Cover:
        paths = paths if most is None else min(most, paths)
        return choose(candidates, prices, Limits(min(go.wildcards, paths), paths), keep)

    cover, free = within(terms.paths), max(1, terms.free)
    bought = len(cover.members) - len(within(free).members) if len(cover.members) > free else 0
    return Choice(cover, terms, wanted, cover.collateral - covers[0].collateral, bought)
