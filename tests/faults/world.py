"""One seeded world: a true clock, a queue of events, and actors that take turns.

Actors run real, blocking code. Each has a greenlet, which switches to the world where it waits; the
world switches to whoever is next in time. Nothing else decides the order, so a seed always tells
the same story.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random

from greenlet import getcurrent, greenlet


class Crash(BaseException):
    """The actor is gone: it runs no further, also not to clean up."""


# A tick of three distributions makes about fifty calls, each of which takes half of this.
_QUICK = 1.5


@dataclass(frozen=True, slots=True)
class Weather:
    """How often, at each call, something goes wrong, and how long calls take.

    Attributes:
        crash: the process dies before, within or after the call.
        lost: the caller hears of an error, whether the call was executed or not.
        refused: the service is too busy to execute the call.
        deaf: as `lost`, for CloudFront alone.
        late: the call takes up to half a minute, or the process freezes for minutes after it.
        unlisted: a distribution is missing from what CloudFront lists.
        latency: seconds that a call usually takes, at most.
    """

    crash: float = 0.0
    lost: float = 0.0
    deaf: float = 0.0
    refused: float = 0.0
    late: float = 0.0
    unlisted: float = 0.0
    latency: float = 0.3

    @property
    def fair(self) -> bool:
        """Whether nothing goes wrong, and no call takes so long that a tick passes its minute."""
        faults = (self.crash, self.lost, self.deaf, self.refused, self.late, self.unlisted)
        return not any(faults) and self.latency <= _QUICK


@dataclass(slots=True)
class World:
    """The true time, what is going to happen, and how bad the weather is."""

    random: Random
    now: datetime
    weather: Weather = field(default_factory=Weather)
    trace: Callable[[str], None] | None = None
    _queue: list[tuple[datetime, int, "Callable[[], None] | Actor"]] = field(default_factory=list)
    _events: int = 0
    _living: "list[Actor]" = field(default_factory=list)

    def after(self, seconds: float, happens: "Callable[[], None] | Actor") -> None:
        """Let something happen, or an actor continue, after `seconds`."""
        self._events += 1
        when = self.now + timedelta(seconds=seconds)
        heappush(self._queue, (when, self._events, happens))

    def run(self, seconds: float) -> None:
        """Let `seconds` pass."""
        over: list[bool] = []
        self.after(seconds, lambda: over.append(True))
        while not over:
            self.now, _, happens = heappop(self._queue)
            if isinstance(happens, Actor):
                self._go_on(happens)
            else:
                happens()

    def end(self) -> None:
        """End every actor that still runs."""
        self._queue.clear()
        for actor in [one for one in self._living if one.turn]:
            actor.dead = True
            self._go_on(actor)

    def start(self, actor: "Actor") -> None:
        """Begin an actor now."""
        self._living.append(actor)
        self.after(0, actor)

    def tell(self, who: str, what: object) -> None:
        """Write a line of the story."""
        if self.trace is not None:
            self.trace(f"{self.now:%m-%d %H:%M:%S.%f} {who:<12} {what}")

    def _go_on(self, actor: "Actor") -> None:
        """Let an actor run until it waits, or is over."""
        actor.turn.parent = getcurrent()
        try:
            actor.turn.switch()
        except Crash:
            actor.dead = True
        if actor.turn.dead:
            self._living.remove(actor)
            actor.ended()


class Actor:
    """Who takes turns.

    Attributes:
        dead: it takes no further turn.
        turn: runs its code; it is true while that has begun and is not over.
    """

    def __init__(self) -> None:
        self.dead = False
        self.turn = greenlet(self.body)

    def wait(self) -> None:
        """Let the world continue until it is this actor's turn again."""
        self.turn.parent.switch()

    def body(self) -> None:
        """Run, from the first turn to the last."""
        raise NotImplementedError

    def ended(self) -> None:
        """Hear that it is over, however it went."""
