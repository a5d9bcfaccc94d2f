"""The doctor: what is wrong with a deployed stack, and the command that mends it.

CloudFormation knows what it made, but not what became of it. The stack's own template says what
each resource should be; what there is, is looked up; a check compares the two, or looks at what is
around the stack. Checks are functions from facts to findings: they reach nothing themselves.
"""

from collections.abc import Callable, Iterator, Sequence

from edgesweep.operate.doctor import checks_around, resources
from edgesweep.operate.doctor.facts import Facts, Finding, Place, Told

__all__ = ["CHECKS", "Facts", "Finding", "Place", "Told", "diagnose"]

CHECKS: Sequence[Callable[[Facts], Iterator[Finding]]] = (
    checks_around.unseen,
    checks_around.stuck,
    checks_around.regions,
    resources.gone,
    resources.tables,
    resources.queues,
    resources.senders,
    resources.mappings,
    resources.dead_letters,
    resources.rules,
    checks_around.wiring,
    resources.schedules,
    resources.roles,
    resources.reserves,
    resources.subscriptions,
    checks_around.routes,
    checks_around.uncovered,
    checks_around.aliases,
    checks_around.free_paths,
)


def diagnose(facts: Facts) -> Sequence[Finding]:
    """Return everything that is wrong, in the order in which changes flow."""
    return [finding for check in CHECKS for finding in check(facts)]
