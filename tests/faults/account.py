"""The account's distributions: how each was configured when, and what its edges answer from.

CloudFront tells a new configuration at once. Its edges take some minutes to work by it: until the
distribution is `Deployed`, any edge may still answer by an earlier one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from edgesweep.dirty import DirtyRow, RequestedPath
from edgesweep.paths import unquoted
from edgesweep.record.catalogue import Name
from tests.fakes.cloudfront import refusal
from tests.faults.site import Site, Version
from tests.faults.world import World

ROOT = "index.html"
# What no other path has in it: only a wildcard that stops before it matches.
ANYTHING = "\x7f"
_DEPLOYING = (20.0, 280.0)

# A bucket and an origin path, such as `/blue`.
Origin = tuple[str, str]
# What an edge holds under a viewer path: a version, and the function that made a response of it.
Response = tuple[Version, int]


@dataclass(frozen=True, slots=True)
class Config:
    """A distribution's configuration.

    Attributes:
        origins: where everything comes from; with several, the first that has the object answers.
        special: where `/b/*` comes from, if from elsewhere.
        function: version of the function that makes responses.
        enabled: whether viewers are answered.
    """

    origins: tuple[Origin, ...]
    special: Origin | None = None
    function: int = 1
    enabled: bool = True

    def names(self, path: str) -> Sequence[Name]:
        """Return the objects that may answer for a viewer path, the first one first."""
        origins = [self.special] if self.special and path.startswith("/b/") else self.origins
        # S3 reads a plus sign in a URL as a space.
        asked = "/" + ROOT if path == "/" else path.replace("+", " ")
        return [(bucket, (folder + asked)[1:]) for bucket, folder in origins]

    def path(self, name: Name) -> Iterator[str]:
        """Yield the viewer paths under which an object may be cached."""
        bucket, key = name
        for origin, folder in (*self.origins, *([self.special] if self.special else ())):
            if origin == bucket and f"/{key}".startswith(f"{folder}/"):
                path = f"/{key}"[len(folder) :]
                if name in self.names(path):
                    yield from dict.fromkeys((path, path.replace(" ", "+")))
                    if path == "/" + ROOT:
                        yield "/"

    def response(self, path: str, site: Site, moment: datetime) -> Response | None:
        """Return what is answered at a moment, None without an object or while disabled."""
        found = (site.at(name, moment) for name in self.names(path) if self.enabled)
        version = next(filter(None, found), None)
        return version and (version, self.function)

    def told(self) -> Mapping[str, Any]:
        """Return it as CloudFront's API does."""
        origins = dict.fromkeys((*self.origins, *([self.special] if self.special else ())))
        named = {origin: f"{origin[0]}{origin[1]}" for origin in origins}
        default, groups = named[self.origins[0]], []
        if len(self.origins) > 1:
            members = [{"OriginId": named[origin]} for origin in self.origins]
            groups = [{"Id": "group", "Members": {"Quantity": len(members), "Items": members}}]
            default = "group"
        function = f"arn:aws:lambda:us-east-1:123456789012:function:response:{self.function}"
        functions = [{"LambdaFunctionARN": function, "EventType": "origin-response"}]
        shared = {"LambdaFunctionAssociations": _listed(functions)}
        special = [
            {"PathPattern": "/b/*", "TargetOriginId": named[self.special], **shared}
            for _ in range(self.special is not None)
            if self.special
        ]
        return {
            "Enabled": self.enabled,
            "DefaultRootObject": ROOT,
            "Origins": _listed(
                [
                    {
                        "Id": identity,
                        "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
                        "OriginPath": folder,
                    }
                    for (bucket, folder), identity in named.items()
                ]
            ),
            "OriginGroups": _listed(groups),
            "DefaultCacheBehavior": {"TargetOriginId": default, **shared},
            "CacheBehaviors": _listed(special),
        }


