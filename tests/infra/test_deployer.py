"""The deployer may do what the deployment does, and little else."""

import json
from collections.abc import Iterator, Mapping

import pytest

from infra.local.aws import ROOT
from tests.infra.conftest import Package
from tests.infra.test_permissions import known

POLICY = json.loads((ROOT / "infra" / "deployer-policy.json").read_text())

# What CloudFormation calls in the deployer's name to create a resource of a type, and to delete it.
CALLS: Mapping[str, tuple[str, ...]] = {
    "AWS::CloudFront::Distribution": (
        "cloudfront:CreateDistribution", "cloudfront:UpdateDistribution",
        "cloudfront:DeleteDistribution",
    ),
    "AWS::CloudFront::OriginAccessControl": (
        "cloudfront:CreateOriginAccessControl", "cloudfront:DeleteOriginAccessControl",
    ),
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"),
    "AWS::DynamoDB::Table": (
        "dynamodb:CreateTable", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTimeToLive",
        "dynamodb:DeleteTable",
    ),
    "AWS::Events::Rule": (
        "events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:DeleteRule",
    ),
    "AWS::IAM::ManagedPolicy": ("iam:CreatePolicy", "iam:DeletePolicy"),
    "AWS::IAM::Policy": ("iam:PutRolePolicy", "iam:DeleteRolePolicy"),
    "AWS::IAM::Role": (
        "iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PassRole",
        "iam:DeleteRolePolicy", "iam:DeleteRole",
    ),
    "AWS::Lambda::EventInvokeConfig": (
        "lambda:PutFunctionEventInvokeConfig", "lambda:DeleteFunctionEventInvokeConfig",
    ),
    "AWS::Lambda::EventSourceMapping": (
        "lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping",
    ),
    "AWS::Lambda::Function": ("lambda:CreateFunction", "lambda:DeleteFunction"),
    "AWS::Logs::LogGroup": (
        "logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteLogGroup",
    ),
    "AWS::S3::Bucket": (
        "s3:CreateBucket", "s3:PutEncryptionConfiguration", "s3:PutBucketPublicAccessBlock",
        "s3:PutLifecycleConfiguration", "s3:PutBucketNotification", "s3:DeleteBucket",
    ),
    "AWS::S3::BucketPolicy": ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
    "AWS::SNS::Topic": ("sns:CreateTopic", "sns:Subscribe", "sns:DeleteTopic"),
    "AWS::SQS::Queue": ("sqs:CreateQueue", "sqs:DeleteQueue"),
    "AWS::SQS::QueuePolicy": ("sqs:SetQueueAttributes",),
    "AWS::Scheduler::Schedule": ("scheduler:CreateSchedule", "scheduler:DeleteSchedule"),
}  # fmt: skip
# What osls itself does: it uploads to a bucket of the stack's, and empties that in the end.
OSLS = (
    "cloudformation:ValidateTemplate", "cloudformation:CreateStack", "cloudformation:DeleteStack",
    "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet",
    "cloudformation:DescribeStackEvents", "cloudformation:DescribeStackResource",
    "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketVersions", "s3:PutObject",
    "s3:DeleteObject", "s3:DeleteObjectVersion",
)  # fmt: skip


def allowed() -> Iterator[tuple[str, str]]:
    """Yield each action and resource of the policy."""
    for statement in POLICY["Statement"]:
        resources = statement["Resource"]
        for action in statement["Action"]:
            for resource in [resources] if isinstance(resources, str) else resources:
                yield action, resource


def test_types(packages: Mapping[str, Package], contrary: Package) -> None:
    """The table above holds every type of resource that any deployment has."""
    every = (contrary, *packages.values())

    assert {
        resource["Type"] for package in every for resource in package.template["Resources"].values()
    } == CALLS.keys()


@pytest.mark.parametrize("kind", [*CALLS, "osls"])
def test_calls(kind: str) -> None:
    """Every resource can be created and deleted with the policy."""
    actions = {action for action, _ in allowed()}

    assert set(CALLS.get(kind, OSLS)) <= actions


def test_narrow() -> None:
    """Actions are named one by one, and allowed on everything where AWS allows nothing narrower.

    A new event source mapping has no name, but a function, which a condition asks for.
    """
    entries = {action: known(action) for action, _ in allowed()}
    wide = {action for action, resource in allowed() if resource == "*"}

    assert [action for action, entry in entries.items() if entry is None] == []
    assert [action for action in wide if (entries[action] or {}).get("Resources")] == []


def test_names() -> None:
    """Elsewhere the policy reaches what is named after the service, and CloudFront by its ids."""
    ids = ("distribution/*", "origin-access-control/*", "event-source-mapping:*", "my-site")

    assert [
        resource
        for _, resource in allowed()
        if resource != "*" and "edgesweep-" not in resource and not resource.endswith(ids)
    ] == []
