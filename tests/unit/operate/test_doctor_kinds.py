"""What the doctor finds in the resources of a stack: each must be as the template wants it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from edgesweep.operate.doctor import Facts, diagnose
from edgesweep.operate.doctor.template import actions, resolve
from tests.fakes.doctor import (
    ACCOUNT,
    DEAD_ARN,
    FLUSH_ARN,
    HEALTHY,
    IDS,
    MAIL,
    QUEUE_ARN,
    QUEUE_URL,
    TEMPLATE,
    TOPIC_ARN,
    found_otherwise,
    without,
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "check", "says", "mend"),
    [
        (without("Schedule"), "schedule-gone", "is gone", "scheduler create-schedule"),
        (without("Table"), "table-gone", "is gone", "restore-table-from-backup"),
        (without("Topic"), "topic-gone", "is gone", "REVERT_DRIFT"),
        (
            found_otherwise("Table", DeletionProtectionEnabled=False),
            "table-changed",
            "template in DeletionProtectionEnabled",
            "update-table --table-name dirty --cli-input-json",
        ),
        (
            found_otherwise("Queue", VisibilityTimeout="30"),
            "queue-changed",
            "template in VisibilityTimeout",
            '"VisibilityTimeout": "200"',
        ),
        (found_otherwise("Queue", RedrivePolicy=None), "queue-changed", "RedrivePolicy", DEAD_ARN),
        (
            found_otherwise("DeadLetterQueue", ApproximateNumberOfMessages="1200"),
            "dead-letters",
            "about 1,200",
            "edgesweep redrive --stack edgesweep-prod --region eu-west-1",
        ),
        (
            found_otherwise("DeadLetterQueue", ApproximateNumberOfMessagesNotVisible="12"),
            "dead-letters-hidden",
            "about 12; they go back by themselves",
            "",
        ),
        (
            found_otherwise("QueuePolicy", Policy=None),
            "queue-policy-changed",
            "sqs:SendMessage",
            QUEUE_URL,
        ),
        (
            found_otherwise("Mapping", State="Disabled"),
            "event-source-mapping-changed",
            "uuid is disabled",
            "update-event-source-mapping --uuid uuid --enabled",
        ),
        (
            found_otherwise("Rule", State="DISABLED"),
            "rule-changed",
            "is disabled",
            "events put-rule",
        ),
        (found_otherwise("Rule", EventPattern="{}"), "rule-changed", "EventPattern", '"aws.s3"'),
        (
            found_otherwise("Rule", EventPattern='{"source": ["aws.s3"], "detail": {}}'),
            "rule-changed",
            "EventPattern",
            "events put-rule",
        ),
        (
            found_otherwise("Rule", Targets=[]),
            "rule-changed",
            "Targets",
            "events put-targets",
        ),
        (
            found_otherwise("Rule", Targets=[{"Id": "queue", "Arn": QUEUE_ARN}]),
            "rule-changed",
            "Targets",
            DEAD_ARN,
        ),
        (
            found_otherwise("Schedule", State="DISABLED"),
            "schedule-changed",
            "disabled",
            "update-schedule",
        ),
        (
            found_otherwise("Schedule", Target={"Arn": "elsewhere"}),
            "schedule-changed",
            "template in Target",
            FLUSH_ARN,
        ),
        (
            found_otherwise("Schedule", ScheduleExpression="rate(1 day)"),
            "schedule-changed",
            "template in ScheduleExpression",
            "rate(1 minute)",
        ),
        (
            found_otherwise("Policy", catalogue={}),
            "policy-changed",
            "s3:GetObject",
            "role-name role",
        ),
        (found_otherwise("Role", flush={}), "role-changed", "s3:ListBucket", "put-role-policy"),
        (
            found_otherwise("Record", Timeout=3),
            "function-changed",
            "template in Timeout",
            "update-function-configuration --function-name record --cli-input-json",
        ),
        (
            found_otherwise("Record", Environment={"Variables": {"DIRTY_TABLE": "other"}}),
            "function-changed",
            "template in Environment",
            """'{"Timeout": 30, "Environment": {"Variables": {"DIRTY_TABLE": "dirty"}}}'""",
        ),
        (
            found_otherwise("Record", Architectures=["x86_64"]),
            "function-changed",
            "template in Architectures",
            '{"S3Bucket": "deployments", "S3Key": "edgesweep.zip", "Architectures": ["arm64"]}',
        ),
        (
            found_otherwise("Record", Concurrency={"ReservedConcurrentExecutions": 4}),
            "function-concurrency",
            "record may run 4 times at once, and needs 5",
            "delete-function-concurrency --function-name record",
        ),
        (
            replace(found_otherwise("Record", Concurrency={}), unreserved=5),
            "account-concurrency",
            "the stack needs 6",
            "--quota-code L-B99A9384",
        ),
        (
            found_otherwise("Topic", **{MAIL: False}),
            "topic-changed",
            f"{MAIL} has not confirmed",
            "sns subscribe",
        ),
        (
            without("Dashboard"),
            "dashboard-gone",
            "is gone",
            """--dashboard-body '{"widgets": []}' --region""",
        ),
        (without("Alarm"), "alarm-gone", "is gone", "put-metric-alarm"),
        (
            found_otherwise("Alarm", Threshold=6_000.0),
            "alarm-changed",
            "template in Threshold",
            "cloudwatch put-metric-alarm --alarm-name alarm",
        ),
        (found_otherwise("Alarm", AlarmActions=[]), "alarm-changed", "AlarmActions", TOPIC_ARN),
        (
            found_otherwise("Alarm", ActionsEnabled=False),
            "alarm-changed",
            "template in ActionsEnabled",
            "put-metric-alarm",
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


EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]


def demo_site(*configurations: Mapping[str, Any]) -> Facts:
    """Return facts of a stack whose own bucket notifies these queues."""
    queue = {"Fn::GetAtt": ["Queue", "Arn"]}
    notified = [{"Event": event, "Queue": queue} for event in EVENTS]
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"NotificationConfiguration": {"QueueConfigurations": notified}},
    }
    template = {"Resources": {**TEMPLATE["Resources"], "SiteBucket": bucket}}
    made = {one.name: one for one in resolve(template, {**IDS, "SiteBucket": "site"}, ACCOUNT)}
    found = {"QueueConfigurations": configurations}
    return replace(
        HEALTHY,
        place=replace(HEALTHY.place, parameters={}),
        resources=[
            *HEALTHY.resources,
            (made["SiteBucket"], {"NotificationConfiguration": found}),
        ],
        notifications={"site": found},
    )


OURS = [{"Id": "ours", "QueueArn": QUEUE_ARN, "Events": [event]} for event in EVENTS]
OTHER = {"QueueArn": "arn:other", "Events": EVENTS[:1]}
DOCS = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "docs/"}]}}
FILTERED = [{**one, "Filter": DOCS} for one in OURS]


def test_demo_site() -> None:
    """The demo site's bucket notifies the queue itself, and needs no EventBridge."""
    assert diagnose(demo_site(OTHER, *OURS)) == []


