"""Checks of what is around the stack: buckets, distributions, and who else spends the free paths.

Nobody tells the stack when these change: Terraform and the CDK put a bucket's notifications in
place as a whole, so that what `attach` has added is gone without a word.
"""

import json
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_UP, Decimal

from edgesweep.flush.notifications import reaches
from edgesweep.operate.doctor.facts import Facts, Finding, Found
from edgesweep.operate.doctor.resources import BUCKET
from edgesweep.operate.doctor.template import Resource
from edgesweep.prices import FREE_PATHS, PATH_PRICE
from edgesweep.routes import Distribution
from edgesweep.routes.variants import ALL_OTHERS

# Paths that a distribution takes at least; `Budget` refuses less.
_FEWEST_PATHS = 2

# What `Facts.unseen` calls them.
DISTRIBUTIONS = "The distributions"

_SET_ENABLED = shlex.join(
    [
        "python3",
        "-c",
        "import json, sys; print(json.dumps({**json.load(sys.stdin), 'Enabled': True}))",
    ]
)


def unseen(facts: Facts) -> Iterator[Finding]:
    """Everything could be looked at."""
    for what, reason in facts.unseen.items():
        yield Finding(
            "permissions",
            f"{what} cannot be looked at: {reason}",
            facts.place.edgesweep("doctor", "--stack", facts.place.stack)
            + ("" if facts.place.profile else " --profile NAME"),
        )


def stuck(facts: Facts) -> Iterator[Finding]:
    """The last deployment did not fail half-way."""
    if facts.status == "UPDATE_ROLLBACK_FAILED":
        yield Finding(
            "stack",
            f"The last deployment of {facts.place.stack} could neither be done nor undone",
            facts.place.aws(
                *("cloudformation", "continue-update-rollback"),
                *("--stack-name", facts.place.stack),
            ),
        )


def regions(facts: Facts) -> Iterator[Finding]:
    """Each bucket is in the stack's region: S3 tells nobody elsewhere of its changes."""
    for bucket, region in facts.regions.items():
        if region != facts.place.region:
            yield Finding(
                "region",
                f"The bucket {bucket} is in {region}, and the stack in {facts.place.region}, "
                "so its changes are not seen",
                replace(facts.place, region=region).deploy(),
            )


def wiring(facts: Facts) -> Iterator[Finding]:
    """Each bucket's changes go somewhere."""
    own = {wanted.id: wanted for wanted, _ in facts.there(BUCKET)}
    for bucket, notifications in facts.notifications.items():
        queue = _notified(own.get(bucket))
        if reaches(notifications, queue):
            continue
        if bucket in own:
            text = f"The bucket {bucket} does not tell the queue what changes in it"
            mend = _notify(facts, own[bucket], notifications)
        else:
            text = f"EventBridge delivery of the bucket {bucket} is off, so its changes are lost"
            mend = facts.place.edgesweep("attach", bucket)
        yield Finding("wiring", text, mend)


def routes(facts: Facts) -> Iterator[Finding]:
    """Each distribution that was named is there, serves and leads to a bucket that is swept."""
    if DISTRIBUTIONS in facts.unseen:
        return
    known = {one.id: one for one in facts.distributions}
    leading = [one.id for one in facts.distributions if _leads(one, facts)]
    for identity in facts.told.distributions:
        one = known.get(identity)
        kept = (*facts.told.distributions, *leading)
        better = ",".join(dict.fromkeys(other for other in kept if other != identity))
        if one is None or not _buckets(one, facts):
            wrong = "does not exist" if one is None else "leads to no bucket that is swept"
            mend = _renamed(facts, better)
        elif not one.enabled:
            wrong = "is disabled, so it serves nobody"
            mend = _renamed(facts, better) if better else _enable(facts, identity)
        else:
            continue
        yield Finding("routes", f"The distribution {identity} {wrong}", mend)


def uncovered(facts: Facts) -> Iterator[Finding]:
    """Each bucket has a distribution, and each distribution that leads to it is swept."""
    if DISTRIBUTIONS in facts.unseen:
        return
    leading = [one for one in facts.distributions if _leads(one, facts)]
    served = {bucket for one in leading for bucket in _buckets(one, facts)}
    for bucket in facts.told.buckets:
        if bucket not in served:
            origin = f"{bucket}.s3.{facts.place.region}.amazonaws.com"
            yield Finding(
                "routes",
                f"No enabled distribution leads to the bucket {bucket}; its changes wait for one",
                facts.place.aws(
                    "cloudfront", "create-distribution", "--origin-domain-name", origin
                ),
            )
    for one in leading:
        if facts.told.distributions and one.id not in facts.told.distributions:
            yield Finding(
                "routes",
                f"The distribution {one.id} leads to a swept bucket and is not swept, so it serves "
                "what is stale",
                facts.place.deploy(distribution=",".join((*facts.told.distributions, one.id))),
            )


