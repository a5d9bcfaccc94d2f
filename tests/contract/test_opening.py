"""What every journal promises of opening, held against memory and against DynamoDB, twice."""

from dataclasses import replace
from uuid import uuid4

import pytest

from edgesweep.errors import OverLimit, Overtaken
from edgesweep.flush.journal import LEASE_TERM, Invalidation, Journal
from edgesweep.flush.pace import NOTHING_SEEN, Demand
from edgesweep.flush.planning import MAX_NAMES
from edgesweep.operate.dry_run import JournalInMemory
from tests.contract.journals import (
    MADE,
    MONTH,
    NEXT,
    NOON,
    OTHER,
    SITE,
    DynamoDB,
    Embedded,
    InMemory,
    OverAnother,
    accepted,
    assert_unchanged,
    attempted,
    opened,
    planned,
    refused,
)
from tests.keys import HARD_KEYS

SEEN = Demand(NOON, 1.0, 1.0, (3.0, 2.0, 1.0))


class Opening:
    """The promises; a subclass says who makes them."""

    def test_open(self, journal: Journal) -> None:
        """What is opened is kept byte for byte, is charged, and is the unfinished one."""
        flush, lease = opened(journal, months=(MONTH, NEXT))

        assert journal.load(SITE, flush.id) == flush
        assert (journal.ledger(MONTH).paths, journal.ledger(NEXT).paths) == (3, 3)
        assert journal.lease(SITE) == replace(lease, unfinished=flush.id)

    @pytest.mark.parametrize(
        "parts",
        [
            {"paths": ("/*",), "collateral": 0},
            {"split": True, "replaces": planned("f0").id},
            {"paths": tuple(f"/{n}{key}" for n, key in enumerate(HARD_KEYS))},
            {"months": ()},
        ],
    )
    def test_same(self, journal: Journal, parts: dict[str, object]) -> None:
        """Everything that a flush holds comes back unchanged."""
        flush, _ = opened(journal, **parts)

        assert journal.load(SITE, flush.id) == flush

    def test_in_progress(self, journal: Journal) -> None:
        """What is in progress is what the opener has seen so, and what was accepted since."""
        older = Invalidation("I0", MONTH, exact=1, wildcards=0)
        lease = replace(journal.take(SITE, "t1", NOON), in_progress=(older,))
        flush = planned()
        journal.open(flush, lease, {})

        accepted(journal, flush)

        assert journal.lease(SITE).in_progress == (older, MADE)

    def test_open_overtaken(self, journal: Journal) -> None:
        """Who has lost the lease opens nothing, and nothing is charged."""
        lease = journal.take(SITE, "t1", NOON)
        journal.take(SITE, "t2", NOON + 2 * LEASE_TERM)

        with pytest.raises(Overtaken):
            journal.open(planned(), lease, {})

        assert journal.ledger(MONTH).paths == 0
        assert journal.lease(SITE).unfinished is None
        assert journal.load(SITE, planned().id) is None

    def test_open_beside(self, journal: Journal) -> None:
        """Beside an unfinished flush nobody opens another, not even the owner of the lease."""
        flush, lease = opened(journal)

        assert_unchanged(journal, flush, lambda: journal.open(planned("f2"), lease, {}))

    def test_other_distribution(self, journal: Journal) -> None:
        """Distributions have leases of their own and one ledger."""
        opened(journal)
        lease = journal.take(OTHER, "t1", NOON)

        journal.open(planned(distribution=OTHER), lease, {})

        assert journal.ledger(MONTH).paths == 6

    @pytest.mark.parametrize(("limit", "fits"), [(None, True), (4, True), (3, True), (2, False)])
    def test_limit(self, journal: Journal, limit: int | None, fits: bool) -> None:  # noqa: FBT001  # a case
        """The ledger takes what leads up to the limit, and nothing of what leads beyond it."""
        lease = journal.take(SITE, "t1", NOON)
        flush = planned(months=(MONTH, NEXT))

        if fits:
            journal.open(flush, lease, {MONTH: None, NEXT: limit})
        else:
            with pytest.raises(OverLimit):
                journal.open(flush, lease, {MONTH: None, NEXT: limit})

        spent = 3 if fits else 0
        assert (journal.ledger(MONTH).paths, journal.ledger(NEXT).paths) == (spent, spent)
        assert journal.lease(SITE).unfinished == (flush.id if fits else None)

    @pytest.mark.parametrize(("limit", "fits"), [(6, True), (5, False)])
    def test_limit_of_sum(self, journal: Journal, limit: int, fits: bool) -> None:  # noqa: FBT001  # a case
        """The limit holds for the sum with what others were charged."""
        opened(journal)
        lease = journal.take(OTHER, "t1", NOON)
        flush = planned(distribution=OTHER)

        if fits:
            journal.open(flush, lease, {MONTH: limit})
        else:
            with pytest.raises(OverLimit):
                journal.open(flush, lease, {MONTH: limit})

        assert journal.ledger(MONTH).paths == (6 if fits else 3)

    def test_overtaken_first(self, journal: Journal) -> None:
        """If a flush is overtaken and over the limit, the journal says that it is overtaken."""
        flush, lease = opened(journal)

        assert_unchanged(journal, flush, lambda: journal.open(planned("f2"), lease, {MONTH: 3}))
        stale = flush.attempt()
        assert_unchanged(
            journal, flush, lambda: journal.advance(stale, stale.charge(NEXT), {NEXT: 2})
        )

    def test_replaced(self, journal: Journal) -> None:
        """A refused flush and its successor change places at once, and so do their charges."""
        flush, lease = opened(journal)
        known = refused(journal, flush)
        successor = planned("f2", paths=("/a", "/*"), months=(NEXT,), replaces=flush.id)

        journal.open(successor, lease, {NEXT: 2}, replaced=known)

        assert journal.load(SITE, flush.id) == known.reject()
        assert journal.load(SITE, successor.id) == successor
        assert journal.lease(SITE).unfinished == successor.id
        assert (journal.ledger(MONTH).paths, journal.ledger(NEXT).paths) == (0, 2)

    def test_replaced_within_limit(self, journal: Journal) -> None:
        """A successor of no more paths needs no room beside the one that it replaces."""
        flush, lease = opened(journal)
        known = refused(journal, flush)

        journal.open(planned("f2"), lease, {MONTH: 3}, replaced=known)

        assert journal.ledger(MONTH).paths == 3

    def test_replaced_unanswered(self, journal: Journal) -> None:
        """A successor is paid beside a flush that may have been accepted, or is not opened."""
        flush, lease = opened(journal)
        doubtful = attempted(journal, flush)

        with pytest.raises(OverLimit):
            journal.open(planned("f2"), lease, {MONTH: 5}, replaced=doubtful)
        assert journal.load(SITE, flush.id) == doubtful
        journal.open(planned("f2"), lease, {MONTH: 6}, replaced=doubtful)

        assert journal.ledger(MONTH).paths == 6
        assert journal.lease(SITE).flushed_at == flush.opened_at

    def test_replaced_overtaken(self, journal: Journal) -> None:
        """Nothing is replaced by who has lost the lease, or knows an older state of the flush."""
        flush, lease = opened(journal)
        known = refused(journal, flush)
        stale, lost = flush, replace(lease, token=None)

        assert_unchanged(
            journal, flush, lambda: journal.open(planned("f2"), lease, {}, replaced=stale)
        )
        assert_unchanged(
            journal, flush, lambda: journal.open(planned("f2"), lost, {}, replaced=known)
        )

    def test_thousands(self, journal: Journal) -> None:
        """A flush of thousands of long paths that are much alike is kept, byte for byte."""
        long = (
            "/assets/2026/11/23/a-folder-with-quite-a-long-name/and-another-one-below-it/"
            + "x" * 800
        )
        paths = tuple(f"{long}/{n:05}.html" for n in range(3_000))
        flush = planned(paths=paths)
        assert sum(map(len, paths)) > 2_000_000
        assert journal.fits(flush)

        journal.open(flush, journal.take(SITE, "t1", NOON), {})

        assert journal.load(SITE, flush.id) == flush
        assert journal.ledger(MONTH).paths == 3_000


