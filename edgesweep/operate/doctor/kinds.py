"""The kinds of resources of a stack in one table: how each is read, compared and mended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import boto3

from edgesweep.aws.s3 import Bucket
from edgesweep.operate.doctor.facts import REVERT, Found, Harm
from edgesweep.operate.doctor.template import QUEUE, Resource, Value

BUCKET = "AWS::S3::Bucket"
FUNCTION = "AWS::Lambda::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"

_ON = frozenset({"Creating", "ENABLED", "Enabled", "Enabling", "Updating"})

Reader = Callable[[Any, Resource], Found]

# Properties that are not compared: they name a resource, cannot be changed, or affect no flush.
_LEFT_OUT = {
    "AttributeDefinitions", "Bucket", "Code", "DashboardBody", "DashboardName", "Description",
    "DestinationConfig", "DistributionConfig", "Enabled", "FunctionName", "KeySchema",
    "LogGroupName", "OriginAccessControlConfig", "PointInTimeRecoverySpecification", "Qualifier",
    "SqsManagedSseEnabled", "TimeToLiveSpecification",
}  # fmt: skip


def _call(service: str, operation: str, *properties: str, by: str = "") -> Reader:
    """Return a reader of a resource by one call, given these properties or, as `by`, its id."""
    return lambda session, one: getattr(session.client(service), operation)(
        **({by: one.id} if by else {name: one.properties[name] for name in properties})
    )


def _compared(one: Resource) -> Found:
    return {name: value for name, value in one.properties.items() if name not in _LEFT_OUT}


def _switched_on(one: Resource) -> Found:
    return {**_compared(one), "State": _ON}


def _document(one: Resource) -> Found:
    return {"Policy": one.properties["PolicyDocument"]}


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of resource; its commands contain those of `comparison.placeholders`."""

    noun: str  # its name for people
    harm: Harm  # if a resource is gone
    gone: str  # the consequence if a resource is gone
    describe: Reader  # reads a resource from AWS, with its properties named as in the template
    mend: str = ""  # the command that sets a property
    mends: Mapping[str, str] = field(default_factory=dict)  # property -> another command for it
    says: str = "differs from the template in {name}"  # the fault if a property does not match
    changed: Harm | None = None  # the harm of a resource that does not match, if not `harm`
    wanted: Callable[[Resource], Found] = _compared  # returns the properties that must match
    merged: Callable[[Value, Value], Value] = lambda wanted, _: wanted  # wanted, found -> to set
    restore: str = REVERT  # the command that creates it again; empty if `mend` does that as well

    @property
    def check(self) -> str:
        """How the names of its checks begin."""
        return self.noun.replace(" ", "-")


def owner(one: Resource) -> str:
    """Return the queue or role of a policy; other resources are their own owner."""
    owners = one.properties.get("Queues") or one.properties.get("Roles") or [one.id]
    return str(owners[0])


def _table(session: boto3.Session, one: Resource) -> Found:
    table = session.client("dynamodb").describe_table(TableName=one.id)["Table"]
    return {**table, "BillingMode": table.get("BillingModeSummary", {}).get("BillingMode")}


def _bucket(session: boto3.Session, one: Resource) -> Found:
    return {"NotificationConfiguration": Bucket(session.client("s3"), one.id).notifications()}


def _notified(bucket: Resource) -> Found:
    """Return the notifications that a bucket must have, without filters."""
    template = bucket.properties.get("NotificationConfiguration", {})
    queues = [
        {"QueueArn": queue["Queue"], "Events": [queue["Event"]], "Filter": None}
        for queue in template.get("QueueConfigurations", ())
    ]
    return {"NotificationConfiguration": {"QueueConfigurations": queues}}


def _added(wanted: Value, found: Value) -> Value:
    """Return notifications with ours beside those of other people."""
    name = "QueueConfigurations"
    ours = [{"QueueArn": queue["QueueArn"], "Events": queue["Events"]} for queue in wanted[name]]
    arns = {queue["QueueArn"] for queue in ours}
    others = [one for one in found.get(name, ()) if one["QueueArn"] not in arns]
    return {**found, name: [*others, *ours]}


def _attributes(session: boto3.Session, one: Resource) -> Found:
    asked = session.client("sqs").get_queue_attributes(QueueUrl=owner(one), AttributeNames=["All"])
    return {str(name): value for name, value in asked["Attributes"].items()}


def _rule(session: boto3.Session, one: Resource) -> Found:
    events = session.client("events")
    targets = events.list_targets_by_rule(Rule=one.id)["Targets"]
    return {**events.describe_rule(Name=one.id), "Targets": targets}


