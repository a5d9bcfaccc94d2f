"""Deployed stacks that are broken on purpose, and what breaks them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from click.testing import CliRunner, Result

from edgesweep.cli.commands import main
from tests.e2e.conftest import EXISTING, Stack, await_true
from tests.e2e.shell import run

Findings = Sequence[Mapping[str, str]]

STAGES = {"site": "test", "attached": "prod"}


@dataclass(frozen=True, slots=True)
class Patient:
    """A deployed stack that is broken on purpose."""

    stage: str
    stack: Stack
    credentials: Mapping[str, str] = field(default_factory=dict)

    def as_somebody(self, credentials: Mapping[str, str]) -> "Patient":
        """Return the same stack, examined with other credentials."""
        given = {
            "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
            "AWS_SESSION_TOKEN": credentials.get("SessionToken", ""),
        }
        return replace(self, credentials={name: text for name, text in given.items() if text})

    def examine(self, *options: str) -> Result:
        """Run the doctor."""
        environment = {**self.stack.aws.environment, **self.credentials}
        return CliRunner().invoke(
            main, ["doctor", "--stage", self.stage, *options], env=environment
        )

    def findings(self) -> Findings:
        """Return what the doctor finds, and check that the exit code tells of it."""
        result = self.examine("--json")
        assert result.exit_code in {0, 1}, (result.stderr, result.exception)
        findings: Findings = json.loads(result.stdout)
        assert result.exit_code == bool(findings)
        return findings

    def rest(self) -> None:
        """Return once the queue is empty: no message meets the next fault."""
        await_true(lambda: not self.stack.watch.messages())

    def run(self, command: str) -> None:
        """Run a command as a shell does."""
        run(self.stack.aws, command)

    def client(self, service: str) -> Any:  # noqa: ANN401  # a boto3 client
        """Return a client with the rights of the account's root user."""
        return self.stack.aws.client(service)

    def output(self, name: str) -> str:
        """Return an output of the stack."""
        return self.stack.outputs[name]

    def resource(self, name: str) -> str:
        """Return the physical id of a resource."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=f"edgesweep-{self.stage}", LogicalResourceId=name
        )
        identity: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return identity


Act = Callable[[Patient], object]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks a stack.

    Attributes:
        where: the stack that it breaks.
        inject: breaks it.
        check: what the finding is called.
        says: a part of what it says.
        mend: how the command begins that it names.
        undo: mends it where the embedded AWS does not know what that command does; else the command
            itself does.
    """

    where: str
    inject: Act
    check: str
    says: str
    mend: str
    undo: Act | None = None


def disable_schedule(patient: Patient) -> None:
    """Keep the flush function from being called."""
    patient.stack._switch_schedule("DISABLED")  # noqa: SLF001  # as every other test does it


def _queue_policy(patient: Patient) -> None:
    attributes = {"QueueUrl": patient.output("QueueUrl"), "Attributes": {"Policy": ""}}
    patient.client("sqs").set_queue_attributes(**attributes)


def _redrive_policy(patient: Patient) -> None:
    attributes = {"QueueUrl": patient.output("QueueUrl"), "Attributes": {"RedrivePolicy": ""}}
    patient.client("sqs").set_queue_attributes(**attributes)


def _mapping(patient: Patient) -> None:
    uuid = patient.resource("RecordEventSourceMappingSQSQueue")
    patient.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)


def _dead_letter(patient: Patient) -> None:
    queue = patient.output("DeadLetterQueueUrl")
    # Once it is sent back it is understood: any other would be a dead letter again later.
    test_event = '{"Service": "Amazon S3", "Event": "s3:TestEvent"}'
    patient.client("sqs").send_message(QueueUrl=queue, MessageBody=test_event)


def _notifications(patient: Patient) -> None:
    patient.client("s3").put_bucket_notification_configuration(
        Bucket=patient.stack.bucket, NotificationConfiguration={}
    )


