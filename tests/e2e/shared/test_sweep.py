"""What happens to a bucket reaches CloudFront, through everything that is deployed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.aws import REGION
from tests.e2e.conftest import Changes, Keys, Stack, await_true, sweep

CHARACTERS = (
    "space: ", "plus:+", "percent:%", "slash:%2F", "question:?", "hash:#", "ampersand:&",
    "equals:=", "quote:'", 'quotes:"', "angles:<>", "brackets:[]", "braces:{}", "backtick:`",
    "bar:|", "backslash:\\", "caret:^", "tilde:~", "star:*", "umlaut:ü", "cyrillic:я", "emoji:🧹",
)  # fmt: skip
NAMES = tuple(name for c in CHARACTERS for name in (f"{c}.html", f"a{c}b/c", f"end{c}"))
SHAPES = ("index.html", "/leading", "double//slash", "trailing/", "x" * 1024, "🧹" * 256)

READS = {"BatchGetItem", "GetItem", "GetQueueAttributes", "Query"}
_FEW_TICKS = 12  # calls of at least three

over_both_stacks = pytest.mark.parametrize("name", ["notified", "attached"])


@pytest.fixture(scope="session", name="created")
def _created(
    stacks: Mapping[str, Stack], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Changes]:
    folder = _folder(tmp_path_factory.mktemp("site"))

    def change(_name: str, stack: Stack) -> Keys:
        return {
            "put": _put(stack, b"put"),
            "copy": _copy(stack),
            "multipart": _multipart(stack),
            "sync": _sync(stack, folder),
        }

    return sweep(stacks, change)


@pytest.fixture(scope="session", name="malformed")
def _malformed(stacks: Mapping[str, Stack], created: Mapping[str, Changes]) -> Mapping[str, str]:
    """The id of a message to each stack that is not an event, once it is a dead letter."""
    assert created
    with ExitStack() as impatient:
        for stack in stacks.values():
            impatient.enter_context(_impatient(stack))
        sent = {name: _send_malformed(stack) for name, stack in stacks.items()}
        await_true(lambda: all(_dead(stack) == 1 for stack in stacks.values()))
    return sent


@pytest.fixture(scope="session", name="removed")
def _removed(
    stacks: Mapping[str, Stack], created: Mapping[str, Changes], malformed: Mapping[str, str]
) -> Mapping[str, Changes]:
    assert malformed

    def change(name: str, stack: Stack) -> Keys:
        before = created[name].keys
        return {
            "overwrite": _put(stack, b"overwritten"),
            "delete": _delete(stack, before["copy"]),
            "delete-objects": _delete_objects(stack, before["multipart"]),
            "rm": _rm(stack, before["sync"]),
        }

    return sweep(stacks, change)


@over_both_stacks
@pytest.mark.parametrize("operation", ["put", "copy", "multipart", "sync"])
def test_creation(created: Mapping[str, Changes], name: str, operation: str) -> None:
    """Every created key has a row, and is matched by an invalidation created afterwards."""
    assert created[name].unrecorded(operation) == []
    assert created[name].missed(operation) == []


@over_both_stacks
@pytest.mark.parametrize("operation", ["overwrite", "delete", "delete-objects", "rm"])
def test_removal(removed: Mapping[str, Changes], name: str, operation: str) -> None:
    """Every changed or removed key has a row, and an invalidation created afterwards."""
    assert removed[name].unrecorded(operation) == []
    assert removed[name].missed(operation) == []


def test_idle_ticks(stacks: Mapping[str, Stack], removed: Mapping[str, Changes]) -> None:
    """Ticks without a pending change write nothing and do not call CloudFront.

    Every five minutes one looks for distributions, so it may be that one here.
    """
    began = max(sent.created_at for one in stacks.values() for sent in one.watch.invalidations())

    assert removed
    await_true(lambda: _idle(stacks["notified"], began))


@over_both_stacks
@pytest.mark.parametrize("function", ["RecordFunction", "FlushFunction"])
def test_log(
    stacks: Mapping[str, Stack],
    removed: Mapping[str, Changes],
    malformed: Mapping[str, str],
    name: str,
    function: str,
) -> None:
    """The functions are refused nothing, and complain of the malformed message alone."""
    assert removed[name].recorded
    complaints = _complaints(stacks[name], function)
    assert [line for line in complaints if malformed[name] not in line] == []


@over_both_stacks
def test_malformed(
    stacks: Mapping[str, Stack],
    removed: Mapping[str, Changes],
    malformed: Mapping[str, str],
    name: str,
) -> None:
    """A message that cannot be understood fails alone and ends in the dead-letter queue.

    There the flusher hides it until it goes back.
    """
    assert removed[name].recorded
    assert malformed[name]
    assert _dead(stacks[name]) == 1


def test_stranger(stacks: Mapping[str, Stack]) -> None:
    """A principal that no policy allows anything is refused: these tests do test permissions."""
    stack = stacks["notified"]
    stack.aws.client("iam").create_user(UserName="stranger")
    key = stack.aws.client("iam").create_access_key(UserName="stranger")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    dynamodb = session.client("dynamodb", endpoint_url=stack.aws.endpoint)

    with pytest.raises(ClientError, match="not authorized"):
        dynamodb.scan(TableName=stack.outputs["DirtyTable"])


def test_remove(stacks: Mapping[str, Stack], removed: Mapping[str, Changes]) -> None:
    """Removing a stack that is not temporary leaves its tables and the bucket behind."""
    stack = stacks["attached"]
    assert removed["attached"].recorded

    stack.aws.remove("prod")

    tables = stack.aws.client("dynamodb").list_tables()["TableNames"]
    functions = stack.aws.client("lambda").list_functions()["Functions"]
    assert {stack.outputs["DirtyTable"], stack.outputs["FlushesTable"]} <= set(tables)
    assert stack.s3.list_objects_v2(Bucket=stack.bucket)["KeyCount"] > 0
    assert not any("prod" in function["FunctionName"] for function in functions)


@contextmanager
def _impatient(stack: Stack) -> Iterator[None]:
    """Let a message come back after two seconds, though whoever records others may take longer."""
    sqs, queue, name = stack.aws.client("sqs"), stack.outputs["QueueUrl"], "VisibilityTimeout"
    before = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: "2"})
    yield
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=before)


def _send_malformed(stack: Stack) -> str:
    """Send a message that is not an event, and return its id."""
    sqs, queue = stack.aws.client("sqs"), stack.outputs["QueueUrl"]
    identity: str = sqs.send_message(QueueUrl=queue, MessageBody='{"Records":')["MessageId"]
    return identity


def _dead(stack: Stack) -> int:
    """Return how many dead letters there are, hidden ones included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    kept = stack.aws.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["DeadLetterQueueUrl"], AttributeNames=names
    )
    return sum(int(kept["Attributes"][name]) for name in names)