@pytest.mark.parametrize("configurations", [[OTHER], [OTHER, *OURS[:1]], [OTHER, *FILTERED]])
def test_unnotified(configurations: Sequence[Mapping[str, Any]]) -> None:
    """Notifications of all objects are put back, and those of other people stay."""
    (wiring,) = diagnose(demo_site(*configurations))

    assert wiring.check == "bucket-changed"
    assert "arn:other" in wiring.mend
    assert wiring.mend.count(QUEUE_ARN) == len(EVENTS)
    assert all(event in wiring.mend for event in EVENTS)
    assert "Filter" not in wiring.mend


def test_demo_distribution() -> None:
    """The demo site's distribution can only be put back."""
    facts = demo_site(*OURS)
    configured = replace(facts.configured, distributions=("E1", "E2"))

    (routes,) = diagnose(replace(facts, configured=configured))

    assert "E2 does not exist" in routes.text
    assert "REVERT_DRIFT" in routes.mend


def test_resolve() -> None:
    """References of a template become what was created; what is not understood stays."""
    template = {
        "Resources": {
            "Log": {"Type": "AWS::Logs::LogGroup"},
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "Log": {"Fn::GetAtt": ["Log", "Arn"]},
                    "Text": {"Fn::Sub": "${AWS::AccountId} ${Log} ${Log.Arn} ${Other} ${Log.Name}"},
                    "Left": {"Ref": "AWS::NoValue"},
                    "Joined": {"Fn::Join": ["-", [{"Ref": "AWS::Region"}, {"Ref": "Names"}]]},
                    "Parts": {"Fn::Split": [",", {"Ref": "Names"}]},
                    "Chosen": {"Fn::If": ["Has", {"Ref": "AWS::NoValue"}, "no"]},
                    "Other": {"Fn::If": ["HasNone", "yes", "no"]},
                    "Unknown": {"Fn::Base64": "x"},
                },
            },
        },
        "Conditions": {
            "HasNone": {"Fn::Equals": [{"Ref": "Names"}, ""]},
            "Has": {"Fn::Or": [{"Condition": "HasNone"}, {"Fn::Not": [{"Condition": "HasNone"}]}]},
        },
    }
    values = {**ACCOUNT, "Names": "a,b"}

    _, role = resolve(template, {"Log": "/log", "Role": "role"}, values)

    arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/log:*"
    assert role.properties == {
        "Log": arn,
        "Text": f"123456789012 /log {arn} ${{Other}} ${{Log.Name}}",
        "Joined": "eu-west-1-a,b",
        "Parts": ["a", "b"],
        "Other": "no",
        "Unknown": {"Fn::Base64": "x"},
    }


def test_actions() -> None:
    """A statement allows each of its actions on each resource, in whichever form."""
    policy = {
        "Statement": [
            {"Effect": "Allow", "Action": "s3:Get", "Resource": ["a", "b"]},
            {"Effect": "Deny", "Action": "s3:Put", "Resource": "a"},
        ]
    }

    assert list(actions(policy)) == [("s3:Get", "a"), ("s3:Get", "b")]
    assert list(actions({})) == []