def _role(patient: Patient) -> None:
    role = {"RoleName": patient.resource("FlushRole"), "PolicyName": "flush"}
    document = patient.client("iam").get_role_policy(**role)["PolicyDocument"]
    for statement in document["Statement"]:
        if "cloudfront:CreateInvalidation" in statement["Action"]:
            statement["Action"].remove("cloudfront:CreateInvalidation")
    patient.client("iam").put_role_policy(**role, PolicyDocument=json.dumps(document))


def _no_policy(patient: Patient) -> None:
    patient.client("iam").delete_role_policy(
        RoleName=patient.resource("RecordRole"), PolicyName="record"
    )


def _reserve(patient: Patient) -> None:
    patient.client("lambda").put_function_concurrency(
        FunctionName=patient.output("RecordFunction"), ReservedConcurrentExecutions=0
    )


def _account(patient: Patient) -> None:
    patient.client("lambda").create_function(
        FunctionName="greedy",
        Runtime="python3.13",
        Role=f"arn:aws:iam::000000000000:role/{patient.resource('FlushRole')}",
        Handler="handler.handler",
        Code={"ZipFile": b"PK\x05\x06" + b"\0" * 18},
    )
    patient.client("lambda").put_function_concurrency(
        FunctionName="greedy", ReservedConcurrentExecutions=6
    )


def _fire_greedy(patient: Patient) -> None:
    patient.client("lambda").delete_function(FunctionName="greedy")


def _reconfigure(patient: Patient, **changes: object) -> None:
    cloudfront, identity = patient.client("cloudfront"), patient.output("Distribution")
    got = cloudfront.get_distribution_config(Id=identity)
    config = {**got["DistributionConfig"], **changes}
    cloudfront.update_distribution(Id=identity, IfMatch=got["ETag"], DistributionConfig=config)


def _disable(patient: Patient) -> None:
    _reconfigure(patient, Enabled=False)


def _origin(bucket: str) -> Act:
    domain = f"{bucket}.s3.us-east-1.amazonaws.com"
    access = {"S3OriginConfig": {"OriginAccessIdentity": ""}}
    origin = {"Id": "existing", "DomainName": domain, **access}
    origins = {"Quantity": 1, "Items": [origin]}
    return lambda patient: _reconfigure(patient, Origins=origins)


def _second_distribution(patient: Patient) -> None:
    cloudfront = patient.client("cloudfront")
    config = cloudfront.get_distribution_config(Id=patient.output("Distribution"))
    cloudfront.create_distribution(
        DistributionConfig={**config["DistributionConfig"], "CallerReference": "second"}
    )


def _remove_second(patient: Patient) -> None:
    cloudfront = patient.client("cloudfront")
    listed = cloudfront.list_distributions()["DistributionList"]["Items"]
    for one in listed:
        got = cloudfront.get_distribution_config(Id=one["Id"])
        if got["DistributionConfig"]["CallerReference"] == "second":
            config = {**got["DistributionConfig"], "Enabled": False}
            updated = cloudfront.update_distribution(
                Id=one["Id"], IfMatch=got["ETag"], DistributionConfig=config
            )
            cloudfront.delete_distribution(Id=one["Id"], IfMatch=updated["ETag"])


def _unprotected(patient: Patient) -> None:
    patient.client("dynamodb").update_table(
        TableName=patient.output("DirtyTable"), DeletionProtectionEnabled=False
    )


def _no_table(patient: Patient) -> None:
    patient.client("dynamodb").delete_table(TableName=patient.output("FlushesTable"))


def _table_again(patient: Patient) -> None:
    names = {"pk": "HASH", "sk": "RANGE"}
    patient.client("dynamodb").create_table(
        TableName=patient.output("FlushesTable"),
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
    )


def _rule_off(patient: Patient) -> None:
    patient.client("events").disable_rule(Name=patient.resource("ChangeRule"))


