"""The doctor: what is wrong with a deployed stack, and the command that mends it.

CloudFormation knows what it made, but not what became of it. The stack's own template says what
each resource should be; what there is, is looked up; a check compares the two, or looks at what is
around the stack. Checks are functions from facts to findings: they reach nothing themselves.
"""

from collections.abc import Callable, Iterator, Sequence

from edgesweep.operate.doctor import checks_around, kinds
from edgesweep.operate.doctor.facts import Facts, Finding, Place

__all__ = ["CHECKS", "Facts", "Finding", "Place", "diagnose"]

CHECKS: Sequence[Callable[[Facts], Iterator[Finding]]] = (
    checks_around.unseen,
    checks_around.stuck,
    checks_around.regions,
    kinds.compared,
    kinds.dead_letters,
    kinds.reserves,
    checks_around.wiring,
    checks_around.routes,
    checks_around.uncovered,
    checks_around.aliases,
    checks_around.free_paths,
)


def diagnose(facts: Facts) -> Sequence[Finding]:
    """Return everything that is wrong."""
    return [finding for check in CHECKS for finding in check(facts)]
