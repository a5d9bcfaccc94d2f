"""Runs ministack with its schedules sped up: `python emulator.py SPEED TICKING`.

The folder TICKING holds a file for each function that a schedule or a stream has called and that is
at work.

It belongs to the environment `.envs/aws`, where only boto3 is installed beside ministack: a package
that is missing from the zip is missing here too. Ministack takes its other options from environment
variables.
"""

# ruff: noqa: SLF001  # ministack has no options for these

import hashlib
import json
import re
import sys
import time
from base64 import b64decode, b64encode
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree.ElementTree import Element, SubElement

# Beside this file: the project itself is out of reach of what runs here.
from edge.functions import FunctionFailed, Node  # type: ignore[import-not-found]
from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import cloudfront, eventbridge, lambda_svc, s3, scheduler, sqs
from ministack.services.cloudformation import changesets, provisioners
from warm import compiled, start_warm  # type: ignore[import-not-found]

_FUNCTION_SECONDS = 1_800
_POLL_SECONDS = 0.25
_FUNCTION = re.compile("/2020-05-31/function/(?P<name>[^/]+)(/(?P<call>[a-z]+))?")


def main() -> None:
    """Serve until the process is ended."""
    ticking = Path(sys.argv.pop())
    _hasten(float(sys.argv.pop()))
    _leave_out_late_ticks(ticking)
    _report_at_once()
    _name_versions()
    _let_functions_finish()
    _feed_streams_apart()
    _count_loopback_as_tls()
    _permit_batches()
    _predate_messages()
    _name_resources()
    _test_functions()
    _rename()
    _take_computed_alarms()
    _list_newest_first()
    _complete_what_is_taken()
    _add_and_remove_by_conditions()
    _checksum_objects()
    # Whole seconds would not tell whether an invalidation came before or after a change.
    cloudfront._now_iso = lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    start_warm(lambda_runtime)
    app.main()


def _hasten(speed: float) -> None:
    """Let a minute of a schedule last 60 / `speed` seconds."""
    as_written = eventbridge._parse_rate_seconds

    def shortened(expression: str) -> float | None:
        seconds = as_written(expression)
        return None if seconds is None else float(seconds) / speed

    eventbridge._parse_rate_seconds = shortened
    eventbridge._SCHEDULER_TICK_INTERVAL /= speed
    scheduler._SCHEDULE_TICK_INTERVAL /= speed


