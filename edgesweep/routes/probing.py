"""Ask functions on viewer-request what they make of a handful of paths.

Goal: learn viewer paths that only a function's code shows, so that no user has to say them.

Plan: each version of a function gets the probes below, once for each folder of a path pattern. A
word of `viewerPaths` that explains an answer is learnt. If none explains it, or if another viewer
gets another answer, that is `everything` below the path pattern. A handful of probes proves no rule
for all keys, so words only add paths. A look probes `MOST_PROBED` functions, each with eight calls;
a function whose turn has not come counts as `everything`. One that was refused before comes last.

A function that reads a key value store is not asked, since the store changes without a version.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Protocol

from edgesweep.errors import Undiscovered
from edgesweep.routes.distribution import Behaviour, Distribution, Function
from edgesweep.routes.variants import ALL, INDEX, WORD

_NAME = "edgesweep-probe"  # a function that knows some names of objects does not know this one
_FOLDER, _FILE = f"{_NAME}/", f"{_NAME}/{_NAME}.jpg"
# The pattern's folder, one in it, one without its slash, a route, a file, a file in upper case.
_PROBES = ("", _FOLDER, _NAME, f"{_NAME}/{_NAME}", _FILE, _FILE.upper())
_BY_OTHERS = (_FOLDER, _FILE)

_VIEWER = {"host": "d111111abcdef8.cloudfront.net"}
_OTHER_VIEWER = {
    "host": "edgesweep-probe.example",
    "accept-language": "de",
    "cloudfront-viewer-country": "DE",
    "cloudfront-is-mobile-viewer": "true",
}

MOST_PROBED = 20  # functions of one look

# What a function makes of paths; None where it answers itself, or fails.
Made = Mapping[str, str | None]

Live = Callable[[str], tuple[str, bool]]
Run = Callable[[str, str, str], str]


class Functions(Protocol):
    """CloudFront Functions; both methods raise `Undiscovered` if CloudFront refuses."""

    def live(self, name: str) -> tuple[str, bool]:
        """Return the version that viewers meet, and whether it reads a key value store."""

    def run(self, name: str, version: str, event: str) -> str:
        """Return what the live version makes of an event, both as JSON; empty if it fails."""


def probed(
    newest: Collection[Distribution], before: Iterable[Distribution], ask: Functions
) -> Sequence[Distribution]:
    """Return distributions with what their functions do; `before` tells what was learnt."""
    kept = {(one.name, one.folder): one for each in before for one in each.functions}
    functions = dict.fromkeys(one for each in newest for one in each.functions if one.name)
    known = {one: kept.get((one.name, one.folder), one) for one in functions}
    order = sorted(functions, key=lambda one: _refused(known[one]))
    live, turns = cache(ask.live), iter(range(MOST_PROBED))
    found = {one: _probed(known[one], live, ask.run, turns) for one in order}

    def asked(one: Behaviour) -> Behaviour:
        return replace(one, functions=tuple(found.get(each, each) for each in one.functions))

    return [replace(each, behaviours=tuple(map(asked, each.behaviours))) for each in newest]


def learnt(folder: str, plain: Made, others: Made) -> tuple[tuple[str, ...], str]:
    """Return the words that explain what a function makes of paths below a folder, and a doubt."""
    if not any(plain.values()):
        return (), "it answers every request itself"
    if any(made and plain[path] and made != plain[path] for path, made in others.items()):
        return (ALL,), "it reads more than the path"
    file = folder + _FILE
    stripped = file.removesuffix(plain[file] or file)
    stripped = "" if stripped == file else stripped
    words = {f"strip={stripped}"} if stripped else set()
    for path, made in plain.items():
        rest = path.removeprefix(stripped)
        words.update(_words(rest, made or rest))
    if all(map(WORD.fullmatch, words)):
        return tuple(sorted(words)), ""
    return (ALL,), "no word says what it does"


def _words(path: str, made: str) -> Iterator[str]:
    """Yield the words that explain why a function makes one path of another."""
    folder, name = path.removesuffix("/") + "/", made.rpartition("/")[2]
    if made == path:
        return
    if made == path + ".html":
        yield "html"
    elif made == folder + name:
        yield "folders" if path == folder else "bare"
        yield from () if name in ("", INDEX) else (f"index={name}",)
    else:
        # If one page answers all paths, the answer says nothing of the path.
        yield f"errors={made[1:]}" if _NAME not in made.lower() else f"? {made}"


def _waits(known: Function) -> bool:
    return ALL in known.words and not known.doubt


def _refused(known: Function) -> bool:
    return bool(known.refusal) and not _waits(known)


def _probed(known: Function, live: Live, run: Run, turns: Iterator[int]) -> Function:
    name, folder = known.name, known.folder
    try:
        version, stores = live(name)
        if version == known.version and not _waits(known):
            return replace(known, refusal="")
        if stores:
            return Function(name, folder, version, doubt="it reads a key value store")
        if next(turns, None) is None:
            waiting = replace(known, words=(ALL,), refusal="its turn to be asked has not come")
            return known if _refused(known) else waiting
        plain, others = (
            {folder + end: _uri(run(name, version, _event(folder + end, by))) for end in ends}
            for by, ends in ((_VIEWER, _PROBES), (_OTHER_VIEWER, _BY_OTHERS))
        )
    except Undiscovered as error:
        return replace(known, words=() if _waits(known) else known.words, refusal=error.reason)
    return Function(name, folder, version, *learnt(folder, plain, others))


def _uri(output: str) -> str | None:
    uri: str | None = json.loads(output or "{}").get("request", {}).get("uri")
    return uri


def _event(path: str, viewer: Mapping[str, str]) -> str:
    """Return the event of a request; the other viewer has a query string and cookies as well."""
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
    headers = {name: {"value": value} for name, value in viewer.items()}
    more = {name: value for name, value in headers.items() if name not in _VIEWER}
    request = {"method": "GET", "uri": path, "headers": headers, "querystring": more}
    event = {"context": {"eventType": "viewer-request"}, "viewer": {"ip": "192.0.2.1"}}
    return json.dumps({"version": "1.0", **event, "request": {**request, "cookies": more}})
