"""Checks of viewer paths: what functions do with them, and the keys that nobody serves."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from edgesweep.dirty import UNROUTED
from edgesweep.operate.doctor.facts import Facts, Finding, Harm
from edgesweep.record.recorder import Fate, fate
from edgesweep.routes import Routes, Variants
from edgesweep.routes.variants import ALL

_EXAMPLES = 3
_UNSERVED = (
    "No distribution serves {}; if viewers see them, say how with viewerPaths, else leave them out "
    "with exclude"
)
_GUESSED = (
    "Only a function can lead to {}, so all that it may answer is invalidated with them; words of "
    "viewerPaths say it exactly"
)
_MOSTLY = ("bare", "folders", "html")  # done by functions beside taking a folder away


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
    mend = _deploy(facts, {identity: (ALL,) for identity, _ in unsaid})
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
            words = _serving(facts, bucket, found) if found else {}
            if words or (found and found is missed):
                examples = ", ".join(found[:_EXAMPLES])
                shown = f"{len(found):,} keys of the bucket {bucket}, such as {examples}"
                mend = _deploy(facts, words or {routes.serving(bucket)[0]: (ALL,)})
                yield Finding("keys-unsaid", Harm.NOTE, text.format(shown), mend, manual=True)


def _serving(facts: Facts, bucket: str, keys: Sequence[str]) -> Mapping[str, Collection[str]]:
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
    return Routes(variants=facts.configured.variants).variants_of(identity).words


def _deploy(facts: Facts, words: Mapping[str, Collection[str]]) -> str:
    """Return a deployment that adds words for some distributions; the last of an id counts."""
    added = {name: dict.fromkeys((*_said(facts, name), *more)) for name, more in words.items()}
    entries = [f"{name}={'+'.join(every)}" for name, every in added.items()]
    said = facts.place.parameters.get("viewerPaths")
    return facts.place.deploy(viewerPaths=",".join([said, *entries] if said else entries))
