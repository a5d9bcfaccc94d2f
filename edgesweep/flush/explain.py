"""Why a flush has its paths: a few lines of text that stay beside it in the journal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal

from edgesweep.cover import Member
from edgesweep.cover.survey import Survey
from edgesweep.dirty import DirtyRow, RequestedPath
from edgesweep.flush.choice import Choice
from edgesweep.flush.pace import Purse
from edgesweep.paths import REST, quote, viewer_path
from edgesweep.prices import PATH_PRICE

# Characters; compressed they take about a third of that.
MOST = 3_000


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
        f"{_count(max(0, purse.left), 'free path')} were left for the month's last "
        f"{purse.remaining / timedelta(days=1):.1f} days, and this flush could take {terms.free:,}"
    )
    if demand.seen_at:
        text += (
            f". The {demand.days:.1f} days seen took {demand.paths[-1]:,.0f} paths that were worth "
            f"the list price, and would have taken {demand.paths[0]:,.0f} if paths were free"
        )
    if choice.bought:
        text += f". It bought {_count(choice.bought, 'path')} that saved more than they cost"
    return text


def _changed(rows: Sequence[DirtyRow]) -> str:
    subjects = [row.subject for row in rows]
    keys = dict.fromkeys(one.key for one in subjects if not isinstance(one, RequestedPath))
    requested = len({one.path for one in subjects if isinstance(one, RequestedPath)})
    parts = [f"People asked for {_count(requested, 'path')}"] if requested else []
    if keys:
        folders = Counter(key[: key.find("/") + 1] for key in keys).most_common(5)
        counted = ", ".join(f"{many:,} in {_first([folder])}" for folder, many in folders)
        parts.append(f"{_count(len(keys), 'object')} changed: {counted}; first {_first([*keys])}")
    return "\n".join(parts)


def _wildcard(member: Member, dirty: Sequence[str], refetch: Decimal) -> str:
    hit = Survey.seen(member.collateral)
    covers = f"{member.pattern.quoted()} covers {_count(member.dirty, 'changed path')}"
    hits = f"it also hits {_count(hit, 'unchanged object')}"
    if hit:
        hits += f", worth ${hit * refetch:f} to fetch again"
    instead = (
        f"naming each exactly takes {_count(member.dirty - 1, 'more path')}"
        if member.dirty > 1
        else "no exact path can name that one"
    )
    return f"{covers}, first {_first(path[1:] for path in dirty)}; {hits}; {instead}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"


def _first(keys: Iterable[str]) -> str:
    return ", ".join(quote(viewer_path(key).replace(REST, "*")) for key in [*keys][:3])
