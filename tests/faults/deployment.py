"""The two functions as Lambda runs them: the real handlers, wired as they are deployed.

Only what they reach is replaced: the adapters of the tables, the clients of boto3, the clock and
the randomness. An environment that stays warm keeps what a handler remembers between invocations;
one whose process died, or that Lambda has taken away, begins with nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from botocore.exceptions import BotoCoreError, ClientError

import handlers.flush
import handlers.record
from edgesweep import wiring
from edgesweep.errors import Undiscovered, Unswept, Unwritten
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.tick import NOW, Line, Ticked
from edgesweep.settings import Settings
from tests.faults.process import Environment, NoAnswer, Process, here
from tests.faults.queues import Queues
from tests.faults.world import World

FLUSH_SECONDS = 300
RECORD_SECONDS = 30

# The law that a handler breaks which raises an error of its own.
RAISED = "Raised"
# How often a warm environment is not used though one is there, and how many are kept.
_COLD = 0.1
_WARM = 12
# The errors that the weather makes.
_OF_THE_WORLD = (BotoCoreError, ClientError, Unwritten, Undiscovered, Unswept)


class Function:
    """One of the functions, in as many environments as run at once.

    Attributes:
        running: how many invocations are under way.
        starting: seconds that a cold environment takes to begin.
    """

    def __init__(self, world: World, name: str, timeout: float) -> None:
        self._world = world
        self._name = name
        self._timeout = timeout
        self._idle: list[Environment] = []
        self._releases = 0
        self._invoked = 0
        self.running = 0
        self.starting = 0.0

    def invoke(self, runs: Callable[[], None]) -> None:
        """Begin an invocation."""
        self._invoked += 1
        self.running += 1
        random = self._world.random
        warm = bool(self._idle) and random.random() >= _COLD
        environment = self._idle.pop() if warm else Environment.cold(random, self._releases)
        process = Process(
            self._world,
            f"{self._name} {self._invoked}",
            runs if warm else lambda: self._started(runs),
            timeout=self._timeout,
            environment=environment,
            ended=self._ended,
        )
        self._world.start(process)

    def _started(self, runs: Callable[[], None]) -> None:
        if self.starting:
            here().sleep(self.starting)
        runs()

    def release(self) -> None:
        """Use new environments from now on."""
        self._releases += 1
        self._idle.clear()

    def _ended(self, process: Process) -> None:
        self.running -= 1
        current = process.environment.release == self._releases
        if current and not process.dead and len(self._idle) < _WARM:
            self._idle.append(process.environment)


class Deployment:
    """The functions, their settings, and what they reach.

    Args:
        world: where they run.
        settings: their settings.
        fakes: name of an adapter, or of whatever reaches AWS -> what stands in for it.
        broken: told of an error that is not of the world.
        asleep: told of a process that is about to sleep.

    Attributes:
        recorder: the record function.
        flush: the flush function.
        waker: the function that new rows wake.
        outcomes: what the last tick that came to its end did.
    """

    def __init__(
        self,
        world: World,
        settings: Settings,
        fakes: Mapping[str, object],
        broken: Callable[[str], None],
        asleep: Callable[[Process, float], None],
    ) -> None:
        self._settings = {handlers.flush: settings, handlers.record: settings}
        self._broken = broken
        self._asleep = asleep
        self._fakes: Mapping[str, object] = {
            "now": lambda: here().clock(),
            "token": lambda: here().token(),
            "row_token": lambda: here().token() + here().token(),
            **fakes,
        }
        self.recorder = Function(world, "record", RECORD_SECONDS)
        self.flush = Function(world, "flush", FLUSH_SECONDS)
        self.waker = Function(world, "wake", FLUSH_SECONDS)
        self.outcomes: Sequence[Outcome] = ()

    def record(self, queues: Queues, batch: Mapping[str, str]) -> None:
        """Invoke the record function on messages."""
        self.recorder.invoke(lambda: self._recorded(queues, batch))

    def tick(self) -> None:
        """Invoke the flush function."""
        self.flush.invoke(lambda: self._flushed(handlers.flush.handler, {}))

    def ask(self) -> None:
        """Invoke the flush function as somebody who asks for a flush now."""
        self.flush.invoke(lambda: self._flushed(handlers.flush.handler, NOW))

    def wake(self, partitions: Iterable[str]) -> None:
        """Invoke the function that wakes, with the stream's records of new rows."""
        event = {"Records": [{"dynamodb": {"Keys": {"pk": {"S": one}}}} for one in partitions]}
        self.waker.invoke(lambda: self._flushed(handlers.flush.woken, event))

    def release(self, module: ModuleType, function: Function, **changed: Any) -> None:
        """Release one of the functions with other settings."""
        self._settings[module] = replace(self._settings[module], **changed)
        function.release()

    @contextmanager
    def loaded(self) -> Iterator[None]:
        """Let the handlers' modules be as they are in this deployment."""
        with ExitStack() as patches:
            for module in (wiring, handlers.flush, handlers.record):
                for name, value in self._replaced(module):
                    patches.enter_context(mock.patch.object(module, name, value))
            patches.enter_context(mock.patch.object(handlers.flush, "lines", self._heard))
            real = partial(self._real, wiring.Adapters.real)
            patches.enter_context(mock.patch.object(wiring.Adapters, "real", real))
            yield

    def _replaced(self, module: ModuleType) -> Iterator[tuple[str, object]]:
        for name, value in list(vars(module).items()):
            if name in self._fakes:
                yield name, self._fakes[name]
            elif name == "Settings" and module is not wiring:
                yield name, SimpleNamespace(from_mapping=lambda _: self._settings[module])
            elif name in ("logger", "metrics"):
                yield name, _Silent()
            elif hasattr(value, "cache_clear"):
                yield name, partial(_remembered, value)

    def _recorded(self, queues: Queues, batch: Mapping[str, str]) -> None:
        records = [{"messageId": name, "body": body} for name, body in batch.items()]
        try:
            answer = handlers.record.handler({"Records": records}, None)
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            done = [message for message in batch if message not in failed]
            here().call("queue.acknowledge", lambda: queues.acknowledge(done))
        except NoAnswer as error:
            here().note(f"failed: {error}")

    def _flushed(self, handler: Callable[[Any, None], None], event: Mapping[str, object]) -> None:
        process = here()
        try:
            handler(event, None)
        except Exception as error:  # noqa: BLE001  # told, and judged
            for one in _leaves([error]):
                process.note(repr(one))
                if not isinstance(one, _OF_THE_WORLD):
                    self._broken(f"{RAISED}: {process.name}, {one!r}")

    def _heard(self, done: Ticked, _now: datetime) -> Sequence[Line]:
        if here().name.startswith("flush"):
            self.outcomes = done.outcomes
        for outcome in done.outcomes:
            here().note(f"{outcome.distribution} {outcome.reason}")
        return ()

    def _real(self, real: Callable[..., wiring.Adapters], *arguments: Any) -> wiring.Adapters:
        def pause(seconds: float) -> None:
            self._asleep(here(), seconds)
            here().sleep(seconds)

        return replace(real(*arguments), pause=pause)


class _Silent:
    """A logger, or a collector of metrics, that keeps nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def _leaves(errors: Iterable[Exception]) -> Iterator[Exception]:
    for error in errors:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error.exceptions)
        else:
            yield error


def _remembered(function: Any, *arguments: object) -> Any:
    """Call a cached function of a handler, with a cache for each environment."""
    memory, key = here().environment.memory, (function, *arguments)
    if key not in memory:
        memory[key] = function.__wrapped__(*arguments)
    return memory[key]
