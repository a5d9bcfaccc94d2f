"""A story of readers: a distribution, its buckets, an edge that caches, and what sweeps it.

The real discovery, recorder, routes, flusher and cover run over fakes of the tables and of
CloudFront's API. The edge knows nothing of them: it forgets what the invalidations say.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError

from edgesweep import wiring
from edgesweep.aws.cloudfront import CloudFront, Distributions
from edgesweep.flush.policy import Quota
from edgesweep.flush.tick import Tick
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.prices import REFETCH_COST
from edgesweep.record.catalogue import Head, Name
from edgesweep.record.headers import fingerprints
from edgesweep.record.recorder import Recorder, Selection
from edgesweep.record.unchanged import UnchangedFilter
from edgesweep.routes import variants
from edgesweep.settings import Settings
from infra.local.edge.config import read
from infra.local.edge.functions import FunctionFailed, Node
from infra.local.edge.s3 import REDIRECT, Answer, Website
from infra.local.edge.serve import Edge
from tests.fakes.catalogue import CatalogueInMemory
from tests.fakes.cloudfront import StrictCloudFront
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.discovery import StoreInMemory
from tests.messages import notification
from tests.viewers.configurations import CODE, POLICIES, Config, lambdas

IDENTITY = "E1EXAMPLE00000"
SITE, OLD = "site", "old"
BUCKETS = (SITE, OLD)
# A host that is not a bucket; it always answers the same.
API = "api.example.com"

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_MOST_TICKS = 20
# Until discovery has looked again, and the `/*` for what it found is due.
_MINUTES_OF_DISCOVERY = 15
_SETTINGS = Settings.from_mapping(
    {
        "DIRTY_TABLE": "dirty",
        "FLUSHES_TABLE": "flushes",
        "BUCKET": ",".join(BUCKETS),
        "BUDGET_USD": "none",
    }
)


@dataclass(frozen=True)
class Request:
    """What a reader asks for: a raw path, with its query string if it has one."""

    url: str
    language: str = ""

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers."""
        return {"accept-language": self.language} if self.language else {}


@dataclass(frozen=True)
class Change:
    """What somebody does to an object.

    Attributes:
        kind: `put` other bytes, put the same bytes `again`, `copy` another object, or `remove`.
        name: the object.
        source: the object that is copied.
        headers: those of the new object.
        read: whether every reader asks right after the change.
    """

    kind: str
    name: Name
    source: Name = ("", "")
    headers: Mapping[str, str] = field(default_factory=dict)
    read: bool = False


@dataclass(frozen=True)
class Story:
    """What happens.

    Attributes:
        config: the `DistributionConfig`.
        words: the parameter `viewerPaths`.
        selection: the keys that are swept.
        website: the website configuration of the buckets.
        listable: whether a missing object is 404, else 403.
        catalogue: whether uploads that change nothing are skipped.
        room: how many paths a flush may take.
        objects: what is there before; its headers.
        requests: what readers ask for, before and after.
        changes: what happens in between.
        refetch: the dollars of an unchanged object that is hit.
        named: whether the user names the distribution; `closed`: and it may not be read.
    """

    config: Config
    words: str
    selection: Selection
    website: Website
    listable: bool
    catalogue: bool
    room: Quota
    objects: Mapping[Name, Mapping[str, str]]
    requests: Sequence[Request]
    changes: Sequence[Change]
    refetch: Decimal = REFETCH_COST
    named: str = ""


