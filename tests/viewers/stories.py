"""Random stories: what is there, what readers ask for, and what changes."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from urllib.parse import quote

from hypothesis import strategies as st

from edgesweep.flush.policy import Quota
from edgesweep.record.catalogue import Name
from edgesweep.record.recorder import Selection
from infra.local.edge.s3 import Website
from tests.viewers.choices import Choices
from tests.viewers.configurations import Config, configuration, words
from tests.viewers.world import OLD, SITE, Change, Request, Story

# Viewer paths without their slash. Each is there, or not, in every place.
_NAMES: Sequence[str] = (
    "index.html",
    "docs/index.html",
    "docs/index.html",
    "docs/index.html",
    "docs/a.html",
    "a.html",
    "oops",
    "errors/oops",
    "docs",
    "a~b.txt",
    "é/~.txt",
    "a b.txt",
    "a*.txt",
    "what?.html",
    "50%.html",
    "docs//a.html",
    "docs/../a.html",
    "a.css",
    "assets/1.js",
    "a+b:c.txt",
    "a+b:c.txt",
)
_OFTEN = 6
# One for each choice.
SIZE = 64

_HEADERS: Sequence[Mapping[str, str]] = (
    *({} for _ in range(6)),
    {"cache-control": "max-age=60"},
    {"cache-control": "no-cache"},
    {"cache-control": "public, s-maxage=86400, max-age=0"},
    {"x-amz-meta-mtime": "1"},
    {"x-amz-website-redirect-location": "/index.html"},
)
_KINDS = ("put", "put", "put", "remove", "copy", "again")
# A user who wants every path of an object that an edge may know.
_ALL_WORDS = "folders+bare+queries+errors"
_ROOMS = (Quota(3_000, 13), Quota(3_000, 1), Quota(2, 2), Quota(1, 1))
_SELECTIONS = (Selection(), Selection(), Selection(exclude=("*.css",), immutable=("assets/*",)))
_WEBSITES: Sequence[Website] = (
    Website(),
    Website(error="oops"),
)

_ESCAPES = {"~": "%7E", "+": "%2B", ":": "%3A"}
_UNSAID = "/!$&'()*+,;=:@"


def _own(name: str) -> str:
    return "/" + quote(name, safe=_UNSAID)


def _escaped(name: str) -> str:
    """Return another spelling, which not every viewer uses."""
    spelled = "".join(_ESCAPES.get(character, character) for character in _own(name))
    return spelled.replace("%20", "+")


def _folder(name: str) -> str:
    return _own(name)[: _own(name).rindex("/") + 1]


def _bare(name: str) -> str:
    return _folder(name).rstrip("/") or "/"


_FORMS: Sequence[Callable[[str], str]] = (
    _own,
    _own,
    _own,
    _escaped,
    _escaped,
    _folder,
    _bare,
    lambda _: "/",
    lambda name: _own(name) + "x",
    lambda name: _own(name).removesuffix(".html"),
    lambda name: "/app" + _own(name),
    lambda name: _own(name).upper(),
)
_FOLDERS: Sequence[Callable[[str], str]] = (_folder, _bare)
_QUERIES = ("", "", "", "?v=1", "?w=1&v=2", "?w=2")


def story(data: bytes) -> Story:
    """Return the story of some bytes: a few objects, which readers ask for in many ways."""
    choices = Choices(data)
    config = configuration(choices)
    website = choices.one(_WEBSITES)
    names = [choices.one(_names(config, website)) for _ in range(choices.number(1, 2))]
    objects = [(bucket, prefix + one) for bucket, prefix in _places(config) for one in names]
    headers = choices.one(_HEADERS)
    more = choices.one(("", "", "", _ALL_WORDS, _ALL_WORDS + "+stems"))
    return Story(
        config=config,
        words=f"{more}+{words(config, website)}",
        selection=choices.one(_SELECTIONS),
        website=website,
        listable=choices.one((True, False)),
        catalogue=choices.one((False, True)),
        room=choices.one(_ROOMS),
        objects=dict.fromkeys(choices.some(objects), headers),
        requests=[_request(choices, names) for _ in range(choices.number(2, 5))],
        changes=[_change(choices, objects) for _ in range(choices.number(1, 3))],
    )


def stories() -> st.SearchStrategy[Story]:
    """Return all stories."""
    return st.binary(min_size=SIZE, max_size=SIZE).map(story)


def seeded(seed: int) -> Story:
    """Return the story of a seed: always the same one."""
    return story(Random(seed).randbytes(SIZE))


def _request(choices: Choices, names: Sequence[str]) -> Request:
    name = choices.one(names)
    forms = choices.one((_FORMS, _FOLDERS)) if name.endswith("index.html") else _FORMS
    path = choices.one(forms)(name)
    return Request(path + choices.one(_QUERIES), choices.one(("", "", "de")))


def _change(choices: Choices, objects: Sequence[Name]) -> Change:
    return Change(
        kind=choices.one(_KINDS),
        name=choices.one(objects),
        source=choices.one(objects),
        headers=choices.one(_HEADERS),
        read=choices.one((False, True)),
    )


def _names(config: Config, website: Website) -> Sequence[str]:
    """Return all names, and more often those that a distribution serves under other paths too."""
    errors = config["CustomErrorResponses"].get("Items", ())
    pages = [one.get("ResponsePagePath", "").removeprefix("/") for one in errors]
    special = filter(None, (config["DefaultRootObject"], website.error, *pages))
    return (*_NAMES, *(name for name in special for _ in range(_OFTEN)))


def _places(config: Config) -> Sequence[Name]:
    """Return the buckets that a distribution leads to, each with the origin path in its keys."""
    behaviours = (config["DefaultCacheBehavior"], *config["CacheBehaviors"].get("Items", ()))
    drawn = (SITE, config["Origins"]["Items"][0]["OriginPath"].strip("/"))
    drawn = (SITE, "v1/") if drawn[1] else (SITE, "")
    places = {"drawn": [drawn], "group": [drawn, (OLD, "")], "old": [(OLD, "")]}
    found = [places.get(one["TargetOriginId"], [(SITE, "")]) for one in behaviours]
    return list(dict.fromkeys(place for one in found for place in one))
