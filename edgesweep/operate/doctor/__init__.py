"""The doctor finds what is wrong with a deployed stack, and names the command that mends it.

CloudFormation knows what it made, but not what changed since. The stack's template says what each
resource should be, and `gather` looks up what it is. A check compares the two, or examines the
surroundings of the stack. Checks are pure functions from facts to findings.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from edgesweep.operate.doctor import checks, comparison
from edgesweep.operate.doctor.facts import Facts, Finding, Harm, Place

__all__ = ["CHECKS", "Facts", "Finding", "Harm", "Place", "diagnose", "mends"]

CHECKS: Sequence[Callable[[Facts], Iterator[Finding]]] = (
    checks.unseen,
    checks.stuck,
    checks.gone,
    checks.regions,
    comparison.compared,
    comparison.dead_letters,
    comparison.reserves,
    checks.wiring,
    checks.routes,
    checks.uncovered,
    checks.functions,
    checks.unserved,
    checks.free_paths,
    checks.stacks,
    checks.uncounted,
)


def diagnose(facts: Facts) -> Sequence[Finding]:
    """Return the findings of all checks, the worst first."""
    found = chain.from_iterable(check(facts) for check in CHECKS)
    return sorted(found, key=lambda one: list(Harm).index(one.harm))


def mends(findings: Iterable[Finding]) -> Mapping[str, Sequence[Finding]]:
    """Return each command with the findings that it mends, in the order of the findings."""
    shared: dict[str, list[Finding]] = {}
    for one in findings:
        shared.setdefault(one.mend, []).append(one)
    return shared
