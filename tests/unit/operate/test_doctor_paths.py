"""What the doctor finds about functions, and about keys that nobody serves."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from edgesweep.operate.doctor import Facts, Finding, Harm, diagnose, mends
from edgesweep.record.recorder import Selection
from edgesweep.routes import Behaviour, Distribution, Origin
from edgesweep.routes.distribution import Function, unread
from edgesweep.routes.variants import parse
from tests.fakes.doctor import served_by

SITE = (Origin("site"),)
BARE = Function("rewrite", "/", "1", ("bare",))
LAMBDA = Function()
REFUSED = Function("rewrite", refusal="AccessDenied")
STORE = Function("rewrite", "/", "1", doubt="it reads a key value store")
LANGUAGE = Function("rewrite", "/", "1", ("everything",), "it reads more than the path")
STRIP = Function("rewrite", "/app/", "1", ("bare", "strip=/app"))


def rewritten(*functions: Function, pattern: str = "*", identity: str = "E1") -> Distribution:
    """Return a distribution with functions, and another server behind the rest of the paths."""
    seen = Behaviour(pattern, SITE, rewritten=bool(functions), functions=functions)
    return Distribution(identity, (seen,) if pattern == "*" else (seen, Behaviour()))


def facts(*distributions: Distribution, words: str = "", keys: Sequence[str] = ()) -> Facts:
    """Return the facts of an otherwise healthy stack."""
    found = served_by(*distributions, named=tuple(one.id for one in distributions))
    configured = replace(found.configured, variants=parse(words))
    place = replace(found.place, parameters={"bucket": "site", "viewerPaths": words})
    return replace(found, place=place, configured=configured, keys={"site": keys})


def words_of(finding: Finding) -> str:
    """Return the words that a mend sets."""
    start = "--param=viewerPaths="
    (words,) = [word for word in finding.mend.replace("'", "").split() if word.startswith(start)]
    return words.removeprefix(start)


@pytest.mark.parametrize(
    ("function", "harm", "reason"),
    [
        (LAMBDA, Harm.LOSES, "Lambda@Edge is never asked"),
        (REFUSED, Harm.LOSES, "AccessDenied"),
        (STORE, Harm.LOSES, "it reads a key value store"),
        (LANGUAGE, Harm.COSTS, "it reads more than the path"),
    ],
)
def test_unsaid(function: Function, harm: Harm, reason: str) -> None:
    """A function that is not understood is named with the reason, and `everything` is safe."""
    (found,) = diagnose(facts(rewritten(BARE, function, pattern="/docs/*")))

    assert (found.check, found.harm) == ("paths-unsaid", harm)
    assert f"sees requests of /docs/*, and {reason}" in found.text
    assert words_of(found) == "E1=everything"


@pytest.mark.parametrize(
    "healthy",
    [
        facts(rewritten(BARE)),
        facts(rewritten(LAMBDA), words="bare"),
        facts(rewritten(LAMBDA), words="E1=bare"),
        facts(replace(rewritten(BARE), id="E1"), keys=["index.html", "docs/index.html"]),
        facts(rewritten(STRIP, pattern="/app/*"), words="strip=/app", keys=["a.js"]),
        facts(unread("E1", ["site"]), keys=["a.js"]),
    ],
)
def test_said(healthy: Facts) -> None:
    """Nothing is found where functions are understood, or the user says what they do."""
    assert diagnose(healthy) == []


def test_several() -> None:
    """One deployment says the viewer paths of every distribution, beside those said before."""
    two = [rewritten(LAMBDA, identity=name) for name in ("E1", "E2")]
    (mend,) = mends(diagnose(facts(*two, words="E9=bare")))

    assert "--param=viewerPaths=E9=bare,E1=everything,E2=everything " in mend


def test_unserved() -> None:
    """Keys that no distribution serves are counted and shown, with a word that would serve them."""
    behaviours = (Behaviour("/app/*", SITE), Behaviour())
    keys = ["app/a.js", *(f"{name}.js" for name in "abcd"), "logs/1"]
    found = facts(Distribution("E1", behaviours), keys=keys)
    found = replace(
        found, configured=replace(found.configured, selection=Selection((), ("logs/*",)))
    )

    (finding,) = diagnose(found)

    assert (finding.check, finding.harm, finding.manual) == ("keys-unsaid", Harm.NOTE, True)
    assert "serves 4 keys of the bucket site, such as a.js, b.js, c.js;" in finding.text
    assert words_of(finding) == "E1=bare+folders+html+strip=/app"


def test_unserved_otherwise() -> None:
    """Where no folder explains it, `everything` serves a key."""
    behaviour = Behaviour(origins=(Origin("site", "v1/"),))
    (finding,) = diagnose(facts(Distribution("E1", (behaviour,)), keys=["v1/a", "v2/a"]))

    assert "such as v2/a;" in finding.text
    assert words_of(finding) == "E1=everything"


@pytest.mark.parametrize(
    ("function", "words"),
    [(STRIP, "E1=bare+strip=/app"), (BARE, "E1=bare+folders+html+strip=/app")],
)
def test_guessed(function: Function, words: str) -> None:
    """Keys that only a function can lead to have words that are more precise than the guess."""
    (finding,) = diagnose(facts(rewritten(function, pattern="/app/*"), keys=["a.js", "app/b.js"]))

    assert (finding.check, finding.harm, finding.manual) == ("keys-unsaid", Harm.NOTE, True)
    assert "lead to 1 keys of the bucket site, such as a.js," in finding.text
    assert words_of(finding) == words
