"""The bill of a month: who in the account spent how many invalidation paths, and its price."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate, pairwise, takewhile
from typing import Annotated

from edgesweep.aws.dynamodb import FlushTable
from edgesweep.flush.budget import LONGEST_MONTH, month_bounds, month_of
from edgesweep.flush.journal import Flush
from edgesweep.flush.others import Others
from edgesweep.prices import invalidation_bill


class Who(StrEnum):
    OURS = "this stack"
    STACKS = "other stacks"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Spender:
    who: Annotated[Who, "who spent them"]
    distribution: Annotated[str, "the id of the distribution; empty if it is not known any more"]
    charged: Annotated[int, "paths"]
    by: Annotated[str, "who requested them of this stack, or uploads"] = ""


@dataclass(frozen=True, slots=True)
class Bill:
    month: Annotated[str, "the UTC month, as YYYY-MM"]
    spenders: Sequence[Spender]
    charged: Annotated[int, "paths of all spenders"]
    free_paths: Annotated[int, "paths that are free for the account"]
    usd: Annotated[Decimal, "the price of the paths beyond the free ones"]
    heading_paths: Annotated[int, "paths of the whole month at the rate so far"]
    heading_usd: Annotated[Decimal, "their price"]
    unread: Annotated[bool, "whether others may have spent more"]
    looked_at: Annotated[datetime | None, "when others were looked at last; null for never"]
    uncounted: Annotated[Mapping[str, str], "distribution -> why others are not counted there"]


def foreign(others: Others) -> Sequence[Spender]:
    """Return who else spent, the most paths first."""
    found = [
        Spender(who, name, paths)
        for name, tally in others.spent.items()
        for who, paths in zip((Who.STACKS, Who.OTHERS), tally, strict=True)
        if paths
    ]
    return sorted(found, key=lambda one: -one.charged)


def bill_of(
    journal: FlushTable, ids: Iterable[str], free_paths: int, month: datetime, now: datetime
) -> Bill:
    name, (begin, end) = month_of(month), month_bounds(month)
    ledger = journal.ledger(name)
    others, paths = ledger.others, ledger.paths
    ours = [
        Spender(Who.OURS, one, theirs, by or "uploads")
        for one in ids
        for by, theirs in _charged(journal, one, begin).most_common()
    ]
    rest = ledger.own - sum(one.charged for one in ours)
    ours += [Spender(Who.OURS, "", rest)] if rest else []
    passed = (min(now, end) - begin) / (end - begin)
    heading = round(paths / passed) if passed > 0 else paths
    return Bill(
        month=name,
        spenders=[*ours, *foreign(others)],
        charged=paths,
        free_paths=free_paths,
        usd=invalidation_bill(paths, free_paths),
        heading_paths=heading,
        heading_usd=invalidation_bill(heading, free_paths),
        unread=others.unread,
        looked_at=others.since,
        uncounted=journal.looks().uncounted,
    )


def _charged(journal: FlushTable, distribution: str, begin: datetime) -> Counter[str]:
    """Return who is charged how many paths of a distribution in the month that begins."""
    since = begin - LONGEST_MONTH  # a flush is open no longer before a month that it is charged to
    recent = takewhile(lambda one: one.opened_at >= since, journal.newest(distribution))
    month = month_of(begin)
    return sum((shares(one, one.charges.get(month, 0)) for one in recent), Counter[str]())


def shares(flush: Flush, charged: int) -> Counter[str]:
    """Divide the charged paths of a flush by who requested them; "" is for uploads.

    Everybody pays for the paths that they requested, or for a proportional share if the flush took
    fewer; uploads pay for the rest.
    """
    asked = [0, *accumulate(paths for _, paths in flush.by)]
    theirs = min(charged, asked[-1])
    ends = pairwise(round(theirs * place / max(1, asked[-1])) for place in asked)
    found = {who: end - begin for (who, _), (begin, end) in zip(flush.by, ends, strict=True)}
    return Counter({**found, "": charged - theirs})
