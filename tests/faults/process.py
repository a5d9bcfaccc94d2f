"""A process of the simulated world, which fails at every call."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from edgesweep.dirty import DirtyRow
from edgesweep.flush.journal import Flush
from tests.faults.world import Actor, Crash, World

T = TypeVar("T")

MOST_SKEW = 5.0
# Seconds after which a client gives a request up.
PATIENCE = 20.0


class NoAnswer(Exception):
    """A call failed; its caller does not know whether it was executed."""


class Process(Actor):
    """One invocation of a function: its own clock, a deadline, and a network that fails.

    Attributes:
        name: for the trace.
        dead: whether it crashed; it makes no further call.
    """

    def __init__(
        self,
        world: World,
        name: str,
        body: "Callable[[Process], None]",
        timeout: float,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.world = world
        self.name = name
        self._body = body
        self._ended = ended
        self._deadline = world.now + timedelta(seconds=timeout)
        skew = world.random.uniform(-2 * MOST_SKEW, 2 * MOST_SKEW)
        self._skew = timedelta(seconds=max(-MOST_SKEW, min(MOST_SKEW, skew)))

    def body(self) -> None:
        """Run what it was made for."""
        self._body(self)

    def ended(self) -> None:
        """Tell whoever started it that it is over."""
        self._ended()

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
