"""The tests can fail: each safety that is switched off is missed by a story or by another test."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest

from edgesweep.errors import Overtaken
from edgesweep.flush.journal import LEASE_TERM, Flush
from edgesweep.operate.dry_run import JournalInMemory
from tests.faults import kinds
from tests.faults.deployment import RAISED
from tests.faults.draw import KINDS
from tests.faults.kinds import Kind
from tests.faults.mutants import account, adapters, flushing, others, waking
from tests.faults.soak import judge

Mutant = Callable[[], AbstractContextManager[object]]

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
# How many stories have to be enough.
SEEDS = 100
# What takes longer at the end of a run within this one than the test itself: it collects garbage.
_QUICK = ("-p", "no:cacheprovider", "-p", "no:unraisableexception")

# The kind of story that misses each, any kind for None, and the seed where it was seen last.
IN_STORIES: Mapping[Mutant, tuple[Kind | None, int]] = {
    flushing.announced_too_late: (None, 11),
    flushing.delete_by_time_alone: (kinds.parts, 0),
    flushing.eventual_reads: (None, 0),
    flushing.fixed_order: (kinds.hog, 7),
    flushing.given_up_unseen: (kinds.month_turns, 42),
    flushing.hidden_retries: (kinds.month_turns, 107),
    flushing.ledger_outside_the_transaction: (None, 6),
    flushing.month_by_opening: (None, 98),
    flushing.no_recovery: (None, 0),
    flushing.no_reserve: (None, 1),
    flushing.no_skew_margin: (kinds.parts, 3),
    flushing.patience_beyond_the_guarantee: (kinds.patient, 4),
    flushing.patience_that_begins_again: (kinds.patient, 4),
    flushing.reference_from_the_clock: (None, 0),
    flushing.refund_after_no_answer: (kinds.month_turns, 42),
    flushing.resent_from_the_reserve: (kinds.month_turns, 0),
    flushing.successor_pays_again: (None, 73),
    account.asked_again_unheard: (kinds.month_turns, 107),
    account.dropped_forgotten: (kinds.dropped, 0),
    account.earlier_configuration_forgotten: (kinds.returned, 78),
    account.endless_sweep: (kinds.piled, 7),
    account.everything_acknowledged: (kinds.closed, 0),
    account.hidden_from_nobody: (None, 17),
    account.never_routed: (None, 7),
    account.one_shard_read: (None, 3),
    account.reconfiguration_ignored: (None, 0),
    account.removed_unsent: (None, 17),
    account.routes_remembered: (None, 53),
    account.unserved_remembered: (kinds.returned, 259),
    waking.asked_unheard: (kinds.hurried, 5),
    waking.deleting_wake: (kinds.woken, 0),
    waking.lease_held_asleep: (kinds.woken, 1),
    waking.lease_ignored: (kinds.woken, 0),
    waking.quiet_that_never_ends: (kinds.woken, 0),
    waking.returned_early: (kinds.hurried, 0),
    waking.urgent_unheard: (kinds.pressing, 0),
}

# The test that fails without each.
CONTRACT, FLUSH = "tests/contract", "tests/unit/flush"
ROWS = f"{CONTRACT}/test_dirty_rows.py::TestDynamoDB"
BY_TESTS: Mapping[Mutant, str] = {
    flushing.delete_before_send: f"{FLUSH}/test_steps.py::test_steps",
    flushing.lease_by_time: f"{CONTRACT}/test_opening.py::TestInMemory::test_open_overtaken",
    flushing.ledger_held_to_the_allowance: f"{FLUSH}/test_policy.py::test_share",
    flushing.parts_forgotten: f"{FLUSH}/test_resending.py::test_rest_recovered",
    flushing.refused_flush_counted: f"{CONTRACT}/test_advancing.py::TestInMemory::test_rejected",
    flushing.unfinished_not_checked: f"{CONTRACT}/test_opening.py::TestInMemory",
    account.gap_not_swept: f"{FLUSH}/test_gaps.py::test_unwired_spell",
    account.removed_unsent: f"{CONTRACT}/test_dead_letters.py::test_not_sent",
    account.shards_remembered: "tests/unit/test_wiring.py::test_more_shards",
    account.swept_before_deployed: f"{FLUSH}/test_discovery.py::test_reconfigured",
    adapters.eventual_batch_get: f"{CONTRACT}/test_consistency.py",
    adapters.eventual_query: f"{CONTRACT}/test_consistency.py",
    adapters.failures_untold: "tests/handlers/test_gaps.py::test_refused_dead_letters",
    adapters.given_up_at_once: f"{FLUSH}/test_sweeping.py::test_given_up_by_parts",
    adapters.held_lease_taken: f"{CONTRACT}/test_leases.py::TestDynamoDB::test_held",
    adapters.lease_lost_while_reading: f"{FLUSH}/test_holding.py::test_reading",
    adapters.limit_not_asked: f"{CONTRACT}/test_opening.py::TestDynamoDB::test_limit_of_sum",
    adapters.moved_in_two_steps: f"{ROWS}::test_move_what_is_gone",
    adapters.old_entries_trusted: "tests/unit/record/test_unchanged.py",
    adapters.one_shard: f"{ROWS}::test_same_row",
    adapters.sent_back_uncounted: f"{CONTRACT}/test_dead_letters.py::test_send_back",
    adapters.unprocessed_forgotten: "tests/unit/aws/test_dirty_table.py::test_leftovers",
    adapters.unserved_unsent: "tests/unit/routes/test_unserved.py",
    others.foreign_counted_twice: f"{FLUSH}/test_auditing.py::test_once",
    others.ours_counted: f"{FLUSH}/test_auditing.py::test_counted",
    others.unanswered_counted: f"{FLUSH}/test_auditing.py::test_counted",
    others.gap_forgotten: f"{FLUSH}/test_auditing.py::test_cut",
    others.month_of_looking: f"{FLUSH}/test_auditing.py::test_month",
    others.other_stack_overlooked: f"{FLUSH}/test_auditing.py::test_counted",
}


@pytest.mark.parametrize("mutant", IN_STORIES, ids=lambda mutant: mutant.__name__)
def test_missed_in_a_story(mutant: Mutant) -> None:
    """Some story breaks a law once a safety is off; it does not count if the code just fails."""
    kind, seed = IN_STORIES[mutant]
    chosen = KINDS if kind is None else {kind: 100}
    with mutant():
        judged = ((one, judge(one, chosen)) for one in (seed, *range(SEEDS)))
        broken = ((one, law) for one, laws in judged for law in laws if not law.startswith(RAISED))
        caught = next(broken, None)

    assert caught is not None
    print(f"{mutant.__name__}: seed {caught[0]}, {caught[1]}")  # which seed, which law


@pytest.mark.parametrize("mutant", BY_TESTS, ids=lambda mutant: mutant.__name__)
def test_missed_by_a_test(mutant: Mutant) -> None:
    """The test that is named fails once the safety is off."""
    with mutant():
        ended = pytest.main(["-q", "-x", *_QUICK, BY_TESTS[mutant]])

    assert ended == pytest.ExitCode.TESTS_FAILED


def test_token_alone() -> None:
    """Also where nobody asks what is unfinished, who lost the lease opens no second flush."""
    journal = JournalInMemory()
    slow = journal.take("E1", "slow", NOON)
    later = NOON + LEASE_TERM + timedelta(seconds=1)
    quick = journal.take("E1", "quick", later)
    journal.open(Flush("E1", later, "1", ("/a",), (), rows=1), quick, {})

    with flushing.unfinished_not_asked(), pytest.raises(Overtaken, match="no longer ours"):
        journal.open(Flush("E1", later, "2", ("/a",), (), rows=1), slow, {})
