"""The choice of a flush's paths, on the terms that the pace gives it, and why in a few lines."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from edgesweep.cover import Candidates, Cover, Heartbeat, Limits, Member, Prices, choose, climb
from edgesweep.cover.survey import Survey
from edgesweep.dirty import DirtyRow, RequestedPath, count
from edgesweep.flush.pace import LADDER, Purse, Terms, Wanted
from edgesweep.flush.policy import Go, Policy
from edgesweep.paths import REST, Pattern, quote, viewer_path
from edgesweep.prices import PATH_PRICE

MOST = 3_000  # characters of the lines; compressed they take about a third of that


@dataclass(frozen=True, slots=True)
class Choice:
    """The paths that a flush takes, and how many it would take at other prices."""

    cover: Cover
    terms: Terms
    wanted: Wanted
    avoidable: int  # collateral that the flush would not have if paths were nearly free
    bought: int  # paths beyond those that it would take without money


def offers(
    candidates: Candidates, policy: Policy, keep: Heartbeat = lambda: None
) -> Sequence[Cover]:
    """Return the cheapest cover at each price of the pace; they depend on the changes alone."""
    return climb(candidates, LADDER, policy.refetch, Limits(policy.quota.wildcards), keep)


def pick(  # noqa: PLR0913  # what to cover, on what terms
    candidates: Candidates,
    go: Go,
    policy: Policy,
    *,
    tags: int = 0,
    most: int | None = None,
    known: Sequence[Cover] = (),
    listed: bool = True,
    keep: Heartbeat = lambda: None,
) -> Choice:
    """Return the cheapest cover on the terms that a flush gets, of `most` paths if given.

    A flush buys no path to spare what was not listed. It may if nothing was `listed` at all.
    """
    # Each cache tag takes one more path, which `go` no longer counts.
    covers = known or offers(candidates, policy, keep)
    wanted = [len(cover.members) for cover in covers]
    terms = go.terms(wanted)
    prices = Prices(terms.price, policy.refetch)

    def within(paths: int, found: Candidates = candidates) -> Cover:
        paths = paths if most is None else min(most, paths)
        return choose(found, prices, Limits(min(go.wildcards, paths), paths), keep)

    cover, free, bought = within(terms.paths), max(1, terms.free), 0
    if _paths(cover, tags) > free:
        # If the free paths do not even cover the tags, a flush without money would send `/*`.
        fits = free - tags >= bool(candidates.items)
        unpaid, paths = _paths(within(free - tags), tags) if fits else 1, terms.paths
        if fits:
            # What it pays for takes none of the free paths that it leaves without money.
            paths = max(free - tags, min(paths, unpaid + paths - terms.free - tags))
        if listed and Survey.seen(candidates.most_collateral) < candidates.most_collateral:
            seen = list(map(Survey.seen, candidates.collateral))
            paying = within(paths, replace(candidates, collateral=seen))
            paths = max(free - tags, len(paying.members))
        cover = within(paths)
        bought = _paths(cover, tags) - unpaid
    wanted = [paths + tags for paths in wanted]
    return Choice(cover, terms, wanted, cover.collateral - covers[0].collateral, bought)


def _paths(cover: Cover, tags: int) -> int:
    """Count the paths of a cover beside some tags, which `/*` makes needless."""
    everything = [one.pattern for one in cover.members] == [Pattern("/", wildcard=True)]
    return len(cover.members) + (0 if everything else tags)


def explain(
    purse: Purse, choice: Choice, rows: Sequence[DirtyRow], dirty: Sequence[str], refetch: Decimal
) -> str:
    """Return what a path was worth and why, what changed, and what each wildcard stands for.

    `dirty` are the sorted paths that are covered; hitting an unchanged object costs `refetch`.
    """
    text = f"{_worth(purse, choice)}\n{_changed(rows)}"
    for member in choice.cover.members:
        if member.pattern.wildcard:
            below = [dirty[place] for place in member.pattern.span(dirty)]
            line = _wildcard(member, below, refetch)
            if len(text) + len(line) >= MOST:
                return f"{text}\nThe other wildcards are left out"[:MOST]
            text += f"\n{line}"
    return text[:MOST]


def _worth(purse: Purse, choice: Choice) -> str:
    demand, terms = purse.demand, choice.terms
    text = (
        f"One path was worth ${terms.price:.8f} at that moment; the list price is ${PATH_PRICE}. "
        f"{count(max(0, purse.left), 'free path')} were left for the month's last "
        f"{purse.remaining / timedelta(days=1):.1f} days, and this flush could take {terms.free:,}"
    )
    if demand.seen_at:
        text += (
            f". The {demand.days:.1f} days seen took {demand.paths[-1]:,.0f} paths that were worth "
            f"the list price, and would have taken {demand.paths[0]:,.0f} if paths were free"
        )
    if choice.bought:
        bought = f"It bought {count(choice.bought, 'path')} beyond the free ones"
        text += f". {bought}: each was asked for, or saved more than it cost"
    return text


def _changed(rows: Sequence[DirtyRow]) -> str:
    subjects = [row.subject for row in rows]
    keys = dict.fromkeys(one.key for one in subjects if not isinstance(one, RequestedPath))
    requested = len({one.path for one in subjects if isinstance(one, RequestedPath)})
    parts = [f"People asked for {count(requested, 'path')}"] if requested else []
    if keys:
        folders = Counter(key[: key.find("/") + 1] for key in keys).most_common(5)
        counted = ", ".join(f"{many:,} in {_first([folder])}" for folder, many in folders)
        parts.append(f"{count(len(keys), 'object')} changed: {counted}; first {_first([*keys])}")
    return "\n".join(parts)


def _wildcard(member: Member, dirty: Sequence[str], refetch: Decimal) -> str:
    hit = Survey.seen(member.collateral)
    covers = f"{member.pattern.quoted()} covers {count(member.dirty, 'changed path')}"
    hits = f"it also hits {count(hit, 'unchanged object')}"
    if hit:
        hits += f", worth ${hit * refetch:f} to fetch again"
    instead = "no exact path can name that path"
    if member.dirty > 1:
        instead = f"naming each exactly takes {count(member.dirty - 1, 'more path')}"
    return f"{covers}, first {_first(path[1:] for path in dirty)}; {hits}; {instead}"


def _first(keys: Iterable[str]) -> str:
    return ", ".join(quote(viewer_path(key).replace(REST, "*")) for key in [*keys][:3])
