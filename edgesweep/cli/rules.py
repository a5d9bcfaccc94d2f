"""The rules of `edgesweep plan`: under which viewer paths an object may be cached."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial, wraps
from typing import Any, BinaryIO

import click

from edgesweep.cli.keys import STANDARD_INPUT, name_of
from edgesweep.cli.terminal import say
from edgesweep.dirty import count
from edgesweep.errors import MALFORMED, BadInput
from edgesweep.routes import Behaviour, Distribution, Routes, Variants
from edgesweep.routes.config import CACHING_DISABLED, cache_policies_of, read
from edgesweep.routes.distribution import somewhere
from edgesweep.routes.variants import ALL_OTHERS, INDEX, parse

Config = Mapping[str, Any]
Where = Mapping[str, str | None]  # region and profile

# Viewer paths of changed objects, each with the keys that it may hold.
Holders = Mapping[str, Collection[str]]

# AWS's own cache policies, which a file may name where there are no credentials. A missing setting
# has the same meaning as in the policy.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
_MANAGED: dict[str, Config] = {
    "658327ea-f89d-4fab-a63d-7e88639e58f6": {},  # CachingOptimized
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": {},  # CachingOptimizedForUncompressedObjects
    CACHING_DISABLED: {"DefaultTTL": 0, "MaxTTL": 0},
}


def rules_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose rules, and call the command with them: one distribution."""

    @click.option(
        "--alias", is_flag=True, help="Add / for index.html, /docs/ and /docs for docs/index.html."
    )
    @click.option("--distribution", help="Use the rules of this distribution.", metavar="ID")
    @click.option(
        "--config", type=click.File("rb"), metavar="FILE",
        help="Use the rules of a configuration, as `aws cloudfront get-distribution` prints it.",
    )  # fmt: skip
    @click.option(
        "--viewer-paths", metavar="WORDS",
        help="Words for these rules, as in the parameter viewerPaths.",
    )  # fmt: skip
    @wraps(command)
    def with_rules(*, alias: bool, viewer_paths: str | None, **others: Any) -> None:  # noqa: ANN401  # click's
        distribution, config = others.pop("distribution"), others.pop("config")
        names = [name_of(file) for file in (config, others["changes"], others["live"]) if file]
        if names.count(STANDARD_INPUT) > 1:
            raise click.UsageError("Only one of CHANGES, --live and --config can be standard input")
        sources = [source for source in (distribution, config) if source is not None]
        if len(sources) + alias > 1:
            raise click.UsageError("Give one of --alias, --distribution and --config")
        if others["live"] and others["bucket"]:
            raise click.UsageError("Give --live or --bucket, not both")
        if viewer_paths and not sources:
            raise click.UsageError("--viewer-paths needs --distribution or --config")
        bucket, where = others["bucket"], {name: others[name] for name in ("region", "profile")}
        rules = _plain(bucket, alias=alias)
        for source in sources:
            rules = _configured(source, bucket, viewer_paths or "", where)
        command(rules=rules, **others)

    return with_rules


def _plain(bucket: str | None, *, alias: bool) -> Routes:
    """Return the rules of a bucket whose keys are viewer paths, or also aliases of them."""
    root, words = (INDEX, ("bare", "folders")) if alias else ("", ("none",))
    behaviours = (Behaviour(origins=somewhere([bucket] if bucket else ())),)
    variants = {ALL_OTHERS: Variants(words, spellings=False)}
    return Routes([Distribution("", behaviours, root=root)], variants)


def _configured(source: str | BinaryIO, bucket: str | None, words: str, where: Where) -> Routes:
    """Return the rules of a distribution, given by its id or by a file."""
    variants, asked = parse(words), partial(_asked, where)
    name = source if isinstance(source, str) else name_of(source)
    try:
        config = asked("distribution", source) if isinstance(source, str) else json.load(source)
        # `aws cloudfront` prints it in envelopes.
        config = config.get("Distribution", config)
        identity = str(config.get("Id", name))
        config = config.get("DistributionConfig", config)
        names = cache_policies_of(config)
        policies = _MANAGED | {one: asked("cache policy", one) for one in names - _MANAGED.keys()}
        known = read(identity, config, [bucket] if bucket else (), policies, named=True)
    except MALFORMED as error:
        raise BadInput(f"{name} is not the configuration of a distribution: {error!r}") from error
    # Words for other distributions may be given beside the words for this one.
    others = variants.keys() - {ALL_OTHERS, identity}
    if others and (others == variants.keys() or not all(map(str.isupper, others))):
        stray = ", ".join(sorted(others))
        raise BadInput(f"--viewer-paths: {stray} is neither a word nor {identity}")
    if not known.origins:
        wanted = f"the bucket {bucket}" if bucket else "a bucket"
        raise BadInput(f"No origin of {name} leads to {wanted}")
    return Routes([known], variants)


def requested(rules: Routes, keys: Iterable[str]) -> Sequence[str]:
    """Return the viewer paths at which viewers request existing objects."""
    mounts = rules.mounts(rules.ids[0])
    found = (mount.path(key) for key in keys for mount in mounts)
    return [path for path in found if path is not None]


def holders(rules: Routes, keys: Iterable[str]) -> Holders:
    """Return the paths of keys in every bucket that the rules lead to; say which keys have none."""
    (name,) = rules.ids
    buckets = {origin.bucket: None for origin in rules.origins(name)}
    found: dict[str, dict[str, None]] = {}
    uncached = dict.fromkeys(keys)
    for key in [*uncached]:
        for path in (path for one in buckets for path in rules.viewer_paths(name, one, key)):
            found.setdefault(path, {})[key] = None
            uncached.pop(key, None)
    if uncached:
        first, *_ = uncached
        say(f"No cache holds a copy of {count(len(uncached), 'key')}, such as {first!r}")
    return found


def _asked(where: Where, kind: str, name: str) -> Config:
    """Return what CloudFront knows under a name; BadInput if it knows nothing."""
    from botocore.exceptions import ClientError  # noqa: PLC0415  # takes long

    from edgesweep.cli.deployed import session  # noqa: PLC0415  # likewise

    client = session(**where).client("cloudfront")
    try:
        if kind == "distribution":
            return client.get_distribution_config(Id=name)["DistributionConfig"]
        return client.get_cache_policy(Id=name)["CachePolicy"]["CachePolicyConfig"]
    except ClientError as error:
        if not error.response["Error"]["Code"].startswith("NoSuch"):
            raise
        raise BadInput(f"There is no {kind} {name}") from error