@dataclass(frozen=True, slots=True)
class Span:
    """A configuration while some edge may answer by it, and when a look first saw it."""

    config: Config
    since: datetime
    until: datetime
    seen_at: datetime | None = None


@dataclass(slots=True)
class Distribution:
    """One distribution.

    Attributes:
        changes: each configuration, when it was given, and when it will be everywhere.
        seen: the numbers of those that a look has seen and kept, and when it first did.
        newcomer: whether it was not there from the beginning.
        deleted: whether it is gone.
    """

    changes: list[tuple[datetime, datetime, Config]] = field(default_factory=list)
    seen: dict[int, datetime] = field(default_factory=dict)
    newcomer: bool = False
    deleted: bool = False

    @property
    def config(self) -> Config:
        """The configuration that CloudFront reports."""
        return self.changes[-1][2]

    @property
    def deployed_at(self) -> datetime:
        """When the configuration that CloudFront reports is everywhere."""
        return self.changes[-1][1]

    @property
    def configs(self) -> Sequence[Config]:
        """Every configuration there ever was."""
        return [config for _, _, config in self.changes]

    @property
    def enabled(self) -> bool:
        """Whether it answers viewers."""
        return self.config.enabled and not self.deleted

    def spans(self, end: datetime) -> Iterator[Span]:
        """Yield each configuration with the time in which some edge may answer by it.

        One that was replaced before any look saw it is left out: nobody can know of it.
        """
        known: Config | None = None
        for number, (since, _, config) in enumerate(self.changes):
            known = config if number in self.seen else known
            later = self.changes[number + 1 :]
            if later and config != known:
                continue
            # One that was replaced before it was everywhere was everywhere with what replaced it.
            until = _everywhere(later) if later else end
            yield Span(config, since, until, self.seen.get(number))

    def paths(self, name: Name) -> Sequence[str]:
        """Return the viewer paths under which an object was ever served."""
        return list(dict.fromkeys(p for config in self.configs for p in config.path(name)))

    def paths_of(self, row: DirtyRow) -> Sequence[str]:
        """Return the viewer paths that a row is about; one stands for all of a wildcard."""
        if isinstance(row.subject, RequestedPath):
            said = unquoted(row.subject.path)
            return [said[:-1] + ANYTHING if said.endswith("*") else said]
        return self.paths((row.subject.bucket, row.subject.key))


