"""Every journal keeps its promises while a flush advances: in memory and in DynamoDB, twice."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import boto3
import pytest

from edgesweep.errors import OverLimit
from edgesweep.flush.journal import Flush, Invalidation, Journal, State
from tests.contract.journals import (
    MADE,
    MONTH,
    NEXT,
    NOON,
    SECOND,
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

STEPS: Mapping[str, Callable[[Flush], Flush]] = {
    "charge": lambda flush: flush.charge(NEXT),
    "attempt": Flush.attempt,
    "refuse": Flush.refuse,
    "accept": lambda flush: flush.accept(MADE, NOON),
    "reject": Flush.reject,
    "settle": lambda flush: flush.settle(NOON),
}


def expiry(flush: Flush) -> int | None:
    """Return when the item of a flush expires, in seconds since 1970."""
    key = {"pk": {"S": f"flush#{flush.distribution}"}, "sk": {"S": flush.id}}
    item = boto3.client("dynamodb").get_item(TableName="flushes", Key=key)["Item"]
    return int(item["expires_at"]["N"]) if "expires_at" in item else None


class Advancing:
    """The promises; a subclass says who makes them."""

    def test_charge(self, journal: Journal) -> None:
        """One more month is charged with all paths, within its limit."""
        flush, _ = opened(journal)

        charged = journal.advance(flush, flush.charge(NEXT), {NEXT: 3})

        assert charged == replace(flush, months=(MONTH, NEXT)) == journal.load(SITE, flush.id)
        assert (journal.ledger(MONTH).paths, journal.ledger(NEXT).paths) == (3, 3)

    def test_charge_over_limit(self, journal: Journal) -> None:
        """A month that cannot take all paths is not charged."""
        flush, _ = opened(journal)

        with pytest.raises(OverLimit):
            journal.advance(flush, flush.charge(NEXT), {NEXT: 2})

        assert journal.ledger(NEXT).paths == 0
        assert journal.load(SITE, flush.id) == flush

    def test_attempts(self, journal: Journal) -> None:
        """Attempts and refusals are counted one by one."""
        flush, _ = opened(journal)

        counted = attempted(journal, refused(journal, flush))

        assert counted == replace(flush, attempts=2, refusals=1) == journal.load(SITE, flush.id)

    def test_accepted(self, journal: Journal) -> None:
        """A flush is sent once its request is accepted; the month that does not pay is returned."""
        flush, _ = opened(journal, months=(MONTH, NEXT))

        sent = accepted(journal, flush)

        assert sent.state is State.SENT
        assert sent.accepted == (MADE,)
        assert sent == journal.load(SITE, flush.id)
        assert sent.sent_at == NOON + 2 * SECOND
        assert (journal.ledger(MONTH).paths, journal.ledger(NEXT).paths) == (3, 0)
        lease = journal.lease(SITE)
        assert (lease.unfinished, lease.flushed_at) == (flush.id, flush.opened_at)

    def test_parts(self, journal: Journal) -> None:
        """A split flush is sent once its last request is; each month keeps what it pays."""
        flush, _ = opened(journal, paths=("/a*", "/b*"), split=True, months=(MONTH, NEXT))
        first = Invalidation("I1", MONTH, exact=0, wildcards=1)
        second = Invalidation("I2", NEXT, exact=0, wildcards=1)

        part = accepted(journal, flush, first)

        assert part.state is State.OPEN
        assert (part.done, part.left) == (("/a*",), ("/b*",))
        assert (journal.ledger(MONTH).paths, journal.ledger(NEXT).paths) == (2, 2)

        sent = accepted(journal, part, second)

        assert sent.state is State.SENT
        assert (journal.ledger(MONTH).paths, journal.ledger(NEXT).paths) == (1, 1)
        assert journal.lease(SITE).in_progress == (first, second)

    def test_swept(self, journal: Journal) -> None:
        """The place of a sweep is kept until another request is accepted, and moves for one alone.

        In the beginning there is none.
        """
        flush, _ = opened(journal, paths=("/a*", "/b*"), split=True)
        part = accepted(journal, flush)
        assert part.swept == ""

        once = journal.advance(part, part.sweep("2026#1"))
        moved = journal.advance(once, once.sweep("2026#2"))

        assert moved == replace(part, swept="2026#2") == journal.load(SITE, flush.id)
        assert_unchanged(journal, flush, lambda: journal.advance(part, part.sweep("2026#3")))
        sent = accepted(journal, moved)
        assert sent.swept == ""
        assert sent == journal.load(SITE, flush.id)

    def test_settled(self, journal: Journal) -> None:
        """A settled flush is unfinished no more, stays, and the next one may be opened."""
        flush, lease = opened(journal)
        sent = accepted(journal, flush)

        settled = journal.advance(sent, sent.settle(NOON + 3 * SECOND))

        assert settled == journal.load(SITE, flush.id)
        assert (settled.state, settled.settled_at) == (State.SETTLED, NOON + 3 * SECOND)
        assert journal.lease(SITE).unfinished is None
        journal.open(planned("f2"), lease, {})

    @pytest.mark.parametrize(
        ("attempts", "refusals", "kept"), [(0, 0, 0), (2, 2, 0), (1, 0, 3), (2, 1, 3)]
    )
    def test_rejected(self, journal: Journal, attempts: int, refusals: int, kept: int) -> None:
        """A rejected flush is unfinished no more.

        If every attempt was answered it is refunded, and counts as none.
        """
        flush, _ = opened(journal, months=(MONTH, NEXT))
        for _ in range(attempts):
            flush = journal.advance(flush, flush.attempt())
        for _ in range(refusals):
            flush = journal.advance(flush, flush.refuse())

        rejected = journal.advance(flush, flush.reject())

        assert rejected == replace(flush, state=State.REJECTED) == journal.load(SITE, flush.id)
        assert (journal.ledger(MONTH).paths, journal.ledger(NEXT).paths) == (kept, kept)
        assert journal.lease(SITE).unfinished is None
        assert journal.lease(SITE).flushed_at == (flush.opened_at if kept else None)

    def test_rejected_partly(self, journal: Journal) -> None:
        """What was accepted of a rejected flush stays charged where it is billed."""
        flush, _ = opened(journal, paths=("/a*", "/b*"), split=True, months=(MONTH, NEXT))
        first = Invalidation("I1", NEXT, exact=0, wildcards=1)
        part = refused(journal, accepted(journal, flush, first))

        journal.advance(part, part.reject())

        assert (journal.ledger(MONTH).paths, journal.ledger(NEXT).paths) == (0, 1)

    @pytest.mark.parametrize("change", STEPS)
    @pytest.mark.parametrize("meanwhile", [step for step in STEPS if step != "settle"])
    def test_overtaken(self, journal: Journal, meanwhile: str, change: str) -> None:
        """A flusher that has not seen a flush's latest step changes nothing more."""
        flush, _ = opened(journal)
        journal.advance(flush, STEPS[meanwhile](flush))

        assert_unchanged(journal, flush, lambda: journal.advance(flush, STEPS[change](flush)))


