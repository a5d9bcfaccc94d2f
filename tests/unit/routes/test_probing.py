"""A function is asked once for each version of its code, and its answers become words."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from edgesweep.errors import Undiscovered
from edgesweep.paths import REST
from edgesweep.routes import Behaviour, Distribution, Origin, Routes
from edgesweep.routes.distribution import Function
from edgesweep.routes.probing import MOST_PROBED, probed
from edgesweep.routes.variants import ALL, parse

Request = Mapping[str, Any]
# What a function makes of a request; None: it answers by itself.
Code = Callable[[str, Request], str | None]

SITE = (Origin("site"),)


@dataclass
class Asked:
    """Functions that all do the same.

    Attributes:
        uris: the paths that they were asked for.
    """

    code: Code = lambda uri, _: uri
    version: str = "1"
    stores: bool = False
    refused: Collection[str] = ()
    uris: list[str] = field(default_factory=list)

    def live(self, name: str) -> tuple[str, bool]:
        """Return the live version."""
        assert name
        self._permitted("describe")
        return self.version, self.stores

    def run(self, name: str, version: str, event: str) -> str:
        """Run the code."""
        self._permitted("test")
        assert (name, version) == ("rewrite", self.version)
        request = json.loads(event)["request"]
        self.uris.append(request["uri"])
        made = self.code(request["uri"], request)
        return json.dumps({"request": {"uri": made}} if made else {"response": {}})

    def _permitted(self, action: str) -> None:
        if action in self.refused:
            msg = f"AccessDenied: {action}"
            raise Undiscovered(msg)


def rewritten(pattern: str = "*", *functions: Function) -> Distribution:
    """Return a distribution with a function."""
    functions = functions or (Function("rewrite", Behaviour(pattern).folder),)
    first = Behaviour(pattern, SITE, rewritten=True, rekeyed=True, functions=functions)
    return Distribution("E1", (first, Behaviour()) if pattern != "*" else (first,))


def learn(asked: Asked, *before: Distribution, pattern: str = "*") -> Distribution:
    """Return a distribution whose function was asked."""
    (found,) = probed([rewritten(pattern)], before, asked)
    return found


def function_of(distribution: Distribution) -> Function:
    """Return the only function."""
    (function,) = distribution.behaviours[0].functions
    return function


def _bare(uri: str) -> str:
    uri += "index.html" if uri.endswith("/") else ""
    return uri if "." in uri.rpartition("/")[2] else uri + "/index.html"


def _original(uri: str, _request: Request) -> str:
    return uri + "/original" if uri.endswith(".jpg") else uri


def _routed(page: str) -> Code:
    return lambda uri, _: uri if "." in uri.rpartition("/")[2] else page


def _by(name: str) -> Code:
    return lambda uri, request: f"/{request['headers'].get(name, {}).get('value', '')}{uri}"


@pytest.mark.parametrize(
    ("code", "pattern", "words"),
    [
        (lambda uri, _: uri, "*", []),
        (lambda uri, _: uri + "index.html" if uri.endswith("/") else uri, "*", ["folders"]),
        (lambda uri, _: _bare(uri), "*", ["bare", "folders"]),
        (lambda uri, _: _bare(uri), "/docs", ["bare", "folders"]),
        (
            lambda uri, _: uri + "home.htm" if uri.endswith("/") else uri,
            "*",
            ["folders", "index=home.htm"],
        ),
        (
            lambda uri, _: uri if uri.endswith("/") or "." in uri else uri + ".html",
            "*",
            ["html"],
        ),
        (lambda uri, _: uri if "." in uri else uri.rstrip("/") + ".htm", "*", ["everything"]),
        (lambda uri, _: uri if "." in uri else uri.rstrip("/") + "/", "*", ["bare"]),
        (lambda uri, _: uri + "-x", "*", ["everything"]),
        (_routed("/index.html"), "/app/*", ["errors=index.html"]),
        (_routed("/app/index.html"), "/app/*", ["errors=app/index.html", "folders"]),
        (lambda uri, _: uri.removeprefix("/app"), "/app/*", ["strip=/app"]),
        (
            lambda uri, _: _bare(uri.removeprefix("/app")),
            "/app/*",
            ["bare", "folders", "strip=/app"],
        ),
        (lambda uri, _: uri.lower(), "*", ["everything"]),
        (lambda uri, _: "/v2" + uri, "*", ["everything"]),
        (_original, "*", ["bare", "index=original"]),
        (_by("host"), "*", ["everything"]),
        (_by("accept-language"), "*", ["everything"]),
        (lambda uri, request: uri + "x" * len(request["querystring"]), "*", ["everything"]),
        (lambda _uri, _request: None, "*", []),
    ],
)
def test_learnt(code: Code, pattern: str, words: Sequence[str]) -> None:
    """What a function makes of the probes becomes words that say so."""
    found = function_of(learn(Asked(code), pattern=pattern))

    assert sorted(found.words) == words
    assert found.version == "1"
    assert not found.refusal


@pytest.mark.parametrize(
    ("asked", "doubt"),
    [
        (Asked(_by("host")), "it reads more than the path"),
        (Asked(lambda uri, _: uri.lower()), "no word says what it does"),
        (Asked(lambda _uri, _request: None), "it answers every request itself"),
        (Asked(stores=True), "it reads a key value store"),
        (Asked(lambda uri, _: _bare(uri)), ""),
    ],
)
def test_doubt(asked: Asked, doubt: str) -> None:
    """A function that no words explain is not understood, and the reason is kept."""
    assert function_of(learn(asked)).doubt == doubt


def test_store() -> None:
    """A function whose key value store changes without a version is not run."""
    asked = Asked(stores=True)

    assert function_of(learn(asked)).words == ()
    assert asked.uris == []


def test_once() -> None:
    """A version is asked once, and the next version again."""
    asked = Asked(lambda uri, _: uri.lower())
    first = learn(asked)
    probes = len(asked.uris)

    assert learn(asked, first) == first
    assert len(asked.uris) == probes
    asked.version, asked.code = "2", lambda uri, _: uri
    assert function_of(learn(asked, first)) == Function("rewrite", "/", "2")
    assert len(asked.uris) == 2 * probes


def test_folders() -> None:
    """A function is asked once below the folder of each path pattern."""
    asked = Asked()
    docs, other = rewritten("/docs/*"), rewritten("/docs/*.html")
    probed([docs, other, rewritten()], (), asked)

    assert {uri[:6] for uri in asked.uris} == {"/docs/", "/", "/edges", "/EDGES"}
    assert Counter(asked.uris).most_common(1)[0][1] == 2


def test_many() -> None:
    """A look asks some functions and no more; the others may do anything until their turn."""
    asked, described = Asked(_original), Counter[str]()

    def live(name: str) -> tuple[str, bool]:
        described[name] += 1
        return "1", False

    asked.live = live  # type: ignore[method-assign]  # it counts
    asked.run = lambda *_: "{}"  # type: ignore[method-assign]  # whatever its name is
    names = [f"rewrite{number}" for number in range(MOST_PROBED + 1)]
    new = [rewritten("*", Function(name), Function(name, "/docs/")) for name in names]

    first = probed(new, (), asked)
    waiting = [function for one in first for function in one.functions if not function.version]
    second = probed(new, first, asked)

    assert described == dict.fromkeys(names, 2)
    assert len(waiting) == 2 * len(names) - MOST_PROBED
    assert {(function.words, bool(function.unclear)) for function in waiting} == {((ALL,), True)}
    later = [function for one in second for function in one.functions if not function.version]
    assert len(later) == len(waiting) - MOST_PROBED


def test_rolled_back() -> None:
    """A version that is live again before the next one had its turn is asked again."""
    asked = Asked(lambda uri, _: _bare(uri))
    waiting = Function("rewrite", "/", "1", (ALL,), refusal="its turn has not come")

    found = function_of(learn(asked, rewritten("*", waiting)))

    assert found == Function("rewrite", "/", "1", ("bare", "folders"))


@pytest.mark.parametrize("action", ["describe", "test"])
def test_refused(action: str) -> None:
    """Without a permission routes are as they were, and the reason is kept until it is back."""
    asked = Asked(lambda uri, _: _bare(uri), refused=[action])
    new = function_of(learn(asked))
    known = rewritten("*", Function("rewrite", "/", "0", ("html",)))

    assert new == Function("rewrite", refusal=f"AccessDenied: {action}")
    assert function_of(learn(asked, known)) == Function(
        "rewrite", "/", "0", ("html",), refusal=f"AccessDenied: {action}"
    )
    asked.refused = ()
    assert function_of(learn(asked, learn(Asked(refused=["test"])))).words == ("bare", "folders")


def test_many_refused() -> None:
    """Functions that may not be asked take no turn from others, and none waits again."""
    asked, names = Asked(refused=["test"]), range(2 * MOST_PROBED - 1)
    site = [rewritten("*", Function(str(number))) for number in names]

    looks = [site]
    for _ in range(4):
        looks.append(list(probed(site, looks[-1], asked)))

    words = [{one.functions[0].words for one in distributions} for distributions in looks[1:]]
    assert words == [{(), (ALL,)}, {()}, {()}, {()}]


def test_refused_for_a_while() -> None:
    """A version that is known already is not asked again once CloudFront answers."""
    asked = Asked()
    refused = learn(Asked(refused=["describe"]), first := learn(asked))
    asked.uris.clear()

    assert function_of(refused).refusal
    assert learn(asked, refused) == first
    assert asked.uris == []


def test_lambda() -> None:
    """A function of Lambda@Edge is never asked."""
    asked = Asked()
    distribution = rewritten("*", Function())

    assert probed([distribution], (), asked) == [distribution]
    assert asked.uris == []


PATHS = [
    (("html",), "*", "docs/a.html", {"/docs/a"}),
    (("bare", "folders"), "*", "docs/index.html", {"/docs"}),
    (("errors=index.html",), "*", "index.html", {"/" + REST}),
    (("errors=index.html",), "*", "a.css", set()),
    (("errors=app.html",), "/app/*", "app.html", {"/app/" + REST}),
    (("everything",), "/app/*", "app/a.css", {"/app/" + REST}),
    (("strip=/app",), "/app/*", "app/a.css", {"/app/app/a.css"}),
]


@pytest.mark.parametrize(("words", "pattern", "key", "added"), PATHS)
def test_added(words: tuple[str, ...], pattern: str, key: str, added: set[str]) -> None:
    """Words that were learnt add paths to those that are sent without them."""
    learnt = Routes([rewritten(pattern, Function("rewrite", "/", "1", words))])
    before = {*Routes([rewritten(pattern)]).viewer_paths("E1", "site", key)}

    assert {*learnt.viewer_paths("E1", "site", key)} == before | added


def test_width_stays() -> None:
    """What a handful of probes shows takes away no path that is sent without it."""
    routes = Routes([rewritten("/app/*", Function("rewrite", "/", "1", ("strip=/app",)))])
    given = Routes(routes.known, parse("strip=/app"))

    assert {*routes.viewer_paths("E1", "site", "a.css")} == {
        "/app/" + REST,
        "/app/a.css",
        "/a.css",
    }
    assert {*given.viewer_paths("E1", "site", "a.css")} == {"/app/a.css", "/a.css"}


@pytest.mark.parametrize("words", ["only", "none", "/x/{key}", "strip=/y"])
def test_words_replace(words: str) -> None:
    """Words of the user's that say how paths lead to objects replace those that were learnt."""
    plain, learnt = (
        rewritten(),
        rewritten("*", Function("rewrite", "/", "1", ("everything", "html"))),
    )
    every = [Routes([one], parse(words)) for one in (plain, learnt)]

    one, other = ({*routes.viewer_paths("E1", "site", "a.html")} for routes in every)
    assert one == other
