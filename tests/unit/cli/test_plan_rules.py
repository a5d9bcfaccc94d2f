"""What `edgesweep plan` makes of a distribution's own rules."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.aws import create_distribution, listening
from tests.fakes.stack import Answered, answer, refusal
from tests.planning import lines, plan, planned

Write = Callable[[object], str]

OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def config(*, root: str = "", path: str = "", host: str = "site.s3", **behaviour: Any) -> Any:  # noqa: ANN401  # JSON
    """Return a `DistributionConfig` with one behaviour."""
    domain = f"{host}.us-east-1.amazonaws.com"
    return {
        "CallerReference": "1",
        "Enabled": True,
        "DefaultRootObject": root,
        "Origins": {
            "Quantity": 1,
            "Items": [{"Id": "o", "DomainName": domain, "OriginPath": path}],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "o",
            "CachePolicyId": OPTIMIZED,
            **behaviour,
        },
    }


FUNCTION: Mapping[str, Any] = {
    "FunctionAssociations": {
        "Quantity": 1,
        "Items": [{"FunctionARN": "strip", "EventType": "viewer-request"}],
    }
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return what writes JSON, or text, into a file and returns its path."""

    def write(content: object) -> str:
        path = tmp_path / "config.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return write


@pytest.mark.parametrize(
    "around",
    [
        lambda config: config,
        lambda config: {"ETag": "E1", "DistributionConfig": config},
        lambda config: {"ETag": "E1", "Distribution": {"Id": "E1", "DistributionConfig": config}},
        lambda config: {"Id": "E1", "DistributionConfig": config},
    ],
)
def test_envelope(write: Write, around: Callable[[object], object]) -> None:
    """A configuration is read with and without what is printed around it."""
    file = write(around(config(root="index.html", path="/v1")))
    keys = lines("v1/index.html", "v1/a.css")

    assert planned("-", "--config", file, stdin=keys)["paths"] == ["/", "/a.css", "/index.html"]


def test_objects(write: Write) -> None:
    """The text says for each path which objects it is for."""
    file = write(config(root="index.html", host="site.s3-website"))
    keys = lines("index.html", *(f"docs/{n}/index.html" for n in range(3)))

    dear = "--refetch-cost", "0.01", "--max-paths", "3"
    docs = "for docs/0/index.html, docs/1/index.html and 1 more"

    result = plan("-", "--config", file, "--live", write_live(file), *dear, stdin=keys)

    assert result.stdout.splitlines()[:4] == [
        "changed  collateral   dollars  path",
        "      1           0  0.005000  /            for index.html",
        f"      6           1  0.015000  /docs/*      {docs}",
        "      1           0  0.005000  /index.html  for index.html",
    ]


def write_live(beside: str) -> str:
    """Write a list of what exists beside a file, and return its path."""
    live = Path(beside).with_name("live")
    live.write_bytes(lines("docs/other.html", "images/1.png", "images/2.png"))
    return str(live)


def test_alias_objects() -> None:
    """So it is for what `--alias` adds."""
    told = plan("-", "--alias", stdin=lines("docs/index.html")).stdout.splitlines()

    assert [line.rpartition("0.005000  ")[2] for line in told[1:4]] == [
        "/docs             for docs/index.html",
        "/docs/            for docs/index.html",
        "/docs/index.html  for docs/index.html",
    ]


def test_words(write: Write) -> None:
    """Words are tried before they are deployed."""
    file = write(config(**FUNCTION))
    keys = lines("a.js")

    def said(words: str) -> object:
        return planned("-", "--config", file, "--viewer-paths", words, stdin=keys)["paths"]

    assert said("strip=/app") == ["/a.js", "/app/a.js"]
    assert said("/300x300/{key}") == ["/300x300/a.js", "/a.js"]
    assert said("E1EXAMPLE=everything,strip=/app") == ["/a.js", "/app/a.js"]


