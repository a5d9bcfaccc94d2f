"""A healthy stack, as a doctor sees it, and what can be wrong with it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edgesweep.operate.doctor import Facts, Place
from edgesweep.operate.doctor.template import Resource, resolve
from edgesweep.routes import Behaviour, Distribution, Origin
from edgesweep.settings import Settings
from tests.fakes.stack import ENVIRONMENT

ACCOUNT = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "edgesweep-prod",
}
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"
QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:queue"
DEAD_URL = f"{QUEUE_URL}-dead"
MAIL = "ops@example.com"
TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:topic"
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
        "Record": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"S3Bucket": "deployments", "S3Key": "edgesweep.zip"},
                "Timeout": 30,
                "Architectures": ["arm64"],
                "Environment": {"Variables": {"DIRTY_TABLE": {"Ref": "Table"}}},
            },
        },
        "Flush": {"Type": "AWS::Lambda::Function"},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.s3"]},
                "Targets": [
                    {
                        "Id": "queue",
                        "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}},
                    }
                ],
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
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [
                    {"Name": "QueueName", "Value": {"Fn::GetAtt": ["Queue", "QueueName"]}}
                ],
                "Threshold": 600,
                "AlarmActions": [{"Ref": "Topic"}],
            },
        },
        "Dashboard": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardBody": {"Fn::Sub": '{"widgets":\n []}'}},
        },
        "NotMade": {"Type": "AWS::SNS::Topic"},
    },
}
IDS = {
    "Table": "dirty", "Queue": QUEUE_URL, "DeadLetterQueue": DEAD_URL, "QueuePolicy": "policy",
    "Mapping": "uuid", "Record": "record", "Flush": "flush", "Rule": "rule",
    "Schedule": "schedule", "Role": "role", "Policy": "policy",
    "Topic": TOPIC_ARN, "Alarm": "alarm", "Dashboard": "dashboard",
}  # fmt: skip
DEAD_ARN = f"{QUEUE_ARN}-dead"
SENDING = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [QUEUE_ARN]}
TARGET = {"Id": "queue", "Arn": QUEUE_ARN, "DeadLetterConfig": {"Arn": DEAD_ARN}}
FOUND: Mapping[str, Mapping[str, Any]] = {
    "Table": {"DeletionProtectionEnabled": True},
    "Queue": {
        "VisibilityTimeout": "200",
        "RedrivePolicy": json.dumps({"maxReceiveCount": "5", "deadLetterTargetArn": DEAD_ARN}),
        "ApproximateNumberOfMessages": "7",
    },
    "DeadLetterQueue": {"ApproximateNumberOfMessages": "0"},
    "QueuePolicy": {"Policy": json.dumps({"Statement": [SENDING]})},
    "Mapping": {"State": "Enabled", "ScalingConfig": {"MaximumConcurrency": 5}},
    "Record": {
        "Timeout": 30,
        "Architectures": ["arm64"],
        "Environment": {"Variables": {"DIRTY_TABLE": "dirty"}},
        "Concurrency": {"ReservedConcurrentExecutions": 5},
    },
    "Flush": {"FunctionName": "flush"},
    "Rule": {
        "State": "ENABLED",
        "EventPattern": '{"source": ["aws.s3"]}',
        "Targets": [TARGET, {"Id": "other", "Arn": "arn:aws:sqs:eu-west-1:123456789012:other"}],
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
    },
    "Policy": {
        "catalogue": {
            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]
        },
    },
    "Topic": {MAIL: True},
    "Alarm": {
        "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions": [{"Name": "QueueName", "Value": "queue"}],
        "Threshold": 600.0,
        "AlarmActions": [TOPIC_ARN],
        "ActionsEnabled": True,
    },
    "Dashboard": {"DashboardName": "dashboard"},
}
RESOURCES: Mapping[str, Resource] = {one.name: one for one in resolve(TEMPLATE, IDS, ACCOUNT)}
SERVING = Distribution("E1", (Behaviour(origins=(Origin("site"),)),))
HEALTHY = Facts(
    place=Place("edgesweep-prod", "eu-west-1", parameters=TEMPLATE["Metadata"]["Parameters"]),
    configured=Settings.from_mapping({**ENVIRONMENT, "BUCKET": "site", "DISTRIBUTION": "E1"}),
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
        (one, {**found, **changes} if one.name == name else found)
        for one, found in HEALTHY.resources
    ]
    return replace(HEALTHY, resources=resources)


def without(name: str) -> Facts:
    """Return facts in which a resource is gone."""
    resources = [(one, {} if one.name == name else found) for one, found in HEALTHY.resources]
    return replace(HEALTHY, resources=resources)


def served_by(*distributions: Distribution, named: tuple[str, ...] = ("E1",)) -> Facts:
    """Return facts with other distributions."""
    configured = replace(HEALTHY.configured, distributions=named)
    return replace(HEALTHY, distributions=distributions, configured=configured)
