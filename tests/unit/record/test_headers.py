"""Which headers of an object make another fingerprint."""

import pytest

from edgesweep.record.headers import BOOKKEEPING, fingerprints


@pytest.mark.parametrize(
    "change",
    [
        {"content-type": "text/plain"},
        {"cache-control": "no-cache"},
        {"content-encoding": "gzip"},
        {"content-language": "fr"},
        {"content-disposition": "inline"},
        {"expires": "Thu, 01 Dec 2026 16:00:00 GMT"},
        {"x-amz-website-redirect-location": "/there"},
        {"x-amz-meta-build": "2"},
    ],
)
def test_viewed(change: dict[str, str]) -> None:
    """A header that viewers see makes another fingerprint, by its value and by being there."""
    headers = {"content-type": "text/html", "x-amz-meta-build": "1"}

    assert fingerprints(headers | change)[0] != fingerprints(headers)[0]


def test_not_viewed() -> None:
    """Headers that say nothing of the object, and their order, make no difference."""
    headers = {"content-type": "text/html", "x-amz-meta-build": "1"}
    others = {"date": "now", "x-amz-request-id": "4442587FB7D0A2F9", "x-amz-version-id": "3"}

    assert fingerprints(others | dict(reversed(headers.items()))) == fingerprints(headers)


def test_ambiguous() -> None:
    """No value can be mistaken for another header."""
    one = {"x-amz-meta-a": 'b"], ["x-amz-meta-c", "d'}
    two = {"x-amz-meta-a": "b", "x-amz-meta-c": "d"}

    assert fingerprints(one) != fingerprints(two)


@pytest.mark.parametrize("name", [*BOOKKEEPING, "build", "ci-run"])
def test_bookkeeping(name: str) -> None:
    """What tools keep for themselves, or the user ignores, makes no difference."""
    headers = {"content-type": "text/html", "x-amz-meta-author": "me"}
    kept = [headers | {f"x-amz-meta-{name}": value} for value in "12"]

    assert len({fingerprints(one, ["build", "ci-*"])[0] for one in [headers, *kept]}) == 1


def test_released() -> None:
    """An entry of release 0.1.0 confirms what it was made of."""
    headers = {"content-type": "text/html", "x-amz-meta-mtime": "1"}
    released = "e04131513234cbe9740fd9d14880f0692b356610f3da283959bcbeaf9bfa6bb4"

    assert released in fingerprints(headers)
