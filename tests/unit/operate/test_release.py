"""A release is deployed by a change set, and every refusal of CloudFormation is one line."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from edgesweep.errors import EdgesweepError
from edgesweep.operate.release import Deployer, Release

RELEASE = Release("{}", "edgesweep-abc.zip", b"zip")
ID = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/edgesweep-1/1"
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/edgesweep-prod/1"
CHANGE = {"ResourceChange": {"Action": "Add", "LogicalResourceId": "Queue"}}
NEW = {"ChangeSetType": "CREATE", "OnStackFailure": "DELETE"}
OLD: Mapping[str, str] = {}
FAILED: Mapping[str, Any] = {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE"}


def stack(status: str, output: str = "FlushFunction") -> Mapping[str, Any]:
    """Return what CloudFormation says of the stack."""
    found = {
        "StackName": "edgesweep-prod", "StackId": STACK_ID, "StackStatus": status,
        "CreationTime": datetime(2026, 11, 1, tzinfo=UTC),
        "Outputs": [{"OutputKey": output, "OutputValue": "x"}],
    }  # fmt: skip
    return {"Stacks": [found]}


@pytest.fixture(name="formation")
def _formation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """CloudFormation, whose answers a test gives."""
    client = boto3.client("cloudformation", region_name="us-east-1")
    monkeypatch.setattr("boto3.Session.client", lambda _session, _service: client)
    with Stubber(client) as stubber:
        yield stubber


@pytest.fixture(name="deployer")
def _deployer() -> Deployer:
    return Deployer(boto3.Session(region_name="us-east-1"), "edgesweep-prod")


def planned(formation: Stubber, kind: Mapping[str, str], *answers: Mapping[str, Any]) -> None:
    """Expect a change set, and answer each look at it."""
    expected = {
        "StackName": "edgesweep-prod", "ChangeSetName": ANY, "Parameters": ANY,
        "TemplateBody": "{}", "Capabilities": ["CAPABILITY_IAM"], "Tags": ANY, **kind,
    }  # fmt: skip
    formation.add_response("create_change_set", {"Id": ID}, expected)
    for answer in answers:
        formation.add_response("describe_change_set", answer, {"ChangeSetName": ID})


def test_removals(formation: Stubber, deployer: Deployer) -> None:
    """A change set says what it removes, and what of that stays with its data."""
    removed = {"Action": "Remove", "LogicalResourceId": "WakeRole", "PolicyAction": "Delete"}
    kept = {"Action": "Remove", "LogicalResourceId": "Table", "PolicyAction": "Retain"}
    formation.add_response("describe_stacks", stack("UPDATE_COMPLETE"))
    told = [{"ResourceChange": one} for one in (removed, kept)]
    done = {"Status": "CREATE_COMPLETE", "Changes": told}
    planned(formation, OLD, done, done)
    formation.add_response("describe_stacks", stack("UPDATE_COMPLETE"))
    formation.add_response("delete_change_set", {}, {"ChangeSetName": ID})

    with deployer.change_set(RELEASE, []) as (_, changes):
        assert changes == {"WakeRole": "Remove", "Table": "Retain"}


def test_dry_run(formation: Stubber, deployer: Deployer) -> None:
    """A change set of a new stack that nobody executes goes, and the empty stack with it."""
    formation.add_client_error("describe_stacks", "ValidationError", "It does not exist")
    done = {"Status": "CREATE_COMPLETE", "Changes": [CHANGE]}
    planned(formation, NEW, done, done)
    formation.add_response("describe_stacks", stack("REVIEW_IN_PROGRESS"))
    formation.add_response("delete_stack", {}, {"StackName": "edgesweep-prod"})

    with deployer.change_set(RELEASE, []) as (identity, changes):
        assert (identity, changes) == (ID, {"Queue": "Add"})
    formation.assert_no_pending_responses()


@pytest.mark.parametrize(
    "reason",
    ["The submitted information didn't contain changes.", "No updates are to be performed."],
)
def test_no_changes(formation: Stubber, deployer: Deployer, reason: str) -> None:
    """If nothing differs there are no changes, and that is not a failure."""
    formation.add_response("describe_stacks", stack("UPDATE_COMPLETE"))
    planned(formation, OLD, {**FAILED, "StatusReason": reason})
    formation.add_response("describe_stacks", stack("UPDATE_COMPLETE"))
    formation.add_response("delete_change_set", {}, {"ChangeSetName": ID})

    with deployer.change_set(RELEASE, []) as (_, changes):
        assert changes == {}
    formation.assert_no_pending_responses()


def test_refusal(formation: Stubber, deployer: Deployer) -> None:
    """A change set that CloudFormation refuses ends with its reason, and goes."""
    formation.add_response("describe_stacks", stack("UPDATE_COMPLETE"))
    planned(formation, OLD, {**FAILED, "StatusReason": "Parameter Shards must be"})
    formation.add_response("describe_stacks", stack("UPDATE_COMPLETE"))
    formation.add_response("delete_change_set", {}, {"ChangeSetName": ID})

    with (
        pytest.raises(EdgesweepError, match=r"refuses the change set: Parameter Shards must be$"),
        deployer.change_set(RELEASE, []),
    ):
        pass
    formation.assert_no_pending_responses()


def test_failure(formation: Stubber, deployer: Deployer) -> None:
    """An update that fails ends with the first resource that failed in it, and why."""
    for _ in ("is it new", "which is it"):
        formation.add_response("describe_stacks", stack("UPDATE_COMPLETE"))
    formation.add_response("execute_change_set", {}, {"ChangeSetName": ID})
    failed = stack("UPDATE_ROLLBACK_COMPLETE")
    formation.add_response("describe_stacks", failed, {"StackName": STACK_ID})
    event = {"StackId": "s", "StackName": "s", "Timestamp": datetime(2026, 11, 1, tzinfo=UTC)}
    events = [
        {**event, "EventId": name, "LogicalResourceId": name, "ResourceStatus": status,
         "ResourceStatusReason": reason}
        for name, status, reason in (
            ("Later", "CREATE_FAILED", "It was cancelled"),
            ("First", "UPDATE_FAILED", "It is wrong"),
            ("edgesweep-prod", "UPDATE_IN_PROGRESS", "User Initiated"),
            ("Before", "UPDATE_FAILED", "It was wrong"),
        )
    ]  # fmt: skip
    formation.add_response("describe_stack_events", {"StackEvents": events})

    with pytest.raises(EdgesweepError, match=r"the first failure was First: It is wrong$"):
        deployer.execute(ID)


@pytest.mark.parametrize("call", ["remove", "execute"])
def test_other_tool(formation: Stubber, deployer: Deployer, call: str) -> None:
    """A stack of osls is left to osls, whose bucket of uploads belongs to it."""
    found = stack("UPDATE_COMPLETE", "ServerlessDeploymentBucketName")
    formation.add_response("describe_stacks", found)

    with pytest.raises(EdgesweepError, match=r"was deployed with osls; use that$"):
        getattr(deployer, call)(*[ID][: call == "execute"])


def test_code_bucket(formation: Stubber, deployer: Deployer) -> None:
    """A bucket that was named for the zip is used again until another one is named."""
    (found,) = stack("UPDATE_COMPLETE")["Stacks"]
    given = [{"ParameterKey": "CodeBucket", "ParameterValue": "my-artifacts"}]
    formation.add_response("describe_stacks", {"Stacks": [{**found, "Parameters": given}]})
    formation.add_client_error("describe_stacks", "ValidationError", "It does not exist")

    assert [deployer.code_bucket(), deployer.code_bucket()] == ["my-artifacts", ""]


def test_gone(formation: Stubber, deployer: Deployer) -> None:
    """There is nothing to remove of a stack that does not exist."""
    formation.add_client_error("describe_stacks", "ValidationError", "It does not exist")

    deployer.remove()

    formation.assert_no_pending_responses()


def test_clone() -> None:
    """An installation of a clone carries no release, and says how to get one."""
    with pytest.raises(EdgesweepError, match=r"`make release` builds a wheel with one$"):
        Release.carried()
