"""The journals whose promises are held, and flushes to hold them with."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from edgesweep.aws.dynamodb import FlushTable
from edgesweep.errors import Overtaken
from edgesweep.flush.journal import Flush, Invalidation, Journal, Lease
from edgesweep.operate.dry_run import JournalInMemory
from infra.local.aws import EmbeddedAws
from tests.aws import create_table
from tests.contract.conftest import new_table, reaching

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SITE, OTHER = "E1", "E2"
MONTH, NEXT = "2026-11", "2026-12"
PATHS = ("/a", "/b", "/c*")
MADE = Invalidation("I1", MONTH, exact=2, wildcards=1)


class InMemory:
    """The journal that tests and the dry run believe."""

    @pytest.fixture
    def journal(self) -> Journal:
        """Return an empty one."""
        return JournalInMemory()


class OverAnother:
    """The same over another journal, as in a dry run."""

    @pytest.fixture
    def journal(self) -> Journal:
        """Return an empty one over an empty one."""
        return JournalInMemory(JournalInMemory())


class DynamoDB:
    """The real table."""

    @pytest.fixture
    def journal(self) -> Iterator[Journal]:
        """Return a table in memory."""
        with mock_aws():
            create_table("flushes")
            yield FlushTable("flushes", boto3.Session())


@pytest.mark.xdist_group("embedded")
class Embedded(DynamoDB):
    """The real table in another implementation of DynamoDB."""

    @pytest.fixture
    def journal(self, embedded: EmbeddedAws, flushes: FlushTable) -> Iterator[Journal]:
        """Return the table, which is empty."""
        with reaching(embedded), new_table(embedded, "flushes"):
            yield flushes


def planned(token: str = "f1", **parts: Any) -> Flush:  # noqa: ANN401, S107  # a flush's; no password
    """Return a flush that is not opened yet."""
    flush = Flush(SITE, NOON + SECOND, token, PATHS, (MONTH,), rows=5, collateral=7, why="é\n1")
    return replace(flush, **parts)


def opened(journal: Journal, **parts: Any) -> tuple[Flush, Lease]:  # noqa: ANN401  # a flush's
    """Return a flush that was opened, and the lease under which it was."""
    lease = journal.take(SITE, "t1", NOON)
    flush = planned(**parts)
    journal.open(flush, lease, {})
    return flush, lease


def attempted(journal: Journal, flush: Flush) -> Flush:
    """Return a flush with one more attempt."""
    return journal.advance(flush, flush.attempt())


def refused(journal: Journal, flush: Flush) -> Flush:
    """Return a flush with one more attempt, which was refused."""
    flush = attempted(journal, flush)
    return journal.advance(flush, flush.refuse())


def accepted(journal: Journal, flush: Flush, made: Invalidation = MADE) -> Flush:
    """Return a flush with one more attempt, which was accepted."""
    flush = attempted(journal, flush)
    return journal.advance(flush, flush.accept(made, NOON + 2 * SECOND))


def assert_unchanged(journal: Journal, flush: Flush, attempt: Callable[[], object]) -> None:
    """Assert that what is overtaken changes nothing of a flush, of the ledger or of the lease."""
    ledger = {month: journal.ledger(month).paths for month in (MONTH, NEXT)}
    before = journal.load(SITE, flush.id), journal.lease(SITE), ledger

    with pytest.raises(Overtaken):
        attempt()

    ledger = {month: journal.ledger(month).paths for month in (MONTH, NEXT)}
    assert (journal.load(SITE, flush.id), journal.lease(SITE), ledger) == before
