"""What CloudFront is asked to find distributions, and where they are kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws
from pynamodb.exceptions import PutError

from edgesweep.aws.cloudfront import READING_CONFIG, Distributions
from edgesweep.aws.dynamodb import RoutesTable, models
from edgesweep.errors import Undiscovered
from edgesweep.routes import Behaviour, Distribution, Origin
from edgesweep.routes.config import cache_policies_of
from edgesweep.routes.distribution import Function, unread
from edgesweep.routes.kept import Kept, Tracked
from tests.aws import create_table
from tests.configured import NAMES, POLICIES, config_of, configuration

FUNCTION = Function("rewrite", "/", "E1", ("bare", "html"), "a doubt", "a refusal")
Answers = Mapping[str, Any]


@pytest.fixture
def cloudfront() -> Iterator[Stubber]:
    """Answer just the requests that are foreseen, in their order."""
    client = boto3.client("cloudfront", "us-east-1", config=READING_CONFIG)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def lists(stubber: Stubber, *pages: Sequence[str], **differing: str) -> None:
    """Foresee a listing of distributions, in pages."""
    for number, page in enumerate(pages):
        last = number == len(pages) - 1
        listed = {
            "Marker": f"page{number}" * (number > 0),
            "MaxItems": 100,
            "IsTruncated": not last,
            "Quantity": len(page),
            "Items": [summary(name) | differing for name in page],
        } | ({} if last else {"NextMarker": f"page{number + 1}"})
        asked = {"Marker": f"page{number}"} if number else {}
        stubber.add_response("list_distributions", {"DistributionList": listed}, asked)


def summary(name: str) -> dict[str, Any]:
    """Return a configuration as a listing shows it: without the default root object."""
    config = config_of(name)
    hidden = ("CallerReference", "DefaultRootObject", "Logging", "ContinuousDeploymentPolicyId")
    shown = {key: value for key, value in config.items() if key not in hidden}
    return shown | described(name)


def described(name: str, status: str = "Deployed") -> dict[str, Any]:
    """Return what describes a distribution beside its configuration."""
    return {
        "Id": name,
        "ARN": f"arn:aws:cloudfront::111122223333:distribution/{name}",
        "Status": status,
        "LastModifiedTime": datetime(2026, 11, 23, tzinfo=UTC),
        "DomainName": "d111111abcdef8.cloudfront.net",
    }


def tells(stubber: Stubber, *names: str, status: str = "Deployed") -> None:
    """Foresee that distributions are read."""
    for name in names:
        told = described(name, status) | {"InProgressInvalidationBatches": 0}
        answer = {"Distribution": told | {"DistributionConfig": config_of(name)}, "ETag": "E"}
        stubber.add_response("get_distribution", answer, {"Id": name})


def explains(stubber: Stubber, *policies: str) -> None:
    """Foresee that cache policies are read."""
    for name in policies:
        answer = {
            "CachePolicy": {
                "Id": name,
                "LastModifiedTime": datetime(2026, 11, 23, tzinfo=UTC),
                "CachePolicyConfig": POLICIES[name],
            }
        }
        stubber.add_response("get_cache_policy", answer, {"Id": name})


def look(
    stubber: Stubber,
    buckets: Sequence[str] = (),
    only: Sequence[str] = (),
    known: Sequence[str] = (),
) -> Mapping[Distribution, bool]:
    """Look for distributions."""
    client: Any = stubber.client
    return Distributions(client, buckets, only).find({one: Distribution(one, ()) for one in known})


def find(stubber: Stubber, *arguments: Sequence[str]) -> Sequence[Distribution]:
    """Look for distributions that are deployed."""
    found = look(stubber, *arguments)
    assert all(found.values())
    return list(found)


def test_discovered(cloudfront: Stubber) -> None:
    """Every distribution that leads to a bucket is found, on whatever page, and no other read."""
    buckets = ["docs-site", "gallery"]
    lists(cloudfront, ["oai", "oac"], ["website", "cache-policy"])
    tells(cloudfront, "oac", "cache-policy")
    explains(
        cloudfront,
        "3f1c9a52-6a0e-4c3d-9d0a-5a7c1d2e4f60",
        "658327ea-f89d-4fab-a63d-7e88639e58f6",
    )

    found = find(cloudfront, buckets)

    assert found == [configuration("oac", buckets), configuration("cache-policy", buckets)]


def test_every_bucket(cloudfront: Stubber) -> None:
    """Without buckets, every distribution that leads to any bucket is found."""
    lists(cloudfront, ["oai", "website"])
    tells(cloudfront, "oai", "website")
    explains(cloudfront, "658327ea-f89d-4fab-a63d-7e88639e58f6")

    found = find(cloudfront)

    assert [distribution.id for distribution in found] == ["oai", "website"]


def test_none(cloudfront: Stubber) -> None:
    """An account without a distribution has none."""
    empty = {"Marker": "", "MaxItems": 100, "IsTruncated": False, "Quantity": 0}
    cloudfront.add_response("list_distributions", {"DistributionList": empty}, {})

    assert find(cloudfront, ["docs-site"]) == []


def test_for_tenants(cloudfront: Stubber) -> None:
    """A distribution for tenants takes no invalidations, so it is passed over."""
    lists(cloudfront, ["oac"], ConnectionMode="tenant-only")

    assert find(cloudfront, ["docs-site"]) == []


def test_named(cloudfront: Stubber) -> None:
    """Distributions that are named are read, and nothing is listed."""
    tells(cloudfront, "staging", "disabled")
    explains(cloudfront, "658327ea-f89d-4fab-a63d-7e88639e58f6")

    found = find(cloudfront, ["docs-site"], ["staging", "disabled"])

    assert [(one.id, one.enabled) for one in found] == [("staging", True), ("disabled", False)]


def test_named_unreadable(cloudfront: Stubber) -> None:
    """One that is named and may not be read counts as serving every object at any path."""
    cloudfront.add_client_error("get_distribution", "AccessDenied", http_status_code=403)

    found = find(cloudfront, ["docs-site"], ["E1"])

    assert found == [unread("E1", ["docs-site"])]
    assert found[0].origins == [Origin("docs-site")]


def test_named_for_tenants(cloudfront: Stubber) -> None:
    """One that is named and takes invalidations by tenant alone counts as disabled."""
    config = config_of("oac") | {"ConnectionMode": "tenant-only"}
    told = described("oac") | {"InProgressInvalidationBatches": 0, "DistributionConfig": config}
    cloudfront.add_response("get_distribution", {"Distribution": told, "ETag": "E"}, {"Id": "oac"})
    explains(cloudfront, "658327ea-f89d-4fab-a63d-7e88639e58f6")

    (found,) = find(cloudfront, ["docs-site"], ["oac"])

    assert (found.for_tenants, found.enabled) == (True, False)


def test_named_elsewhere(cloudfront: Stubber) -> None:
    """The origins of a distribution that is named may lead to the bucket under other names."""
    tells(cloudfront, "three-behaviours")
    explains(cloudfront, *sorted(cache_policies_of(config_of("three-behaviours"))))

    (found,) = find(cloudfront, ["docs-site"], ["three-behaviours"])

    assert found.origins == [Origin("docs-site")]


def test_gone(cloudfront: Stubber) -> None:
    """A distribution that was deleted meanwhile is not found; the others are."""
    lists(cloudfront, ["oac", "staging"])
    cloudfront.add_client_error("get_distribution", "NoSuchDistribution", http_status_code=404)
    tells(cloudfront, "staging")
    explains(cloudfront, "658327ea-f89d-4fab-a63d-7e88639e58f6")

    found = find(cloudfront, ["docs-site"])

    assert [distribution.id for distribution in found] == ["staging"]


def test_under_way(cloudfront: Stubber) -> None:
    """Discovery says whether all edges use a configuration already."""
    lists(cloudfront, ["oac", "staging"])
    tells(cloudfront, "oac", status="InProgress")
    tells(cloudfront, "staging")
    explains(cloudfront, "658327ea-f89d-4fab-a63d-7e88639e58f6")

    assert list(look(cloudfront, ["docs-site"]).values()) == [False, True]


def test_known(cloudfront: Stubber) -> None:
    """What is known is read though the list leaves it out, or though it leads elsewhere now."""
    lists(cloudfront, ["oac"])
    tells(cloudfront, "oac", "website")
    explains(cloudfront, "658327ea-f89d-4fab-a63d-7e88639e58f6")

    found = find(cloudfront, ["docs-site"], (), ["website", "oac"])

    assert [(one.id, list(one.origins)) for one in found] == [
        ("oac", [Origin("docs-site")]),
        ("website", []),
    ]


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchCachePolicy"])
def test_refused(cloudfront: Stubber, code: str) -> None:
    """A refusal of CloudFront is one line, and never counts as the absence of a distribution."""
    cloudfront.add_client_error("list_distributions", code, http_status_code=403)

    with pytest.raises(Undiscovered, match=f"^The distributions cannot be read: .*{code}"):
        find(cloudfront, ["docs-site"])


def test_unreadable_unnamed(cloudfront: Stubber) -> None:
    """A listed distribution that may not be read is not a reason to guess."""
    lists(cloudfront, ["oac"])
    cloudfront.add_client_error("get_distribution", "AccessDenied", http_status_code=403)

    with pytest.raises(Undiscovered, match="AccessDenied"):
        find(cloudfront, ["docs-site"])


EVENT = '{"request": {"uri": "/"}}'
ASKED = {"Name": "rewrite", "IfMatch": "E1", "Stage": "LIVE", "EventObject": EVENT.encode()}


def function(**config: object) -> Mapping[str, Any]:
    """Return what describes a function."""
    metadata = {
        "FunctionARN": "arn:aws:cloudfront::111122223333:function/rewrite",
        "LastModifiedTime": datetime(2026, 11, 23, tzinfo=UTC),
    }
    written = {"Comment": "", "Runtime": "cloudfront-js-2.0", **config}
    return {"Name": "rewrite", "FunctionConfig": written, "FunctionMetadata": metadata}


@pytest.mark.parametrize(
    ("config", "stores"),
    [
        ({}, False),
        ({"KeyValueStoreAssociations": {"Quantity": 0}}, False),
        ({"KeyValueStoreAssociations": {"Quantity": 1}}, True),
    ],
)
def test_live(cloudfront: Stubber, config: Mapping[str, object], *, stores: bool) -> None:
    """The version of a function is the tag of its live stage."""
    cloudfront.add_response(
        "describe_function",
        {"ETag": "E1", "FunctionSummary": function(**config)},
        {"Name": "rewrite", "Stage": "LIVE"},
    )
    client: Any = cloudfront.client

    assert Distributions(client).live("rewrite") == ("E1", stores)


@pytest.mark.parametrize(
    ("result", "made"),
    [
        ({"FunctionOutput": EVENT, "FunctionErrorMessage": ""}, EVENT),
        ({"FunctionErrorMessage": "TypeError"}, ""),
    ],
)
def test_run(cloudfront: Stubber, result: Mapping[str, str], made: str) -> None:
    """The live version of a function is run; one that fails makes nothing."""
    cloudfront.add_response("test_function", {"TestResult": result}, ASKED)
    client: Any = cloudfront.client

    assert Distributions(client).run("rewrite", "E1", EVENT) == made


@pytest.mark.parametrize("operation", ["describe_function", "test_function"])
def test_refused_function(cloudfront: Stubber, operation: str) -> None:
    """A refusal of CloudFront says why."""
    cloudfront.add_client_error(operation, "AccessDenied", http_status_code=403)
    client: Any = cloudfront.client
    functions = Distributions(client)

    with pytest.raises(Undiscovered, match="AccessDenied"):
        _ = (
            functions.live("rewrite")
            if operation == "describe_function"
            else functions.run("rewrite", "E1", EVENT)
        )


def test_functions(cloudfront: Stubber) -> None:
    """A distribution is found with what its functions do, or with why they were not asked."""
    tells(cloudfront, "viewer-request")
    explains(cloudfront, *sorted(cache_policies_of(config_of("viewer-request"))))
    cloudfront.add_client_error("describe_function", "AccessDenied", http_status_code=403)
    client: Any = cloudfront.client

    (found,) = Distributions(client, [], ["viewer-request"]).find()

    (asked, *_) = found.functions
    assert asked.name
    assert "AccessDenied" in asked.refusal


@pytest.fixture
def table() -> Iterator[RoutesTable]:
    """Return an empty table."""
    with mock_aws():
        create_table("flushes")
        yield RoutesTable("flushes", boto3.Session())


def test_never_saved(table: RoutesTable) -> None:
    """A table where nothing was saved knows that it does not know."""
    assert table.load() is None


def test_saved(table: RoutesTable) -> None:
    """What was saved last is what is loaded, whole."""
    every = [configuration(name) for name in NAMES]
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    first = Kept()
    last = Kept(
        tracked=(
            *(Tracked(replace(one, fingerprint="f00d")) for one in every),
            Tracked(Distribution("E9", (Behaviour(functions=(FUNCTION,)),))),
            Tracked(every[0], (every[1], replace(every[0], enabled=False)), noon, noon),
        ),
        complete_since={"site": noon},
        missed={"other": noon},
        unwired=("site",),
        attached=("other", "site"),
        checked_at=noon,
        place="2026",
        passed=3,
        revision=1,
    )
    assert table.save(first)
    assert table.load() == replace(first, revision=1)

    assert table.save(last)

    assert table.load() == replace(last, revision=2)


def test_saved_before(table: RoutesTable) -> None:
    """What was saved before functions were asked is loaded as if none were known."""
    behaviour = Behaviour(origins=(Origin("site"),), rewritten=True, rekeyed=True)
    kept = Kept((Tracked(Distribution("E1", (behaviour,), fingerprint="f00d")),))
    written = asdict(kept)
    del written["tracked"][0]["newest"]["behaviours"][0]["functions"]
    with mock.patch.object(models, "asdict", return_value=written):
        table.save(kept)

    assert table.load() == replace(kept, revision=1)


def test_saved_meanwhile(table: RoutesTable) -> None:
    """A save fails, and says so, if somebody else saved after the record was loaded."""
    table.save(Kept(place="first"))

    assert not table.save(Kept(place="late"))
    assert table.save(Kept(place="second", revision=1))
    assert not table.save(Kept(place="later", revision=1))

    assert table.load() == Kept(place="second", revision=2)


def test_unwritable(table: RoutesTable) -> None:
    """A table that does not answer does not count as one that somebody else has written."""
    boto3.client("dynamodb", "us-east-1").delete_table(TableName="flushes")

    with pytest.raises(PutError):
        table.save(Kept())