class Account:
    """The distributions of an account, as CloudFront lists and describes them.

    Attributes:
        distributions: each by its id.
        quiet_at: when the last change of a configuration was everywhere.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.distributions: dict[str, Distribution] = {}

    @property
    def ids(self) -> Sequence[str]:
        """The ids of all that were ever there."""
        return list(self.distributions)

    @property
    def existing(self) -> Sequence[str]:
        """The ids of all that are there."""
        return [name for name, one in self.distributions.items() if not one.deleted]

    def leads_to(self, bucket: str) -> bool:
        """Tell whether a distribution that answers viewers leads to a bucket."""
        return any(
            origin == bucket
            for one in self.distributions.values()
            if one.enabled
            for origin, _ in (*one.config.origins, *filter(None, [one.config.special]))
        )

    @property
    def quiet_at(self) -> datetime:
        """When the last change of a configuration was everywhere."""
        return max(one.deployed_at for one in self.distributions.values())

    def static(self, distribution: str) -> bool:
        """Tell whether a distribution was always there, and always as it is."""
        one = self.distributions[distribution]
        return len(one.changes) == 1 and not one.newcomer

    def create(self, distribution: str, config: Config, *, long_ago: bool = False) -> None:
        """Create a distribution."""
        self.distributions[distribution] = Distribution(newcomer=not long_ago)
        self._configure(distribution, config, 0.0 if long_ago else None)
        if long_ago:
            self.keep({distribution: 0})

    def change(
        self, distribution: str, changed: Callable[[Config, Random], Config], random: Random
    ) -> None:
        """Change a configuration, unless that changes nothing."""
        one = self.distributions[distribution]
        config = changed(one.config, random)
        if config != one.config and not one.deleted:
            self._configure(distribution, config)

    def newest(self, distribution: str) -> int:
        """Return the number of the configuration that CloudFront reports."""
        return len(self.distributions[distribution].changes) - 1

    def keep(self, looked: Mapping[str, int]) -> None:
        """Note which configurations of distributions were seen, and kept for all."""
        for distribution, number in looked.items():
            self.distributions[distribution].seen.setdefault(number, self._world.now)

    def delete(self, distribution: str) -> None:
        """Delete a distribution."""
        self.distributions[distribution].deleted = True
        self._world.tell("person", f"deletes {distribution}")

    def list_distributions(self, **_: object) -> Mapping[str, Any]:
        """List them all; one may be missing."""
        random, unlisted = self._world.random, self._world.weather.unlisted
        items = [
            {"Id": identity, "Status": self._status(one), **one.config.told()}
            for identity, one in self.distributions.items()
            if not one.deleted and not (unlisted and random.random() < unlisted)
        ]
        return {"DistributionList": {"IsTruncated": False, **_listed(items)}}

    def get_distribution(self, *, Id: str) -> Mapping[str, Any]:
        """Describe one, and tell whether its configuration is everywhere."""
        one = self._existing(Id)
        told = {
            "Id": Id,
            "Status": self._status(one),
            "LastModifiedTime": one.changes[-1][0],
            "DistributionConfig": one.config.told(),
        }
        return {"Distribution": told, "ETag": f"E{len(one.changes)}"}

    def _existing(self, identity: str) -> Distribution:
        one = self.distributions.get(identity)
        if one is None or one.deleted:
            code = "NoSuchDistribution"
            raise refusal(code, "The specified distribution does not exist.", 404)
        return one

    def _status(self, one: Distribution) -> str:
        return "Deployed" if self._world.now >= one.deployed_at else "InProgress"

    def _configure(self, distribution: str, config: Config, takes: float | None = None) -> None:
        seconds = self._world.random.uniform(*_DEPLOYING) if takes is None else takes
        now = self._world.now
        changes = self.distributions[distribution].changes
        changes.append((now, now + timedelta(seconds=seconds), config))
        self._world.tell("person", f"configures {distribution}: {config}")


def switch_folder(config: Config, random: Random) -> Config:
    """Switch origin paths: `/blue` becomes `/green`, and back."""
    del random
    other = {"/blue": "/green", "/green": "/blue"}
    origins = tuple((bucket, other.get(folder, folder)) for bucket, folder in config.origins)
    return replace(config, origins=origins)


def switch_behaviour(config: Config, random: Random) -> Config:
    """Let `/b/*` come from elsewhere, or from where all else comes from."""
    if config.special:
        return replace(config, special=None)
    bucket, _ = random.choice(config.origins)
    return replace(config, special=(bucket, random.choice(("/blue", "/green"))))


def switch_function(config: Config, _: Random) -> Config:
    """Let another version of a function make the responses."""
    return replace(config, function=config.function + 1)


def disable(config: Config, _: Random) -> Config:
    """Answer no viewer."""
    return replace(config, enabled=False)


def enable(config: Config, _: Random) -> Config:
    """Answer viewers again."""
    return replace(config, enabled=True)


SWITCHES = (switch_folder, switch_folder, switch_behaviour, switch_function, disable)


def _everywhere(later: Sequence[tuple[datetime, datetime, Config]]) -> datetime:
    """Return when the first of some later configurations is everywhere."""
    deployed = later[0][1]
    for since, until, _ in later[1:]:
        if since >= deployed:
            break
        deployed = until
    return deployed


def _listed(items: Sequence[Any]) -> dict[str, Any]:
    return {"Quantity": len(items), **({"Items": list(items)} if items else {})}