class TestInMemory(InMemory, Advancing):
    """The journal in memory keeps the promises, so that tests may believe it."""


class TestOverAnother(OverAnother, Advancing):
    """It keeps them over another journal."""


class TestDynamoDB(DynamoDB, Advancing):
    """The real table keeps them."""

    def test_expiry(self, journal: Journal) -> None:
        """An item expires after its flush is finished, and never while it is unfinished."""
        flush, _ = opened(journal)
        refused_once = refused(journal, flush)
        assert expiry(flush) is None

        journal.advance(refused_once, refused_once.reject())

        assert expiry(flush) == int((flush.opened_at + timedelta(days=400)).timestamp())

    def test_unexplained(self, journal: Journal) -> None:
        """A flush of release 0.1.0 is read, and continues, without a reason."""
        flush, _ = opened(journal)
        key = {"pk": {"S": f"flush#{flush.distribution}"}, "sk": {"S": flush.id}}
        table = boto3.client("dynamodb")
        table.update_item(TableName="flushes", Key=key, UpdateExpression="REMOVE why")
        old = replace(flush, why="")

        assert journal.load(SITE, flush.id) == old
        assert journal.advance(old, old.attempt()) == journal.load(SITE, flush.id)

    def test_expiry_of_old(self, journal: Journal) -> None:
        """An item of the first release, which expires from the beginning, does so no more."""
        flush, _ = opened(journal)
        boto3.client("dynamodb").update_item(
            TableName="flushes",
            Key={"pk": {"S": f"flush#{SITE}"}, "sk": {"S": flush.id}},
            UpdateExpression="SET expires_at = :soon",
            ExpressionAttributeValues={":soon": {"N": "1700000000"}},
        )
        assert journal.load(SITE, flush.id) == flush

        attempted(journal, flush)

        assert expiry(flush) is None


class TestEmbedded(Embedded, TestDynamoDB):
    """And so does another implementation of DynamoDB."""
