"""A row of the table of what a configuration cannot say: one change, and what one reader gets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from edgesweep.flush.policy import Quota
from edgesweep.record.recorder import Selection
from infra.local.edge.functions import Node
from infra.local.edge.s3 import Answer, Website, rest
from tests.configured import behaviour, config
from tests.viewers.configurations import Config
from tests.viewers.world import SITE, Change, Request, Story, World

HOST = "site.s3.us-east-1.amazonaws.com"
WEBSITE = "site.s3-website-us-east-1.amazonaws.com"
PROXY = "proxy.example.com"
RESIZER = "resizer.example.com"
DAY = 86_400


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        config: the `DistributionConfig`.
        key: the object that changes, in the bucket `site`.
        url: where a reader asks before and after.
        sent: the paths of the invalidation that follows, in any order; none if empty.
        before: the bytes that the reader gets first, and from the cache after the change.
        after: the bytes after the sweep.
        words: the parameter `viewerPaths`.
        named: whether the user names the distribution; `closed`: and it may not be read.
        others: what else is in the bucket.
        new: whether the object was not there before.
        headers: those of all objects.
        kept: whether the edge keeps the answer.
        more: other members of the story.
    """

    config: Config
    key: str
    url: str
    sent: Sequence[str]
    before: str = ""
    after: str = ""
    words: str = ""
    named: str = ""
    others: Sequence[str] = ()
    new: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    kept: bool = True
    language: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Happened:
    """The bytes that a reader got, and the paths of each invalidation."""

    first: str
    unswept: str
    swept: str
    sent: Sequence[Sequence[str]]


def happens(row: Row, node: Node) -> Happened:
    """Let readers ask before a change, before its sweep and after it."""
    world = World(story(row), node)
    world.edge.servers = servers(world)
    for stop in range(len(row.key)):
        # No wildcard that ends here is harmless.
        world.buckets.put((SITE, f"{row.key[:stop]}zz"), {}, b"unchanged")
    assert world.tell()
    world.wait(_ACCEPTED_SECONDS)
    answers = [
        *(one[row.url] for one in world.asked),
        world.edge.get(row.url, world.story.requests[0].headers),
    ]
    first, unswept, swept = map(shown, answers)
    return Happened(first, unswept, swept, [sorted(paths) for paths in world.sent])


def story(row: Row) -> Story:
    """Return what happens."""
    there = [*([] if row.new else [row.key]), *row.others]
    return Story(
        config=row.config,
        words=row.words,
        named=row.named,
        objects={(SITE, key): row.headers for key in there},
        requests=[Request(row.url, row.language)],
        changes=[Change("put", (SITE, row.key), headers=row.headers, read=True)],
        **{**_PLAIN, **row.more},
    )


def shown(answer: Answer) -> str:
    """Return the bytes of an answer, or its status."""
    return answer.body.decode() or str(answer.status)


def servers(world: World) -> Mapping[str, Callable[[str], Answer]]:
    """Return hosts that answer from the bucket, and are not S3's."""

    def proxy(path: str) -> Answer:
        return rest(world.buckets, SITE, path)

    def resizer(path: str) -> Answer:
        found = proxy(path.removeprefix("/300x300").removesuffix("/w=200"))
        return Answer(found.status, b"small " + found.body) if found.body else found

    points = dict.fromkeys((PROXY, *POINTS), proxy)
    return {**points, RESIZER: resizer, "api.example.com": lambda path: Answer(200, path.encode())}


POINTS = (
    "web-111122223333.s3-accesspoint.eu-west-1.amazonaws.com",
    "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com",
    "web-1a2b3c4d-s3alias.s3.eu-west-1.amazonaws.com",
)

_ACCEPTED_SECONDS = 10
_PLAIN: Mapping[str, Any] = {
    "selection": Selection(),
    "website": Website(),
    "listable": True,
    "catalogue": True,
    "room": Quota(3_000, 13),
    "refetch": Decimal(1),
}


def site(
    *, host: str = HOST, path: str = "", root: str = "", **differing: Any
) -> Config:  # of a behaviour
    """Return a distribution with one behaviour in front of the bucket."""
    made = config(behaviour("site", **differing), {"site": host}, DefaultRootObject=root)
    made["Origins"]["Items"][0]["OriginPath"] = path
    return made


def beside(pattern: str, **differing: Any) -> Config:  # of a behaviour
    """Return a distribution of which one path pattern leads to the bucket, the rest elsewhere."""
    origins = {"api": "api.example.com", "site": HOST}
    return config(behaviour("api"), origins, {pattern: behaviour("site", **differing)})


def errors(made: Config, page: str, seconds: int, shown_as: str = "404") -> Config:
    """Return a distribution with an error page for objects that are missing."""
    shows = {"ResponsePagePath": page, "ResponseCode": shown_as if page else ""}
    both = [{"ErrorCode": code, "ErrorCachingMinTTL": seconds, **shows} for code in (403, 404)]
    return {**made, "CustomErrorResponses": {"Quantity": 2, "Items": both}}
