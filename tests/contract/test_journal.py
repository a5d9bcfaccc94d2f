"""What every journal promises, held against the fake and against DynamoDB, twice."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from moto import mock_aws

from edgesweep.aws.dynamodb import FlushTable
from edgesweep.flush.journal import (
    LEASE_TERM,
    Flush,
    Invalidation,
    Journal,
    Lease,
    OverLimit,
    Overtaken,
    State,
)
from infra.local.aws import EmbeddedAws
from tests.aws import create_table
from tests.contract.conftest import new_table, reaching
from tests.fakes.journal import JournalInMemory
from tests.keys import HARD_KEYS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SITE, OTHER = "E1", "E2"
MONTH, NEXT = "2026-11", "2026-12"
PATHS = ("/a", "/b", "/c*")
MADE = Invalidation("I1", MONTH, exact=2, wildcards=1)


def planned(token: str = "f1", **parts: Any) -> Flush:  # noqa: ANN401, S107  # a flush's; no password
    """Return a flush that is not opened yet."""
    flush = Flush(SITE, NOON + SECOND, token, PATHS, (MONTH,), rows=5, collateral=7)
    return replace(flush, **parts)


def opened(journal: Journal, **parts: Any) -> tuple[Flush, Lease]:  # noqa: ANN401  # a flush's
    """Return a flush that was opened, and the lease under which it was."""
    lease = journal.take(SITE, "t1", NOON)
    flush = planned(**parts)
    journal.open(flush, lease, {})
    return flush, lease


def unchanged(journal: Journal, flush: Flush, attempt: Callable[[], object]) -> None:
    """Assert that what is overtaken changes nothing of a flush, of the ledger or of the lease."""
    ledger = {month: journal.spent(month) for month in (MONTH, NEXT)}
    before = journal.load(SITE, flush.id), journal.lease(SITE), ledger

    with pytest.raises(Overtaken):
        attempt()

    ledger = {month: journal.spent(month) for month in (MONTH, NEXT)}
    assert (journal.load(SITE, flush.id), journal.lease(SITE), ledger) == before


class Contract:
    """The promises; a subclass says who makes them."""

    @pytest.fixture
    def journal(self) -> Journal:
        """Return an empty journal."""
        raise AssertionError

    def test_empty(self, journal: Journal) -> None:
        """In the beginning nobody has a lease and nothing is spent."""
        assert journal.lease(SITE) == Lease()
        assert journal.spent(MONTH) == 0
        with pytest.raises(Overtaken, match="no flush"):
            journal.load(SITE, planned().id)

    def test_take(self, journal: Journal) -> None:
        """Whoever takes a free lease has it for its term."""
        taken = journal.take(SITE, "t1", NOON)

        assert taken == journal.lease(SITE) == Lease("t1", NOON + LEASE_TERM)
        assert journal.lease(OTHER) == Lease()

    def test_held(self, journal: Journal) -> None:
        """A lease cannot be taken before it has expired, not by its owner either."""
        journal.take(SITE, "t1", NOON)

        for token in ("t2", "t1"):
            with pytest.raises(Overtaken):
                journal.take(SITE, token, NOON + LEASE_TERM)

        assert journal.lease(SITE) == Lease("t1", NOON + LEASE_TERM)

    def test_expired(self, journal: Journal) -> None:
        """A lease that has expired is anybody's, with all that its owner has left behind."""
        flush, _ = opened(journal)
        later = NOON + LEASE_TERM + timedelta(microseconds=1)

        taken = journal.take(SITE, "t2", later)

        assert taken == Lease("t2", later + LEASE_TERM, flush.id, flushed_at=flush.opened_at)

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
        assert journal.lease(SITE) == replace(
            lease, unfinished=flush.id, flushed_at=flush.opened_at
        )

        journal.release(SITE, "t1")

        assert journal.lease(SITE) == Lease(unfinished=flush.id, flushed_at=flush.opened_at)
        journal.release(SITE, "t1")
        journal.release(OTHER, "t1")

    def test_open(self, journal: Journal) -> None:
        """What is opened is kept byte for byte, is charged, and is the unfinished one."""
        flush, lease = opened(journal, months=(MONTH, NEXT))

        assert journal.load(SITE, flush.id) == flush
        assert (journal.spent(MONTH), journal.spent(NEXT)) == (3, 3)
        assert journal.lease(SITE) == replace(
            lease, unfinished=flush.id, flushed_at=flush.opened_at
        )

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
        """Whatever a flush holds comes back as it was."""
        flush, _ = opened(journal, **parts)

        assert journal.load(SITE, flush.id) == flush

    def test_in_progress(self, journal: Journal) -> None:
        """What is in progress is what the opener has seen so, and what was accepted since."""
        older = Invalidation("I0", MONTH, exact=1, wildcards=0)
        lease = replace(journal.take(SITE, "t1", NOON), in_progress=(older,))
        flush = planned()
        journal.open(flush, lease, {})

        journal.accepted(journal.attempted(flush), MADE, NOON)

        assert journal.lease(SITE).in_progress == (older, MADE)

    def test_open_overtaken(self, journal: Journal) -> None:
        """Who has lost the lease opens nothing, and nothing is charged."""
        lease = journal.take(SITE, "t1", NOON)
        journal.take(SITE, "t2", NOON + 2 * LEASE_TERM)

        with pytest.raises(Overtaken):
            journal.open(planned(), lease, {})

        assert journal.spent(MONTH) == 0
        assert journal.lease(SITE).unfinished is None
        with pytest.raises(Overtaken):
            journal.load(SITE, planned().id)

    def test_open_beside(self, journal: Journal) -> None:
        """Beside an unfinished flush none is opened, not by the owner of the lease either."""
        flush, lease = opened(journal)

        unchanged(journal, flush, lambda: journal.open(planned("f2"), lease, {}))

    def test_other_distribution(self, journal: Journal) -> None:
        """Distributions have leases of their own and one ledger."""
        opened(journal)
        lease = journal.take(OTHER, "t1", NOON)

        journal.open(planned(distribution=OTHER), lease, {})

        assert journal.spent(MONTH) == 6

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
        assert (journal.spent(MONTH), journal.spent(NEXT)) == (spent, spent)
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

        assert journal.spent(MONTH) == (6 if fits else 3)

    def test_overtaken_first(self, journal: Journal) -> None:
        """Who is overtaken and over the limit as well is told that it is overtaken."""
        flush, lease = opened(journal)

        unchanged(journal, flush, lambda: journal.open(planned("f2"), lease, {MONTH: 3}))
        unchanged(journal, flush, lambda: journal.charge(replace(flush, attempts=1), NEXT, limit=2))

    def test_charge(self, journal: Journal) -> None:
        """One more month is charged with all paths, within its limit."""
        flush, _ = opened(journal)

        charged = journal.charge(flush, NEXT, 3)

        assert charged == replace(flush, months=(MONTH, NEXT)) == journal.load(SITE, flush.id)
        assert (journal.spent(MONTH), journal.spent(NEXT)) == (3, 3)

    def test_charge_over_limit(self, journal: Journal) -> None:
        """A month that cannot take all paths is not charged."""
        flush, _ = opened(journal)

        with pytest.raises(OverLimit):
            journal.charge(flush, NEXT, 2)

        assert journal.spent(NEXT) == 0
        assert journal.load(SITE, flush.id) == flush

    def test_attempts(self, journal: Journal) -> None:
        """Attempts and refusals are counted one by one."""
        flush, _ = opened(journal)

        counted = journal.attempted(journal.refused(journal.attempted(flush)))

        assert counted == replace(flush, attempts=2, refusals=1) == journal.load(SITE, flush.id)

    def test_accepted(self, journal: Journal) -> None:
        """A flush is sent once its request is accepted; the month that does not pay is returned."""
        flush, _ = opened(journal, months=(MONTH, NEXT))

        sent = journal.accepted(journal.attempted(flush), MADE, NOON + 2 * SECOND)

        assert sent.state is State.SENT
        assert sent.accepted == (MADE,)
        assert sent == journal.load(SITE, flush.id)
        assert sent.sent_at == NOON + 2 * SECOND
        assert (journal.spent(MONTH), journal.spent(NEXT)) == (3, 0)
        assert journal.lease(SITE).unfinished == flush.id

    def test_parts(self, journal: Journal) -> None:
        """A split flush is sent once its last request is; each month keeps what it pays."""
        flush, _ = opened(journal, paths=("/a*", "/b*"), split=True, months=(MONTH, NEXT))
        first = Invalidation("I1", MONTH, exact=0, wildcards=1)
        second = Invalidation("I2", NEXT, exact=0, wildcards=1)

        part = journal.accepted(journal.attempted(flush), first, NOON)

        assert part.state is State.OPEN
        assert (part.done, part.left) == (("/a*",), ("/b*",))
        assert (journal.spent(MONTH), journal.spent(NEXT)) == (2, 2)

        sent = journal.accepted(journal.attempted(part), second, NOON)

        assert sent.state is State.SENT
        assert (journal.spent(MONTH), journal.spent(NEXT)) == (1, 1)
        assert journal.lease(SITE).in_progress == (first, second)

    def test_swept(self, journal: Journal) -> None:
        """The place of a sweep is kept until another request is accepted, and moves for one alone.

        In the beginning there is none.
        """
        flush, _ = opened(journal, paths=("/a*", "/b*"), split=True)
        part = journal.accepted(journal.attempted(flush), MADE, NOON)
        assert part.swept == ""

        moved = journal.swept(journal.swept(part, "2026#1"), "2026#2")

        assert moved == replace(part, swept="2026#2") == journal.load(SITE, flush.id)
        unchanged(journal, flush, lambda: journal.swept(part, "2026#3"))
        sent = journal.accepted(journal.attempted(moved), MADE, NOON)
        assert sent.swept == ""
        assert sent == journal.load(SITE, flush.id)

    def test_settled(self, journal: Journal) -> None:
        """A settled flush is unfinished no more, stays, and the next one may be opened."""
        flush, lease = opened(journal)
        sent = journal.accepted(journal.attempted(flush), MADE, NOON)

        settled = journal.settled(sent, NOON + 3 * SECOND)

        assert settled == journal.load(SITE, flush.id)
        assert (settled.state, settled.settled_at) == (State.SETTLED, NOON + 3 * SECOND)
        assert journal.lease(SITE).unfinished is None
        journal.open(planned("f2"), lease, {})

    @pytest.mark.parametrize(
        ("attempts", "refusals", "kept"), [(0, 0, 0), (2, 2, 0), (1, 0, 3), (2, 1, 3)]
    )
    def test_rejected(self, journal: Journal, attempts: int, refusals: int, kept: int) -> None:
        """A rejected flush is unfinished no more, and refunded if every attempt was answered."""
        flush, _ = opened(journal, months=(MONTH, NEXT))
        for _ in range(attempts):
            flush = journal.attempted(flush)
        for _ in range(refusals):
            flush = journal.refused(flush)

        rejected = journal.rejected(flush)

        assert rejected == replace(flush, state=State.REJECTED) == journal.load(SITE, flush.id)
        assert (journal.spent(MONTH), journal.spent(NEXT)) == (kept, kept)
        assert journal.lease(SITE).unfinished is None

    def test_rejected_partly(self, journal: Journal) -> None:
        """What was accepted of a rejected flush stays charged where it is billed."""
        flush, _ = opened(journal, paths=("/a*", "/b*"), split=True, months=(MONTH, NEXT))
        first = Invalidation("I1", NEXT, exact=0, wildcards=1)
        part = journal.accepted(journal.attempted(flush), first, NOON)

        journal.rejected(journal.refused(journal.attempted(part)))

        assert (journal.spent(MONTH), journal.spent(NEXT)) == (0, 1)

    def test_replaced(self, journal: Journal) -> None:
        """A refused flush and its successor change places at once, and so do their charges."""
        flush, lease = opened(journal)
        refused = journal.refused(journal.attempted(flush))
        successor = planned("f2", paths=("/a", "/*"), months=(NEXT,), replaces=flush.id)

        journal.open(successor, lease, {NEXT: 2}, replaced=refused)

        assert journal.load(SITE, flush.id).state is State.REJECTED
        assert journal.load(SITE, successor.id) == successor
        assert journal.lease(SITE).unfinished == successor.id
        assert (journal.spent(MONTH), journal.spent(NEXT)) == (0, 2)

    def test_replaced_within_limit(self, journal: Journal) -> None:
        """A successor of no more paths needs no room beside the one that it replaces."""
        flush, lease = opened(journal)
        refused = journal.refused(journal.attempted(flush))

        journal.open(planned("f2"), lease, {MONTH: 3}, replaced=refused)

        assert journal.spent(MONTH) == 3

    def test_replaced_unanswered(self, journal: Journal) -> None:
        """A successor is paid beside a flush that may have been accepted, or is not opened."""
        flush, lease = opened(journal)
        doubtful = journal.attempted(flush)

        with pytest.raises(OverLimit):
            journal.open(planned("f2"), lease, {MONTH: 5}, replaced=doubtful)
        assert journal.load(SITE, flush.id) == doubtful
        journal.open(planned("f2"), lease, {MONTH: 6}, replaced=doubtful)

        assert journal.spent(MONTH) == 6

    def test_replaced_overtaken(self, journal: Journal) -> None:
        """Nothing is replaced by who has lost the lease, or knows an older state of the flush."""
        flush, lease = opened(journal)
        refused = journal.refused(journal.attempted(flush))
        stale, lost = flush, replace(lease, token=None)

        unchanged(journal, flush, lambda: journal.open(planned("f2"), lease, {}, replaced=stale))
        unchanged(journal, flush, lambda: journal.open(planned("f2"), lost, {}, replaced=refused))

    @pytest.mark.parametrize(
        "change",
        [
            lambda journal, flush: journal.attempted(flush),
            lambda journal, flush: journal.refused(flush),
            lambda journal, flush: journal.charge(flush, NEXT, None),
            lambda journal, flush: journal.accepted(flush, MADE, NOON),
            lambda journal, flush: journal.rejected(flush),
            lambda journal, flush: journal.settled(flush, NOON),
        ],
        ids=["attempted", "refused", "charge", "accepted", "rejected", "settled"],
    )
    @pytest.mark.parametrize(
        "meanwhile",
        [
            lambda journal, flush: journal.attempted(flush),
            lambda journal, flush: journal.refused(flush),
            lambda journal, flush: journal.charge(flush, NEXT, None),
            lambda journal, flush: journal.accepted(flush, MADE, NOON),
            lambda journal, flush: journal.rejected(flush),
        ],
        ids=["attempted", "refused", "charge", "accepted", "rejected"],
    )
    def test_overtaken(
        self,
        journal: Journal,
        meanwhile: Callable[[Journal, Flush], object],
        change: Callable[[Journal, Flush], object],
    ) -> None:
        """Whatever was done to a flush meanwhile, nothing more is done by who has not seen it."""
        flush, _ = opened(journal)
        meanwhile(journal, flush)

        unchanged(journal, flush, lambda: change(journal, flush))

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
        assert journal.spent(MONTH) == 3_000


