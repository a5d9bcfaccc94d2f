"""The doctor finds what is broken in a deployed stack, and the command that it names mends it."""

import json
import os
import time
from collections.abc import Iterator, Mapping

import boto3
import pytest
from botocore.config import Config

from infra.local.aws import REGION, ROOT, embedded_aws
from tests.e2e.conftest import RESTING, deploy_attached, deploy_site
from tests.e2e.doctor.faults import BATCHES, FAULTS, disable_schedule
from tests.e2e.doctor.patients import STAGES, Patient


@pytest.fixture(scope="module", name="patients")
def _patients() -> Iterator[Mapping[str, Patient]]:
    with embedded_aws(speed=RESTING, name="e2e-doctor") as aws:
        stacks = {"site": deploy_site(aws), "attached": deploy_attached(aws, dashboard="true")}
        yield {name: Patient(STAGES[name], stack) for name, stack in stacks.items()}


@pytest.mark.parametrize("where", STAGES)
def test_healthy(patients: Mapping[str, Patient], where: str) -> None:
    """Nothing is wrong with a stack that was just deployed."""
    result = patients[where].examine()

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"edgesweep: Nothing is wrong with edgesweep-{STAGES[where]}\n"


@pytest.mark.parametrize("batch", BATCHES)
def test_faults(patients: Mapping[str, Patient], batch: str) -> None:
    """Each fault is named, and after the commands beside them, as pasted, nothing is wrong."""
    faults = {name: FAULTS[name] for name in BATCHES[batch]}
    (where,) = {fault.where for fault in faults.values()}
    patient = patients[where]
    for fault in faults.values():
        fault.inject(patient)

    found = patient.findings()
    for name, fault in faults.items():
        checks = {one["check"] for one in found if fault.says in one["text"]}
        assert name.partition("/")[0] in checks, found
    for mend in dict.fromkeys(one["mend"] for one in found):
        patient.run(mend)

    patient.rest()
    assert patient.findings() == []


def test_fix(patients: Mapping[str, Patient]) -> None:
    """With --fix the doctor runs the commands, says which, and looks again."""
    patient = patients["site"]
    disable_schedule(patient)
    FAULTS["alarm-changed"].inject(patient)
    path = os.pathsep.join([str(ROOT / ".envs/awscli/bin"), os.environ["PATH"]])

    result = patient.examine("--fix", "--yes", PATH=path)

    assert (result.exit_code, result.stdout) == (0, "")
    assert "edgesweep: aws scheduler update-schedule" in result.stderr
    assert "edgesweep: aws cloudwatch put-metric-alarm" in result.stderr
    assert result.stderr.endswith("edgesweep: Nothing is wrong with edgesweep-test\n")


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
    services = ("cloudformation", "cloudfront", "cloudwatch", "dynamodb", "iam", "lambda", "logs")
    may = [f"{service}:*" for service in (*services, "s3", "sqs")]
    iam.put_user_policy(
        UserName="nurse",
        PolicyName="most",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{**statement, "Action": may}]}
        ),
    )
    nurse = patient.as_somebody(iam.create_access_key(UserName="nurse")["AccessKey"])

    with patient.stack.resting_schedule():
        # The resting mapping is a finding of its own.
        (unseen,) = (one for one in nurse.findings() if one["check"] == "unreadable")

    assert "scheduler:GetSchedule" in unseen["text"]


def test_region(patients: Mapping[str, Patient]) -> None:
    """In a region without the stack, the doctor names the one where it is."""
    patient = patients["site"]
    elsewhere = patient.examine("--region", "eu-west-1")

    (text, mend) = elsewhere.stdout.splitlines()
    assert elsewhere.exit_code == 1
    assert text.startswith(
        "stack-elsewhere (delays changes): There is no stack edgesweep-test in eu-west-1"
    )
    patient.run(mend)
