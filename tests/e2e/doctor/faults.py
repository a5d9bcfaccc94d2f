"""What breaks the deployed stacks, and which commands of the doctor no test can run."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.e2e.conftest import EXISTING
from tests.e2e.doctor.patients import Patient

Act = Callable[[Patient], object]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks a stack.

    Attributes:
        where: the stack that it breaks.
        inject: breaks it.
        says: a part of what the finding says.
        alone: whether it must not meet another fault, since the stack is deployed again.
    """

    where: str
    inject: Act
    says: str
    alone: bool = False


def disable_schedule(patient: Patient) -> None:
    """Keep the flush function from being called."""
    patient.stack._switch_schedule("DISABLED")  # noqa: SLF001  # as every other test does it


def call(service: str, operation: str, /, **arguments: object) -> Act:
    """Return what calls AWS; a function among the arguments is asked for its value."""

    def act(patient: Patient) -> None:
        given = {
            name: value(patient) if callable(value) else value for name, value in arguments.items()
        }
        getattr(patient.client(service), operation)(**given)

    return act


def of(name: str) -> Callable[[Patient], str]:
    """Return what finds the physical id of a resource."""
    return lambda patient: patient.resource(name)


def _attribute(queue: str, **attributes: str) -> Act:
    return call("sqs", "set_queue_attributes", QueueUrl=of(queue), Attributes=attributes)


def _configure(function: str, **changes: object) -> Act:
    operation = "update_function_configuration"
    return call("lambda", operation, FunctionName=of(function), **changes)


def _dead_letter(patient: Patient) -> None:
    # Once it is sent back it is understood: any other would be a dead letter again later.
    test_event = '{"Service": "Amazon S3", "Event": "s3:TestEvent"}'
    queue = patient.output("DeadLetterQueueUrl")
    patient.client("sqs").send_message(QueueUrl=queue, MessageBody=test_event)


def _less(patient: Patient) -> None:
    role = {"RoleName": patient.resource("FlushRole"), "PolicyName": "flush"}
    document = patient.client("iam").get_role_policy(**role)["PolicyDocument"]
    for statement in document["Statement"]:
        if "cloudfront:CreateInvalidation" in statement["Action"]:
            statement["Action"].remove("cloudfront:CreateInvalidation")
    patient.client("iam").put_role_policy(**role, PolicyDocument=json.dumps(document))


def _distrust(patient: Patient) -> None:
    principal = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**principal, "Action": "sts:AssumeRole"}]}
    role = patient.resource("FlushRole")
    patient.client("iam").update_assume_role_policy(
        RoleName=role, PolicyDocument=json.dumps(document)
    )


def _architecture(patient: Patient) -> None:
    function = patient.output("RecordFunction")
    code = {"S3Bucket": patient.resource("ServerlessDeploymentBucket")}
    (code["S3Key"],) = (
        one["Key"]
        for one in patient.client("s3").list_objects_v2(Bucket=code["S3Bucket"])["Contents"]
        if one["Key"].endswith(".zip")
    )
    patient.client("lambda").update_function_code(
        FunctionName=function, Architectures=["x86_64"], **code
    )


def _reconfigure(identity: str, patient: Patient, **changes: object) -> None:
    cloudfront = patient.client("cloudfront")
    got = cloudfront.get_distribution_config(Id=identity)
    config = {**got["DistributionConfig"], **changes}
    cloudfront.update_distribution(Id=identity, IfMatch=got["ETag"], DistributionConfig=config)


def _disable(patient: Patient) -> None:
    _reconfigure(patient.output("Distribution"), patient, Enabled=False)


