"""A lease while we hold it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from edgesweep.flush.journal import LEASE_TERM, Journal, Lease


@dataclass(slots=True)
class HeldLease:
    """The lease of one distribution, renewed while work goes on.

    Attributes:
        distribution: whose it is.
        lease: as we know it.
        journal: keeps it.
        clock: this process's time.
    """

    distribution: str
    lease: Lease
    journal: Journal
    clock: Callable[[], datetime]

    @property
    def deaths(self) -> int:
        """How many owners before us died in a row, none of which got any further."""
        return max(0, self.lease.tries - 1)

    def keep(self) -> None:
        """Renew the lease once a third of its term has passed.

        The next tick then does not restart a long flush.

        Raises:
            Overtaken: somebody else took it.
        """
        expires_at = self.lease.expires_at
        if expires_at is None or expires_at - self.clock() <= LEASE_TERM * 2 / 3:
            self.renew()

    def reread(self) -> None:
        """Learn what a flush has changed of the lease.

        Somebody else may hold it by now: ours is the token that we have taken.
        """
        known = self.journal.lease(self.distribution)
        self.lease = replace(known, token=self.lease.token)

    def renew(self) -> None:
        """Renew the lease now.

        Raises:
            Overtaken: somebody else took it.
        """
        now = self.clock()
        self.journal.renew(self.distribution, str(self.lease.token), now)
        self.lease = replace(self.lease, expires_at=now + LEASE_TERM)
