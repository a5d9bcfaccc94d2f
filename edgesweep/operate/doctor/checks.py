"""Checks of the surroundings of a stack: buckets, distributions, viewer paths, other spenders."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from edgesweep.dirty import UNROUTED
from edgesweep.flush.gaps import reaches
from edgesweep.operate.doctor.facts import DOCTOR, REVERT, Facts, Finding, Harm
from edgesweep.operate.doctor.kinds import BUCKET
from edgesweep.prices import FREE_PATHS
from edgesweep.record.recorder import Fate, fate
from edgesweep.routes import Distribution, Routes, Variants
from edgesweep.routes.variants import ALL, variants_of

# In `Facts.unseen`: a name, and a code in a reason.
DISTRIBUTIONS = "The distributions"
_NO_BUCKET = "NoSuchBucket"
_DENIED = re.compile("AccessDenied|Forbidden|Unauthorized|not authorized|permission", re.IGNORECASE)

_ATTACH = "edgesweep attach {bucket} {at}"
# An update replaces the whole configuration.
_ENABLE = (
    'aws cloudfront update-distribution --id {id} --if-match "$(aws cloudfront '
    'get-distribution-config --id {id} --query ETag --output text {at})" --distribution-config '
    '"$(aws cloudfront get-distribution-config --id {id} --query DistributionConfig --output json '
    '{at} | python3 -c {enabled})" {at}'
)
_ENABLED = "import json, sys; print(json.dumps({**json.load(sys.stdin), 'Enabled': True}))"

_EXAMPLES = 3
_UNSERVED = (
    "No distribution serves {}; if viewers see them, say how with viewerPaths, else leave them out "
    "with exclude"
)
_GUESSED = (
    "Only a function can lead to {}, so all that it may answer is invalidated with them; say what "
    "exactly it does with words of viewerPaths"
)
_MOSTLY = ("bare", "folders", "html")  # done by functions beside taking a folder away


def unseen(facts: Facts) -> Iterator[Finding]:
    """Everything could be read."""
    for what, reason in facts.unseen.items():
        if _NO_BUCKET not in reason:
            denied = _DENIED.search(reason) and not facts.place.profile
            mend = facts.place.command(DOCTOR) + (" --profile NAME" if denied else "")
            text = f"{what} cannot be read: {reason}"
            yield Finding("unreadable", Harm.DELAYS, text, mend, manual=True)


def stuck(facts: Facts) -> Iterator[Finding]:
    """The last deployment did not fail half-way."""
    if facts.status == "UPDATE_ROLLBACK_FAILED":
        line = "aws cloudformation continue-update-rollback --stack-name {stack} {at}"
        text = f"The last deployment of {facts.place.stack} could neither be done nor undone"
        yield Finding("stack-stuck", Harm.DELAYS, text, facts.place.command(line))


def gone(facts: Facts) -> Iterator[Finding]:
    """Each bucket exists; the demo site's own bucket is a resource of the stack."""
    unread = facts.unseen.items() if "bucket" in facts.place.parameters else ()
    names = [what.rpartition(" ")[2] for what, reason in unread if _NO_BUCKET in reason]
    none_left = {*names} >= {*facts.configured.buckets}
    mend = facts.place.deploy(**({"bucket": "NAME"} if none_left else {}), drop=",".join(names))
    for bucket in names:
        text = f"The bucket {bucket} does not exist"
        yield Finding("bucket-missing", Harm.NOTE, text, mend, manual=none_left)


def regions(facts: Facts) -> Iterator[Finding]:
    """Each bucket is in the stack's region, since S3 publishes its events nowhere else."""
    for bucket, region in facts.regions.items():
        if region != facts.place.region:
            where = f"The bucket {bucket} is in {region}, and the stack in {facts.place.region}"
            text = f"{where}, so its changes are not seen; it needs a stack there"
            yield Finding("bucket-elsewhere", Harm.LOSES, text, _moved(facts, region))


def wiring(facts: Facts) -> Iterator[Finding]:
    """Each bucket that the stack did not create publishes its events to EventBridge."""
    own = {bucket.id for bucket, _ in facts.there(BUCKET)}
    for bucket, notifications in facts.notifications.items():
        if bucket not in own and not reaches(notifications, None):
            text = f"EventBridge delivery of the bucket {bucket} is off, so its changes are lost"
            mend = facts.place.command(_ATTACH, bucket=bucket)
            yield Finding("bucket-unattached", Harm.LOSES, text, mend)


