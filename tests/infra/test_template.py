"""The compiled CloudFormation template says what it must, and allows no more than it must."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from edgesweep.flush.metrics import Series
from edgesweep.operate.doctor import Place
from edgesweep.operate.doctor.comparison import placeholders
from edgesweep.operate.doctor.kinds import KINDS
from edgesweep.operate.doctor.template import resolve
from edgesweep.operate.parameters import MOST_BYTES as MOST_BYTES_OF_PARAMETERS
from edgesweep.operate.parameters import changed, logical
from edgesweep.settings import PARAMETERS, Settings
from tests.infra.conftest import BOUNDARY, EXISTING, Package
from tests.infra.evaluation import Evaluation

FUNCTIONS = {
    "RecordLambdaFunction": "RecordRole",
    "FlushLambdaFunction": "FlushRole",
    "WakeLambdaFunction": "WakeRole",
}
OUTPUTS = {
    "Buckets", "CatalogueTable", "DeadLetterQueueUrl", "DirtyTable", "Distribution",
    "FlushFunction", "FlushesTable", "QueueUrl", "RecordFunction", "Schedule",
}  # fmt: skip

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MOST_BYTES = 51_200

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_ENVIRONMENT = 4_096  # bytes

Statement = Mapping[str, Any]


def test_one_template(packages: Mapping[str, Package], contrary: Package) -> None:
    """No parameter changes what is compiled: it is one template, and CloudFormation chooses."""
    compiled = [package.compiled for package in (packages["site"], contrary)]
    for template in compiled:
        for function in FUNCTIONS:
            del template["Resources"][function]["Properties"]["Code"]["S3Key"]  # of the moment

    assert compiled[0] == compiled[1]


def test_size(package: Package) -> None:
    """CloudFormation takes the template as it is: it need not be uploaded."""
    assert len(json.dumps(package.compiled, separators=(",", ":"))) <= MOST_BYTES


def test_environment(contrary: Package) -> None:
    """The longest parameters that are accepted fit into the environment of each function."""
    long = "x" * MOST_BYTES_OF_PARAMETERS
    values = {**contrary.values, "SkipUnchanged": "true", "Wake": "true", "Include": long}
    template = Evaluation(contrary.compiled, "edgesweep-" + "s" * 40, values).template
    for function in FUNCTIONS:
        variables = template["Resources"][function]["Properties"]["Environment"]["Variables"]
        # Of a resource: an ARN or a URL of a queue, whose name has 80 characters at most.
        known = [one if isinstance(one, str) else "x" * 140 for one in variables.values()]

        assert len(json.dumps(dict(zip(variables, known, strict=True)))) <= MOST_ENVIRONMENT


def test_first_stack(package: Package) -> None:
    """The stack that osls creates first, for its uploads, takes the same parameters."""
    first = package.provider["coreCloudFormationTemplate"]

    assert first["Parameters"] == package.compiled["Parameters"]
    assert package.values.keys() == first["Parameters"].keys()


def test_lint(package: Package) -> None:
    """cfn-lint has nothing to say."""
    cfn_lint = str(Path(sys.executable).with_name("cfn-lint"))
    command = [cfn_lint, "--regions", "us-east-1", "--template", str(package.template_file)]
    said = subprocess.run(command, check=False, capture_output=True, text=True)

    assert said.stdout + said.stderr == ""


def test_doctor(package: Package, contrary: Package) -> None:
    """The doctor knows every resource and function, and its commands are lines of a shell."""
    place = Place("edgesweep-prod", "eu-west-1")
    pseudo = {f"AWS::{name}": "x" for name in ("AccountId", "Partition", "Region", "StackName")}
    for one in (package, contrary):
        ids = {name: name for name in one.template["Resources"]}
        for resource in resolve(one.compiled, ids, {**pseudo, **one.values}):
            kind = KINDS[resource.kind]
            assert "Fn::" not in json.dumps(resource.properties)
            for line in filter(None, (kind.restore, kind.mend, *kind.mends.values())):
                command = place.command(line, **placeholders(resource, "Name", "value"))
                assert "\n" not in command
                subprocess.run(["bash", "-n", "-c", command], check=True)


def test_sifted(package: Package) -> None:
    """The recorder gets the name of the catalogue only when it may use it."""
    function = package.template["Resources"]["RecordLambdaFunction"]

    assert function["Properties"]["Environment"]["Variables"]["CATALOGUE_TABLE"] == {
        "Ref": "CatalogueTable"
    }
    assert function["Metadata"] == {"Catalogue": {"Ref": "CataloguePolicy"}}


def test_unsifted(contrary: Package) -> None:
    """Where every upload counts there is no catalogue, and nobody may look at an object."""
    record = contrary.properties("RecordLambdaFunction")["Environment"]["Variables"]
    actions = {action for role, action, _ in _allowed(contrary) if role == "RecordRole"}

    assert record["CATALOGUE_TABLE"] == ""
    assert "CatalogueTable" not in contrary.template["Resources"]
    assert not any(action.startswith("s3:") for action in actions)
    assert list(contrary.resources("AWS::IAM::Policy")) == []


def test_settings(package: Package) -> None:
    """Left alone, every parameter means what the settings mean without a variable."""
    told = package.properties("FlushLambdaFunction")["Environment"]["Variables"]
    least = {"DIRTY_TABLE": "dirty", "FLUSHES_TABLE": "flushes"}
    given = {"BUCKET", "DISTRIBUTION", "BUDGET_USD", "NOTIFIED_QUEUE", "WAKE"}
    left = {name: text for name, text in told.items() if isinstance(text, str)}.keys() - given
    values = {name: told[name] for name in left}

    assert Settings.from_mapping(values | least) == Settings.from_mapping(least)
    assert {"QUIET_SECONDS", "MAX_WAIT_SECONDS", "HEADROOM", "REFETCH_USD", "MISS_USD"} < set(told)


def test_shards(package: Package) -> None:
    """Writers and readers get the same number of shards, and writers may raise it."""
    conditions = {
        statement["Sid"]: statement["Condition"]["ForAllValues:StringEquals"]
        for policy in package.properties("RecordRole")["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "Condition" in statement
    }

    for _, function in package.resources("AWS::Lambda::Function"):
        assert function["Properties"]["Environment"]["Variables"]["SHARDS"] == "1"
    assert conditions == {
        "ReadRoutes": {"dynamodb:LeadingKeys": ["routes", "shards"]},
        "RaiseShards": {"dynamodb:LeadingKeys": ["shards"]},
    }


@pytest.mark.parametrize("service", ["record", "flush"])
def test_service(packages: Mapping[str, Package], service: str) -> None:
    """Metrics of two stages do not mix: the alarm hears those of its own stage."""
    function = f"{service.capitalize()}LambdaFunction"
    for stage, name in (("prod", "site"), ("test", "buckets")):
        environment = packages[name].properties(function)["Environment"]["Variables"]
        dimensions = packages[name].properties("UnroutedAlarm")["Dimensions"]

        assert environment["POWERTOOLS_SERVICE_NAME"] == f"edgesweep-{stage}"
        assert dimensions == [{"Name": "service", "Value": f"edgesweep-{stage}"}]


@pytest.mark.parametrize(
    ("role", "services"),
    [
        ("RecordRole", {"sqs", "dynamodb", "s3", "logs"}),
        ("FlushRole", {"dynamodb", "cloudfront", "events", "cloudwatch", "s3", "sqs", "logs"}),
        ("ScheduleRole", {"lambda"}),
    ],
)
def test_reach(package: Package, role: str, services: set[str]) -> None:
    """A role reaches only the services that its work needs."""
    assert {
        action.split(":")[0] for name, action, _ in _allowed(package) if name == role
    } == services


def test_functions(package: Package) -> None:
    """Each function has its own role, states its bounds, and reserves no concurrency."""
    functions = dict(package.resources("AWS::Lambda::Function"))

    assert FUNCTIONS.keys() - {"WakeLambdaFunction"} <= functions.keys() <= FUNCTIONS.keys()
    for name, function in functions.items():
        properties = function["Properties"]
        assert properties["Role"] == {"Fn::Sub": f"${{{FUNCTIONS[name]}.Arn}}"}
        assert properties["Runtime"] == "python3.13"
        assert properties["Architectures"] == ["arm64"]
        assert {"MemorySize", "Timeout"} <= properties.keys()
        assert "ReservedConcurrentExecutions" not in properties


def test_logs(package: Package) -> None:
    """Every log group is kept for a stated time."""
    groups = dict(package.resources("AWS::Logs::LogGroup"))

    assert groups.keys() - {"WakeLogGroup"} == {"RecordLogGroup", "FlushLogGroup"}
    assert all(group["Properties"]["RetentionInDays"] == 30 for group in groups.values())


def test_queue(package: Package) -> None:
    """A message outlives six record timeouts, and after five receives it is kept 14 days."""
    queue, dead = package.properties("Queue"), package.properties("DeadLetterQueue")
    mapping = package.properties("RecordEventSourceMappingSQSQueue")
    timeout = package.properties("RecordLambdaFunction")["Timeout"]

    assert queue["VisibilityTimeout"] >= 6 * timeout
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert queue["SqsManagedSseEnabled"]
    assert dead["SqsManagedSseEnabled"]
    assert dead["MessageRetentionPeriod"] == 14 * 24 * 60 * 60
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 5}
    # More messages would need a batching window, in which a quiet queue may wait for 20 s.
    assert mapping["BatchSize"] == 10
    assert "MaximumBatchingWindowInSeconds" not in mapping


def test_wake(site: Package) -> None:
    """Inserts alone wake a function of their own, and no failure blocks the stream."""
    table, mapping = (
        site.properties("DirtyTable"),
        site.properties("WakeEventSourceMappingDynamodbDirtyTable"),
    )

    assert table["StreamSpecification"] == {"StreamViewType": "KEYS_ONLY"}
    assert mapping["FunctionName"] == {"Fn::GetAtt": ["WakeLambdaFunction", "Arn"]}
    assert mapping["FilterCriteria"] == {"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}]}
    assert (mapping["BatchSize"], mapping["StartingPosition"]) == (10_000, "LATEST")
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (0, 60)


def test_no_wake(buckets: Package) -> None:
    """Without wakes there is no stream, and nothing of what reads it."""
    assert "StreamSpecification" not in buckets.properties("DirtyTable")
    assert not [name for name in buckets.template["Resources"] if "Wake" in name]
    assert buckets.properties("FlushLambdaFunction")["Environment"]["Variables"]["WAKE"] == "false"


@pytest.mark.parametrize("name", ["DirtyTable", "FlushesTable", "CatalogueTable"])
def test_tables(packages: Mapping[str, Package], name: str) -> None:
    """Tables outlive a stack, except in a temporary stage, and CloudFormation names them."""
    kept, temporary = (packages[key].template["Resources"][name] for key in ("site", "buckets"))

    assert kept["DeletionPolicy"] == kept["UpdateReplacePolicy"] == "Retain"
    assert kept["Properties"]["DeletionProtectionEnabled"] is True
    assert temporary["DeletionPolicy"] == temporary["UpdateReplacePolicy"] == "Delete"
    assert temporary["Properties"]["DeletionProtectionEnabled"] is False
    for table in (kept["Properties"], temporary["Properties"]):
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert "TableName" not in table


def test_schedule(package: Package) -> None:
    """One tick a minute, which nobody repeats."""
    schedule = package.properties("Schedule")
    invocation = package.properties("FlushLambdaEvConf")

    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0
    assert schedule["Target"]["Arn"] == {"Fn::GetAtt": ["FlushLambdaFunction", "Arn"]}
    assert invocation["MaximumRetryAttempts"] == 0


def test_site(site: Package) -> None:
    """The demo site notifies the queue itself, and only CloudFront reads it."""
    bucket = site.properties("SiteBucket")
    notified = bucket["NotificationConfiguration"]["QueueConfigurations"]
    sender = site.properties("QueuePolicy")["PolicyDocument"]["Statement"][0]

    assert {one["Event"] for one in notified} == {
        "s3:ObjectCreated:*",
        "s3:ObjectRemoved:*",
        "s3:LifecycleExpiration:*",
    }
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert sender["Principal"] == {"Service": "s3.amazonaws.com"}
    assert sender["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(
        bucket["BucketName"]["Fn::Sub"]
    )
    assert list(site.resources("AWS::Events::Rule")) == []


def test_buckets(buckets: Package) -> None:
    """Existing buckets are swept through one rule, and nothing is created beside them."""
    pattern = buckets.properties("ChangeRule")["EventPattern"]
    environment = buckets.properties("FlushLambdaFunction")["Environment"]["Variables"]

    assert pattern["detail"] == {"bucket": {"name": ["my-site", "other-site"]}}
    assert pattern["detail-type"] == ["Object Created", "Object Deleted"]
    assert environment["BUCKET"] == "my-site,other-site"
    assert environment["DISTRIBUTION"] == "E2QWRUHEXAMPLE"
    assert list(buckets.resources("AWS::CloudFront::Distribution")) == []
    assert [name for name, _ in buckets.resources("AWS::S3::Bucket")] == [
        "ServerlessDeploymentBucket"
    ]


def test_undelivered(buckets: Package) -> None:
    """Events that EventBridge cannot deliver go to the dead letters, which are sent back later."""
    rule, policy = buckets.properties("ChangeRule"), buckets.properties("DeadLetterQueuePolicy")
    dead, source = ({"Fn::GetAtt": [name, "Arn"]} for name in ("DeadLetterQueue", "ChangeRule"))

    assert [one["DeadLetterConfig"] for one in rule["Targets"]] == [{"Arn": dead}]
    (allowed,) = (
        one for one in policy["PolicyDocument"]["Statement"] if one.get("Effect") == "Allow"
    )
    assert (allowed["Action"], allowed["Resource"]) == ("sqs:SendMessage", dead)
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": source}}


def test_alarms(packages: Mapping[str, Package]) -> None:
    """Alarms are mailed where an address was given."""
    site, buckets = (dict(p.resources("AWS::CloudWatch::Alarm")) for p in packages.values())

    assert site.keys() ^ buckets.keys() == {"UndeliveredAlarm", "BudgetAlarm"}
    assert {"DeadLetterAlarm", "RecordErrorAlarm", "FlushErrorAlarm"} <= site.keys()
    assert all(a["Properties"]["AlarmActions"] == [{"Ref": "AlarmTopic"}] for a in site.values())
    assert all(a["Properties"]["AlarmActions"] == [] for a in buckets.values())


def test_boundary(site: Package, contrary: Package) -> None:
    """A boundary bounds every role, and without one there is none."""
    bounds = [
        role["Properties"].get("PermissionsBoundary")
        for package in (site, contrary)
        for _, role in package.resources("AWS::IAM::Role")
    ]

    assert bounds == [None] * 4 + [BOUNDARY] * 4


def test_dashboard(site: Package, contrary: Package) -> None:
    """A dashboard is there where it was asked for, as it may cost money, and shows every series."""
    assert list(site.resources("AWS::CloudWatch::Dashboard")) == []
    ((_, dashboard),) = contrary.resources("AWS::CloudWatch::Dashboard")
    widgets = json.loads(dashboard["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]

    shown = {metric[1] for widget in widgets for metric in widget["properties"].get("metrics", ())}
    assert {series.value for series in Series} <= shown


def test_parameters(buckets: Package) -> None:
    """The stack keeps what it was deployed with, and knows where that is not the default."""
    assert buckets.values.keys() == {logical(name) for name in PARAMETERS}
    assert changed(buckets.compiled, buckets.values) == EXISTING


@pytest.mark.parametrize("name", PARAMETERS)
def test_declared(package: Package, name: str) -> None:
    """CloudFormation takes the default of each parameter, and no value that looks wrong."""
    declared, parameter = package.compiled["Parameters"][logical(name)], PARAMETERS[name]
    pattern = re.compile(declared["AllowedPattern"], re.ASCII)

    assert pattern.fullmatch(parameter.default)
    assert not pattern.fullmatch("\n")
    assert declared.get("Default", parameter.default) == parameter.default
    assert ("Default" in declared) is (name != "bucket")


def test_tags(site: Package) -> None:
    """The stack has tags, which CloudFormation puts on everything that can have some."""
    assert site.provider["stackTags"] == {"service": "edgesweep", "stage": "prod"}


def test_outputs(package: Package) -> None:
    """The outputs of the stack have the names that the command line looks for."""
    assert package.template["Outputs"].keys() >= OUTPUTS


def _allowed(package: Package) -> Iterator[tuple[str, str, Any]]:
    """Yield role, action and resource of everything that a role allows."""
    for name, role in package.resources("AWS::IAM::Role"):
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                if "Effect" in statement:
                    yield from _pairs(name, statement)
    for _, policy in package.resources("AWS::IAM::Policy"):
        (role,) = policy["Properties"]["Roles"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            yield from _pairs(role["Ref"], statement)


def _pairs(name: str, statement: Statement) -> Iterator[tuple[str, str, Any]]:
    for action in _listed(statement["Action"]):
        for resource in _listed(statement["Resource"]):
            yield name, action, resource


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  # CloudFormation
    return value if isinstance(value, list) else [value]
