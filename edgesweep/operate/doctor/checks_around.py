"""Checks of the surroundings of a stack: buckets, distributions, other users of the free paths.

These change without notice. Terraform and the CDK replace the notifications of a bucket as a whole,
including the entry that `attach` has added.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from decimal import ROUND_UP, Decimal
from shlex import quote

from edgesweep.flush.notifications import reaches
from edgesweep.operate.doctor.facts import Facts, Finding
from edgesweep.operate.doctor.kinds import BUCKET
from edgesweep.prices import FREE_PATHS, PATH_PRICE
from edgesweep.routes import Distribution
from edgesweep.routes.variants import ALL_OTHERS

# The fewest paths that a distribution takes; `Budget` refuses less.
_FEWEST_PATHS = 2

# Their names in `Facts.unseen`.
DISTRIBUTIONS = "The distributions"

_ENABLED = "import json, sys; print(json.dumps({**json.load(sys.stdin), 'Enabled': True}))"


def unseen(facts: Facts) -> Iterator[Finding]:
    """Everything could be read."""
    again = facts.place.edgesweep("doctor", "--stack", facts.place.stack)
    mend = again if facts.place.profile else f"{again} --profile NAME"
    for what, reason in facts.unseen.items():
        yield Finding("permissions", f"{what} cannot be looked at: {reason}", mend)


def stuck(facts: Facts) -> Iterator[Finding]:
    """The last deployment did not fail half-way."""
    if facts.status == "UPDATE_ROLLBACK_FAILED":
        stack = facts.place.stack
        mend = facts.place.aws("cloudformation", "continue-update-rollback", "--stack-name", stack)
        text = f"The last deployment of {stack} could neither be done nor undone"
        yield Finding("stack", text, mend)


def regions(facts: Facts) -> Iterator[Finding]:
    """Each bucket is in the stack's region, since S3 publishes its events nowhere else."""
    for bucket, region in facts.regions.items():
        if region != facts.place.region:
            yield Finding(
                "region",
                f"The bucket {bucket} is in {region}, and the stack in {facts.place.region}, "
                "so its changes are not seen",
                replace(facts.place, region=region).deploy(),
            )


def wiring(facts: Facts) -> Iterator[Finding]:
    """Each bucket that the stack did not create publishes its events to EventBridge."""
    own = {bucket.id for bucket, _ in facts.there(BUCKET)}
    for bucket, notifications in facts.notifications.items():
        if bucket not in own and not reaches(notifications, None):
            text = f"EventBridge delivery of the bucket {bucket} is off, so its changes are lost"
            yield Finding("wiring", text, facts.place.edgesweep("attach", bucket))


def routes(facts: Facts) -> Iterator[Finding]:
    """Each configured distribution exists, is enabled and leads to a swept bucket."""
    if DISTRIBUTIONS in facts.unseen:
        return
    known = {one.id: one for one in facts.distributions}
    kept = (*facts.configured.distributions, *(one.id for one in _leading(facts)))
    for identity in facts.configured.distributions:
        one = known.get(identity)
        better = ",".join(dict.fromkeys(other for other in kept if other != identity))
        mend = _renamed(facts, better)
        if one is None or not _buckets(one, facts):
            wrong = "does not exist" if one is None else "leads to no swept bucket"
        elif not one.enabled:
            wrong = "is disabled, so it serves nobody"
            mend = mend if better else _enable(facts, identity)
        else:
            continue
        yield Finding("routes", f"The distribution {identity} {wrong}", mend)


def uncovered(facts: Facts) -> Iterator[Finding]:
    """Each bucket has a distribution, and each distribution that leads to it is swept."""
    if DISTRIBUTIONS in facts.unseen:
        return
    leading, named = _leading(facts), facts.configured.distributions
    served = {bucket for one in leading for bucket in _buckets(one, facts)}
    for bucket in facts.configured.buckets:
        if bucket not in served:
            origin = f"{bucket}.s3.{facts.place.region}.amazonaws.com"
            create = ("cloudfront", "create-distribution", "--origin-domain-name", origin)
            text = f"No enabled distribution leads to the bucket {bucket}; its changes wait for one"
            yield Finding("routes", text, facts.place.aws(*create))
    for one in leading:
        if named and one.id not in named:
            yield Finding(
                "routes",
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
                "aliases",
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
    left = max(0, FREE_PATHS - used)
    missing = PATH_PRICE * max(0, _FEWEST_PATHS * max(1, len(facts.distributions)) - left)
    budget = facts.place.parameters.get("budgetUsd", "0")
    changed = {"freePaths": str(left)}
    if missing and budget != "none" and Decimal(budget) < missing:
        changed["budgetUsd"] = str(missing.quantize(Decimal("0.01"), ROUND_UP))
    yield Finding(
        "budget",
        f"Other tools invalidated {used:,} paths this month, and the stack counts on "
        f"{counted_on:,} of the account's {FREE_PATHS:,} free ones",
        facts.place.deploy(**changed),
    )


def _buckets(one: Distribution, facts: Facts) -> Collection[str]:
    """Return the swept buckets that a distribution leads to."""
    return {origin.bucket for origin in one.origins} & set(facts.configured.buckets)


def _leading(facts: Facts) -> Collection[Distribution]:
    return [one for one in facts.distributions if one.enabled and _buckets(one, facts)]


def _renamed(facts: Facts, distributions: str) -> str:
    """Return a deployment for other distributions; the demo site's own one can only be restored."""
    if "bucket" not in facts.place.parameters:
        return facts.place.revert()
    return facts.place.deploy(distribution=distributions)


def _enable(facts: Facts, identity: str) -> str:
    """Return the command that enables a distribution, which replaces its whole configuration."""
    get = ("cloudfront", "get-distribution-config", "--id", identity)
    tag = facts.place.aws(*get, "--query", "ETag", "--output", "text")
    config = facts.place.aws(*get, "--query", "DistributionConfig", "--output", "json")
    enabled = f"{config} | python3 -c {quote(_ENABLED)}"
    update = facts.place.aws("cloudfront", "update-distribution", "--id", identity)
    return f'{update} --if-match "$({tag})" --distribution-config "$({enabled})"'
