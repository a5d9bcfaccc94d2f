"""The commands of the doctor about functions make the edge fresh."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from edgesweep.aws.cloudfront import Distributions
from edgesweep.flush.policy import Quota
from edgesweep.operate.doctor import Finding, diagnose
from edgesweep.record.catalogue import Name
from edgesweep.record.recorder import Selection
from infra.local.edge.functions import Node
from infra.local.edge.s3 import Website
from tests.fakes.doctor import served_by
from tests.viewers.configurations import Config, edge_lambda, function
from tests.viewers.law import stale
from tests.viewers.world import IDENTITY, SITE, Change, Request, Story, _Client

STORE = {"KeyValueStoreAssociations": {"Quantity": 1}}


# So many that a wildcard which hits them all is no bargain.
OTHERS: Mapping[Name, Mapping[str, str]] = {(SITE, f"app/{n}.js"): {} for n in range(1_500)}


def story(function: Config, key: str, urls: Sequence[Request], pattern: str = "*") -> Story:
    """Return the story of an object behind a function; other paths are answered elsewhere."""
    origins = {"site": "site.s3.us-east-1.amazonaws.com", "api": "api.example.com"}
    seen = {"TargetOriginId": "site", "CachePolicyId": "optimized", **function}
    special = [] if pattern == "*" else [{"PathPattern": pattern, **seen}]
    items = [{"Id": name, "DomainName": host, "OriginPath": ""} for name, host in origins.items()]
    config = {
        "CallerReference": "story",
        "Enabled": True,
        "DefaultRootObject": "",
        "Origins": {"Quantity": 2, "Items": items},
        "OriginGroups": {"Quantity": 0},
        "DefaultCacheBehavior": {"TargetOriginId": "api", "CachePolicyId": "optimized"}
        if special
        else seen,
        "CacheBehaviors": {"Quantity": len(special), "Items": special},
        "CustomErrorResponses": {"Quantity": 0},
    }
    return Story(
        config=config,
        words="",
        selection=Selection(),
        website=Website(),
        listable=True,
        catalogue=False,
        room=Quota(3_000, 13),
        objects={(SITE, key): {}, **OTHERS},
        requests=urls,
        changes=[Change("put", (SITE, key))],
    )


APP = Request("/app/static/js/main.js")
ROUTE = Request("/some/route")
ABOUT = Request("/docs/about")
# Each function, what the doctor finds, and whether the edge is stale before its mend.
KINDS: Mapping[str, tuple[Story, set[str], bool]] = {
    "strips, on origin-request": (
        story(edge_lambda("lambda-strip", "origin-request"), "static/js/main.js", [APP], "/app/*"),
        {"paths-unsaid", "keys-unsaid"},
        False,
    ),
    "strips": (
        story(function("strip"), "static/js/main.js", [APP], "/app/*"),
        {"keys-unsaid"},
        False,
    ),
    "falls back, on origin-response": (
        story(edge_lambda("lambda-fallback", "origin-response"), "index.html", [ROUTE]),
        {"paths-unsaid"},
        True,
    ),
    "answers routes with a page": (
        story(function("single-page"), "index.html", [ROUTE]),
        set(),
        False,
    ),
    "appends .html": (story(function("html"), "docs/about.html", [ABOUT]), set(), False),
    "adds index documents, on origin-request": (
        story(edge_lambda("lambda-bare", "origin-request"), "docs/about/index.html", [ABOUT]),
        {"paths-unsaid"},
        True,
    ),
    "folds case": (
        story(function("fold"), "a.html", [Request("/A.HTML")]),
        {"paths-unsaid"},
        False,
    ),
    "picks a folder by language": (
        story(function("language"), "docs/a.html", [Request("/a.html", "de")]),
        {"paths-unsaid"},
        False,
    ),
}


def found(story: Story, node: Node) -> Sequence[Finding]:
    """Return what the doctor finds."""
    client: Any = _Client(story.config, node)
    distributions = Distributions(client, [SITE]).find()
    facts = served_by(*distributions, named=(IDENTITY,))
    return diagnose(replace(facts, keys={SITE: [key for _, key in story.objects]}))


def mended(story: Story, finding: Finding) -> Story:
    """Return the story after a deployment that the doctor prints."""
    start = "--param=viewerPaths="
    (words,) = [one for one in shlex.split(finding.mend) if one.startswith(start)]
    return replace(story, words=words.removeprefix(start))


@pytest.mark.parametrize("kind", KINDS)
def test_mend(node: Node, kind: str) -> None:
    """Whatever a function does, the edge is fresh after each mend that the doctor prints."""
    told, checks, before = KINDS[kind]
    findings = found(told, node)

    assert {one.check for one in findings} == checks
    assert bool(list(stale(told, node))) is before
    assert [list(stale(mended(told, one), node)) for one in findings] == [[]] * len(findings)


def test_store(node: Node) -> None:
    """A function with a key value store, which may do anything, is mended as well."""
    told, *_ = KINDS["appends .html"]
    described = {"ETag": "1", "FunctionSummary": {"FunctionConfig": STORE}}
    with mock.patch.object(_Client, "describe_function", return_value=described):
        (finding,) = found(told, node)
        assert list(stale(told, node))

        assert list(stale(mended(told, finding), node)) == []