def _function(session: boto3.Session, one: Resource) -> Found:
    found = session.client("lambda").get_function(FunctionName=one.id)
    return {**found["Configuration"], "Concurrency": found.get("Concurrency", {})}


def _role(session: boto3.Session, one: Resource) -> Found:
    iam, name = session.client("iam"), owner(one)
    role = iam.get_role(RoleName=name)["Role"]
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    got = (iam.get_role_policy(RoleName=name, PolicyName=policy) for policy in policies)
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    inline = {policy["PolicyName"]: policy["PolicyDocument"] for policy in got}
    return {**role, "PermissionsBoundary": boundary, **inline}


def _allowed(one: Resource) -> Found:
    """Return the properties of a role or an inline policy, with the policies by name."""
    named = one.properties.get("Policies", [one.properties])
    policies = {policy["PolicyName"]: policy["PolicyDocument"] for policy in named}
    kept = ("AssumeRolePolicyDocument", "PermissionsBoundary")
    return {name: one.properties[name] for name in kept if name in one.properties} | policies


def _topic(session: boto3.Session, one: Resource) -> Found:
    """Return whether each address has confirmed, since only then it has an ARN."""
    pages = session.client("sns").get_paginator("list_subscriptions_by_topic")
    found = [each for page in pages.paginate(TopicArn=one.id) for each in page["Subscriptions"]]
    states = {each["Endpoint"]: each["SubscriptionArn"].startswith("arn:") for each in found}
    return {"TopicArn": one.id, **states}


def _alarm(session: boto3.Session, one: Resource) -> Found:
    found = session.client("cloudwatch").describe_alarms(AlarmNames=[one.id])["MetricAlarms"]
    return dict(*found)


def _log(session: boto3.Session, one: Resource) -> Found:
    groups = session.client("logs").describe_log_groups(logGroupNamePrefix=one.id)["logGroups"]
    named = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
    return {"RetentionInDays": named[one.id]} if one.id in named else {}


_SET_ATTRIBUTE = "aws sqs set-queue-attributes --queue-url {owner} --attributes {texts} {at}"
_UPDATE_MAPPING = "aws lambda update-event-source-mapping --uuid {id} "
# Lambda refuses an update while it works on another.
_UPDATE_FUNCTION = (
    "aws lambda wait function-updated --function-name {id} {at} && aws lambda update-function-"
)
_UPDATE_CODE = _UPDATE_FUNCTION + "code --function-name {id} --cli-input-json {code} {at}"
_PUT_RULE = "aws events put-rule --name {id} --state ENABLED --event-pattern {EventPattern} {at}"
_PUT_TARGETS = "aws events put-targets --rule {id} --targets {Targets} {at}"
_SCHEDULE = "schedule --name {id} --state ENABLED --cli-input-json {properties} {at}"
_KEEP_LOG = (
    "aws logs put-retention-policy --log-group-name {id} --retention-in-days {RetentionInDays} {at}"
)
# DynamoDB backs up a deleted table for 35 days.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
_RESTORE_TABLE = (
    "aws dynamodb restore-table-from-backup --target-table-name {id} --backup-arn "
    '"$(aws dynamodb list-backups --table-name {id} --backup-type SYSTEM '
    "--query 'BackupSummaries[-1].BackupArn' --output text {at})\" {at}"
)
# fmt: off
_ROLE = Kind(
    "role", Harm.DELAYS, "its function may do less", _role,
    "aws iam put-role-policy --role-name {owner} --policy-name {name} "
    "--policy-document {value} {at}",
    {"AssumeRolePolicyDocument": "aws iam update-assume-role-policy --role-name {owner} "
        "--policy-document {value} {at}",
     "PermissionsBoundary": "aws iam put-role-permissions-boundary --role-name {owner} "
        "--permissions-boundary {value} {at}"},
    wanted=_allowed,
)

