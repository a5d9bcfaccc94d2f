"""Alarms watch what the functions publish, and ring where an operator has something to do."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from edgesweep.dirty import UNROUTED, Change, DirtyRow, Kind
from edgesweep.flush.metrics import Series
from edgesweep.flush.redrive import LOOK_EVERY
from notebooks.cost import workload
from notebooks.cost.prices import Item
from tests.aws import listening
from tests.handlers.conftest import Deployment
from tests.infra.conftest import Package

OURS = "Edgesweep"
ALARMS = {
    "DeadLetterAlarm": ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "> 0 in 1 of 15"),
    "QueueAgeAlarm": ("AWS/SQS", "ApproximateAgeOfOldestMessage", "> 600 in 1 of 1"),
    "RecordErrorAlarm": ("AWS/Lambda", "Errors", "> 0 in 1 of 1"),
    "FlushErrorAlarm": ("AWS/Lambda", "Errors", "> 0 in 3 of 5"),
    "SilenceAlarm": ("AWS/Lambda", "Invocations", "< 1 in 10 of 10"),
    "UnroutedAlarm": (OURS, "UnroutedRows", "> 0 in 3 of 5"),
    "StuckAlarm": (OURS, "StuckDistributions", "> 0 in 3 of 5"),
    "OverdueAlarm": (OURS, "SecondsOverdue", "> 0 in 3 of 5"),
    "UnsweptAlarm": (OURS, "Unswept", "> 0 in 1 of 1"),
    "BudgetAlarm": (OURS, "DollarsSpent", "> 80 in 1 of 1"),
}
UNDELIVERED = ("AWS/Events", "FailedInvocations", "> 0 in 1 of 1")
COMPARISONS = {"GreaterThanThreshold": ">", "LessThanThreshold": "<"}

# Namespace, metric, and the dimensions with their values.
Watched = tuple[str, str, tuple[tuple[str, str], ...]]


def alarms(package: Package) -> Mapping[str, Any]:
    """Return the properties of every alarm, by logical name."""
    found = package.resources("AWS::CloudWatch::Alarm")
    return {name: _flat(resource["Properties"]) for name, resource in found}


def _flat(alarm: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an alarm that computes with a metric as one that watches that metric."""
    stated = alarm["Metrics"][0]["MetricStat"] if "Metrics" in alarm else {"Metric": {}}
    return {**alarm, **stated["Metric"], **stated}


