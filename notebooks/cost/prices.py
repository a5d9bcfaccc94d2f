"""The prices of AWS in us-east-1 for everything that the stack uses.

Every price has its source and its day. Most are second hand, from public repositories that quote
AWS's price list (https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/) by usage type. First
tiers only, since no stack exceeds them.
"""

from decimal import Decimal
from enum import Enum

from edgesweep.prices import (
    FREE_PATHS,
    PATH_PRICE,
    READ_PRICE,
    S3_GET_PRICE,
    S3_LIST_PRICE,
    WRITE_PRICE,
)

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


class Item(Enum):
    """A charged item.

    Attributes:
        text: what is counted.
        usd: dollars for one unit.
        source: where the price is from, and when.
        free: units a month that are always free, by the pricing page of each service.
    """

    PATHS = "CloudFront", "invalidation paths", PATH_PRICE, _GUIDE, FREE_PATHS
    GETS = "S3", "GET requests", S3_GET_PRICE, _S3
    HEADS = "S3", "HEAD requests", S3_GET_PRICE, _S3
    LISTS = "S3", "LIST requests", S3_LIST_PRICE, _S3
    # S3 events are opt-in events, which are never free.
    EVENTS = "EventBridge", "events", "1.00e-6", _EVENTBRIDGE
    TICKS = "EventBridge Scheduler", "schedule invocations", "1.00e-6", _SCHEDULER, 14_000_000
    MESSAGES = "SQS", "queue requests", "0.40e-6", _SQS, 1_000_000
    INVOCATIONS = "Lambda", "arm64 requests", "0.20e-6", _LAMBDA, 1_000_000
    GB_SECONDS = "Lambda", "arm64 GB-seconds", "13.3334e-6", _LAMBDA, 400_000
    WRITES = "DynamoDB", "write request units", WRITE_PRICE, _DYNAMODB
    READS = "DynamoDB", "read request units", READ_PRICE, _DYNAMODB
    STORAGE = "DynamoDB", "table GB-months", "0.25", _DYNAMODB, 25
    BACKUP = "DynamoDB", "point-in-time recovery GB-months", "0.20", _PITR
    LOG_INGESTION = "CloudWatch", "log GB ingested", "0.50", _CLOUDWATCH, 5
    # Ingestion and storage share the 5 free GB; they count for the more expensive one.
    LOG_STORAGE = "CloudWatch", "log GB-months", "0.03", _LOGS
    METRICS = "CloudWatch", "custom metrics", "0.30", _METRICS, 10
    ALARMS = "CloudWatch", "alarms", "0.10", _ALARMS, 10
    DASHBOARDS = "CloudWatch", "dashboards", "3.00", _CLOUDWATCH, 3

    def __init__(
        self, service: str, text: str, usd: Decimal | str, source: str, free: int = 0
    ) -> None:
        self.service, self.text, self.usd = service, text, Decimal(usd)
        self.source, self.free = source, free

    def __str__(self) -> str:
        return self.text
