"""What people do: they change objects, configure distributions, and invalidate by hand."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random

from edgesweep.dirty import UNROUTED, Change, DirtyRow, Kind
from edgesweep.flush.redrive import ATTEMPTS
from edgesweep.record.catalogue import Name
from edgesweep.record.events import INVALIDATE
from tests.fakes.cloudfront import StrictCloudFront
from tests.faults.account import SWITCHES, Account, Config, enable, switch_folder
from tests.faults.queues import Queues
from tests.faults.scenario import MINUTE, Scenario
from tests.faults.site import Site
from tests.faults.tables import Tables
from tests.faults.world import World

POISON = '{"not": "an event"}'
NEWCOMER = "E9"
# Paths that somebody asks for, beside the keys that change or above them.
ASKED = ("/b/*", "/b/c.css", "/s/t/u?v=1", "/s/t/u?*", "/%c3%bc/g.png", "/elsewhere", "#tag", "/*")
# A bucket that no distribution leads to.
LOST = "bucket-lost"
# "After you enable EventBridge, it takes around five minutes for the changes to take effect."
_WIRING_SECONDS = 300


@dataclass(slots=True)
class People:
    """Everybody but ourselves.

    Attributes:
        scenario: what they do, how often.
        world: where they do it.
        site: the objects that they change.
        account: the distributions that they configure.
        edge: where they invalidate by hand.
        queues: where S3 tells of their changes.
        tables: where a pile of rows lies.
        coming: how many notifications are under way.
        unwired: the buckets that are configured to publish no events.
        deaf: those that publish none: it takes a while until they do again.
        sharing: the fewest distributions that ever shared the budget.
    """

    scenario: Scenario
    world: World
    site: Site
    account: Account
    edge: StrictCloudFront
    queues: Queues
    tables: Tables
    coming: int = 0
    unwired: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    sharing: int = field(init=False)
    _neighbours: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.sharing = len(self.scenario.distributions)

    @property
    def _random(self) -> Random:
        return self.world.random

    def settle(self) -> None:
        """Create what is there before anything happens."""
        for distribution in self.scenario.distributions:
            self.account.create(distribution, self._config(distribution), long_ago=True)

    def plan(self) -> None:
        """Decide what happens when."""
        scenario, random = self.scenario, self._random
        for _ in range(scenario.changes):
            self.world.after(random.uniform(0, scenario.changing), self.change)
        if random.getrandbits(1):
            deploy = random.uniform(0, scenario.changing - 5)
            for _ in range(random.randrange(12)):
                self.world.after(deploy + random.uniform(0, 5), self.change)
        for _ in range(random.choice((0, 0, 6, 80))):
            self.world.after(random.uniform(0, scenario.faulty), self._meddle)
        self._plan_trouble()

    def change(self) -> None:
        """Let an object change, and S3 tell of it once or twice, sooner or later."""
        random, weather = self._random, self.world.weather
        folder = random.choice(self.scenario.folders)
        name = random.choice(list(self.scenario.serves)), folder + random.choice(self.scenario.keys)
        body = self.site.change(name)
        if name[0] in self.deaf:
            return
        copies = 1 + (weather.lost > 0 and random.random() < 0.1)
        for _ in range(copies):
            late = weather.late > 0 and random.random() < 0.1
            self.coming += 1
            self.world.after(random.uniform(0, 240 if late else 2), lambda: self._notify(body))

    def _plan_trouble(self) -> None:
        scenario, random = self.scenario, self._random
        for _ in range(scenario.switches):
            self.world.after(random.uniform(0, scenario.faulty), self._switch)
        for moment in scenario.away or ():
            self.world.after(moment, self._turn)
        for _ in range(scenario.poison):
            self.queues.bury(POISON, ATTEMPTS)
            self.world.after(random.uniform(0, MINUTE), lambda: self.queues.send(POISON))
        for number in range(scenario.requests):
            moment = random.uniform(0, scenario.changing)
            self.world.after(moment, partial(self._ask, f"person {number}"))
        if scenario.gone is not None:
            self.world.after(scenario.gone, self._delete)
        if scenario.newcomer is not None:
            self.world.after(scenario.newcomer, self._create)
        if scenario.backlog or scenario.unrouted:
            self.world.after(MINUTE, self._pile)
        if scenario.unwired:
            first, last = scenario.unwired
            self.world.after(first, self._unwire)
            self.world.after(last, self._wire)
        if scenario.closed:
            self.tables.closed = True
            self.world.after(scenario.closed, self._open)

    def _ask(self, by: str) -> None:
        """Ask for some paths by a message; a sender that heard nothing sends it again."""
        random = self._random
        paths = random.sample(ASKED, random.randint(1, 3))
        message = {"edgesweep": INVALIDATE, "paths": paths, "by": by}
        if random.getrandbits(1):
            message["distribution"] = random.choice(self.scenario.distributions)
        for _ in range(random.choice((1, 1, 2))):
            self.queues.send(json.dumps(message))

    def _notify(self, body: str) -> None:
        self.coming -= 1
        self.queues.send(body)

    def _meddle(self) -> None:
        """Let a person invalidate something by hand, or a second stack do it."""
        random, prefix = self._random, "person"
        choices = [["/x*"], ["/x*", "/y*"], ["/x"]]
        if self.scenario.neighbour:
            choices += [["/*"], [f"/{n}" for n in range(9)], ["/a*", "/b*", "/s/t/u"]]
            prefix = "edgesweep"
        paths = random.choice(choices)
        distribution = random.choice(self.account.ids)
        self._neighbours += 1
        reference = f"{prefix} {self.world.now.isoformat()}#{self._neighbours} 0"
        batch = {
            "Paths": {"Quantity": len(paths), "Items": paths},
            "CallerReference": reference,
        }
        try:
            self.edge.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
        except Exception as error:  # noqa: BLE001  # the person shrugs
            self.world.tell("person", error)

    def _switch(self) -> None:
        """Configure a distribution otherwise; mostly that is taken back after a while."""
        random = self._random
        distribution = random.choice(self.account.ids)
        changed = random.choice(SWITCHES)
        self.account.change(distribution, changed, random)
        disabled = not self.account.distributions[distribution].config.enabled
        if disabled or random.random() < 0.6:
            back = enable if disabled else changed
            self.world.after(
                random.choice((30, 200, 500, 1_500)) * random.random(),
                lambda: self.account.change(distribution, back, random),
            )

    def _turn(self) -> None:
        first = self.scenario.distributions[0]
        self.account.change(first, switch_folder, self._random)

    def _delete(self) -> None:
        gone = self._random.choice(self.scenario.distributions)
        self.edge.distributions.discard(gone)
        self.account.delete(gone)
        self.sharing -= 1

    def _create(self) -> None:
        bucket = LOST if self.scenario.unrouted else next(iter(self.scenario.serves))
        self.edge.distributions.add(NEWCOMER)
        self.account.create(NEWCOMER, Config(((bucket, self._folder()),)))

    def _open(self) -> None:
        self.tables.closed = False
        self.world.tell("dirty", "can be written again")

    def _unwire(self) -> None:
        bucket = next(iter(self.scenario.serves))
        self.unwired.add(bucket)
        self.deaf.add(bucket)
        self.world.tell("person", f"unwires {bucket}")

    def _wire(self) -> None:
        self.unwired.clear()
        self.world.after(self._random.uniform(0, _WIRING_SECONDS), self.deaf.clear)
        self.world.tell("person", "wires the bucket again")

    def hear(self, bucket: str, swept: bool) -> None:  # noqa: FBT001  # partial has names
        """Let the rule of the stack deliver the events of a bucket, or no longer."""
        (self.deaf.discard if swept else self.deaf.add)(bucket)
        self.world.tell("stack", f"{'sweeps' if swept else 'drops'} {bucket}")

    def _pile(self) -> None:
        """Let a great many objects change at once, all of them recorded."""
        distribution, now = self.scenario.distributions[0], self.world.now
        bucket = next(iter(self.scenario.serves))
        if self.scenario.unrouted:
            distribution, bucket = UNROUTED, LOST
        rows = []
        for number in range(self.scenario.backlog or self.scenario.unrouted):
            name: Name = (bucket, f"p/{number:05d}")
            self.site.pile(name, now)
            change = Change(*name, Kind.CREATED, now)
            recorded_at = now + timedelta(microseconds=number)
            rows.append(DirtyRow(distribution, change, recorded_at, f"{number:08x}"))
        self.tables.put(rows)

    def _config(self, distribution: str) -> Config:
        buckets = [
            name for name, several in self.scenario.serves.items() if distribution in several
        ]
        return Config(tuple((bucket, self._folder()) for bucket in buckets))

    def _folder(self) -> str:
        return "/" + self.scenario.folders[0][:-1] if self.scenario.folders[0] else ""
