"""One request of one viewer: behaviour, functions, cache, origin, error page."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.edge.cache import Cache, Entry, Key, error_seconds, is_error, seconds
from infra.local.edge.config import ERROR_SECONDS, Behaviour, Distribution, Group, Origin, origin_of
from infra.local.edge.functions import FunctionFailed, Node, query_of, viewer_request
from infra.local.edge.s3 import Answer, Buckets, rest, website

# A Lambda@Edge function: the event's request, or its request and response, to another one of these.
Lambda = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Request:
    """The request of a viewer, as functions may have changed it.

    Attributes:
        path: the raw path.
        query: the raw query string, without its question mark.
        headers: names in lower case.
    """

    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Edge:
    """An edge of one distribution.

    Attributes:
        distribution: how it is configured now.
        buckets: what is behind it.
        clock: seconds since 1970.
        node: runs CloudFront Functions; None where there are none.
        code: ARN of a CloudFront Function -> its JavaScript.
        lambdas: ARN of a Lambda@Edge function -> the function.
        servers: host of another origin -> its answer to a raw path.
        listable: whether origins may list their buckets: a missing object is 404, else 403.
        hits: how many requests were answered from the cache.
    """

    distribution: Distribution
    buckets: Buckets
    clock: Callable[[], float]
    node: Node | None = None
    code: Mapping[str, str] = field(default_factory=dict)
    lambdas: Mapping[str, Lambda] = field(default_factory=dict)
    servers: Mapping[str, Callable[[str], Answer]] = field(default_factory=dict)
    listable: bool = True
    cache: Cache = field(default_factory=Cache)
    hits: int = 0

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Answer a viewer's GET of a raw path, with its query string if it has one."""
        return self._serve(_asked(url, headers), self.cache)

    def fresh(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer of an edge that has nothing in its cache."""
        return self._serve(_asked(url, headers), Cache())

    def forget(self, paths: Iterable[str]) -> None:
        """Take an invalidation."""
        self.cache.forget(paths)

    def _serve(self, asked: Request, cache: Cache) -> Answer:
        """Answer a request.

        "CloudFront normalizes URI paths consistent with RFC 3986 and then matches the path with the
        correct cache behavior. Once the cache behavior is matched, CloudFront sends the raw URI
        path to the origin." A function changes the request, and not the behaviour.
        """
        behaviour = self.distribution.behaviour(normalised(asked.path))
        changed = self._viewer_request(behaviour, asked)
        if isinstance(changed, Answer):
            return changed
        request = self._rooted(changed)
        key = _key(behaviour, request)
        kept = cache.get(key, self.clock())
        if kept is not None:
            self.hits += 1
            return kept
        answer = self._fetched(behaviour, request)
        stays = seconds(behaviour, answer, self.clock())
        if is_error(answer):
            answer, stays = self._failed(behaviour, answer, cache)
        if stays > 0:
            # The guide recommends to invalidate the URI of the viewer and the one after a function
            # changed it; the root may be kept as itself or as the default root object.
            names = frozenset(_name(behaviour, one) for one in (asked, changed, request))
            cache.put(key, Entry(answer, self.clock() + stays, names))
        return answer

    def _rooted(self, request: Request) -> Request:
        """Return a request for the root as one for the default root object.

        "When you define a default root object, an end-user request that calls the root of your
        distribution returns the default root object."
        """
        root = self.distribution.root
        if not root:
            return request
        folder = "/" + root.rpartition("/")[0] + "/" if "/" in root else "/"
        if request.path not in ("/", folder):
            return request
        return Request("/" + root, request.query, request.headers)

    def _viewer_request(self, behaviour: Behaviour, asked: Request) -> Request | Answer:
        """Return a request after the viewer-request function, or the answer that it gave."""
        if arn := behaviour.lambdas.get("viewer-request"):
            changed = self.lambdas[arn]({"uri": asked.path, "querystring": asked.query})
            return Request(changed["uri"], changed.get("querystring", ""), asked.headers)
        arn = behaviour.functions.get("viewer-request")
        if arn is None or self.node is None:
            return asked
        event = viewer_request(asked.path, asked.query, asked.headers)
        try:
            made = self.node.run(self.code[arn], event)
        except FunctionFailed:
            # The documentation says of it: "CloudFront returns an HTTP 503 response to the viewer".
            return Answer(503)
        if "statusCode" in made:
            location = (made.get("headers") or {}).get("location", {}).get("value")
            return Answer(int(made["statusCode"]), b"", {"location": location} if location else {})
        headers = {name: one["value"] for name, one in (made.get("headers") or {}).items()}
        return Request(made["uri"], query_of(made), headers)

    def _fetched(self, behaviour: Behaviour, request: Request) -> Answer:
        """Return the answer of the origin, or of the second one of a group.

        "CloudFront fails over to the secondary origin when the primary origin returns a specific
        HTTP response code": https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html
        A function on origin-request may choose another origin: "you can update the request.origin
        object": https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
        """
        path, origin = request.path, behaviour.origin
        if arn := behaviour.lambdas.get("origin-request"):
            made = self.lambdas[arn]({"uri": path, "querystring": request.query})
            path = made["uri"]
            for chosen in made.get("origin", {}).values():
                origin = origin_of(chosen["domainName"], chosen["path"])
        group = origin if isinstance(origin, Group) else Group((origin,), frozenset())
        for asked in group.members:
            answer = self._origin(asked, path)
            if answer.status not in group.codes:
                break
        if arn := behaviour.lambdas.get("origin-response"):
            response = {"status": str(answer.status), "body": answer.body}
            made = self.lambdas[arn]({"uri": path, "bucket": asked.bucket}, response)
            return Answer(int(made["status"]), made["body"], answer.headers)
        return answer

    def _origin(self, origin: Origin, path: str) -> Answer:
        if origin.bucket is None:
            server = self.servers.get(origin.domain)
            return server(origin.path + path) if server else Answer(502)
        if origin.website:
            return website(self.buckets, origin.bucket, origin.path + path)
        return rest(self.buckets, origin.bucket, origin.path + path, listable=self.listable)

    def _failed(self, behaviour: Behaviour, error: Answer, cache: Cache) -> tuple[Answer, float]:
        """Return what viewers get for an error of the origin, and how long it stays.

        "CloudFront finds the first cache behavior that has a path pattern that matches the path of
        the custom error page", sends a request for it to that origin, "and also caches the custom
        error page". "If you also configured a cache behavior for the same custom error page,
        CloudFront uses the cache behavior TTL instead": the longer of the two, since it can be read
        as either.
        """
        custom = self.distribution.errors.get(error.status)
        least = custom.seconds if custom else ERROR_SECONDS
        stays = error_seconds(behaviour, error, least, custom=custom is not None)
        if custom is None or not custom.page:
            return error, stays
        its_behaviour = self.distribution.behaviour(normalised(custom.page))
        page = self._page(its_behaviour, custom.page, cache)
        if is_error(page):
            return error, stays
        if its_behaviour.pattern != "*" and behaviour.caching:
            stays = max(stays, seconds(its_behaviour, page, self.clock()))
        return Answer(custom.code, page.body, page.headers), stays

    def _page(self, behaviour: Behaviour, path: str, cache: Cache) -> Answer:
        """Return a custom error page, which may be kept under its own path as well."""
        request = Request(path)
        key = _key(behaviour, request)
        kept = cache.get(key, self.clock())
        if kept is not None:
            return kept
        page = self._fetched(behaviour, request)
        stays = 0.0 if is_error(page) else seconds(behaviour, page, self.clock())
        if stays > 0:
            cache.put(key, Entry(page, self.clock() + stays, frozenset({path})))
        return page


def normalised(path: str) -> str:
    """Return the path that behaviours are matched with.

    "Certain characters are normalized and removed from the path, such as multiple slashes (//) or
    periods (..)."
    """
    kept: list[str] = []
    segments = re.sub(r"/{2,}", "/", path).split("/")[1:]
    for segment in segments:
        if segment == ".." and kept:
            kept.pop()
        elif segment not in (".", ".."):
            kept.append(segment)
    if segments and segments[-1] in (".", "..") and kept and kept[-1]:
        kept.append("")
    return "/" + "/".join(kept)


def _asked(url: str, headers: Mapping[str, str] | None) -> Request:
    path, _, query = url.partition("?")
    return Request(path, query, {name.lower(): value for name, value in (headers or {}).items()})


def _key(behaviour: Behaviour, request: Request) -> Key:
    headers = tuple(request.headers.get(name, "") for name in behaviour.headers)
    return behaviour.pattern, _name(behaviour, request), headers


def _name(behaviour: Behaviour, request: Request) -> str:
    """Return the path, with the part of the query string that is in the cache key."""
    kind, names = behaviour.query
    pairs = [pair for pair in request.query.split("&") if pair]
    if kind == "none":
        pairs = []
    elif kind == "whitelist":
        pairs = [pair for pair in pairs if pair.partition("=")[0] in names]
    elif kind == "allExcept":
        pairs = [pair for pair in pairs if pair.partition("=")[0] not in names]
    return request.path + ("?" + "&".join(pairs) if pairs else "")
