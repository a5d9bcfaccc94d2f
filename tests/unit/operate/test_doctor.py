"""What the doctor finds around a stack, and what it leaves alone."""

from dataclasses import replace

import pytest

from edgesweep.operate.doctor import Facts, diagnose
from edgesweep.operate.doctor.checks_around import DISTRIBUTIONS
from edgesweep.routes import Behaviour, Distribution, Origin, Variants
from tests.fakes.doctor import HEALTHY, SERVING, served_by


def test_healthy() -> None:
    """Nothing is found where everything is as it was wanted."""
    assert diagnose(HEALTHY) == []


@pytest.mark.parametrize(
    ("facts", "check", "says", "mend"),
    [
        (
            replace(HEALTHY, unseen={"The role": "The permission iam:GetRole is missing"}),
            "permissions",
            "The role cannot be looked at: The permission iam:GetRole is missing",
            "--profile NAME",
        ),
        (
            replace(HEALTHY, status="UPDATE_ROLLBACK_FAILED"),
            "stack",
            "neither be done nor undone",
            "continue-update-rollback --stack-name edgesweep-prod",
        ),
        (
            replace(HEALTHY, regions={"site": "us-east-1"}),
            "region",
            "is in us-east-1",
            "npx osls deploy --param=bucket=site --stage prod --region us-east-1",
        ),
        (
            replace(HEALTHY, notifications={"site": {"QueueConfigurations": []}}),
            "wiring",
            "EventBridge delivery of the bucket site is off",
            "edgesweep attach site --region eu-west-1",
        ),
        (
            served_by(SERVING, named=("E1", "E2")),
            "routes",
            "E2 does not exist",
            "--param=distribution=E1 ",
        ),
        (
            served_by(SERVING, replace(SERVING, id="E2"), named=("E2",)),
            "routes",
            "E1 leads to a swept bucket and is not swept",
            "--param=distribution=E2,E1 ",
        ),
        (
            served_by(SERVING, replace(SERVING, id="E2", enabled=False), named=("E1", "E2")),
            "routes",
            "E2 is disabled",
            "--param=distribution=E1 ",
        ),
        (
            served_by(
                SERVING,
                Distribution("E2", (Behaviour(origins=(Origin("b"),)),)),
                named=("E1", "E2"),
            ),
            "routes",
            "E2 leads to no swept bucket",
            "--param=distribution=E1 ",
        ),
        (
            served_by(named=()),
            "routes",
            "No enabled distribution leads to the bucket site",
            "create-distribution --origin-domain-name site.s3.eu-west-1.amazonaws.com",
        ),
        (
            served_by(
                Distribution("E1", (Behaviour("docs/*", (Origin("site"),), rewritten=True),))
            ),
            "aliases",
            "sees requests of docs/*",
            "--param=viewerPaths=E1=folders+bare+queries+errors",
        ),
        (
            replace(HEALTHY, foreign={"E1": 300}),
            "budget",
            "Other tools invalidated 300 paths",
            "--param=freePaths=700 ",
        ),
        (
            replace(HEALTHY, foreign={"E1": 999}),
            "budget",
            "999 paths",
            "--param=freePaths=1 --param=budgetUsd=0.01 ",
        ),
    ],
)
def test_finding(facts: Facts, check: str, says: str, mend: str) -> None:
    """Each fault is found, and nothing else; the finding names it and the command for it."""
    (finding,) = diagnose(facts)

    assert finding.check == check
    assert says in finding.text
    assert mend in finding.mend + " "
    assert "\n" not in finding.text + finding.mend


def test_disabled() -> None:
    """A distribution that is disabled, and the only one, is to be enabled."""
    enabling, missing = diagnose(served_by(replace(SERVING, enabled=False)))

    assert "E1 is disabled" in enabling.text
    assert "update-distribution --id E1" in enabling.mend
    assert "create-distribution" in missing.mend


@pytest.mark.parametrize(
    "facts",
    [
        served_by(
            Distribution("E1", (Behaviour("*", (Origin("site"),), rewritten=True),)),
        ),
        replace(HEALTHY, foreign={"E1": 1}),
        replace(HEALTHY, distributions=(), unseen={DISTRIBUTIONS: "no"}),
        replace(HEALTHY, foreign={"E1": 2_000}),
    ],
)
def test_decided(facts: Facts) -> None:
    """A thing that somebody has decided, or that could not be seen, is no fault."""
    policy = facts.configured.policy
    policy = replace(policy, budget=replace(policy.budget, free_paths=999))
    configured = replace(facts.configured, variants={"": Variants()}, policy=policy)
    place = replace(facts.place, parameters={"bucket": "site", "budgetUsd": "none"})
    found = diagnose(replace(facts, configured=configured, place=place))

    assert {one.check for one in found} <= {"permissions", "budget"}
    assert all("budgetUsd=none" in one.mend for one in found if one.check == "budget")


def test_profile() -> None:
    """Commands reach the account that the doctor looked at."""
    place = replace(HEALTHY.place, profile="web", parameters={"bucket": "a,b"})

    assert place.aws("sts").endswith("--region eu-west-1 --profile web")
    assert place.edgesweep("status").endswith("--region eu-west-1 --profile web")
    assert place.deploy(bucket="a") == (
        "npx osls deploy --param=bucket=a --stage prod --region eu-west-1 --aws-profile web"
    )
    assert place.configure("flush").startswith("npx osls deploy function --function flush")
