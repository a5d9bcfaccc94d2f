"""A distribution as an edge needs it, read from the form that CloudFront's API returns.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Config = Mapping[str, Any]

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
# The documentation says: "error caching minimum TTL (10 seconds by default)".
ERROR_SECONDS = 10.0
_YEAR = 31_536_000.0
_DAY = 86_400.0

# https://docs.aws.amazon.com/general/latest/gr/s3.html; "Domain names are not case-sensitive." The
# alias of an access point is not a bucket.
_BUCKET = re.compile(
    r"(?!.+(-s3alias|--ol-s3)\.)(?P<bucket>.+)\.s3(?P<website>-website)?(-external-1)?"
    r"(-accelerate)?([.-]dualstack)?([.-][a-z]{2}(-[a-z]+)+-\d+)?\.amazonaws\.com(\.cn)?",
    re.IGNORECASE,
)
_PATH_STYLE = re.compile(
    r"s3([.-]dualstack)?([.-][a-z]{2}(-[a-z]+)+-\d+|-external-1)?\.amazonaws\.com(\.cn)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where answers come from.

    Attributes:
        domain: its host name, in lower case.
        path: what CloudFront puts before the path of a request, without a slash at its end.
        bucket: the bucket behind it; None for any other server.
        website: whether it is the bucket's website endpoint.
    """

    domain: str
    path: str = ""
    bucket: str | None = None
    website: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Two origins: the second one answers where the first one fails.

    Attributes:
        members: the primary and the secondary origin.
        codes: the answers of the primary one that count as a failure.
    """

    members: tuple[Origin, ...]
    codes: frozenset[int]


@dataclass(frozen=True, slots=True)
class Ttl:
    """How long answers stay, in seconds."""

    minimum: float = 0.0
    default: float = _DAY
    maximum: float = _YEAR


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the edge treats the requests that a path pattern matches.

    Attributes:
        pattern: the path pattern, with a slash at its beginning.
        origin: who is asked.
        ttl: how long answers stay.
        query: which query parameters are part of the cache key: `none`, `all`, `whitelist`,
            `allExcept`, and their names.
        headers: the request headers that are part of the cache key, in lower case.
        caching: whether anything is kept at all.
        functions: event type -> ARN of a CloudFront Function.
        lambdas: event type -> ARN of a Lambda@Edge function.
    """

    pattern: str
    origin: Origin | Group
    ttl: Ttl
    query: tuple[str, frozenset[str]] = ("none", frozenset())
    headers: tuple[str, ...] = ()
    caching: bool = True
    functions: Mapping[str, str] = field(default_factory=dict)
    lambdas: Mapping[str, str] = field(default_factory=dict)

    def matches(self, path: str) -> bool:
        """Tell whether the pattern matches a normalised path.

        "`*` matches 0 or more characters. `?` matches exactly 1 character." "The path pattern
        applies to both /images/*.jpg and images/*.jpg." "Path patterns are case-sensitive."
        """
        return _expression(self.pattern).fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A custom error response.

    Attributes:
        page: the path of the page that is served instead; empty: the error itself.
        code: the status that viewers get.
        seconds: the error caching minimum TTL.
    """

    page: str
    code: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """How an edge serves its viewers.

    Attributes:
        behaviours: in CloudFront's order, the default one last.
        root: the default root object; empty without one.
        errors: status of an origin -> its custom error response.
        enabled: whether anything is served.
    """

    behaviours: tuple[Behaviour, ...]
    root: str = ""
    errors: Mapping[int, ErrorResponse] = field(default_factory=dict)
    enabled: bool = True

    def behaviour(self, path: str) -> Behaviour:
        """Return the first behaviour whose pattern matches a normalised path."""
        return next(one for one in self.behaviours if one.matches(path))


def read(config: Config, policies: Mapping[str, Config]) -> Distribution:
    """Read a `DistributionConfig`.

    Args:
        config: as GetDistributionConfig returns it.
        policies: id of each cache policy that it names -> its `CachePolicyConfig`.
    """
    origins = dict(_origins(config))
    behaviours = (*_items(config, "CacheBehaviors"), config["DefaultCacheBehavior"])
    return Distribution(
        behaviours=tuple(_behaviour(one, origins, policies) for one in behaviours),
        root=config.get("DefaultRootObject") or "",
        errors=dict(_errors(config)),
        enabled=bool(config.get("Enabled", True)),
    )


def origin_of(domain: str, path: str) -> Origin:
    """Return the origin of a host, and of what CloudFront puts before paths."""
    domain = domain.lower()
    bucket, website, rest = bucket_of(domain, path.rstrip("/"))
    return Origin(domain, rest, bucket, website)


def bucket_of(domain: str, path: str) -> tuple[str | None, bool, str]:
    """Return the bucket behind a host, whether it is a website, and what is left of the path."""
    if _PATH_STYLE.fullmatch(domain):
        bucket, _, rest = path.strip("/").partition("/")
        return bucket.lower() or None, False, rest and "/" + rest
    found = _BUCKET.fullmatch(domain)
    if not found:
        return None, False, path
    return found["bucket"].lower(), found["website"] is not None, path


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    signs = {"*": ".*", "?": "."}
    text = "".join(signs.get(character, re.escape(character)) for character in pattern)
    return re.compile(text, re.DOTALL)


def _origins(config: Config) -> Iterator[tuple[str, Origin | Group]]:
    single: dict[str, Origin] = {}
    for one in _items(config, "Origins"):
        single[one["Id"]] = origin_of(one["DomainName"], one.get("OriginPath") or "")
    yield from single.items()
    for group in _items(config, "OriginGroups"):
        members = tuple(single[member["OriginId"]] for member in _items(group, "Members"))
        codes = group.get("FailoverCriteria", {}).get("StatusCodes", {}).get("Items", [])
        yield group["Id"], Group(members, frozenset(codes))


def _behaviour(
    behaviour: Config, origins: Mapping[str, Origin | Group], policies: Mapping[str, Config]
) -> Behaviour:
    pattern = behaviour.get("PathPattern", "*")
    policy = behaviour.get("CachePolicyId")
    ttl, query, headers = _policy(policies[policy]) if policy else _legacy(behaviour)
    return Behaviour(
        pattern=pattern if pattern.startswith(("/", "*")) else "/" + pattern,
        origin=origins[behaviour["TargetOriginId"]],
        ttl=ttl,
        query=query,
        headers=headers,
        # "To disable caching, set minimum, default and maximum TTL to 0" or all headers forwarded.
        caching=policy != CACHING_DISABLED and ttl.maximum > 0 and "*" not in headers,
        functions=dict(_functions(behaviour, "FunctionAssociations", "FunctionARN")),
        lambdas=dict(_functions(behaviour, "LambdaFunctionAssociations", "LambdaFunctionARN")),
    )


Key = tuple[Ttl, tuple[str, frozenset[str]], tuple[str, ...]]


def _policy(config: Config) -> Key:
    """Read a cache policy."""
    parameters = config.get("ParametersInCacheKeyAndForwardedToOrigin", {})
    strings = parameters.get("QueryStringsConfig", {})
    names = frozenset(strings.get("QueryStrings", {}).get("Items", []))
    headers = parameters.get("HeadersConfig", {}).get("Headers", {}).get("Items", [])
    ttl = Ttl(
        float(config.get("MinTTL", 0)),
        float(config.get("DefaultTTL", _DAY)),
        float(config.get("MaxTTL", _YEAR)),
    )
    query = (strings.get("QueryStringBehavior", "none"), names)
    return ttl, query, tuple(sorted(name.lower() for name in headers))


def _legacy(behaviour: Config) -> Key:
    """Read the legacy cache settings of a behaviour."""
    values = behaviour.get("ForwardedValues", {})
    names = frozenset(values.get("QueryStringCacheKeys", {}).get("Items", []))
    forwarded = bool(values.get("QueryString"))
    kind = "none" if not forwarded else "whitelist" if names else "all"
    headers = values.get("Headers", {}).get("Items", [])
    ttl = Ttl(
        float(behaviour.get("MinTTL", 0)),
        float(behaviour.get("DefaultTTL", _DAY)),
        float(behaviour.get("MaxTTL", _YEAR)),
    )
    return ttl, (kind, names), tuple(sorted(name.lower() for name in headers))


def _errors(config: Config) -> Iterator[tuple[int, ErrorResponse]]:
    for one in _items(config, "CustomErrorResponses"):
        seconds = one.get("ErrorCachingMinTTL")
        yield (
            int(one["ErrorCode"]),
            ErrorResponse(
                one.get("ResponsePagePath") or "",
                int(one.get("ResponseCode") or one["ErrorCode"]),
                ERROR_SECONDS if seconds is None else float(seconds),
            ),
        )


def _functions(behaviour: Config, kind: str, arn: str) -> Iterator[tuple[str, str]]:
    for one in _items(behaviour, kind):
        yield one["EventType"], one[arn]


def _items(config: Config, name: str) -> Sequence[Config]:
    items: Sequence[Config] = (config.get(name) or {}).get("Items") or []
    return items