def routes(facts: Facts) -> Iterator[Finding]:
    """Each configured distribution exists, is enabled and leads to a swept bucket."""
    if DISTRIBUTIONS in facts.unseen:
        return
    known = {one.id: one for one in facts.distributions}
    for identity in facts.configured.distributions:
        one, its = known.get(identity), f"The distribution {identity}"
        if one is None or not _buckets(one, facts):
            text = f"{its} {'leads to no swept bucket' if one else 'does not exist'}"
            yield Finding("distribution-astray", Harm.DELAYS, text, _renamed(facts))
        elif one.for_tenants:
            text = f"{its} accepts invalidations by tenant only; leave it out"
            yield Finding("distribution-for-tenants", Harm.LOSES, text, _renamed(facts))
        elif not one.enabled:
            text = f"{its} is disabled, so it serves nobody"
            yield Finding("distribution-disabled", Harm.DELAYS, text, _enable(facts, identity))


def uncovered(facts: Facts) -> Iterator[Finding]:
    """Each bucket has a distribution, and each distribution that leads to it is swept."""
    if DISTRIBUTIONS in facts.unseen:
        return
    serving, named = _serving(facts), facts.configured.distributions
    served = {bucket for one in serving for bucket in _buckets(one, facts)}
    yield from (_unreached(facts, one) for one in facts.configured.buckets if one not in served)
    for one in serving:
        if named and one.id not in named:
            text = f"The distribution {one.id} leads to a swept bucket, and serves stale objects"
            yield Finding("distribution-unswept", Harm.LOSES, text, _renamed(facts))


def functions(facts: Facts) -> Iterator[Finding]:
    """Functions that see requests are understood, or the deployment says what they do."""
    unsaid = {
        (one.id, behaviour.pattern): function
        for one in facts.distributions
        if one.enabled and not _said(facts, one.id)
        for behaviour in one.behaviours
        for function in behaviour.functions
        if function.unclear
    }
    mend = _saying(facts, {identity: (ALL,) for identity, _ in unsaid})
    for (identity, pattern), function in unsaid.items():
        seen = f"A function of the distribution {identity} sees requests of {pattern}"
        text = f"{seen}, and {function.unclear}; say with viewerPaths which paths it makes"
        harm = Harm.COSTS if ALL in function.words else Harm.LOSES
        yield Finding("paths-unsaid", harm, text, mend)


def unserved(facts: Facts) -> Iterator[Finding]:
    """Each key that is not left out has a viewer path, and not only by a guess."""
    routes = Routes(facts.distributions, facts.configured.variants)
    given = {one.id: Variants((*_said(facts, one.id), "none")) for one in facts.distributions}
    exact = Routes(facts.distributions, given)
    for bucket, keys in facts.keys.items():
        fates = {key: fate(facts.configured.selection, routes, bucket, key) for key in keys}
        missed = [key for key, (what, _) in fates.items() if what is Fate.UNSERVED]
        served = [key for key, (_, by) in fates.items() if {*by} - {UNROUTED}]
        guessed = [key for key in served if not exact.distributions(bucket, key)]
        for text, found in ((_UNSERVED, missed), (_GUESSED, guessed)):
            words = _serving_words(facts, bucket, found) if found else {}
            if words or (found and found is missed):
                examples = ", ".join(found[:_EXAMPLES])
                shown = f"{len(found):,} keys of the bucket {bucket}, such as {examples}"
                mend = _saying(facts, words or {routes.serving(bucket)[0]: (ALL,)})
                yield Finding("keys-unsaid", Harm.NOTE, text.format(shown), mend, manual=True)


def stacks(facts: Facts) -> Iterator[Finding]:
    """No other stack spends from the account's free paths."""
    theirs = {name: tally[0] for name, tally in facts.others.spent.items() if tally[0]}
    if theirs:
        spent = f"they spent {sum(theirs.values()):,} this month, on {', '.join(sorted(theirs))}"
        text = f"Other Edgesweep stacks share the account's free paths: {spent}"
        yield Finding("stacks-share", Harm.NOTE, text)