def published(lines: str) -> Iterator[Watched]:
    """Yield what CloudWatch makes of a log in the embedded metric format."""
    for line in filter(lambda line: '"_aws"' in line, lines.splitlines()):
        entry = json.loads(line)
        for directive in entry["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                assert all(value >= 0 for value in entry[metric["Name"]])
                for names in directive["Dimensions"]:
                    dimensions = tuple((name, entry[name]) for name in names)
                    yield directive["Namespace"], metric["Name"], dimensions


def test_alarms(site: Package) -> None:
    """Each alarm watches its metric, and rings beyond its bound for the periods that it names."""
    watched = {
        name: (alarm["Namespace"], alarm["MetricName"], _rings(alarm))
        for name, alarm in alarms(site).items()
    }

    assert watched == ALARMS
    periods = {name: alarm["Period"] for name, alarm in alarms(site).items()}
    assert periods.pop("UnsweptAlarm") == 24 * 60 * 60
    assert set(periods.values()) == {60}


def test_undelivered(buckets: Package) -> None:
    """Where EventBridge carries the changes, an alarm watches what it could not deliver."""
    alarm = alarms(buckets)["UndeliveredAlarm"]

    assert (alarm["Namespace"], alarm["MetricName"], _rings(alarm)) == UNDELIVERED
    assert (alarm["Statistic"], alarm["Period"]) == ("Sum", 60)
    assert alarm["Dimensions"] == [{"Name": "RuleName", "Value": {"Ref": "ChangeRule"}}]


def test_staying(package: Package) -> None:
    """Dead letters that stay are hidden; the alarm on them lasts from one look to the next."""
    alarm = alarms(package)["DeadLetterAlarm"]

    window = timedelta(seconds=alarm["Period"] * alarm["EvaluationPeriods"])
    assert window > LOOK_EVERY + timedelta(minutes=2)
    assert alarm["DatapointsToAlarm"] == 1


def test_functions(package: Package) -> None:
    """Errors are watched of either function, and the ticks of the one that has a schedule."""
    functions = {
        name: alarm["Dimensions"][0]["Value"]["Ref"]
        for name, alarm in alarms(package).items()
        if alarm["Namespace"] == "AWS/Lambda"
    }

    assert functions == {
        "RecordErrorAlarm": "RecordLambdaFunction",
        "FlushErrorAlarm": "FlushLambdaFunction",
        "SilenceAlarm": "FlushLambdaFunction",
    }


def test_missing(package: Package) -> None:
    """An idle stack publishes nothing, and no alarm but the one on silence takes that for bad."""
    treated = {name: alarm["TreatMissingData"] for name, alarm in alarms(package).items()}

    assert treated.pop("SilenceAlarm") == "breaching"
    assert treated.pop("BudgetAlarm", "ignore") == "ignore"
    assert set(treated.values()) == {"notBreaching"}


def test_warning(site: Package, buckets: Package) -> None:
    """The budget's alarm rings at 80 % of it; where there is none, there is nothing to ring for."""
    _, percent = alarms(site)["BudgetAlarm"]["Metrics"]
    assert percent["Expression"] == "100 * spent / 9"
    assert alarms(site)["BudgetAlarm"]["Threshold"] == 80
    assert "BudgetAlarm" not in alarms(buckets)


def test_count(packages: Mapping[str, Package]) -> None:
    """The bill counts as many alarms and series as are deployed, at most ten of either."""
    assert {len(alarms(package)) for package in packages.values()} == {workload.ALARMS}
    assert Item.ALARMS.free >= workload.ALARMS
    assert len(Series) == workload.METRICS <= Item.METRICS.free


def test_published(
    site: Package,
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What an alarm of ours watches is what the deployed function publishes, to the dimension."""
    environment = site.properties("FlushLambdaFunction")["Environment"]["Variables"]
    for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.setenv("BUCKET", "site,spare")
    monkeypatch.setenv("FREE_PATHS", "2")

    heard = set(published(_worst_month(deployment, capsys)))

    dimensions = (("service", "edgesweep-prod"),)
    watched = {
        (alarm["Namespace"], alarm["MetricName"], _dimensions(alarm))
        for alarm in alarms(site).values()
        if alarm["Namespace"] == OURS
    }
    assert watched == {(OURS, ALARMS[name][1], dimensions) for name in ALARMS if _ours(name)}
    assert watched <= heard
    assert heard == {(OURS, series.value, dimensions) for series in Series}


def _rings(alarm: Mapping[str, Any]) -> str:
    periods = alarm["EvaluationPeriods"]
    bound = f"{COMPARISONS[alarm['ComparisonOperator']]} {alarm['Threshold']}"
    return f"{bound} in {alarm.get('DatapointsToAlarm', periods)} of {periods}"


def _ours(alarm: str) -> bool:
    return ALARMS[alarm][0] == OURS


def _dimensions(alarm: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((one["Name"], one["Value"]) for one in alarm["Dimensions"])


def _worst_month(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> str:
    """Let everything happen that is published; return the log."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="site")
    s3.put_object(Bucket="site", Key="docs/2.html")
    keys = ("docs/1.html", "docs/3.html")
    deployment.dirty.add([_row(key, deployment.distribution) for key in keys])
    deployment.dirty.add([_row("docs/1.html", UNROUTED, bucket="spare")])
    with listening("before-call.cloudfront.CreateInvalidation", _refuse):
        deployment.load("flush")()
    # The budget pays for one path, which hits the neighbour; the next change has to wait.
    deployment.load("flush")()
    deployment.dirty.add([_row("docs/3.html", deployment.distribution)])
    deployment.load("flush")()
    return capsys.readouterr().out


def _row(key: str, distribution: str, bucket: str = "site") -> DirtyRow:
    moment = datetime.now(UTC) - timedelta(days=40)
    change = Change(bucket, key, Kind.CREATED, moment)
    return DirtyRow(distribution, change, moment, key.encode().hex())


def _refuse(**_: object) -> tuple[object, dict[str, Any]]:
    error = {"Code": "AccessDenied", "Message": "Not yours."}
    metadata = {"HTTPStatusCode": 403}
    return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": metadata}
