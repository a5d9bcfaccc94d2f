"""Which rows a batch of messages becomes, and which messages have to come back."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest

from edgesweep.dirty import UNROUTED, Kind
from edgesweep.record.recorder import Fate, Recorded, Recorder, Selection
from edgesweep.routes import Behaviour, Distribution, Origin, Routes
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.routes import routes_in_memory
from tests.keys import HARD_KEYS
from tests.messages import NOON, notification

SOON = NOON + timedelta(seconds=2)


def tokens() -> Callable[[], str]:
    """Return a source of distinct tokens."""
    numbers = count(1)
    return lambda: f"{next(numbers):08x}"


def recorder(writer: DirtyRowsInMemory, served: Routes | None = None) -> Recorder:
    """Return a recorder for one distribution, or for those that are given."""
    return Recorder(served or routes_in_memory(), writer, tokens())


def batch(*bodies: str) -> dict[str, str]:
    """Return messages with the ids m0, m1, and so on."""
    return {f"m{number}": body for number, body in enumerate(bodies)}


def keys(writer: DirtyRowsInMemory) -> list[str]:
    """Return the key of each row, in the order of writing."""
    return [row.change.key for row in writer.rows]


def test_row() -> None:
    """A change becomes a row of the distribution, recorded at the time that is passed in."""
    writer = DirtyRowsInMemory()

    recorded = recorder(writer).record(batch(notification("a b.html")), SOON)

    (row,) = writer.rows
    assert (row.distribution, row.recorded_at, row.token) == ("E1", SOON, "00000001")
    assert (row.change.bucket, row.change.key, row.change.kind) == (
        "site",
        "a b.html",
        Kind.CREATED,
    )
    assert row.change.changed_at == NOON
    assert recorded == Recorded(rows=1, unrouted=0, failed={})


def test_hard_keys() -> None:
    """Every key arrives in its row, character by character."""
    writer = DirtyRowsInMemory()

    recorded = recorder(writer).record(batch(*map(notification, HARD_KEYS)), SOON)

    assert keys(writer) == list(HARD_KEYS)
    assert recorded.failed == {}


def test_duplicates() -> None:
    """A key has one row however many messages and records report it."""
    writer = DirtyRowsInMemory()
    bodies = [notification("a", "b", "a"), notification("b"), notification("b", "c")]

    recorded = recorder(writer).record(batch(*bodies), SOON)

    assert sorted(keys(writer)) == ["a", "b", "c"]
    assert recorded.rows == 3


def test_distinct_buckets() -> None:
    """The same key in two buckets is two objects."""
    writer = DirtyRowsInMemory()
    bodies = [notification("a", bucket=bucket) for bucket in ("one", "two")]

    recorder(writer).record(batch(*bodies), SOON)

    assert [row.change.bucket for row in writer.rows] == ["one", "two"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_latest(order: tuple[int, ...]) -> None:
    """Of several changes of one key the latest is kept, in whatever order they arrive."""
    writer = DirtyRowsInMemory()
    bodies = [
        notification("a", at=NOON),
        notification("a", at=NOON + timedelta(milliseconds=1)),
        notification("a", at=NOON + timedelta(seconds=1), event="ObjectRemoved:Delete"),
    ]

    recorder(writer).record(batch(*(bodies[n] for n in order)), SOON)

    (row,) = writer.rows
    assert row.change.kind == Kind.REMOVED


@pytest.mark.parametrize("reverse", [False, True])
def test_latest_in_message(reverse: bool) -> None:  # noqa: FBT001  # a parameter
    """The latest change of one key is kept when one message holds several, in any order."""
    writer = DirtyRowsInMemory()
    created = json.loads(notification("a"))["Records"]
    removed = json.loads(notification("a", at=SOON, event="ObjectRemoved:Delete"))["Records"]
    records = (created + removed)[:: -1 if reverse else 1]

    recorder(writer).record(batch(json.dumps({"Records": records})), SOON)

    (row,) = writer.rows
    assert row.change.kind == Kind.REMOVED


def test_same_time() -> None:
    """Of two changes at the same millisecond the one that arrives later is kept."""
    writer = DirtyRowsInMemory()

    recorder(writer).record(
        batch(notification("a"), notification("a", event="ObjectRemoved:Delete")), SOON
    )

    (row,) = writer.rows
    assert row.change.kind == Kind.REMOVED


def test_several_distributions() -> None:
    """An object that two distributions serve has a row for each."""
    writer = DirtyRowsInMemory()

    recorded = recorder(writer, routes_in_memory({"site": ("E1", "E2")})).record(
        batch(notification("a")), SOON
    )

    assert [(row.distribution, row.change.key) for row in writer.rows] == [("E1", "a"), ("E2", "a")]
    assert recorded == Recorded(rows=2, unrouted=0, failed={})


def test_unrouted() -> None:
    """A change in a bucket without a distribution is kept apart and counted, not dropped."""
    writer = DirtyRowsInMemory()
    bodies = [notification("a"), notification("b", bucket="stray"), notification("c")]

    recorded = recorder(writer, routes_in_memory({"site": ("E1",)})).record(batch(*bodies), SOON)

    assert [row.change.key for row in writer.rows if row.distribution == UNROUTED] == ["b"]
    assert recorded == Recorded(rows=3, unrouted=1, failed={})


def test_unserved() -> None:
    """A change that no distribution of its bucket serves makes no row, and is counted."""
    writer = DirtyRowsInMemory()

    recorded = recorder(writer, routes_in_memory(unserved=["a", "b"])).record(
        batch(notification("a"), notification("a", "b")), SOON
    )

    assert writer.rows == []
    assert (recorded.rows, recorded.unrouted, recorded.failed) == (0, 0, {})
    assert recorded.passed_over == {Fate.UNSERVED: 2}
    assert recorded.unserved == (("site", "a"), ("site", "b"))


def test_uncached() -> None:
    """A change of an object that no cache keeps makes no row, and nobody is alarmed."""
    writer = DirtyRowsInMemory()
    behaviour = Behaviour(origins=(Origin("site"),), caches=False, keeps_errors=False)

    recorded = recorder(writer, Routes([Distribution("E1", (behaviour,))])).record(
        batch(notification("index.html")), SOON
    )

    assert (writer.rows, recorded.unserved) == ([], ())
    assert recorded.passed_over == {Fate.UNCACHED: 1}


def test_selection() -> None:
    """What is excluded or declared immutable makes no row, served or not, and is counted."""
    writer = DirtyRowsInMemory()
    selection = Selection(exclude=["logs/*"], immutable=["assets/*"])
    bodies = [notification("a", "logs/1", "assets/x.js"), notification("logs/2", bucket="stray")]

    recorded = Recorder(
        routes_in_memory({"site": ("E1",)}), writer, tokens(), selection=selection
    ).record(batch(*bodies), SOON)

    assert keys(writer) == ["a"]
    assert recorded.passed_over == {Fate.EXCLUDED: 2, Fate.IMMUTABLE: 1}


@pytest.mark.parametrize(
    ("event", "expected"),
    [("ObjectCreated:Put", ["assets/x.js"]), ("ObjectRemoved:Delete", [])],
)
def test_immutable_missing(event: str, expected: list[str]) -> None:
    """A new object that never changes makes a row where it may be said to be missing for long."""
    writer = DirtyRowsInMemory()
    routes = routes_in_memory(missing=["assets/x.js"])
    body = notification("assets/x.js", "assets/y.js", event=event)

    Recorder(routes, writer, tokens(), selection=Selection(immutable=["assets/*"])).record(
        batch(body), SOON
    )

    assert keys(writer) == expected


def test_not_understood() -> None:
    """A message that is not understood comes back alone, with the reason."""
    writer = DirtyRowsInMemory()
    bodies = [notification("a"), "nonsense", notification("b")]

    recorded = recorder(writer).record(batch(*bodies), SOON)

    assert keys(writer) == ["a", "b"]
    assert recorded.rows == 2
    assert recorded.failed == {"m1": "The message is not JSON: 'nonsense'"}


def test_partly_understood() -> None:
    """A message of which one record is not understood leaves no row behind."""
    writer = DirtyRowsInMemory()
    message = json.loads(notification("good", "bad"))
    message["Records"][1]["s3"]["object"]["key"] = ""

    recorded = recorder(writer).record(batch(json.dumps(message)), SOON)

    assert list(recorded.failed) == ["m0"]
    assert writer.rows == []


def test_nothing_changed() -> None:
    """A test event and an event that changes no byte are acknowledged without a row."""
    writer = DirtyRowsInMemory()
    bodies = ['{"Event": "s3:TestEvent"}', notification("a", event="ObjectTagging:Put")]

    recorded = recorder(writer).record(batch(*bodies), SOON)

    assert recorded == Recorded(rows=0, unrouted=0, failed={})
    assert writer.rows == []


def test_no_message() -> None:
    """An empty batch is not an error."""
    assert recorder(DirtyRowsInMemory()).record({}, SOON) == Recorded(0, 0, {})


def test_not_written() -> None:
    """Exactly the messages whose rows were not written come back, with the reason."""
    writer = DirtyRowsInMemory(room=25)

    recorded = recorder(writer).record(batch(*(notification(f"{n}.html") for n in range(60))), SOON)

    assert len(writer.rows) == recorded.rows == 25
    assert recorded.failed == {f"m{n}": "The table is full" for n in range(25, 60)}


def test_shared_row_not_written() -> None:
    """Every message that asks for a row comes back if the row was not written, and no other."""
    writer = DirtyRowsInMemory(room=1)
    bodies = [notification("a"), notification("b"), notification("a", "b"), notification("a")]

    recorded = recorder(writer).record(batch(*bodies), SOON)

    assert keys(writer) == ["a"]
    assert set(recorded.failed) == {"m1", "m2"}


def test_one_distribution_not_written() -> None:
    """A message comes back unless its rows of all distributions were written."""
    writer = DirtyRowsInMemory(room=1)

    recorded = recorder(writer, routes_in_memory({"site": ("E1", "E2")})).record(
        batch(notification("a")), SOON
    )

    assert recorded.rows == 1
    assert set(recorded.failed) == {"m0"}


def test_unrouted_not_written() -> None:
    """Only rows that were written count as unrouted."""
    recorded = recorder(DirtyRowsInMemory(room=0), routes_in_memory({})).record(
        batch(notification("a")), SOON
    )

    assert (recorded.rows, recorded.unrouted) == (0, 0)


def test_recorded_again() -> None:
    """A batch that is delivered again becomes new rows; the old ones stay as they are."""
    writer = DirtyRowsInMemory()
    messages = batch(notification("a"), notification("b"))
    again = recorder(writer)
    again.record(messages, NOON)
    before = list(writer.rows)

    again.record(messages, SOON)

    assert writer.rows[:2] == before
    assert keys(writer) == ["a", "b", "a", "b"]


def test_shards() -> None:
    """Rows are dealt to all shards of a distribution, and to no other."""
    writer = DirtyRowsInMemory()
    sharded = Recorder(routes_in_memory(), writer, tokens(), shards=4)

    sharded.record(batch(*(notification(str(n)) for n in range(40))), SOON)

    assert {row.partition for row in writer.rows} == {"E1#0", "E1#1", "E1#2", "E1#3"}
