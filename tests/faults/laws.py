"""The laws that hold in every story, whatever went wrong in it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from edgesweep.dirty import UNROUTED, DirtyRow
from edgesweep.flush.budget import Budget
from edgesweep.flush.journal import Flush, State
from edgesweep.flush.sender import REPEATED_FOR
from edgesweep.flush.sweeping import MARGIN
from edgesweep.paths import matcher
from tests.fakes.cloudfront import Made
from tests.faults.scenario import MINUTE
from tests.faults.services import viewer_paths
from tests.faults.simulation import FLUSH_SECONDS, Story, billed

# A tick, and one that found the lease of a crashed or frozen flusher.
_TICKS = timedelta(minutes=2)
# A flush that the last fault has left unanswered is asked for again so long, since it may have been
# made: only then are its paths sent in another way. A tick begins that, another may find the lease.
_AFTERMATH = REPEATED_FOR + _TICKS
# Where every call takes seconds, a tick is cut off after `FLUSH_SECONDS`, and the next one begins
# within a minute of that.
_SLOW_TICK = timedelta(seconds=FLUSH_SECONDS + MINUTE)


def broken(story: Story) -> Sequence[str]:
    """Return what is wrong with a story, nothing if every law holds."""
    return [
        *story.broken,
        *_dirty(story),
        *_stale(story),
        *_paid_twice(story),
        *_unbalanced(story),
        *_clashed(story),
        *_late(story),
    ]


def _dirty(story: Story) -> Iterator[str]:
    """Nothing is dirty, unfinished or unrecorded in the end, so every distribution has moved."""
    if story.ended_at is None:
        rows = len(story.tables.dirty.rows)
        left = [lease.unfinished for lease in story.tables.journal.leases.values()]
        yield f"No end: {len(story.queue.bodies)} messages, {rows} rows, unfinished {left}"


def _stale(story: Story) -> Iterator[str]:
    """Every change is matched by a path of an invalidation created after the change."""
    made = _ours(story)
    unrouted = {row.change.key for row in story.tables.dirty.rows if row.distribution == UNROUTED}
    for change in story.changes:
        for distribution in story.scenario.serves[change.bucket]:
            later = [one for one in made[distribution] if one.created_at > change.at]
            if distribution == story.gone and change.key in unrouted:
                continue
            if not _matched(later, change.key):
                yield f"Stale: {change.key} of {distribution}, changed {change.at}"


def _paid_twice(story: Story) -> Iterator[str]:
    """No row was planned into two flushes billed for it, unless it may be newer than the first."""
    opened: dict[DirtyRow, Flush] = {}
    billed_for: dict[str, list[Made]] = defaultdict(list)
    for made in story.edge.made:
        billed_for[made.reference.rpartition(" ")[0]].append(made)
    flushes = story.tables.journal.flushes
    for flush in sorted(flushes.values(), key=lambda flush: flush.opened_at):
        ours = billed_for[flush.reference(0).rpartition(" ")[0]]
        paid = matcher(path for made in ours for path in made.paths)
        for row in story.tables.planned[flush.distribution, flush.id]:
            if not any(map(paid, viewer_paths(row))):
                continue
            first = opened.setdefault(row, flush)
            if first is not flush and row.recorded_at <= first.opened_at - MARGIN:
                yield f"Paid twice: {row.change.key} in {first.id} and {flush.id}"


def _unbalanced(story: Story) -> Iterator[str]:
    """In the end what is charged is what is billed, and what unanswered attempts may have cost."""
    paid = billed(story)
    kept: dict[str, int] = defaultdict(int)
    for flush in story.tables.journal.flushes.values():
        if flush.state is State.REJECTED and not flush.answered:
            for month in flush.months:
                kept[month] += len(flush.paths)
                kept[month] -= _billed_for(story, flush, month)
    if story.ended_at is None:
        return
    for month, paths in story.tables.journal.ledger.items():
        if paths != paid.get(month, 0) + kept[month]:
            yield f"{month}: {paths} charged, {paid.get(month, 0)} billed, {kept[month]} kept"


def _clashed(story: Story) -> Iterator[str]:
    """No reference was used with two lists of paths."""
    for reference in story.edge.clashes:
        yield f"Two lists of paths for {reference}"


def _late(story: Story) -> Iterator[str]:
    """Once the faults are over no change waits longer than the guarantee, and a tick or two."""
    scenario, made = story.scenario, _ours(story)
    if _charges_kept(story):
        return
    # A turn of one distribution may be cut off once; the next tick recovers it. A change waits for
    # the turn that had begun before it, and for one turn of each distribution, its own the last.
    turns = 1 + len(scenario.distributions)
    ticks = 2 * turns * _SLOW_TICK if scenario.slow else _TICKS
    calm = story.calm_at + _AFTERMATH + scenario.rules.duration
    for row, written_at in story.tables.written.items():
        if row.distribution in (UNROUTED, story.gone):
            continue
        base = max(written_at, calm)
        interval = _longest_interval(scenario.policy.budget, scenario.start, base)
        due = base + max(interval, scenario.policy.max_wait) + ticks + scenario.rules.duration
        found = [
            one for one in made[row.distribution] if row.recorded_at - MARGIN < one.created_at < due
        ]
        if not _matched(found, row.change.key):
            yield f"Late: {row.change.key} of {row.distribution}, {row.recorded_at}, due {due}"


def _longest_interval(budget: Budget, *moments: datetime) -> timedelta:
    """Return the longest interval of the months in which a wait may begin or end."""
    ends = [moment + budget.interval(moment) for moment in moments]
    return max(map(budget.interval, (*moments, *ends)))


def _charges_kept(story: Story) -> bool:
    flushes = story.tables.journal.flushes.values()
    return story.scenario.policy.budget.allowance is not None and any(
        flush.state is State.REJECTED and not flush.answered for flush in flushes
    )


def _billed_for(story: Story, flush: Flush, month: str) -> int:
    prefix = flush.reference(0).rpartition(" ")[0]
    return sum(
        len(one.paths)
        for one in story.edge.made
        if one.distribution == flush.distribution
        and one.reference.rpartition(" ")[0] == prefix
        and _month(one.created_at) == month
    )


def _month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"


def _ours(story: Story) -> dict[str, list[Made]]:
    made: dict[str, list[Made]] = defaultdict(list)
    for one in story.edge.made:
        if one.reference.startswith("edgesweep"):
            made[one.distribution].append(one)
    return made


def _matched(made: Iterable[Made], key: str) -> bool:
    paths = ["/" + key, *(["/"] if key == "index.html" else [])]
    return all(any(one.matches(path) for one in made) for path in paths)