# In the order in which changes flow.
KINDS: Mapping[str, Kind] = {
    "AWS::DynamoDB::Table": Kind(
        "table", Harm.LOSES, "changes are neither kept nor flushed", _table,
        "aws dynamodb update-table --table-name {id} --cli-input-json {attribute} {at}",
        # A new stream has another ARN, which mapping and role have to follow.
        {"StreamSpecification": REVERT}, changed=Harm.NOTE, restore=_RESTORE_TABLE,
    ),
    BUCKET: Kind(
        "bucket", Harm.LOSES, "its objects are lost", _bucket,
        "aws s3api put-bucket-notification-configuration --bucket {id} "
        "--notification-configuration {value} {at}", wanted=_notified, merged=_added,
    ),
    QUEUE: Kind("queue", Harm.LOSES, "S3 reports to nobody", _attributes, _SET_ATTRIBUTE),
    "AWS::SQS::QueuePolicy": Kind(
        "queue policy", Harm.LOSES, "the queue refuses changes", _attributes, _SET_ATTRIBUTE,
        wanted=_document,
    ),
    MAPPING: Kind(
        "event source mapping", Harm.DELAYS, "changes wait in the queue, or for the next tick",
        _call("lambda", "get_event_source_mapping", by="UUID"),
        _UPDATE_MAPPING + "--cli-input-json {attribute} {at}",
        {"State": _UPDATE_MAPPING + "--enabled {at}"}, wanted=_switched_on,
    ),
    "AWS::Events::Rule": Kind(
        "rule", Harm.LOSES, "changes do not reach the queue", _rule, _PUT_RULE,
        {"Targets": _PUT_TARGETS}, wanted=_switched_on, restore=f"{_PUT_RULE} && {_PUT_TARGETS}",
    ),
    "AWS::Scheduler::Schedule": Kind(
        "schedule", Harm.DELAYS, "nothing is flushed",
        _call("scheduler", "get_schedule", by="Name"), f"aws scheduler update-{_SCHEDULE}",
        wanted=_switched_on, restore=f"aws scheduler create-{_SCHEDULE}",
    ),
    FUNCTION: Kind(
        "function", Harm.DELAYS, "its work is not done", _function,
        _UPDATE_FUNCTION + "configuration --function-name {id} --cli-input-json {others} {at}",
        {"Architectures": _UPDATE_CODE},  # the architecture belongs to the code
    ),
    "AWS::Lambda::EventInvokeConfig": Kind(
        "retry setting", Harm.COSTS, "Lambda repeats ticks that failed",
        _call("lambda", "get_function_event_invoke_config", "FunctionName", "Qualifier"),
        "aws lambda put-function-event-invoke-config --cli-input-json {properties} {at}",
        restore="",
    ),
    "AWS::IAM::Role": _ROLE,
    "AWS::IAM::Policy": replace(_ROLE, noun="policy", mends={}),
    "AWS::IAM::ManagedPolicy": Kind(
        "managed policy", Harm.NOTE, "no other role can be allowed to request paths",
        _call("iam", "get_policy", by="PolicyArn"),
        wanted=lambda _: {},  # a person may attach it, and nobody else uses it
    ),
    "AWS::Logs::LogGroup": Kind(
        "log", Harm.NOTE, "its function logs nothing", _log, _KEEP_LOG, changed=Harm.COSTS,
        restore="aws logs create-log-group --log-group-name {id} {at} && " + _KEEP_LOG,
    ),
    "AWS::SNS::Topic": Kind(
        "topic", Harm.NOTE, "nobody hears of an alarm", _topic,
        "aws sns subscribe --topic-arn {id} --protocol email --notification-endpoint {name} {at}",
        says="sends no mail: {name} has not confirmed; run this, then confirm the mail you get",
        wanted=lambda one: {each["Endpoint"]: True for each in one.properties["Subscription"]},
    ),
    "AWS::CloudWatch::Alarm": Kind(
        "alarm", Harm.NOTE, "nobody hears of it", _alarm,
        "aws cloudwatch put-metric-alarm --alarm-name {id} --cli-input-json {properties} {at}",
        wanted=lambda one: {"ActionsEnabled": True, **one.properties}, restore="",
    ),
    "AWS::CloudWatch::Dashboard": Kind(
        "dashboard", Harm.NOTE, "there is no page of the numbers",
        _call("cloudwatch", "get_dashboard", by="DashboardName"), restore="aws cloudwatch "
        "put-dashboard --dashboard-name {id} --dashboard-body {DashboardBody} {at}",
    ),
    "AWS::S3::BucketPolicy": Kind(
        "bucket policy", Harm.NOTE, "CloudFront may not read the bucket",
        _call("s3", "get_bucket_policy", "Bucket"), "aws s3api put-bucket-policy "
        "--bucket {Bucket} --policy {PolicyDocument} {at}", wanted=_document, restore="",
    ),
    "AWS::CloudFront::OriginAccessControl": Kind(
        "origin access control", Harm.NOTE, "CloudFront may not read the bucket",
        _call("cloudfront", "get_origin_access_control", by="Id"),
    ),
    "AWS::CloudFront::Distribution": Kind(
        "distribution", Harm.NOTE, "nobody sees the site",
        _call("cloudfront", "get_distribution", by="Id"),
    ),
}
# fmt: on
