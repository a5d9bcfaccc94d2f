"""Server access logs and CloudTrail's events are read as publish histories."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgesweep.errors import BadInput
from edgesweep.lab.history import Deploy
from edgesweep.lab.logs import read


def line(  # noqa: PLR0913, PLR0917  # the fields that a test is about
    time: str, operation: str, key: str, status: str = "200", error: str = "-", bucket: str = "site"
) -> str:
    """Return a line of a server access log on 1 October 2026."""
    uri = '"PUT /site/x?y HTTP/1.1"' if operation.startswith("REST") else "-"
    return (
        f"79a59df9 {bucket} [01/Oct/2026:{time}] 192.0.2.3 arn:aws:iam::1:user/u 3E57427F "
        f'{operation} {key} {uri} {status} {error} - 1 2 3 "-" "aws-cli (a "b" c)" - s9lzHY=\n'
    )


def event(time: str, name: str, **more: object) -> dict[str, object]:
    """Return an event of CloudTrail."""
    event: dict[str, object] = {
        "eventTime": time,
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "requestParameters": {"bucketName": "site", "key": "a b"},
    }
    return {**event, **more}


def at(hour: int, minute: int, second: int) -> datetime:
    """Return a time on 1 October 2026."""
    return datetime(2026, 10, 1, hour, minute, second, tzinfo=UTC)


def test_access_log(tmp_path: Path) -> None:
    """Writes and removals are deploys up to a quiet time, whatever order and zone they come in."""
    (tmp_path / "b").write_text(
        line("12:05:00 +0000", "REST.DELETE.OBJECT", "old.html", "204")
        + line("14:05:09 +0200", "REST.COPY.OBJECT", "a%2520b")
        + line("12:05:19 +0000", "BATCH.DELETE.OBJECT", "100%25.html", "204")
        + line("12:05:20 +0000", "REST.PUT.OBJECT", "denied", "403", "AccessDenied")
    )
    (tmp_path / "a.gz").write_bytes(
        gzip.compress(
            (
                line("11:00:00 +0000", "REST.GET.OBJECT", "index.html")
                + line("12:05:03 +0000", "REST.PUT.OBJECT", "index.html")
                + line("11:00:00 +0000", "REST.GET.OBJECT", "missing", "404", "NoSuchKey")
                + line("12:05:04 +0000", "REST.POST.UPLOAD", "big.bin")
                + line("12:05:05 +0000", "REST.PUT.PART", "big.bin")
                + line("13:00:00 +0000", "S3.EXPIRE.OBJECT", "big.bin", "-")
                + line("13:00:00 +0000", "REST.PUT.OBJECT", "x", bucket="other")
            ).encode(),
            mtime=0,
        )
    )

    logs = read(tmp_path)

    assert (logs.records, logs.malformed, logs.unnamed) == (11, 0, 0)
    other, site = logs.histories
    assert (other.name, site.name) == ("other", "site")
    assert site.live == ["100%.html", "index.html", "old.html"]
    assert site.deploys == (
        Deploy(at(12, 5, 9), ["a b", "big.bin", "index.html"], ["old.html"]),
        Deploy(at(12, 5, 19), [], ["100%.html"]),
        Deploy(at(13, 0, 0), [], ["big.bin"]),
    )


def test_cloudtrail(tmp_path: Path) -> None:
    """CloudTrail's keys are taken as they are; what it does not tell is counted."""
    path = tmp_path / "trail.json.gz"
    records = [
        event("2026-10-01T12:00:00Z", "PutObject"),
        event("2026-10-01T14:00:05+02:00", "DeleteObject"),
        event("2026-10-01T12:00:06Z", "CompleteMultipartUpload", errorCode="AccessDenied"),
        event("2026-10-01T12:00:07Z", "DeleteObjects", requestParameters={"bucketName": "site"}),
        event("2026-10-01T12:00:08Z", "PutObjectTagging"),
        event("2026-10-01T12:00:09Z", "RunInstances", eventSource="ec2.amazonaws.com"),
        event("2026-10-01T13:00:00Z", "CopyObject"),
        event("2026-10-01T13:00:00", "CopyObject"),
        event("2026-10-01T13:00:00Z", "PutObject", requestParameters=None),
        {"eventName": "PutObject"},
        7,
    ]
    path.write_bytes(gzip.compress(json.dumps({"Records": records}).encode(), mtime=0))

    logs = read(path)

    assert (logs.records, logs.malformed, logs.unnamed) == (11, 4, 1)
    (history,) = logs.histories
    assert history.deploys == (
        Deploy(at(12, 0, 5), [], ["a b"]),
        Deploy(at(13, 0, 0), ["a b"], []),
    )
    assert [step.live for step in history.steps()] == [[], ["/a b"]]


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense\n",
        line("25:00:00 +0000", "REST.PUT.OBJECT", "a"),
        line("12:00:00", "REST.PUT.OBJECT", "a"),
        line("12:00:00 +0000", "REST.PUT.OBJECT", "%25FF"),
        line("12:00:00 +0000", "REST.PUT.OBJECT", "a").replace("Oct", "Okt"),
    ],
)
def test_malformed(tmp_path: Path, bad: str) -> None:
    """A malformed line is counted; only if all are is that refused."""
    path = tmp_path / "log"
    path.write_text(bad + line("12:00:00 +0000", "REST.PUT.OBJECT", "a"))

    assert (read(path).records, read(path).malformed) == (2, 1)

    path.write_text(bad)
    with pytest.raises(BadInput, match="none of 1 records is one of S3 server access logs"):
        read(path)


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_impossible_year(tmp_path: Path, year: str) -> None:
    """An event of a year without bills is read, and refused where it is replayed."""
    events = [event(f"{one}-01-01T00:00:00Z", "PutObject") for one in (year, "2026")]
    (tmp_path / "trail.json").write_text(json.dumps(events))

    (history,) = read(tmp_path).histories
    with pytest.raises(BadInput, match=f"site: deploy [12] is of {year}-01-01"):
        list(history.steps())


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x1f\x8bcut", b'{"Records": ', b'{"a": 1}'])
def test_unreadable(tmp_path: Path, content: bytes) -> None:
    """A file that is not a log counts as one malformed record."""
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "b").write_text(line("12:00:00 +0000", "REST.PUT.OBJECT", "a"))

    assert read(tmp_path).malformed == 1


def test_nothing(tmp_path: Path) -> None:
    """A path that is not there, is empty or reports no change is refused in one line."""
    with pytest.raises(BadInput, match="nowhere is not there"):
        read(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="none of 0 records"):
        read(tmp_path)
    (tmp_path / "a").write_text(line("12:00:00 +0000", "REST.GET.OBJECT", "a"))
    with pytest.raises(BadInput, match="none of 1 records tells of an object written or removed"):
        read(tmp_path)


def test_event_a_line(tmp_path: Path) -> None:
    """CloudTrail's events may come one a line; a line that is not an event is counted."""
    events = [event(f"2026-10-01T12:00:0{n}Z", "PutObject") for n in range(2)]
    text = "\n".join([*map(json.dumps, events), "{", ""])
    (tmp_path / "trail.json").write_text(text)
    (tmp_path / "one.json").write_text(json.dumps(events[0]))

    logs = read(tmp_path)

    assert (logs.records, logs.malformed) == (4, 1)
    assert [deploy.written for deploy in logs.histories[0].deploys] == [["a b"]]
