"""An HTTP endpoint on loopback that serves viewers of one distribution of an embedded AWS.

A thread reads the distribution's configuration and its invalidations again and again. An
invalidation takes effect a moment after it was created, as at an edge: "Invalidations take effect
in under 5 seconds at P95." Until then the embedded AWS calls it in progress: a tag of the
distribution tells how many the edge has taken.
"""

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.edge.config import Distribution, read
from infra.local.edge.functions import Node
from infra.local.edge.s3 import REDIRECT, Answer, Website
from infra.local.edge.serve import Edge

_POLL_SECONDS = 0.25
_TAKEN = "taken"
_HEADERS = {"CacheControl": "cache-control", "ContentType": "content-type"}


class LiveBuckets:
    """Buckets as a boto3 client reads them."""

    def __init__(self, s3: Any) -> None:  # noqa: ANN401  # a boto3 client
        self._s3 = s3

    def read(self, bucket: str, key: str) -> Answer | None:
        """Return an object, None if there is none."""
        try:
            found = self._s3.get_object(Bucket=bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        headers = {name: str(found[field]) for field, name in _HEADERS.items() if field in found}
        if found.get("ExpiresString"):
            headers["expires"] = found["ExpiresString"]
        if found.get("WebsiteRedirectLocation"):
            headers[REDIRECT] = found["WebsiteRedirectLocation"]
        return Answer(200, found["Body"].read(), headers)

    def website(self, bucket: str) -> Website:
        """Return a bucket's website configuration."""
        found = self._s3.get_bucket_website(Bucket=bucket)
        index = found.get("IndexDocument", {}).get("Suffix", "index.html")
        return Website(index, found.get("ErrorDocument", {}).get("Key", ""))


class Following:
    """Keeps an edge as its distribution is configured, and lets it take invalidations.

    Args:
        cloudfront: a boto3 client.
        identity: the distribution's id.
        edge: what serves it.
        delay: seconds from the creation of an invalidation until the edge forgets.

    Attributes:
        taken: ids of the invalidations that the edge has taken.
        lock: held while the edge answers, and while it changes.
    """

    def __init__(self, cloudfront: Any, identity: str, edge: Edge, delay: float) -> None:  # noqa: ANN401  # as above
        self._cloudfront = cloudfront
        self._identity = identity
        self._arn = cloudfront.get_distribution(Id=identity)["Distribution"]["ARN"]
        self._edge = edge
        self._delay = delay
        self._due: dict[str, float] = {}
        self._told = -1
        self.taken: set[str] = set()
        self.lock = threading.Lock()

    def look(self, now: float) -> None:
        """Look once at the configuration and at the invalidations."""
        configured = configuration(self._cloudfront, self._identity)
        for identity in self._listed():
            self._due.setdefault(identity, now + self._delay)
        due = [name for name, at in self._due.items() if at <= now and name not in self.taken]
        paths = [path for name in due for path in self._paths(name)]
        with self.lock:
            self._edge.distribution = configured
            self._edge.forget(paths)
        self.taken.update(due)
        self._tell()

    def _tell(self) -> None:
        if self._told != len(self.taken):
            self._told = len(self.taken)
            tags = {"Items": [{"Key": _TAKEN, "Value": str(self._told)}]}
            self._cloudfront.tag_resource(Resource=self._arn, Tags=tags)

    def leave(self) -> None:
        """Leave every invalidation to be completed at once."""
        keys = {"Items": [_TAKEN]}
        self._cloudfront.untag_resource(Resource=self._arn, TagKeys=keys)

    def _listed(self) -> Iterator[str]:
        pages = self._cloudfront.get_paginator("list_invalidations")
        for page in pages.paginate(DistributionId=self._identity):
            for listed in page["InvalidationList"].get("Items", ()):
                yield listed["Id"]

    def _paths(self, invalidation: str) -> Sequence[str]:
        found = self._cloudfront.get_invalidation(DistributionId=self._identity, Id=invalidation)
        paths: Sequence[str] = found["Invalidation"]["InvalidationBatch"]["Paths"]["Items"]
        return paths


def configuration(cloudfront: Any, identity: str) -> Distribution:  # noqa: ANN401  # as above
    """Return a distribution as it is configured now."""
    config = cloudfront.get_distribution_config(Id=identity)["DistributionConfig"]
    behaviours = [
        config["DefaultCacheBehavior"],
        *config.get("CacheBehaviors", {}).get("Items", []),
    ]
    policies = {
        name: cloudfront.get_cache_policy(Id=name)["CachePolicy"]["CachePolicyConfig"]
        for name in {one["CachePolicyId"] for one in behaviours if one.get("CachePolicyId")}
    }
    return read(config, policies)


@dataclass(frozen=True, slots=True)
class Served:
    """A distribution that is served.

    Attributes:
        url: the endpoint.
        taken: ids of the invalidations that the edge has taken.
    """

    url: str
    taken: Collection[str]


@contextmanager
def serving(
    clients: Mapping[str, Any],
    identity: str,
    *,
    delay: float = 1.0,
    code: Mapping[str, str] | None = None,
    listable: bool = True,
) -> Iterator[Served]:
    """Serve a distribution during the block.

    Args:
        clients: boto3 clients for `s3` and `cloudfront`.
        identity: the distribution's id.
        delay: seconds until an invalidation takes effect.
        code: ARN of a CloudFront Function -> its JavaScript.
        listable: whether the distribution may list its buckets.
    """
    cloudfront = clients["cloudfront"]
    configured = configuration(cloudfront, identity)
    buckets = LiveBuckets(clients["s3"])
    with Node() if code else nullcontext() as node:
        edge = Edge(configured, buckets, time.time, node, code or {}, listable=listable)
        following = Following(cloudfront, identity, edge, delay)
        following.look(time.time())
        with _served(edge, following) as url:
            yield Served(url, following.taken)
        following.leave()


@contextmanager
def _served(edge: Edge, following: Following) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(edge, following.lock))
    ended = threading.Event()
    threads = [
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True),
        threading.Thread(target=_follow, args=(following, ended), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        ended.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()


def _follow(following: Following, ended: threading.Event) -> None:
    while not ended.wait(_POLL_SECONDS):
        following.look(time.time())


def _handler(edge: Edge, lock: threading.Lock) -> type[BaseHTTPRequestHandler]:
    class Viewer(BaseHTTPRequestHandler):
        """Answers viewers."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer a GET; the header X-Cache says where the answer came from."""
            with lock:
                hits = edge.hits
                answer = edge.get(self.path, dict(self.headers.items()))
                missed = edge.hits == hits
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("X-Cache", "Miss from cloudfront" if missed else "Hit from cloudfront")
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the library's name
            """Say nothing."""

    return Viewer