def _leave_out_late_ticks(ticking: Path) -> None:
    """Drop a tick while the one before is still at work, and note who is at work.

    A minute is long enough for nearly all; sped up, a slow machine would start more and more.
    """
    as_written = lambda_svc._execute_function

    def executed(function: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        if not _by_schedule_or_stream(event):
            return dict(as_written(function, event))
        at_work = ticking / function["config"]["FunctionName"]
        try:
            at_work.touch(exist_ok=False)
        except FileExistsError:
            return {}
        try:
            return dict(as_written(function, event))
        finally:
            at_work.unlink()

    lambda_svc._execute_function = executed


def _by_schedule_or_stream(event: dict[str, Any]) -> bool:
    """Tell whether nobody has called the function: both call one that they have at a time."""
    records = event.get("Records") or [{}]
    return event.get("source") == "aws.scheduler" or records[0].get("eventSource") == "aws:dynamodb"


def _report_at_once() -> None:
    """Let S3 report a change before it answers: whoever made it finds all messages in the queue."""

    def fired(bucket: str, key: str, event: str, *told: Any, **more: Any) -> None:  # noqa: ANN401  # ministack's own types
        if bucket in s3._bucket_notifications:
            sequencer = s3._next_event_sequencer(event)
            s3._fire_s3_event(bucket, key, event, *told, sequencer=sequencer, **more)

    s3._fire_s3_event_async = fired


def _name_versions() -> None:
    """Let events in EventBridge name the version of the object, as direct ones do.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event
    version: ContextVar[str | None] = ContextVar("version", default=None)

    def fired(*told: Any, version_id: str | None = None, **more: Any) -> None:  # noqa: ANN401  # ministack's own types
        token = version.set(version_id)
        try:
            fire(*told, version_id=version_id, **more)
        finally:
            version.reset(token)

    def dispatched(event: dict[str, Any], *others: Any) -> Any:  # noqa: ANN401  # as above
        if event["Source"] == "aws.s3" and version.get():
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version.get()
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *others)

    s3._fire_s3_event, eventbridge._dispatch_event = fired, dispatched


def _let_functions_finish() -> None:
    """End no function after its time: a slow machine has not finished starting it by then.

    One that is ended has to start again, so that it would never be done.
    """
    as_written = lambda_runtime.Worker.__init__

    def patient(worker: Any, name: str, config: dict[str, Any], code: bytes) -> None:  # noqa: ANN401  # ministack's own
        as_written(worker, name, {**config, "Timeout": _FUNCTION_SECONDS}, compiled(code))

    lambda_runtime.Worker.__init__ = patient


def _feed_streams_apart() -> None:
    """Give streams a thread of their own, since a function may sleep at its records.

    Queues would wait for it. "Lambda polls shards in your DynamoDB stream for records at a base
    rate of four times per second."
    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """
    poll, started = lambda_svc._poll_dynamodb_streams, lambda_svc._ensure_poller

    def polling() -> None:
        while True:
            with suppress(Exception):
                poll()
            time.sleep(_POLL_SECONDS)

    @cache
    def apart() -> None:
        Thread(target=polling, daemon=True).start()

    def ensured() -> None:
        started()
        apart()

    lambda_svc._poll_dynamodb_streams = lambda: False
    lambda_svc._ensure_poller = ensured


def _count_loopback_as_tls() -> None:
    """Let policies that refuse plain HTTP be enforced in everything else that they say."""
    as_written = iam_evaluator._resolve_condition_key

    def resolved(key: str, context: Any) -> Any:  # noqa: ANN401  # ministack's own types
        return "true" if key.lower() == "aws:securetransport" else as_written(key, context)

    iam_evaluator._resolve_condition_key = resolved


def _permit_batches() -> None:
    """Let who may send, delete or hide a message of a queue do so with several at once.

    "You cannot set permissions explicitly for SendMessageBatch, DeleteMessageBatch, or
    ChangeMessageVisibilityBatch."
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api.html
    """
    as_written = iam_actions.extract_iam_action

    def extracted(service: str, *request: Any) -> Any:  # noqa: ANN401  # ministack's own types
        action = as_written(service, *request)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    iam_actions.extract_iam_action = extracted


def _predate_messages() -> None:
    """Let a sender say when a message was sent, so that one can be hours old at once."""
    as_written = sqs._build_send_sys_attrs

    def built(now: float, given: dict[str, dict[str, str]]) -> dict[str, Any]:
        said = {name: one["StringValue"] for name, one in given.items() if name == "SentTimestamp"}
        return {**as_written(now, given), **said}

    sqs._build_send_sys_attrs = built


def _name_resources() -> None:
    """Let cache policies and functions be the resources of the calls about them, as documented.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
    """
    as_written = iam_actions.extract_resource_arn

    def extracted(service: str, method: str, path: str, *others: Any) -> Any:  # noqa: ANN401  # as it is
        collection, _, name = path.rpartition("/")
        if service == "cloudfront" and collection.endswith("/cache-policy"):
            return f"arn:aws:cloudfront::aws:cache-policy/{name}"
        if service == "cloudfront" and (found := _FUNCTION.fullmatch(path)):
            return cloudfront._func_arn(found["name"])
        return as_written(service, method, path, *others)

    iam_actions.extract_resource_arn = extracted


def _test_functions() -> None:
    """Answer TestFunction with what Node makes of the event, by the live code.

    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_TestFunction.html
    """
    as_written, node = cloudfront.handle_request, cache(Node)

    async def handled(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:  # noqa: ANN401  # as it is
        found = _FUNCTION.fullmatch(path)
        if method == "POST" and found and found["call"] == "test":
            return _tested(node(), found["name"], headers.get("if-match"), body)
        return await as_written(method, path, headers, body, query)

    cloudfront.handle_request = handled


def _tested(node: Node, name: str, version: str, body: bytes) -> Any:  # noqa: ANN401  # ministack's own types
    function = cloudfront._functions.get(name)
    if function is None or not function["live_etag"]:
        return cloudfront._error("NoSuchFunctionExists", "The function does not exist.", 404)
    if version != function["live_etag"]:
        return cloudfront._error("InvalidIfMatchVersion", "Another version is live.", 400)
    event = cloudfront._text(cloudfront._parse_body(body), "EventObject")
    result = {"ComputeUtilization": "10", "FunctionErrorMessage": "", "FunctionOutput": ""}
    try:
        made = node.run(function["live_body"]["code"].decode(), json.loads(b64decode(event)))
        kind = "response" if "statusCode" in made else "request"
        result["FunctionOutput"] = json.dumps({kind: made})
    except FunctionFailed as error:
        result["FunctionErrorMessage"] = str(error)

    def written(root: Element) -> None:
        for member, text in result.items():
            SubElement(root, member).text = text

    return cloudfront._xml_response("TestResult", written)


def _take_computed_alarms() -> None:
    """Let an alarm that computes with one metric be deployed, and watch that metric as it is.

    Ministack computes nothing; no alarm goes off here anyway.
    """
    as_written = provisioners._cw_metric_alarm_record

    def recorded(name: str, properties: dict[str, Any]) -> Any:  # noqa: ANN401  # ministack's own types
        metrics = properties.get("Metrics")
        if not metrics:
            return as_written(name, properties)
        stat = metrics[0]["MetricStat"]
        plain = {**properties, **stat["Metric"], "Statistic": stat["Stat"], "Metrics": None}
        return {**as_written(name, plain), "Metrics": metrics}

    provisioners._cw_metric_alarm_record = recorded


def _list_newest_first() -> None:
    """List invalidations as AWS does, from the newest one after the marker on.

    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ListInvalidations.html
    """
    as_written = cloudfront.handle_request

    async def handled(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:  # noqa: ANN401  # as it is
        found = cloudfront._INV_RE.match(path)
        made = cloudfront._invalidations.get(found[1]) if found and method == "GET" else None
        if found is None or not made:
            return await as_written(method, path, headers, body, query)
        marker = query.get("Marker", "")
        after = marker if isinstance(marker, str) else marker[0]
        older = next((n for n, one in enumerate(made) if one["Id"] == after), len(made))
        cloudfront._invalidations[found[1]] = made[:older][::-1]
        try:
            return cloudfront._list_invalidations(found[1])
        finally:
            cloudfront._invalidations[found[1]] = made

    cloudfront.handle_request = handled


def _complete_what_is_taken() -> None:
    """Let an invalidation be in progress until the edge of its distribution has applied it.

    The edge tells by a tag how many it has taken. Without an edge all are completed at once.
    """
    as_written = cloudfront._get_invalidation

    def got(distribution: str, invalidation: str) -> Any:  # noqa: ANN401  # as it is
        found = cloudfront._distributions.get(distribution, {})
        tags = {one["Key"]: one["Value"] for one in cloudfront._tags.get(found.get("ARN"), ())}
        taken = tags.get("taken")
        for number, made in enumerate(cloudfront._invalidations.get(distribution, ())):
            completed = taken is None or number < int(taken)
            made["Status"] = "Completed" if completed else "InProgress"
        return as_written(distribution, invalidation)

    cloudfront._get_invalidation = got


def _add_and_remove_by_conditions() -> None:
    """Let a change set add or remove a resource whose condition begins or ceases to hold."""
    as_written = changesets._resolve_props_for_diff

    def resolved(template: dict[str, Any], parameters: Any, *names: str) -> Any:  # noqa: ANN401  # ministack's own types
        found = as_written(template, parameters, *names)
        holds = changesets._evaluate_conditions(template, parameters) if template else {}
        resources = found.get("Resources", {}).items()
        kept = {name: one for name, one in resources if holds.get(one.get("Condition"), True)}
        return {**found, "Resources": kept}

    changesets._resolve_props_for_diff = resolved


def _rename() -> None:
    """Give the resources of a stack other names than an earlier stack of its name had, as AWS does.

    Else a stack that is deployed again would empty the tables that the first one left behind.
    """
    as_written = provisioners._physical_name

    def named(stack: str, logical: str, **options: Any) -> Any:  # noqa: ANN401  # ministack's own types
        present = provisioners._NAME_SEED.get()
        token = provisioners._NAME_SEED.set(present + provisioners._cr_stack_id(stack))
        try:
            return as_written(stack, logical, **options)
        finally:
            provisioners._NAME_SEED.reset(token)

    provisioners._physical_name = named


def _checksum_objects() -> None:
    """Give an object that came without a checksum a CRC-64/NVME of the whole of it, as S3 does.

    Its value is the beginning of a SHA-256: no library here computes a CRC-64 but ministack, which
    takes seconds for a large object. Only whether two values are equal counts.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
    """
    as_written = s3._object_response_headers

    def answered(held: dict[str, Any], *names: str, include_checksums: bool = False) -> Any:  # noqa: ANN401  # as it is
        if include_checksums and not held.get("checksums"):
            digest = hashlib.sha256(held["body"]).digest()[:8]
            held["checksums"] = {"CRC64NVME": b64encode(digest).decode()}
        return as_written(held, *names, include_checksums=include_checksums)

    s3._object_response_headers = answered


if __name__ == "__main__":
    main()