def _astray(patient: Patient) -> None:
    """Let every distribution lead elsewhere."""
    origin = {
        "Id": "existing",
        "DomainName": "other.s3.us-east-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    listed = patient.client("cloudfront").list_distributions()["DistributionList"]["Items"]
    for one in listed:
        if EXISTING in json.dumps(one["Origins"]):
            _reconfigure(one["Id"], patient, Origins={"Quantity": 1, "Items": [origin]})


def _rewrite(patient: Patient) -> None:
    """Let a function that nobody asks see the requests of the distribution."""
    cloudfront, identity = patient.client("cloudfront"), patient.output("Distribution")
    config = cloudfront.get_distribution_config(Id=identity)["DistributionConfig"]
    arn = "arn:aws:lambda:us-east-1:000000000000:function:rewrite:1"
    seen = {"LambdaFunctionARN": arn, "EventType": "viewer-request", "IncludeBody": False}
    associations = {"LambdaFunctionAssociations": {"Quantity": 1, "Items": [seen]}}
    behaviour = {**config["DefaultCacheBehavior"], **associations}
    _reconfigure(identity, patient, DefaultCacheBehavior=behaviour)


def _second_distribution(patient: Patient) -> None:
    cloudfront = patient.client("cloudfront")
    config = cloudfront.get_distribution_config(Id=patient.output("Distribution"))
    config = {**config["DistributionConfig"], "CallerReference": "second"}
    config["DefaultCacheBehavior"].pop("LambdaFunctionAssociations", None)
    cloudfront.create_distribution(DistributionConfig=config)


def _undelivered(patient: Patient) -> None:
    events, rule = patient.client("events"), patient.resource("ChangeRule")
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_targets(Rule=rule, Targets=[{"Id": target["Id"], "Arn": target["Arn"]}])


def _no_rule(patient: Patient) -> None:
    call("events", "remove_targets", Rule=of("ChangeRule"), Ids=["queue"])(patient)
    call("events", "delete_rule", Name=of("ChangeRule"))(patient)


def _alarm(patient: Patient) -> None:
    cloudwatch = patient.client("cloudwatch")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[patient.resource("QueueAgeAlarm")])[
        "MetricAlarms"
    ]
    kept = {"AlarmName", "Namespace", "MetricName", "Dimensions", "Statistic", "Period"}
    kept |= {"EvaluationPeriods", "ComparisonOperator"}
    cloudwatch.put_metric_alarm(Threshold=86_400, **{name: alarm[name] for name in kept})


_RETRIES = {"FunctionName": of("FlushLambdaFunction"), "Qualifier": "$LATEST"}
_UNATTACHED = call(
    "s3",
    "put_bucket_notification_configuration",
    Bucket=lambda patient: patient.stack.bucket,
    NotificationConfiguration={},
)
_DENIAL = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}
_OTHER_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [_DENIAL]})

# The check of a finding, or several of one fault, and after a slash the property whose command
# differs from the others of the kind -> faults.
FAULTS: Mapping[str, Fault] = {
    "schedule-changed": Fault("site", disable_schedule, "is disabled"),
    "schedule-gone": Fault(
        "site", call("scheduler", "delete_schedule", Name=of("Schedule")), "is gone"
    ),
    "queue-changed": Fault("site", _attribute("Queue", RedrivePolicy=""), "RedrivePolicy"),
    "queue-policy-changed": Fault("site", _attribute("Queue", Policy=""), "sqs:SendMessage"),
    "event-source-mapping-changed/State": Fault(
        "site",
        call(
            "lambda",
            "update_event_source_mapping",
            UUID=of("RecordEventSourceMappingSQSQueue"),
            Enabled=False,
        ),
        "is disabled",
    ),
    "event-source-mapping-changed": Fault(
        "site",
        call(
            "lambda",
            "update_event_source_mapping",
            UUID=of("RecordEventSourceMappingSQSQueue"),
            FunctionResponseTypes=[],
        ),
        "FunctionResponseTypes",
    ),
    "dead-letters": Fault("site", _dead_letter, "about 1"),
    "alarm-changed": Fault("site", _alarm, "Threshold"),
    "alarm-gone": Fault(
        "site",
        lambda patient: patient.client("cloudwatch").delete_alarms(
            AlarmNames=[patient.resource("QueueAgeAlarm")]
        ),
        "is gone",
    ),
    "bucket-changed": Fault("site", _UNATTACHED, "NotificationConfiguration"),
    "role-changed": Fault("site", _less, "cloudfront:CreateInvalidation"),
    "role-changed/AssumeRolePolicyDocument": Fault("site", _distrust, "sts:AssumeRole"),
    "policy-changed": Fault(
        "site",
        call("iam", "delete_role_policy", RoleName=of("RecordRole"), PolicyName="catalogue"),
        "s3:GetObject",
    ),
    "function-changed": Fault("site", _configure("FlushLambdaFunction", Timeout=3), "Timeout"),
    "function-changed/Architectures": Fault("site", _architecture, "Architectures"),
    "function-concurrency": Fault(
        "site",
        call(
            "lambda",
            "put_function_concurrency",
            FunctionName=of("RecordLambdaFunction"),
            ReservedConcurrentExecutions=0,
        ),
        "0 times",
    ),
    "retry-setting-changed": Fault(
        "site",
        call("lambda", "put_function_event_invoke_config", **_RETRIES, MaximumRetryAttempts=2),
        "MaximumRetryAttempts",
    ),
    "retry-setting-gone": Fault(
        "site", call("lambda", "delete_function_event_invoke_config", **_RETRIES), "is gone"
    ),
    "log-changed": Fault(
        "site",
        call("logs", "put_retention_policy", logGroupName=of("FlushLogGroup"), retentionInDays=1),
        "RetentionInDays",
    ),
    "log-gone": Fault(
        "site", call("logs", "delete_log_group", logGroupName=of("FlushLogGroup")), "is gone"
    ),
    "bucket-policy-changed": Fault(
        "site",
        call("s3", "put_bucket_policy", Bucket=of("SiteBucket"), Policy=_OTHER_POLICY),
        "s3:GetObject",
    ),
    "bucket-policy-gone": Fault(
        "site", call("s3", "delete_bucket_policy", Bucket=of("SiteBucket")), "is gone"
    ),
    "distribution-disabled": Fault("site", _disable, "is disabled"),
    "bucket-unserved": Fault("site", _disable, "No enabled distribution"),
    "table-changed": Fault(
        "attached",
        call(
            "dynamodb", "update_table", TableName=of("DirtyTable"), DeletionProtectionEnabled=False
        ),
        "DeletionProtectionEnabled",
    ),
    "dashboard-gone": Fault(
        "attached",
        lambda patient: patient.client("cloudwatch").delete_dashboards(
            DashboardNames=[patient.resource("Overview")]
        ),
        "is gone",
    ),
    "bucket-unattached": Fault("attached", _UNATTACHED, "delivery of the bucket"),
    "rule-changed": Fault(
        "attached", call("events", "disable_rule", Name=of("ChangeRule")), "is disabled"
    ),
    "rule-changed/Targets": Fault("attached", _undelivered, "Targets"),
    "rule-gone": Fault("attached", _no_rule, "is gone"),
    "paths-unsaid": Fault("attached", _rewrite, "sees requests of", alone=True),
    "distribution-unswept": Fault(
        "attached", _second_distribution, "serves stale objects", alone=True
    ),
    "distribution-astray": Fault("attached", _astray, "leads to no swept bucket", alone=True),
}


