"""Checks of the surroundings of a stack: buckets, distributions, other users of the free paths.

These change without notice. Terraform and the CDK replace the notifications of a bucket as a whole,
including the entry that `attach` has added.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from decimal import ROUND_UP, Decimal

from edgesweep.flush.notifications import reaches
from edgesweep.operate.doctor.facts import REVERT, Facts, Finding, Harm
from edgesweep.operate.doctor.kinds import BUCKET
from edgesweep.prices import FREE_PATHS, PATH_PRICE
from edgesweep.routes import Distribution
from edgesweep.routes.variants import ALL_OTHERS

# The fewest paths that a distribution takes; `Budget` refuses less.
_FEWEST_PATHS = 2

# Other tools may take this share of the free paths before the stack should count on fewer.
_TAKEN_SHARE = 10

# Their names in `Facts.unseen`.
DISTRIBUTIONS = "The distributions"

_DENIED = re.compile("AccessDenied|Forbidden|Unauthorized|not authorized|permission", re.IGNORECASE)

# An update replaces the whole configuration.
_ENABLE = (
    'aws cloudfront update-distribution --id {id} --if-match "$(aws cloudfront '
    'get-distribution-config --id {id} --query ETag --output text {at})" --distribution-config '
    '"$(aws cloudfront get-distribution-config --id {id} --query DistributionConfig --output json '
    '{at} | python3 -c {enabled})" {at}'
)
_ENABLED = "import json, sys; print(json.dumps({**json.load(sys.stdin), 'Enabled': True}))"


def unseen(facts: Facts) -> Iterator[Finding]:
    """Everything could be read."""
    again = facts.place.command("edgesweep doctor --stack {stack} {at}")
    for what, reason in facts.unseen.items():
        if "NoSuchBucket" in reason and "bucket" in facts.place.parameters:
            yield _missing(facts, what.rpartition(" ")[2])
            continue
        denied = _DENIED.search(reason) and not facts.place.profile
        mend = f"{again} --profile NAME" if denied else again
        text = f"{what} cannot be looked at: {reason}"
        yield Finding("unreadable", Harm.DELAYS, text, mend, manual=True)


def stuck(facts: Facts) -> Iterator[Finding]:
    """The last deployment did not fail half-way."""
    if facts.status == "UPDATE_ROLLBACK_FAILED":
        line = "aws cloudformation continue-update-rollback --stack-name {stack} {at}"
        text = f"The last deployment of {facts.place.stack} could neither be done nor undone"
        yield Finding("stack-stuck", Harm.DELAYS, text, facts.place.command(line))


def regions(facts: Facts) -> Iterator[Finding]:
    """Each bucket is in the stack's region, since S3 publishes its events nowhere else."""
    for bucket, region in facts.regions.items():
        if region != facts.place.region:
            there = replace(facts.place, region=region)
            attach = there.command("edgesweep attach {bucket} {at}", bucket=bucket)
            steps = [there.deploy(bucket=bucket), attach]
            if len(facts.configured.buckets) > 1:
                steps.append(facts.place.deploy(drop=bucket))
            yield Finding(
                "bucket-elsewhere",
                Harm.LOSES,
                f"The bucket {bucket} is in {region}, and the stack in {facts.place.region}, "
                "so its changes are not seen; it needs a stack there",
                " && ".join(steps),
            )


def wiring(facts: Facts) -> Iterator[Finding]:
    """Each bucket that the stack did not create publishes its events to EventBridge."""
    own = {bucket.id for bucket, _ in facts.there(BUCKET)}
    for bucket, notifications in facts.notifications.items():
        if bucket not in own and not reaches(notifications, None):
            text = f"EventBridge delivery of the bucket {bucket} is off, so its changes are lost"
            mend = facts.place.command("edgesweep attach {bucket} {at}", bucket=bucket)
            yield Finding("bucket-unattached", Harm.LOSES, text, mend)


def routes(facts: Facts) -> Iterator[Finding]:
    """Each configured distribution exists, is enabled and leads to a swept bucket."""
    if DISTRIBUTIONS in facts.unseen:
        return
    known = {one.id: one for one in facts.distributions if _buckets(one, facts)}
    named = facts.configured.distributions
    kept = (*filter(known.__contains__, named), *(one.id for one in _leading(facts)))
    # The demo site's own distribution can only be restored.
    mend = facts.place.command(REVERT)
    if "bucket" in facts.place.parameters:
        mend = facts.place.deploy(distribution=",".join(dict.fromkeys(kept)) or "default")
    for identity in named:
        if identity not in known:
            there = any(one.id == identity for one in facts.distributions)
            wrong = "leads to no swept bucket" if there else "does not exist"
            text = f"The distribution {identity} {wrong}"
            yield Finding("distribution-astray", Harm.DELAYS, text, mend)
        elif not known[identity].enabled:
            text = f"The distribution {identity} is disabled, so it serves nobody"
            enable = _enable(facts, identity)
            yield Finding("distribution-disabled", Harm.DELAYS, text, enable)


