"""What every journal promises of leases, held against memory and against DynamoDB, twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from edgesweep.errors import Overtaken
from edgesweep.flush.journal import LEASE_TERM, Journal, Lease
from tests.contract.journals import (
    MONTH,
    NOON,
    OTHER,
    SITE,
    DynamoDB,
    Embedded,
    InMemory,
    OverAnother,
    assert_unchanged,
    opened,
    planned,
)


class Leases:
    """The promises; a subclass says who makes them."""

    def test_empty(self, journal: Journal) -> None:
        """In the beginning nobody has a lease and nothing is spent."""
        assert journal.lease(SITE) == Lease()
        assert journal.ledger(MONTH).paths == 0
        assert journal.load(SITE, planned().id) is None

    def test_take(self, journal: Journal) -> None:
        """A flusher that takes a free lease has it for its term."""
        taken = journal.take(SITE, "t1", NOON)

        assert taken == journal.lease(SITE) == Lease("t1", NOON + LEASE_TERM, tries=1)
        assert journal.lease(OTHER) == Lease()

    def test_held(self, journal: Journal) -> None:
        """A lease cannot be taken before it has expired, not by its owner either."""
        journal.take(SITE, "t1", NOON)

        for token in ("t2", "t1"):
            with pytest.raises(Overtaken):
                journal.take(SITE, token, NOON + LEASE_TERM)

        assert journal.lease(SITE) == Lease("t1", NOON + LEASE_TERM, tries=1)

    def test_expired(self, journal: Journal) -> None:
        """A lease that has expired is anybody's, with all that its owner has left behind."""
        flush, _ = opened(journal)
        later = NOON + LEASE_TERM + timedelta(microseconds=1)

        taken = journal.take(SITE, "t2", later)

        assert taken == Lease("t2", later + LEASE_TERM, flush.id, tries=2)

    def test_tries(self, journal: Journal) -> None:
        """Takes are counted until the lease is released or a flush is opened: all but one died."""
        later = [NOON + n * 2 * LEASE_TERM for n in range(5)]
        assert [journal.take(SITE, f"t{n}", later[n]).tries for n in range(3)] == [1, 2, 3]
        assert journal.lease(SITE).deaths(later[2]) == 2
        assert journal.lease(SITE).deaths(later[3]) == 3

        journal.open(planned(), journal.lease(SITE), {})
        assert journal.lease(SITE).deaths(later[2]) == 0
        assert journal.take(SITE, "t3", later[3]).deaths(later[3]) == 1
        journal.advance(planned(), planned().reject())
        assert journal.lease(SITE).deaths(later[3]) == 0
        journal.release(SITE, "t3")

        assert journal.lease(SITE).deaths(later[4]) == 0
        assert journal.take(SITE, "t4", later[4]).tries == 1

    def test_renew(self, journal: Journal) -> None:
        """The owner may push the expiry, also after it has passed, and nobody else may."""
        journal.take(SITE, "t1", NOON)
        late = NOON + 2 * LEASE_TERM

        journal.renew(SITE, "t1", late)

        assert journal.lease(SITE).expires_at == late + LEASE_TERM
        with pytest.raises(Overtaken):
            journal.renew(SITE, "t2", late)
        with pytest.raises(Overtaken):
            journal.renew(OTHER, "t1", late)

    def test_release(self, journal: Journal) -> None:
        """The owner's release frees the lease and nothing else; any other does nothing."""
        flush, lease = opened(journal)
        journal.release(SITE, "t2")
        assert journal.lease(SITE) == replace(lease, unfinished=flush.id)

        journal.release(SITE, "t1")

        assert journal.lease(SITE) == Lease(unfinished=flush.id)
        journal.release(SITE, "t1")
        journal.release(OTHER, "t1")

    def test_forget(self, journal: Journal) -> None:
        """Who finds an unfinished flush gone lets go of it; what it was charged stays."""
        flush, lease = opened(journal)

        journal.forget(SITE, flush.id)

        assert journal.lease(SITE) == lease
        assert journal.ledger(MONTH).paths == 3
        journal.open(planned("f2"), lease, {})

    def test_forget_another(self, journal: Journal) -> None:
        """Another flush is not let go of, and neither is nothing."""
        flush, _ = opened(journal)

        assert_unchanged(journal, flush, lambda: journal.forget(SITE, planned("f2").id))
        assert_unchanged(journal, flush, lambda: journal.forget(OTHER, flush.id))


class TestInMemory(InMemory, Leases):
    """The journal in memory keeps the promises, so that tests may believe it."""


class TestOverAnother(OverAnother, Leases):
    """It keeps them over another journal."""


class TestDynamoDB(DynamoDB, Leases):
    """The real table keeps them."""


class TestEmbedded(Embedded, Leases):
    """And so does another implementation of DynamoDB."""
