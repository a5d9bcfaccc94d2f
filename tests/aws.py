"""What tests that run against an AWS in memory share: tables, and what was asked of AWS."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import boto3
import botocore.handlers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders


def create_table(name: str, client: Any = None) -> None:  # noqa: ANN401  # a boto3 client
    """Create a table with the keys that every table but the catalogue has."""
    (client or boto3.client("dynamodb")).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )


def create_catalogue(name: str) -> None:
    """Create a table with the key of the catalogue."""
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )


def create_distribution() -> str:
    """Create a distribution in front of the bucket `site`, and return its id."""
    origin = {
        "Id": "site",
        "DomainName": "site.s3.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    config = {
        "CallerReference": "distribution",
        "Comment": "",
        "Enabled": True,
        "DefaultRootObject": "index.html",
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "site",
            "ViewerProtocolPolicy": "redirect-to-https",
            "DefaultTTL": 86_400,
            "MaxTTL": 31_536_000,
        },
    }
    created = boto3.client("cloudfront").create_distribution(
        DistributionConfig=config  # type: ignore[arg-type]  # a TypedDict in all but name
    )
    return created["Distribution"]["Id"]


@contextmanager
def listening(event: str, listener: Callable[..., object]) -> Iterator[None]:
    """Register a listener for an event of botocore in every client made meanwhile."""
    entry = (event, listener)
    botocore.handlers.BUILTIN_HANDLERS.append(entry)
    # A session keeps the listeners of the time it was made.
    session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, None
    try:
        yield
    finally:
        botocore.handlers.BUILTIN_HANDLERS.remove(entry)
        boto3.DEFAULT_SESSION = session


@contextmanager
def calls() -> Iterator[list[str]]:
    """Yield a list that grows by each call of each client made meanwhile, as `service.Operation`.

    Clients made before are not heard.
    """
    heard: list[str] = []

    def hear(model: Any, **_: object) -> None:  # noqa: ANN401  # botocore's OperationModel
        heard.append(f"{model.service_model.service_name}.{model.name}")

    with listening("before-call", hear):
        yield heard


@contextmanager
def dated_heads() -> Iterator[None]:
    """Let HEADs of clients made meanwhile say when they were answered, as S3 does and moto not."""

    def date(parsed: dict[str, Any], **_: object) -> None:
        headers = parsed["ResponseMetadata"].setdefault("HTTPHeaders", {})
        headers.setdefault("date", format_datetime(datetime.now(UTC), usegmt=True))

    with listening("after-call.s3.HeadObject", date):
        yield


def http_response(request: AWSPreparedRequest, status: int, body: bytes) -> AWSResponse:
    """Return what a listener for `before-send` answers in place of the network."""
    return AWSResponse(request.url, status, HTTPHeaders(), _Body(body))


class _Body:
    """The body of a response, as urllib3 streams it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content
