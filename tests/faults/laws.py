"""The laws that hold in every story, whatever went wrong in it."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from edgesweep.dirty import UNROUTED, Change, DirtyRow, RequestedPath
from edgesweep.flush.discovery import REFRESH_EVERY
from edgesweep.flush.journal import Flush, State
from edgesweep.flush.policy import Policy
from edgesweep.flush.redrive import FIRST_WAIT, LOOK_EVERY
from edgesweep.flush.sender import REPEATED_FOR
from edgesweep.flush.sweeping import MARGIN
from edgesweep.paths import matcher, unquoted
from tests.fakes.cloudfront import Made
from tests.faults.deployment import FLUSH_SECONDS
from tests.faults.fresh import stale
from tests.faults.scenario import MINUTE, Scenario
from tests.faults.simulation import Story

# A tick, and one that found the lease of a crashed or frozen flusher.
_TICKS = timedelta(minutes=2)
# S3 reports a change within some seconds in fair weather, and the recorder takes some more.
_ON_ITS_WAY = timedelta(seconds=30)
# A flush that the last fault left unanswered is asked for again for `REPEATED_FOR`, since it may
# have been made. Only then are its paths sent in another way. A tick begins that, another may find
# the lease.
_AFTERMATH = REPEATED_FOR + _TICKS
# Where every call takes seconds, a tick is cut off after `FLUSH_SECONDS`, and the next one begins
# within a minute of that.
_SLOW_TICK = timedelta(seconds=FLUSH_SECONDS + MINUTE)
# A turn that a long survey has cut off is recovered by the next tick, and another one may have to
# sweep what is left of a minute's portion.
_TICKS_SURVEYING = 3
# Where every call is slow, a turn may be cut off after each of its steps: refused for a path,
# refused for a rate, sent in part, sent, swept. The next tick continues from there.
_TICKS_CALLING = 5


# A lone change is accepted within this time, and the change of one more distribution after it.
_PROMPT, _TURN = timedelta(seconds=25), timedelta(seconds=8)
_APART = timedelta(seconds=70)
# A flush that somebody asks for goes before the next tick, also while the last one is under way.
_ASKED = timedelta(minutes=1)


def broken(story: Story) -> Sequence[str]:
    """Return what is wrong with a story, nothing if every law holds."""
    return [
        *story.watch.broken,
        *story.tables.stolen,
        *_dirty(story),
        *_stale(story),
        *_passed_over(story),
        *_paid_twice(story),
        *_unbalanced(story),
        *_miscounted(story),
        *_clashed(story),
        *_unannounced(story),
        *_late(story),
        *_slow(story),
        *_held_up(story),
        *_returned_early(story),
        *_unrouted(story),
        *_buried(story),
        *_lost(story),
        *_unasked(story),
    ]


def _dirty(story: Story) -> Iterator[str]:
    """Nothing is dirty, unfinished or unrecorded in the end, so every distribution has moved."""
    if story.ended_at is None:
        rows = len(story.tables.dirty.rows)
        left = [lease.unfinished for lease in story.tables.journal.leases.values()]
        letters = len(story.queues.waiting), len(story.queues.dead)
        yield f"No end: {letters} messages, {rows} rows, unfinished {left}"


def _stale(story: Story) -> Iterator[str]:
    """No edge holds what the origin would not return."""
    if story.ended_at is not None:
        distributions = story.account.distributions
        yield from stale(distributions, story.site, story.edge.made, story.ended_at)


def _passed_over(story: Story) -> Iterator[str]:
    """Without a catalogue every change is matched by a path that was created after it."""
    if story.scenario.catalogue:
        return
    made = _by_distribution(story.ours)
    for identity, distribution in story.account.distributions.items():
        if distribution.deleted or not story.account.static(identity):
            continue
        for name, told_at in story.site.told:
            later = [one for one in made[identity] if one.created_at > told_at]
            if not all(
                any(one.matches(path) for one in later) for path in distribution.paths(name)
            ):
                yield f"Passed over: {name} of {identity}, changed {told_at}"


def _paid_twice(story: Story) -> Iterator[str]:
    """No row was planned into two flushes billed for it, unless it may be newer than the first."""
    first: dict[DirtyRow, Flush] = {}
    billed_for: dict[str, list[Made]] = defaultdict(list)
    for made in story.ours:
        billed_for[made.reference.rpartition(" ")[0]].append(made)
    flushes = story.tables.journal.flushes
    for flush in sorted(flushes.values(), key=lambda flush: flush.opened_at):
        ours = billed_for[flush.reference(0).rpartition(" ")[0]]
        paid = matcher(path for made in ours for path in made.paths)
        for row in story.tables.planned[flush.distribution, flush.id]:
            # A distribution that is configured otherwise may have other paths for a row.
            if not story.account.static(row.distribution) or not any(map(paid, _paths(story, row))):
                continue
            before = first.setdefault(row, flush)
            # What a flush replaces may have paid a part of the row, and counts from then on.
            if before is not flush and row.recorded_at <= _begun_at(story, before) - MARGIN:
                yield f"Paid twice: {row.subject} in {before.id} and {flush.id}"


def _begun_at(story: Story, flush: Flush) -> datetime:
    """Return when a flush was opened, or the first before it of which a part was accepted."""
    opened_at, flushes = flush.opened_at, story.tables.journal.flushes
    while flush.replaces is not None:
        flush = flushes[flush.distribution, flush.replaces]
        opened_at = flush.opened_at if flush.accepted else opened_at
    return opened_at


def _unbalanced(story: Story) -> Iterator[str]:
    """In the end what is charged is what is billed, and what unanswered attempts may have cost."""
    paid = story.watch.billed
    kept: dict[str, int] = defaultdict(int)
    for flush in story.tables.journal.flushes.values():
        if flush.state is State.REJECTED and not flush.answered:
            for month in flush.months:
                kept[month] += len(flush.paths)
                kept[month] -= _billed_for(story, flush, month)
    if story.ended_at is None:
        return
    journal = story.tables.journal
    for month, charged in journal.charged.items():
        paths = charged - journal.ledger(month).others.paths
        if paths != paid.get(month, 0) + kept[month]:
            yield f"{month}: {paths} charged, {paid.get(month, 0)} billed, {kept[month]} kept"


def _miscounted(story: Story) -> Iterator[str]:
    """In the end each path of others is counted once, in the month in which it was created."""
    if not story.scenario.audited or story.ended_at is None:
        return
    begun = _month(story.scenario.start - timedelta(minutes=1))
    theirs: Counter[str] = Counter({begun: 0})
    for made in story.edge.made:
        if made not in story.ours:
            theirs[_month(made.created_at)] += len(made.paths)
    for month, paths in theirs.items():
        seen = story.tables.journal.ledger(month).others.paths
        if seen != paths:
            yield f"{month}: others spent {paths}, {seen} are counted"


def _clashed(story: Story) -> Iterator[str]:
    """No reference was used with two lists of paths."""
    for reference in story.edge.clashes:
        yield f"Two lists of paths for {reference}"


def _unannounced(story: Story) -> Iterator[str]:
    """Each flush that was settled has an event at least."""
    announced = {detail.get("flush") for detail in story.events.asked}
    for flush in story.tables.journal.flushes.values():
        if flush.state is State.SETTLED and flush.id not in announced:
            yield f"Unannounced: {flush}"


def _late(story: Story) -> Iterator[str]:
    """Once the faults are over no change waits longer than the guarantee, and a tick or two."""
    scenario, made = story.scenario, _by_distribution(story.ours)
    if _charges_kept(story):
        return
    # A change waits for the turn that had begun before it, and for one turn of each distribution,
    # its own the last.
    turns = 1 + len(scenario.distributions)
    cut_off = _TICKS_SURVEYING if scenario.surveying else _TICKS_CALLING
    ticks = cut_off * turns * _SLOW_TICK if scenario.slow else _ticks(scenario)
    calm = _calm_at(story)
    for row, written_at in story.tables.written.items():
        # Of one that is configured otherwise only the end is judged.
        if row.distribution == UNROUTED or not story.account.static(row.distribution):
            continue
        if story.account.distributions[row.distribution].deleted:
            continue
        if row.distribution in scenario.busy:
            continue
        base = max(written_at, calm)
        longest = _longest_wait(scenario.policy, scenario.start, base)
        due = base + longest + ticks + scenario.rules.duration
        found = [
            one for one in made[row.distribution] if row.recorded_at - MARGIN < one.created_at < due
        ]
        if not all(any(one.matches(path) for one in found) for path in _paths(story, row)):
            yield f"Late: {row.subject} of {row.distribution}, {row.recorded_at}, due {due}"


def _of_others(story: Story) -> Sequence[Made]:
    return [one for one in story.edge.made if one not in story.ours]


def _slow(story: Story) -> Iterator[str]:
    """Where nothing is wrong, a lone change is accepted within seconds.

    It rests after two seconds, by clocks that are `MOST_SKEW` off either way. A wake flushes the
    distributions of a change one after another. Other people's invalidations may leave no room.
    """
    made, others = _by_distribution(story.ours), _of_others(story)
    moments: dict[str, list[datetime]] = defaultdict(list)
    for row, written_at in story.tables.written.items() if story.scenario.prompt else ():
        moments[row.distribution].append(written_at)
    for distribution, written in moments.items():
        for at in written:
            near = {
                one: sum(at - _APART < other < at + _APART for other in times)
                for one, times in moments.items()
            }
            until = at + _PROMPT + _TURN * (sum(map(bool, near.values())) - 1)
            soon = (one for one in made[distribution] if at <= one.created_at < until)
            theirs = any(at <= one.created_at < until for one in others)
            if near[distribution] == 1 and not theirs and not any(soon):
                yield f"Slow: the change of {distribution} at {at}"


def _held_up(story: Story) -> Iterator[str]:
    """Where nothing is wrong, an urgent change goes with the next wake or tick, mid-upload."""
    scenario, made = story.scenario, _by_distribution(story.ours)
    urgent, ticks = scenario.policy.urgent, _ticks(scenario)
    for row, at in story.tables.written.items() if scenario.prompt and urgent else ():
        soon = [one for one in made[row.distribution] if at <= one.created_at < at + ticks]
        sent = all(any(one.matches(path) for one in soon) for path in _paths(story, row))
        theirs = any(at <= one.created_at < at + ticks for one in _of_others(story))
        late = not sent and not theirs
        if isinstance(row.subject, Change) and row.subject.key in urgent and late:
            yield f"Held up: {row.subject} of {row.distribution}, at {at}"


def _returned_early(story: Story) -> Iterator[str]:
    """A wait returns once all is accepted that was recorded before it: soon, if it asks for that.

    Where something is wrong, little is left, or others invalidate as well, it may take long.
    """
    made = _by_distribution(story.ours)
    for began, ended in story.waited:
        theirs = any(began <= one.created_at < ended for one in _of_others(story))
        if story.scenario.prompt and not theirs and ended - began > _ASKED:
            yield f"Waited from {began} to {ended}"
        for row, at in story.tables.written.items():
            distribution, since = row.distribution, row.recorded_at - MARGIN
            if at >= began or distribution == UNROUTED or not story.account.static(distribution):
                continue
            if story.account.distributions[distribution].deleted:
                continue
            found = [one for one in made[distribution] if since < one.created_at <= ended]
            paths = _paths(story, row)
            if not all(any(one.matches(path) for one in found) for path in paths):
                yield f"Returned at {ended} without {row.subject} of {row.distribution}"


def _unrouted(story: Story) -> Iterator[str]:
    """Nor does a change that a configuration serves which was seen before, and still is in force.

    That an edge works by it no longer is known only once the next one is deployed.
    """
    scenario, made = story.scenario, _by_distribution(story.ours)
    if scenario.catalogue or story.ended_at is None:
        return
    allowed = scenario.policy.max_wait + _ticks(scenario) + _ON_ITS_WAY
    for identity, distribution in story.account.distributions.items():
        if distribution.deleted or story.account.static(identity):
            continue
        for span in distribution.spans(story.ended_at):
            for name, at in story.site.told if span.seen_at and span.config.enabled else ():
                if not max(span.since, span.seen_at or at) <= at < span.until:
                    continue
                due = max(at, _calm_at(story)) + allowed
                later = [one for one in made[identity] if at < one.created_at < due]
                for path in span.config.path(name):
                    if not any(one.matches(path) for one in later):
                        yield f"Not routed: {path} of {identity}, changed {at}, due {due}"


def _ticks(scenario: Scenario) -> timedelta:
    """Return how long a change waits for a tick; one that is warm asks for shards now and then."""
    return _TICKS + (REFRESH_EVERY if scenario.resharded else timedelta())


def _calm_at(story: Story) -> datetime:
    """Return from when on nothing is late because of the faults."""
    _, silent = story.scenario.silent or (0.0, 0.0)
    calm = max(story.calm_at, story.scenario.start + timedelta(seconds=silent), *_full_until(story))
    fair = story.scenario.weather.fair
    return calm if fair else calm + _AFTERMATH + story.scenario.rules.duration


def _full_until(story: Story) -> Iterator[datetime]:
    """Yield when CloudFront refused a request since others had too much in progress."""
    others = _of_others(story)
    for at in story.full_at:
        if any(one.created_at <= at < one.completed_at for one in others):
            yield at


def _buried(story: Story) -> Iterator[str]:
    """What died while no row could be written is recorded soon after rows can be.

    A message waits between two attempts as long as all its attempts before took together, and
    `FIRST_WAIT` more.
    """
    shut = timedelta(seconds=story.scenario.closed)
    if not shut or story.ended_at is None or story.scenario.silent:
        return
    opened_at = max(story.scenario.start + shut, story.calm_at)
    due = opened_at + shut + FIRST_WAIT + 2 * LOOK_EVERY + 3 * _TICKS
    for recorded_at in story.queues.revived:
        if recorded_at > due:
            yield f"Buried until {recorded_at}, due {due}"


def _lost(story: Story) -> Iterator[str]:
    """Every message is worked off, or still there, or was given up after all its attempts."""
    queues = story.queues
    left = (*queues.waiting.values(), *queues.dead.values(), *queues.given_up)
    for body in sorted(queues.sent.keys() - queues.done - {letter.body for letter in left}):
        yield f"Lost: {body}, sent {queues.sent[body]}"


def _unasked(story: Story) -> Iterator[str]:
    """Every requested path goes after its request; a flush says who requested its rows."""
    made = _by_distribution(story.ours)
    for body, sent_at in story.queues.sent.items() if story.ended_at else ():
        message = json.loads(body)
        ids = [message["distribution"]] if "distribution" in message else story.account.existing
        for to in ids if "edgesweep" in message else ():
            later = [path for one in made[to] if one.created_at > sent_at for path in one.paths]
            if missing := [path for path in message["paths"] if not matcher(later)(unquoted(path))]:
                yield f"Requested and not sent to {to}: {missing}, at {sent_at}"
    for key, flush in story.tables.journal.flushes.items():
        subjects = [row.subject for row in story.tables.planned[key]]
        by = Counter(one.by for one in {*subjects} if isinstance(one, RequestedPath))
        # A flusher may have read more rows than it planned.
        if len(subjects) == flush.rows and not by.items() <= {*flush.by}:
            yield f"{flush.id} does not say that {dict(by)} were requested"


def _longest_wait(policy: Policy, *moments: datetime) -> timedelta:
    """Return the longest wait in the months in which one may begin or end, without its tick."""
    budget = policy.budget
    ends = [moment + budget.interval(moment) for moment in moments]
    intervals = map(budget.interval, (*moments, *ends))
    return max(*intervals, policy.max_wait, policy.patience)


def _charges_kept(story: Story) -> bool:
    flushes = story.tables.journal.flushes.values()
    return story.scenario.policy.budget.allowance is not None and any(
        flush.state is State.REJECTED and not flush.answered for flush in flushes
    )


def _billed_for(story: Story, flush: Flush, month: str) -> int:
    prefix = flush.reference(0).rpartition(" ")[0]
    return sum(
        len(one.paths)
        for one in story.ours
        if one.distribution == flush.distribution
        and one.reference.rpartition(" ")[0] == prefix
        and _month(one.created_at) == month
    )


def _month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"


def _by_distribution(made: Sequence[Made]) -> dict[str, list[Made]]:
    found: dict[str, list[Made]] = defaultdict(list)
    for one in made:
        found[one.distribution].append(one)
    return found


def _paths(story: Story, row: DirtyRow) -> Sequence[str]:
    return story.account.distributions[row.distribution].paths_of(row)
