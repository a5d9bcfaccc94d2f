"""The price list: what AWS charges for each thing that the stack uses, by region.

Every price says where it is from and of which day. Most were read second hand, in public
repositories that quote AWS's price list (https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/)
by usage type; what no source was found for says so. First tiers only: no stack gets beyond them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from edgesweep.errors import BadInput
from edgesweep.prices import FREE_PATHS, PATH_PRICE, S3_GET_PRICE, S3_LIST_PRICE

VIRGINIA, IRELAND, TOKYO = REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")


class Item(StrEnum):
    """What is charged for."""

    PATHS = "invalidation paths"
    VIEWER_REQUESTS = "HTTPS requests"
    GETS = "GET requests"
    HEADS = "HEAD requests"
    LISTS = "LIST requests"
    PUTS = "PUT requests"
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
class Quote:
    """A price in a region.

    Attributes:
        usd: dollars for one unit.
        source: who says so.
        as_of: the day that the source names, else the one on which it was read; None where nobody
            confirms the price.
    """

    usd: Decimal
    source: str
    as_of: date | None


@dataclass(frozen=True, slots=True)
class Price:
    """What one item costs.

    Attributes:
        service: who charges for it.
        free: units a month that an account does not pay for, however old it is.
        quotes: region -> price.
    """

    service: str
    free: int
    quotes: Mapping[str, Quote]


def unit_price(item: Item, region: str) -> Decimal:
    """Return dollars for one unit.

    Raises:
        BadInput: no price of that region is known.
    """
    if region not in REGIONS:
        msg = f"No prices of {region!r} are known, only of {', '.join(REGIONS)}"
        raise BadInput(msg)
    return PRICES[item].quotes[region].usd


# Who says so, and of which day.
_Source = tuple[str, date | None]
_Priced = tuple[str, _Source]

_LOOKED_UP = date(2026, 11, 24)
_MEMORY: _Source = "from memory, unconfirmed", None
_GUIDE: _Source = "Amazon CloudFront Developer Guide, PayingForInvalidation", date(2026, 10, 1)
_S3: _Source = "https://aws.amazon.com/s3/pricing/, second hand", date(2026, 10, 4)
_DYNAMODB: _Source = (
    "https://aws.amazon.com/dynamodb/pricing/on-demand/, second hand",
    date(2026, 10, 4),
)
_LAMBDA: _Source = "https://aws.amazon.com/lambda/pricing/, second hand", date(2026, 6, 18)
_CLOUDWATCH: _Source = "https://aws.amazon.com/cloudwatch/pricing/, second hand", date(2026, 6, 13)


def _usage(usage_type: str, day: date = _LOOKED_UP) -> _Source:
    return f"AWS price list, usage type {usage_type}, second hand", day


def _second_hand(site: str, day: date = _LOOKED_UP) -> _Source:
    return f"{site}, second hand", day


def _price(service: str, free: int, *priced: _Priced) -> Price:
    quotes = (Quote(Decimal(usd), *source) for usd, source in priced)
    return Price(service, free, dict(zip(REGIONS, quotes, strict=True)))


_JULY = date(2026, 7, 1)
_SEPTEMBER = date(2026, 9, 23)

# What an account has free each month is on the pricing page of each service, except where noted.
PRICES: Mapping[Item, Price] = {
    Item.PATHS: _price("CloudFront", FREE_PATHS, *[(str(PATH_PRICE), _GUIDE)] * len(REGIONS)),
    Item.VIEWER_REQUESTS: _price(
        "CloudFront",
        10_000_000,
        ("1.00e-6", _second_hand("kindatechnical.com")),
        ("1.20e-6", _usage("EU-Requests-Tier2-HTTPS")),
        ("1.20e-6", _usage("JP-Requests-Tier2-HTTPS", date(2026, 9, 16))),
    ),
    Item.GETS: _price(
        "S3",
        0,
        (str(S3_GET_PRICE), _S3),
        ("0.40e-6", _usage("EU-Requests-Tier2", date(2026, 9, 27))),
        ("0.37e-6", _usage("APN1-Requests-Tier2", date(2026, 9, 18))),
    ),
    Item.HEADS: _price(
        "S3",
        0,
        ("0.40e-6", _S3),
        ("0.40e-6", _usage("EU-Requests-Tier2", date(2026, 9, 27))),
        ("0.37e-6", _usage("APN1-Requests-Tier2", date(2026, 9, 18))),
    ),
    Item.LISTS: _price(
        "S3",
        0,
        (str(S3_LIST_PRICE), _second_hand("https://aws.amazon.com/s3/pricing/")),
        ("5.00e-6", _usage("EU-Requests-Tier1", date(2026, 9, 27))),
        ("4.70e-6", _usage("APN1-Requests-Tier1", date(2026, 9, 18))),
    ),
    Item.PUTS: _price(
        "S3",
        0,
        ("5.00e-6", _second_hand("https://aws.amazon.com/s3/pricing/")),
        ("5.00e-6", _usage("EU-Requests-Tier1", date(2026, 9, 27))),
        ("4.70e-6", _usage("APN1-Requests-Tier1", date(2026, 9, 18))),
    ),
    # Events of S3 are opt-in events, which are not among the free ones.
    Item.EVENTS: _price(
        "EventBridge",
        0,
        ("1.00e-6", _second_hand("https://aws.amazon.com/eventbridge/pricing/")),
        ("1.00e-6", _MEMORY),
        ("1.00e-6", _MEMORY),
    ),
    Item.TICKS: _price(
        "EventBridge Scheduler",
        14_000_000,
        ("1.00e-6", _second_hand("cloudburn.io", date(2026, 3, 1))),
        ("1.00e-6", _MEMORY),
        ("1.25e-6", _second_hand("AWS price list, AWSEvents")),
    ),
    Item.MESSAGES: _price(
        "SQS",
        1_000_000,
        ("0.40e-6", _second_hand("https://aws.amazon.com/sqs/pricing/")),
        ("0.40e-6", _MEMORY),
        ("0.40e-6", _usage("APN1-Requests-Tier1", _SEPTEMBER)),
    ),
    Item.INVOCATIONS: _price(
        "Lambda",
        1_000_000,
        ("0.20e-6", _LAMBDA),
        ("0.20e-6", _usage("EU-Request", _JULY)),
        ("0.20e-6", _usage("APN1-Request", _JULY)),
    ),
    Item.GB_SECONDS: _price(
        "Lambda",
        400_000,
        ("13.3334e-6", _LAMBDA),
        ("13.3334e-6", _usage("EU-Lambda-GB-Second-ARM")),
        ("13.3334e-6", _usage("APN1-Lambda-GB-Second-ARM")),
    ),
    Item.WRITES: _price(
        "DynamoDB",
        0,
        ("0.625e-6", _DYNAMODB),
        ("0.705e-6", _usage("EU-WriteRequestUnits", _JULY)),
        ("0.715e-6", _usage("APN1-WriteRequestUnits", _SEPTEMBER)),
    ),
    Item.READS: _price(
        "DynamoDB",
        0,
        ("0.125e-6", _DYNAMODB),
        ("0.1415e-6", _usage("EU-ReadRequestUnits", _JULY)),
        ("0.1425e-6", _usage("APN1-ReadRequestUnits", _SEPTEMBER)),
    ),
    Item.STORAGE: _price(
        "DynamoDB",
        25,
        ("0.25", _DYNAMODB),
        ("0.283", _usage("EU-TimedStorage-ByteHrs", _JULY)),
        ("0.285", _usage("APN1-TimedStorage-ByteHrs")),
    ),
    Item.BACKUP: _price(
        "DynamoDB",
        0,
        ("0.20", _MEMORY),
        ("0.22", _usage("EU-TimedPITRStorage-ByteHrs")),
        ("0.228", _MEMORY),
    ),
    Item.LOG_INGESTION: _price(
        "CloudWatch",
        5,
        ("0.50", _CLOUDWATCH),
        ("0.57", _usage("EU-DataProcessing-Bytes", _JULY)),
        ("0.76", _usage("APN1-DataProcessing-Bytes", _JULY)),
    ),
    # The 5 free GB are for ingestion and storage together; they are counted for the dearer.
    Item.LOG_STORAGE: _price(
        "CloudWatch",
        0,
        ("0.03", _MEMORY),
        ("0.03", _usage("EU-TimedStorage-ByteHrs")),
        ("0.033", _usage("APN1-TimedStorage-ByteHrs", _JULY)),
    ),
    Item.METRICS: _price(
        "CloudWatch",
        10,
        ("0.30", _second_hand("signoz.io", date(2026, 2, 15))),
        ("0.30", _MEMORY),
        ("0.30", _usage("APN1-CW:MetricMonitorUsage", _SEPTEMBER)),
    ),
    Item.ALARMS: _price(
        "CloudWatch",
        10,
        ("0.10", _MEMORY),
        ("0.10", _usage("EU-CW:AlarmMonitorUsage")),
        ("0.10", _usage("APN1-CW:AlarmMonitorUsage", _JULY)),
    ),
    Item.DASHBOARDS: _price(
        "CloudWatch",
        3,
        ("3.00", _CLOUDWATCH),
        ("3.00", _MEMORY),
        ("3.00", _MEMORY),
    ),
}
