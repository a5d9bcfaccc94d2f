"""A flush to send, and a CloudFront in memory that gives some answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from edgesweep.flush.budget import Budget
from edgesweep.flush.journal import Flush, HeldLease, Invalidation, Lease
from edgesweep.flush.policy import Quota
from edgesweep.flush.sender import Accepted, Answer, Refusal, Refused, Sender, Unanswered
from edgesweep.operate.dry_run import JournalInMemory

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONTH_END = datetime(2026, 12, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LOST = Unanswered("Read timeout")
NOVEMBER, DECEMBER = "2026-11", "2026-12"
PLAIN = ("/a.html", "/b/*")
# More wildcards than one request of a second may hold.
WILD = ("/a/*", "/b/*", "/c/*")
TOUCHY = ("/caf%C3%A9.html", "/a.html")


def no(refusal: Refusal) -> Refused:
    """Refuse."""
    return Refused(refusal, "No.")


@dataclass
class World:
    """An opened flush, and a CloudFront that gives some answers, then accepts.

    Attributes:
        answers: of CloudFront, in this order.
        allowance: the most paths of a month.
        quota: wildcards that may be in progress.
        now: the time, which advances by `takes` with every request.
        asked: reference and paths of every request.
        busy: the invalidations that are in progress.
        paused: the seconds of each pause.
    """

    answers: list[Answer] = field(default_factory=list)
    allowance: int | None = None
    quota: int = 13
    now: datetime = NOON
    takes: timedelta = timedelta()
    asked: list[tuple[str, Sequence[str]]] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    paused: list[float] = field(default_factory=list)
    journal: JournalInMemory = field(default_factory=JournalInMemory)

    def __post_init__(self) -> None:
        tokens = count(1)
        self.sender = Sender(
            edge=self,
            journal=self.journal,
            budget=Budget(None if self.allowance is None else Decimal(0), self.allowance or 0),
            clock=lambda: self.now,
            token=lambda: f"t{next(tokens)}",
            pause=self.paused.append,
            quota=Quota(3_000, self.quota),
        )

    def invalidate(self, _distribution: str, paths: Sequence[str], reference: str) -> Answer:
        """Answer."""
        self.asked.append((reference, paths))
        self.now += self.takes
        if self.answers:
            return self.answers.pop(0)
        return Accepted(f"I{len(self.asked)}", self.now)

    def in_progress(self, _distribution: str, invalidation: str) -> bool:
        """Tell what is in progress."""
        return invalidation in self.busy

    def open(self, paths: Sequence[str] = PLAIN) -> Flush:
        """Open a flush."""
        self.journal.take("E1", "mine", self.now)
        flush = Flush("E1", self.now, "t0", tuple(paths), (NOVEMBER,), rows=2)
        self.journal.open(flush, self.lease, {})
        return flush

    def working(self, wildcards: int) -> None:
        """Let wildcards of earlier flushes be in progress."""
        requests = tuple(Invalidation(f"W{n}", NOVEMBER, 0, 1) for n in range(wildcards))
        self.busy = {request.id for request in requests}
        self.journal.leases["E1"] = replace(self.lease, in_progress=requests)

    def look_up(self, *_: object) -> None:
        """Have made nothing that was not heard of."""

    def send(self, flush: Flush) -> tuple[Flush, Answer | None]:
        """Send it, and forget what is given up."""
        sent = self.sender.send(flush, self.held)
        flush = sent.flush
        return self.journal.advance(flush, flush.reject()) if sent.given_up else flush, sent.answer

    @property
    def held(self) -> HeldLease:
        """The lease, held."""
        return HeldLease("E1", self.lease, self.journal, lambda: self.now)

    @property
    def lease(self) -> Lease:
        """The present lease."""
        return self.journal.lease("E1")

    @property
    def references(self) -> list[str]:
        """The reference of every request."""
        return [reference for reference, _ in self.asked]