def uncovered(facts: Facts) -> Iterator[Finding]:
    """Each bucket has a distribution, and each distribution that leads to it is swept."""
    if DISTRIBUTIONS in facts.unseen:
        return
    leading, named = _leading(facts), facts.configured.distributions
    served = {bucket for one in leading for bucket in _buckets(one, facts)}
    for bucket in facts.configured.buckets:
        if bucket not in served:
            yield _unserved(facts, bucket)
    for one in leading:
        if named and one.id not in named:
            yield Finding(
                "distribution-unswept",
                Harm.LOSES,
                f"The distribution {one.id} leads to a swept bucket and is not swept, so it serves "
                "stale objects",
                facts.place.deploy(distribution=",".join((*named, one.id))),
            )


def aliases(facts: Facts) -> Iterator[Finding]:
    """Where functions see requests, the deployment says under which paths objects are cached."""
    configured = facts.configured.variants
    for one in facts.distributions:
        patterns = [each.pattern for each in one.behaviours if each.rewritten and each.origins]
        if patterns and one.enabled and not {one.id, ALL_OTHERS} & configured.keys():
            every = f"{one.id}=folders+bare+queries+errors"
            said = facts.place.parameters.get("viewerPaths")
            yield Finding(
                "paths-unsaid",
                Harm.LOSES,
                f"A function of the distribution {one.id} sees requests of "
                f"{', '.join(patterns)}, and paths such as /docs are not invalidated beside "
                "/docs/index.html; say which are cached",
                facts.place.deploy(viewerPaths=f"{said},{every}" if said else every),
            )


def free_paths(facts: Facts) -> Iterator[Finding]:
    """Other tools leave the stack the free paths that it counts on."""
    used, counted_on = sum(facts.foreign.values()), facts.configured.policy.budget.free_paths
    if not used or used + counted_on <= FREE_PATHS:
        return
    text = (
        f"Other tools invalidated {used:,} paths this month, and the stack counts on "
        f"{counted_on:,} of the account's {FREE_PATHS:,} free ones"
    )
    over = PATH_PRICE * (used + counted_on - FREE_PATHS)
    if used * _TAKEN_SHARE <= FREE_PATHS:
        yield Finding("free-paths-shared", Harm.NOTE, f"{text}; this may cost ${over:.2f}")
        return
    left = max(0, FREE_PATHS - used)
    missing = PATH_PRICE * max(0, _FEWEST_PATHS * max(1, len(facts.distributions)) - left)
    budget = facts.place.parameters.get("budgetUsd", "0")
    changed = {"freePaths": str(left)}
    if missing and budget != "none" and Decimal(budget) < missing:
        changed["budgetUsd"] = str(missing.quantize(Decimal("0.01"), ROUND_UP))
    yield Finding("free-paths-taken", Harm.COSTS, text, facts.place.deploy(**changed))


def _buckets(one: Distribution, facts: Facts) -> Collection[str]:
    """Return the swept buckets that a distribution leads to."""
    return {origin.bucket for origin in one.origins} & set(facts.configured.buckets)


def _leading(facts: Facts) -> Collection[Distribution]:
    return [one for one in facts.distributions if one.enabled and _buckets(one, facts)]


def _missing(facts: Facts, bucket: str) -> Finding:
    """Return that a bucket is gone; without others to sweep, another one has to be named."""
    others = {} if len(facts.configured.buckets) > 1 else {"bucket": "NAME"}
    mend = facts.place.deploy(**others, drop=bucket)
    text = f"The bucket {bucket} does not exist"
    return Finding("bucket-missing", Harm.NOTE, text, mend, manual=bool(others))


def _enable(facts: Facts, identity: str) -> str:
    return facts.place.command(_ENABLE, id=identity, enabled=_ENABLED)


def _unserved(facts: Facts, bucket: str) -> Finding:
    """Return that no distribution serves a bucket: one is disabled, or there is none."""
    text = f"No enabled distribution leads to the bucket {bucket}; its changes wait for one"
    for one in facts.distributions:
        if bucket in _buckets(one, facts):
            return Finding("bucket-unserved", Harm.DELAYS, text, _enable(facts, one.id))
    line = "aws cloudfront create-distribution --origin-domain-name {origin} {at}"
    origin = f"{bucket}.s3.{facts.place.region}.amazonaws.com"
    mend = facts.place.command(line, origin=origin)
    return Finding("bucket-without-distribution", Harm.DELAYS, text, mend, manual=True)
