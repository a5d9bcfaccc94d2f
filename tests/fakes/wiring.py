"""The notification configuration of one bucket, at S3's own HTTP interface."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.aws import http_response, listening

_NOTHING = b"<NotificationConfiguration/>"
_NO_OBJECTS = b"<ListBucketResult/>"
_NO_BUCKET = b"<Error><Code>NoSuchBucket</Code><Message>There is no such bucket</Message></Error>"


class Notifications:
    """Keeps the configuration that was put last, and returns it as S3 does.

    Attributes:
        configuration: the bytes.
        puts: the headers of each request that replaced it.
    """

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self.configuration = _NOTHING
        self.puts: list[dict[str, object]] = []

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Stand in for the network."""
        url = urlsplit(request.url)
        if request.method == "HEAD":
            return http_response(request, 200, b"")
        if url.hostname != f"{self._bucket}.s3.amazonaws.com":
            return http_response(request, 404, _NO_BUCKET)
        if url.query.startswith("list-type"):
            return http_response(request, 200, _NO_OBJECTS)
        assert url.query == "notification"
        if request.method == "GET":
            return http_response(request, 200, self.configuration)
        assert isinstance(request.body, bytes)
        self.configuration = request.body
        self.puts.append(dict(request.headers))
        return http_response(request, 200, b"")


@contextmanager
def notifications_of(bucket: str) -> Iterator[Notifications]:
    """Stand in for S3 in every client made meanwhile; `bucket` is the only one there."""
    wiring = Notifications(bucket)
    with listening("before-send.s3", wiring):
        yield wiring
