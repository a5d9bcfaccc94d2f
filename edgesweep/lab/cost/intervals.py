"""What flushing less often saves, and how stale it leaves the edge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.lab.replay.history import Source
from edgesweep.lab.replay.paced import Swept, sweep
from edgesweep.prices import REFETCH_COST

MINUTE, QUARTER, HOUR, DAY = (timedelta(minutes=count) for count in (1, 15, 60, 1_440))
INTERVALS = MINUTE, timedelta(minutes=5), QUARTER, HOUR, timedelta(hours=4), DAY


@dataclass(frozen=True, slots=True)
class Flushed:
    """A site whose flushes gather changes for an interval."""

    interval: timedelta
    swept: Swept

    @property
    def dollars(self) -> Decimal:
        """The bill for paths, and for fetching again what was hit though it had not changed."""
        return self.swept.row.usd + REFETCH_COST * self.swept.row.collateral

    @property
    def stale_minutes(self) -> float:
        """How many minutes a deploy waited on average."""
        return self.swept.mean_wait / MINUTE


def flushed(site: Source, interval: timedelta) -> Flushed:
    """Sweep a site that gathers changes for an interval before each flush, whatever that costs."""
    policy = Policy(Budget(usd=None), quiet=interval, max_wait=interval)
    return Flushed(interval, sweep(site, policy))


def by_interval(
    sites: Iterable[Source], intervals: Sequence[timedelta] = INTERVALS
) -> Mapping[str, Mapping[timedelta, Flushed]]:
    """Return each site at each interval."""
    return {
        site.name: {interval: flushed(site, interval) for interval in intervals} for site in sites
    }
