"""What boto3 says of each type of resource that a doctor checks."""

import json
from collections.abc import Callable, Mapping

import boto3

from edgesweep.operate.doctor import resources
from edgesweep.operate.doctor.facts import Found
from edgesweep.operate.doctor.template import Resource


def _table(session: boto3.Session, wanted: Resource) -> Found:
    return session.client("dynamodb").describe_table(TableName=wanted.id)["Table"]


def _queue(session: boto3.Session, wanted: Resource) -> Found:
    return _attributes(session, wanted.id)


def _queue_policy(session: boto3.Session, wanted: Resource) -> Found:
    (url,) = wanted.properties["Queues"]
    policy: Found = json.loads(_attributes(session, url).get("Policy") or "{}")
    return policy or {"Statement": []}


def _attributes(session: boto3.Session, url: str) -> Mapping[str, str]:
    asked = session.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return {str(name): value for name, value in asked["Attributes"].items()}


def _mapping(session: boto3.Session, wanted: Resource) -> Found:
    return session.client("lambda").get_event_source_mapping(UUID=wanted.id)


def _rule(session: boto3.Session, wanted: Resource) -> Found:
    events = session.client("events")
    targets = events.list_targets_by_rule(Rule=wanted.id)["Targets"]
    return {**events.describe_rule(Name=wanted.id), "Targets": targets}


def _schedule(session: boto3.Session, wanted: Resource) -> Found:
    return session.client("scheduler").get_schedule(Name=wanted.id)


def _function(session: boto3.Session, wanted: Resource) -> Found:
    return session.client("lambda").get_function(FunctionName=wanted.id)


def _role(session: boto3.Session, wanted: Resource) -> Found:
    """Return the inline policies of a role, by name."""
    iam = session.client("iam")
    names = iam.list_role_policies(RoleName=wanted.id)["PolicyNames"]
    policies = {
        name: iam.get_role_policy(RoleName=wanted.id, PolicyName=name)["PolicyDocument"]
        for name in names
    }
    return {"RoleName": wanted.id, **policies}


def _topic(session: boto3.Session, wanted: Resource) -> Found:
    pages = session.client("sns").get_paginator("list_subscriptions_by_topic")
    found = [one for page in pages.paginate(TopicArn=wanted.id) for one in page["Subscriptions"]]
    return {"TopicArn": wanted.id, "Subscriptions": found}


def _elsewhere(_session: boto3.Session, wanted: Resource) -> Found:
    """Return what is no more than its name: it is looked at as a part of something else."""
    return {"Name": wanted.id}


LOOKUPS: Mapping[str, Callable[[boto3.Session, Resource], Found]] = {
    resources.BUCKET: _elsewhere,
    resources.FUNCTION: _function,
    resources.MAPPING: _mapping,
    resources.POLICY: _elsewhere,
    resources.QUEUE: _queue,
    resources.QUEUE_POLICY: _queue_policy,
    resources.ROLE: _role,
    resources.RULE: _rule,
    resources.SCHEDULE: _schedule,
    resources.TABLE: _table,
    resources.TOPIC: _topic,
}