def _batches() -> Mapping[str, Sequence[str]]:
    """Return the names of faults that a stack can have at the same time."""
    batches: dict[str, list[str]] = {}
    for name, fault in FAULTS.items():
        _, property_, _ = name.partition("/")
        together = "gone" if name.endswith("-gone") else "own-command" if property_ else "changed"
        batch = name if fault.alone else f"{fault.where}-{together}"
        batches.setdefault(batch, []).append(name)
    return batches


BATCHES = _batches()

_REVERTS = "the embedded AWS refuses change sets that revert drift"
_PERSON = "a person has to fill in a name, or to sign in"

# The check of each other finding, likewise -> why its command cannot be run here.
NOT_RUN: Mapping[str, str] = {
    "account-concurrency": "the embedded AWS has no service quotas",
    "bucket-elsewhere": "a stack in the other region mends the bucket, and not this stack",
    "bucket-gone": _REVERTS,
    "bucket-missing": "a stack with one bucket needs another, which a person has to name",
    "bucket-without-distribution": "run with distribution-astray",
    "credentials": _PERSON,
    "dead-letters-hidden": "no command: they go back by themselves",
    "distribution-for-tenants": "the embedded AWS has no distributions for tenants",
    "distribution-gone": _REVERTS,
    "event-source-mapping-gone": _REVERTS,
    "free-paths-twice": "others have to spend for an hour, and the parameter is no fault of AWS",
    "table-changed/StreamSpecification": _REVERTS,
    "function-gone": _REVERTS,
    "keys-unsaid": "a person has to choose; tests/viewers/test_mends.py runs it",
    "managed-policy-gone": _REVERTS,
    "no-connection": "nothing answers until the network does",
    "no-stack": _PERSON,
    "origin-access-control-gone": _REVERTS,
    "others-unread": "a person has to find out who denies it; tests/e2e/permissions denies it",
    "policy-gone": _REVERTS,
    "role-changed/PermissionsBoundary": "the embedded AWS deploys roles without their boundary",
    "queue-gone": _REVERTS,
    "queue-policy-gone": _REVERTS,
    "role-gone": _REVERTS,
    "settings": "only a different version of Edgesweep deploys such a stack",
    "stacks-share": "a note, without a command",
    "stack-elsewhere": "run by a test of its own",
    "stack-stuck": "no deployment of the embedded AWS fails half-way",
    "table-gone": "the embedded AWS makes no backup of a deleted table",
    "topic-changed": "a person has to confirm the mail",
    "topic-gone": _REVERTS,
    "unreadable": _PERSON,
}
