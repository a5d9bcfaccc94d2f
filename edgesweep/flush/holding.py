"""A lease while we hold it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from edgesweep.flush.journal import LEASE_TERM, Journal, Lease


@dataclass(slots=True)
class HeldLease:
    """The lease of one distribution as we know it, renewed while work goes on."""

    distribution: str
    lease: Lease
    journal: Journal
    clock: Callable[[], datetime]

    @property
    def deaths(self) -> int:
        """How many owners before us died in a row without any progress."""
        return max(0, self.lease.tries - 1)

    def keep(self) -> None:
        """Renew the lease once a third of its term has passed, or raise `Overtaken`."""
        expires_at = self.lease.expires_at
        if expires_at is None or expires_at - self.clock() <= LEASE_TERM * 2 / 3:
            self.renew()

    def reread(self) -> None:
        """Read again what a flush has changed; the token stays ours, whoever holds it by now."""
        self.lease = replace(self.journal.lease(self.distribution), token=self.lease.token)

    def renew(self) -> None:
        now = self.clock()
        self.journal.renew(self.distribution, str(self.lease.token), now)
        self.lease = replace(self.lease, expires_at=now + LEASE_TERM)