class TestInMemory(InMemory, Opening):
    """The journal in memory keeps the promises, so that tests may believe it."""


class TestOverAnother(OverAnother, Opening):
    """It keeps them over another journal."""

    def test_above(self) -> None:
        """A flush that began below continues above, and stays unchanged below."""
        below = JournalInMemory()
        flush, lease = opened(below)
        above = JournalInMemory(below)
        assert (above.lease(SITE), above.load(SITE, flush.id)) == (below.lease(SITE), flush)

        known = refused(above, flush)
        above.open(planned("f2"), lease, {MONTH: 3}, replaced=known)
        above.remember(SEEN)

        assert (above.ledger(MONTH).paths, above.demand()) == (3, SEEN)
        assert (above.load(SITE, flush.id), above.lease(SITE).unfinished) == (
            known.reject(),
            planned("f2").id,
        )
        assert (below.ledger(MONTH).paths, below.demand()) == (3, NOTHING_SEEN)
        assert (below.load(SITE, flush.id), below.lease(SITE).unfinished) == (flush, flush.id)


class TestDynamoDB(DynamoDB, Opening):
    """The real table keeps them."""

    def test_fits(self, journal: Journal) -> None:
        """What fits is kept, to the last path; what does not would pass the size of an item."""
        paths = [f"/{uuid4().hex}{uuid4().hex}" for _ in range(12_000)]
        fitting = 1
        for step in (4_096, 2_048, 1_024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1):
            if journal.fits(planned(paths=tuple(paths[: fitting + step]))):
                fitting += step
        # With as many names as a flush may have, of letters that take the most bytes.
        by = tuple((f"{number:02}{'🧹' * 98}", 1) for number in range(MAX_NAMES))
        flush = planned(paths=tuple(paths[:fitting]), by=by)
        assert 3_000 < fitting < len(paths)

        journal.open(flush, journal.take(SITE, "t1", NOON), {})

        assert journal.load(SITE, flush.id) == flush


class TestEmbedded(Embedded, TestDynamoDB):
    """And so does another implementation of DynamoDB."""
