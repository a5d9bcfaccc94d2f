"""One seeded world: a true clock, a queue of events, and processes that fail at every call.

Processes run real, blocking code. Each has a thread of its own, but only the one that holds the
baton runs; it hands the baton on where it waits, to whoever is next in time. Nothing else decides
the order, so a seed always tells the same story.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import TypeVar

from edgesweep.dirty import DirtyRow
from edgesweep.flush.journal import Flush

T = TypeVar("T")

MOST_SKEW = 5.0
# Seconds after which a client gives a request up.
PATIENCE = 20.0


class Crash(BaseException):
    """The process is gone: it runs no further, also not to clean up."""


class NoAnswer(Exception):
    """A call failed; its caller does not know whether it was executed."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How often, at each call, something goes wrong, and how long calls take.

    Attributes:
        crash: the process dies before, within or after the call.
        lost: the caller hears of an error, whether the call was executed or not.
        refused: the service is too busy to execute the call.
        deaf: as `lost`, for CloudFront alone.
        late: the call takes up to half a minute, or the process freezes for minutes after it.
        latency: seconds that a call usually takes, at most.
    """

    crash: float = 0.0
    lost: float = 0.0
    deaf: float = 0.0
    refused: float = 0.0
    late: float = 0.0
    latency: float = 0.3


@dataclass(slots=True)
class World:
    """The true time, what is going to happen, and how bad the weather is."""

    random: Random
    now: datetime
    weather: Weather = field(default_factory=Weather)
    trace: Callable[[str], None] | None = None
    failure: BaseException | None = None
    _queue: list[tuple[datetime, int, "Callable[[], None] | Process | _Runner"]] = field(
        default_factory=list
    )
    _events: int = 0
    _living: "list[Process]" = field(default_factory=list)
    _main: "_Runner" = field(default_factory=lambda: _Runner())  # noqa: PLW0108  # defined below

    def after(self, seconds: float, happens: "Callable[[], None] | Process | _Runner") -> None:
        """Let something happen, or a process go on, in so many seconds."""
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
        """End every process that still runs."""
        self._queue.clear()
        for process in list(self._living):
            process.dead = True
            if process.runner is not None:
                self.after(0, process)
                self.after(0, self._main)
                self.turn(self._main)

    def start(self, process: "Process") -> None:
        """Begin a process now."""
        self._living.append(process)
        self.after(0, process)

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
        """Run processes on a worker's thread for as long as it holds the baton."""
        while True:
            process, worker.process = worker.process, None
            if process is not None:
                self._run(process)
            happens = self._next()
            if callable(happens):
                self._happen(happens)
            elif isinstance(happens, Process) and happens.runner is None:
                happens.runner = worker
                worker.process = happens
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

    def _next(self) -> "Callable[[], None] | Process | _Runner":
        self.now, _, happens = heappop(self._queue)
        return happens

    def _happen(self, happens: Callable[[], None]) -> None:
        try:
            happens()
        except Exception as error:  # noqa: BLE001  # raised where the world is run
            self.failure = self.failure or error

    def _runner_of(self, process: "Process") -> "_Runner":
        if process.runner is None:
            worker = _IDLE.pop() if _IDLE else _Worker()
            worker.world, worker.process = self, process
            process.runner = worker
        return process.runner

    def _run(self, process: "Process") -> None:
        try:
            process.body(process)
        except Crash:
            process.dead = True
        except Exception as error:  # noqa: BLE001  # raised where the world is run
            self.failure = self.failure or error
        self._living.remove(process)
        process.ended()


class _Runner:
    """A thread that runs while it holds the baton."""

    def __init__(self) -> None:
        self.baton = threading.Lock()
        self.baton.acquire()


