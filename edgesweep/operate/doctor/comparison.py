"""Findings about the resources of a stack: each must be as the template says."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress

from edgesweep.operate.doctor.facts import Facts, Finding, Found, Harm
from edgesweep.operate.doctor.kinds import FUNCTION, KINDS, MAPPING, Kind, owner
from edgesweep.operate.doctor.template import QUEUE, Resource, Value, actions


def compared(facts: Facts) -> Iterator[Finding]:
    """Every resource exists and matches the template."""
    for one, found in facts.resources:
        kind = KINDS[one.kind]
        if found:
            yield from _changed(facts, one, kind, found)
        else:
            text = f"The {kind.noun} {one.id} is gone, so {kind.gone}"
            mend = facts.place.command(kind.restore or kind.mend, **placeholders(one))
            yield Finding(f"{kind.check}-gone", kind.harm, text, mend)


def _changed(facts: Facts, one: Resource, kind: Kind, found: Found) -> Iterator[Finding]:
    for name, wanted in kind.wanted(one).items():
        value = _plain(found.get(name))
        if _fits(wanted, value):
            continue
        lost = ", ".join(sorted({action for action, _ in _lost(wanted, value)}))
        text = f"does not allow {lost}, so {kind.gone}" if lost else kind.says.format(name=name)
        if name == "State":
            text = f"is disabled, so {kind.gone}"
        filled = placeholders(one, name, kind.merged(wanted, value))
        mend = facts.place.command(kind.mends.get(name, kind.mend), **filled)
        harm, text = kind.changed or kind.harm, f"The {kind.noun} {one.id} {text}"
        yield Finding(f"{kind.check}-changed", harm, text, mend)


def placeholders(one: Resource, name: str = "", value: Value = None) -> Mapping[str, str]:
    """Return the placeholders of a command: these, and the properties of a resource by name."""
    kind = KINDS[one.kind]
    filled = {
        **one.properties,
        "id": one.id,
        "owner": owner(one),
        "name": name,
        "value": value,
        "attribute": {name: value},
        "texts": {name: _text(value)},
        "code": {**one.properties.get("Code", {}), name: value},
        "properties": one.properties,
        # The properties that have no command of their own.
        "others": {key: item for key, item in kind.wanted(one).items() if key not in kind.mends},
    }
    return {key: _text(item) for key, item in filled.items()}


def dead_letters(facts: Facts) -> Iterator[Finding]:
    """The dead-letter queue is empty."""
    for one, found in facts.there(QUEUE):
        if one.name != "DeadLetterQueue":
            continue
        seen = int(found.get("ApproximateNumberOfMessages", 0))
        hidden = int(found.get("ApproximateNumberOfMessagesNotVisible", 0))
        text = f"Changes that could not be recorded wait in {one.id}: about {seen + hidden:,}"
        if seen:
            mend = facts.place.command("edgesweep redrive --stack {stack} {at}")
            yield Finding("dead-letters", Harm.DELAYS, text, mend)
        elif hidden:
            text += "; they go back by themselves, and the log of the record function says why"
            yield Finding("dead-letters-hidden", Harm.DELAYS, text)


def reserves(facts: Facts) -> Iterator[Finding]:
    """The concurrency of each function, and of the account, suffices."""
    # A mapping sets how often its function runs at once; each has one at most.
    most = {
        one.properties["FunctionName"].rpartition(":")[2]: scaling["MaximumConcurrency"]
        for one, _ in facts.there(MAPPING)
        if (scaling := one.properties.get("ScalingConfig"))
    }
    demand = 0
    for one, found in facts.there(FUNCTION):
        needed = most.get(one.id, 1)
        reserved = found.get("Concurrency", {}).get("ReservedConcurrentExecutions")
        demand += needed if reserved is None else 0
        if reserved is not None and reserved < needed:
            text = f"The function {one.id} may run {reserved} times at once, and needs {needed}"
            line = "aws lambda delete-function-concurrency --function-name {id} {at}"
            mend = facts.place.command(line, id=one.id)
            yield Finding("function-concurrency", Harm.DELAYS, text, mend)
    if facts.unreserved is not None and facts.unreserved < demand:
        together = f"{facts.unreserved} times at once in all"
        text = f"The account's functions may run {together}, and the stack needs {demand}"
        mend = facts.place.command(
            "aws service-quotas request-service-quota-increase --service-code lambda "
            "--quota-code L-B99A9384 --desired-value 1000 {at}"
        )
        yield Finding("account-concurrency", Harm.DELAYS, text, mend)


def _text(value: Value) -> str:
    """Return a text unchanged unless it is an object in JSON, and anything else as JSON."""
    plain = _plain(value)
    keeps = isinstance(value, str) and not isinstance(plain, dict)
    return value if keeps else json.dumps(plain, default=list)


def _fits(wanted: Value, found: Value) -> bool:
    """Tell whether a property holds everything wanted; it may hold more."""
    wanted, found = _plain(wanted), _plain(found)
    match wanted:
        case {"Statement": _}:
            return not _lost(wanted, found)
        case dict() if "source" not in wanted:  # an event pattern that holds more matches less
            return all(_fits(value, (found or {}).get(name)) for name, value in wanted.items())
        case list():
            return all(any(_fits(value, one) for one in found or ()) for value in wanted)
        case frozenset():
            return found in wanted
    return wanted is False or bool(wanted == found)


def _lost(wanted: Value, found: Value) -> set[tuple[str, str]]:
    """Return the actions that a policy should allow and does not; empty for other properties."""
    return set(actions(wanted)) - set(actions(found or {})) if isinstance(wanted, dict) else set()


def _plain(value: Value) -> Value:
    """Return the content of a text in JSON, such as a number, and other values unchanged."""
    with suppress(ValueError, TypeError):
        return json.loads(value)
    return value
