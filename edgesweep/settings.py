"""The settings of a deployment, and the bounds of each deploy parameter.

A parameter reaches the functions as an environment variable: `budgetUsd` as `BUDGET_USD`. Both
the deployment and the functions check it here. This module needs the standard library only, so
that any Python on the deploying machine can run it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from edgesweep.errors import BadInput
from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import MAX_IN_PROGRESS, RESERVED_WILDCARDS, Policy, Quota
from edgesweep.prices import FREE_PATHS, REFETCH_COST
from edgesweep.record.headers import metadata_name
from edgesweep.record.recorder import Selection
from edgesweep.routes import Variants, variants
from edgesweep.routes.variants import ERROR_SECONDS, YEAR

LONGEST = 1_000  # characters of a value


@dataclass(frozen=True, slots=True)
class Parameter:
    """A deploy parameter: here alone, for functions, commands, the template and its reference."""

    meaning: str
    bound: str  # what a value must be, for the error message
    pattern: str  # what a value looks like, to Python and to CloudFormation
    default: str = ""  # costs nothing; where it is empty, a user may pass an empty value
    most: int = 1  # how many values the parameter takes, separated by commas
    within: Callable[[str], bool] = bool  # tells whether a value of that pattern is in bounds

    def fits(self, value: str) -> bool:
        return bool(re.fullmatch(self.pattern, value, re.ASCII)) and self.within(value)

    def checked(self, name: str, text: str) -> str:
        """Return the value, or the values of a list, each once; BadInput names a bound."""
        values = split(text) if self.most > 1 else (text,)
        for value in values:
            if not self.fits(value) and (value or self.default):
                raise BadInput(f'Parameter {name} is "{value}"; it must be {self.bound}')
        if len(values) > self.most:
            names = f"names {len(values)} {name}s"
            raise BadInput(f"Parameter {name} {names}; at most {self.most} fit one stack")
        if len(text) > LONGEST:
            raise BadInput(f"Parameter {name} has {len(text)} characters, not {LONGEST} or fewer")
        return ",".join(dict.fromkeys(values))


def split(text: str) -> tuple[str, ...]:
    """Return the values of a list that are separated by commas."""
    return tuple(filter(None, map(str.strip, text.split(","))))


def _whole(meaning: str, default: int | str, least: int, most: int) -> Parameter:
    def within(text: str) -> bool:
        return least <= int(text) <= most

    bound = f"a whole number from {least} to {most}"
    return Parameter(meaning, bound, "[0-9]{1,9}", str(default), within=within)


def _dollars(meaning: str, default: Decimal) -> Parameter:
    pattern = r"0(\.[0-9]{1,12})?|1(\.0{1,12})?"
    return Parameter(meaning, "dollars from 0 to 1", pattern, f"{default:f}")


def _viewer_paths(text: str) -> bool:
    try:
        identities = variants.parse(text).keys() - {variants.ALL_OTHERS}
    except BadInput as error:
        raise BadInput(f'Parameter viewerPaths is "{text}": {error}') from error
    return all(re.fullmatch(_DISTRIBUTION, identity) for identity in identities)


def _patterns(meaning: str) -> Parameter:
    bound = "a path pattern of CloudFront's, such as assets/*, without spaces or commas"
    return Parameter(meaning, bound, r"[^\s,]{1,255}", most=LONGEST)


def _flag(meaning: str, default: str) -> Parameter:
    return Parameter(meaning, "true or false", "true|false", default)


_DISTRIBUTION = "E[A-Z0-9]{5,30}"

PARAMETERS: Mapping[str, Parameter] = {
    "bucket": Parameter(
        "existing buckets, separated by commas",
        "a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens",
        "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        most=10,
    ),
    "demo": _flag("a demo site instead, with a bucket and a distribution of its own", "false"),
    "distribution": Parameter(
        "ids of the distributions that serve the buckets, separated by commas; empty: discovered",
        "a distribution id: an E followed by capital letters and digits",
        _DISTRIBUTION,
        most=20,
    ),
    "include": _patterns("path patterns of the keys to sweep, separated by commas; empty: all"),
    "exclude": _patterns("path patterns of the keys to leave out"),
    "immutable": _patterns("path patterns of keys that never get other bytes, such as assets/*"),
    "urgent": _patterns("path patterns of keys whose changes wait for no silence and no patience"),
    "viewerPaths": Parameter(
        "other viewer paths of an object; empty: as configured",
        "words for viewer paths, with or without a distribution id and = before them",
        r"[^,\n]+",
        most=LONGEST,
        within=_viewer_paths,
    ),
    "errorSeconds": _whole(
        "a cached error may be stale for this long", ERROR_SECONDS, ERROR_SECONDS, YEAR
    ),
    "spellings": Parameter(
        "all: also the ways in which viewers write a space, + and : in a URL; one: the usual one",
        "all or one",
        "all|one",
        "all",
    ),
    "budgetUsd": Parameter(
        "dollars a month for invalidation paths beyond the free ones; none: no limit",
        "dollars from 0 to 999999.99, or none for no limit",
        r"none|[0-9]{1,6}(\.[0-9]{1,2})?",
        "0",
    ),
    "freePaths": _whole("free paths a month of the account", FREE_PATHS, 0, FREE_PATHS),
    "others": Parameter(
        "count: subtract what others in the account spend from freePaths; ignore: do not",
        "count or ignore",
        "count|ignore",
        "count",
    ),
    "guaranteeMinutes": _whole(
        "most minutes until a change is sent; empty: what half the allowance pays for", "", 1, 9_999
    ),
    "skipUnchanged": _flag("an upload that changes nothing costs a HEAD instead of a path", "true"),
    "ignoreMetadata": Parameter(
        "user metadata that is not compared, beside what tools keep for themselves",
        "a name of user metadata, such as build or ci-*",
        r"[\w.*?-]{1,255}",
        most=LONGEST,
    ),
    "quietSeconds": _whole("seconds without a change before a flush", 10, 0, 3_600),
    "maxWaitSeconds": _whole("most seconds that a flush waits for such quiet", 300, 1, 3_600),
    "patienceMinutes": _whole(
        "longest wait while paths are dear; empty: 5, or a shorter guarantee", "", 0, 1_440
    ),
    "wake": _flag("a change wakes a flush; false: it waits for the next minute", "true"),
    "shards": _whole("partitions of a distribution's changes, each for 1,000 a second", 1, 1, 100),
    "headroom": _whole(
        "wildcards left to people, of 15", RESERVED_WILDCARDS, 0, MAX_IN_PROGRESS.wildcards - 1
    ),
    "refetchUsd": _dollars("dollars to fetch an unchanged object again", REFETCH_COST),
    "missUsd": _dollars("dollars that a visitor's cache miss costs beyond refetchUsd", Decimal(0)),
    "alarmEmail": Parameter(
        "address for alarms; empty: only in CloudWatch",
        "one e-mail address",
        r"[^\s@]+@[^\s@]+\.[^\s@]+",
    ),
    "dashboard": _flag("a dashboard, $3 a month beyond an account's three", "false"),
    "permissionsBoundary": Parameter(
        "ARN of a policy that bounds every role; empty: none",
        "the ARN of a policy, such as arn:aws:iam::123456789012:policy/boundary",
        r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]{1,512}",
    ),
}


@dataclass(frozen=True, slots=True)
class Settings:
    dirty_table: str
    flushes_table: str
    catalogue_table: str  # if empty, every upload is a change
    buckets: tuple[str, ...]
    distributions: tuple[str, ...]  # ids of those that serve the buckets; if empty, discovered
    policy: Policy
    shards: int  # partitions over which the dirty rows of a distribution are spread
    selection: Selection
    variants: Mapping[str, Variants]  # distribution id -> the viewer paths of an object that count
    others: bool  # whether what others spend of the account's paths is counted
    ignored_metadata: tuple[str, ...]  # names, or patterns, of metadata that does not count
    wake: bool  # whether rows wake a flusher, so that nothing waits for the next tick
    notified_queue: str | None  # ARN of the queue that buckets notify; None with EventBridge
    queue: str = ""  # URL of the queue of changes; empty for a function that does not use it
    dead_letter_queue: str = ""  # URL of the queue of unrecordable messages; empty likewise

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> "Settings":
        """Read environment variables; BadInput names one that is missing or out of bounds."""
        for name in ("DIRTY_TABLE", "FLUSHES_TABLE"):
            if not values.get(name):
                raise BadInput(f"The environment variable {name} is missing")
        variables = {name: re.sub("[A-Z]", r"_\g<0>", name).upper() for name in PARAMETERS}
        read = {name: values.get(variables[name]) or p.default for name, p in PARAMETERS.items()}
        # CloudFormation names the buckets and distributions, including those of a demo.
        given = checked({**read, "bucket": "", "distribution": ""})
        return cls(
            dirty_table=values["DIRTY_TABLE"],
            flushes_table=values["FLUSHES_TABLE"],
            catalogue_table=values.get("CATALOGUE_TABLE", ""),
            buckets=split(read["bucket"]),
            distributions=split(read["distribution"]),
            policy=_policy(given),
            shards=int(given["shards"]),
            selection=Selection(
                *(split(given[one]) for one in ("include", "exclude", "immutable"))
            ),
            variants=variants.parse(
                given["viewerPaths"],
                spellings=given["spellings"] == "all",
                error_seconds=int(given["errorSeconds"]),
            ),
            others=given["others"] == "count",
            ignored_metadata=tuple(map(metadata_name, split(given["ignoreMetadata"]))),
            wake=given["wake"] == "true",
            notified_queue=values.get("NOTIFIED_QUEUE") or None,
            queue=values.get("QUEUE", ""),
            dead_letter_queue=values.get("DEAD_LETTER_QUEUE", ""),
        )


def checked(values: Mapping[str, str]) -> Mapping[str, str]:
    """Return all parameters; BadInput names one that is out of bounds, its value and the bound."""
    given = {name: one.checked(name, values[name]) for name, one in PARAMETERS.items()}
    _whole("", "", 0, int(given["maxWaitSeconds"])).checked("quietSeconds", given["quietSeconds"])
    _patience(given)
    return given


def budget(given: Mapping[str, str], distributions: int = 1) -> Budget:
    """Return the monthly budget; BadInput if it does not pay for the distributions."""
    usd = None if given["budgetUsd"] == "none" else Decimal(given["budgetUsd"])
    try:
        least = Budget(usd, int(given["freePaths"]), distributions=distributions)
    except BadInput as error:
        named = f"Parameters freePaths {given['freePaths']} and budgetUsd {given['budgetUsd']}"
        raise BadInput(f"{named}: {error}") from error
    minutes = given["guaranteeMinutes"]
    if not minutes:
        return least
    try:
        return replace(least, guarantee=timedelta(minutes=int(minutes)))
    except BadInput as error:
        raise BadInput(f'Parameter guaranteeMinutes is "{minutes}": {error}') from error


def _policy(given: Mapping[str, str]) -> Policy:
    return Policy(
        budget=budget(given),
        quiet=timedelta(seconds=int(given["quietSeconds"])),
        max_wait=timedelta(seconds=int(given["maxWaitSeconds"])),
        patience=_patience(given),
        refetch=Decimal(given["refetchUsd"]) + Decimal(given["missUsd"]),
        quota=Quota(MAX_IN_PROGRESS.paths, MAX_IN_PROGRESS.wildcards - int(given["headroom"])),
        urgent=split(given["urgent"]),
    )


def _patience(given: Mapping[str, str]) -> timedelta:
    """Return how long a flush waits while paths are dear, by default no longer than a guarantee."""
    minutes, guarantee = given["patienceMinutes"], given["guaranteeMinutes"]
    longest = timedelta(minutes=int(guarantee)) if guarantee else timedelta.max
    if not minutes:
        return min(Policy().patience, longest)
    if (patience := timedelta(minutes=int(minutes))) > longest:
        raise BadInput(
            f'Parameter patienceMinutes is "{minutes}"; '
            f"it must be at most guaranteeMinutes, which is {guarantee}"
        )
    return patience
