"""Every journal keeps its promises about others' spending, and CloudFront's answers are read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from edgesweep.aws.cloudfront import CLIENT_CONFIG, Account
from edgesweep.errors import Busy, OverLimit, Unreadable
from edgesweep.flush.journal import Journal
from edgesweep.flush.others import NOBODY, Look, Looks, Mark, Others
from tests.contract.journals import (
    MONTH,
    NEXT,
    NOON,
    SITE,
    DynamoDB,
    Embedded,
    InMemory,
    OverAnother,
    opened,
    planned,
)
from tests.contract.test_cloudfront import LOOSE, Stubbed
from tests.fakes.cloudfront import StrictCloudFront

MARK = Mark(NOON, "I1")
LOOKS = Looks(
    each=(
        Look("E1", NOON, MARK, (MARK, Mark(NOON - timedelta(days=3)))),
        Look("E2", hidden="no tenants", tenants=True),
    ),
    listed_at=NOON,
    hidden="AccessDenied",
    saved_at=NOON,
)
SEEN = Others({"E1": (3, 4), "E9": (0, 900)}, unread=True, since=NOON)


class Auditing:
    """The promises; a subclass says who makes them."""

    def test_nothing(self, journal: Journal) -> None:
        """Before anybody has looked, nobody else has spent anything."""
        assert (journal.looks(), journal.ledger(MONTH).others, journal.ledger(MONTH).paths) == (
            Looks(),
            NOBODY,
            0,
        )

    def test_audit(self, journal: Journal) -> None:
        """Looks come back as they were, and the ledger holds what others spent beside our paths."""
        opened(journal)

        assert journal.audit(LOOKS, {MONTH: SEEN, NEXT: NOBODY}, {MONTH: 907})

        assert journal.looks() == replace(LOOKS, revision=1)
        assert (journal.ledger(MONTH).others, journal.ledger(NEXT).others.spent) == (SEEN, {})
        assert (journal.ledger(MONTH).paths, journal.ledger(NEXT).paths) == (910, 0)

    def test_audited_meanwhile(self, journal: Journal) -> None:
        """A flusher that looked while somebody else saved counts nothing."""
        assert journal.audit(LOOKS, {MONTH: SEEN}, {MONTH: 907})

        assert not journal.audit(LOOKS, {MONTH: SEEN}, {MONTH: 907})
        assert journal.ledger(MONTH).paths == 907
        assert journal.audit(replace(LOOKS, revision=1), {MONTH: SEEN}, {MONTH: 1})
        assert not journal.audit(replace(LOOKS, revision=1), {MONTH: SEEN}, {MONTH: 1})

        assert (journal.ledger(MONTH).paths, journal.looks().revision) == (908, 2)

    @pytest.mark.parametrize(("limit", "fits"), [(910, True), (909, False)])
    def test_limit(self, journal: Journal, limit: int, fits: bool) -> None:  # noqa: FBT001  # a case
        """What others spent counts against the limit under which a flush is opened."""
        journal.audit(LOOKS, {MONTH: SEEN}, {MONTH: 907})
        lease = journal.take(SITE, "t1", NOON)

        if fits:
            journal.open(planned(), lease, {MONTH: limit})
        else:
            with pytest.raises(OverLimit):
                journal.open(planned(), lease, {MONTH: limit})

        assert journal.ledger(MONTH).paths == (910 if fits else 907)


class TestInMemory(InMemory, Auditing):
    """The journal in memory keeps them."""


class TestOverAnother(OverAnother, Auditing):
    """So does one over another."""


class TestDynamoDB(DynamoDB, Auditing):
    """And the real table."""


class TestEmbedded(Embedded, Auditing):
    """And another implementation of DynamoDB."""


@pytest.fixture(params=[lambda strict: strict, Stubbed], ids=["fake", "boto3"], name="reach")
def _reach(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401  # a function
    return request.param


def ask(strict: StrictCloudFront, paths: int, reference: str, distribution: str = SITE) -> None:
    """Invalidate some paths under a reference."""
    items = [f"/{number}" for number in range(paths)]
    batch = {"Paths": {"Quantity": paths, "Items": items}, "CallerReference": reference}
    strict.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)


def test_invalidations(reach: Any) -> None:  # noqa: ANN401  # a function
    """Invalidations are listed page by page from any of them on, the newest first, and read."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    strict = StrictCloudFront(lambda: now, {SITE}, LOOSE)
    account = Account(cast("Any", reach(strict)))
    for number in range(130):
        now += timedelta(minutes=1)
        ask(strict, 1 + number % 3, f"r{number}")

    first, more = account.invalidations(SITE, "")
    assert (len(first), more, first[0].id, first[-1].id) == (100, True, "I130", "I31")
    assert first[0].created_at == now
    rest, more = account.invalidations(SITE, first[89].id)
    assert ([one.id for one in rest], more) == ([f"I{n}" for n in range(40, 0, -1)], False)
    assert account.invalidation(SITE, "I3") == ("r2", 3)
    assert account.invalidation(SITE, "I300") == ("", 0)
    assert account.invalidations("E3", "") == ([], False)


def test_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every distribution is listed, and whether it takes invalidations by tenant only."""
    client = boto3.client("cloudfront", config=CLIENT_CONFIG)
    alone = {"Id": "E2", "ConnectionMode": "tenant-only"}
    items: list[list[dict[str, str]]] = [[{"Id": "E1"}], [alone], []]
    pages = [{"DistributionList": {"Items": one} if one else {}} for one in items]
    paginator = SimpleNamespace(paginate=lambda: iter(pages))
    monkeypatch.setattr(client, "get_paginator", {"list_distributions": paginator}.__getitem__)

    assert list(Account(client).distributions()) == [{"E1": False}, {"E2": True}, {}]


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDenied", Unreadable), ("Throttling", Busy), ("ServiceUnavailable", Busy)],
)
@pytest.mark.parametrize("operation", ["list_distributions", "list_invalidations"])
def test_refused(operation: str, code: str, error: type[Exception]) -> None:
    """A missing permission is distinguished from an answer that does not come now."""
    client = boto3.client("cloudfront", config=CLIENT_CONFIG)
    stub = Stubber(client)
    stub.add_client_error(operation, code)
    account = Account(client)
    ask: dict[str, Callable[[], object]] = {
        "list_distributions": lambda: next(account.distributions()),
        "list_invalidations": lambda: account.invalidations(SITE, ""),
    }

    with stub, pytest.raises(error, match=code):
        ask[operation]()


def test_unreached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a connection there is no answer now."""
    client = boto3.client("cloudfront", config=CLIENT_CONFIG)

    def fail(*_: object, **__: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://cloudfront")

    monkeypatch.setattr(client, "get_invalidation", fail)

    with pytest.raises(Busy):
        Account(client).invalidation(SITE, "I1")
