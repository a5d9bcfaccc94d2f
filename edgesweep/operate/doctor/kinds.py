"""The kinds of resources of a stack in one table: their required state, and the remedy."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import boto3

from edgesweep.aws.s3 import Bucket
from edgesweep.operate.doctor.facts import Facts, Finding, Found
from edgesweep.operate.doctor.template import QUEUE, Resource, Value, actions

BUCKET = "AWS::S3::Bucket"
FUNCTION = "AWS::Lambda::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"
TABLE = "AWS::DynamoDB::Table"

_ON = frozenset({"Creating", "ENABLED", "Enabled", "Enabling", "Updating"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of resource.

    Attributes:
        check: one word for the subject of the check.
        noun: its name for people.
        gone: the consequence if one is gone.
        describe: reads one from AWS.
        says: property that must match the template -> the fault if it does not; "": any other.
        mend: returns the AWS command that sets a property, given its name and value.
        wanted: returns further required properties, named as AWS describes them.
    """

    check: str
    noun: str
    gone: str
    describe: Callable[[Any, Resource], Found]
    says: Mapping[str, str] = field(default_factory=dict)
    mend: Callable[[Resource, str, Value, Found], Sequence[str]] = lambda *_: ()
    wanted: Callable[[Resource], Found] = lambda _: {}

    def properties(self, one: Resource) -> Found:
        """Return the properties that a resource must have."""
        template = {"State": _ON, **one.properties}
        named = {name: template[name] for name in self.says if name in template}
        return {**named, **self.wanted(one)}


def compared(facts: Facts) -> Iterator[Finding]:
    """Every resource exists and matches the template."""
    for one, found in facts.resources:
        kind = KINDS[one.kind]
        what = f"The {kind.noun} {one.id}"
        if found is None:
            mend = _restore(facts, one) if one.kind == TABLE else facts.place.revert()
            yield Finding(kind.check, f"{what} is gone, so {kind.gone}", mend)
            continue
        for name, wanted in kind.properties(one).items():
            value = _parsed(found.get(name))
            if not _fits(wanted, value):
                lost = ", ".join(sorted({action for action, _ in _lost(wanted, value)}))
                wrong = kind.says.get(name) or kind.says[""]
                text = f"{what} {wrong.format(name=name, found=value, lost=lost)}"
                yield Finding(
                    kind.check, text, facts.place.aws(*kind.mend(one, name, wanted, found))
                )


def dead_letters(facts: Facts) -> Iterator[Finding]:
    """The dead-letter queue is empty."""
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    for one, found in facts.there(QUEUE):
        waiting = sum(int(found.get(name, 0)) for name in counts)
        if one.name == "DeadLetterQueue" and waiting:
            text = f"Changes that could not be recorded wait in {one.id}: about {waiting:,}"
            mend = facts.place.edgesweep("redrive", "--stack", facts.place.stack)
            yield Finding("queue", text, mend)


def reserves(facts: Facts) -> Iterator[Finding]:
    """The concurrency of each function, and of the account, suffices."""
    demand = 0
    for one, found in facts.there(FUNCTION):
        needed = _at_once(facts, one)
        reserved = found.get("Concurrency", {}).get("ReservedConcurrentExecutions")
        demand += needed if reserved is None else 0
        if reserved is not None and reserved < needed:
            text = f"The function {one.id} may run {reserved} times at once, and takes {needed}"
            command = ("lambda", "delete-function-concurrency", "--function-name", one.id)
            yield Finding("concurrency", text, facts.place.aws(*command))
    if facts.unreserved is not None and facts.unreserved < demand:
        text = (
            f"The account's functions may run {facts.unreserved} times at once, all together, "
            f"and the stack takes {demand}"
        )
        raised = ("--quota-code", "L-B99A9384", "--desired-value", "1000")
        request = ("request-service-quota-increase", "--service-code", "lambda", *raised)
        yield Finding("concurrency", text, facts.place.aws("service-quotas", *request))


def _at_once(facts: Facts, function: Resource) -> int:
    """Return the most concurrent executions of a function, which its mapping sets."""
    for mapping, _ in facts.there(MAPPING):
        if mapping.properties["FunctionName"].endswith(f":{function.id}"):
            most: int = mapping.properties["ScalingConfig"]["MaximumConcurrency"]
            return most
    return 1


