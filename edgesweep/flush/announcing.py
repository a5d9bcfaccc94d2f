"""Announcing: an event for every sweep, and for every distribution that is held or overdue.

A flush is announced before it is settled, so at least once. A state is announced when it begins,
and again by a new process. An event that EventBridge does not accept is logged; nothing waits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import accumulate, takewhile

from edgesweep.dirty import instant
from edgesweep.flush.budget import Budget, Ledger, month_of
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.journal import Flush
from edgesweep.flush.policy import Policy, Reason

# "The maximum size for a PutEvents event entry is 256 KB"; quoted paths are ASCII.
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
MOST_BYTES = 200_000

_HOLDING = (Reason.BUDGET, Reason.SPENT, Reason.QUOTA, Reason.UNFINISHED)


class Event(StrEnum):
    """The detail types."""

    SWEPT = "Edgesweep Swept"
    HELD = "Edgesweep Held"
    OVERDUE = "Edgesweep Overdue"


Detail = Mapping[str, object]


@dataclass(slots=True)
class Announcer:
    """Publishes events; it remembers which states have begun."""

    publish: Callable[[Event, Detail], None]
    ledger: Callable[[str], Ledger]  # of a month
    budget: Budget
    clock: Callable[[], datetime]
    warn: Callable[[str], None]
    _begun: frozenset[tuple[str, Event]] = field(default=frozenset(), init=False)

    def swept(self, flush: Flush) -> None:
        self._publish(Event.SWEPT, swept(flush))

    def look(self, outcomes: Sequence[Outcome], policy: Policy) -> None:
        """Announce the states that have begun with the outcomes of a tick."""
        found = dict(states(outcomes, policy, self.clock()))
        for key in found.keys() - self._begun:
            self._publish(key[1], found[key])
        self._begun = frozenset(found)

    def _publish(self, event: Event, detail: Detail) -> None:
        allowance, month = self.budget.allowance, month_of(self.clock())
        left = None if allowance is None else max(0, allowance - self.ledger(month).paths)
        try:
            self.publish(event, {**detail, "pathsLeft": left})
        except Exception as error:  # noqa: BLE001  # reported; nothing waits for an event
            self.warn(f"The event {event} was not published: {error}")


def swept(flush: Flush) -> Detail:
    """Return the detail of a sweep, with as many of its paths as fit."""
    sizes = accumulate(len(path) + len('"", ') for path in flush.done)
    fitting = sum(1 for _ in takewhile(lambda size: size <= MOST_BYTES, sizes))
    return {
        "distribution": flush.distribution,
        "flush": flush.id,
        "paths": flush.done[:fitting],
        "morePaths": len(flush.done) - fitting,
        "objects": flush.rows,
        "unchangedObjects": flush.collateral,
        "seconds": flush.waited.total_seconds() if flush.waited else None,
    }


def states(
    outcomes: Sequence[Outcome], policy: Policy, now: datetime
) -> Iterator[tuple[tuple[str, Event], Detail]]:
    """Yield which distributions are held or overdue, with the details of the event."""
    for one in outcomes:
        if one.oldest is None or one.settled:
            continue
        waited = now - one.oldest
        detail = {
            "distribution": one.distribution,
            "reason": one.reason,
            "since": instant(one.oldest),
            "seconds": waited.total_seconds(),
        }
        if one.reason in _HOLDING:
            yield (one.distribution, Event.HELD), detail
        if waited > policy.guaranteed(now):
            yield (one.distribution, Event.OVERDUE), detail