class TestFake(Contract):
    """The fake keeps the promises, so that tests may believe it."""

    @pytest.fixture
    def journal(self) -> Journal:
        """Return the fake."""
        return JournalInMemory()


class TestDynamoDB(Contract):
    """The real table keeps them."""

    @pytest.fixture
    def journal(self) -> Iterator[Journal]:
        """Return a table in memory."""
        with mock_aws():
            create_table("flushes")
            yield FlushTable("flushes")

    def test_fits(self, journal: Journal) -> None:
        """What fits is kept, to the last path; what does not would pass the size of an item."""
        paths = [f"/{uuid4().hex}{uuid4().hex}" for _ in range(12_000)]
        fitting = 1
        for step in (4_096, 2_048, 1_024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1):
            if journal.fits(planned(paths=tuple(paths[: fitting + step]))):
                fitting += step
        flush = planned(paths=tuple(paths[:fitting]))
        assert 3_000 < fitting < len(paths)

        journal.open(flush, journal.take(SITE, "t1", NOON), {})

        assert journal.load(SITE, flush.id) == flush


@pytest.fixture(scope="module", name="table")
def _table() -> FlushTable:
    return FlushTable("flushes")


@pytest.mark.xdist_group("embedded")
class TestEmbedded(TestDynamoDB):
    """And so does another implementation of DynamoDB."""

    @pytest.fixture
    def journal(self, embedded: EmbeddedAws, table: FlushTable) -> Iterator[Journal]:
        """Return the table, which is empty."""
        with reaching(embedded), new_table(embedded, "flushes"):
            yield table