def _restore(facts: Facts, table: Resource) -> str:
    """Return the command that restores a deleted table, which DynamoDB backs up for 35 days.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
    """
    named = ("--table-name", table.id, "--backup-type", "SYSTEM")
    last = ("--query", "BackupSummaries[-1].BackupArn", "--output", "text")
    find = facts.place.aws("dynamodb", "list-backups", *named, *last)
    restore = ("dynamodb", "restore-table-from-backup", "--target-table-name", table.id)
    return facts.place.aws(*restore) + f' --backup-arn "$({find})"'


def _fits(wanted: Value, found: Value) -> bool:
    """Tell whether a property holds everything wanted; it may hold more."""
    match wanted:
        case {"Statement": _}:
            return not _lost(wanted, found)
        case dict() if "source" not in wanted:  # an event pattern that holds more matches less
            return all(_fits(value, (found or {}).get(name)) for name, value in wanted.items())
        case list():
            return all(any(_fits(value, one) for one in found or ()) for value in wanted)
        case frozenset():
            return found in wanted
    return wanted is False or bool(_number(wanted) == _number(found))


def _lost(wanted: Value, found: Value) -> set[tuple[str, str]]:
    """Return the actions that a policy should allow and does not; empty for other properties."""
    return set(actions(wanted)) - set(actions(found or {})) if isinstance(wanted, dict) else set()


def _parsed(value: Value) -> Value:
    """Return a property that AWS describes in JSON in the form of a template."""
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


def _number(value: Value) -> Value:
    """Return numeric text as a number, and other values as they are."""
    return float(value) if isinstance(value, float) or str(value).isdecimal() else value


def _owner(one: Resource) -> str:
    """Return the queue or role of a policy; other resources are their own owner."""
    owners = one.properties.get("Queues") or one.properties.get("Roles") or [one.id]
    return str(owners[0])


def _command(text: str) -> Callable[[Resource, str, Value, Found], Sequence[str]]:
    """Return a function that fills in a command, with the names below and the properties."""

    def fill(one: Resource, name: str, wanted: Value, _: Found) -> Sequence[str]:
        value = wanted if isinstance(wanted, str) else json.dumps(wanted, default=list)
        words = {"id": one.id, "owner": _owner(one), "name": name, "value": value}
        words["attribute"] = json.dumps({name: value})
        words["properties"] = json.dumps(one.properties)
        words |= {key: json.dumps(item) for key, item in one.properties.items()}
        return [word.format(**words) for word in text.split()]

    return fill


def _notified(bucket: Resource) -> Found:
    """Return the notifications that a bucket must have, without filters."""
    template = bucket.properties.get("NotificationConfiguration", {})
    return {
        "QueueConfigurations": [
            {"QueueArn": queue["Queue"], "Events": [queue["Event"]], "Filter": None}
            for queue in template.get("QueueConfigurations", ())
        ]
    }


def _notify(bucket: Resource, name: str, wanted: Value, found: Found) -> Sequence[str]:
    ours = [{"QueueArn": queue["QueueArn"], "Events": queue["Events"]} for queue in wanted]
    others = [one for one in found[name] if one["QueueArn"] not in {q["QueueArn"] for q in ours}]
    merged = json.dumps({**found, name: [*others, *ours]})
    put = ("s3api", "put-bucket-notification-configuration", "--bucket", bucket.id)
    return *put, "--notification-configuration", merged


def _attributes(session: boto3.Session, one: Resource) -> Found:
    asked = session.client("sqs").get_queue_attributes(QueueUrl=_owner(one), AttributeNames=["All"])
    return {str(name): value for name, value in asked["Attributes"].items()}


def _rule(session: boto3.Session, one: Resource) -> Found:
    events = session.client("events")
    targets = events.list_targets_by_rule(Rule=one.id)["Targets"]
    return {**events.describe_rule(Name=one.id), "Targets": targets}


def _inline(session: boto3.Session, one: Resource) -> Found:
    """Return the inline policies of a role, by name."""
    iam, role = session.client("iam"), _owner(one)
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    got = (iam.get_role_policy(RoleName=role, PolicyName=name) for name in names)
    return {"RoleName": role, **{policy["PolicyName"]: policy["PolicyDocument"] for policy in got}}


def _topic(session: boto3.Session, one: Resource) -> Found:
    """Return whether each address has confirmed, since only then it has an ARN."""
    pages = session.client("sns").get_paginator("list_subscriptions_by_topic")
    found = [each for page in pages.paginate(TopicArn=one.id) for each in page["Subscriptions"]]
    states = {each["Endpoint"]: each["SubscriptionArn"].startswith("arn:") for each in found}
    return {"TopicArn": one.id, **states}


def _alarm(session: boto3.Session, one: Resource) -> Found:
    found = session.client("cloudwatch").describe_alarms(AlarmNames=[one.id])["MetricAlarms"]
    return dict(*found)


