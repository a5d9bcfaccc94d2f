"""The doctor finds what is wrong with a deployed stack, and names the command that mends it.

CloudFormation knows what it made, but not what became of it. The stack's template says what each
resource should be, and `gather` looks up what it is. A check compares the two, or examines the
surroundings of the stack. Checks are pure functions from facts to findings.
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
    """Return the findings of all checks."""
    return [finding for check in CHECKS for finding in check(facts)]
