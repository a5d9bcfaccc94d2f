"""The law of freshness: in the end no edge holds what the origin would not return.

The edge is a cache of responses. Any viewer may ask for anything at any moment, so under each path
an edge may hold whatever was answered there since the last invalidation of the path was created:
answered by any configuration that some edge worked by, from the objects that were there. What is
missing is answered by an error, which no edge keeps for long.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from tests.fakes.cloudfront import Made
from tests.faults.account import Distribution
from tests.faults.site import Site


def stale(
    distributions: Mapping[str, Distribution], site: Site, made: Collection[Made], end: datetime
) -> Iterator[str]:
    """Yield a line for each path of a distribution under which an edge may hold another response.

    Args:
        distributions: those of the account; one that answers no viewer in the end is not judged.
        site: the objects behind them.
        made: every invalidation, whoever asked for it.
        end: when everything is quiet.
    """
    for identity, distribution in distributions.items():
        if not distribution.enabled:
            continue
        forgotten = [one for one in made if one.distribution == identity]
        paths = {path for name in list(site.names) for path in distribution.paths(name)}
        for path in sorted(paths):
            since = _other_until(distribution, path, site, end)
            if since is not None and not any(
                one.created_at >= since and one.matches(path) for one in forgotten[::-1]
            ):
                yield f"Stale: {path} of {identity}, as it was until {since}"


def _other_until(
    distribution: Distribution, path: str, site: Site, end: datetime
) -> datetime | None:
    """Return until when something else could be fetched than in the end, None if it never could."""
    final = distribution.config.response(path, site, end)
    spans = list(distribution.spans(end))
    instants = {span.since for span in spans} | {span.until for span in spans}
    for config in distribution.configs:
        for name in config.names(path):
            instants.update(site.instants(name))
    ends = sorted((instant for instant in instants if instant < end), reverse=True)
    later = end
    for instant in ends:
        responses = (
            span.config.response(path, site, instant)
            for span in spans
            if span.since <= instant < span.until
        )
        if any(response not in (None, final) for response in responses):
            return later
        later = instant
    return None