def _mend_rule(rule: Resource, name: str, *rest: Value) -> Sequence[str]:
    targets = "events put-targets --rule {id} --targets {value}"
    pattern = "events put-rule --name {id} --state ENABLED --event-pattern {EventPattern}"
    return _command(targets if name == "Targets" else pattern)(rule, name, *rest)


_SET_ATTRIBUTE = _command("sqs set-queue-attributes --queue-url {owner} --attributes {attribute}")
_CHANGED = "is configured otherwise: {name}"
_ROLE = Kind(
    *("permissions", "role", "its function may do nothing"),
    _inline,
    {"": "does not allow {lost}"},
    _command(
        "iam put-role-policy --role-name {owner} --policy-name {name} --policy-document {value}"
    ),
    lambda one: {
        policy["PolicyName"]: policy["PolicyDocument"]
        for policy in one.properties.get("Policies", [one.properties])
    },
)

# In the order in which changes flow.
KINDS: Mapping[str, Kind] = {
    TABLE: Kind(
        *("tables", "table", "changes are neither kept nor flushed"),
        lambda session, one: session.client("dynamodb").describe_table(TableName=one.id)["Table"],
        {"DeletionProtectionEnabled": "is not protected from being deleted"},
        _command("dynamodb update-table --table-name {id} --deletion-protection-enabled"),
    ),
    BUCKET: Kind(
        *("wiring", "bucket", "its objects are lost"),
        lambda session, one: {
            "QueueConfigurations": [],
            **Bucket(session.client("s3"), one.id).notifications(),
        },
        {"QueueConfigurations": "does not notify the queue"},
        _notify,
        _notified,
    ),
    QUEUE: Kind(
        *("queue", "queue", "S3 reports changes to nobody"),
        _attributes,
        dict.fromkeys(("MessageRetentionPeriod", "VisibilityTimeout", "RedrivePolicy"), _CHANGED),
        _SET_ATTRIBUTE,
    ),
    "AWS::SQS::QueuePolicy": Kind(
        *("queue", "queue policy", "changes are refused by the queue"),
        _attributes,
        {"Policy": "does not allow {lost}, so changes are lost"},
        _SET_ATTRIBUTE,
        lambda one: {"Policy": one.properties["PolicyDocument"]},
    ),
    MAPPING: Kind(
        *("queue", "event source mapping", "changes wait in the queue"),
        lambda session, one: session.client("lambda").get_event_source_mapping(UUID=one.id),
        {"State": "is disabled, so changes wait in the queue, for 14 days at most"},
        _command("lambda update-event-source-mapping --uuid {id} --enabled"),
    ),
    "AWS::Events::Rule": Kind(
        *("wiring", "rule", "changes do not reach the queue"),
        _rule,
        {
            "State": "is disabled, so changes are lost",
            "EventPattern": "has another pattern, so changes are lost",
            "Targets": "does not lead to the queue and its dead letters, so changes are lost",
        },
        _mend_rule,
    ),
    "AWS::Scheduler::Schedule": Kind(
        *("schedule", "schedule", "nothing is flushed"),
        lambda session, one: session.client("scheduler").get_schedule(Name=one.id),
        {
            "State": "is disabled, so nothing is flushed",
            "Target": "calls {found[Arn]}, or not as it should",
            "ScheduleExpression": "is {found}",
        },
        _command(
            "scheduler update-schedule --name {id} --state ENABLED --cli-input-json {properties}"
        ),
    ),
    FUNCTION: Kind(
        *("functions", "function", "its work is not done"),
        lambda session, one: session.client("lambda").get_function(FunctionName=one.id),
    ),
    "AWS::IAM::Role": _ROLE,
    "AWS::IAM::Policy": replace(_ROLE, noun="policy", gone="its function may do less"),
    "AWS::SNS::Topic": Kind(
        *("alarms", "topic", "nobody hears of an alarm"),
        _topic,
        {"": "mails nobody: {name} has not confirmed; confirm the mail that comes of this"},
        _command("sns subscribe --topic-arn {id} --protocol email --notification-endpoint {name}"),
        lambda one: {each["Endpoint"]: True for each in one.properties["Subscription"]},
    ),
    "AWS::CloudWatch::Alarm": Kind(
        *("alarms", "alarm", "nobody hears of it"),
        _alarm,
        {"": _CHANGED},
        _command("cloudwatch put-metric-alarm --alarm-name {id} --cli-input-json {properties}"),
        lambda one: {"ActionsEnabled": True, **one.properties},
    ),
}
