"""What is settled, and what a wait still waits for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.flush.journal import Lease
from edgesweep.flush.policy import Policy
from edgesweep.flush.rows import Span
from edgesweep.operate import waiting
from edgesweep.operate.status import Observer
from edgesweep.operate.waiting import EVENTS_TAKE, Mark, is_recorded
from edgesweep.record.catalogue import Entry, Head
from tests.fakes.catalogue import CatalogueInMemory, HeadsInMemory
from tests.fakes.flushing import Ticks
from tests.fakes.unchanged import KNOWN, PAGE, STYLE, THERE
from tests.messages import NOON

SECOND = timedelta(seconds=1)
OLD = replace(THERE, modified_at=THERE.seen_at - EVENTS_TAKE)
NEW = replace(THERE, modified_at=THERE.seen_at - SECOND)


@pytest.mark.parametrize(
    ("span", "settled"),
    [
        ((), True),
        ((NOON, NOON), False),
        ((NOON - SECOND, NOON + SECOND), False),
        ((NOON + SECOND, NOON + SECOND), True),
    ],
)
def test_rows(span: Span, settled: bool) -> None:  # noqa: FBT001  # a parameter
    """A distribution is settled once its oldest row is younger than all that were marked."""
    assert Mark.of((NOON - SECOND, NOON), Lease()).settled(span, Lease()) is settled
    assert Mark.of((), Lease()).settled(span, Lease())


def test_unfinished() -> None:
    """The flush that was unfinished must be finished; another one does not count."""
    mark = Mark.of((), Lease(unfinished="one"))

    assert not mark.settled((), Lease(unfinished="one"))
    assert mark.settled((), Lease(unfinished="two"))
    assert mark.settled((), Lease())


@pytest.mark.parametrize(
    ("head", "entry", "idle", "recorded"),
    [
        (NEW, KNOWN, False, True),
        (NEW, replace(KNOWN, etag="other"), True, False),
        (OLD, replace(KNOWN, etag="other"), True, False),
        (NEW, replace(KNOWN, headers="other"), True, False),
        (replace(NEW, etag="parts", checksum="sum"), replace(KNOWN, checksum="sum"), False, True),
        (replace(NEW, etag="parts"), KNOWN, False, False),
        # An entry of a survey says nothing about an upload before it.
        (NEW, replace(KNOWN, since=NEW.modified_at), True, False),
        (NEW, replace(KNOWN, since=NEW.modified_at - SECOND), False, True),
        (OLD, replace(KNOWN, since=OLD.modified_at), True, True),
        # Without an entry, time and an empty queue are all there is.
        (NEW, None, True, False),
        (OLD, None, False, False),
        (OLD, None, True, True),
    ],
)
def test_recorded(head: Head, entry: Entry | None, idle: bool, recorded: bool) -> None:  # noqa: FBT001  # parameters
    """An upload is recorded once its entry is the same, or its report is overdue."""
    assert is_recorded(head, entry, idle=idle) is recorded


@dataclass
class Stack:
    """A stack whose state changes from look to look: each wait is told what happens before it."""

    ticks: Ticks = field(default_factory=Ticks)
    queue: int = 0

    @property
    def observer(self) -> Observer:
        """Return what looks at it."""
        return Observer(
            self.ticks.dirty, self.ticks.journal, self.ticks.in_progress, Policy(),
            lambda: self.queue, int,
        )  # fmt: skip

    def clock(self) -> datetime:
        """Return the time, which passes with each look."""
        self.ticks.now += SECOND
        return self.ticks.now


def through(step: Iterator[str], *meanwhile: Callable[[], object]) -> Sequence[str]:
    """Let something happen at each pause; return why it waited."""
    reasons = []
    for why in step:
        reasons.append(why)
        meanwhile[min(len(reasons), len(meanwhile)) - 1]()
    return reasons


def test_accepted() -> None:
    """It ends once what waited at its beginning is sent, whatever comes later."""
    stack = Stack()
    stack.ticks.change("a.html")
    step = waiting.accepted(stack.observer, ["E1", "E2"], stack.clock)
    row = DirtyRow("E1", Change("site", "b", Kind.CREATED, NOON), NOON + timedelta(days=1), "0")

    reasons = through(step, lambda: stack.ticks.dirty.add([row]), stack.ticks.tick)

    assert [why.split(":")[0] for why in reasons] == ["E1", "E1"]
    assert "E1: goes at the next tick, by 20" in reasons[0]
    assert "UTC at the latest" in reasons[0]


def test_nothing() -> None:
    """Where nothing waits, nothing is waited for."""
    stack = Stack()

    assert through(waiting.accepted(stack.observer, ["E1"], stack.clock)) == []
    assert through(waiting.completed(stack.observer, ["E1"])) == []
    assert through(waiting.recorded([], CatalogueInMemory(), HeadsInMemory(), int, [])) == []


def test_completed() -> None:
    """It ends once CloudFront has completed what it has accepted."""
    stack = Stack()
    stack.ticks.change("a.html")
    stack.ticks.tick()
    stack.ticks.busy.add("I0")

    reasons = through(waiting.completed(stack.observer, ["E1"]), stack.ticks.busy.clear)

    assert reasons == ["E1: CloudFront works on I0"]


def test_reported() -> None:
    """The usual delay always passes, and then the queue has to be seen empty."""
    stack = Stack(queue=2)
    began = stack.ticks.now

    step = waiting.reported(lambda: stack.queue, stack.clock)
    reasons = []
    for why in step:
        reasons.append(why)
        stack.queue = 0 if "messages" in why else stack.queue

    assert stack.ticks.now - began > EVENTS_TAKE
    assert len(set(reasons)) == 2
    assert reasons[0].startswith("S3 usually reports a change within 60 s, by ")
    assert reasons[-1] == "2 messages are not recorded"


def test_uploaded() -> None:
    """Each object is asked for until it is recorded; one that is not there is named once."""
    catalogue, heads = CatalogueInMemory({PAGE: KNOWN}), HeadsInMemory({PAGE: NEW, STYLE: NEW})
    gone: list[str] = []
    names = [PAGE, STYLE, ("site", "gone.html"), ("site", "dark.html")]
    heads.silent.add(names[3])
    step = waiting.recorded(names, catalogue, heads, int, gone)

    reasons = through(
        step,
        lambda: catalogue.entries.update({STYLE: KNOWN}),
        heads.silent.clear,
    )

    assert reasons == [
        "2 of 4 keys wait for S3's report: 'style.css'",
        "1 of 4 keys wait for S3's report: 'dark.html'",
    ]
    assert gone == ["gone.html", "dark.html"]
    assert heads.looked.count(PAGE) == 1