def _folder(folder: Path) -> Path:
    for name in NAMES:
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
    return folder


def _put(stack: Stack, body: bytes) -> Sequence[str]:
    keys = (*NAMES, *SHAPES)
    for key in keys:
        stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=body)
    return keys


def _copy(stack: Stack) -> Sequence[str]:
    for name in NAMES:
        source = {"Bucket": stack.bucket, "Key": name}
        stack.s3.copy_object(Bucket=stack.bucket, Key=f"copy/{name}", CopySource=source)
    return tuple(f"copy/{name}" for name in NAMES)


def _multipart(stack: Stack) -> Sequence[str]:
    keys = tuple(f"multipart/{name}" for name in NAMES[1::3])
    for key in keys:
        place = {"Bucket": stack.bucket, "Key": key}
        upload = stack.s3.create_multipart_upload(**place)["UploadId"]
        part = stack.s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"part")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        stack.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)
    return keys


def _sync(stack: Stack, folder: Path) -> Sequence[str]:
    stack.cli("s3", "sync", str(folder), f"s3://{stack.bucket}/sync")
    return tuple(f"sync/{name}" for name in NAMES)


def _delete(stack: Stack, keys: Sequence[str]) -> Sequence[str]:
    for key in keys:
        stack.s3.delete_object(Bucket=stack.bucket, Key=key)
    return keys


def _delete_objects(stack: Stack, keys: Sequence[str]) -> Sequence[str]:
    batch = {"Objects": [{"Key": key} for key in keys]}
    assert "Errors" not in stack.s3.delete_objects(Bucket=stack.bucket, Delete=batch)
    return keys


def _rm(stack: Stack, keys: Sequence[str]) -> Sequence[str]:
    stack.cli("s3", "rm", "--recursive", f"s3://{stack.bucket}/sync/")
    return keys


def _idle(stack: Stack, since: datetime) -> bool:
    """Tell whether the functions have only read lately, for a few ticks."""
    newest = sorted(_calls(stack, since))[-_FEW_TICKS:]
    return len(newest) == _FEW_TICKS and {name for _, name in newest} <= READS


def _calls(stack: Stack, since: datetime) -> Iterator[tuple[datetime, str]]:
    """Yield time and name of the newest calls that the deployed functions made."""
    lookup = stack.aws.client("cloudtrail").get_paginator("lookup_events")
    for page in lookup.paginate(StartTime=since):
        for event in page["Events"]:
            if event["Username"] != "test":
                yield event["EventTime"], event["EventName"]


def _complaints(stack: Stack, function: str) -> Iterator[str]:
    group = f"/aws/lambda/{stack.outputs[function]}"
    lines = stack.aws.client("logs").get_paginator("filter_log_events")
    for page in lines.paginate(logGroupName=group):
        for event in page["events"]:
            message = event["message"]
            if message.startswith("{"):
                if json.loads(message).get("level") in {"WARNING", "ERROR", "CRITICAL"}:
                    yield message
            elif not message.startswith(("START ", "END ", "REPORT ", "INIT_START ")):
                yield message
