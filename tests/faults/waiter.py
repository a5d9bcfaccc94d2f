"""Somebody who waits for the edge as `edgesweep wait --now` does, beside whatever else happens."""

from contextlib import suppress
from datetime import datetime

from edgesweep import wiring
from edgesweep.operate import waiting
from edgesweep.operate.status import Observer
from tests.faults.deployment import Deployment
from tests.faults.process import Environment, NoAnswer, Process, here
from tests.faults.scenario import MINUTE, Scenario
from tests.faults.world import World

_TIMEOUT = 60 * MINUTE
_PAUSE_SECONDS = 2.0


def begin(
    world: World,
    scenario: Scenario,
    deployment: Deployment,
    waited: list[tuple[datetime, datetime]],
) -> None:
    """Begin a wait; note when it began and returned, unless it fails: then it promises nothing."""

    def wait() -> None:
        fakes, policy, began = vars(wiring), scenario.policy, world.now
        journal = fakes["FlushTable"]("")
        rows = fakes["DirtyTable"]("", None, lambda: journal.shards(1))
        observer = Observer(rows, lambda _: 0, journal, lambda *_: False, policy, int, int)
        steps = waiting.accepted(observer, scenario.distributions, here().clock, deployment.ask)
        with suppress(NoAnswer):
            for _ in steps:
                here().sleep(_PAUSE_SECONDS)
            waited.append((began, world.now))

    environment = Environment.cold(world.random, 0)
    world.start(Process(world, "waiter", wait, timeout=_TIMEOUT, environment=environment))
