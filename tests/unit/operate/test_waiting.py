"""What is settled, and what a wait still waits for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from edgesweep.dirty import Change, DirtyRow, Kind, Span
from edgesweep.flush.journal import Lease
from edgesweep.flush.policy import Policy
from edgesweep.operate import waiting
from edgesweep.operate.status import Observer
from edgesweep.operate.waiting import EVENTS_TAKE, is_recorded, remains
from edgesweep.record.catalogue import Entry, Head, Name
from tests.fakes.flushing import HOUR, Ticks
from tests.fakes.unchanged import KNOWN, PAGE, STYLE, THERE, World
from tests.messages import NOON

SECOND = timedelta(seconds=1)
OLD = replace(THERE, modified_at=THERE.seen_at - EVENTS_TAKE)
NEW = replace(THERE, modified_at=THERE.seen_at - SECOND)


@pytest.mark.parametrize(
    ("span", "settled"),
    [
        (None, True),
        (Span(NOON, NOON), False),
        (Span(NOON - SECOND, NOON + SECOND), False),
        (Span(NOON + SECOND, NOON + SECOND), True),
    ],
)
def test_rows(span: Span | None, settled: bool) -> None:  # noqa: FBT001  # a parameter
    """A distribution is settled once its oldest row is younger than all that were marked."""
    assert remains((Span(NOON - SECOND, NOON), Lease()), (span, Lease())) is not settled
    assert not remains((None, Lease()), (span, Lease()))


def test_unfinished() -> None:
    """The flush that was unfinished must be finished; another one does not count."""
    before = None, Lease(unfinished="one")

    assert remains(before, before)
    assert not remains(before, (None, Lease(unfinished="two")))
    assert not remains(before, (None, Lease()))


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
        # Where nothing is, nothing has to be recorded.
        (None, KNOWN, False, True),
    ],
)
def test_recorded(head: Head | None, entry: Entry | None, idle: bool, recorded: bool) -> None:  # noqa: FBT001  # parameters
    """An upload is recorded once its entry is the same, or its report is overdue."""
    assert is_recorded(head, entry, idle=idle) is recorded


@dataclass
class Stack:
    """A stack whose state changes from look to look; each wait gets what happens before it."""

    ticks: Ticks = field(default_factory=Ticks)
    queue: int = 0

    @property
    def observer(self) -> Observer:
        """Return what looks at it."""
        return Observer(
            self.ticks.dirty, self.ticks.dirty.count, self.ticks.journal, self.ticks.in_progress,
            Policy(), lambda: self.queue, int,
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
    step = waiting.accepted(stack.observer, ["E1", "E2"], stack.clock, lambda: None)
    row = DirtyRow("E1", Change("site", "b", Kind.CREATED, NOON), NOON + timedelta(days=1), "0")

    reasons = through(step, lambda: stack.ticks.dirty.add([row]), stack.ticks.tick)

    assert [why.split(":")[0] for why in reasons] == ["E1", "E1"]
    assert "E1: goes at the next tick, by 20" in reasons[0]
    assert "UTC at the latest" in reasons[0]


def test_asked() -> None:
    """It asks once for a flush of what waits, and again for what is left; never beside another."""
    stack = Stack()
    stack.ticks.change("a.html", 2 * SECOND)
    stack.ticks.change("b.html", SECOND)
    dirty, journal = stack.ticks.dirty, stack.ticks.journal
    first, second = dirty.rows
    journal.take("E1", "other", stack.ticks.now)
    asked: list[tuple[Lease, Span | None]] = []

    reasons = through(
        waiting.accepted(
            stack.observer,
            ["E1"],
            stack.clock,
            lambda: asked.append((journal.lease("E1"), dirty.span("E1"))),
        ),
        lambda: journal.release("E1", "other"),
        lambda: stack.ticks.change("c.html", -HOUR),
        lambda: dirty.delete([first]),
        int,
        lambda: dirty.delete([second]),
    )

    newest = dirty.rows[0].recorded_at
    assert asked == [
        (Lease(), (first.recorded_at, second.recorded_at)),
        (Lease(), (second.recorded_at, newest)),
    ]
    assert len(reasons) == 5


def test_nothing() -> None:
    """Where nothing waits, nothing is waited for."""
    stack = Stack()

    assert through(waiting.accepted(stack.observer, ["E1"], stack.clock, lambda: None)) == []
    assert through(waiting.completed(stack.observer, ["E1"])) == []
    assert through(waiting.recorded(stack.observer, [], World({}, {}).filter, {}, str)) == []


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

    step = waiting.reported(stack.observer, stack.clock)
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
    world = World({PAGE: KNOWN}, {PAGE: NEW, STYLE: NEW})
    catalogue, heads = world.catalogue, world.heads
    skipped: dict[str, str] = {}
    names = [PAGE, STYLE, ("site", "gone.html"), ("site", "dark.html")]
    heads.silent.add(names[3])
    checked: list[Name] = []
    step = waiting.recorded(Stack().observer, names, world.filter, skipped, checked.append)

    reasons = through(
        step,
        lambda: catalogue.entries.update({STYLE: KNOWN}),
        heads.silent.clear,
    )

    assert reasons == [
        "2 of 4 keys wait for S3's report: 'style.css'",
        "1 of 4 keys wait for S3's report: 'dark.html'",
    ]
    assert skipped == dict.fromkeys(["gone.html", "dark.html"], "not in the bucket")
    assert heads.looked.count(PAGE) == 1
    assert checked == [names[3]] * 2
