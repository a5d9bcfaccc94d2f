"""Routes agree with a naive model that starts from what a viewer asks for."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edgesweep.paths import REST
from edgesweep.routes import Routes
from edgesweep.routes.config import read
from edgesweep.routes.patterns import matches, may_match, must_match

Config = Mapping[str, Any]

BUCKETS = ("one", "two")
PARTS = ("a", "b", "ab", "index.html")
KEYS = tuple("/".join(parts) for n in (1, 2, 3) for parts in product(PARTS, repeat=n))
URLS = ("/", *(f"/{key}" for key in KEYS), *(f"/{key}/" for key in KEYS))

DOMAINS = ("{}.s3.amazonaws.com", "{}.s3.eu-west-1.amazonaws.com")
CHANGING = ("viewer-request", "origin-request", "origin-response")
WEBSITE = "{}.s3-website-us-east-1.amazonaws.com"


def origins() -> st.SearchStrategy[dict[str, str]]:
    """Return origins: a bucket, its website, or another server, with or without an origin path."""
    domains = [form.format(bucket) for form in (*DOMAINS, WEBSITE) for bucket in BUCKETS]
    return st.fixed_dictionaries(
        {
            "DomainName": st.sampled_from([*domains, "www.example.com"]),
            "OriginPath": st.sampled_from(["", "", "/a", "/a/b"]),
        }
    )


def behaviours(targets: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return cache behaviours, e.g. everything in `a?/` to an origin, query strings and all."""
    event = st.sampled_from([*CHANGING, "viewer-response"])
    function = st.builds(lambda kind: {"EventType": kind}, event)
    return st.fixed_dictionaries(
        {
            "PathPattern": st.text("ab/*?", min_size=1, max_size=5),
            "TargetOriginId": st.sampled_from(targets),
            "ForwardedValues": st.fixed_dictionaries({"QueryString": st.booleans()}),
            "FunctionAssociations": st.builds(items, st.lists(function, max_size=1)),
        }
    )


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Return distribution configurations, two origins and a group of both in each."""
    pair = [draw(origins()) | {"Id": name} for name in ("first", "second")]
    group = {"Id": "group", "Members": items([{"OriginId": origin["Id"]} for origin in pair])}
    *special, default = draw(
        st.lists(behaviours(["first", "second", "group"]), min_size=1, max_size=4)
    )
    del default["PathPattern"]
    return {
        "Enabled": draw(st.booleans()),
        "DefaultRootObject": draw(st.sampled_from(["", "index.html", "a/index.html", "b"])),
        "Origins": items(pair),
        "OriginGroups": items([group]),
        "CacheBehaviors": items(special),
        "DefaultCacheBehavior": default,
    }


def items(members: Sequence[object]) -> Config:
    """Return a list as CloudFront writes one: without items, there is no member for them."""
    return {"Quantity": len(members)} | ({"Items": members} if members else {})


def fits(pattern: str, path: str) -> bool:
    """Match a path pattern letter by letter."""
    if not pattern or not path:
        return not path and not pattern.strip("*")
    if pattern[0] == "*":
        return fits(pattern[1:], path) or fits(pattern, path[1:])
    return pattern[0] in ("?", path[0]) and fits(pattern[1:], path[1:])


def served(config: Config, url: str) -> Iterator[tuple[str, str, str, bool, bool]]:
    """Yield bucket and key of what may answer a URL, under which, if queries count, and if sure."""
    root = config["DefaultRootObject"]
    at_root = root and url in ("/", f"/{root}"[: f"/{root}".rindex("/") + 1])
    for looked_up in [url, f"/{root}"] if at_root else [url]:
        for behaviour, sure in first(config, looked_up):
            query = behaviour["ForwardedValues"]["QueryString"]
            rewriting = bool(events(behaviour) & {*CHANGING})
            for origin in targets(config, behaviour):
                bucket = origin["DomainName"].split(".")[0]
                asked = [root] if at_root else []
                if looked_up == url:
                    asked.append(url[1:])
                    folder = "website" in origin["DomainName"] or rewriting
                    if url.endswith("/") and folder:
                        asked.append(url[1:] + "index.html")
                for name in asked:
                    renamed = name == root or "viewer-request" in events(behaviour)
                    seen = {url, f"/{name}", "/" * (name == root)} - {""} if renamed else {url}
                    for cached in seen:
                        yield bucket, f"{origin['OriginPath']}/{name}"[1:], cached, query, sure


def first(config: Config, url: str) -> Iterator[tuple[Config, bool]]:
    """Yield the behaviours that may be the first to fit a URL, and whether that is sure."""
    for behaviour in config["CacheBehaviors"].get("Items", []):
        pattern = behaviour["PathPattern"]
        sure = fits(pattern.removeprefix("/"), url[1:])
        if sure or fits(pattern, url):
            yield behaviour, sure
        if sure:
            return
    yield config["DefaultCacheBehavior"], True


def listed(config: Config) -> Sequence[Config]:
    """Return all behaviours of a configuration."""
    return [*config["CacheBehaviors"].get("Items", []), config["DefaultCacheBehavior"]]


def events(behaviour: Config) -> set[str]:
    """Return what the functions of a behaviour see."""
    return {one["EventType"] for one in behaviour["FunctionAssociations"].get("Items", [])}


def targets(config: Config, behaviour: Config) -> Iterator[Config]:
    """Yield the origins that a behaviour asks, and those that only its function can choose."""
    named = {one["TargetOriginId"] for one in listed(config)}
    choosing = events(behaviour) & {"viewer-request", "origin-request"}
    for origin in config["Origins"]["Items"]:
        unnamed = not named & {"group", origin["Id"]}
        if behaviour["TargetOriginId"] in ("group", origin["Id"]) or (unnamed and choosing):
            yield origin


def hidden(config: Config, bucket: str, key: str) -> Iterator[str]:
    """Yield what stands for the paths that functions may make from an unserved object."""
    for behaviour in listed(config):
        start = re.split("[*?]", behaviour.get("PathPattern", "*").removeprefix("/"))[0]
        for origin in targets(config, behaviour):
            path = f"/{key}".removeprefix(origin["OriginPath"])
            inside = f"/{key}".startswith(origin["OriginPath"] + "/")
            if origin["DomainName"].startswith(f"{bucket}.s3") and inside:
                if events(behaviour) & {*CHANGING}:
                    yield f"/{start}{REST}"
                if "viewer-request" in events(behaviour):
                    yield path


@given(configs())
def test_both_directions(config: Config) -> None:
    """An object has just the viewer paths that may be asked for, or those that functions make."""
    # The paths of longer keys are no URLs here, so nobody asks for them.
    answers = [
        one
        for url in URLS
        for one in served(config, url)
        if one[0] in BUCKETS and one[1] in KEYS and one[2] in URLS
    ]
    expected = {
        (bucket, key, cached + end)
        for bucket, key, cached, query, _ in answers
        for end in ("", *["?" * cached.endswith("/") + REST] * query)
    }
    routes = Routes([read("E1", config)])
    served_objects = {(bucket, key) for bucket, key, _ in expected}
    doubtful = served_objects - {(bucket, key) for bucket, key, *_, sure in answers if sure}
    expected |= {
        (*one, path)
        for one in doubtful
        for path in hidden(config, *one)
        if path.removesuffix(REST) in URLS
    }
    unserved = {*product(BUCKETS, KEYS)} - served_objects

    found = {
        (bucket, key, path)
        for bucket, key in served_objects
        for path in routes.viewer_paths("E1", bucket, key)
        if path.removesuffix(REST).removesuffix("?") in URLS
    }

    assert found == expected
    for bucket, key in unserved:
        assert {*routes.viewer_paths("E1", bucket, key)} == {*hidden(config, bucket, key)}
    for bucket, key in product(BUCKETS, KEYS):
        reached = (bucket, key) in served_objects or any(hidden(config, bucket, key))
        assert routes.distributions(bucket, key) == ["E1"] * (reached and config["Enabled"])


@given(st.text("ab/*?", max_size=6), st.text("ab/", max_size=6))
def test_patterns(pattern: str, path: str) -> None:
    """Patterns match as they do letter by letter, whether or not they begin with a slash."""
    expected = fits(pattern.removeprefix("/"), path)

    assert matches(pattern, "/" + path) == expected
    assert matches("/" + pattern.removeprefix("/"), "/" + path) == expected


@given(st.text("ab*?", max_size=4), st.text("ab", max_size=3))
def test_prefixes(pattern: str, prefix: str) -> None:
    """A pattern may match a prefix if it matches some path with it, and must if it matches all."""
    ends = ["".join(letters) for n in range(5) for letters in product("abc", repeat=n)]
    matched = [fits(pattern, prefix + end) for end in ends]

    assert may_match(pattern, "/" + prefix) == any(matched)
    assert not must_match(pattern, "/" + prefix) or all(matched)