def test_words_of_one(write: Write) -> None:
    """Words for the id in the envelope apply; words that cannot are no words."""
    envelope = {"Distribution": {"Id": "E1", "DistributionConfig": config(**FUNCTION)}}
    options = "--config", write(envelope), "--viewer-paths"

    for words in ("E1=strip=/app", "E1=strip=/app,E2=everything", "strip=/app,E2=only"):
        assert planned("-", *options, words, stdin=lines("a.js"))["paths"] == ["/a.js", "/app/a.js"]
    for words, stray in {"E2=bare": "E2", "strp=/app": "strp", "bare,strp=/app": "strp"}.items():
        told = f"--viewer-paths: {stray} is neither a word nor E1"
        assert refused(*options, words) == told


def test_stems(write: Write) -> None:
    """The words reach the choice of wildcards too."""
    file = write(config())
    keys = lines(*(f"docs/{n}~.html" for n in range(9)))

    paths = planned(
        "-", "--config", file, "--viewer-paths", "stems", "--max-paths", "2", stdin=keys
    )["paths"]

    assert paths == ["/docs/*"]


def test_uncached(write: Write) -> None:
    """Keys of which no copy can be at the edge are named, and need no path."""
    file = write(config(path="/v1", CachePolicyId=DISABLED))

    result = plan("-", "--config", file, "--paths", stdin=lines("v1/a", "b", "b"))

    assert result.stdout == ""
    assert "edgesweep: No cache holds a copy of 2 keys, such as 'v1/a'\n" in result.stderr


def test_live(write: Write) -> None:
    """What exists is where viewers ask for it."""
    file = write(config(path="/v1"))
    live = Path(file).with_name("live")
    live.write_bytes(lines("v1/docs/a.html", "v1/docs/b.html", "docs/c.html"))

    told = planned("-", "--config", file, "--live", str(live), stdin=lines("v1/docs/a.html"))

    assert (told["paths"], told["collateral"]) == (["/docs/a.html"], 0)
    wide = planned(
        *("-", "--config", file, "--live", str(live), "--max-paths", "1"),
        stdin=lines("v1/docs/a.html", "v1/docs/~"),
    )
    assert (wide["paths"], wide["collateral"]) == (["/docs/*"], 1)


def test_any_bucket(write: Write) -> None:
    """An origin under another name counts as each bucket, since the user names the distribution."""
    custom = config()
    custom["Origins"]["Items"][0]["DomainName"] = "proxy.example.com"

    assert planned("-", "--config", write(custom), stdin=lines("a"))["paths"] == ["/*"]


