"""Distributions are found out now and then, and no change is lost over one not known yet."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from edgesweep.flush.discovery import HURRY_EVERY, REFRESH_EVERY
from edgesweep.flush.journal import Lease
from edgesweep.routes import Behaviour, Distribution, Variants
from edgesweep.routes.distribution import Function
from edgesweep.routes.kept import CONFIRMED_AFTER, Kept
from tests.fakes.discovery import Account, distribution, row

SECOND = timedelta(seconds=1)
E1, E2 = distribution("E1"), distribution("E2")
DOCS = distribution("E1", pattern="docs/*")
DISABLED = replace(E1, enabled=False)
ELSEWHERE = Distribution("E1", (Behaviour(),), fingerprint="elsewhere")


def settled(*there: Distribution) -> Account:
    """Return an account that was looked at before."""
    account = Account(there)
    account.look()
    return account


def pass_by(account: Account, minutes: int = 15) -> None:
    """Let minutes pass, with a tick in each."""
    for _ in range(minutes):
        account.look(timedelta(minutes=1))


def test_first_look() -> None:
    """What is found is known at once and kept for the recorder, and nothing is swept."""
    account = Account([E1], under_way={"E1"})

    assert account.look().routes.ids == ["E1"]
    assert account.routes("a") == ["E1"]
    account.under_way = ()
    pass_by(account)

    assert account.rows("E1") == []


def test_age() -> None:
    """The account is read again after a while, not at every tick, and kept only if it changed."""
    account = settled(E1)

    account.look(REFRESH_EVERY - SECOND)
    assert (account.asked, account.store.saves) == (1, 1)
    account.look(SECOND)
    assert (account.asked, account.store.saves) == (2, 1)
    account.there = [DOCS]
    account.look(REFRESH_EVERY)
    assert (account.asked, account.store.saves) == (3, 2)


def test_hurry() -> None:
    """While a change waits for a distribution, one is looked for every minute."""
    account = Account()
    account.dirty.add([row("a")])

    for _ in range(3):
        assert account.look(HURRY_EVERY).waiting

    assert account.asked == 3


def test_unreadable() -> None:
    """If the account cannot be read, the known distributions stay; the next tick asks again."""
    account = settled(E1)
    account.there = None

    for later in (REFRESH_EVERY, SECOND):
        known = account.look(later)
        assert str(known.error) == "The distributions cannot be read: Not yours"
        assert known.routes.ids == ["E1"]

    assert (account.asked, account.store.saves) == (3, 1)


def test_reconfigured() -> None:
    """Until edges work by a new configuration, changes go by the old one as well; then one `/*`."""
    account = settled(E1)
    account.there, account.under_way = [DOCS], {"E1"}

    pass_by(account, 30)
    assert (account.routes("a"), account.routes("docs/a")) == (["E1"], ["E1"])
    assert account.rows("E1") == []
    account.under_way = ()
    pass_by(account)

    assert account.rows("E1") == ["/*"]
    assert (account.routes("a"), account.routes("docs/a")) == ([], ["E1"])


def test_reconfigured_twice() -> None:
    """Every configuration that edges may still work by counts, and there and back is a change."""
    account = settled(E1)
    account.under_way = {"E1"}
    for there in (DOCS, distribution("E1", pattern="b*"), E1):
        account.there = [there]
        pass_by(account)
    known = account.look().routes

    assert (known.ids, known.enabled_count) == (["E1"], 1)
    assert account.store.kept
    assert len(account.store.kept.distributions) == 4
    account.under_way = ()
    pass_by(account)

    assert account.rows("E1") == ["/*"]


@pytest.mark.parametrize(
    ("before", "after", "swept"), [("1", "2", True), ("1", "", False), ("", "1", False)]
)
def test_new_code(before: str, after: str, *, swept: bool) -> None:
    """New code of a function that was asked is a new configuration; no answer is none."""

    def coded(version: str) -> Distribution:
        behaviour = replace(E1.behaviours[0], functions=(Function("rewrite", "/", version),))
        return replace(E1, behaviours=(behaviour,))

    account = settled(coded(before))
    account.there = [coded(after)]
    pass_by(account)

    assert account.rows("E1") == ["/*"] * swept


def test_sure() -> None:
    """A new configuration is asked for every minute, and acted upon once it was seen for a while.

    A deployment of ours replaces the recorder a moment after the flusher has other patterns.
    """
    account = settled(E1)
    account.there = [DOCS]
    account.look(REFRESH_EVERY)

    account.look(CONFIRMED_AFTER - SECOND)
    assert account.rows("E1") == []
    account.look(HURRY_EVERY)
    assert account.rows("E1") == ["/*"]


@pytest.mark.parametrize("before", [[], [DISABLED], [ELSEWHERE]])
def test_comes(before: Sequence[Distribution]) -> None:
    """One that appears, is enabled, or leads to the bucket again has to forget everything."""
    account = settled(E2, *before)
    account.there, account.under_way = [E2, E1], {"E1"}

    account.look(REFRESH_EVERY)
    assert account.routes("a") == ["E2", "E1"]
    pass_by(account)
    assert account.rows("E1") == []
    account.under_way = ()
    pass_by(account)

    assert (account.rows("E1"), account.rows("E2")) == (["/*"], [])


@pytest.mark.parametrize("away", [[], [DISABLED], [ELSEWHERE]])
def test_away(away: Sequence[Distribution]) -> None:
    """One that goes, is disabled or leads elsewhere gets nothing; once it is back, one `/*`."""
    account = settled(E2, E1)
    account.there = [E2, *away]

    pass_by(account)
    assert account.routes("a") == ["E2"]
    assert account.rows("E1") == []
    account.there = [E2, E1]
    pass_by(account)

    assert account.routes("a") == ["E2", "E1"]
    assert (account.rows("E1"), account.rows("E2")) == (["/*"], [])


def test_absent_once() -> None:
    """One absence changes nothing: rows are still written, and nothing is swept."""
    account = settled(E1)
    account.there = []

    account.look(REFRESH_EVERY)
    account.look(CONFIRMED_AFTER - SECOND)
    assert account.routes("a") == ["E1"]
    account.there = [E1]
    pass_by(account)

    assert account.routes("a") == ["E1"]
    assert account.rows("E1") == []


@pytest.mark.parametrize("owed", ["row", "flush", "nothing"])
def test_gone(owed: str) -> None:
    """A distribution that is gone is known, as disabled, until nothing waits for it any more."""
    account = settled(E1)
    if owed == "row":
        account.dirty.add([row("a", place="E1")])
    elif owed == "flush":
        account.journal.leases["E1"] = Lease(unfinished="flush")
    account.there = []

    account.look(REFRESH_EVERY)
    for _ in range(3 if owed != "nothing" else 1):
        known = account.look(REFRESH_EVERY)
        assert (known.routes.ids, known.routes.enabled_count) == (["E1"], 0)

    account.dirty.delete(account.dirty.rows)
    account.journal.leases.clear()
    assert account.look(REFRESH_EVERY).routes.ids == []


def test_lost_answer() -> None:
    """A crash between the row and what is kept makes a second row; it never makes none."""
    account = settled(E1)
    account.there = [DOCS]
    account.look(REFRESH_EVERY)
    account.store.broken = True
    known = account.look(REFRESH_EVERY)
    assert isinstance(known.error, OSError)
    assert known.routes.ids == ["E1"]
    assert account.rows("E1") == ["/*"]
    account.dirty.delete(account.dirty.rows)
    account.store.broken = False
    account.restart()

    pass_by(account)

    assert account.rows("E1") == ["/*"]


def test_no_room() -> None:
    """What has to be forgotten is asked for until it is written."""
    account = settled(E1, E2)
    account.dirty.room = 1
    account.there = [DOCS, distribution("E2", pattern="docs/*")]

    pass_by(account)
    assert (account.rows("E1"), account.rows("E2")) == (["/*"], [])
    account.dirty.room = None
    pass_by(account)

    assert (account.rows("E1"), account.rows("E2")) == (["/*"], ["/*"])


def test_overtaken() -> None:
    """If two look at once, one gets what the other has saved."""
    account = settled(E1)
    account.there = [DOCS]
    theirs = Kept(revision=7)

    def find(_known: object) -> Mapping[Distribution, bool]:
        account.store.kept = theirs
        return {}

    account.discovery.source = find

    assert account.look(REFRESH_EVERY).kept == theirs
    assert account.store.kept == theirs


def test_words() -> None:
    """Other patterns of keys, or other viewer paths, are other objects; their order is none."""
    account = settled(E1, E2)
    for selection, variants, swept in [
        (((), ("b", "a"), ()), {}, ["/*", "/*"]),
        (((), ("a", "b"), ()), {}, []),
        (((), ("a", "b"), ()), {"": Variants(), "E1": Variants(("bare",))}, ["/*"]),
        (((), ("a", "b"), ()), {"E1": Variants(("bare",))}, []),
    ]:
        account.selection, account.variants = selection, variants
        account.restart()
        pass_by(account)
        assert [*account.rows("E1"), *account.rows("E2")] == swept
        account.dirty.delete(account.dirty.rows)


def test_pinned() -> None:
    """A release that reads the same finds the same; see `test_fingerprint.py`."""
    account = Account([E1], selection=(("*.html",), (), ()), variants={"E1": Variants(("bare",))})
    account.look()

    assert account.store.kept
    assert account.store.kept.distributions[0].fingerprint == "1f0f775d85eea328"


def test_other_buckets() -> None:
    """Another bucket behind the same configuration is routed to, and nothing is swept."""
    account = settled(E1)
    account.there = [replace(distribution("E1", "other"), fingerprint=E1.fingerprint)]

    pass_by(account)

    assert (account.routes("a"), account.routes("a", "other")) == ([], ["E1"])
    assert account.rows("E1") == []


def test_unknown_configuration() -> None:
    """A configuration that cannot be read serves everything, and counts as unchanged."""
    account = settled(E1)
    account.there = [replace(distribution("E1", "*"), fingerprint="")]

    pass_by(account)
    assert account.routes("a", "any") == ["E1"]
    account.there = [E1]
    pass_by(account)
    assert account.rows("E1") == []
    account.there = [DOCS]
    pass_by(account)

    assert account.rows("E1") == ["/*"]


def test_never_known() -> None:
    """A configuration that is read for the first time is not a new one."""
    account = settled(replace(distribution("E1", "*"), fingerprint=""))
    account.there = [E1]

    pass_by(account)

    assert account.routes("a", "any") == []
    assert account.rows("E1") == []


def test_serving() -> None:
    """`serving` returns the distributions that lead to a bucket, each once."""
    account = settled(E1, E2, distribution("E3", "other"))
    account.there = [DOCS, E2, distribution("E3", "other")]
    account.under_way = {"E1"}

    assert account.look(REFRESH_EVERY).routes.serving("site") == ["E1", "E2"]