class _Worker(_Runner):
    """A thread that runs one process after the other, in one world after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None
        self.process: Process | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.baton.acquire()
            if self.world is not None:
                self.world.serve(self)


_IDLE: list[_Worker] = []


class Process:
    """One invocation of a function: its own clock, a deadline, and a network that fails.

    Attributes:
        name: for the trace.
        dead: whether it crashed; it makes no further call.
        ended: called once when it is over, however it went.
    """

    def __init__(
        self,
        world: World,
        name: str,
        body: "Callable[[Process], None]",
        timeout: float,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.world = world
        self.name = name
        self.body = body
        self.ended = ended
        self.runner: _Runner | None = None
        self.dead = False
        self._deadline = world.now + timedelta(seconds=timeout)
        skew = world.random.uniform(-2 * MOST_SKEW, 2 * MOST_SKEW)
        self._skew = timedelta(seconds=max(-MOST_SKEW, min(MOST_SKEW, skew)))

    def clock(self) -> datetime:
        """Return the time of this process's machine, within `MOST_SKEW` of true time."""
        return self.world.now + self._skew

    def token(self) -> str:
        """Return random text."""
        return f"{self.world.random.getrandbits(32):08x}"

    def sleep(self, seconds: float) -> None:
        """Let others run for so long.

        Raises:
            Crash: the process was ended meanwhile, or ran into its deadline.
        """
        if self.dead:
            raise Crash
        left = (self._deadline - self.world.now).total_seconds()
        self.world.after(min(seconds, left), self)
        assert self.runner is not None
        self.world.turn(self.runner)
        if left <= seconds:
            self.die("timed out")
        if self.dead:
            raise Crash

    def call(
        self,
        name: str,
        execute: Callable[[], T],
        fails: Callable[[str], Exception] = NoAnswer,
        busy: Callable[[], Exception] | None = None,
        deaf: float = 0.0,
    ) -> T:
        """Call a service over the network.

        Args:
            name: for the trace.
            execute: what the service does.
            fails: makes the error that the caller sees when no answer comes.
            busy: makes the error of a service that refuses to execute the call.
            deaf: how often the answer is lost beside what the weather says.
        """
        if self.dead:
            raise Crash
        weather, random = self.world.weather, self.world.random
        draw = random.random()
        if draw < weather.crash:
            self._crash_at(name, execute)
        draw -= weather.crash
        late = random.random() < weather.late
        way = random.random() * weather.latency
        self.sleep(random.uniform(0, PATIENCE) if late and random.getrandbits(1) else way)
        if draw < weather.refused and busy is not None:
            self.world.tell(self.name, f"{name} refused")
            raise busy()
        lost = draw - weather.refused < weather.lost + deaf
        if lost and random.getrandbits(1):
            self.world.tell(self.name, f"{name} lost on its way")
            self.sleep(random.random() * PATIENCE)
            raise fails(name)
        try:
            result = execute()
        except Exception as error:
            self.world.tell(self.name, f"{name} failed: {error}")
            self.sleep(way)
            raise
        self.world.tell(self.name, f"{name} -> {brief(result)}")
        self.sleep(random.uniform(0, 200) if late and random.getrandbits(1) else way)
        if lost:
            self.world.tell(self.name, f"{name} answer lost")
            raise fails(name)
        return result

    def die(self, why: str) -> None:
        """End here and now.

        Raises:
            Crash: always.
        """
        self.world.tell(self.name, why)
        self.dead = True
        raise Crash

    def _crash_at(self, name: str, execute: Callable[[], object]) -> None:
        """Die before the call, after it, or while the request is still under way."""
        when = self.world.random.randrange(3)
        if when == 1:
            self.sleep(self.world.random.random() * self.world.weather.latency)
            self._execute_unheard(name, execute)
        if when == 2:
            delay = self.world.random.uniform(0, 15)
            self.world.after(delay, lambda: self._execute_unheard(name, execute))
        self.die(f"crashes {('before', 'after', 'during')[when]} {name}")

    def _execute_unheard(self, name: str, execute: Callable[[], object]) -> None:
        try:
            self.world.tell(self.name, f"{name} -> {brief(execute())}, unheard")
        except Exception as error:  # noqa: BLE001  # nobody hears of it
            self.world.tell(self.name, f"{name} failed: {error}, unheard")


def brief(result: object) -> str:
    """Return the result of a call in a few words."""
    if isinstance(result, Flush):
        counts = f"{result.attempts} attempts, {result.refusals} refused"
        accepted = ", ".join(f"{one.id} in {one.month}" for one in result.accepted)
        months = ", ".join(result.months)
        return f"{result.id} {result.state}, {counts}, accepted [{accepted}], charged {months}"
    if isinstance(result, list):
        return f"[{', '.join(map(brief, result))}]"
    if isinstance(result, DirtyRow):
        return f"{result.change.key} {result.position}"
    return str(result)
