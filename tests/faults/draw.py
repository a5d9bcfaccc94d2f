"""Draws the scenario of a seed."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from tests.faults import kinds
from tests.faults.kinds import Kind
from tests.faults.scenario import Scenario, anything

# How many of a hundred stories are of which kind.
KINDS: Mapping[Kind, float] = {
    kinds.month_turns: 5,
    kinds.crowd: 3,
    kinds.parts: 2,
    kinds.hog: 1,
    kinds.switched: 10,
    kinds.returned: 4,
    kinds.closed: 3,
    kinds.gapped: 2,
    kinds.crammed: 3,
    kinds.piled: 1,
    kinds.deadly: 1,
    kinds.shared: 4,
    kinds.woken: 3,
    kinds.patient: 3,
    kinds.pressing: 1,
    kinds.hurried: 1,
    kinds.dropped: 1,
}
# How many of a hundred stories have wakes; the others have ticks alone, as with `wake=false`.
_WOKEN = 60


def draw(seed: int, chosen: Mapping[Kind, float] = KINDS) -> Scenario:
    """Return the scenario of a seed."""
    random = Random(seed)  # repeatable, not secret
    scenario = _drawn(random, chosen)
    wake = 100 * Random(f"{seed} wakes").random() < _WOKEN
    return replace(scenario, wake=wake or scenario.prompt)


def _drawn(random: Random, chosen: Mapping[Kind, float]) -> Scenario:
    scenario = anything(random)
    about = 100 * random.random()
    for kind, share in chosen.items():
        if about < share:
            return kind(random, scenario)
        about -= share
    return scenario