def _rule_astray(patient: Patient) -> None:
    patient.client("events").remove_targets(Rule=patient.resource("ChangeRule"), Ids=["queue"])


def _undelivered(patient: Patient) -> None:
    events, rule = patient.client("events"), patient.resource("ChangeRule")
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_targets(Rule=rule, Targets=[{"Id": target["Id"], "Arn": target["Arn"]}])


def _no_undelivered(patient: Patient) -> None:
    attributes = {"QueueUrl": patient.output("DeadLetterQueueUrl"), "Attributes": {"Policy": ""}}
    patient.client("sqs").set_queue_attributes(**attributes)


def _alarm(patient: Patient) -> None:
    cloudwatch = patient.client("cloudwatch")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[patient.resource("QueueAgeAlarm")])[
        "MetricAlarms"
    ]
    kept = {"AlarmName", "Namespace", "MetricName", "Dimensions", "Statistic", "Period"}
    kept |= {"EvaluationPeriods", "ComparisonOperator"}
    cloudwatch.put_metric_alarm(Threshold=86_400, **{name: alarm[name] for name in kept})


FAULTS: Mapping[str, Fault] = {
    "schedule": Fault(
        "site", disable_schedule, "schedule", "is disabled", "aws scheduler update-schedule"
    ),
    "queue-policy": Fault(
        "site", _queue_policy, "queue", "sqs:SendMessage", "aws sqs set-queue-attributes"
    ),
    "redrive-policy": Fault(
        "site", _redrive_policy, "queue", "RedrivePolicy", "aws sqs set-queue-attributes"
    ),
    "mapping": Fault(
        "site", _mapping, "queue", "is disabled", "aws lambda update-event-source-mapping"
    ),
    "dead-letter": Fault("site", _dead_letter, "queue", "about 1", "edgesweep redrive"),
    "alarm": Fault("site", _alarm, "alarms", "Threshold", "aws cloudwatch put-metric-alarm"),
    "notifications": Fault(
        "site", _notifications, "wiring", "does not notify the queue", "aws s3api put-bucket-notif"
    ),
    "permission": Fault(
        "site", _role, "permissions", "cloudfront:CreateInvalidation", "aws iam put-role-policy"
    ),
    "no-policy": Fault(
        "site", _no_policy, "permissions", "sqs:ReceiveMessage", "aws iam put-role-policy"
    ),
    "concurrency": Fault(
        "site", _reserve, "concurrency", "0 times", "aws lambda delete-function-concurrency"
    ),
    "account-concurrency": Fault(
        "site", _account, "concurrency", "4 times", "aws service-quotas request", _fire_greedy
    ),
    "disabled": Fault(
        "site", _disable, "routes", "is disabled", "aws cloudfront update-distribution"
    ),
    "no-table": Fault(
        "site", _no_table, "tables", "is gone", "aws dynamodb restore-table", _table_again
    ),
    "unprotected": Fault(
        "attached", _unprotected, "tables", "not protected", "aws dynamodb update-table"
    ),
    "undone": Fault(
        "attached", _notifications, "wiring", "delivery of the bucket", "edgesweep attach"
    ),
    "rule-off": Fault("attached", _rule_off, "wiring", "is disabled", "aws events put-rule"),
    "rule-astray": Fault(
        "attached", _rule_astray, "wiring", "does not lead", "aws events put-targets"
    ),
    "undelivered": Fault(
        "attached", _undelivered, "wiring", "dead letters", "aws events put-targets"
    ),
    "undeliverable": Fault(
        "attached", _no_undelivered, "queue", "sqs:SendMessage", "aws sqs set-queue-attributes"
    ),
    "astray": Fault(
        "attached", _origin("other"), "routes", "leads to no", "npx osls deploy", _origin(EXISTING)
    ),
    "second": Fault(
        "attached",
        _second_distribution,
        "routes",
        "is not swept",
        "npx osls deploy",
        _remove_second,
    ),
}
