"""The log of a tick: a line for each distribution, and for each thing that somebody should see."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from edgesweep.flush.budget import month_bounds
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.policy import Reason
from edgesweep.flush.tick import Ticked

# The level, the message, and the fields beside it.
Line = tuple[Literal["info", "warning", "error"], str, Mapping[str, object]]


def lines(done: Ticked, now: datetime) -> Iterator[Line]:
    """Yield the lines in the order of the tick's steps."""
    for outcome in done.outcomes:
        yield from _outcome(outcome, now)
    if done.unrouted:
        yield "warning", "No distribution serves some changes", {"rows": done.unrouted}
    if done.audited.others is not None:
        yield "info", "Others", {"paths": done.audited.others}  # the dashboard shows it
    if done.audited.refusals:
        unread = {"unread": dict(done.audited.refusals)}
        yield "error", "Some invalidations are not counted; freePaths is believed", unread
    if done.redriven:
        yield "warning", "Sent dead letters back to the queue", {"messages": done.redriven}
    for bucket in done.watched.unwired:
        yield "error", "A bucket publishes no events; run edgesweep doctor", {"bucket": bucket}
    for bucket in done.watched.swept:
        yield "warning", "Events were missed, so everything is invalidated", {"bucket": bucket}


def _outcome(outcome: Outcome, now: datetime) -> Iterator[Line]:
    distribution, reason, flush = outcome.distribution, outcome.reason, outcome.flush
    fields = {"distribution": distribution, "reason": reason, "answer": str(outcome.answer)}
    done = {"rows": flush.rows if flush else 0, "paths": flush.paths if flush else ()}
    yield "info", "Flushed" if flush else "Held", {**fields, **done}
    if reason is Reason.SPENT:
        until = {"distribution": distribution, "until": month_bounds(now)[1]}
        yield "error", "Nothing is left of the month; changes wait for the next", until