class Buckets:
    """Objects in memory, as the edge, the survey and the catalogue see them.

    Attributes:
        objects: name -> what is there.
        holders: bytes, or a redirect's location -> the keys under which they were ever put.
    """

    def __init__(self, site: Website) -> None:
        self.objects: dict[Name, Answer] = {}
        self.holders: dict[bytes, set[str]] = {}
        self._site = site
        self._versions = count(1)

    def put(self, name: Name, headers: Mapping[str, str], body: bytes | None = None) -> None:
        """Write an object: the bytes, or other ones than ever before."""
        body = b"%d %s" % (next(self._versions), "/".join(name).encode()) if body is None else body
        self.objects[name] = Answer(200, body, headers)
        for shown in (body, headers.get(REDIRECT, "").encode()):
            self.holders.setdefault(shown, set()).add(name[1])

    def etag(self, name: Name) -> str:
        """Return the etag of an object."""
        return hashlib.md5(self.objects[name].body, usedforsecurity=False).hexdigest()

    def read(self, bucket: str, key: str) -> Answer | None:
        """Return an object."""
        return self.objects.get((bucket, key))

    def website(self, _bucket: str) -> Website:
        """Return the website configuration."""
        return self._site

    def page(self, bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        """List a bucket, as the survey does."""
        start = after.encode()
        found = (key for name, key in self.objects if name == bucket and key.startswith(prefix))
        return sorted((key for key in found if key.encode() > start), key=str.encode), False


class Remembering(Node):
    """Node, which is asked for the same only once."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, Mapping[str, Any]] = {}

    def run(self, code: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a function makes of an event."""
        asked = f"{code} {event}"
        if asked not in self._known:
            self._known[asked] = super().run(code, event)
        return self._known[asked]


class World:
    """Lets a story happen.

    Attributes:
        buckets: as they are now.
        edge: what readers ask.
        asked: the answers to the story's requests, each time that readers asked.
        sent: the paths of each invalidation.
    """

    def __init__(self, story: Story, node: Node) -> None:
        self.story = story
        self.now = _NOON
        self.buckets = Buckets(story.website)
        self.edge = Edge(
            distribution=read(story.config, POLICIES),
            buckets=self.buckets,
            clock=self._seconds,
            node=node,
            code=CODE,
            lambdas=lambdas(self.buckets),
            servers={API: lambda path: Answer(200, path.encode())},
            listable=story.listable,
        )
        self.asked: list[Mapping[str, Answer]] = []
        self.cloudfront = StrictCloudFront(self._clock, {IDENTITY})
        self._client = _Client(story.config, self.edge.node, denies=story.named == "closed")
        self._dirty, self._store = DirtyRowsInMemory(), StoreInMemory()
        self._tokens = count(1)

    def tell(self) -> bool:
        """Let it happen; return whether everything was swept in the end."""
        self.begin()
        self.change(self.story.changes)
        return self.sweep()

    def begin(self) -> None:
        """Put the objects into the buckets, and let every reader ask."""
        for name, headers in self.story.objects.items():
            self.buckets.put(name, headers)
        self._ticked()
        self._ask()

    def change(self, changes: Sequence[Change]) -> None:
        """Change objects, and record that."""
        self._record([self._changed(change) for change in changes])

    def configure(self, config: Config) -> None:
        """Change the distribution; discovery sees it, and the edges have it, some minutes later."""
        self._client.config = config
        self.edge.distribution = read(config, POLICIES)
        for _ in range(_MINUTES_OF_DISCOVERY):
            self.now += _MINUTE
            self._ticked()

    @property
    def sent(self) -> Sequence[Sequence[str]]:
        """The paths of each invalidation."""
        return [made.paths for made in self.cloudfront.made]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def _ask(self) -> None:
        self.now += _SECOND
        self.asked.append(
            {one.url: self.edge.get(one.url, one.headers) for one in self.story.requests}
        )

    def _changed(self, change: Change) -> str:
        """Change an object; return the event's message."""
        self.now += _SECOND
        buckets, name, event = self.buckets, change.name, "ObjectCreated:Put"
        there = buckets.objects.get(change.source if change.kind == "copy" else name)
        if change.kind == "remove":
            buckets.objects.pop(name, None)
            event = "ObjectRemoved:Delete"
        elif change.kind == "put" or there is None:
            buckets.put(name, change.headers)
        else:
            buckets.put(name, there.headers, there.body)
            event = "ObjectCreated:Copy" if change.kind == "copy" else event
        etag = buckets.etag(name) if name in buckets.objects else ""
        if change.read:
            self._ask()
        return notification(name[1], bucket=name[0], at=self.now, event=event, etag=etag)

    def _record(self, messages: Sequence[str]) -> None:
        settings = self._settings
        recorder = Recorder(
            routes=wiring.routes_of(settings, None),
            writer=self._dirty,
            token=self._token,
            selection=settings.selection,
            unchanged=UnchangedFilter(CatalogueInMemory(), self.look, self._token, self._clock)
            if self.story.catalogue
            else None,
        )
        self.now += _SECOND
        batch = {str(number): body for number, body in enumerate(messages)}
        with mock.patch.object(wiring, "now", self._clock):
            informed = wiring.informed(recorder, settings, self._store.load())
            recorded = informed.record(batch, self.now)
        assert not recorded.failed

    def _ticked(self) -> None:
        with mock.patch.object(wiring, "now", self._clock):
            done = self._tick.run()
        assert list(done.errors) == []

    def sweep(self) -> bool:
        """Tick until nothing is dirty; the edge forgets what CloudFront accepted."""
        for _ in range(_MOST_TICKS):
            self.now += _MINUTE
            self._ticked()
            if not self._dirty.span(IDENTITY):
                break
        for paths in self.sent:
            self.edge.forget(paths)
        return not self._dirty.span(IDENTITY)

    def look(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
        """Send HEAD requests, as the catalogue does."""
        return {name: self._head(name) for name in names}

    def _head(self, name: Name) -> Head | None:
        one = self.buckets.objects.get(name)
        if one is None:
            return None
        return Head(self.buckets.etag(name), fingerprints(one.headers), self.now, self.now)

    def _clock(self) -> datetime:
        return self.now

    def _seconds(self) -> float:
        return self.now.timestamp()

    def _token(self) -> str:
        return f"{next(self._tokens):016x}"

    @cached_property
    def _settings(self) -> Settings:
        story = self.story
        return replace(
            _SETTINGS,
            distributions=(IDENTITY,) if story.named else (),
            policy=replace(_SETTINGS.policy, quota=story.room, refetch=story.refetch),
            selection=story.selection,
            variants=variants.parse(story.words),
        )

    @cached_property
    def _tick(self) -> Tick:
        client: Any = self._client
        adapters = wiring.Adapters(
            dirty=self._dirty,
            journal=JournalInMemory(),
            store=self._store,
            source=Distributions(client, BUCKETS, self._settings.distributions).find,
            edge=CloudFront(self.cloudfront),  # type: ignore[arg-type]  # a boto3 client
            listing=self.buckets,
            pause=self.wait,
        )
        return wiring.tick(self._settings, adapters, lambda _: None)


@dataclass
class _Client:
    """The boto3 client that discovery asks."""

    config: Config
    node: Node | None = None
    denies: bool = False

    def get_paginator(self, _operation: str) -> SimpleNamespace:
        """List the distribution."""
        return SimpleNamespace(paginate=self._pages)

    def _pages(self) -> Iterator[Config]:
        yield {"DistributionList": {"Items": [{**self.config, "Id": IDENTITY}]}}

    def get_distribution(self, *, Id: str) -> Config:
        """Return the distribution, deployed."""
        if self.denies:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetDistribution")
        return {"Distribution": {"Id": Id, "Status": "Deployed", "DistributionConfig": self.config}}

    def get_cache_policy(self, *, Id: str) -> Config:
        """Return a cache policy."""
        return {"CachePolicy": {"CachePolicyConfig": POLICIES[Id]}}

    @staticmethod
    def describe_function(*, Name: str, Stage: str) -> Config:
        """Describe a function."""
        return {"ETag": f"{Name} {Stage}", "FunctionSummary": {"FunctionConfig": {}}}

    def test_function(self, *, Name: str, IfMatch: str, Stage: str, EventObject: bytes) -> Config:
        """Run a function."""
        assert IfMatch == f"{Name} {Stage}"
        assert self.node
        try:
            made = self.node.run(CODE[Name], json.loads(EventObject))
        except FunctionFailed as error:
            return {"TestResult": {"FunctionErrorMessage": str(error)}}
        output = {"response" if "statusCode" in made else "request": made}
        return {"TestResult": {"FunctionOutput": json.dumps(output)}}
