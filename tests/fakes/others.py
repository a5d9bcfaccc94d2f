"""An account whose invalidations are looked at, and refusals of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from edgesweep.aws.cloudfront import Account
from edgesweep.flush.auditing import Audited, Auditor
from edgesweep.operate.dry_run import JournalInMemory
from tests.fakes.cloudfront import Rules, StrictCloudFront, refusal

LOOSE = Rules(wildcards=10**6, paths=10**6, wildcards_per_second=None, paths_per_second=None)


@dataclass
class SharedAccount:
    """CloudFront, seen through the real adapter, with a journal that is audited.

    Attributes:
        tenants: distributions that take invalidations by tenant only.
        refused: distribution -> the code under which its invalidations are refused; empty names
            the list of distributions.
        refused_until: when that ends.
        calls: how many calls were made.
    """

    distributions: set[str]
    now: datetime = datetime(2026, 11, 16, tzinfo=UTC)
    tenants: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    refused_until: datetime = datetime(9999, 1, 1, tzinfo=UTC)
    calls: int = 0
    journal: JournalInMemory = field(default_factory=JournalInMemory)

    def __post_init__(self) -> None:
        self.strict = StrictCloudFront(lambda: self.now, self.distributions, LOOSE)
        self.auditor = self.audited_by(self.journal)

    def audited_by(self, journal: JournalInMemory) -> Auditor:
        """Return an auditor that remembers nothing."""
        return Auditor(Account(cast("Any", self)), journal, lambda: self.now)

    def look(self, *swept: str, spending: bool = False) -> Audited:
        """Let a tick look."""
        return self.auditor.look(swept, spending)

    def spend(self, distribution: str, paths: int, reference: str = "") -> None:
        """Let somebody invalidate some paths."""
        number = len(self.strict.made)
        items = [f"/{number}/{path}" for path in range(paths)]
        batch = {
            "Paths": {"Quantity": paths, "Items": items},
            "CallerReference": reference or f"somebody {number}",
        }
        self.strict.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)

    def get_paginator(self, _operation: str) -> "SharedAccount":
        """Return what lists distributions."""
        return self

    def paginate(self) -> Iterator[Mapping[str, Any]]:
        """List the distributions, a hundred on a page."""
        names = sorted(self.distributions)
        for start in range(0, max(1, len(names)), 100):
            self._answer("")
            items: list[dict[str, str]] = [{"Id": one} for one in names[start : start + 100]]
            for one in items:
                if one["Id"] in self.tenants:
                    one["ConnectionMode"] = "tenant-only"
            yield {"DistributionList": {"Items": items} if items else {}}

    def list_invalidations(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401  # as boto3
        """List invalidations."""
        self._answer(request["DistributionId"])
        return self.strict.list_invalidations(**request)

    def get_invalidation(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401  # as boto3
        """Tell about one."""
        self._answer(request["DistributionId"])
        return self.strict.get_invalidation(**request)

    def _answer(self, what: str) -> None:
        self.calls += 1
        if what in self.refused and self.now < self.refused_until:
            raise refusal(self.refused[what], "refused")


def spent(journal: JournalInMemory, month: str = "2026-11") -> Mapping[str, Sequence[int]]:
    """Return what others were seen to spend in a month."""
    return journal.ledger(month).others.spent
