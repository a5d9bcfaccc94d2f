"""The doctor finds what is broken in a deployed stack, and the command that it names mends it."""

import json
import time
from collections.abc import Iterator, Mapping

import boto3
import pytest
from botocore.config import Config

from infra.local.aws import REGION, embedded_aws
from tests.e2e.conftest import RESTING, deploy_attached, deploy_site
from tests.e2e.doctor.patients import FAULTS, STAGES, Patient


@pytest.fixture(scope="module", name="patients")
def _patients() -> Iterator[Mapping[str, Patient]]:
    with embedded_aws(speed=RESTING, name="e2e-doctor") as aws:
        stacks = {"site": deploy_site(aws), "attached": deploy_attached(aws)}
        yield {name: Patient(STAGES[name], stack) for name, stack in stacks.items()}


@pytest.mark.parametrize("where", STAGES)
def test_healthy(patients: Mapping[str, Patient], where: str) -> None:
    """Nothing is wrong with a stack that was just deployed."""
    result = patients[where].examine()

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"edgesweep: Nothing is wrong with edgesweep-{STAGES[where]}\n"


@pytest.mark.parametrize("name", FAULTS)
def test_fault(patients: Mapping[str, Patient], name: str) -> None:
    """A fault is named, and after the command that is named beside it nothing is wrong any more."""
    fault = FAULTS[name]
    patient = patients[fault.where]
    fault.inject(patient)

    found = [one for one in patient.findings() if fault.says in one["text"]]
    try:
        assert [one["check"] for one in found] == [fault.check]
        assert found[0]["mend"].startswith(fault.mend)
        if fault.undo is None:
            patient.run(found[0]["mend"])
    finally:
        if fault.undo is not None:
            fault.undo(patient)

    patient.rest()
    assert patient.findings() == []


def test_credentials(patients: Mapping[str, Patient]) -> None:
    """Credentials that have expired are named, and nothing else is asked."""
    patient = patients["site"]
    role = patient.resource("FlushRole")
    # The embedded AWS issues credentials for a second, though boto3 would not ask for them.
    sts = boto3.Session("test", "test", region_name=REGION).client(
        "sts", endpoint_url=patient.stack.aws.endpoint, config=Config(parameter_validation=False)
    )
    credentials = sts.assume_role(
        RoleArn=f"arn:aws:iam::000000000000:role/{role}",
        RoleSessionName="late",
        DurationSeconds=1,
    )["Credentials"]
    time.sleep(1.5)

    (finding,) = patient.as_somebody(credentials).findings()

    assert finding["check"] == "credentials"
    assert "have expired" in finding["text"]
    assert finding["mend"] == "aws configure"


def test_stranger(patients: Mapping[str, Patient]) -> None:
    """What may not be looked at is named with the permission, and the rest is looked at."""
    patient = patients["site"]
    iam = patient.client("iam")
    iam.create_user(UserName="nurse")
    statement = {"Effect": "Allow", "Resource": "*"}
    services = ("cloudformation", "cloudfront", "cloudwatch", "dynamodb", "iam", "lambda", "s3")
    may = [f"{service}:*" for service in (*services, "sqs")]
    iam.put_user_policy(
        UserName="nurse",
        PolicyName="most",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{**statement, "Action": may}]}
        ),
    )
    nurse = patient.as_somebody(iam.create_access_key(UserName="nurse")["AccessKey"])

    with patient.stack.resting_schedule():
        (unseen,) = nurse.findings()

    assert unseen["check"] == "permissions"
    assert "scheduler:GetSchedule" in unseen["text"]


def test_region(patients: Mapping[str, Patient]) -> None:
    """In a region without the stack, the doctor names the one where it is."""
    patient = patients["site"]
    elsewhere = patient.examine("--region", "eu-west-1")

    (text, mend) = elsewhere.stdout.splitlines()
    assert elsewhere.exit_code == 1
    assert text.startswith("region: There is no stack edgesweep-test in eu-west-1")
    patient.run(mend)


def test_foreign(patients: Mapping[str, Patient]) -> None:
    """Paths that others invalidate are the stack's no more once it is deployed as it is told."""
    patient = patients["attached"]
    patient.client("cloudfront").create_invalidation(
        DistributionId=patient.output("Distribution"),
        InvalidationBatch={
            "Paths": {"Quantity": 3, "Items": ["/a", "/b", "/c*"]},
            "CallerReference": "somebody else",
        },
    )

    (finding,) = patient.findings()
    assert finding["check"] == "budget"
    assert "3 paths this month" in finding["text"]
    patient.run(finding["mend"])

    assert patient.findings() == []
