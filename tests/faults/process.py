"""A process: one invocation of a function, with its own clock, a deadline and a bad network.

Whatever a process calls is reached through `here()`, the process that runs now: what a function
keeps from one invocation to the next, clients included, need not know which of them it is in.
"""

from collections import defaultdict
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from textwrap import shorten
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError

from edgesweep.dirty import DirtyRow
from edgesweep.flush.journal import Flush
from tests.faults.world import Actor, Crash, World

T = TypeVar("T")

MOST_SKEW = 5.0
# Seconds after which a client gives a request up.
PATIENCE = 20.0
# Characters of a result in the trace.
_MOST_TOLD = 160


class NoAnswer(BotoCoreError):
    """A call failed; its caller does not know whether it was executed."""

    fmt = "{why}"

    def __init__(self, why: str) -> None:
        super().__init__(why=why)


@dataclass(slots=True)
class Environment:
    """Where a function is invoked, again and again while it is warm.

    Attributes:
        skew: what its clock is off true time, at most `MOST_SKEW`.
        release: the number of the release of the function.
        memory: what the function keeps from one invocation to the next.
    """

    skew: timedelta
    release: int
    memory: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def cold(cls, random: Random, release: int) -> "Environment":
        """Return one in which nothing was invoked yet."""
        skew = random.uniform(-2 * MOST_SKEW, 2 * MOST_SKEW)
        return cls(timedelta(seconds=max(-MOST_SKEW, min(MOST_SKEW, skew))), release)


class Process(Actor):
    """One invocation of a function.

    Attributes:
        name: for the trace.
        dead: whether it crashed; it makes no further call.
        environment: where it runs.
        read_rows: distribution -> the rows that it has read since it last began to.
        looked: distribution -> the number of its configuration that it has seen.
        tokens: the random texts that it has made, without those of leases that it has given back,
            whether or not the request arrived.
    """

    def __init__(  # noqa: PLR0913  # all that an invocation has
        self,
        world: World,
        name: str,
        runs: Callable[[], None],
        *,
        timeout: float,
        environment: Environment,
        ended: Callable[["Process"], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self.world = world
        self.name = name
        self.environment = environment
        self.read_rows: dict[str, list[DirtyRow]] = defaultdict(list)
        self.looked: dict[str, int] = {}
        self.tokens: set[str] = set()
        self._runs = runs
        self._ended = ended
        self._deadline = world.now + timedelta(seconds=timeout)

    def body(self) -> None:
        """Run the function."""
        _HERE.set(self)
        self._runs()

    def ended(self) -> None:
        """Tell who waits for the end."""
        self._ended(self)

    def clock(self) -> datetime:
        """Return the time of this process's machine, within `MOST_SKEW` of true time."""
        return self.world.now + self.environment.skew

    def note(self, what: object) -> None:
        """Write a line of the story."""
        self.world.tell(self.name, what)

    def token(self) -> str:
        """Return random text."""
        token = f"{self.world.random.getrandbits(32):08x}"
        self.tokens.add(token)
        return token

    def sleep(self, seconds: float) -> None:
        """Let others run for `seconds`.

        Raises:
            Crash: the process was ended meanwhile, or ran into its deadline.
        """
        self.check_alive()
        left = (self._deadline - self.world.now).total_seconds()
        self.world.after(min(seconds, left), self)
        self.wait()
        if left <= seconds:
            self.die("timed out")
        self.check_alive()

    def check_alive(self) -> None:
        """Go no further if the process was ended.

        Raises:
            Crash: it was.
        """
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
        self.check_alive()
        weather, random = self.world.weather, self.world.random
        draw = random.random()
        if draw < weather.crash:
            self._crash_at(name, execute)
        draw -= weather.crash
        late, way = random.random() < weather.late, random.random() * weather.latency
        self.sleep(random.uniform(0, PATIENCE) if late and random.getrandbits(1) else way)
        if draw < weather.refused and busy is not None:
            self.note(f"{name} refused")
            raise busy()
        lost = draw - weather.refused < weather.lost + deaf
        if lost and random.getrandbits(1):
            self.note(f"{name} lost on its way")
            self.sleep(random.random() * PATIENCE)
            raise fails(name)
        try:
            result = execute()
        except Exception as error:
            self.note(f"{name} failed: {error}")
            self.sleep(way)
            raise
        self._tell(name, result)
        self.sleep(random.uniform(0, 200) if late and random.getrandbits(1) else way)
        if lost:
            self.note(f"{name} answer lost")
            raise fails(name)
        return result

    def die(self, why: str) -> None:
        """End here and now.

        Raises:
            Crash: always.
        """
        self.note(why)
        self.dead = True
        raise Crash

    def _tell(self, name: str, result: object) -> None:
        if self.world.trace is not None:
            self.note(f"{name} -> {brief(result)}")

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
            self._tell(f"{name}, unheard", execute())
        except Exception as error:  # noqa: BLE001  # nobody hears of it
            self.note(f"{name} failed: {error}, unheard")


# Each greenlet has a context of its own.
_HERE: ContextVar[Process] = ContextVar("process")


def here() -> Process:
    """Return the process that runs now."""
    return _HERE.get()


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
        return f"{result.subject} {result.position}"
    return shorten(str(result), _MOST_TOLD, placeholder=" ...")
