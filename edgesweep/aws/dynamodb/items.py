"""The items of the table `flushes`, and the conditions under which they are written.

Every write is conditional on what its caller has read. Each condition has a name and says what it
ensures; a write whose condition fails changes nothing.
"""

import json
import zlib
from dataclasses import astuple
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pynamodb.attributes import BooleanAttribute, ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from edgesweep.aws.dynamodb import models
from edgesweep.aws.dynamodb.models import BytesAttribute, InstantAttribute, Keyed, TextAttribute
from edgesweep.flush.journal import LEASE_TERM, Flush, Invalidation, Lease, State
from edgesweep.flush.others import Looks
from edgesweep.routes.kept import Kept

RETENTION = timedelta(days=400)  # the audit trail lasts somewhat longer than a year
# "The maximum item size in DynamoDB is 400 KB." Apart from the paths an item is small.
MAX_PACKED = 350_000


def line(invalidation: Invalidation) -> str:
    """Return an accepted request as a line of text."""
    return " ".join(map(str, astuple(invalidation)))


def _request(text: str) -> Invalidation:
    invalidation, month, exact, wildcards = text.split()
    return Invalidation(invalidation, month, int(exact), int(wildcards))


class FlushItem(Keyed):
    """One flush of the journal: `flush#<distribution>` / `<opened_at>#<token>`."""

    state = TextAttribute(str, State)
    paths = BytesAttribute(models.packed, partial(models.unpacked, tuple[str, ...]))
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
    by = TextAttribute(
        partial(json.dumps, ensure_ascii=False),
        lambda text: tuple(map(tuple, json.loads(text))),
        null=True,
    )
    why = BytesAttribute(
        lambda text: zlib.compress(text.encode()),
        lambda body: zlib.decompress(body).decode(),
        null=True,
    )
    expires_at = NumberAttribute(null=True)


# The attributes that show whether a flush is still as we read it, and all that change later.
_KNOWN = ("state", "months", "attempts", "refusals", "accepted", "swept")
_CHANGING = (*_KNOWN, "sent_at", "settled_at")


class LedgerItem(Keyed):
    """The paths of one month, ours and the paths of others: `ledger` / `<YYYY-MM>`."""

    paths = NumberAttribute(default=0)
    others = TextAttribute(
        lambda spent: json.dumps(dict(spent)),
        lambda text: {name: tuple(one) for name, one in json.loads(text).items()},
        null=True,
    )
    unread = BooleanAttribute(null=True)
    since = InstantAttribute(null=True)


class LooksItem(models.Revised):
    """How far the invalidations of others are read: `looks` / `looks`."""

    looks = BytesAttribute(models.packed, partial(models.unpacked, Looks))


class RoutesItem(models.Revised):
    """The record of the distributions: `routes` / its version."""

    kept = BytesAttribute(models.packed, partial(models.unpacked, Kept))


class DemandItem(Keyed):
    """The paths that flushes have used so far: `demand` / `demand`."""

    seen_at = InstantAttribute()
    days = TextAttribute(str, float)
    flushes = TextAttribute(str, float, null=True)  # absent before 0.2.0
    paths = TextAttribute(
        lambda paths: " ".join(map(str, paths)), lambda text: tuple(map(float, text.split()))
    )
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
    """Nobody holds the lease, or it has expired: the next write of a slow owner fails."""
    free: Condition = LeaseItem.token.does_not_exist() | (LeaseItem.expires_at < now)
    return free


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
    known, condition = stored(flush), FlushItem.pk.exists()
    for name in _KNOWN:
        attribute = getattr(FlushItem, name)
        condition &= attribute == known[name] if name in known else attribute.does_not_exist()
    return condition


def within(limit: int, paths: int) -> Condition:
    """The month has room for `paths` more within the limit; no charge is ever negative."""
    condition: Condition = LedgerItem.paths <= limit - paths
    return condition if paths > limit else condition | LedgerItem.paths.does_not_exist()


def until(now: datetime) -> Action:
    """Push the expiry of the lease to its full term."""
    return LeaseItem.expires_at.set(now + LEASE_TERM)


def progress(flush: Flush) -> list[Action]:
    """Set the attributes that change in the life of a flush; only a finished one expires."""
    # An item of the first release has an expiry from the start.
    known = stored(flush)
    if flush.finished:
        known["expires_at"] = int((flush.opened_at + RETENTION).timestamp())
    every = {name: getattr(FlushItem, name) for name in (*_CHANGING, "expires_at")}
    return [one.set(known[name]) if name in known else one.remove() for name, one in every.items()]


def stored(flush: Flush) -> dict[str, Any]:
    """Return the fields of a flush, without empty fields that its item may lack."""
    known = models.common(Flush, FlushItem, flush)
    return {name: one for name, one in known.items() if one or not getattr(FlushItem, name).null}


def opened(lease: Lease, flush: Flush, replaced: Flush | None) -> list[Action]:
    """Make `flush` the unfinished flush of its lease, in place of any that it replaces."""
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


def to_lease(item: LeaseItem) -> Lease:
    known = models.common(Lease, LeaseItem, item)
    return Lease(**{**known, "in_progress": tuple(map(_request, item.in_progress or ()))})


def to_flush(distribution: str, item: FlushItem) -> Flush:
    opened_at, token = item.sk.split("#")
    known = models.common(Flush, FlushItem, item)
    return Flush(distribution, datetime.fromisoformat(opened_at), token, **known)
