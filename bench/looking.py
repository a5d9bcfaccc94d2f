"""The calls that a tick makes to count what others spend, idle and while paths are being spent.

    python -m bench.looking

A day of ticks against accounts of some size, after the first looks. While spending, the stack
flushes every minute, and somebody else invalidates twice a minute somewhere in the account.
"""

import sys
from collections.abc import Sequence
from datetime import timedelta
from random import Random

from edgesweep.flush.auditing import MOST_CALLS
from tests.fakes.others import SharedAccount

MINUTE = timedelta(minutes=1)
DAY = 1_440
ACCOUNTS = (1, 20, 200)


def calls(distributions: int, *, spending: bool) -> tuple[Sequence[int], int]:
    """Return the calls of each tick of a day, and how often something was saved."""
    random = Random(distributions)  # repeatable, not secret
    names = [f"E{number}" for number in range(distributions)]
    account = SharedAccount(set(names))
    made, saved = [], 0
    for minute in range(2 * DAY):
        for _ in range(2 if spending and minute >= DAY else 0):
            account.spend(random.choice(names), 1)
        before = account.calls
        account.look(names[0], spending=spending and minute >= DAY)
        if minute == DAY:
            saved = account.journal.looks().revision
        made.append(account.calls - before)
        account.now += MINUTE
    return made[DAY:], account.journal.looks().revision - saved


def main() -> int:
    """Print the calls; return 1 if a tick makes more than it may."""
    print(f"{'distributions':>13} {'':<8} {'calls a tick':>12} {'most':>5} {'saves a day':>12}")
    most = 0
    for distributions in ACCOUNTS:
        for spending in (False, True):
            made, saved = calls(distributions, spending=spending)
            most = max(most, *made)
            what = "spending" if spending else "idle"
            mean = sum(made) / len(made)
            print(f"{distributions:>13} {what:<8} {mean:>12.2f} {max(made):>5} {saved:>12}")
    holds = most <= MOST_CALLS
    print(f"no tick makes more than {MOST_CALLS} calls: {'holds' if holds else 'DOES NOT HOLD'}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