@pytest.fixture
def distribution(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the id of a distribution in front of the bucket `site`, with a page."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="site")
        boto3.client("s3").put_object(Bucket="site", Key="other.html", Body=b"")
        yield create_distribution()


def test_distribution(distribution: str) -> None:
    """A distribution is read with the credentials of the caller, and its bucket is listed."""
    told = planned("-", "--distribution", distribution, stdin=lines("index.html"))
    seen = planned(
        *("-", "--distribution", distribution, "--bucket", "site", "--max-paths", "1"),
        stdin=lines("index.html"),
    )

    assert told["paths"] == ["/", "/index.html"]
    assert (seen["paths"], seen["collateral"]) == (["/*"], 1)


def policy(params: Mapping[str, Any], **_: object) -> Answered:
    """Answer GetCachePolicy: there is one, which puts query strings into the cache key."""
    if not params["url_path"].endswith("/queries"):
        return refusal("NoSuchCachePolicy", "The policy is missing")
    strings = {"QueryStringsConfig": {"QueryStringBehavior": "all"}}
    config = {"MinTTL": 0, "ParametersInCacheKeyAndForwardedToOrigin": strings}
    return answer({"CachePolicy": {"CachePolicyConfig": config}})


def refused(*arguments: str, exit_code: int = 2) -> str:
    """Return the one line that a mistake gets."""
    result = plan("-", *arguments, stdin=b"a\n")
    assert (result.exit_code, result.stdout) == (exit_code, "")
    (line,) = result.stderr.splitlines()
    return line.removeprefix("edgesweep: ")


def test_cache_policy(write: Write) -> None:
    """A cache policy that is none of AWS's is read too, and one that there is not is named."""
    with mock_aws(), listening("before-call.cloudfront.GetCachePolicy", policy):
        file = write(config(CachePolicyId="queries"))
        assert planned("-", "--config", file, stdin=lines("a"))["paths"] == ["/a*"]
        file = write(config(CachePolicyId="nothing"))
        assert refused("--config", file) == "There is no cache policy nothing"


def test_no_distribution(distribution: str) -> None:
    """A distribution that there is not is named."""
    assert distribution
    assert refused("--distribution", "E1EXAMPLE") == "There is no distribution E1EXAMPLE"


def test_denied(distribution: str) -> None:
    """A distribution that the caller may not read is not a reason to guess."""

    def deny(**_: object) -> Answered:
        return refusal("AccessDenied", "no")

    with listening("before-call.cloudfront.GetDistributionConfig", deny):
        told = refused("--distribution", distribution, exit_code=1)

    assert told == "You may not call GetDistributionConfig: no"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "Expecting property name"),
        ("[]", "'list' object has no attribute 'get'"),
        ({"Id": "E1"}, "KeyError('DefaultCacheBehavior')"),
        ({**config(), "DefaultCacheBehavior": {}}, "KeyError('TargetOriginId')"),
        ({**config(), "Origins": {"Items": ["o"]}}, "TypeError"),
        (config(root=5), "AttributeError"),  # type: ignore[arg-type]  # what the test is about
        (json.dumps(config(CachePolicyId="", MinTTL="?")).replace('"?"', "1e400"), "OverflowError"),
        ("[" * 100_000, "RecursionError"),
    ],
)
def test_no_config(write: Write, content: object, reason: str) -> None:
    """A file that holds no configuration is named, with what is wrong."""
    file = write(content)

    told = refused("--config", file)

    assert told.startswith(f"{file} is not the configuration of a distribution: ")
    assert reason in told


def test_no_root(write: Write) -> None:
    """A default root object that is null is none."""
    file = write({**config(), "DefaultRootObject": None})

    assert planned("-", "--config", file, stdin=lines("index.html"))["paths"] == ["/index.html"]


def test_no_text(write: Write) -> None:
    """Neither are other bytes a configuration."""
    file = write("")
    Path(file).write_bytes(b"\x93\xfa")

    assert "is not the configuration of a distribution: UnicodeDecodeError" in refused(
        "--config", file
    )


def test_other_bucket(write: Write) -> None:
    """A bucket that the distribution does not lead to is named."""
    file = write(config())

    assert refused("--config", file, "--bucket", "other") == (
        f"No origin of {file} leads to the bucket other"
    )
    file = write({**config(), "Origins": {"Quantity": 0}})
    assert refused("--config", file) == f"No origin of {file} leads to a bucket"


def test_bad_words(write: Write) -> None:
    """A word that there is not is named with those that there are."""
    told = refused("--config", write(config()), "--viewer-paths", "bear")

    assert told.startswith(
        "'bear' is no word of viewerPaths; the words are everything, html, folders, bare"
    )


def test_together(write: Write) -> None:
    """Options that exclude or need each other say so."""
    file = write(config())
    one = "Give one of --alias, --distribution and --config"

    assert refused("--config", file, "--alias") == one
    assert refused("--config", file, "--distribution", "E1EXAMPLE") == one
    assert refused("--alias", "--distribution", "E1EXAMPLE") == one
    assert refused("--viewer-paths", "bare") == ("--viewer-paths needs --distribution or --config")
    assert refused("--config", "-") == (
        "Only one of CHANGES, --live and --config can be standard input"
    )
