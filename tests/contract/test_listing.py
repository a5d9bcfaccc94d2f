"""What every listing of buckets promises, held against the fake and against S3."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.stub import Stubber
from moto import mock_aws
from moto.s3.models import s3_backends

from edgesweep.aws.cloudfront import READING_CONFIG
from edgesweep.aws.s3 import LISTING_CONFIG, S3Listing
from edgesweep.cover.survey import Listing
from edgesweep.errors import Unlistable
from edgesweep.flush.journal import LEASE_TERM
from tests.aws import http_response, listening
from tests.fakes.listing import ListingInMemory
from tests.keys import HARD_KEYS

BUCKET = "site"
# S3 sorts by UTF-8; UTF-16 would turn the last two around.
ORDERED = ["a", "a b", "a%20b", "a+b", "a/b", "aé", "b", "\uffee", "\U0001f600"]

Holding = Callable[[Iterable[str]], Listing]


class Contract:
    """The promises; a subclass says who makes them."""

    @pytest.fixture
    def holding(self) -> Holding:
        """Return what makes a listing of one bucket that holds some keys."""
        raise AssertionError

    def test_empty(self, holding: Holding) -> None:
        """An empty bucket has one page without a key."""
        assert holding([]).page(BUCKET, "", "") == ([], False)

    def test_order(self, holding: Holding) -> None:
        """Keys come decoded, and in the order of their text."""
        listing = holding(reversed(ORDERED))

        assert listing.page(BUCKET, "", "") == (ORDERED, False)
        assert sorted(ORDERED) == ORDERED

    def test_after(self, holding: Holding) -> None:
        """A page starts just after any key, whatever it holds."""
        listing = holding(ORDERED)

        for place, after in enumerate(ORDERED, 1):
            assert listing.page(BUCKET, "", after) == (ORDERED[place:], False)

    def test_after_no_key(self, holding: Holding) -> None:
        """What a page starts after need not exist."""
        assert holding(["a", "c"]).page(BUCKET, "", "b") == (["c"], False)

    def test_prefix(self, holding: Holding) -> None:
        """Only keys under the prefix are listed, itself included; it need not be a folder."""
        listing = holding(["blo", "blog", "blog/a", "blog/b", "blogs/c", "c"])

        assert listing.page(BUCKET, "blog", "") == (["blog", "blog/a", "blog/b", "blogs/c"], False)
        assert listing.page(BUCKET, "blog/", "blog/a") == (["blog/b"], False)
        assert listing.page(BUCKET, "nothing", "") == ([], False)

    def test_hard_keys(self, holding: Holding) -> None:
        """A key that is hard to write comes back as it is, and is found under itself."""
        listing = holding(HARD_KEYS)

        assert listing.page(BUCKET, "", "") == (sorted(HARD_KEYS), False)
        for key in HARD_KEYS:
            under = [other for other in sorted(HARD_KEYS) if other.startswith(key)]
            assert listing.page(BUCKET, key, "") == (under, False)

    def test_pages(self, holding: Holding) -> None:
        """A page holds a thousand keys; the next one starts after its last."""
        keys = [f"{number:04}" for number in range(1_001)]
        listing = holding(keys)

        assert listing.page(BUCKET, "", "") == (keys[:1_000], True)
        assert listing.page(BUCKET, "", keys[999]) == (keys[1_000:], False)
        assert listing.page(BUCKET, "", keys[0]) == (keys[1:], False)

    def test_unlistable(self, holding: Holding) -> None:
        """A bucket that is not there is refused by name."""
        with pytest.raises(Unlistable, match="The bucket elsewhere cannot be listed"):
            holding([]).page("elsewhere", "", "")


class TestInMemory(Contract):
    """The fake keeps them."""

    @pytest.fixture
    def holding(self) -> Holding:
        """Return what makes a fake."""
        return lambda keys: ListingInMemory({BUCKET: keys})


class TestS3(Contract):
    """S3 keeps them."""

    @pytest.fixture
    def holding(self) -> Iterator[Holding]:
        """Return what fills a bucket in memory."""
        with mock_aws():
            client = boto3.client("s3")
            client.create_bucket(Bucket=BUCKET)

            def hold(keys: Iterable[str]) -> Listing:
                backend = s3_backends["123456789012"]["aws"]
                for key in keys:
                    backend.put_object(BUCKET, key, b"")
                return S3Listing(client)

            yield hold
            client.close()


@pytest.mark.parametrize("code", ["AccessDenied", "AllAccessDisabled", "SlowDown", "InternalError"])
def test_refused(code: str) -> None:
    """If S3 answers anything but a page, the bucket cannot be listed, and the error says why."""
    client = boto3.client("s3")
    with Stubber(client) as answers:
        answers.add_client_error("list_objects_v2", code)
        with pytest.raises(Unlistable, match=f"^The bucket {BUCKET} cannot be listed: .*{code}"):
            S3Listing(client).page(BUCKET, "", "")


@pytest.mark.parametrize(
    "failure", [ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError, SSLError]
)
def test_unreachable(failure: Callable[..., BotoCoreError]) -> None:
    """If S3 cannot be reached, the bucket cannot be listed either."""

    def unplug(**_: object) -> None:
        raise failure(endpoint_url="https://s3.example", error="unplugged")

    with listening("before-send.s3", unplug):
        client = boto3.client("s3", config=Config(retries={"max_attempts": 0}))
        with pytest.raises(Unlistable, match=r"https://s3\.example"):
            S3Listing(client).page(BUCKET, "", "")


def test_broken_off() -> None:
    """Nor can it if S3's answer ends within a page."""

    def break_off(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return http_response(request, 200, b"<ListBucketResult><Contents>")

    with listening("before-send.s3", break_off):
        client = boto3.client("s3", config=Config(retries={"max_attempts": 0}))
        with pytest.raises(Unlistable):
            S3Listing(client).page(BUCKET, "", "")


@pytest.mark.parametrize("config", [LISTING_CONFIG, READING_CONFIG])
def test_ends(config: Any) -> None:  # noqa: ANN401  # of botocore
    """Reading that AWS does not answer ends before the lease of its flusher does."""
    attempts = config.retries["total_max_attempts"]
    pauses = sum(2**attempt for attempt in range(attempts - 1))

    seconds = attempts * (config.connect_timeout + config.read_timeout) + pauses

    assert timedelta(seconds=seconds) < LEASE_TERM
