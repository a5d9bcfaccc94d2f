"""The items of the table `flushes`, and the conditions under which they are written.

Every write is conditional on what its caller has read. Each condition has a name and says what it
ensures; a write whose condition fails changes nothing.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import astuple
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from edgesweep.aws.dynamodb.models import InstantAttribute, Keyed, TextAttribute
from edgesweep.dirty import parse_instant
from edgesweep.flush.journal import LEASE_TERM, Flush, Invalidation, Lease, State
from edgesweep.flush.others import Ledger, Others
from edgesweep.flush.pace import LADDER, Demand

# The audit trail lasts somewhat longer than a year.
RETENTION = timedelta(days=400)
# "The maximum item size in DynamoDB is 400 KB." Apart from the paths an item is small.
MAX_PACKED = 350_000


def packed(paths: Iterable[str]) -> bytes:
    """Return paths compressed, byte for byte and in order."""
    return zlib.compress(json.dumps(list(paths)).encode())


def line(invalidation: Invalidation) -> str:
    """Return an accepted request as a line of text."""
    return " ".join(map(str, astuple(invalidation)))


def _request(text: str) -> Invalidation:
    invalidation, month, exact, wildcards = text.split()
    return Invalidation(invalidation, month, int(exact), int(wildcards))


class FlushItem(Keyed):
    """One flush of the journal: `flush#<distribution>` / `<opened_at>#<token>`."""

    state = TextAttribute(str, State)
    paths = BinaryAttribute(legacy_encoding=False)
    months = TextAttribute(" ".join, lambda text: tuple(text.split()))
    rows = NumberAttribute()
    billed = NumberAttribute()
    wildcards = NumberAttribute()
    collateral = NumberAttribute()
    split = BooleanAttribute()
    replaces = UnicodeAttribute(null=True)
    attempts = NumberAttribute()
    refusals = NumberAttribute()
    accepted = TextAttribute(
        lambda requests: "\n".join(map(line, requests)),
        lambda text: tuple(map(_request, text.splitlines())),
    )
    sent_at = InstantAttribute(null=True)
    settled_at = InstantAttribute(null=True)
    changed_at = InstantAttribute(null=True)
    swept = UnicodeAttribute(null=True)
    by = TextAttribute(json.dumps, lambda text: tuple(map(tuple, json.loads(text))), null=True)
    why = BinaryAttribute(legacy_encoding=False, null=True)
    expires_at = NumberAttribute(null=True)


# Attributes that are fields of a flush: those that never change, those by which we know a flush
# again, and the moments of its progress.
_FIXED = ("rows", "collateral", "split", "replaces", "changed_at")
_KNOWN = ("state", "months", "attempts", "refusals", "accepted")
_MOMENTS = ("sent_at", "settled_at")


class LedgerItem(Keyed):
    """The paths of one month, ours and those of others: `ledger` / `<YYYY-MM>`."""

    paths = NumberAttribute(default=0)
    others = UnicodeAttribute(null=True)
    unread = BooleanAttribute(null=True)
    since = InstantAttribute(null=True)


class LooksItem(Keyed):
    """How far the invalidations of others are read: `looks` / `looks`."""

    looks = BinaryAttribute(legacy_encoding=False)
    revision = NumberAttribute()


class DemandItem(Keyed):
    """The paths that flushes have used so far: `demand` / `demand`."""

    seen_at = InstantAttribute()
    days = UnicodeAttribute()
    flushes = UnicodeAttribute(null=True)  # absent before 0.2.0
    paths = UnicodeAttribute()
    bought = NumberAttribute(null=True)


class ShardsItem(Keyed):
    """The highest shard count ever used: `shards` / `shards`."""

    most = NumberAttribute()


class LeaseItem(Keyed):
    """The lease of one distribution: `lease#<distribution>` / `lease`."""

    token = UnicodeAttribute(null=True)
    expires_at = InstantAttribute(null=True)
    unfinished = UnicodeAttribute(null=True)
    in_progress: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute, null=True)
    flushed_at = InstantAttribute(null=True)
    tries = NumberAttribute(null=True)


def free(now: datetime) -> Condition:
    """Nobody holds the lease, or it has expired.

    A slow owner may still be working; its next write requires its token and fails.
    """
    condition: Condition = LeaseItem.token.does_not_exist()
    condition |= LeaseItem.expires_at < now
    return condition


def ours(token: str) -> Condition:
    """Nobody has taken the lease since we did, even if it has expired."""
    return LeaseItem.token == token


def unfinished_is(flush_id: str | None) -> Condition:
    """Nothing is unfinished (None), or only the flush with this id."""
    if flush_id is None:
        return LeaseItem.unfinished.does_not_exist()
    return LeaseItem.unfinished == flush_id


def as_known(flush: Flush) -> Condition:
    """The flush is as we read it: nobody has since sent, charged or finished it."""
    swept = FlushItem.swept
    condition = swept == flush.swept if flush.swept else swept.does_not_exist()
    for name in _KNOWN:
        condition &= getattr(FlushItem, name) == getattr(flush, name)
    return condition


def within(limit: int, paths: int) -> Condition:
    """The month has room for `paths` more within the limit.

    A limit below `paths` fails in any month, since a charge is never negative.
    """
    condition: Condition = LedgerItem.paths <= limit - paths
    return condition if paths > limit else condition | LedgerItem.paths.does_not_exist()


def until(now: datetime) -> Action:
    """Push the expiry of the lease to its full term."""
    return LeaseItem.expires_at.set(now + LEASE_TERM)


def progress(flush: Flush) -> list[Action]:
    """Set the attributes that change in the life of a flush; only a finished one expires.

    An item of the first release has an expiry from the start.
    """
    swept, expiry = FlushItem.swept, FlushItem.expires_at
    kept_until = flush.opened_at + RETENTION
    values = _values(flush, (*_KNOWN, *_MOMENTS))
    return [
        *(getattr(FlushItem, name).set(one) for name, one in values.items() if one is not None),
        swept.set(flush.swept) if flush.swept else swept.remove(),
        expiry.set(int(kept_until.timestamp())) if flush.finished else expiry.remove(),
    ]


def opened(lease: Lease, flush: Flush, replaced: Flush | None) -> list[Action]:
    """Make `flush` the unfinished one of its lease, in place of the one that it replaces."""
    return [
        LeaseItem.unfinished.set(flush.id),
        *(_billed(replaced) if replaced else ()),
        LeaseItem.in_progress.set([line(request) for request in lease.in_progress]),
        LeaseItem.tries.set(1),
    ]


def advanced(flush: Flush, to: Flush) -> list[Action]:
    """Add newly accepted invalidations to the lease, and release a finished flush."""
    accepted = [line(request) for request in to.accepted[len(flush.accepted) :]]
    actions: list[Action] = []
    if accepted or to.finished:
        actions += _billed(to)
    if accepted:
        actions.append(LeaseItem.in_progress.set((LeaseItem.in_progress | []).append(accepted)))
    if to.finished:
        actions += [LeaseItem.unfinished.remove(), LeaseItem.tries.set(1)]
    return actions


def _billed(flush: Flush) -> list[Action]:
    return [LeaseItem.flushed_at.set(flush.billed_at)] if flush.billed_at else []


def noted(others: Others, gained: int) -> list[Action]:
    """Set what others spent in a month, of which the ledger lacks what was gained."""
    return [
        LedgerItem.paths.add(gained),
        LedgerItem.others.set(json.dumps(dict(others.spent))),
        LedgerItem.unread.set(others.unread),
        LedgerItem.since.set(others.since),
    ]


def to_ledger(item: LedgerItem) -> Ledger:
    """Return the ledger that an item holds."""
    spent = {name: tuple(one) for name, one in json.loads(item.others or "{}").items()}
    return Ledger(int(item.paths), Others(spent, bool(item.unread), item.since))


def new(model: type[FlushItem], flush: Flush) -> FlushItem:
    """Return the item of a new flush."""
    return model(
        f"flush#{flush.distribution}",
        flush.id,
        paths=packed(flush.paths),
        billed=len(flush.paths),
        wildcards=flush.wildcards,
        by=flush.by or None,
        why=zlib.compress(flush.why.encode()) if flush.why else None,
        **_values(flush, (*_FIXED, *_KNOWN)),
    )


def _values(source: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(source, name) for name in names}


def to_lease(item: LeaseItem) -> Lease:
    """Return the lease that an item holds."""
    requests = tuple(map(_request, item.in_progress or ()))
    values = _values(item, ("token", "expires_at", "unfinished", "flushed_at"))
    return Lease(**values, in_progress=requests, tries=int(item.tries or 0))


def to_flush(distribution: str, item: FlushItem) -> Flush:
    """Return the flush that an item holds."""
    opened_at, token = item.sk.split("#")
    paths = tuple(json.loads(zlib.decompress(item.paths)))
    values = _values(item, (*_FIXED, *_KNOWN, *_MOMENTS))
    values["swept"] = item.swept or ""
    values["by"] = item.by or ()
    values["why"] = zlib.decompress(item.why).decode() if item.why else ""
    return Flush(distribution, parse_instant(opened_at), token, paths, **values)


def to_demand(item: DemandItem) -> Demand:
    """Return the demand that an item holds, or none if it was counted at other prices."""
    paths = tuple(map(float, item.paths.split()))
    if len(paths) != len(LADDER):
        return Demand()
    flushes, bought = float(item.flushes or 0), int(item.bought or 0)
    return Demand(item.seen_at, float(item.days), flushes, paths, bought)