def aliases(facts: Facts) -> Iterator[Finding]:
    """Where functions see requests, somebody has said under which paths objects are cached."""
    told = facts.told.variants
    for one in facts.distributions:
        patterns = [each.pattern for each in one.behaviours if each.rewritten and each.origins]
        if patterns and one.id not in told and ALL_OTHERS not in told and one.enabled:
            every = f"{one.id}=folders+bare+queries+errors"
            said = facts.place.parameters.get("viewerPaths")
            yield Finding(
                "aliases",
                f"A function of the distribution {one.id} sees requests of "
                f"{', '.join(patterns)}, and paths such as /docs are not invalidated beside "
                "/docs/index.html; say which are cached",
                facts.place.deploy(viewerPaths=f"{said},{every}" if said else every),
            )


def free_paths(facts: Facts) -> Iterator[Finding]:
    """Other tools leave the stack the free paths that it counts on."""
    used = sum(facts.foreign.values())
    if not used or used + facts.told.free_paths <= FREE_PATHS:
        return
    left = max(0, FREE_PATHS - used)
    fewest = _FEWEST_PATHS * max(1, len(facts.distributions))
    missing = PATH_PRICE * max(0, fewest - left)
    budget = facts.place.parameters.get("budgetUsd", "0")
    changed = {"freePaths": str(left)}
    if missing and budget != "none" and Decimal(budget) < missing:
        changed["budgetUsd"] = str(missing.quantize(Decimal("0.01"), ROUND_UP))
    yield Finding(
        "budget",
        f"Other tools invalidated {used:,} paths this month, and the stack takes "
        f"{facts.told.free_paths:,} of the account's {FREE_PATHS:,} free ones for its own",
        facts.place.deploy(**changed),
    )


def _buckets(one: Distribution, facts: Facts) -> Collection[str]:
    """Return the swept buckets that a distribution leads to."""
    return {origin.bucket for origin in one.origins} & set(facts.told.buckets)


def _leads(one: Distribution, facts: Facts) -> bool:
    return one.enabled and bool(_buckets(one, facts))


def _renamed(facts: Facts, distributions: str) -> str:
    """Return what names other distributions; the demo site's own one can only be put back."""
    if "bucket" not in facts.place.parameters:
        return facts.place.revert()
    return facts.place.deploy(distribution=distributions)


def _enable(facts: Facts, identity: str) -> str:
    """Return what enables a distribution: its whole configuration, put in place of itself."""
    get = ("cloudfront", "get-distribution-config", "--id", identity)
    tag = facts.place.aws(*get, "--query", "ETag", "--output", "text")
    config = facts.place.aws(*get, "--query", "DistributionConfig", "--output", "json")
    update = facts.place.aws("cloudfront", "update-distribution", "--id", identity)
    return f'{update} --if-match "$({tag})" --distribution-config "$({config} | {_SET_ENABLED})"'


def _notified(bucket: Resource | None) -> str | None:
    """Return the queue that a bucket of the stack is to notify, None of another bucket."""
    if bucket is None:
        return None
    configured: Sequence[Mapping[str, str]] = bucket.properties["NotificationConfiguration"][
        "QueueConfigurations"
    ]
    return configured[0]["Queue"]


def _notify(facts: Facts, bucket: Resource, present: Found) -> str:
    wanted = bucket.properties["NotificationConfiguration"]["QueueConfigurations"]
    ours = [{"QueueArn": one["Queue"], "Events": [one["Event"]]} for one in wanted]
    kept = [
        one
        for one in present.get("QueueConfigurations", [])
        if one["QueueArn"] not in {mine["QueueArn"] for mine in ours}
    ]
    merged = {**present, "QueueConfigurations": [*kept, *ours]}
    return facts.place.aws(
        *("s3api", "put-bucket-notification-configuration", "--bucket", bucket.id),
        *("--notification-configuration", json.dumps(merged)),
    )
