"""When dead letters go back, and how often."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edgesweep.flush.redrive import (
    ATTEMPTS,
    FIRST_WAIT,
    LONGEST_HIDING,
    LOOK_EVERY,
    MOST_LETTERS,
    Letter,
    Redriver,
    redrive,
)
from tests.fakes.letters import DeadLettersInMemory

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# Five attempts of the record function, 200 seconds apart.
BACK_AGAIN = timedelta(seconds=1_000)


def letters(count: int, sent_at: datetime = NOON) -> list[Letter]:
    """Return messages that could not be recorded."""
    return [Letter(f"m{n}", f"body {n}", sent_at) for n in range(count)]


def queue_of(*dead: Letter) -> DeadLettersInMemory:
    """Return a dead-letter queue at noon."""
    found = DeadLettersInMemory(NOON)
    found.bury(*dead)
    return found


def ticks(dead: DeadLettersInMemory, span: timedelta) -> Iterable[datetime]:
    """Let a flush function look once a minute; yield when it sent something back."""
    redriver = Redriver(dead, lambda: dead.now)
    end = dead.now + span
    while dead.now < end:
        if redriver.look():
            yield dead.now
        dead.now += MINUTE


def chosen(*ids: str) -> Callable[[Letter], timedelta]:
    """Return what sends some messages back, and hides the others for an hour."""
    return lambda letter: timedelta() if letter.receipt in ids else timedelta(hours=1)


def test_redrive() -> None:
    """A message that need not wait goes back; another is hidden for as long as it waits."""
    dead = queue_of(*letters(25))

    assert list(redrive(dead, chosen("m7", "m8", "m20"))) == [2, 1]

    assert [one.body for one in dead.queue] == ["body 7", "body 8", "body 20"]
    assert (len(dead.dead), dead.waiting()) == (0, 22)
    dead.now += timedelta(hours=1)
    assert len(dead.dead) == 22


def test_most() -> None:
    """No more are looked at than was asked for, to the next full handful."""
    dead = queue_of(*letters(45))

    assert sum(redrive(dead, lambda _: timedelta(), most=20)) == 20
    assert len(dead.dead) == 25


def test_failure() -> None:
    """A failure half way hides nothing for longer than a few minutes that was due."""
    dead = queue_of(*letters(15))
    dead.send_back = failing  # type: ignore[method-assign]  # that is the test

    with pytest.raises(OSError, match="Broken"):
        list(redrive(dead, chosen("m0")))

    dead.now += 5 * MINUTE
    assert {one.receipt for one in dead.dead} == {"m0", *(f"m{n}" for n in range(10, 15))}


def failing(letters: Sequence[Letter]) -> int:  # noqa: ARG001  # the port's name
    """Fail."""
    raise OSError("Broken")


@pytest.mark.parametrize("redriven", range(ATTEMPTS))
def test_due(redriven: int) -> None:
    """A message waits twice as long before each next time, hidden in bounded steps."""
    letter = Letter("m", "body", NOON, redriven)
    due = NOON + FIRST_WAIT * 2**redriven
    now, steps = NOON, 0

    while wait := letter.wait(now):
        assert timedelta() < wait <= LONGEST_HIDING
        now, steps = now + wait, steps + 1

    assert now == due
    assert steps == -((NOON - due) // LONGEST_HIDING)
    assert not letter.wait(due + timedelta(days=1))


@pytest.mark.parametrize("redriven", [ATTEMPTS, 10**6])
def test_poison_stays(redriven: int) -> None:
    """A message that was sent back often enough stays, however long it waits."""
    assert Letter("m", "body", NOON, redriven).wait(NOON + timedelta(days=3_650)) == LONGEST_HIDING


def test_hidden_bound() -> None:
    """SQS takes the time that a message is hidden for, and hides fewer than 120,000 at once."""
    assert timedelta(hours=12) >= LONGEST_HIDING
    assert MOST_LETTERS * (LONGEST_HIDING // LOOK_EVERY) <= 100_000


@pytest.mark.parametrize("outage", [timedelta(minutes=20), timedelta(hours=9), timedelta(days=5)])
def test_outage(outage: timedelta) -> None:
    """After an outage everything is back within as long again, and nobody has done anything."""
    dead = queue_of(*letters(30))
    redriver = Redriver(dead, lambda: dead.now)

    while dead.now < NOON + outage:
        redriver.look()
        due = [one for one in dead.queue if dead.now - one.sent_at >= BACK_AGAIN]
        dead.bury(*due)
        dead.now += MINUTE
    while dead.kept and dead.now < NOON + 2 * outage + 2 * FIRST_WAIT:
        redriver.look()
        dead.now += MINUTE

    assert dead.kept == []
    assert len(dead.queue) == 30


def test_poison() -> None:
    """A message that nobody can record goes back nine times, ever more seldom, and then rests."""
    dead = queue_of(*letters(1))
    moments = []
    for moment in ticks(dead, timedelta(days=40)):
        moments.append(moment)
        dead.bury(*dead.queue)

    waits = [later - earlier for earlier, later in zip([NOON, *moments], moments, strict=False)]
    assert len(moments) == ATTEMPTS
    assert all(
        FIRST_WAIT * 2**n <= wait < FIRST_WAIT * 2**n + LOOK_EVERY for n, wait in enumerate(waits)
    )
    assert len(dead.kept) == 1


def test_looks() -> None:
    """The queue is looked at now and then, not every minute."""
    dead, looks = queue_of(), 0

    def waiting() -> int:
        nonlocal looks
        looks += 1
        return 0

    dead.waiting = waiting  # type: ignore[method-assign]  # counts
    assert list(ticks(dead, timedelta(hours=1))) == []
    assert looks == timedelta(hours=1) / LOOK_EVERY


def test_many() -> None:
    """If more letters wait than one look takes, the next minute continues."""
    dead = queue_of(*letters(MOST_LETTERS + 5, NOON - FIRST_WAIT))

    assert list(ticks(dead, 3 * MINUTE)) == [NOON, NOON + MINUTE]
    assert len(dead.queue) == MOST_LETTERS + 5


def test_due_behind() -> None:
    """Dead letters that stay keep no due one from going back, even if they came first."""
    stay = [replace(letter, redriven=ATTEMPTS) for letter in letters(3 * MOST_LETTERS)]
    due = Letter("due", "due", NOON - FIRST_WAIT)
    dead = queue_of(*stay, due)

    assert len(list(ticks(dead, timedelta(hours=1)))) == 1
    assert [one.body for one in dead.queue] == ["due"]
