"""Others are counted once, in the month of creation, a few calls at a time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.flush.auditing import MOST_CALLS
from edgesweep.flush.journal import Flush
from edgesweep.flush.others import EVERY, MOST_DISTRIBUTIONS, OFTEN
from edgesweep.operate.dry_run import JournalInMemory
from tests.fakes.others import SharedAccount, spent

MINUTE = timedelta(minutes=1)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
MONTH = "2026-11"


def flushed(account: SharedAccount, journal: JournalInMemory, token: str, *, attempts: int) -> str:
    """Open a flush in a journal; return the caller reference of its request."""
    lease = journal.take("E1", token, account.now)
    flush = Flush("E1", account.now, token, ("/a", "/b"), (MONTH,), rows=1)
    journal.open(flush, replace(lease, unfinished=None), {})
    for _ in range(attempts):
        flush = journal.advance(flush, flush.attempt())
    journal.forget("E1", flush.id)
    journal.release("E1", token)
    return flush.reference(0)


def test_counted() -> None:
    """What a person and another stack of ours spend is foreign, what our journal knows is not.

    A flush that went unanswered is known as well, and one of the same stack in another journal is
    not ours.
    """
    account = SharedAccount({"E1", "E2"})
    account.spend("E2", 900)
    account.spend("E1", 2, flushed(account, account.journal, "ours", attempts=1))
    account.spend("E1", 2, flushed(account, JournalInMemory(), "theirs", attempts=1))
    account.spend("E1", 3, "edgesweep once more")
    account.spend("E1", 3, "edgesweep")

    account.look()

    assert spent(account.journal) == {"E1": (5, 3), "E2": (0, 900)}
    assert account.journal.ledger(MONTH).paths == 2 + 908
    assert account.journal.ledger(MONTH).own == 2


def test_once() -> None:
    """However often anybody looks, nothing is counted twice, and nothing is written in vain."""
    account = SharedAccount({"E1", "E2"})
    account.spend("E1", 3)
    account.look()
    revision = account.journal.looks().revision

    for _ in range(5):
        account.now += 11 * MINUTE
        account.look()
    assert account.journal.looks().revision == revision
    for _ in range(40):
        account.now += 11 * MINUTE
        account.look()
        account.audited_by(account.journal).look((), spending=False)

    assert spent(account.journal) == {"E1": (0, 3)}
    assert account.journal.looks().revision <= revision + 9


def test_two_flushers() -> None:
    """Of two flushers that look at the same time one counts."""
    account = SharedAccount({"E1"})
    account.spend("E1", 3)
    before = account.journal.looks()
    with pytest.MonkeyPatch.context() as patch:
        for _ in range(2):
            auditor = account.audited_by(account.journal)
            patch.setattr(auditor, "journal", Late(account.journal, before))
            auditor.look((), spending=False)

    assert spent(account.journal) == {"E1": (0, 3)}


class Late:
    """A journal whose looks were loaded before another flusher saved its own."""

    def __init__(self, journal: JournalInMemory, looks: object) -> None:
        self._journal = journal
        self.looks = lambda: looks

    def __getattr__(self, name: str) -> object:
        return getattr(self._journal, name)


def test_month() -> None:
    """A path counts in the month in which it was created, whenever it is seen."""
    account = SharedAccount({"E1"}, now=DECEMBER - timedelta(days=40))
    account.spend("E1", 7)
    account.now = DECEMBER - timedelta(days=3)
    account.spend("E1", 5)
    account.look()
    account.now = DECEMBER - MINUTE
    account.spend("E1", 20)
    account.now = DECEMBER + MINUTE
    account.spend("E1", 1)

    account.look()

    assert spent(account.journal) == {"E1": (0, 25)}
    assert spent(account.journal, "2026-12") == {"E1": (0, 1)}


def test_empty_until_then() -> None:
    """What comes between an empty list and the end of its month is found in the next month."""
    account = SharedAccount({"E1"}, now=DECEMBER - 2 * MINUTE)
    account.look()
    account.spend("E1", 3)
    account.now += EVERY

    account.look()

    assert spent(account.journal) == {"E1": (0, 3)}


def test_rhythm() -> None:
    """Each distribution is looked at once an hour, a swept one often while paths are spent."""
    account = SharedAccount({"E1", "E2"})
    looks: list[int] = []
    for minute in range(180):
        before = account.calls
        account.look("E1", spending=60 <= minute < 70)
        looks += [minute] * (account.calls - before)
        account.now += MINUTE

    often = [*range(60, 130, OFTEN // MINUTE), 120]
    assert looks == sorted([0, 0, 0, 60, 60, *often, 120])


@pytest.mark.parametrize("distributions", [1, 20, 200, MOST_DISTRIBUTIONS])
def test_bounded(distributions: int) -> None:
    """No tick makes more calls than it may, and every distribution is looked at within an hour."""
    account = SharedAccount({f"E{number}" for number in range(distributions)})
    for _ in range(120):
        before = account.calls
        account.look()
        assert account.calls - before <= MOST_CALLS
        account.now += MINUTE

    others = account.journal.ledger(MONTH).others
    assert not others.unread
    assert others.since is not None
    assert account.now - others.since <= 2 * EVERY
    assert account.calls <= 2 * (distributions + 6) + 6


def test_cut() -> None:
    """A look that is cut keeps both ends of the unread stretch, and is a lower bound till then."""
    account = SharedAccount({"E1"})
    for _ in range(50):
        account.spend("E1", 2)
        account.now += MINUTE

    account.look()
    assert account.journal.ledger(MONTH).others.unread
    assert account.journal.ledger(MONTH).paths == 2 * (MOST_CALLS - 2)
    for _ in range(2):
        account.now += MINUTE
        account.spend("E1", 1)
        account.auditor = account.audited_by(account.journal)
        account.look()

    assert spent(account.journal) == {"E1": (0, 102)}
    assert not account.journal.ledger(MONTH).others.unread


@given(
    st.lists(st.tuples(st.integers(0, 45), st.integers(0, 90), st.booleans()), max_size=12),
    st.integers(3, MOST_CALLS),
)
def test_all(steps: list[tuple[int, int, bool]], calls: int) -> None:
    """In the end everything is counted once, even if calls are cut off, forgotten or throttled."""
    account = SharedAccount({"E1", "E2"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgesweep.flush.auditing.MOST_CALLS", calls)
        for many, minutes, forgets in steps:
            for number in range(many):
                account.spend(f"E{1 + number % 2}", 1 + number % 3)
            account.refused = {"E1": "Throttling"} if forgets and many % 2 else {}
            if forgets:
                account.auditor = account.audited_by(account.journal)
            account.look("E1", spending=bool(many))
            assert account.journal.ledger(MONTH).paths <= sum(account.strict.billed().values())
            account.now += minutes * MINUTE
        account.refused = {}
        for _ in range(400):
            account.now += MINUTE
            account.look()

    assert account.journal.ledger(MONTH).paths == account.strict.billed().get(MONTH, 0)


def test_denied() -> None:
    """What may not be read is named each hour, and the others are counted."""
    account = SharedAccount({"E1", "E2"}, refused={"E1": "AccessDenied"})
    account.spend("E1", 5)
    account.spend("E2", 5)

    first, calls = account.look(), account.calls
    account.now += MINUTE
    second = account.look()
    assert (account.calls, second.refusals) == (calls, {})
    account.now += EVERY
    account.refused = {}
    third = account.look()

    assert ("AccessDenied" in first.refusals["E1"], first.others, third.refusals) == (True, 5, {})
    assert spent(account.journal) == {"E1": (0, 5), "E2": (0, 5)}
    assert not account.journal.ledger(MONTH).others.unread


def test_denied_meanwhile() -> None:
    """What was read before the permission was taken away is not counted again."""
    account = SharedAccount({"E1"})
    account.spend("E1", 5)
    account.spend("E1", 7)
    read = account.get_invalidation

    def once(**request: str) -> Mapping[str, object]:
        account.refused = {"E1": "AccessDenied"}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(account, "refused", {})
            return read(**request)

    account.get_invalidation = lambda **request: (  # type: ignore[method-assign]  # the first
        read(**request) if account.refused else once(**request)
    )
    assert account.look().refusals.keys() == {"E1"}
    account.get_invalidation = read  # type: ignore[method-assign]  # as it was
    account.refused = {}
    account.now += EVERY
    account.look()

    assert spent(account.journal) == {"E1": (0, 12)}


@pytest.mark.parametrize("refused", [{"": "AccessDenied"}, {}])
def test_unlisted(refused: dict[str, str]) -> None:
    """Without a list, or with too long a one, swept distributions alone are looked at."""
    many = {f"E{number}" for number in range(3 if refused else MOST_DISTRIBUTIONS + 1)}
    account = SharedAccount(many, refused=dict(refused))
    account.spend("E1", 5)
    account.spend("E2", 5)

    done = account.look("E1")

    assert ("AccessDenied" if refused else "more than 500 distributions") in done.refusals[""]
    assert spent(account.journal) == {"E1": (0, 5)}
    assert account.journal.looks().refusals.keys() == {""}


def test_listed_again() -> None:
    """What was counted before a list was refused, or lacked it, is not counted again."""
    account = SharedAccount({"E1", "E2", "E3"})
    account.spend("E1", 5)
    account.look()
    for refused in ({"": "AccessDenied"}, {}):
        account.refused = refused
        account.distributions -= set() if refused else {"E1"}
        account.now += EVERY
        account.look("E3")
    account.distributions.add("E1")
    for _ in range(3):
        account.now += EVERY
        account.look("E3")

    assert spent(account.journal) == {"E1": (0, 5)}


def test_busy() -> None:
    """A throttled account is asked less and less, an hour apart at most, until it answers."""
    account = SharedAccount({"E1"}, refused={"E1": "Throttling"})
    asked: list[int] = []
    for minute in range(300):
        before = account.calls
        account.look()
        asked += [minute] if account.calls > before else []
        account.now += MINUTE
    account.refused = {}
    account.spend("E1", 1)
    account.now += EVERY
    account.look()

    assert asked == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
    assert spent(account.journal) == {"E1": (0, 1)}


def test_tenants() -> None:
    """A distribution for tenants is said not to be counted, and is not asked for."""
    account = SharedAccount({"E1"}, tenants={"E1"})

    done = account.look()

    assert (account.calls, done.refusals) == (1, {})
    (look,) = account.journal.looks().each
    assert (look.hidden, look.unread) == ("invalidations of its tenants are not counted", False)


def test_gone() -> None:
    """A distribution that is deleted keeps what it has cost, and is forgotten in another month."""
    account = SharedAccount({"E1", "E2"})
    account.spend("E2", 5)
    account.look()
    account.distributions.discard("E2")
    account.now += 2 * EVERY
    account.look()
    assert len(account.journal.looks().each) == 2

    account.now = DECEMBER + EVERY
    account.look()

    assert spent(account.journal) == {"E2": (0, 5)}
    assert [one.distribution for one in account.journal.looks().each] == ["E1"]
