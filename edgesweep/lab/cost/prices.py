"""The prices of AWS in us-east-1 for everything that the stack uses.

Every price has its source and its day. Most are second hand, from public repositories that quote
AWS's price list (https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/) by usage type. First
tiers only, since no stack exceeds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from edgesweep.prices import FREE_PATHS, PATH_PRICE, S3_GET_PRICE, S3_LIST_PRICE

REGION = "us-east-1"


class Item(StrEnum):
    """A charged item."""

    PATHS = "invalidation paths"
    GETS = "GET requests"
    HEADS = "HEAD requests"
    LISTS = "LIST requests"
    EVENTS = "S3 events"
    TICKS = "schedule invocations"
    MESSAGES = "queue requests"
    INVOCATIONS = "arm64 requests"
    GB_SECONDS = "arm64 GB-seconds"
    WRITES = "write request units"
    READS = "read request units"
    STORAGE = "table GB-months"
    BACKUP = "point-in-time recovery GB-months"
    LOG_INGESTION = "log GB ingested"
    LOG_STORAGE = "log GB-months"
    METRICS = "custom metrics"
    ALARMS = "alarms"
    DASHBOARDS = "dashboards"


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one item.

    Attributes:
        service: the AWS service.
        usd: dollars for one unit.
        source: where the price is from, and when.
        free: units a month that are always free, by the pricing page of each service.
    """

    service: str
    usd: Decimal
    source: str
    free: int = 0


_S3 = "https://aws.amazon.com/s3/pricing/, second hand, 2026-10-04"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/, second hand, 2026-06-18"
_DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/, second hand, 2026-10-04"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/, second hand, 2026-06-13"
_EVENTBRIDGE = "https://aws.amazon.com/eventbridge/pricing/, second hand, 2026-11-24"
_SQS = "https://aws.amazon.com/sqs/pricing/, second hand, 2026-11-24"
_GUIDE = "Amazon CloudFront Developer Guide, PayingForInvalidation, 2026-10-01"
_SCHEDULER = "cloudburn.io, second hand, 2026-03-01"
_METRICS = "signoz.io, second hand, 2026-02-15"
_PITR = "AWS price list, usage type TimedPITRStorage-ByteHrs, second hand, 2026-11-24"
_LOGS = "AWS price list, usage type TimedStorage-ByteHrs, second hand, 2026-11-24"
_ALARMS = "AWS price list, usage type CW:AlarmMonitorUsage, second hand, 2026-11-24"

PRICES: Mapping[Item, Price] = {
    Item.PATHS: Price("CloudFront", PATH_PRICE, _GUIDE, FREE_PATHS),
    Item.GETS: Price("S3", S3_GET_PRICE, _S3),
    Item.HEADS: Price("S3", S3_GET_PRICE, _S3),
    Item.LISTS: Price("S3", S3_LIST_PRICE, _S3),
    # S3 events are opt-in events, which are never free.
    Item.EVENTS: Price("EventBridge", Decimal("1.00e-6"), _EVENTBRIDGE),
    Item.TICKS: Price("EventBridge Scheduler", Decimal("1.00e-6"), _SCHEDULER, 14_000_000),
    Item.MESSAGES: Price("SQS", Decimal("0.40e-6"), _SQS, 1_000_000),
    Item.INVOCATIONS: Price("Lambda", Decimal("0.20e-6"), _LAMBDA, 1_000_000),
    Item.GB_SECONDS: Price("Lambda", Decimal("13.3334e-6"), _LAMBDA, 400_000),
    Item.WRITES: Price("DynamoDB", Decimal("0.625e-6"), _DYNAMODB),
    Item.READS: Price("DynamoDB", Decimal("0.125e-6"), _DYNAMODB),
    Item.STORAGE: Price("DynamoDB", Decimal("0.25"), _DYNAMODB, 25),
    Item.BACKUP: Price("DynamoDB", Decimal("0.20"), _PITR),
    Item.LOG_INGESTION: Price("CloudWatch", Decimal("0.50"), _CLOUDWATCH, 5),
    # Ingestion and storage share the 5 free GB; they count for the more expensive one.
    Item.LOG_STORAGE: Price("CloudWatch", Decimal("0.03"), _LOGS),
    Item.METRICS: Price("CloudWatch", Decimal("0.30"), _METRICS, 10),
    Item.ALARMS: Price("CloudWatch", Decimal("0.10"), _ALARMS, 10),
    Item.DASHBOARDS: Price("CloudWatch", Decimal("3.00"), _CLOUDWATCH, 3),
}
