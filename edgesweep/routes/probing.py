"""Ask functions on viewer-request what they make of a handful of paths.

Goal: viewer paths that only a function's code can tell, without a user who says them.

Plan: each version of a function gets the probes below, once for each folder of a path pattern. A
word of `viewerPaths` that explains an answer is learnt. If none explains it, or if another viewer
gets another answer, that is `everything` below the path pattern. A handful of probes proves no rule
for all keys, so words only add paths.

A function that reads a key value store is not asked, since the store changes without a version.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from edgesweep.errors import Undiscovered
from edgesweep.routes.distribution import Distribution, Function
from edgesweep.routes.variants import ALL_PATHS, INDEX, is_word

# A function that knows some names of objects does not know this one.
_NAME = "edgesweep-probe"
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

# What a function makes of paths; None where it answers itself, or fails.
Made = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Live:
    """The version of a function that viewers meet: its ETag, and if it reads a key value store."""

    version: str
    stores: bool = False


class Functions(Protocol):
    """CloudFront Functions; both methods raise `Undiscovered` if CloudFront refuses."""

    def live(self, name: str) -> Live:
        """Return the live version."""

    def run(self, name: str, version: str, event: str) -> str:
        """Return what the live version makes of an event, both as JSON; empty if it fails."""


def probed(
    newest: Iterable[Distribution], before: Iterable[Distribution], ask: Functions
) -> Sequence[Distribution]:
    """Return distributions with what their functions do; `before` tells what was learnt."""
    found, learnt_before = list(newest), dict(_functions(before))
    now = {
        (folder, name): _probed(learnt_before.get((folder, name), one), folder, ask)
        for (folder, name), one in dict(_functions(found)).items()
    }
    return [
        replace(
            each,
            behaviours=tuple(
                replace(
                    one,
                    functions=tuple(now.get((one.folder, f.name), f) for f in one.functions),
                )
                for one in each.behaviours
            ),
        )
        for each in found
    ]


def learnt(folder: str, plain: Made, others: Made) -> tuple[tuple[str, ...], str]:
    """Return the words that explain what a function makes of paths below a folder, and a doubt."""
    if not any(plain.values()):
        return (), "it answers every request itself"
    if any(made and plain[path] and made != plain[path] for path, made in others.items()):
        return (ALL_PATHS,), "it reads more than the path"
    file = folder + _FILE
    kept = plain[file] or file
    stripped = file.removesuffix(kept) if file.endswith(kept) else ""
    words = {f"strip={stripped}"} if stripped else set()
    for path, made in plain.items():
        rest = path.removeprefix(stripped)
        words.update(_words(rest, made or rest))
    if all(map(is_word, words)):
        return tuple(sorted(words)), ""
    return (ALL_PATHS,), "no word says what it does"


def _words(path: str, made: str) -> Iterator[str]:
    """Yield the words that explain why a function makes one path of another."""
    end = made.removeprefix(path)
    if made == path:
        return
    if end == ".html":
        yield "html"
    elif end != made and end.removeprefix("/").count("/") == 0:
        name = end.removeprefix("/")
        yield "folders" if path.endswith("/") else "bare"
        yield from () if name == INDEX else (f"index={name}",)
    else:
        # A page for all paths tells nothing of the path.
        yield f"errors={made[1:]}" if _NAME not in made.lower() else f"? {made}"


def _functions(
    distributions: Iterable[Distribution],
) -> Iterator[tuple[tuple[str, str], Function]]:
    """Yield the functions that may be asked, each by the folder of its probes and its name."""
    for distribution in distributions:
        for behaviour in distribution.behaviours:
            for one in behaviour.functions if behaviour.origins else ():
                if one.name:
                    yield (behaviour.folder, one.name), one


def _probed(known: Function, folder: str, ask: Functions) -> Function:
    try:
        live = ask.live(known.name)
        if live.version == known.version:
            return replace(known, refusal="")
        if live.stores:
            return Function(known.name, live.version, doubt="it reads a key value store")
        plain = _asked(ask, known.name, live, (folder + end for end in _PROBES), _VIEWER)
        others = _asked(ask, known.name, live, (folder + end for end in _BY_OTHERS), _OTHER_VIEWER)
    except Undiscovered as error:
        return replace(known, refusal=error.reason)
    return Function(known.name, live.version, *learnt(folder, plain, others))


def _asked(
    ask: Functions, name: str, live: Live, paths: Iterable[str], viewer: Mapping[str, str]
) -> Made:
    made = {path: ask.run(name, live.version, _event(path, viewer)) for path in paths}
    requests = {path: json.loads(text or "{}").get("request") for path, text in made.items()}
    return {path: request and request.get("uri") for path, request in requests.items()}


def _event(path: str, viewer: Mapping[str, str]) -> str:
    """Return the event of a viewer's request.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
    """
    other = {"edgesweep-probe": {"value": "1"}} if viewer is _OTHER_VIEWER else {}
    return json.dumps(
        {
            "version": "1.0",
            "context": {"eventType": "viewer-request"},
            "viewer": {"ip": "192.0.2.1"},
            "request": {
                "method": "GET",
                "uri": path,
                "querystring": other,
                "headers": {name: {"value": value} for name, value in viewer.items()},
                "cookies": other,
            },
        }
    )
