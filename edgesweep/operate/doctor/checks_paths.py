"""Checks of viewer paths: what functions do with them, and the keys that nobody serves."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from edgesweep.dirty import UNROUTED
from edgesweep.operate.doctor.facts import Facts, Finding, Harm
from edgesweep.record.recorder import fate
from edgesweep.record.selection import Fate
from edgesweep.routes import Routes, Variants
from edgesweep.routes.variants import ALL_PATHS

_EXAMPLES = 3
# What functions mostly do beside taking a folder away.
_MOSTLY = ("bare", "folders", "html")


def functions(facts: Facts) -> Iterator[Finding]:
    """Functions that see requests are understood, or the deployment says what they do."""
    unsaid = {
        (one.id, behaviour.pattern): function
        for one in facts.distributions
        if one.enabled and not _said(facts, one.id)
        for behaviour in one.behaviours
        for function in behaviour.functions
        if function.refusal or function.doubt
    }
    mend = _deploy(facts, {identity: (ALL_PATHS,) for identity, _ in unsaid})
    for (identity, pattern), function in unsaid.items():
        text = (
            f"A function of the distribution {identity} sees requests of {pattern}, and "
            f"{function.refusal or function.doubt}; say with viewerPaths which paths it makes"
        )
        harm = Harm.COSTS if ALL_PATHS in function.words else Harm.LOSES
        yield Finding("paths-unsaid", harm, text, mend)


def unserved(facts: Facts) -> Iterator[Finding]:
    """Each key that is not left out has a viewer path, and not only by a guess."""
    routes = Routes(facts.distributions, facts.configured.variants)
    given = {one.id: Variants((*_said(facts, one.id), "none")) for one in facts.distributions}
    exact = Routes(facts.distributions, given)
    selection = facts.configured.selection
    for bucket, keys in facts.keys.items():
        fates = {key: fate(selection, routes, bucket, key) for key in keys}
        if missed := [key for key in keys if fates[key][0] is Fate.UNSERVED]:
            text = (
                f"No distribution serves {_shown(missed)} of the bucket {bucket}; if viewers see "
                "them, say how with viewerPaths, else leave them out with exclude"
            )
            mend = _deploy(facts, _serving(facts, bucket, missed))
            yield Finding("keys-unserved", Harm.NOTE, text, mend, manual=True)
        served = [key for key in keys if {*fates[key][1]} - {UNROUTED}]
        if guessed := [key for key in served if not exact.distributions(bucket, key)]:
            text = (
                f"Only a function can lead to {_shown(guessed)} of the bucket {bucket}, so all "
                "that it may answer is invalidated with them; words of viewerPaths say it exactly"
            )
            mend = _deploy(facts, _serving(facts, bucket, guessed))
            yield Finding("keys-guessed", Harm.NOTE, text, mend, manual=True)


def _serving(facts: Facts, bucket: str, keys: Sequence[str]) -> Mapping[str, Collection[str]]:
    """Return the most precise words by which some distribution serves keys."""
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
    return dict.fromkeys(list(Routes(facts.distributions).serving(bucket))[:1], (ALL_PATHS,))


def _said(facts: Facts, identity: str) -> tuple[str, ...]:
    return Routes(variants=facts.configured.variants).variants_of(identity).words


def _deploy(facts: Facts, words: Mapping[str, Collection[str]]) -> str:
    """Return a deployment that adds words for some distributions."""
    said = {name: variants.words for name, variants in facts.configured.variants.items()}
    added = {name: dict.fromkeys((*_said(facts, name), *more)) for name, more in words.items()}
    entries = [
        f"{name}={'+'.join(every)}" if name else "+".join(every)
        for name, every in {**said, **added}.items()
        if every
    ]
    return facts.place.deploy(viewerPaths=",".join(entries))


def _shown(keys: Sequence[str]) -> str:
    return f"{len(keys):,} keys, such as {', '.join(keys[:_EXAMPLES])},"
