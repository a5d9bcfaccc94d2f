"""What the doctor finds around a stack, and what it leaves alone."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from edgesweep.flush.others import Look, Looks, Others
from edgesweep.operate.doctor import Facts, Harm, diagnose, mends
from edgesweep.operate.doctor.checks import DISTRIBUTIONS
from edgesweep.operate.doctor.gather import missing, unreached
from edgesweep.routes import Behaviour, Distribution, Origin, Variants
from tests.fakes.doctor import HEALTHY, SERVING, served_by, without


def test_healthy() -> None:
    """Nothing is found where everything is as it was wanted."""
    assert diagnose(HEALTHY) == []


def believing(free_paths: int) -> Facts:
    """Return healthy facts of a stack whose parameters say how many paths are free."""
    policy = HEALTHY.configured.policy
    budget = replace(policy.budget, free_paths=free_paths, usd=Decimal(50))
    configured = replace(HEALTHY.configured, policy=replace(policy, budget=budget))
    return replace(HEALTHY, configured=configured)


@pytest.mark.parametrize(
    ("facts", "check", "says", "mend"),
    [
        (
            replace(HEALTHY, unseen={"The role": "The permission iam:GetRole is missing"}),
            "unreadable",
            "The role cannot be read: The permission iam:GetRole is missing",
            "--profile NAME",
        ),
        (
            replace(HEALTHY, unseen={"Notifications of the bucket site": "(NoSuchBucket)"}),
            "bucket-missing",
            "The bucket site does not exist",
            "npx osls deploy --param=bucket=NAME --param=drop=site ",
        ),
        (
            replace(HEALTHY, status="UPDATE_ROLLBACK_FAILED"),
            "stack-stuck",
            "neither be done nor undone",
            "continue-update-rollback --stack-name edgesweep-prod",
        ),
        (
            replace(HEALTHY, regions={"site": "us-east-1"}),
            "bucket-elsewhere",
            "is in us-east-1",
            "--stage prod --region us-east-1 && edgesweep attach site --region us-east-1",
        ),
        (
            replace(HEALTHY, notifications={"site": {"QueueConfigurations": []}}),
            "bucket-unattached",
            "EventBridge delivery of the bucket site is off",
            "edgesweep attach site --region eu-west-1",
        ),
        (
            served_by(SERVING, named=("E1", "E2")),
            "distribution-astray",
            "E2 does not exist",
            "--param=distribution=E1 ",
        ),
        (
            served_by(SERVING, replace(SERVING, id="E2"), named=("E2",)),
            "distribution-unswept",
            "E1 leads to a swept bucket, and serves stale objects",
            "--param=distribution=E2,E1 ",
        ),
        (
            served_by(
                SERVING,
                replace(SERVING, id="E2", enabled=False, for_tenants=True),
                named=("E1", "E2"),
            ),
            "distribution-for-tenants",
            "E2 accepts invalidations by tenant only; leave it out",
            "--param=distribution=E1 ",
        ),
        (
            served_by(SERVING, replace(SERVING, id="E2", enabled=False), named=("E1", "E2")),
            "distribution-disabled",
            "E2 is disabled",
            "aws cloudfront update-distribution --id E2",
        ),
        (
            served_by(
                SERVING,
                Distribution("E2", (Behaviour(origins=(Origin("b"),)),)),
                named=("E1", "E2"),
            ),
            "distribution-astray",
            "E2 leads to no swept bucket",
            "--param=distribution=E1 ",
        ),
        (
            served_by(named=()),
            "bucket-without-distribution",
            "No enabled distribution leads to the bucket site",
            "create-distribution --origin-domain-name site.s3.eu-west-1.amazonaws.com",
        ),
        (
            replace(HEALTHY, looks=Looks(each=(Look("E7", hidden="AccessDenied"),))),
            "others-unread",
            "Invalidations of E7 cannot be counted, so freePaths has to leave them out: Acc",
            "npx osls deploy ",
        ),
        (
            replace(HEALTHY, looks=Looks(hidden="501 are too many")),
            "others-unread",
            "Invalidations of other distributions cannot be counted",
            "npx osls deploy ",
        ),
        (
            replace(believing(300), others=Others({"E1": (0, 700)})),
            "free-paths-twice",
            "freePaths is 300, and the stack subtracts the 700 that others spent",
            "--param=freePaths=default ",
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
    """A distribution that is disabled is to be enabled, and no other to be created."""
    found = diagnose(served_by(replace(SERVING, enabled=False)))
    (mend,) = mends(found)

    assert [one.check for one in found] == ["distribution-disabled", "bucket-unserved"]
    assert mend.startswith("aws cloudfront update-distribution --id E1 ")
    assert "'Enabled': True" in mend.replace("'\"'\"'", "'")


def test_found_disabled() -> None:
    """A disabled distribution that discovery finds is to be enabled, too."""
    (found,) = diagnose(served_by(replace(SERVING, enabled=False), named=()))

    assert found.check == "bucket-unserved"
    assert found.mend.startswith("aws cloudfront update-distribution --id E1 ")


def test_several_unswept() -> None:
    """One deployment names every distribution to sweep, and none that leads nowhere."""
    others = [replace(SERVING, id=identity) for identity in ("E2", "E3")]
    found = diagnose(served_by(SERVING, *others, named=("E1", "E9")))
    (mend,) = mends(found)

    assert len(found) == 3
    assert "--param=distribution=E1,E2,E3 " in mend


def test_several_elsewhere() -> None:
    """One stack takes over all buckets of a region, and this one drops them."""
    configured = replace(HEALTHY.configured, buckets=("site", "a", "b"))
    regions = {"site": "eu-west-1", "a": "us-east-1", "b": "us-east-1"}
    (mend,) = mends(diagnose(replace(HEALTHY, configured=configured, regions=regions))[:2])

    assert [step.partition(" --stage")[0] for step in mend.split(" && ")] == [
        "npx osls deploy --param=bucket=a,b",
        "edgesweep attach a --region us-east-1",
        "edgesweep attach b --region us-east-1",
        "npx osls deploy --param=drop=a,b",
    ]


def test_several_missing() -> None:
    """Buckets that do not exist are dropped in one deployment, if others are left."""
    configured = replace(HEALTHY.configured, buckets=("site", "a", "b"))
    unseen = {f"Notifications of the bucket {name}": "(NoSuchBucket)" for name in ("a", "b")}
    found = diagnose(replace(HEALTHY, configured=configured, unseen=unseen))
    (mend, *_) = mends(one for one in found if one.check == "bucket-missing")

    assert mend == "npx osls deploy --param=drop=a,b --stage prod --region eu-west-1"
    assert not any(one.check == "unreadable" for one in found)


def test_other_stacks() -> None:
    """Other stacks in the account are worth a note, and people with the right number are not."""
    (found,) = diagnose(replace(HEALTHY, others=Others({"E5": (3, 0), "E4": (4, 9)})))

    assert (found.check, found.harm, found.mend) == ("stacks-share", Harm.NOTE, "")
    assert found.text.endswith("they spent 7 this month, on E4, E5")
    assert diagnose(replace(HEALTHY, others=Others({"E5": (0, 900)}))) == []
    assert diagnose(replace(believing(0), others=Others({"E5": (0, 900)}))) == []


def test_order() -> None:
    """The worst comes first."""
    facts = replace(without("Alarm"), looks=Looks(hidden="no"), unseen={"The role": "AccessDenied"})
    found = diagnose(replace(facts, notifications={"site": {}}))

    assert [one.harm for one in found] == list(Harm)


def test_shared() -> None:
    """A command that mends several faults is named once."""
    gone = {"Topic", "Queue", "Record"}
    resources = [(one, {} if one.name in gone else f) for one, f in HEALTHY.resources]
    (mend,) = mends(found := diagnose(replace(HEALTHY, resources=resources)))

    assert len(found) == len(gone)
    assert mend.count("create-change-set") == 1


@pytest.mark.parametrize(
    "facts",
    [
        served_by(
            Distribution("E1", (Behaviour("*", (Origin("site"),), rewritten=True),)),
        ),
        replace(HEALTHY, distributions=(), unseen={DISTRIBUTIONS: "no"}),
        replace(HEALTHY, others=Others({"E1": (0, 2_000)})),
    ],
)
def test_decided(facts: Facts) -> None:
    """A thing that somebody has decided, or that could not be seen, is not a fault."""
    configured = replace(facts.configured, variants={"": Variants(("none",))})
    place = replace(facts.place, parameters={"bucket": "site", "budgetUsd": "none"})
    found = diagnose(replace(facts, configured=configured, place=place))

    assert {one.check for one in found} <= {"unreadable"}
    assert not any("budgetUsd" in one.mend for one in found)


def test_profile() -> None:
    """Commands reach the account that the doctor looked at."""
    place = replace(HEALTHY.place, profile="web", parameters={"bucket": "a,b"})

    assert place.command("aws sts {at}").endswith(" --region eu-west-1 --profile web")
    assert place.deploy(bucket="a") == (
        "npx osls deploy --param=bucket=a --stage prod --region eu-west-1 --aws-profile web"
    )


def test_unreached() -> None:
    """Only credentials that do not work are to be replaced; an endpoint may be down as well."""
    down = EndpointConnectionError(endpoint_url="http://127.0.0.1:4566")
    response: Any = {"ResponseMetadata": {"HTTPStatusCode": 503}}
    broken = ClientError(response, "GetCallerIdentity")
    expired = ClientError({"Error": {"Code": "ExpiredToken"}}, "GetCallerIdentity")
    found = [unreached(HEALTHY.place, one) for one in (down, broken, expired)]

    assert [one.check for one in found] == ["no-connection", "no-connection", "credentials"]
    assert [one.mend for one in found[1:]] == [
        "edgesweep doctor --stack edgesweep-prod --region eu-west-1", "aws configure"
    ]  # fmt: skip
    profile = replace(HEALTHY.place, profile="web")
    assert unreached(profile, expired).mend == "aws sso login --profile web"


def test_nothing_deployed() -> None:
    """Where there is no stack, its bucket has to be named; else the doctor looks where one is."""
    place = replace(HEALTHY.place, parameters={})

    assert missing(place, []).mend == (
        "npx osls deploy --param=bucket=NAME --stage prod --region eu-west-1"
    )
    assert missing(place, ["us-east-1"]).mend.endswith("--region us-east-1")
    assert missing(place, []).manual


def test_released() -> None:
    """A stack that came from a release is mended by a deployment from a release."""
    place = replace(HEALTHY.place, stack="site", profile="web", released=True)

    assert place.deploy(drop="a b") == (
        "edgesweep deploy --yes '--param=drop=a b' --stack site --region eu-west-1 --profile web"
    )
