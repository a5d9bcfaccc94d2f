"""Made-up sites of many shapes with their deploys, to which no rule was fitted.

A shape is a function of a seed and a number of days; the same seed makes the same history.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product

from edgesweep.lab.history import Deploy, History

START = datetime(2026, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_SYLLABLES = tuple(map("".join, product("bcdfghklmnprst", "aeiou")))

Shape = Callable[[int, int], History]

SHAPES: dict[str, Shape] = {}


def _shape(make: Callable[[random.Random, int], Iterator[Deploy]]) -> Shape:
    """Register a shape: the first deploy that it makes holds what is live before all others."""
    name = make.__name__.replace("_", "-")

    def history(seed: int, days: int) -> History:
        first, *deploys = make(random.Random(seed), days)
        return History(name, first.written, sorted(deploys, key=lambda deploy: deploy.at))

    SHAPES[name] = history
    return history


@_shape
def versioned_docs(rng: random.Random, days: int) -> Iterator[Deploy]:
    """Make documentation: small fixes on most days, each week a release in a folder of its own."""
    pages = [f"{part}/{name}.html" for part in _words(rng, 12) for name in _words(rng, 30)]
    versions = [f"v{number}" for number in range(1, rng.randint(4, 10))]
    tops = [*versions, "latest"]
    yield Deploy(START, ["index.html", *(f"{top}/{page}" for top in tops for page in pages)])
    for day in range(days):
        if day % 7 == 0:
            versions.append(f"v{len(versions) + 1}")
            tops = [versions[-1], "latest", *(versions[:-1] if rng.random() < 1 / 4 else ())]
            release = ["index.html", *(f"{top}/{page}" for top in tops for page in pages)]
            yield Deploy(_moment(rng, day), release)
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            fixed = [f"latest/{page}" for page in _cluster(rng, pages, 25)]
            yield Deploy(_moment(rng, day), fixed)


@_shape
def blog(rng: random.Random, days: int) -> Iterator[Deploy]:
    """Make a blog: a post on most days, which moves every list it is in by one."""
    tags = _words(rng, 20)
    posts = [f"2025/{number:03}-{word}/index.html" for number, word in enumerate(_words(rng, 600))]
    fixed = ["index.html", "feed.xml", "sitemap.xml", *(f"tags/{tag}/index.html" for tag in tags)]
    fixed += [f"page/{number}/index.html" for number in range(2, 61)]
    images = [f"images/{number:04}.webp" for number in range(800)]
    yield Deploy(START, [*fixed, *posts, *images])
    for day in range(days):
        if rng.random() < 1 / 60:
            yield Deploy(_moment(rng, day), [*fixed, *posts])
        for _ in range(rng.choice((0, 0, 1, 1, 1, 2))):
            post = f"2026/{day:03}-{rng.choice(_words(rng, 5))}/index.html"
            lists = fixed[:3] + [f"tags/{tag}/index.html" for tag in rng.sample(tags, 3)]
            lists += [key for key in fixed if key.startswith("page/")]
            yield Deploy(_moment(rng, day), [*lists, posts[-1], post])
            posts.append(post)
        if rng.random() < 1 / 3:
            yield Deploy(_moment(rng, day), rng.sample(posts, rng.randint(1, 4)))


@_shape
def image_bucket(rng: random.Random, days: int) -> Iterator[Deploy]:
    """Make a bucket of images that are replaced a few at a time, many times a day."""
    images = [f"{number % 97:02}/{number:05}.jpg" for number in range(6_000)]
    yield Deploy(START, images)
    for day in range(days):
        for _ in range(rng.randint(5, 30)):
            replaced = rng.sample(images, min(len(images), int(rng.paretovariate(1))))
            yield Deploy(_moment(rng, day), replaced)


@_shape
def nightly_rebuild(rng: random.Random, days: int) -> Iterator[Deploy]:
    """Make a site that is mostly rebuilt every night, and edited by day."""
    pages = [f"{area}/{name}.html" for area in _words(rng, 40) for name in _words(rng, 50)]
    static = [f"static/{number:04}.png" for number in range(1_000)]
    yield Deploy(START, [*pages, *static])
    for day in range(days):
        areas = {page.split("/")[0] for page in _cluster(rng, pages, 400)}
        rebuilt = [page for page in pages if page.split("/")[0] in areas and rng.random() < 0.9]
        scattered = rng.sample(pages, rng.randint(0, 120))
        yield Deploy(START + day * _DAY + timedelta(hours=3), rebuilt + scattered)
        for _ in range(rng.choice((0, 0, 1, 3))):
            yield Deploy(_moment(rng, day), _cluster(rng, pages, 6))


@_shape
def single_page_app(rng: random.Random, days: int) -> Iterator[Deploy]:
    """Make an application: a few shells that name their assets, and assets named by hash."""
    pages = ["index.html", *(f"{area}/index.html" for area in _words(rng, 40))]
    assets = {number: _hashed(rng, number) for number in range(300)}
    fonts = [f"fonts/{number}.woff2" for number in range(50)]
    yield Deploy(START, [*pages, *assets.values(), *fonts])
    for day in range(days):
        for _ in range(rng.randint(1, 8) if day % 7 < 5 else 0):
            gone = rng.sample(range(len(assets)), rng.randint(1, 40))
            deleted = [assets[number] for number in gone]
            added = {number: _hashed(rng, number) for number in gone}
            assets |= added
            changed = pages if rng.random() < 1 / 2 else rng.sample(pages, rng.randint(1, 12))
            yield Deploy(_moment(rng, day), [*changed, *added.values()], deleted)


@_shape
def newsroom(rng: random.Random, days: int) -> Iterator[Deploy]:
    """Make a site whose editors publish all day, and less so at the weekend."""
    desks = _words(rng, 15)
    stories = [f"{rng.choice(desks)}/{number:05}.html" for number in range(3_000)]
    fronts = ["index.html", *(f"{desk}/index.html" for desk in desks)]
    yield Deploy(START, [*fronts, *stories])
    for day in range(days):
        for _ in range(rng.randint(30, 60) if day % 7 < 5 else rng.randint(0, 8)):
            story = rng.choice(stories[-200:])
            desk = story.split("/")[0]
            yield Deploy(_moment(rng, day), ["index.html", f"{desk}/index.html", story])


@_shape
def json_api(rng: random.Random, days: int) -> Iterator[Deploy]:
    """Make an API of static JSON: items that change at random, and the lists they are in."""
    kinds = _words(rng, 12)
    items = [f"api/v1/{kind}/{number}.json" for kind in kinds for number in range(400)]
    lists = [f"api/v1/{kind}/index.json" for kind in kinds]
    yield Deploy(START, ["api/v1/index.json", *lists, *items])
    for day in range(days):
        if day % 7 == 0 and rng.random() < 1 / 2:
            kind = rng.choice(kinds)
            whole = [item for item in items if item.startswith(f"api/v1/{kind}/")]
            yield Deploy(_moment(rng, day), [*whole, f"api/v1/{kind}/index.json"])
        for _ in range(rng.randint(1, 6)):
            changed = rng.sample(items, min(len(items), int(4 * rng.paretovariate(1))))
            touched = {f"{item.rpartition('/')[0]}/index.json" for item in changed}
            yield Deploy(_moment(rng, day), [*changed, *sorted(touched)])


def _moment(rng: random.Random, day: int) -> datetime:
    """Return a second of the working hours of a day."""
    return START + day * _DAY + timedelta(seconds=rng.randint(7 * 3_600, 20 * 3_600))


def _cluster(rng: random.Random, pages: Sequence[str], most: int) -> list[str]:
    """Return some pages, most of them near to each other."""
    count = rng.randint(1, most)
    start = rng.randrange(len(pages))
    near = [page for page in pages[start : start + count] if rng.random() < 0.7]
    return near + rng.sample(pages, rng.randint(1, 3))


def _words(rng: random.Random, count: int) -> list[str]:
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(rng.choices(_SYLLABLES, k=3))] = None
    return list(words)


def _hashed(rng: random.Random, number: int) -> str:
    return f"assets/chunk{number:03}.{rng.getrandbits(32):08x}.js"
