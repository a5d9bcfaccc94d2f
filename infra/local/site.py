"""A generated site: the same 1,000 files from the same seed, with the tree of a blog with docs."""

import random
from collections.abc import Iterator, Mapping
from itertools import count, islice

_YEARS = range(2019, 2027)
_SECTIONS = ("guide", "reference", "how-to", "concepts")
_POSTS, _PAGES, _TAGS, _ASSETS, _IMAGES = 320, 180, 60, 40, 394
_WORDS = (
    "amber", "birch", "cloud", "delta", "ember", "fjord", "grove", "harbor", "island", "juniper",
    "kiln", "lagoon", "meadow", "north", "orchard", "pebble", "quarry", "river", "summit", "tide",
    "umber", "valley", "willow", "yarrow", "zephyr",
)  # fmt: skip


def generate(seed: int) -> Mapping[str, bytes]:
    """Return the content of the site's 1,000 files by object key."""
    chance = random.Random(seed)
    return {key: _page(key, chance) for key in _keys(chance)}


def _keys(chance: random.Random) -> Iterator[str]:
    yield from ("index.html", "404.html", "feed.xml", "sitemap.xml", "robots.txt", "favicon.ico")
    slugs = _distinct(chance)
    posts = [f"posts/{chance.choice(_YEARS)}/{slug}" for slug in islice(slugs, _POSTS)]
    yield from (f"{post}/index.html" for post in posts)
    for slug in islice(slugs, _PAGES):
        yield f"docs/{chance.choice(_SECTIONS)}/{slug}.html"
    yield from (f"tags/{slug}/index.html" for slug in islice(slugs, _TAGS))
    for number in range(_ASSETS):
        yield f"assets/{chance.choice(_WORDS)}-{number:02}.{chance.choice(('css', 'js', 'woff2'))}"
    for number in range(_IMAGES):
        yield f"images/{chance.choice(posts).removeprefix('posts/')}-{number:03}.webp"


def _distinct(chance: random.Random) -> Iterator[str]:
    for number in count():
        yield f"{'-'.join(chance.sample(_WORDS, 3))}-{number}"


def _page(key: str, chance: random.Random) -> bytes:
    return f"{key}\n{' '.join(chance.choices(_WORDS, k=100))}\n".encode()
