"""What the doctor's checks find in facts, and what they leave alone."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from edgesweep.operate.doctor import Facts, Place, Told, diagnose
from edgesweep.operate.doctor.checks_around import DISTRIBUTIONS
from edgesweep.operate.doctor.template import Account, Resource, actions, given, resolve
from edgesweep.routes import Behaviour, Distribution, Origin, Variants

ACCOUNT = Account("123456789012", "aws", "eu-west-1")
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"
QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:queue"
DEAD_URL = f"{QUEUE_URL}-dead"
MAIL = "ops@example.com"
FLUSH_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:flush"
POLICY = {
    "Effect": "Allow",
    "Action": "sqs:SendMessage",
    "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
}
REDRIVE = {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}, "maxReceiveCount": 5}

TEMPLATE: Mapping[str, Any] = {
    "Metadata": {"Parameters": {"bucket": "site"}},
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {"DeletionProtectionEnabled": True},
        },
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"VisibilityTimeout": 200, "RedrivePolicy": REDRIVE},
        },
        "DeadLetterQueue": {"Type": "AWS::SQS::Queue"},
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": {"Statement": [POLICY, {"Ref": "AWS::NoValue"}]},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Fn::GetAtt": ["Record", "Arn"]},
                "ScalingConfig": {"MaximumConcurrency": 5},
            },
        },
        "Record": {"Type": "AWS::Lambda::Function"},
        "Flush": {"Type": "AWS::Lambda::Function"},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.s3"]},
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
            },
        },
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "rate(1 minute)",
                "Target": {"Arn": {"Fn::GetAtt": ["Flush", "Arn"]}},
            },
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "Policies": [
                    {
                        "PolicyName": "flush",
                        "PolicyDocument": {
                            "Statement": {
                                "Effect": "Allow",
                                "Action": ["s3:ListBucket", "s3:GetBucketNotification"],
                                "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::site"},
                            }
                        },
                    }
                ]
            },
        },
        "Policy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "catalogue",
                "Roles": [{"Ref": "Role"}],
                "PolicyDocument": {
                    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]
                },
            },
        },
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"Subscription": [{"Protocol": "email", "Endpoint": MAIL}]},
        },
        "NotMade": {"Type": "AWS::SNS::Topic"},
    },
}
IDS = {
    "Table": "dirty", "Queue": QUEUE_URL, "DeadLetterQueue": DEAD_URL, "QueuePolicy": "policy",
    "Mapping": "uuid", "Record": "record", "Flush": "flush", "Rule": "rule",
    "Schedule": "schedule", "Role": "role", "Policy": "policy",
    "Topic": "arn:aws:sns:eu-west-1:123456789012:topic",
}  # fmt: skip
DEAD_ARN = f"{QUEUE_ARN}-dead"
FOUND: Mapping[str, Mapping[str, Any]] = {
    "Table": {"DeletionProtectionEnabled": True},
    "Queue": {
        "VisibilityTimeout": "200",
        "RedrivePolicy": json.dumps({"maxReceiveCount": "5", "deadLetterTargetArn": DEAD_ARN}),
        "ApproximateNumberOfMessages": "7",
    },
    "DeadLetterQueue": {"ApproximateNumberOfMessages": "0"},
    "QueuePolicy": {
        "Statement": [{"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [QUEUE_ARN]}]
    },
    "Mapping": {"State": "Enabled"},
    "Record": {"Concurrency": {"ReservedConcurrentExecutions": 5}},
    "Flush": {},
    "Rule": {
        "State": "ENABLED",
        "EventPattern": '{"source": ["aws.s3"]}',
        "Targets": [{"Arn": QUEUE_ARN}, {"Arn": "arn:aws:sqs:eu-west-1:123456789012:other"}],
    },
    "Schedule": {
        "State": "ENABLED",
        "ScheduleExpression": "rate(1 minute)",
        "Target": {"Arn": FLUSH_ARN},
    },
    "Role": {
        "flush": {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetBucketNotification", "s3:ListBucket", "s3:GetObject"],
                    "Resource": ["arn:aws:s3:::site"],
                }
            ]
        },
        "catalogue": {
            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]
        },
    },
    "Policy": {"Name": "policy"},
    "Topic": {"Subscriptions": [{"Endpoint": MAIL, "SubscriptionArn": "arn:aws:sns:::topic:1"}]},
}
RESOURCES: Mapping[str, Resource] = {one.name: one for one in resolve(TEMPLATE, IDS, ACCOUNT)}
SERVING = Distribution("E1", (Behaviour(origins=(Origin("site"),)),))
HEALTHY = Facts(
    place=Place("edgesweep-prod", "eu-west-1", parameters=given(TEMPLATE)),
    told=Told(("site",), ("E1",)),
    status="UPDATE_COMPLETE",
    resources=[(RESOURCES[name], FOUND[name]) for name in IDS],
    regions={"site": "eu-west-1"},
    notifications={"site": {"EventBridgeConfiguration": {}}},
    distributions=[SERVING],
    unreserved=10,
)


def found_otherwise(name: str, **changes: object) -> Facts:
    """Return facts in which a resource is not as it was wanted."""
    resources = [
        (one, {**found, **changes} if one.name == name and found is not None else found)
        for one, found in HEALTHY.resources
    ]
    return replace(HEALTHY, resources=resources)


def without(name: str) -> Facts:
    """Return facts in which a resource is gone."""
    resources = [(one, None if one.name == name else found) for one, found in HEALTHY.resources]
    return replace(HEALTHY, resources=resources)


def served_by(*distributions: Distribution, named: tuple[str, ...] = ("E1",)) -> Facts:
    """Return facts with other distributions."""
    told = replace(HEALTHY.told, distributions=named)
    return replace(HEALTHY, distributions=distributions, told=told)


def test_healthy() -> None:
    """Nothing is found where everything is as it was wanted."""
    assert diagnose(HEALTHY) == []


@pytest.mark.parametrize(
    ("facts", "check", "says", "mend"),
    [
        (without("Schedule"), "schedule", "is gone", "--deployment-mode REVERT_DRIFT"),
        (without("Table"), "tables", "is gone", "restore-table-from-backup"),
        (without("Topic"), "alarms", "is gone", "REVERT_DRIFT"),
        (
            found_otherwise("Table", DeletionProtectionEnabled=False),
            "tables",
            "not protected",
            "update-table --table-name dirty --deletion-protection-enabled",
        ),
        (
            found_otherwise("Queue", VisibilityTimeout="30"),
            "queue",
            "otherwise: VisibilityTimeout",
            '"VisibilityTimeout": "200"',
        ),
        (found_otherwise("Queue", RedrivePolicy=None), "queue", "RedrivePolicy", DEAD_ARN),
        (
            found_otherwise("DeadLetterQueue", ApproximateNumberOfMessages="1200"),
            "queue",
            "about 1,200",
            "edgesweep redrive --stack edgesweep-prod --region eu-west-1",
        ),
        (found_otherwise("QueuePolicy", Statement=[]), "queue", "sqs:SendMessage", QUEUE_URL),
        (
            found_otherwise("Mapping", State="Disabled"),
            "queue",
            "uuid is disabled",
            "update-event-source-mapping --uuid uuid --enabled",
        ),
        (found_otherwise("Rule", State="DISABLED"), "wiring", "is disabled", "events put-rule"),
        (found_otherwise("Rule", EventPattern="{}"), "wiring", "pattern", '"aws.s3"'),
        (found_otherwise("Rule", Targets=[]), "wiring", "does not lead", "events put-targets"),
        (found_otherwise("Schedule", State="DISABLED"), "schedule", "disabled", "update-schedule"),
        (
            found_otherwise("Schedule", Target={"Arn": "elsewhere"}),
            "schedule",
            "calls elsewhere",
            FLUSH_ARN,
        ),
        (
            found_otherwise("Schedule", ScheduleExpression="rate(1 day)"),
            "schedule",
            "is rate(1 day)",
            "rate(1 minute)",
        ),
        (found_otherwise("Role", catalogue={}), "permissions", "s3:GetObject", "name catalogue"),
        (found_otherwise("Role", flush={}), "permissions", "s3:ListBucket", "put-role-policy"),
        (
            found_otherwise("Record", Concurrency={"ReservedConcurrentExecutions": 4}),
            "concurrency",
            "record may run 4 times at once, and takes 5",
            "delete-function-concurrency --function-name record",
        ),
        (
            replace(found_otherwise("Record", Concurrency={}), unreserved=5),
            "concurrency",
            "the stack takes 6",
            "--quota-code L-B99A9384",
        ),
        (
            found_otherwise(
                "Topic",
                Subscriptions=[{"Endpoint": MAIL, "SubscriptionArn": "PendingConfirmation"}],
            ),
            "alarms",
            f"{MAIL} has not confirmed",
            "sns subscribe",
        ),
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
            "E2 leads to no bucket that is swept",
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
    """What is wrong is found, and nothing else; the finding names it and the command for it."""
    (finding,) = diagnose(facts)

    assert finding.check == check
    assert says in finding.text
    assert mend in finding.mend + " "
    assert "\n" not in finding.text + finding.mend


def test_disabled() -> None:
    """A distribution that is disabled, and the only one, is enabled by what is named."""
    enabling, missing = diagnose(served_by(replace(SERVING, enabled=False)))

    assert "E1 is disabled" in enabling.text
    assert "update-distribution --id E1" in enabling.mend
    assert "create-distribution" in missing.mend


def test_demo_site() -> None:
    """What the stack made itself is put back, and its bucket tells the queue itself."""
    notified = {"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"NotificationConfiguration": {"QueueConfigurations": [notified]}},
    }
    template = {"Resources": {**TEMPLATE["Resources"], "SiteBucket": bucket}}
    made = {one.name: one for one in resolve(template, {**IDS, "SiteBucket": "site"}, ACCOUNT)}
    other = {"QueueArn": "arn:other", "Events": ["s3:ObjectCreated:*"]}
    facts = replace(
        HEALTHY,
        place=replace(HEALTHY.place, parameters={}),
        resources=[*HEALTHY.resources, (made["SiteBucket"], {})],
        notifications={"site": {"QueueConfigurations": [other]}},
        told=replace(HEALTHY.told, distributions=("E1", "E2")),
    )

    wiring, routes = diagnose(facts)

    assert wiring.check == "wiring"
    assert "arn:other" in wiring.mend
    assert QUEUE_ARN in wiring.mend
    assert "REVERT_DRIFT" in routes.mend


@pytest.mark.parametrize(
    "facts",
    [
        served_by(
            Distribution("E1", (Behaviour("*", (Origin("site"),), rewritten=True),)),
        ),
        replace(HEALTHY, foreign={"E1": 1}, told=replace(HEALTHY.told, free_paths=999)),
        replace(HEALTHY, distributions=(), unseen={DISTRIBUTIONS: "no"}),
        replace(HEALTHY, foreign={"E1": 2_000}),
    ],
)
def test_told(facts: Facts) -> None:
    """What somebody has decided, or could not be seen, is no fault of the routes or the budget."""
    told = replace(
        facts.told, variants={"": Variants()}, free_paths=min(999, facts.told.free_paths)
    )
    place = replace(facts.place, parameters={"bucket": "site", "budgetUsd": "none"})
    found = diagnose(replace(facts, told=told, place=place))

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
                    "Joined": {"Fn::Join": ["", [{"Ref": "AWS::Region"}]]},
                },
            },
        }
    }

    _, role = resolve(template, {"Log": "/log", "Role": "role"}, ACCOUNT)

    arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/log:*"
    assert role.properties == {
        "Log": arn,
        "Text": f"123456789012 /log {arn} ${{Other}} ${{Log.Name}}",
        "Joined": {"Fn::Join": ["", ["eu-west-1"]]},
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
