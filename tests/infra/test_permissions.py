"""What the stack allows: nothing that could be said more narrowly.

AWS says for each action which types of resources it can be allowed on; cfn-lint brings a copy of
https://docs.aws.amazon.com/service-authorization/latest/reference/ with it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from tests.infra.conftest import Package

Statement = Mapping[str, Any]

REFERENCE = json.loads(
    (Path(cfnlint.__file__).parent / "data/AdditionalSpecs/Policies.json").read_text()
)

DISTRIBUTION = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/*"
FUNCTION = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:function/*"
WHOLE_ACCOUNT = "others invalidate any distribution of the account"
OF_THE_SITE = "arn:${AWS::Partition}:s3:::edgesweep-prod-${AWS::AccountId}-${AWS::Region}/*"
FOUND_OUT = "which distributions lead to the buckets is found out later, and may change"
NO_NAMES = "the keys of objects are not known beforehand"

# Where it is allowed, and what -> the resource, and why it cannot be narrower.
WILDCARDS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("FlushRole", "cloudfront:ListDistributions"): ("*", "a list has no name"),
    ("FlushRole", "cloudwatch:GetMetricStatistics"): ("*", "metrics have no name to allow"),
    ("FlushRole", "cloudfront:GetCachePolicy"): (
        "arn:${AWS::Partition}:cloudfront::*:cache-policy/*",
        "distributions name their cache policies, and those of AWS belong to no account",
    ),
    ("FlushRole", "cloudfront:CreateInvalidation"): (DISTRIBUTION, FOUND_OUT),
    ("FlushRole", "cloudfront:GetInvalidation"): (DISTRIBUTION, FOUND_OUT),
    ("FlushRole", "cloudfront:ListInvalidations"): (DISTRIBUTION, FOUND_OUT),
    ("FlushRole", "cloudfront:GetDistribution"): (DISTRIBUTION, FOUND_OUT),
    ("FlushRole", "cloudfront:DescribeFunction"): (FUNCTION, FOUND_OUT),
    ("FlushRole", "cloudfront:TestFunction"): (FUNCTION, FOUND_OUT),
    ("WakeRole", "cloudfront:CreateInvalidation"): (DISTRIBUTION, FOUND_OUT),
    ("WakeRole", "cloudfront:GetInvalidation"): (DISTRIBUTION, FOUND_OUT),
    ("WakeRole", "cloudfront:ListInvalidations"): (DISTRIBUTION, FOUND_OUT),
    ("CataloguePolicy", "s3:GetObject"): (OF_THE_SITE, NO_NAMES),
    ("SiteBucketPolicy", "s3:GetObject"): ("${SiteBucket.Arn}/*", NO_NAMES),
}


@pytest.fixture(params=["site", "buckets", "contrary"], name="allowed")
def _allowed(
    request: pytest.FixtureRequest, packages: Mapping[str, Package], contrary: Package
) -> list[tuple[str, str, str]]:
    """Return where, which action and on which resource: everything that the template allows."""
    package = {**packages, "contrary": contrary}[request.param]
    return [
        (
            name,
            action,
            str(resource.get("Fn::Sub", resource) if isinstance(resource, dict) else resource),
        )
        for name, statement in _statements(package)
        if statement["Effect"] == "Allow" and "Resource" in statement
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    ]


def test_actions(allowed: list[tuple[str, str, str]]) -> None:
    """Actions are named one by one, as AWS knows them."""
    entries = [known(action) for _, action, _ in allowed]

    assert allowed
    assert [one for one, entry in zip(allowed, entries, strict=True) if entry is None] == []


def test_resources(allowed: list[tuple[str, str, str]]) -> None:
    """A resource that is not named is in the table above, just as it is there."""
    wide = [one for one in allowed if "*" in one[2]]
    explained = {name: text.replace(OF_THE_SITE, "") for name, (text, _) in WILDCARDS.items()}

    assert [
        (name, action, resource)
        for name, action, resource in wide
        if not resource.endswith(explained.get((name, action), "nowhere") or "/*")
    ] == []


def test_everything(allowed: list[tuple[str, str, str]]) -> None:
    """Only what AWS can allow on nothing narrower is allowed on everything."""
    everything = {action for _, action, resource in allowed if resource == "*"}

    assert [action for action in everything if (known(action) or {}).get("Resources")] == []


def test_named(contrary: Package, packages: Mapping[str, Package]) -> None:
    """Every row of the table is needed by some deployment."""
    used = {
        (name, action)
        for package in (contrary, *packages.values())
        for name, statement in _statements(package)
        if statement["Effect"] == "Allow" and "*" in str(statement.get("Resource", ""))
        for action in _listed(statement["Action"])
    }

    assert used == WILDCARDS.keys()


def known(action: str) -> Mapping[str, Any] | None:
    """Return AWS's entry of an action, None if it knows none of that name."""
    service, _, name = action.partition(":")
    entry: Mapping[str, Any] | None = REFERENCE.get(service, {"Actions": {}})["Actions"].get(
        name.lower()
    )
    return entry


def _statements(package: Package) -> Iterator[tuple[str, Statement]]:
    """Yield every statement of every policy, wherever it stands, with the resource's name.

    A bucket and a distribution have one partition and one account, which a wildcard stands for
    where a list is joined: the name says all.
    """
    text = json.dumps(package.template["Resources"])
    text = text.replace("arn:*:s3:::", "arn:aws:s3:::")
    text = text.replace("arn:*:cloudfront::*:distribution/E", "arn:aws:cloudfront:::distribution/E")
    for name, resource in json.loads(text).items():
        for statement in _nested(resource):
            yield name, statement


def _nested(value: Any) -> Iterator[Statement]:  # noqa: ANN401  # CloudFormation
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for item in value.values():
            yield from _nested(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nested(item)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  # CloudFormation
    return value if isinstance(value, list) else [value]
