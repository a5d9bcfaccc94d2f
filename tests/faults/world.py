"""One seeded world: a true clock, a queue of events, and actors that take turns.

Actors run real, blocking code. Each has a thread of its own, but only the one that holds the baton
runs; it hands the baton on where it waits, to whoever is next in time. Nothing else decides the
order, so a seed always tells the same story.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random


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
    failure: BaseException | None = None
    _queue: list[tuple[datetime, int, "Callable[[], None] | Actor | _Runner"]] = field(
        default_factory=list
    )
    _events: int = 0
    _living: "list[Actor]" = field(default_factory=list)
    _main: "_Runner" = field(default_factory=lambda: _Runner())  # noqa: PLW0108  # defined below

    def after(self, seconds: float, happens: "Callable[[], None] | Actor | _Runner") -> None:
        """Let something happen, or an actor go on, in so many seconds."""
        self._events += 1
        when = self.now + timedelta(seconds=seconds)
        heappush(self._queue, (when, self._events, happens))

    def run(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.after(seconds, self._main)
        self.turn(self._main)
        if self.failure is not None:
            raise self.failure

    def end(self) -> None:
        """End every actor that still runs."""
        self._queue.clear()
        for actor in list(self._living):
            actor.dead = True
            if actor.runner is not None:
                self.after(0, actor)
                self.after(0, self._main)
                self.turn(self._main)

    def start(self, actor: "Actor") -> None:
        """Begin an actor now."""
        self._living.append(actor)
        self.after(0, actor)

    def turn(self, runner: "_Runner") -> None:
        """Let things happen until it is the turn of the runner that calls this."""
        while True:
            happens = self._next()
            if callable(happens):
                self._happen(happens)
                continue
            other = happens if isinstance(happens, _Runner) else self._runner_of(happens)
            if other is not runner:
                other.baton.release()
                runner.baton.acquire()
            return

    def serve(self, worker: "_Worker") -> None:
        """Run actors on a worker's thread for as long as it holds the baton."""
        while True:
            actor, worker.actor = worker.actor, None
            if actor is not None:
                self._run(actor)
            happens = self._next()
            if callable(happens):
                self._happen(happens)
            elif isinstance(happens, Actor) and happens.runner is None:
                happens.runner = worker
                worker.actor = happens
            else:
                runner = happens if isinstance(happens, _Runner) else happens.runner
                _IDLE.append(worker)
                assert runner is not None
                runner.baton.release()
                return

    def tell(self, who: str, what: object) -> None:
        """Write a line of the story."""
        if self.trace is not None:
            self.trace(f"{self.now:%m-%d %H:%M:%S.%f} {who:<12} {what}")

    def _next(self) -> "Callable[[], None] | Actor | _Runner":
        self.now, _, happens = heappop(self._queue)
        return happens

    def _happen(self, happens: Callable[[], None]) -> None:
        try:
            happens()
        except Exception as error:  # noqa: BLE001  # raised where the world is run
            self.failure = self.failure or error

    def _runner_of(self, actor: "Actor") -> "_Runner":
        if actor.runner is None:
            worker = _IDLE.pop() if _IDLE else _Worker()
            worker.world, worker.actor = self, actor
            actor.runner = worker
        return actor.runner

    def _run(self, actor: "Actor") -> None:
        try:
            actor.body()
        except Crash:
            actor.dead = True
        except Exception as error:  # noqa: BLE001  # raised where the world is run
            self.failure = self.failure or error
        self._living.remove(actor)
        actor.ended()


class _Runner:
    """A thread that runs while it holds the baton."""

    def __init__(self) -> None:
        self.baton = threading.Lock()
        self.baton.acquire()


class _Worker(_Runner):
    """A thread that runs one actor after the other, in one world after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None
        self.actor: Actor | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.baton.acquire()
            if self.world is not None:
                self.world.serve(self)


_IDLE: list[_Worker] = []


class Actor:
    """Who takes turns.

    Attributes:
        dead: it takes no further turn.
        runner: its thread, once it has begun.
    """

    def __init__(self) -> None:
        self.dead = False
        self.runner: _Runner | None = None

    def body(self) -> None:
        """Run, from the first turn to the last."""
        raise NotImplementedError

    def ended(self) -> None:
        """Hear that it is over, however it went."""