def uncounted(facts: Facts) -> Iterator[Finding]:
    """The invalidations of every distribution can be read."""
    for name, reason in facts.looks.refusals.items():
        what = f"Invalidations of {name or 'other distributions'}"
        text = f"{what} cannot be counted, so freePaths has to leave them out: {reason}"
        yield Finding("others-unread", Harm.COSTS, text, facts.place.deploy(), manual=True)


def free_paths(facts: Facts) -> Iterator[Finding]:
    """The free paths are the whole account's: the stack subtracts what others spend."""
    said = facts.configured.policy.budget.free_paths
    if facts.others.paths and 0 < said < FREE_PATHS:
        spent = f"the stack subtracts the {facts.others.paths:,} that others spent this month"
        text = f"freePaths is {said:,}, and {spent}; set it to what the whole account has free"
        mend = facts.place.deploy(freePaths="default")
        yield Finding("free-paths-twice", Harm.DELAYS, text, mend)


def _buckets(one: Distribution, facts: Facts) -> Collection[str]:
    return {origin.bucket for origin in one.origins} & set(facts.configured.buckets)


def _serving(facts: Facts) -> Collection[Distribution]:
    return [one for one in facts.distributions if one.enabled and _buckets(one, facts)]


def _renamed(facts: Facts) -> str:
    """Return the deployment for all distributions that lead to a swept bucket."""
    if "bucket" not in facts.place.parameters:  # the demo's can only be restored
        return facts.place.command(REVERT)
    there = [one for one in facts.distributions if not one.for_tenants]
    leading = [one.id for one in there if _buckets(one, facts)]
    named = [identity for identity in facts.configured.distributions if identity in leading]
    ids = dict.fromkeys((*named, *(one.id for one in _serving(facts))))
    return facts.place.deploy(distribution=",".join(ids) or "default")


def _moved(facts: Facts, region: str) -> str:
    """Return how a stack in another region takes over the buckets there."""
    there = replace(facts.place, region=region)
    buckets = [bucket for bucket, where in facts.regions.items() if where == region]
    mends = [there.deploy(bucket=",".join(buckets))]
    mends += [there.command(_ATTACH, bucket=one) for one in buckets]
    if {*facts.configured.buckets} - {*buckets}:
        mends.append(facts.place.deploy(drop=",".join(buckets)))
    return " && ".join(mends)


def _enable(facts: Facts, identity: str) -> str:
    return facts.place.command(_ENABLE, id=identity, enabled=_ENABLED)


def _unreached(facts: Facts, bucket: str) -> Finding:
    """Return the finding that no distribution serves a bucket: it is disabled, or missing."""
    text = f"No enabled distribution leads to the bucket {bucket}; its changes wait for one"
    for one in facts.distributions:
        if bucket in _buckets(one, facts):
            return Finding("bucket-unserved", Harm.DELAYS, text, _enable(facts, one.id))
    line = "aws cloudfront create-distribution --origin-domain-name {origin} {at}"
    mend = facts.place.command(line, origin=f"{bucket}.s3.{facts.place.region}.amazonaws.com")
    return Finding("bucket-without-distribution", Harm.DELAYS, text, mend, manual=True)


def _serving_words(facts: Facts, bucket: str, keys: Sequence[str]) -> Mapping[str, Collection[str]]:
    """Return words by which some distribution serves keys and little else."""
    leading = [
        (one, behaviour)
        for one in facts.distributions
        for behaviour in one.behaviours
        if any(origin.path(bucket, key) for origin in behaviour.origins for key in keys)
    ]
    for one, behaviour in leading:
        for words in (behaviour.learnt, (*_MOSTLY, f"strip={behaviour.folder[:-1]}")):
            given = Variants(words).given and words[-1] != "strip="
            routes = Routes([one], {one.id: Variants(words)})
            if given and all(routes.distributions(bucket, key) for key in keys):
                return {one.id: words}
    return {}


def _said(facts: Facts, identity: str) -> tuple[str, ...]:
    return variants_of(facts.configured.variants, identity).words


def _saying(facts: Facts, words: Mapping[str, Collection[str]]) -> str:
    """Return a deployment that adds words for some distributions; the last of an id counts."""
    added = {name: dict.fromkeys((*_said(facts, name), *more)) for name, more in words.items()}
    entries = [f"{name}={'+'.join(every)}" for name, every in added.items()]
    said = facts.place.parameters.get("viewerPaths")
    return facts.place.deploy(viewerPaths=",".join([said, *entries] if said else entries))
